/* SPDX-License-Identifier: ISC */
/* keyword.c - the words that an SMS can consist of: STOP, START, HELP, WRONG.
 * Here:       reading them in whatever way people type them.
 * Elsewhere:  the words themselves (stop-words and so on: config.c), what they do
 *             (inbound_words.c).
 * Called by:  inbound.c.
 * Source:     DESIGN 4.4; Unicode 15, 3.13 (default caseless matching). */
#include "relay/keeper/keyword.h"
#include <glib.h>
#include <openssl/crypto.h>

#define TEXT_MAX 200U /* two words of 63 bytes, and what may stand around them */
#define FOLDED_MAX (18 * TEXT_MAX) /* one character becomes 18 at most: U+FDFA */

static void wipe(char *text)
{
    if (text != NULL)
        OPENSSL_cleanse(text, strlen(text));
    g_free(text);
}

/* Blanks become one between words and none around them; marks that nobody sees go. */
static void put_squeezed(const char *text, struct buf *out)
{
    bool blank = false;

    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        const gunichar ch = g_utf8_get_char(p);

        if (g_unichar_type(ch) == G_UNICODE_FORMAT)
            continue;
        if (g_unichar_isspace(ch)) {
            blank = out->n > 0;
            continue;
        }
        if (blank)
            buf_put(out, " ");
        blank = false;
        buf_put_mem(out, p, (size_t)(g_utf8_next_char(p) - p));
    }
}

/* One spelling for all that look alike: wipe it. false: not UTF-8. */
static bool fold(struct span text, struct buf *out)
{
    char *normal, *folded, *again;

    if (!g_utf8_validate_len(text.p, text.n, NULL))
        return false;
    normal = g_utf8_normalize(text.p, (gssize)text.n, G_NORMALIZE_ALL_COMPOSE);
    folded = g_utf8_casefold(normal, -1);
    again = g_utf8_normalize(folded, -1, G_NORMALIZE_ALL_COMPOSE);
    put_squeezed(again, out);
    wipe(normal);
    wipe(folded);
    wipe(again);
    return buf_ok(out);
}

static bool drop_end(struct span *text, const char *end)
{
    const size_t n = strlen(end);

    if (text->n < n || memcmp(text->p + text->n - n, end, n) != 0)
        return false;
    text->n -= n;
    return true;
}

static void drop_stops(struct span *text)
{
    while (drop_end(text, ".") || drop_end(text, "!") || drop_end(text, "。") ||
           drop_end(text, " "))
        ;
}

/* The rest of text behind the first of the words that it begins with and that leaves
 * nothing, or one of the words that may follow. */
static bool is_one(const struct config_words *words, const struct config_words *follow,
                   struct span text, bool *followed)
{
    bool found = false;

    for (size_t i = 0; i < words->n && !found; i++) {
        struct buf word;

        buf_init(&word, FOLDED_MAX);
        if (fold(span_str(words->p[i]), &word) && word.n > 0 && text.n >= word.n &&
            memcmp(text.p, word.p, word.n) == 0) {
            struct span rest = span_of(text.p + word.n, text.n - word.n);

            if (rest.n > 0 && rest.p[0] == ' ')
                rest = span_of(rest.p + 1, rest.n - 1);
            *followed = rest.n > 0;
            found = rest.n == 0 ||
                    (follow != NULL && is_one(follow, NULL, rest, &(bool){ false }));
        }
        buf_clear(&word);
    }
    return found;
}

enum keyword keyword_read(const struct config *c, struct span text, bool *all_out)
{
    const struct {
        enum keyword keyword;
        const struct config_words *words;
    } lists[] = {
        { KEYWORD_STOP, &c->stop_words },
        { KEYWORD_START, &c->start_words },
        { KEYWORD_HELP, &c->help_words },
        { KEYWORD_WRONG, &c->wrong_words },
    };
    enum keyword found = KEYWORD_NONE;
    struct span folded;
    struct buf b;

    *all_out = false;
    if (text.n == 0 || text.n > TEXT_MAX)
        return KEYWORD_NONE;
    buf_init(&b, FOLDED_MAX);
    if (fold(text, &b)) {
        folded = buf_span(&b);
        drop_stops(&folded);
        for (size_t i = 0; i < sizeof lists / sizeof lists[0] && !found; i++)
            if (folded.n > 0 && is_one(lists[i].words, &c->all_words, folded, all_out))
                found = lists[i].keyword;
    }
    buf_wipe(&b);
    if (found == KEYWORD_NONE)
        *all_out = false;
    return found;
}
