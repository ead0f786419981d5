/* SPDX-License-Identifier: ISC */
/* handset_files.c - the files that a handset's browser gets, ready to be sent.
 * Here:       each in its codings with their entity tags, If-None-Match.
 * Elsewhere:  compressing (handset_coding.c), reading the page (relay/app_files.c) and
 * the logos (relay/config_logo.c), headers of the answers (handset_pages.c). Called by:
 * handset.c, handset_pages.c. No file is opened after start. Source:     RFC 9110 8.8.3
 * (entity tags), 13.1.2 (If-None-Match). */
#include "plugin/handset_files.h"
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#define APP_JSON_MAX (64U << 10)

static struct app_files app;
static char app_hash[APP_HASH_ROOM];
static struct buf app_json;
static struct handset_file *files;
static size_t file_count;

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
    (void)snprintf(f->name, sizeof f->name, "%s", name);
    if (EVP_Q_digest(NULL, "SHA256", NULL, body.p, body.n, hash, NULL) != 1)
        return err_set(e, ERR_TEMP, "4.3.0", "%s: SHA-256 failed", name);
    (void)hex_text(hex, hash, 16);
    (void)snprintf(f->etag[0], sizeof f->etag[0], "\"%s\"", hex);
    for (enum handset_coding c = CODING_GZIP; c < CODING_COUNT; c++) {
        (void)snprintf(f->etag[c], sizeof f->etag[c], "\"%s-%s\"", hex,
                       handset_coding_name(c));
        if (handset_compress(c, body, &f->coded[c], e) != 0)
            return err_wrap(e, "%s", name);
    }
    return 0;
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
        for (size_t c = 0; c < CODING_COUNT; c++)
            buf_clear(&files[i].coded[c]);
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

enum handset_coding handset_file_coding(const struct handset_file *f,
                                        const char *accept)
{
    for (enum handset_coding c = CODING_COUNT - 1; c > CODING_IDENTITY; c--)
        if (f->coded[c].n > 0 && handset_takes(accept, c))
            return c;
    return CODING_IDENTITY;
}

struct span handset_file_body(const struct handset_file *f, enum handset_coding c)
{
    return c == CODING_IDENTITY ? f->body : buf_span(&f->coded[c]);
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
