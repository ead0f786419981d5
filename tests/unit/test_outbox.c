/* SPDX-License-Identifier: ISC */
/* test_outbox.c - what leaves, when, and what becomes of it: windows, doubts, plain
 * SMS, reports to applications. */
#include "tests/unit/keeper_fixture.h"
#include "relay/encode.h"

static uint8_t handset[16];

static enum ipc_verdict put_sms(struct keeper *keeper, void *arg)
{
    const size_t *const count = arg;

    for (size_t i = 0; i < *count; i++) {
        struct outbox_record o = { .kind = OUTBOX_STOPPED, .expires_s = NOW + 86400 };
        uint8_t job[16];

        memcpy(o.handset, handset, 16);
        outbox_add(keeper, LANE_SMS, NOW, &o, job);
    }
    return IPC_OK;
}

static void start_with(size_t count)
{
    assert_int_equal(tx_run(&k, put_people, NULL), IPC_OK);
    keeper_handset_id(&k, MSISDN, handset);
    assert_int_equal(tx_run(&k, put_sms, &count), IPC_OK);
    k.link_up[LINK_SMS] = k.link_up[LINK_HTTP] = true;
}

/* What courier would say of each job that is with it. */
static void outcome_of_all(enum job_outcome outcome)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
        struct ipc_job_done done = { .outcome = (uint8_t)outcome };
        const struct ipc_frame f = { IPC_JOB_DONE, 0, &done, span_of(NULL, 0) };

        if (!k.in_flight[i].used)
            continue;
        memcpy(done.job, k.in_flight[i].job, 16);
        outbox_done(&k, k.courier, &f);
    }
}

static size_t count_in(uint8_t lane)
{
    struct found f;

    outbox_find(lane, &f);
    record_clear(RECORD_OUTBOX, &f.o);
    return f.count;
}

static void a_link_gets_no_more_than_its_window(void **state)
{
    struct ipc_link link = { .kind = LINK_SMS, .up = 1, .window = 5 };
    const struct ipc_frame f = { IPC_LINK, 0, &link, span_of(NULL, 0) };

    (void)state;
    start_with(300);
    outbox_link(&k, k.courier, &f);
    outbox_pump(&k);
    assert_int_equal(k.in_flight_count[LINK_SMS], 5);
    outcome_of_all(JOB_SENT);
    assert_int_equal(k.in_flight_count[LINK_SMS], 0);
    link.window = 100000; /* courier may ask for more than is good */
    outbox_link(&k, k.courier, &f);
    outbox_pump(&k);
    assert_int_equal(k.in_flight_count[LINK_SMS], 256);
    assert_int_equal(count_in(LANE_SMS), 295);
}

/* Goes on until the clock has passed every back-off; says how often each was handed
 * over at most together with others. */
static void fail_rounds(int rounds, size_t *most_at_once)
{
    *most_at_once = 0;
    for (int i = 0; i < rounds; i++) {
        k.now_s += 301;
        outbox_pump(&k);
        if (k.in_flight_count[LINK_SMS] > *most_at_once)
            *most_at_once = k.in_flight_count[LINK_SMS];
        outcome_of_all(JOB_DOUBT);
    }
}

static void what_takes_the_neighbour_down_goes_alone_then_aside(void **state)
{
    size_t at_once;

    (void)state;
    start_with(10);
    fail_rounds(3, &at_once);
    assert_int_equal(at_once, 10);
    fail_rounds(1, &at_once);
    assert_int_equal(at_once, 1);
    fail_rounds(18, &at_once);
    assert_int_equal(at_once, 1);
    assert_int_equal(count_in(LANE_SMS), 1);
    fail_rounds(1, &at_once);
    assert_int_equal(count_in(LANE_SMS), 0);
    assert_int_equal(count_in(LANE_ASIDE), 10);
    k.now_s = NOW + 86401; /* kept to look at until its time is over */
    outbox_pump(&k);
    assert_int_equal(count_in(LANE_ASIDE), 0);
}

static void one_that_goes_alone_does_not_stop_the_others(void **state)
{
    size_t at_once;

    (void)state;
    start_with(1);
    fail_rounds(4, &at_once); /* three doubts, and one alone */
    assert_int_equal(tx_run(&k, put_sms, &(size_t){ 20 }), IPC_OK);
    for (int i = 0; i < 4; i++) {
        k.now_s += 301;
        outbox_pump(&k);
        if (k.in_flight_count[LINK_SMS] == 1)
            outcome_of_all(JOB_DOUBT);
        else
            outcome_of_all(JOB_SENT);
    }
    assert_int_equal(count_in(LANE_SMS), 0);
    assert_int_equal(count_in(LANE_ASIDE), 1);
}

/* -- plain SMS and reports */

static const char text[] = "see you at ten";
static uint8_t id[16] = { 0x5e, 0xa1 };

static void plain(uint32_t mask, const char *url, uint32_t submission_s)
{
    struct ipc_plain in = { .msisdn = MSISDN,
                            .account = "northside",
                            .sender = "777",
                            .number = "777",
                            .submission_s = submission_s,
                            .epoch = k.epoch_day,
                            .messages = 1,
                            .expires_s = NOW + 86400 };
    struct report_ask ask = { .mask = mask,
                              .url = span_str(url),
                              .from = span_str("777") };
    struct jwe_header header = { .typ = "sealpost-sms", .created_s = NOW, .to = "x" };
    const struct jwe_key *to = &k.epoch;
    struct ipc_frame f = { IPC_PLAIN, 1, &in, span_of(NULL, 0) };
    struct buf report, packed, jwe, tail;
    struct sms sms;
    struct err e;

    sms_init(&sms);
    sms.text = span_str(text);
    memcpy(in.message_id, id, 16);
    memcpy(header.id, id, 16);
    buf_init(&report, 4096);
    buf_init(&packed, SMS_PACKED_MAX);
    buf_init(&tail, IPC_TAIL_PLAIN);
    buf_init(&jwe, IPC_TAIL_PLAIN);
    report_ask_pack(&ask, &report);
    sms_pack(&sms, &packed);
    buf_put_be16(&tail, (uint16_t)report.n);
    buf_put_span(&tail, buf_span(&report));
    assert_int_equal(jwe_seal(&header, &to, 1, buf_span(&packed), &jwe, &e), 0);
    buf_put_span(&tail, buf_span(&jwe));
    f.tail = buf_span(&tail);
    plain_submit(&k, k.peers[1], &f);
    buf_clear(&report);
    buf_clear(&packed);
    buf_clear(&jwe);
    buf_clear(&tail);
}

static void a_plain_sms_is_sealed_until_it_goes(void **state)
{
    struct handset_record h;
    struct found f;
    struct buf packed;
    struct sms sms;

    (void)state;
    plain(0, "", 0);
    outbox_find(LANE_PLAIN, &f);
    assert_int_equal(f.count, 1);
    assert_null(memmem(f.o.body.p, f.o.body.n, text, sizeof text - 1));
    keeper_handset_id(&k, MSISDN, handset);
    assert_true(tx_get(&k, T_HANDSET, handset, 16, RECORD_HANDSET, &h));
    buf_init(&packed, SMS_PACKED_MAX);
    assert_int_equal(plain_open(&k, &f.o, &h, &packed), IPC_OK);
    assert_true(sms_unpack(buf_span(&packed), &sms));
    assert_true(span_eq_str(sms.text, text));
    buf_clear(&packed);
    record_clear(RECORD_OUTBOX, &f.o);
}

static enum ipc_verdict stop(struct keeper *keeper, void *arg)
{
    struct handset_record h;

    (void)arg;
    assert_true(tx_get(keeper, T_HANDSET, handset, 16, RECORD_HANDSET, &h));
    assert_true(optout_set(keeper, handset, &h, "northside", true));
    assert_false(optout_set(keeper, handset, &h, "northside", true));
    return IPC_OK;
}

static void stop_counts_for_what_waits_already(void **state)
{
    (void)state;
    plain(0, "", 0);
    keeper_handset_id(&k, MSISDN, handset);
    assert_int_equal(tx_run(&k, stop, NULL), IPC_OK);
    k.link_up[LINK_SMS] = true;
    outbox_pump(&k);
    assert_int_equal(k.in_flight_count[LINK_SMS], 0);
    assert_int_equal(count_in(LANE_PLAIN), 0);
    plain(0, "", 0); /* and for what comes */
    assert_int_equal(count_in(LANE_PLAIN), 0);
}

static void a_reference_that_comes_again_is_one_sms(void **state)
{
    (void)state;
    plain(0, "", 600);
    plain(0, "", 600);
    assert_int_equal(count_in(LANE_PLAIN), 1);
}

static void dlr(const char *dlr_id, uint32_t event, const char *ref)
{
    struct ipc_dlr in = { .event = event, .smsc = "FAKE", .foreign_id = "f-1" };
    const struct ipc_frame f = { IPC_DLR, 1, &in, span_str("ACK/") };

    (void)span_copy(in.id, sizeof in.id, span_str(dlr_id));
    (void)span_copy(in.ref, sizeof in.ref, span_str(ref));
    dlr_take(&k, k.courier, &f);
}

static void an_application_is_told_what_it_asked_for_once(void **state)
{
    struct ipc_job_callback job = { 0 };
    struct found f;
    struct buf tail;
    char ref[160];

    (void)state;
    plain(REPORT_DELIVERED | REPORT_FAILED, "http://app.example/dlr?type=%d&to=%p", 0);
    keeper_handset_id(&k, MSISDN, handset);
    dlr_ref(&k, 'p', handset, id, ref);
    dlr("d1", REPORT_AT_SMSC, ref); /* not asked for */
    assert_int_equal(count_in(LANE_CALLBACK), 0);
    dlr("d2", REPORT_DELIVERED, ref);
    dlr("d2", REPORT_DELIVERED, ref); /* again */
    dlr("d3", REPORT_DELIVERED, ref);
    outbox_find(LANE_CALLBACK, &f);
    assert_int_equal(f.count, 1);
    buf_init(&tail, 8192);
    assert_true(report_callback(&k, id, &f.o, &job, &tail));
    assert_string_equal(job.account, "northside");
    assert_int_equal(tail.n,
                     4 + strlen("http://app.example/dlr?type=1&to=%2B61412345678"));
    assert_memory_equal(tail.p + 4, "http://app.example/dlr?type=1&to=%2B61412345678",
                        tail.n - 4);
    buf_clear(&tail);
    record_clear(RECORD_OUTBOX, &f.o);
}

/* However much is overdue, what an earlier keeper handed over is found again. */
static void a_long_queue_hides_no_handover(void **state)
{
    (void)state;
    start_with(1500);
    outbox_pump(&k);
    assert_int_equal(k.in_flight_count[LINK_SMS], 256);
    memset(k.in_flight, 0, sizeof k.in_flight); /* a new keeper knows nothing yet */
    memset(k.in_flight_count, 0, sizeof k.in_flight_count);
    k.now_s += 30;
    outbox_recover(&k);
    assert_int_equal(k.in_flight_count[LINK_SMS], 256);
    outcome_of_all(JOB_SENT);
    assert_int_equal(count_in(LANE_SMS), 1500 - 256);
}

/* A neighbour that hangs is nobody's fault, and may have the SMS all the same. */
static void silence_sets_nothing_aside_and_comes_seldom(void **state)
{
    size_t handed = 0;

    (void)state;
    start_with(1);
    for (int i = 0; i < 1440; i++) { /* a day of minutes */
        k.now_s += 60;
        outbox_pump(&k);
        handed += k.in_flight_count[LINK_SMS];
        outcome_of_all(JOB_SILENT);
    }
    assert_int_equal(count_in(LANE_ASIDE), 0);
    assert_in_range(handed, 5, 15);
}

/* One that must go alone goes although others are always due before it. */
static void one_that_goes_alone_is_not_overtaken_for_ever(void **state)
{
    (void)state;
    start_with(0);
    plain(0, "", 0);
    for (int i = 0; i < 3; i++) {
        k.now_s += 301;
        outbox_pump(&k);
        outcome_of_all(JOB_DOUBT);
    }
    for (int i = 0; i < 10 && count_in(LANE_PLAIN) > 0; i++) {
        assert_int_equal(tx_run(&k, put_sms, &(size_t){ 2 }), IPC_OK);
        k.now_s += 20;
        outbox_pump(&k);
        outcome_of_all(JOB_SENT);
    }
    assert_int_equal(count_in(LANE_PLAIN), 0);
}

static void at_the_smsc_may_be_told_behind_delivered(void **state)
{
    char ref[160];

    (void)state;
    plain(REPORT_DELIVERED | REPORT_AT_SMSC, "http://app.example/", 0);
    keeper_handset_id(&k, MSISDN, handset);
    dlr_ref(&k, 'p', handset, id, ref);
    dlr("d1", REPORT_DELIVERED, ref);
    dlr("d2", REPORT_AT_SMSC, ref);
    assert_int_equal(count_in(LANE_CALLBACK), 2);
}

static void a_forged_reference_tells_nobody(void **state)
{
    char ref[160];

    (void)state;
    plain(REPORT_DELIVERED, "http://app.example/", 0);
    keeper_handset_id(&k, MSISDN, handset);
    dlr_ref(&k, 'p', handset, id, ref);
    ref[strlen(ref) - 1] = ref[strlen(ref) - 1] == '0' ? '1' : '0';
    dlr("d1", REPORT_DELIVERED, ref);
    assert_int_equal(count_in(LANE_CALLBACK), 0);
}

static void an_sms_set_aside_is_told_to_its_sender(void **state)
{
    size_t at_once;

    (void)state;
    k.link_up[LINK_SMS] = true;
    plain(REPORT_REJECTED, "http://app.example/?%d&%A", 0);
    config.callback_wait_s = 86400;
    fail_rounds(5, &at_once);
    assert_int_equal(count_in(LANE_PLAIN), 0);
    assert_int_equal(count_in(LANE_ASIDE), 1);
    assert_int_equal(count_in(LANE_CALLBACK), 1);
}

int main(void)
{
#define KEEPER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        KEEPER(a_link_gets_no_more_than_its_window),
        KEEPER(what_takes_the_neighbour_down_goes_alone_then_aside),
        KEEPER(one_that_goes_alone_does_not_stop_the_others),
        KEEPER(a_plain_sms_is_sealed_until_it_goes),
        KEEPER(stop_counts_for_what_waits_already),
        KEEPER(a_reference_that_comes_again_is_one_sms),
        KEEPER(an_application_is_told_what_it_asked_for_once),
        KEEPER(a_long_queue_hides_no_handover),
        KEEPER(silence_sets_nothing_aside_and_comes_seldom),
        KEEPER(one_that_goes_alone_is_not_overtaken_for_ever),
        KEEPER(at_the_smsc_may_be_told_behind_delivered),
        KEEPER(a_forged_reference_tells_nobody),
        KEEPER(an_sms_set_aside_is_told_to_its_sender),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
