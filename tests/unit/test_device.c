/* SPDX-License-Identifier: ISC */
/* test_device.c - what a device may ask for, through the keeper.
 * Here:       the device on a shared phone and its end.
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

#define DEVICE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_devices, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(a_shared_phone_is_forgotten_when_it_falls_silent),
        DEVICE_TEST(nothing_is_sealed_to_a_silent_shared_phone),
    };

    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
