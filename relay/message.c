/* SPDX-License-Identifier: ISC */
/* message.c - the few things about messages that front and keeper must do alike.
 * Here:       the name of a set of devices, what an application asks to be told.
 * Elsewhere:  sealing (jwe.c), the record (bdb/record.h).
 * Called by:  submit.c, reseal.c. */
#include "relay/message.h"
#include "relay/encode.h"
#include <openssl/evp.h>
#include <stdio.h>

#define NAME_BYTES 16U

void message_name_devices(const struct jwe_key *keys, size_t n, char out[JWE_TO_MAX])
{
    uint8_t kids[JWE_RECIPIENTS_MAX * JWE_KID_BYTES], hash[32];
    char hex[HEX_LEN(NAME_BYTES) + 1];

    for (size_t i = 0; i < n; i++)
        memcpy(kids + i * JWE_KID_BYTES, keys[i].kid, JWE_KID_BYTES);
    (void)EVP_Q_digest(NULL, "SHA256", NULL, kids, n * JWE_KID_BYTES, hash, NULL);
    (void)snprintf(out, JWE_TO_MAX, "devices-%s", hex_text(hex, hash, NAME_BYTES));
}

void report_ask_pack(const struct report_ask *r, struct buf *out)
{
    const struct span texts[] = { r->url, r->from, r->smsc, r->account_param };

    if (r->url.n == 0)
        return;
    buf_put_be32(out, r->mask);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        out->failed = out->failed || texts[i].n > REPORT_ASK_MAX;
        buf_put_be16(out, (uint16_t)texts[i].n);
        buf_put_span(out, texts[i]);
    }
}

bool report_ask_unpack(struct span packed, struct report_ask *r)
{
    struct span *const texts[] = { &r->url, &r->from, &r->smsc, &r->account_param };
    struct cur c = cur_of(packed);

    *r = (struct report_ask){ 0 };
    if (packed.n == 0)
        return true;
    if (!cur_be32(&c, &r->mask))
        return false;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint16_t n;

        if (!cur_be16(&c, &n) || !cur_span(&c, n, texts[i]))
            return false;
    }
    return cur_done(&c) && r->url.n > 0;
}
