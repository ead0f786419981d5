/* SPDX-License-Identifier: ISC */
/* jws.h - signatures as JOSE writes them: ES256 (RFC 7518 3.4). */
#ifndef RELAY_JWS_H
#define RELAY_JWS_H

#include "relay/span.h"
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#define JWS_ES256_BYTES 64U

/* jws_sign - r and s of 32 bytes each; key is a P-256 pair. false: no memory. */
bool jws_sign(EVP_PKEY *key, struct span input, uint8_t raw[JWS_ES256_BYTES]);

#endif
