/* SPDX-License-Identifier: ISC */
/* log.h - one event, one line, typed fields, on standard error or syslog.
 *
 * LOG(L_INFO, "message.accepted", LOG_ID("msg", id), LOG_U64("bytes", n),
 *     LOG_MSISDN("to", digits));
 * prints: event=message.accepted level=info process=front msg=6f1c... bytes=9 to=*678
 * Field types quote and mask by themselves; control bytes and non-ASCII are escaped.
 * Never a body, a key, an OTP or a full number or address. Events are noun.verb and
 * listed in sealpostd(8). L_WARN means that somebody must act, and says how. One
 * write(2) a line. Only for the event loop's thread and worker threads alike (no shared
 * buffer). */
#ifndef RELAY_LOG_H
#define RELAY_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { L_DEBUG, L_INFO, L_WARN, L_ERROR };

struct log_field {
    const char *name;
    enum {
        LOG_F_STR,
        LOG_F_U64,
        LOG_F_I64,
        LOG_F_ID,
        LOG_F_MSISDN,
        LOG_F_ADDRESS
    } type;
    const void *p; /* string, or the 16 bytes of an id */
    uint64_t u;
};

/* The word after an event that names who speaks: "front", "keeper", ... */
void log_start(const char *process, enum log_level least, bool to_syslog);
/* log_write - for the macro. */
void log_write(enum log_level level, const char *event, const struct log_field *fields,
               size_t count);
bool log_wants(enum log_level level);

#define LOG_STR(field, text)          \
    {                                 \
        (field), LOG_F_STR, (text), 0 \
    }
#define LOG_U64(field, number)                       \
    {                                                \
        (field), LOG_F_U64, NULL, (uint64_t)(number) \
    }
#define LOG_I64(field, number)                                \
    {                                                         \
        (field), LOG_F_I64, NULL, (uint64_t)(int64_t)(number) \
    }
#define LOG_ID(field, id16)          \
    {                                \
        (field), LOG_F_ID, (id16), 0 \
    }
#define LOG_MSISDN(field, digits)          \
    {                                      \
        (field), LOG_F_MSISDN, (digits), 0 \
    }
/* a mail address: only its domain is shown, "*@clinic.example" */
#define LOG_ADDRESS(field, address)          \
    {                                        \
        (field), LOG_F_ADDRESS, (address), 0 \
    }
#define LOG_WHY(e)                           \
    { "status", LOG_F_STR, (e)->status, 0 }, \
    {                                        \
        "why", LOG_F_STR, (e)->text, 0       \
    }

#define LOG(level, event, ...)                                      \
    do {                                                            \
        if (log_wants(level)) {                                     \
            const struct log_field log_fields_[] = { __VA_ARGS__ }; \
            log_write(level, event, log_fields_,                    \
                      sizeof log_fields_ / sizeof log_fields_[0]);  \
        }                                                           \
    } while (0)

#endif
