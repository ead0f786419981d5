/* SPDX-License-Identifier: ISC */
/* sealpostctl.c - what an operator asks and tells Sealpost, on the command line.
 * Here:       options, the table of commands, the commands.
 * Elsewhere:  the page's files and their hash (relay/app_files.c).
 * Manual:     contrib/man/sealpostctl.8 */
#include "relay/app_files.h"
#include "relay/config.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

struct ctl {
    const char *config; /* NULL: none is named */
    char **args;        /* behind the command, NULL at the end */
    int count;
};

static int complain(int status, const char *why)
{
    (void)fprintf(stderr, "sealpostctl: %s\n", why);
    return status;
}

/* Where the page lies: as named, as configured, as in this repository. */
static int page_dir(const struct ctl *ctl, char *dir, size_t room)
{
    struct config *config;
    const char *named = ctl->count > 0 ? ctl->args[0] : "templates/handset";
    struct err e;
    int n;

    if (ctl->count > 0 || ctl->config == NULL) {
        n = snprintf(dir, room, "%s", named);
    } else {
        config = config_load(ctl->config, &e);
        if (config == NULL)
            return complain(EX_CONFIG, e.text);
        n = snprintf(dir, room, "%s/handset", config->templates);
        config_free(config);
    }
    return n < (int)room ? EX_OK : complain(EX_USAGE, "the folder's name is too long");
}

static int app_hash(const struct ctl *ctl)
{
    char dir[1024], hash[APP_HASH_ROOM];
    struct app_files files;
    struct err e;
    int status = page_dir(ctl, dir, sizeof dir);

    if (status != EX_OK)
        return status;
    if (app_files_load(&files, dir, &e) != 0)
        return complain(EX_NOINPUT, e.text);
    if (app_files_hash(&files, hash, &e) != 0)
        status = complain(EX_SOFTWARE, e.text);
    else
        (void)puts(hash);
    app_files_clear(&files);
    return status;
}

static const struct command {
    const char *group, *name;
    int args_max;
    int (*run)(const struct ctl *ctl);
} commands[] = {
    { "app", "hash", 1, app_hash },
};

static const char usage[] =
    "usage: sealpostctl [-c FILE] COMMAND\n"
    "  app hash [DIR]  the hash of the page for handsets, as /app.json tells it: of "
    "the\n"
    "                  files in DIR (of the configuration, or templates/handset)\n"
    "options:\n"
    "  -c FILE         the configuration\n"
    "  -h, --help\n"
    "See sealpostctl(8).\n";

static const struct command *command_of(char **words, int count)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (count >= 2 && strcmp(words[0], commands[i].group) == 0 &&
            strcmp(words[1], commands[i].name) == 0 &&
            count - 2 <= commands[i].args_max)
            return &commands[i];
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct option long_options[] = { { "help", no_argument, NULL, 'h' },
                                                  { NULL, 0, NULL, 0 } };
    const struct command *command;
    struct ctl ctl = { .config = NULL };
    int opt, status;

    while ((opt = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
        if (opt == 'c') {
            ctl.config = optarg;
            continue;
        }
        (void)fputs(usage, opt == 'h' ? stdout : stderr);
        return opt == 'h' ? EX_OK : EX_USAGE;
    }
    command = command_of(argv + optind, argc - optind);
    if (command == NULL) {
        (void)fputs(usage, stderr);
        return EX_USAGE;
    }
    ctl.args = argv + optind + 2;
    ctl.count = argc - optind - 2;
    status = command->run(&ctl);
    if (fflush(stdout) != 0 || ferror(stdout))
        status = complain(EX_IOERR, "the output cannot be written");
    return status;
}
