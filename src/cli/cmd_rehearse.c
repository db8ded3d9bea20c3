/* cmd_rehearse.c - `examhall rehearse`: options in, verdict out; see rehearsal/rehearsal.h. */
#include "cli/cmd.h"
#include "cli/readiness.h"
#include "rehearsal/agent_host.h"
#include "rehearsal/measure.h"
#include "rehearsal/rehearsal.h"
#include "rehearsal/report_file.h"

#include <time.h>

/* The options that are numbers: where each goes, and what it may be. */
enum {
    CANDIDATES,
    MINUTES,
    RAMP,
    SAVE_EVERY,
    DROPS,
    KILL_HALL,
    KILL_GATEWAY,
    UPGRADE,
    AWAIT,
    NUMBERS
};

static const struct number {
    const char *name;
    size_t offset;
    int64_t least, most;
} numbers[NUMBERS] = {
    [CANDIDATES] = { "--candidates", offsetof(struct rehearsal_opts, candidates), 1, 1000000 },
    [MINUTES] = { "--minutes", offsetof(struct rehearsal_opts, minutes), 1, 600 },
    [RAMP] = { "--ramp", offsetof(struct rehearsal_opts, ramp_s), 1, 36000 },
    [SAVE_EVERY] = { "--save-every", offsetof(struct rehearsal_opts, save_every_s), 1, 3600 },
    [DROPS] = { "--drops-per-minute", offsetof(struct rehearsal_opts, drops_per_minute), 0,
                10000000 },
    [KILL_HALL] = { "--kill-hall", offsetof(struct rehearsal_opts, kill_hall), 0, FAULTS_MAX / 2 },
    [KILL_GATEWAY] = { "--kill-gateway", offsetof(struct rehearsal_opts, kill_gateway), 0,
                       FAULTS_MAX / 4 },
    [UPGRADE] = { "--upgrade", offsetof(struct rehearsal_opts, upgrade), 0, FAULTS_MAX / 4 },
    [AWAIT] = { "--await", offsetof(struct rehearsal_opts, await), 1, CREW_HOSTS_MAX },
};

/* The command line: words as given, and what they are made into. */
struct rehearse {
    const char *numbers[NUMBERS], *seed, *profile, *valid_days, *report_path, *capacity_path;
    struct rehearsal_opts opts;
    struct readiness readiness;
    struct agent_host_opts lent;
};

static int words_read(struct rehearse *words, int argc, char **argv, bool *stop)
{
    struct rehearsal_opts *opts = &words->opts;
    struct readiness *readiness = &words->readiness;
    const struct option options[] = {
        { "--candidates", &words->numbers[CANDIDATES], NULL },
        { "--minutes", &words->numbers[MINUTES], NULL },
        { "--ramp", &words->numbers[RAMP], NULL },
        { "--save-every", &words->numbers[SAVE_EVERY], NULL },
        { "--drops-per-minute", &words->numbers[DROPS], NULL },
        { "--kill-hall", &words->numbers[KILL_HALL], NULL },
        { "--kill-gateway", &words->numbers[KILL_GATEWAY], NULL },
        { "--upgrade", &words->numbers[UPGRADE], NULL },
        { "--profile", &words->profile, NULL },
        { "--seed", &words->seed, NULL },
        { "--for", &readiness->for_dir, NULL },
        { "--certificate", &readiness->file, NULL },
        { "--report", &words->report_path, NULL },
        { "--capacity", &words->capacity_path, NULL },
        { "--sign-with", &readiness->sign_with, NULL },
        { "--valid-days", &words->valid_days, NULL },
        { "--target", &opts->target, NULL },
        { "--codes", &opts->codes, NULL },
        { "--ca", &opts->ca, NULL },
        { "--data", &opts->data, NULL },
        { "--plain", NULL, &opts->plain },
        { "--agents", &opts->agents, NULL },
        { "--listen-agents", &opts->listen_agents, NULL },
        { "--await", &words->numbers[AWAIT], NULL },
        { "--token-file", &opts->token_file, NULL },
        { "--hall-listen", &opts->hall_listen, NULL },
        { "--source-addresses", &opts->sources, NULL },
        { "--join", &words->lent.join, NULL },
        { "--serve-agent", &words->lent.serve, NULL },
    };
    const char *none[1];
    size_t n;
    return args_parse(argc, argv, options, COUNT(options), none, 0, &n, stop);
}

static bool numbers_take(struct rehearse *words)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        const struct number *number = &numbers[i];
        int64_t value;
        if (!words->numbers[i])
            continue;
        if (!arg_i64(number->name, words->numbers[i], number->least, number->most, &value))
            return false;
        *(unsigned *)((char *)&words->opts + number->offset) = (unsigned)value;
    }
    return true;
}

static bool words_take(struct rehearse *words)
{
    struct rehearsal_opts *opts = &words->opts;
    struct why why;
    int64_t seed = (int64_t)opts->seed;
    if (!numbers_take(words) ||
        (words->seed && !arg_i64("--seed", words->seed, 0, INT64_MAX, &seed)) ||
        (words->valid_days &&
         !arg_i64("--valid-days", words->valid_days, 1, 90, &words->readiness.valid_days)))
        return false;
    opts->seed = (uint64_t)seed;
    opts->profile = profile_find(words->profile, &why);
    if (!opts->profile) {
        complain(FAIL_USAGE, &why);
        return false;
    }
    opts->drops_given = words->numbers[DROPS] != NULL;
    opts->plain_lines = is_json_wanted();
    return true;
}

#define TOKEN_WANTED                                                                               \
    "agent hosts need --token-file FILE, the same secret on all machines; make one with: "         \
    "(umask 077; openssl rand -hex 32 > agents.token)"

static fail agents_check(const struct rehearsal_opts *opts, struct why *why)
{
    bool elsewhere = opts->agents || opts->listen_agents;
    if (elsewhere && !opts->token_file)
        return fail_set(why, FAIL_USAGE, TOKEN_WANTED);
    if (elsewhere && !opts->target && !opts->hall_listen)
        return fail_set(why, FAIL_USAGE,
                        "agent hosts cannot reach a hall on loopback: add --hall-listen with an "
                        "address of this machine, or --target URL");
    if (!opts->listen_agents != !opts->await)
        return fail_set(why, FAIL_USAGE,
                        "--listen-agents ADDR and --await N (how many hosts will join) go "
                        "together");
    if (opts->target && opts->hall_listen)
        return fail_set(why, FAIL_USAGE, "--hall-listen is for a hall of the rehearsal's own");
    if (elsewhere && opts->sources)
        return fail_set(why, FAIL_USAGE, "--source-addresses is said on each agent host");
    return FAIL_NONE;
}

static fail opts_check(const struct rehearsal_opts *opts, struct why *why)
{
    if (!opts->candidates)
        return fail_set(why, FAIL_USAGE,
                        "say how many, such as --candidates 1000, or --for DIR with a roster");
    if (opts->target && !opts->codes)
        return fail_set(why, FAIL_USAGE,
                        "--target needs --codes FILE, a CSV with roll,code as roster export "
                        "writes it");
    if (opts->target && (opts->kill_hall || opts->kill_gateway || opts->upgrade))
        return fail_set(why, FAIL_USAGE,
                        "only a hall of the rehearsal's own is killed or upgraded; leave out "
                        "--kill-hall, --kill-gateway and --upgrade with --target");
    if (opts->target && (opts->profile->bell || opts->profile->results))
        return fail_set(why, FAIL_USAGE,
                        "the profile %s needs a hall of the rehearsal's own, because only its "
                        "officer can open and publish; leave out --target, or --profile",
                        opts->profile->name);
    if (opts->codes && !opts->target)
        return fail_set(why, FAIL_USAGE, "--codes goes with --target URL");
    return agents_check(opts, why);
}

static void say(const char *text)
{
    fprintf(stderr, "%s\n", text);
}

/* This machine lends itself to a rehearsal that another one coordinates. */
static int agent_host(struct rehearse *words)
{
    struct agent_host_opts *opts = &words->lent;
    struct why why;
    fail f = FAIL_NONE;
    opts->token_file = words->opts.token_file;
    opts->sources = words->opts.sources;
    if (opts->join && opts->serve)
        f = fail_set(&why, FAIL_USAGE, "either --join ADDR or --serve-agent ADDR");
    else if (!opts->token_file)
        f = fail_set(&why, FAIL_USAGE, TOKEN_WANTED);
    if (!f)
        f = agent_host_run(opts, &why);
    return f ? complain(f, &why) : EXIT_DONE;
}

static instant wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * (instant)1000 + now.tv_nsec / 1000000;
}

/* The command line as it can be typed again. */
static void command_write(struct out *out, char **argv, const struct rehearsal_opts *opts)
{
    bool seeded = false;
    out_z(out, "examhall");
    for (; *argv; argv++) {
        seeded |= strcmp(*argv, "--seed") == 0;
        out_char(out, ' ');
        out_word(out, *argv);
    }
    if (!seeded)
        out_fmt(out, " --seed %llu", (unsigned long long)opts->seed);
    out_char(out, '\0');
}

static bool verdict_print(const struct outcome *outcome, const struct judgement *judgement)
{
    struct out out = out_make(MIB);
    (is_json_wanted() ? verdict_json : verdict_text)(&out, outcome, judgement);
    bool printed = fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
    out_fini(&out);
    return printed;
}

/* The files that were asked for: the report, the capacity, the certificate. */
static fail files_write(struct rehearse *words, const struct report *about, struct why *why)
{
    const struct rehearsal_opts *opts = &words->opts;
    fail f = FAIL_NONE;
    if (words->report_path)
        f = report_file_write(about, words->report_path, why);
    if (!f && words->capacity_path)
        f = measure_write(words->capacity_path, opts, about->outcome, about->judgement,
                          about->objectives, about->ended_at, why);
    return f ? f
             : readiness_certify(&words->readiness, opts, about->outcome, about->judgement, why);
}

static int rehearse(struct rehearse *words, const char *command)
{
    static struct outcome outcome;
    static struct judgement judgement;
    const struct rehearsal_opts *opts = &words->opts;
    struct why why;
    struct report about = { .outcome = &outcome,
                            .judgement = &judgement,
                            .objectives = &words->readiness.spec.objectives,
                            .version = version(),
                            .command = command,
                            .profile = opts->profile->name,
                            .profile_meaning = opts->profile->purpose,
                            .own_hall = !opts->target,
                            .began_at = wall_ms() };
    fail f = rehearsal_run(opts, &outcome, &why);
    if (f)
        return complain(f, &why);
    verdict_judge(&judgement, &outcome, about.objectives);
    about.ended_at = wall_ms();
    this_machine_read(&about.machine);
    bool printed = verdict_print(&outcome, &judgement);
    f = files_write(words, &about, &why);
    if (f)
        return complain(f, &why);
    if (!printed)
        return EXIT_WORLD;
    return judgement.verdict == VERDICT_PASS ? EXIT_DONE : EXIT_NO;
}

/* All that could fail at the end is looked at before the beginning. */
static fail check(struct rehearse *words, struct why *why)
{
    struct rehearsal_opts *opts = &words->opts;
    fail f = readiness_load(&words->readiness, opts, why);
    if (!f)
        f = opts_check(opts, why);
    if (!f)
        f = readiness_check(&words->readiness, opts, why);
    if (!f && words->report_path)
        f = report_file_check(words->report_path, why);
    if (!f && words->capacity_path)
        f = measure_check(words->capacity_path, opts, why);
    return f;
}

int cmd_rehearse(int argc, char **argv)
{
    struct rehearse words = {
        .profile = "day",
        .opts = { .minutes = 2, .save_every_s = 5, .out_fd = 2, .version = version() },
        .readiness = { .valid_days = 7 },
        .lent = { .version = version(), .patience_s = 300, .say = say },
    };
    bool stop;
    struct why why;
    words.opts.seed = (uint64_t)(wall_ms() / 1000); /* printed, so that a run can be repeated */
    int status = words_read(&words, argc, argv, &stop);
    if (status != EXIT_DONE || stop)
        return status;
    if (words.lent.join || words.lent.serve)
        return agent_host(&words);
    if (!words_take(&words))
        return EXIT_USAGE;
    fail f = check(&words, &why);
    struct out command = out_make(64 * KIB);
    command_write(&command, argv, &words.opts);
    status = f ? complain(f, &why) : command.failed ? EXIT_WORLD : rehearse(&words, command.p);
    out_fini(&command);
    readiness_fini(&words.readiness);
    return status;
}
