/* SPDX-License-Identifier: ISC */
/* notice_info.c - what the link of a notice is about, for whoever has it.
 * Here:       the handset that a token means, what waits for it and from whom.
 * Elsewhere:  making the token (notice.c), what of it is shown (plugin/handset_info.c).
 * Called by:  keeper.c, registration.c. Nothing is changed: machines follow links. */
#include "relay/keeper/keeper.h"

bool notice_find(struct keeper *k, const uint8_t token[NOTICE_TOKEN_BYTES],
                 uint8_t handset[16], struct handset_record *h)
{
    uint8_t name[STORE_BLIND_BYTES];
    struct notice_record n;

    store_blind(k->store, "notice", token, NOTICE_TOKEN_BYTES, name);
    if (!tx_get(k, T_NOTICE, name, sizeof name, RECORD_NOTICE, &n) ||
        n.expires_s <= k->now_s)
        return false;
    memcpy(handset, n.handset, 16);
    return tx_get(k, T_HANDSET, handset, 16, RECORD_HANDSET, h);
}

struct look {
    const struct ipc_notice_ask *ask;
    struct ipc_notice_info out;
    const struct handset_record *h;
};

/* Ids ascend, so the last one that names its account is the newest: of those that wait,
 * or of all as long as none does. Told of or not: the link may be opened twice. */
static bool look_at(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    struct look *const l = arg;
    struct message_record m;
    bool waits;

    (void)n;
    if (!tx_get(k, T_MESSAGE, key + 16, 16, RECORD_MESSAGE, &m))
        return true;
    waits = m.fetched_s == 0 && m.expires_s > k->now_s &&
            !optout_is(k, m.handset, l->h, m.account);
    if (waits || l->out.waiting == 0)
        memcpy(l->out.account, m.account, sizeof l->out.account);
    l->out.waiting += waits;
    record_clear(RECORD_MESSAGE, &m);
    return true;
}

static enum ipc_verdict look(struct keeper *k, void *arg)
{
    struct look *const l = arg;
    struct handset_record h;
    uint8_t handset[16];
    size_t n;

    if (!notice_find(k, l->ask->notice, handset, &h))
        return IPC_GONE;
    l->h = &h;
    tx_scan(k, T_BY_HANDSET, handset, 16, NULL, 0, look_at, l);
    n = strlen(h.msisdn);
    (void)span_copy(l->out.ending, sizeof l->out.ending,
                    span_str(h.msisdn + (n > 3 ? n - 3 : 0)));
    (void)span_copy(l->out.language, sizeof l->out.language, span_str(h.language));
    return IPC_OK;
}

void notice_info(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f)
{
    struct look l = { .ask = f->fixed };
    const enum ipc_verdict v = tx_run(k, look, &l);

    if (v != IPC_OK)
        l.out = (struct ipc_notice_info){ .account = "" };
    l.out.verdict = v;
    ipc_send(ch, IPC_NOTICE_INFO, f->call, &l.out, span_of(NULL, 0));
}
