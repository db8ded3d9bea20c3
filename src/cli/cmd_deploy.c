/* cmd_deploy.c - `examhall deploy`: words in; which kind of place is meant decides what is done. */
#include "cli/deploy.h"
#include "platform/spec_schema.h"

#define WATCH_S_MIN   3
#define WATCH_S_MAX   3600
#define TIMEOUT_S_MAX 86400

static bool watch_read(const char *text, int64_t *watch_s)
{
    int64_t ms = 0;
    bool good = spec_ms(str_z(text), &ms) && ms >= WATCH_S_MIN * 1000 && ms <= WATCH_S_MAX * 1000;
    if (!good)
        fprintf(stderr,
                "examhall: --watch is \"%s\", but must be a duration from 3s to 1h, such as 10s\n",
                text);
    *watch_s = ms / 1000;
    return good;
}

/* kubectl would refuse another one, after Helm has deployed: and that would be rolled back. */
static bool is_timeout(const char *text)
{
    int64_t ms = 0;
    bool good = spec_ms(str_z(text), &ms) && ms >= 1000 && ms <= TIMEOUT_S_MAX * 1000;
    if (!good)
        fprintf(stderr,
                "examhall: --timeout is \"%s\", but must be a duration from 1s to 24h, such as "
                "30m\n",
                text);
    return good;
}

/* A word that would be ignored is a mistake. */
static bool is_misplaced(char **argv, const char *const *words, size_t count, bool local)
{
    for (; *argv; argv++)
        for (size_t i = 0; i < count; i++)
            if (strcmp(*argv, words[i]) == 0) {
                fprintf(stderr, "examhall deploy: %s is not for %s; see examhall deploy --help\n",
                        *argv, local ? "local" : "an environment of the spec");
                return true;
            }
    return false;
}

int cmd_deploy(int argc, char **argv)
{
    struct deploy_opts opts = { .image = "delivery/image",
                                .certificate = "delivery/certificate.json",
                                .key = "certificate.pub",
                                .roster = "roster.csv",
                                .timeout = "30m" };
    static const char *const here[] = { "--data", "--binary", "--watch" };
    static const char *const away[] = {
        "--spec",       "--repository", "--image",       "--certificate",
        "--key",        "--roster",     "--credentials", "--infrastructure",
        "--kubeconfig", "--values",     "--timeout",     "--dry-run"
    };
    const char *watch = "10s", *words[1];
    size_t words_n;
    bool stop;
    const struct option options[] = {
        { "--undo", NULL, &opts.undo },
        { "--data", &opts.data, NULL },
        { "--binary", &opts.binary, NULL },
        { "--watch", &watch, NULL },
        { "--spec", &opts.spec, NULL },
        { "--repository", &opts.repository, NULL },
        { "--image", &opts.image, NULL },
        { "--certificate", &opts.certificate, NULL },
        { "--key", &opts.key, NULL },
        { "--roster", &opts.roster, NULL },
        { "--infrastructure", NULL, &opts.infrastructure },
        { "--credentials", &opts.credentials, NULL },
        { "--kubeconfig", &opts.kubeconfig, NULL },
        { "--values", &opts.values, NULL },
        { "--timeout", &opts.timeout, NULL },
        { "--dry-run", NULL, &opts.dry },
    };
    int status = args_parse(argc, argv, options, COUNT(options), words, 1, &words_n, &stop);
    if (status || stop)
        return status;
    if (words_n != 1)
        return help_for("deploy", stderr);
    opts.env = words[0];
    bool local = strcmp(opts.env, "local") == 0;
    if (is_misplaced(argv, local ? away : here, local ? COUNT(away) : COUNT(here), local) ||
        !watch_read(watch, &opts.watch_s) || !is_timeout(opts.timeout))
        return EXIT_USAGE;
    return local ? deploy_local(&opts) : deploy_cloud(&opts);
}
