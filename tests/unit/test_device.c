/* SPDX-License-Identifier: ISC */
/* test_device.c - what a device may ask for, through the keeper.
 * Here:       the device on a shared phone and its end; messages that are closed to a
 *             device; who may give a device a name.
 * Elsewhere:  proofs (test_proof.c), the same with real neighbours
 *             (tests/scenario/several-devices.sh). */
#include "tests/unit/device_fixture.h"

#define MINUTES 60U

static int setup_devices(void **state)
{
    const int rc = setup(state);

    config.idle_browser_s = 6 * 86400;
    config.idle_installed_s = 180 * 86400;
    config.idle_shared_s = 15 * MINUTES;
    return rc;
}

/* -- a shared phone */

static void a_shared_phone_is_forgotten_when_it_falls_silent(void **state)
{
    struct handset_record h;
    struct device own, shared;

    (void)state;
    device_add(&own, MSISDN, DEVICE_BROWSER, 0);
    device_add(&shared, MSISDN, DEVICE_SHARED, 0);
    k.now_s = NOW + 14 * MINUTES;
    assert_int_equal(device_ask(&shared, CALL_DEVICES, NULL, ""), IPC_OK);
    k.now_s = NOW + 28 * MINUTES;
    expiry_sweep(&k);
    assert_int_equal(device_ask(&shared, CALL_DEVICES, NULL, ""), IPC_OK);
    k.now_s = NOW + 43 * MINUTES; /* no tick yet */
    assert_int_equal(device_ask(&shared, CALL_DEVICES, NULL, ""), IPC_PROOF);
    expiry_sweep(&k);
    assert_false(tx_has(&k, T_DEVICE, shared.id, 16));
    assert_true(tx_get(&k, T_HANDSET, own.handset, 16, RECORD_HANDSET, &h));
    assert_int_equal(h.device_count, 1);
    assert_memory_equal(h.devices[0], own.id, 16);
    k.now_s = NOW + 86400;
    expiry_sweep(&k);
    assert_int_equal(device_ask(&own, CALL_DEVICES, NULL, ""), IPC_OK);
    device_clear(&own);
    device_clear(&shared);
}

static void nothing_is_sealed_to_a_silent_shared_phone(void **state)
{
    struct device_record d = { .type = DEVICE_SHARED, .seen_s = NOW };

    (void)state;
    assert_true(device_is_fresh(&k, &d));
    assert_false(device_is_over(&k, &d));
    k.now_s = NOW + 15 * MINUTES;
    assert_false(device_is_fresh(&k, &d));
    assert_true(device_is_over(&k, &d));
    d.type = DEVICE_PROGRAM;
    assert_true(device_is_fresh(&k, &d));
    k.now_s = NOW + 181 * 86400;
    assert_false(device_is_over(&k, &d)); /* idle, but it may come again */
}

/* -- what a device cannot open */

static void put_message(const struct jwe_key *to, struct message_record *m,
                        uint8_t id[16])
{
    struct jwe_header header = { .typ = "sealpost-message", .to = "devices-" };
    struct buf jwe;
    struct tx_key at;
    struct err e;

    keeper_id(&k, id);
    memcpy(header.id, id, 16);
    buf_init(&jwe, 4096);
    assert_int_equal(jwe_seal(&header, &to, 1, span_str("{}"), &jwe, &e), 0);
    m->sealed = (struct record_blob){ (uint8_t *)jwe.p, jwe.n };
    put_record(T_MESSAGE, id, RECORD_MESSAGE, m);
    at = tx_key_ids(m->handset, id);
    put_mark(T_BY_HANDSET, &at);
    buf_clear(&jwe);
}

static void put_messages(unsigned n, const struct device *to)
{
    struct message_record m = { .form = FORM_FINAL, .expires_s = NOW + 86400 };
    uint8_t id[16];

    memcpy(m.handset, to->handset, 16);
    for (unsigned i = 0; i < n; i++)
        put_message(&to->encryption, &m, id);
}

static enum message_form form_of(const uint8_t id[16])
{
    struct message_record m;
    enum message_form form;

    assert_true(tx_get(&k, T_MESSAGE, id, 16, RECORD_MESSAGE, &m));
    form = (enum message_form)m.form;
    record_clear(RECORD_MESSAGE, &m);
    return form;
}

static enum ipc_verdict reseal_now(struct keeper *keeper, void *handset)
{
    (void)registration_reseal(keeper, handset);
    return IPC_OK;
}

/* Its page may be closed before anything was read. */
static void what_a_shared_phone_reads_waits_for_one_that_stays(void **state)
{
    struct message_record m = { .form = FORM_INTERMEDIATE,
                                .epoch = k.epoch_day,
                                .expires_s = NOW + 86400 };
    struct device shared, own;
    uint8_t id[16];

    (void)state;
    device_add(&shared, MSISDN, DEVICE_SHARED, 0);
    memcpy(m.handset, shared.handset, 16);
    put_message(&k.epoch, &m, id);
    assert_int_equal(tx_run(&k, reseal_now, shared.handset), IPC_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(device_ask(&shared, CALL_LIST, NULL, ""), IPC_OK);
        assert_int_equal(answer.count, 1);
        assert_int_equal(device_ask(&shared, CALL_READ, id, ""), IPC_OK);
        assert_int_equal(form_of(id), FORM_INTERMEDIATE);
    }
    device_add(&own, MSISDN, DEVICE_BROWSER, 0);
    assert_int_equal(device_ask(&own, CALL_LIST, NULL, ""), IPC_OK);
    assert_int_equal(answer.count, 1);
    assert_int_equal(form_of(id), FORM_FINAL);
    device_clear(&shared);
    device_clear(&own);
}

static void messages_for_other_devices_are_counted_once(void **state)
{
    static const uint8_t middle[16] = { 1 };
    struct device phone, tablet;

    (void)state;
    device_add(&phone, MSISDN, DEVICE_BROWSER, 0);
    device_add(&tablet, MSISDN, DEVICE_BROWSER, 0);
    put_messages(2, &phone);
    put_messages(60, &tablet); /* more than a page */
    put_messages(3, &phone);
    assert_int_equal(device_ask(&tablet, CALL_LIST, NULL, ""), IPC_OK);
    assert_int_equal(answer.count, 50);
    assert_int_equal(answer.more, 1);
    assert_int_equal(answer.has_closed, 1);
    assert_int_equal(answer.closed, 5);
    assert_int_equal(device_ask(&phone, CALL_LIST, NULL, ""), IPC_OK);
    assert_int_equal(answer.count, 5);
    assert_int_equal(answer.more, 0);
    assert_int_equal(answer.closed, 60);
    memcpy(after, middle, 16);
    assert_int_equal(device_ask(&phone, CALL_LIST, NULL, ""), IPC_OK);
    assert_int_equal(answer.has_closed, 0);
    memset(after, 0, 16);
    k.now_s = NOW + 86400; /* all of them have expired */
    assert_int_equal(device_ask(&phone, CALL_LIST, NULL, ""), IPC_OK);
    assert_int_equal(answer.count, 0);
    assert_int_equal(answer.closed, 0);
    device_clear(&phone);
    device_clear(&tablet);
}

static void a_held_device_hears_of_no_message(void **state)
{
    struct device phone, forged;

    (void)state;
    device_add(&phone, MSISDN, DEVICE_BROWSER, 0);
    device_add(&forged, MSISDN, DEVICE_BROWSER, UINT64_MAX);
    put_messages(2, &phone);
    assert_int_equal(device_ask(&forged, CALL_LIST, NULL, ""), IPC_OK);
    assert_int_equal(answer.held, 1);
    assert_int_equal(answer.has_closed, 0);
    device_clear(&phone);
    device_clear(&forged);
}

/* -- names */

static void a_device_is_named_by_its_handset_alone(void **state)
{
    static const char body[] = "{\"label\":\"Mum's \xc3\xa4\"}";
    struct device phone, tablet, doubtful, also_doubtful, stranger;
    struct device_record d;

    (void)state;
    device_add(&phone, MSISDN, DEVICE_BROWSER, 0);
    device_add(&tablet, MSISDN, DEVICE_BROWSER, 0);
    device_add(&doubtful, MSISDN, DEVICE_BROWSER, NOW - 1);
    device_add(&also_doubtful, MSISDN, DEVICE_BROWSER, NOW - 2);
    device_add(&stranger, "61412345679", DEVICE_BROWSER, 0);
    assert_int_equal(device_ask(&phone, CALL_LABEL, phone.id, body), IPC_OK);
    assert_int_equal(device_ask(&phone, CALL_LABEL, tablet.id, body), IPC_OK);
    assert_true(tx_get(&k, T_DEVICE, tablet.id, 16, RECORD_DEVICE, &d));
    assert_string_equal(d.label, "Mum's \xc3\xa4");
    record_clear(RECORD_DEVICE, &d);
    assert_int_equal(device_ask(&phone, CALL_LABEL, tablet.id, "{\"label\":7}"),
                     IPC_BAD_REQUEST);
    assert_int_equal(device_ask(&phone, CALL_LABEL, tablet.id, "{\"label\":\"\"}"),
                     IPC_OK);
    assert_int_equal(device_ask(&stranger, CALL_LABEL, phone.id, body), IPC_GONE);
    assert_int_equal(device_ask(&doubtful, CALL_LABEL, phone.id, body), IPC_GONE);
    assert_int_equal(device_ask(&doubtful, CALL_LABEL, also_doubtful.id, body), IPC_OK);
    assert_int_equal(device_ask(&phone, CALL_LABEL, doubtful.id, body), IPC_OK);
    assert_true(tx_get(&k, T_DEVICE, tablet.id, 16, RECORD_DEVICE, &d));
    assert_string_equal(d.label, "");
    record_clear(RECORD_DEVICE, &d);
    device_clear(&phone);
    device_clear(&tablet);
    device_clear(&doubtful);
    device_clear(&also_doubtful);
    device_clear(&stranger);
}

#define DEVICE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_devices, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(a_shared_phone_is_forgotten_when_it_falls_silent),
        DEVICE_TEST(nothing_is_sealed_to_a_silent_shared_phone),
        DEVICE_TEST(what_a_shared_phone_reads_waits_for_one_that_stays),
        DEVICE_TEST(messages_for_other_devices_are_counted_once),
        DEVICE_TEST(a_held_device_hears_of_no_message),
        DEVICE_TEST(a_device_is_named_by_its_handset_alone),
    };

    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
