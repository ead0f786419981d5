/* SPDX-License-Identifier: ISC */
/* box_codec.h - Kannel's box protocol as bytes: frames, fields, text.
 *
 * frame   = u32 length, payload of that length
 * payload = i32 type, the fields of that type in the order below
 * INT     = i32; -1 stands for "not set"
 * STR     = i32 length and bytes; length -1 is NULL (a span with p == NULL)
 * UUID    = STR of 36 characters
 * All integers are big-endian. The fields and their order are Kannel's gw/msg-decl.h;
 * its VOID field (split_parts of sms) is never on the wire.
 *
 * Pure: no socket, no clock, no allocation but of the caller's buf. No length from the
 * peer is believed before it is compared with what is there. */
#ifndef PLUGIN_BOX_CODEC_H
#define PLUGIN_BOX_CODEC_H

#include "relay/span.h"

#define BOX_FRAME_MAX (1U << 20) /* payload; the longest SMS is about 40 KiB */
#define BOX_HEAD 4U              /* the length before each payload */
#define BOX_UUID_LEN 36U
#define BOX_NONE (-1) /* an INT that is not set */

enum box_type { BOX_HEARTBEAT, BOX_ADMIN, BOX_SMS, BOX_ACK, BOX_TYPE_COUNT };
enum box_command { BOX_SHUTDOWN = 0, BOX_IDENTIFY = 3, BOX_RESTART = 4 };
enum box_sms_type { BOX_MO = 0, BOX_MT_PUSH = 2, BOX_DLR_MO = 3, BOX_DLR_MT = 4 };
enum box_nack { BOX_ACK_SUCCESS, BOX_ACK_FAILED, BOX_ACK_LATER, BOX_ACK_BUFFERED };
enum box_coding { BOX_GSM7 = 0, BOX_8BIT = 1, BOX_UCS2 = 2 };

#define BOX_HEARTBEAT_FIELDS(X) X(INT, load)
#define BOX_ADMIN_FIELDS(X) X(INT, command) X(STR, boxc_id)
#define BOX_ACK_FIELDS(X) X(INT, nack) X(INT, time) X(UUID, id)
#define BOX_SMS_FIELDS(X) \
    X(STR, sender)        \
    X(STR, receiver)      \
    X(STR, udhdata)       \
    X(STR, msgdata)       \
    X(INT, time)          \
    X(STR, smsc_id)       \
    X(STR, smsc_number)   \
    X(STR, foreign_id)    \
    X(STR, service)       \
    X(STR, account)       \
    X(UUID, id)           \
    X(INT, sms_type)      \
    X(INT, mclass)        \
    X(INT, mwi)           \
    X(INT, coding)        \
    X(INT, compress)      \
    X(INT, validity)      \
    X(INT, deferred)      \
    X(INT, dlr_mask)      \
    X(STR, dlr_url)       \
    X(INT, pid)           \
    X(INT, alt_dcs)       \
    X(INT, rpi)           \
    X(STR, charset)       \
    X(STR, boxc_id)       \
    X(STR, binfo)         \
    X(INT, msg_left)      \
    X(INT, priority)      \
    X(INT, resend_try)    \
    X(INT, resend_time)   \
    X(STR, meta_data)

#define BOX_DECLARE_INT(field) int32_t field;
#define BOX_DECLARE_STR(field) struct span field;
#define BOX_DECLARE_UUID(field) char field[BOX_UUID_LEN + 1];
#define X(kind, field) BOX_DECLARE_##kind(field)
struct box_heartbeat {
    BOX_HEARTBEAT_FIELDS(X)
};
struct box_admin {
    BOX_ADMIN_FIELDS(X)
};
struct box_sms {
    BOX_SMS_FIELDS(X)
};
struct box_ack {
    BOX_ACK_FIELDS(X)
};
#undef X

struct box_message {
    enum box_type type;
    union {
        struct box_heartbeat heartbeat;
        struct box_admin admin;
        struct box_sms sms;
        struct box_ack ack;
    };
};

/* box_init - a message with every string NULL, every INT BOX_NONE, the id all zero. */
void box_init(struct box_message *m, enum box_type type);

/* box_pack - append the whole frame. The spans are copied. A frame beyond BOX_FRAME_MAX
 * or out's cap leaves out failed. */
void box_pack(const struct box_message *m, struct buf *out);

/* box_frame_bytes - of a stream that starts with a frame: how long is it, head
 * included? 1: *bytes_out is set (more may have to come); 0: the head is not there yet;
 * -1: no frame that we take (shorter than a type, longer than BOX_FRAME_MAX). */
int box_frame_bytes(struct span stream, size_t *bytes_out);

/* box_unpack - one payload, without its head. 0, or -1 with a static *why_out: cut,
 * bytes left over, an unknown type, a string length that cannot be, an id that is no
 * UUID. The spans of *m borrow from payload. */
int box_unpack(struct span payload, struct box_message *m, const char **why_out);

/* box_uuid_text - 16 random bytes as a UUID of version 4, lower case (RFC 9562 5.4). */
void box_uuid_text(const uint8_t random[static 16], char out[static BOX_UUID_LEN + 1]);

/* box_dlr_event - the one event of a DLR's dlr_mask: 1 delivered, 2 failed (expired and
 * unknown are failures with another bit), 4 buffered, 8 at the SMSC, 16 refused there;
 * 0: none of them. A final event hides a passing one. */
uint32_t box_dlr_event(int32_t dlr_mask);

/* box_utf16_put - append UTF-8 as UTF-16BE: what coding 2 wants. false: not UTF-8. */
bool box_utf16_put(struct span utf8, struct buf *out);

/* box_text_put - append what a handset wrote as UTF-8. coding 2 is UTF-16BE, else UTF-8
 * is expected; what cannot be read becomes U+FFFD, so that a damaged SMS still arrives.
 */
void box_text_put(struct span msgdata, int32_t coding, struct buf *out);

/* box_is_text - are these bytes UTF-8 that somebody may have typed: no control
 * characters but tab and line breaks? Some SMSCs bring text as "8 bit data", and so
 * does Kannel itself what came in parts without a coding. */
bool box_is_text(struct span bytes);

#endif
