/* SPDX-License-Identifier: ISC */
/* device.c - what a registered device is: held, doubtful, fresh, over.
 * Here:       those rules, its keys to seal to, its end.
 * Elsewhere:  what it may ask for (device_call.c), how it comes to be
 *             (registration.c).
 * Called by:  device_call.c, intake.c, registration.c, reseal.c, expiry.c.
 * Source:     DESIGN 5.3. */
#include "relay/keeper/keeper.h"

/* So long its number's owner may disown a device that an SMS registered. */
#define DOUBTFUL_S 604800U
/* Last-seen times are written no finer than this, or than a part of the time after
 * which the device counts as idle. */
#define SEEN_EVERY_S 3600U
#define SEEN_PARTS 60U

bool device_is_held(const struct keeper *k, const struct device_record *d)
{
    return d->held_until_s > k->now_s;
}

bool device_is_doubtful(const struct keeper *k, const struct device_record *d)
{
    return d->held_until_s == UINT64_MAX ||
           (d->held_until_s != 0 && d->held_until_s + DOUBTFUL_S > k->now_s);
}

void device_remove(struct keeper *k, struct handset_record *h, size_t i)
{
    tx_del(k, T_DEVICE, h->devices[i], 16);
    push_forget(k, h->devices[i]);
    LOG(L_INFO, "device.revoked", LOG_ID("device", h->devices[i]));
    h->device_count--;
    memmove(h->devices[i], h->devices[h->device_count], 16); /* no order in them */
}

static uint64_t idle_s(const struct keeper *k, const struct device_record *d)
{
    switch (d->type) {
    case DEVICE_BROWSER:
        return k->config->idle_browser_s;
    case DEVICE_SHARED:
        return k->config->idle_shared_s;
    default:
        return k->config->idle_installed_s;
    }
}

static bool called_lately(const struct keeper *k, const struct device_record *d)
{
    return d->seen_s + idle_s(k, d) > k->now_s;
}

bool device_is_over(const struct keeper *k, const struct device_record *d)
{
    return d->type == DEVICE_SHARED && !called_lately(k, d);
}

bool device_seen(const struct keeper *k, struct device_record *d)
{
    const uint64_t finest_s = idle_s(k, d) / SEEN_PARTS;

    if (d->seen_s + (finest_s < SEEN_EVERY_S ? finest_s : SEEN_EVERY_S) > k->now_s)
        return false;
    d->seen_s = k->now_s;
    return true;
}

bool device_is_fresh(const struct keeper *k, const struct device_record *d)
{
    return !device_is_held(k, d) && called_lately(k, d);
}

/* A shared phone is soon gone, and its key with it. What no other device could open
 * later is not sealed to it for good but lent to it (reseal_lend). */
size_t device_keys(struct keeper *k, const struct handset_record *h,
                   struct jwe_key keys[JWE_RECIPIENTS_MAX])
{
    bool lasting = false;
    size_t n = 0;

    for (size_t i = 0; i < h->device_count && i < RECORD_DEVICES; i++) {
        struct device_record d;
        struct err e;

        if (!tx_get(k, T_DEVICE, h->devices[i], 16, RECORD_DEVICE, &d))
            continue;
        if (device_is_fresh(k, &d) &&
            jwe_key_from_der(&keys[n], span_of(d.encryption_key.p, d.encryption_key.n),
                             &e) == 0) {
            lasting = lasting || d.type != DEVICE_SHARED;
            n++;
        }
        record_clear(RECORD_DEVICE, &d);
    }
    while (!lasting && n > 0)
        jwe_key_clear(&keys[--n]);
    return n;
}

void device_watch(struct keeper *k, const uint8_t id[16], const struct device_record *d)
{
    const struct tx_key e = tx_key_expiry(d->seen_s + idle_s(k, d), 'V', id);

    if (d->type == DEVICE_SHARED)
        tx_mark(k, T_BY_EXPIRY, e.b, e.n);
}

static void leave_handset(struct keeper *k, const uint8_t id[16],
                          const struct device_record *d)
{
    struct handset_record h;

    if (!tx_get(k, T_HANDSET, d->handset, 16, RECORD_HANDSET, &h))
        return;
    for (size_t i = 0; i < h.device_count; i++)
        if (memcmp(h.devices[i], id, 16) == 0) {
            device_remove(k, &h, i);
            tx_put(k, T_HANDSET, d->handset, 16, RECORD_HANDSET, &h);
            break;
        }
}

void device_end_silent(struct keeper *k, const uint8_t id[16])
{
    struct device_record d;

    if (!tx_get(k, T_DEVICE, id, 16, RECORD_DEVICE, &d))
        return;
    if (device_is_over(k, &d))
        leave_handset(k, id, &d);
    else
        device_watch(k, id, &d); /* it called meanwhile */
    record_clear(RECORD_DEVICE, &d);
}
