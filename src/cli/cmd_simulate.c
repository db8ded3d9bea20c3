/* cmd_simulate.c - `examhall simulate`: a scaling policy against an exam day; see
 * platform/simulate.h. */
#include "cli/cmd_env.h"
#include "cli/planning.h"
#include "platform/simulate.h"

#include <stdlib.h>

#define CANDIDATES_MAX 10000000
#define PAGE_BYTES_MAX (64 * MIB)

struct sim_words {
    struct planning_words planning;
    const char *candidates, *policy, *profile, *day, *seed, *node_start, *pod_start, *patience;
    const char *report;
    bool sweep;
};

static bool numbers_take(struct sim_opts *opts, int64_t *candidates, const struct sim_words *words)
{
    int64_t seed = 1;
    const struct {
        const char *name, *text;
        int64_t least, most, *to;
    } rows[] = { { "--candidates", words->candidates, 1, CANDIDATES_MAX, candidates },
                 { "--seed", words->seed, 0, INT64_MAX, &seed },
                 { "--node-start", words->node_start, 0, 3600, &opts->node_start_s },
                 { "--pod-start", words->pod_start, 0, 3600, &opts->pod_start_s },
                 { "--patience", words->patience, 1, SIM_PATIENCE_MAX_S, &opts->patience_s } };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].text &&
            !arg_i64(rows[i].name, rows[i].text, rows[i].least, rows[i].most, rows[i].to))
            return false;
    opts->seed = (uint64_t)seed;
    return true;
}

/* Without a number all whom the spec expects come on that one day: it cannot be worse. */
static fail registration_make(struct planning *p, int64_t candidates, struct why *why)
{
    if (!candidates)
        candidates = p->timetable.candidates;
    if (!candidates)
        return fail_set(why, FAIL_CONFLICT,
                        "the spec expects nobody yet; say how many register on the last day with "
                        "--candidates N");
    timetable_registration(&p->timetable, MIN(candidates, CANDIDATES_MAX), &p->arena);
    return FAIL_NONE;
}

static fail day_make(struct planning *p, const struct sim_words *words, int64_t candidates,
                     struct why *why)
{
    if (!p->env.cloud)
        return fail_set(why, FAIL_CONFLICT,
                        "the environment %.*s is one machine, where nothing scales; name one on "
                        "AWS with --env",
                        STR_ARG(p->env.name));
    if (!p->is_measured)
        return fail_set(why, FAIL_CONFLICT,
                        "what a request costs was not measured, and is not made up; run: examhall "
                        "rehearse --candidates 5000 --profile stampede --capacity capacity.json");
    if (words->profile && strcmp(words->profile, "registration") == 0)
        return registration_make(p, candidates, why);
    if (!p->timetable.shift_count && !candidates)
        return fail_set(why, FAIL_CONFLICT,
                        "the spec has no shift with a time; say how many come to a sample day with "
                        "--candidates N");
    if (!p->timetable.candidates && !candidates)
        return fail_set(why, FAIL_CONFLICT,
                        "no shift of the spec says how many candidates it expects; say it here "
                        "with --candidates N");
    if (!p->timetable.shift_count)
        timetable_sample(&p->timetable, &p->arena);
    fail f = timetable_day(&p->timetable, words->day, why);
    if (!f && candidates)
        timetable_scale(&p->timetable, candidates);
    return f;
}

static fail page_write(const char *path, const struct sim_opts *opts,
                       const struct sim_result *result, struct why *why)
{
    struct out out = out_make(PAGE_BYTES_MAX);
    sim_page(&out, opts, result);
    FILE *file = fopen(path, "we");
    bool good = file && !out.failed && fwrite(out.p, 1, out.n, file) == out.n;
    good = file && fclose(file) == 0 && good;
    out_fini(&out);
    return good ? FAIL_NONE : fail_errno(why, FAIL_WORLD, "cannot write the report to %s", path);
}

static fail one(struct sim_opts *opts, const struct sim_words *words, struct arena *arena,
                bool *good, struct why *why)
{
    static struct sim_result result;
    struct out out = out_make(MIB);
    fail f = simulate(&result, opts, arena, why);
    if (f)
        return f;
    if (words->report)
        f = page_write(words->report, opts, &result, why);
    if (f)
        return f;
    (is_json_wanted() ? sim_json : sim_text)(&out, opts, &result);
    out_z(&out, is_json_wanted() ? "\n" : "");
    print_out(&out);
    *good = sim_is_good(&result, &opts->env->spec->objectives);
    return FAIL_NONE;
}

/* All policies against the same day; good when any holds it. */
static fail sweep(struct sim_opts *opts, struct arena *arena, bool *good, struct why *why)
{
    static struct sim_result result;
    struct out out = out_make(MIB);
    bool json = is_json_wanted();
    fail f = FAIL_NONE;
    if (json)
        out_z(&out, "{\"policies\":[");
    else
        sim_sweep_head(&out);
    for (size_t i = 0; i < sim_policy_count && !f; i++) {
        opts->policy = &sim_policies[i];
        f = simulate(&result, opts, arena, why);
        if (f)
            break;
        (json ? sim_json : sim_sweep_line)(&out, opts, &result);
        *good = *good || sim_is_good(&result, &opts->env->spec->objectives);
    }
    out_z(&out, json ? "]}\n" : "");
    if (f)
        out_fini(&out);
    else
        print_out(&out);
    return f;
}

/* Words that nobody could mean together. */
static bool words_agree(const struct sim_words *words)
{
    bool registration = words->profile && strcmp(words->profile, "registration") == 0;
    if (words->profile && !registration && strcmp(words->profile, "day") != 0)
        fprintf(stderr, "examhall: there is no profile \"%.40s\"; there are day and registration\n",
                words->profile);
    else if (registration && words->day)
        fprintf(stderr, "examhall: the spec has no date of a registration; leave out --day\n");
    else if (words->sweep && (words->policy || words->report))
        fprintf(stderr, "examhall: --sweep compares all policies in one table; leave out --policy "
                        "and --report, or --sweep\n");
    else
        return true;
    return false;
}

int cmd_simulate(int argc, char **argv)
{
    struct sim_words words = { 0 };
    struct sim_opts opts = { .node_start_s = 60, .pod_start_s = 10, .patience_s = 30 };
    struct planning planning;
    struct why why;
    int64_t candidates = 0;
    bool stop, good = false;
    size_t n;
    const char *none[1];
    const struct option options[] = {
        PLANNING_OPTIONS(words.planning),
        { "--candidates", &words.candidates, NULL },
        { "--policy", &words.policy, NULL },
        { "--day", &words.day, NULL },
        { "--profile", &words.profile, NULL },
        { "--seed", &words.seed, NULL },
        { "--node-start", &words.node_start, NULL },
        { "--pod-start", &words.pod_start, NULL },
        { "--patience", &words.patience, NULL },
        { "--report", &words.report, NULL },
        { "--sweep", NULL, &words.sweep },
    };
    int status = args_parse(argc, argv, options, COUNT(options), none, 0, &n, &stop);
    if (status || stop)
        return status;
    if (!numbers_take(&opts, &candidates, &words) || !words_agree(&words))
        return EXIT_USAGE;
    opts.policy = sim_policy_find(words.policy ? words.policy : "schedule", &why);
    if (!opts.policy)
        return complain(FAIL_USAGE, &why);
    fail f = planning_load(&planning, &words.planning, false, &why);
    if (!f)
        f = day_make(&planning, &words, candidates, &why);
    opts.env = &planning.env;
    opts.measured = &planning.measured;
    opts.prices = &planning.prices;
    opts.timetable = &planning.timetable;
    opts.habits = &planning.habits;
    if (!f)
        f = words.sweep ? sweep(&opts, &planning.arena, &good, &why)
                        : one(&opts, &words, &planning.arena, &good, &why);
    status = f ? complain(f, &why) : good ? EXIT_DONE : EXIT_NO;
    planning_fini(&planning);
    return status;
}
