# SPDX-License-Identifier: ISC
"""kannel_requests.py - what an application may ask Kannel's HTTP interface, as data.

Here:       the accounts, as sendsms-users of smsbox and as accounts of Sealpost; the
            requests; the differences that are meant.
Elsewhere:  sending them and comparing the answers (kannel_compare.py); what smsbox
            answers: nowhere, it is asked in each run.
Called by:  kannel_compare.py.
Source:     Kannel's user guide, "SMS Push (sendsms)"; requests that smsbox.c treats
            apart.

Placeholders in a request: {to} a receiver of its own (so that SMS and callbacks tell
which request they come from), {to2} another, {local} the first as it is dialled in
Australia, {app} host and port of an application's HTTP server.
"""
import typing
import urllib.parse


class Account(typing.NamedTuple):
    """Defaults differ: smsbox's are one message and no concatenation."""

    user: str
    password: str
    smsbox: str  # lines of its group = sendsms-user
    sealpost: str  # words in its account; None: there is no such account


class Request(typing.NamedTuple):
    name: str
    method: str
    target: str  # as sent; latin-1, so that any byte can be told
    headers: list  # lines, latin-1; Host, Content-Length and Connection are added
    body: bytes  # None: no body and no Content-Length
    version: str = "HTTP/1.1"
    wait_s: float = 20  # an answer is due after that time
    untold: bool = False  # the fake SMSC cannot tell what becomes of it


class Differs(typing.NamedTuple):
    """What Sealpost answers where smsbox says something else."""

    status: int  # 0: the connection is closed without an answer
    body: str
    why: str  # one sentence
    kind: str = "text/html"


class OtherSms(typing.NamedTuple):
    """What Sealpost sends where smsbox sends something else."""

    sms: list  # of (sender, text, parts)
    why: str  # one sentence


class OtherCallbacks(typing.NamedTuple):
    """What Sealpost asks an application where smsbox asks something else."""

    targets: list  # with {to}, UUID, EPOCH and DATE where those stand
    why: str  # one sentence


# -- accounts

LONG = "max-messages = 5\nconcatenation = true"
LONG_HERE = "max-messages = 5 concatenation = yes"
ODD_USER, ODD_PASSWORD = "odd user", "p+w &%=é"

ACCOUNTS = [
    Account("u1", "p1", LONG, LONG_HERE),
    Account("one", "p1", "", "max-messages = 1 concatenation = no"),
    Account("nocat", "p1", "max-messages = 3", "max-messages = 3 concatenation = no"),
    Account("many", "p1", "max-messages = 255\nconcatenation = true",
            "max-messages = 255 concatenation = yes"),
    Account("zero", "p1", "max-messages = 0", None),
    Account("faked", "p1", LONG + "\nfaked-sender = 777",
            LONG_HERE + ' faked-sender = "777"'),
    Account("default", "p1", LONG + "\ndefault-sender = 778",
            LONG_HERE + ' default-sender = "778"'),
    Account("forced", "p1", LONG + "\nforced-smsc = FAKE",
            LONG_HERE + ' forced-smsc = "FAKE"'),
    Account("route", "p1", LONG + "\ndefault-smsc = FAKE",
            LONG_HERE + ' default-smsc = "FAKE"'),
    Account("denied", "p1", 'user-deny-ip = "127.0.0.1"',
            'denied-networks = { "127.0.0.1/32" }'),
    Account("elsewhere", "p1", 'user-deny-ip = "*.*.*.*"\nuser-allow-ip = "10.0.0.1"',
            'networks = { "10.0.0.1/32" }'),
    Account("here", "p1", 'user-deny-ip = "*.*.*.*"\nuser-allow-ip = "127.0.0.1"',
            'networks = { "127.0.0.1/32" }'),
    Account("onlyallow", "p1", 'user-allow-ip = "10.0.0.1"',
            'networks = { "10.0.0.1/32" }'),
    Account("white", "p1", 'white-list-regex = "^\\\\+?614"',
            'white-list-regex = "^\\\\+?614"'),
    Account("black", "p1", 'black-list-regex = "^\\\\+?61400"',
            'black-list-regex = "^\\\\+?61400"'),
    Account("prefix", "p1", 'allowed-prefix = "+6141"\ndenied-prefix = "+61400"',
            'allowed-prefix = { "+6141" } denied-prefix = { "+61400" }'),
    Account("dlr", "p1", LONG + '\ndlr-url = "http://{app}/account?%p,%d"',
            LONG_HERE + ' dlr-url = "http://{app}/account?%p,%d"'),
    Account(ODD_USER, ODD_PASSWORD, LONG, LONG_HERE),
    # for the second part
    Account("i1", "p1", LONG, LONG_HERE + " immediate-sendsms-reply = yes"),
    Account("i3", "p1", "max-messages = 3",
            "max-messages = 3 concatenation = no immediate-sendsms-reply = yes"),
    Account("iblack", "p1", LONG + '\nblack-list-regex = "^\\\\+?61400"',
            LONG_HERE + ' black-list-regex = "^\\\\+?61400"'
            " immediate-sendsms-reply = yes"),
]
PASSWORDS = {account.user: account.password for account in ACCOUNTS}


def smsbox_groups(app):
    """The sendsms-users, as groups of smsbox's file."""
    groups = "\n".join(
        f'\ngroup = sendsms-user\nusername = "{a.user}"\npassword = "{a.password}"\n'
        + (a.smsbox + "\n" if a.smsbox else "")
        for a in ACCOUNTS
    )
    return groups.replace("{app}", app)


def sealpost_accounts(app):
    """The same people in sealpost.conf."""
    text = ""
    for number, account in enumerate(ACCOUNTS):
        if account.sealpost is None:
            continue
        words = account.sealpost.replace("{app}", app)
        if not words.startswith("networks"):
            words += ' networks = { "127.0.0.0/8" }'
        text += (
            f'account sms{number} {{\n'
            f'    brand = "Sms{number}" plain = yes secure = no\n'
            f'    username = "{account.user}"\n'
            f'    password = "{{plain}}{account.password}"\n'
            f'    callback-hosts = {{ "127.0.0.1", "{app}" }}\n'
            f'    callback-networks = {{ "127.0.0.0/8" }}\n'
            f"    daily-limit = 100000\n    {words}\n}}\n"
        )
    return text


# -- how requests are written down

PATH = "/cgi-bin/sendsms"
FROM = "61400000001"
BASE = "{auth}&to=%2B{to}&from=" + FROM + "&text=hi"
waiting, immediate = [], []
requests = waiting  # where the next ones go


def auth(user):
    return f"username={user}&password={PASSWORDS.get(user, 'p1')}"


def add(name, method, target, headers=(), body=None, **more):
    requests.append(Request(name, method, target, list(headers), body, **more))


def get(name, tail="", user="u1", base=BASE, path=PATH, **more):
    """A GET: the base with the tail behind it."""
    query = base.replace("{auth}", auth(user)) + ("&" + tail if tail else "")
    add(name, more.pop("method", "GET"), f"{path}?{query}", **more)


def post(name, *lines, body=b"hi", kind="text/plain", user="u1", without=(), query=""):
    """A POST with X-Kannel headers; without: the names of those that are missing."""
    usual = {
        "Username": user,
        "Password": PASSWORDS.get(user, "p1"),
        "To": "+{to}",
        "From": FROM,
    }
    headers = [f"Content-Type: {kind}"] if kind is not None else []
    headers += [f"X-Kannel-{k}: {v}" for k, v in usual.items() if k not in without]
    add(name, "POST", PATH + query, headers + list(lines), body)


XML_HEAD = '<?xml version="1.0"?>'
XML_FROM = "<from><user>u1</user><pass>p1</pass></from>"
XML_DA = "<da><number>+{to}</number></da>"
XML_OA = f"<oa><number>{FROM}</number></oa>"


def xml(name, extra="", head=XML_HEAD, who=XML_FROM, da=XML_DA, oa=XML_OA,
        ud="<ud>hi</ud>", kind="text/xml", code="utf-8", **more):
    """A POST with Kannel's XML."""
    document = f"{head}<message><submit>{da}{oa}{ud}{who}{extra}</submit></message>"
    add(name, "POST", PATH, [f"Content-Type: {kind}"], document.encode(code), **more)


# -- GET: who asks

get("plain")
get("user-and-pass", base="user=u1&pass=p1&to=%2B{to}&from=1&text=hi")
get("user-wins-not", "user=one&pass=x")
get("username-behind-user",
    base="user=nobody&username=u1&pass=x&password=p1&to=%2B{to}")
get("wrong-password", base="username=u1&password=p2&to=%2B{to}&text=hi")
get("password-prefix", base="username=u1&password=p&to=%2B{to}&text=hi")
get("password-longer", base="username=u1&password=p11&to=%2B{to}&text=hi")
get("password-case", base="username=u1&password=P1&to=%2B{to}&text=hi")
get("no-password", base="username=u1&to=%2B{to}&text=hi")
get("empty-password", base="username=u1&password=&to=%2B{to}&text=hi")
get("no-username", base="password=p1&to=%2B{to}&text=hi")
get("empty-username", base="username=&password=p1&to=%2B{to}&text=hi")
get("empty-both", base="username=&password=&to=%2B{to}&text=hi")
get("unknown-user", user="nobody")
get("username-case", base="username=U1&password=p1&to=%2B{to}&text=hi")
get("username-blank", base="username=u1%20&password=p1&to=%2B{to}&text=hi")
get("username-nul", base="username=u1%00&password=p1&to=%2B{to}&text=hi")
get("password-nul", base="username=u1&password=p1%00x&to=%2B{to}&text=hi")
get("username-doubled", base="username=u1&username=x&password=p1&to=%2B{to}&text=hi")
get("username-doubled-bad",
    base="username=x&username=u1&password=p1&to=%2B{to}&text=hi")
get("password-doubled-bad", base="username=u1&password=x&password=p1&to=%2B{to}")
get("odd-user",
    base="username=odd%20user&password=p%2Bw+%26%25%3D%C3%A9&to=%2B{to}&text=hi")
get("odd-user-raw", base="username=odd+user&password=p%2bw+%26%25=\xc3\xa9&to=%2B{to}")
get("odd-user-latin1",
    base="username=odd%20user&password=p%2Bw+%26%25%3D%E9&to=%2B{to}&text=hi")
get("denied-network", user="denied")
get("network-elsewhere", user="elsewhere")
get("network-here", user="here")
get("network-only-allowed", user="onlyallow")
get("auth-before-receiver", base="username=u1&password=x&text=hi")
get("nothing", base="")
add("no-query", "GET", PATH)
add("only-question-mark", "GET", PATH + "?")

# -- GET: to whom

NO_TO = "{auth}&from=" + FROM + "&text=hi"
get("no-to", base=NO_TO)
get("empty-to", "to=", base=NO_TO)
get("to-without-value", "to", base=NO_TO)
get("to-blank", "to=%20", base=NO_TO)
get("to-blanks", "to=+++", base=NO_TO)
get("to-nul", "to=%00", base=NO_TO)
get("to-local", "to={local}", base=NO_TO)
get("to-without-plus", "to={to}", base=NO_TO)
get("to-00", "to=00{to}", base=NO_TO)
get("to-raw-plus", "to=+{to}", base=NO_TO)
get("to-dashes", "to=%2B61-{to-61}", base=NO_TO)
get("to-letters", "to=46abc", base=NO_TO)
get("to-parentheses", "to=(61){to-61}", base=NO_TO)
get("to-dots", "to=61.{to-61}", base=NO_TO)
get("to-tab", "to={to}%09{to2}", base=NO_TO)
get("to-newline", "to={to}%0A{to2}", base=NO_TO)
get("to-nul-behind", "to={to}%00x", base=NO_TO)
get("to-letters-behind-nul", "to={to}%00", base=NO_TO)
get("to-short", "to=123", base=NO_TO)
get("to-zeros", "to=0000000000", base=NO_TO)
get("to-one-digit", "to=1", base=NO_TO)
get("to-plus", "to=%2B", base=NO_TO)
get("to-dash", "to=-", base=NO_TO)
get("to-long", "to=%2B6141234567890123456789", base=NO_TO)
get("to-fixed-line", "to=%2B61299999999", base=NO_TO)
get("to-200-digits", "to=" + "4" * 200, base=NO_TO)
get("to-non-ascii", "to=%C3%A9", base=NO_TO)
get("to-arabic-digits", "to=%D9%A0%D9%A4%D9%A1", base=NO_TO)
get("to-fullwidth-plus", "to=%EF%BC%8B{to}", base=NO_TO)
get("to-two", "to=%2B{to}+%2B{to2}", base=NO_TO)
get("to-two-percent-blank", "to=%2B{to}%20%2B{to2}", base=NO_TO)
get("to-two-many-blanks", "to=++{to}+++{to2}++", base=NO_TO)
get("to-one-bad-of-two", "to=%2B{to}+46abc", base=NO_TO)
get("to-bad-first", "to=46abc+%2B{to}", base=NO_TO)
get("to-one-impossible-of-two", "to=%2B{to}+123", base=NO_TO)
get("to-all-bad", "to=46abc+47abc", base=NO_TO)
get("to-twice-the-same", "to=%2B{to}+%2B{to}", base=NO_TO)
get("to-same-in-two-spellings", "to=%2B{to}+{local}", base=NO_TO)
get("to-doubled", "to=%2B{to2}")
get("to-doubled-first-empty", "to=&to=%2B{to}", base=NO_TO)
get("to-doubled-first-bad", "to=46abc&to=%2B{to}", base=NO_TO)
get("to-comma", "to={to},{to2}", base=NO_TO)
get("to-semicolon", "to={to};{to2}", base=NO_TO)
get("to-upper-case-name", "TO=%2B{to}", base=NO_TO)
get("to-percent-name", "%74%6f=%2B{to}", base=NO_TO)
get("to-100", "to=" + "+".join(f"%2B61423{n:06d}" for n in range(100)), base=NO_TO)
get("white-list", user="white")
get("white-list-not", "to=%2B447911123456", user="white", base=NO_TO)
get("white-list-one-of-two", "to=%2B447911123456+%2B{to}", user="white", base=NO_TO)
get("white-list-local", "to={local}", user="white", base=NO_TO)
get("black-list", "to=%2B61400000123", user="black", base=NO_TO)
get("black-list-local", "to=0400000123", user="black", base=NO_TO)
get("black-list-not", user="black")
get("black-list-one-of-two", "to=%2B61400000123+%2B{to}", user="black", base=NO_TO)
get("allowed-prefix", user="prefix")
get("allowed-prefix-not", "to=%2B447911123456", user="prefix", base=NO_TO)
get("denied-prefix", "to=%2B61400000123", user="prefix", base=NO_TO)

# -- GET: from whom

NO_FROM = "{auth}&to=%2B{to}&text=hi"
get("no-from", base=NO_FROM)
get("empty-from", "from=", base=NO_FROM)
get("from-letters", "from=Clinic", base=NO_FROM)
get("from-11-letters", "from=ClinicNorth", base=NO_FROM)
get("from-12-letters", "from=ClinicNorths", base=NO_FROM)
get("from-blank", "from=a+b", base=NO_FROM, untold=True)
get("from-plus", "from=%2B61400000001", base=NO_FROM)
get("from-20-digits", "from=12345678901234567890", base=NO_FROM)
get("from-1000", "from=" + "1" * 1000, base=NO_FROM)
get("from-non-ascii", "from=Klin%C3%ADk", base=NO_FROM)
get("from-newline", "from=a%0Ab", base=NO_FROM, untold=True)
get("from-doubled", "from=111&from=222", base=NO_FROM)
get("from-doubled-first-empty", "from=&from=222", base=NO_FROM)
get("faked-sender", user="faked")
get("faked-sender-no-from", user="faked", base=NO_FROM)
get("default-sender", user="default")
get("default-sender-no-from", user="default", base=NO_FROM)
get("default-sender-empty-from", "from=", user="default", base=NO_FROM)

# -- GET: what

NO_TEXT = "{auth}&to=%2B{to}&from=" + FROM
get("no-text", base=NO_TEXT)
get("empty-text", "text=", base=NO_TEXT)
get("text-without-value", "text", base=NO_TEXT)
get("text-blanks", "text=+a++b+", base=NO_TEXT)
get("text-doubled", "text=first&text=second", base=NO_TEXT)
get("text-doubled-first-empty", "text=&text=second", base=NO_TEXT)
get("text-percent-end", "text=100%", base=NO_TEXT)
get("text-percent-one-digit", "text=a%4", base=NO_TEXT)
get("text-percent-zz", "text=a%zzb", base=NO_TEXT)
get("text-percent-mixed", "text=%41%zz%42%4", base=NO_TEXT)
get("text-percent-percent", "text=%%41", base=NO_TEXT)
get("text-percent-lower", "text=%c3%a9", base=NO_TEXT)
get("text-percent-before-parameter", "text=a%&coding=0", base=NO_TEXT)
get("text-nul", "text=a%00b", base=NO_TEXT)
get("text-nul-first", "text=%00", base=NO_TEXT)
get("text-newline", "text=a%0Ab", base=NO_TEXT)
get("text-cr-lf", "text=a%0D%0Ab", base=NO_TEXT)
get("text-tab", "text=a%09b", base=NO_TEXT)
get("text-controls", "text=a%01%1b%7f", base=NO_TEXT)
get("text-equals", "text=a=b=c", base=NO_TEXT)
get("text-question-mark", "text=a?b?c", base=NO_TEXT)
get("text-semicolon", "text=a;b", base=NO_TEXT)
get("text-hash", "text=a#b", base=NO_TEXT)
get("text-quote", 'text="a"', base=NO_TEXT)
get("text-raw-utf8", "text=caf\xc3\xa9", base=NO_TEXT)
get("text-raw-latin1", "text=caf\xe9", base=NO_TEXT)
get("text-utf8", "text=caf%C3%A9", base=NO_TEXT)
get("text-latin1", "text=caf%E9", base=NO_TEXT)
get("text-euro", "text=%E2%82%AC", base=NO_TEXT)
get("text-cyrillic", "text=%D0%9F%D1%80", base=NO_TEXT)
get("text-emoji", "text=%F0%9F%98%80", base=NO_TEXT)
get("text-half-utf8", "text=%C3", base=NO_TEXT)
get("text-160", "text=" + "a" * 160, user="one", base=NO_TEXT)
get("text-161-one", "text=" + "a" * 161, user="one", base=NO_TEXT)
get("text-161", "text=" + "a" * 161, base=NO_TEXT)
get("text-81-euros-one", "text=" + "%E2%82%AC" * 81, user="one", base=NO_TEXT)
get("text-765-five", "text=" + "a" * 765, base=NO_TEXT)
get("text-766-six", "text=" + "a" * 766, base=NO_TEXT)
get("text-480-nocat", "text=" + "a" * 480, user="nocat", base=NO_TEXT)
get("text-481-nocat", "text=" + "a" * 481, user="nocat", base=NO_TEXT)
get("text-10-kB-five", "text=" + "a" * 10000, base=NO_TEXT)
get("text-10-kB", "text=" + "a" * 10000, user="many", base=NO_TEXT)
get("text-100-kB", "text=" + "a" * 100000, user="one", base=NO_TEXT)
get("text-254-messages", "text=" + "a" * 38862, user="many", base=NO_TEXT)
get("text-8000-escapes", "text=" + "%41" * 8000, user="many", base=NO_TEXT)
get("max-messages-0", user="zero", wait_s=1)
get("unknown-parameter", "colour=blue")
get("unknown-parameter-100-kB", "colour=" + "b" * 100000)
get("1000-parameters", "&".join(f"x{n}={n}" for n in range(1000)))
get("empty-parameters", "&&&=&=x&")
get("parameter-without-value", "x&y")

# -- GET: charset, coding

for charset, text in [
    ("UTF-8", "caf%C3%A9"), ("utf-8", "caf%C3%A9"), ("utf8", "caf%C3%A9"),
    ("ISO-8859-1", "caf%E9"), ("iso-8859-1", "caf%E9"), ("latin1", "caf%E9"),
    ("ISO-8859-15", "%A4"), ("windows-1252", "%80"), ("WINDOWS-1251", "%CF%F0"),
    ("US-ASCII", "hi"), ("ascii", "hi"), ("KOI8-R", "%D0"), ("UTF-16BE", "%00h%00i"),
    ("UTF-16", "%FE%FF%04%1F"), ("UCS-2", "%00h"), ("Shift_JIS", "%83%65"), ("GSM",
    "hi"),
    ("UTF-7", "hi"), ("nonsense", "hi"), ("", "hi"), ("UTF-8", "%FF%FE"),
    ("US-ASCII", "caf%E9"), ("UTF-8%00", "hi"), ("UTF-8//IGNORE", "a%FFb"),
    ("ISO-8859-1//TRANSLIT", "hi"), ("%C3%A9", "hi"), ("x" * 1000, "hi"),
]:
    for coding in ("", "2"):
        get(f"charset={charset[:30]} text={text} coding={coding}",
            f"charset={charset}&text={text}" + (f"&coding={coding}" if coding else ""),
            base=NO_TEXT)
get("charset-coding-1", "charset=UTF-8&text=caf%C3%A9&coding=1", base=NO_TEXT)
get("charset-nonsense-coding-1", "charset=nonsense&coding=1")
get("charset-nonsense-empty-text", "charset=nonsense&text=", base=NO_TEXT)
get("charset-nonsense-no-text", "charset=nonsense", base=NO_TEXT)
get("charset-utf8-empty-text", "charset=UTF-8&text=&coding=2", base=NO_TEXT)
get("coding-2-bytes", "coding=2&text=%04%1F%04%40", base=NO_TEXT)
get("coding-2-odd-bytes", "coding=2&text=%04%1F%04", base=NO_TEXT)
get("coding-2-utf8", "coding=2&text=caf%C3%A9", base=NO_TEXT)
get("coding-1-bytes", "coding=1&text=%01%02%FF", base=NO_TEXT)
get("charset-doubled", "charset=nonsense&charset=UTF-8")

# -- GET: numbers

NUMBERS = {
    "coding": (-1, 2), "mclass": (-1, 3), "mwi": (-1, 7), "compress": (-1, 1),
    "pid": (-1, 255), "rpi": (-1, 2), "alt-dcs": (-1, 1), "priority": (0, 3),
    "validity": (-1, 10080), "deferred": (-1, 10080), "dlr-mask": (-1, 66),
    "dlrmask": (-1, 66),
}
WEIRD = ["abc", "", "%201", "+1", "%2B1", "1x", "1.9", "-", "0x1", "01", "%00", "1%00x",
         "99999999999", "99999999999999999999", "2147483648", "4294967296",
         "-99999999999", "%C3%A9", "%D9%A1",
         "%0A1", "1%201"]

for name, (low, high) in NUMBERS.items():
    values = [low - 2, low - 1, low, low + 1, high - 1, high, high + 1]
    values += WEIRD if name in ("coding", "dlr-mask", "validity") else WEIRD[:6]
    for value in dict.fromkeys(str(value) for value in values):
        # a deferred message stays in bearerbox: the test need not wait for it
        get(f"{name}={value}", f"{name}={value}")
    get(f"{name}-doubled", f"{name}={high + 1}&{name}={high}")
    get(f"{name}-doubled-good-first", f"{name}={high}&{name}={high + 1}")
    get(f"{name}-without-value", name)
get("dlr-mask-with-dlrmask", "dlrmask=99&dlr-mask=1")
get("dlrmask-with-dlr-mask-bad", "dlrmask=1&dlr-mask=99")
get("validity-minus-1-deferred-minus-2", "validity=-1&deferred=-2")
get("validity=10081-and-deferred=1", "validity=10081&deferred=1")
get("validity=100000000", "validity=100000000")
get("deferred=100000000", "deferred=100000000")
get("validity=5000000", "validity=5000000")  # the time still fits in 31 bits in 2027
get("validity=7000000", "validity=7000000")
get("validity=35791395", "validity=35791395")  # seconds do not fit
get("deferred=35791395", "deferred=35791395")
get("mclass-and-mwi", "mclass=1&mwi=1")

# -- GET: which error comes first

get("first-mclass-then-pid", "mclass=9&pid=999")
get("first-denied-then-mclass", "to=46abc&mclass=9", base=NO_TO)
get("first-udh-then-denied", "udh=%00%00&to=46abc", base=NO_TO)
get("first-account-then-dlr-url", "account=%5B&dlr-url=x")
get("first-dlr-url-then-dlr-mask", "dlr-url=x&dlr-mask=99")
get("first-priority-then-charset", "priority=9&charset=nonsense")
get("first-coding-then-charset", "coding=9&charset=nonsense")
get("first-validity-then-deferred", "validity=-5&deferred=-5")
get("first-compress-then-validity", "compress=9&validity=-5")

# -- GET: udh

get("udh-good", "udh=%05%00%03%01%01%01")
get("udh-port", "udh=%06%05%04%15%82%00%00&text=%01%02", base=NO_TEXT)
get("udh-zero", "udh=%00")
get("udh-one", "udh=%01%00")
get("udh-short", "udh=%06%00%03%01%01%01")
get("udh-long", "udh=%04%00%03%01%01%01")
get("udh-empty", "udh=")
get("udh-without-value", "udh")
get("udh-hex", "udh=050003010101")
get("udh-137", "udh=%88" + "%01" * 136 + "&text=ab", base=NO_TEXT)
get("udh-138-no-room", "udh=%89" + "%01" * 137 + "&text=abc", base=NO_TEXT)
get("udh-140", "udh=%8B" + "%01" * 139)
get("udh-140-no-text", "udh=%8B" + "%01" * 139, base=NO_TEXT)
get("udh-141", "udh=%8C" + "%01" * 140)
get("udh-raw-text", "udh=abc")
get("udh-nul-first", "udh=%00%00")
get("udh-coding-0", "udh=%05%00%03%01%01%01&coding=0")
get("udh-coding-2", "udh=%05%00%03%01%01%01&coding=2&text=%04%1F", base=NO_TEXT)
get("udh-doubled", "udh=%05%00%03%01%01%01&udh=x")

# -- GET: dlr-url

get("dlr-url", "dlr-url=http://{app}/dlr")
get("dlr-url-mask", "dlr-url=http%3A%2F%2F{app}%2Fdlr%3Fd%3D%25d&dlr-mask=31")
get("dlrurl", "dlrurl=http://{app}/dlr")
get("dlr-url-empty", "dlr-url=&dlr-mask=31")
get("dlr-url-upper-case", "dlr-url=HTTP://{app}/dlr")
get("dlr-url-no-scheme", "dlr-url={app}/dlr")
get("dlr-url-ftp", "dlr-url=ftp://{app}/dlr")
get("dlr-url-seven", "dlr-url=http://")
get("dlr-url-eight", "dlr-url=https://")
get("dlr-url-http-eight", "dlr-url=http://a")
get("dlr-url-https", "dlr-url=https://{app}/dlr")
get("dlr-url-other-host", "dlr-url=http://192.0.2.1/dlr")
get("dlr-url-other-name", "dlr-url=http://elsewhere.example/dlr")
get("dlr-url-user", "dlr-url=http://a:b@{app}/dlr")
get("dlr-url-no-host", "dlr-url=http:///dlr")
get("dlr-url-bad-port", "dlr-url=http://127.0.0.1:99999/dlr")
get("dlr-url-blank", "dlr-url=http://{app}/a+b")
get("dlr-url-newline", "dlr-url=http://{app}/a%0d%0ab")
get("dlr-url-4-kB", "dlr-url=http://{app}/" + "a" * 4096)
get("dlr-url-escapes", "dlr-url=http://{app}/?%25d%25p%25zz%25")
get("dlr-url-doubled", "dlr-url=x&dlr-url=http://{app}/dlr")
get("dlr-url-both", "dlrurl=x&dlr-url=http://{app}/dlr")
get("dlr-url-both-bad", "dlrurl=http://{app}/dlr&dlr-url=x")
get("dlr-url-both-empty", "dlrurl=x&dlr-url=")

# -- GET: what an application is told about its message


def dlr(name, pattern, mask=31, tail="", user="u1"):
    """The pattern stands behind the path, which tells the request."""
    url = "http://{app}/{to}" + urllib.parse.quote(pattern, safe="", encoding="latin-1")
    get(f"dlr-{name}", f"dlr-url={url}&dlr-mask={mask}{tail}", user=user)


# %D tells meta-data, which smsbox adds to its own; %o and %B the names' fields.
FIELDS = ("&account=ward7&binfo=b7&meta-data=%3Fsmpp%3Fa%3Db&mclass=1&coding=0"
          "&charset=UTF-8&smsc=FAKE&priority=2&pid=5&mwi=3&alt-dcs=0")
for escape in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ#%$!1 ":
    dlr(f"escape-{escape}", f"?x=[%{escape}]", tail=FIELDS)
for escape in "cmMOCoB":
    dlr(f"escape-{escape}-by-default", f"?x=[%{escape}]")
for mask in (-1, 0, 1, 2, 3, 4, 8, 16, 24, 31, 64, 66):
    dlr(f"mask-{mask}", "?%d", mask)
dlr("percent-last", "?%")
dlr("percent-twice", "?%d%d%%d%25")
dlr("no-query", "")
dlr("fragment", "?%d#x")
dlr("escapes-in-path", "/%d/%p")
dlr("utf8", "?\xc3\xa9")
dlr("latin1", "?\xe9")
dlr("blank", "?a b")
dlr("account-has-one-too", "?%d", user="dlr")
get("dlr-of-account", "dlr-mask=31", user="dlr")
get("dlr-of-account-empty", "dlr-mask=31&dlr-url=", user="dlr")
get("dlr-of-account-no-mask", user="dlr")
get("dlr-of-account-mask-0", "dlr-mask=0", user="dlr")
get("dlr-user-in-url", "dlr-mask=31&dlr-url=http://a:b@{app}/{to}")
get("dlr-path-missing", "dlr-mask=31&dlr-url=http://{app}?{to}")
get("dlr-upper-case", "dlr-mask=31&dlr-url=HTTP://{app}/{to}")
get("dlr-status-500", "dlr-mask=31&dlr-url=http://{app}/{to}/500")
get("dlr-status-404", "dlr-mask=31&dlr-url=http://{app}/{to}/404")
get("dlr-text-of-many", "dlr-mask=31&dlr-url=http://{app}/{to}?%25d&text=" + "a" * 400,
    base=NO_TEXT)
get("dlr-denied", "dlr-mask=31&dlr-url=http://{app}/{to}&to=46abc", base=NO_TO)
get("dlr-two-receivers", "dlr-mask=31&dlr-url=http://{app}/{to}?%25d,%25p"
    "&to=%2B{to}+%2B{to2}", base=NO_TO)

# -- GET: names

get("account", "account=ward7")
get("account-empty", "account=")
get("account-64", "account=" + "a" * 64)
get("account-65", "account=" + "a" * 65)
get("account-33-e-acute", "account=" + "%C3%A9" * 33)
get("account-bracket", "account=a%5Bb")
get("account-bracket-close", "account=a%5Db")
get("account-newline", "account=a%0Ab")
get("account-cr", "account=a%0Db")
get("account-non-ascii", "account=%C3%A9")
get("account-nul", "account=a%00b")
get("account-doubled", "account=a%5B&account=b")
get("binfo", "binfo=ward7")
get("binfo-empty", "binfo=")
get("binfo-bracket", "binfo=a%5Bb%0A")
get("binfo-10-kB", "binfo=" + "a" * 10000)
get("smsc", "smsc=FAKE")
get("smsc-empty", "smsc=")
get("smsc-unknown", "smsc=NOSUCH")
get("smsc-1000", "smsc=" + "a" * 1000)
get("smsc-forced", "smsc=NOSUCH", user="forced")
get("smsc-default", user="route")
get("smsc-default-other", "smsc=NOSUCH", user="route")
get("meta-data", "meta-data=%3Fsmpp%3Fa%3Db")
get("meta-data-empty", "meta-data=")
get("meta-data-bad", "meta-data=smpp")
get("meta-data-half", "meta-data=%3Fsmpp")
get("meta-data-10-kB", "meta-data=%3Fsmpp%3Fa%3D" + "b" * 10000)

# -- methods, paths, the HTTP around it

for method in ("HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get", "Post",
    "FOO"):
    get(f"method {method}", method=method)
get("HEAD-wrong-password", base="username=u1&password=p2&to=%2B{to}", method="HEAD")
get("HEAD-wrong-path", path="/elsewhere", method="HEAD")
get("GET-with-body", body=b"username=x&password=x")
get("GET-with-empty-body", body=b"")
get("PUT-with-body", method="PUT", body=b"hi")
get("HTTP-1.0", version="HTTP/1.0")
get("HTTP-1.2", version="HTTP/1.2")
get("HTTP-2.0", version="HTTP/2.0")
get("HTTP-none", version="")
get("HTTP-wrong", version="HTPP/1.1")
get("blank-in-target", "text=a b", base=NO_TEXT)
get("connection-keep-alive", headers=["Connection: keep-alive"])
get("absolute-target", path="http://127.0.0.1" + PATH)
get("header-folded", headers=["X-A: b", " c"])
get("header-without-colon", headers=["nonsense"])
get("header-10-kB", headers=["X-A: " + "a" * 10000])
get("header-100", headers=[f"X-{n}: a" for n in range(100)])
get("expect-100", headers=["Expect: 100-continue"])
for path in ("/", "/cgi-bin/", "/cgi-bin/sendsms/", "/cgi-bin/sendsms/x",
    "/cgi-bin/SENDSMS",
             "/CGI-BIN/sendsms", "//cgi-bin/sendsms", "/cgi-bin//sendsms",
             "/cgi-bin/./sendsms", "/cgi-bin/sendsm%73", "/cgi-bin/sendsms%3Fa",
             "/cgi-bin/sendsms.php", "/sendsms", "/cgi-bin/sendsms;a=b",
             "cgi-bin/sendsms",
             "/cgi-bin/sendsms#a", "/favicon.ico", "*", "/cgi-bin/xmlrpc",
             "/cgi-bin/sendota", "/cgi-bin/sendMsg"):
    get(f"path {path}", path=path)
add("post-xmlrpc", "POST", "/cgi-bin/xmlrpc", ["Content-Type: text/xml"], b"<a/>")
add("post-sendota", "POST", "/cgi-bin/sendota", ["Content-Type: text/xml"], b"<a/>")
add("post-wrong-path", "POST", "/elsewhere", ["Content-Type: text/plain"], b"hi")
add("post-slash-behind", "POST", PATH + "/", ["Content-Type: text/plain"], b"hi")

# -- POST with X-Kannel headers

for kind in ("text/plain", "TEXT/Plain", "text/html", "text/vnd.wap.wml",
             "application/octet-stream", "text/xml", "application/xml", "text/csv",
             "application/json", "application/x-www-form-urlencoded",
             "multipart/form-data; boundary=b", "", "nonsense", "text/plain;",
             "text/plain; charset", "text/plain; charset=", "text/plain;charset=utf-8",
             'text/plain; charset="utf-8"', "text/plain; charset=nonsense",
             "text/plain; format=flowed", "text/plain; format=flowed; charset=utf-8",
             "text/plain; charset=utf-8; format=flowed", "text/plain ; charset=utf-8",
             " text/plain", "application/octet-stream; charset=nonsense",
             "text/html; charset=utf-8", "text/html; charset=nonsense",
             "text/plain, a/b"):
    post(f"post {kind}", kind=kind)
post("post-no-type", kind=None)
post("post-no-type-latin1", kind=None, body=b"caf\xe9")
post("post-two-types", "Content-Type: text/html")
post("post-latin1", body=b"caf\xe9")
post("post-utf8", body=b"caf\xc3\xa9")
post("post-utf8-declared", body=b"caf\xc3\xa9", kind="text/plain; charset=utf-8")
post("post-half-utf8-declared", body=b"caf\xc3", kind="text/plain; charset=utf-8")
post("post-utf8-octets", body=b"caf\xc3\xa9", kind="application/octet-stream")
post("post-ucs2", "X-Kannel-Coding: 2", body="Привет".encode("utf-16-be"))
post("post-ucs2-utf8", "X-Kannel-Coding: 2", body="Привет".encode(),
     kind="text/plain; charset=utf-8")
post("post-ucs2-octets", "X-Kannel-Coding: 2", body="Пр".encode("utf-16-be"),
     kind="application/octet-stream")
post("post-8bit", "X-Kannel-Coding: 1", body=b"\x01\xff")
post("post-nul", body=b"a\0b")
post("post-blanks", body=b"  a\r\nb \r\n")
post("post-percent", body=b"a%41+b")
post("post-html", body=b"<html><body>a <b>b</b>&amp;&eacute;<br>c</body></html>",
     kind="text/html")
post("post-html-empty", body=b"", kind="text/html")
post("post-empty", body=b"")
post("post-html-wrong-password", "X-Kannel-Password: x", kind="text/html",
     without=["Password"])
post("post-html-no-to", kind="text/html", without=["To"])
post("post-html-bad-to", "X-Kannel-To: 46abc", kind="text/html", without=["To"])
post("post-json-wrong-password", "X-Kannel-Password: x", kind="application/json")
post("post-udh-no-coding", "X-Kannel-UDH: 050003010101", kind="text/plain",
    body=b"\xe9")
post("post-no-body", body=None)
post("post-160-one", body=b"a" * 160, user="one")
post("post-161-one", body=b"a" * 161, user="one")
post("post-10-kB", body=b"a" * 10000, user="many")
post("post-100-kB", body=b"a" * 100000, user="one")
post("post-1-MB", body=b"a" * 1000000, user="one")
for missing in ("Username", "Password", "To", "From"):
    post(f"post-no-{missing}", without=[missing])
    post(f"post-empty-{missing}", f"X-Kannel-{missing}:", without=[missing])
post("post-wrong-password", "X-Kannel-Password: p2", without=["Password"])
post("post-username-doubled", "X-Kannel-Username: x")
post("post-to-doubled", "X-Kannel-To: +{to2}")
post("post-to-doubled-last-empty", "X-Kannel-To:")
post("post-coding-doubled", "X-Kannel-Coding: 0", "X-Kannel-Coding: 9")
post("post-header-folded", "X-Kannel-BInfo: a", " b")
post("post-to-folded", "X-Kannel-To: +{to}", " +{to2}", without=["To"])
post("post-from-non-ascii", "X-Kannel-From: Klin\xc3\xadk", without=["From"])
post("post-header-case", "x-KANNEL-to: +{to}", without=["To"])
post("post-header-blanks", "X-Kannel-Username: \t u1  ", without=["Username"])
post("post-header-underscore", "X_Kannel_To: +{to}", without=["To"])
post("post-user-short-name", "X-Kannel-User: u1", "X-Kannel-Pass: p1",
     without=["Username", "Password"])
post("post-to-two", "X-Kannel-To: +{to} +{to2}", without=["To"])
post("post-to-bad", "X-Kannel-To: 46abc", without=["To"])
post("post-to-percent", "X-Kannel-To: %2B{to}", without=["To"])
post("post-query", without=["Username", "Password", "To"],
     query="?username=u1&password=p1&to=%2B{to}")
post("post-query-text", query="?text=query", body=b"")
post("post-denied", user="denied")
post("post-odd-user", user=ODD_USER)
post("post-udh-hex", "X-Kannel-UDH: 050003010101")
post("post-udh-hex-odd", "X-Kannel-UDH: 05000301010")
post("post-udh-percent", "X-Kannel-UDH: %05%00%03%01%01%01")
post("post-udh-bad", "X-Kannel-UDH: zz")
post("post-udh-bad-percent", "X-Kannel-UDH: %zz")
post("post-udh-short", "X-Kannel-UDH: 0600030101")
post("post-udh-empty", "X-Kannel-UDH:")
post("post-dlr", "X-Kannel-DLR-URL: http://{app}/{to}?%d,%A", "X-Kannel-DLR-Mask: 31")
post("post-dlr-bad", "X-Kannel-DLR-URL: x")
post("post-account-bad", "X-Kannel-Account: a[")
post("post-binfo", "X-Kannel-BInfo: b")
post("post-smsc", "X-Kannel-SMSC: FAKE")
post("post-meta-data", "X-Kannel-Meta-Data: ?smpp?a=b")
for name, good, bad in [
    ("Coding", 0, 3), ("PID", 255, 256), ("MWI", 7, 8), ("MClass", 3, 4),
    ("Alt-DCS", 1, 2), ("Compress", 1, 2), ("Validity", 10, -2), ("Deferred", 0, -2),
    ("DLR-Mask", 66, 67), ("RPI", 2, 3), ("Priority", 3, 4),
]:
    post(f"post-{name}={good}", f"X-Kannel-{name}: {good}")
    post(f"post-{name}={bad}", f"X-Kannel-{name}: {bad}")
    post(f"post-{name}=abc", f"X-Kannel-{name}: abc")
add("post-form", "POST", PATH, ["Content-Type: application/x-www-form-urlencoded"],
    b"username=u1&password=p1&to=%2B{to}&from=1&text=hi")
add("post-form-charset", "POST", PATH,
    ["Content-Type: application/x-www-form-urlencoded; charset=UTF-8"],
    b"username=u1&password=p1&to=%2B{to}&from=1&text=hi")
add("post-form-wrong-password", "POST", PATH,
    ["Content-Type: application/x-www-form-urlencoded"],
    b"username=u1&password=p2&to=%2B{to}&from=1&text=hi")
add("post-json", "POST", PATH, ["Content-Type: application/json"],
    b'{"username":"u1","password":"p1","to":"+{to}","text":"hi"}')
add("post-chunked", "POST", PATH,
    ["Content-Type: text/plain", "X-Kannel-Username: u1", "X-Kannel-Password: p1",
     "X-Kannel-To: +{to}", "X-Kannel-From: 1", "Transfer-Encoding: chunked"],
    b"2\r\nhi\r\n3\r\n ho\r\n0\r\n\r\n")

# -- POST with XML

xml("xml")
xml("xml-charset-of-type", kind="text/xml; charset=utf-8")
xml("xml-upper-case-type", kind="Text/XML")
xml("xml-application", kind="application/xml")
xml("xml-no-declaration", head="")
xml("xml-latin1", head='<?xml version="1.0" encoding="ISO-8859-1"?>', code="latin-1",
    ud="<ud>caf\xe9</ud>")
xml("xml-utf8", head='<?xml version="1.0" encoding="UTF-8"?>', ud="<ud>café</ud>")
xml("xml-unknown-encoding", head='<?xml version="1.0" encoding="nonsense"?>')
xml("xml-utf8-not-declared", ud="<ud>café</ud>")
xml("xml-utf8-broken", ud="<ud>caf\xe9</ud>", code="latin-1")
xml("xml-ucs2", "<dcs><coding>2</coding></dcs>", ud="<ud>Привет</ud>")
xml("xml-percent", ud="<ud>a%41+b%zz</ud>")
xml("xml-binary", "<dcs><coding>1</coding></dcs>", ud='<ud type="binary">6869</ud>')
xml("xml-binary-bad", ud='<ud type="binary">686</ud>')
xml("xml-binary-case", ud='<ud type="BINARY">6869</ud>')
xml("xml-type-other", ud='<ud type="text">6869</ud>')
xml("xml-entities", ud="<ud>a &amp; b &#233; &lt;</ud>")
xml("xml-cdata", ud="<ud><![CDATA[a & b]]></ud>")
xml("xml-nested", ud="<ud>a<b>c</b></ud>")
xml("xml-no-ud", ud="")
xml("xml-empty-ud", ud="<ud/>")
xml("xml-two-uds", ud="<ud>one</ud><ud>two</ud>")
xml("xml-blanks", ud="<ud>\n  hi  \n</ud>", da="<da><number>\n +{to}\n</number></da>")
xml("xml-username", who="<from><username>u1</username><password>p1</password></from>")
xml("xml-both-names",
    who="<from><user>x</user><username>u1</username>"
        "<pass>x</pass><password>p1</password></from>")
xml("xml-wrong-password", who="<from><user>u1</user><pass>p2</pass></from>")
xml("xml-no-from", who="")
xml("xml-no-pass", who="<from><user>u1</user></from>")
xml("xml-empty-user", who="<from><user/><pass>p1</pass></from>")
xml("xml-auth-by-headers-not", who="", kind="text/xml\r\nX-Kannel-Username: u1\r\n"
    "X-Kannel-Password: p1")
xml("xml-account",
    who="<from><user>u1</user><pass>p1</pass><account>a</account></from>")
xml("xml-account-bad",
    who="<from><user>u1</user><pass>p1</pass><account>[</account></from>")
xml("xml-binfo", who="<from><user>u1</user><pass>p1</pass><binfo>b</binfo></from>")
xml("xml-no-da", da="")
xml("xml-da-without-number", da="<da/>")
xml("xml-da-empty-number", da="<da><number/></da>")
xml("xml-da-blank-number", da="<da><number> </number></da>")
xml("xml-da-two", da="<da><number>+{to}</number><number>+{to2}</number></da>")
xml("xml-two-das", da="<da><number>+{to}</number></da><da><number>+{to2}</number></da>")
xml("xml-da-two-in-one", da="<da><number>+{to} +{to2}</number></da>",
    untold=True)
xml("xml-da-bad", da="<da><number>46abc</number></da>")
xml("xml-da-one-bad-of-two", da="<da><number>46abc</number><number>+{to}</number></da>")
xml("xml-da-comment", da="<da><number>+61<!-- a -->4</number></da>")
xml("xml-da-nested", da="<da><number><b>+{to}</b></number></da>")
xml("xml-da-cdata", da="<da><number><![CDATA[+{to}]]></number></da>")
xml("xml-no-oa", oa="")
xml("xml-empty-oa", oa="<oa><number/></oa>")
xml("xml-udh", "<udh>050003010101</udh>")
xml("xml-udh-percent", "<udh>%05%00%03%01%01%01</udh>")
xml("xml-udh-bad", "<udh>zz</udh>")
xml("xml-udh-empty", "<udh/>")
xml("xml-smsc", "<smsc>FAKE</smsc>")
xml("xml-to", "<to>FAKE</to>")
xml("xml-meta-data", "<meta-data>?smpp?a=b</meta-data>")
xml("xml-dlr",
    "<statusrequest><dlr-mask>31</dlr-mask><dlr-url>http://{app}/{to}?%d,%A</dlr-url>"
    "</statusrequest>")
xml("xml-dlr-url-bad", "<statusrequest><dlr-url>x</dlr-url></statusrequest>")
for path, good, bad in [
    ("pid", 255, 256), ("rpi", 2, 3), ("dcs/mclass", 3, 4), ("dcs/mwi", 7, 8),
    ("dcs/coding", 0, 3), ("dcs/compress", 1, 2), ("dcs/alt-dcs", 1, 2),
    ("statusrequest/dlr-mask", 66, 67), ("vp/delay", 10, -2), ("timing/delay", 0, -2),
    ("priority", 3, 4),
]:
    for value in (good, bad, "abc", "", " 1 ", "1.9"):
        element = value
        for tag in reversed(path.split("/")):
            element = f"<{tag}>{element}</{tag}>"
        xml(f"xml-{path}={value}", element)
xml("xml-coding-1e0", "<dcs><coding>1e0</coding></dcs>")
xml("xml-coding-huge", "<dcs><coding>99999999999</coding></dcs>")
xml("xml-namespace", head=XML_HEAD + "<!-- a -->")
xml("xml-doctype", head=XML_HEAD + '<!DOCTYPE message [<!ENTITY e "hi">]>',
    ud="<ud>&e;</ud>")
xml("xml-doctype-file", head=XML_HEAD
    + '<!DOCTYPE message [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
    ud="<ud>&e;</ud>")
for name, document in [
    ("not-xml", b"hi"), ("empty", b""), ("cut", b"<message><submit><da>"),
    ("crossed", b"<message><submit></message></submit>"), ("other-root", b"<a/>"),
    ("no-submit", b"<message/>"), ("zero-bytes", b"\0\1\2"),
    ("deep", b"<message>" * 300 + b"</message>" * 300),
    ("blank-first", b" " + XML_HEAD.encode() + b"<message/>"),
]:
    add(f"xml-{name}", "POST", PATH, ["Content-Type: text/xml"], document)
add("xml-by-get", "GET", PATH, ["Content-Type: text/xml"], b"<message/>")
xml("xml-100-kB", ud="<ud>" + "a" * 100000 + "</ud>",
    who="<from><user>one</user><pass>p1</pass></from>")

# -- the second part: answers at once, and no global sender

requests = immediate
get("i-plain", user="i1")
get("i-empty", "text=", user="i1", base=NO_TEXT)
get("i-161", "text=" + "a" * 161, user="i1", base=NO_TEXT)
get("i-400", "text=" + "a" * 400, user="i1", base=NO_TEXT)
get("i-80-euros", "text=" + "%E2%82%AC" * 80, user="i1", base=NO_TEXT)
get("i-81-euros", "text=" + "%E2%82%AC" * 81, user="i1", base=NO_TEXT)
get("i-161-e-acute", "text=" + "%C3%A9" * 161, user="i1", base=NO_TEXT)
get("i-160-cyrillic", "text=" + "%D0%9F" * 160, user="i1", base=NO_TEXT)
get("i-160-c-cedilla-small", "text=" + "%C3%A7" * 160, user="i1", base=NO_TEXT)
get("i-161-braces", "text=" + "%7B" * 81, user="i1", base=NO_TEXT)
get("i-71-ucs2", "coding=2&charset=UTF-8&text=" + "%D0%9F" * 71, user="i1",
    base=NO_TEXT)
get("i-70-ucs2", "coding=2&charset=UTF-8&text=" + "%D0%9F" * 70, user="i1",
    base=NO_TEXT)
get("i-71-emoji", "coding=2&charset=UTF-8&text=" + "%F0%9F%98%80" * 36, user="i1",
    base=NO_TEXT)
get("i-141-bytes", "coding=1&text=" + "a" * 141, user="i1", base=NO_TEXT)
get("i-140-bytes", "coding=1&text=" + "a" * 140, user="i1", base=NO_TEXT)
get("i-udh-150", "udh=%05%00%03%01%01%01&coding=0&text=" + "a" * 154, user="i1",
    base=NO_TEXT)
get("i-udh-153", "udh=%05%00%03%01%01%01&coding=0&text=" + "a" * 153, user="i1",
    base=NO_TEXT)
get("i-nocat-161", "text=" + "a" * 161, user="i3", base=NO_TEXT)
get("i-nocat-320", "text=" + "a" * 320, user="i3", base=NO_TEXT)
get("i-nocat-321", "text=" + "a" * 321, user="i3", base=NO_TEXT)
get("i-too-long", "text=" + "a" * 1000, user="i1", base=NO_TEXT)
get("i-two", "to=%2B{to}+%2B{to2}", user="i1", base=NO_TO)
get("i-two-400", "to=%2B{to}+%2B{to2}&from=1&text=" + "a" * 400, user="i1",
    base="{auth}")
get("i-one-bad-of-two", "to=%2B{to}+46abc", user="i1", base=NO_TO)
get("i-two-bad-of-three", "to=46abc+%2B{to}+47abc", user="i1", base=NO_TO)
get("i-bad-twice", "to=46abc+%2B{to}+46abc", user="i1", base=NO_TO)
get("i-bad-and-long", "to=46abc+%2B{to}&from=1&text=" + "a" * 400, user="i1",
    base="{auth}")
get("i-black", "to=%2B61400000123+%2B{to}", user="iblack", base=NO_TO)
get("i-black-and-letters", "to=46abc+%2B61400000123+%2B{to}", user="iblack", base=NO_TO)
get("i-black-local", "to=0400000123+%2B{to}", user="iblack", base=NO_TO)
get("i-bad-percent", "to=46%25s+%2B{to}", user="i1", base=NO_TO)
get("i-bad-html", "to=%3Cb%3E+%2B{to}", user="i1", base=NO_TO)
get("i-bad-non-ascii", "to=%C3%A9+%2B{to}", user="i1", base=NO_TO)
get("i-all-bad", "to=46abc+47abc", user="i1", base=NO_TO)
get("i-impossible", "to=%2B{to}+123", user="i1", base=NO_TO)
get("i-twice-the-same", "to=%2B{to}+%2B{to}", user="i1", base=NO_TO)
get("i-no-from", user="i1", base=NO_FROM)
get("i-empty-from", "from=", user="i1", base=NO_FROM)
get("i-no-route", "smsc=NOSUCH", user="i1")
get("i-wrong-password", base="username=i1&password=x&to=%2B{to}&text=hi")
get("i-no-to", user="i1", base=NO_TO)
get("i-charset", "charset=nonsense", user="i1")
get("i-HEAD", user="i1", method="HEAD")
get("i-max-messages-0", user="zero")
post("i-post", user="i1")
post("i-post-400", user="i1", body=b"a" * 400)
post("i-post-latin1-161", user="i1", body=b"\xe9" * 161)
xml("i-xml", who="<from><user>i1</user><pass>p1</pass></from>")
xml("i-xml-two", who="<from><user>i1</user><pass>p1</pass></from>",
    da="<da><number>+{to}</number><number>46abc</number></da>")

# -- by connections that are used otherwise than once: see kannel_links.py

KEPT = """
    plain user-and-pass wrong-password odd-user to-letters to-two from-letters empty-text
    text-percent-zz text-161 coding-1-bytes udh-good dlr-mask-31 nothing post-latin1
    post-ucs2 post-chunked post-query xml xml-da-two
""".split()
IN_PIECES = "plain text-161 post-latin1 post-chunked xml".split()
PIPELINED = "to-two wrong-password post-latin1 plain no-to post-chunked xml".split()
ABANDONED = "plain post-160-one post-chunked xml".split()

# -- differences that are meant

DENIED = "Number(s) has/have been denied by white- and/or black-lists."
TOO_LONG = "Message too long, rejected"
NOT_HERE = "Authorization failed for sendsms"
ACCEPTED = "0: Accepted for delivery"
UNKNOWN = "Unknown request."
BAD_CHARSET = "Charset or body misformed, rejected"
BAD_DLR_URL = "DLR-URL field misformed, rejected"


def malformed(status, why):
    """What is no HTTP for Sealpost is answered before any door has seen it."""
    body = (
        '{"type":"urn:sealpost:bad-request",'
        f'"title":"This server does not accept the request.","status":{status}}}'
    )
    return Differs(status, body, why, "application/problem+json")


# Names are apart by blanks, or by bars where one of them holds a blank.
DIFFERS = {}
for names, differs in [
    # to whom, from whom
    (
        "to-short to-one-digit to-plus to-dash to-long to-fixed-line to-200-digits",
        Differs(400, DENIED, "no mobile telephone has such a number"),
    ),
    (
        "to-parentheses to-dots",
        Differs(202, ACCEPTED, "a number is understood in every usual spelling"),
    ),
    (
        "white-list-local",
        Differs(202, ACCEPTED, "lists see a number in its international form, too"),
    ),
    (
        "black-list-local",
        Differs(400, DENIED, "no other spelling gets a number past a black list"),
    ),
    (
        "i-black-local",
        Differs(202, "Sent. Denied receivers are: 0400000123",
                "no other spelling gets a number past a black list"),
    ),
    (
        "i-impossible",
        Differs(202, "Sent. Denied receivers are: 123",
                "no telephone has such a number"),
    ),
    ("allowed-prefix-not denied-prefix",
     Differs(400, DENIED, "smsbox looks at prefixes in answers to SMS only")),
    (
        "xml-da-two-in-one xml-da-comment",
        Differs(400, DENIED, "an element holds one number, and holds it as a whole"),
    ),
    (
        "xml-da-blank-number",
        Differs(400, DENIED, "smsbox sends to nobody, and says that it was accepted"),
    ),
    (
        "from-1000",
        Differs(400, "Sender too long, rejected",
                "a sender of more than 31 bytes reaches no telephone"),
    ),
    ("i-no-from i-empty-from",
     Differs(202, "Sent.", "the kannel section always names a sender")),
    # who asks
    ("network-only-allowed",
     Differs(403, NOT_HERE, "networks that are named are the only ones")),
    (
        "max-messages-0",
        Differs(403, NOT_HERE,
                "smsbox never answers; an account without messages is none"),
    ),
    ("i-max-messages-0", Differs(403, NOT_HERE, "smsbox sends nothing, and says Sent")),
    # what
    (
        "text-161-one text-81-euros-one text-766-six text-481-nocat text-10-kB-five"
        " text-100-kB post-161-one post-100-kB post-1-MB xml-100-kB i-too-long",
        Differs(400, TOO_LONG,
                "smsbox cuts the text after max-messages and tells nobody"),
    ),
    (
        "i-160-cyrillic i-160-c-cedilla-small",
        Differs(202, "Sent. Message splits: 3",
                "the characters arrive, and take more room than question marks"),
    ),
    (
        "charset=%C3%A9 text=hi coding=|charset=%C3%A9 text=hi coding=2",
        Differs(400, BAD_CHARSET,
                "a name without a letter is the charset of the locale that smsbox"
                " happens to run in"),
    ),
    (
        "coding-2-odd-bytes coding-2-utf8",
        Differs(400, BAD_CHARSET, "no telephone shows half a character"),
    ),
    (
        "udh-138-no-room udh-140",
        Differs(400, "UDH field is too long, rejected",
                "smsbox says that it was accepted, and sends the UDH without the text"),
    ),
    (
        "binfo-10-kB",
        Differs(400, "BInfo field too long, rejected",
                "a field of more than 4096 bytes is a mistake, and would be kept"),
    ),
    (
        "meta-data-10-kB",
        Differs(400, "Meta-Data field too long, rejected",
                "a field of more than 4096 bytes is a mistake, and would be kept"),
    ),
    (
        "smsc-1000",
        Differs(400, "SMSC field too long, rejected",
                "no SMSC has a name of more than 63 bytes"),
    ),
    (
        "validity=99999999999 validity=100000000 validity=7000000 validity=35791395",
        Differs(202, ACCEPTED,
                "Kannel's time overflows and is over at once; Sealpost gives the"
                " latest moment that Kannel can say"),
    ),
    # whom to tell
    (
        "dlr-url-other-host dlr-url-other-name dlr-url-http-eight",
        Differs(400, "DLR-URL host not allowed, rejected",
                "no account makes Sealpost ask hosts that its operator did not name"),
    ),
    (
        "dlr-url-user dlr-user-in-url dlr-url-blank dlr-blank dlr-url-newline"
        " dlr-url-4-kB dlr-url-no-host dlr-url-eight dlr-url-bad-port",
        Differs(400, BAD_DLR_URL,
                "smsbox puts line breaks of the URL into its requests, and more"),
    ),
    (
        "dlr-escape- |",
        Differs(400, BAD_DLR_URL, "a blank would end the target of the request line"),
    ),
    # forms
    (
        "post-form post-form-charset",
        Differs(202, ACCEPTED, "a form is what most HTTP clients send"),
    ),
    (
        "post-form-wrong-password|post application/x-www-form-urlencoded",
        Differs(403, NOT_HERE, "forms are read, and say who asks"),
    ),
    (
        "xml-doctype xml-doctype-file",
        Differs(403, NOT_HERE,
                "XML with entities of its own is not read: they open files and fill"
                " memory"),
    ),
    (
        "post-xmlrpc|post-sendota|path /cgi-bin/xmlrpc|path /cgi-bin/sendota",
        Differs(404, UNKNOWN,
                "smsbox's XML-RPC sends nothing, and phones need no OTA SMS"),
    ),
    # HTTP
    (
        "method HEAD|HEAD-wrong-password|i-HEAD",
        Differs(405, "", "a HEAD must change nothing, and with smsbox it sends SMS"),
    ),
    (
        "method PUT|method DELETE|method OPTIONS|method PATCH|PUT-with-body",
        Differs(405, "Method not allowed.", "the answer names the methods there are"),
    ),
    (
        "method TRACE|method get|method Post|method FOO",
        malformed(501, "methods are case-sensitive, and nobody needs the others"),
    ),
    (
        "GET-with-body xml-by-get",
        malformed(400, "the next reader could take a GET's body for a request"),
    ),
    (
        "header-folded post-header-folded post-to-folded header-without-colon",
        malformed(400, "two readers could see different headers (RFC 9112, 5.1, 5.2)"),
    ),
    ("header-100", malformed(431, "nobody needs more than 64 headers")),
    ("HTTP-1.2 HTTP-2.0", malformed(505, "there is no such version of this syntax")),
    (
        "HTTP-none HTTP-wrong blank-in-target",
        malformed(400, "both refuse it; the body says so in Sealpost's form"),
    ),
    (
        "absolute-target|path //cgi-bin/sendsms|path /cgi-bin//sendsms"
        "|path /cgi-bin/./sendsms|path cgi-bin/sendsms|path /cgi-bin/sendsms#a|path *",
        malformed(400, "two readers could see different paths"),
    ),
    (
        "path /cgi-bin/sendsm%73|",
        Differs(202, ACCEPTED, "an escaped letter is that letter (RFC 3986, 6.2.2.2)"),
    ),
]:
    DIFFERS.update(
        (name, differs)
        for name in (names.split("|") if "|" in names else names.split())
        if name
    )

OTHER_SMS = {}
for names, text, why in [
    (
        "text-cyrillic|charset=WINDOWS-1251 text=%CF%F0 coding=",
        "\u041f\u0440",
        "what GSM 7 does not have goes as UCS-2 unless a coding was asked for",
    ),
    ("text-emoji", "\U0001f600", "so does an emoji"),
    ("charset=KOI8-R text=%D0 coding=", "\u043f", "so does Cyrillic in KOI8-R"),
    ("charset=UTF-16 text=%FE%FF%04%1F coding=", "\u041f", "and in UTF-16"),
    ("charset=UCS-2 text=%00h coding=", "\u6800",
     "UCS-2 is in the machine's byte order for both, and the character arrives"),
    ("charset=Shift_JIS text=%83%65 coding=", "\u30c6", "so does Japanese"),
    ("text-tab", "a b", "a tab is the blank that it looks like"),
    (
        "text-raw-latin1|text-latin1|charset=US-ASCII text=caf%E9 coding="
        "|charset=US-ASCII text=caf%E9 coding=2|post-half-utf8-declared",
        "caf?",
        "what cannot be read is shown as a question mark, not dropped or made up",
    ),
    ("text-half-utf8", "?", "what cannot be read is shown as a question mark"),
    ("charset=UTF-8 text=%FF%FE coding=2", "??", "smsbox makes up a character"),
    ("charset=UTF-8//IGNORE text=a%FFb coding=2", "a?b", "smsbox makes up two"),
    ("post-utf8", "caf\xc3\xa9", "a text of no charset is Latin-1, and all of it is"),
    ("xml-latin1", "caf\xe9", "smsbox reads the parser's UTF-8 as Latin-1"),
    ("to-same-in-two-spellings", "hi", "twice the same telephone is one receiver"),
]:
    other = OtherSms([(FROM, text, 1)], why)
    OTHER_SMS.update((name, other) for name in names.split("|"))

OTHER_CALLBACKS = {
    "dlr-escape-o": OtherCallbacks(
        ["/{to}?x=[ward7]"] * 2, "the user guide says that it is the account"
    ),
    "dlr-escape-D": OtherCallbacks(
        ["/{to}?x=[]"] * 2, "what bearerbox keeps for itself is not passed on"
    ),
    "dlr-escape-#": OtherCallbacks(
        ["/{to}?x=[%"] * 2, "half a code stays, and begins a fragment"
    ),
    "dlr-fragment": OtherCallbacks(
        ["/{to}?1", "/{to}?8"], "no client sends a URL's fragment (RFC 9110, 4.2.5)"
    ),
    "dlr-status-500": OtherCallbacks(
        ["/{to}/500"] * 3, "an application that fails is asked again"
    ),
    "dlr-status-404": OtherCallbacks(
        ["/{to}/404"] * 3, "so is one that is being deployed"
    ),
}
