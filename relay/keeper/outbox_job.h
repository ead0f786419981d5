/* SPDX-License-Identifier: ISC */
/* outbox_job.h - what outbox.c and outbox_job.c share: the kinds of entries, and one
 * entry on its way to courier. */
#ifndef RELAY_OUTBOX_JOB_H
#define RELAY_OUTBOX_JOB_H

#include "relay/keeper/keeper.h"

/* What an outbox kind is, in one place. */
struct outbox_kind_row {
    const char *name;
    enum outbox_lane lane;
    char ref;               /* in the DLR's reference; 0: no SMS */
    enum template_id words; /* of an SMS without values of its own */
};
extern const struct outbox_kind_row outbox_kinds[OUTBOX_KIND_COUNT];

struct handover {
    struct tx_key key;
    struct outbox_record o;
    struct handset_record h;
    struct buf text; /* clear text: wiped */
    union {
        struct ipc_job_sms sms;
        struct ipc_job_mail mail;
        struct ipc_job_callback callback;
        struct ipc_job_push push;
    } job;
    bool alone;
};

/* job_make - w->key, w->o and an empty w->text are given; fills the rest. IPC_OK;
 * IPC_GONE: nothing to say any more; IPC_TEMP: not now. */
enum ipc_verdict job_make(struct keeper *k, struct handover *w);
void handover_clear(struct handover *w);

static inline const uint8_t *job_of(const struct tx_key *key)
{
    return key->b + 9; /* behind lane and due time */
}

#endif
