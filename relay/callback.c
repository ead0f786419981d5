/* SPDX-License-Identifier: ISC */
/* callback.c - where an account's callbacks may go, and how they are signed.
 * Here:       an account's rules, the signature.
 * Elsewhere:  what the rules mean (url_rules.c), the request itself
 *             (plugin/callback.c), escapes (escape.c).
 * Called by:  front's doors when a URL is asked for, plugin/callback.c. */
#include "relay/callback.h"
#include "relay/encode.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>

struct url_rules callback_rules(const struct config_account *a)
{
    return (struct url_rules){ .hosts = &a->callback_hosts,
                               .networks = &a->callback_networks,
                               .own = { a->reply_url, a->dlr_url } };
}

int callback_check_url(const struct config_account *a, struct span url, struct err *e)
{
    const struct url_rules rules = callback_rules(a);

    return url_rules_check(&rules, url, e) == 0
               ? 0
               : err_wrap(e, "callback of %s", a->name);
}

bool callback_may_connect(const struct config_account *a, const struct sockaddr *sa)
{
    const struct url_rules rules = callback_rules(a);

    return url_rules_may_connect(&rules, sa);
}

bool callback_sign(const struct config_account *a, uint64_t now_s, const char *method,
                   struct span url, struct span body, char out[CALLBACK_SIGNATURE_ROOM])
{
    char hex[HEX_LEN(EVP_MAX_MD_SIZE) + 1];
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned mac_n = 0;
    struct buf said, header;
    bool ok;

    out[0] = '\0';
    if (a->callback_secret == NULL)
        return false;
    buf_init(&said, url.n + body.n + 64);
    buf_printf(&said, "%llu.%s.", (unsigned long long)now_s, method);
    buf_put_span(&said, url);
    buf_put_u8(&said, '.');
    buf_put_span(&said, body);
    buf_init(&header, CALLBACK_SIGNATURE_ROOM - 1);
    ok = buf_ok(&said) &&
         HMAC(EVP_sha256(), a->callback_secret, (int)strlen(a->callback_secret),
              (const unsigned char *)said.p, said.n, mac, &mac_n) != NULL;
    if (ok) {
        buf_printf(&header, "t=%llu,v1=%s", (unsigned long long)now_s,
                   hex_text(hex, mac, mac_n));
        ok = buf_ok(&header) &&
             span_copy(out, CALLBACK_SIGNATURE_ROOM, buf_span(&header));
    }
    buf_wipe(&said);
    buf_clear(&header);
    return ok;
}
