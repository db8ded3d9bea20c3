/* measure.c - see measure.h. */
#include "rehearsal/measure.h"

#include "crypto/digest.h"
#include "rehearsal/rehearsal.h"
#include "rehearsal/this_machine.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    HELD_POINTS = 10, /* as long as a rate must last to count as held; seconds in most runs */
    SWEEPS = 2000,    /* of the solver: five unknowns settle in some hundred */
    POINTS_MIN = 30
};

/* What is counted as one of a kind: a bit for each. */
static const unsigned counted[ASKED_KINDS] = {
    [ASKED_sign_in] = 1u << ASK_SIGN_IN,
    [ASKED_start] = 1u << ASK_START, /* form and paper come with it */
    [ASKED_save] = 1u << ASK_SAVE | 1u << ASK_HEARTBEAT | 1u << ASK_LOOK | 1u << ASK_RESUME,
    [ASKED_submit] = 1u << ASK_SUBMIT, /* the receipt comes with it */
    [ASKED_result] = 1u << ASK_RESULT | 1u << ASK_SHEET,
};

static double count_of(const struct point *point, int kind)
{
    uint64_t n = 0;
    for (int ask = 0; ask < ASK_KINDS; ask++)
        n += counted[kind] >> ask & 1 ? point->ask[ask].count : 0;
    return (double)n;
}

/* --- costs --------------------------------------------------------------------------------------
 */

/* The x >= 0 that makes the sum of squares of (counts x - cpu) least: from the normal equations,
 * one unknown after the other until nothing moves. */
static void costs_solve(double x[ASKED_KINDS], const struct series *series, enum usage_role role)
{
    double a[ASKED_KINDS][ASKED_KINDS] = { { 0 } }, b[ASKED_KINDS] = { 0 };
    for (unsigned p = 0; p < series->count; p++)
        for (int i = 0; i < ASKED_KINDS; i++) {
            double n = count_of(&series->points[p], i);
            b[i] += n * (double)series->points[p].usage.part[role].cpu_us * 1000;
            for (int j = 0; j < ASKED_KINDS; j++)
                a[i][j] += n * count_of(&series->points[p], j);
        }
    memset(x, 0, ASKED_KINDS * sizeof(x[0]));
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int i = 0; i < ASKED_KINDS; i++) {
            double rest = b[i];
            for (int j = 0; j < ASKED_KINDS; j++)
                rest -= j == i ? 0 : a[i][j] * x[j];
            x[i] = a[i][i] > 0 ? MAX(rest / a[i][i], 0) : 0;
        }
}

static fail costs_take(struct measured *measured, const struct series *series, struct why *why)
{
    double gateway[ASKED_KINDS], hall[ASKED_KINDS];
    costs_solve(gateway, series, USAGE_GATEWAY);
    costs_solve(hall, series, USAGE_HALL);
    for (int i = 0; i < ASKED_KINDS; i++) {
        measured->cost[i] =
            (struct measured_cost){ (int64_t)(gateway[i] + 0.5), (int64_t)(hall[i] + 0.5) };
        if (!measured->cost[i].gateway && !measured->cost[i].hall)
            return fail_set(why, FAIL_CONFLICT,
                            "the cost of a %s cannot be told from this run, so no capacity file "
                            "is written; rehearse with more candidates, such as 5000",
                            asked_names[i]);
    }
    return FAIL_NONE;
}

/* --- what was held, and memory ------------------------------------------------------------------
 */

static bool is_within(const struct point *point, const struct objectives *objectives)
{
    return point->ask[ASK_SAVE].count && !point->failed &&
           (!objectives->save.p99_us || point->ask[ASK_SAVE].p99_us <= objectives->save.p99_us);
}

/* The most saves a second over some points in a row that were all within the objectives. */
static void held_take(struct measured *measured, const struct series *series,
                      const struct objectives *objectives)
{
    for (unsigned first = 0; first + HELD_POINTS <= series->count; first++) {
        double saves = 0, requests = 0, seconds = 0;
        bool within = true;
        for (unsigned i = first; i < first + HELD_POINTS; i++) {
            const struct point *point = &series->points[i];
            within = within && is_within(point, objectives);
            saves += (double)point->saves;
            requests += (double)point->requests;
            seconds += (double)(point->to_us - point->from_us) / 1e6;
        }
        if (within && seconds > 0 && saves / seconds > (double)measured->saves_per_s) {
            measured->saves_per_s = (int64_t)(saves / seconds);
            measured->requests_per_s = (int64_t)(MAX(requests, saves) / seconds);
        }
    }
}

static int64_t grown(const struct series *series, enum usage_role role)
{
    uint64_t first = series->points[0].usage.part[role].anonymous_bytes, most = first;
    for (unsigned i = 0; i < series->count; i++)
        most = MAX(most, series->points[i].usage.part[role].anonymous_bytes);
    return (int64_t)(most - first);
}

static void memory_take(struct measured *measured, const struct outcome *outcome)
{
    uint64_t before = outcome->usage->kernel_bytes_before, most = before;
    int64_t connections = (int64_t)MAX(outcome->connected_peak, 1);
    unsigned ends = crew_gang(outcome->crew) ? 2 : 1; /* of a connection on this machine */
    for (unsigned i = 0; i < outcome->series->count; i++)
        most = MAX(most, outcome->series->points[i].usage.kernel_bytes);
    measured->gateway_bytes = grown(outcome->series, USAGE_GATEWAY) / connections;
    measured->hall_bytes = grown(outcome->series, USAGE_HALL) / outcome->candidates;
    measured->socket_bytes = (int64_t)(most - before) / (connections * ends);
}

fail measure_take(struct measured *measured, const struct outcome *outcome,
                  const struct objectives *objectives, struct why *why)
{
    const struct series *series = outcome->series;
    measured->candidates = outcome->candidates;
    if (series->count < POINTS_MIN)
        return fail_set(why, FAIL_CONFLICT,
                        "the run was too short to measure capacity, so no file is written; let it "
                        "last a minute or more (--minutes)");
    held_take(measured, series, objectives);
    if (!measured->saves_per_s)
        return fail_set(why, FAIL_CONFLICT,
                        "saves were never within the objectives for %d seconds in a row, so no "
                        "capacity file is written",
                        HELD_POINTS);
    memory_take(measured, outcome);
    return costs_take(measured, series, why);
}

/* --- the file -----------------------------------------------------------------------------------
 */

fail measure_check(const char *path, const struct rehearsal_opts *opts, struct why *why)
{
    if (opts->target)
        return fail_set(why, FAIL_USAGE,
                        "--capacity measures the processes of the rehearsal's own hall; leave out "
                        "--target");
    if (!opts->profile->bell)
        return fail_set(why, FAIL_USAGE,
                        "--capacity needs --profile stampede: where sign-ins and starts come at "
                        "the same time, what each costs cannot be told");
    if (opts->kill_hall || opts->kill_gateway || opts->upgrade)
        return fail_set(why, FAIL_USAGE,
                        "--capacity measures a run without faults; leave out --kill-hall, "
                        "--kill-gateway and --upgrade");
    FILE *file = fopen(path, "ae"); /* what is there stays until there is something better */
    if (!file)
        return fail_errno(why, FAIL_WORLD, "cannot write the capacity file %s", path);
    fclose(file);
    return FAIL_NONE;
}

fail measure_write(const char *path, const struct rehearsal_opts *opts,
                   const struct outcome *outcome, const struct judgement *judgement,
                   const struct objectives *objectives, instant made_at, struct why *why)
{
    struct this_machine machine;
    char sha256[SHA256_HEX];
    struct measured measured = { .made_at = made_at, .tls = !opts->plain };
    struct out out = out_make(MEASURED_BYTES_MAX);
    if (judgement->verdict != VERDICT_PASS)
        return fail_set(why, FAIL_CONFLICT,
                        "the verdict is %s, so this run says nothing about capacity and no file "
                        "is written",
                        verdict_names[judgement->verdict]);
    fail f = measure_take(&measured, outcome, objectives, why);
    if (!f)
        f = sha256_file(sha256, "/proc/self/exe", why);
    if (f)
        return f;
    this_machine_read(&machine);
    measured.version = str_z(opts->version);
    measured.sha256 = str_z(sha256);
    measured.cpu = str_z(machine.cpu);
    measured.cores = machine.cores;
    measured.memory_bytes = (int64_t)machine.memory_bytes;
    measured_write(&out, &measured);
    FILE *file = fopen(path, "we");
    bool good = file && !out.failed && fwrite(out.p, 1, out.n, file) == out.n;
    good = file && fclose(file) == 0 && good;
    out_fini(&out);
    return good ? FAIL_NONE : fail_errno(why, FAIL_WORLD, "cannot write %s", path);
}
