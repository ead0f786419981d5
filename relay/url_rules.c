/* SPDX-License-Identifier: ISC */
/* url_rules.c - where requests of ours may go: URLs, hosts, addresses.
 * Here:       what a URL's host is, lists of hosts, addresses that are not public.
 * Elsewhere:  whose rules they are (callback.c, push_rules.c), the requests themselves
 *             (http_out.c).
 * Called by:  callback.c, push_rules.c.
 * Source:     RFC 3986 3.2; RFC 6454 6.2 (an origin as text); IANA's registries of
 *             special-purpose addresses; RFC 3056 (6to4), RFC 6052 (NAT64), RFC 4380
 *             (Teredo).
 *
 * A URL is read twice: here so strictly that no two readers can differ about its host,
 * then by libcurl's own parser, which will connect: that one's host and port count. */
#include "relay/url_rules.h"
#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>

#define NAME_MAX_BYTES 253U
#define LABEL_MAX_BYTES 63U

struct site {
    int family; /* AF_INET, AF_INET6; AF_UNSPEC: a name */
    uint8_t address[16];
    char name[NAME_MAX_BYTES + 1]; /* lower case, no dot at its end */
    unsigned port;
};

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A name of labels; "_" is none of DNS's but is in use. */
static bool take_name(struct span text, char out[static NAME_MAX_BYTES + 1])
{
    size_t label = 0;

    if (text.n > 0 && text.p[text.n - 1] == '.')
        text.n--;
    if (text.n > NAME_MAX_BYTES)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];

        if (c == '.' ? label == 0 : !is_alnum(c) && c != '-' && c != '_')
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > LABEL_MAX_BYTES)
            return false;
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    out[text.n] = '\0';
    return label > 0;
}

/* host = "[" IPv6 "]" / IPv4 / name */
static bool take_host(struct span text, struct site *out)
{
    char address[INET6_ADDRSTRLEN];

    out->family = AF_UNSPEC;
    if (text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']') {
        out->family = AF_INET6;
        return span_copy(address, sizeof address, span_of(text.p + 1, text.n - 2)) &&
               inet_pton(AF_INET6, address, out->address) == 1;
    }
    if (span_copy(address, sizeof address, text) &&
        inet_pton(AF_INET, address, out->address) == 1) {
        out->family = AF_INET;
        return true;
    }
    return take_name(text, out->name);
}

/* port = 1*5DIGIT, 1 to 65535 */
static bool take_port(struct span text, unsigned *out)
{
    *out = 0;
    if (text.n == 0 || text.n > 5)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (!is_digit(text.p[i]))
            return false;
        *out = *out * 10 + (unsigned)(text.p[i] - '0');
    }
    return *out >= 1 && *out <= 65535;
}

/* What CURLU says; everything is freed here. */
static int ask_curl(const char *url, struct site *out, struct err *e)
{
    CURLU *const u = curl_url();
    char *host = NULL, *port = NULL;
    CURLUcode rc = u == NULL ? CURLUE_OUT_OF_MEMORY
                             : curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER);
    int result = 0;

    if (rc == CURLUE_OK)
        rc = curl_url_get(u, CURLUPART_HOST, &host, 0);
    if (rc == CURLUE_OK)
        rc = curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    if (rc == CURLUE_OUT_OF_MEMORY)
        result = err_set(e, ERR_TEMP, "4.3.0", "URL: out of memory");
    else if (rc != CURLUE_OK)
        result = err_set(e, ERR_PERM, "5.6.0", "no URL: %s", curl_url_strerror(rc));
    else if (!take_host(span_str(host), out) || !take_port(span_str(port), &out->port))
        result = err_set(e, ERR_PERM, "5.6.0", "URL: no such host or port");
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return result;
}

/* Of the authority only what a plain host and port consist of: nobody reads a user, an
 * escape or another host into it. */
static const char *fault_of(struct span url, bool https_only)
{
    struct cur c = cur_of(url);
    const char *authority;

    for (size_t i = 0; i < url.n; i++)
        if ((uint8_t)url.p[i] <= ' ' || url.p[i] == 0x7f)
            return "blanks or control characters";
    if (!cur_word(&c, "https://") && (https_only || !cur_word(&c, "http://")))
        return https_only ? "not https://" : "neither http:// nor https://";
    authority = c.p;
    while (!cur_done(&c) && *c.p != '/' && *c.p != '?' && *c.p != '#') {
        if (!is_alnum(*c.p) && strchr("-._:[]", *c.p) == NULL)
            return "a host of other characters than letters, digits, - . _";
        c.p++;
    }
    return c.p == authority ? "no host" : NULL;
}

static int take_site(struct span url, bool https_only, struct site *out, struct err *e)
{
    const char *const fault = fault_of(url, https_only);
    char *text;
    int rc;

    if (fault != NULL)
        return err_set(e, ERR_PERM, "5.6.0", "URL: %s", fault);
    text = malloc(url.n + 1);
    if (text == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "URL: out of memory");
    (void)span_copy(text, url.n + 1, url);
    rc = ask_curl(text, out, e);
    free(text);
    return rc;
}

static bool is_same_host(const struct site *a, const struct site *b)
{
    if (a->family != b->family)
        return false;
    if (a->family == AF_UNSPEC)
        return strcmp(a->name, b->name) == 0;
    return memcmp(a->address, b->address, a->family == AF_INET ? 4 : 16) == 0;
}

static bool is_below(const char *name, const char *domain)
{
    const size_t n = strlen(name), tail = strlen(domain);

    return n > tail + 1 && name[n - tail - 1] == '.' &&
           strcmp(name + n - tail, domain) == 0;
}

/* entry = ["*."] host [":" port]; one that is not like that allows nothing. */
static bool entry_allows(const char *entry, const struct site *s)
{
    struct cur c = cur_of(span_str(entry));
    const bool below = cur_word(&c, "*.");
    const char *const bracket = memchr(c.p, ']', cur_left(&c));
    const char *const from = bracket == NULL ? c.p : bracket;
    const char *const colon = memchr(from, ':', (size_t)(c.end - from));
    const char *const host_end = colon == NULL ? c.end : colon;
    struct site of;

    if (!take_host(span_of(c.p, (size_t)(host_end - c.p)), &of))
        return false;
    if (colon != NULL &&
        (!take_port(span_of(colon + 1, (size_t)(c.end - colon - 1)), &of.port) ||
         of.port != s->port))
        return false;
    if (below)
        return of.family == AF_UNSPEC && s->family == AF_UNSPEC &&
               is_below(s->name, of.name);
    return is_same_host(&of, s);
}

/* Of a URL that the configuration names itself. Its port counts: beside an application
 * on 127.0.0.1 others listen that it must not reach. */
static bool own_allows(const char *own, const struct site *s)
{
    struct site of;
    struct err ignored;

    return own != NULL && take_site(span_str(own), false, &of, &ignored) == 0 &&
           is_same_host(&of, s) && of.port == s->port;
}

int url_rules_check(const struct url_rules *r, struct span url, struct err *e)
{
    struct site s;

    if (take_site(url, r->https_only, &s, e) != 0)
        return -1;
    for (size_t i = 0; i < r->hosts->n; i++)
        if (entry_allows(r->hosts->p[i], &s))
            return 0;
    for (size_t i = 0; i < URL_RULES_OWN; i++)
        if (own_allows(r->own[i], &s))
            return 0;
    return err_set(e, ERR_PERM, "5.7.1", "URL: its host is not allowed");
}

bool url_origin(struct span url, struct buf *out)
{
    char address[INET6_ADDRSTRLEN];
    struct site s;
    struct err e;

    if (take_site(url, true, &s, &e) != 0)
        return false;
    if (s.family != AF_UNSPEC &&
        inet_ntop(s.family, s.address, address, sizeof address) == NULL)
        return false;
    buf_printf(out, s.family == AF_INET6 ? "https://[%s]" : "https://%s",
               s.family == AF_UNSPEC ? s.name : address);
    if (s.port != 443)
        buf_printf(out, ":%u", s.port);
    return buf_ok(out);
}

static const struct config_network not_public[] = {
    { AF_INET, { 0 }, 8 },             /* this network */
    { AF_INET, { 10 }, 8 },            /* private */
    { AF_INET, { 100, 64 }, 10 },      /* shared */
    { AF_INET, { 127 }, 8 },           /* loopback */
    { AF_INET, { 169, 254 }, 16 },     /* link-local */
    { AF_INET, { 172, 16 }, 12 },      /* private */
    { AF_INET, { 192, 0, 0 }, 24 },    /* IETF protocols */
    { AF_INET, { 192, 0, 2 }, 24 },    /* documentation */
    { AF_INET, { 192, 88, 99 }, 24 },  /* 6to4 relays of old */
    { AF_INET, { 192, 168 }, 16 },     /* private */
    { AF_INET, { 198, 18 }, 15 },      /* benchmarking */
    { AF_INET, { 198, 51, 100 }, 24 }, /* documentation */
    { AF_INET, { 203, 0, 113 }, 24 },  /* documentation */
    { AF_INET, { 224 }, 4 },           /* multicast */
    { AF_INET, { 240 }, 4 },           /* reserved, broadcast */
    { AF_INET6, { 0x20, 0x01 }, 23 },  /* IETF protocols, Teredo among them */
    { AF_INET6, { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { AF_INET6, { 0x3f, 0xff }, 20 },             /* documentation */
};
static const struct config_network global_unicast = { AF_INET6, { 0x20 }, 3 };

/* Prefixes behind which the IPv4 address stands that the packet ends up at. */
static const struct {
    struct config_network prefix;
    size_t at;
} carriers[] = {
    { { AF_INET6, { 0x20, 0x02 }, 16 }, 2 },              /* 6to4 */
    { { AF_INET6, { 0x00, 0x64, 0xff, 0x9b }, 96 }, 12 }, /* NAT64 */
};

static bool is_listed(const struct sockaddr *sa)
{
    for (size_t i = 0; i < sizeof not_public / sizeof not_public[0]; i++)
        if (config_network_has(&not_public[i], sa))
            return true;
    return false;
}

static bool is_public(const struct sockaddr *sa)
{
    struct sockaddr_in inner = { .sin_family = AF_INET };
    struct sockaddr_in6 outer;

    if (sa->sa_family == AF_INET)
        return !is_listed(sa);
    if (sa->sa_family != AF_INET6)
        return false;
    memcpy(&outer, sa, sizeof outer);
    if (IN6_IS_ADDR_V4MAPPED(&outer.sin6_addr))
        return !is_listed(sa); /* which reads it as IPv4 */
    for (size_t i = 0; i < sizeof carriers / sizeof carriers[0]; i++)
        if (config_network_has(&carriers[i].prefix, sa)) {
            memcpy(&inner.sin_addr, outer.sin6_addr.s6_addr + carriers[i].at, 4);
            return !is_listed((const struct sockaddr *)&inner);
        }
    return config_network_has(&global_unicast, sa) && !is_listed(sa);
}

bool url_rules_may_connect(const struct url_rules *r, const struct sockaddr *sa)
{
    return is_public(sa) || config_networks_have(r->networks, sa);
}
