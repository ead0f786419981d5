/* SPDX-License-Identifier: ISC */
/* config_parse.c - addresses, networks, durations and sizes as people write them.
 * Here:       their grammar, and whether an address lies in a network.
 * Elsewhere:  the file around them and their ranges (config.c).
 * Called by:  config.c; the plugins that compare a client's address. */
#include "relay/config.h"
#include <arpa/inet.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define BAD "5.3.5" /* RFC 3463: system incorrectly configured */
#define SHOWN 80    /* characters of a wrong value that an error repeats */

struct unit {
    const char *name;
    uint64_t factor;
};

/* number = 1*DIGIT; 0 on overflow too: no number here may be that large. */
static bool take_number(struct cur *c, uint64_t *out)
{
    const char *const start = c->p;
    uint64_t value = 0;

    while (!cur_done(c) && is_digit(*c->p)) {
        const unsigned digit = (unsigned)(*c->p++ - '0');

        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return c->p > start;
}

static bool take_unit(struct cur *c, const struct unit *units, size_t count,
                      uint64_t *value)
{
    const struct span rest = span_of(c->p, cur_left(c));

    for (size_t i = 0; i < count; i++)
        if (span_eq_str(rest, units[i].name)) {
            if (*value > UINT64_MAX / units[i].factor)
                return false;
            *value *= units[i].factor;
            c->p = c->end;
            return true;
        }
    return false;
}

int config_parse_duration(uint64_t *seconds_out, const char *text, struct err *e)
{
    static const struct unit units[] = {
        { "s", 1 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 }
    };
    struct cur c = cur_of(span_str(text));
    uint64_t value;

    if (!take_number(&c, &value) ||
        !take_unit(&c, units, sizeof units / sizeof units[0], &value))
        return err_set(e, ERR_PERM, BAD,
                       "\"%.*s\" is no duration: write 90s, 5min, 6h or 30d", SHOWN,
                       text);
    *seconds_out = value;
    return 0;
}

int config_parse_size(uint64_t *bytes_out, const char *text, struct err *e)
{
    static const struct unit units[] = { { "", 1 },           { "B", 1 },
                                         { "kB", 1000 },      { "KB", 1000 },
                                         { "MB", 1000000 },   { "GB", 1000000000 },
                                         { "KiB", 1U << 10 }, { "MiB", 1U << 20 },
                                         { "GiB", 1U << 30 } };
    struct cur c = cur_of(span_str(text));
    uint64_t value;

    if (!take_number(&c, &value) ||
        !take_unit(&c, units, sizeof units / sizeof units[0], &value))
        return err_set(e, ERR_PERM, BAD,
                       "\"%.*s\" is no size: write 10240000, 64KiB, 10MB or 1GiB",
                       SHOWN, text);
    *bytes_out = value;
    return 0;
}

/* "unix:" absolute-path */
static int parse_unix(struct config_address *out, const char *path, struct err *e)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };

    if (path[0] != '/')
        return err_set(e, ERR_PERM, BAD,
                       "a socket's path begins with /, as unix:/run/x");
    if (!span_copy(un.sun_path, sizeof un.sun_path, span_str(path)))
        return err_set(e, ERR_PERM, BAD, "a socket's path has at most %zu bytes",
                       sizeof un.sun_path - 1);
    memcpy(&out->sa, &un, sizeof un);
    out->sa_len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    return 0;
}

/* The numeric address in host, which may not name an interface. 0: it is none. */
static int read_ip(struct span host, uint8_t bytes[16])
{
    char text[INET6_ADDRSTRLEN];

    if (!span_copy(text, sizeof text, host))
        return 0;
    if (inet_pton(AF_INET, text, bytes) == 1)
        return AF_INET;
    return inet_pton(AF_INET6, text, bytes) == 1 ? AF_INET6 : 0;
}

/* (IPv4 / "[" IPv6 "]") ":" port */
static bool parse_inet(struct config_address *out, struct span text)
{
    const char *const colon = memrchr(text.p, ':', text.n);
    const bool bracket = text.n > 0 && text.p[0] == '[';
    struct span host;
    struct cur c;
    uint8_t ip[16];
    uint64_t port;
    int family;

    if (colon == NULL)
        return false;
    host = span_of(text.p, (size_t)(colon - text.p));
    if (bracket) {
        if (host.n < 2 || host.p[host.n - 1] != ']')
            return false;
        host = span_of(host.p + 1, host.n - 2);
    }
    c = cur_of(span_of(colon + 1, text.n - (size_t)(colon - text.p) - 1));
    if (!take_number(&c, &port) || !cur_done(&c) || port < 1 || port > 65535)
        return false;
    family = read_ip(host, ip);
    if (family == 0 || bracket != (family == AF_INET6))
        return false;
    if (family == AF_INET) {
        struct sockaddr_in in = { .sin_family = AF_INET };

        in.sin_port = htons((uint16_t)port);
        memcpy(&in.sin_addr, ip, sizeof in.sin_addr);
        memcpy(&out->sa, &in, sizeof in);
        out->sa_len = sizeof in;
    } else {
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

        in6.sin6_port = htons((uint16_t)port);
        memcpy(&in6.sin6_addr, ip, sizeof in6.sin6_addr);
        memcpy(&out->sa, &in6, sizeof in6);
        out->sa_len = sizeof in6;
    }
    return true;
}

int config_parse_address(struct config_address *out, const char *text, struct err *e)
{
    static const char prefix[] = "unix:";

    memset(out, 0, sizeof *out);
    if (!span_copy(out->text, sizeof out->text, span_str(text)))
        return err_set(e, ERR_PERM, BAD, "an address has at most %zu bytes",
                       sizeof out->text - 1);
    if (strncmp(text, prefix, sizeof prefix - 1) == 0)
        return parse_unix(out, text + sizeof prefix - 1, e);
    if (!parse_inet(out, span_str(text)))
        return err_set(e, ERR_PERM, BAD,
                       "\"%.*s\" is no address: write unix:/path, 127.0.0.1:25 or "
                       "[::1]:25, port 1 to 65535",
                       SHOWN, text);
    return 0;
}

static bool has_host_bits(const struct config_network *n, unsigned width)
{
    for (unsigned bit = n->bits; bit < width; bit++)
        if ((n->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return true;
    return false;
}

/* network = (IPv4 / IPv6) ["/" bits] */
int config_parse_network(struct config_network *out, const char *text, struct err *e)
{
    static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    const char *const slash = strchr(text, '/');
    const size_t host = slash == NULL ? strlen(text) : (size_t)(slash - text);
    unsigned width;
    uint64_t bits;

    memset(out, 0, sizeof *out);
    out->family = read_ip(span_of(text, host), out->bytes);
    width = out->family == AF_INET ? 32 : 128;
    bits = width;
    if (slash != NULL) {
        struct cur c = cur_of(span_str(slash + 1));

        if (!take_number(&c, &bits) || !cur_done(&c))
            bits = UINT64_MAX;
    }
    if (out->family == 0 || bits > width)
        return err_set(e, ERR_PERM, BAD,
                       "\"%.*s\" is no network: write 192.0.2.0/24, 2001:db8::/32 or "
                       "127.0.0.1",
                       SHOWN, text);
    out->bits = (unsigned)bits;
    if (has_host_bits(out, width))
        return err_set(e, ERR_PERM, BAD,
                       "\"%.*s\" has bits set behind the first %u: name the network's "
                       "first address",
                       SHOWN, text, out->bits);
    if (out->family == AF_INET6 && bits >= 96 && memcmp(out->bytes, mapped, 12) == 0)
        return err_set(e, ERR_PERM, BAD, "\"%.*s\": write it as an IPv4 network", SHOWN,
                       text);
    return 0;
}

/* The address as the networks are written: mapped IPv4 as IPv4, a peer on a UNIX socket
 * as 127.0.0.1. 0: of no family that we know. */
static int plain_address(const struct sockaddr *sa, uint8_t bytes[16])
{
    static const uint8_t loopback[4] = { 127, 0, 0, 1 };

    if (sa->sa_family == AF_UNIX) {
        memcpy(bytes, loopback, sizeof loopback);
        return AF_INET;
    }
    if (sa->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, sa, sizeof in);
        memcpy(bytes, &in.sin_addr, sizeof in.sin_addr);
        return AF_INET;
    }
    if (sa->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        memcpy(&in6, sa, sizeof in6);
        if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
            memcpy(bytes, in6.sin6_addr.s6_addr + 12, 4);
            return AF_INET;
        }
        memcpy(bytes, &in6.sin6_addr, 16);
        return AF_INET6;
    }
    return 0;
}

bool config_network_has(const struct config_network *n, const struct sockaddr *sa)
{
    uint8_t bytes[16];
    const unsigned whole = n->bits / 8, rest = n->bits % 8;

    if (plain_address(sa, bytes) != n->family)
        return false;
    if (memcmp(bytes, n->bytes, whole) != 0)
        return false;
    return rest == 0 || (bytes[whole] ^ n->bytes[whole]) >> (8 - rest) == 0;
}
