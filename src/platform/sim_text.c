/* sim_text.c - what a simulation came to, for people and for programs; see simulate.h. */
#include "platform/simulate.h"

#include "codec/json_out.h"
#include "page/units.h"

#include <stdio.h>
#include <time.h>

#define N(n) ((unsigned long long)(n))

static const unsigned quantiles[] = { 500, 900, 990, 999 };

static void when(char text[static 40], instant at, const char *format)
{
    struct tm tm;
    time_t seconds = (time_t)(at / 1000);
    localtime_r(&seconds, &tm); /* the spec's zone: spec.c has set it */
    strftime(text, 40, format, &tm);
}

static int64_t money(const struct sim_result *result)
{
    return result->node_micros[0] + result->node_micros[1];
}

static uint64_t refused(const struct sim_result *result)
{
    uint64_t n = 0;
    for (int kind = 0; kind < ASKED_KINDS; kind++)
        n += result->kinds[kind].refused;
    return n;
}

/* Below a step nothing can be told. */
static const char *wait_text(char text[static UNIT_TEXT_MAX], int64_t ms)
{
    if (ms < SIM_STEP_MS)
        snprintf(text, UNIT_TEXT_MAX, "<%d ms", SIM_STEP_MS);
    else
        unit_text(text, UNIT_MS, (double)ms);
    return text;
}

/* --- for people ---------------------------------------------------------------------------------
 */

static void waits(struct out *out, const struct sim_result *result)
{
    char text[UNIT_TEXT_MAX];
    out_fmt(out, "\n%-8s %11s %11s %11s %8s %8s %8s %8s %8s %8s\n", "WAITS", "asked", "served",
            "refused", "waiting", "p50", "p90", "p99", "p99.9", "longest");
    for (int i = 0; i < ASKED_KINDS; i++) {
        const struct sim_kind *kind = &result->kinds[i];
        if (!kind->asked)
            continue;
        out_fmt(out, "%-8s %11llu %11llu %11llu %8llu", asked_names[i], N(kind->asked),
                N(kind->served), N(kind->refused), N(kind->waiting));
        for (size_t q = 0; q < COUNT(quantiles); q++)
            out_fmt(out, " %8s", wait_text(text, sim_wait_ms(kind, quantiles[q])));
        out_fmt(out, " %8s\n", wait_text(text, (int64_t)kind->worst * SIM_STEP_MS));
    }
}

static uint16_t most_ready(const struct sim_result *result, unsigned service)
{
    uint16_t most = 0;
    for (unsigned i = 0; i < result->sample_count; i++)
        most = MAX(most, result->samples[i].ready[service]);
    return most;
}

static void cluster(struct out *out, const struct sim_opts *opts, const struct sim_result *result)
{
    out_z(out, "\nReplicas at most:");
    for (unsigned s = 0; s < result->service_count; s++)
        out_fmt(out, "%s %.*s %u", s ? "," : "", STR_ARG(result->names[s]), most_ready(result, s));
    out_z(out, ".\n");
    for (int pool = 0; pool < 2; pool++)
        out_fmt(out, "Pool %s: at most %u nodes, %.1f node hours, %.2f %.*s.\n", sim_pools[pool],
                result->nodes_most[pool], (double)result->node_seconds[pool] / 3600,
                (double)result->node_micros[pool] / 1e6, STR_ARG(opts->prices->currency));
    if (result->unscheduled_pods)
        out_fmt(out, "Pods had no room for %llu pod seconds: a pool was full.\n",
                N(result->unscheduled_pods));
}

void sim_text(struct out *out, const struct sim_opts *opts, const struct sim_result *result)
{
    char from[40], to[40];
    when(from, result->begin, "%-d %b %Y %H:%M");
    when(to, result->begin + result->seconds * 1000,
         result->seconds < 86400 ? "%H:%M" : "%-d %b %H:%M");
    out_fmt(out, "%s to %s in %.*s, policy %s (%s), seed %llu.\n", from, to,
            STR_ARG(opts->env->name), opts->policy->name, opts->policy->purpose, N(opts->seed));
    waits(out, result);
    cluster(out, opts, result);
    if (sim_is_good(result, &opts->env->spec->objectives))
        out_z(out,
              "\nNobody was refused, and every kind of request is within its objective (2 s where "
              "the spec has none).\n");
    else if (refused(result))
        out_fmt(out, "\n%llu requests were given up after %lld s and asked again.\n",
                N(refused(result)), (long long)opts->patience_s);
    else
        out_z(out,
              "\nNobody was refused, but waits are beyond the objectives (2 s where the spec has "
              "none).\n");
    bool announced = true;
    for (unsigned i = 0; i < opts->timetable->release_count; i++)
        announced = announced && opts->timetable->releases[i].announced;
    if (opts->timetable->registration)
        out_z(out,
              "What a registration asks was not measured: it is taken to cost what signing in, "
              "starting,\nsaving and submitting of an exam do.\n");
    if (!announced)
        out_z(out, "Results are taken to be published two hours after the last shift, without "
                   "capacity standing ready:\nwrite `results: DATE TIME` to the exam in the spec, "
                   "and it will.\n");
}

void sim_sweep_head(struct out *out)
{
    out_fmt(out, "%-9s %10s %9s %9s %9s %9s %9s %11s %10s  %s\n", "POLICY", "refused", "sign_in",
            "start", "save", "submit", "result", "node hours", "money", "objectives");
}

void sim_sweep_line(struct out *out, const struct sim_opts *opts, const struct sim_result *result)
{
    char text[UNIT_TEXT_MAX];
    out_fmt(out, "%-9s %10llu", opts->policy->name, N(refused(result)));
    for (int i = 0; i < ASKED_KINDS; i++)
        out_fmt(out, " %9s", wait_text(text, sim_wait_ms(&result->kinds[i], 990)));
    out_fmt(out, " %11.1f %10.2f  %s\n",
            (double)(result->node_seconds[0] + result->node_seconds[1]) / 3600,
            (double)money(result) / 1e6,
            sim_is_good(result, &opts->env->spec->objectives) ? "met" : "not met");
}

/* --- for programs -------------------------------------------------------------------------------
 */

static void kind_json(struct out *out, const char *name, const struct sim_kind *kind)
{
    static const char *const names[] = { "p50", "p90", "p99", "p999" };
    jo_open(out, name, '{');
    jo_i64(out, "asked", (int64_t)kind->asked);
    jo_i64(out, "served", (int64_t)kind->served);
    jo_i64(out, "refused", (int64_t)kind->refused);
    jo_i64(out, "waiting", (int64_t)kind->waiting);
    jo_open(out, "wait_ms", '{');
    for (size_t q = 0; q < COUNT(quantiles); q++)
        jo_i64(out, names[q], sim_wait_ms(kind, quantiles[q]));
    jo_i64(out, "max", (int64_t)kind->worst * SIM_STEP_MS);
    jo_close(out, '}');
    jo_close(out, '}');
}

void sim_json(struct out *out, const struct sim_opts *opts, const struct sim_result *result)
{
    jo_open(out, NULL, '{');
    jo_str(out, "environment", opts->env->name);
    jo_z(out, "policy", opts->policy->name);
    jo_z(out, "profile", opts->timetable->registration ? "registration" : "day");
    jo_i64(out, "candidates", opts->timetable->candidates);
    jo_i64(out, "seed", (int64_t)opts->seed);
    jo_at(out, "begins_at", result->begin);
    jo_i64(out, "seconds", result->seconds);
    jo_bool(out, "good", sim_is_good(result, &opts->env->spec->objectives));
    jo_open(out, "kinds", '{');
    for (int i = 0; i < ASKED_KINDS; i++)
        kind_json(out, asked_names[i], &result->kinds[i]);
    jo_close(out, '}');
    jo_open(out, "replicas_most", '{');
    for (unsigned s = 0; s < result->service_count; s++) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", STR_ARG(result->names[s]));
        jo_i64(out, name, most_ready(result, s));
    }
    jo_close(out, '}');
    jo_open(out, "pools", '{');
    for (int pool = 0; pool < 2; pool++) {
        jo_open(out, sim_pools[pool], '{');
        jo_i64(out, "nodes_most", result->nodes_most[pool]);
        jo_i64(out, "node_seconds", result->node_seconds[pool]);
        jo_name(out, "money");
        out_fmt(out, "%.6f", (double)result->node_micros[pool] / 1e6);
        jo_close(out, '}');
    }
    jo_close(out, '}');
    jo_str(out, "currency", opts->prices->currency);
    jo_i64(out, "pod_seconds_without_room", (int64_t)result->unscheduled_pods);
    jo_close(out, '}');
}
