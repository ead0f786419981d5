/* SPDX-License-Identifier: ISC */
/* config_logo.c - an account's logo, read with the configuration.
 * Here:       the file, that it is what its ending says, the name it is served under.
 * Elsewhere:  serving it (plugin/handset_files.c), its key (config_keys.c).
 * Called by:  config.c. The processes get its bytes by fork: front opens no file.
 * Source:     W3C PNG 5.2, RFC 9649 2 (WebP), W3C SVG 1.1. */
#include "relay/config_value.h"
#include "relay/encode.h"
#include "relay/utf8.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAD "5.3.5"

static bool is_png(struct span s)
{
    return s.n >= 24 && memcmp(s.p, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16) == 0;
}

static bool is_webp(struct span s)
{
    return s.n > 16 && memcmp(s.p, "RIFF", 4) == 0 &&
           memcmp(s.p + 8, "WEBPVP8", 7) == 0;
}

static bool skip_past(struct cur *c, const char *end)
{
    const char *const at = memmem(c->p, cur_left(c), end, strlen(end));

    if (at == NULL)
        return false;
    c->p = at + strlen(end);
    return true;
}

static bool is_utf8(struct span s)
{
    struct cur c = cur_of(s);
    uint32_t character;

    while (take_utf8(&c, &character) == 1)
        if (character == 0)
            return false;
    return cur_done(&c);
}

/* prolog = [BOM] *( blank / "<?" ... "?>" / "<!--" ... "-->" / "<!DOCTYPE" ... ">" )
 * and then the element svg. A DOCTYPE that declares entities could make much of little.
 */
static bool is_svg(struct span s)
{
    struct cur c = cur_of(s);

    if (!is_utf8(s))
        return false;
    (void)cur_word(&c, "\xef\xbb\xbf");
    for (;;) {
        while (!cur_done(&c) && strchr(" \t\r\n", *c.p) != NULL)
            c.p++;
        if (cur_word(&c, "<?")) {
            if (!skip_past(&c, "?>"))
                return false;
        } else if (cur_word(&c, "<!--")) {
            if (!skip_past(&c, "-->"))
                return false;
        } else if (cur_word(&c, "<!DOCTYPE")) {
            const char *const start = c.p;

            if (!skip_past(&c, ">") ||
                memchr(start, '[', (size_t)(c.p - start)) != NULL)
                return false;
        } else {
            return cur_word(&c, "<svg") && !cur_done(&c) &&
                   strchr(" \t\r\n>/", *c.p) != NULL;
        }
    }
}

static const struct kind {
    const char *ending, *type;
    bool (*is)(struct span s);
} kinds[] = {
    { ".svg", "image/svg+xml", is_svg },
    { ".png", "image/png", is_png },
    { ".webp", "image/webp", is_webp },
};

static const struct kind *kind_of(const char *path)
{
    const size_t n = strlen(path);

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const size_t m = strlen(kinds[i].ending);

        if (n > m && strcmp(path + n - m, kinds[i].ending) == 0)
            return &kinds[i];
    }
    return NULL;
}

static int read_logo(struct buf *out, const char *path, struct err *e)
{
    FILE *const in = fopen(path, "rbe");
    char some[4096];
    size_t n;
    int rc = 0;

    if (in == NULL)
        return err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    while (buf_ok(out) && (n = fread(some, 1, sizeof some, in)) > 0)
        buf_put_mem(out, some, n);
    if (ferror(in)) /* a directory, for one */
        rc = err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    else if (!buf_ok(out))
        rc = err_set(e, ERR_PERM, BAD, "%s is larger than 64KiB", path);
    (void)fclose(in);
    return rc;
}

static struct config_logo *logo_new(const struct kind *kind, struct buf *body,
                                    struct err *e)
{
    struct config_logo *const logo = calloc(1, sizeof *logo);
    char hex[HEX_LEN(8) + 1];
    uint8_t hash[32];

    if (logo == NULL ||
        EVP_Q_digest(NULL, "SHA256", NULL, body->p, body->n, hash, NULL) != 1) {
        free(logo);
        (void)err_set(e, ERR_TEMP, "4.3.0", "out of memory");
        return NULL;
    }
    (void)snprintf(logo->path, sizeof logo->path, "/brand/%s%s", hex_text(hex, hash, 8),
                   kind->ending);
    logo->type = kind->type;
    logo->p = (uint8_t *)body->p; /* moved */
    logo->n = body->n;
    *body = (struct buf){ .p = NULL };
    return logo;
}

int config_set_logo(const struct config_key *key, const char *dir, const char *text,
                    void *field, struct err *e)
{
    const struct kind *const kind = kind_of(text);
    struct config_logo *logo = NULL;
    char *path = NULL;
    struct buf body;

    if (kind == NULL)
        return err_set(e, ERR_PERM, BAD, "\"%.80s\" is not allowed: %s", text,
                       key->allowed);
    buf_init(&body, CONFIG_LOGO_MAX_BYTES);
    if (config_set_path(key, dir, text, &path, e) == 0 &&
        read_logo(&body, path, e) == 0) {
        if (kind->is(buf_span(&body)))
            logo = logo_new(kind, &body, e);
        else
            (void)err_set(e, ERR_PERM, BAD, "%s is no %s file inside", path,
                          kind->ending);
    }
    buf_clear(&body);
    free(path);
    if (logo == NULL)
        return -1;
    config_logo_free(*(struct config_logo **)field);
    *(struct config_logo **)field = logo;
    return 0;
}

void config_logo_free(struct config_logo *logo)
{
    if (logo != NULL)
        free(logo->p);
    free(logo);
}
