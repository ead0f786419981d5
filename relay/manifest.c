/* SPDX-License-Identifier: ISC */
/* manifest.c - a message as JSON, ready to be sealed.
 * Here:       the members and their order.
 * Elsewhere:  taking a mail apart (mime.c), sealing (jwe.c), parts (stream.c).
 * Called by:  submit.c. */
#include "relay/manifest.h"
#include "relay/calendar.h"
#include "relay/encode.h"
#include <jansson.h>

static json_t *json_b64(const uint8_t *bytes, size_t n)
{
    struct buf b;
    json_t *j;

    buf_init(&b, B64URL_LEN(n));
    b64url_put(&b, bytes, n);
    j = json_stringn(b.p, b.n);
    buf_wipe(&b);
    return j;
}

static json_t *json_hex(const uint8_t id[static 16])
{
    char text[HEX_LEN(16) + 1];

    return json_string(hex_text(text, id, 16));
}

static json_t *json_parts(const struct manifest *m)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < m->mail->part_count; i++) {
        const struct mime_part *p = &m->mail->parts[i];
        json_t *j = json_pack("{s:i,s:s,s:s,s:I,s:i,s:o,s:o}", "n", (int)i + 1, "type",
                              p->type, "name", p->name, "size", (json_int_t)p->body.n,
                              "chunk", (int)STREAM_CHUNK, "key",
                              json_b64(m->parts[i].key, STREAM_KEY), "sha256",
                              json_b64(m->parts[i].sha256, sizeof m->parts[i].sha256));

        if (j == NULL || json_array_append_new(list, j) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_appointment(const struct calendar_event *a)
{
    json_t *j = json_pack("{s:s,s:s,s:I,s:s,s:I,s:I,s:b,s:s,s:s,s:s,s:s}", "method",
                          a->method, "uid", a->uid, "sequence", (json_int_t)a->sequence,
                          "summary", a->summary, "start", (json_int_t)a->start_s, "end",
                          (json_int_t)a->end_s, "all_day", (int)a->all_day, "zone",
                          a->zone, "location", a->location, "organizer", a->organizer,
                          "description", a->description);

    if (j != NULL && a->floating)
        (void)json_object_set_new(j, "floating", json_true());
    return j;
}

static int put_chunk(const char *p, size_t n, void *ctx)
{
    struct buf *out = ctx;

    buf_put_mem(out, p, n);
    return buf_ok(out) ? 0 : -1;
}

int manifest_write(const struct manifest *m, struct buf *out, struct err *e)
{
    json_t *j = json_pack(
        "{s:i,s:o,s:{s:s,s:s,s:s*,s:s*},s:s,s:I,s:o,s:b,s:o,s:s,s:o}", "v", 1, "id",
        json_hex(m->message_id), "from", "brand", m->brand, "address", m->address,
        "color", m->color, "logo", m->logo, "subject", m->mail->subject, "date",
        (json_int_t)m->date_s, "text",
        json_stringn(m->mail->text.n == 0 ? "" : m->mail->text.p, m->mail->text.n),
        "text_cut", m->mail->text_cut, "conversation", json_hex(m->conversation),
        "language", m->language, "parts", json_parts(m));
    int rc;

    if (j != NULL && m->mail->appointment != NULL &&
        json_object_set_new(j, "appointment", json_appointment(m->mail->appointment)) !=
            0) {
        json_decref(j);
        j = NULL;
    }
    if (j == NULL)
        return err_set(e, ERR_TEMP, "4.3.0", "manifest: out of memory or not UTF-8");
    rc = json_dump_callback(j, put_chunk, out, JSON_COMPACT);
    json_decref(j);
    if (rc != 0 || !buf_ok(out))
        return err_set(e, ERR_PERM, "5.3.4", "manifest is too long");
    return 0;
}
