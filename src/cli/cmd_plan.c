/* cmd_plan.c - `examhall plan`: what an environment needs for its timetable, why, and for how much;
 * see platform/plan.h. */
#include "cli/cmd_env.h"
#include "cli/planning.h"

#include <stdlib.h>

static void warn(const struct planning *p)
{
    if (p->is_measured && !p->same_binary)
        fprintf(stderr,
                "examhall: another program was measured (%.*s) than this one (%s); rehearse again "
                "to be sure\n",
                STR_ARG(p->measured.version), version());
    if (p->strangers)
        fprintf(stderr,
                "examhall: %lld rows of the roster name no shift of the spec; they are not "
                "planned for\n",
                (long long)p->strangers);
}

static fail write_spec(const struct plan *plan, const char *path, struct why *why)
{
    str text;
    fail f = plan_into_spec(plan, &text, why);
    if (!f && str_eq(text, plan->opts->env->spec->text))
        fprintf(stderr, "%s has the plan already.\n", path);
    else if (!f && !(f = replace_file(path, text, why)))
        fprintf(stderr, "The plan is in %s. Next: examhall env render %.*s DIR\n", path,
                STR_ARG(plan->opts->env->name));
    return f;
}

int cmd_plan(int argc, char **argv)
{
    static struct plan plan;
    struct planning_words words = { 0 };
    struct planning planning;
    struct why why;
    bool write = false, stop;
    size_t n;
    const char *none[1];
    const struct option options[] = { PLANNING_OPTIONS(words), { "--write", NULL, &write } };
    int status = args_parse(argc, argv, options, COUNT(options), none, 0, &n, &stop);
    if (status || stop)
        return status;
    fail f = planning_load(&planning, &words, true, &why);
    const struct plan_opts opts = { .env = &planning.env,
                                    .measured = planning.is_measured ? &planning.measured : NULL,
                                    .prices = &planning.prices,
                                    .timetable = &planning.timetable,
                                    .habits = &planning.habits };
    if (!f)
        f = plan_make(&plan, &opts, &planning.arena, &why);
    if (!f) {
        struct out out = out_make(4 * MIB);
        warn(&planning);
        (is_json_wanted() ? plan_json : plan_text)(&out, &plan);
        print_out(&out);
        if (write)
            f = write_spec(&plan, spec_path(words.spec), &why);
    }
    status = f                                                   ? complain(f, &why)
             : !planning.is_measured || (plan.lacking && !write) ? EXIT_NO
                                                                 : EXIT_DONE;
    planning_fini(&planning);
    return status;
}
