/* cmd_serve.c - `examhall serve`: checks what it can before anything starts, then supervises. */
#include "cli/cmd.h"
#include "cli/supervisor.h"
#include "platform/spec.h"

#include <sys/stat.h>

/* A hall and its gateways apart: which words belong together. */
static fail check_parts(const struct supervisor_opts *opts, struct why *why)
{
    bool apart = opts->hall || opts->listen_gate;
    if (opts->hall && opts->listen_gate)
        return fail_set(
            why, FAIL_USAGE,
            "--hall starts only a gateway, --listen-gate only a hall; give one of them, "
            "or neither for both on this machine");
    if (apart && !opts->gate_key)
        return fail_set(why, FAIL_USAGE,
                        "a gateway and a hall apart need the same --gate-key FILE; make one with: "
                        "openssl rand -hex 32 > gate.key");
    if (!apart && (opts->gate_key || opts->listen_probes))
        return fail_set(why, FAIL_USAGE,
                        "--gate-key and --listen-probes are for a gateway or a hall alone (--hall, "
                        "--listen-gate)");
    if (!opts->hall && (opts->candidates || opts->drain_s || opts->drain_delay_s))
        return fail_set(why, FAIL_USAGE,
                        "--candidates, --drain and --drain-delay are for a gateway alone (--hall)");
    if (opts->drain_delay_s && opts->drain_s <= opts->drain_delay_s)
        return fail_set(why, FAIL_USAGE,
                        "--drain is all the time there is to end in, so it must be more than "
                        "--drain-delay %lld",
                        (long long)opts->drain_delay_s);
    return FAIL_NONE;
}

/* A gateway alone has a folder for its sockets only. */
static fail find_dir(struct supervisor_opts *opts, const char *given, struct why *why)
{
    struct stat st;
    if (!opts->hall)
        return hall_dir(given, &opts->dir, why);
    opts->dir = given ? given : "hall";
    if (stat(opts->dir, &st) == 0 && S_ISDIR(st.st_mode))
        return FAIL_NONE;
    return fail_set(why, FAIL_MISSING,
                    "there is no folder %s; a gateway needs one for its sockets: --data DIR",
                    opts->dir);
}

static fail serve(struct supervisor_opts *opts, const char *dir, const char *spec_path,
                  struct why *why)
{
    char default_spec[4096];
    struct spec spec = { .listen = STR_NONE };
    struct arena arena = arena_make(8 * MIB);
    fail f = check_parts(opts, why);
    if (!f)
        f = find_dir(opts, dir, why);
    if (f)
        return f;
    snprintf(default_spec, sizeof(default_spec), "%s/hall.yaml", opts->dir);
    opts->spec = spec_path ? spec_path : default_spec;
    if (opts->handover < 0 && !opts->hall) /* a mistake in it is said before any process starts */
        f = spec_load(&spec, opts->spec, &arena, why);
    if (!f && !opts->listen)
        opts->listen = spec.listen.n ? spec.listen.p : "0.0.0.0:8443";
    if (!f)
        f = supervisor_run(opts, why);
    arena_fini(&arena);
    return f;
}

int cmd_serve(int argc, char **argv)
{
    struct supervisor_opts opts = { .handover = -1 };
    const char *dir = NULL, *spec = NULL, *reactors = "0", *candidates = "0", *drain = "0",
               *drain_delay = "0", *handover = NULL, *words[1];
    int64_t memory = -1;
    size_t words_n;
    bool stop;
    struct why why;
    const struct option options[] = {
        { "--data", &dir, NULL },
        { "--spec", &spec, NULL },
        { "--listen", &opts.listen, NULL },
        { "--listen-plain", &opts.listen_plain, NULL },
        { "--services", &opts.services, NULL },
        { "--reactors", &reactors, NULL },
        { "--hall", &opts.hall, NULL },
        { "--listen-gate", &opts.listen_gate, NULL },
        { "--gate-key", &opts.gate_key, NULL },
        { "--listen-probes", &opts.listen_probes, NULL },
        { "--tls-cert", &opts.tls_cert, NULL },
        { "--tls-key", &opts.tls_key, NULL },
        { "--candidates", &candidates, NULL },
        { "--drain", &drain, NULL },
        { "--drain-delay", &drain_delay, NULL },
        { "--handover", &handover, NULL }, /* not for people: handover.c */
        { "--quiet", NULL, &opts.quiet },
    };
    int status = args_parse(argc, argv, options, COUNT(options), words, 0, &words_n, &stop);
    if (status || stop)
        return status;
    if (!arg_i64("--reactors", reactors, 0, 64, &opts.reactors) ||
        !arg_i64("--candidates", candidates, 0, 10000000, &opts.candidates) ||
        !arg_i64("--drain", drain, 0, 86400, &opts.drain_s) ||
        !arg_i64("--drain-delay", drain_delay, 0, 3600, &opts.drain_delay_s) ||
        (handover && !arg_i64("--handover", handover, 0, INT32_MAX, &memory)))
        return EXIT_USAGE;
    opts.handover = (int)memory;
    fail f = serve(&opts, dir, spec, &why);
    return f ? complain(f, &why) : EXIT_DONE;
}
