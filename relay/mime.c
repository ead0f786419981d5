/* SPDX-License-Identifier: ISC */
/* mime.c - a mail taken apart: the text to show, and the parts beside it.
 * Here:       GMime's tree walked; which leaf is text; headers that we use.
 * Elsewhere:  bounds (mime_bounds.c, before), charsets and lines (mime_text.c), HTML
 *             (mime_html.c), quotes of answers (mime_quote.c).
 * Called by:  the doors that take mail.
 * Source:     RFC 2045-2047, 2183, 2231; RFC 3834 2 (automatic mail); RFC 5322 3.6.4.
 */
#include "relay/mime.h"
#include "relay/calendar.h"
#include "relay/mime_inner.h"
#include "relay/mime_words.h"
#include <gmime/gmime.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define RAW_MAX (1U << 30) /* GMime counts bytes in 32 bits */
#define REFERENCES_MAX 10U
#define DATE_LEAST 946684800U /* 2000-01-01 */
#define DATE_MOST 4102444800U /* 2100-01-01 */
#define DECODED_SLACK 8U /* GMime's decoders may want so much more than they read */
#define SMALL_LEAF 256U
#define LEAN_MAX \
    (64U << 10) /* where a copy costs less than the headers it leaves out */

/* One parser, one stream that looks at the caller's bytes: a process parses one mail at
 * a time. The stream only reads, so a GByteArray that GLib did not make is enough. */
static struct {
    GMimeParser *parser;
    GMimeParserOptions *options;
    GMimeStream *stream;
    GByteArray view;
    bool broken;    /* GMime saw what it could not take as it stands */
    bool truncated; /* it missed an end: harmless where no part can have one */
    char lean[LEAN_MAX];
} reader;

struct walk {
    struct mime_mail *mail;
    struct err *e;
    struct span raw, seen; /* the mail, and what of it GMime has seen */
    struct mime_text text;
    size_t html_left;
    size_t part_room;
    unsigned depth;
    bool calendar_seen;
};

/* What a body leaf is to the reader. */
enum kind { KIND_PLAIN, KIND_HTML, KIND_OTHER_TEXT, KIND_PART };

static void on_warning(gint64 offset, GMimeParserWarning what, const gchar *item,
                       gpointer user)
{
    (void)offset;
    (void)item;
    (void)user;
    switch (what) {
    case GMIME_WARN_TRUNCATED_MESSAGE:
        reader.truncated = true;
        break;
    case GMIME_WARN_MALFORMED_MULTIPART:
    case GMIME_WARN_MALFORMED_MESSAGE:
    case GMIME_CRIT_INVALID_HEADER_NAME:
    case GMIME_CRIT_CONFLICTING_HEADER:
    case GMIME_CRIT_MULTIPART_WITHOUT_BOUNDARY:
    case GMIME_CRIT_NESTING_OVERFLOW:
        reader.broken = true;
        break;
    default:
        break;
    }
}

void mime_start(void)
{
    if (reader.parser != NULL)
        return;
    g_mime_init();
    mime_text_start();
    reader.options = g_mime_parser_options_new();
    g_mime_parser_options_set_warning_callback(reader.options, on_warning, NULL);
    reader.stream = g_mime_stream_mem_new_with_byte_array(&reader.view);
    g_mime_stream_mem_set_owner(GMIME_STREAM_MEM(reader.stream), FALSE);
    reader.parser = g_mime_parser_new();
}

static int out_of_memory(struct err *e)
{
    return err_set(e, ERR_TEMP, "4.3.0", "mail: out of memory");
}

/* The bytes of a leaf as they stand in the mail: the stream of the parser is memory,
 * and its leaves are windows of it. */
static struct span leaf_raw(const struct walk *w, GMimePart *leaf,
                            GMimeContentEncoding *encoding_out)
{
    GMimeDataWrapper *const content = g_mime_part_get_content(leaf);
    GMimeStream *stream;

    *encoding_out = GMIME_CONTENT_ENCODING_DEFAULT;
    if (content == NULL)
        return span_of(NULL, 0);
    *encoding_out = g_mime_data_wrapper_get_encoding(content);
    stream = g_mime_data_wrapper_get_stream(content);
    if (stream == NULL || stream->bound_start < 0 ||
        stream->bound_end <= stream->bound_start ||
        (guint64)stream->bound_end > w->seen.n)
        return span_of(NULL, 0);
    return span_of(w->seen.p + stream->bound_start,
                   (size_t)(stream->bound_end - stream->bound_start));
}

/* uuencode has a line before the data, and names the file once more. */
static struct span after_begin_line(struct span s)
{
    while (s.n > 0) {
        const char *const lf = memchr(s.p, '\n', s.n);
        const bool begins = s.n > 6 && memcmp(s.p, "begin ", 6) == 0;
        const size_t n = lf != NULL ? (size_t)(lf - s.p) + 1 : s.n;

        s = span_of(s.p + n, s.n - n);
        if (begins)
            break;
    }
    return s;
}

static bool is_encoded(GMimeContentEncoding encoding)
{
    return encoding == GMIME_CONTENT_ENCODING_BASE64 ||
           encoding == GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE ||
           encoding == GMIME_CONTENT_ENCODING_UUENCODE;
}

static void decode(struct buf *out, struct span raw, GMimeContentEncoding encoding)
{
    GMimeEncoding state;
    size_t room;
    char *to;

    if (!is_encoded(encoding)) {
        buf_put_span(out, raw);
        return;
    }
    if (encoding == GMIME_CONTENT_ENCODING_UUENCODE)
        raw = after_begin_line(raw);
    room = raw.n + DECODED_SLACK;
    if (encoding == GMIME_CONTENT_ENCODING_BASE64)
        room = raw.n / 4 * 3 + DECODED_SLACK;
    to = buf_room(out, room);
    if (to == NULL)
        return;
    g_mime_encoding_init_decode(&state, encoding);
    out->n -= room; /* that much was reserved, this much is used */
    out->n += g_mime_encoding_step(&state, raw.p, raw.n, to);
}

/* The decoded bytes of a leaf: a window of the mail where nothing is encoded, else in
 * held, which the caller wipes. */
static struct span leaf_bytes(const struct walk *w, GMimePart *leaf, struct buf *held)
{
    GMimeContentEncoding encoding;
    const struct span raw = leaf_raw(w, leaf, &encoding);

    buf_init(held, raw.n + DECODED_SLACK);
    if (!is_encoded(encoding))
        return raw;
    decode(held, raw, encoding);
    return buf_span(held);
}

static bool is_blank_text(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\0' || strchr(" \t\r\n", s.p[i]) == NULL)
            return false;
    return true;
}

static bool is_blank_leaf(const struct walk *w, GMimePart *leaf)
{
    GMimeContentEncoding encoding;
    struct buf held;
    bool blank;

    if (leaf_raw(w, leaf, &encoding).n > SMALL_LEAF)
        return false; /* nobody encodes so many blanks */
    blank = is_blank_text(leaf_bytes(w, leaf, &held));
    buf_wipe(&held);
    return blank;
}

static bool is_word(const char *s)
{
    size_t n = 0;

    if (s == NULL)
        return false;
    while (s[n] != '\0' && (g_ascii_isalnum(s[n]) || strchr("!#$&^_.+-", s[n]) != NULL))
        n++;
    return n > 0 && s[n] == '\0';
}

/* "type/subtype" in lower case; what is no such thing is a stream of octets. */
static void set_type(char out[MIME_TYPE_MAX + 1], GMimeContentType *type)
{
    const char *major = "application", *minor = "octet-stream";
    int n;

    if (type != NULL && is_word(g_mime_content_type_get_media_type(type)) &&
        is_word(g_mime_content_type_get_media_subtype(type))) {
        major = g_mime_content_type_get_media_type(type);
        minor = g_mime_content_type_get_media_subtype(type);
    }
    n = snprintf(out, MIME_TYPE_MAX + 1, "%s/%s", major, minor);
    if (n > (int)MIME_TYPE_MAX)
        (void)snprintf(out, MIME_TYPE_MAX + 1, "application/octet-stream");
    for (; *out != '\0'; out++)
        *out = g_ascii_tolower(*out);
}

/* The next part, empty; NULL with *e when there are too many. Old storage is wiped when
 * it moves: names are personal too. */
static struct mime_part *add_part(struct walk *w)
{
    struct mime_mail *const mail = w->mail;

    if (mail->part_count == MIME_PARTS_MAX) {
        (void)err_set(w->e, ERR_PERM, "5.6.0", "more than %u parts", MIME_PARTS_MAX);
        return NULL;
    }
    if (mail->part_count == w->part_room) {
        const size_t room = w->part_room == 0 ? 4 : 2 * w->part_room;
        struct mime_part *const parts = malloc(room * sizeof *parts);

        if (parts == NULL) {
            (void)out_of_memory(w->e);
            return NULL;
        }
        if (mail->part_count > 0) {
            memcpy(parts, mail->parts, mail->part_count * sizeof *parts);
            OPENSSL_cleanse(mail->parts, mail->part_count * sizeof *parts);
        }
        free(mail->parts);
        mail->parts = parts;
        w->part_room = room;
    }
    mail->parts[mail->part_count] = (struct mime_part){ .type = "" };
    buf_init(&mail->parts[mail->part_count].body, w->raw.n + DECODED_SLACK);
    return &mail->parts[mail->part_count++];
}

/* What is no appointment stays the part that it is. */
static int take_calendar(struct walk *w, GMimePart *leaf, struct span body)
{
    struct calendar_event *const event = malloc(sizeof *event);

    w->calendar_seen = true;
    if (event == NULL)
        return out_of_memory(w->e);
    if (calendar_read(
            event, body,
            g_mime_object_get_content_type_parameter(GMIME_OBJECT(leaf), "charset"),
            time(NULL)))
        w->mail->appointment = event;
    else
        free(event);
    return 0;
}

static int add_leaf(struct walk *w, GMimePart *leaf)
{
    struct mime_part *const part = add_part(w);
    GMimeContentEncoding encoding;
    struct span raw;
    char *name;

    if (part == NULL)
        return -1;
    set_type(part->type, g_mime_object_get_content_type(GMIME_OBJECT(leaf)));
    name = mime_file_name(GMIME_OBJECT(leaf));
    mime_name_set(part->name, name != NULL ? name : "");
    g_free(name);
    raw = leaf_raw(w, leaf, &encoding);
    decode(&part->body, raw, encoding);
    if (!buf_ok(&part->body))
        return out_of_memory(w->e);
    if (strcmp(part->type, "text/calendar") == 0 && !w->calendar_seen)
        return take_calendar(w, leaf, buf_span(&part->body));
    return 0;
}

static int add_original(struct walk *w)
{
    struct mime_part *const part = add_part(w);

    if (part == NULL)
        return -1;
    memcpy(part->type, "message/rfc822", sizeof "message/rfc822");
    memcpy(part->name, "original.eml", sizeof "original.eml");
    buf_put_span(&part->body, w->raw);
    return buf_ok(&part->body) ? 0 : out_of_memory(w->e);
}

/* A mail in the mail stays whole: its own structure is its reader's matter. */
static int add_message(struct walk *w, GMimeMessagePart *holder)
{
    GMimeMessage *const message = g_mime_message_part_get_message(holder);
    struct mime_part *const part = add_part(w);
    char *name, *subject = NULL;
    GByteArray *bytes;
    GMimeStream *stream;

    if (part == NULL)
        return -1;
    memcpy(part->type, "message/rfc822", sizeof "message/rfc822");
    name = mime_disposition_name(GMIME_OBJECT(holder));
    if (name != NULL)
        mime_name_set(part->name, name);
    if (message != NULL)
        subject = mime_subject(message);
    if (part->name[0] == '\0')
        mime_name_of_subject(part->name, subject != NULL ? subject : "");
    g_free(name);
    g_free(subject);
    if (message == NULL)
        return 0;
    stream = g_mime_stream_mem_new();
    g_mime_object_write_to_stream(GMIME_OBJECT(message), NULL, stream);
    bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    if (bytes != NULL && bytes->data != NULL) {
        part->body.max = bytes->len; /* a line end may be more than raw has */
        buf_put_mem(&part->body, bytes->data, bytes->len);
    }
    g_object_unref(stream);
    return buf_ok(&part->body) ? 0 : out_of_memory(w->e);
}

/* What a reader sees as the text, and what lies beside it. */
static enum kind leaf_kind(const struct walk *w, GMimePart *leaf)
{
    GMimeContentType *const type = g_mime_object_get_content_type(GMIME_OBJECT(leaf));
    const char *const how = g_mime_object_get_disposition(GMIME_OBJECT(leaf));

    if (type == NULL ||
        (!g_mime_content_type_is_type(type, "text", "*") && !GMIME_IS_TEXT_PART(leaf)))
        return KIND_PART;
    if (how != NULL && g_ascii_strcasecmp(how, "attachment") == 0)
        return KIND_PART;
    /* Old systems name even the one text that they send. */
    if (w->mail->text.n > 0 && g_mime_part_get_filename(leaf) != NULL)
        return KIND_PART;
    /* A type that cannot be read means text/plain (RFC 2045 5.2): GMime makes a text
     * part of it, though it calls it a stream of octets. */
    if (g_mime_content_type_is_type(type, "text", "plain") ||
        !g_mime_content_type_is_type(type, "text", "*"))
        return KIND_PLAIN;
    if (g_mime_content_type_is_type(type, "text", "html"))
        return KIND_HTML;
    return g_mime_content_type_is_type(type, "text", "calendar") ? KIND_PART
                                                                 : KIND_OTHER_TEXT;
}

/* HTML names its charset inside when the mail does not. */
static void html_charset(struct span html, char out[41])
{
    static const char key[] = "charset=";
    const size_t head = html.n < 1024 ? html.n : 1024;
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i + sizeof key - 1 < head; i++) {
        if (strncasecmp(html.p + i, key, sizeof key - 1) != 0)
            continue;
        i += sizeof key - 1;
        i += html.p[i] == '"' || html.p[i] == '\'';
        while (i < head && n < 40 &&
               (g_ascii_isalnum(html.p[i]) || html.p[i] == '-' || html.p[i] == '_'))
            out[n++] = html.p[i++];
        out[n] = '\0';
        return;
    }
}

static int put_html(struct walk *w, struct span bytes, const char *charset)
{
    struct buf utf8;
    struct mime_text in = { .buf = &utf8, .max = w->html_left };
    char inner[41];
    int rc;

    buf_init(&utf8, MIME_HTML_MAX);
    if (charset == NULL) {
        html_charset(bytes, inner);
        charset = inner[0] != '\0' ? inner : NULL;
    }
    mime_text_decode(&in, bytes, charset);
    w->html_left -= utf8.n;
    rc = buf_ok(&utf8) ? mime_html_put(&w->text, buf_span(&utf8), w->e)
                       : out_of_memory(w->e);
    w->text.cut |= in.cut;
    buf_wipe(&utf8);
    return rc;
}

/* Appends a leaf to the text, a blank line before it. */
static int add_text(struct walk *w, GMimePart *leaf, enum kind kind)
{
    const char *const charset =
        g_mime_object_get_content_type_parameter(GMIME_OBJECT(leaf), "charset");
    struct buf *const text = &w->mail->text;
    const size_t before = text->n;
    struct buf held;
    const struct span bytes = leaf_bytes(w, leaf, &held);
    size_t begin;
    int rc = buf_ok(&held) ? 0 : out_of_memory(w->e);

    if (before > 0) {
        mime_text_trim(text, 0);
        mime_text_put(&w->text, span_of("\n\n", 2));
    }
    begin = text->n;
    if (rc == 0 && kind == KIND_HTML)
        rc = put_html(w, bytes, charset);
    else if (rc == 0)
        mime_text_decode(&w->text, bytes, charset);
    if (text->n > begin && is_blank_text(span_of(text->p + begin, text->n - begin)))
        text->n = begin;
    if (text->n == begin && before > 0)
        mime_text_trim(text, 0); /* nothing came: no blank line either */
    buf_wipe(&held);
    return rc;
}

static bool holds_kind(const struct walk *w, GMimeObject *object, enum kind kind,
                       unsigned depth)
{
    if (GMIME_IS_PART(object))
        return leaf_kind(w, GMIME_PART(object)) == kind &&
               !is_blank_leaf(w, GMIME_PART(object));
    if (!GMIME_IS_MULTIPART(object) || depth >= MIME_DEPTH_MAX)
        return false;
    for (int i = 0; i < g_mime_multipart_get_count(GMIME_MULTIPART(object)); i++)
        if (holds_kind(w, g_mime_multipart_get_part(GMIME_MULTIPART(object), i), kind,
                       depth + 1))
            return true;
    return false;
}

/* Of the alternatives: the first with plain text, else the last with HTML; -1 none. */
static int choose(const struct walk *w, GMimeMultipart *multipart)
{
    const int count = g_mime_multipart_get_count(multipart);

    for (int i = 0; i < count; i++)
        if (holds_kind(w, g_mime_multipart_get_part(multipart, i), KIND_PLAIN,
                       w->depth))
            return i;
    for (int i = count - 1; i >= 0; i--)
        if (holds_kind(w, g_mime_multipart_get_part(multipart, i), KIND_HTML, w->depth))
            return i;
    return -1;
}

static int walk_object(struct walk *w, GMimeObject *object, bool show);

static int walk_multipart(struct walk *w, GMimeMultipart *multipart, bool show)
{
    GMimeContentType *const type =
        g_mime_object_get_content_type(GMIME_OBJECT(multipart));
    const int count = g_mime_multipart_get_count(multipart);
    const char *prologue;
    int chosen = -1, rc = 0;

    if (w->depth >= MIME_DEPTH_MAX)
        return err_set(w->e, ERR_PERM, "5.6.0", "parts nested deeper than %u",
                       MIME_DEPTH_MAX);
    w->depth++;
    if (type != NULL && g_mime_content_type_is_type(type, "multipart", "alternative"))
        chosen = choose(w, multipart);
    for (int i = 0; i < count && rc == 0; i++)
        rc = walk_object(w, g_mime_multipart_get_part(multipart, i),
                         show && (chosen < 0 || chosen == i));
    w->depth--;
    prologue = count == 0 ? g_mime_multipart_get_prologue(multipart) : NULL;
    if (prologue != NULL && show) { /* no boundary was found: that was the content */
        mime_text_decode(&w->text, span_str(prologue), NULL);
        reader.broken = true;
    }
    return rc;
}

/* show: false in the alternatives that were not chosen; what is no text stays a part.
 */
static int walk_object(struct walk *w, GMimeObject *object, bool show)
{
    enum kind kind;

    if (GMIME_IS_MULTIPART(object))
        return walk_multipart(w, GMIME_MULTIPART(object), show);
    if (GMIME_IS_MESSAGE_PART(object))
        return add_message(w, GMIME_MESSAGE_PART(object));
    if (!GMIME_IS_PART(object))
        return 0;
    kind = leaf_kind(w, GMIME_PART(object));
    if (kind == KIND_PART || (kind == KIND_OTHER_TEXT && show))
        return add_leaf(w, GMIME_PART(object));
    return show ? add_text(w, GMIME_PART(object), kind) : 0;
}

static const char *raw_header(GMimeMessage *message, const char *name)
{
    GMimeHeader *const header = g_mime_header_list_get_header(
        g_mime_object_get_header_list(GMIME_OBJECT(message)), name);
    const char *const value =
        header != NULL ? g_mime_header_get_raw_value(header) : NULL;

    return value != NULL ? value : "";
}

/* The first word of a header, without comment or parameter. */
static struct span first_word(const char *value)
{
    value += strspn(value, " \t\r\n");
    return span_of(value, strcspn(value, " \t\r\n;("));
}

static bool is_automatic(GMimeMessage *message)
{
    static const char *const precedences[] = { "bulk", "junk", "list" };
    const struct span sub = first_word(raw_header(message, "Auto-Submitted"));
    const struct span precedence = first_word(raw_header(message, "Precedence"));
    GMimeObject *const top = g_mime_message_get_mime_part(message);
    GMimeContentType *const type =
        top != NULL ? g_mime_object_get_content_type(top) : NULL;

    if (sub.n > 0 && !span_ieq_str(sub, "no"))
        return true;
    for (size_t i = 0; i < sizeof precedences / sizeof precedences[0]; i++)
        if (span_ieq_str(precedence, precedences[i]))
            return true;
    return raw_header(message, "List-Id")[0] != '\0' ||
           (type != NULL && g_mime_content_type_is_type(type, "multipart", "report"));
}

/* The last ten ids, and of those as many as there is room for. */
static void set_references(struct mime_mail *mail, const char *value)
{
    struct cur c = cur_of(span_str(value));
    struct span ids[REFERENCES_MAX], id;
    size_t count = 0, first, bytes = 0, n = 0;

    for (; mime_take_id(&c, &id); count++)
        ids[count % REFERENCES_MAX] = id;
    for (first = count; first > 0 && count - first < REFERENCES_MAX; first--) {
        bytes += ids[(first - 1) % REFERENCES_MAX].n + 1;
        if (bytes > sizeof mail->references)
            break;
    }
    for (; first < count; first++) {
        id = ids[first % REFERENCES_MAX];
        if (n > 0)
            mail->references[n++] = ' ';
        memcpy(mail->references + n, id.p, id.n);
        n += id.n;
    }
    mail->references[n] = '\0';
}

static void set_headers(struct mime_mail *mail, GMimeMessage *message)
{
    char *const subject = mime_subject(message);
    const char *references = raw_header(message, "References");
    GDateTime *const date = g_mime_message_get_date(message);
    const gint64 at = date != NULL ? g_date_time_to_unix(date) : 0;
    struct cur c = cur_of(span_str(raw_header(message, "Message-ID")));
    struct span id;

    if (subject != NULL && !mime_line_set(mail->subject, sizeof mail->subject, subject))
        reader.broken = true; /* the rest of it stands in the original */
    g_free(subject);
    if (mime_take_id(&c, &id))
        (void)span_copy(mail->mail_id, sizeof mail->mail_id, id);
    if (references[strspn(references, " \t\r\n")] == '\0')
        references = raw_header(message, "In-Reply-To");
    set_references(mail, references);
    if (at >= (gint64)DATE_LEAST && at < (gint64)DATE_MOST)
        mail->date_s = (uint64_t)at;
    mail->automatic = is_automatic(message);
}

/* Not even headers: what stands behind the first empty line, or all of it. */
static void put_unparsed(struct walk *w)
{
    const char *const crlf = memmem(w->raw.p, w->raw.n, "\r\n\r\n", 4);
    const char *const lf = memmem(w->raw.p, w->raw.n, "\n\n", 2);
    const char *body = w->raw.p;

    if (crlf != NULL)
        body = crlf + 4;
    else if (lf != NULL)
        body = lf + 2;
    mime_text_decode(&w->text, span_of(body, (size_t)(w->raw.p + w->raw.n - body)),
                     NULL);
    reader.broken = true;
}

static int walk_message(struct walk *w, GMimeMessage *message)
{
    GMimeObject *top;

    if (message == NULL) {
        if (w->raw.n > 0)
            put_unparsed(w);
        return 0;
    }
    set_headers(w->mail, message);
    top = g_mime_message_get_mime_part(message);
    if (top == NULL)
        return 0;
    reader.broken |= reader.truncated && !GMIME_IS_PART(top);
    return walk_object(w, top, true);
}

static GMimeMessage *read_message(struct span raw)
{
    reader.view = (GByteArray){ (guint8 *)(uintptr_t)raw.p, (guint)raw.n };
    reader.broken = reader.truncated = false;
    (void)g_mime_stream_reset(reader.stream);
    g_mime_parser_init_with_stream(reader.parser, reader.stream);
    return g_mime_parser_construct_message(reader.parser, reader.options);
}

int mime_parse(struct mime_mail *mail, struct span raw, struct err *e)
{
    struct walk w = { .mail = mail, .e = e, .raw = raw, .html_left = MIME_HTML_MAX };
    GMimeMessage *message;
    int rc;

    if (raw.n > RAW_MAX)
        return err_set(e, ERR_PERM, "5.3.4", "mail of %zu bytes", raw.n);
    memset(mail, 0, sizeof *mail);
    buf_init(&mail->text, MIME_TEXT_MAX);
    w.text = (struct mime_text){ .buf = &mail->text, .max = MIME_TEXT_MAX };
    w.seen = raw.n <= LEAN_MAX ? mime_lean(raw, reader.lean) : raw;
    message = read_message(w.seen);
    rc = walk_message(&w, message);
    if (rc == 0 && !buf_ok(&mail->text))
        rc = out_of_memory(e);
    mail->text_cut = w.text.cut;
    if (rc == 0 && (mail->text_cut || reader.broken))
        rc = add_original(&w);
    if (message != NULL)
        g_object_unref(message);
    reader.view = (GByteArray){ NULL, 0 };
    if (w.seen.p == reader.lean)
        OPENSSL_cleanse(reader.lean, w.seen.n);
    if (rc != 0)
        mime_clear(mail);
    return rc;
}

void mime_clear(struct mime_mail *mail)
{
    for (size_t i = 0; i < mail->part_count; i++)
        buf_wipe(&mail->parts[i].body);
    if (mail->parts != NULL)
        OPENSSL_cleanse(mail->parts, mail->part_count * sizeof *mail->parts);
    free(mail->parts);
    if (mail->appointment != NULL)
        OPENSSL_cleanse(mail->appointment, sizeof *mail->appointment);
    free(mail->appointment);
    buf_wipe(&mail->text);
    OPENSSL_cleanse(mail, sizeof *mail);
}
