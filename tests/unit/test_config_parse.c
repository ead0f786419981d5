/* SPDX-License-Identifier: ISC */
/* test_config_parse.c - addresses, networks, durations and sizes as people write them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "relay/config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

enum piece { DURATION, SIZE, ADDRESS_OF, NETWORK };
static const struct piece_row {
    enum piece piece;
    const char *text;
    int rc;
    uint64_t value; /* seconds, bytes, length of the sockaddr, bits */
} piece_rows[] = {
    { DURATION, "90s", 0, 90 },
    { DURATION, "5min", 0, 300 },
    { DURATION, "6h", 0, 21600 },
    { DURATION, "30d", 0, 2592000 },
    { DURATION, "0s", 0, 0 },
    { DURATION, "5", -1, 0 },
    { DURATION, "5m", -1, 0 },
    { DURATION, "5 min", -1, 0 },
    { DURATION, "min", -1, 0 },
    { DURATION, "", -1, 0 },
    { DURATION, "-5min", -1, 0 },
    { DURATION, "1.5h", -1, 0 },
    { DURATION, "5mins", -1, 0 },
    { DURATION, "18446744073709551615s", 0, UINT64_MAX },
    { DURATION, "18446744073709551616s", -1, 0 },
    { DURATION, "307445734561825861min", -1, 0 },
    { SIZE, "10240000", 0, 10240000 },
    { SIZE, "7B", 0, 7 },
    { SIZE, "64KiB", 0, 65536 },
    { SIZE, "10MB", 0, 10000000 },
    { SIZE, "1MiB", 0, 1048576 },
    { SIZE, "2kB", 0, 2000 },
    { SIZE, "2GB", 0, 2000000000 },
    { SIZE, "3GiB", 0, 3221225472 },
    { SIZE, "64kib", -1, 0 },
    { SIZE, "64K", -1, 0 },
    { SIZE, "KiB", -1, 0 },
    { SIZE, "17179869184GiB", -1, 0 },
    { ADDRESS_OF, "127.0.0.1:25", 0, sizeof(struct sockaddr_in) },
    { ADDRESS_OF, "0.0.0.0:65535", 0, sizeof(struct sockaddr_in) },
    { ADDRESS_OF, "[::1]:25", 0, sizeof(struct sockaddr_in6) },
    { ADDRESS_OF, "[2001:db8::7]:8443", 0, sizeof(struct sockaddr_in6) },
    { ADDRESS_OF, "unix:/run/x", 0, offsetof(struct sockaddr_un, sun_path) + 7 },
    { ADDRESS_OF, "unix:run/x", -1, 0 },
    { ADDRESS_OF, "unix:", -1, 0 },
    { ADDRESS_OF, "::1:25", -1, 0 },
    { ADDRESS_OF, "[::1:25", -1, 0 },
    { ADDRESS_OF, "[]:25", -1, 0 },
    { ADDRESS_OF, "[:25", -1, 0 },
    { ADDRESS_OF, "[127.0.0.1]:25", -1, 0 },
    { ADDRESS_OF, "[fe80::1%eth0]:25", -1, 0 },
    { ADDRESS_OF, "127.0.0.1", -1, 0 },
    { ADDRESS_OF, "127.0.0.1:", -1, 0 },
    { ADDRESS_OF, "127.0.0.1:0", -1, 0 },
    { ADDRESS_OF, "127.0.0.1:65536", -1, 0 },
    { ADDRESS_OF, "127.0.0.1:25x", -1, 0 },
    { ADDRESS_OF, "127.1:25", -1, 0 },
    { ADDRESS_OF, "localhost:25", -1, 0 },
    { ADDRESS_OF, ":25", -1, 0 },
    { ADDRESS_OF, "", -1, 0 },
    { NETWORK, "192.0.2.0/24", 0, 24 },
    { NETWORK, "2001:db8::/32", 0, 32 },
    { NETWORK, "127.0.0.1", 0, 32 },
    { NETWORK, "::1", 0, 128 },
    { NETWORK, "0.0.0.0/0", 0, 0 },
    { NETWORK, "::/0", 0, 0 },
    { NETWORK, "192.0.2.1/24", -1, 0 },
    { NETWORK, "192.0.2.0/33", -1, 0 },
    { NETWORK, "192.0.2.0/", -1, 0 },
    { NETWORK, "192.0.2.0/-1", -1, 0 },
    { NETWORK, "192.0.2.0/24 ", -1, 0 },
    { NETWORK, "192.0.2.0/99999999999999999999", -1, 0 },
    { NETWORK, "::ffff:192.0.2.0/120", -1, 0 },
    { NETWORK, "192.0.2", -1, 0 },
    { NETWORK, "", -1, 0 },
};

static int read_piece(enum piece piece, const char *text, uint64_t *value)
{
    struct config_address address;
    struct config_network network;
    struct err e = { .text = "" };
    int rc = -1;

    switch (piece) {
    case DURATION:
        rc = config_parse_duration(value, text, &e);
        break;
    case SIZE:
        rc = config_parse_size(value, text, &e);
        break;
    case ADDRESS_OF:
        rc = config_parse_address(&address, text, &e);
        *value = address.sa_len;
        break;
    case NETWORK:
        rc = config_parse_network(&network, text, &e);
        *value = network.bits;
        break;
    }
    assert_int_equal(rc == 0, e.text[0] == '\0');
    return rc;
}

static void a_piece_is_read_as_its_row_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof piece_rows / sizeof piece_rows[0]; i++) {
        const struct piece_row *const row = &piece_rows[i];
        const size_t whole = strlen(row->text);
        uint64_t value;

        for (size_t n = 0; n <= whole; n++) {
            char *const exact = strndup(row->text, n);
            const int rc = read_piece(row->piece, exact, &value);

            if (n == whole && (rc != row->rc || (rc == 0 && value != row->value)))
                fail_msg("%s: %d", row->text, rc);
            free(exact);
        }
    }
}

static void a_long_socket_path_is_refused(void **state)
{
    char text[200];
    uint64_t value;

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text, "unix:/", 6);
    text[5 + 107] = '\0'; /* sun_path has 108 bytes, one of them a NUL */
    assert_int_equal(read_piece(ADDRESS_OF, text, &value), 0);
    text[5 + 107] = 'x';
    text[5 + 108] = '\0';
    assert_int_equal(read_piece(ADDRESS_OF, text, &value), -1);
    text[5 + 108] = 'x';
    text[199] = '\0';
    assert_int_equal(read_piece(ADDRESS_OF, text, &value), -1);
}

/* A client's address as accept(2) gives it; "unix" for a peer on a UNIX socket. */
static const struct sockaddr *client(const char *text)
{
    static struct config_address address;
    struct err e;
    char full[64];

    if (text == NULL)
        return NULL;
    (void)snprintf(full, sizeof full, strchr(text, ':') ? "[%s]:9" : "%s:9", text);
    if (strcmp(text, "unix") == 0)
        (void)snprintf(full, sizeof full, "unix:/x");
    assert_int_equal(config_parse_address(&address, full, &e), 0);
    return (const struct sockaddr *)&address.sa;
}

static void a_network_has_its_addresses(void **state)
{
    static const struct {
        const char *network, *address;
        bool has;
    } rows[] = {
        { "192.0.2.0/24", "192.0.2.255", true },
        { "192.0.2.0/24", "192.0.3.0", false },
        { "192.0.2.64/26", "192.0.2.127", true },
        { "192.0.2.64/26", "192.0.2.128", false },
        { "192.0.2.64/26", "192.0.2.63", false },
        { "192.0.2.0/24", "::ffff:192.0.2.9", true },
        { "192.0.2.0/24", "::ffff:192.0.3.9", false },
        { "0.0.0.0/0", "203.0.113.1", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "203.0.113.1", false },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
        { "127.0.0.1", "unix", true },
        { "127.0.0.2", "unix", false },
        { "::1", "::1", true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config_network network;
        struct err e;

        assert_int_equal(config_parse_network(&network, rows[i].network, &e), 0);
        if (config_network_has(&network, client(rows[i].address)) != rows[i].has)
            fail_msg("%s %s", rows[i].network, rows[i].address);
    }
}

static void the_first_account_that_fits_is_used(void **state)
{
    static const struct {
        const char *sender, *client, *account;
    } rows[] = {
        { "jo@north.example", "10.1.2.3", "inside" },
        { "JO@North.Example", "10.1.2.3", "inside" },
        { "jo@north.example", "::ffff:10.1.2.3", "inside" },
        { "jo@north.example", "192.0.2.1", "outside" },
        { "jo@north.example", NULL, "outside" },
        { "jo@north.example", "unix", "inside" },
        { "jo@sub.north.example", "10.1.2.3", NULL },
        { "jo@north.example.evil", "10.1.2.3", NULL },
        { "@north.example", "10.1.2.3", "inside" },
        { "x@evil@north.example", "10.1.2.3", NULL },
        { "desk-7@south.example", NULL, "outside" },
        { "desk7@south.example", NULL, NULL },
        { "desk-@a.south.example", NULL, NULL },
        { "aabab@west.example", NULL, "outside" },
        { "aabac@west.example", NULL, NULL },
        { "", "10.1.2.3", NULL },
    };
    static char north[] = "*@north.example", south[] = "desk-*@south.example",
                west[] = "a*a*b@west.example";
    char *inside[] = { north }, *outside[] = { north, south, west };
    struct config_network networks[2];
    struct config_account accounts[] = {
        { .name = "inside", .senders = { inside, 1 }, .networks = { networks, 2 } },
        { .name = "outside", .senders = { outside, 3 } },
    };
    const struct config c = { .accounts = accounts, .account_count = 2 };
    struct err e;

    (void)state;
    assert_int_equal(config_parse_network(&networks[0], "10.0.0.0/8", &e), 0);
    assert_int_equal(config_parse_network(&networks[1], "127.0.0.1", &e), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const size_t n = strlen(rows[i].sender);
        char *const exact = malloc(n > 0 ? n : 1);
        const struct config_account *a;

        assert_non_null(exact);
        memcpy(exact, rows[i].sender, n);
        a = config_account_for(&c, span_of(exact, n), client(rows[i].client));
        free(exact);
        if (a == NULL ? rows[i].account != NULL
                      : rows[i].account == NULL || strcmp(a->name, rows[i].account))
            fail_msg("row %zu: %s", i, a == NULL ? "none" : a->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_piece_is_read_as_its_row_says),
        cmocka_unit_test(a_long_socket_path_is_refused),
        cmocka_unit_test(a_network_has_its_addresses),
        cmocka_unit_test(the_first_account_that_fits_is_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
