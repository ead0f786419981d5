/* SPDX-License-Identifier: ISC */
/* stream.h - parts: AES-256-GCM in chunks, STREAM construction (Hoang et al. 2015).
 *
 * A part has its own random 32-byte key. Nonce of a chunk: 7 zero bytes, chunk number
 * be32, 1 on the last chunk else 0. Every chunk but the last holds STREAM_CHUNK bytes
 * of clear text; a chunk's ciphertext is the clear text and a 16-byte tag. An empty
 * part is one empty last chunk. Key, size, chunk size and the SHA-256 of the whole
 * ciphertext stand in the manifest. Never use the key for other bytes. */
#ifndef RELAY_STREAM_H
#define RELAY_STREAM_H

#include "relay/err.h"
#include "relay/span.h"
#include <stdint.h>

#define STREAM_CHUNK (256U << 10)
#define STREAM_TAG 16U
#define STREAM_KEY 32U

/* stream_sealed_bytes - size of the ciphertext of n bytes. */
uint64_t stream_sealed_bytes(uint64_t n);
/* stream_seal - whole part; appends the ciphertext, fills key and sha256. */
int stream_seal(struct span plain, uint8_t key_out[STREAM_KEY], uint8_t sha256_out[32],
                struct buf *out, struct err *e);
/* stream_open - whole part, checking sha256 first. ERR_PERM 5.6.0 when cut or changed.
 */
int stream_open(struct span sealed, const uint8_t key[STREAM_KEY],
                const uint8_t sha256[32], struct buf *out, struct err *e);

#endif
