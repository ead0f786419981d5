/* SPDX-License-Identifier: ISC */
/* bearerbox_pace.c - how fast MTs may go over one link.
 * Here:       a token bucket, and the rests that a full bearerbox gets.
 * Elsewhere:  what waits meanwhile (bearerbox.c), when a job is tried again (keeper).
 * Called by:  bearerbox.c.
 * Source:     sealpost.conf(5), throughput; Kannel's sms-outgoing-queue-limit. */
#include "plugin/bearerbox_pace.h"

#define ONE 1000U   /* an MT; a millisecond brings per_s of these */
#define WINDOW_S 5U /* well below the time that a job may wait in the door */
#define WAIT_MOST_MS (60U * 1000U)

static uint64_t most_credit(const struct box_pace *p)
{
    return (uint64_t)p->per_s * ONE;
}

void box_pace_init(struct box_pace *p, unsigned per_s, uint64_t now_ms)
{
    *p = (struct box_pace){ .per_s = per_s, .at_ms = now_ms };
    p->credit = most_credit(p);
}

static void refill(struct box_pace *p, uint64_t now_ms)
{
    const uint64_t most = most_credit(p);
    const uint64_t ms = now_ms > p->at_ms ? now_ms - p->at_ms : 0;

    p->at_ms += ms;
    if (ms >= 1000 || p->credit + ms * p->per_s > most)
        p->credit = most;
    else
        p->credit += ms * p->per_s;
}

unsigned box_pace_wait(struct box_pace *p, uint64_t now_ms)
{
    uint64_t wait_ms = 0;

    refill(p, now_ms);
    if (p->rest_until_ms > now_ms)
        wait_ms = p->rest_until_ms - now_ms;
    else if (p->per_s != 0 && p->credit < ONE)
        wait_ms = (ONE - p->credit + p->per_s - 1) / p->per_s;
    return wait_ms > WAIT_MOST_MS ? WAIT_MOST_MS : (unsigned)wait_ms;
}

void box_pace_take(struct box_pace *p)
{
    p->credit -= p->credit < ONE ? p->credit : ONE;
}

bool box_pace_full(struct box_pace *p, uint64_t given_ms, uint64_t now_ms)
{
    if (given_ms < p->rest_until_ms)
        return false;
    if (p->rest_ms == 0)
        p->rest_ms = BOX_REST_LEAST_MS;
    else
        p->rest_ms =
            p->rest_ms * 2 > BOX_REST_MOST_MS ? BOX_REST_MOST_MS : p->rest_ms * 2;
    p->rest_until_ms = now_ms + p->rest_ms;
    return true;
}

bool box_pace_well(struct box_pace *p, uint64_t given_ms)
{
    if (given_ms < p->rest_until_ms)
        return false;
    p->rest_ms = 0;
    return true;
}

uint32_t box_pace_window(const struct box_pace *p)
{
    if (p->per_s == 0 || p->per_s >= BOX_WINDOW / WINDOW_S + 1)
        return BOX_WINDOW;
    return p->per_s * WINDOW_S;
}
