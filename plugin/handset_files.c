/* SPDX-License-Identifier: ISC */
/* handset_files.c - the pages that a handset's browser gets.
 * Here:       reading them at start, media types, entity tags.
 * Elsewhere:  headers of the answers (handset.c), the pages (templates/handset).
 * Called by:  handset.c. No file is opened after start. */
#include "plugin/handset_files.h"
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>

#define FILES_MAX 64U
#define FILE_BYTES_MAX (1U << 20)

static const struct {
    const char *ending, *type;
} types[] = {
    { ".html", "text/html; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".json", "application/json" },
    { ".svg", "image/svg+xml" },
    { ".png", "image/png" },
    { ".txt", "text/plain; charset=utf-8" },
    { ".yaml", "application/yaml" },
};

static struct handset_file files[FILES_MAX];
static size_t file_count;

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

static int read_file(const char *dir, struct handset_file *f, struct err *e)
{
    char path[1024], hex[HEX_LEN(16) + 1];
    uint8_t hash[32];
    FILE *in;
    size_t n;
    char *room;

    if (snprintf(path, sizeof path, "%s/%s", dir, f->name) >= (int)sizeof path)
        return err_set(e, ERR_PERM, "5.3.5", "%s: too long a name", dir);
    in = fopen(path, "rbe");
    if (in == NULL)
        return err_set(e, ERR_PERM, "5.3.5", "%s: %s", path, strerror(errno));
    buf_init(&f->body, FILE_BYTES_MAX);
    do {
        room = buf_room(&f->body, 4096);
        n = room == NULL ? 0 : fread(room, 1, 4096, in);
        if (room != NULL)
            f->body.n -= 4096 - n;
    } while (n == 4096);
    if (ferror(in)) /* a directory, for one */
        f->body.failed = true;
    (void)fclose(in);
    if (!buf_ok(&f->body))
        return err_set(e, ERR_PERM, "5.3.5",
                       "%s: cannot be read, or is larger than 1 MiB", path);
    if (EVP_Q_digest(NULL, "SHA256", NULL, buf_cstr(&f->body), f->body.n, hash, NULL) !=
        1)
        return err_set(e, ERR_TEMP, "4.3.0", "%s: SHA-256 failed", path);
    (void)snprintf(f->etag, sizeof f->etag, "\"%s\"", hex_text(hex, hash, 16));
    return 0;
}

int handset_files_load(const char *dir, struct err *e)
{
    DIR *d = opendir(dir);
    const struct dirent *entry;
    int rc = 0;

    if (d == NULL)
        return err_set(e, ERR_PERM, "5.3.5", "%s: %s", dir, strerror(errno));
    while (rc == 0 && (entry = readdir(d)) != NULL) {
        struct handset_file *f = &files[file_count];
        const char *type = type_of(entry->d_name);

        if (type == NULL || entry->d_name[0] == '.')
            continue;
        if (file_count == FILES_MAX ||
            !span_copy(f->name, sizeof f->name, span_str(entry->d_name)))
            rc = err_set(e, ERR_PERM, "5.3.5", "%s: too many files or too long a name",
                         dir);
        else if ((rc = read_file(dir, f, e)) == 0) {
            f->type = type;
            file_count++;
        }
    }
    (void)closedir(d);
    if (rc == 0 && handset_file_find("index.html") == NULL)
        rc = err_set(e, ERR_PERM, "5.3.5", "%s has no index.html", dir);
    return rc;
}

const struct handset_file *handset_file_find(const char *name)
{
    for (size_t i = 0; i < file_count; i++)
        if (strcmp(files[i].name, name) == 0)
            return &files[i];
    return NULL;
}
