/* SPDX-License-Identifier: ISC */
/* test_registration.c - a password that the handset sends, through the keeper.
 * Here:       what an SMS with a password looks like; SMS and call in every order and
 *             disorder; what is over, and how long; the device that is held; OTPs that
 *             are checked at the handset.
 * Elsewhere:  the same with real neighbours (tests/scenario/register-by-sms*.sh). */
#include "tests/unit/keeper_fixture.h"
#include "relay/encode.h"
#include <openssl/evp.h>

#define LIFETIME 300U
#define WEEK 604800U
#define ROWS(rows) (sizeof(rows) / sizeof(rows)[0])

static char *wrong_words[] = { (char *)(uintptr_t) "WRONG" };
static char *believed[] = { (char *)(uintptr_t) "GOOD" };
static unsigned sms_count;

static int setup_handsets(void **state)
{
    const int rc = setup(state);

    config.otp_lifetime_s = LIFETIME;
    config.otp_direction = OTP_BOTH;
    config.otp_to = (char *)(uintptr_t) "61400000000";
    config.idle_installed_s = 15552000;
    config.accounts = NULL;
    config.account_count = 0;
    return rc;
}

/* -- what front and courier would say, and hear */

static void hear(void *answer, size_t n)
{
    uint8_t frame[512];

    (void)event_base_loop(k.base, EVLOOP_NONBLOCK);
    assert_int_equal(recv(other_ends[1], frame, sizeof frame, MSG_DONTWAIT), 16 + n);
    memcpy(answer, frame + 16, n); /* behind the header */
}

static void start_at(const struct ipc_reg_start *start, struct ipc_reg_started *out)
{
    const struct ipc_frame f = { IPC_REG_START, 1, start, { NULL, 0 } };

    registration_start(&k, k.peers[1], &f);
    hear(out, sizeof *out);
}

static enum ipc_verdict start_one(uint8_t direction, const char *number,
                                  struct ipc_reg_started *out)
{
    struct ipc_reg_start start = { .direction = direction };

    (void)span_copy(start.msisdn, sizeof start.msisdn, span_str(number));
    start_at(&start, out);
    return (enum ipc_verdict)out->verdict;
}

static void sms(const char *from, uint64_t sent_s, const char *smsc, const char *text)
{
    struct ipc_mo mo = { .sent_s = sent_s };
    const struct ipc_frame f = { IPC_MO, 1, &mo, span_str(text) };

    (void)snprintf(mo.id, sizeof mo.id, "sms %u", ++sms_count);
    (void)snprintf(mo.from, sizeof mo.from, "+%s", from);
    (void)span_copy(mo.smsc, sizeof mo.smsc, span_str(smsc));
    inbound_mo(&k, k.courier, &f);
}

static enum ipc_verdict call(const uint8_t registration[16], const char *number,
                             const char *password)
{
    struct ipc_reg_otp otp = { .otp = "" };
    const struct ipc_frame f = { IPC_REG_OTP, 1, &otp, { NULL, 0 } };
    struct ipc_reg_otp_answer answer;

    memcpy(otp.registration, registration, 16);
    (void)span_copy(otp.otp, sizeof otp.otp, span_str(password));
    (void)span_copy(otp.msisdn, sizeof otp.msisdn, span_str(number));
    registration_otp(&k, k.peers[1], &f);
    hear(&answer, sizeof answer);
    return (enum ipc_verdict)answer.verdict;
}

static enum ipc_verdict put_handset(struct keeper *keeper, void *arg)
{
    const struct handset_record *const h = arg;
    uint8_t handset[16];

    keeper_handset_id(keeper, h->msisdn, handset);
    tx_put(keeper, T_HANDSET, handset, 16, RECORD_HANDSET, h);
    return IPC_OK;
}

static enum ipc_verdict enrol_key(EVP_PKEY *pkey, const uint8_t registration[16],
                                  bool checked, uint8_t device[16])
{
    struct ipc_reg_device in = { .type = DEVICE_PROGRAM, .checked = checked };
    struct ipc_reg_device_answer answer;
    struct jwe_key key;
    struct buf der;
    struct err e;

    memcpy(in.registration, registration, 16);
    assert_int_equal(jwe_key_from_pkey(&key, pkey, &e), 0);
    assert_int_equal(jwe_key_point(&key, in.signing_point, &e), 0);
    buf_init(&der, IPC_TAIL_KEY);
    assert_int_equal(jwe_key_der(&key, &der, &e), 0);
    const struct ipc_frame f = { IPC_REG_DEVICE, 1, &in, buf_span(&der) };

    registration_device(&k, k.peers[1], &f);
    hear(&answer, sizeof answer);
    memcpy(device, answer.device, 16);
    buf_clear(&der);
    jwe_key_clear(&key);
    return (enum ipc_verdict)answer.verdict;
}

static enum ipc_verdict enrol(const uint8_t registration[16], bool checked,
                              uint8_t device[16])
{
    EVP_PKEY *const pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    const enum ipc_verdict v = enrol_key(pkey, registration, checked, device);

    EVP_PKEY_free(pkey);
    return v;
}

/* -- the SMS's text */

static void a_password_is_known_by_its_look(void **state)
{
    static const struct {
        const char *text, *password; /* NULL: it is none */
    } rows[] = {
        { "SEAL abcdefgh27", "abcdefgh27" },
        { "seal ABCDEFGH27", "abcdefgh27" },
        { " \tSeal \n abcde-fgh27\r\n ", "abcdefgh27" },
        { "SEAL a-b-c-d-e-f-g-h-2-7", "abcdefgh27" },
        { "SEAL zzzzzzzzzz", "zzzzzzzzzz" },
        { "SEAL abcdefgh2", NULL },
        { "SEAL abcdefgh277", NULL },
        { "SEAL abcdefgh28", NULL },
        { "SEAL abcdefgh21", NULL },
        { "SEAL abcdefgh2-", NULL },
        { "SEAL -abcdefgh27", NULL },
        { "SEAL abcdefgh27-", NULL },
        { "SEAL abcde--fgh27", NULL },
        { "SEAL abcde fgh27", NULL },
        { "SEAL abcdefgh27 please", NULL },
        { "SEALabcdefgh27", NULL },
        { "MEAL abcdefgh27", NULL },
        { "abcdefgh27", NULL },
        { "SEAL", NULL },
        { "SEAL ", NULL },
        { "", NULL },
        { "SEAL abcdefgh\xc3\xa4", NULL },
    };
    char out[PASSWORD_LETTERS + 1];

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const size_t n = strlen(rows[i].text);
        const size_t end = n - strspn(strrchr(rows[i].text, '7') == NULL
                                          ? ""
                                          : strrchr(rows[i].text, '7') + 1,
                                      " \r\n");

        for (size_t cut = 0; cut <= n; cut++) {
            char *block = malloc(cut + 1); /* one before it: a byte that is not there */
            bool is;

            assert_non_null(block);
            memcpy(block + 1, rows[i].text, cut);
            is = registration_password(span_of(block + 1, cut), true, out);
            free(block);
            if (cut == n && is != (rows[i].password != NULL))
                fail_msg("'%s'", rows[i].text);
            if (is && rows[i].password != NULL)
                assert_string_equal(out, rows[i].password);
            if (!is)
                assert_string_equal(out, "");
            if (rows[i].password != NULL && rows[i].password[9] == '7')
                assert_int_equal(is, cut >= end);
        }
    }
    assert_true(registration_password(span_str("ABCDE-fgh27"), false, out));
    assert_string_equal(out, "abcdefgh27");
    assert_false(registration_password(span_str("abcdefgh27 "), false, out));
    assert_false(registration_password(span_str("SEAL abcdefgh27"), false, out));
    assert_false(registration_password(span_of("SEAL abc\0efgh27", 15), true, out));
}

/* -- SMS and call */

#define A "61412345678"
#define B "61412345679"
struct step {
    enum { END, SMS, LATE_SMS, BAD_SMS, CALL } what;
    unsigned at_s; /* after the start of the registrations */
    const char *number;
    char password;        /* one of this row's */
    uint8_t registration; /* CALL: 0 or 1 */
    enum ipc_verdict want;
};

static const struct {
    const char *what;
    struct step steps[8];
} stories[] = {
    { "the SMS comes first",
      { { SMS, 1, A, 'p', 0, 0 },
        { CALL, 2, A, 'p', 0, IPC_OK },
        { CALL, 3, A, 'p', 0, IPC_OK } /* its answer was lost */ } },
    { "the call comes first, and asks again",
      { { CALL, 1, A, 'p', 0, IPC_WAITING },
        { CALL, 2, A, 'p', 0, IPC_WAITING },
        { SMS, 3, A, 'p', 0, 0 },
        { CALL, 4, A, 'p', 0, IPC_OK } } },
    { "the same SMS twice is no harm before it is used",
      { { SMS, 1, A, 'p', 0, 0 },
        { SMS, 2, A, 'p', 0, 0 },
        { CALL, 3, A, 'p', 0, IPC_OK } } },
    { "no SMS, nothing",
      { { CALL, 1, A, 'p', 0, IPC_WAITING }, { CALL, 300, A, 'p', 0, IPC_CLOSED } } },
    { "the SMS is another number's, and first",
      { { SMS, 1, B, 'p', 0, 0 },
        { CALL, 2, A, 'p', 0, IPC_MISMATCH },
        { CALL, 3, A, 'p', 0, IPC_CLOSED },
        { CALL, 4, B, 'p', 1, IPC_CLOSED } } },
    { "the SMS is another number's, and second",
      { { CALL, 1, A, 'p', 0, IPC_WAITING },
        { SMS, 2, B, 'p', 0, 0 },
        { SMS, 3, A, 'p', 0, 0 },
        { CALL, 4, A, 'p', 0, IPC_MISMATCH },
        { CALL, 5, A, 'p', 0, IPC_CLOSED } } },
    { "two numbers send it",
      { { SMS, 1, A, 'p', 0, 0 },
        { SMS, 2, B, 'p', 0, 0 },
        { CALL, 3, A, 'p', 0, IPC_CLOSED } } },
    { "another password is waited for",
      { { SMS, 1, A, 'q', 0, 0 },
        { CALL, 2, A, 'p', 0, IPC_WAITING },
        { CALL, 3, A, 'q', 0, IPC_OTP_MISMATCH },
        { SMS, 4, A, 'p', 0, 0 },
        { CALL, 5, A, 'p', 0, IPC_OK } } },
    { "another number than before is named",
      { { CALL, 1, A, 'p', 0, IPC_WAITING },
        { CALL, 2, B, 'p', 0, IPC_BAD_REQUEST },
        { CALL, 3, "", 'p', 0, IPC_WAITING } } },
    { "no number is named",
      { { CALL, 1, "", 'p', 0, IPC_BAD_REQUEST },
        { CALL, 2, "0412345678", 'p', 0, IPC_BAD_REQUEST } } },
    { "it was used: nobody proves anything with it again",
      { { SMS, 1, A, 'p', 0, 0 },
        { CALL, 2, A, 'p', 0, IPC_OK },
        { SMS, 3, A, 'p', 0, 0 },
        { CALL, 4, A, 'p', 1, IPC_CLOSED } } },
    { "two registrations give the same: it is nobody's",
      { { CALL, 1, A, 'p', 0, IPC_WAITING },
        { CALL, 2, A, 'p', 1, IPC_CLOSED },
        { SMS, 3, A, 'p', 0, 0 },
        { CALL, 4, A, 'p', 0, IPC_CLOSED },
        { CALL, 5, A, 'p', 1, IPC_CLOSED } } },
    { "an SMS that was long on its way",
      { { LATE_SMS, 1, A, 'p', 0, 0 }, { CALL, 2, A, 'p', 0, IPC_CLOSED } } },
    { "the same, while it is waited for",
      { { CALL, 1, A, 'p', 0, IPC_WAITING },
        { LATE_SMS, 2, A, 'p', 0, 0 },
        { SMS, 3, A, 'p', 0, 0 },
        { CALL, 4, A, 'p', 0, IPC_CLOSED } } },
    { "an SMSC that is not believed",
      { { BAD_SMS, 1, A, 'p', 0, 0 }, { CALL, 2, A, 'p', 0, IPC_CLOSED } } },
    { "the same, while it is waited for",
      { { CALL, 1, A, 'p', 0, IPC_WAITING },
        { BAD_SMS, 2, A, 'p', 0, 0 },
        { SMS, 3, A, 'p', 0, 0 },
        { CALL, 4, A, 'p', 0, IPC_CLOSED } } },
    { "the last second",
      { { SMS, 0, A, 'p', 0, 0 }, { CALL, 299, A, 'p', 0, IPC_OK } } },
    { "a second more",
      { { SMS, 0, A, 'p', 0, 0 }, { CALL, 300, A, 'p', 0, IPC_CLOSED } } },
};

static void take_step(const struct step *s, size_t row,
                      const struct ipc_reg_started regs[2])
{
    char password[PASSWORD_LETTERS + 1], text[32];
    enum ipc_verdict got;

    k.now_s = NOW + s->at_s;
    memset(password, s->password, PASSWORD_LETTERS);
    password[0] = (char)('a' + row);
    password[PASSWORD_LETTERS] = '\0';
    (void)snprintf(text, sizeof text, "SEAL %s", password);
    if (s->what == CALL) {
        got = call(regs[s->registration].registration, s->number, password);
        if (got != s->want)
            fail_msg("%s: after %u s: %s", stories[row].what, s->at_s,
                     ipc_verdict_name(got));
    } else {
        sms(s->number, k.now_s - (s->what == LATE_SMS ? LIFETIME : 0),
            s->what == BAD_SMS ? "EVIL" : "GOOD", text);
    }
}

static void sms_and_call_must_agree(void **state)
{
    (void)state;
    config.otp_smscs = (struct config_words){ believed, 1 };
    for (size_t row = 0; row < ROWS(stories); row++) {
        struct ipc_reg_started regs[2];

        k.now_s = NOW;
        for (int i = 0; i < 2; i++)
            assert_int_equal(start_one(REG_HANDSET, "", &regs[i]), IPC_OK);
        for (const struct step *s = stories[row].steps; s->what != END; s++)
            take_step(s, row, regs);
    }
}

static void what_is_over_stays_over_for_a_week(void **state)
{
    struct ipc_reg_started reg;

    (void)state;
    assert_int_equal(start_one(REG_HANDSET, A, &reg), IPC_OK);
    sms(A, NOW, "GOOD", "SEAL abcdefgh27");
    assert_int_equal(call(reg.registration, "", "abcdefgh27"), IPC_OK);
    for (unsigned day = 1; day <= 3; day++) { /* each try keeps it a week from then */
        k.now_s = NOW + day * (WEEK - 1);
        expiry_sweep(&k);
        assert_int_equal(start_one(REG_HANDSET, A, &reg), IPC_OK);
        sms(A, k.now_s, "GOOD", "SEAL abcdefgh27");
        assert_int_equal(call(reg.registration, "", "abcdefgh27"), IPC_CLOSED);
    }
    k.now_s += WEEK;
    expiry_sweep(&k);
    assert_int_equal(start_one(REG_HANDSET, A, &reg), IPC_OK);
    assert_int_equal(call(reg.registration, "", "abcdefgh27"), IPC_WAITING);
}

/* Nobody learns who is known here before he has proven the number. */
static void a_known_number_is_answered_as_an_unknown_one(void **state)
{
    static const char *const numbers[] = { A, B }, *const passwords[] = {
        "aaaaaaaaa2", "aaaaaaaaa3"
    };
    struct ipc_reg_started regs[2];
    struct handset_record h = { .msisdn = A };
    uint8_t handset[16], device[16];

    (void)state;
    assert_int_equal(tx_run(&k, put_handset, &h), IPC_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(start_one(REG_HANDSET, numbers[i], &regs[i]), IPC_OK);
        assert_int_equal(call(regs[i].registration, numbers[i], passwords[i]),
                         IPC_WAITING);
        assert_int_equal(enrol(regs[i].registration, false, device), IPC_CLOSED);
    }
    memset(regs[0].registration, 0, 16);
    memset(regs[1].registration, 0, 16);
    assert_memory_equal(&regs[0], &regs[1], sizeof regs[0]);
    assert_string_equal(regs[0].sms_to, "+61400000000");
    keeper_handset_id(&k, B, handset);
    assert_false(tx_has(&k, T_HANDSET, handset, 16));
}

static void only_what_is_offered_is_started(void **state)
{
    static const struct {
        enum otp_direction offered;
        uint8_t direction;
        enum ipc_verdict want;
    } rows[] = {
        { OTP_SERVER, REG_SERVER, IPC_OK },
        { OTP_SERVER, REG_HANDSET, IPC_FORBIDDEN },
        { OTP_HANDSET, REG_SERVER, IPC_FORBIDDEN },
        { OTP_HANDSET, REG_HANDSET, IPC_OK },
        { OTP_BOTH, REG_SERVER, IPC_OK },
        { OTP_BOTH, REG_HANDSET, IPC_OK },
        { OTP_BOTH, 0, IPC_BAD_REQUEST },
        { OTP_BOTH, 3, IPC_BAD_REQUEST },
    };
    struct ipc_reg_started reg;

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        config.otp_direction = rows[i].offered;
        assert_int_equal(start_one(rows[i].direction, A, &reg), rows[i].want);
    }
    config.otp_to = (char *)(uintptr_t) "12345"; /* a short code has no plus */
    assert_int_equal(start_one(REG_HANDSET, "", &reg), IPC_OK);
    assert_string_equal(reg.sms_to, "12345");
}

static void too_much_is_refused(void **state)
{
    struct ipc_reg_started reg;
    char text[32];

    (void)state;
    config.otp_per_number = 2;
    assert_int_equal(start_one(REG_HANDSET, A, &reg), IPC_OK);
    for (int i = 0; i < 5; i++) { /* other passwords than the first: its tries */
        (void)snprintf(text, sizeof text, "aaaaaaaaa%c", "abcdef"[i]);
        assert_int_equal(call(reg.registration, "", text),
                         i == 0 ? IPC_WAITING : IPC_OTP_MISMATCH);
    }
    assert_int_equal(call(reg.registration, "", "bbbbbbbbbb"), IPC_CLOSED);
    for (int i = 2; i < 5; i++) { /* the third SMS of the hour */
        assert_int_equal(start_one(REG_HANDSET, A, &reg), IPC_OK);
        (void)snprintf(text, sizeof text, "SEAL ccccccccc%d", i);
        sms(A, NOW, "", text);
        assert_int_equal(call(reg.registration, "", text + 5),
                         i < 4 ? IPC_OK : IPC_CLOSED);
    }
    assert_int_equal(start_one(REG_HANDSET, A, &reg), IPC_OK);
    for (int i = 0; i < 2000; i++) /* polls of one registration */
        assert_int_equal(call(reg.registration, "", "dddddddddd"), IPC_WAITING);
    assert_int_equal(call(reg.registration, "", "dddddddddd"), IPC_TOO_MANY);
}

/* -- the device that is held */

static void register_by_sms(const char *number, const char *password,
                            uint8_t device[16])
{
    struct ipc_reg_started reg;
    char text[32];

    assert_int_equal(start_one(REG_HANDSET, "", &reg), IPC_OK);
    (void)snprintf(text, sizeof text, "SEAL %s", password);
    sms(number, k.now_s, "", text);
    assert_int_equal(call(reg.registration, number, password), IPC_OK);
    assert_int_equal(enrol(reg.registration, false, device), IPC_OK);
    assert_int_equal(call(reg.registration, number, password), IPC_CLOSED);
}

static void a_device_whose_answer_was_lost_is_the_same_device(void **state)
{
    EVP_PKEY *const pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    struct ipc_reg_started reg;
    uint8_t device[16], again[16], handset[16];
    struct handset_record h;

    (void)state;
    assert_int_equal(start_one(REG_HANDSET, "", &reg), IPC_OK);
    sms(A, k.now_s, "", "SEAL eeeeeeeeee");
    assert_int_equal(call(reg.registration, A, "eeeeeeeeee"), IPC_OK);
    assert_int_equal(enrol_key(pkey, reg.registration, false, device), IPC_OK);
    assert_int_equal(enrol_key(pkey, reg.registration, false, again), IPC_OK);
    assert_memory_equal(device, again, sizeof device);
    assert_int_equal(enrol(reg.registration, false, again),
                     IPC_CLOSED); /* other keys */
    keeper_handset_id(&k, A, handset);
    assert_true(tx_get(&k, T_HANDSET, handset, 16, RECORD_HANDSET, &h));
    assert_int_equal(h.device_count, 1);
    k.now_s += 901;
    assert_int_equal(enrol_key(pkey, reg.registration, false, again), IPC_CLOSED);
    EVP_PKEY_free(pkey);
}

static bool is_fresh(const uint8_t device[16])
{
    struct device_record d;
    bool fresh;

    k.failure = IPC_OK;
    assert_true(tx_get(&k, T_DEVICE, device, 16, RECORD_DEVICE, &d));
    fresh = device_is_fresh(&k, &d);
    record_clear(RECORD_DEVICE, &d);
    return fresh;
}

static bool take_confirm(struct keeper *keeper, const uint8_t *key, size_t n, void *arg)
{
    struct outbox_record o;

    assert_true(tx_get(keeper, T_OUTBOX, key, n, RECORD_OUTBOX, &o));
    assert_int_equal(o.kind, OUTBOX_CONFIRM);
    assert_true(o.expires_s > NOW + WEEK); /* bearerbox may be away */
    *(struct outbox_record *)arg = o;      /* no body */
    return true;
}

static enum ipc_verdict confirmed(struct keeper *keeper, void *arg)
{
    registration_confirmed(keeper, arg);
    return IPC_OK;
}

static void a_device_is_held_until_its_number_was_told(void **state)
{
    const uint8_t lane = LANE_SMS;
    struct outbox_record o = { .kind = 0 };
    uint8_t device[16];

    (void)state;
    config.confirm_wait_s = 60;
    register_by_sms(A, "aaaaaaaaaa", device);
    k.now_s = NOW + WEEK;
    assert_false(is_fresh(device));
    tx_scan(&k, T_OUTBOX, &lane, 1, NULL, 0, take_confirm, &o);
    assert_memory_equal(o.subject_id, device, 16);
    assert_int_equal(tx_run(&k, confirmed, &o), IPC_OK);
    k.now_s += 59;
    assert_false(is_fresh(device));
    assert_int_equal(tx_run(&k, confirmed, &o), IPC_OK); /* told twice: no new wait */
    k.now_s += 1;
    assert_true(is_fresh(device));
    o.subject_id[0] ^= 1; /* one that was revoked */
    assert_int_equal(tx_run(&k, confirmed, &o), IPC_OK);
}

/* WRONG takes back what an SMS did lately, and nothing else. */
static void a_number_disowns_what_an_sms_registered(void **state)
{
    struct outbox_record o = { .kind = OUTBOX_CONFIRM };
    uint8_t old[16], by_otp[16], device[16];
    struct ipc_reg_started reg;
    uint8_t confirmed_one[16];

    (void)state;
    config.wrong_words = (struct config_words){ wrong_words, 1 };
    register_by_sms(A, "aaaaaaaaaa", old);
    memcpy(o.subject_id, old, 16);
    assert_int_equal(tx_run(&k, confirmed, &o), IPC_OK);
    k.now_s = NOW + WEEK;
    config.otp_check_at_handset = true; /* the shortest way to one */
    assert_int_equal(start_one(REG_SERVER, A, &reg), IPC_OK);
    assert_int_equal(enrol(reg.registration, true, by_otp), IPC_OK);
    assert_true(is_fresh(by_otp));
    register_by_sms(A, "bbbbbbbbbb", confirmed_one);
    memcpy(o.subject_id, confirmed_one, 16);
    assert_int_equal(tx_run(&k, confirmed, &o), IPC_OK);
    assert_true(is_fresh(confirmed_one));
    register_by_sms(A, "cccccccccc", device);
    sms(A, k.now_s, "", "wrong");
    assert_true(tx_has(&k, T_DEVICE, old, 16)); /* told of a week ago */
    assert_true(is_fresh(by_otp));
    assert_false(tx_has(&k, T_DEVICE, confirmed_one, 16));
    assert_false(tx_has(&k, T_DEVICE, device, 16));
}

/* -- checked at the handset */

static void an_otp_is_checked_at_the_handset_where_that_is_wanted(void **state)
{
    struct ipc_reg_started known, unknown;
    struct handset_record h = { .msisdn = A, .device_count = 1 };
    uint8_t device[16], check[32];
    bool found = false;

    (void)state;
    assert_int_equal(tx_run(&k, put_handset, &h), IPC_OK);
    assert_int_equal(start_one(REG_SERVER, A, &known), IPC_OK);
    assert_int_equal(known.has_check, 0);
    assert_int_equal(enrol(known.registration, true, device), IPC_CLOSED);

    config.otp_check_at_handset = true;
    assert_int_equal(start_one(REG_SERVER, A, &known), IPC_OK);
    assert_int_equal(start_one(REG_SERVER, B, &unknown), IPC_OK);
    assert_int_equal(known.has_check, 1);
    assert_int_equal(unknown.has_check, 1);
    for (unsigned i = 0; i < 1000000 && !found; i++) { /* why it is off by default */
        char text[48], hex[HEX_LEN(16) + 1];

        (void)snprintf(text, sizeof text, "%s:%06u",
                       hex_text(hex, known.registration, 16), i);
        assert_int_equal(
            EVP_Q_digest(NULL, "SHA256", NULL, text, strlen(text), check, NULL), 1);
        found = memcmp(check, known.check, sizeof check) == 0;
    }
    assert_true(found);
    assert_int_equal(enrol(unknown.registration, true, device), IPC_CLOSED);
    assert_int_equal(enrol(known.registration, false, device), IPC_CLOSED);
    assert_int_equal(enrol(known.registration, true, device), IPC_OK);
    assert_int_equal(enrol(known.registration, true, device), IPC_CLOSED);

    assert_int_equal(start_one(REG_SERVER, A, &known), IPC_OK);
    k.now_s = NOW + LIFETIME;
    assert_int_equal(enrol(known.registration, true, device), IPC_CLOSED);
    h.opted_out = 1; /* known, but no OTP is sent */
    assert_int_equal(tx_run(&k, put_handset, &h), IPC_OK);
    assert_int_equal(start_one(REG_SERVER, A, &known), IPC_OK);
    assert_int_equal(enrol(known.registration, true, device), IPC_CLOSED);
    assert_int_equal(start_one(REG_HANDSET, A, &known), IPC_OK);
    assert_int_equal(known.has_check, 0);
    assert_int_equal(enrol(known.registration, true, device), IPC_CLOSED);
}

/* -- a handset that is full */

static void a_full_handset_gives_the_place_of_the_most_silent(void **state)
{
    uint8_t first[16], device[16];
    struct ipc_reg_started reg;

    (void)state;
    config.otp_check_at_handset = true; /* the shortest way to a device */
    k.now_s = NOW + 5;                  /* heard of last, but of no use to anybody */
    register_by_sms(A, "aaaaaaaaaa", first);
    k.now_s = NOW;
    for (int i = 0; i < 9; i++) { /* the eighth and the ninth need a place */
        assert_int_equal(start_one(REG_SERVER, A, &reg), IPC_OK);
        assert_int_equal(enrol(reg.registration, true, device),
                         i == 8 ? IPC_TOO_MANY : IPC_OK);
    }
    assert_false(tx_has(&k, T_DEVICE, first, 16)); /* the one that was held */
    k.now_s = NOW + 200 * 86400;                   /* none of them is fresh any more */
    assert_int_equal(start_one(REG_SERVER, A, &reg), IPC_OK);
    assert_int_equal(enrol(reg.registration, true, device), IPC_OK);
}

/* A stranger's SMS drives out nobody. */
static void what_an_sms_registers_drives_out_only_its_like(void **state)
{
    uint8_t device[16], first[16];
    struct ipc_reg_started reg;

    (void)state;
    config.otp_check_at_handset = true;
    register_by_sms(A, "aaaaaaaaaa", first);
    for (int i = 0; i < 7; i++) {
        assert_int_equal(start_one(REG_SERVER, A, &reg), IPC_OK);
        assert_int_equal(enrol(reg.registration, true, device), IPC_OK);
    }
    k.now_s = NOW + 200 * 86400;
    register_by_sms(A, "bbbbbbbbbb", device);
    assert_false(tx_has(&k, T_DEVICE, first, 16));
}

static enum ipc_verdict unconfirmed(struct keeper *keeper, void *arg)
{
    registration_unconfirmed(keeper, arg);
    return IPC_OK;
}

static void a_device_whose_number_cannot_be_told_goes(void **state)
{
    struct handset_record h;
    uint8_t device[16], id[16];

    (void)state;
    register_by_sms(A, "aaaaaaaaaa", device);
    assert_int_equal(tx_run(&k, unconfirmed, device), IPC_OK);
    assert_false(tx_has(&k, T_DEVICE, device, 16));
    keeper_handset_id(&k, A, id);
    assert_true(tx_get(&k, T_HANDSET, id, 16, RECORD_HANDSET, &h));
    assert_int_equal(h.device_count, 0);
}

/* From outside a locked number and one that nobody knows look alike. */
static void a_locked_number_answers_as_an_unknown_one(void **state)
{
    struct handset_record h = { .msisdn = A,
                                .device_count = 1,
                                .locked_until_s = NOW + 3600 };
    struct ipc_reg_started known, unknown;

    (void)state;
    assert_int_equal(tx_run(&k, put_handset, &h), IPC_OK);
    assert_int_equal(start_one(REG_SERVER, A, &known), IPC_OK);
    assert_int_equal(start_one(REG_SERVER, B, &unknown), IPC_OK);
    for (int i = 0; i < 5; i++) {
        const enum ipc_verdict v = call(unknown.registration, "", "000000");

        assert_int_equal(v, i < 4 ? IPC_OTP_MISMATCH : IPC_CLOSED);
        assert_int_equal(call(known.registration, "", "000000"), v);
    }
}

#define KEEPER_TEST(name) \
    cmocka_unit_test_setup_teardown(name, setup_handsets, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_known_by_its_look),
        KEEPER_TEST(sms_and_call_must_agree),
        KEEPER_TEST(what_is_over_stays_over_for_a_week),
        KEEPER_TEST(a_known_number_is_answered_as_an_unknown_one),
        KEEPER_TEST(only_what_is_offered_is_started),
        KEEPER_TEST(too_much_is_refused),
        KEEPER_TEST(a_device_whose_answer_was_lost_is_the_same_device),
        KEEPER_TEST(a_device_is_held_until_its_number_was_told),
        KEEPER_TEST(a_number_disowns_what_an_sms_registered),
        KEEPER_TEST(a_full_handset_gives_the_place_of_the_most_silent),
        KEEPER_TEST(what_an_sms_registers_drives_out_only_its_like),
        KEEPER_TEST(a_device_whose_number_cannot_be_told_goes),
        KEEPER_TEST(a_locked_number_answers_as_an_unknown_one),
        KEEPER_TEST(an_otp_is_checked_at_the_handset_where_that_is_wanted),
    };

    return cmocka_run_group_tests_name("registration", tests, NULL, NULL);
}
