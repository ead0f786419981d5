/* SPDX-License-Identifier: ISC */
/* test_keyword.c - which texts are a keyword and nothing else, cut after every byte.
 * Here:       rows: text, keyword, for every account.
 * Elsewhere:  what a keyword does (test_inbound.c, tests/scenario/stop-*.sh). */
#include "relay/keeper/keyword.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define WORDS(...)                                                                    \
    {                                                                                 \
        (char *[]){ __VA_ARGS__ }, sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *) \
    }
#define W(text) ((char *)(uintptr_t)(text))

static const struct config config = {
    .stop_words = WORDS(W("STOP"), W("Stopp"), W("ARRÊT"), W("ΤΈΛΟΣ"), W("توقف"),
                        W("退订"), W("STRASSE"), W("nicht  mehr")),
    .start_words = WORDS(W("START"), W("ابدأ")),
    .help_words = WORDS(W("HELP"), W("INFO"), W("مساعدة")),
    .wrong_words = WORDS(W("WRONG"), W("ERRÓNEO"), W("错误")),
    .all_words = WORDS(W("ALL"), W("ALLE"), W("الكل"), W("全部")),
};

static const struct {
    const char *text;
    enum keyword keyword;
    bool all;
} rows[] = {
    { "STOP", KEYWORD_STOP, false },
    { "stop", KEYWORD_STOP, false },
    { "Stop.", KEYWORD_STOP, false },
    { "sToP!", KEYWORD_STOP, false },
    { "STOP!!!", KEYWORD_STOP, false },
    { "stop .", KEYWORD_STOP, false },
    { " \r\n stop \t\n", KEYWORD_STOP, false },
    { "STOP\xc2\xa0", KEYWORD_STOP, false },     /* no-break space */
    { "\xe3\x80\x80STOP", KEYWORD_STOP, false }, /* ideographic space */
    { "\xe2\x80\x8bSTOP", KEYWORD_STOP, false }, /* zero width space */
    { "\xef\xbb\xbfSTOP", KEYWORD_STOP, false }, /* byte order mark */
    { "STOP", KEYWORD_STOP, false },             /* full width */
    { "STOPP", KEYWORD_STOP, false },
    { "arrêt", KEYWORD_STOP, false },
    { "arre\xcc\x82t", KEYWORD_STOP, false }, /* e, combining circumflex */
    { "ARRE\xcc\x82T", KEYWORD_STOP, false },
    { "arret", KEYWORD_NONE, false },  /* not in this list */
    { "τέλος", KEYWORD_STOP, false },  /* a final sigma */
    { "straße", KEYWORD_STOP, false }, /* folds to two letters */
    { "توقف", KEYWORD_STOP, false },
    { "\xe2\x80\x8fتوقف\xe2\x80\x8f", KEYWORD_STOP, false }, /* right-to-left marks */
    { "退订", KEYWORD_STOP, false },
    { "退订。", KEYWORD_STOP, false },
    { "退订!", KEYWORD_STOP, false },
    { "Nicht mehr", KEYWORD_STOP, false },
    { "nicht\nmehr!", KEYWORD_STOP, false },
    { "nichtmehr", KEYWORD_NONE, false },
    { "STOP ALL", KEYWORD_STOP, true },
    { "stopall", KEYWORD_STOP, true },
    { "Stop  all.", KEYWORD_STOP, true },
    { "stopp\nalle!", KEYWORD_STOP, true },
    { "STOPPALLE", KEYWORD_STOP, true },
    { "退订全部", KEYWORD_STOP, true },
    { "توقف الكل", KEYWORD_STOP, true },
    { "START ALL", KEYWORD_START, true },
    { "ابدأ", KEYWORD_START, false },
    { "help", KEYWORD_HELP, false },
    { "Info!", KEYWORD_HELP, false },
    { "مساعدة", KEYWORD_HELP, false },
    { "HELP ALL", KEYWORD_HELP, true },
    { "wrong", KEYWORD_WRONG, false },
    { "erróneo", KEYWORD_WRONG, false },
    { "错误全部", KEYWORD_WRONG, true },
    { "", KEYWORD_NONE, false },
    { ".", KEYWORD_NONE, false },
    { " ", KEYWORD_NONE, false },
    { "ALL", KEYWORD_NONE, false },
    { "ALL STOP", KEYWORD_NONE, false },
    { "STOP.ALL", KEYWORD_NONE, false },
    { "STOP it", KEYWORD_NONE, false },
    { "Please stop", KEYWORD_NONE, false },
    { "S T O P", KEYWORD_NONE, false },
    { "STOP STOP", KEYWORD_NONE, false },
    { "STOP ALL ALL", KEYWORD_NONE, false },
    { "STOP ALLES", KEYWORD_NONE, false },
    { "STOPS", KEYWORD_NONE, false },
    { ".STOP", KEYWORD_NONE, false },
    { "STO\xd0\xa0", KEYWORD_NONE, false }, /* a Cyrillic letter is another */
    { "STOP\xff", KEYWORD_NONE, false },
    { "\xed\xa0\x80", KEYWORD_NONE, false },
    { "stop                                                                           "
      "                                                                               "
      "                                           !",
      KEYWORD_NONE, false }, /* 201 bytes */
};

static enum keyword read_copy(const char *text, size_t n, bool *all)
{
    char *const exact = malloc(n > 0 ? n : 1);
    enum keyword found;

    assert_non_null(exact);
    memcpy(exact, text, n);
    found = keyword_read(&config, span_of(exact, n), all);
    free(exact);
    return found;
}

static void each_row_is_read(void **state)
{
    bool all;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const size_t n = strlen(rows[i].text);

        for (size_t cut = 0; cut < n; cut++)
            if (read_copy(rows[i].text, cut, &all) == KEYWORD_NONE)
                assert_false(all);
        all = !rows[i].all;
        if (read_copy(rows[i].text, n, &all) != rows[i].keyword || all != rows[i].all)
            fail_msg("row %zu: '%s'", i, rows[i].text);
    }
    assert_int_equal(read_copy("STOP\0", 5, &all), KEYWORD_NONE); /* NUL: no text */
}

static void no_list_is_no_keyword(void **state)
{
    const struct config empty = { 0 };
    bool all;

    (void)state;
    assert_int_equal(keyword_read(&empty, span_str("STOP"), &all), KEYWORD_NONE);
    assert_int_equal(keyword_read(&empty, span_of(NULL, 0), &all), KEYWORD_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_read),
        cmocka_unit_test(no_list_is_no_keyword),
    };

    return cmocka_run_group_tests_name("keyword", tests, NULL, NULL);
}
