/* SPDX-License-Identifier: ISC */
/* encode.h - hex, base64url (RFC 4648 5, no padding) and lower-case base32.
 *
 * Decoders are strict: they refuse padding, blanks, other letters and non-zero spare
 * bits, so one value has one spelling. They do not branch on the bytes' values beyond
 * "is a letter of the alphabet". */
#ifndef RELAY_ENCODE_H
#define RELAY_ENCODE_H

#include "relay/span.h"

#define HEX_LEN(bytes) (2 * (size_t)(bytes))
#define B64URL_LEN(bytes) ((4 * (size_t)(bytes) + 2) / 3)
#define B32_LEN(bytes) ((8 * (size_t)(bytes) + 4) / 5)

/* hex_text - writes HEX_LEN(n) lower-case letters and a NUL; returns to. */
char *hex_text(char *to, const uint8_t *bytes, size_t n);
/* hex_take - decodes exactly n bytes; false when text is not HEX_LEN(n) hex digits
 * (lower case only: ids have one spelling). */
bool hex_take(struct span text, uint8_t *out, size_t n);

void b64url_put(struct buf *b, const void *bytes, size_t n);
/* b64url_take - appends the decoded bytes to out; false when text is not base64url. */
bool b64url_take(struct span text, struct buf *out);
/* b64url_take_exact - decodes exactly n bytes. */
bool b64url_take_exact(struct span text, uint8_t *out, size_t n);

/* b32_text - writes B32_LEN(n) letters of a-z2-7 and a NUL; returns to. */
char *b32_text(char *to, const uint8_t *bytes, size_t n);
/* b32_take - decodes exactly n bytes, either case (mail folds local parts). */
bool b32_take(struct span text, uint8_t *out, size_t n);

#endif
