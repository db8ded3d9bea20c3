/* cmd_serve.c - `examhall serve`: checks what it can before anything starts, then supervises. */
#include "cli/cmd.h"
#include "cli/supervisor.h"
#include "platform/spec.h"

int cmd_serve(int argc, char **argv)
{
    struct supervisor_opts opts = { .listen = NULL };
    const char *dir = NULL, *spec_path = NULL, *reactors = "0", *words[1];
    char default_spec[4096];
    size_t words_n;
    bool stop;
    struct why why;
    struct spec spec;
    struct arena arena = arena_make(8 * MIB);
    const struct option options[] = {
        { "--data", &dir, NULL },
        { "--spec", &spec_path, NULL },
        { "--listen", &opts.listen, NULL },
        { "--listen-plain", &opts.listen_plain, NULL },
        { "--services", &opts.services, NULL },
        { "--reactors", &reactors, NULL },
        { "--quiet", NULL, &opts.quiet },
    };
    int status = args_parse(argc, argv, options, COUNT(options), words, 0, &words_n, &stop);
    if (status || stop)
        return status;
    if (!arg_i64("--reactors", reactors, 0, 64, &opts.reactors))
        return EXIT_USAGE;
    fail f = hall_dir(dir, &opts.dir, &why);
    if (f)
        return complain(f, &why);
    snprintf(default_spec, sizeof(default_spec), "%s/hall.yaml", opts.dir);
    opts.spec = spec_path ? spec_path : default_spec;
    f = spec_load(&spec, opts.spec, &arena,
                  &why); /* a mistake in it is said before any process starts */
    if (!f) {
        if (!opts.listen)
            opts.listen = spec.listen.n ? spec.listen.p : "0.0.0.0:8443";
        f = supervisor_run(&opts, &why);
    }
    arena_fini(&arena);
    return f ? complain(f, &why) : EXIT_DONE;
}
