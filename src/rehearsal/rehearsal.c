/* rehearsal.c - see rehearsal.h. */
#include "rehearsal/rehearsal.h"
#include "rehearsal/crew.h"
#include "rehearsal/display.h"
#include "rehearsal/own_hall.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_US = 10000, CHECK_WAIT_S = 120, UPGRADE_WAIT_S = 60 };
#define CODES_BYTES_MAX (64 * MIB)

struct rehearsal {
    const struct rehearsal_opts *opts;
    struct outcome *outcome;
    struct io_target target;
    struct own_hall hall;
    struct out codes, ca;
    struct credential *credentials;
    struct arena arena; /* theirs */
    struct plan plan;
    struct muster muster;
    struct crew *crew;
    bool told_lost[CREW_HOSTS_MAX];
    int64_t agents_us; /* CPU of agents elsewhere, up to the last second */
    struct display display;
    struct series *series;
    struct usage *usage;
    int64_t begin_us;
    int64_t sits_us; /* from when on all who came in time may sit: the ramp or the bell is over */
    pid_t killed, upgrade; /* the process that upgrades, while it runs */
    bool upgrade_failed;   /* the last one */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* OpenSSL writes to agent hosts that are gone. Not ignored: what we start would inherit that. */
static void on_pipe(int signal_number)
{
    (void)signal_number;
}

static fail text_read(struct out *text, const char *path, struct why *why)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return fail_errno(why, FAIL_WORLD, "cannot read %s", path);
    size_t n;
    do {
        if (!out_reserve(text, 64 * KIB))
            break;
        n = fread(text->p + text->n, 1, 64 * KIB, file);
        text->n += n;
    } while (n);
    bool bad = ferror(file) || text->failed;
    fclose(file);
    return bad ? fail_set(why, FAIL_WORLD, "cannot read all of %s", path) : FAIL_NONE;
}

static unsigned ramp_s(const struct rehearsal_opts *opts)
{
    return opts->ramp_s ? opts->ramp_s : MAX(opts->candidates / 750, 5);
}

static bool is_distributed(const struct rehearsal_opts *opts)
{
    return opts->agents || opts->listen_agents;
}

/* From the making of the hall to the bell: its own start, the ramp, and some room. */
static unsigned bell_s(const struct rehearsal_opts *opts)
{
    return ramp_s(opts) + opts->candidates / 20000 + (is_distributed(opts) ? 20 : 10);
}

static void say(void *ctx, const char *text)
{
    display_say(&((struct rehearsal *)ctx)->display, "%s", text);
}

static fail agents_find(struct rehearsal *r, struct why *why)
{
    const struct rehearsal_opts *opts = r->opts;
    struct crew_opts crew = { .dial = opts->agents,
                              .listen = opts->listen_agents,
                              .await = opts->await,
                              .token_file = opts->token_file,
                              .version = opts->version,
                              .say = say,
                              .ctx = r };
    return crew_gather(r->crew, &crew, why);
}

static fail hall_find(struct rehearsal *r, struct why *why)
{
    const struct rehearsal_opts *opts = r->opts;
    struct own_hall_opts own = { .candidates = opts->candidates,
                                 .minutes = opts->minutes + ramp_s(opts) / 60,
                                 .starts_in_s = opts->profile->bell ? bell_s(opts) : 0,
                                 .plain = opts->plain,
                                 .settings = opts->settings,
                                 .listen = opts->hall_listen,
                                 .dir = opts->data };
    if (opts->target) {
        r->codes = out_make(CODES_BYTES_MAX);
        r->ca = out_make(MIB);
        fail f = text_read(&r->codes, opts->codes, why);
        if (!f && opts->ca)
            f = text_read(&r->ca, opts->ca, why);
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
    f = io_target_parse(&r->target, str_z(r->hall.url), why);
    r->target.ours = true;
    return f;
}

static void plan_make(struct rehearsal *r)
{
    const struct rehearsal_opts *opts = r->opts;
    /* One in a hundred candidates loses the network each minute, unless told otherwise. */
    double drops = opts->drops_given ? opts->drops_per_minute : (opts->candidates + 99) / 100;
    r->begin_us = agent_clock_us();
    /* All agents are started by then; those elsewhere one machine after the other. */
    int64_t first_us = r->begin_us + SECOND_US / 5 * (is_distributed(opts) ? 10 : 1);
    const struct profile *profile = opts->profile;
    int64_t sitting_us = opts->minutes * 60 * (int64_t)SECOND_US;
    int64_t ramp_us = ramp_s(opts) * (int64_t)SECOND_US;
    int64_t from_us = profile->bell && !opts->target ? r->hall.bell_us : first_us + ramp_us;
    r->sits_us = from_us;
    r->plan =
        (struct plan){ .seed = opts->seed,
                       .candidates = opts->candidates,
                       .begin_us = first_us,
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

static void second_take(struct rehearsal *r, const struct board *total)
{
    struct usage_sample used;
    int64_t agents_us = crew_agents_us(r->crew);
    usage_take(r->usage, &used);
    used.part[USAGE_AGENTS].cpu_us += agents_us - r->agents_us;
    r->agents_us = agents_us;
    series_take(r->series, agent_clock_us(), total, &used);
}

static void mark(struct rehearsal *r, const char *text)
{
    series_mark(r->series, agent_clock_us(), text);
}

/* Says once what happened to a host or its agents. */
static void crew_watch(struct rehearsal *r)
{
    unsigned died = 0;
    for (unsigned i = 0; i < r->crew->count; i++) {
        const struct crew_host *host = r->crew->hosts[i];
        died += host->effort.died;
        if (host->lost && !r->told_lost[i])
            display_say(&r->display, "%s is lost: %s. The verdict will be void.", host->name,
                        host->trouble);
        r->told_lost[i] = host->lost;
    }
    if (died > r->outcome->agents_died)
        display_say(&r->display, "%u agents have ended early.", died);
    r->outcome->agents_died = died;
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
    r->crew->orders.calm_us = NEVER_US;
    r->crew->orders.killed_us = fault->at_us + 1000;
    crew_order(r->crew);
    r->outcome->fault_count++;
}

static void upgrade_ended(struct rehearsal *r, bool failed)
{
    r->upgrade_failed = failed;
    r->outcome->upgrades_failed += failed;
}

static void fault_inject(struct rehearsal *r, struct fault *fault)
{
    if (fault->kind == FAULT_UPGRADE) {
        display_say(&r->display, "upgrade of the running hall");
        fault_begins(r, fault);
        r->upgrade = own_hall_upgrade(&r->hall);
        upgrade_ended(r, r->upgrade < 0);
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
    upgrade_ended(r, status != 0);
    return true;
}

/* True when the last fault is over: a save that was sent after it has been acknowledged, or the
 * upgrade has ended. */
static bool fault_over(struct rehearsal *r)
{
    if (!r->outcome->fault_count)
        return true;
    if (!upgrade_over(r))
        return false;
    struct fault *fault = &r->outcome->faults[r->outcome->fault_count - 1];
    int64_t back_us = fault->kind != FAULT_UPGRADE ? crew_recovered_us(r->crew, fault->at_us)
                      : r->upgrade_failed          ? 0
                                                   : agent_clock_us();
    if (back_us && !fault->back_us)
        fault->back_us = back_us - fault->at_us;
    bool over = fault->back_us || agent_clock_us() - fault->at_us > 30 * (int64_t)SECOND_US;
    if (over && r->crew->orders.calm_us == NEVER_US) { /* what had queued up is gone soon after */
        r->crew->orders.calm_us = agent_clock_us() + 3 * (int64_t)SECOND_US;
        crew_order(r->crew);
    }
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

static void show(struct rehearsal *r, const char *phase)
{
    int64_t now = agent_clock_us();
    if (!display_due(&r->display, now))
        return;
    struct progress progress = { phase, r->outcome, r->sits_us,
                                 r->opts->target ? 0 : r->plan.end_us };
    display_draw(&r->display, &progress, now);
}

/* Whether the candidates of one host are through with a phase. */
typedef bool (*over_fn)(const struct rehearsal *r, const struct crew_host *host);

static bool crew_over(const struct rehearsal *r, over_fn over)
{
    for (unsigned i = 0; i < r->crew->count; i++)
        if (!r->crew->hosts[i]->lost && !over(r, r->crew->hosts[i]))
            return false;
    return true;
}

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
        bool second = series_due(r->series, agent_clock_us());
        crew_poll(r->crew, total, second);
        crew_watch(r);
        r->outcome->connected_peak = MAX(r->outcome->connected_peak, total->connected);
        if (second)
            second_take(r, total);
        faults_tick(r, total);
        show(r, phase);
    } while (!crew_over(r, over) && agent_clock_us() < deadline_us && !interrupted &&
             !hall_gone(r) && !crew_is_dead(r->crew));
    fault_over(r);
}

static bool all_signed_in(const struct rehearsal *r, const struct crew_host *host)
{
    (void)r;
    return host->board.signed_in + host->board.finished >= host->count;
}

static bool all_finished(const struct rehearsal *r, const struct crew_host *host)
{
    (void)r;
    return host->board.finished >= host->count;
}

static bool all_have_results(const struct rehearsal *r, const struct crew_host *host)
{
    return host->board.results_seen >= (uint64_t)r->plan.results * host->board.submitted;
}

static bool all_checked(const struct rehearsal *r, const struct crew_host *host)
{
    (void)r;
    return host->board.checked + host->board.unchecked >= host->count;
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
        r->crew->orders.phase = PHASE_RESULTS;
        crew_order(r->crew);
        r->outcome->results_due = r->plan.results * r->outcome->total.submitted;
        phase_run(r, "results", in_s(CHECK_WAIT_S), all_have_results);
    }
    mark(r, "check");
    r->crew->orders.phase = PHASE_CHECK;
    crew_order(r->crew);
    phase_run(r, "checking", in_s(CHECK_WAIT_S + opts->candidates / 1000), all_checked);
    return FAIL_NONE;
}

/* One that does not end has failed, and the verdict says so. */
static void upgrade_await(struct rehearsal *r)
{
    int64_t until = in_s(UPGRADE_WAIT_S);
    while (!fault_over(r) && r->upgrade > 0 && agent_clock_us() < until && !interrupted)
        usleep(TICK_US);
    if (r->upgrade > 0)
        upgrade_ended(r, true);
}

static void agents_stop(struct rehearsal *r)
{
    upgrade_await(r);
    crew_stop(r->crew, &r->outcome->total);
    crew_watch(r);
    second_take(r, &r->outcome->total);
}

static fail rehearsal_whole(struct rehearsal *r, struct why *why)
{
    struct sigaction action = { .sa_handler = on_interrupt }, pipe = { .sa_handler = on_pipe };
    sigaction(SIGPIPE, &pipe, NULL);
    fail f = agents_find(r, why);
    if (!f)
        f = hall_find(r, why);
    if (f)
        return f;
    sigaction(SIGINT, &action, NULL); /* from here on the end must be orderly */
    sigaction(SIGTERM, &action, NULL);
    r->muster = (struct muster){ .target = &r->target,
                                 .ca = out_view(&r->ca),
                                 .sources = r->opts->sources,
                                 .credentials = r->credentials };
    f = crew_prepare(r->crew, r->opts->candidates, &r->muster, why);
    if (f)
        return f;
    plan_make(r);
    faults_plan(r);
    f = crew_start(r->crew, &r->plan, why);
    series_begin(r->series, agent_clock_us());
    const struct gang *gang = crew_gang(r->crew);
    usage_begin(r->usage, r->opts->target ? NULL : r->hall.dir, r->hall.serve,
                gang ? &gang->pid : NULL, gang != NULL);
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
    static struct crew crew;
    static char target[300], kept[400];
    r = (struct rehearsal){ .opts = opts,
                            .outcome = outcome,
                            .series = &series,
                            .usage = &usage,
                            .crew = &crew,
                            .arena = arena_make(256 * MIB) };
    memset(outcome, 0, sizeof(*outcome));
    outcome->candidates = opts->candidates;
    outcome->scored = !opts->target;
    outcome->seed = opts->seed;
    outcome->series = &series;
    outcome->usage = &usage;
    outcome->crew = &crew;
    display_init(&r.display, opts->out_fd, opts->plain_lines);
    fail f = rehearsal_whole(&r, why);
    crew_close(&crew);
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
    out_fini(&r.ca);
    out_fini(&r.hall.codes);
    return f;
}
