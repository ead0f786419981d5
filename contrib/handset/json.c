/* SPDX-License-Identifier: ISC */
/* json.c - jansson's memory, wiped, and the few words that the commands say to it.
 * Here:       the allocator, text of a value, string members.
 * Elsewhere:  what the documents are (register.c, messages.c, keyring.c).
 * Called by:  the commands, keyring.c, api.c, show.c. */
#include "contrib/handset/json.h"
#include <openssl/crypto.h>
#include <stdalign.h>
#include <stdlib.h>

/* The size stands before each block, as jansson's free does not tell it. */
#define AHEAD alignof(max_align_t)

static void *take(size_t n)
{
    char *p = n > SIZE_MAX - AHEAD ? NULL : malloc(AHEAD + n);

    if (p == NULL)
        return NULL;
    memcpy(p, &n, sizeof n);
    return p + AHEAD;
}

static void give(void *block)
{
    char *p = block;
    size_t n;

    if (p == NULL)
        return;
    p -= AHEAD;
    memcpy(&n, p, sizeof n);
    OPENSSL_cleanse(p, AHEAD + n);
    free(p);
}

void json_start(void)
{
    json_set_alloc_funcs(take, give);
}

static int take_piece(const char *text, size_t n, void *ctx)
{
    struct buf *out = ctx;

    buf_put_mem(out, text, n);
    return buf_ok(out) ? 0 : -1;
}

void json_put(struct buf *out, json_t *j)
{
    if (j == NULL || json_dump_callback(j, take_piece, out, JSON_COMPACT) != 0)
        out->failed = true;
    json_decref(j);
}

struct span json_member(const json_t *j, const char *name)
{
    const json_t *v = json_object_get(j, name);

    return json_is_string(v) ? span_of(json_string_value(v), json_string_length(v))
                             : span_of("", 0);
}

const char *json_text(const json_t *j, const char *name)
{
    return json_member(j, name).p;
}
