/* SPDX-License-Identifier: ISC */
/* log.c - one event, one line: built on the stack, sent with one call.
 * Here:       quoting, masking, the time stamp, standard error and syslog.
 * Elsewhere:  which events there are (sealpostd(8)), what they say (their callers).
 * Called by:  everything that may speak: the processes, not the layers below them. */
#include "relay/log.h"
#include "relay/encode.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES                                                                \
    2048U                    /* below PIPE_BUF: lines of several processes do not mix \
                              */
#define VALUE_MAX_BYTES 320U /* struct err's text fits */
#define MASK_LEAST_DIGITS                                       \
    8U /* of a shorter number the last three would say too much \
        */

static struct {
    char process[16];
    enum log_level least;
    bool to_syslog;
} speaker = { "sealpostd", L_INFO, false };

static const struct {
    const char *name;
    int priority;
} levels[] = { [L_DEBUG] = { "debug", LOG_DEBUG },
               [L_INFO] = { "info", LOG_INFO },
               [L_WARN] = { "warn", LOG_WARNING },
               [L_ERROR] = { "error", LOG_ERR } };

struct line {
    char text[LINE_MAX_BYTES];
    size_t n;
    bool full; /* the field under way does not fit */
};

static const char cut_mark[] = " cut=yes";

void log_start(const char *process, enum log_level least, bool to_syslog)
{
    (void)snprintf(speaker.process, sizeof speaker.process, "%s", process);
    speaker.least = least;
    speaker.to_syslog = to_syslog;
    if (to_syslog) /* connected now: later there may be no way to the socket */
        openlog("sealpostd", LOG_PID | LOG_NDELAY, LOG_MAIL);
}

bool log_wants(enum log_level level)
{
    return level >= speaker.least;
}

static void put(struct line *l, const char *bytes, size_t n)
{
    const size_t room = sizeof l->text - sizeof cut_mark - 1; /* and a newline */

    if (l->full || n > room - l->n) {
        l->full = true;
        return;
    }
    memcpy(l->text + l->n, bytes, n);
    l->n += n;
}

static void put_str(struct line *l, const char *s)
{
    put(l, s, strlen(s));
}

static bool is_plain(char ch)
{
    return ch > ' ' && ch < 0x7f && ch != '"' && ch != '\\' && ch != '=';
}

static void put_escaped(struct line *l, char ch)
{
    char text[8];

    if (ch == '"' || ch == '\\')
        (void)snprintf(text, sizeof text, "\\%c", ch);
    else if (ch == '\n')
        (void)snprintf(text, sizeof text, "\\n");
    else if (is_plain(ch) || ch == ' ' || ch == '=')
        (void)snprintf(text, sizeof text, "%c", ch);
    else
        (void)snprintf(text, sizeof text, "\\x%02x", (unsigned)(unsigned char)ch);
    put_str(l, text);
}

/* The mask (plain letters, may be "") and the value, in quotes only when needed. */
static void put_value(struct line *l, const char *mask, const char *value)
{
    const size_t n = strnlen(value, VALUE_MAX_BYTES);
    bool plain = n > 0 || mask[0] != '\0';

    for (size_t i = 0; i < n; i++)
        plain = plain && is_plain(value[i]);
    if (!plain)
        put_str(l, "\"");
    put_str(l, mask);
    for (size_t i = 0; i < n; i++)
        put_escaped(l, value[i]);
    if (value[n] != '\0')
        put_str(l, "...");
    if (!plain)
        put_str(l, "\"");
}

static void put_string(struct line *l, const struct log_field *f)
{
    put_value(l, "", f->p == NULL ? "" : (const char *)f->p);
}

static void put_u64(struct line *l, const struct log_field *f)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRIu64, f->u);
    put_str(l, text);
}

static void put_i64(struct line *l, const struct log_field *f)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%" PRId64, (int64_t)f->u);
    put_str(l, text);
}

static void put_id(struct line *l, const struct log_field *f)
{
    char text[HEX_LEN(16) + 1];

    if (f->p == NULL)
        put_str(l, "\"\"");
    else
        put_str(l, hex_text(text, f->p, 16));
}

static void put_msisdn(struct line *l, const struct log_field *f)
{
    const char *const digits = f->p == NULL ? "" : (const char *)f->p;
    const size_t n = strlen(digits);

    put_value(l, "*", n < MASK_LEAST_DIGITS ? "" : digits + n - 3);
}

static void put_address(struct line *l, const struct log_field *f)
{
    const char *const at = f->p == NULL ? NULL : strrchr(f->p, '@');

    put_value(l, "*", at == NULL ? "" : at);
}

static void (*const writers[])(struct line *, const struct log_field *) = {
    [LOG_F_STR] = put_string, [LOG_F_U64] = put_u64,       [LOG_F_I64] = put_i64,
    [LOG_F_ID] = put_id,      [LOG_F_MSISDN] = put_msisdn, [LOG_F_ADDRESS] = put_address
};

static void put_time(struct line *l)
{
    struct timespec now;
    struct tm utc;
    char text[40];
    size_t n;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc) == NULL)
        return;
    n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    put(l, text, n);
    (void)snprintf(text, sizeof text, ".%03uZ ", (unsigned)(now.tv_nsec / 1000000));
    put_str(l, text);
}

/* A field stands whole or not at all; then the line says that something is missing. */
static void put_fields(struct line *l, const struct log_field *fields, size_t count)
{
    bool cut = false;

    for (size_t i = 0; i < count; i++) {
        const size_t before = l->n;

        put_str(l, " ");
        put_str(l, fields[i].name);
        put_str(l, "=");
        writers[fields[i].type](l, &fields[i]);
        if (l->full) {
            l->n = before;
            l->full = false;
            cut = true;
        }
    }
    if (cut) {
        memcpy(l->text + l->n, cut_mark, sizeof cut_mark - 1);
        l->n += sizeof cut_mark - 1;
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count)
{
    const int saved = errno; /* whoever logs a failure may still want to read it */
    struct line l;

    l.n = 0;
    l.full = false;
    if (!speaker.to_syslog)
        put_time(&l);
    put_str(&l, "event=");
    put_value(&l, "", event);
    put_str(&l, " level=");
    put_str(&l, levels[level].name);
    put_str(&l, " process=");
    put_value(&l, "", speaker.process);
    put_fields(&l, fields, count);
    if (speaker.to_syslog) {
        syslog(levels[level].priority, "%.*s", (int)l.n, l.text);
    } else {
        ssize_t sent; /* not looked at: nobody is left to be told */

        l.text[l.n++] = '\n';
        sent = write(STDERR_FILENO, l.text, l.n);
        (void)sent;
    }
    errno = saved;
}
