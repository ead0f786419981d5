/* SPDX-License-Identifier: ISC */
/* config.c - sealpost.conf, from the file to struct config.
 * Here:       reading it with libconfuse, what a section and the whole file need.
 * Elsewhere:  which keys there are (config_keys.c), one value (config_value.c,
 *             config_parse.c), comments, quotes and braces (config_text.c), look-ups
 *             (config_find.c), the words for people (sealpost.conf(5)).
 * Called by:  sealpostd.c at start, SIGHUP and -t. */
#include "relay/config.h"
#include "relay/config_keys.h"
#include "relay/config_text.h"
#include <confuse.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAD "5.3.5"
#define FILE_MAX_BYTES (1U << 20)

/* A file being read. libconfuse's callbacks carry no pointer of ours, and its scanner
 * is global anyway. */
struct load {
    struct config *config;
    char *dir;
    struct err *e;
    bool failed; /* *e is filled; the first failure counts */
    uint64_t root_seen, section_seen;
    bool mail_seen;
    int secret_line;             /* of the last secret */
    struct config_listen listen; /* the section under way */
    struct config_kannel kannel;
    struct config_account account;
};
static struct load *loading;

static int close_listen(struct load *l, cfg_t *sec);
static int close_kannel(struct load *l, cfg_t *sec);
static int close_mail(struct load *l, cfg_t *sec);
static int close_account(struct load *l, cfg_t *sec);

static const struct section {
    const char *name;
    size_t offset;  /* of what it fills, in struct load */
    bool in_config; /* it fills struct config */
    cfg_flag_t flags;
    int (*close)(struct load *l, cfg_t *sec);
} sections[CONFIG_SECTIONS] = {
    [CONFIG_ROOT] = { "root", 0, true, CFGF_NONE, NULL },
    [CONFIG_MAIL] = { "mail", 0, true, CFGF_NONE, close_mail },
    [CONFIG_LISTEN] = { "listen", offsetof(struct load, listen), false,
                        CFGF_MULTI | CFGF_TITLE, close_listen },
    [CONFIG_KANNEL] = { "kannel", offsetof(struct load, kannel), false,
                        CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES, close_kannel },
    [CONFIG_ACCOUNT] = { "account", offsetof(struct load, account), false,
                         CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES, close_account },
};

static const struct section *section_named(const char *name)
{
    for (size_t i = 0; i < CONFIG_SECTIONS; i++)
        if (strcmp(sections[i].name, name) == 0)
            return &sections[i];
    return NULL;
}

static const struct config_keys *keys_of(const struct section *s)
{
    return &config_keys[s - sections];
}

static char *section_base(struct load *l, const struct section *s)
{
    return s->in_config ? (char *)l->config : (char *)l + s->offset;
}

/* Puts FILE:LINE:, the section and the key before what is said already. */
static int fail(struct load *l, const cfg_t *cfg, const char *key)
{
    const bool root = strcmp(cfg->name, "root") == 0;

    l->failed = true;
    return err_wrap(l->e, "%s:%d: %s%s%s%s%s", l->config->path, cfg->line,
                    root ? "" : cfg->name, cfg->title == NULL ? "" : " ",
                    cfg->title == NULL ? "" : cfg->title,
                    root || key[0] == '\0' ? "" : ": ", key);
}

static int refuse(struct load *l, const cfg_t *cfg, const char *key, const char *why)
{
    (void)err_set(l->e, ERR_PERM, BAD, "%s", why);
    return fail(l, cfg, key);
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
    char why[160];

    if (loading->failed)
        return;
    (void)vsnprintf(why, sizeof why, fmt, ap);
    if (cfg->line == loading->secret_line) /* it may be the rest of the secret */
        (void)snprintf(
            why, sizeof why,
            "what stands behind the secret is no key; put a value in quotes");
    loading->failed = true;
    (void)err_set(loading->e, ERR_PERM, BAD, "%s:%d: %s; see sealpost.conf(5)",
                  loading->config->path, cfg->line, why);
}

/* One value, as soon as it is read: so an error knows its line. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
    struct load *const l = loading;
    const struct section *const s = section_named(cfg->name);
    const struct config_keys *const keys = keys_of(s);
    uint64_t *const seen = s == sections ? &l->root_seen : &l->section_seen;
    const struct config_key *key;
    size_t i = 0;

    while (i < keys->n && strcmp(keys->p[i].name, opt->name) != 0)
        i++;
    if (i == keys->n) /* libconfuse takes "mail|helo = x" too */
        return refuse(l, cfg, opt->name, "stands outside its section");
    key = &keys->p[i];
    if ((*seen & UINT64_C(1) << i) != 0 && opt->nvalues == 1)
        return refuse(l, cfg, key->name, "is given twice");
    *seen |= UINT64_C(1) << i;
    if (key->set == config_set_secret || key->set == config_set_hidden)
        l->secret_line = cfg->line;
    if (key->set(key, l->dir, text, section_base(l, s) + key->offset, l->e) != 0)
        return fail(l, cfg, key->name);
    *(const char **)result = ""; /* libconfuse would keep a copy, of secrets as well */
    return 0;
}

/* A list that the file does not give; it may give an empty one, and that is meant. */
static int default_list(struct load *l, cfg_t *cfg, const struct config_key *key,
                        void *field)
{
    if (key->texts == NULL || (cfg_getopt(cfg, key->name)->flags & CFGF_MODIFIED) != 0)
        return 0;
    for (const char *const *text = key->texts; *text != NULL; text++)
        if (key->set(key, l->dir, *text, field, l->e) != 0)
            return -1;
    return 0;
}

/* Defaults for what was not given. */
static int complete(struct load *l, const struct section *s, cfg_t *cfg)
{
    const struct config_keys *const keys = keys_of(s);

    for (size_t i = 0; i < keys->n; i++) {
        const struct config_key *const key = &keys->p[i];
        void *const field = section_base(l, s) + key->offset;

        if (cfg_size(cfg, key->name) > 0)
            continue;
        if (key->fallback == NULL)
            return refuse(l, cfg, key->name, "is required");
        if (key->is_list ? default_list(l, cfg, key, field) != 0
                         : key->fallback[0] != '\0' &&
                               key->set(key, l->dir, key->fallback, field, l->e) != 0)
            return fail(l, cfg, key->name);
    }
    return 0;
}

static int on_section(cfg_t *cfg, cfg_opt_t *opt)
{
    const struct section *const s = section_named(opt->name);
    cfg_t *const sec = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

    loading->section_seen = 0;
    (void)cfg;
    return s->close(loading, sec);
}

/* Moves the section under way to the end of a list of its kind. */
static int append(struct load *l, const cfg_t *sec, void *list, size_t *count,
                  void *draft, size_t bytes)
{
    void *more;

    memcpy(&more, list, sizeof more);
    more = reallocarray(more, *count + 1, bytes);
    if (more == NULL) {
        (void)err_set(l->e, ERR_TEMP, "4.3.0", "out of memory");
        return fail(l, sec, "");
    }
    memcpy(list, &more, sizeof more);
    memcpy((char *)more + *count * bytes, draft, bytes);
    (*count)++;
    memset(draft, 0, bytes);
    return 0;
}

static int check_listen(struct load *l, cfg_t *sec)
{
    const struct config_listen *const new = &l->listen;
    const bool is_unix = new->address.sa.ss_family == AF_UNIX;
    const bool has_tls = new->certificate != NULL &&new->key != NULL;

    if (new->protocol == LISTEN_HANDSET && is_unix)
        return refuse(l, sec, "address", "handsets come by TCP");
    if (new->protocol == LISTEN_HANDSET && !has_tls)
        return refuse(l, sec, new->certificate == NULL ? "certificate" : "key",
                      "is required for handset");
    if (new->protocol != LISTEN_HANDSET &&new->protocol != LISTEN_SENDSMS &&
        (new->certificate || new->key))
        return refuse(l, sec, new->certificate != NULL ? "certificate" : "key",
                      "is for handset and sendsms only");
    if ((new->certificate == NULL) != (new->key == NULL))
        return refuse(l, sec, new->certificate == NULL ? "certificate" : "key",
                      "is required as well");
    if (!is_unix && cfg_size(sec, "mode") > 0)
        return refuse(l, sec, "mode", "is for a unix: address only");
    for (size_t i = 0; i < l->config->listen_count; i++)
        if (strcmp(l->config->listens[i].address.text, new->address.text) == 0)
            return refuse(l, sec, "address", "is listened on already");
    return 0;
}

static int close_listen(struct load *l, cfg_t *sec)
{
    static const char *const protocols[] = {
        [LISTEN_LMTP] = "lmtp",
        [LISTEN_SMTP] = "smtp",
        [LISTEN_HANDSET] = "handset",
        [LISTEN_SENDSMS] = "sendsms",
    };
    const size_t count = sizeof protocols / sizeof protocols[0];
    size_t i = 0;
    char *unique;

    while (i < count && strcmp(protocols[i], sec->title) != 0)
        i++;
    if (i == count)
        return refuse(l, sec, "", "listen lmtp, smtp, handset or sendsms");
    l->listen.protocol = (enum listen_protocol)i;
    if (complete(l, section_named(sec->name), sec) != 0 || check_listen(l, sec) != 0)
        return -1;
    /* libconfuse puts a section in the place of an earlier one of the same title. With
     * another title this one stays, and the newest is always the last one. */
    if (asprintf(&unique, "%zu", l->config->listen_count) < 0) {
        (void)err_set(l->e, ERR_TEMP, "4.3.0", "out of memory");
        return fail(l, sec, "");
    }
    free(sec->title);
    sec->title = unique;
    return append(l, sec, &l->config->listens, &l->config->listen_count, &l->listen,
                  sizeof l->listen);
}

static int close_kannel(struct load *l, cfg_t *sec)
{
    if (!config_is_name(sec->title))
        return refuse(l, sec, "", "a name has 1 to 63 of a-z 0-9 - _");
    if (complete(l, section_named(sec->name), sec) != 0)
        return -1;
    if (l->kannel.tls && l->kannel.tls_ca == NULL)
        return refuse(l, sec, "tls-ca", "is required with tls = yes");
    if (!l->kannel.tls && (l->kannel.tls_ca != NULL || l->kannel.tls_name != NULL))
        return refuse(l, sec, l->kannel.tls_ca != NULL ? "tls-ca" : "tls-name",
                      "is for tls = yes only");
    l->kannel.title = config_copy(span_str(sec->title), l->e);
    if (l->kannel.title == NULL)
        return fail(l, sec, "");
    return append(l, sec, &l->config->kannels, &l->config->kannel_count, &l->kannel,
                  sizeof l->kannel);
}

static int close_mail(struct load *l, cfg_t *sec)
{
    if (l->mail_seen)
        return refuse(l, sec, "", "is given twice");
    l->mail_seen = true;
    return 0;
}

static int check_account(struct load *l, cfg_t *sec)
{
    struct config_account *const a = &l->account;
    const bool http = a->password != NULL || a->token != NULL;

    if (a->senders.n == 0 && !http)
        return refuse(l, sec, "senders", "is required without password and token");
    if (!a->secure && !a->plain)
        return refuse(l, sec, "plain", "yes is required with secure = no");
    if (a->username == NULL &&
        (a->username = config_copy(span_str(a->name), l->e)) == NULL)
        return fail(l, sec, "");
    for (size_t i = 0; i < l->config->account_count; i++)
        if (strcmp(l->config->accounts[i].username, a->username) == 0)
            return refuse(l, sec, "username", "another account has it");
    for (size_t i = 0; a->token != NULL && i < l->config->account_count; i++)
        if (l->config->accounts[i].token != NULL &&
            strcmp(l->config->accounts[i].token, a->token) == 0)
            return refuse(l, sec, "token", "another account has it");
    return 0;
}

static int close_account(struct load *l, cfg_t *sec)
{
    if (!config_is_name(sec->title))
        return refuse(l, sec, "", "a name has 1 to 63 of a-z 0-9 - _");
    if (complete(l, section_named(sec->name), sec) != 0)
        return -1;
    memcpy(l->account.name, sec->title, strlen(sec->title) + 1);
    if (check_account(l, sec) != 0)
        return -1;
    return append(l, sec, &l->config->accounts, &l->config->account_count, &l->account,
                  sizeof l->account);
}

static int finish_otp(struct load *l, cfg_t *root)
{
    struct config *const c = l->config;

    if (c->otp_to == NULL &&
        (c->otp_to = config_copy(span_str(c->kannels[0].sender), l->e)) == NULL)
        return fail(l, root, "otp-to");
    if (c->otp_direction != OTP_SERVER &&
        strspn(c->otp_to, "+0123456789") != strlen(c->otp_to))
        return refuse(l, root, "otp-to", "a handset can send an SMS to a number only");
    return 0;
}

static int check_mo_account(struct load *l, cfg_t *root)
{
    const char *const name = l->config->mo_account;
    const struct config_account *const a =
        name == NULL ? NULL : config_account(l->config, name);

    if (name == NULL)
        return 0;
    if (a == NULL)
        return refuse(l, root, "mo-account", "there is no such account");
    if (a->reply_url == NULL && a->reply_mail == NULL)
        return refuse(l, root, "mo-account",
                      "this account has no reply-url or reply-mail");
    return 0;
}

/* What only the whole file shows. */
static int finish(struct load *l, cfg_t *root)
{
    struct config *const c = l->config;
    const char *const host = "https://";

    if (complete(l, &sections[CONFIG_ROOT], root) != 0 ||
        complete(l, &sections[CONFIG_MAIL], cfg_getsec(root, "mail")) != 0)
        return -1;
    if (c->listen_count == 0)
        return refuse(l, root, "listen", "at least one section is required");
    if (c->kannel_count == 0)
        return refuse(l, root, "kannel", "at least one section is required");
    if (c->account_count == 0)
        return refuse(l, root, "account", "at least one section is required");
    if (check_mo_account(l, root) != 0 || finish_otp(l, root) != 0)
        return -1;
    c->public_host = strdup(c->public_url + strlen(host));
    if (c->mail_helo == NULL)
        c->mail_helo = strdup(c->domain);
    if (c->operator_name == NULL)
        c->operator_name = strdup(c->domain);
    if (c->push_contact == NULL &&
        asprintf(&c->push_contact, "mailto:postmaster@%s", c->domain) < 0)
        c->push_contact = NULL;
    if (c->public_host == NULL || c->mail_helo == NULL || c->operator_name == NULL ||
        c->push_contact == NULL) {
        (void)err_set(l->e, ERR_TEMP, "4.3.0", "out of memory");
        return fail(l, root, "");
    }
    c->public_host[strcspn(c->public_host, ":")] = '\0';
    return 0;
}

static void section_opts(const struct section *s, cfg_opt_t opts[CONFIG_KEYS_MAX])
{
    static const cfg_opt_t end = CFG_END();
    const struct config_keys *const keys = keys_of(s);
    size_t i;

    for (i = 0; i < keys->n; i++) {
        const cfg_flag_t list = keys->p[i].is_list ? CFGF_LIST : CFGF_NONE;
        const cfg_opt_t opt =
            CFG_STR_CB(keys->p[i].name, NULL, CFGF_NODEFAULT | list, on_value);

        opts[i] = opt;
    }
    opts[i] = end;
}

static int parse(struct load *l, const char *text)
{
    cfg_opt_t opts[CONFIG_SECTIONS][CONFIG_KEYS_MAX];
    size_t next = config_keys[CONFIG_ROOT].n;
    cfg_t *root;
    int rc;

    section_opts(&sections[0], opts[0]);
    opts[0][next + CONFIG_SECTIONS - 1] = opts[0][next];
    for (size_t i = 1; i < CONFIG_SECTIONS; i++) {
        cfg_opt_t opt = CFG_SEC(sections[i].name, opts[i], sections[i].flags);

        section_opts(&sections[i], opts[i]);
        opt.validcb = on_section;
        opts[0][next++] = opt;
    }
    root = cfg_init(opts[0], CFGF_NONE);
    if (root == NULL)
        return err_set(l->e, ERR_TEMP, "4.3.0", "out of memory");
    (void)cfg_set_error_function(root, on_error);
    rc = cfg_parse_buf(root, text) == CFG_SUCCESS ? finish(l, root) : -1;
    if (rc != 0 && !l->failed)
        (void)err_set(l->e, ERR_TEMP, "4.3.0", "%s: cannot be parsed: out of memory",
                      l->config->path);
    (void)cfg_free(root);
    return rc;
}

/* The whole file with a NUL behind it. */
static int read_text(struct buf *text, const char *path, struct err *e)
{
    FILE *const file = fopen(path, "re");
    char some[4096];
    size_t n;
    int rc = 0;

    if (file == NULL)
        return err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    while ((n = fread(some, 1, sizeof some, file)) > 0)
        buf_put_mem(text, some, n);
    buf_put_u8(text, 0);
    if (ferror(file))
        rc = err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    else if (!buf_ok(text))
        rc = err_set(e, ERR_PERM, BAD, "%s: has more than %u bytes", path,
                     FILE_MAX_BYTES);
    (void)fclose(file);
    return rc;
}

/* The directory of the file, absolute: the daemon does not stay where it began. */
static char *directory_of(const char *path)
{
    char *const real = realpath(path, NULL);

    if (real != NULL)
        *strrchr(real, '/') = '\0';
    return real;
}

static int load_file(struct load *l, const char *path)
{
    struct buf text;
    int rc;

    buf_init(&text, FILE_MAX_BYTES);
    rc = read_text(&text, path, l->e);
    if (rc == 0) {
        rc = config_text_clean(text.p, text.n - 1, path, l->e);
        if (rc == 0)
            rc = parse(l, text.p);
    }
    buf_wipe(&text);
    return rc;
}

struct config *config_load(const char *path, struct err *e)
{
    struct load l = { .e = e };
    int rc = -1;

    l.config = calloc(1, sizeof *l.config);
    if (l.config == NULL || (l.config->path = strdup(path)) == NULL)
        (void)err_set(e, ERR_TEMP, "4.3.0", "out of memory");
    else if ((l.dir = directory_of(path)) == NULL)
        (void)err_set(e, ERR_PERM, BAD, "%s: %s", path, strerror(errno));
    else {
        loading = &l;
        rc = load_file(&l, path);
        loading = NULL;
    }
    free(l.dir);
    config_listen_clear(&l.listen);
    config_kannel_clear(&l.kannel);
    config_account_clear(&l.account);
    if (rc == 0)
        return l.config;
    config_free(l.config);
    return NULL;
}
