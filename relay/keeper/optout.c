/* SPDX-License-Identifier: ISC */
/* optout.c - who wants no messages from whom.
 * Here:       one account, or all of them, for a handset.
 * Elsewhere:  the words that people send (inbound_words.c).
 * Called by:  intake.c, plain.c, notice.c, inbound_words.c. */
#include "relay/keeper/keeper.h"

static struct tx_key key_of(const struct keeper *k, const uint8_t handset[16],
                            const char *account)
{
    uint8_t name[STORE_BLIND_BYTES];

    store_blind(k->store, "account", account, strlen(account), name);
    return tx_key_ids(handset, name);
}

bool optout_is(struct keeper *k, const uint8_t handset[16],
               const struct handset_record *h, const char *account)
{
    const struct tx_key key = key_of(k, handset, account);

    return h->opted_out != 0 || tx_has(k, T_OPT_OUT, key.b, key.n);
}

bool optout_set(struct keeper *k, const uint8_t handset[16], struct handset_record *h,
                const char *account, bool stopped)
{
    struct tx_key key;
    bool was;

    if (account == NULL) {
        was = h->opted_out != 0;
        h->opted_out = stopped;
        return was != stopped;
    }
    key = key_of(k, handset, account);
    was = tx_has(k, T_OPT_OUT, key.b, key.n);
    if (stopped && !was)
        tx_mark(k, T_OPT_OUT, key.b, key.n);
    else if (!stopped && was)
        tx_del(k, T_OPT_OUT, key.b, key.n);
    return was != stopped;
}

static bool end_one(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    tx_del(k, T_OPT_OUT, key, n);
    *(bool *)arg = true;
    return true;
}

bool optout_end(struct keeper *k, const uint8_t handset[16])
{
    bool any = false;

    tx_scan(k, T_OPT_OUT, handset, 16, NULL, 0, end_one, &any);
    return any;
}
