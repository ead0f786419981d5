/* SPDX-License-Identifier: ISC */
/* bench_box.c - a bare client of the box protocol: how many MTs a second bearerbox
 * takes. Here:       one connection, a window of unacknowledged MTs, the time to the
 * last ack. Elsewhere:  the same through Sealpost's outbox (kannel.sh). Called by: make
 * bench; by hand:  bench_box PORT COUNT [WINDOW] Prints "box VALUE /s". */
#include "plugin/box_codec.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES 65536U

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    const int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        fail("bearerbox");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void put_identify(struct buf *out)
{
    struct box_message m;

    box_init(&m, BOX_ADMIN);
    m.admin.command = BOX_IDENTIFY;
    m.admin.boxc_id = span_str("bench");
    box_pack(&m, out);
}

static void put_mt(struct buf *out, unsigned n)
{
    struct box_message m;
    char to[24], text[40];
    uint8_t raw[16];

    (void)RAND_bytes(raw, sizeof raw);
    (void)snprintf(to, sizeof to, "+614124%05u", n % 100000);
    (void)snprintf(text, sizeof text, "bench %u: see you tomorrow at ten", n);
    box_init(&m, BOX_SMS);
    m.sms.sender = span_str("61400000000");
    m.sms.receiver = span_str(to);
    m.sms.msgdata = span_str(text);
    m.sms.time = (int32_t)time(NULL);
    box_uuid_text(raw, m.sms.id);
    m.sms.sms_type = BOX_MT_PUSH;
    m.sms.coding = BOX_GSM7;
    m.sms.boxc_id = span_str("bench");
    box_pack(&m, out);
}

static void write_all(int fd, struct buf *out)
{
    for (size_t done = 0; done < out->n;) {
        const ssize_t n = write(fd, out->p + done, out->n - done);

        if (n <= 0)
            fail("write");
        done += (size_t)n;
    }
    buf_clear(out);
}

/* Acks in what was read; the rest of a frame moves to the front. */
static unsigned count_acks(char *in, size_t *have)
{
    size_t at = 0, bytes;
    unsigned acks = 0;

    while (box_frame_bytes(span_of(in + at, *have - at), &bytes) == 1 &&
           *have - at >= bytes) {
        struct box_message m;
        const char *why;

        if (box_unpack(span_of(in + at + BOX_HEAD, bytes - BOX_HEAD), &m, &why) == 0 &&
            m.type == BOX_ACK)
            acks++;
        at += bytes;
    }
    memmove(in, in + at, *have - at);
    *have -= at;
    return acks;
}

int main(int argc, char **argv)
{
    static char in[READ_BYTES];
    const unsigned count = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
    const unsigned window = argc > 3 ? (unsigned)atoi(argv[3]) : 256;
    unsigned sent = 0, acked = 0;
    size_t have = 0;
    struct buf out;
    double begin;
    int fd;

    if (count == 0) {
        (void)fprintf(stderr, "usage: bench_box PORT COUNT [WINDOW]\n");
        return 64;
    }
    fd = connect_to((uint16_t)atoi(argv[1]));
    buf_init(&out, 1U << 24);
    put_identify(&out);
    begin = now_s();
    while (acked < count) {
        while (sent < count && sent - acked < window)
            put_mt(&out, sent++);
        write_all(fd, &out);
        const ssize_t n = read(fd, in + have, sizeof in - have);

        if (n <= 0)
            fail("bearerbox closed");
        have += (size_t)n;
        acked += count_acks(in, &have);
    }
    (void)printf("box %.0f /s\n", count / (now_s() - begin));
    (void)close(fd);
    return 0;
}
