/* SPDX-License-Identifier: ISC */
/* test_escape_libgw.c - our escape codes against smsbox's own.
 * Here:       random patterns and messages; both write the same URL.
 * Elsewhere:  %S with bytes that no URL holds, an open "%#", where we differ on purpose
 *             (test_escape.c).
 * Called by:  make check, where kannel-dev is installed.
 * Source:     Debian's libgw.a; needs the include paths and libraries of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "relay/escape.h"
#include <gwlib/gwlib.h>
#include <gw/msg.h>
#include <gw/urltrans.h>

#define ROUNDS 20000
#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

/* libgwlib.a was built with MySQL support and names its version at start. */
const char *mysql_get_client_info(void);
const char *mysql_get_client_info(void)
{
    return "none";
}

static uint32_t dice_state = 1; /* the same every run */

static uint32_t dice(uint32_t sides)
{
    dice_state = dice_state * 1664525U + 1013904223U;
    return (dice_state >> 8) % sides;
}

/* Any byte but NUL (Kannel's numbers are C strings), blanks often; is_url: printable
 * and of a URL, or a blank. */
static struct span random_text(char *room, uint32_t most, bool is_url)
{
    static const char url[] = "abcXYZ019-_.!~*'():/?#[]@$&+,;=%";
    static const char blanks[] = " \t\n\v\f\r";
    const uint32_t n = dice(most + 1);

    for (uint32_t i = 0; i < n; i++)
        if (dice(4) == 0)
            room[i] = blanks[dice(sizeof blanks - 1)];
        else
            room[i] = is_url ? url[dice(sizeof url - 1)] : (char)(1 + dice(255));
    return span_of(room, n);
}

static Octstr *octstr_of(struct span s)
{
    return octstr_create_from_data(s.n == 0 ? "" : s.p, (long)s.n);
}

static struct span random_pattern(char *room, size_t most)
{
    static const char codes[] = "aAbBcCdDefFiIkmMnoOpPqQrRsStTuvVxUgz1%";
    static const char *const metas_asked[] = { "%#g#k#", "%#H#key#" };
    const char *meta;
    size_t n = 0;

    for (uint32_t pieces = dice(12); pieces > 0 && n + 12 < most; pieces--)
        switch (dice(5)) {
        case 0:
            room[n++] = (char)(dice(2) == 0 ? 'a' + (char)dice(26) : '/');
            break;
        case 1:
            meta = metas_asked[dice(COUNT(metas_asked))];
            memcpy(room + n, meta, strlen(meta));
            n += strlen(meta);
            break;
        default:
            room[n++] = '%';
            room[n++] = codes[dice(sizeof codes - 1)];
        }
    if (dice(10) == 0)
        room[n++] = '%';
    return span_of(room, n);
}

static const char *const metas[] = {
    "",        "?g?k=1&",          "?h?key=a%20b+c&?g?j=0&k=%26&", "?G?k=x%2fy",
    "?g?K=2&", "?h?key=&?g?k=**&", "?other?k=1&?g?k=second&",      "?h?a=b&key=c%41&",
};

static struct escape_values random_values(char rooms[10][200])
{
    static const char *const charsets[] = { "", "UTF-8", "ISO-8859-1" };

    return (struct escape_values){
        .text = random_text(rooms[0], 100, true),
        .from = random_text(rooms[1], 20, false),
        .to = dice(2) == 0 ? span_str("00614") : random_text(rooms[2], 20, false),
        .smsc = random_text(rooms[3], 10, false),
        .foreign_id = random_text(rooms[4], 10, false),
        .service = random_text(rooms[5], 10, false),
        .account = random_text(rooms[6], 10, false),
        .binfo = random_text(rooms[7], 10, false),
        .dlr_url = random_text(rooms[8], 100, true),
        .charset = span_str(charsets[dice(COUNT(charsets))]),
        .meta_data = span_str(metas[dice(COUNT(metas))]),
        .time_s = dice(1U << 23) * 200U,
        .event = 1U << dice(5),
        .coding = (int32_t)dice(4) - 1,
        .mclass = (int32_t)dice(5) - 1,
    };
}

static Msg *msg_of(const struct escape_values *v, char id[UUID_STR_LEN + 1])
{
    Msg *const m = msg_create(sms);

    m->sms.msgdata = octstr_of(v->text);
    m->sms.receiver = octstr_of(v->from);
    m->sms.sender = octstr_of(v->to);
    m->sms.smsc_id = octstr_of(v->smsc);
    m->sms.foreign_id = octstr_of(v->foreign_id);
    m->sms.service = octstr_of(v->service);
    m->sms.account = octstr_of(v->account);
    m->sms.binfo = octstr_of(v->binfo);
    m->sms.dlr_url = octstr_of(v->dlr_url);
    m->sms.charset = octstr_of(v->charset);
    m->sms.meta_data = octstr_of(v->meta_data);
    m->sms.time = (long)v->time_s;
    m->sms.dlr_mask = (long)v->event;
    m->sms.coding = v->coding;
    m->sms.mclass = v->mclass;
    uuid_generate(m->sms.id);
    uuid_unparse(m->sms.id, id);
    return m;
}

static void the_same_url(void **state)
{
    char rooms[10][200], room[200], id[UUID_STR_LEN + 1];
    struct escape_values v;
    struct span pattern;
    Octstr *want, *their;
    struct buf url;
    Msg *m;

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        v = random_values(rooms);
        pattern = random_pattern(room, sizeof room);
        m = msg_of(&v, id);
        v.id = span_str(id);
        if (memchr(pattern.p, 'O', pattern.n) != NULL && v.coding < 0)
            m->sms.coding = v.coding = 0; /* their %O changes what %c says later */
        their = octstr_of(pattern);
        want = urltrans_fill_escape_codes(their, m);
        buf_init(&url, 100000);
        escape_url(pattern, &v, &url);
        assert_true(buf_ok(&url));
        if (!span_eq_str(buf_span(&url), octstr_get_cstr(want)))
            fail_msg("%s: %s, not %s", octstr_get_cstr(their), buf_cstr(&url),
                     octstr_get_cstr(want));
        buf_clear(&url);
        octstr_destroy(want);
        octstr_destroy(their);
        msg_destroy(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_same_url) };
    int failed;

    gwlib_init();
    log_set_output_level(GW_PANIC);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    gwlib_shutdown();
    return failed;
}
