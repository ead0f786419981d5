/* SPDX-License-Identifier: ISC */
/* keeper.h - what the keeper's files share: its state, and what each does for the
 * others.
 *
 * keeper.c      the process: channels, turns, flush, time
 * intake.c      recipients asked for, messages offered
 * registration.c, registration_handset.c, device.c, device_call.c, proof.c   handsets
 * reseal.c      intermediate to final form
 * notice.c, plain.c   SMS that go out: Sealpost's own, applications'
 * notice_info.c what a notice's link is about
 * push.c, webpush.c, vapid.c   pushes to devices, before an SMS
 * reply.c, reply_callback.c, report.c, report_app.c   to senders: by mail, by HTTP
 * outbox.c, outbox_job.c   when all that goes, and what became of it
 * inbound.c, inbound_words.c, keyword.c, dlr.c   what comes back: MO and DLR
 * optout.c      who wants no messages from whom
 * expiry.c      what ends by time; epochs
 * keys.c        the server's keys on disk
 * tx.c          transactions */
#ifndef RELAY_KEEPER_H
#define RELAY_KEEPER_H

#include "relay/config.h"
#include "relay/jwe.h"
#include "relay/keeper/keys.h"
#include "relay/log.h"
#include "relay/message.h"
#include "relay/msisdn.h"
#include "relay/sms.h"
#include "relay/template.h"
#include "relay/keeper/tx.h"
#include "relay/keeper/vapid.h"

#define PEERS_MAX 64
#define IN_FLIGHT_MAX 512        /* over all links; courier keeps as many outcomes */
#define FRESH_NUMBER_S 15552000U /* 180 d */

enum outbox_kind {
    OUTBOX_OTP = 1,
    OUTBOX_NOTICE = 2,
    OUTBOX_DEVICE_ADDED = 3,
    OUTBOX_STOPPED = 4,
    OUTBOX_STARTED = 5,
    OUTBOX_REPLY = 6,
    OUTBOX_EXPIRED = 7,       /* report: not collected in time */
    OUTBOX_UNDELIVERABLE = 8, /* report: the network refused the number */
    OUTBOX_HELP = 9,
    OUTBOX_WRONG = 10,        /* answer to WRONG */
    OUTBOX_CONFIRM = 11,      /* a device was registered by an SMS from the number */
    OUTBOX_WRONG_NUMBER = 12, /* report: its holder says that it is the wrong number */
    OUTBOX_PLAIN = 13,        /* an application's SMS, as it is */
    OUTBOX_REPORT = 14,       /* to an application's dlr-url */
    OUTBOX_REPLY_CALLBACK = 15, /* a reply to an account's reply-url */
    OUTBOX_REMOVED = 16,        /* answer to WRONG: a doubtful device is gone */
    OUTBOX_PUSH = 17,           /* to a device's push service */
    OUTBOX_KIND_COUNT
};
/* In the order in which they are looked at. What was set aside only waits for its end.
 */
enum outbox_lane {
    LANE_OTP,
    LANE_PUSH,
    LANE_SMS,
    LANE_PLAIN,
    LANE_MAIL,
    LANE_CALLBACK,
    LANE_ASIDE,
    LANE_COUNT
};

enum registration_state {
    REG_PENDING = 1,
    REG_PROVEN = 2,
    REG_CLOSED = 3,
    REG_WAITING =
        4 /* REG_HANDSET: number and password are named, the SMS is not here */
};

struct in_flight { /* handed to courier, outcome not yet known */
    bool used;
    bool alone; /* nothing else is handed to its link meanwhile */
    uint8_t job[16];
    struct tx_key key; /* where it stands in the outbox */
};

struct proofs; /* nonces and the ids of used proofs (proof.c) */

struct keeper {
    struct event_base *base;
    const struct config *config;
    const struct templates *templates;
    struct store *store;
    struct keys *keys;
    struct vapid *vapid;
    struct ipc_channel *peers[PEERS_MAX]; /* fronts and courier */
    struct ipc_channel *courier;          /* one of them, or NULL */
    bool link_up[LINK_KIND_COUNT];
    uint32_t link_window[LINK_KIND_COUNT]; /* most jobs under way */
    uint32_t epoch_day;
    struct jwe_key epoch;
    struct jwe_memo opened; /* the window that was opened last */
    bool full;

    uint64_t now_s;           /* of this turn */
    bool corrupt;             /* ... because of a record that does not open */
    bool in_tx, dirty;        /* dirty: committed, not yet flushed */
    enum ipc_verdict failure; /* of this transaction, sticky */
    bool pump_wanted;
    struct in_flight in_flight[IN_FLIGHT_MAX];
    size_t in_flight_count[LINK_KIND_COUNT];
    bool alone[LINK_KIND_COUNT]; /* one is under way that must have the link alone */
    uint8_t
        alone_lane[LINK_KIND_COUNT]; /* ... or waits for that, in this lane; 0: none */
    uint64_t id_ms;
    uint32_t id_count;
    struct proofs *proofs;
    struct event *on_turn_end, *on_tick, *on_parent, *on_term;
};

/* keeper_id - a new id: time, counter, random; ascending over the whole store. */
void keeper_id(struct keeper *k, uint8_t id[16]);
void keeper_random(void *to, size_t n);
void keeper_handset_id(const struct keeper *k, const char *msisdn, uint8_t id[16]);
/* keeper_own - the handset's record, or a new one for that number. */
void keeper_handset(struct keeper *k, const uint8_t id[16], const char *msisdn,
                    struct handset_record *h);

/* intake.c: requests of front; each answers on ch. */
void intake_ask(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f);
void intake_offer(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f);
/* intake_conversation - the conversation of an account's sender and a handset is used
 * now: made when it is new; who answers an SMS from number (or from the link's sender)
 * means it. The caller puts *h afterwards. */
void intake_conversation(struct keeper *k, const struct config_account *account,
                         const char *sender, const char *number, const char *msisdn,
                         const uint8_t handset[16], struct handset_record *h,
                         uint8_t conversation_out[16]);
/* intake_route - the key in T_ROUTE that says which conversation an SMSC number means
 * to a handset. false: the number is "" or a link's own sender, and
 * handset_record.newest_conversation says it. */
bool intake_route(const struct keeper *k, const uint8_t handset[16], const char *number,
                  struct tx_key *key_out);
/* intake_remove - a message and all that belongs to it. */
void intake_remove(struct keeper *k, const uint8_t id[16],
                   const struct message_record *m);

/* optout.c */
/* optout_is - does this handset want no messages from this account? *h is its record.
 */
bool optout_is(struct keeper *k, const uint8_t handset[16],
               const struct handset_record *h, const char *account);
/* optout_set - stop (or allow again) one account, or all of them when account is NULL;
 * the caller puts *h afterwards. true: that is a change. */
bool optout_set(struct keeper *k, const uint8_t handset[16], struct handset_record *h,
                const char *account, bool stopped);
/* optout_end - allow every single account again that was stopped; not the mark for all.
 * true: there was one. */
bool optout_end(struct keeper *k, const uint8_t handset[16]);

/* plain.c */
void plain_submit(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f);
/* plain_open - the packed struct sms of an outbox entry (wipe it). IPC_GONE: nobody can
 * any more, or the handset said STOP meanwhile. */
enum ipc_verdict plain_open(struct keeper *k, const struct outbox_record *o,
                            const struct handset_record *h, struct buf *packed);

/* registration.c */
void registration_start(struct keeper *k, struct ipc_channel *ch,
                        const struct ipc_frame *f);
void registration_otp(struct keeper *k, struct ipc_channel *ch,
                      const struct ipc_frame *f);
void registration_device(struct keeper *k, struct ipc_channel *ch,
                         const struct ipc_frame *f);

/* registration_reseal - what waits for the handset, to its devices as they are now. */
size_t registration_reseal(struct keeper *k, const uint8_t handset[16]);

/* registration_handset.c: the password comes from the handset (fig. 4) */
/* registration_mo - the text is a password that a handset sends: taken. false: it is
 * none. Within the caller's transaction; the number need not be known. */
bool registration_mo(struct keeper *k, const char *msisdn, const char *smsc,
                     uint64_t sent_s, struct span text);
/* registration_password - the password in what a person or a program wrote: 10 letters
 * of a-z2-7 in either case, "-" between them; "seal" and blanks stand before it when
 * with_word. false: it is none. Wipe it. */
#define PASSWORD_LETTERS 10U /* 50 bits */
bool registration_password(struct span text, bool with_word,
                           char out[PASSWORD_LETTERS + 1]);
/* registration_agree - the call names number and password for *r: IPC_OK when the same
 * came by SMS from that number (r->msisdn and r->handset say which), IPC_WAITING when
 * nothing came yet, IPC_OTP_MISMATCH when the registration named others before. */
enum ipc_verdict registration_agree(struct keeper *k, const struct ipc_reg_otp *in,
                                    struct registration_record *r);
/* registration_confirm - a device was registered by an SMS: tell the number, which may
 * not know of it. registration_confirmed - that SMS has gone: the device's waiting time
 * begins. */
void registration_confirm(struct keeper *k, const uint8_t handset[16],
                          const uint8_t device[16]);
void registration_confirmed(struct keeper *k, const struct outbox_record *o);
/* registration_unconfirmed - the number cannot be told: the device goes again. */
void registration_unconfirmed(struct keeper *k, const uint8_t device[16]);

/* device_call.c */
void device_call(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f);

/* device.c */
/* device_is_held - an SMS registered it, and the number does not know of it long enough
 * (registration_confirmed). device_is_fresh - not held, and it called lately: may a
 * message be sealed to it at once? (DESIGN 5.3) */
bool device_is_held(const struct keeper *k, const struct device_record *d);
bool device_is_fresh(const struct keeper *k, const struct device_record *d);
/* device_is_doubtful - an SMS registered it, which can be forged, and its number was
 * told less than a week ago, or not yet. */
bool device_is_doubtful(const struct keeper *k, const struct device_record *d);
/* device_is_over - on a shared phone, and it was silent too long: it may do nothing any
 * more. device_watch - see to it that it goes then. device_end_silent - it goes, unless
 * it called meanwhile. */
bool device_is_over(const struct keeper *k, const struct device_record *d);
void device_watch(struct keeper *k, const uint8_t id[16],
                  const struct device_record *d);
void device_end_silent(struct keeper *k, const uint8_t id[16]);
/* device_seen - it calls now: true when *d changed by that and has to be put. */
bool device_seen(const struct keeper *k, struct device_record *d);
/* device_remove - the handset's i-th; the caller puts *h afterwards. */
void device_remove(struct keeper *k, struct handset_record *h, size_t i);
/* device_keys - the fresh devices' keys of a handset; the caller clears each. */
size_t device_keys(struct keeper *k, const struct handset_record *h,
                   struct jwe_key keys[JWE_RECIPIENTS_MAX]);

/* proof.c */
struct proofs *proofs_new(void);
void proofs_free(struct proofs *p);
void proof_nonce(const struct proofs *p, uint64_t now_s, char nonce[48]);
/* proof_claims_device - which device does the proof say it is of? Nothing is checked
 * yet. */
bool proof_claims_device(struct span proof, uint8_t device[16]);
/* proof_check - IPC_OK, IPC_PROOF or IPC_NONCE. method and url are what the call means,
 * worked out by the keeper; body is hashed here. A proof passes once. */
enum ipc_verdict proof_check(struct proofs *p, uint64_t now_s, struct span proof,
                             const uint8_t signing_point[65], const char *method,
                             const char *url, struct span body);

/* reseal.c */
/* reseal_waiting - every intermediate message of the handset, at most max, sealed to
 * its fresh devices. Returns how many were re-sealed. */
size_t reseal_waiting(struct keeper *k, const uint8_t handset[16],
                      const struct handset_record *h, size_t max);
/* reseal_lend - an intermediate message sealed to one device, for its answer only: the
 * message stays as it is. sealed is the caller's to clear; false: it does not open. */
bool reseal_lend(struct keeper *k, const uint8_t id[16], const struct message_record *m,
                 const struct device_record *d, struct buf *sealed);
/* reseal_peek - the subject in an intermediate message's manifest, for a reply by SMS;
 * "" when the server cannot open it any more. */
void reseal_peek_subject(struct keeper *k, const uint8_t message[16], char *subject,
                         size_t room);

/* notice.c */
/* notice_want - a message came: see to it that a push tells the handset of it, or an
 * SMS, or the one and then the other; the caller puts *h afterwards. */
void notice_want(struct keeper *k, const uint8_t handset[16], struct handset_record *h,
                 uint64_t expires_s);
/* notice_render - the SMS's text, where it is from, and of what else its sender wants
 * to be told; false when nothing waits any more (the job is dropped). */
bool notice_render(struct keeper *k, const struct outbox_record *o,
                   const struct handset_record *h, struct sms *sms, uint32_t *dlr_mask,
                   struct buf *text);
/* notice_origin - where the SMS of a conversation are from, and by which SMSC. */
void notice_origin(struct keeper *k, const uint8_t conversation[16], struct sms *sms);
/* notice_sent - the SMS that was handed over at handed_s is out: what came later gets
 * its own. */
void notice_sent(struct keeper *k, const struct outbox_record *o, uint64_t handed_s);
/* notice_later - the SMS still waits because a push went: true, until then. */
bool notice_later(struct keeper *k, const struct outbox_record *o, uint64_t *until_s);
/* notice_is_needed - is something waiting that no SMS told of? */
bool notice_is_needed(struct keeper *k, const uint8_t handset[16]);
/* notice_unpushed - a push failed: the SMS goes now, unless another push told of all
 * that waits, or will. */
void notice_unpushed(struct keeper *k, const uint8_t handset[16]);
/* notice_again - a notice ended without an SMS, while messages may wait; one that finds
 * nothing to say is dropped by notice_render. */
void notice_again(struct keeper *k, const uint8_t handset[16]);
/* notice_undeliverable - the network will not bring SMS to this number: tell senders.
 */
void notice_undeliverable(struct keeper *k, const uint8_t handset[16], uint32_t event);
/* notice_dropped - a notice left the outbox without being sent. */
void notice_dropped(struct keeper *k, const uint8_t handset[16]);

/* notice_info.c */
void notice_info(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f);
/* notice_find - whom the link's token was sent to; false: nobody, or its time is over.
 */
bool notice_find(struct keeper *k, const uint8_t token[NOTICE_TOKEN_BYTES],
                 uint8_t handset[16], struct handset_record *h);

/* push.c */
/* push_subscribe - CALL_PUSH of that device of *h. IPC_BAD_REQUEST; IPC_GONE: there are
 * no pushes for it. push_forget - the device goes. */
enum ipc_verdict push_subscribe(struct keeper *k, const uint8_t device[16],
                                const struct device_record *d,
                                const struct handset_record *h, struct span body);
void push_forget(struct keeper *k, const uint8_t device[16]);
/* push_want - tell the handset's fresh devices by push; false: it has none that can be
 * told so. */
bool push_want(struct keeper *k, const uint8_t handset[16],
               const struct handset_record *h);
/* push_covers - is a push under way, or did one leave at since_s or later? */
bool push_covers(struct keeper *k, const struct handset_record *h, uint64_t since_s);
/* push_job - fills the job; tail is appended. IPC_GONE: nobody is to be told any more;
 * IPC_TEMP: not now. */
enum ipc_verdict push_job(struct keeper *k, const uint8_t job[16],
                          const struct outbox_record *o, struct ipc_job_push *out,
                          struct buf *tail);
/* What became of a push: the service took what left at handed_s; it is tried again; it
 * failed, and when gone the subscription ends. push_is_given_up - was it tried often
 * enough? */
void push_taken(struct keeper *k, const struct outbox_record *o, uint64_t handed_s);
void push_waits(struct keeper *k, const struct outbox_record *o);
void push_failed(struct keeper *k, const struct outbox_record *o, bool gone);
bool push_is_given_up(const struct outbox_record *o);

/* outbox.c */
void outbox_add(struct keeper *k, enum outbox_lane lane, uint64_t due_s,
                struct outbox_record *o, uint8_t job_out[16]);
/* outbox_move - an entry that was not handed over, to another due time. */
void outbox_move(struct keeper *k, const struct tx_key *key, uint64_t due_s,
                 const struct outbox_record *o);
/* outbox_pump - hand to courier what is due, as far as links and the window allow. */
void outbox_pump(struct keeper *k);
void outbox_done(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f);
void outbox_link(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f);
/* outbox_recover - at start: what an earlier keeper handed over is still in flight;
 * courier may tell its outcome, else its lease ends. */
void outbox_recover(struct keeper *k);
/* outbox_courier_lost - all that is in flight is in doubt. */
void outbox_courier_lost(struct keeper *k);

/* reply.c */
enum ipc_verdict reply_take(struct keeper *k, const uint8_t device_handset[16],
                            const uint8_t message[16], struct span body,
                            uint8_t reply_out[16]);
/* reply_take, _sms: IPC_NO_REPLY: the conversation's sender takes no answers. IPC_GONE:
 * no such message, or conversation. */
struct reply_sms {
    const struct ipc_mo *mo;
    struct span text; /* UTF-8 without NUL, not empty */
    bool unasked;     /* nothing had been sent to this number */
};
enum ipc_verdict reply_take_sms(struct keeper *k, const uint8_t handset[16],
                                const uint8_t conversation[16],
                                const struct reply_sms *sms);
/* reply_mail - fills the job from the outbox record; text is appended (wipe it).
 * IPC_GONE: nobody can make it any more (its key or conversation is gone); IPC_TEMP:
 * not now, or not with this configuration. */
enum ipc_verdict reply_mail(struct keeper *k, const uint8_t job[16],
                            const struct outbox_record *o, struct ipc_job_mail *mail,
                            struct buf *tail);

/* reply_callback.c
 * reply_callback - the same for an account's reply-url; IPC_GONE as well when its URL
 * is too long with its values. */
enum ipc_verdict reply_callback(struct keeper *k, const uint8_t job[16],
                                const struct outbox_record *o,
                                struct ipc_job_callback *out, struct buf *tail);

/* report.c */
void report_want(struct keeper *k, enum outbox_kind kind, const uint8_t message[16],
                 const struct message_record *m);
bool report_mail(struct keeper *k, const uint8_t job[16], const struct outbox_record *o,
                 struct ipc_job_mail *mail, struct buf *tail);

/* report_app.c: an application's dlr-url */
/* What was asked to be told of a message or an SMS, by its id. */
void report_remember(struct keeper *k, const uint8_t id[16], const uint8_t handset[16],
                     const char *account, const struct report_ask *ask,
                     uint64_t expires_s);
void report_forget(struct keeper *k, const uint8_t id[16]);
/* report_event - tell the application if it asked for this one, once. facts: of the DLR
 * that says so; Sealpost's own word has a text only ("SEALPOST/fetched"). last: none
 * but "at the SMSC" can come any more, which the network may tell behind the others. */
struct report_facts {
    const char *dlr_id, *smsc, *foreign_id;
    struct span text;
};
void report_event(struct keeper *k, const uint8_t id[16], uint32_t event,
                  const struct report_facts *facts, bool last);
/* report_callback - fills the job and appends its tail. */
bool report_callback(struct keeper *k, const uint8_t job[16],
                     const struct outbox_record *o, struct ipc_job_callback *out,
                     struct buf *tail);
/* report_given_up - a callback never arrived: counted, and said. */
void report_given_up(struct keeper *k, const struct outbox_record *o);

/* inbound.c */
void inbound_mo(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f);

/* dlr.c */
void dlr_take(struct keeper *k, struct ipc_channel *ch, const struct ipc_frame *f);
/* dlr_ref - the opaque dlr_url of a job: says for which handset, and is signed. */
void dlr_ref(const struct keeper *k, char kind, const uint8_t handset[16],
             const uint8_t job[16], char out[160]);

/* expiry.c */
void expiry_sweep(struct keeper *k);
/* expiry_epochs - today's epoch is made and told; those that nothing hangs on go. */
int expiry_epochs(struct keeper *k, struct err *e);
void expiry_tell(struct keeper *k, struct ipc_channel *front); /* epoch and space */

#endif
