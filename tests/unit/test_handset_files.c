/* SPDX-License-Identifier: ISC */
/* test_handset_files.c - the page's files: which are served and as what, their hash,
 * both codings, and what a request says of them.
 * Elsewhere:  the same over HTTPS (tests/scenario/app-served.sh). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "plugin/handset_files.h"
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define ROWS(rows) (sizeof(rows) / sizeof(rows)[0])
#define LONG_TEXT_BYTES 5000U

static char dir[64], page[80];
static struct config config = { .templates = dir };

static int remove_one(const char *path, const struct stat *st, int flag,
                      struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void put_file(const char *name, const char *text, size_t n)
{
    char path[160];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", page, name);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void put_folder(const char *name)
{
    char path[160];

    (void)snprintf(path, sizeof path, "%s/%s", page, name);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int dir_make(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof dir, "/tmp/sealpost-test.XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(page, sizeof page, "%s/handset", dir);
    assert_int_equal(mkdir(page, 0700), 0);
    put_file("index.html", "<p>", 3);
    return 0;
}

static int dir_remove(void **state)
{
    (void)state;
    handset_files_clear();
    config.accounts = NULL;
    config.account_count = 0;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void load(void)
{
    struct err e;

    if (handset_files_load(&config, &e) != 0)
        fail_msg("%s", e.text);
}

static const struct {
    const char *name, *type; /* NULL: not served */
} there_rows[] = {
    { "index.html", "text/html; charset=utf-8" },
    { "app.css", "text/css; charset=utf-8" },
    { "sw.js", "text/javascript; charset=utf-8" },
    { "js/main.js", "text/javascript; charset=utf-8" },
    { "lang/de.json", "application/json" },
    { "app.webmanifest", "application/manifest+json" },
    { "icon.svg", "image/svg+xml" },
    { "icon-192.png", "image/png" },
    { "x.webp", "image/webp" },
    { "openapi.yaml", "application/yaml" },
    { ".js", NULL },
    { ".hidden.js", NULL },
    { "js/.hidden.js", NULL },
    { "README", NULL },
    { "main.ts", NULL },
    { "app.css~", NULL },
};

static void files_are_served_by_their_ending(void **state)
{
    static const char *const absent[] = { "main.js",       "de.json", "js", "js/",
                                          "js/js/main.js", "APP.CSS", "",   "handset" };

    (void)state;
    put_folder("js");
    put_folder("lang");
    for (size_t i = 0; i < ROWS(there_rows); i++)
        put_file(there_rows[i].name, "x", 1);
    load();
    for (size_t i = 0; i < ROWS(there_rows); i++) {
        const struct handset_file *const f = handset_file_find(there_rows[i].name);

        if ((f == NULL) != (there_rows[i].type == NULL))
            fail_msg("%s is %sserved", there_rows[i].name, f == NULL ? "not " : "");
        if (f != NULL)
            assert_string_equal(f->type, there_rows[i].type);
    }
    for (size_t i = 0; i < ROWS(absent); i++)
        assert_null(handset_file_find(absent[i]));
}

/* What sha256sum says of these files was written down here by hand. */
static void the_hash_is_that_of_sha256sum(void **state)
{
    static const char json[] =
        "{\"hash\":\"0ac0d51e3487db2b714a9ef07270b8914dc810fe10ed24664eb6af42061ebe59"
        "\",\n\"files\":{\n\"index.html\":"
        "\"33f2799467177287a29260780a107ac98ea63dd6165f67fcc0d74767d0a82090\",\n"
        "\"js.json\":"
        "\"189f40034be7a199f1fa9891668ee3ab6049f82d38c68be70f596eab2e1857b7\",\n"
        "\"js/b.js\":"
        "\"3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d\"\n}}\n";
    const struct handset_file *f;

    (void)state;
    put_folder("js");
    put_file("js/b.js", "b", 1);
    put_file("js.json", "j", 1); /* "." sorts before "/" */
    put_file("openapi.yaml", "not of the page", 15);
    load();
    f = handset_file_find("app.json");
    assert_non_null(f);
    assert_string_equal(f->type, "application/json");
    assert_int_equal(f->body.n, sizeof json - 1);
    assert_memory_equal(f->body.p, json, f->body.n);
    assert_memory_equal(handset_app_hash(), json + 9, HEX_LEN(32));
}

static void assert_unpacks(const struct handset_file *f)
{
    static char out[LONG_TEXT_BYTES + 1];
    z_stream z = { .next_in = (Bytef *)f->coded[CODING_GZIP].p,
                   .avail_in = (uInt)f->coded[CODING_GZIP].n,
                   .next_out = (Bytef *)out,
                   .avail_out = sizeof out };

    assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    assert_int_equal(z.total_out, f->body.n);
    assert_memory_equal(out, f->body.p, f->body.n);
    (void)inflateEnd(&z);
}

static void what_gets_smaller_has_three_codings(void **state)
{
    static char text[LONG_TEXT_BYTES];
    const struct handset_file *f;

    (void)state;
    memset(text, 'x', sizeof text);
    put_file("long.txt", text, sizeof text);
    put_file("short.txt", "x", 1);
    put_file("empty.txt", "", 0);
    load();
    f = handset_file_find("long.txt");
    assert_non_null(f);
    assert_int_equal(f->body.n, sizeof text);
    assert_in_range(f->coded[CODING_GZIP].n, 20, 100);
    assert_unpacks(f);
    assert_in_range(f->coded[CODING_BR].n, 5, 100); /* unpacked in app-served.sh */
    for (size_t c = 0; c < CODING_COUNT; c++) {
        assert_int_equal(f->etag[c][0], '"');
        assert_string_not_equal(f->etag[c], f->etag[(c + 1) % CODING_COUNT]);
    }
    assert_int_equal(handset_file_coding(f, "gzip, br"), CODING_BR);
    assert_int_equal(handset_file_coding(f, "br;q=0, gzip"), CODING_GZIP);
    assert_int_equal(handset_file_coding(f, "deflate"), CODING_IDENTITY);
    assert_int_equal(handset_file_coding(handset_file_find("short.txt"), "gzip, br"),
                     CODING_IDENTITY);
    assert_int_equal(handset_file_find("short.txt")->coded[CODING_GZIP].n, 0);
    assert_int_equal(handset_file_find("empty.txt")->coded[CODING_GZIP].n, 0);
    assert_int_equal(handset_file_find("empty.txt")->body.n, 0);
    assert_string_not_equal(handset_file_find("short.txt")->etag[0], f->etag[0]);
}

static void logos_have_names_of_their_own(void **state)
{
    struct config_logo logos[] = {
        { "/brand/0123456789abcdef.svg", "image/svg+xml", (uint8_t[]){ "<svg/>" }, 6 },
        { "/brand/0123456789abcdef.svg", "image/svg+xml", (uint8_t[]){ "<svg/>" }, 6 },
        { "/brand/fedcba9876543210.png", "image/png", (uint8_t[]){ "png" }, 3 },
    };
    struct config_account accounts[4] = { { .logo = &logos[0] },
                                          { .logo = &logos[1] },
                                          { .logo = NULL },
                                          { .logo = &logos[2] } };
    const struct handset_file *f;

    (void)state;
    config.accounts = accounts;
    config.account_count = ROWS(accounts);
    load();
    f = handset_file_find("brand/0123456789abcdef.svg");
    assert_non_null(f);
    assert_true(f->is_logo);
    assert_int_equal(f->body.n, 6);
    assert_non_null(handset_file_find("brand/fedcba9876543210.png"));
    assert_null(handset_file_find("0123456789abcdef.svg"));
    assert_false(handset_file_find("index.html")->is_logo);
    f = handset_file_find("app.json"); /* the page is the same for every operator */
    assert_null(memmem(f->body.p, f->body.n, "brand", 5));
}

static void spoil_index(void)
{
    char path[160];

    (void)snprintf(path, sizeof path, "%s/index.html", page);
    assert_int_equal(remove(path), 0);
}

static void spoil_name(void)
{
    put_file("a b.js", "x", 1);
}

static void spoil_depth(void)
{
    put_folder("js");
    put_folder("js/more");
}

static void spoil_app_json(void)
{
    put_file("app.json", "{}", 2);
}

static void spoil_size(void)
{
    static char much[(1U << 20) + 1];

    put_file("much.js", much, sizeof much);
}

static void spoil_length(void)
{
    put_file("a-name-that-is-longer-than-any-file-of-the-page-has-a-right-to.js", "",
             0);
}

static const struct {
    void (*spoil)(void);
    const char *why;
} spoilt_rows[] = {
    { spoil_index, "has no index.html" },
    { spoil_name, "/a b.js: a name here has letters, digits and . - _ only" },
    { spoil_depth, "js/more: a folder in a folder is not served" },
    { spoil_app_json, "/app.json: the server makes this one itself" },
    { spoil_size, "/much.js: cannot be read, or is larger than 1 MiB" },
    { spoil_length, ": too long a name" },
};

static void a_page_that_cannot_be_served_is_refused(void **state)
{
    for (size_t i = 0; i < ROWS(spoilt_rows); i++) {
        struct err e;

        assert_int_equal(dir_make(state), 0);
        spoilt_rows[i].spoil();
        assert_int_equal(handset_files_load(&config, &e), -1);
        assert_int_equal(e.class, ERR_PERM);
        if (strstr(e.text, spoilt_rows[i].why) == NULL)
            fail_msg("\"%s\" lacks \"%s\"", e.text, spoilt_rows[i].why);
        assert_int_equal(dir_remove(state), 0);
    }
}

static const struct {
    const char *accept;
    bool takes;
} accept_rows[] = {
    { NULL, false },
    { "", false },
    { "gzip", true },
    { "GZip", true },
    { "x-gzip", true },
    { "gzip, deflate, br", true },
    { "br,gzip", true },
    { "deflate,\t gzip ;\tq=0.5", true },
    { "gzip;q=0", false },
    { "gzip;q=0.000", false },
    { "gzip; Q=0.0, *", false },
    { "gzip;q=0.001", true },
    { "gzip;q=1", true },
    { "*", true },
    { "*;q=0", false },
    { "*;q=0, gzip", true },
    { "identity", false },
    { "identity;q=0", false },
    { "br;q=1, gzip;q=0", false },
    { "gzipped", false },
    { "zgzip", false },
    { "deflate;q=0.9;gzip", false },
    { ",, ,gzip", true },
    { ";gzip", false },
};

/* Each row also cut after every byte, in a block of that size: nothing is read behind
 * it. */
static void accept_encoding_is_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(accept_rows); i++) {
        const char *const text = accept_rows[i].accept;

        if (handset_takes(text, CODING_GZIP) != accept_rows[i].takes)
            fail_msg("Accept-Encoding: %s", text);
        for (size_t n = 0; text != NULL && n < strlen(text); n++) {
            char *const exact = strndup(text, n);

            (void)handset_takes(exact, CODING_GZIP);
            free(exact);
        }
    }
}

static const struct {
    const char *header;
    bool known;
} known_rows[] = {
    { NULL, false },
    { "", false },
    { "*", true },
    { "\"ab-gzip\"", false },
    { "\"ab\"", true },
    { "W/\"ab\"", true },
    { "w/\"ab\"", false }, /* the letter is a big one */
    { "\"x\", \"ab\"", true },
    { "\"x\",W/\"ab\" ,\"y\"", true },
    { "\"x,\\\"ab\\\"\"", false },
    { "\"x, \"ab\"\"", false },
    { "ab", false },
    { "\"ab", false },
    { "\"abc\"", false },
    { ",,\"ab\"", true },
};

static void if_none_match_is_understood(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(known_rows); i++) {
        const char *const text = known_rows[i].header;

        if (handset_etag_known(text, "\"ab\"") != known_rows[i].known)
            fail_msg("If-None-Match: %s", text);
        for (size_t n = 0; text != NULL && n < strlen(text); n++) {
            char *const exact = strndup(text, n);

            (void)handset_etag_known(exact, "\"ab\"");
            free(exact);
        }
    }
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, dir_make, dir_remove)
int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(files_are_served_by_their_ending),
        IN_A_FOLDER(the_hash_is_that_of_sha256sum),
        IN_A_FOLDER(what_gets_smaller_has_three_codings),
        IN_A_FOLDER(logos_have_names_of_their_own),
        cmocka_unit_test(a_page_that_cannot_be_served_is_refused),
        cmocka_unit_test(accept_encoding_is_understood),
        cmocka_unit_test(if_none_match_is_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
