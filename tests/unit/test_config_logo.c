/* SPDX-License-Identifier: ISC */
/* test_config_logo.c - an account's logo: pictures that are taken, and what only says
 * that it is one.
 * Elsewhere:  its key (test_config.c), serving it (tests/scenario/app-served.sh). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "relay/config_value.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct config_key key = { .name = "logo", .allowed = "a picture" };
static char dir[32];

static int dir_make(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/sealpost-test.XXXXXX");
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int dir_remove(void **state)
{
    (void)state;
    return rmdir(dir);
}

/* A file of n bytes, read as a logo and removed again. */
static struct config_logo *take(const char *name, const char *bytes, size_t n,
                                struct err *e)
{
    struct config_logo *logo = NULL;
    char path[128];
    FILE *f;
    int rc;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    rc = config_set_logo(&key, dir, name, &logo, e);
    (void)unlink(path);
    assert_int_equal(rc, logo == NULL ? -1 : 0);
    return logo;
}

#define PNG "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1"
#define BYTES_OF(literal) literal, sizeof(literal) - 1
static const struct {
    const char *name, *bytes;
    size_t n;
    const char *type; /* NULL: refused */
} logo_rows[] = {
    { "logo.png", BYTES_OF(PNG), "image/png" },
    { "logo.png", BYTES_OF("\x89PNG\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\0"), NULL },
    { "logo.png", BYTES_OF("<svg></svg>"), NULL },
    { "logo.webp", BYTES_OF("RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0"), "image/webp" },
    { "logo.webp", BYTES_OF("RIFF\x1a\0\0\0WAVEfmt \x0d\0\0\0"), NULL },
    { "logo.svg", BYTES_OF("<svg/>"), "image/svg+xml" },
    { "logo.svg",
      BYTES_OF("\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- <svg> -->\n"
               "<!DOCTYPE svg PUBLIC \"x\" \"y\">\r\n<svg xmlns=\"z\"></svg>"),
      "image/svg+xml" },
    { "logo.svg", BYTES_OF("<!DOCTYPE svg [<!ENTITY a \"b\">]><svg/>"), NULL },
    { "logo.svg", BYTES_OF("<html><svg/></html>"), NULL },
    { "logo.svg", BYTES_OF("<svgx/>"), NULL },
    { "logo.svg", BYTES_OF("<!-- <svg/>"), NULL },
    { "logo.svg", BYTES_OF("<svg>caf\xe9</svg>"), NULL },
    { "logo.svg", BYTES_OF("<svg>\0</svg>"), NULL },
    { "logo.svg", BYTES_OF(""), NULL },
    { "logo.svg", BYTES_OF(PNG), NULL },
    { "logo.gif", BYTES_OF("GIF89a"), NULL },
    { "logo.SVG", BYTES_OF("<svg/>"), NULL },
};

/* Cut anywhere it is taken or refused, and not read past. */
static void a_logo_is_what_its_ending_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof logo_rows / sizeof logo_rows[0]; i++) {
        struct config_logo *logo;
        struct err e;

        for (size_t n = 0; n < logo_rows[i].n; n++)
            config_logo_free(take(logo_rows[i].name, logo_rows[i].bytes, n, &e));
        logo = take(logo_rows[i].name, logo_rows[i].bytes, logo_rows[i].n, &e);
        if ((logo != NULL) != (logo_rows[i].type != NULL))
            fail_msg("row %zu is %s", i, logo != NULL ? "taken" : e.text);
        if (logo != NULL) {
            assert_string_equal(logo->type, logo_rows[i].type);
            assert_int_equal(logo->n, logo_rows[i].n);
            assert_memory_equal(logo->p, logo_rows[i].bytes, logo->n);
        }
        config_logo_free(logo);
    }
}

/* What sha256sum says of "<svg/>" was written down here by hand. */
static void a_logo_has_the_name_of_its_content(void **state)
{
    struct err e;
    struct config_logo *const logo = take("logo.svg", "<svg/>", 6, &e);

    (void)state;
    assert_non_null(logo);
    assert_string_equal(logo->path, "/brand/d4dc56669143034f.svg");
    config_logo_free(logo);
}

static void a_byte_more_than_64_kib_is_too_much(void **state)
{
    static char much[CONFIG_LOGO_MAX_BYTES + 1];
    struct config_logo *logo;
    struct err e;

    (void)state;
    memset(much, ' ', sizeof much);
    memcpy(much, "<svg/>", 6);
    logo = take("logo.svg", much, sizeof much - 1, &e);
    assert_non_null(logo);
    config_logo_free(logo);
    assert_null(take("logo.svg", much, sizeof much, &e));
    assert_non_null(strstr(e.text, "/logo.svg is larger than 64KiB"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, dir_make, dir_remove)
    const struct CMUnitTest tests[] = {
        CASE(a_logo_is_what_its_ending_says),
        CASE(a_logo_has_the_name_of_its_content),
        CASE(a_byte_more_than_64_kib_is_too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
