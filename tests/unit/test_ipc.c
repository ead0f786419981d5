/* SPDX-License-Identifier: ISC */
/* test_ipc.c - frames between processes: what goes through, what cuts its sender off.
 */
#include "relay/ipc.h"
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
    unsigned frames, ends;
    enum ipc_type type;
    uint64_t call;
    char sender[321];
    size_t tail;
    char why[64];
};

static void on_frame(void *ctx, struct ipc_channel *ch, const struct ipc_frame *f)
{
    struct seen *s = ctx;

    (void)ch;
    s->frames++;
    s->type = f->type;
    s->call = f->call;
    s->tail = f->tail.n;
    if (f->type == IPC_OFFER)
        (void)span_copy(s->sender, sizeof s->sender,
                        span_str(((const struct ipc_offer *)f->fixed)->sender));
}

static void on_end(void *ctx, struct ipc_channel *ch, const char *why)
{
    struct seen *s = ctx;

    (void)ch;
    s->ends++;
    (void)span_copy(s->why, sizeof s->why, span_str(why == NULL ? "closed" : why));
}

struct rig {
    struct event_base *base;
    int fds[2];
    struct ipc_channel *keeper; /* reads what we write into fds[0] as front */
    struct seen seen;
};

static void rig_open(struct rig *r)
{
    *r = (struct rig){ .base = event_base_new() };
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, r->fds), 0);
    r->keeper = ipc_channel_new(r->base, r->fds[1], IPC_KEEPER, IPC_FRONT, on_frame,
                                on_end, &r->seen);
}

static void rig_close(struct rig *r)
{
    ipc_channel_free(r->keeper);
    (void)close(r->fds[0]);
    event_base_free(r->base);
}

static void turn(struct rig *r)
{
    for (int i = 0; i < 4; i++)
        (void)event_base_loop(r->base, EVLOOP_NONBLOCK);
}

struct raw_header {
    uint32_t type, bytes;
    uint64_t call;
};

static void write_raw(struct rig *r, uint32_t type, uint32_t bytes, const void *p,
                      size_t n)
{
    const struct raw_header h = { type, bytes, 7 };

    assert_int_equal(write(r->fds[0], &h, sizeof h), (ssize_t)sizeof h);
    if (n > 0)
        assert_int_equal(write(r->fds[0], p, n), (ssize_t)n);
}

static void a_frame_arrives_whole_however_it_is_cut(void **state)
{
    struct ipc_offer offer = { .parts = 1, .sender = "clinic@clinic.example" };
    const struct raw_header h = { IPC_OFFER, sizeof offer + 5, 42 };
    char bytes[sizeof h + sizeof offer + 5] = { 0 };
    struct rig r;

    (void)state;
    memcpy(bytes, &h, sizeof h);
    memcpy(bytes + sizeof h, &offer, sizeof offer);
    rig_open(&r);
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_equal(r.seen.frames, 0);
        assert_int_equal(write(r.fds[0], bytes + i, 1), 1);
        turn(&r);
    }
    assert_int_equal(r.seen.frames, 1);
    assert_int_equal(r.seen.type, IPC_OFFER);
    assert_int_equal(r.seen.call, 42);
    assert_int_equal(r.seen.tail, 5);
    assert_string_equal(r.seen.sender, offer.sender);
    rig_close(&r);
}

static void a_peer_that_breaks_a_rule_is_cut_off(void **state)
{
    static const struct {
        uint32_t type, bytes;
        bool end_strings;
        const char *why;
    } rows[] = {
        { IPC_TYPE_COUNT, 0, true, "unknown type" },
        { 0xffffffff, 0, true, "unknown type" },
        { IPC_RECIPIENT, sizeof(struct ipc_recipient), true, "wrong direction" },
        { IPC_MO, sizeof(struct ipc_mo), true, "wrong direction" },
        { IPC_OFFER, sizeof(struct ipc_offer) - 1, true, "wrong size" },
        { IPC_OFFER, 0xffffffff, true, "wrong size" },
        { IPC_REG_START, sizeof(struct ipc_reg_start) + 1, true, "wrong size" },
        { IPC_OFFER, sizeof(struct ipc_offer), false, "a string without end" },
    };
    static char filler[sizeof(struct ipc_offer)];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct rig r;

        memset(filler, rows[i].end_strings ? 0 : 'x', sizeof filler);
        rig_open(&r);
        write_raw(&r, rows[i].type, rows[i].bytes, filler, sizeof filler);
        turn(&r);
        assert_int_equal(r.seen.frames, 0);
        assert_int_equal(r.seen.ends, 1);
        assert_string_equal(r.seen.why, rows[i].why);
        /* nothing more is taken from it, and sending to it is harmless */
        ipc_send(r.keeper, IPC_STORE_STATE, 0, &(struct ipc_store_state){ 1 },
                 span_of(NULL, 0));
        turn(&r);
        assert_int_equal(r.seen.ends, 1);
        rig_close(&r);
    }
}

static void held_frames_wait_for_release(void **state)
{
    const struct ipc_store_state state_full = { 1 };
    char bytes[256];
    struct rig r;

    (void)state;
    rig_open(&r);
    ipc_hold(r.keeper);
    ipc_send(r.keeper, IPC_STORE_STATE, 0, &state_full, span_of(NULL, 0));
    turn(&r);
    assert_int_equal(recv(r.fds[0], bytes, sizeof bytes, MSG_DONTWAIT), -1);
    ipc_release(r.keeper);
    turn(&r);
    assert_int_equal(recv(r.fds[0], bytes, sizeof bytes, MSG_DONTWAIT),
                     (int)(sizeof(struct raw_header) + sizeof state_full));
    ipc_hold(r.keeper);
    ipc_send(r.keeper, IPC_STORE_STATE, 0, &state_full, span_of(NULL, 0));
    ipc_drop_held(r.keeper);
    turn(&r);
    assert_int_equal(recv(r.fds[0], bytes, sizeof bytes, MSG_DONTWAIT), -1);
    rig_close(&r);
}

static void a_closed_peer_ends_the_channel(void **state)
{
    struct rig r;

    (void)state;
    rig_open(&r);
    (void)shutdown(r.fds[0], SHUT_RDWR);
    turn(&r);
    assert_int_equal(r.seen.ends, 1);
    assert_string_equal(r.seen.why, "closed");
    rig_close(&r);
}

static void packets_carry_a_descriptor_and_refuse_others(void **state)
{
    const struct ipc_peer peer = { IPC_KEEPER };
    struct ipc_peer got = { 0 };
    enum ipc_type type;
    int pair[2], fd;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(ipc_packet_send(pair[0], IPC_PEER, &peer, pair[0]), 0);
    assert_int_equal(
        ipc_packet_take(pair[1], IPC_PARENT, IPC_FRONT, &type, &got, sizeof got, &fd),
        1);
    assert_int_equal(type, IPC_PEER);
    assert_int_equal(got.role, IPC_KEEPER);
    assert_true(fd >= 0);
    (void)close(fd);
    /* a keeper must not take what is meant for a front */
    assert_int_equal(ipc_packet_send(pair[0], IPC_PEER, &peer, -1), 0);
    assert_int_equal(
        ipc_packet_take(pair[1], IPC_PARENT, IPC_KEEPER, &type, &got, sizeof got, &fd),
        -1);
    assert_int_equal(errno, EPROTO);
    assert_int_equal(send(pair[0], "short", 5, 0), 5);
    assert_int_equal(
        ipc_packet_take(pair[1], IPC_PARENT, IPC_FRONT, &type, &got, sizeof got, &fd),
        -1);
    assert_int_equal(
        ipc_packet_take(pair[1], IPC_PARENT, IPC_FRONT, &type, &got, sizeof got, &fd),
        -1);
    assert_int_equal(errno, EAGAIN);
    (void)close(pair[0]);
    assert_int_equal(
        ipc_packet_take(pair[1], IPC_PARENT, IPC_FRONT, &type, &got, sizeof got, &fd),
        0);
    (void)close(pair[1]);
}

static size_t open_descriptors(void)
{
    size_t n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) != -1;
    return n;
}

/* A captured process must not use up the parent's descriptors. */
static void a_packet_with_two_descriptors_leaves_none_behind(void **state)
{
    struct raw_header h = { IPC_PEER, sizeof(struct ipc_peer), 0 };
    struct ipc_peer peer = { IPC_KEEPER }, got;
    struct iovec iov[2] = { { &h, sizeof h }, { &peer, sizeof peer } };
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = { .room = { 0 } };
    struct msghdr msg = { .msg_iov = iov,
                          .msg_iovlen = 2,
                          .msg_control = &control,
                          .msg_controllen = sizeof control.room };
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    enum ipc_type type;
    size_t before;
    int pair[2], fd;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof pair);
    memcpy(CMSG_DATA(c), pair, sizeof pair);
    before = open_descriptors();
    assert_true(sendmsg(pair[0], &msg, 0) > 0);
    assert_int_equal(
        ipc_packet_take(pair[1], IPC_PARENT, IPC_FRONT, &type, &got, sizeof got, &fd),
        -1);
    assert_int_equal(errno, EPROTO);
    assert_int_equal(fd, -1);
    assert_int_equal(open_descriptors(), before);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_arrives_whole_however_it_is_cut),
        cmocka_unit_test(a_peer_that_breaks_a_rule_is_cut_off),
        cmocka_unit_test(held_frames_wait_for_release),
        cmocka_unit_test(a_closed_peer_ends_the_channel),
        cmocka_unit_test(packets_carry_a_descriptor_and_refuse_others),
        cmocka_unit_test(a_packet_with_two_descriptors_leaves_none_behind),
    };

    return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
