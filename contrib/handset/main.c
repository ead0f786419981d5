/* SPDX-License-Identifier: ISC */
/* main.c - sealpost-handset: the reference handset, on the command line.
 * Here:       options, the table of commands, what all of them need.
 * Elsewhere:  the commands (register.c, register_sms.c, messages.c), HTTPS and proofs
 * (api.c), keys (keyring.c), the look (show.c). Manual: contrib/man/sealpost-handset.1
 */
#include "contrib/handset/command.h"
#include "contrib/handset/json.h"
#include "contrib/handset/target.h"
#include <curl/curl.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

/* Of the heap that is locked into memory, for private keys. */
#define SECURE_BYTES (256U << 10)
#define SECURE_LEAST_BYTES 16

static const struct command {
    const char *name;
    int args;
    bool registered; /* needs the key file */
    int (*run)(struct handset *h);
} commands[] = {
    { "register", 1, false, cmd_register }, { "list", 0, true, cmd_list },
    { "read", 1, true, cmd_read },          { "part", 2, true, cmd_part },
    { "reply", 2, true, cmd_reply },        { "remove", 1, true, cmd_remove },
    { "devices", 0, true, cmd_devices },    { "revoke", 1, true, cmd_revoke },
    { "label", 2, true, cmd_label },
};

static const char usage[] =
    "usage: sealpost-handset [-u URL] [-d DIR] [-k p256|rsa] [-v] COMMAND\n"
    "  register NUMBER|LINK   prove the number by SMS and make this device's keys\n"
    "  list                   the messages, a line each, the id first\n"
    "  read ID                a message's text (-v: its head on standard error)\n"
    "  part ID N              the bytes of its attachment N\n"
    "  reply ID TEXT          answer the sender\n"
    "  remove ID              remove the server's copy\n"
    "  devices                the devices of this number\n"
    "  revoke ID              revoke one of them\n"
    "  label ID TEXT          give one of them another name\n"
    "options:\n"
    "  -u, --url URL          the server (a LINK names it)\n"
    "  -d, --dir DIR          where the keys lie (~/.sealpost)\n"
    "  -k, --key p256|rsa     kind of key to make (p256)\n"
    "  --passphrase-file FILE protects the keys in DIR by the first line of FILE\n"
    "  --otp CODE             the password from the SMS (else it is asked for)\n"
    "  --label TEXT           this device's name (its host name)\n"
    "  --type TYPE            program, installed, browser or shared (program)\n"
    "  --direction DIRECTION  server: the SMS comes to you; handset: you send it\n"
    "  --number NUMBER        yours, for a LINK with --direction handset\n"
    "  --sms-command CMD      sends that SMS: /bin/sh -c CMD with SMS_TO and SMS_TEXT\n"
    "  --answer ANSWER        reply: accepted, declined or tentative (ask to move)\n"
    "  -v, --verbose  -h, --help\n"
    "Certificates come from the system or the file that SSL_CERT_FILE names.\n"
    "See sealpost-handset(1).\n";

/* is_one_of - words is a list that ends with NULL. */
static bool is_one_of(const char *value, const char *const *words)
{
    while (*words != NULL && strcmp(value, *words) != 0)
        words++;
    return *words != NULL;
}

static bool set_option(struct options *o, int opt, const char *value)
{
    static const char *const types[] = { "program", "installed", "browser", "shared",
                                         NULL };
    static const char *const kinds[] = { "p256", "rsa", NULL };
    static const char *const directions[] = { "server", "handset", NULL };
    static const char *const answers[] = { "accepted", "declined", "tentative", NULL };

    switch (opt) {
    case 'u':
        o->url = value;
        return true;
    case 'd':
        o->dir = value;
        return true;
    case 'o':
        o->otp = value;
        return true;
    case 'l':
        o->label = value;
        return true;
    case 'p':
        o->passphrase_file = value;
        return true;
    case 'n':
        o->number = value;
        return true;
    case 's':
        o->sms_command = value;
        return true;
    case 't':
        o->type = value;
        return is_one_of(value, types);
    case 'v':
        o->verbose = true;
        return true;
    case 'k':
        o->kind = strcmp(value, "rsa") == 0 ? KEYRING_RSA : KEYRING_P256;
        return is_one_of(value, kinds);
    case 'a':
        o->answer = value;
        return is_one_of(value, answers);
    case 'D':
        o->from_handset = strcmp(value, "handset") == 0;
        return is_one_of(value, directions);
    default:
        return false;
    }
}

/* The address of the key file holds, unless another is named: a server may move. */
static int load_keys(struct handset *h)
{
    char url[TARGET_URL_ROOM];
    struct err e;

    if (keyring_load(&h->ring, h->o.dir, buf_span(&h->passphrase), &e) != 0)
        return complain(EX_CONFIG, e.text);
    if (jwe_key_from_pkey(&h->key, h->ring.encryption, &e) != 0)
        return complain(EX_DATAERR, e.text);
    if (!target_url(span_str(h->o.url != NULL ? h->o.url : h->ring.url), url))
        return complain(EX_USAGE, "-u: an address looks like https://HOST");
    memcpy(h->ring.url, url, sizeof url);
    h->api = (struct api){ .url = h->ring.url, .ring = &h->ring };
    return EX_OK;
}

static int run(struct handset *h, const struct command *c)
{
    struct err e;
    int status = EX_OK;

    buf_init(&h->passphrase, KEYRING_PASSPHRASE_MAX);
    if (jwe_start(&e) != 0)
        return complain(EX_SOFTWARE, e.text);
    if (h->o.passphrase_file != NULL &&
        keyring_passphrase(h->o.passphrase_file, &h->passphrase, &e) != 0)
        return complain(EX_CONFIG, e.text);
    if (c->registered)
        status = load_keys(h);
    return status == EX_OK ? c->run(h) : status;
}

static const struct option long_options[] = {
    { "url", required_argument, NULL, 'u' },
    { "dir", required_argument, NULL, 'd' },
    { "key", required_argument, NULL, 'k' },
    { "passphrase-file", required_argument, NULL, 'p' },
    { "otp", required_argument, NULL, 'o' },
    { "label", required_argument, NULL, 'l' },
    { "type", required_argument, NULL, 't' },
    { "direction", required_argument, NULL, 'D' },
    { "number", required_argument, NULL, 'n' },
    { "sms-command", required_argument, NULL, 's' },
    { "answer", required_argument, NULL, 'a' },
    { "verbose", no_argument, NULL, 'v' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static void set_defaults(struct options *o, char *dir, size_t dir_room, char *host,
                         size_t host_room)
{
    const char *home = getenv("HOME");

    (void)snprintf(dir, dir_room, "%s/.sealpost", home == NULL ? "." : home);
    if (gethostname(host, host_room - 1) != 0)
        (void)snprintf(host, host_room, "command line");
    *o = (struct options){ .dir = dir, .label = host, .type = "program" };
}

/* The whole of a run that was well asked for. */
static int serve(struct handset *h, const struct command *c)
{
    const struct rlimit none = { 0, 0 };
    int status;

    (void)setrlimit(RLIMIT_CORE, &none); /* a core file would hold the keys */
    (void)CRYPTO_secure_malloc_init(SECURE_BYTES, SECURE_LEAST_BYTES);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    json_start();
    status = run(h, c);
    jwe_key_clear(&h->key);
    keyring_clear(&h->ring);
    buf_wipe(&h->passphrase);
    curl_global_cleanup();
    if (status == EX_OK && (fflush(stdout) != 0 || ferror(stdout)))
        status = complain(EX_IOERR, "the output cannot be written");
    return status;
}

int main(int argc, char **argv)
{
    static struct handset h;
    char dir[512], host[64] = "";
    const struct command *c = NULL;
    int opt;

    set_defaults(&h.o, dir, sizeof dir, host, sizeof host);
    while ((opt = getopt_long(argc, argv, "u:d:k:vh", long_options, NULL)) != -1)
        if (opt == 'h' || !set_option(&h.o, opt, optarg)) {
            (void)fputs(usage, opt == 'h' ? stdout : stderr);
            return opt == 'h' ? EX_OK : EX_USAGE;
        }
    for (size_t i = 0; optind < argc && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[optind], commands[i].name) == 0)
            c = &commands[i];
    if (c == NULL || argc - optind - 1 != c->args) {
        (void)fputs(usage, stderr);
        return EX_USAGE;
    }
    h.args = argv + optind + 1;
    return serve(&h, c);
}
