/* cmd_serve.c - `examhall serve`: checks what it can before anything starts, then supervises. */
#include "cli/cmd.h"
#include "cli/supervisor.h"
#include "platform/spec.h"

int cmd_serve(int argc, char **argv)
{
    struct supervisor_opts opts = { .handover = -1 };
    const char *dir = NULL, *spec_path = NULL, *reactors = "0", *handover = NULL, *words[1];
    int64_t memory = -1;
    char default_spec[4096];
    size_t words_n;
    bool stop;
    struct why why;
    struct spec spec = { .listen = STR_NONE };
    struct arena arena = arena_make(8 * MIB);
    const struct option options[] = {
        { "--data", &dir, NULL },
        { "--spec", &spec_path, NULL },
        { "--listen", &opts.listen, NULL },
        { "--listen-plain", &opts.listen_plain, NULL },
        { "--services", &opts.services, NULL },
        { "--reactors", &reactors, NULL },
        { "--handover", &handover, NULL }, /* not for people: handover.c */
        { "--quiet", NULL, &opts.quiet },
    };
    int status = args_parse(argc, argv, options, COUNT(options), words, 0, &words_n, &stop);
    if (status || stop)
        return status;
    if (!arg_i64("--reactors", reactors, 0, 64, &opts.reactors) ||
        (handover && !arg_i64("--handover", handover, 0, INT32_MAX, &memory)))
        return EXIT_USAGE;
    opts.handover = (int)memory;
    fail f = hall_dir(dir, &opts.dir, &why);
    if (f)
        return complain(f, &why);
    snprintf(default_spec, sizeof(default_spec), "%s/hall.yaml", opts.dir);
    opts.spec = spec_path ? spec_path : default_spec;
    if (opts.handover < 0) /* a mistake in it is said before any process starts */
        f = spec_load(&spec, opts.spec, &arena, &why);
    if (!f && !opts.listen)
        opts.listen = spec.listen.n ? spec.listen.p : "0.0.0.0:8443";
    if (!f)
        f = supervisor_run(&opts, &why);
    arena_fini(&arena);
    return f ? complain(f, &why) : EXIT_DONE;
}
