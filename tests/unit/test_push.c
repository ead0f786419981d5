/* SPDX-License-Identifier: ISC */
/* test_push.c - who is told by push, and when an SMS goes all the same.
 * Here:       subscriptions; pushes, what becomes of them, and the SMS behind them.
 * Elsewhere:  the sealed body (test_webpush.c), the same with a push service and a
 *             phone (tests/scenario/push-before-sms.sh). */
#include "tests/unit/device_fixture.h"

#define WAIT 900U
#define DAY 86400U
#define ENDPOINT "https://push.example/"

static char *push_hosts[] = { (char *)(uintptr_t) "push.example" };
static struct device phone;

static int setup_push(void **state)
{
    const int rc = setup(state);

    config.idle_browser_s = 6 * DAY;
    config.idle_shared_s = WAIT;
    config.push_wait_s = WAIT;
    config.push_hosts = (struct config_words){ push_hosts, 1 };
    config.push_contact = (char *)(uintptr_t) "mailto:postmaster@sms.example";
    k.link_up[LINK_SMS] = k.link_up[LINK_PUSH] = true;
    device_add(&phone, MSISDN, DEVICE_BROWSER, 0);
    return rc;
}

static int teardown_push(void **state)
{
    device_clear(&phone);
    return teardown(state);
}

/* What a browser's PushSubscription says, as the page sends it. */
static enum ipc_verdict subscribe_at(const struct device *who,
                                     const struct device *whose, const char *endpoint)
{
    char body[512];
    uint8_t point[65];
    struct buf p256dh;
    struct err e;
    enum ipc_verdict v;

    assert_int_equal(jwe_key_point(&who->encryption, point, &e), 0);
    buf_init(&p256dh, 128);
    b64url_put(&p256dh, point, sizeof point);
    (void)snprintf(body, sizeof body,
                   "{\"endpoint\":\"%s\",\"p256dh\":\"%s\","
                   "\"auth\":\"BTBZMqHH6r4Tts7J_aSIgg\"}",
                   endpoint, buf_cstr(&p256dh));
    v = device_ask(who, CALL_PUSH, whose->id, body);
    buf_clear(&p256dh);
    return v;
}

static void subscribe(const struct device *who, const char *name)
{
    char endpoint[128];

    (void)snprintf(endpoint, sizeof endpoint, ENDPOINT "%s", name);
    assert_int_equal(subscribe_at(who, who, endpoint), IPC_OK);
}

static bool is_subscribed(const struct device *who)
{
    k.failure = IPC_OK;
    return tx_has(&k, T_PUSH, who->id, 16);
}

/* -- messages */

struct coming {
    uint8_t id[16];
    uint64_t expires_s;
};

static enum ipc_verdict come(struct keeper *keeper, void *arg)
{
    struct coming *c = arg;
    struct message_record m = { .form = FORM_FINAL,
                                .created_s = keeper->now_s,
                                .expires_s = c->expires_s,
                                .account = "northside" };
    struct handset_record h;
    struct tx_key at;

    memcpy(m.handset, phone.handset, 16);
    keeper_id(keeper, c->id);
    tx_put(keeper, T_MESSAGE, c->id, 16, RECORD_MESSAGE, &m);
    at = tx_key_ids(phone.handset, c->id);
    tx_mark(keeper, T_BY_HANDSET, at.b, at.n);
    keeper_handset(keeper, phone.handset, MSISDN, &h);
    notice_want(keeper, phone.handset, &h, c->expires_s);
    tx_put(keeper, T_HANDSET, phone.handset, 16, RECORD_HANDSET, &h);
    return IPC_OK;
}

static void message_living(uint64_t life_s, struct coming *c)
{
    *c = (struct coming){ .expires_s = k.now_s + life_s };
    assert_int_equal(tx_run(&k, come, c), IPC_OK);
}

static void message(struct coming *c)
{
    message_living(30 * DAY, c);
}

static void fetch(const struct coming *c)
{
    struct message_record m;

    assert_true(tx_get(&k, T_MESSAGE, c->id, 16, RECORD_MESSAGE, &m));
    m.fetched_s = k.now_s;
    put_record(T_MESSAGE, c->id, RECORD_MESSAGE, &m);
    record_clear(RECORD_MESSAGE, &m);
}

/* -- what goes out */

static size_t waiting_in(uint8_t lane)
{
    struct found f;

    outbox_find(lane, &f);
    record_clear(RECORD_OUTBOX, &f.o);
    return f.count;
}

/* So many are with courier after what is due has gone. */
static size_t with_courier(enum link_kind link)
{
    outbox_pump(&k);
    (void)event_base_loop(k.base, EVLOOP_NONBLOCK);
    return k.in_flight_count[link];
}

/* When the notice is due, from the first second of the test; -1: there is none. */
static long notice_at(void)
{
    struct found f;
    uint64_t due_s = 0;

    outbox_find(LANE_SMS, &f);
    record_clear(RECORD_OUTBOX, &f.o);
    if (f.count == 0)
        return -1;
    assert_int_equal(f.count, 1);
    for (int i = 1; i < 9; i++)
        due_s = due_s << 8 | f.key.b[i];
    return (long)(due_s - NOW);
}

/* What the push service says to all that are with it; device NULL: to whomever. */
static void service_says(const struct device *device, enum job_outcome outcome)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
        struct ipc_job_done done = { .outcome = (uint8_t)outcome };
        const struct ipc_frame f = { IPC_JOB_DONE, 0, &done, span_of(NULL, 0) };
        struct outbox_record o;
        bool is_his;

        if (!k.in_flight[i].used || k.in_flight[i].key.b[0] != LANE_PUSH)
            continue;
        k.failure = IPC_OK;
        assert_true(tx_get(&k, T_OUTBOX, k.in_flight[i].key.b, k.in_flight[i].key.n,
                           RECORD_OUTBOX, &o));
        is_his = device == NULL || memcmp(o.subject_id, device->id, 16) == 0;
        record_clear(RECORD_OUTBOX, &o);
        memcpy(done.job, k.in_flight[i].job, 16);
        if (is_his)
            outbox_done(&k, k.courier, &f);
    }
}

static void a_push_goes_at_once_and_the_sms_is_spared(void **state)
{
    struct coming c;

    (void)state;
    subscribe(&phone, "1");
    message(&c);
    assert_int_equal(notice_at(), WAIT); /* it stands there before the push has gone */
    assert_int_equal(with_courier(LINK_PUSH), 1);
    service_says(NULL, JOB_SENT);
    assert_int_equal(waiting_in(LANE_PUSH), 0);
    k.now_s = NOW + 60;
    fetch(&c);
    k.now_s = NOW + WAIT;
    assert_int_equal(with_courier(LINK_SMS), 0);
    assert_int_equal(notice_at(), -1);
    message(&c); /* and the next one begins anew */
    assert_int_equal(notice_at(), 2 * WAIT);
    assert_int_equal(with_courier(LINK_PUSH), 1);
}

static void a_push_that_nobody_sees_is_followed_by_an_sms(void **state)
{
    struct coming c;

    (void)state;
    subscribe(&phone, "1");
    message(&c);
    (void)with_courier(LINK_PUSH);
    service_says(NULL, JOB_SENT);
    k.now_s = NOW + WAIT - 1;
    assert_int_equal(with_courier(LINK_SMS), 0);
    k.now_s = NOW + WAIT;
    assert_int_equal(with_courier(LINK_SMS), 1);
}

static void a_service_that_says_nothing_keeps_no_sms(void **state)
{
    struct coming c;

    (void)state;
    subscribe(&phone, "1");
    message(&c);
    assert_int_equal(with_courier(LINK_PUSH), 1);
    while (with_courier(LINK_SMS) == 0) /* its lease ends again and again */
        k.now_s += 60;
    assert_in_range(k.now_s, NOW + 60, NOW + WAIT);
}

static void a_subscription_that_is_gone_ends_and_the_sms_goes(void **state)
{
    struct coming c;

    (void)state;
    subscribe(&phone, "1");
    message(&c);
    (void)with_courier(LINK_PUSH);
    k.now_s = NOW + 1;
    service_says(NULL, JOB_GONE);
    assert_false(is_subscribed(&phone));
    assert_int_equal(notice_at(), 1);
    assert_int_equal(with_courier(LINK_SMS), 1);
    message(&c);
    assert_int_equal(waiting_in(LANE_PUSH), 0);
}

static void a_service_that_is_down_is_asked_for_seconds(void **state)
{
    static const unsigned at_s[] = { 0, 2, 6, 14 };
    struct coming c;

    (void)state;
    subscribe(&phone, "1");
    message(&c);
    for (size_t i = 0; i < 4; i++) {
        k.now_s = NOW + at_s[i];
        assert_int_equal(notice_at(), WAIT);
        assert_int_equal(with_courier(LINK_PUSH), 1);
        service_says(NULL, JOB_BUSY);
    }
    assert_int_equal(notice_at(), 14);
    assert_int_equal(waiting_in(LANE_PUSH), 0);
    assert_true(is_subscribed(&phone));
}

/* Whatever the order in which the services answer. */
static void one_device_that_was_told_is_enough(void **state)
{
    struct device tablet;
    struct coming c;

    (void)state;
    device_add(&tablet, MSISDN, DEVICE_BROWSER, 0);
    for (int first = 0; first < 2; first++) {
        subscribe(&phone, "1");
        subscribe(&tablet, "2");
        message(&c);
        assert_int_equal(with_courier(LINK_PUSH), 2);
        service_says(first == 0 ? &phone : &tablet, first == 0 ? JOB_GONE : JOB_SENT);
        assert_int_equal(notice_at(), k.now_s - NOW + WAIT);
        service_says(first == 0 ? &tablet : &phone, first == 0 ? JOB_SENT : JOB_GONE);
        assert_int_equal(notice_at(), k.now_s - NOW + WAIT);
        fetch(&c);
        k.now_s += WAIT;
        assert_int_equal(with_courier(LINK_SMS), 0);
    }
    subscribe(&phone, "1");
    message(&c);
    (void)with_courier(LINK_PUSH);
    service_says(NULL, JOB_REFUSED); /* both of them: now nobody knows */
    assert_int_equal(notice_at(), k.now_s - NOW);
    device_clear(&tablet);
}

/* -- whom it cannot be left to */

static void only_a_device_that_is_sure_and_fresh_delays_an_sms(void **state)
{
    static const struct {
        enum device_type type;
        uint64_t held_until_s, after_s;
        bool delays;
    } rows[] = {
        { DEVICE_BROWSER, 0, 0, true },
        { DEVICE_BROWSER, 0, 5 * DAY, true },
        { DEVICE_BROWSER, 0, 6 * DAY, false },      /* it may have lost its keys */
        { DEVICE_BROWSER, NOW + DAY, 0, false },    /* an SMS registered it: held */
        { DEVICE_BROWSER, NOW - 1, 0, false },      /* ... and doubtful */
        { DEVICE_BROWSER, NOW - 8 * DAY, 0, true }, /* ... and no more */
        { DEVICE_PROGRAM, UINT64_MAX, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct push_record p = { .endpoint = ENDPOINT };
        struct device other;
        struct coming c;

        k.now_s = NOW + i * 30 * DAY;
        device_add(&other, MSISDN, rows[i].type,
                   rows[i].held_until_s == 0 || rows[i].held_until_s == UINT64_MAX
                       ? rows[i].held_until_s
                       : rows[i].held_until_s - NOW + k.now_s);
        put_record(T_PUSH, other.id, RECORD_PUSH, &p);
        k.now_s += rows[i].after_s;
        message(&c);
        if ((notice_at() > (long)(k.now_s - NOW)) != rows[i].delays ||
            (waiting_in(LANE_PUSH) == 1) != rows[i].delays)
            fail_msg("row %zu: notice at %ld", i, notice_at());
        fetch(&c); /* so that the next row finds nothing */
        k.now_s += DAY;
        (void)with_courier(LINK_SMS);
        assert_int_equal(waiting_in(LANE_PUSH), 0);
        assert_int_equal(device_ask(&other, CALL_REVOKE, other.id, ""), IPC_OK);
        assert_false(is_subscribed(&other));
        device_clear(&other);
    }
}

static void without_push_an_sms_goes_as_ever(void **state)
{
    struct coming c;

    (void)state;
    subscribe(&phone, "1");
    config.push_wait_s = 0;
    message(&c);
    assert_int_equal(notice_at(), 0);
    assert_int_equal(waiting_in(LANE_PUSH), 0);
    assert_int_equal(subscribe_at(&phone, &phone, ENDPOINT "2"), IPC_GONE);
    assert_int_equal(device_ask(&phone, CALL_PUSH, phone.id, "{\"endpoint\":null}"),
                     IPC_OK);
    assert_false(is_subscribed(&phone));
}

static void what_is_soon_over_is_told_by_sms_as_well(void **state)
{
    struct coming c;

    (void)state;
    subscribe(&phone, "1");
    message_living(2 * WAIT, &c);
    assert_int_equal(notice_at(), 0);
    assert_int_equal(waiting_in(LANE_PUSH), 1);
}

/* -- several messages */

static void later_messages_share_the_push_or_follow_it(void **state)
{
    struct coming c;

    (void)state;
    subscribe(&phone, "1");
    message(&c);
    message(&c);
    assert_int_equal(waiting_in(LANE_PUSH), 1);
    assert_int_equal(with_courier(LINK_PUSH), 1);
    message(&c); /* it may be on the phone's screen already */
    message(&c);
    service_says(NULL, JOB_SENT);
    assert_int_equal(waiting_in(LANE_PUSH), 1);
    assert_int_equal(with_courier(LINK_PUSH), 0);
    k.now_s = NOW + 10;
    assert_int_equal(with_courier(LINK_PUSH), 1);
    service_says(NULL, JOB_SENT);
    assert_int_equal(waiting_in(LANE_PUSH), 0);
    message(&c);
    k.now_s = NOW + 11;
    fetch(&c);
}

static void each_message_has_its_time_and_none_waits_for_another(void **state)
{
    struct coming first, second;

    (void)state;
    subscribe(&phone, "1");
    message(&first);
    (void)with_courier(LINK_PUSH);
    service_says(NULL, JOB_SENT);
    k.now_s = NOW + 120;
    fetch(&first);
    k.now_s = NOW + 300;
    message(&second);
    (void)with_courier(LINK_PUSH);
    service_says(NULL, JOB_SENT);
    k.now_s = NOW + WAIT; /* the time of the first, which was fetched */
    assert_int_equal(with_courier(LINK_SMS), 0);
    assert_int_equal(notice_at(), 300 + WAIT);
    k.now_s = NOW + 300 + WAIT - 1;
    message(&first); /* a newer one does not push the SMS away */
    k.now_s = NOW + 300 + WAIT;
    assert_int_equal(with_courier(LINK_SMS), 1);
}

static void a_message_that_no_push_tells_of_brings_the_sms_forward(void **state)
{
    struct coming c;

    (void)state;
    subscribe(&phone, "1");
    message(&c);
    (void)with_courier(LINK_PUSH);
    service_says(NULL, JOB_SENT);
    k.now_s = NOW + 60;
    assert_int_equal(device_ask(&phone, CALL_PUSH, phone.id, "{\"endpoint\":null}"),
                     IPC_OK);
    message(&c);
    assert_int_equal(notice_at(), 60);
    assert_int_equal(with_courier(LINK_SMS), 1);
}

/* Revoked, or told to be quiet, while its push waits. */
static void a_push_without_its_device_is_no_push(void **state)
{
    struct coming c;

    (void)state;
    subscribe(&phone, "1");
    message(&c);
    k.now_s = NOW + 1;
    assert_int_equal(device_ask(&phone, CALL_REVOKE, phone.id, ""), IPC_OK);
    assert_int_equal(with_courier(LINK_PUSH), 0);
    assert_int_equal(with_courier(LINK_SMS), 1);
}

static void a_push_is_not_repeated_for_what_was_fetched(void **state)
{
    struct coming c;

    (void)state;
    subscribe(&phone, "1");
    message(&c);
    (void)with_courier(LINK_PUSH);
    service_says(NULL, JOB_BUSY);
    k.now_s = NOW + 1;
    fetch(&c);
    k.now_s = NOW + 2;
    assert_int_equal(with_courier(LINK_PUSH), 0);
    assert_int_equal(waiting_in(LANE_PUSH), 0);
    assert_int_equal(notice_at(), WAIT); /* it will find nothing to say */
}

static void a_clock_that_was_set_back_keeps_no_sms(void **state)
{
    struct coming c;

    (void)state;
    k.now_s = NOW + 10 * DAY;
    assert_int_equal(device_ask(&phone, CALL_DEVICES, NULL, ""), IPC_OK);
    subscribe(&phone, "1");
    message(&c);
    (void)with_courier(LINK_PUSH);
    service_says(NULL, JOB_SENT);
    assert_int_equal(notice_at(), 10 * DAY + WAIT);
    k.now_s = NOW;
    message(&c);
    assert_int_equal(notice_at(), WAIT);
    k.now_s = NOW + WAIT;
    assert_int_equal(with_courier(LINK_SMS), 1);
}

/* -- subscriptions */

static void a_device_subscribes_for_itself(void **state)
{
    struct device tablet, shared, held;

    (void)state;
    device_add(&tablet, MSISDN, DEVICE_BROWSER, 0);
    device_add(&shared, MSISDN, DEVICE_SHARED, 0);
    device_add(&held, MSISDN, DEVICE_BROWSER, UINT64_MAX);
    assert_int_equal(subscribe_at(&phone, &tablet, ENDPOINT), IPC_GONE);
    assert_int_equal(subscribe_at(&shared, &shared, ENDPOINT), IPC_GONE);
    assert_int_equal(subscribe_at(&held, &held, ENDPOINT), IPC_GONE);
    assert_int_equal(subscribe_at(&phone, &phone, "https://evil.example/"),
                     IPC_BAD_REQUEST);
    assert_int_equal(subscribe_at(&phone, &phone, "http://push.example/"),
                     IPC_BAD_REQUEST);
    assert_int_equal(device_ask(&phone, CALL_PUSH, phone.id, "{}"), IPC_BAD_REQUEST);
    assert_false(is_subscribed(&phone));
    subscribe(&phone, "same");
    subscribe(&tablet, "other");
    subscribe(&tablet, "same"); /* the same browser under a new name */
    assert_false(is_subscribed(&phone));
    assert_true(is_subscribed(&tablet));
    device_clear(&tablet);
    device_clear(&shared);
    device_clear(&held);
}

#define PUSH_TEST(name) cmocka_unit_test_setup_teardown(name, setup_push, teardown_push)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUSH_TEST(a_push_goes_at_once_and_the_sms_is_spared),
        PUSH_TEST(a_push_that_nobody_sees_is_followed_by_an_sms),
        PUSH_TEST(a_service_that_says_nothing_keeps_no_sms),
        PUSH_TEST(a_subscription_that_is_gone_ends_and_the_sms_goes),
        PUSH_TEST(a_service_that_is_down_is_asked_for_seconds),
        PUSH_TEST(one_device_that_was_told_is_enough),
        PUSH_TEST(only_a_device_that_is_sure_and_fresh_delays_an_sms),
        PUSH_TEST(without_push_an_sms_goes_as_ever),
        PUSH_TEST(what_is_soon_over_is_told_by_sms_as_well),
        PUSH_TEST(later_messages_share_the_push_or_follow_it),
        PUSH_TEST(each_message_has_its_time_and_none_waits_for_another),
        PUSH_TEST(a_message_that_no_push_tells_of_brings_the_sms_forward),
        PUSH_TEST(a_push_without_its_device_is_no_push),
        PUSH_TEST(a_push_is_not_repeated_for_what_was_fetched),
        PUSH_TEST(a_clock_that_was_set_back_keeps_no_sms),
        PUSH_TEST(a_device_subscribes_for_itself),
    };

    return cmocka_run_group_tests_name("push", tests, NULL, NULL);
}
