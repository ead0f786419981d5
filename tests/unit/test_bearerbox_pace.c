/* SPDX-License-Identifier: ISC */
/* test_bearerbox_pace.c - how many MTs go in a stretch of time, and when a link rests.
 * Here:       the pace alone, on a clock of the test's own.
 * Elsewhere:  the same through the daemon (tests/scenario/links-throughput.sh).
 * Called by:  make check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "plugin/bearerbox_pace.h"

#define START 12345678U

/* Takes whatever may be taken in ms milliseconds, looking every step_ms. */
static unsigned taken_in(struct box_pace *p, uint64_t from, uint64_t ms, uint64_t step)
{
    unsigned taken = 0;

    for (uint64_t now = from; now < from + ms; now += step)
        while (taken < 1000000 && box_pace_wait(p, now) == 0) {
            box_pace_take(p);
            taken++;
        }
    return taken;
}

static void test_rate(void **state)
{
    static const struct {
        unsigned per_s;
        uint64_t ms, step;
        unsigned least, most; /* a burst of a second's worth, then the rate */
    } rows[] = {
        { 1, 10000, 1, 10, 10 },       { 1, 10000, 999, 5, 6 },
        { 7, 10000, 1, 76, 77 },       { 7, 10000, 333, 74, 77 },
        { 20, 1, 1, 20, 20 },          { 20, 2000, 10, 59, 60 },
        { 50, 1000, 3, 99, 100 },      { 1000, 100, 1, 1099, 1100 },
        { 100000, 10, 1, 1, 1000000 }, { 3, 60000, 5000, 36, 36 }, /* no saving up */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct box_pace p;
        unsigned taken;

        box_pace_init(&p, rows[i].per_s, START);
        taken = taken_in(&p, START, rows[i].ms, rows[i].step);
        if (taken < rows[i].least || taken > rows[i].most)
            print_message("row %zu: %u\n", i, taken);
        assert_in_range(taken, rows[i].least, rows[i].most);
    }
}

/* The wait that it names is enough, and not a millisecond too much. */
static void test_wait_is_exact(void **state)
{
    (void)state;
    for (unsigned per_s = 1; per_s < 2000; per_s += 13) {
        struct box_pace p;
        uint64_t now = START;
        unsigned wait_ms;

        box_pace_init(&p, per_s, now);
        while (box_pace_wait(&p, now) == 0)
            box_pace_take(&p);
        wait_ms = box_pace_wait(&p, now);
        assert_true(wait_ms >= 1 && wait_ms <= 1000);
        if (wait_ms > 1)
            assert_int_equal(box_pace_wait(&p, now + wait_ms - 1), 1);
        assert_int_equal(box_pace_wait(&p, now + wait_ms), 0);
    }
}

static void test_no_limit(void **state)
{
    struct box_pace p;

    (void)state;
    box_pace_init(&p, 0, START);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(box_pace_wait(&p, START), 0);
        box_pace_take(&p);
    }
}

static void test_rests(void **state)
{
    static const unsigned rests[] = {
        1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000
    };
    struct box_pace p;
    uint64_t now = START;

    (void)state;
    box_pace_init(&p, 0, now);
    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++) {
        assert_true(box_pace_full(&p, now, now + 5));
        now += 5;
        assert_false(box_pace_full(&p, now - 5, now)); /* its companions */
        assert_false(box_pace_well(&p, now - 5));
        assert_int_equal(box_pace_wait(&p, now), rests[i]);
        assert_int_equal(box_pace_wait(&p, now + rests[i] - 1), 1);
        now += rests[i];
        assert_int_equal(box_pace_wait(&p, now), 0);
        assert_false(box_pace_full(&p, now - rests[i] - 1, now)); /* a late one */
    }
    assert_true(box_pace_well(&p, now));
    assert_true(box_pace_full(&p, now, now));
    assert_int_equal(box_pace_wait(&p, now), 1000); /* from the beginning */
}

static void test_rest_and_limit(void **state)
{
    struct box_pace p;

    (void)state;
    box_pace_init(&p, 10, START);
    assert_int_equal(taken_in(&p, START, 1, 1), 10);
    assert_true(box_pace_full(&p, START, START));
    assert_int_equal(box_pace_wait(&p, START + 500), 500);
    assert_int_equal(taken_in(&p, START + 500, 1, 1), 0);
    assert_int_equal(taken_in(&p, START + 1000, 1, 1), 10);
}

static void test_window(void **state)
{
    static const struct {
        unsigned per_s;
        uint32_t window;
    } rows[] = {
        { 0, 256 },  { 1, 5 },    { 2, 10 },   { 10, 50 },
        { 51, 255 }, { 52, 256 }, { 53, 256 }, { 100000, 256 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct box_pace p;

        box_pace_init(&p, rows[i].per_s, START);
        assert_int_equal(box_pace_window(&p), rows[i].window);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate),           cmocka_unit_test(test_wait_is_exact),
        cmocka_unit_test(test_no_limit),       cmocka_unit_test(test_rests),
        cmocka_unit_test(test_rest_and_limit), cmocka_unit_test(test_window),
    };

    return cmocka_run_group_tests_name("bearerbox_pace", tests, NULL, NULL);
}
