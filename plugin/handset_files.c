/* SPDX-License-Identifier: ISC */
/* handset_files.c - the files that a handset's browser gets, ready to be sent.
 * Here:       both codings and their entity tags, what a request says of them.
 * Elsewhere:  reading the page (relay/app_files.c) and the logos (relay/config_logo.c),
 *             headers of the answers (handset_pages.c).
 * Called by:  handset.c, handset_pages.c. No file is opened after start.
 * Source:     RFC 9110 8.8.3 (entity tags), 12.5.3 (Accept-Encoding), 13.1.2
 *             (If-None-Match); RFC 1952 (gzip). */
#include "plugin/handset_files.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#define APP_JSON_MAX (64U << 10)
#define GZIP_HEADER 16 /* beside the window bits: wrap in gzip, not in zlib */
#define MEM_LEVEL 9

static struct app_files app;
static char app_hash[APP_HASH_ROOM];
static struct buf app_json;
static struct handset_file *files;
static size_t file_count;

/* The header has no time and no name in it: each front makes the same bytes. */
static int compress_body(struct handset_file *f, struct err *e)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)f->body.p,
                   .avail_in = (uInt)f->body.n };
    char *room;
    int rc;

    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + GZIP_HEADER,
                     MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return err_set(e, ERR_TEMP, "4.3.0", "%s: cannot be compressed", f->name);
    room = buf_room(&f->gzip, f->body.n);
    if (room != NULL) {
        z.next_out = (Bytef *)room;
        z.avail_out = (uInt)f->body.n;
    }
    rc = room == NULL ? Z_BUF_ERROR : deflate(&z, Z_FINISH);
    if (rc == Z_STREAM_END && z.total_out < f->body.n)
        f->gzip.n = z.total_out;
    else
        buf_clear(&f->gzip); /* there was no room for it in the body's size */
    (void)deflateEnd(&z);
    return 0;
}

static int add(const char *name, const char *type, struct span body, struct err *e)
{
    struct handset_file *const more = reallocarray(files, file_count + 1, sizeof *more);
    char hex[HEX_LEN(16) + 1];
    struct handset_file *f;
    uint8_t hash[32];

    if (more == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    files = more;
    f = &files[file_count++];
    *f = (struct handset_file){ .type = type, .body = body };
    buf_init(&f->gzip, body.n);
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    if (EVP_Q_digest(NULL, "SHA256", NULL, body.p, body.n, hash, NULL) != 1)
        return err_set(e, ERR_TEMP, "4.3.0", "%s: SHA-256 failed", name);
    (void)hex_text(hex, hash, 16);
    (void)snprintf(f->etag, sizeof f->etag, "\"%s\"", hex);
    (void)snprintf(f->gzip_etag, sizeof f->gzip_etag, "\"%s-gzip\"", hex);
    return compress_body(f, e);
}

static int add_app_json(struct err *e)
{
    if (app_files_hash(&app, app_hash, e) != 0)
        return -1;
    buf_init(&app_json, APP_JSON_MAX);
    app_files_json(&app, app_hash, &app_json);
    if (!buf_ok(&app_json))
        return err_set(e, ERR_PERM, "5.3.5", "app.json is too long");
    return add("app.json", "application/json", buf_span(&app_json), e);
}

static int add_logo(const struct config_logo *logo, struct err *e)
{
    const char *const name = logo->path + 1;

    if (handset_file_find(name) != NULL) /* two accounts with one logo */
        return 0;
    if (add(name, logo->type, span_of(logo->p, logo->n), e) != 0)
        return -1;
    files[file_count - 1].is_logo = true;
    return 0;
}

int handset_files_load(const struct config *config, struct err *e)
{
    char dir[1024];
    int rc = 0;

    if (snprintf(dir, sizeof dir, "%s/handset", config->templates) >= (int)sizeof dir)
        return err_set(e, ERR_PERM, "5.3.5", "%s: too long a name", config->templates);
    if (app_files_load(&app, dir, e) != 0)
        return -1;
    for (size_t i = 0; rc == 0 && i < app.n; i++)
        rc = add(app.p[i].name, app.p[i].type, buf_span(&app.p[i].body), e);
    if (rc == 0)
        rc = add_app_json(e);
    for (size_t i = 0; rc == 0 && i < config->account_count; i++)
        if (config->accounts[i].logo != NULL)
            rc = add_logo(config->accounts[i].logo, e);
    return rc;
}

void handset_files_clear(void)
{
    for (size_t i = 0; i < file_count; i++)
        buf_clear(&files[i].gzip);
    free(files);
    files = NULL;
    file_count = 0;
    buf_clear(&app_json);
    app_files_clear(&app);
}

const struct handset_file *handset_file_find(const char *name)
{
    for (size_t i = 0; i < file_count; i++)
        if (strcmp(files[i].name, name) == 0)
            return &files[i];
    return NULL;
}

const char *handset_app_hash(void)
{
    return app_hash;
}

static void skip_blanks(struct cur *c)
{
    while (cur_byte(c, ' ') || cur_byte(c, '\t'))
        ;
}

static struct span take_until(struct cur *c, const char *ends)
{
    const char *const start = c->p;

    while (!cur_done(c) && strchr(ends, *c->p) == NULL)
        c->p++;
    return span_of(start, (size_t)(c->p - start));
}

/* weight = OWS ";" OWS "q=" qvalue; true unless it is 0. Another parameter, which no
 * coding has, does not make one unwelcome. */
static bool take_weight(struct cur *c)
{
    bool welcome = true;

    skip_blanks(c);
    while (cur_byte(c, ';')) {
        struct span value;

        skip_blanks(c);
        if (cur_word(c, "q=")) {
            value = take_until(c, " \t;,");
            welcome = false;
            for (size_t i = 0; i < value.n; i++)
                welcome = welcome || (value.p[i] >= '1' && value.p[i] <= '9');
        }
        (void)take_until(c, ";,");
    }
    return welcome;
}

/* Accept-Encoding = #( codings [ weight ] ); what names gzip decides, else "*". */
bool handset_takes_gzip(const char *accept)
{
    struct cur c = cur_of(span_str(accept == NULL ? "" : accept));
    bool any = false;

    while (!cur_done(&c)) {
        struct span coding;
        bool welcome;

        skip_blanks(&c);
        coding = take_until(&c, " \t;,");
        welcome = take_weight(&c);
        if (span_ieq_str(coding, "gzip") || span_ieq_str(coding, "x-gzip"))
            return welcome;
        if (span_eq_str(coding, "*"))
            any = welcome;
        (void)take_until(&c, ",");
        (void)cur_byte(&c, ',');
    }
    return any;
}

/* If-None-Match = "*" / #( [ "W/" ] DQUOTE *etagc DQUOTE ); compared weakly. */
bool handset_etag_known(const char *if_none_match, const char *etag)
{
    struct cur c = cur_of(span_str(if_none_match == NULL ? "" : if_none_match));

    if (span_eq_str(span_str(c.p), "*"))
        return true;
    while (!cur_done(&c)) {
        const char *start;

        skip_blanks(&c);
        if (cur_left(&c) >= 2 && memcmp(c.p, "W/", 2) == 0)
            c.p += 2;
        start = c.p;
        if (cur_byte(&c, '"')) {
            (void)take_until(&c, "\"");
            (void)cur_byte(&c, '"');
        }
        if (span_eq_str(span_of(start, (size_t)(c.p - start)), etag))
            return true;
        (void)take_until(&c, ",");
        (void)cur_byte(&c, ',');
    }
    return false;
}
