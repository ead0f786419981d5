/* SPDX-License-Identifier: ISC */
/* test_notice_info.c - what a notice's link is about, through the keeper.
 * Here:       whose name, how many wait, what is over, that nothing changes.
 * Elsewhere:  over HTTPS (tests/scenario/app-served.sh), the JSON
 * (test_handset_info.c).
 */
#include "tests/unit/keeper_fixture.h"

#define ROWS(rows) (sizeof(rows) / sizeof(rows)[0])
#define MESSAGES_MAX 4

static const uint8_t token[NOTICE_TOKEN_BYTES] = { 1, 2, 3 };

struct message {
    const char *account;
    uint64_t expires_s, fetched_s, notified_s;
};

static const struct row {
    struct message messages[MESSAGES_MAX];
    const char *stopped; /* account, "*" all, NULL none */
    const char *account; /* that is named */
    uint32_t waiting;
} rows[] = {
    { { { "a", NOW + 9, 0, 0 } }, NULL, "a", 1 },
    { { { "a", NOW + 9, 0, NOW } }, NULL, "a", 1 }, /* told of: the SMS was read */
    { { { "a", NOW + 9, 0, 0 }, { "b", NOW + 9, 0, 0 } }, NULL, "b", 2 },
    { { { "a", NOW + 9, 0, 0 }, { "b", NOW + 9, NOW, 0 } }, NULL, "a", 1 },
    { { { "a", NOW + 9, NOW, 0 }, { "b", NOW + 9, NOW, 0 } }, NULL, "b", 0 },
    { { { "a", NOW + 9, 0, 0 }, { "b", NOW, 0, 0 } }, NULL, "a", 1 }, /* just over */
    { { { "a", NOW + 9, 0, 0 }, { "b", NOW + 9, 0, 0 } }, "b", "a", 1 },
    { { { "a", NOW + 9, 0, 0 }, { "b", NOW + 9, 0, 0 } }, "*", "b", 0 },
    { { { NULL, 0, 0, 0 } }, NULL, "", 0 },
};

static enum ipc_verdict put_row(struct keeper *keeper, void *arg)
{
    const struct row *const row = arg;
    struct handset_record h = { .msisdn = MSISDN, .language = "de" };
    struct notice_record n = { .expires_s = NOW + 5 };
    uint8_t handset[16], name[STORE_BLIND_BYTES], id[16] = { 0 };

    keeper_handset_id(keeper, MSISDN, handset);
    if (row->stopped != NULL)
        (void)optout_set(keeper, handset, &h,
                         row->stopped[0] == '*' ? NULL : row->stopped, true);
    memcpy(n.handset, handset, 16);
    store_blind(keeper->store, "notice", token, sizeof token, name);
    tx_put(keeper, T_HANDSET, handset, 16, RECORD_HANDSET, &h);
    tx_put(keeper, T_NOTICE, name, sizeof name, RECORD_NOTICE, &n);
    for (size_t i = 0; i < MESSAGES_MAX && row->messages[i].account != NULL; i++) {
        const struct message *const in = &row->messages[i];
        struct message_record m = { .form = FORM_INTERMEDIATE,
                                    .created_s = NOW,
                                    .expires_s = in->expires_s,
                                    .fetched_s = in->fetched_s,
                                    .notified_s = in->notified_s };
        struct tx_key key;

        id[0] = (uint8_t)(i + 1);
        memcpy(m.handset, handset, 16);
        (void)span_copy(m.account, sizeof m.account, span_str(in->account));
        tx_put(keeper, T_MESSAGE, id, 16, RECORD_MESSAGE, &m);
        key = tx_key_ids(handset, id);
        tx_mark(keeper, T_BY_HANDSET, key.b, key.n);
    }
    return IPC_OK;
}

static void ask(const uint8_t *notice, struct ipc_notice_info *out)
{
    struct ipc_notice_ask in;
    const struct ipc_frame f = { IPC_NOTICE_ASK, 1, &in, { NULL, 0 } };
    uint8_t frame[512];

    memcpy(in.notice, notice, sizeof in.notice);
    notice_info(&k, k.peers[1], &f);
    (void)event_base_loop(k.base, EVLOOP_NONBLOCK);
    assert_int_equal(recv(other_ends[1], frame, sizeof frame, MSG_DONTWAIT),
                     16 + sizeof *out);
    memcpy(out, frame + 16, sizeof *out); /* behind the header */
}

static void the_newest_that_waits_is_named(void **state)
{
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct ipc_notice_info info;
        struct found f;

        assert_int_equal(setup(state), 0);
        assert_int_equal(tx_run(&k, put_row, (void *)(uintptr_t)&rows[i]), IPC_OK);
        for (int times = 0; times < 2; times++) {
            ask(token, &info);
            assert_int_equal(info.verdict, IPC_OK);
            if (strcmp(info.account, rows[i].account) != 0 ||
                info.waiting != rows[i].waiting)
                fail_msg("row %zu: %s, %u", i, info.account, info.waiting);
            assert_string_equal(info.ending, "678");
            assert_string_equal(info.language, "de");
        }
        for (uint8_t lane = 0; lane < LANE_COUNT; lane++) {
            outbox_find(lane, &f);
            assert_int_equal(f.count, 0);
        }
        assert_int_equal(teardown(state), 0);
    }
}

static void a_stranger_learns_nothing(void **state)
{
    static const uint8_t other[NOTICE_TOKEN_BYTES] = { 1, 2, 4 };
    static const struct ipc_notice_info nothing = { .verdict = IPC_GONE };
    struct ipc_notice_info info;

    assert_int_equal(setup(state), 0);
    assert_int_equal(tx_run(&k, put_row, (void *)(uintptr_t)&rows[0]), IPC_OK);
    ask(other, &info);
    assert_memory_equal(&info, &nothing, sizeof info);
    k.now_s = NOW + 4;
    ask(token, &info);
    assert_int_equal(info.verdict, IPC_OK);
    k.now_s = NOW + 5; /* a time just over is no time at all */
    ask(token, &info);
    assert_memory_equal(&info, &nothing, sizeof info);
    assert_int_equal(teardown(state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_that_waits_is_named),
        cmocka_unit_test(a_stranger_learns_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
