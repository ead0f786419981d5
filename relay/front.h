/* SPDX-License-Identifier: ISC */
/* front.h - what front.c and submit.c share. */
#ifndef RELAY_FRONT_H
#define RELAY_FRONT_H

#include "relay/core.h"

struct front {
    bool store_full;
    uint32_t epoch_day; /* 0: the keeper has not told yet */
    struct jwe_key epoch;
    struct buf reply_jwk;
    char push_key[B64URL_LEN(65) + 1]; /* "": the keeper has not told yet */
    struct jwe_window window;          /* of the epoch above */
    uint64_t window_end_ms;
};

struct front *front_of(const struct relay *r);

/* front_window - the window that intermediate forms are sealed with now; NULL with *e
 * when no epoch is known or it cannot be made. */
struct jwe_window *front_window(struct front *f, struct err *e);

#endif
