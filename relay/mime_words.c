/* SPDX-License-Identifier: ISC */
/* mime_words.c - encoded words that GMime would lose, put together for it.
 * Here:       neighbouring base64 words as one; subjects and file names read so.
 * Elsewhere:  decoding itself is GMime's.
 * Called by:  mime.c.
 * Source:     RFC 2047 6.2; GMime issue 133: up to 3.2.13, of neighbouring base64 words
 *             whatever stands behind the first padding ("=") is dropped. */
#include "relay/mime_words.h"
#include "relay/span.h"
#include <string.h>

#define CHARSET_MAX 64U

struct word {
    struct span charset, text;
};

static bool is_base64(char ch)
{
    return g_ascii_isalnum(ch) || ch == '+' || ch == '/' || ch == '=';
}

/* word = "=?" charset "?" ("B" / "b") "?" *base64 "?="
 * 1: taken.  0: not here, cursor unmoved. */
static int take_word(struct cur *c, struct word *out)
{
    const char *const start = c->p;

    if (!cur_byte(c, '=') || !cur_byte(c, '?'))
        return cur_back(c, start);
    out->charset.p = c->p;
    while (!cur_done(c) && c->p < start + CHARSET_MAX && g_ascii_isgraph(*c->p) &&
           *c->p != '?')
        c->p++;
    out->charset.n = (size_t)(c->p - out->charset.p);
    if (out->charset.n == 0 || !cur_byte(c, '?') ||
        (!cur_byte(c, 'B') && !cur_byte(c, 'b')) || !cur_byte(c, '?'))
        return cur_back(c, start);
    out->text.p = c->p;
    while (!cur_done(c) && is_base64(*c->p))
        c->p++;
    out->text.n = (size_t)(c->p - out->text.p);
    if (!cur_byte(c, '?') || !cur_byte(c, '='))
        return cur_back(c, start);
    return 1;
}

/* The word behind blanks. False: another charset, or none; cursor unmoved. */
static bool take_neighbour(struct cur *c, struct word *word)
{
    const char *const start = c->p;
    struct word next;

    while (!cur_done(c) && g_ascii_isspace(*c->p))
        c->p++;
    if (take_word(c, &next) != 1 || next.charset.n != word->charset.n ||
        g_ascii_strncasecmp(next.charset.p, word->charset.p, next.charset.n) != 0) {
        c->p = start;
        return false;
    }
    *word = next;
    return true;
}

/* What of the four letters is missing, as padding: some writers leave it out. A lone
 * letter is no byte. */
static void end_group(GString *bytes, gint *state, guint *save)
{
    const size_t at = bytes->len, letters = (size_t)ABS(*state);
    size_t n = 0;

    g_string_set_size(bytes, at + 4);
    if (letters >= 2)
        n = g_base64_decode_step("==", 4 - letters, (guchar *)bytes->str + at, state,
                                 save);
    g_string_set_size(bytes, at + n);
    *state = 0;
    *save = 0;
}

/* A word and its neighbours. Some writers cut between words in the middle of four
 * letters: only padding ends them. */
static void put_joined(GString *out, struct cur *c, struct word word)
{
    GString *const bytes = g_string_new(NULL);
    const struct span charset = word.charset;
    gint state = 0;
    guint save = 0;
    char *text;

    do {
        const size_t at = bytes->len;

        g_string_set_size(bytes, at + word.text.n + 4);
        g_string_set_size(bytes, at + g_base64_decode_step(word.text.p, word.text.n,
                                                           (guchar *)bytes->str + at,
                                                           &state, &save));
        if (word.text.n > 0 && word.text.p[word.text.n - 1] == '=')
            end_group(bytes, &state, &save);
    } while (take_neighbour(c, &word));
    end_group(bytes, &state, &save);
    text = g_base64_encode((const guchar *)bytes->str, bytes->len);
    g_string_append_printf(out, "=?%.*s?B?%s?=", (int)charset.n, charset.p, text);
    g_free(text);
    (void)g_string_free(bytes, TRUE);
}

/* Linear; no longer than header but for padding. For g_free. */
static char *join_words(const char *header)
{
    struct cur c = cur_of(span_str(header));
    GString *const out = g_string_sized_new(strlen(header) + 1);
    struct word word;

    while (!cur_done(&c)) {
        if (take_word(&c, &word) == 1)
            put_joined(out, &c, word);
        else
            g_string_append_c(out, *c.p++);
    }
    return g_string_free(out, FALSE);
}

/* The header with its words joined, or NULL where nothing has to be. */
static char *joined_header(GMimeObject *object, const char *name)
{
    GMimeHeader *const header =
        g_mime_header_list_get_header(g_mime_object_get_header_list(object), name);
    const char *const raw = header != NULL ? g_mime_header_get_raw_value(header) : NULL;

    return raw != NULL && strstr(raw, "=?=") != NULL ? join_words(raw) : NULL;
}

char *mime_subject(GMimeMessage *message)
{
    char *const joined = joined_header(GMIME_OBJECT(message), "Subject");
    char *plain, *subject;

    if (joined == NULL)
        return g_strdup(g_mime_message_get_subject(message));
    plain = g_mime_utils_header_unfold(joined);
    subject = g_mime_utils_header_decode_text(NULL, plain);
    g_free(plain);
    g_free(joined);
    return subject;
}

char *mime_disposition_name(GMimeObject *object)
{
    char *const joined = joined_header(object, "Content-Disposition");
    GMimeContentDisposition *disposition;
    char *name;

    if (joined == NULL)
        return g_strdup(
            g_mime_object_get_content_disposition_parameter(object, "filename"));
    disposition = g_mime_content_disposition_parse(NULL, joined);
    name = g_strdup(g_mime_content_disposition_get_parameter(disposition, "filename"));
    g_object_unref(disposition);
    g_free(joined);
    return name;
}

static char *type_name(GMimeObject *object)
{
    char *const joined = joined_header(object, "Content-Type");
    GMimeContentType *type;
    char *name;

    if (joined == NULL)
        return g_strdup(g_mime_object_get_content_type_parameter(object, "name"));
    type = g_mime_content_type_parse(NULL, joined);
    name = g_strdup(g_mime_content_type_get_parameter(type, "name"));
    g_object_unref(type);
    g_free(joined);
    return name;
}

char *mime_file_name(GMimeObject *object)
{
    char *const name = mime_disposition_name(object);

    return name != NULL ? name : type_name(object);
}
