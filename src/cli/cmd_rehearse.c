/* cmd_rehearse.c - `examhall rehearse`: options in, verdict out; see rehearsal/rehearsal.h. */
#include "cli/cmd.h"
#include "cli/readiness.h"
#include "rehearsal/agent_host.h"
#include "rehearsal/measure.h"
#include "rehearsal/rehearsal.h"
#include "rehearsal/report_file.h"

#include <time.h>

/* The options that are numbers: text as given, where it goes, what it may be. */
struct number {
    const char *name, *text;
    size_t offset;
    int64_t least, most;
};

static bool numbers_take(struct rehearsal_opts *opts, const struct number *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value;
        if (!numbers[i].text)
            continue;
        if (!arg_i64(numbers[i].name, numbers[i].text, numbers[i].least, numbers[i].most, &value))
            return false;
        *(unsigned *)((char *)opts + numbers[i].offset) = (unsigned)value;
    }
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
static int agent_host(const struct agent_host_opts *opts)
{
    struct why why;
    fail f = FAIL_NONE;
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

static int report(const struct rehearsal_opts *opts, struct readiness *readiness,
                  const char *report_path, const char *capacity_path, const char *command)
{
    static struct outcome outcome;
    static struct judgement judgement;
    struct why why;
    struct report about = { .outcome = &outcome,
                            .judgement = &judgement,
                            .objectives = &readiness->spec.objectives,
                            .version = version(),
                            .command = command,
                            .profile = opts->profile->name,
                            .profile_meaning = opts->profile->purpose,
                            .own_hall = !opts->target,
                            .began_at = wall_ms() };
    fail f = rehearsal_run(opts, &outcome, &why);
    if (f)
        return complain(f, &why);
    verdict_judge(&judgement, &outcome, &readiness->spec.objectives);
    about.ended_at = wall_ms();
    this_machine_read(&about.machine);
    struct out out = out_make(MIB);
    if (is_json_wanted())
        verdict_json(&out, &outcome, &judgement);
    else
        verdict_text(&out, &outcome, &judgement);
    bool written = fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0;
    out_fini(&out);
    if (report_path)
        f = report_file_write(&about, report_path, &why);
    if (!f && capacity_path)
        f = measure_write(capacity_path, opts, &outcome, &judgement, &readiness->spec.objectives,
                          about.ended_at, &why);
    if (!f)
        f = readiness_certify(readiness, opts, &outcome, &judgement, &why);
    if (f)
        return complain(f, &why);
    if (!written)
        return EXIT_WORLD;
    return judgement.verdict == VERDICT_PASS ? EXIT_DONE : EXIT_NO;
}

int cmd_rehearse(int argc, char **argv)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now); /* the seed is printed, so that a run can be repeated */
    struct rehearsal_opts opts = {
        .minutes = 2, .save_every_s = 5, .out_fd = 2, .seed = (uint64_t)now.tv_sec
    };
    struct number numbers[] = {
        { "--candidates", NULL, offsetof(struct rehearsal_opts, candidates), 1, 1000000 },
        { "--minutes", NULL, offsetof(struct rehearsal_opts, minutes), 1, 600 },
        { "--ramp", NULL, offsetof(struct rehearsal_opts, ramp_s), 1, 36000 },
        { "--save-every", NULL, offsetof(struct rehearsal_opts, save_every_s), 1, 3600 },
        { "--drops-per-minute", NULL, offsetof(struct rehearsal_opts, drops_per_minute), 0,
          10000000 },
        { "--kill-hall", NULL, offsetof(struct rehearsal_opts, kill_hall), 0, FAULTS_MAX / 2 },
        { "--kill-gateway", NULL, offsetof(struct rehearsal_opts, kill_gateway), 0,
          FAULTS_MAX / 4 },
        { "--upgrade", NULL, offsetof(struct rehearsal_opts, upgrade), 0, FAULTS_MAX / 4 },
        { "--await", NULL, offsetof(struct rehearsal_opts, await), 1, CREW_HOSTS_MAX },
    };
    const char *seed = NULL, *profile = "day", *valid_days = NULL, *report_path = NULL;
    const char *capacity_path = NULL;
    struct readiness readiness = { .valid_days = 7 };
    struct agent_host_opts lent = { .version = version(), .patience_s = 300, .say = say };
    const struct option options[] = {
        { "--candidates", &numbers[0].text, NULL },
        { "--minutes", &numbers[1].text, NULL },
        { "--ramp", &numbers[2].text, NULL },
        { "--save-every", &numbers[3].text, NULL },
        { "--drops-per-minute", &numbers[4].text, NULL },
        { "--kill-hall", &numbers[5].text, NULL },
        { "--kill-gateway", &numbers[6].text, NULL },
        { "--upgrade", &numbers[7].text, NULL },
        { "--profile", &profile, NULL },
        { "--seed", &seed, NULL },
        { "--for", &readiness.for_dir, NULL },
        { "--certificate", &readiness.file, NULL },
        { "--report", &report_path, NULL },
        { "--capacity", &capacity_path, NULL },
        { "--sign-with", &readiness.sign_with, NULL },
        { "--valid-days", &valid_days, NULL },
        { "--target", &opts.target, NULL },
        { "--codes", &opts.codes, NULL },
        { "--ca", &opts.ca, NULL },
        { "--data", &opts.data, NULL },
        { "--plain", NULL, &opts.plain },
        { "--agents", &opts.agents, NULL },
        { "--listen-agents", &opts.listen_agents, NULL },
        { "--await", &numbers[8].text, NULL },
        { "--token-file", &opts.token_file, NULL },
        { "--hall-listen", &opts.hall_listen, NULL },
        { "--source-addresses", &opts.sources, NULL },
        { "--join", &lent.join, NULL },
        { "--serve-agent", &lent.serve, NULL },
    };
    const char *words[1];
    size_t words_n;
    bool stop;
    int64_t seed_value;
    struct why why;
    int status = args_parse(argc, argv, options, COUNT(options), words, 0, &words_n, &stop);
    if (status != EXIT_DONE || stop)
        return status;
    opts.version = version();
    lent.token_file = opts.token_file;
    lent.sources = opts.sources;
    if (lent.join || lent.serve)
        return agent_host(&lent);
    if (!numbers_take(&opts, numbers, COUNT(numbers)) ||
        (seed && !arg_i64("--seed", seed, 0, INT64_MAX, &seed_value)) ||
        (valid_days && !arg_i64("--valid-days", valid_days, 1, 90, &readiness.valid_days)))
        return EXIT_USAGE;
    opts.profile = profile_find(profile, &why);
    if (!opts.profile)
        return complain(FAIL_USAGE, &why);
    if (seed)
        opts.seed = (uint64_t)seed_value;
    opts.drops_given = numbers[4].text != NULL;
    opts.plain_lines = is_json_wanted();
    fail f = readiness_load(&readiness, &opts, &why);
    if (!f)
        f = opts_check(&opts, &why);
    if (!f)
        f = readiness_check(&readiness, &opts, &why);
    if (!f && report_path)
        f = report_file_check(report_path, &why);
    if (!f && capacity_path)
        f = measure_check(capacity_path, &opts, &why);
    struct out command = out_make(64 * KIB);
    command_write(&command, argv, &opts);
    status = f                ? complain(f, &why)
             : command.failed ? EXIT_WORLD
                              : report(&opts, &readiness, report_path, capacity_path, command.p);
    out_fini(&command);
    readiness_fini(&readiness);
    return status;
}
