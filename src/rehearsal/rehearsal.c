/* rehearsal.c - see rehearsal.h. */
#include "rehearsal/rehearsal.h"
#include "rehearsal/agent.h"
#include "rehearsal/display.h"
#include "rehearsal/own_hall.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AGENTS_MAX = 64, TICK_US = 10000, CHECK_WAIT_S = 120 };
#define CODES_BYTES_MAX (64 * MIB)

struct shared { /* one mapping all processes see */
    struct orders orders;
    struct board boards[];
};

struct rehearsal {
    const struct rehearsal_opts *opts;
    struct outcome *outcome;
    struct io_target target;
    struct own_hall hall;
    struct out codes;
    struct credential *credentials;
    struct arena arena; /* theirs */
    struct plan plan;
    struct shared *shared;
    size_t shared_bytes;
    unsigned agents;
    pid_t pids[AGENTS_MAX];
    struct display display;
    struct series *series;
    struct usage *usage;
    int64_t begin_us;
    int64_t sits_us; /* from when on all who came in time may sit: the ramp or the bell is over */
    pid_t killed, upgrade; /* the process that upgrades, while it runs */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static fail codes_read(struct out *codes, const char *path, struct why *why)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail_errno(why, FAIL_WORLD, "cannot read the codes in %s", path);
    size_t n;
    do {
        if (!out_reserve(codes, 64 * KIB))
            break;
        n = fread(codes->p + codes->n, 1, 64 * KIB, file);
        codes->n += n;
    } while (n);
    bool bad = ferror(file) || codes->failed;
    fclose(file);
    return bad ? fail_set(why, FAIL_WORLD, "cannot read all of %s", path) : FAIL_NONE;
}

static unsigned ramp_s(const struct rehearsal_opts *opts)
{
    return opts->ramp_s ? opts->ramp_s : MAX(opts->candidates / 750, 5);
}

/* From the making of the hall to the bell: its own start, the ramp, and some room. */
static unsigned bell_s(const struct rehearsal_opts *opts)
{
    return ramp_s(opts) + opts->candidates / 20000 + 10;
}

static fail hall_find(struct rehearsal *r, struct why *why)
{
    const struct rehearsal_opts *opts = r->opts;
    struct own_hall_opts own = { .candidates = opts->candidates,
                                 .minutes = opts->minutes + ramp_s(opts) / 60,
                                 .starts_in_s = opts->profile->bell ? bell_s(opts) : 0,
                                 .plain = opts->plain,
                                 .dir = opts->data };
    if (opts->target) {
        r->codes = out_make(CODES_BYTES_MAX);
        fail f = codes_read(&r->codes, opts->codes, why);
        if (!f)
            f = credentials_read(&r->credentials, opts->candidates, out_view(&r->codes), &r->arena,
                                 why);
        return f ? f : io_target_parse(&r->target, str_z(opts->target), why);
    }
    display_say(&r->display, "Making a hall for %u candidates.", opts->candidates);
    fail f = own_hall_start(&r->hall, &own, why);
    if (!f)
        f = credentials_read(&r->credentials, opts->candidates, out_view(&r->hall.codes), &r->arena,
                             why);
    if (f)
        return f;
    display_say(&r->display, "The hall runs at %s (folder %s).", r->hall.url, r->hall.dir);
    return io_target_parse(&r->target, str_z(r->hall.url), why);
}

static void plan_make(struct rehearsal *r)
{
    const struct rehearsal_opts *opts = r->opts;
    /* One in a hundred candidates loses the network each minute, unless told otherwise. */
    double drops = opts->drops_given ? opts->drops_per_minute : (opts->candidates + 99) / 100;
    r->begin_us = agent_clock_us();
    const struct profile *profile = opts->profile;
    int64_t sitting_us = opts->minutes * 60 * (int64_t)SECOND_US;
    int64_t ramp_us = ramp_s(opts) * (int64_t)SECOND_US;
    int64_t from_us =
        profile->bell && !opts->target ? r->hall.bell_us : r->begin_us + SECOND_US / 5 + ramp_us;
    r->sits_us = from_us;
    r->plan =
        (struct plan){ .seed = opts->seed,
                       .candidates = opts->candidates,
                       .begin_us = r->begin_us + SECOND_US / 5,
                       .ramp_us = ramp_us,
                       .save_every_us = (int64_t)opts->save_every_s * SECOND_US,
                       .start_spread_us = profile->start_s * (int64_t)SECOND_US,
                       .sitting_us = opts->target ? sitting_us : NEVER_US,
                       .end_us = opts->target ? NEVER_US : from_us + sitting_us,
                       .submit_us = MIN(profile->submit_s * (int64_t)SECOND_US, sitting_us / 3),
                       .look_after_us = 60 * (int64_t)SECOND_US,
                       .results = profile->results,
                       .result_us = profile->result_s * (int64_t)SECOND_US,
                       .drops_per_us = drops / 60e6 / opts->candidates,
                       .scored = !opts->target,
                       .keys = opts->target ? NULL : r->hall.keys,
                       .origin = str_z(r->target.origin),
                       .host = r->target.host };
}

static fail agents_start(struct rehearsal *r, struct why *why)
{
    uint32_t count = r->opts->candidates;
    r->agents = (count + AGENT_CANDIDATES_MAX - 1) / AGENT_CANDIDATES_MAX;
    r->shared_bytes = sizeof(*r->shared) + r->agents * sizeof(struct board);
    r->shared =
        mmap(NULL, r->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r->shared == MAP_FAILED)
        return fail_errno(why, FAIL_WORLD, "cannot share memory with the agents");
    for (unsigned i = 0; i < r->agents; i++) {
        uint32_t first = (uint32_t)((uint64_t)count * i / r->agents);
        uint32_t end = (uint32_t)((uint64_t)count * (i + 1) / r->agents);
        struct agent_opts opts = {
            &r->plan, &r->target,  r->opts->ca,           r->credentials,
            first,    end - first, &r->shared->boards[i], &r->shared->orders
        };
        r->pids[i] = fork();
        if (r->pids[i] < 0)
            return fail_errno(why, FAIL_WORLD, "cannot start agent %u", i + 1);
        if (!r->pids[i]) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            signal(SIGINT, SIG_IGN);  /* the coordinator decides */
            signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets that are gone */
            _exit(agent_run(&opts));
        }
    }
    return FAIL_NONE;
}

/* Counters, and now and then all there is. */
static void count_up(const struct rehearsal *r, struct board *total, bool all)
{
    if (all)
        memset(total, 0, sizeof(*total));
    board_clear_counters(total);
    for (unsigned i = 0; i < r->agents; i++)
        (all ? board_merge : board_merge_counters)(total, &r->shared->boards[i]);
    r->outcome->connected_peak = MAX(r->outcome->connected_peak, total->connected);
}

static void second_take(struct rehearsal *r, const struct board *total)
{
    struct usage_sample used;
    usage_take(r->usage, &used);
    series_take(r->series, agent_clock_us(), total, &used);
}

static void mark(struct rehearsal *r, const char *text)
{
    series_mark(r->series, agent_clock_us(), text);
}

static void agents_watch(struct rehearsal *r)
{
    for (unsigned i = 0; i < r->agents; i++) {
        int status;
        if (r->pids[i] <= 0 || waitpid(r->pids[i], &status, WNOHANG) != r->pids[i])
            continue;
        r->pids[i] = 0;
        r->outcome->agents_died++;
        display_say(&r->display, "Agent %u ended early (wait status %d).", i + 1, status);
    }
}

static int by_time(const void *a, const void *b)
{
    int64_t x = ((const struct fault *)a)->at_us, y = ((const struct fault *)b)->at_us;
    return (x > y) - (x < y);
}

static enum fault_kind fault_kind(const struct rehearsal_opts *opts, unsigned i)
{
    return i < opts->kill_hall                        ? FAULT_HALL
           : i < opts->kill_hall + opts->kill_gateway ? FAULT_GATEWAY
                                                      : FAULT_UPGRADE;
}

/* Faults come at random, from when the last candidates start to when most have submitted. */
static void faults_plan(struct rehearsal *r)
{
    struct outcome *outcome = r->outcome;
    struct chance chance;
    chance_sim_init(&chance, r->opts->seed);
    outcome->faults_planned = r->opts->kill_hall + r->opts->kill_gateway + r->opts->upgrade;
    must(outcome->faults_planned <= FAULTS_MAX);
    for (unsigned i = 0; i < outcome->faults_planned; i++) {
        double at = (0.05 + 0.9 * chance_unit(&chance)) * r->opts->minutes * 60e6;
        outcome->faults[i] = (struct fault){ fault_kind(r->opts, i), (int64_t)at, 0 };
    }
    qsort(outcome->faults, outcome->faults_planned, sizeof(outcome->faults[0]), by_time);
}

static void fault_begins(struct rehearsal *r, struct fault *fault)
{
    fault->at_us = agent_clock_us();
    /* A millisecond later it is surely gone; what is answered after that comes from its successor.
     */
    r->shared->orders.calm_us = NEVER_US;
    r->shared->orders.killed_us = fault->at_us + 1000;
    r->outcome->fault_count++;
}

static void fault_inject(struct rehearsal *r, struct fault *fault)
{
    if (fault->kind == FAULT_UPGRADE) {
        display_say(&r->display, "upgrade of the running hall");
        fault_begins(r, fault);
        r->upgrade = own_hall_upgrade(&r->hall);
        return;
    }
    pid_t pid = own_hall_pid(&r->hall, fault->kind == FAULT_GATEWAY);
    if (pid <= 0 || pid == r->killed || kill(pid, SIGKILL))
        return; /* it is just being started again: next tick */
    fault_begins(r, fault);
    r->killed = pid;
    display_say(&r->display, "kill -9 %d (%s)", (int)pid, fault_names[fault->kind]);
}

/* False while `examhall upgrade` still runs; one that failed is a failure of the hall. */
static bool upgrade_over(struct rehearsal *r)
{
    int status = 0;
    if (r->upgrade <= 0)
        return true;
    if (waitpid(r->upgrade, &status, WNOHANG) != r->upgrade)
        return false;
    r->upgrade = 0;
    r->outcome->upgrades_failed += status != 0;
    return true;
}

/* True when the last fault is over: a save that was sent after it has been acknowledged. */
static bool fault_over(struct rehearsal *r)
{
    if (!r->outcome->fault_count)
        return true;
    if (!upgrade_over(r))
        return false;
    struct fault *fault = &r->outcome->faults[r->outcome->fault_count - 1];
    for (unsigned i = 0; i < r->agents && !fault->back_us; i++) {
        int64_t at = r->shared->boards[i].recovered_us;
        if (at > fault->at_us)
            fault->back_us = at - fault->at_us;
    }
    bool over = fault->back_us || agent_clock_us() - fault->at_us > 30 * (int64_t)SECOND_US;
    if (over && r->shared->orders.calm_us == NEVER_US) /* what had queued up is gone soon after */
        r->shared->orders.calm_us = agent_clock_us() + 3 * (int64_t)SECOND_US;
    return over;
}

static void faults_tick(struct rehearsal *r, const struct board *total)
{
    struct outcome *outcome = r->outcome;
    if (!fault_over(r) || outcome->fault_count == outcome->faults_planned ||
        total->submitted == r->opts->candidates)
        return;
    struct fault *fault = &outcome->faults[outcome->fault_count];
    if (agent_clock_us() >= r->sits_us + fault->at_us)
        fault_inject(r, fault);
}

static void show(struct rehearsal *r, const char *phase, const struct board *total)
{
    int64_t now = agent_clock_us(), left = -1;
    if (!display_due(&r->display, now))
        return;
    if (!r->opts->target)
        left = MAX(r->plan.end_us - now, 0);
    struct progress progress = {
        phase, total, r->opts->candidates, r->outcome->fault_count, r->outcome->faults_planned, left
    };
    display_draw(&r->display, &progress, now);
}

typedef bool (*over_fn)(struct rehearsal *r, const struct board *total);

static bool hall_gone(struct rehearsal *r)
{
    return !r->opts->target && !own_hall_runs(&r->hall);
}

/* Ticks until `over`, the deadline, an interrupt, or no agent or no hall is left. */
static void phase_run(struct rehearsal *r, const char *phase, int64_t deadline_us, over_fn over)
{
    struct board *total = &r->outcome->total;
    do {
        usleep(TICK_US);
        agents_watch(r);
        bool second = series_due(r->series, agent_clock_us());
        count_up(r, total, second);
        if (second)
            second_take(r, total);
        faults_tick(r, total);
        show(r, phase, total);
    } while (!over(r, total) && agent_clock_us() < deadline_us && !interrupted && !hall_gone(r) &&
             r->outcome->agents_died < r->agents);
    fault_over(r);
}

static bool all_signed_in(struct rehearsal *r, const struct board *total)
{
    return total->signed_in + total->finished >= r->opts->candidates;
}

static bool all_finished(struct rehearsal *r, const struct board *total)
{
    return total->finished >= r->opts->candidates;
}

static bool all_have_results(struct rehearsal *r, const struct board *total)
{
    return total->results_seen >= (uint64_t)r->plan.results * total->submitted;
}

static bool all_checked(struct rehearsal *r, const struct board *total)
{
    return total->checked + total->unchecked >= r->opts->candidates;
}

static int64_t in_s(int64_t seconds)
{
    return agent_clock_us() + seconds * SECOND_US;
}

static fail sit(struct rehearsal *r, struct why *why)
{
    const struct rehearsal_opts *opts = r->opts;
    fail f = FAIL_NONE;
    if (opts->target) { /* the hall's own timetable says when they may start */
        phase_run(r, "sitting", NEVER_US, all_finished);
    } else {
        phase_run(r, "signing in", in_s(r->plan.ramp_us / SECOND_US + 60), all_signed_in);
        mark(r, "sitting");
        phase_run(r, "sitting", r->plan.end_us + 180 * (int64_t)SECOND_US, all_finished);
        mark(r, "scoring");
        if (!interrupted)
            f = own_hall_publish(&r->hall, why);
    }
    if (f || interrupted)
        return f;
    if (r->plan.results && !opts->target) {
        mark(r, "results");
        r->shared->orders.phase = PHASE_RESULTS;
        phase_run(r, "results", in_s(CHECK_WAIT_S), all_have_results);
    }
    mark(r, "check");
    r->shared->orders.phase = PHASE_CHECK;
    phase_run(r, "checking", in_s(CHECK_WAIT_S + opts->candidates / 1000), all_checked);
    return FAIL_NONE;
}

static void agents_stop(struct rehearsal *r)
{
    if (!r->shared || r->shared == MAP_FAILED)
        return;
    r->shared->orders.phase = PHASE_STOP;
    for (unsigned i = 0; i < r->agents; i++)
        if (r->pids[i] > 0)
            waitpid(r->pids[i], NULL, 0);
    count_up(r, &r->outcome->total, true);
    second_take(r, &r->outcome->total);
    munmap(r->shared, r->shared_bytes);
}

static fail rehearsal_whole(struct rehearsal *r, struct why *why)
{
    struct sigaction action = { .sa_handler = on_interrupt };
    fail f = hall_find(r, why);
    if (f)
        return f;
    sigaction(SIGINT, &action, NULL); /* from here on the end must be orderly */
    sigaction(SIGTERM, &action, NULL);
    plan_make(r);
    faults_plan(r);
    f = agents_start(r, why);
    series_begin(r->series, agent_clock_us());
    usage_begin(r->usage, r->opts->target ? NULL : r->hall.dir, r->hall.serve, r->pids, r->agents);
    if (!f)
        f = sit(r, why);
    agents_stop(r);
    r->outcome->duration_s = (double)(agent_clock_us() - r->begin_us) / 1e6;
    if (!f && hall_gone(r))
        f = fail_set(why, FAIL_WORLD, "the hall ended in the middle; %s.log says why", r->hall.dir);
    if (!f && interrupted)
        f = fail_set(why, FAIL_WORLD, "the rehearsal was interrupted, so there is no verdict");
    return f;
}

fail rehearsal_run(const struct rehearsal_opts *opts, struct outcome *outcome, struct why *why)
{
    static struct rehearsal r;
    static struct series series; /* 2 MB */
    static struct usage usage;
    static char target[300], kept[400];
    r = (struct rehearsal){ .opts = opts,
                            .outcome = outcome,
                            .series = &series,
                            .usage = &usage,
                            .arena = arena_make(256 * MIB) };
    memset(outcome, 0, sizeof(*outcome));
    outcome->candidates = opts->candidates;
    outcome->scored = !opts->target;
    outcome->seed = opts->seed;
    outcome->series = &series;
    outcome->usage = &usage;
    display_init(&r.display, opts->out_fd, opts->plain_lines);
    fail f = rehearsal_whole(&r, why);
    bool keep = f || outcome->total.saves_lost || outcome->total.saves_foreign ||
                outcome->total.requests_failed || opts->data;
    if (!opts->target)
        own_hall_stop(&r.hall, keep && r.hall.dir[0]);
    snprintf(target, sizeof(target), "%s", r.target.origin);
    snprintf(kept, sizeof(kept), "%s", r.hall.dir);
    outcome->target = target;
    outcome->kept = keep && kept[0] ? kept : NULL;
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    arena_fini(&r.arena);
    out_fini(&r.codes);
    out_fini(&r.hall.codes);
    return f;
}
