/* SPDX-License-Identifier: ISC */
/* config_free.c - the end of a configuration.
 * Here:       what each section owns, given back; secrets are wiped.
 * Elsewhere:  who fills it (config_value.c).
 * Called by:  config.c (a section that was not whole), sealpostd.c (SIGHUP). */
#include "relay/config_value.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

void config_listen_clear(struct config_listen *listen)
{
    free(listen->certificate);
    free(listen->key);
}

void config_kannel_clear(struct config_kannel *kannel)
{
    free(kannel->title);
    free(kannel->box_id);
    free(kannel->sender);
    free(kannel->tls_ca);
    free(kannel->tls_name);
}

static void secret_free(char *secret)
{
    if (secret != NULL)
        OPENSSL_cleanse(secret, strlen(secret));
    free(secret);
}

void config_account_clear(struct config_account *a)
{
    char *const texts[] = {
        a->brand,       a->username,       a->faked_sender,
        a->forced_smsc, a->default_sender, a->default_smsc,
        a->reply_url,   a->reply_mail,     a->dlr_url,
    };
    struct config_words *const lists[] = {
        &a->senders,    &a->allowed_prefix, &a->denied_prefix,
        &a->white_list, &a->black_list,     &a->callback_hosts,
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(texts[i]);
    config_logo_free(a->logo);
    secret_free(a->password);
    secret_free(a->token);
    secret_free(a->callback_secret);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        config_words_clear(lists[i]);
    free(a->networks.p);
    free(a->denied_networks.p);
    free(a->callback_networks.p);
    config_regex_free(a->white_list_regex);
    config_regex_free(a->black_list_regex);
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->listen_count; i++)
        config_listen_clear(&c->listens[i]);
    for (size_t i = 0; i < c->kannel_count; i++)
        config_kannel_clear(&c->kannels[i]);
    for (size_t i = 0; i < c->account_count; i++)
        config_account_clear(&c->accounts[i]);
    free(c->listens);
    free(c->kannels);
    free(c->accounts);
    free(c->path);
    free(c->domain);
    free(c->public_url);
    free(c->public_host);
    free(c->operator_name);
    free(c->operator_contact);
    free(c->store);
    free(c->keys);
    free(c->master_key_file);
    free(c->templates);
    free(c->mail_helo);
    free(c->otp_to);
    free(c->mo_account);
    free(c->push_contact);
    free(c->push_ca);
    free(c->push_networks.p);
    config_words_clear(&c->push_hosts);
    config_words_clear(&c->otp_smscs);
    config_words_clear(&c->stop_words);
    config_words_clear(&c->start_words);
    config_words_clear(&c->help_words);
    config_words_clear(&c->wrong_words);
    config_words_clear(&c->all_words);
    free(c);
}
