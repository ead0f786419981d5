/* SPDX-License-Identifier: ISC */
/* config_text.c - sealpost.conf before libconfuse reads it.
 * Here:       comments, quotes and braces. libconfuse 3.3 counts a line too many for
 *             each comment (so they are blanked), accepts an open brace or comment at
 *             the end of the file, drops * and + outside quotes, puts the environment
 *             in place of ${NAME}, and ends a value at \0.
 * Elsewhere:  keys and values (config.c).
 * Called by:  config.c. */
#include "relay/config_text.h"
#include <stdbool.h>
#include <string.h>

#define DEPTH_MAX 8U /* a list in a section is 2 */

struct scan {
    char *p, *end;
    const char *path;
    unsigned line;
    unsigned opened[DEPTH_MAX], depth; /* lines of the braces that are open */
    bool in_word;                      /* "//" inside a word is no comment */
    struct err *e;
};

static int refuse(struct scan *s, unsigned line, const char *why)
{
    return err_set(s->e, ERR_PERM, "5.3.5", "%s:%u: %s", s->path, line, why);
}

static bool is_next(const struct scan *s, const char *word)
{
    const size_t n = strlen(word);

    return (size_t)(s->end - s->p) >= n && memcmp(s->p, word, n) == 0;
}

static bool is_control(char ch)
{
    return ((unsigned char)ch < ' ' && ch != '\t') || ch == 0x7f;
}

static int blank_line_comment(struct scan *s)
{
    while (s->p < s->end && *s->p != '\n')
        *s->p++ = ' ';
    return 0;
}

static int blank_block_comment(struct scan *s)
{
    const unsigned line = s->line;

    *s->p++ = ' ';
    *s->p++ = ' '; /* both at once: the star does not end it too */
    while (s->p < s->end && !is_next(s, "*/")) {
        if (*s->p == '\n')
            s->line++;
        else
            *s->p = ' ';
        s->p++;
    }
    if (s->p == s->end)
        return refuse(s, line, "this comment has no end");
    *s->p++ = ' ';
    *s->p++ = ' ';
    return 0;
}

static int pass_string(struct scan *s)
{
    const char quote = *s->p++;

    for (; s->p < s->end && *s->p != '\n' && *s->p != quote; s->p++) {
        if (is_control(*s->p))
            return refuse(s, s->line, "a control character in quotes");
        if (quote == '"' && is_next(s, "${"))
            return refuse(s, s->line, "${ is not replaced here: use single quotes");
        if (*s->p != '\\')
            continue;
        s->p++;
        if (s->p == s->end || (*s->p != '\\' && *s->p != quote))
            return refuse(s, s->line,
                          "in quotes, \\ stands before a quote or another \\ only");
    }
    if (s->p == s->end || *s->p != quote)
        return refuse(s, s->line, "this line opens a quote and does not close it");
    s->p++;
    return 0;
}

static int pass_brace(struct scan *s)
{
    if (*s->p++ == '{') {
        if (s->depth == DEPTH_MAX)
            return refuse(s, s->line, "braces are nested too deeply");
        s->opened[s->depth++] = s->line;
        return 0;
    }
    if (s->depth == 0)
        return refuse(s, s->line, "} without {");
    s->depth--;
    return 0;
}

/* Anything outside quotes and comments that is not a brace. */
static int pass_plain(struct scan *s)
{
    if (is_next(s, "${"))
        return refuse(s, s->line, "${ is not replaced here: use single quotes");
    if (is_next(s, "+=") || is_next(s, "\r\n")) {
        s->in_word = false;
        s->p++;
    } else if (strchr("*+()", *s->p) != NULL && *s->p != '\0') {
        return refuse(s, s->line, "put a value with * + ( ) in quotes");
    } else if (*s->p != '\n' && is_control(*s->p)) {
        return refuse(s, s->line, "a control character");
    } else {
        s->in_word = strchr(" \t\n=,", *s->p) == NULL;
    }
    s->line += *s->p == '\n';
    s->p++;
    return 0;
}

static int step(struct scan *s)
{
    const bool was_word = s->in_word;

    s->in_word = false;
    if (*s->p == '#' || (!was_word && is_next(s, "//")))
        return blank_line_comment(s);
    if (!was_word && is_next(s, "/*"))
        return blank_block_comment(s);
    if (*s->p == '"' || *s->p == '\'')
        return pass_string(s);
    if (*s->p == '{' || *s->p == '}')
        return pass_brace(s);
    return pass_plain(s);
}

int config_text_clean(char *text, size_t n, const char *path, struct err *e)
{
    struct scan s = { .p = text, .end = text + n, .path = path, .line = 1, .e = e };

    while (s.p < s.end)
        if (step(&s) != 0)
            return -1;
    if (s.depth > 0)
        return refuse(&s, s.opened[s.depth - 1], "this { has no }");
    return 0;
}
