/* SPDX-License-Identifier: ISC */
/* ipc.c - channels between the processes.
 * Here:       framing, the checks that need no understanding, holding answers back.
 * Elsewhere:  what a message means (front.c, keeper.c, courier.c), the list (ipc.h).
 * Called by:  every process. */
#include "relay/ipc.h"
#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_AT_ONCE (1U << 20)

struct header {
    uint32_t type;
    uint32_t bytes;
    uint64_t call;
};

union any_fixed {
#define X(type, from, to, fixed, tail) struct fixed f_##type;
    IPC_MESSAGES(X)
#undef X
};

static const struct rule {
    const char *name;
    enum ipc_role from, to;
    uint32_t fixed_bytes, tail_max;
} rules[] = {
#define X(type, from, to, fixed, tail) \
    { #type, IPC_##from, IPC_##to, (uint32_t)sizeof(struct fixed), tail },
    IPC_MESSAGES(X)
#undef X
};

/* Every string of every fixed struct: a NUL must stand within it. */
#define S(type, fixed, field)                                \
    {                                                        \
        IPC_##type, (uint32_t)offsetof(struct fixed, field), \
            (uint32_t)sizeof(((struct fixed *)0)->field)     \
    }
static const struct {
    enum ipc_type type;
    uint32_t offset, room;
} strings[] = {
    S(RECIPIENT_ASK, ipc_recipient_ask, to.msisdn),
    S(RECIPIENT_ASK, ipc_recipient_ask, account),
    S(RECIPIENT_ASK, ipc_recipient_ask, sender),
    S(RECIPIENT, ipc_recipient, msisdn),
    S(RECIPIENT, ipc_recipient, account),
    S(OFFER, ipc_offer, to.msisdn),
    S(OFFER, ipc_offer, account),
    S(OFFER, ipc_offer, sender),
    S(OFFER, ipc_offer, number),
    S(OFFER, ipc_offer, mail_id),
    S(PLAIN, ipc_plain, msisdn),
    S(PLAIN, ipc_plain, account),
    S(PLAIN, ipc_plain, sender),
    S(PLAIN, ipc_plain, number),
    S(NOTICE_INFO, ipc_notice_info, account),
    S(NOTICE_INFO, ipc_notice_info, language),
    S(NOTICE_INFO, ipc_notice_info, ending),
    S(REG_START, ipc_reg_start, msisdn),
    S(REG_STARTED, ipc_reg_started, sms_to),
    S(REG_OTP, ipc_reg_otp, otp),
    S(REG_OTP, ipc_reg_otp, msisdn),
    S(REG_DEVICE, ipc_reg_device, label),
    S(DEVICE_ANSWER, ipc_device_answer, nonce),
    S(JOB_SMS, ipc_job_sms, to),
    S(JOB_SMS, ipc_job_sms, dlr_url),
    S(JOB_CALLBACK, ipc_job_callback, account),
    S(JOB_MAIL, ipc_job_mail, to),
    S(JOB_MAIL, ipc_job_mail, from),
    S(JOB_MAIL, ipc_job_mail, msisdn),
    S(JOB_MAIL, ipc_job_mail, language),
    S(JOB_MAIL, ipc_job_mail, mail_id),
    S(JOB_MAIL, ipc_job_mail, in_reply_to),
    S(JOB_MAIL, ipc_job_mail, subject),
    S(JOB_DONE, ipc_job_done, why),
    S(MO, ipc_mo, id),
    S(MO, ipc_mo, from),
    S(MO, ipc_mo, to),
    S(MO, ipc_mo, smsc),
    S(DLR, ipc_dlr, id),
    S(DLR, ipc_dlr, ref),
    S(DLR, ipc_dlr, smsc),
    S(DLR, ipc_dlr, foreign_id),
};
#undef S

struct ipc_channel {
    struct bufferevent *bev;
    struct evbuffer *held;
    bool holding, ended;
    enum ipc_role self, peer;
    ipc_on_frame *on_frame;
    ipc_on_end *on_end;
    void *ctx;
};

static const char *const role_names[] = { "parent", "front", "keeper", "courier" };
static_assert(sizeof role_names / sizeof role_names[0] == IPC_ROLE_COUNT,
              "a name a role");

static const char *const verdict_names[] = {
    "ok",          "repeated",    "opted-out", "no-alias",     "stranger", "limit",
    "full",        "stale-epoch", "gone",      "otp-mismatch", "closed",   "bad-key",
    "bad-request", "proof",       "nonce",     "waiting",      "mismatch", "forbidden",
    "no-reply",    "too-many",    "temp",
};
static_assert(sizeof verdict_names / sizeof verdict_names[0] == IPC_VERDICT_COUNT,
              "a name a verdict");

const char *ipc_verdict_name(enum ipc_verdict v)
{
    return v < IPC_VERDICT_COUNT ? verdict_names[v] : "unknown";
}

const char *ipc_type_name(enum ipc_type type)
{
    return type < IPC_TYPE_COUNT ? rules[type].name : "unknown";
}

const char *ipc_role_name(enum ipc_role role)
{
    return role < IPC_ROLE_COUNT ? role_names[role] : "unknown";
}

size_t ipc_fixed_bytes(enum ipc_type type)
{
    return rules[type].fixed_bytes;
}

static bool strings_end(enum ipc_type type, const uint8_t *fixed)
{
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        if (strings[i].type == type &&
            memchr(fixed + strings[i].offset, '\0', strings[i].room) == NULL)
            return false;
    return true;
}

/* NULL, or which rule the header breaks. */
static const char *header_broken(const struct header *h, enum ipc_role from,
                                 enum ipc_role to)
{
    if (h->type >= IPC_TYPE_COUNT)
        return "unknown type";
    if (rules[h->type].from != from || rules[h->type].to != to)
        return "wrong direction";
    if (h->bytes < rules[h->type].fixed_bytes ||
        h->bytes - rules[h->type].fixed_bytes > rules[h->type].tail_max)
        return "wrong size";
    return NULL;
}

static void end(struct ipc_channel *ch, const char *why)
{
    if (ch->ended)
        return;
    ch->ended = true;
    (void)bufferevent_disable(ch->bev, EV_READ | EV_WRITE);
    ch->on_end(ch->ctx, ch, why);
}

/* 1: a frame was taken; 0: not whole yet; -1: the channel ended. */
static int take_frame(struct ipc_channel *ch, struct evbuffer *in)
{
    struct header h;
    alignas(max_align_t) uint8_t fixed[sizeof(union any_fixed)];
    const uint8_t *p;
    const char *why;

    if (evbuffer_copyout(in, &h, sizeof h) < (ev_ssize_t)sizeof h)
        return 0;
    why = header_broken(&h, ch->peer, ch->self);
    if (why == NULL && evbuffer_get_length(in) < sizeof h + h.bytes)
        return 0;
    p = why == NULL ? evbuffer_pullup(in, (ev_ssize_t)(sizeof h + h.bytes)) : NULL;
    if (why == NULL && p == NULL)
        why = "out of memory";
    if (why == NULL) {
        memcpy(fixed, p + sizeof h, rules[h.type].fixed_bytes);
        if (!strings_end((enum ipc_type)h.type, fixed))
            why = "a string without end";
    }
    if (why != NULL) {
        end(ch, why);
        return -1;
    }
    ch->on_frame(ch->ctx, ch,
                 &(struct ipc_frame){ (enum ipc_type)h.type, h.call, fixed,
                                      span_of(p + sizeof h + rules[h.type].fixed_bytes,
                                              h.bytes - rules[h.type].fixed_bytes) });
    (void)evbuffer_drain(in, sizeof h + h.bytes);
    return ch->ended ? -1 : 1;
}

static void on_read(struct bufferevent *bev, void *ctx)
{
    struct ipc_channel *ch = ctx;

    while (take_frame(ch, bufferevent_get_input(bev)) == 1)
        ;
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    struct ipc_channel *ch = ctx;

    (void)bev;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        end(ch, NULL);
}

struct ipc_channel *ipc_channel_new(struct event_base *base, int fd, enum ipc_role self,
                                    enum ipc_role peer, ipc_on_frame *on_frame,
                                    ipc_on_end *on_end, void *ctx)
{
    struct ipc_channel *ch = calloc(1, sizeof *ch);

    if (ch == NULL)
        return NULL;
    (void)evutil_make_socket_nonblocking(fd);
    ch->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    ch->held = evbuffer_new();
    if (ch->bev == NULL || ch->held == NULL) {
        ipc_channel_free(ch);
        return NULL;
    }
    ch->self = self;
    ch->peer = peer;
    ch->on_frame = on_frame;
    ch->on_end = on_end;
    ch->ctx = ctx;
    bufferevent_setcb(ch->bev, on_read, NULL, on_event, ch);
    (void)bufferevent_priority_set(ch->bev, 0); /* before the keeper's end of turn */
    (void)bufferevent_set_max_single_read(ch->bev, READ_AT_ONCE);
    (void)bufferevent_set_max_single_write(ch->bev, READ_AT_ONCE);
    (void)bufferevent_enable(ch->bev, EV_READ | EV_WRITE);
    return ch;
}

void ipc_channel_free(struct ipc_channel *ch)
{
    if (ch == NULL)
        return;
    if (ch->bev != NULL)
        bufferevent_free(ch->bev);
    if (ch->held != NULL)
        evbuffer_free(ch->held);
    free(ch);
}

static void put_frame(struct ipc_channel *ch, struct evbuffer *out, enum ipc_type type,
                      uint64_t call, const void *fixed, struct span tail,
                      struct span rest)
{
    const struct header h = { (uint32_t)type,
                              (uint32_t)(rules[type].fixed_bytes + tail.n + rest.n),
                              call };

    assert(rules[type].from == ch->self && rules[type].to == ch->peer);
    assert(tail.n + rest.n <= rules[type].tail_max);
    if (ch->ended)
        return;
    (void)evbuffer_expand(out, sizeof h + h.bytes);
    if (evbuffer_add(out, &h, sizeof h) != 0 ||
        evbuffer_add(out, fixed, rules[type].fixed_bytes) != 0 ||
        evbuffer_add(out, tail.p, tail.n) != 0 ||
        evbuffer_add(out, rest.p, rest.n) != 0)
        abort(); /* half a frame would be read as another: better a restart */
}

void ipc_send2(struct ipc_channel *ch, enum ipc_type type, uint64_t call,
               const void *fixed, struct span tail, struct span rest)
{
    put_frame(ch, ch->holding ? ch->held : bufferevent_get_output(ch->bev), type, call,
              fixed, tail, rest);
}

void ipc_send_now(struct ipc_channel *ch, enum ipc_type type, uint64_t call,
                  const void *fixed, struct span tail)
{
    put_frame(ch, bufferevent_get_output(ch->bev), type, call, fixed, tail,
              span_of(NULL, 0));
}

void ipc_send(struct ipc_channel *ch, enum ipc_type type, uint64_t call,
              const void *fixed, struct span tail)
{
    ipc_send2(ch, type, call, fixed, tail, span_of(NULL, 0));
}

void ipc_hold(struct ipc_channel *ch)
{
    ch->holding = true;
}

void ipc_release(struct ipc_channel *ch)
{
    ch->holding = false;
    if (evbuffer_get_length(ch->held) > 0)
        (void)bufferevent_write_buffer(ch->bev, ch->held);
}

void ipc_drop_held(struct ipc_channel *ch)
{
    ch->holding = false;
    (void)evbuffer_drain(ch->held, evbuffer_get_length(ch->held));
}

size_t ipc_unsent(const struct ipc_channel *ch)
{
    return evbuffer_get_length(bufferevent_get_output(ch->bev)) +
           evbuffer_get_length(ch->held);
}

int ipc_packet_send(int socket, enum ipc_type type, const void *fixed, int fd)
{
    struct header h = { (uint32_t)type, rules[type].fixed_bytes, 0 };
    struct iovec iov[2] = { { &h, sizeof h },
                            { (void *)(uintptr_t)fixed, rules[type].fixed_bytes } };
    alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof fd)] = { 0 };
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

    if (fd >= 0) {
        struct cmsghdr *c;

        msg.msg_control = control;
        msg.msg_controllen = sizeof control;
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    return sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

/* The descriptor that came along, or -1. More than one breaks the rules: all are closed
 * (padding leaves room for two in the control message). */
static int packet_fd(struct msghdr *msg, bool *broken)
{
    const struct cmsghdr *c = CMSG_FIRSTHDR(msg);
    int fds[8];
    size_t n = 0;

    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        n = (c->cmsg_len - CMSG_LEN(0)) / sizeof fds[0];
    *broken = n > 1 || (msg->msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0;
    if (n > 0 && n <= sizeof fds / sizeof fds[0])
        memcpy(fds, CMSG_DATA(c), n * sizeof fds[0]);
    if (n == 1 && !*broken)
        return fds[0];
    for (size_t i = 0; i < n && i < sizeof fds / sizeof fds[0]; i++)
        (void)close(fds[i]);
    return -1;
}

int ipc_packet_take(int socket, enum ipc_role from, enum ipc_role to,
                    enum ipc_type *type, void *fixed, size_t room, int *fd_out)
{
    struct header h;
    union any_fixed any;
    struct iovec iov[2] = { { &h, sizeof h }, { &any, sizeof any } };
    alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))] = { 0 };
    struct msghdr msg = { .msg_iov = iov,
                          .msg_iovlen = 2,
                          .msg_control = control,
                          .msg_controllen = sizeof control };
    const ssize_t n = recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    bool broken;

    *fd_out = -1;
    if (n <= 0)
        return n == 0 || (errno != EAGAIN && errno != EINTR) ? 0 : -1;
    *fd_out = packet_fd(&msg, &broken);
    if (broken || (size_t)n < sizeof h || (size_t)n != sizeof h + h.bytes ||
        header_broken(&h, from, to) != NULL || h.bytes != rules[h.type].fixed_bytes ||
        h.bytes > room || !strings_end((enum ipc_type)h.type, (const uint8_t *)&any)) {
        if (*fd_out >= 0)
            (void)close(*fd_out);
        *fd_out = -1;
        errno = EPROTO;
        return -1;
    }
    memcpy(fixed, &any, h.bytes);
    *type = (enum ipc_type)h.type;
    return 1;
}
