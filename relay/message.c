/* SPDX-License-Identifier: ISC */
/* message.c - the few things about messages that front and keeper must do alike.
 * Here:       the name of a set of devices.
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
