/* SPDX-License-Identifier: ISC */
/* bearerbox_pace.h - how fast MTs may go over one link: its throughput, and its rest
 * when bearerbox says that it is full.
 *
 * Pure: the caller brings the time, milliseconds of a clock that never goes back. */
#ifndef PLUGIN_BEARERBOX_PACE_H
#define PLUGIN_BEARERBOX_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define BOX_REST_LEAST_MS 1000U
#define BOX_REST_MOST_MS 30000U
#define BOX_WINDOW 256U /* of a link without a limit: the keeper's own */

struct box_pace {
    unsigned per_s;         /* MTs a second; 0: as many as it takes */
    uint64_t credit, at_ms; /* thousandths of an MT, as of at_ms */
    uint64_t rest_until_ms; /* nothing is given before */
    unsigned rest_ms;       /* the last rest's length; 0: it was well since */
};

/* box_pace_init - a whole second's worth may go at once, at least one MT. */
void box_pace_init(struct box_pace *p, unsigned per_s, uint64_t now_ms);
/* box_pace_wait - milliseconds until the next MT may go; 0: now. */
unsigned box_pace_wait(struct box_pace *p, uint64_t now_ms);
/* box_pace_take - it went. */
void box_pace_take(struct box_pace *p);
/* box_pace_full - bearerbox had no room for the MT that it was given at given_ms: a
 * rest of a second, doubling to half a minute. true: a rest begins; false: that MT was
 * given before the last rest, which was for it as well. */
bool box_pace_full(struct box_pace *p, uint64_t given_ms, uint64_t now_ms);
/* box_pace_well - it took that MT. true: it does so since the last rest. */
bool box_pace_well(struct box_pace *p, uint64_t given_ms);
/* box_pace_window - how many MTs it wants at hand, so that it never waits for the
 * keeper and none waits for long: five seconds' worth. */
uint32_t box_pace_window(const struct box_pace *p);

#endif
