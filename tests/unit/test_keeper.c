/* SPDX-License-Identifier: ISC */
/* test_keeper.c - what the keeper does in corners that no neighbour can be brought
 * into: its real store and keys, its handlers called as a channel would, the clock by
 * hand. */
#include "relay/keeper.h"
#include <event2/event.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1795500000U
#define MSISDN "61412345678"

static struct keeper k;
static struct config config;
static struct config_account account = { .name = "northside",
                                         .brand =
                                             (char *)(uintptr_t) "Northside Clinic",
                                         .daily_limit = 1000,
                                         .language = "en" };
static char dir[64];
static int other_ends[2]; /* what courier and front would read */

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void write_passphrase(const char *path)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    (void)fputs("a passphrase for tests\n", f);
    (void)fclose(f);
    assert_int_equal(chmod(path, 0600), 0);
}

static void ignore_frame(void *ctx, struct ipc_channel *ch, const struct ipc_frame *f)
{
    (void)ctx, (void)ch, (void)f;
}

static void ignore_end(void *ctx, struct ipc_channel *ch, const char *why)
{
    (void)ctx, (void)ch, (void)why;
}

static int setup(void **state)
{
    struct store_options o = { .cache_bytes = 1U << 20 };
    char store[80], keys[80], pass[80], why[STORE_WHY_MAX];
    uint8_t key[32];
    struct err e;
    int pair[2];

    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/test-keeper-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(store, sizeof store, "%s/store", dir);
    (void)snprintf(keys, sizeof keys, "%s/keys", dir);
    (void)snprintf(pass, sizeof pass, "%s/pass", dir);
    write_passphrase(pass);
    config = (struct config){ .domain = (char *)(uintptr_t) "sms.example",
                              .public_url = (char *)(uintptr_t) "https://m.example",
                              .public_host = (char *)(uintptr_t) "m.example",
                              .region = "AU",
                              .retention_s = 2592000,
                              .notice_interval_s = 300,
                              .otp_digits = 6,
                              .otp_lifetime_s = 300,
                              .otp_per_number = 1000,
                              .otp_per_client = 1000,
                              .otp_per_network = 1000,
                              .sms_parts = 3,
                              .accounts = &account,
                              .account_count = 1 };
    k = (struct keeper){ .config = &config, .now_s = NOW, .base = event_base_new() };
    msisdn_start();
    assert_int_equal(jwe_start(&e), 0);
    k.templates = templates_load("templates", &e);
    assert_non_null(k.templates);
    assert_int_equal(keys_open(&k.keys, keys, pass, &e), 0);
    keys_store_key(k.keys, key);
    o.dir = store;
    assert_int_equal(store_open(&k.store, &o, key, why), STORE_OK);
    k.proofs = proofs_new();
    assert_int_equal(expiry_epochs(&k, &e), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        other_ends[i] = pair[1];
        k.peers[i] = ipc_channel_new(k.base, pair[0], IPC_KEEPER,
                                     i == 0 ? IPC_COURIER : IPC_FRONT, ignore_frame,
                                     ignore_end, &k);
    }
    k.courier = k.peers[0];
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        ipc_channel_free(k.peers[i]);
        (void)close(other_ends[i]);
    }
    store_close(k.store);
    keys_close(k.keys);
    proofs_free(k.proofs);
    jwe_key_clear(&k.epoch);
    templates_free((struct templates *)(uintptr_t)k.templates);
    event_base_free(k.base);
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A handset that a conversation was had with. */
static enum ipc_verdict put_people(struct keeper *keeper, void *arg)
{
    struct handset_record h = { .msisdn = MSISDN, .language = "en" };
    struct conversation_record c = { .used_s = NOW,
                                     .msisdn = MSISDN,
                                     .account = "northside",
                                     .sender = "clinic@clinic.example",
                                     .mail_id = "<1@clinic.example>" };
    uint8_t handset[16];

    (void)arg;
    keeper_handset_id(keeper, MSISDN, handset);
    memset(h.newest_conversation, 7, 16);
    memcpy(c.handset, handset, 16);
    tx_put(keeper, T_HANDSET, handset, 16, RECORD_HANDSET, &h);
    tx_put(keeper, T_CONVERSATION, h.newest_conversation, 16, RECORD_CONVERSATION, &c);
    return IPC_OK;
}

struct found {
    size_t count;
    struct tx_key key;
    struct outbox_record o;
};

static bool find_entry(struct keeper *keeper, const uint8_t *key, size_t n, void *arg)
{
    struct found *f = arg;

    f->count++;
    memcpy(f->key.b, key, n);
    f->key.n = n;
    record_clear(RECORD_OUTBOX, &f->o);
    assert_true(tx_get(keeper, T_OUTBOX, key, n, RECORD_OUTBOX, &f->o));
    return true;
}

static void outbox_find(uint8_t lane, struct found *f)
{
    *f = (struct found){ .count = 0 };
    k.failure = IPC_OK;
    tx_scan(&k, T_OUTBOX, &lane, 1, NULL, 0, find_entry, f);
}

static void send_mo(const char *id, struct span text)
{
    struct ipc_mo mo = { .from = "+" MSISDN };
    const struct ipc_frame f = { IPC_MO, 1, &mo, text };

    (void)span_copy(mo.id, sizeof mo.id, span_str(id));
    inbound_mo(&k, k.courier, &f);
}

static void a_reply_with_a_nul_reaches_the_clinic(void **state)
{
    static const char words[] = "yes\0 please";
    struct ipc_job_mail mail = { 0 };
    struct conversation_record c;
    struct found f;
    struct buf tail;
    uint8_t key[16], job[16] = { 1 };

    (void)state;
    assert_int_equal(tx_run(&k, put_people, NULL), IPC_OK);
    k.now_s = NOW + 1000;
    send_mo("mo-1", span_of(words, sizeof words - 1));
    send_mo("mo-1", span_of(words, sizeof words - 1)); /* brought again: once only */
    outbox_find(LANE_MAIL, &f);
    assert_int_equal(f.count, 1);
    buf_init(&tail, 4096);
    assert_int_equal(reply_mail(&k, job, &f.o, &mail, &tail), IPC_OK);
    assert_int_equal(tail.n, 2 + sizeof words - 1);
    assert_memory_equal(tail.p + 2, "yes  please", sizeof words - 1);
    assert_string_equal(mail.to, "clinic@clinic.example");
    assert_string_equal(mail.in_reply_to, "<1@clinic.example>");
    /* and the conversation lives as long as its reply may wait */
    memset(key, 7, sizeof key);
    assert_true(tx_get(&k, T_CONVERSATION, key, 16, RECORD_CONVERSATION, &c));
    assert_int_equal(c.used_s, NOW + 1000);
    record_clear(RECORD_CONVERSATION, &c);
    record_clear(RECORD_OUTBOX, &f.o);
    buf_clear(&tail);
}

/* Sealed to a living epoch, but its words do not come out: as when memory is short. */
static enum ipc_verdict put_unreadable_reply(struct keeper *keeper, void *arg)
{
    struct jwe_header header = { .typ = "sealpost-reply",
                                 .created_s = NOW,
                                 .to = "reply" };
    const struct jwe_key *to = &keeper->epoch;
    struct outbox_record o = { .kind = OUTBOX_REPLY, .expires_s = NOW + 432000 };
    struct buf jwe;
    struct err e;
    uint8_t job[16];

    (void)arg;
    buf_init(&jwe, 4096);
    assert_int_equal(jwe_seal(&header, &to, 1, span_str("no JSON"), &jwe, &e), 0);
    o.epoch = keeper->epoch_day;
    memset(o.conversation, 7, 16);
    o.body = (struct record_blob){ (uint8_t *)jwe.p, jwe.n };
    outbox_add(keeper, LANE_MAIL, NOW, &o, job);
    buf_clear(&jwe);
    return IPC_OK;
}

static void a_reply_that_cannot_be_made_now_is_tried_again(void **state)
{
    struct found f;

    (void)state;
    assert_int_equal(tx_run(&k, put_people, NULL), IPC_OK);
    assert_int_equal(tx_run(&k, put_unreadable_reply, NULL), IPC_OK);
    k.link_up[LINK_MAIL] = true;
    outbox_pump(&k);
    outbox_find(LANE_MAIL, &f);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.o.handed, 0);
    assert_int_equal(f.o.attempts, 1);
    record_clear(RECORD_OUTBOX, &f.o);
    k.now_s = NOW + 432001; /* until its time is over */
    outbox_pump(&k);
    outbox_find(LANE_MAIL, &f);
    assert_int_equal(f.count, 0);
}

static enum ipc_verdict put_handed(struct keeper *keeper, void *arg)
{
    (void)arg;
    for (int i = 0; i < IN_FLIGHT_MAX; i++) {
        struct outbox_record o = {
            .kind = OUTBOX_STOPPED, .handed = 1, .attempts = 1, .expires_s = NOW + 3600
        };
        uint8_t job[16];

        keeper_handset_id(keeper, MSISDN, o.handset);
        outbox_add(keeper, LANE_SMS, NOW + 60, &o, job);
    }
    return IPC_OK;
}

static void a_window_full_of_old_handovers_opens_again(void **state)
{
    struct found f;

    (void)state;
    assert_int_equal(tx_run(&k, put_people, NULL), IPC_OK);
    assert_int_equal(tx_run(&k, put_handed, NULL), IPC_OK);
    outbox_recover(&k);
    assert_int_equal(k.in_flight_count[LINK_SMS], IN_FLIGHT_MAX);
    k.link_up[LINK_SMS] = true;
    outbox_pump(&k); /* the leases run: nothing is sent twice */
    assert_int_equal(k.in_flight_count[LINK_SMS], IN_FLIGHT_MAX);
    outbox_find(LANE_SMS, &f);
    assert_int_equal(f.o.doubts, 0);
    k.now_s = NOW + 61;
    outbox_pump(&k);
    outbox_find(LANE_SMS, &f);
    assert_int_equal(f.count, IN_FLIGHT_MAX);
    assert_int_equal(f.o.doubts, 1);
    assert_int_equal(f.o.attempts, 2);
    assert_int_equal(k.in_flight_count[LINK_SMS], 256); /* what the link's window lets */
}

static enum ipc_verdict put_bad_and_good(struct keeper *keeper, void *arg)
{
    const uint8_t bad[16] = { 1 }, good[16] = { 2 };
    struct registration_record r = { .state = REG_PENDING };
    struct tx_key key = tx_key_expiry(NOW, 'M', bad);

    (void)arg;
    assert_int_equal(store_put(keeper->store, T_MESSAGE, bad, 16, "no record", 9),
                     STORE_OK);
    tx_mark(keeper, T_BY_EXPIRY, key.b, key.n);
    key = tx_key_expiry(NOW, 'R', good);
    tx_mark(keeper, T_BY_EXPIRY, key.b, key.n);
    tx_put(keeper, T_REGISTRATION, good, 16, RECORD_REGISTRATION, &r);
    return IPC_OK;
}

static void one_bad_record_does_not_stop_the_sweep(void **state)
{
    const uint8_t good[16] = { 2 };

    (void)state;
    assert_int_equal(tx_run(&k, put_bad_and_good, NULL), IPC_OK);
    expiry_sweep(&k);
    k.failure = IPC_OK;
    assert_false(tx_has(&k, T_REGISTRATION, good, 16));
}

static enum ipc_verdict put_registration(struct keeper *keeper, void *arg)
{
    struct registration_record r = {
        .state = REG_PENDING, .tries_left = 5, .expires_s = NOW + 300, .msisdn = MSISDN
    };

    keeper_handset_id(keeper, MSISDN, r.handset);
    tx_put(keeper, T_REGISTRATION, arg, 16, RECORD_REGISTRATION, &r);
    return IPC_OK;
}

/* Twenty registrations of five tries each: the count is the number's, not theirs. */
static void a_hundred_wrong_passwords_lock_the_number(void **state)
{
    struct handset_record h;
    uint8_t handset[16];

    (void)state;
    assert_int_equal(tx_run(&k, put_people, NULL), IPC_OK);
    keeper_handset_id(&k, MSISDN, handset);
    for (uint8_t i = 1; i <= 20; i++) {
        struct ipc_reg_otp otp = { .registration = { i }, .otp = "000000" };
        const struct ipc_frame f = { IPC_REG_OTP, 1, &otp, { NULL, 0 } };

        assert_true(tx_get(&k, T_HANDSET, handset, 16, RECORD_HANDSET, &h));
        assert_int_equal(h.locked_until_s, 0);
        assert_int_equal(tx_run(&k, put_registration, otp.registration), IPC_OK);
        for (int tries = 0; tries < 7; tries++) { /* the last two find it closed */
            registration_otp(&k, k.peers[1], &f);
        }
    }
    k.failure = IPC_OK;
    assert_true(tx_get(&k, T_HANDSET, handset, 16, RECORD_HANDSET, &h));
    assert_int_equal(h.locked_until_s, NOW + 86400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reply_with_a_nul_reaches_the_clinic, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_reply_that_cannot_be_made_now_is_tried_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_window_full_of_old_handovers_opens_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(one_bad_record_does_not_stop_the_sweep, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_hundred_wrong_passwords_lock_the_number,
                                        setup, teardown),
    };

    return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
