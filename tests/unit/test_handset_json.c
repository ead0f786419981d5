/* SPDX-License-Identifier: ISC */
/* test_handset_json.c - what handsets say and hear.
 * Here:       request bodies, Range headers and the keeper's tails as rows, each also
 * cut after every byte, in a heap block of that exact size. Elsewhere:  routes and
 * status codes over HTTPS (tests/scenario), JWEs (test_jwe.c). Called by:  make check.
 */
#include "plugin/handset_json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define ROWS(rows) (sizeof(rows) / sizeof(rows)[0])
#define TEN(x) x x x x x x x x x x
/* RFC 7517 A.1 and RFC 7515 A.3, whose coordinates are good P-256 points. */
#define EC1                                                                          \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6K" \
    "PAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
#define EC2                                                                          \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9u" \
    "PHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define OFF_CURVE                                                                    \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9u" \
    "PHvRVEU\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}"
#define KEYS "\"encryption_key\":" EC1 ",\"signing_key\":" EC2

static struct span heap(const char *text, size_t n, char **block)
{
    *block = malloc(n + 1);
    assert_non_null(*block);
    memcpy(*block + 1, text, n);
    return span_of(*block + 1, n);
}

/* check - one of the readers below; type NULL: accepted. */
typedef int reader(struct span body, struct err *e);

static void check(reader *read, const char *body, const char *type)
{
    const size_t n = strlen(body);
    struct err e = { 0 };
    char *block;
    int rc = read(heap(body, n, &block), &e);

    free(block);
    if (rc != (type == NULL ? 0 : -1) || (rc != 0 && strcmp(e.status, type) != 0))
        fail_msg("%d %s %s: %.200s", rc, e.status, e.text, body);
    if (rc != 0) { /* it goes into JSON as it is */
        assert_null(strchr(e.text, '"'));
        assert_null(strchr(e.text, '\\'));
    }
    for (size_t cut = 0; cut < n; cut++) {
        rc = read(heap(body, cut, &block), &e);
        free(block);
        assert_int_equal(rc, -1); /* no object is whole before its last brace */
    }
}

static const struct config config = { .region = "AU", .number_check_line = true };
static struct ipc_reg_start started;
static struct ipc_reg_otp otp;

static int read_start(struct span body, struct err *e)
{
    started = (struct ipc_reg_start){ 0 };
    return handset_take_start(body, &config, &started, e);
}

static void registrations_start_by_number_or_notice(void **state)
{
    static const struct {
        const char *body, *type;
    } rows[] = {
        { "{\"number\":\"+61 412 345 678\"}", NULL },
        { "{\"number\":\"0412345678\",\"direction\":\"server\"}", NULL },
        { "{\"number\":\"0412345678\",\"later\":[{\"a\":[null]}]}", NULL },
        { "{\"number\":\"+61293744000\"}", "bad-number" }, /* a fixed line */
        { "{\"number\":\"12\"}", "bad-number" },
        { "{\"number\":\"+61412345678" TEN(TEN("0")) "\"}", "bad-number" },
        { "{\"number\":\"\"}", "bad-request" },
        { "{\"number\":61412345678}", "bad-request" },
        { "{\"number\":\"0412345678\",\"number\":\"0412345678\"}", "bad-request" },
        { "{\"number\":\"0412345678\\u0000\"}", "bad-request" },
        { "{\"number\":\"\xff\"}", "bad-request" },
        { "{\"number\":\"0412345678\",\"notice\":\"abcdefghijklmnop\"}",
          "bad-request" },
        { "{\"notice\":\"abc\"}", "bad-request" },
        { "{\"notice\":\"abcdefghijklmno1\"}", "bad-request" },
        { "{\"number\":\"0412345678\",\"direction\":\"up\"}", "bad-request" },
        { "{\"direction\":\"server\"}", "bad-request" },
        { "{\"direction\":\"handset\"}", NULL },
        { "{\"direction\":\"handset\",\"number\":\"0412345678\"}", NULL },
        { "{\"direction\":\"handset\",\"number\":\"12\"}", "bad-number" },
        { "{\"direction\":\"handset\",\"number\":\"\"}", "bad-request" },
        { "{\"direction\":\"handset\",\"number\":null}", "bad-request" },
        { "{}", "bad-request" },
        { "[]", "bad-request" },
        { "{\"number\":\"0412345678\",\"a\":[[[[[[[[]]]]]]]]}", "bad-request" },
        { TEN(TEN("[{\"a\":")), "bad-request" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        check(read_start, rows[i].body, rows[i].type);
    assert_int_equal(
        read_start(span_str("{\"number\":\"0412345678\"} {}"), &(struct err){ 0 }), -1);
    (void)read_start(span_str("{\"number\":\"0412345678\"}"), &(struct err){ 0 });
    assert_string_equal(started.msisdn, "61412345678");
    assert_int_equal(started.direction, REG_SERVER);
    (void)read_start(span_str("{\"notice\":\"ABCDEFGHIJKLMNOP\"}"), &(struct err){ 0 });
    assert_int_equal(started.by_notice, 1);
    assert_int_equal(started.notice[9], 0xcf);
    (void)read_start(span_str("{\"number\":\"0412345678\",\"direction\":\"handset\"}"),
                     &(struct err){ 0 });
    assert_int_equal(started.direction, REG_HANDSET);
    assert_string_equal(started.msisdn, "61412345678");
}

static int read_otp(struct span body, struct err *e)
{
    otp = (struct ipc_reg_otp){ 0 };
    return handset_take_otp(body, &config, &otp, e);
}

static void otps_are_digits_or_letters(void **state)
{
    static const struct {
        const char *body, *type;
    } rows[] = {
        { "{\"otp\":\"1234\"}", NULL },
        { "{\"otp\":\"aB34567890123456789012345678901234x\"}", NULL },
        { "{\"otp\":\"aB34567890123456789012345678901234xy\"}", "bad-request" },
        { "{\"otp\":\"123\"}", "bad-request" },
        { "{\"otp\":\"12 456\"}", "bad-request" },
        { "{\"otp\":123456}", "bad-request" },
        { "{\"otp\":[\"123456\"]}", "bad-request" },
        { "{\"otp\":\"1234\",\"number\":\"12\"}", "bad-number" },
        { "{\"otp\":\"1234\",\"number\":61412345678}", "bad-number" },
        { "{\"otp\":\"abcdefgh27\",\"number\":\"0412 345 678\"}", NULL },
        { "{}", "bad-request" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        check(read_otp, rows[i].body, rows[i].type);
    (void)read_otp(span_str("{\"otp\":\"abcdefgh27\",\"number\":\"0412 345 678\"}"),
                   &(struct err){ 0 });
    assert_string_equal(otp.otp, "abcdefgh27");
    assert_string_equal(otp.msisdn, "61412345678");
}

static struct ipc_reg_device device;

static int read_device(struct span body, struct err *e)
{
    struct buf der;
    int rc;

    device = (struct ipc_reg_device){ 0 };
    buf_init(&der, IPC_TAIL_KEY);
    rc = handset_take_device(body, &device, &der, e);
    if (rc == 0)
        assert_int_equal(der.n, 91); /* SubjectPublicKeyInfo of P-256 */
    buf_clear(&der);
    return rc;
}

static void devices_bring_two_keys_a_type_and_a_label(void **state)
{
    static const struct {
        const char *body, *type;
    } rows[] = {
        { "{" KEYS ",\"type\":\"browser\",\"label\":\"Lis\xc3\xa4\"}", NULL },
        { "{" KEYS ",\"type\":\"installed\"}", NULL },
        { "{" KEYS ",\"type\":\"shared\"}", NULL },
        { "{" KEYS ",\"type\":\"program\",\"label\":\"" TEN("123456") "\"}", NULL },
        { "{" KEYS ",\"type\":\"program\",\"label\":\"" TEN("123456") "7\"}",
          "bad-request" },
        { "{" KEYS ",\"type\":\"program\",\"label\":1}", "bad-request" },
        { "{" KEYS ",\"type\":\"program\",\"label\":\"a\\nb\"}", "bad-request" },
        { "{" KEYS ",\"type\":\"program\",\"label\":\"\xc2\x85\"}", "bad-request" },
        { "{" KEYS ",\"type\":\"program\",\"label\":\"\\u202e\"}", "bad-request" },
        { "{" KEYS ",\"type\":\"program\",\"label\":\"\\u2028\"}", "bad-request" },
        { "{" KEYS ",\"type\":\"telephone\"}", "bad-request" },
        { "{" KEYS "}", "bad-request" },
        { "{\"encryption_key\":" EC1 ",\"type\":\"browser\"}", "bad-key" },
        { "{\"signing_key\":" EC1 ",\"type\":\"browser\"}", "bad-key" },
        { "{\"encryption_key\":\"x\",\"signing_key\":" EC1 ",\"type\":\"browser\"}",
          "bad-key" },
        { "{\"encryption_key\":" EC1 ",\"signing_key\":" OFF_CURVE
          ",\"type\":\"browser\"}",
          "bad-key" },
        { "{\"encryption_key\":" OFF_CURVE ",\"signing_key\":" EC1
          ",\"type\":\"browser\"}",
          "bad-key" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        check(read_device, rows[i].body, rows[i].type);
    (void)read_device(span_str(rows[0].body), &(struct err){ 0 });
    assert_int_equal(device.type, DEVICE_BROWSER);
    assert_string_equal(device.label, "Lis\xc3\xa4");
    assert_int_equal(device.checked, 0);
    (void)read_device(span_str("{" KEYS ",\"type\":\"browser\",\"checked\":true}"),
                      &(struct err){ 0 });
    assert_int_equal(device.checked, 1);
    assert_int_equal(device.signing_point[0], 4);
    assert_int_equal(device.signing_point[1], 0x7f); /* "f83O" */
}

static int check_reply(struct span body, struct err *e)
{
    return handset_check_body(&config, CALL_REPLY, body, e);
}

static void replies_are_compact_jwes(void **state)
{
    static const char *const bad[] = { "{}", "{\"jwe\":1}", "{\"jwe\":\"\"}",
                                       "{\"jwe\":\"a.b.c.d.e\"}",
                                       "{\"jwe\":\"....\"}" };
    const struct jwe_header header = { .typ = "sealpost-reply", .to = "reply" };
    struct jwe_key key;
    struct buf body;
    struct err e;

    (void)state;
    for (size_t i = 0; i < ROWS(bad); i++)
        check(check_reply, bad[i], "bad-request");
    assert_int_equal(jwe_key_from_jwk(&key, span_str(EC1), &e), 0);
    buf_init(&body, 4096);
    buf_put(&body, "{\"jwe\":\"");
    assert_int_equal(jwe_seal_compact(&header, &key, span_str("{}"), &body, &e), 0);
    buf_put(&body, "\"}");
    check(check_reply, buf_cstr(&body), NULL);
    buf_clear(&body);
    jwe_key_clear(&key);
}

static int check_label(struct span body, struct err *e)
{
    return handset_check_body(&config, CALL_LABEL, body, e);
}

static void labels_are_short_and_stay_on_their_line(void **state)
{
    (void)state;
    check(check_label, "{\"label\":\"Lis\xc3\xa4\"}", NULL);
    check(check_label, "{\"label\":\"\"}", NULL);
    check(check_label, "{\"label\":\"" TEN("123456") "\"}", NULL);
    check(check_label, "{\"label\":\"" TEN("123456") "7\"}", "bad-request");
    check(check_label, "{\"label\":\"a\\u0000b\"}", "bad-request");
    check(check_label, "{\"label\":\"a\\nb\"}", "bad-request");
    check(check_label, "{\"label\":null}", "bad-request");
    check(check_label, "{}", "bad-request");
    check(check_label, "", "bad-request");
}

#define POINT                                            \
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-" \
    "AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNt"                    \
    "oIAiw4"
#define SUBSCRIPTION(url)                           \
    "{\"endpoint\":\"" url "\",\"p256dh\":\"" POINT \
    "\",\"auth\":\"BTBZMqHH6r4Tts7J_aSIgg\"}"

static int check_push(struct span body, struct err *e)
{
    static char *hosts[] = { (char *)(uintptr_t) "push.example" };
    const struct config pushing = { .push_hosts = { hosts, 1 } };

    return handset_check_body(&pushing, CALL_PUSH, body, e);
}

static void subscriptions_are_at_services_that_are_known(void **state)
{
    static const struct {
        const char *body, *type;
    } rows[] = {
        { SUBSCRIPTION("https://push.example/send/1"), NULL },
        { "{\"endpoint\":null}", NULL },
        { "{\"endpoint\":null,\"p256dh\":1}", NULL },
        { SUBSCRIPTION("http://push.example/send/1"), "push-host" },
        { SUBSCRIPTION("https://evil.example/"), "push-host" },
        { SUBSCRIPTION("https://push.example@evil.example/"), "push-host" },
        { SUBSCRIPTION("https://127.0.0.1/"), "push-host" },
        { SUBSCRIPTION("push.example"), "push-host" },
        { SUBSCRIPTION(""), "bad-request" },
        { SUBSCRIPTION("https://push.example/" TEN(TEN("1234567890")) "4567"),
          "bad-request" },
        { "{}", "bad-request" },
        { "{\"endpoint\":7}", "bad-request" },
        { "{\"endpoint\":\"https://push.example/\"}", "bad-request" },
        { "{\"endpoint\":\"https://push.example/\",\"p256dh\":\"" POINT "\"}",
          "bad-request" },
        { "{\"endpoint\":\"https://push.example/\",\"p256dh\":\"" POINT
          "\",\"auth\":\"BTBZMqHH6r4Tts7J_aSI\"}",
          "bad-request" },
        { "{\"endpoint\":\"https://push.example/"
          "\",\"p256dh\":\"AAAA\",\"auth\":\"BTBZMq"
          "HH6r4Tts7J_aSIgg\"}",
          "bad-request" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        check(check_push, rows[i].body, rows[i].type);
}

static void other_calls_have_no_body(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(handset_check_body(&config, CALL_READ, span_of(NULL, 0), &e), 0);
    assert_int_equal(handset_check_body(&config, CALL_READ, span_str("{}"), &e), -1);
    assert_string_equal(e.status, "bad-request");
}

static void ranges(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
        int rc;
        uint64_t first, last;
    } rows[] = {
        { NULL, 10, 0, 0, 0 },
        { "bytes=0-0", 10, 1, 0, 0 },
        { "bytes=2-5", 10, 1, 2, 5 },
        { "Bytes=2-", 10, 1, 2, 9 },
        { "bytes=2-99", 10, 1, 2, 9 },
        { "bytes=-3", 10, 1, 7, 9 },
        { "bytes=-99", 10, 1, 0, 9 },
        { "bytes=10-", 10, -1, 0, 0 },
        { "bytes=0-", 0, -1, 0, 0 },
        { "bytes=-5", 0, -1, 0, 0 },
        { "bytes=-0", 10, -1, 0, 0 },
        { "bytes=5-2", 10, 0, 0, 0 },
        { "bytes=0-1,4-5", 10, 0, 0, 0 },
        { "bytes=", 10, 0, 0, 0 },
        { "bytes=-", 10, 0, 0, 0 },
        { "bytes=--3", 10, 0, 0, 0 },
        { "bytes=+1-2", 10, 0, 0, 0 },
        { "bytes= 1-2", 10, 0, 0, 0 },
        { "bytes=1-2 ", 10, 0, 0, 0 },
        { "bytes=9999999999999999-", 10, 0, 0, 0 },
        { "lines=1-2", 10, 0, 0, 0 },
        { "", 10, 0, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint64_t first = 0, last = 0;
        const int rc = handset_range(rows[i].text, rows[i].size, &first, &last);

        if (rc != rows[i].rc ||
            (rc == 1 && (first != rows[i].first || last != rows[i].last)))
            fail_msg("%s: %d %llu %llu", rows[i].text, rc, (unsigned long long)first,
                     (unsigned long long)last);
    }
}

typedef bool writer(const struct ipc_device_answer *a, struct span tail,
                    struct buf *out);

static bool put_messages(const struct ipc_device_answer *a, struct span tail,
                         struct buf *out)
{
    return handset_put_messages(a, tail, "{}", out);
}

/* Whole it is want; cut anywhere, or with a byte more, it is refused. */
static void check_tail(writer *put, const struct ipc_device_answer *a, struct buf *tail,
                       const char *want)
{
    for (size_t n = 0; n <= tail->n + 1; n++) {
        char *block;
        struct span cut;
        struct buf out;
        bool ok;

        cut = heap(buf_cstr(tail), n, &block); /* behind it stands a NUL */
        buf_init(&out, 4096);
        ok = put(a, cut, &out);
        assert_int_equal(ok, n == tail->n);
        if (ok && want != NULL)
            assert_string_equal(buf_cstr(&out), want);
        buf_clear(&out);
        free(block);
    }
}

static void put_message(struct buf *tail, const uint8_t id[16], struct span jwe)
{
    buf_put_mem(tail, id, 16);
    for (unsigned i = 1; i <= 4; i++)
        buf_put_be64(tail, i);
    buf_put_be16(tail, 3);
    buf_put_be32(tail, (uint32_t)jwe.n);
    buf_put_span(tail, jwe);
}

static void messages_become_json(void **state)
{
    const uint8_t id[16] = { 0xab };
    const struct jwe_header header = { .typ = "sealpost-message", .to = "devices" };
    struct ipc_device_answer a = { .count = 2, .more = 1 };
    struct jwe_key key;
    const struct jwe_key *const to[] = { &key };
    struct buf jwe, json, tail, want;
    struct err e;

    (void)state;
    assert_int_equal(jwe_key_from_jwk(&key, span_str(EC1), &e), 0);
    buf_init(&jwe, 4096);
    buf_init(&json, 4096);
    buf_init(&tail, 8192);
    buf_init(&want, 8192);
    assert_int_equal(jwe_seal(&header, to, 1, span_str("{}"), &jwe, &e), 0);
    assert_int_equal(jwe_to_json(buf_span(&jwe), key.kid, &json, &e), 0);
    memcpy(a.kid, key.kid, sizeof a.kid);
    put_message(&tail, id, buf_span(&jwe));
    buf_printf(&want,
               "{\"id\":\"ab" TEN("000") "\",\"created\":1,\"expires\":2,"
                                         "\"fetched\":3,\"read\":4,\"parts\":3,"
                                         "\"jwe\":%s}",
               buf_cstr(&json));
    a.count = 1;
    check_tail(handset_put_message, &a, &tail, buf_cstr(&want));
    put_message(&tail, id, buf_span(&jwe));
    a.count = 2;
    check_tail(put_messages, &a, &tail, NULL);
    a.count = 0;
    buf_clear(&tail);
    buf_clear(&want);
    assert_true(handset_put_messages(&a, span_of("", 0), NULL, &want));
    assert_string_equal(buf_cstr(&want),
                        "{\"messages\":[],\"more\":true,\"reply_key\":null}");
    a.more = 0;
    a.held = 1;
    buf_clear(&want);
    assert_true(handset_put_messages(&a, span_of("", 0), NULL, &want));
    assert_string_equal(
        buf_cstr(&want),
        "{\"messages\":[],\"more\":false,\"held\":true,\"reply_key\":null}");
    a.held = 0;
    a.has_closed = 1;
    a.closed = 3;
    buf_clear(&want);
    assert_true(handset_put_messages(&a, span_of("", 0), NULL, &want));
    assert_string_equal(
        buf_cstr(&want),
        "{\"messages\":[],\"more\":false,\"closed\":3,\"reply_key\":null}");
    buf_clear(&jwe);
    buf_clear(&json);
    buf_clear(&want);
    jwe_key_clear(&key);
}

static void devices_become_json(void **state)
{
    const struct ipc_device_answer a = { .count = 1 };
    struct ipc_device_answer none = { 0 };
    const uint8_t id[16] = { 0xab };
    struct buf tail, out;

    (void)state;
    buf_init(&tail, 256);
    buf_init(&out, 256);
    buf_put_mem(&tail, id, 16);
    buf_put_u8(&tail, DEVICE_PROGRAM);
    buf_put_u8(&tail, 1);
    buf_put_be64(&tail, 5);
    buf_put_be64(&tail, 6);
    buf_put_u8(&tail, 5);
    buf_put(&tail, "Li\"s\\");
    check_tail(
        handset_put_devices, &a, &tail,
        "{\"devices\":[{\"id\":\"ab" TEN("000") "\",\"type\":\"program\","
                                                "\"label\":\"Li\\\"s\\\\\",\"created\":"
                                                "5,\"seen\":6,\"this\":true}]}");
    tail.p[17] = DEVICE_HELD;
    check_tail(handset_put_devices, &a, &tail,
               "{\"devices\":[{\"id\":\"ab" TEN(
                   "000") "\",\"type\":\"program\","
                          "\"label\":\"Li\\\"s\\\\\",\"created\":"
                          "5,\"seen\":6,\"this\":false,\"held\":true}]}");
    tail.p[16] = DEVICE_SHARED + 1; /* no such type */
    assert_false(handset_put_devices(&a, buf_span(&tail), &out));
    tail.p[16] = DEVICE_BROWSER;
    tail.p[35] = (char)0xff; /* not UTF-8 */
    assert_false(handset_put_devices(&a, buf_span(&tail), &out));
    buf_clear(&out);
    assert_true(handset_put_devices(&none, span_of("", 0), &out));
    assert_string_equal(buf_cstr(&out), "{\"devices\":[]}");
    buf_clear(&tail);
    buf_clear(&out);
}

static int start(void **state)
{
    struct err e;

    (void)state;
    msisdn_start();
    return jwe_start(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registrations_start_by_number_or_notice),
        cmocka_unit_test(otps_are_digits_or_letters),
        cmocka_unit_test(devices_bring_two_keys_a_type_and_a_label),
        cmocka_unit_test(replies_are_compact_jwes),
        cmocka_unit_test(labels_are_short_and_stay_on_their_line),
        cmocka_unit_test(subscriptions_are_at_services_that_are_known),
        cmocka_unit_test(other_calls_have_no_body),
        cmocka_unit_test(ranges),
        cmocka_unit_test(messages_become_json),
        cmocka_unit_test(devices_become_json),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
