/* SPDX-License-Identifier: ISC */
/* template.c - the words that people read, loaded once, filled in often.
 * Here:       reading and checking the files, the language that is used, placeholders.
 * Elsewhere:  the room that a text takes as SMS (gsm7.c), the mail around a text
 *             (compose.c).
 * Called by:  sealpostd.c before the fork; courier's doors, front.
 * Source:     the form of the OTP's last line: origin-bound one-time codes (WICG). */
#include "relay/template.h"
#include "relay/utf8.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BAD "5.3.5"
#define FILE_MAX_BYTES (32U << 10)
#define LANGUAGE_MAX 15U /* bytes, as config's language */
#define LANGUAGES_MAX 64U
#define NAMES_MAX 2U

static const struct kind {
    const char *room, *name; /* ROOM/LANG/NAME.txt */
    const char *names[NAMES_MAX];
    unsigned needed;       /* bits of names: a text without it would be useless */
    const char *last_line; /* that a text must end with, or NULL */
} kinds[TEMPLATE_COUNT] = {
    [TEMPLATE_SMS_NOTICE] = { "sms", "notice", { "link", "brand" }, 1U, NULL },
    [TEMPLATE_SMS_OTP] = { "sms",
                           "otp",
                           { "otp", "host" },
                           3U,
                           "\n@{{host}} #{{otp}}" },
    [TEMPLATE_SMS_DEVICE_ADDED] = { "sms", "device-added", { "host" }, 0U, NULL },
    [TEMPLATE_SMS_STOPPED] = { "sms", "stopped", { "brand" }, 0U, NULL },
    [TEMPLATE_SMS_STARTED] = { "sms", "started", { "brand" }, 0U, NULL },
    [TEMPLATE_SMS_HELP] = { "sms", "help", { "brand", "host" }, 0U, NULL },
    [TEMPLATE_SMS_WRONG] = { "sms", "wrong", { "brand" }, 0U, NULL },
    [TEMPLATE_SMS_REMOVED] = { "sms", "removed", { "host" }, 0U, NULL },
    [TEMPLATE_SMS_CONFIRM] = { "sms", "confirm", { "host" }, 0U, NULL },
    [TEMPLATE_MAIL_REPLY] = { "mail", "reply", { "text", "number" }, 1U, NULL },
    [TEMPLATE_MAIL_EXPIRED] = { "mail", "expired", { "number", "date" }, 1U, NULL },
    [TEMPLATE_MAIL_UNDELIVERABLE] = { "mail",
                                      "undeliverable",
                                      { "number", "date" },
                                      1U,
                                      NULL },
    [TEMPLATE_MAIL_WRONG_NUMBER] = { "mail",
                                     "wrong-number",
                                     { "number", "date" },
                                     1U,
                                     NULL },
};

struct piece {
    struct span literal;
    const char *name; /* of the placeholder behind it, or NULL at the end */
};

struct text {
    struct buf file;
    struct piece *pieces;
    size_t count; /* 0: this language lacks it */
};

struct language {
    char name[LANGUAGE_MAX + 1];
    struct text texts[TEMPLATE_COUNT];
};

struct templates {
    struct language *languages;
    size_t count;
};

/* A file under examination, and whom to tell. */
struct check {
    const char *path;
    struct span whole;
    struct err *e;
};

static int refuse(const struct check *k, const char *at, const char *why)
{
    unsigned line = 1;

    for (const char *p = k->whole.p; p < at; p++)
        line += *p == '\n';
    return err_set(k->e, ERR_PERM, BAD, "%s:%u: %s", k->path, line, why);
}

static int check_characters(const struct check *k)
{
    struct cur c = cur_of(k->whole);
    const char *at = c.p;
    uint32_t character;

    while (take_utf8(&c, &character) == 1) {
        if ((character < ' ' && character != '\n') || character == 0x7f ||
            character == 0xfeff)
            return refuse(k, at, "a control character or byte order mark");
        at = c.p;
    }
    return cur_done(&c) ? 0 : refuse(k, at, "not UTF-8");
}

/* Which of the kind's names is it? -1: none. */
static int name_index(const struct kind *kind, struct span name)
{
    for (size_t i = 0; i < NAMES_MAX && kind->names[i] != NULL; i++)
        if (span_eq_str(name, kind->names[i]))
            return (int)i;
    return -1;
}

static int add_piece(struct text *t, struct span literal, const char *name,
                     struct err *e)
{
    struct piece *const more = reallocarray(t->pieces, t->count + 1, sizeof *more);

    if (more == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    t->pieces = more;
    more[t->count++] = (struct piece){ literal, name };
    return 0;
}

/* template = *(literal / "{{" name "}}") */
static int cut_pieces(struct text *t, const struct kind *kind, const struct check *k)
{
    const char *p = k->whole.p, *const end = p + k->whole.n;
    unsigned seen = 0;

    for (;;) {
        const char *const open = memmem(p, (size_t)(end - p), "{{", 2);
        const char *close;
        int index;

        if (open == NULL)
            break;
        close = memmem(open, (size_t)(end - open), "}}", 2);
        if (close == NULL)
            return refuse(k, open, "this {{ has no }}");
        index = name_index(kind, span_of(open + 2, (size_t)(close - open) - 2));
        if (index < 0)
            return refuse(k, open, "this text has no such placeholder");
        if (add_piece(t, span_of(p, (size_t)(open - p)), kind->names[index], k->e) != 0)
            return -1;
        seen |= 1U << index;
        p = close + 2;
    }
    for (size_t i = 0; i < NAMES_MAX; i++)
        if ((kind->needed >> i & 1U) != 0 && (seen >> i & 1U) == 0)
            return err_set(k->e, ERR_PERM, BAD, "%s:1: this text needs {{%s}}", k->path,
                           kind->names[i]);
    return add_piece(t, span_of(p, (size_t)(end - p)), NULL, k->e);
}

static bool ends_with(struct span whole, const char *end)
{
    const size_t n = strlen(end);

    return whole.n >= n && memcmp(whole.p + whole.n - n, end, n) == 0;
}

static int check_text(struct text *t, const struct kind *kind, const char *path,
                      struct err *e)
{
    struct check k = { path, buf_span(&t->file), e };

    if (check_characters(&k) != 0)
        return -1;
    while (k.whole.n > 0 && k.whole.p[k.whole.n - 1] == '\n')
        k.whole.n--;
    if (k.whole.n == 0)
        return refuse(&k, k.whole.p, "the text is empty");
    if (kind->last_line != NULL && !ends_with(k.whole, kind->last_line))
        return refuse(&k, k.whole.p + k.whole.n,
                      "the last line must be \"@{{host}} #{{otp}}\"");
    if (strcmp(kind->room, "mail") == 0 && k.whole.n < t->file.n)
        k.whole.n++; /* a mail's text keeps the end of its last line */
    return cut_pieces(t, kind, &k);
}

static int read_file(struct buf *out, const char *path, struct err *e)
{
    FILE *const file = fopen(path, "re");
    char some[4096];
    size_t n;
    int rc = 0;

    if (file == NULL)
        return err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    while ((n = fread(some, 1, sizeof some, file)) > 0)
        buf_put_mem(out, some, n);
    if (ferror(file))
        rc = err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    else if (!buf_ok(out))
        rc = err_set(e, ERR_PERM, BAD, "%s: has more than %u bytes", path,
                     FILE_MAX_BYTES);
    (void)fclose(file);
    return rc;
}

static struct language *language_named(const struct templates *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++)
        if (strcasecmp(t->languages[i].name, name) == 0)
            return &t->languages[i];
    return NULL;
}

static struct language *language_new(struct templates *t, const char *name,
                                     struct err *e)
{
    struct language *more, *new;

    if (t->count == LANGUAGES_MAX) {
        (void)err_set(e, ERR_PERM, BAD, "more than %u languages", LANGUAGES_MAX);
        return NULL;
    }
    more = reallocarray(t->languages, t->count + 1, sizeof *more);
    if (more == NULL) {
        (void)err_set(e, ERR_TEMP, "4.3.0", "out of memory");
        return NULL;
    }
    t->languages = more;
    new = &more[t->count++];
    memset(new, 0, sizeof *new);
    (void)span_copy(new->name, sizeof new->name, span_str(name));
    for (size_t i = 0; i < TEMPLATE_COUNT; i++)
        buf_init(&new->texts[i].file, FILE_MAX_BYTES);
    return new;
}

static int load_text(struct language *lang, const char *dir, const char *room,
                     const char *file, struct err *e)
{
    const size_t n = strlen(file) - strlen(".txt");
    char path[4096];
    size_t i = 0;

    if (snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
        return err_set(e, ERR_PERM, BAD, "%s: the path is too long", dir);
    while (i < TEMPLATE_COUNT && (strcmp(kinds[i].room, room) != 0 ||
                                  !span_eq_str(span_of(file, n), kinds[i].name)))
        i++;
    if (i == TEMPLATE_COUNT) /* a misspelt name would silently be another language */
        return err_set(e, ERR_PERM, BAD, "%s: there is no text of this name", path);
    if (lang->texts[i].count > 0)
        return err_set(e, ERR_PERM, BAD, "%s: is there twice, as %s and %s", path,
                       lang->name, strrchr(dir, '/') + 1);
    if (read_file(&lang->texts[i].file, path, e) != 0)
        return -1;
    return check_text(&lang->texts[i], &kinds[i], path, e);
}

/* ROOM/LANG: every *.txt in it. */
static int load_language(struct templates *t, const char *dir, const char *room,
                         const char *name, struct err *e)
{
    struct language *lang = language_named(t, name);
    struct dirent *entry;
    char path[4096];
    DIR *files;
    int rc = 0;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return err_set(e, ERR_PERM, BAD, "%s: the path is too long", dir);
    files = opendir(path);
    if (files == NULL && errno == ENOTDIR)
        return 0;
    if (files == NULL)
        return err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    if (strlen(name) > LANGUAGE_MAX)
        rc = err_set(e, ERR_PERM, BAD, "%s: a language has at most %u letters", path,
                     LANGUAGE_MAX);
    else if (lang == NULL && (lang = language_new(t, name, e)) == NULL)
        rc = err_wrap(e, "%s", path);
    while (rc == 0 && (entry = readdir(files)) != NULL)
        if (entry->d_name[0] != '.' && ends_with(span_str(entry->d_name), ".txt"))
            rc = load_text(lang, path, room, entry->d_name, e);
    (void)closedir(files);
    return rc;
}

static int load_room(struct templates *t, const char *dir, const char *room,
                     struct err *e)
{
    struct dirent *entry;
    char path[4096];
    DIR *languages;
    int rc = 0;

    if (snprintf(path, sizeof path, "%s/%s", dir, room) >= (int)sizeof path)
        return err_set(e, ERR_PERM, BAD, "%s: the path is too long", dir);
    languages = opendir(path);
    if (languages == NULL)
        return err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    while (rc == 0 && (entry = readdir(languages)) != NULL)
        if (entry->d_name[0] != '.')
            rc = load_language(t, path, room, entry->d_name, e);
    (void)closedir(languages);
    return rc;
}

static int check_complete(const struct templates *t, const char *dir, struct err *e)
{
    const struct language *const en = language_named(t, "en");

    for (size_t i = 0; i < TEMPLATE_COUNT; i++)
        if (en == NULL || en->texts[i].count == 0)
            return err_set(e, ERR_PERM, BAD, "%s/%s/en/%s.txt: is missing", dir,
                           kinds[i].room, kinds[i].name);
    return 0;
}

struct templates *templates_load(const char *dir, struct err *e)
{
    struct templates *const t = calloc(1, sizeof *t);

    if (t == NULL) {
        (void)err_set(e, ERR_TEMP, "4.3.0", "out of memory");
        return NULL;
    }
    if (load_room(t, dir, "sms", e) == 0 && load_room(t, dir, "mail", e) == 0 &&
        check_complete(t, dir, e) == 0)
        return t;
    templates_free(t);
    return NULL;
}

void templates_free(struct templates *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++)
        for (size_t k = 0; k < TEMPLATE_COUNT; k++) {
            buf_clear(&t->languages[i].texts[k].file);
            free(t->languages[i].texts[k].pieces);
        }
    free(t->languages);
    free(t);
}

/* "de-AT", then "de", then "en". */
static const struct text *choose(const struct templates *t, enum template_id id,
                                 const char *language)
{
    char name[LANGUAGE_MAX + 1];
    const struct language *lang;
    char *dash;

    if (language == NULL || !span_copy(name, sizeof name, span_str(language)))
        name[0] = '\0';
    for (;;) {
        lang = language_named(t, name);
        if (lang != NULL && lang->texts[id].count > 0)
            return &lang->texts[id];
        dash = strrchr(name, '-');
        if (dash == NULL)
            break;
        *dash = '\0';
    }
    return &language_named(t, "en")->texts[id];
}

static const struct span *value_named(const struct template_value *values, size_t count,
                                      const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(values[i].name, name) == 0)
            return &values[i].value;
    return NULL;
}

int template_render(const struct templates *t, enum template_id id,
                    const char *language, const struct template_value *values,
                    size_t count, struct buf *out, struct err *e)
{
    const struct text *const text = choose(t, id, language);

    for (size_t i = 0; i < text->count; i++) {
        const struct piece *const piece = &text->pieces[i];
        const struct span *value;

        buf_put_span(out, piece->literal);
        if (piece->name == NULL)
            continue;
        value = value_named(values, count, piece->name);
        if (value == NULL)
            return err_set(e, ERR_BUG, "4.3.0", "template %s: no value for %s",
                           kinds[id].name, piece->name);
        buf_put_span(out, *value);
    }
    if (!buf_ok(out))
        return err_set(e, ERR_PERM, "5.3.4", "template %s: the text is too long",
                       kinds[id].name);
    return 0;
}
