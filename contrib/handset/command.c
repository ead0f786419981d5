/* SPDX-License-Identifier: ISC */
/* command.c - what the commands share.
 * Here:       complaints, bodies, answers of the server that are none.
 * Elsewhere:  the commands (register.c, register_sms.c, messages.c).
 * Called by:  them, main.c. */
#include "contrib/handset/command.h"
#include "contrib/handset/json.h"
#include "contrib/handset/show.h"
#include <sysexits.h>

#define BODY_ROOM (16U << 10)

int complain(int status, const char *why)
{
    (void)fputs("sealpost-handset: ", stderr);
    show_text(stderr, span_str(why), false);
    (void)fputc('\n', stderr);
    return status;
}

int refused(struct api_reply *r)
{
    const int status = api_exit(r);

    (void)complain(status, r->why[0] == '\0' ? "the server's answer is odd" : r->why);
    api_reply_clear(r);
    return status == EX_OK ? EX_PROTOCOL : status;
}

json_t *take_json(struct api_reply *r)
{
    json_t *j = json_loadb(r->body.n == 0 ? "" : r->body.p, r->body.n,
                           JSON_REJECT_DUPLICATES, NULL);

    api_reply_clear(r);
    return j;
}

void post(struct handset *h, const char *path, json_t *j, struct api_reply *r)
{
    struct buf body;

    buf_init(&body, BODY_ROOM);
    json_put(&body, j);
    if (buf_ok(&body))
        api_call(&h->api, "POST", path, buf_span(&body), r);
    else
        *r = (struct api_reply){ .why = "this cannot be sent: it is not UTF-8",
                                 .status = 400 };
    buf_wipe(&body);
}
