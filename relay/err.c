/* SPDX-License-Identifier: ISC */
/* err.c - filling and wrapping struct err.
 * Here:       formatting, nothing else.
 * Elsewhere:  the words that a peer reads (each door), the log line (log.c).
 * Called by:  everything that can fail. */
#include "relay/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *e, enum err_class class, const char *status, const char *fmt,
            ...)
{
    va_list ap;

    e->class = class;
    (void)snprintf(e->status, sizeof e->status, "%s", status);
    va_start(ap, fmt);
    (void)vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    return -1;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    char outer[sizeof e->text], inner[sizeof e->text];
    va_list ap;

    memcpy(inner, e->text, sizeof inner);
    va_start(ap, fmt);
    (void)vsnprintf(outer, sizeof outer, fmt, ap);
    va_end(ap);
    if (snprintf(e->text, sizeof e->text, "%s: %s", outer, inner) < 0)
        e->text[0] = '\0';
    return -1;
}
