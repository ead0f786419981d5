/* SPDX-License-Identifier: ISC */
/* target.c - a number as people write it, a link as an SMS brings it.
 * Here:       reading both, the server's address.
 * Elsewhere:  what a number is: only the server knows (it judges what comes).
 * Called by:  register.c, main.c. */
#include "contrib/handset/target.h"
#include "relay/encode.h"

#define TOKEN_BYTES 10U

bool target_url(struct span text, char out[TARGET_URL_ROOM])
{
    struct cur c = cur_of(text);

    if (!cur_word(&c, "https://"))
        return false;
    while (text.n > 0 && text.p[text.n - 1] == '/')
        text.n--;
    if (c.p >= text.p + text.n)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~' || strchr("\"\\?#", text.p[i]) != NULL)
            return false;
    return span_copy(out, TARGET_URL_ROOM, text);
}

/* number = ["+"] 1*(DIGIT / separator)   ; at least one digit */
static bool take_number(const char *text, char *out, size_t room)
{
    size_t n = 0;

    text += strspn(text, " ");
    if (*text == '+')
        out[n++] = *text++;
    for (; *text != '\0'; text++) {
        if (is_digit(*text) && n + 1 < room)
            out[n++] = *text;
        else if (strchr(" -./()", *text) == NULL)
            return false;
    }
    out[n] = '\0';
    return n > 0 && is_digit(out[n - 1]);
}

/* link = server "/m/" token ; the last "/m/": the server's address may have a path */
static bool take_link(struct span text, struct target *t)
{
    uint8_t raw[TOKEN_BYTES];
    const size_t tail = 3 + B32_LEN(sizeof raw);

    return text.n > tail && memcmp(text.p + text.n - tail, "/m/", 3) == 0 &&
           b32_take(span_of(text.p + text.n - tail + 3, tail - 3), raw, sizeof raw) &&
           target_url(span_of(text.p, text.n - tail), t->url) &&
           b32_text(t->token, raw, sizeof raw) != NULL;
}

bool target_take(const char *text, const char *url, struct target *out, struct err *e)
{
    *out = (struct target){ .url = "" };
    if (strstr(text, "//") != NULL) {
        if (take_link(span_str(text), out))
            return true;
        (void)err_set(e, ERR_PERM, "5.5.4",
                      "a link looks like https://HOST/m/abcdefghijklmnop");
    } else if (!take_number(text, out->number, sizeof out->number)) {
        (void)err_set(e, ERR_PERM, "5.5.4",
                      "this is neither a telephone number nor a "
                      "link");
    } else if (url == NULL) {
        (void)err_set(e, ERR_PERM, "5.5.4",
                      "give the server's address with -u, or the link itself");
    } else if (!target_url(span_str(url), out->url)) {
        (void)err_set(e, ERR_PERM, "5.5.4", "-u: an address looks like https://HOST");
    } else {
        return true;
    }
    return false;
}

bool target_number(struct target *t, const char *number, struct err *e)
{
    if (take_number(number, t->number, sizeof t->number))
        return true;
    (void)err_set(e, ERR_PERM, "5.5.4", "--number: this is no telephone number");
    return false;
}

struct span target_personalization(const struct target *t)
{
    if (t->number[0] == '\0')
        return span_str(t->token);
    return span_str(t->number + (t->number[0] == '+' ? 1 : 0));
}
