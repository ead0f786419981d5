/* SPDX-License-Identifier: ISC */
/* test_box_libgw.c - our codec of the box protocol against Kannel's own, both ways.
 * Here:       random messages of every type: libgw packs and we unpack, we pack and
 *             libgw unpacks, and both write the same bytes.
 * Elsewhere:  what is refused (test_box_codec.c): libgw would end the process.
 * Called by:  make check, where kannel-dev is installed.
 * Source:     Debian's libgw.a; needs the include paths and libraries of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "plugin/box_codec.h"
#include <gwlib/gwlib.h>
#include <gw/msg.h>

#define ROUNDS 500
#define STRING_MAX 300U

/* libgwlib.a was built with MySQL support and names its version at start. */
const char *mysql_get_client_info(void);
const char *mysql_get_client_info(void)
{
    return "none";
}

static uint32_t dice_state = 1; /* the same every run */

static uint32_t dice(void)
{
    dice_state = dice_state * 1664525U + 1013904223U;
    return dice_state >> 8;
}

static int32_t random_int(void)
{
    static const int32_t edges[] = { -1, 0, 1, INT32_MAX, INT32_MIN, -2 };
    const uint32_t pick = dice() % 12;

    return pick < 6 ? edges[pick] : (int32_t)(dice() << 8 ^ dice());
}

static struct span random_span(char room[static STRING_MAX])
{
    const uint32_t pick = dice() % 8;
    const size_t n = pick == 0 ? 0 : dice() % STRING_MAX;

    if (pick == 1)
        return span_of(NULL, 0);
    for (size_t i = 0; i < n; i++)
        room[i] = (char)dice();
    return span_of(room, n);
}

static Octstr *octstr_of(struct span s)
{
    return s.p == NULL ? NULL : octstr_create_from_data(s.p, (long)s.n);
}

static struct span span_of_octstr(Octstr *o)
{
    return o == NULL ? span_of(NULL, 0)
                     : span_of(octstr_get_cstr(o), (size_t)octstr_len(o));
}

static void assert_same_string(struct span a, struct span b)
{
    assert_int_equal(a.p == NULL, b.p == NULL);
    assert_true(span_eq(a, b));
}

/* One routine fills both structs alike, one compares them, for each type. */
#define FILL_INT(f) ours->f = random_int(), theirs->f = ours->f;
#define FILL_STR(f) \
    ours->f = random_span(rooms[used++ % 32]), theirs->f = octstr_of(ours->f);
#define FILL_UUID(f)                        \
    for (size_t i = 0; i < sizeof raw; i++) \
        raw[i] = (uint8_t)dice();           \
    box_uuid_text(raw, ours->f);            \
    assert_int_equal(uuid_parse(ours->f, theirs->f), 0);
#define SAME_INT(f) assert_int_equal(ours->f, theirs->f);
#define SAME_STR(f) assert_same_string(ours->f, span_of_octstr(theirs->f));
#define SAME_UUID(f)             \
    uuid_unparse(theirs->f, id); \
    assert_string_equal(ours->f, id);
#define FILL(kind, field) FILL_##kind(field)
#define SAME(kind, field) SAME_##kind(field)

static char rooms[32][STRING_MAX]; /* a message's strings */

#define DEFINE(type, fields)                                                    \
    static void fill_##type(struct box_##type *ours, struct type *theirs)       \
    {                                                                           \
        size_t used = 0;                                                        \
        uint8_t raw[16];                                                        \
                                                                                \
        (void)used, (void)raw;                                                  \
        fields(FILL)                                                            \
    }                                                                           \
    static void same_##type(const struct box_##type *ours, struct type *theirs) \
    {                                                                           \
        char id[BOX_UUID_LEN + 1];                                              \
                                                                                \
        (void)id;                                                               \
        fields(SAME)                                                            \
    }
DEFINE(heartbeat, BOX_HEARTBEAT_FIELDS)
DEFINE(admin, BOX_ADMIN_FIELDS)
DEFINE(sms, BOX_SMS_FIELDS)
DEFINE(ack, BOX_ACK_FIELDS)

static void fill(struct box_message *ours, Msg *theirs)
{
    switch (ours->type) {
    case BOX_HEARTBEAT:
        fill_heartbeat(&ours->heartbeat, &theirs->heartbeat);
        break;
    case BOX_ADMIN:
        fill_admin(&ours->admin, &theirs->admin);
        break;
    case BOX_SMS:
        fill_sms(&ours->sms, &theirs->sms);
        break;
    default:
        fill_ack(&ours->ack, &theirs->ack);
        break;
    }
}

static void same(const struct box_message *ours, Msg *theirs)
{
    assert_int_equal(ours->type, theirs->type);
    switch (ours->type) {
    case BOX_HEARTBEAT:
        same_heartbeat(&ours->heartbeat, &theirs->heartbeat);
        break;
    case BOX_ADMIN:
        same_admin(&ours->admin, &theirs->admin);
        break;
    case BOX_SMS:
        same_sms(&ours->sms, &theirs->sms);
        break;
    default:
        same_ack(&ours->ack, &theirs->ack);
        break;
    }
}

static void both_ways(enum box_type type)
{
    struct box_message ours, read_by_us;
    Msg *theirs = msg_create((enum msg_type)type), *read_by_them;
    const char *why = NULL;
    Octstr *packed_by_them, *packed_by_us;
    struct buf frame;

    box_init(&ours, type);
    fill(&ours, theirs);
    packed_by_them = msg_pack(theirs);
    assert_int_equal(box_unpack(span_of_octstr(packed_by_them), &read_by_us, &why), 0);
    same(&read_by_us, theirs);

    buf_init(&frame, BOX_HEAD + BOX_FRAME_MAX);
    box_pack(&ours, &frame);
    assert_true(buf_ok(&frame));
    packed_by_us =
        octstr_create_from_data(frame.p + BOX_HEAD, (long)(frame.n - BOX_HEAD));
    assert_int_equal(octstr_compare(packed_by_us, packed_by_them), 0);
    read_by_them = msg_unpack(packed_by_us);
    assert_non_null(read_by_them);
    same(&ours, read_by_them);

    buf_clear(&frame);
    octstr_destroy(packed_by_us);
    octstr_destroy(packed_by_them);
    msg_destroy(read_by_them);
    msg_destroy(theirs);
}

static void test_both_ways(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++)
        for (int type = 0; type < BOX_TYPE_COUNT; type++)
            both_ways((enum box_type)type);
}

/* The numbers that stand for things are Kannel's. */
static void test_numbers(void **state)
{
    (void)state;
    assert_int_equal(BOX_HEARTBEAT, heartbeat);
    assert_int_equal(BOX_ADMIN, admin);
    assert_int_equal(BOX_SMS, sms);
    assert_int_equal(BOX_ACK, ack);
    assert_int_equal(BOX_SHUTDOWN, cmd_shutdown);
    assert_int_equal(BOX_IDENTIFY, cmd_identify);
    assert_int_equal(BOX_RESTART, cmd_restart);
    assert_int_equal(BOX_MO, mo);
    assert_int_equal(BOX_MT_PUSH, mt_push);
    assert_int_equal(BOX_DLR_MO, report_mo);
    assert_int_equal(BOX_DLR_MT, report_mt);
    assert_int_equal(BOX_ACK_SUCCESS, ack_success);
    assert_int_equal(BOX_ACK_FAILED, ack_failed);
    assert_int_equal(BOX_ACK_LATER, ack_failed_tmp);
    assert_int_equal(BOX_ACK_BUFFERED, ack_buffered);
    assert_int_equal(BOX_NONE, MSG_PARAM_UNDEFINED);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_numbers),
    };
    int failed;

    gwlib_init();
    failed = cmocka_run_group_tests_name("box_libgw", tests, NULL, NULL);
    gwlib_shutdown();
    return failed;
}
