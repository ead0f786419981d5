/* SPDX-License-Identifier: ISC */
/* test_auth.c - passwords and tokens: stored forms, what is remembered, the queue, and
 * who goes away before the answer. The hashes are Python's (hashlib.scrypt). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "relay/auth.h"
#include "relay/config.h"
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SALT "AAECAwQFBgcICQoLDA0ODw"
#define QUICK /* "secret" */ "{scrypt}ln=10,r=8,p=1$" SALT "$" QUICK_HASH
#define QUICK_HASH "Mdc_jTCPy-uU8aSLbM-FGBQC_AXSzfWCsAUkF_VYCgk"
#define USUAL /* "secret" */ \
    "{scrypt}ln=15,r=8,p=1$" SALT "$71MrULv6YuZMr-5TlqzaKGb6X4rZEs0_5cvElSZBr2s"
#define SLOW /* of nothing that a test knows; some 5 ms */ \
    "{scrypt}ln=12,r=8,p=1$" SALT "$71MrULv6YuZMr-5TlqzaKGb6X4rZEs0_5cvElSZBr2s"
#define TOKEN_ONE /* "token-one" */ \
    "{sha256}75c5c10f256c75b650c6ffc2e83c6588af02766efd2de28f4de34547006e8d1a"

#define TOKEN_EMPTY /* "" */ \
    "{sha256}e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* {scrypt} with other numbers, or with something else behind it */
#define WITH(numbers) "{scrypt}" numbers "$" SALT "$" QUICK_HASH

static const struct {
    const char *stored;
    const char *error; /* NULL: taken */
} stored_rows[] = {
    { QUICK, NULL },
    { USUAL, NULL },
    { TOKEN_ONE, NULL },
    { "{plain}x", NULL },
    { "{plain}{plain}", NULL },
    { WITH("ln=20,r=16,p=4"), NULL },
    { WITH("ln=15,r=1,p=1"), NULL },
    { WITH("ln=16,r=1,p=1"), "as sealpostd -P prints" }, /* RFC 7914: N < 2^(16 r) */
    { WITH("ln=9,r=8,p=1"), "ln=10..20" },
    { WITH("ln=21,r=8,p=1"), "ln=10..20" },
    { WITH("ln=010,r=8,p=1"), "ln=10..20" },
    { WITH("ln=99999999999,r=8,p=1"), "ln=10..20" },
    { WITH("ln=,r=8,p=1"), "ln=10..20" },
    { WITH("ln=+10,r=8,p=1"), "ln=10..20" },
    { WITH("LN=10,r=8,p=1"), "ln=10..20" },
    { WITH("ln=10,r=0,p=1"), "r=1..16" },
    { WITH("ln=10,r=17,p=1"), "r=1..16" },
    { WITH("ln=10,r=8,p=0"), "p=1..4" },
    { WITH("ln=10,r=8,p=5"), "p=1..4" },
    { WITH("r=8,ln=10,p=1"), "ln=10..20" },
    { WITH("ln=10,r=8,p=1,"), "$SALT$HASH" },
    { QUICK "=", "$SALT$HASH" },
    { QUICK "A", "$SALT$HASH" },
    { "{scrypt}ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0ODx$" QUICK_HASH, /* a spare bit */
      "$SALT$HASH" },
    { "{scrypt}ln=10,r=8,p=1$AAECAwQFBgcICQoLDA0OD+$" QUICK_HASH, "$SALT$HASH" },
    { "{SCRYPT}ln=10,r=8,p=1$" SALT "$" QUICK_HASH,
      "it begins with {plain}, {scrypt}" },
    { "{plain}", "nothing stands behind {plain}" },
    { "{md5}x", "it begins with" },
    { "secret", "it begins with" },
    { "", "it begins with" },
    { "{sha256}75C5C10F256C75B650C6FFC2E83C6588AF02766EFD2DE28F4DE34547006E8D1A",
      "64 digits of 0-9 a-f" },
    { TOKEN_ONE "0", "64 digits" },
    { "{sha256}secret", "64 digits" },
};

/* In a heap block of its exact size; an error never shows the text. */
static void stored_forms_are_taken_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stored_rows / sizeof stored_rows[0]; i++) {
        char *const stored = strdup(stored_rows[i].stored);
        const char *const behind = strchr(stored, '}');
        struct err e = { .text = "" };
        const int rc = auth_check_stored(stored, &e);

        if ((rc == 0) != (stored_rows[i].error == NULL) ||
            (rc != 0 && strstr(e.text, stored_rows[i].error) == NULL))
            fail_msg("%s: %s", stored, e.text);
        if (rc != 0) {
            assert_int_equal(e.class, ERR_PERM);
            assert_null(strstr(e.text, "secret"));
            assert_true(behind == NULL || behind[1] == '\0' || behind[2] == '\0' ||
                        strstr(e.text, behind + 1) == NULL);
        }
        free(stored);
    }
}

static void every_cut_of_a_stored_form_is_refused(void **state)
{
    static const char *const whole[] = { QUICK, TOKEN_ONE };

    (void)state;
    for (size_t i = 0; i < 2; i++)
        for (size_t n = 0; n < strlen(whole[i]); n++) {
            char *const cut = strndup(whole[i], n);
            struct err e;

            if (auth_check_stored(cut, &e) == 0)
                fail_msg("taken: %s", cut);
            assert_false(auth_check_password(cut, span_str("secret")));
            free(cut);
        }
}

static const struct {
    const char *stored, *password;
    bool right;
} password_rows[] = {
    { QUICK, "secret", true },
    { QUICK, "Secret", false },
    { QUICK, "secret ", false },
    { QUICK, "", false },
    { USUAL, "secret", true },
    { "{scrypt}ln=10,r=1,p=1$" SALT "$JkbzMeEGahxui0hmnyyABW7jLjDu5KIpPFzIi9sY-UY", "x",
      true },
    { "{scrypt}ln=10,r=2,p=4$" SALT "$EnPgPs_II2PuyoaLu24TVcot_KY2GiogeU-EpCzwW_Q",
      "Zo\xc3\xab", true },
    { "{plain}secret", "secret", true },
    { "{plain}secret", "secre", false },
    { "{plain}secret", "secrets", false },
    { "{plain}secret", "", false },
    { TOKEN_ONE, "token-one", true },
    { TOKEN_ONE, "token-two", false },
    { "secret", "secret", false },
};

static void a_password_fits_its_stored_form_only(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof password_rows / sizeof password_rows[0]; i++)
        if (auth_check_password(password_rows[i].stored,
                                span_str(password_rows[i].password)) !=
            password_rows[i].right)
            fail_msg("%s with %s", password_rows[i].stored, password_rows[i].password);
}

static void a_hashed_password_is_known_again(void **state)
{
    struct buf one, two;
    struct err e;

    (void)state;
    buf_init(&one, 500);
    buf_init(&two, 500);
    assert_int_equal(auth_hash_password(span_str("pass word"), &one, &e), 0);
    assert_int_equal(auth_hash_password(span_str("pass word"), &two, &e), 0);
    assert_string_not_equal(buf_cstr(&one), buf_cstr(&two)); /* salt */
    assert_memory_equal(one.p, "{scrypt}ln=15,r=8,p=1$", 22);
    assert_int_equal(one.n, 22 + 22 + 1 + 43);
    assert_int_equal(auth_check_stored(buf_cstr(&one), &e), 0);
    assert_true(auth_check_password(buf_cstr(&two), span_str("pass word")));
    assert_false(auth_check_password(buf_cstr(&two), span_str("pass")));
    buf_clear(&one);
    buf_clear(&two);
    buf_init(&one, 50);
    assert_int_equal(auth_hash_password(span_str("x"), &one, &e), -1);
    buf_clear(&one);
}

/* What the program itself prints, for whatever line it is given. */
static void the_daemon_hashes_a_line(void **state)
{
    const char *const build = getenv("SEALPOST_BUILD");
    char command[300], line[200] = "";
    FILE *out;

    (void)state;
    (void)snprintf(command, sizeof command,
                   "printf 'pass word\\nx\\n' | %s/sealpostd -P",
                   build == NULL ? "build/plain" : build);
    out = popen(command, "r");
    assert_non_null(out);
    assert_non_null(fgets(line, sizeof line, out));
    assert_null(fgets(command, sizeof command, out));
    assert_int_equal(pclose(out), 0);
    assert_int_equal(strcspn(line, "\n"), 22 + 22 + 1 + 43);
    line[strcspn(line, "\n")] = '\0';
    assert_true(auth_check_password(line, span_str("pass word")));
}

/* The accounts, and a loop. */
#define NAMED(text)                    \
    .name = text, .username = (char[]) \
    {                                  \
        text                           \
    }
static struct config_account accounts[] = {
    { NAMED("quick"), .password = (char[]){ QUICK }, .token = (char[]){ TOKEN_ONE } },
    { NAMED("plain"), .password = (char[]){ "{plain}open" },
      .token = (char[]){ "{plain}token-two" } },
    { NAMED("usual"), .password = (char[]){ USUAL } },
    { NAMED("slow"), .password = (char[]){ SLOW } },
    { NAMED("mail"), .token = (char[]){ TOKEN_EMPTY } },
};
static const struct config config = { .accounts = accounts, .account_count = 5 };
static const struct config_account *const quick = &accounts[0],
                                          *const plain = &accounts[1],
                                          *const usual = &accounts[2];

#define ANSWERS 300U
static struct event_base *base;
static struct auth *auth;
static struct {
    uint64_t call;
    unsigned times;
    enum auth_verdict verdict;
    const struct config_account *account;
} got[ANSWERS];
static unsigned answers, expected;

static int auth_make(void **state)
{
    struct err e;

    (void)state;
    memset(got, 0, sizeof got);
    answers = expected = 0;
    base = event_base_new();
    auth = auth_new(base, &config, &e);
    return base == NULL || auth == NULL;
}

static int auth_end(void **state)
{
    (void)state;
    auth_free(auth);
    event_base_free(base);
    return 0;
}

static void on_answer(void *ctx, enum auth_verdict verdict,
                      const struct config_account *account)
{
    const size_t i = (size_t)(uintptr_t)ctx;

    got[i].times++;
    got[i].verdict = verdict;
    got[i].account = account;
    if (++answers >= expected)
        (void)event_base_loopbreak(base);
}

static const struct config_account *at_once;

/* Copies in exact blocks that are gone when the answer comes. */
static enum auth_verdict ask_with(size_t i, const char *name, const char *password,
                                  auth_answer *answer)
{
    char *const n = malloc(strlen(name) + 1), *const p = malloc(strlen(password) + 1);
    enum auth_verdict verdict;

    memcpy(n, name, strlen(name));
    memcpy(p, password, strlen(password));
    verdict = auth_password(auth, span_of(n, strlen(name)),
                            span_of(p, strlen(password)), &at_once, answer,
                            (void *)(uintptr_t)i, &got[i].call); /* NOLINT */
    memset(n, 'x', strlen(name));
    memset(p, 'x', strlen(password));
    free(n);
    free(p);
    return verdict;
}

static enum auth_verdict ask(size_t i, const char *name, const char *password)
{
    return ask_with(i, name, password, on_answer);
}

static void wait_for(unsigned count)
{
    const struct timeval patience = { 30, 0 };

    expected = count;
    if (answers < expected) {
        (void)event_base_loopexit(base, &patience);
        (void)event_base_dispatch(base);
    }
    assert_int_equal(answers, expected);
}

static void a_right_password_is_remembered(void **state)
{
    (void)state;
    assert_int_equal(ask(0, "quick", "secret"), AUTH_LATER);
    assert_null(at_once);
    assert_int_not_equal(got[0].call, 0);
    wait_for(1);
    assert_int_equal(got[0].verdict, AUTH_OK);
    assert_ptr_equal(got[0].account, quick);
    assert_int_equal(ask(1, "quick", "secret"), AUTH_OK);
    assert_ptr_equal(at_once, quick);
    assert_int_equal(got[1].call, 0);
    assert_int_equal(ask(2, "usual", "secret"),
                     AUTH_LATER); /* another account's is not */
    wait_for(2);
    assert_ptr_equal(got[2].account, usual);
    assert_int_equal(ask(3, "quick", "secret"), AUTH_OK);
}

static void a_wrong_password_is_checked_each_time(void **state)
{
    (void)state;
    assert_int_equal(ask(0, "quick", "secret"), AUTH_LATER);
    wait_for(1);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(ask(i, "quick", "guess"), AUTH_LATER);
        wait_for(i + 1);
        assert_int_equal(got[i].verdict, AUTH_NO);
        assert_null(got[i].account);
    }
    assert_int_equal(ask(5, "quick", "secret"), AUTH_OK); /* no guess pushes it out */
}

/* Names and passwords that run together alike are different. */
static void an_unknown_name_is_worked_on_like_a_wrong_password(void **state)
{
    static const char *const names[] = { "nobody", "", "QUICK", "quicksecret", "mail" };

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(ask(i, names[i], i == 3 ? "" : "secret"), AUTH_LATER);
        wait_for(i + 1);
        assert_int_equal(got[i].verdict, AUTH_NO);
        assert_null(got[i].account);
    }
}

static void a_plain_password_is_compared_at_once(void **state)
{
    static const char *const wrong[] = { "", "ope", "open ", "openopen", "Open" };

    (void)state;
    assert_int_equal(ask(0, "plain", "open"), AUTH_OK);
    assert_ptr_equal(at_once, plain);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(ask(0, "plain", wrong[i]), AUTH_NO);
        assert_null(at_once);
    }
}

/* Without a {scrypt} anywhere a wrong password is cheap, and so is an unknown name. */
static void where_all_is_plain_an_unknown_name_is_refused_at_once(void **state)
{
    const struct config only = { .accounts = &accounts[1], .account_count = 1 };
    struct err e;

    (void)state;
    auth_free(auth);
    auth = auth_new(base, &only, &e);
    assert_non_null(auth);
    assert_int_equal(ask(0, "nobody", "open"), AUTH_NO);
    assert_int_equal(ask(0, "plain", "open"), AUTH_OK);
    auth_free(auth);
    auth = NULL;
}

static void a_password_beyond_measure_is_refused_at_once(void **state)
{
    char longest[1026];

    (void)state;
    memset(longest, 'a', sizeof longest);
    longest[1025] = '\0';
    assert_int_equal(ask(0, "quick", longest), AUTH_NO);
    assert_int_equal(ask(0, "nobody", longest), AUTH_NO);
    longest[1024] = '\0';
    assert_int_equal(ask(0, "quick", longest), AUTH_LATER);
}

/* Many connections at a start bring the same password: one check answers all. */
static void who_asks_the_same_shares_one_check(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) /* the queue would not take so many */
        assert_int_equal(ask(i, "usual", "secret"), AUTH_LATER);
    wait_for(200);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(got[i].times, 1);
        assert_int_equal(got[i].verdict, AUTH_OK);
        assert_ptr_equal(got[i].account, usual);
    }
}

static unsigned ask_many(unsigned from, unsigned count)
{
    unsigned later = 0;

    for (unsigned i = from; i < from + count; i++) {
        char guess[16];
        enum auth_verdict verdict;

        (void)snprintf(guess, sizeof guess, "guess%u", i);
        verdict = ask(i, i % 2 == 0 ? "slow" : "nobody", guess);
        assert_true(verdict == AUTH_LATER || verdict == AUTH_BUSY);
        assert_int_equal(got[i].call != 0, verdict == AUTH_LATER);
        later += verdict == AUTH_LATER;
    }
    return later;
}

static void the_queue_has_an_end(void **state)
{
    unsigned later;

    (void)state;
    later = ask_many(0, 250);
    assert_in_range(later, 64,
                    149); /* 64 wait, two are worked on, perhaps a few more */
    assert_int_equal(ask(298, "plain", "open"), AUTH_OK); /* needs no queue */
    wait_for(later);
    for (unsigned i = 0; i < 250; i++) {
        assert_int_equal(got[i].times, got[i].call != 0);
        assert_true(got[i].call == 0 || got[i].verdict == AUTH_NO);
    }
    assert_int_equal(ask(299, "slow", "guess"), AUTH_LATER); /* there is room again */
}

/* The one under way, those in the queue; the workers do not work for who has gone. */
static void who_has_gone_gets_no_answer(void **state)
{
    unsigned later = ask_many(0, 150), last = 0;

    (void)state;
    for (unsigned i = 0; i < 150; i++) {
        auth_cancel(auth, got[i].call);
        auth_cancel(auth, got[i].call); /* twice is harmless */
    }
    auth_cancel(auth, UINT64_MAX);
    later = ask_many(150, 60); /* all places are free again */
    assert_int_equal(later, 60);
    for (unsigned i = 150; i < 210; i++)
        last = i;
    assert_int_not_equal(got[last].call, 0);
    wait_for(60);
    for (unsigned i = 0; i < 210; i++)
        assert_int_equal(got[i].times, i >= 150);
}

static void one_of_those_who_share_may_go(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(ask(i, "usual", "secret"), AUTH_LATER);
    auth_cancel(auth, got[1].call);
    wait_for(2);
    assert_int_equal(got[0].times, 1);
    assert_int_equal(got[1].times, 0);
    assert_int_equal(got[2].times, 1);
}

/* The first answer sends others away, itself as well, and asks again: that is another
 * check, or an answer that asks could go on for ever. */
static void on_answer_cancel(void *ctx, enum auth_verdict verdict,
                             const struct config_account *account)
{
    for (size_t i = 0; i < 3; i++)
        auth_cancel(auth, got[i].call);
    assert_int_equal(ask(4, "usual", "wrong"), AUTH_LATER); /* the same, once more */
    on_answer(ctx, verdict, account);
}

static void an_answer_may_ask_and_cancel(void **state)
{
    (void)state;
    assert_int_equal(ask_with(0, "usual", "wrong", on_answer_cancel), AUTH_LATER);
    for (unsigned i = 1; i < 4; i++)
        assert_int_equal(ask(i, "usual", "wrong"), AUTH_LATER);
    wait_for(2);
    assert_int_equal(got[4].times, 0);
    wait_for(3);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(got[i].times, i == 0 || i > 2);
}

/* auth_end frees it all while both workers are busy and the queue is full. */
static void it_may_end_at_any_time(void **state)
{
    (void)state;
    assert_in_range(ask_many(0, 150), 64, 149);
}

static volatile sig_atomic_t signals;
static void on_signal(int number)
{
    (void)number;
    signals++;
}

/* The workers take no signal: one for the process comes to the loop's thread. */
static void signals_stay_with_the_loop(void **state)
{
    sigset_t usr1, before, pending;

    (void)state;
    (void)signal(SIGUSR1, on_signal);
    (void)ask_many(0, 4);
    (void)sigemptyset(&usr1);
    (void)sigaddset(&usr1, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &usr1, &before);
    (void)kill(getpid(), SIGUSR1);
    wait_for(4);
    assert_int_equal(signals, 0);
    (void)sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGUSR1), 1);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(signals, 1);
    (void)signal(SIGUSR1, SIG_DFL);
}

static const struct {
    const char *token;
    size_t account; /* SIZE_MAX: nobody's */
} token_rows[] = {
    { "token-one", 0 },
    { "token-two", 1 },
    { "token-three", SIZE_MAX },
    { "Token-one", SIZE_MAX },
    { "token-on", SIZE_MAX },
    { "token-one ", SIZE_MAX },
    { "", SIZE_MAX },
    { "secret", SIZE_MAX },
    { "{plain}token-two", SIZE_MAX },
    { TOKEN_ONE, SIZE_MAX },
};

static void a_token_is_the_account(void **state)
{
    char *const longest = malloc(1025);

    (void)state;
    for (size_t i = 0; i < sizeof token_rows / sizeof token_rows[0]; i++)
        assert_ptr_equal(auth_token(auth, span_str(token_rows[i].token)),
                         token_rows[i].account == SIZE_MAX
                             ? NULL
                             : &accounts[token_rows[i].account]);
    memset(longest, 'a', 1025);
    assert_null(auth_token(auth, span_of(longest, 1025)));
    free(longest);
}

static void a_form_of_the_other_kind_does_not_start(void **state)
{
    struct config_account bad = { NAMED("bad"), .password = (char[]){ TOKEN_ONE } };
    const struct config c = { .accounts = &bad, .account_count = 1 };
    struct err e;

    (void)state;
    assert_null(auth_new(base, &c, &e));
    assert_string_equal(e.text, "account bad: a password is not kept with sha256");
    bad.token = bad.password;
    bad.password = NULL;
    bad.token = (char[]){ QUICK };
    assert_null(auth_new(base, &c, &e));
    bad.token = (char[]){ "{sha256}secret" };
    assert_null(auth_new(base, &c, &e));
    assert_null(strstr(e.text, "secret"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, auth_make, auth_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_forms_are_taken_or_refused),
        cmocka_unit_test(every_cut_of_a_stored_form_is_refused),
        cmocka_unit_test(a_password_fits_its_stored_form_only),
        cmocka_unit_test(a_hashed_password_is_known_again),
        cmocka_unit_test(the_daemon_hashes_a_line),
        CASE(a_right_password_is_remembered),
        CASE(a_wrong_password_is_checked_each_time),
        CASE(an_unknown_name_is_worked_on_like_a_wrong_password),
        CASE(a_plain_password_is_compared_at_once),
        CASE(where_all_is_plain_an_unknown_name_is_refused_at_once),
        CASE(a_password_beyond_measure_is_refused_at_once),
        CASE(who_asks_the_same_shares_one_check),
        CASE(the_queue_has_an_end),
        CASE(who_has_gone_gets_no_answer),
        CASE(one_of_those_who_share_may_go),
        CASE(an_answer_may_ask_and_cancel),
        CASE(it_may_end_at_any_time),
        CASE(signals_stay_with_the_loop),
        CASE(a_token_is_the_account),
        CASE(a_form_of_the_other_kind_does_not_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
