/* SPDX-License-Identifier: ISC */
/* compose.c - the mails that Sealpost writes, built with GMime.
 * Here:       headers, the text part, RFC 3464's report.
 * Elsewhere:  what is said (templates/mail), fields (reply.c, report.c), SMTP (mail.c).
 * Called by:  plugin/mail.c.
 * Source:     RFC 5322, RFC 2047, RFC 3464, RFC 3834. */
#include "relay/compose.h"
#include <gmime/gmime.h>
#include <stdlib.h>
#include <time.h>

#define BODY_MAX (1U << 20)

/* An address that may stand in a header: one "@", no blanks, no controls, no brackets.
 */
static bool is_address(const char *address)
{
    const char *at = strchr(address, '@');

    if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL)
        return false;
    for (const char *p = address; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("<>(),;:\\\"", *p) != NULL)
            return false;
    return true;
}

static bool is_id(const char *id)
{
    const size_t n = strlen(id);

    if (n < 3 || n > 255 || id[0] != '<' || id[n - 1] != '>')
        return false;
    for (size_t i = 1; i + 1 < n; i++)
        if ((unsigned char)id[i] <= ' ' || id[i] == 0x7f || id[i] == '<' ||
            id[i] == '>')
            return false;
    return true;
}

static void set_date(GMimeMessage *m, uint64_t date_s)
{
    GDateTime *date = g_date_time_new_from_unix_utc((gint64)date_s);

    g_mime_message_set_date(m, date);
    g_date_time_unref(date);
}

/* References: the clean ids of the old ones, then the mail that is answered. */
static void set_thread(GMimeObject *m, const struct compose_mail *mail)
{
    struct buf refs;
    char id[256];
    const char *p = mail->references;

    if (!is_id(mail->in_reply_to))
        return;
    buf_init(&refs, 4096);
    while (*p != '\0') {
        const size_t n = strcspn(p, " ");

        if (span_copy(id, sizeof id, span_of(p, n)) && is_id(id) &&
            strcmp(id, mail->in_reply_to) != 0)
            buf_printf(&refs, "%s ", id);
        p += n + strspn(p + n, " ");
    }
    buf_put(&refs, mail->in_reply_to);
    g_mime_object_set_header(m, "In-Reply-To", mail->in_reply_to, NULL);
    g_mime_object_set_header(m, "References",
                             buf_ok(&refs) ? buf_cstr(&refs) : mail->in_reply_to, NULL);
    buf_clear(&refs);
}

/* One line, no controls: GMime encodes the rest. */
static char *one_line(const char *text)
{
    char *copy = g_utf8_make_valid(text, -1);

    for (char *p = copy; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = ' ';
    return copy;
}

static GMimeMessage *new_message(const struct compose_mail *mail)
{
    GMimeMessage *m = g_mime_message_new(FALSE);
    char *subject = one_line(mail->subject), *name = one_line(mail->from_name);

    g_mime_message_add_mailbox(m, GMIME_ADDRESS_TYPE_FROM, name, mail->from);
    g_mime_message_add_mailbox(m, GMIME_ADDRESS_TYPE_TO, NULL, mail->to);
    g_mime_message_set_subject(m, subject, "UTF-8");
    set_date(m, mail->date_s);
    if (is_id(mail->mail_id))
        g_mime_object_set_header(GMIME_OBJECT(m), "Message-ID", mail->mail_id, NULL);
    set_thread(GMIME_OBJECT(m), mail);
    g_mime_object_set_header(GMIME_OBJECT(m), "X-Sealpost-Loop", mail->loop_id, NULL);
    g_free(subject);
    g_free(name);
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

/* LF lines without a CR: the quoted-printable encoder and the writer make the CRLF. */
static GMimeObject *text_part(struct span text)
{
    struct buf lines;
    GMimeObject *part;

    buf_init(&lines, BODY_MAX);
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '\r' && text.p[i] != '\0')
            buf_put_u8(&lines, (uint8_t)text.p[i]);
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
        memset(bytes->data, 0, bytes->len);
    }
    g_object_unref(stream);
    g_mime_format_options_free(format);
    return buf_ok(out) ? 0 : err_set(e, ERR_PERM, "5.3.4", "mail is too long");
}

static int check_addresses(const struct compose_mail *mail, struct err *e)
{
    if (!is_address(mail->from) || !is_address(mail->to))
        return err_set(e, ERR_PERM, "5.6.0", "not an address that mail can go to");
    return 0;
}

int compose_reply(const struct compose_mail *mail, struct buf *out, struct err *e)
{
    GMimeMessage *m;
    GMimeObject *text;
    int rc;

    if (check_addresses(mail, e) != 0)
        return -1;
    m = new_message(mail);
    text = text_part(mail->text);
    g_mime_message_set_mime_part(m, text);
    rc = write_message(m, out, e);
    g_object_unref(text);
    g_object_unref(m);
    return rc;
}

static GMimeObject *status_part(const struct compose_status *status)
{
    const time_t when = (time_t)status->arrived_s;
    struct buf b;
    char date[64];
    struct tm tm;
    GMimeObject *part;

    (void)gmtime_r(&when, &tm);
    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
    buf_init(&b, 2048);
    buf_printf(&b, "Reporting-MTA: dns; %s\nArrival-Date: %s\n\n",
               status->reporting_mta, date);
    buf_printf(&b, "Final-Recipient: rfc822; %s\nAction: %s\nStatus: %s\n",
               status->final_recipient, status->action, status->status);
    part = new_part("message", "delivery-status", buf_span(&b));
    g_mime_part_set_content_encoding(GMIME_PART(part), GMIME_CONTENT_ENCODING_7BIT);
    buf_clear(&b);
    return part;
}

static GMimeObject *headers_part(const struct compose_mail *mail)
{
    struct buf b;
    GMimeObject *part;

    buf_init(&b, 512);
    if (is_id(mail->in_reply_to))
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

    if (check_addresses(mail, e) != 0)
        return -1;
    m = new_message(mail);
    g_mime_object_set_header(GMIME_OBJECT(m), "Auto-Submitted", "auto-replied", NULL);
    report = g_mime_multipart_new_with_subtype("report");
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(report), "report-type",
                                             "delivery-status");
    parts[0] = text_part(mail->text);
    parts[1] = status_part(status);
    parts[2] = headers_part(mail);
    for (size_t i = 0; i < 3; i++) {
        g_mime_multipart_add(report, parts[i]);
        g_object_unref(parts[i]);
    }
    g_mime_message_set_mime_part(m, GMIME_OBJECT(report));
    rc = write_message(m, out, e);
    g_object_unref(report);
    g_object_unref(m);
    return rc;
}
