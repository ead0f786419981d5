/* SPDX-License-Identifier: ISC */
/* json_body.c - the JSON object that a request's body is.
 * Here:       what jansson must not be given; looking at members.
 * Elsewhere:  which members there are (plugin/handset_json.c, device_body.c).
 * Called by:  plugin/handset_json.c, device_body.c. */
#include "relay/json_body.h"

#define DEPTH_MAX 8U

/* jansson recurses with the text's depth: look at it first. */
static bool is_shallow(struct span text)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.n; i++) {
        const char ch = text.p[i];

        if (in_string) {
            if (ch == '\\')
                i++;
            else if (ch == '"')
                in_string = false;
        } else if (ch == '"') {
            in_string = true;
        } else if ((ch == '{' || ch == '[') && ++depth > DEPTH_MAX) {
            return false;
        } else if ((ch == '}' || ch == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

json_t *json_body_take(struct span body)
{
    json_t *j = NULL;

    if (is_shallow(body))
        j = json_loadb(body.n == 0 ? "" : body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(j))
        return j;
    json_decref(j);
    return NULL;
}

struct span json_body_text(const json_t *j, const char *name)
{
    const json_t *v = json_object_get(j, name);

    return json_is_string(v) ? span_of(json_string_value(v), json_string_length(v))
                             : span_of("", 0);
}
