/* SPDX-License-Identifier: ISC */
/* front.c - the process that takes hostile bytes: doors in, sealing, no key, no store.
 * Here:       what the keeper tells (epoch, space), the sealing window, asking for
 *             recipients.
 * Elsewhere:  sealing a message (submit.c), protocols (plugin/), doors' frame (core.c).
 * Called by:  sealpostd.c. */
#include "relay/front.h"
#include <stdlib.h>
#include <sysexits.h>

#define WINDOW_MS 60000U /* at most what a captured front can read backwards */

struct front *front_of(const struct relay *r)
{
    return r->core->own;
}

static void take_epoch(struct front *f, const struct ipc_epoch *told)
{
    struct err e;
    struct jwe_key key;
    struct buf jwk;

    buf_init(&jwk, 1024);
    if (jwe_key_from_point(&key, told->point, &e) != 0 ||
        jwe_key_jwk(&key, &jwk, &e) != 0) {
        LOG(L_ERROR, "epoch.refused", LOG_WHY(&e));
        buf_clear(&jwk);
        return;
    }
    (void)buf_cstr(&jwk);
    jwe_window_clear(&f->window);
    jwe_key_clear(&f->epoch);
    buf_clear(&f->reply_jwk);
    f->epoch = key;
    f->epoch_day = told->day;
    f->reply_jwk = jwk;
    f->window_end_ms = 0;
    LOG(L_INFO, "epoch.used", LOG_U64("day", told->day));
}

static void take_push_key(struct front *f, const struct ipc_push_key *told)
{
    struct buf text;

    buf_init(&text, sizeof f->push_key);
    b64url_put(&text, told->point, sizeof told->point);
    (void)span_copy(f->push_key, sizeof f->push_key, buf_span(&text));
    buf_clear(&text);
}

static void told(struct relay_core *c, const struct ipc_frame *f)
{
    struct front *front = c->own;

    if (f->type == IPC_EPOCH)
        take_epoch(front, f->fixed);
    else if (f->type == IPC_PUSH_KEY)
        take_push_key(front, f->fixed);
    else if (f->type == IPC_STORE_STATE)
        front->store_full = ((const struct ipc_store_state *)f->fixed)->full != 0;
}

struct jwe_window *front_window(struct front *f, struct err *e)
{
    const uint64_t now = core_now_ms();

    if (f->epoch_day == 0) {
        (void)err_set(e, ERR_TEMP, "4.3.0", "no epoch key yet");
        return NULL;
    }
    if (now >= f->window_end_ms) {
        jwe_window_clear(&f->window);
        if (jwe_window_open(&f->window, &f->epoch, e) != 0)
            return NULL;
        f->window_end_ms = now + WINDOW_MS;
    }
    return &f->window;
}

bool relay_store_full(const struct relay *r)
{
    return front_of(r)->store_full;
}

const char *relay_reply_key_jwk(const struct relay *r)
{
    const struct front *f = front_of(r);

    return f->epoch_day == 0 || r->core->keeper == NULL ? NULL : f->reply_jwk.p;
}

const char *relay_push_key(const struct relay *r)
{
    const struct front *f = front_of(r);

    return f->push_key[0] == '\0' || r->config->push_wait_s == 0 ? NULL : f->push_key;
}

/* Device keys were validated when they were registered, but a key that does not parse
 * any more must not cost the message: without devices it is sealed to the epoch. */
static bool take_devices(struct relay_recipient *rcpt, uint32_t count, struct span tail)
{
    struct cur c = cur_of(tail);
    struct err e;

    for (uint32_t i = 0; i < count && i < JWE_RECIPIENTS_MAX; i++) {
        uint8_t id[16];
        uint16_t n;
        struct span der;

        if (!cur_mem(&c, id, sizeof id) || !cur_be16(&c, &n) ||
            !cur_span(&c, n, &der) ||
            jwe_key_from_der(&rcpt->devices[rcpt->device_count], der, &e) != 0)
            return false;
        rcpt->device_count++;
    }
    return cur_done(&c);
}

void relay_recipient_clear(struct relay_recipient *rcpt)
{
    for (size_t i = 0; i < rcpt->device_count; i++)
        jwe_key_clear(&rcpt->devices[i]);
    *rcpt = (struct relay_recipient){ 0 };
}

static void adapt_recipient(struct relay_core *c, void (*door)(void), void *ctx,
                            const struct ipc_frame *f)
{
    struct relay_recipient rcpt = { .verdict = IPC_TEMP };

    (void)c;
    if (f != NULL) {
        const struct ipc_recipient *a = f->fixed;

        rcpt.verdict = a->verdict < IPC_VERDICT_COUNT ? a->verdict : IPC_TEMP;
        memcpy(rcpt.message_id, a->message_id, sizeof rcpt.message_id);
        memcpy(rcpt.conversation, a->conversation, sizeof rcpt.conversation);
        memcpy(rcpt.msisdn, a->msisdn, sizeof rcpt.msisdn);
        memcpy(rcpt.account, a->account, sizeof rcpt.account);
        if (!take_devices(&rcpt, a->device_count, f->tail)) {
            LOG(L_ERROR, "recipient.bad-devices", LOG_ID("msg", rcpt.message_id));
            for (; rcpt.device_count > 0; rcpt.device_count--)
                jwe_key_clear(&rcpt.devices[rcpt.device_count - 1]);
        }
    }
    ((relay_on_recipient *)door)(ctx, &rcpt);
}

uint64_t relay_ask_recipient(struct relay *r, const struct ipc_address *to,
                             const char *account, const char *sender,
                             relay_on_recipient *on_recipient, void *ctx)
{
    struct ipc_recipient_ask ask = { .to = *to };

    (void)span_copy(ask.account, sizeof ask.account, span_str(account));
    (void)span_copy(ask.sender, sizeof ask.sender, span_str(sender));
    return core_call(r->core, IPC_RECIPIENT_ASK, &ask, span_of(NULL, 0),
                     span_of(NULL, 0), adapt_recipient, (void (*)(void))on_recipient,
                     ctx);
}

static void keeper_came(struct relay_core *c)
{
    (void)c; /* the keeper tells epoch and space by itself */
}

/* A new keeper may hold other epochs than the old one told: seal to nothing until then.
 */
static void keeper_went(struct relay_core *c)
{
    struct front *f = c->own;

    f->epoch_day = 0;
}

static int open_auth(struct relay_core *c, struct err *e)
{
    c->relay.auth = auth_new(c->relay.base, c->relay.config, e);
    return c->relay.auth == NULL ? -1 : 0;
}

int front_main(const struct process *p)
{
    static struct front front;
    static struct relay_core core = { .open = open_auth,
                                      .told = told,
                                      .keeper_came = keeper_came,
                                      .keeper_went = keeper_went,
                                      .own = &front };
    struct err e;
    int rc;

    buf_init(&front.reply_jwk, 1024);
    msisdn_start();
    mime_start();
    if (jwe_start(&e) != 0) {
        LOG(L_ERROR, "process.failed", LOG_WHY(&e));
        return EX_SOFTWARE;
    }
    rc = core_run(&core, p);
    jwe_window_clear(&front.window);
    auth_free(core.relay.auth);
    return rc;
}
