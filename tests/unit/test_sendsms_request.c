/* SPDX-License-Identifier: ISC */
/* test_sendsms_request.c - what applications ask for, in each of their forms.
 * Here:       rows for queries, headers, forms, XML, JSON; refusals and their order;
 * texts and their lengths. Each form also cut after every byte, in a heap block of that
 * exact size. Elsewhere:  queries taken apart (test_http_pairs.c), smsbox itself
 *             (tests/scenario/sendsms-like-kannel.sh).
 * Called by:  make check. */
#include "plugin/sendsms_request.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ROWS(rows) (sizeof(rows) / sizeof(rows)[0])
#define BYTES(text) text, sizeof(text) - 1
#define TEN(x) x x x x x x x x x x

static void show_span(struct buf *b, const char *name, struct span s)
{
    if (s.p == NULL)
        return;
    buf_printf(b, " %s=", name);
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f)
            buf_put_u8(b, (uint8_t)s.p[i]);
        else
            buf_printf(b, "\\%02x", (unsigned char)s.p[i]);
}

static void show_int(struct buf *b, const char *name, int32_t value)
{
    if (value != SENDSMS_UNSET)
        buf_printf(b, " %s=%d", name, value);
}

/* show - what is there, in a fixed order, each behind a blank. */
static void show(const struct sendsms_request *r, struct buf *b)
{
    show_span(b, "user", r->username);
    show_span(b, "pass", r->password);
    show_span(b, "from", r->from);
    if (r->receivers != NULL)
        buf_put(b, " to");
    for (size_t i = 0; i < r->receiver_count; i++)
        show_span(b, "", r->receivers[i]);
    show_span(b, "text", r->text);
    show_span(b, "charset", r->charset);
    show_span(b, "udh", r->udh);
    show_span(b, "smsc", r->smsc);
    show_span(b, "url", r->dlr_url);
    show_span(b, "account", r->account);
    show_span(b, "binfo", r->binfo);
    show_span(b, "meta", r->meta_data);
    show_span(b, "subject", r->subject);
    show_span(b, "ref", r->reference);
    show_int(b, "mclass", r->mclass);
    show_int(b, "mwi", r->mwi);
    show_int(b, "coding", r->coding);
    show_int(b, "compress", r->compress);
    show_int(b, "pid", r->pid);
    show_int(b, "alt_dcs", r->alt_dcs);
    show_int(b, "rpi", r->rpi);
    show_int(b, "priority", r->priority);
    show_int(b, "validity", r->validity);
    show_int(b, "deferred", r->deferred);
    show_int(b, "mask", r->dlr_mask);
    show_int(b, "secure", r->secure);
    show_int(b, "expire", r->expire_s);
    if (r->default_coding != 0)
        buf_put(b, " octets");
    if (r->unsupported_type)
        buf_put(b, " unsupported");
    if (r->too_many_receivers)
        buf_put(b, " many");
}

static void expect_shown(const struct sendsms_request *r, const char *want,
                         const char *what)
{
    struct buf b;

    buf_init(&b, 1U << 20);
    show(r, &b);
    if (strcmp(buf_cstr(&b), want) != 0)
        fail_msg("%s\n%s, not\n%s", what, buf_cstr(&b), want);
    buf_clear(&b);
}

static char *heap(const char *text, size_t n)
{
    char *const block = malloc(n + 1);

    assert_non_null(block);
    memcpy(block + 1, text, n); /* exact at the end, never NULL at the start */
    return block;
}

static struct sendsms_refusal why;

/* use - everything that a door would do with it, so that a sanitizer sees it. */
static void use(const struct sendsms_request *r)
{
    struct sendsms_refusal ignored;
    struct buf b;
    int32_t coding;

    buf_init(&b, 1U << 20);
    show(r, &b);
    (void)sendsms_check_receivers(r, &ignored);
    (void)sendsms_check_udh(r, &ignored);
    (void)sendsms_check_fields(r, &ignored);
    (void)sendsms_text(r, &b, &ignored);
    buf_clear(&b);
    if (sendsms_msgdata(r, &coding, &b, &ignored) == 0) {
        (void)sendsms_count(coding, buf_span(&b), r->udh.n);
        (void)sendsms_piece(coding, buf_span(&b), r->udh.n);
    }
    buf_clear(&b);
}

/* -- queries */

static int take_query(struct sendsms_request *r, struct http_pairs *pairs,
                      struct span query)
{
    assert_int_equal(http_pairs_take(pairs, query), 0);
    return sendsms_take_query(r, pairs->pair, pairs->n, &why);
}

static void queries_are_read_like_smsbox(void **state)
{
    static const struct {
        const char *query, *shown;
    } rows[] = {
        { "", "" },
        { "username=u&password=p&from=1&to=2&text=hi",
          " user=u pass=p from=1 to =2 text=hi" },
        { "user=u&pass=p", " user=u pass=p" },
        { "user=x&username=u&pass=x&password=p", " user=u pass=p" },
        { "username=&user=u", " user=" },
        { "username=a&username=b", " user=a" },
        { "Username=a&TEXT=b", "" },
        { "to=+1+%092%0a3++", " to =1 =2 =3" },
        { "to=", "" },
        { "to=+", "" },
        { "to=1%00x", " to =1\\00x" },
        { "to=1,2;3", " to =1,2;3" },
        { "text=a%00b&udh=%05%00%03%01%01%01",
          " text=a\\00b udh=\\05\\00\\03\\01\\01\\01 octets" },
        { "udh=", " udh=" },
        { "udh=050003010101", " udh=050003010101 octets" },
        { "charset=UTF-8&smsc=S&account=a&binfo=b&meta-data=m",
          " charset=UTF-8 smsc=S account=a binfo=b meta=m" },
        { "dlr-url=u&dlrurl=x&dlr-mask=1&dlrmask=2", " url=u mask=1" },
        { "dlrurl=x&dlrmask=2", " url=x mask=2" },
        { "dlr-mask=a&dlrmask=2", "" },
        { "mclass=1&mwi=2&coding=0&compress=1&pid=3&alt-dcs=1&rpi=2&priority=3",
          " mclass=1 mwi=2 coding=0 compress=1 pid=3 alt_dcs=1 rpi=2 priority=3" },
        { "validity=10&deferred=20", " validity=10 deferred=20" },
        { "coding=-1&mclass=&pid=abc&rpi=+&mwi=-&priority=+%2b", "" },
        { "coding=2x&mclass=%202&pid=%2b3&rpi=-2", " mclass=2 coding=2 pid=3 rpi=-2" },
        { "coding=%00&mclass=1%002", " mclass=1" },
        { "coding=99999999999", " coding=1215752191" },
        { "coding=4294967296", " coding=0" },
        { "coding=9223372036854775806", " coding=-2" },
        { "coding=9223372036854775807&mclass=9223372036854775808", "" },
        { "coding=-9223372036854775808&mclass=-99999999999999999999999",
          " mclass=0 coding=0" },
        { "coding=-99999999999", " coding=-1215752191" },
        { "subject=s&reference=r&secure=yes&expire=60",
          " subject=s ref=r secure=1 expire=60" },
        { "secure=0&expire=2000000000", " secure=0 expire=-2" },
        { "secure=FALSE&expire=999999999", " secure=0 expire=999999999" },
        { "secure=maybe&expire=0", " secure=-2 expire=-2" },
        { "secure=&expire=", " secure=-2 expire=-2" },
        { "expire=-1", " expire=-2" },
        { "expire=1d", " expire=-2" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const size_t n = strlen(rows[i].query);

        for (size_t cut = 0; cut <= n; cut++) {
            char *const block = heap(rows[i].query, cut);
            struct sendsms_request r;
            struct http_pairs pairs;

            assert_int_equal(take_query(&r, &pairs, span_of(block + 1, cut)), 0);
            free(block);
            use(&r);
            if (cut == n)
                expect_shown(&r, rows[i].shown, rows[i].query);
            sendsms_request_clear(&r);
            http_pairs_clear(&pairs);
        }
    }
}

/* -- bodies */

/* take_post - headers as lines of text. */
static int take_post(struct sendsms_request *r, const char *lines, struct span body)
{
    struct http_pair headers[32];
    size_t count = 0;

    while (*lines != '\0') {
        const char *const colon = strchr(lines, ':'), *const end = strchr(lines, '\n');

        headers[count++] =
            (struct http_pair){ span_of(lines, (size_t)(colon - lines)),
                                span_of(colon + 1, (size_t)(end - colon - 1)) };
        lines = end + 1;
    }
    return sendsms_take_post(r, headers, count, body, &why);
}

#define PLAIN "Content-Type: text/plain\n"

static void headers_are_read_like_smsbox(void **state)
{
    static const struct {
        const char *headers, *shown; /* NULL: "Invalid content-type" */
    } rows[] = {
        { "", " text=hi octets" },
        { PLAIN, " text=hi charset=ISO-8859-1" },
        { PLAIN "x-kannel-USERNAME: u\nX-Kannel-Password:p \nX-Kannel-User: x\n",
          " user=u pass=p text=hi charset=ISO-8859-1" },
        { PLAIN "X-Kannel-From: 1\nX-Kannel-To: 2 3 \nX-Kannel-SMSC: s\n",
          " from=1 to =2 =3 text=hi charset=ISO-8859-1 smsc=s" },
        { PLAIN "X-Kannel-To: 1\nX-Kannel-To: 2\n",
          " to =2 text=hi charset=ISO-8859-1" },
        { PLAIN "X-Kannel-To: 1\nX-Kannel-To:\n", " text=hi charset=ISO-8859-1" },
        { PLAIN "X-Kannel-Coding: 1\nX-Kannel-Coding: x\n",
          " text=hi charset=ISO-8859-1 coding=1" },
        { PLAIN "X-Kannel-UDH: 0500030A01Ff\n",
          " text=hi charset=ISO-8859-1 udh=\\05\\00\\03\\0a\\01\xff" },
        { PLAIN "X-Kannel-UDH: 050\n", " text=hi charset=ISO-8859-1 udh=\\05" },
        { PLAIN "X-Kannel-UDH: %05%00+\n",
          " text=hi charset=ISO-8859-1 udh=\\05\\00 " },
        { PLAIN "X-Kannel-UDH: %zz\n", " text=hi charset=ISO-8859-1" },
        { PLAIN "X-Kannel-UDH: %0\n", " text=hi charset=ISO-8859-1" },
        { PLAIN "X-Kannel-UDH:\n", " text=hi charset=ISO-8859-1 udh=" },
        { PLAIN "X-Kannel-DLR-URL: u\nX-Kannel-DLR-Mask: 31\nX-Kannel-Account: a\n"
                "X-Kannel-BInfo: b\nX-Kannel-Meta-Data: m\n",
          " text=hi charset=ISO-8859-1 url=u account=a binfo=b meta=m mask=31" },
        { PLAIN "X-Kannel-MWI: 1\nX-Kannel-MClass: 2\nX-Kannel-PID: 3\n"
                "X-Kannel-Alt-DCS: 1\nX-Kannel-Compress: 0\nX-Kannel-RPI: 1\n"
                "X-Kannel-Priority: 2\nX-Kannel-Validity: 5\nX-Kannel-Deferred: 6\n",
          " text=hi charset=ISO-8859-1 mclass=2 mwi=1 compress=0 pid=3 alt_dcs=1 rpi=1"
          " priority=2 validity=5 deferred=6" },
        { PLAIN "X-Kannel-Text: x\nX-Kannel-Charset: x\nX-Kannel-Unknown: x\n"
                "X-Kannel-: x\nX-Kannel: x\nTo: x\nX_Kannel_To: x\n",
          " text=hi charset=ISO-8859-1" },
        { PLAIN "X-Sealpost-Subject: s\nX-Sealpost-Secure: yes\nX-Kannel-Reference: r\n"
                "X-Sealpost-Expire: 60\n",
          " text=hi charset=ISO-8859-1 subject=s ref=r secure=1 expire=60" },
        { "Content-Type: text/plain\nContent-Type: text/html\n",
          " text=hi charset=ISO-8859-1" },
        { "Content-Type: TEXT/Plain \n", " text=hi" },
        { "Content-Type: text/plain ; charset=utf-8\n", " text=hi charset=utf-8" },
        { "Content-Type: text/plain; charset=\"utf-8\"\n", " text=hi charset=utf-8" },
        { "Content-Type: text/plain; charset=\"\n", " text=hi charset=ISO-8859-1" },
        { "Content-Type: text/plain;\n", " text=hi charset=ISO-8859-1" },
        { "Content-Type: text/plain; format=flowed; charset=utf-8\n",
          " text=hi charset=flowed; charset=utf-8" },
        { "Content-Type: application/octet-stream\n", " text=hi octets" },
        { "Content-Type: application/octet-stream; charset=x\n",
          " text=hi charset=x octets" },
        { "Content-Type: text/html\n", " text=hi charset=ISO-8859-1 unsupported" },
        { "Content-Type: text/vnd.wap.wml\n",
          " text=hi charset=ISO-8859-1 unsupported" },
        { "Content-Type:\n", NULL },
        { "Content-Type: application/xml\n", NULL },
        { "Content-Type: application/json\n", NULL },
        { "Content-Type: text/plainer\n", NULL },
        { "Content-Type: multipart/form-data; boundary=b\n", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sendsms_request r;
        const int rc = take_post(&r, rows[i].headers, span_str("hi"));

        if (rc != (rows[i].shown == NULL ? -1 : 0))
            fail_msg("%s: %d", rows[i].headers, rc);
        if (rc == 0) {
            expect_shown(&r, rows[i].shown, rows[i].headers);
            assert_true(r.body_form);
        } else {
            assert_int_equal(why.status, 400);
            assert_string_equal(why.body, "Invalid content-type");
        }
        use(&r);
        sendsms_request_clear(&r);
    }
}

#define FORM "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\n"
#define XML "Content-Type: text/xml\n"
#define SUBMIT(x) "<message><submit>" x "</submit></message>"
#define SUBMIT_OPEN "<message><submit><da>"
#define SUBMIT_CLOSE "</da></submit></message>"
#define LATIN1 "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>"

static const struct {
    const char *headers, *body;
    size_t n;
    const char *shown;
} bodies[] = {
    { FORM, BYTES("username=u&password=p&to=1+2&text=a%00b&udh=%00"),
      " user=u pass=p to =1 =2 text=a\\00b udh=\\00 octets" },
    { FORM "X-Kannel-Username: x\n", BYTES(""), "" },
    { XML,
      BYTES(SUBMIT("<oa><number>9</number></oa><da><number> 1\n</number><number>2"
                   "</number></da><da><number>3</number></da><ud>hi</ud>")),
      " from=9 to =1 =2 =3 text=hi charset=UTF-8" },
    { XML,
      BYTES(SUBMIT("<from><user>u</user><pass>p</pass><account>a</account>"
                   "<binfo>b</binfo></from>")),
      " user=u pass=p account=a binfo=b" },
    { XML,
      BYTES(SUBMIT("<from><username>v</username><user>u</user><pass>p</pass>"
                   "<password>q</password></from>")),
      " user=v pass=q" },
    { XML, BYTES(SUBMIT("<from><user/><user>u</user></from>")), " user=" },
    { XML "X-Kannel-Username: x\n", BYTES(SUBMIT("")), "" },
    { XML,
      BYTES(SUBMIT("<smsc>s</smsc><to>t</to><pid>1</pid><rpi>2</rpi><dcs><mclass>1"
                   "</mclass><mwi>2</mwi><coding>0</coding><compress>1</compress>"
                   "<alt-dcs>1</alt-dcs></dcs><statusrequest><dlr-mask>31</dlr-mask>"
                   "<dlr-url>u</dlr-url></statusrequest><vp><delay>5</delay></vp>"
                   "<timing><delay>6</delay></timing><priority>3</priority>"
                   "<meta-data>m</meta-data>")),
      " smsc=s url=u meta=m mclass=1 mwi=2 coding=0 compress=1 pid=1 alt_dcs=1 rpi=2"
      " priority=3 validity=5 deferred=6 mask=31" },
    { XML, BYTES(SUBMIT("<to>t</to>")), " smsc=t" },
    { XML,
      BYTES(SUBMIT("<subject>s</subject><reference>r</reference><secure>yes</secure>"
                   "<expire>60</expire>")),
      " subject=s ref=r secure=1 expire=60" },
    /* numbers are XPath's */
    { XML, BYTES(SUBMIT("<pid> 1.9 </pid><rpi>1e0</rpi><priority>-1</priority>")),
      " pid=1 rpi=1" },
    { XML, BYTES(SUBMIT("<pid/><rpi>x</rpi><priority>+1</priority>")),
      " pid=-2147483648 rpi=-2147483648 priority=-2147483648" },
    { XML, BYTES(SUBMIT("<pid>1 2</pid><rpi>.</rpi><priority>0x1</priority>")),
      " pid=-2147483648 rpi=-2147483648 priority=-2147483648" },
    { XML,
      BYTES(SUBMIT("<pid>99999999999</pid><rpi>1e</rpi><priority>.5e1</priority>")),
      " pid=-2147483648 rpi=-2147483648 priority=5" },
    { XML, BYTES(SUBMIT("<pid>" TEN(TEN("1")) "</pid>")), " pid=-2147483648" },
    /* UDH */
    { XML, BYTES(SUBMIT("<udh>0500030A01Ff</udh>")), " udh=\\05\\00\\03\\0a\\01\xff" },
    { XML, BYTES(SUBMIT("<udh>%05%00+%zz</udh>")), " udh=\\05\\00 %zz" },
    { XML, BYTES(SUBMIT("<udh/>")), " udh=" },
    /* text */
    { XML, BYTES(SUBMIT("<ud> a%41+b%zz%4 </ud>")), " text=aA b%zz charset=UTF-8" },
    { XML, BYTES(SUBMIT("<ud type=\"binary\">6869</ud>")), " text=hi charset=UTF-8" },
    { XML, BYTES(SUBMIT("<ud a=\"b\" type=\" BINARY\">686</ud>")),
      " text=h charset=UTF-8" },
    { XML, BYTES(SUBMIT("<ud type=\"binary\">hi%41</ud>")),
      " text=hi%41 charset=UTF-8" },
    { XML, BYTES(SUBMIT("<ud type=\"text\">6869</ud>")), " text=6869 charset=UTF-8" },
    { XML, BYTES(SUBMIT("<ud>a &amp; b &#233;&#xE9;&lt;</ud>")),
      " text=a & b \xc3\xa9\xc3\xa9< charset=UTF-8" },
    { XML, BYTES(SUBMIT("<ud>a<b>c</b><![CDATA[<&>]]><!-- x --> d</ud>")),
      " text=ac<&> d charset=UTF-8" },
    { XML, BYTES(SUBMIT("<ud>one</ud><ud type=\"binary\">two</ud>")),
      " text=one charset=UTF-8" },
    { XML, BYTES(SUBMIT("<ud/><ud>two</ud>")), " text= charset=UTF-8" },
    { XML, BYTES(LATIN1 SUBMIT("<ud>caf\xe9</ud>")),
      " text=caf\xc3\xa9 charset=UTF-8" },
    { XML, BYTES(LATIN1 SUBMIT("<ud>caf%E9</ud>")),
      " text=caf\xe9 charset=ISO-8859-1" },
    { XML,
      BYTES("<?xml version=\"1.0\" encoding=\"windows-1251\"?>" SUBMIT(
          "<ud>\xcf\xf0</ud>")),
      " text=\xd0\x9f\xd1\x80 charset=UTF-8" },
    { XML,
      BYTES(
          "<?xml version=\"1.0\" encoding=\"utf-8\"?>" SUBMIT("<ud>caf\xc3\xa9</ud>")),
      " text=caf\xc3\xa9 charset=UTF-8" },
    /* receivers are text nodes */
    { XML, BYTES(SUBMIT("<da><number/></da>")), "" },
    { XML, BYTES(SUBMIT("<da/><number>1</number>")), "" },
    { XML, BYTES(SUBMIT("<da><number> </number></da>")), " to =" },
    { XML, BYTES(SUBMIT("<da><number>1 2</number></da>")), " to =1 2" },
    { XML, BYTES(SUBMIT("<da><number><b>1</b></number></da>")), "" },
    { XML, BYTES(SUBMIT("<da><number>1<b>x</b>2</number></da>")), " to =1 =2" },
    { XML, BYTES(SUBMIT("<da><number>1<!-- x -->2&#51;</number></da>")), " to =123" },
    { XML, BYTES(SUBMIT("<da><number><![CDATA[1]]></number></da>")), " to" },
    /* names nobody */
    { XML, BYTES("hi"), "" },
    { XML, BYTES(""), "" },
    { XML, BYTES("<message/>"), "" },
    { XML, BYTES("<a><submit><ud>hi</ud></submit></a>"), "" },
    { XML, BYTES("<message><submit><ud>hi</ud></message></submit>"), "" },
    { XML, BYTES(SUBMIT_OPEN "<number>1</number></da></message>"), "" },
    { XML, BYTES(SUBMIT("<ud>hi</ud>") "<a/>"), "" },
    { XML, BYTES(SUBMIT("<ud>caf\xe9</ud>")), "" },
    { XML, BYTES(SUBMIT("<ud>a\0b</ud>")), "" },
    { XML, BYTES(" <?xml version=\"1.0\"?>" SUBMIT("<ud>hi</ud>")), "" },
    { XML, BYTES("<?xml version=\"1.0\" encoding=\"nonsense\"?>" SUBMIT("<to>t</to>")),
      "" },
    { XML, BYTES("<?xml version=\"1.0\" encoding=\"EUC-JP\"?>" SUBMIT("<to>t</to>")),
      " smsc=t" },
    { XML,
      BYTES("<?xml version=\"1.0\" encoding=\"EUC-JP\"?>" SUBMIT("<to>\xa5\xc6</to>")),
      "" }, /* single bytes only */
    { XML, BYTES("<m:message xmlns:m=\"x\"><submit><to>t</to></submit></m:message>"),
      "" },
    { XML, BYTES("<!DOCTYPE message SYSTEM \"message.dtd\">" SUBMIT("<to>t</to>")),
      " smsc=t" },
    /* bombs */
    { XML, BYTES("<!DOCTYPE message [<!ENTITY e \"hi\">]>" SUBMIT("<to>&e;</to>")),
      "" },
    { XML,
      BYTES("<!DOCTYPE m [<!ENTITY a \"x\"><!ENTITY b \"&a;&a;\"><!ENTITY c "
            "\"&b;&b;\">]>" SUBMIT("<to>&c;</to>")),
      "" },
    { XML,
      BYTES("<!DOCTYPE m [<!ENTITY e SYSTEM \"file:///etc/hostname\">]>" SUBMIT(
          "<to>&e;</to>")),
      "" },
    { XML, BYTES("<!DOCTYPE m [<!ENTITY % e SYSTEM \"http://a/\"> %e;]>" SUBMIT("")),
      "" },
    { XML, BYTES(SUBMIT("<ud>" TEN("<b>") "x" TEN("</b>") "</ud>")),
      " text=x charset=UTF-8" },
    { XML,
      BYTES(SUBMIT("<ud>" TEN("<b>") "<b><b><b>x</b></b></b>" TEN("</b>") "</ud>")),
      " text=x charset=UTF-8" },
    { XML,
      BYTES(SUBMIT("<ud>" TEN("<b>") "<b><b><b><b>x</b></b></b></b>" TEN(
          "</b>") "</ud><to>t</to>")),
      "" },
    { XML, BYTES(TEN(TEN("<message><submit>"))), "" },
    { XML,
      BYTES("<" TEN(TEN("ab")) "><submit><to>t</to></submit></" TEN(TEN("ab")) ">"),
      "" },
    { XML,
      BYTES(SUBMIT("<" TEN(TEN("ab")) "><to>t</to></" TEN(TEN("ab")) "><to>u</to>")),
      " smsc=u" },
};

static void bodies_are_read_like_smsbox(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(bodies); i++)
        for (size_t cut = 0; cut <= bodies[i].n; cut++) {
            char *const block = heap(bodies[i].body, cut);
            struct sendsms_request r;

            assert_int_equal(take_post(&r, bodies[i].headers, span_of(block + 1, cut)),
                             0);
            use(&r);
            if (cut == bodies[i].n)
                expect_shown(&r, bodies[i].shown, bodies[i].body);
            else if (strncmp(bodies[i].headers, XML, sizeof XML - 1) == 0 &&
                     bodies[i].shown[0] != '\0')
                assert_null(r.text.p); /* all of a document, or nothing */
            sendsms_request_clear(&r);
            free(block);
        }
}

static void xml_in_utf16_is_read(void **state)
{
    static const char text[] = SUBMIT("<ud>\xe9</ud><to>t</to>");
    char body[2 * sizeof text];
    struct sendsms_request r;
    size_t n = 0;

    (void)state;
    body[n++] = '\xfe';
    body[n++] = '\xff';
    for (size_t i = 0; i + 1 < sizeof text; i++) {
        body[n++] = 0;
        body[n++] = text[i];
    }
    for (size_t cut = 0; cut <= n; cut++) {
        char *const block = heap(body, cut);

        assert_int_equal(take_post(&r, XML, span_of(block + 1, cut)), 0);
        expect_shown(&r, cut < n ? "" : " text=\xc3\xa9 charset=UTF-8 smsc=t",
                     "UTF-16");
        sendsms_request_clear(&r);
        free(block);
    }
}

/* -- JSON */

static void json_is_read(void **state)
{
    static const struct {
        const char *body, *shown; /* shown: a refusal, when it does not begin blank */
    } rows[] = {
        { "{}", " charset=UTF-8" },
        { "{\"to\":\"+61 4\",\"text\":\"h\\u00e9\"}",
          " to =+61 4 text=h\xc3\xa9 charset=UTF-8" },
        { "{\"to\":[\" 1 \",\"2\"],\"from\":\"f\",\"subject\":\"s\",\"reference\":"
          "\"r\"}",
          " from=f to =1 =2 charset=UTF-8 subject=s ref=r" },
        { "{\"to\":[]}", " to charset=UTF-8" },
        { "{\"to\":\"\"}", " to = charset=UTF-8" },
        { "{\"to\":null,\"text\":null,\"report\":null}", " charset=UTF-8" },
        { "{\"secure\":true,\"expire\":60}", " charset=UTF-8 secure=1 expire=60" },
        { "{\"secure\":false}", " charset=UTF-8 secure=0" },
        { "{\"report\":{\"url\":\"u\",\"mask\":3,\"x\":1}}",
          " charset=UTF-8 url=u mask=3" },
        { "{\"dlr-url\":\"u\",\"dlr-mask\":1,\"report\":{\"mask\":2}}",
          " charset=UTF-8 url=u mask=2" },
        { "{\"udh\":\"0500030a01FF\",\"coding\":1}",
          " charset=UTF-8 udh=\\05\\00\\03\\0a\\01\xff coding=1 octets" },
        { "{\"udh\":\"\"}", " charset=UTF-8 udh=" },
        { "{\"smsc\":\"s\",\"account\":\"a\",\"binfo\":\"b\",\"meta-data\":\"m\"}",
          " charset=UTF-8 smsc=s account=a binfo=b meta=m" },
        { "{\"mclass\":1,\"mwi\":2,\"compress\":0,\"pid\":3,\"alt-dcs\":1,\"rpi\":1,"
          "\"priority\":2,\"validity\":5,\"deferred\":-1}",
          " charset=UTF-8 mclass=1 mwi=2 compress=0 pid=3 alt_dcs=1 rpi=1 priority=2"
          " validity=5" },
        { "{\"username\":\"u\",\"password\":1,\"user\":2,\"charset\":\"x\",\"a\":[{}]}",
          " charset=UTF-8" },
        { "", "The body is not a JSON object." },
        { "[]", "The body is not a JSON object." },
        { "\"to\"", "The body is not a JSON object." },
        { "{\"to\":\"1\"}x", "The body is not a JSON object." },
        { "{\"to\":\"1\",\"to\":\"2\"}", "The body is not a JSON object." },
        { "{\"text\":\"a\\u0000b\"}", "The body is not a JSON object." },
        { "{\"text\":\"\xe9\"}", "The body is not a JSON object." },
        { TEN(TEN(TEN("["))), "The body is not a JSON object." },
        { TEN(TEN("{\"a\":")), "The body is not a JSON object." },
        { "{\"to\":1}", "The member to is not a string or an array of strings." },
        { "{\"to\":{}}", "The member to is not a string or an array of strings." },
        { "{\"to\":[1]}", "The member to is not a string or an array of strings." },
        { "{\"to\":[\"1\",null]}",
          "The member to is not a string or an array of strings." },
        { "{\"text\":1}", "The member text is not a string." },
        { "{\"from\":[\"1\"]}", "The member from is not a string." },
        { "{\"meta-data\":true}", "The member meta-data is not a string." },
        { "{\"secure\":\"yes\"}", "The member secure is not true or false." },
        { "{\"secure\":1}", "The member secure is not true or false." },
        { "{\"expire\":\"60\"}", "The member expire is not a number of seconds." },
        { "{\"expire\":0}", "The member expire is not a number of seconds." },
        { "{\"expire\":-1}", "The member expire is not a number of seconds." },
        { "{\"expire\":1.5}", "The member expire is not a number of seconds." },
        { "{\"expire\":2147483648}", "The member expire is not a number of seconds." },
        { "{\"coding\":\"1\"}", "The member coding is not an integer in its range." },
        { "{\"coding\":4294967296}",
          "The member coding is not an integer in its range." },
        { "{\"pid\":true}", "The member pid is not an integer in its range." },
        { "{\"report\":\"u\"}", "The member report is not an object." },
        { "{\"report\":{\"url\":1}}", "The member url is not a string." },
        { "{\"report\":{\"mask\":\"1\"}}",
          "The member mask is not an integer in its range." },
        { "{\"udh\":\"050\"}", "The member udh is not hex." },
        { "{\"udh\":\"0g\"}", "The member udh is not hex." },
        { "{\"udh\":1}", "The member udh is not a string." },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const size_t n = strlen(rows[i].body);
        const bool refused = rows[i].shown[0] != ' ';

        for (size_t cut = 0; cut <= n; cut++) {
            char *const block = heap(rows[i].body, cut);
            struct sendsms_request r;
            const int rc = sendsms_take_json(&r, span_of(block + 1, cut), &why);

            free(block); /* nothing is borrowed */
            if (cut == n ? refused : rows[i].body[n - 1] == '}')
                assert_int_equal(rc, -1);
            if (rc != 0) {
                assert_int_equal(why.status, 400);
                assert_null(strpbrk(why.body, "\"\\"));
            }
            if (cut == n && refused && strcmp(why.body, rows[i].shown) != 0)
                fail_msg("%s: %s", rows[i].body, why.body);
            use(&r);
            if (cut == n && !refused) {
                if (rc != 0)
                    fail_msg("%s: %s", rows[i].body, why.body);
                expect_shown(&r, rows[i].shown, rows[i].body);
            }
            sendsms_request_clear(&r);
        }
    }
}

/* -- refusals */

static void check_all(const struct sendsms_request *r)
{
    why = (struct sendsms_refusal){ 0 };
    if (sendsms_check_receivers(r, &why) == 0 && sendsms_check_udh(r, &why) == 0)
        (void)sendsms_check_fields(r, &why);
}

#define TO "to=1&"
#define A64 TEN("aaaaaa") "aaaa"
#define LONG(x) TEN(TEN(TEN(x)))

static void refusals_are_those_of_smsbox(void **state)
{
    static const struct {
        const char *query, *refusal; /* "": none */
    } rows[] = {
        { TO, "" },
        { "", "Missing receiver number, rejected" },
        { "to=", "Empty receiver number not allowed, rejected" },
        { "to=+", "" }, /* none, which the door says */
        { TO "udh=%05%00%03%01%01%01", "" },
        { TO "udh=", "" },
        { TO "udh=%00", "" },
        { TO "udh=%01", "UDH field misformed, rejected" },
        { TO "udh=%00%00", "UDH field misformed, rejected" },
        { TO "udh=" A64 TEN("aaa"), "UDH field misformed, rejected" },
        { TO "udh=%8b" A64 A64 TEN("a") "a", "" },
        { TO "udh=%8c" A64 A64 TEN("a") "aa", "UDH field is too long, rejected" },
        { TO "account=" A64, "" },
        { TO "account=" A64 "a", "Account field misformed or too long, rejected" },
        { TO "account=a[", "Account field misformed or too long, rejected" },
        { TO "account=]", "Account field misformed or too long, rejected" },
        { TO "account=a%0d", "Account field misformed or too long, rejected" },
        { TO "account=a%0ab", "Account field misformed or too long, rejected" },
        { TO "dlr-url=", "" },
        { TO "dlr-url=http://a", "" },
        { TO "dlr-url=HTTPS://", "" },
        { TO "dlr-url=http://", "DLR-URL field misformed, rejected" },
        { TO "dlr-url=https:/a", "DLR-URL field misformed, rejected" },
        { TO "dlr-url=ftp://abc", "DLR-URL field misformed, rejected" },
        { TO "dlr-mask=66", "" },
        { TO "dlr-mask=-1", "" },
        { TO "dlr-mask=67", "DLR-Mask field misformed, rejected" },
        { TO "dlr-mask=-2", "DLR-Mask field misformed, rejected" },
        { TO "mclass=3", "" },
        { TO "mclass=4", "MClass field misformed, rejected" },
        { TO "mclass=-2", "MClass field misformed, rejected" },
        { TO "pid=255", "" },
        { TO "pid=256", "PID field misformed, rejected" },
        { TO "rpi=2", "" },
        { TO "rpi=3", "RPI field misformed, rejected" },
        { TO "alt-dcs=1", "" },
        { TO "alt-dcs=2", "Alt-DCS field misformed, rejected" },
        { TO "mwi=7", "" },
        { TO "mwi=8", "MWI field misformed, rejected" },
        { TO "coding=2", "" },
        { TO "coding=3", "Coding field misformed, rejected" },
        { TO "compress=1", "" },
        { TO "compress=2", "Compress field misformed, rejected" },
        { TO "validity=2147483647", "" },
        { TO "validity=-2", "Validity field misformed, rejected" },
        { TO "deferred=0", "" },
        { TO "deferred=-2", "Deferred field misformed, rejected" },
        { TO "priority=3", "" },
        { TO "priority=4", "Priority field misformed, rejected" },
        { TO "subject=" LONG("a") "a", "Subject field too long, rejected" },
        { TO "reference=" A64 A64 A64 A64, "Reference field too long, rejected" },
        { TO "secure=x", "Secure field misformed, rejected" },
        { TO "expire=x", "Expire field misformed, rejected" },
        /* the first of two, in the order that smsbox has */
        { "udh=%01", "Missing receiver number, rejected" },
        { TO "account=[&udh=%01", "UDH field misformed, rejected" },
        { TO "dlr-url=x&account=[", "Account field misformed or too long, rejected" },
        { TO "dlr-mask=67&dlr-url=x", "DLR-URL field misformed, rejected" },
        { TO "mclass=4&dlr-mask=67", "DLR-Mask field misformed, rejected" },
        { TO "pid=256&mclass=4", "MClass field misformed, rejected" },
        { TO "rpi=3&pid=256", "PID field misformed, rejected" },
        { TO "alt-dcs=2&rpi=3", "RPI field misformed, rejected" },
        { TO "mwi=8&alt-dcs=2", "Alt-DCS field misformed, rejected" },
        { TO "coding=3&mwi=8", "MWI field misformed, rejected" },
        { TO "compress=2&coding=3", "Coding field misformed, rejected" },
        { TO "validity=-2&compress=2", "Compress field misformed, rejected" },
        { TO "deferred=-2&validity=-2", "Validity field misformed, rejected" },
        { TO "priority=4&deferred=-2", "Deferred field misformed, rejected" },
        { TO "secure=x&priority=4", "Priority field misformed, rejected" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sendsms_request r;
        struct http_pairs pairs;

        assert_int_equal(take_query(&r, &pairs, span_str(rows[i].query)), 0);
        check_all(&r);
        if (strcmp(why.body, rows[i].refusal) != 0)
            fail_msg("%.100s: %s", rows[i].query, why.body);
        assert_int_equal(why.status, rows[i].refusal[0] == '\0' ? 0 : 400);
        sendsms_request_clear(&r);
        http_pairs_clear(&pairs);
    }
}

static void fields_fit_into_an_sms(void **state)
{
    static char bytes[SMS_FIELD_MAX + 1];
    struct sendsms_request r;

    (void)state;
    for (size_t n = SMS_FIELD_MAX; n <= sizeof bytes; n++) {
        const bool fits = n == SMS_FIELD_MAX;

        (void)sendsms_take_query(&r, NULL, 0, &why);
        r.to = span_str("1");
        r.binfo = span_of(bytes, n);
        check_all(&r);
        assert_string_equal(why.body, fits ? "" : "BInfo field too long, rejected");
        r.binfo.n = 0;
        r.meta_data = span_of(bytes, n);
        check_all(&r);
        assert_string_equal(why.body, fits ? "" : "Meta-Data field too long, rejected");
        sendsms_request_clear(&r);
    }
}

static void json_is_not_deep(void **state)
{
    const size_t n = 100000;
    char *const body = malloc(n);
    struct sendsms_request r;

    (void)state;
    assert_non_null(body);
    memset(body, '[', n);
    memcpy(body, "{\"a\":", 5);
    assert_int_equal(sendsms_take_json(&r, span_of(body, n), &why), -1);
    sendsms_request_clear(&r);
    free(body);
}

static void bodies_miss_receivers_in_other_words(void **state)
{
    static const struct {
        const char *headers, *body;
        int status;
        const char *refusal;
    } rows[] = {
        { PLAIN, "hi", 400, "Missing receiver(s) number(s), rejected" },
        { PLAIN "X-Kannel-To: \n", "hi", 400,
          "Empty receiver number not allowed, rejected" },
        { PLAIN "X-Kannel-To: 1\n", "hi", 0, "" },
        { "Content-Type: text/html\n", "hi", 400,
          "Missing receiver(s) number(s), rejected" },
        { "Content-Type: text/html\nX-Kannel-To: 1\n", "hi", 415,
          "Unsupported content-type, rejected" },
        { XML, SUBMIT(""), 400, "Missing receiver(s) number(s), rejected" },
        { XML, SUBMIT("<da><number/></da>"), 400,
          "Missing receiver(s) number(s), rejected" },
        { XML, SUBMIT("<da><number> </number></da>"), 0, "" },
        { XML, SUBMIT("<da><number><![CDATA[1]]></number></da>"), 0, "" },
        { FORM, "text=hi", 400, "Missing receiver number, rejected" },
    };
    struct sendsms_request r;

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        assert_int_equal(take_post(&r, rows[i].headers, span_str(rows[i].body)), 0);
        check_all(&r);
        if (strcmp(why.body, rows[i].refusal) != 0)
            fail_msg("%s%s: %s", rows[i].headers, rows[i].body, why.body);
        assert_int_equal(why.status, rows[i].status);
        sendsms_request_clear(&r);
    }
    for (int empty = 0; empty < 2; empty++) {
        const char *const body = empty == 0 ? "{}" : "{\"to\":[]}";

        assert_int_equal(sendsms_take_json(&r, span_str(body), &why), 0);
        check_all(&r);
        assert_string_equal(why.body,
                            empty == 0 ? "Missing receiver number, rejected"
                                       : "Empty receiver number not allowed, rejected");
        sendsms_request_clear(&r);
    }
}

static void receivers_are_bounded(void **state)
{
    static const struct {
        const char *before, *one, *behind;
        const char *headers; /* NULL: JSON */
    } forms[] = {
        { "to=1", "+2", "", FORM },
        { SUBMIT_OPEN "<number>1</number>", "<number>2</number>", SUBMIT_CLOSE, XML },
        { "{\"to\":[\"1\"", ",\"2\"", "]}", NULL },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(forms); i++)
        for (size_t count = SENDSMS_RECEIVERS_MAX - 1; count <= SENDSMS_RECEIVERS_MAX;
             count++) {
            struct sendsms_request r;
            struct buf b;
            int rc;

            buf_init(&b, 1U << 20);
            buf_put(&b, forms[i].before);
            for (size_t k = 0; k < count; k++)
                buf_put(&b, forms[i].one);
            buf_put(&b, forms[i].behind);
            rc = forms[i].headers == NULL
                     ? sendsms_take_json(&r, buf_span(&b), &why)
                     : take_post(&r, forms[i].headers, buf_span(&b));
            assert_int_equal(rc, 0);
            assert_int_equal(r.receiver_count, SENDSMS_RECEIVERS_MAX);
            assert_true(span_eq_str(r.receivers[0], "1"));
            assert_true(span_eq_str(r.receivers[r.receiver_count - 1], "2"));
            check_all(&r);
            assert_string_equal(why.body, count < SENDSMS_RECEIVERS_MAX
                                              ? ""
                                              : "Too many receivers, rejected");
            sendsms_request_clear(&r);
            buf_clear(&b);
        }
}

static void receivers_are_bounded_in_bytes(void **state)
{
    static const char *const forms[][2] = {
        { FORM, "to=%s" },
        { XML, SUBMIT_OPEN "<number>%s</number>" SUBMIT_CLOSE },
        { NULL, "{\"to\":\"%s\"}" },
    };
    char *const number = calloc(SENDSMS_TO_MAX + 2, 1);

    (void)state;
    assert_non_null(number);
    for (size_t i = 0; i < ROWS(forms); i++)
        for (size_t n = SENDSMS_TO_MAX; n <= SENDSMS_TO_MAX + 1; n++) {
            struct sendsms_request r;
            struct buf b;

            memset(number, '1', n);
            number[n] = '\0';
            buf_init(&b, 1U << 20);
            buf_put_mem(&b, forms[i][1],
                        (size_t)(strchr(forms[i][1], '%') - forms[i][1]));
            buf_put(&b, number);
            buf_put(&b, strchr(forms[i][1], '%') + 2);
            assert_int_equal(forms[i][0] == NULL
                                 ? sendsms_take_json(&r, buf_span(&b), &why)
                                 : take_post(&r, forms[i][0], buf_span(&b)),
                             0);
            check_all(&r);
            assert_string_equal(
                why.body, n > SENDSMS_TO_MAX ? "Too many receivers, rejected" : "");
            sendsms_request_clear(&r);
            buf_clear(&b);
        }
    free(number);
}

/* -- texts */

#define SPAN_OR_NONE(s) ((s) == NULL ? span_of(NULL, 0) : span_str(s))

static void texts_are_converted(void **state)
{
    static const struct {
        const char *charset;
        int32_t coding, coding_out; /* -2: no such charset, or misformed */
        const char *in;
        size_t in_n;
        const char *out;
        size_t out_n;
    } rows[] = {
        { NULL, -1, 0, BYTES("hi"), BYTES("hi") },
        { NULL, -1, 0, BYTES(""), BYTES("") },
        { NULL, -1, 0, BYTES("a\r\n"), BYTES("a\r\n") },
        { NULL, 0, 0, BYTES("a\0b\x1b"), BYTES("a?b?") },
        { NULL, -1, 0, BYTES("a\0b"), BYTES("a?b") },
        { NULL, -1, 0, BYTES("\t\n\f\r\x01\x1f\x7f"), BYTES(" \n\f\r???") },
        { NULL, 1, 1, BYTES("\t\x01"), BYTES("\t\x01") },
        { NULL, 2, 2, BYTES("\0\t"), BYTES("\0\t") },
        { NULL, -1, 0, BYTES("caf\xc3\xa9 \xe2\x82\xac"),
          BYTES("caf\xc3\xa9 \xe2\x82\xac") },
        { NULL, -1, -1, BYTES("\xd0\x9f"), BYTES("\xd0\x9f") },
        { NULL, 0, 0, BYTES("\xd0\x9f"), BYTES("\xd0\x9f") },
        { NULL, 0, 0, BYTES("a\xff\xc3"), BYTES("a??") },
        { NULL, 1, 1, BYTES("\x00\xff"), BYTES("\x00\xff") },
        { NULL, 2, 2, BYTES("\x04\x1f"), BYTES("\x04\x1f") },
        { NULL, 2, -2, BYTES("\x04\x1f\x04"), BYTES("") },
        { "", 2, 2, BYTES("\x04\x1f"), BYTES("\x04\x1f") },
        { "", 0, 0, BYTES("hi"), BYTES("hi") },
        { "UTF-8", 2, 2, BYTES("\xd0\x9f"), BYTES("\x04\x1f") },
        { "utf8", 2, 2, BYTES("\xf0\x9f\x98\x80"), BYTES("\xd8\x3d\xde\x00") },
        { "UTF-8", 2, 2,
          BYTES("a\xff"
                "b"),
          BYTES("\0a\0?\0b") },
        { "UTF-8", 2, 2, BYTES(""), BYTES("") },
        { "UTF-8", -1, -1, BYTES("\xd0\x9f"), BYTES("\xd0\x9f") },
        { "iso-8859-1", -1, 0, BYTES("caf\xe9"), BYTES("caf\xc3\xa9") },
        { "ISO-8859-1//TRANSLIT", 0, 0, BYTES("caf\xe9"), BYTES("caf\xc3\xa9") },
        { "Latin1", 2, 2, BYTES("\xe9"), BYTES("\0\xe9") },
        { "ISO-8859-15", -1, 0, BYTES("\xa4"), BYTES("\xe2\x82\xac") },
        { "windows-1252", -1, 0, BYTES("\x80\x81"), BYTES("\xe2\x82\xac?") },
        { "WINDOWS-1251", -1, -1, BYTES("\xcf"), BYTES("\xd0\x9f") },
        { "US-ASCII", 0, 0, BYTES("caf\xe9!"), BYTES("caf?!") },
        { "UTF-16BE", 0, 0, BYTES("\0h\xd8\x00\0i"), BYTES("h?i") },
        { "UTF-16BE", 0, 0, BYTES("\0h\0"), BYTES("h?") },
        { "UTF-16BE", 2, 2, BYTES("\0h"), BYTES("\0h") },
        { "UTF-16", 0, 0, BYTES("\xfe\xff\x04\x1f"), BYTES("\xd0\x9f") },
        { "Shift_JIS", -1, -1, BYTES("\x83\x65"), BYTES("\xe3\x83\x86") },
        { "Shift_JIS", 0, 0, BYTES("a\x83"), BYTES("a?") },
        { "ISO-2022-JP", 0, 0, BYTES("\x1b$B%F\x1b(B!"), BYTES("\xe3\x83\x86!") },
        { "UTF-7", 0, 0, BYTES("a+BB8-"), BYTES("a\xd0\x9f") },
        { "nonsense", -1, -2, BYTES("hi"), BYTES("") },
        { "nonsense", 2, -2, BYTES("hi"), BYTES("") },
        { "nonsense", 1, 1, BYTES("hi"), BYTES("hi") },
        { "nonsense", 0, 0, BYTES(""), BYTES("") },
        { "UTF-8 UTF-16", 0, -2, BYTES("hi"), BYTES("") },
        { "GSM", 0, -2, BYTES("hi"), BYTES("") },
        { "/", 0, -2, BYTES("hi"), BYTES("") },
        { "x" TEN("aaaaaaaaaa"), 0, -2, BYTES("hi"), BYTES("") },
    };

    (void)state;
    sendsms_text_start();
    for (size_t i = 0; i < ROWS(rows); i++)
        for (size_t cut = 0; cut <= rows[i].in_n; cut++) {
            char *const block = heap(rows[i].in, cut);
            struct sendsms_request r;
            struct buf out;
            int32_t coding = 77;
            int rc;

            (void)sendsms_take_query(&r, NULL, 0, &why);
            r.charset = SPAN_OR_NONE(rows[i].charset);
            r.coding = rows[i].coding;
            r.text = span_of(block + 1, cut);
            buf_init(&out, 1000);
            rc = sendsms_msgdata(&r, &coding, &out, &why);
            if (cut == rows[i].in_n) {
                if (rc != (rows[i].coding_out == -2 ? -1 : 0) ||
                    (rc == 0 &&
                     (coding != rows[i].coding_out ||
                      !span_eq(buf_span(&out), span_of(rows[i].out, rows[i].out_n)))))
                    fail_msg("row %zu: %d %d %s", i, rc, coding, buf_cstr(&out));
                if (rc != 0) {
                    assert_int_equal(why.status, 400);
                    assert_string_equal(why.body,
                                        "Charset or body misformed, rejected");
                }
            }
            buf_clear(&out);
            sendsms_request_clear(&r);
            free(block);
        }
}

static void long_texts_are_refused(void **state)
{
    static const int32_t codings[] = { -1, 0, 1, 2 };
    struct sendsms_request r;
    struct buf out;
    int32_t coding;

    (void)state;
    (void)sendsms_take_query(&r, NULL, 0, &why);
    r.charset = span_str("UTF-8");
    r.text = span_str("12345678901");
    for (size_t i = 0; i < ROWS(codings); i++) {
        r.coding = codings[i];
        buf_init(&out, r.coding == 2 ? 21 : 10);
        assert_int_equal(sendsms_msgdata(&r, &coding, &out, &why), -1);
        assert_string_equal(why.body, "Message too long, rejected");
        buf_clear(&out);
    }
    sendsms_request_clear(&r);
}

static void a_refused_text_leaves_nothing_behind(void **state)
{
    struct sendsms_request r;
    struct buf out;
    int32_t coding;

    (void)state;
    (void)sendsms_take_query(&r, NULL, 0, &why);
    r.charset = span_str("ISO-2022-JP");
    r.text = span_str("\x1b$B%F%F"); /* and no way back to ASCII */
    buf_init(&out, 3);
    assert_int_equal(sendsms_msgdata(&r, &coding, &out, &why), -1);
    buf_clear(&out);
    r.text = span_str("%F");
    assert_int_equal(sendsms_msgdata(&r, &coding, &out, &why), 0);
    assert_string_equal(buf_cstr(&out), "%F");
    buf_clear(&out);
    sendsms_request_clear(&r);
}

static void secured_texts_are_utf8(void **state)
{
    static const struct {
        const char *query, *text; /* text: a refusal, when it ends with "rejected" */
    } rows[] = {
        { "text=hi", "hi" },
        { "", "" },
        { "text=%D0%9F&coding=0", "\xd0\x9f" },
        { "text=caf%E9&charset=latin1", "caf\xc3\xa9" },
        { "text=caf%E9&charset=latin1&coding=2", "caf\xc3\xa9" },
        { "text=%04%1F%D8%3D%DE%00&coding=2", "\xd0\x9f\xf0\x9f\x98\x80" },
        { "text=%04&coding=2", "Charset or body misformed, rejected" },
        { "text=hi&charset=x", "Charset or body misformed, rejected" },
        { "text=hi&coding=1", "Binary SMS cannot be secured, rejected" },
        { "text=hi&udh=%00", "Binary SMS cannot be secured, rejected" },
        { "text=hi&udh=%00&coding=0", "Binary SMS cannot be secured, rejected" },
        { "text=hi&udh=", "hi" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct sendsms_request r;
        struct http_pairs pairs;
        struct buf out;

        assert_int_equal(take_query(&r, &pairs, span_str(rows[i].query)), 0);
        buf_init(&out, 1000);
        if (sendsms_text(&r, &out, &why) == 0)
            assert_string_equal(buf_cstr(&out), rows[i].text);
        else
            assert_string_equal(why.body, rows[i].text);
        buf_clear(&out);
        sendsms_request_clear(&r);
        http_pairs_clear(&pairs);
    }
}

static void octets_by_default_cannot_be_secured(void **state)
{
    struct sendsms_request r;
    struct buf out;
    int32_t coding;

    (void)state;
    buf_init(&out, 1000);
    assert_int_equal(take_post(&r, "", span_str("\xff")), 0);
    assert_int_equal(sendsms_msgdata(&r, &coding, &out, &why), 0);
    assert_int_equal(coding, 1);
    assert_string_equal(buf_cstr(&out), "\xff");
    assert_int_equal(sendsms_text(&r, &out, &why), -1);
    sendsms_request_clear(&r);
    buf_clear(&out);

    /* In a body of text, unlike in a query, a UDH makes no octets. */
    assert_int_equal(take_post(&r, PLAIN "X-Kannel-UDH: 00\n", span_str("\xe9")), 0);
    assert_int_equal(sendsms_msgdata(&r, &coding, &out, &why), 0);
    assert_int_equal(coding, 0);
    assert_string_equal(buf_cstr(&out), "\xc3\xa9");
    sendsms_request_clear(&r);
    buf_clear(&out);
}

static void texts_are_measured(void **state)
{
    static const struct {
        int32_t coding;
        const char *one;
        size_t one_n, times, udh;
        unsigned count;
        size_t piece; /* bytes */
    } rows[] = {
        { 0, BYTES("a"), 0, 0, 1, 0 },
        { 0, BYTES("a"), 160, 0, 1, 160 },
        { 0, BYTES("a"), 161, 0, 2, 160 },
        { 0, BYTES("a"), 306, 0, 2, 160 },
        { 0, BYTES("a"), 307, 0, 3, 160 },
        { 0, BYTES("\xe2\x82\xac"), 80, 0, 1, 240 },
        { 0, BYTES("\xe2\x82\xac"), 81, 0, 2, 240 },
        { 0, BYTES("\xe2\x82\xac"), 153, 0, 3, 240 }, /* 76 in each: no half */
        { 0, BYTES("\xd0\x9f"), 160, 0, 1, 320 },     /* a "?" each */
        { 0, BYTES("\xf0\x9f\x98\x80"), 161, 0, 2, 640 },
        { -1, BYTES("a"), 160, 0, 1, 160 },
        { -1, BYTES("\xd0\x9f"), 70, 0, 1, 140 },
        { -1, BYTES("\xd0\x9f"), 71, 0, 2, 140 },
        { -1, BYTES("\xd0\x9f"), 134, 0, 2, 140 },
        { -1, BYTES("\xd0\x9f"), 135, 0, 3, 140 },
        { -1, BYTES("\xf0\x9f\x98\x80"), 35, 0, 1, 140 },
        { -1, BYTES("\xf0\x9f\x98\x80"), 67, 0, 3, 140 }, /* 33 in each */
        { 2, BYTES("\x04\x1f"), 70, 0, 1, 140 },
        { 2, BYTES("\x04\x1f"), 71, 0, 2, 140 },
        { 2, BYTES("\xd8\x3d\xde\x00"), 67, 0, 3, 140 },
        { 2, BYTES("\xd8\x3d\xde\x00\x04\x1f"), 24, 0, 2, 138 },
        { 1, BYTES("\xff"), 140, 0, 1, 140 },
        { 1, BYTES("\xff"), 141, 0, 2, 140 },
        { 1, BYTES("\xff"), 268, 0, 2, 140 },
        { 1, BYTES("\xff"), 269, 0, 3, 140 },
        { 1, BYTES("\xff"), 133, 7, 1, 133 },
        { 1, BYTES("\xff"), 134, 7, 2, 133 },
        { 1, BYTES("\xff"), 257, 7, 3, 133 }, /* 128 in each */
        { 0, BYTES("a"), 152, 7, 1, 152 },
        { 0, BYTES("a"), 153, 7, 2, 152 },
        /* as much UDH as leaves room for the text, for a part of it, for nothing */
        { 1, BYTES("\xff"), 3, 137, 1, 3 },
        { 1, BYTES("\xff"), 3, 138, 0, 2 },
        { 1, BYTES("\xff"), 140, 134, 140, 6 },
        { 1, BYTES("\xff"), 140, 135, 0, 5 },
        { 1, BYTES("\xff"), 3, 140, 0, 0 },
        { 1, BYTES("\xff"), 3, 1000, 0, 0 },
        { 1, BYTES("\xff"), 0, 140, 1, 0 },
        { 0, BYTES("a"), 1, 139, 1, 1 },
        { 0, BYTES("\xe2\x82\xac"), 1, 139, 0, 0 },
        { 0, BYTES("\xe2\x82\xac"), 1, 138, 1, 3 },
        { 2, BYTES("\x04\x1f"), 1, 138, 1, 2 },
        { 2, BYTES("\x04\x1f"), 1, 139, 0, 0 },
        { 2, BYTES("\xd8\x3d\xde\x00"), 1, 137, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct buf b;
        size_t at = 0, pieces = 0, piece;

        buf_init(&b, 10000);
        for (size_t k = 0; k < rows[i].times; k++)
            buf_put_mem(&b, rows[i].one, rows[i].one_n);
        if (sendsms_count(rows[i].coding, buf_span(&b), rows[i].udh) != rows[i].count ||
            sendsms_piece(rows[i].coding, buf_span(&b), rows[i].udh) != rows[i].piece)
            fail_msg("row %zu: %u %zu", i,
                     sendsms_count(rows[i].coding, buf_span(&b), rows[i].udh),
                     sendsms_piece(rows[i].coding, buf_span(&b), rows[i].udh));
        if (rows[i].udh == 0 && rows[i].coding == -1 && b.n > 0)
            assert_int_equal(rows[i].count, sms_parts(buf_span(&b)));
        for (; at < b.n; at += piece, pieces++) {
            char *const rest = heap(b.p + at, b.n - at);

            piece =
                sendsms_piece(rows[i].coding, span_of(rest + 1, b.n - at), rows[i].udh);
            free(rest);
            assert_true(piece <= b.n - at);
            if (piece == 0)
                break;
            assert_true(rows[i].coding == 1 || rows[i].one_n == 6 ||
                        piece % rows[i].one_n == 0);
        }
        if (rows[i].count > 0)
            assert_true(at == b.n && pieces <= rows[i].count);
        buf_clear(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_are_read_like_smsbox),
        cmocka_unit_test(headers_are_read_like_smsbox),
        cmocka_unit_test(bodies_are_read_like_smsbox),
        cmocka_unit_test(xml_in_utf16_is_read),
        cmocka_unit_test(json_is_read),
        cmocka_unit_test(refusals_are_those_of_smsbox),
        cmocka_unit_test(fields_fit_into_an_sms),
        cmocka_unit_test(json_is_not_deep),
        cmocka_unit_test(bodies_miss_receivers_in_other_words),
        cmocka_unit_test(receivers_are_bounded),
        cmocka_unit_test(receivers_are_bounded_in_bytes),
        cmocka_unit_test(texts_are_converted),
        cmocka_unit_test(long_texts_are_refused),
        cmocka_unit_test(a_refused_text_leaves_nothing_behind),
        cmocka_unit_test(secured_texts_are_utf8),
        cmocka_unit_test(octets_by_default_cannot_be_secured),
        cmocka_unit_test(texts_are_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
