/* SPDX-License-Identifier: ISC */
/* mime_html.c - HTML to plain text, one pass, no tree.
 * Here:       what each element does to lines; links; what a reader would not see.
 * Elsewhere:  tags and references (mime_tags.c), charsets (mime_text.c), which HTML is
 *             the text of a mail (mime.c).
 * Called by:  mime.c.
 * Source:     HTML Living Standard 13.1.2 (void elements, omitted ends), 15.3 (blocks).
 */
#include "relay/mime.h"
#include "relay/mime_inner.h"
#include "relay/mime_tags.h"
#include <string.h>
#include <strings.h>

#define HREF_MAX 2000U
#define QUOTES_MAX 5U
#define NO_TEXT SIZE_MAX

struct html {
    struct mime_text *t;
    char hidden[HTML_NAME_MAX + 1]; /* the element that is not shown, "" none */
    unsigned hidden_depth;          /* of elements of that name */
    unsigned quotes, pre;
    unsigned quotes_above; /* of the last line with words */
    unsigned lines;        /* ends of line owed before the next word: at most 2 */
    bool blank;            /* a blank is owed */
    bool item;             /* "- " is owed */
    bool begun;            /* something stands in the text */
    char href[HREF_MAX + 1];
    size_t link_at; /* where its text begins; NO_TEXT before the first word */
    bool link_image;
};

enum effect { BLOCK, PARAGRAPH, BREAK, ITEM, CELL, QUOTE, PRE, LINK, IMAGE, HIDDEN };

static const struct {
    const char *name;
    enum effect effect;
} elements[] = {
    { "a", LINK },          { "address", BLOCK },    { "article", PARAGRAPH },
    { "aside", PARAGRAPH }, { "blockquote", QUOTE }, { "br", BREAK },
    { "caption", BLOCK },   { "center", BLOCK },     { "dd", BLOCK },
    { "dir", PARAGRAPH },   { "div", BLOCK },        { "dl", PARAGRAPH },
    { "dt", BLOCK },        { "fieldset", BLOCK },   { "footer", PARAGRAPH },
    { "form", BLOCK },      { "h1", PARAGRAPH },     { "h2", PARAGRAPH },
    { "h3", PARAGRAPH },    { "h4", PARAGRAPH },     { "h5", PARAGRAPH },
    { "h6", PARAGRAPH },    { "header", PARAGRAPH }, { "hr", PARAGRAPH },
    { "iframe", HIDDEN },   { "img", IMAGE },        { "li", ITEM },
    { "main", BLOCK },      { "math", HIDDEN },      { "menu", PARAGRAPH },
    { "nav", PARAGRAPH },   { "ol", PARAGRAPH },     { "option", BLOCK },
    { "p", PARAGRAPH },     { "pre", PRE },          { "script", HIDDEN },
    { "section", BLOCK },   { "select", BLOCK },     { "style", HIDDEN },
    { "svg", HIDDEN },      { "table", PARAGRAPH },  { "tbody", BLOCK },
    { "td", CELL },         { "template", HIDDEN },  { "textarea", BLOCK },
    { "th", CELL },         { "title", HIDDEN },     { "tr", BLOCK },
    { "ul", PARAGRAPH },
};

#define ELEMENTS (sizeof elements / sizeof elements[0])

/* The list is sorted: seven looks, not fifty. Returns ELEMENTS for any other. */
static size_t element_find(const char *name)
{
    size_t low = 0, high = ELEMENTS;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        const int order = strcmp(name, elements[mid].name);

        if (order == 0)
            return mid;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return ELEMENTS;
}

static void owe_lines(struct html *h, unsigned lines)
{
    h->lines = h->lines < lines ? lines : h->lines;
}

static void put_str(struct html *h, const char *s)
{
    mime_text_put(h->t, span_str(s));
}

static void put_quote_marks(struct html *h)
{
    for (unsigned i = 0; i < h->quotes && i < QUOTES_MAX; i++)
        put_str(h, "> ");
}

/* What is owed, before a word. */
static void settle(struct html *h)
{
    if (!h->begun || h->lines > 0) {
        for (; h->begun && h->lines > 0; h->lines--) {
            put_str(h, "\n");
            if (h->lines > 1 && h->quotes > 0 && h->quotes_above > 0)
                put_str(h, ">");
        }
        put_quote_marks(h);
        if (h->item)
            put_str(h, "- ");
    } else if (h->blank) {
        put_str(h, " ");
    }
    h->begun = true;
    h->quotes_above = h->quotes;
    h->lines = 0;
    h->blank = h->item = false;
    if (h->link_at == NO_TEXT)
        h->link_at = h->t->buf->n;
}

/* A no-break space is one more blank: mails indent and fill with them. */
static size_t blank_length(struct span s)
{
    if (strchr(" \t\r\n\f", s.p[0]) != NULL && s.p[0] != '\0')
        return 1;
    return s.n >= 2 && memcmp(s.p, "\xc2\xa0", 2) == 0 ? 2 : 0;
}

static void put_words(struct html *h, struct span s)
{
    while (s.n > 0) {
        size_t n = blank_length(s);

        if (n > 0) {
            h->blank = true;
        } else {
            while (n < s.n && blank_length(span_of(s.p + n, s.n - n)) == 0)
                n++;
            settle(h);
            mime_text_put(h->t, span_of(s.p, n));
        }
        s = span_of(s.p + n, s.n - n);
    }
}

static void put_preformatted(struct html *h, struct span s)
{
    while (s.n > 0) {
        const char *const lf = memchr(s.p, '\n', s.n);
        const size_t n = lf != NULL ? (size_t)(lf - s.p) : s.n;

        if (n > 0) {
            settle(h);
            mime_text_put(h->t, span_of(s.p, n));
        }
        h->lines += lf != NULL && h->lines < 2;
        s = span_of(s.p + n + (lf != NULL), s.n - n - (lf != NULL));
    }
}

static void put_text(struct html *h, struct span s)
{
    if (h->pre > 0)
        put_preformatted(h, s);
    else
        put_words(h, s);
}

/* Preview lines and mark-up for one mail client: no reader sees them. */
static bool is_display_none(struct span style)
{
    static const char none[] = "display:none";
    size_t matched = 0;

    for (size_t i = 0; i < style.n && none[matched] != '\0'; i++) {
        const char ch =
            style.p[i] >= 'A' && style.p[i] <= 'Z' ? style.p[i] | 0x20 : style.p[i];

        if (ch != ' ')
            matched = ch == none[matched] ? matched + 1 : ch == none[0];
    }
    return none[matched] == '\0';
}

/* Only the web: other schemes do nothing useful on paper. */
static void start_link(struct html *h, struct span value)
{
    struct buf href;
    const char *s;

    h->href[0] = '\0';
    h->link_image = false;
    h->link_at = NO_TEXT;
    buf_init(&href, HREF_MAX);
    html_put_value(&href, value);
    s = buf_cstr(&href); /* "" when it is too long */
    s += strspn(s, " \t\r\n");
    if ((strncasecmp(s, "https://", 8) == 0 || strncasecmp(s, "http://", 7) == 0) &&
        strpbrk(s, "\r\n\t <>\"") == NULL)
        memcpy(h->href, s, strlen(s) + 1);
    buf_clear(&href);
}

static void put_image(struct html *h, struct span alt)
{
    struct buf words;

    h->link_image = true;
    buf_init(&words, HREF_MAX);
    html_put_value(&words, alt);
    if (buf_ok(&words))
        put_text(h, buf_span(&words));
    buf_clear(&words);
}

/* The link's text may be the link, with or without scheme and last slash. */
static bool shows_href(struct span text, const char *href)
{
    const char *const bare = strstr(href, "://") + 3;
    struct span link = span_str(href);

    if (link.p[link.n - 1] == '/')
        link.n--;
    if (text.n > 0 && text.p[text.n - 1] == '/')
        text.n--;
    return span_eq(text, link) ||
           span_eq(text, span_of(bare, link.n - (size_t)(bare - href)));
}

static void end_link(struct html *h)
{
    const struct buf *const b = h->t->buf;
    struct span text = { NULL, 0 };

    if (h->href[0] == '\0' || !buf_ok(b))
        return;
    if (h->link_at != NO_TEXT)
        text = span_of(b->p + h->link_at, b->n - h->link_at);
    if (text.n == 0 ? h->link_image : !shows_href(text, h->href)) {
        h->blank |= text.n > 0;
        settle(h);
        put_str(h, "(");
        put_str(h, h->href);
        put_str(h, ")");
    }
    h->href[0] = '\0';
}

static void hide(struct html *h, const struct html_tag *tag)
{
    memcpy(h->hidden, tag->name, sizeof h->hidden);
    h->hidden_depth = 1;
}

static void start_effect(struct html *h, enum effect effect, const struct html_tag *tag)
{
    switch (effect) {
    case BREAK:
        h->lines += h->lines < 2;
        break;
    case ITEM:
        owe_lines(h, 1);
        h->item = true;
        break;
    case CELL:
        h->blank = true;
        break;
    case QUOTE:
        owe_lines(h, 1);
        h->quotes++;
        break;
    case PRE:
        owe_lines(h, 2);
        h->pre++;
        break;
    case LINK:
        end_link(h);
        start_link(h, tag->href);
        break;
    case IMAGE:
        put_image(h, tag->alt);
        break;
    case HIDDEN:
        hide(h, tag);
        break;
    case BLOCK:
    case PARAGRAPH: /* the first in an item stands beside its mark */
        owe_lines(h, effect == BLOCK || h->item ? 1 : 2);
        break;
    }
}

static void end_effect(struct html *h, enum effect effect)
{
    switch (effect) {
    case QUOTE:
        owe_lines(h, 2);
        h->quotes -= h->quotes > 0;
        break;
    case PRE:
        owe_lines(h, 2);
        h->pre -= h->pre > 0;
        break;
    case LINK:
        end_link(h);
        break;
    case BLOCK:
    case ITEM:
        owe_lines(h, 1);
        h->item = false;
        break;
    case PARAGRAPH:
        owe_lines(h, 2);
        break;
    case CELL:
        h->blank = true;
        break;
    case BREAK:
    case IMAGE:
    case HIDDEN:
        break;
    }
}

static bool is_one_of(const char *name, const char *words)
{
    const char *const at = strstr(words, name);
    const size_t n = strlen(name);

    return at != NULL && n > 0 && at[-1] == ' ' && at[n] == ' ';
}

/* While something is hidden: true when this tag ends that and counts itself. */
static bool shows_again(struct html *h, const struct html_tag *tag)
{
    if (strcmp(tag->name, h->hidden) != 0)
        return false;
    if (!tag->end && is_one_of(tag->name, " p li dt dd tr td th option ")) {
        h->hidden[0] = '\0'; /* the next one ends it */
        return true;
    }
    h->hidden_depth += tag->end ? 0 : 1;
    h->hidden_depth -= tag->end ? 1 : 0;
    if (h->hidden_depth == 0)
        h->hidden[0] = '\0';
    return false;
}

static void on_tag(struct html *h, const struct html_tag *tag)
{
    static const char voids[] =
        " area base br col embed hr img input link meta param source track wbr ";
    const size_t i = element_find(tag->name);

    if (h->hidden[0] != '\0' && !shows_again(h, tag))
        return;
    if (tag->end && i < ELEMENTS) {
        end_effect(h, elements[i].effect);
    } else if (!tag->end && (tag->hidden || is_display_none(tag->style))) {
        if (tag->name[0] != '\0' && !is_one_of(tag->name, voids))
            hide(h, tag);
    } else if (!tag->end && i < ELEMENTS) {
        start_effect(h, elements[i].effect, tag);
    }
}

int mime_html_put(struct mime_text *t, struct span utf8, struct err *e)
{
    struct html h = { .t = t };
    struct html_cur c;
    struct html_tag tag;
    struct span text;
    int what;

    html_start(&c, utf8);
    while (!t->cut && (what = html_take(&c, &text, &tag)) != HTML_END) {
        if (what == HTML_TAG)
            on_tag(&h, &tag);
        else if (h.hidden[0] == '\0')
            put_text(&h, text);
    }
    end_link(&h);
    if (!buf_ok(t->buf))
        return err_set(e, ERR_TEMP, "4.3.0", "HTML text: out of memory");
    return 0;
}

int mime_html_text(struct span html, struct buf *out, struct err *e)
{
    struct mime_text text = { .buf = out, .max = out->n + MIME_TEXT_MAX };
    struct buf clean;
    struct mime_text in = { .buf = &clean, .max = MIME_HTML_MAX };
    int rc;

    buf_init(&clean, MIME_HTML_MAX);
    mime_text_decode(&in, html, "utf-8");
    rc = mime_html_put(&text, buf_span(&clean), e);
    buf_wipe(&clean);
    return rc;
}
