/* SPDX-License-Identifier: ISC */
/* app_files.c - the files of the handset's page.
 * Here:       which are served and as what, reading them, their hash.
 * Elsewhere:  serving them (plugin/handset_files.c, handset_pages.c), printing the hash
 *             (contrib/ctl), the files (templates/handset).
 * Called by:  all three, and sealpostd.c to check them. */
#include "relay/app_files.h"
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define BAD "5.3.5"
#define FILES_MAX 256U
#define FILE_BYTES_MAX (1U << 20)
#define PATH_ROOM 1024U
#define LINE_MAX_BYTES 256U

static const struct {
    const char *ending, *type;
} types[] = {
    { ".html", "text/html; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".json", "application/json" },
    { ".webmanifest", "application/manifest+json" },
    { ".svg", "image/svg+xml" },
    { ".png", "image/png" },
    { ".webp", "image/webp" },
    { ".txt", "text/plain; charset=utf-8" },
    { ".yaml", "application/yaml" },
};

static const char *type_of(const char *name)
{
    const size_t n = strlen(name);

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const size_t m = strlen(types[i].ending);

        if (n > m && strcmp(name + n - m, types[i].ending) == 0)
            return types[i].type;
    }
    return NULL;
}

/* A name that needs no escape in a path, in JSON, or in sha256sum's lines. */
static bool is_plain(const char *name)
{
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789.-_") == strlen(name);
}

static int read_body(struct app_file *f, const char *path, struct err *e)
{
    FILE *const in = fopen(path, "rbe");
    char *room;
    size_t n;

    if (in == NULL)
        return err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    do {
        room = buf_room(&f->body, 4096);
        n = room == NULL ? 0 : fread(room, 1, 4096, in);
        if (room != NULL)
            f->body.n -= 4096 - n;
    } while (n == 4096);
    if (ferror(in))
        f->body.failed = true;
    (void)fclose(in);
    if (!buf_ok(&f->body))
        return err_set(e, ERR_PERM, BAD, "%s: cannot be read, or is larger than 1 MiB",
                       path);
    if (EVP_Q_digest(NULL, "SHA256", NULL, buf_cstr(&f->body), f->body.n, f->sha256,
                     NULL) != 1)
        return err_set(e, ERR_TEMP, "4.3.0", "%s: SHA-256 failed", path);
    return 0;
}

static int add_file(struct app_files *files, const char *name, const char *type,
                    const char *path, struct err *e)
{
    struct app_file *more, *f;

    if (files->n == FILES_MAX)
        return err_set(e, ERR_PERM, BAD, "%s: more than %u files", path, FILES_MAX);
    more = reallocarray(files->p, files->n + 1, sizeof *more);
    if (more == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    files->p = more;
    f = &more[files->n++];
    *f = (struct app_file){ .type = type };
    buf_init(&f->body, FILE_BYTES_MAX);
    if (!span_copy(f->name, sizeof f->name, span_str(name)))
        return err_set(e, ERR_PERM, BAD, "%s: too long a name", path);
    return read_body(f, path, e);
}

static int load_folder(struct app_files *files, const char *dir, const char *folder,
                       struct err *e);

static int load_entry(struct app_files *files, const char *dir, const char *name,
                      struct err *e)
{
    const char *const slash = strchr(name, '/'), *const last =
                                                     slash == NULL ? name : slash + 1;
    const char *const type = type_of(last);
    char path[PATH_ROOM];
    struct stat st;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return err_set(e, ERR_PERM, BAD, "%s: too long a name", dir);
    if (stat(path, &st) != 0)
        return err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode) && type == NULL)
        return 0;
    if (!is_plain(last))
        return err_set(e, ERR_PERM, BAD,
                       "%s: a name here has letters, digits and . - _ only", path);
    if (S_ISDIR(st.st_mode))
        return slash == NULL ? load_folder(files, dir, name, e)
                             : err_set(e, ERR_PERM, BAD,
                                       "%s: a folder in a folder is not served", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_PERM, BAD, "%s is not a file", path);
    return add_file(files, name, type, path, e);
}

/* folder: "" or "js". */
static int load_folder(struct app_files *files, const char *dir, const char *folder,
                       struct err *e)
{
    char path[PATH_ROOM], name[PATH_ROOM];
    const struct dirent *entry;
    DIR *d;
    int rc = 0;

    if (snprintf(path, sizeof path, "%s/%s", dir, folder) >= (int)sizeof path)
        return err_set(e, ERR_PERM, BAD, "%s: too long a name", dir);
    d = opendir(path);
    if (d == NULL)
        return err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    while (rc == 0 && (entry = readdir(d)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(name, sizeof name, "%s%s%s", folder, folder[0] == '\0' ? "" : "/",
                     entry->d_name) >= (int)sizeof name)
            rc = err_set(e, ERR_PERM, BAD, "%s: too long a name", path);
        else
            rc = load_entry(files, dir, name, e);
    }
    (void)closedir(d);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct app_file *)a)->name,
                  ((const struct app_file *)b)->name);
}

static bool have(const struct app_files *files, const char *name)
{
    for (size_t i = 0; i < files->n; i++)
        if (strcmp(files->p[i].name, name) == 0)
            return true;
    return false;
}

int app_files_load(struct app_files *out, const char *dir, struct err *e)
{
    int rc;

    *out = (struct app_files){ .p = NULL };
    rc = load_folder(out, dir, "", e);
    if (rc == 0 && !have(out, "index.html"))
        rc = err_set(e, ERR_PERM, BAD, "%s has no index.html", dir);
    if (rc == 0 && have(out, "app.json"))
        rc = err_set(e, ERR_PERM, BAD, "%s/app.json: the server makes this one itself",
                     dir);
    if (rc != 0)
        app_files_clear(out);
    else
        qsort(out->p, out->n, sizeof *out->p, by_name);
    return rc;
}

void app_files_clear(struct app_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        buf_clear(&files->p[i].body);
    free(files->p);
    *files = (struct app_files){ .p = NULL };
}

static bool is_hashed(const struct app_file *f)
{
    return strcmp(f->name, "openapi.yaml") != 0;
}

int app_files_hash(const struct app_files *files, char hex[APP_HASH_ROOM],
                   struct err *e)
{
    char one[APP_HASH_ROOM];
    uint8_t hash[32];
    struct buf lines;
    int rc = 0;

    buf_init(&lines, FILES_MAX * LINE_MAX_BYTES);
    for (size_t i = 0; i < files->n; i++)
        if (is_hashed(&files->p[i]))
            buf_printf(&lines, "%s  %s\n", hex_text(one, files->p[i].sha256, 32),
                       files->p[i].name);
    if (!buf_ok(&lines) ||
        EVP_Q_digest(NULL, "SHA256", NULL, buf_cstr(&lines), lines.n, hash, NULL) != 1)
        rc = err_set(e, ERR_TEMP, "4.3.0", "the page's hash cannot be made");
    else
        (void)hex_text(hex, hash, sizeof hash);
    buf_clear(&lines);
    return rc;
}

void app_files_json(const struct app_files *files, const char *hash, struct buf *out)
{
    const char *before = "";
    char hex[APP_HASH_ROOM];

    buf_printf(out, "{\"hash\":\"%s\",\n\"files\":{", hash);
    for (size_t i = 0; i < files->n; i++) {
        if (!is_hashed(&files->p[i]))
            continue;
        buf_printf(out, "%s\n\"%s\":\"%s\"", before, files->p[i].name,
                   hex_text(hex, files->p[i].sha256, 32));
        before = ",";
    }
    buf_put(out, "\n}}\n");
}
