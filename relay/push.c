/* SPDX-License-Identifier: ISC */
/* push.c - what front, keeper and courier know of Web Push.
 * Here:       a subscription as a device gives it, the rules for its URL.
 * Elsewhere:  who gets a push (keeper/push.c), the request (plugin/push.c).
 * Called by:  plugin/handset_json.c, plugin/push.c, keeper/push.c.
 * Source:     templates/handset/openapi.yaml. */
#include "relay/push.h"
#include "relay/encode.h"
#include "relay/json_body.h"
#include "relay/jwe.h"

struct url_rules push_rules(const struct config *c)
{
    return (struct url_rules){ .hosts = &c->push_hosts,
                               .networks = &c->push_networks,
                               .https_only = true };
}

static int bad(struct err *e, const char *why)
{
    return err_set(e, ERR_PERM, "bad-request", "%s", why);
}

static bool is_point(const uint8_t point[JWE_POINT_BYTES])
{
    struct jwe_key key;
    struct err e;

    if (jwe_key_from_point(&key, point, &e) != 0)
        return false;
    jwe_key_clear(&key);
    return true;
}

static int take_members(const struct config *c, const json_t *j,
                        struct push_subscription *out, struct err *e)
{
    const struct span endpoint = json_body_text(j, "endpoint");
    const struct url_rules rules = push_rules(c);

    if (json_is_null(json_object_get(j, "endpoint")))
        return 0;
    if (endpoint.n == 0 || !span_copy(out->endpoint, sizeof out->endpoint, endpoint))
        return bad(e, "endpoint is a URL of at most 1024 bytes, or null");
    if (!b64url_take_exact(json_body_text(j, "p256dh"), out->p256dh,
                           sizeof out->p256dh) ||
        !is_point(out->p256dh))
        return bad(e, "p256dh is a point on P-256, 65 bytes in base64url");
    if (!b64url_take_exact(json_body_text(j, "auth"), out->auth, sizeof out->auth))
        return bad(e, "auth is 16 bytes in base64url");
    return url_rules_check(&rules, endpoint, e) == 0
               ? 0
               : err_set(e, ERR_PERM, "push-host",
                         "endpoint is not at a push service that is allowed here");
}

int push_take(const struct config *c, struct span body, struct push_subscription *out,
              struct err *e)
{
    json_t *j = json_body_take(body);
    int rc;

    *out = (struct push_subscription){ .endpoint = "" };
    rc = j == NULL ? bad(e, "the body is not a JSON object")
                   : take_members(c, j, out, e);
    json_decref(j);
    return rc;
}
