/* SPDX-License-Identifier: ISC */
/* handset_info.c - what the page is told before anybody proves anything, as JSON.
 * Here:       the members, and which of a sender's are kept back (notice-brand = no).
 * Elsewhere:  what the keeper says of a notice (relay/keeper/notice_info.c), routes
 *             (handset.c).
 * Called by:  handset.c.
 * Source:     templates/handset/openapi.yaml. */
#include "plugin/handset_info.h"
#include <jansson.h>
#include <stdlib.h>

static bool put_json(json_t *j, struct buf *out)
{
    char *const text = json_dumps(j, JSON_COMPACT);

    json_decref(j);
    if (text != NULL)
        buf_put(out, text);
    free(text);
    return text != NULL && buf_ok(out);
}

static json_t *directions(const struct config *config)
{
    json_t *const list = json_array();

    if (config->otp_direction != OTP_HANDSET)
        (void)json_array_append_new(list, json_string("server"));
    if (config->otp_direction != OTP_SERVER)
        (void)json_array_append_new(list, json_string("handset"));
    return list;
}

bool handset_put_app(const struct config *config, const char *app_hash,
                     const char *push_key, struct buf *out)
{
    const char *const contact = config->operator_contact;

    return put_json(
        json_pack("{s:s,s:s,s:s,s:i,s:o,s:s,s:s?}", "operator", config->operator_name,
                  "contact", contact == NULL ? "" : contact, "hash", app_hash,
                  "otp_digits", (int)config->otp_digits, "directions",
                  directions(config), "region", config->region, "push_key", push_key),
        out);
}

bool handset_put_notice(const struct config *config, const struct ipc_notice_info *info,
                        struct buf *out)
{
    const struct config_account *a = config_account(config, info->account);

    if (a != NULL && !a->notice_brand)
        a = NULL;
    return put_json(
        json_pack("{s:s,s:s?,s:s?,s:s?,s:s,s:s,s:I}", "operator", config->operator_name,
                  "brand", a == NULL ? NULL : a->brand, "color",
                  a == NULL || a->color[0] == '\0' ? NULL : a->color, "logo",
                  a == NULL || a->logo == NULL ? NULL : a->logo->path, "language",
                  info->language[0] == '\0' ? "en" : info->language, "ending",
                  info->ending, "waiting", (json_int_t)info->waiting),
        out);
}
