/* SPDX-License-Identifier: ISC */
/* config_find.c - which account it is: by name, by user, by envelope sender.
 * Here:       the look-ups in a configuration that is loaded.
 * Elsewhere:  loading it (config.c), one network (config_parse.c), passwords and tokens
 *             (auth.c).
 * Called by:  every process. */
#include "relay/config.h"
#include <string.h>

const struct config_account *config_account(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->account_count; i++)
        if (strcmp(c->accounts[i].name, name) == 0)
            return &c->accounts[i];
    return NULL;
}

const char *config_shown_name(const struct config *c, const struct config_account *a)
{
    return a != NULL && a->notice_brand ? a->brand : c->operator_name;
}

static char lower(char ch)
{
    return ch >= 'A' && ch <= 'Z' ? (char)(ch | 0x20) : ch;
}

/* pattern against text without regard to ASCII case; * is any run without "@". Goes
 * back to the last star only: the work is at most pattern times text. */
static bool is_match(const char *pattern, struct span text)
{
    const char *star = NULL;
    size_t i = 0, resume = 0;

    while (i < text.n) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = i;
        } else if (*pattern != '\0' && lower(*pattern) == lower(text.p[i])) {
            pattern++;
            i++;
        } else if (star != NULL && text.p[resume] != '@') {
            pattern = star;
            i = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool is_sender(const struct config_account *a, struct span sender)
{
    for (size_t i = 0; i < a->senders.n; i++)
        if (is_match(a->senders.p[i], sender))
            return true;
    return false;
}

bool config_networks_have(const struct config_networks *n, const struct sockaddr *sa)
{
    for (size_t i = 0; sa != NULL && i < n->n; i++)
        if (config_network_has(&n->p[i], sa))
            return true;
    return false;
}

static bool is_client(const struct config_account *a, const struct sockaddr *client)
{
    return a->networks.n == 0 || config_networks_have(&a->networks, client);
}

const struct config_account *config_account_by_username(const struct config *c,
                                                        struct span username)
{
    for (size_t i = 0; i < c->account_count; i++)
        if (c->accounts[i].password != NULL &&
            span_eq_str(username, c->accounts[i].username))
            return &c->accounts[i];
    return NULL;
}

const struct config_account *config_account_for(const struct config *c,
                                                struct span sender,
                                                const struct sockaddr *client)
{
    for (size_t i = 0; i < c->account_count; i++)
        if (is_sender(&c->accounts[i], sender) && is_client(&c->accounts[i], client))
            return &c->accounts[i];
    return NULL;
}
