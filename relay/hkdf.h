/* SPDX-License-Identifier: ISC */
/* hkdf.h - HKDF-SHA-256 (RFC 5869). */
#ifndef RELAY_HKDF_H
#define RELAY_HKDF_H

#include "relay/span.h"
#include <stdbool.h>
#include <stdint.h>

/* hkdf - n bytes from key; salt may be empty. Wipe them. false: no memory. */
bool hkdf(struct span salt, struct span key, struct span info, uint8_t *out, size_t n);

#endif
