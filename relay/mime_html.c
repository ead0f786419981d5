/* SPDX-License-Identifier: ISC */
/* mime_html.c - HTML to plain text, one pass, no tree.
 * Here:       what each element does to lines; links; what a reader would not see.
 * Elsewhere:  charsets (mime_text.c), which HTML is the text of a mail (mime.c).
 * Called by:  mime.c.
 * Source:     HTML Living Standard 15.3 (what is a block); libxml2's SAX 1 interface.
 */
#include "relay/mime.h"
#include "relay/mime_inner.h"
#include <libxml/HTMLparser.h>
#include <string.h>
#include <strings.h>

#define HREF_MAX 2000U
#define OPEN_ELEMENTS_MAX 512U /* libxml2 walks over them at each end tag */
#define QUOTES_MAX 5U
#define NO_TEXT SIZE_MAX

struct html {
    struct mime_text *t;
    xmlParserCtxtPtr parser;
    unsigned depth, hidden_at; /* hidden_at: depth of the element not shown, 0 none */
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
    { "h6", PARAGRAPH },    { "head", HIDDEN },      { "header", PARAGRAPH },
    { "hr", PARAGRAPH },    { "iframe", HIDDEN },    { "img", IMAGE },
    { "li", ITEM },         { "main", BLOCK },       { "math", HIDDEN },
    { "menu", PARAGRAPH },  { "nav", PARAGRAPH },    { "ol", PARAGRAPH },
    { "option", BLOCK },    { "p", PARAGRAPH },      { "pre", PRE },
    { "script", HIDDEN },   { "section", BLOCK },    { "select", BLOCK },
    { "style", HIDDEN },    { "svg", HIDDEN },       { "table", PARAGRAPH },
    { "tbody", BLOCK },     { "td", CELL },          { "template", HIDDEN },
    { "textarea", BLOCK },  { "th", CELL },          { "title", HIDDEN },
    { "tr", BLOCK },        { "ul", PARAGRAPH },
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

static void on_text(void *user, const xmlChar *text, int n)
{
    struct html *const h = user;

    if (h->hidden_at != 0)
        return;
    if (h->pre > 0)
        put_preformatted(h, span_of(text, (size_t)n));
    else
        put_words(h, span_of(text, (size_t)n));
    if (h->t->cut)
        xmlStopParser(h->parser);
}

static const char *attribute(const xmlChar **attributes, const char *name)
{
    for (; attributes != NULL && attributes[0] != NULL; attributes += 2)
        if (strcmp((const char *)attributes[0], name) == 0)
            return attributes[1] != NULL ? (const char *)attributes[1] : "";
    return NULL;
}

/* Preview lines and mark-up for one mail client: no reader sees them. */
static bool is_hidden(const xmlChar **attributes)
{
    static const char none[] = "display:none";
    const char *style = attribute(attributes, "style");
    size_t matched = 0;

    if (attribute(attributes, "hidden") != NULL)
        return true;
    for (; style != NULL && *style != '\0' && none[matched] != '\0'; style++) {
        const char ch = *style >= 'A' && *style <= 'Z' ? (char)(*style | 0x20) : *style;

        if (ch != ' ')
            matched = ch == none[matched] ? matched + 1 : ch == none[0];
    }
    return none[matched] == '\0';
}

/* Only the web: other schemes do nothing useful on paper. */
static void start_link(struct html *h, const char *href)
{
    h->href[0] = '\0';
    h->link_image = false;
    if (href == NULL)
        return;
    href += strspn(href, " \t\r\n");
    if (strncasecmp(href, "https://", 8) != 0 && strncasecmp(href, "http://", 7) != 0)
        return;
    if (strlen(href) > HREF_MAX || strpbrk(href, "\r\n\t <>\"") != NULL)
        return;
    memcpy(h->href, href, strlen(href) + 1);
    h->link_at = NO_TEXT;
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

static void start_effect(struct html *h, enum effect effect, const xmlChar **attributes)
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
        start_link(h, attribute(attributes, "href"));
        break;
    case IMAGE:
        h->link_image = true;
        if (attribute(attributes, "alt") != NULL)
            put_words(h, span_str(attribute(attributes, "alt")));
        break;
    case HIDDEN:
        h->hidden_at = h->depth;
        break;
    case BLOCK:
    case PARAGRAPH:
        owe_lines(h, effect == BLOCK ? 1 : 2);
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

static void on_start(void *user, const xmlChar *name, const xmlChar **attributes)
{
    struct html *const h = user;
    const size_t i = element_find((const char *)name);

    if (++h->depth > OPEN_ELEMENTS_MAX) {
        h->t->cut = true;
        xmlStopParser(h->parser);
        return;
    }
    if (h->hidden_at != 0)
        return;
    if (is_hidden(attributes))
        h->hidden_at = h->depth;
    else if (i < ELEMENTS)
        start_effect(h, elements[i].effect, attributes);
}

static void on_end(void *user, const xmlChar *name)
{
    struct html *const h = user;
    const size_t i = element_find((const char *)name);

    if (h->hidden_at == 0 && i < ELEMENTS)
        end_effect(h, elements[i].effect);
    if (h->hidden_at >= h->depth)
        h->hidden_at = 0;
    h->depth -= h->depth > 0;
}

int mime_html_put(struct mime_text *t, struct span utf8, struct err *e)
{
    /* A parser for each text: its dictionary keeps every name that it has seen. */
    struct html h = { .t = t, .parser = htmlNewParserCtxt() };

    if (h.parser == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "HTML: out of memory");
    memset(h.parser->sax, 0, sizeof *h.parser->sax);
    h.parser->sax->startElement = on_start;
    h.parser->sax->endElement = on_end;
    h.parser->sax->characters = on_text;
    h.parser->sax->ignorableWhitespace = on_text;
    h.parser->userData = &h;
    if (utf8.n > 0)
        xmlFreeDoc(htmlCtxtReadMemory(h.parser, utf8.p, (int)utf8.n, NULL, "UTF-8",
                                      HTML_PARSE_NONET | HTML_PARSE_RECOVER |
                                          HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                                          HTML_PARSE_IGNORE_ENC));
    htmlFreeParserCtxt(h.parser);
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
