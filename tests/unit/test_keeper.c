/* SPDX-License-Identifier: ISC */
/* test_keeper.c - what the keeper does in corners that no neighbour can be brought
 * into. */
#include "tests/unit/keeper_fixture.h"

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

static const struct {
    const char *plain;
    enum ipc_verdict verdict;
} sealed_replies[] = {
    { "{\"text\":\"words\"}", IPC_OK },
    { "{\"text\":\"Yes\",\"answer\":\"accepted\",\"uid\":\"u@x\"}", IPC_OK },
    { "{\"text\":\"No\",\"answer\":\"declined\"}", IPC_OK },
    { "{\"text\":\"Later?\",\"answer\":\"tentative\",\"uid\":\"\"}", IPC_OK },
    { "{\"text\":\"words\",\"uid\":\"u\"}", IPC_OK },
    { "{\"answer\":\"accepted\",\"uid\":\"u\"}", IPC_BAD_REQUEST },
    { "{\"text\":\"\",\"answer\":\"accepted\"}", IPC_BAD_REQUEST },
    { "{\"text\":\"Yes\",\"answer\":\"ACCEPTED\"}", IPC_BAD_REQUEST },
    { "{\"text\":\"Yes\",\"answer\":\"\"}", IPC_BAD_REQUEST },
    { "{\"text\":\"Yes\",\"answer\":null}", IPC_BAD_REQUEST },
    { "{\"text\":\"Yes\",\"answer\":[\"accepted\"]}", IPC_BAD_REQUEST },
    { "{\"text\":\"Yes\",\"answer\":\"accepted\",\"uid\":7}", IPC_BAD_REQUEST },
};

/* arg: the row's number. */
static enum ipc_verdict take_sealed_reply(struct keeper *keeper, void *arg)
{
    const char *const plain = sealed_replies[*(size_t *)arg].plain;
    struct jwe_header header = { .typ = "sealpost-reply",
                                 .created_s = NOW,
                                 .to = "reply" };
    struct message_record m = { .form = FORM_FINAL };
    uint8_t message[16] = { 9 }, reply[16];
    enum ipc_verdict verdict;
    struct buf body;
    struct err e;

    memcpy(header.id, message, 16);
    keeper_handset_id(keeper, MSISDN, m.handset);
    memset(m.conversation, 7, 16);
    tx_put(keeper, T_MESSAGE, message, 16, RECORD_MESSAGE, &m);
    buf_init(&body, 16384);
    buf_put(&body, "{\"jwe\":\"");
    assert_int_equal(
        jwe_seal_compact(&header, &keeper->epoch, span_str(plain), &body, &e), 0);
    buf_put(&body, "\"}");
    verdict = reply_take(keeper, m.handset, message, buf_span(&body), reply);
    buf_clear(&body);
    return verdict;
}

static void an_answer_to_an_appointment_is_one_of_three(void **state)
{
    size_t accepted = 0;
    struct found f;

    (void)state;
    assert_int_equal(tx_run(&k, put_people, NULL), IPC_OK);
    for (size_t i = 0; i < sizeof sealed_replies / sizeof sealed_replies[0]; i++) {
        if (tx_run(&k, take_sealed_reply, &i) != sealed_replies[i].verdict)
            fail_msg("%s", sealed_replies[i].plain);
        accepted += sealed_replies[i].verdict == IPC_OK;
    }
    outbox_find(LANE_MAIL, &f);
    assert_int_equal(f.count, accepted);
    record_clear(RECORD_OUTBOX, &f.o);
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
    assert_int_equal(k.in_flight_count[LINK_SMS],
                     256); /* what the link's window lets */
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
        cmocka_unit_test_setup_teardown(an_answer_to_an_appointment_is_one_of_three,
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
