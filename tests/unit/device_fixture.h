/* SPDX-License-Identifier: ISC */
/* device_fixture.h - devices of a handset in the keeper of keeper_fixture.h, and their
 * calls as front brings them. */
#ifndef TESTS_UNIT_DEVICE_FIXTURE_H
#define TESTS_UNIT_DEVICE_FIXTURE_H

#include "tests/unit/keeper_fixture.h"
#include "tests/unit/proof_fixture.h"

struct device {
    uint8_t id[16], handset[16];
    EVP_PKEY *signing;
    struct jwe_key encryption;
};

/* Of the last call. */
static struct ipc_device_answer answer;
/* For the next calls of CALL_LIST. */
static uint8_t after[16];

struct put {
    enum store_table table;
    const void *key;
    size_t key_bytes;
    enum record_kind kind;
    const void *record; /* NULL: a mark */
};

static inline enum ipc_verdict put_now(struct keeper *keeper, void *arg)
{
    const struct put *p = arg;

    if (p->record == NULL)
        tx_mark(keeper, p->table, p->key, p->key_bytes);
    else
        tx_put(keeper, p->table, p->key, p->key_bytes, p->kind, p->record);
    return IPC_OK;
}

static inline void put_record(enum store_table table, const uint8_t id[16],
                              enum record_kind kind, const void *record)
{
    struct put p = { table, id, 16, kind, record };

    assert_int_equal(tx_run(&k, put_now, &p), IPC_OK);
}

static inline void put_mark(enum store_table table, const struct tx_key *key)
{
    struct put p = { table, key->b, key->n, 0, NULL };

    assert_int_equal(tx_run(&k, put_now, &p), IPC_OK);
}

struct added {
    struct device *device;
    const char *msisdn;
    struct device_record d;
};

static inline enum ipc_verdict add_now(struct keeper *keeper, void *arg)
{
    struct added *a = arg;
    struct handset_record h;

    keeper_handset(keeper, a->device->handset, a->msisdn, &h);
    memcpy(h.devices[h.device_count++], a->device->id, 16);
    tx_put(keeper, T_HANDSET, a->device->handset, 16, RECORD_HANDSET, &h);
    tx_put(keeper, T_DEVICE, a->device->id, 16, RECORD_DEVICE, &a->d);
    device_watch(keeper, a->device->id, &a->d);
    return IPC_OK;
}

/* A device that registered now; held_until_s as in its record. */
static inline void device_add(struct device *device, const char *msisdn,
                              enum device_type type, uint64_t held_until_s)
{
    struct added a = { .device = device,
                       .msisdn = msisdn,
                       .d = { .type = (uint8_t)type,
                              .created_s = k.now_s,
                              .seen_s = k.now_s,
                              .held_until_s = held_until_s } };
    EVP_PKEY *pkey;
    struct jwe_key key;
    struct buf der;
    struct err e;

    keeper_random(device->id, 16);
    keeper_handset_id(&k, msisdn, device->handset);
    device->signing = jwe_key_new_p256(&e);
    assert_int_equal(jwe_key_from_pkey(&key, device->signing, &e), 0);
    assert_int_equal(jwe_key_point(&key, a.d.signing_point, &e), 0);
    jwe_key_clear(&key);
    pkey = jwe_key_new_p256(&e);
    assert_int_equal(jwe_key_from_pkey(&device->encryption, pkey, &e), 0);
    EVP_PKEY_free(pkey);
    buf_init(&der, IPC_TAIL_KEY);
    assert_int_equal(jwe_key_der(&device->encryption, &der, &e), 0);
    memcpy(a.d.handset, device->handset, 16);
    memcpy(a.d.kid, device->encryption.kid, 32);
    a.d.encryption_key = (struct record_blob){ (uint8_t *)der.p, der.n };
    assert_int_equal(tx_run(&k, add_now, &a), IPC_OK);
    buf_clear(&der);
}

static inline void device_clear(struct device *device)
{
    jwe_key_clear(&device->encryption);
    EVP_PKEY_free(device->signing);
}

/* What front would read: the fixed part of the answer; its tail is skipped. */
static inline void hear_answer(void)
{
    static uint8_t frame[1U << 20];
    const size_t head = 16 + sizeof answer;
    ssize_t n;

    (void)event_base_loop(k.base, EVLOOP_NONBLOCK);
    n = recv(other_ends[1], frame, sizeof frame, MSG_DONTWAIT);
    assert_true(n >= (ssize_t)head);
    memcpy(&answer, frame + 16, sizeof answer);
    do {
        (void)event_base_loop(k.base, EVLOOP_NONBLOCK);
    } while (recv(other_ends[1], frame, sizeof frame, MSG_DONTWAIT) > 0);
}

static inline enum ipc_verdict device_ask(const struct device *device,
                                          enum device_call call, const uint8_t *id,
                                          const char *body)
{
    static const struct {
        const char *method, *path;
    } calls[CALL_COUNT] = {
        [CALL_LIST] = { "GET", "/api/v1/messages" },
        [CALL_READ] = { "POST", "/api/v1/messages/%s/read" },
        [CALL_DEVICES] = { "GET", "/api/v1/devices" },
        [CALL_REVOKE] = { "DELETE", "/api/v1/devices/%s" },
        [CALL_PUSH] = { "POST", "/api/v1/devices/%s/push" },
        [CALL_LABEL] = { "POST", "/api/v1/devices/%s/label" },
    };
    struct ipc_device_call in = { .call = (uint8_t)call };
    char hex[HEX_LEN(16) + 1] = "", header[128], url[128], nonce[48];
    struct buf proof, path, tail;

    if (id != NULL) {
        memcpy(in.id, id, 16);
        (void)hex_text(hex, id, 16);
    }
    memcpy(in.after, after, 16);
    buf_init(&path, sizeof url);
    for (const char *p = calls[call].path; *p != '\0'; p++)
        if (*p == '%')
            buf_put(&path, hex), p++;
        else
            buf_put_u8(&path, (uint8_t)*p);
    (void)snprintf(url, sizeof url, "%s%s", config.public_url, buf_cstr(&path));
    buf_clear(&path);
    (void)snprintf(header, sizeof header,
                   "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"kid\":\"%s\"}",
                   hex_text(hex, device->id, 16));
    proof_nonce(k.proofs, k.now_s, nonce);
    proof_make(&proof, device->signing, header, calls[call].method, url, body, nonce);
    buf_init(&tail, IPC_TAIL_CALL);
    buf_put_be16(&tail, (uint16_t)proof.n);
    buf_put_span(&tail, buf_span(&proof));
    buf_put(&tail, body);
    const struct ipc_frame f = { IPC_DEVICE_CALL, 1, &in, buf_span(&tail) };

    device_call(&k, k.peers[1], &f);
    hear_answer();
    buf_clear(&proof);
    buf_clear(&tail);
    return (enum ipc_verdict)answer.verdict;
}

#endif
