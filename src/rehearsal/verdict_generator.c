/* verdict_generator.c - whether the virtual candidates can be believed, machine by machine.
 *
 * Merged figures hide one bad machine among many: its two late requests in a hundred are four in a
 * thousand of five machines'. So each is judged by itself and named. What makes a run void: a
 * machine was late, out of CPU, ports or descriptors, stood still, lost agents or was lost, or its
 * clock is known too badly to say what came before what. */
#include "rehearsal/verdict.h"

#include <stdio.h>

enum {
    /* How late virtual candidates may be themselves; beyond it latencies mean nothing. With
     * faults, which make them late too, less is judged. */
    LAG_P99_US = 50000,
    LAG_FAULTS_P99_US = 1000000,
    /* Agent-seconds without an idle moment, of a hundred. */
    STARVED_PERCENT = 5,
    STARVED_FAULTS_PERCENT = 50,
    STALL_US = 3000000,
    CLOCK_ERROR_US = 50000 /* starts and faults are no better known than a candidate may be late */
};

#define N(count) ((unsigned long long)(count))

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

static double starved(const struct effort *effort)
{
    return percent((double)effort->starved, (double)effort->seconds);
}

static double busy(const struct effort *effort)
{
    return percent((double)(effort->all_us - effort->idle_us), (double)effort->all_us);
}

static double steal(const struct effort *effort)
{
    return percent((double)effort->steal_us, (double)effort->all_us);
}

int64_t generator_lag_most_us(const struct outcome *outcome)
{
    return outcome->faults_planned ? LAG_FAULTS_P99_US : LAG_P99_US;
}

static void judge_cpu(struct judgement *j, const struct crew_host *host,
                      const struct outcome *outcome)
{
    bool faults = outcome->faults_planned > 0;
    const struct effort *effort = &host->effort;
    int64_t lag = hist_quantile(&host->board.lag, 990);
    int64_t most = generator_lag_most_us(outcome);
    if (lag > most)
        verdict_reason(j, VERDICT_VOID,
                       "%s: the virtual candidates themselves were late: p99 %.1f ms, allowed %.1f "
                       "ms; give it more cores or fewer candidates",
                       host->name, (double)lag / 1e3, (double)most / 1e3);
    /* What a hypervisor takes away does no harm by itself: when it does, agents do not rest. */
    if (starved(effort) > (faults ? STARVED_FAULTS_PERCENT : STARVED_PERCENT))
        verdict_reason(j, VERDICT_VOID,
                       "%s was out of CPU: in %.0f %% of the seconds an agent had no idle moment "
                       "(busy %.0f %%, taken by its hypervisor %.0f %%); give it more cores or "
                       "fewer candidates",
                       host->name, starved(effort), busy(effort), steal(effort));
    if (effort->stall_us > STALL_US)
        verdict_reason(j, VERDICT_VOID, "%s stood still for %.1f s", host->name,
                       (double)effort->stall_us / 1e6);
}

static void judge_host(struct judgement *j, const struct crew_host *host,
                       const struct outcome *outcome)
{
    if (host->lost)
        verdict_reason(j, VERDICT_VOID, "%s was lost with %u candidates: %s", host->name,
                       host->count, host->trouble);
    judge_cpu(j, host, outcome);
    if (host->board.local_errors)
        verdict_reason(j, VERDICT_VOID,
                       "%s was out of ports or descriptors: it could not open a connection %llu "
                       "times",
                       host->name, N(host->board.local_errors));
    if (host->effort.died)
        verdict_reason(j, VERDICT_VOID, "%s: %u agents ended early", host->name, host->effort.died);
    if (host->clock_error_us > CLOCK_ERROR_US)
        verdict_reason(j, VERDICT_VOID,
                       "%s: its clock is known to %.1f ms only, allowed %.1f ms: the way to it is "
                       "too slow",
                       host->name, (double)host->clock_error_us / 1e3, CLOCK_ERROR_US / 1e3);
}

void generator_judge(struct judgement *j, const struct outcome *outcome)
{
    for (unsigned i = 0; outcome->crew && i < outcome->crew->count; i++)
        judge_host(j, outcome->crew->hosts[i], outcome);
    if (outcome->fault_count < outcome->faults_planned && !outcome->upgrades_failed)
        verdict_reason(j, VERDICT_VOID, "only %u of %u faults could be injected",
                       outcome->fault_count, outcome->faults_planned);
}

/* "agents":[...]: one object a machine. */
void generator_json(struct out *out, const struct outcome *outcome)
{
    out_z(out, ",\"agents\":[");
    for (unsigned i = 0; outcome->crew && i < outcome->crew->count; i++) {
        const struct crew_host *host = outcome->crew->hosts[i];
        const struct effort *effort = &host->effort;
        out_fmt(out, "%s{\"host\":", i ? "," : "");
        out_json(out, str_z(host->name));
        out_fmt(out, ",\"candidates\":%u,\"agents\":%u,\"died\":%u,\"lost\":%s", host->count,
                effort->agents, effort->died, host->lost ? "true" : "false");
        out_fmt(out, ",\"lag_p99_ms\":%.3f,\"stall_ms\":%.3f,\"clock_error_ms\":%.3f",
                (double)hist_quantile(&host->board.lag, 990) / 1e3, (double)effort->stall_us / 1e3,
                (double)host->clock_error_us / 1e3);
        out_fmt(out,
                ",\"cores\":%u,\"agents_cpu_s\":%.2f,\"busy_percent\":%.1f,\"steal_percent\":%.1f,"
                "\"starved_percent\":%.1f",
                effort->cores, (double)effort->agents_us / 1e6, busy(effort), steal(effort),
                starved(effort));
        out_fmt(out, ",\"resident_bytes\":%llu,\"source_addresses\":%u,\"ports_each\":",
                N(effort->resident_bytes), effort->sources);
        if (effort->ports)
            out_fmt(out, "%u", effort->ports);
        else
            out_z(out, "null"); /* a loopback target: as many addresses as it takes */
        out_fmt(out, ",\"local_errors\":%llu}", N(host->board.local_errors));
    }
    out_char(out, ']');
}

void generator_text(struct out *out, const struct outcome *outcome)
{
    if (!outcome->crew || !outcome->crew->count)
        return;
    out_fmt(out, "\n%-26s %10s %9s %8s %8s %10s %12s\n", "virtual candidates on", "candidates",
            "agents", "CPU, s", "busy, %", "starved, %", "late p99, ms");
    for (unsigned i = 0; i < outcome->crew->count; i++) {
        const struct crew_host *host = outcome->crew->hosts[i];
        const struct effort *effort = &host->effort;
        out_fmt(out, "%-26s %10u %9u %8.1f %8.0f %10.0f %12.2f%s\n", host->name, host->count,
                effort->agents, (double)effort->agents_us / 1e6, busy(effort), starved(effort),
                (double)hist_quantile(&host->board.lag, 990) / 1e3, host->lost ? "   lost" : "");
    }
}
