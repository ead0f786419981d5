/* SPDX-License-Identifier: ISC */
/* device_body.c - what the bodies of a device's calls say.
 * Here:       labels.
 * Elsewhere:  the other bodies of the API (plugin/handset_json.c), replies
 *             (keeper/reply.c).
 * Called by:  plugin/handset_json.c, plugin/handset.c, keeper/device_call.c. */
#include "relay/device_body.h"
#include "relay/json_body.h"
#include "relay/utf8.h"

#define LABEL_MAX 60U

/* The handset's other devices show it: it stays on its line and in its order. */
static bool is_label(struct span label)
{
    struct cur c = cur_of(label);
    uint32_t ch;
    int rc;

    while ((rc = take_utf8(&c, &ch)) == 1)
        if (ch < 0x20 || (ch >= 0x7f && ch <= 0x9f) || ch == 0x2028 || ch == 0x2029 ||
            (ch >= 0x202a && ch <= 0x202e) || (ch >= 0x2066 && ch <= 0x2069))
            return false;
    return rc == 0 && label.n <= LABEL_MAX;
}

int device_label_of(const json_t *j, char out[DEVICE_LABEL_ROOM], struct err *e)
{
    const json_t *const label = json_object_get(j, "label");
    const struct span text = json_body_text(j, "label");

    if ((label == NULL || json_is_string(label)) && is_label(text) &&
        span_copy(out, DEVICE_LABEL_ROOM, text))
        return 0;
    return err_set(e, ERR_PERM, "bad-request",
                   "label is at most 60 bytes without control characters");
}

int device_take_label(struct span body, char out[DEVICE_LABEL_ROOM], struct err *e)
{
    json_t *j = json_body_take(body);
    int rc;

    if (json_object_get(j, "label") == NULL)
        rc = err_set(e, ERR_PERM, "bad-request", "the body has no label");
    else
        rc = device_label_of(j, out, e);
    json_decref(j);
    return rc;
}
