/* SPDX-License-Identifier: ISC */
/* reseal.c - from the intermediate to the final form.
 * Here:       the one place where the keeper opens messages, and never hands them out.
 * Elsewhere:  formats (jwe.c), when (registration.c, device.c).
 * Called by:  registration.c, device.c; reply.c for a subject.
 * Source:     seed 328-330; claim 5. Form, index and body change in one transaction, so
 * a message is never lost between the two. */
#include "relay/keeper/keeper.h"
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>

struct resealing {
    struct jwe_key keys[JWE_RECIPIENTS_MAX];
    size_t key_count, done, max;
    char to[JWE_TO_MAX];
};

static int open_message(struct keeper *k, const uint8_t id[16],
                        const struct message_record *m, struct buf *plain,
                        struct err *e)
{
    uint8_t kid[JWE_KID_BYTES];
    struct jwe_header header;
    int rc;

    if (!keys_epoch_kid(k->keys, m->epoch, kid))
        return err_set(e, ERR_PERM, "5.3.5", "no epoch %u", m->epoch);
    rc = jwe_open_next(&k->opened, span_of(m->sealed.p, m->sealed.n),
                       keys_epoch_private(k->keys, m->epoch), kid, &header, plain, e);
    if (rc == 0 && memcmp(header.id, id, 16) != 0)
        rc = err_set(e, ERR_PERM, "5.6.0", "sealed as another message");
    return rc;
}

/* The message sealed to the devices; sealed is the caller's, empty when it fails. */
static int seal_to(struct keeper *k, const uint8_t id[16],
                   const struct message_record *m, const struct resealing *r,
                   struct buf *sealed, struct err *e)
{
    struct jwe_header header = { .typ = "sealpost-message", .created_s = k->now_s };
    const struct jwe_key *to[JWE_RECIPIENTS_MAX];
    struct buf plain;
    int rc;

    for (size_t i = 0; i < r->key_count; i++)
        to[i] = &r->keys[i];
    memcpy(header.id, id, 16);
    memcpy(header.to, r->to, sizeof header.to);
    buf_init(&plain, JWE_PLAIN_MAX_BYTES);
    buf_init(sealed, 2 * JWE_PLAIN_MAX_BYTES);
    rc = open_message(k, id, m, &plain, e);
    if (rc == 0)
        rc = jwe_seal(&header, to, r->key_count, buf_span(&plain), sealed, e);
    buf_wipe(&plain);
    if (rc != 0)
        buf_clear(sealed);
    return rc;
}

static void reseal_one(struct keeper *k, const uint8_t id[16], struct message_record *m,
                       struct resealing *r)
{
    const struct tx_key e_key = tx_key_epoch(m->epoch, 'M', id);
    struct buf sealed;
    struct err e;

    if (seal_to(k, id, m, r, &sealed, &e) != 0) {
        LOG(L_ERROR, "message.not-resealed", LOG_ID("msg", id), LOG_WHY(&e));
        return;
    }
    free(m->sealed.p);
    m->sealed = (struct record_blob){ (uint8_t *)sealed.p, sealed.n };
    m->form = FORM_FINAL;
    m->epoch = 0;
    tx_put(k, T_MESSAGE, id, 16, RECORD_MESSAGE, m);
    tx_del(k, T_BY_EPOCH, e_key.b, e_key.n);
    r->done++;
    LOG(L_INFO, "message.resealed", LOG_ID("msg", id),
        LOG_U64("devices", r->key_count));
}

static bool look(struct keeper *k, const uint8_t *key, size_t n, void *arg)
{
    struct resealing *r = arg;
    struct message_record m;

    (void)n;
    if (!tx_get(k, T_MESSAGE, key + 16, 16, RECORD_MESSAGE, &m))
        return true;
    if (m.form == FORM_INTERMEDIATE && m.expires_s > k->now_s)
        reseal_one(k, key + 16, &m, r);
    record_clear(RECORD_MESSAGE, &m);
    return r->done < r->max;
}

size_t reseal_waiting(struct keeper *k, const uint8_t handset[16],
                      const struct handset_record *h, size_t max)
{
    struct resealing r = { .max = max };

    r.key_count = device_keys(k, h, r.keys);
    if (r.key_count > 0) {
        message_name_devices(r.keys, r.key_count, r.to);
        tx_scan(k, T_BY_HANDSET, handset, 16, NULL, 0, look, &r);
    }
    for (size_t i = 0; i < r.key_count; i++)
        jwe_key_clear(&r.keys[i]);
    return r.done;
}

bool reseal_lend(struct keeper *k, const uint8_t id[16], const struct message_record *m,
                 const struct device_record *d, struct buf *sealed)
{
    struct resealing r = { .key_count = 1 };
    struct err e;
    int rc;

    buf_init(sealed, 0);
    rc = jwe_key_from_der(&r.keys[0], span_of(d->encryption_key.p, d->encryption_key.n),
                          &e);
    if (rc == 0) {
        message_name_devices(r.keys, 1, r.to);
        rc = seal_to(k, id, m, &r, sealed, &e);
        jwe_key_clear(&r.keys[0]);
    }
    if (rc != 0)
        LOG(L_ERROR, "message.not-resealed", LOG_ID("msg", id), LOG_WHY(&e));
    return rc == 0;
}

void reseal_peek_subject(struct keeper *k, const uint8_t message[16], char *subject,
                         size_t room)
{
    struct message_record m;
    struct buf plain;
    struct err e;
    json_t *j;

    subject[0] = '\0';
    if (!tx_get(k, T_MESSAGE, message, 16, RECORD_MESSAGE, &m))
        return;
    buf_init(&plain, JWE_PLAIN_MAX_BYTES);
    if (m.form == FORM_INTERMEDIATE && open_message(k, message, &m, &plain, &e) == 0) {
        j = json_loadb(plain.p, plain.n, JSON_REJECT_DUPLICATES, NULL);
        if (json_is_string(json_object_get(j, "subject")))
            (void)span_copy(subject, room,
                            span_str(json_string_value(json_object_get(j, "subject"))));
        json_decref(j);
    }
    buf_wipe(&plain);
    record_clear(RECORD_MESSAGE, &m);
}
