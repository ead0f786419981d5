/* SPDX-License-Identifier: ISC */
/* compose.c - the mails that Sealpost writes, built with GMime.
 * Here:       headers, the text part, RFC 3464's report.
 * Elsewhere:  what is said (templates/mail), fields (reply.c, report.c), SMTP (mail.c).
 * Called by:  plugin/mail.c.
 * Source:     RFC 5322, RFC 2047, RFC 3464, RFC 3834. */
#include "relay/compose.h"
#include "relay/mime_inner.h"
#include <gmime/gmime.h>
#include <openssl/crypto.h>
#include <time.h>

#define BODY_MAX (1U << 20) /* U+FFFD for each byte: thrice as much */
#define LINE_ROOM 2048U
#define WORDS_MAX (3 * LINE_ROOM) /* 13 bytes and 4/3 of each 24 or more */
#define ADDRESS_MAX 320U          /* RFC 5321 4.5.3.1: 64, "@", 255 */
#define WORD_BYTES 45U            /* 72 bytes as an encoded word, of 75 (RFC 2047 2) */

/* An address that may stand in a header: one "@", printable ASCII (libesmtp speaks no
 * SMTPUTF8), nothing that ends or nests it. */
static bool is_address(const char *address)
{
    const char *at = strchr(address, '@');

    if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL)
        return false;
    for (const char *p = address; *p != '\0'; p++)
        if (*p <= ' ' || *p >= 0x7f || strchr("<>(),;:\\\"", *p) != NULL)
            return false;
    return strlen(address) <= ADDRESS_MAX;
}

static bool is_id(const char *id)
{
    struct cur c = cur_of(span_str(id));
    struct span clean;

    return mime_take_id(&c, &clean) && span_eq_str(clean, id);
}

static void set_date(GMimeMessage *m, uint64_t date_s)
{
    GDateTime *date = g_date_time_new_from_unix_utc((gint64)date_s);

    if (date == NULL)
        return;
    g_mime_message_set_date(m, date);
    g_date_time_unref(date);
}

/* References: the clean ids of the old ones, then the mail that is answered. */
static void set_thread(GMimeObject *m, const struct compose_mail *mail)
{
    struct cur c = cur_of(span_str(mail->references));
    struct buf refs;
    struct span id;

    if (!is_id(mail->in_reply_to))
        return;
    buf_init(&refs, 4096);
    while (mime_take_id(&c, &id))
        if (!span_eq_str(id, mail->in_reply_to)) {
            buf_put_span(&refs, id);
            buf_put(&refs, " ");
        }
    buf_put(&refs, mail->in_reply_to);
    g_mime_object_set_header(m, "In-Reply-To", mail->in_reply_to, NULL);
    g_mime_object_set_header(m, "References",
                             buf_ok(&refs) ? buf_cstr(&refs) : mail->in_reply_to, NULL);
    buf_clear(&refs);
}

/* Not as it is: 8 bit, too long to fold, or what a reader would take for encoded. */
static bool needs_words(const char *line)
{
    size_t run = 0;

    if (strstr(line, "=?") != NULL)
        return true;
    for (; *line != '\0'; line++) {
        run = *line == ' ' ? 0 : run + 1;
        if ((unsigned char)*line >= 0x80 || run > WORD_BYTES)
            return true;
    }
    return false;
}

/* How much goes into a word: whole characters, and if possible whole groups of three
 * bytes, because GMime up to 3.2.13 reads no further than to the first padding. */
static size_t word_bytes(const char *line)
{
    size_t n = strnlen(line, WORD_BYTES), whole;

    if (line[n] == '\0')
        return n;
    while (((unsigned char)line[n] & 0xc0) == 0x80)
        n--;
    for (whole = n; whole > WORD_BYTES / 2; whole--)
        if (whole % 3 == 0 && ((unsigned char)line[whole] & 0xc0) != 0x80)
            return whole;
    return n;
}

/* A line of mime_line_set as RFC 2047 words, for GMime to fold. Its own are too long
 * where there are no blanks, and "=?utf-8?B?DQo=?=" it passes on: a line break. */
static void put_words(struct buf *out, const char *line)
{
    const char *before = "";

    if (!needs_words(line)) {
        buf_put(out, line);
        return;
    }
    while (*line != '\0') {
        const size_t n = word_bytes(line);
        char *const word = g_base64_encode((const unsigned char *)line, n);

        buf_printf(out, "%s=?UTF-8?B?%s?=", before, word);
        g_free(word);
        before = " ";
        line += n;
    }
}

static void set_subject(GMimeMessage *m, const char *subject)
{
    char line[LINE_ROOM];
    struct buf words;

    (void)mime_line_set(line, sizeof line, subject);
    buf_init(&words, WORDS_MAX);
    put_words(&words, line);
    g_mime_message_set_subject(m, buf_cstr(&words), "UTF-8");
    buf_clear(&words);
}

static void set_from(GMimeMessage *m, const char *name, const char *address)
{
    char line[LINE_ROOM];
    struct buf words;
    InternetAddress *from;

    (void)mime_line_set(line, sizeof line, name);
    buf_init(&words, WORDS_MAX);
    put_words(&words, line);
    from = internet_address_mailbox_new(buf_cstr(&words), address);
    internet_address_list_add(g_mime_message_get_from(m), from);
    g_object_unref(from);
    buf_clear(&words);
}

static GMimeMessage *new_message(const struct compose_mail *mail)
{
    GMimeMessage *m = g_mime_message_new(FALSE);
    char loop[LINE_ROOM];

    (void)mime_line_set(loop, sizeof loop, mail->loop_id);
    set_from(m, mail->from_name, mail->from);
    g_mime_message_add_mailbox(m, GMIME_ADDRESS_TYPE_TO, NULL, mail->to);
    set_subject(m, mail->subject);
    set_date(m, mail->date_s);
    if (is_id(mail->mail_id))
        g_mime_object_set_header(GMIME_OBJECT(m), "Message-ID", mail->mail_id, NULL);
    set_thread(GMIME_OBJECT(m), mail);
    g_mime_object_set_header(GMIME_OBJECT(m), "X-Sealpost-Loop", loop, NULL);
    return m;
}

/* A part with these bytes; encoding is chosen so that lines stay short and 7 bit. */
static GMimeObject *new_part(const char *type, const char *subtype, struct span body)
{
    GMimePart *part = g_mime_part_new_with_type(type, subtype);
    GMimeStream *stream =
        g_mime_stream_mem_new_with_buffer(body.n == 0 ? "" : body.p, body.n);
    GMimeDataWrapper *content =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);

    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
    g_object_unref(content);
    g_object_unref(stream);
    return GMIME_OBJECT(part);
}

/* LF lines of valid UTF-8: the encoder and the writer make the CRLF. */
static GMimeObject *text_part(struct span text)
{
    struct buf lines;
    struct mime_text t = { .buf = &lines, .max = 3 * BODY_MAX };
    GMimeObject *part;

    buf_init(&lines, t.max + 1);
    mime_text_put(&t, text);
    if (lines.n == 0 || lines.p[lines.n - 1] != '\n')
        buf_put_u8(&lines, '\n');
    part = new_part("text", "plain", buf_span(&lines));
    g_mime_object_set_content_type_parameter(part, "charset", "utf-8");
    buf_wipe(&lines);
    return part;
}

static int write_message(GMimeMessage *m, struct buf *out, struct err *e)
{
    GMimeFormatOptions *format = g_mime_format_options_new();
    GMimeStream *stream = g_mime_stream_mem_new();
    GByteArray *bytes;

    g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
    (void)g_mime_object_write_to_stream(GMIME_OBJECT(m), format, stream);
    bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    if (bytes != NULL && bytes->data != NULL) {
        buf_put_mem(out, bytes->data, bytes->len);
        OPENSSL_cleanse(bytes->data, bytes->len);
    }
    g_object_unref(stream);
    g_mime_format_options_free(format);
    return buf_ok(out) ? 0 : err_set(e, ERR_PERM, "5.3.4", "mail is too long");
}

static int check_mail(const struct compose_mail *mail, struct err *e)
{
    if (mail->text.n > BODY_MAX)
        return err_set(e, ERR_PERM, "5.3.4", "a text of %zu bytes", mail->text.n);
    if (!is_address(mail->from) || !is_address(mail->to))
        return err_set(e, ERR_PERM, "5.6.0", "not an address that mail can go to");
    return 0;
}

int compose_reply(const struct compose_mail *mail, struct buf *out, struct err *e)
{
    GMimeMessage *m;
    GMimeObject *text;
    int rc;

    if (check_mail(mail, e) != 0)
        return -1;
    m = new_message(mail);
    /* A person wrote it, so that it is not Auto-Submitted; but a machine's thanks would
     * go to the person's phone. */
    g_mime_object_set_header(GMIME_OBJECT(m), "X-Auto-Response-Suppress", "All", NULL);
    text = text_part(mail->text);
    g_mime_message_set_mime_part(m, text);
    rc = write_message(m, out, e);
    g_object_unref(text);
    g_object_unref(m);
    return rc;
}

/* A value of a report's field: 7 bit, so "•" of a masked number becomes "*". */
static void put_field(struct buf *b, const char *name, const char *value)
{
    char line[ADDRESS_MAX + 1];

    (void)mime_line_set(line, sizeof line, value);
    buf_put(b, name);
    for (const char *p = line; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x80)
            buf_put_u8(b, (uint8_t)*p);
        else if ((*p & 0xc0) == 0xc0) /* once a character */
            buf_put_u8(b, '*');
    }
    buf_put(b, "\n");
}

static GMimeObject *status_part(const struct compose_status *status)
{
    const time_t when = (time_t)status->arrived_s;
    struct buf b;
    char date[64] = "";
    struct tm tm;
    GMimeObject *part;

    if (gmtime_r(&when, &tm) != NULL)
        (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
    buf_init(&b, 4096);
    put_field(&b, "Reporting-MTA: dns; ", status->reporting_mta);
    put_field(&b, "Arrival-Date: ", date);
    buf_put(&b, "\n");
    put_field(&b, "Final-Recipient: rfc822; ", status->final_recipient);
    put_field(&b, "Action: ", status->action);
    put_field(&b, "Status: ", status->status);
    part = new_part("message", "delivery-status", buf_span(&b));
    g_mime_part_set_content_encoding(GMIME_PART(part), GMIME_CONTENT_ENCODING_7BIT);
    buf_clear(&b);
    return part;
}

/* NULL: the original's id is not known. */
static GMimeObject *headers_part(const struct compose_mail *mail)
{
    struct buf b;
    GMimeObject *part;

    if (!is_id(mail->in_reply_to))
        return NULL;
    buf_init(&b, 512);
    buf_printf(&b, "Message-ID: %s\n", mail->in_reply_to);
    part = new_part("text", "rfc822-headers", buf_span(&b));
    g_mime_part_set_content_encoding(GMIME_PART(part), GMIME_CONTENT_ENCODING_7BIT);
    buf_clear(&b);
    return part;
}

int compose_report(const struct compose_mail *mail, const struct compose_status *status,
                   struct buf *out, struct err *e)
{
    GMimeMultipart *report;
    GMimeMessage *m;
    GMimeObject *parts[3];
    int rc;

    if (check_mail(mail, e) != 0)
        return -1;
    m = new_message(mail);
    g_mime_object_set_header(GMIME_OBJECT(m), "Auto-Submitted", "auto-replied", NULL);
    report = g_mime_multipart_new_with_subtype("report");
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(report), "report-type",
                                             "delivery-status");
    parts[0] = text_part(mail->text);
    parts[1] = status_part(status);
    parts[2] = headers_part(mail);
    for (size_t i = 0; i < 3 && parts[i] != NULL; i++) {
        g_mime_multipart_add(report, parts[i]);
        g_object_unref(parts[i]);
    }
    g_mime_message_set_mime_part(m, GMIME_OBJECT(report));
    rc = write_message(m, out, e);
    g_object_unref(report);
    g_object_unref(m);
    return rc;
}
