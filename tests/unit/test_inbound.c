/* SPDX-License-Identifier: ISC */
/* test_inbound.c - SMS from people: whose answer each is, what the keywords change, and
 * where replies go, with SMSC numbers and accounts that no mail can bring about.
 * Here:       the keeper alone.
 * Elsewhere:  which text is a keyword (test_keyword.c), real neighbours
 *             (tests/scenario/stop-*.sh, mo-*.sh). */
#include "tests/unit/keeper_fixture.h"
#include "relay/encode.h"

#define W(text) ((char *)(uintptr_t)(text))
#define DAY_S 86400U

static struct config_kannel kannel = { .sender = W("61400000000") };
static struct config_account accounts[2];
static uint8_t handset[16];
static char *stop[] = { W("STOP") }, *start[] = { W("START") }, *help[] = { W("HELP") },
            *wrong[] = { W("WRONG") }, *all[] = { W("ALL") };

/* northside mails, eastside is an application. */
static int setup_two(void **state)
{
    assert_int_equal(setup(state), 0);
    accounts[0] = account;
    accounts[1] = account;
    (void)strcpy(accounts[1].name, "eastside");
    accounts[1].username = W("east-user");
    accounts[1].brand = W("Eastside Pharmacy");
    (void)strcpy(accounts[1].language, "de");
    config.accounts = accounts;
    config.account_count = 2;
    config.kannels = &kannel;
    config.kannel_count = 1;
    config.callback_wait_s = DAY_S;
    config.stop_words = (struct config_words){ stop, 1 };
    config.start_words = (struct config_words){ start, 1 };
    config.help_words = (struct config_words){ help, 1 };
    config.wrong_words = (struct config_words){ wrong, 1 };
    config.all_words = (struct config_words){ all, 1 };
    keeper_handset_id(&k, MSISDN, handset);
    return 0;
}

struct begun { /* a conversation, and how its SMS went out */
    const char *account, *sender, *number;
    uint8_t id[16];
};

static enum ipc_verdict put_begun(struct keeper *keeper, void *arg)
{
    struct begun *b = arg;
    struct handset_record h;

    keeper_handset(keeper, handset, MSISDN, &h);
    intake_conversation(keeper, config_account(&config, b->account), b->sender,
                        b->number, MSISDN, handset, &h, b->id);
    tx_put(keeper, T_HANDSET, handset, 16, RECORD_HANDSET, &h);
    return IPC_OK;
}

static struct begun begin(const char *name, const char *sender, const char *number)
{
    struct begun b = { .account = name, .sender = sender, .number = number };

    assert_int_equal(tx_run(&k, put_begun, &b), IPC_OK);
    return b;
}

static void sms_of(const char *from, const char *to, struct span text)
{
    static unsigned count;
    struct ipc_mo mo = { .smsc = "FAKE" };
    const struct ipc_frame f = { IPC_MO, 1, &mo, text };

    (void)snprintf(mo.id, sizeof mo.id, "mo-%u", count++);
    (void)span_copy(mo.from, sizeof mo.from, span_str(from));
    (void)span_copy(mo.to, sizeof mo.to, span_str(to));
    inbound_mo(&k, k.courier, &f);
    k.failure = IPC_OK;
}

/* What courier was told of the last one. */
static uint32_t verdict_told(void)
{
    uint8_t bytes[4096];
    struct ipc_input_answer a = { .verdict = IPC_VERDICT_COUNT };
    ssize_t n;

    (void)event_base_loop(k.base, EVLOOP_NONBLOCK);
    while ((n = recv(other_ends[0], bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        if ((size_t)n >= sizeof a)
            memcpy(&a, bytes + (size_t)n - sizeof a, sizeof a);
    return a.verdict;
}

static void sms(const char *to, const char *text)
{
    sms_of("+" MSISDN, to, span_str(text));
}

/* How many jobs wait in the lane; the newest must be of that kind, and is the caller's
 * where he asks for it. */
static size_t waiting(uint8_t lane, uint8_t kind, struct outbox_record *newest)
{
    struct found f;

    outbox_find(lane, &f);
    if (f.count > 0 && kind != 0)
        assert_int_equal(f.o.kind, kind);
    if (newest != NULL)
        *newest = f.o;
    else
        record_clear(RECORD_OUTBOX, &f.o);
    return f.count;
}

static bool is_stopped(const char *name)
{
    struct handset_record h;

    keeper_handset(&k, handset, MSISDN, &h);
    return optout_is(&k, handset, &h, name);
}

static void an_answer_means_the_number_that_it_went_to(void **state)
{
    static const struct {
        const char *to;
        int means;
    } rows[] = {
        { "61400000001", 1 },   { "+61400000001", 1 },
        { "0061400000001", 1 }, { "+61 400 000 001", 1 },
        { "777", 2 },           { "61400000000", 0 },
        { "+61400000000", 0 },  { "", 0 },
        { "61499999999", 0 },   { "Northside", 0 },
    };
    struct begun b[3];
    struct outbox_record o = { 0 };

    (void)state;
    accounts[1].reply_url = W("https://app.example/mo");
    b[1] = begin("eastside", "61400000001", "+61400000001");
    b[2] = begin("eastside", "777", "777");
    (void)begin("northside", "old@clinic.example", "");
    b[0] =
        begin("northside", "new@clinic.example", "+61400000000"); /* the link's own */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const bool by_mail = rows[i].means == 0;

        sms(rows[i].to, "Yes");
        assert_int_not_equal(waiting(by_mail ? LANE_MAIL : LANE_CALLBACK,
                                     by_mail ? OUTBOX_REPLY : OUTBOX_REPLY_CALLBACK,
                                     &o),
                             0);
        if (memcmp(o.conversation, b[rows[i].means].id, 16) != 0)
            fail_msg("an SMS to '%s'", rows[i].to);
        record_clear(RECORD_OUTBOX, &o);
    }
}

static bool count_one(struct keeper *keeper, const uint8_t *key, size_t n, void *arg)
{
    (void)keeper, (void)key, (void)n;
    (*(size_t *)arg)++;
    return true;
}

static size_t count(enum store_table table, const void *prefix, size_t n)
{
    size_t found = 0;

    k.failure = IPC_OK;
    tx_scan(&k, table, prefix, n, NULL, 0, count_one, &found);
    return found;
}

static void a_conversation_ends_with_its_routes(void **state)
{
    struct begun b;

    (void)state;
    (void)begin("northside", "a@clinic.example", "111");
    (void)begin("northside", "a@clinic.example", "222"); /* it moved */
    k.now_s += 30U * DAY_S;
    b = begin("eastside", "333", "333");
    assert_int_equal(count(T_ROUTE, handset, 16), 3);
    k.now_s += 41U * DAY_S;
    expiry_sweep(&k);
    assert_int_equal(count(T_ROUTE, handset, 16), 1);
    assert_int_equal(count(T_CONVERSATION, NULL, 0), 1);
    assert_true(tx_has(&k, T_CONVERSATION, b.id, 16));
}

static void stop_is_for_the_account_that_is_meant(void **state)
{
    struct outbox_record o = { 0 };

    (void)state;
    (void)begin("northside", "a@clinic.example", "");
    (void)begin("eastside", "777", "777");
    sms("777", "Stop!");
    assert_true(is_stopped("eastside"));
    assert_false(is_stopped("northside"));
    assert_int_equal(waiting(LANE_SMS, OUTBOX_STOPPED, &o), 1);
    assert_int_not_equal(o.conversation[0] | o.conversation[1], 0); /* names it */
    record_clear(RECORD_OUTBOX, &o);
    sms("777", "stop");
    assert_int_equal(waiting(LANE_SMS, OUTBOX_STOPPED, NULL), 1); /* told once */

    sms("61400000000", "STOP ALL");
    assert_true(is_stopped("northside"));
    assert_true(is_stopped("of the future"));
    assert_int_equal(waiting(LANE_SMS, OUTBOX_STOPPED, NULL), 2);
    sms("61400000000", "STOPALL");
    sms("61400000000", "STOP"); /* it is stopped already */
    assert_int_equal(waiting(LANE_SMS, OUTBOX_STOPPED, NULL), 2);

    /* START is for northside, and ends what was for all; eastside's own stays. */
    k.now_s++;
    sms("61400000000", "start");
    assert_false(is_stopped("northside"));
    assert_true(is_stopped("eastside"));
    k.now_s++;
    sms("61400000000", "START ALL");
    assert_false(is_stopped("eastside"));
    assert_int_equal(waiting(LANE_SMS, OUTBOX_STARTED, NULL), 5); /* and one notice */
    sms("61400000000", "START ALL");
    sms("777", "START");
    assert_int_equal(waiting(LANE_SMS, OUTBOX_STARTED, NULL), 5);
}

/* Its conversations are over: the person must be able to say both all the same. */
static void stop_and_start_work_where_no_conversation_is_known(void **state)
{
    (void)state;
    (void)begin("eastside", "777", "777");
    sms("777", "STOP");
    k.now_s += 200U * DAY_S;
    expiry_sweep(&k);
    assert_int_equal(count(T_CONVERSATION, NULL, 0), 0);
    sms("777", "START");
    assert_false(is_stopped("eastside"));
    sms("777", "STOP");
    assert_true(is_stopped("eastside"));
    assert_true(is_stopped("northside"));
}

static void help_is_told_once_an_hour(void **state)
{
    (void)state;
    (void)begin("northside", "a@clinic.example", "");
    sms("61400000000", "HELP");
    k.now_s += 3599;
    sms("61400000000", "help?"); /* a question for a person */
    assert_int_equal(waiting(LANE_MAIL, OUTBOX_REPLY, NULL), 1);
    sms("61400000000", "help");
    assert_int_equal(waiting(LANE_SMS, OUTBOX_HELP, NULL), 1);
    k.now_s++;
    sms("61400000000", "help");
    assert_int_equal(waiting(LANE_SMS, OUTBOX_HELP, NULL), 2);
}

static void machines_that_answer_each_other_come_to_rest(void **state)
{
    struct found f;
    size_t answers = 0;

    (void)state;
    (void)begin("northside", "a@clinic.example", "");
    for (int i = 0; i < 50; i++)
        sms("61400000000", i % 2 == 0 ? "STOP" : "START");
    outbox_find(LANE_SMS, &f);
    record_clear(RECORD_OUTBOX, &f.o);
    answers = f.count - 1; /* one notice */
    assert_int_equal(answers, 10);
    assert_false(is_stopped("northside"));
}

struct put_message {
    uint8_t id[16];
    const char *account;
    uint8_t conversation[16];
    bool final;
    bool fetched;
};

static enum ipc_verdict put_message(struct keeper *keeper, void *arg)
{
    const struct put_message *p = arg;
    struct message_record m = { .form = p->final ? FORM_FINAL : FORM_INTERMEDIATE,
                                .created_s = keeper->now_s,
                                .expires_s = keeper->now_s + 30U * DAY_S,
                                .fetched_s = p->fetched ? keeper->now_s : 0,
                                .mail_id = "<7@clinic.example>" };
    const struct report_ask ask = { .mask = REPORT_FAILED,
                                    .url = span_str("https://app.example/dlr") };
    struct tx_key key;

    memcpy(m.handset, handset, 16);
    memcpy(m.conversation, p->conversation, 16);
    (void)strcpy(m.account, p->account);
    tx_put(keeper, T_MESSAGE, p->id, 16, RECORD_MESSAGE, &m);
    key = tx_key_ids(handset, p->id);
    tx_mark(keeper, T_BY_HANDSET, key.b, key.n);
    key = tx_key_expiry(m.expires_s, 'M', p->id);
    tx_mark(keeper, T_BY_EXPIRY, key.b, key.n);
    if (strcmp(p->account, "eastside") == 0)
        report_remember(keeper, p->id, handset, p->account, &ask, m.expires_s);
    return IPC_OK;
}

static bool final_form; /* of the next ones: sealed to a device that is gone */

static void message(uint8_t name, const struct begun *b, bool fetched)
{
    struct put_message p = {
        .id = { name }, .final = final_form, .account = b->account, .fetched = fetched
    };

    memcpy(p.conversation, b->id, 16);
    assert_int_equal(tx_run(&k, put_message, &p), IPC_OK);
}

static bool is_there(uint8_t name)
{
    const uint8_t id[16] = { name };

    k.failure = IPC_OK;
    return tx_has(&k, T_MESSAGE, id, 16);
}

/* Three devices: of the server's password, of the handset's, and such a one long ago.
 */
static enum ipc_verdict put_devices(struct keeper *keeper, void *arg)
{
    struct handset_record h;

    (void)arg;
    keeper_handset(keeper, handset, MSISDN, &h);
    for (uint8_t i = 0; i < 4; i++) {
        struct device_record d = {
            .created_s = keeper->now_s - (i == 2 ? 7 : 6) * DAY_S,
            .held_until_s = i == 0 ? 0 : keeper->now_s - (i == 2 ? 7 : 6) * DAY_S
        };

        memset(h.devices[i], 0x10 + i, 16);
        tx_put(keeper, T_DEVICE, h.devices[i], 16, RECORD_DEVICE, &d);
    }
    h.device_count = 4;
    tx_put(keeper, T_HANDSET, handset, 16, RECORD_HANDSET, &h);
    return IPC_OK;
}

static void the_wrong_number_ends_what_was_sent_to_it(void **state)
{
    struct begun north, east;
    struct outbox_record o = { 0 };
    struct ipc_job_mail mail = { 0 };
    struct buf tail;
    const uint8_t job[16] = { 1 };

    (void)state;
    east = begin("eastside", "777", "777");
    north = begin("northside", "a@clinic.example", "");
    message(1, &north, false);
    message(2, &north, true);
    message(3, &east, false);
    sms("61400000000", "WRONG");
    assert_false(is_there(1));
    assert_true(is_there(2)); /* somebody has read it: nothing to take back */
    assert_true(is_there(3));
    assert_true(is_stopped("northside"));
    assert_false(is_stopped("eastside"));
    assert_int_equal(waiting(LANE_MAIL, OUTBOX_WRONG_NUMBER, &o), 1);
    buf_init(&tail, 4096);
    assert_true(report_mail(&k, job, &o, &mail, &tail));
    assert_int_equal(mail.kind, MAIL_WRONG_NUMBER);
    assert_string_equal(mail.to, "a@clinic.example");
    assert_string_equal(mail.in_reply_to, "<7@clinic.example>");
    buf_clear(&tail);
    record_clear(RECORD_OUTBOX, &o);
    assert_int_equal(waiting(LANE_SMS, OUTBOX_WRONG, NULL), 1);
    sms("61400000000", "WRONG");
    assert_int_equal(waiting(LANE_SMS, OUTBOX_WRONG, NULL), 1);

    sms("777", "wrong.");
    assert_false(is_there(3));
    assert_true(is_stopped("eastside"));
    assert_int_equal(waiting(LANE_MAIL, OUTBOX_WRONG_NUMBER, NULL), 1); /* no mailbox */
    assert_int_equal(waiting(LANE_CALLBACK, OUTBOX_REPORT, NULL), 1);
    assert_int_equal(waiting(LANE_SMS, OUTBOX_WRONG, NULL), 2);
}

/* What an SMS registered this week is disowned, and nothing else happens: the owner
 * loses no message by saying so. The other devices stay. */
static void a_device_that_is_disowned_costs_no_message(void **state)
{
    struct begun north;
    struct handset_record h;

    (void)state;
    north = begin("northside", "a@clinic.example", "");
    message(1, &north, false);
    final_form = true;
    message(2, &north, true); /* the stranger has read it */
    final_form = false;
    assert_int_equal(tx_run(&k, put_devices, NULL), IPC_OK);
    sms("61400000000", "WRONG");
    assert_false(is_there(2));
    assert_int_equal(waiting(LANE_MAIL, OUTBOX_UNDELIVERABLE, NULL), 1);
    assert_true(is_there(1));
    assert_false(is_stopped("northside"));
    assert_int_equal(waiting(LANE_SMS, OUTBOX_REMOVED, NULL), 1);
    assert_true(tx_get(&k, T_HANDSET, handset, 16, RECORD_HANDSET, &h));
    assert_int_equal(h.device_count, 2);
    assert_int_equal(h.devices[0][0], 0x10);
    assert_int_equal(h.devices[1][0], 0x12);
    assert_int_equal(count(T_DEVICE, NULL, 0), 2);
    sms("61400000000", "WRONG"); /* the messages, then */
    assert_false(is_there(1));
    assert_true(is_stopped("northside"));
}

static void wrong_without_a_conversation_is_for_who_has_messages(void **state)
{
    struct begun east;

    (void)state;
    east = begin("eastside", "777", "777");
    message(1, &east, false);
    sms("61400000000", "WRONG"); /* not to 777 */
    assert_false(is_there(1));
    assert_true(is_stopped("eastside"));
    assert_false(is_stopped("northside"));
    sms("61400000000", "WRONG ALL");
    assert_true(is_stopped("northside"));
    assert_int_equal(waiting(LANE_SMS, OUTBOX_WRONG, NULL), 2);
}

static void a_number_that_nobody_knows_may_say_stop(void **state)
{
    struct handset_record h;

    (void)state;
    sms("61400000000", "START");
    sms("61400000000", "WRONG");
    sms("61400000000", "Hello?");
    assert_int_equal(count(T_HANDSET, NULL, 0), 0);
    assert_int_equal(waiting(LANE_SMS, 0, NULL), 0);
    sms("61400000000", "HELP");
    assert_int_equal(waiting(LANE_SMS, OUTBOX_HELP, NULL), 1);
    sms("61400000000", "STOP");
    assert_true(is_stopped("northside"));
    assert_int_equal(waiting(LANE_SMS, OUTBOX_STOPPED, NULL), 2);
    assert_true(tx_get(&k, T_HANDSET, handset, 16, RECORD_HANDSET, &h));
    assert_string_equal(h.msisdn, MSISDN);
    assert_string_equal(h.language, "en"); /* of the first account */
}

static void what_is_not_from_a_telephone_is_dropped(void **state)
{
    static const char *const from[] = { "131234", "Clinic", "", "+", "777" };

    (void)state;
    config.mo_account = W("eastside");
    accounts[1].reply_mail = W("desk@eastside.example");
    for (size_t i = 0; i < sizeof from / sizeof from[0]; i++)
        sms_of(from[i], "61400000000", span_str("Hello"));
    sms("61400000000", "");
    sms("61400000000", " \t\r\n ");
    sms_of("+" MSISDN, "61400000000", span_of("\0\0", 2));
    assert_int_equal(verdict_told(), IPC_OK); /* it does not come again */
    sms_of("+" MSISDN, "61400000000", span_of("caf\xe9", 4)); /* courier errs */
    assert_int_equal(verdict_told(), IPC_BAD_REQUEST);
    assert_int_equal(count(T_HANDSET, NULL, 0), 0);
    assert_int_equal(waiting(LANE_MAIL, 0, NULL), 0);
}

static void mo_account_gets_what_answers_nothing(void **state)
{
    struct ipc_job_mail mail = { 0 };
    struct outbox_record o = { 0 };
    struct handset_record h;
    const uint8_t job[16] = { 1 };
    struct buf tail;

    (void)state;
    config.mo_account = W("eastside");
    sms("61400000000", "to nobody"); /* it takes no answers */
    assert_int_equal(count(T_HANDSET, NULL, 0), 0);

    accounts[1].reply_mail = W("desk@eastside.example");
    sms("61400000000", "Do you open today?");
    assert_int_equal(waiting(LANE_MAIL, OUTBOX_REPLY, &o), 1);
    buf_init(&tail, 4096);
    assert_int_equal(reply_mail(&k, job, &o, &mail, &tail), IPC_OK);
    assert_string_equal(mail.to, "desk@eastside.example");
    assert_string_equal(mail.subject, "SMS: +61 4•• ••• 678");
    assert_string_equal(mail.language, "de");
    assert_memory_equal(tail.p + 2, "Do you open today?", 18);
    buf_clear(&tail);
    assert_true(tx_get(&k, T_HANDSET, handset, 16, RECORD_HANDSET, &h));
    assert_memory_equal(h.newest_conversation, o.conversation, 16);
    record_clear(RECORD_OUTBOX, &o);

    /* The next one answers that conversation: not the first word of a stranger. */
    k.now_s++;
    sms("61400000000", "Hello?");
    assert_int_equal(waiting(LANE_MAIL, OUTBOX_REPLY, &o), 2);
    buf_init(&tail, 4096);
    assert_int_equal(reply_mail(&k, job, &o, &mail, &tail), IPC_OK);
    assert_string_equal(mail.subject, "Re: your message");
    buf_clear(&tail);
    record_clear(RECORD_OUTBOX, &o);
}

struct url {
    struct span url, body;
    struct buf tail; /* to be cleared */
    struct ipc_job_callback job;
};

static enum ipc_verdict make_callback(struct url *u)
{
    const uint8_t job[16] = { 1 };
    struct outbox_record o = { 0 };
    enum ipc_verdict v;
    struct cur c;
    uint32_t n = 0;

    memset(u, 0, sizeof *u);
    buf_init(&u->tail, IPC_TAIL_CALLBACK);
    assert_true(waiting(LANE_CALLBACK, OUTBOX_REPLY_CALLBACK, &o) > 0);
    v = reply_callback(&k, job, &o, &u->job, &u->tail);
    assert_int_equal(o.epoch, k.epoch_day);
    assert_int_equal(o.expires_s, o.created_s + DAY_S);
    record_clear(RECORD_OUTBOX, &o);
    if (v != IPC_OK)
        return v;
    c = cur_of(buf_span(&u->tail));
    assert_true(cur_be32(&c, &n) && cur_span(&c, n, &u->url));
    u->body = span_of(c.p, cur_left(&c));
    return v;
}

static void a_reply_goes_to_the_accounts_url(void **state)
{
    struct url u;

    (void)state;
    accounts[1].reply_url = W("https://app.example/mo");
    accounts[1].reply_mail = W("desk@eastside.example"); /* the URL comes first */
    (void)begin("eastside", "777", "777");
    sms("777", "I will come");
    assert_int_equal(waiting(LANE_MAIL, 0, NULL), 0);
    assert_int_equal(make_callback(&u), IPC_OK);
    assert_string_equal(u.job.account, "eastside");
    assert_int_equal(u.job.job[0], 1);
    assert_true(span_eq_str(u.url, "https://app.example/mo"));
    assert_int_equal(u.body.n, 0);
    buf_clear(&u.tail);

    /* What is taken out of the configuration by mistake does not cost a reply. */
    accounts[1].reply_url = NULL;
    assert_int_equal(make_callback(&u), IPC_TEMP);
    buf_clear(&u.tail);
}

static void the_url_of_a_reply_has_kannels_escapes(void **state)
{
    char *const text = malloc(9001);
    struct url u;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', 9000);
    text[9000] = '\0';
    accounts[1].reply_url = W("https://app.example/mo?%p&%P&%n&%i&%a");
    config.mo_account = W("eastside");
    sms("+61400000000", "at ten");
    assert_int_equal(make_callback(&u), IPC_OK);
    assert_true(span_eq_str(u.url, "https://app.example/mo?%2B" MSISDN
                                   "&%2B61400000000&east-user&FAKE&at+ten"));
    buf_clear(&u.tail);

    /* A text that does not fit into the URL goes as a body. */
    k.now_s++;
    sms("61400000000", text);
    assert_int_equal(make_callback(&u), IPC_OK);
    assert_true(span_eq_str(u.url, "https://app.example/mo?%2B" MSISDN
                                   "&61400000000&east-user&FAKE&"));
    assert_true(span_eq_str(u.body, text));
    buf_clear(&u.tail);
    free(text);
}

static void a_url_that_is_too_long_in_itself_is_given_up(void **state)
{
    char *const url = malloc(8102);
    struct url u;

    (void)state;
    assert_non_null(url);
    memset(url, 'u', 8101);
    url[8101] = '\0';
    accounts[1].reply_url = url;
    (void)begin("eastside", "777", "777");
    sms("777", "I will come");
    assert_int_equal(make_callback(&u), IPC_GONE);
    buf_clear(&u.tail);
    free(url);
}

static void who_takes_no_answers_gets_none(void **state)
{
    (void)state;
    (void)begin("eastside", "777", "777");
    sms("777", "I will come");
    assert_int_equal(waiting(LANE_MAIL, 0, NULL), 0);
    assert_int_equal(waiting(LANE_CALLBACK, 0, NULL), 0);
    accounts[1].reply_mail = W("desk@eastside.example"); /* but it may have a mailbox */
    sms("777", "I will come");
    assert_int_equal(waiting(LANE_MAIL, OUTBOX_REPLY, NULL), 1);
}

/* A device's reply to a message, sealed as the handset does it. */
static enum ipc_verdict device_reply(uint8_t name, const char *to)
{
    const uint8_t id[16] = { name };
    struct jwe_header header = { .typ = "sealpost-reply", .created_s = NOW };
    uint8_t reply[16];
    struct buf jwe, body;
    struct err e;
    enum ipc_verdict v;

    memcpy(header.id, id, 16);
    (void)strcpy(header.to, to);
    buf_init(&jwe, 4096);
    buf_init(&body, 8192);
    assert_int_equal(
        jwe_seal_compact(&header, &k.epoch,
                         span_str("{\"text\":\"by the app\",\"smsc\":\"lie\","
                                  "\"to\":\"lie\",\"unasked\":true}"),
                         &jwe, &e),
        0);
    buf_put(&body, "{\"jwe\":\"");
    buf_put_span(&body, buf_span(&jwe));
    buf_put(&body, "\"}");
    k.failure = IPC_OK;
    v = reply_take(&k, handset, id, buf_span(&body), reply);
    buf_clear(&jwe);
    buf_clear(&body);
    return v;
}

struct device_reply {
    uint8_t name;
    const char *to;
};

static enum ipc_verdict run_device_reply(struct keeper *keeper, void *arg)
{
    const struct device_reply *r = arg;

    (void)keeper;
    return device_reply(r->name, r->to);
}

static void a_device_answers_as_well_and_cannot_pass_for_an_sms(void **state)
{
    struct device_reply honest = { 1, "reply" }, liar = { 1, "reply-by-sms" };
    struct begun east;
    struct url u;

    (void)state;
    east = begin("eastside", "777", "");
    message(1, &east, true);
    assert_int_equal(tx_run(&k, run_device_reply, &honest), IPC_NO_REPLY);
    accounts[1].reply_url = W("https://app.example/mo?%P&%i&%a");
    assert_int_equal(tx_run(&k, run_device_reply, &liar), IPC_BAD_REQUEST);
    assert_int_equal(tx_run(&k, run_device_reply, &honest), IPC_OK);
    assert_int_equal(make_callback(&u), IPC_OK);
    assert_true(span_eq_str(u.url, "https://app.example/mo?61400000000&&by+the+app"));
    buf_clear(&u.tail);
}

static bool notice_says(const char *brand)
{
    struct outbox_record o = { .expires_s = NOW + DAY_S };
    struct handset_record h;
    uint32_t dlr_mask = 0;
    struct sms out;
    struct buf text;
    bool any;

    memcpy(o.handset, handset, 16);
    keeper_handset(&k, handset, MSISDN, &h);
    sms_init(&out);
    buf_init(&text, 1000);
    any = notice_render(&k, &o, &h, &out, &dlr_mask, &text);
    if (any && brand != NULL)
        assert_int_equal(strncmp(buf_cstr(&text), brand, strlen(brand)), 0);
    buf_clear(&text);
    return any;
}

static enum ipc_verdict run_sent(struct keeper *keeper, void *arg)
{
    struct outbox_record o = { .expires_s = NOW + DAY_S };

    (void)arg;
    memcpy(o.handset, handset, 16);
    notice_sent(keeper, &o, keeper->now_s);
    return IPC_OK;
}

static void render(const char *brand, bool any)
{
    assert_int_equal(store_begin(k.store), STORE_OK);
    assert_int_equal(notice_says(brand), any);
    store_abort(k.store);
}

static void a_stopped_sender_is_not_spoken_of_until_start(void **state)
{
    struct begun north, east;

    (void)state;
    east = begin("eastside", "777", "777");
    north = begin("northside", "a@clinic.example", "");
    message(1, &north, false);
    message(2, &east, false);
    render("Eastside", true); /* the newest */
    sms("777", "STOP");
    render("Northside", true);
    assert_int_equal(tx_run(&k, run_sent, NULL), IPC_OK);
    render(NULL, false); /* northside's has been told of, eastside's may not be */
    sms("777", "START");
    render("Eastside", true);
}

/* What was meant for one sender must not reach another, nor stop him. */
static void the_number_of_another_account_is_not_this_one(void **state)
{
    (void)state;
    accounts[1].default_sender = W("+61400000002");
    (void)begin("northside", "a@clinic.example", "");
    sms("61400000002", "my test results");
    assert_int_equal(waiting(LANE_MAIL, 0, NULL), 0);
    sms("61400000099", "an SMSC's other name for our number");
    assert_int_equal(waiting(LANE_MAIL, 0, NULL), 1);
}

static void start_of_one_does_not_undo_stop_all_of_others(void **state)
{
    (void)state;
    (void)begin("eastside", "777", "777");
    (void)begin("northside", "a@clinic.example", "");
    sms("61400000000", "STOP ALL");
    sms("61400000000", "START");
    assert_false(is_stopped("northside"));
    assert_true(is_stopped("eastside"));
    sms("61400000000", "START ALL");
    assert_false(is_stopped("eastside"));
}

/* Digits alone: whose number do we know? Else they are international. */
static void an_originator_without_plus_is_one_that_exists(void **state)
{
    uint8_t id[16];

    (void)state;
    config.region[0] = 'D';
    config.region[1] = 'E';
    sms_of("33612345678", "61400000000", span_str("STOP"));
    keeper_handset_id(&k, "33612345678", id);
    k.failure = IPC_OK;
    assert_true(tx_has(&k, T_HANDSET, id, 16));
}

static void a_word_is_no_password_where_none_is_wanted(void **state)
{
    (void)state;
    config.otp_direction = OTP_SERVER;
    (void)begin("northside", "a@clinic.example", "");
    sms("61400000000", "Seal completely");
    assert_int_equal(waiting(LANE_MAIL, OUTBOX_REPLY, NULL), 1);
}

static enum ipc_verdict say_twice(struct keeper *keeper, void *arg)
{
    (void)keeper, (void)arg;
    assert_true(notice_says(NULL));
    assert_true(notice_says(NULL));
    return IPC_OK;
}

/* A notice that is tried for days leaves one token, and its link stays the same. */
static void a_notice_that_is_tried_again_has_one_link(void **state)
{
    struct begun north;

    (void)state;
    north = begin("northside", "a@clinic.example", "");
    message(1, &north, false);
    assert_int_equal(tx_run(&k, say_twice, NULL), IPC_OK);
    assert_int_equal(count(T_NOTICE, NULL, 0), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_two, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_answer_means_the_number_that_it_went_to),
        TEST(a_conversation_ends_with_its_routes),
        TEST(stop_is_for_the_account_that_is_meant),
        TEST(stop_and_start_work_where_no_conversation_is_known),
        TEST(help_is_told_once_an_hour),
        TEST(machines_that_answer_each_other_come_to_rest),
        TEST(the_wrong_number_ends_what_was_sent_to_it),
        TEST(a_device_that_is_disowned_costs_no_message),
        TEST(the_number_of_another_account_is_not_this_one),
        TEST(start_of_one_does_not_undo_stop_all_of_others),
        TEST(an_originator_without_plus_is_one_that_exists),
        TEST(a_word_is_no_password_where_none_is_wanted),
        TEST(a_notice_that_is_tried_again_has_one_link),
        TEST(wrong_without_a_conversation_is_for_who_has_messages),
        TEST(a_number_that_nobody_knows_may_say_stop),
        TEST(what_is_not_from_a_telephone_is_dropped),
        TEST(mo_account_gets_what_answers_nothing),
        TEST(a_reply_goes_to_the_accounts_url),
        TEST(the_url_of_a_reply_has_kannels_escapes),
        TEST(a_url_that_is_too_long_in_itself_is_given_up),
        TEST(who_takes_no_answers_gets_none),
        TEST(a_device_answers_as_well_and_cannot_pass_for_an_sms),
        TEST(a_stopped_sender_is_not_spoken_of_until_start),
    };

    return cmocka_run_group_tests_name("inbound", tests, NULL, NULL);
}
