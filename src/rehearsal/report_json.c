/* report_json.c - the report as data: what verdict_json says, how it was run, and every series. */
#include "rehearsal/report.h"

/* One array with a number from each point. */
typedef double (*value_fn)(const struct point *point, int which);

static void column(struct out *out, const struct series *series, const char *name, value_fn value,
                   int which)
{
    out_fmt(out, "\"%s\":[", name);
    for (unsigned i = 0; i < series->count; i++)
        out_fmt(out, "%s%.10g", i ? "," : "", value(&series->points[i], which));
    out_char(out, ']');
}

#define VALUE(name, expression)                                                                    \
    static double name(const struct point *p, int which)                                           \
    {                                                                                              \
        (void)which;                                                                               \
        return (double)(expression);                                                               \
    }
VALUE(to_s, p->to_us / 1e6)
VALUE(connected, p->connected)
VALUE(signed_in, p->signed_in)
VALUE(started, p->started)
VALUE(submitted, p->submitted)
VALUE(checked, p->checked)
VALUE(requests, p->requests)
VALUE(saves, p->saves)
VALUE(failed, p->failed)
VALUE(delayed, p->delayed)
VALUE(reconnects, p->reconnects)
VALUE(drops, p->drops)
VALUE(ask_count, p->ask[which].count)
VALUE(ask_p50, (double)p->ask[which].p50_us / 1e3)
VALUE(ask_p99, (double)p->ask[which].p99_us / 1e3)
VALUE(ask_max, (double)p->ask[which].max_us / 1e3)
VALUE(lag_count, p->lag.count)
VALUE(lag_p50, (double)p->lag.p50_us / 1e3)
VALUE(lag_p99, (double)p->lag.p99_us / 1e3)
VALUE(lag_max, (double)p->lag.max_us / 1e3)
VALUE(cpu_s, (double)p->usage.part[which].cpu_us / 1e6)
VALUE(resident, p->usage.part[which].resident_bytes)
VALUE(anonymous, p->usage.part[which].anonymous_bytes)
VALUE(machine_cpu_s, (double)p->usage.cpu_us / 1e6)
VALUE(machine_idle_s, (double)p->usage.idle_us / 1e6)
VALUE(machine_steal_s, (double)p->usage.steal_us / 1e6)
VALUE(tcp_bytes, p->usage.tcp_bytes)
VALUE(kernel_bytes, p->usage.kernel_bytes)
VALUE(available_bytes, p->usage.available_bytes)
VALUE(written_bytes, p->usage.written_bytes)
#undef VALUE

struct column { /* a row of the tables below */
    const char *name;
    value_fn value;
};

static void columns(struct out *out, const struct series *series, const struct column *all,
                    size_t count, int which)
{
    for (size_t i = 0; i < count; i++) {
        if (i)
            out_char(out, ',');
        column(out, series, all[i].name, all[i].value, which);
    }
}

static void latencies(struct out *out, const struct series *series)
{
    static const struct column asks[] = {
        { "count", ask_count }, { "p50", ask_p50 }, { "p99", ask_p99 }, { "max", ask_max }
    };
    static const struct column lags[] = {
        { "count", lag_count }, { "p50", lag_p50 }, { "p99", lag_p99 }, { "max", lag_max }
    };
    out_z(out, ",\"latency_ms\":{");
    for (int i = 0; i < ASK_KINDS; i++) {
        out_fmt(out, "%s\"%s\":{", i ? "," : "", ask_names[i]);
        columns(out, series, asks, COUNT(asks), i);
        out_char(out, '}');
    }
    out_z(out, "},\"generator_lag_ms\":{");
    columns(out, series, lags, COUNT(lags), 0);
    out_char(out, '}');
}

static void usages(struct out *out, const struct series *series)
{
    static const struct column parts[] = { { "cpu_s", cpu_s },
                                           { "resident_bytes", resident },
                                           { "user_memory_bytes", anonymous } };
    static const struct column machine[] = { { "cpu_s", machine_cpu_s },
                                             { "idle_s", machine_idle_s },
                                             { "steal_s", machine_steal_s },
                                             { "tcp_bytes", tcp_bytes },
                                             { "kernel_bytes", kernel_bytes },
                                             { "available_bytes", available_bytes },
                                             { "hall_written_bytes", written_bytes } };
    out_z(out, ",\"used\":{");
    for (int i = 0; i < USAGE_ROLES; i++) {
        out_fmt(out, "%s\"%s\":{", i ? "," : "", usage_names[i]);
        columns(out, series, parts, COUNT(parts), i);
        out_char(out, '}');
    }
    out_z(out, ",\"machine\":{");
    columns(out, series, machine, COUNT(machine), 0);
    out_z(out, "}}");
}

/* In the order of "faults" above. */
static void faults(struct out *out, const struct outcome *outcome)
{
    out_z(out, ",\"faults\":[");
    for (unsigned i = 0; i < outcome->fault_count; i++) {
        const struct fault *fault = &outcome->faults[i];
        out_fmt(out,
                "%s{\"fault\":\"%s\",\"at_s\":%.3f,\"%s\":%.3f,"
                "\"worst_save_ms\":%.3f}",
                i ? "," : "", fault_names[fault->kind],
                (double)(fault->at_us - outcome->series->begin_us) / 1e6,
                fault->kind == FAULT_UPGRADE ? "took_ms" : "serving_again_ms",
                (double)fault->back_us / 1e3, (double)report_fault_worst_us(outcome, fault) / 1e3);
    }
    out_char(out, ']');
}

static void phases(struct out *out, const struct series *series)
{
    out_z(out, ",\"phases\":[");
    for (unsigned i = 0; i < series->mark_count; i++) {
        out_fmt(out, "%s{\"at_s\":%.3f,\"phase\":", i ? "," : "",
                (double)series->marks[i].at_us / 1e6);
        out_json(out, str_z(series->marks[i].text));
        out_char(out, '}');
    }
    out_char(out, ']');
}

static void series_json(struct out *out, const struct outcome *outcome)
{
    const struct series *series = outcome->series;
    static const struct column counts[] = {
        { "to_s", to_s },         { "connected", connected },   { "signed_in", signed_in },
        { "started", started },   { "submitted", submitted },   { "checked", checked },
        { "requests", requests }, { "saves", saves },           { "failed", failed },
        { "delayed", delayed },   { "reconnects", reconnects }, { "drops", drops }
    };
    out_fmt(out, ",\"series\":{\"step_s\":%.3f,", (double)series->step_us / 1e6);
    columns(out, series, counts, COUNT(counts), 0);
    latencies(out, series);
    usages(out, series);
    phases(out, series);
    faults(out, outcome);
    out_char(out, '}');
}

static void run_json(struct out *out, const struct report *report)
{
    out_z(out, ",\"run\":{\"version\":");
    out_json(out, str_z(report->version));
    out_z(out, ",\"command\":");
    out_json(out, str_z(report->command));
    out_z(out, ",\"profile\":");
    out_json(out, str_z(report->profile));
    out_fmt(out, ",\"own_hall\":%s,\"began_at\":%lld,\"ended_at\":%lld,\"machine\":{\"cpu\":",
            report->own_hall ? "true" : "false", (long long)report->began_at,
            (long long)report->ended_at);
    out_json(out, str_z(report->machine.cpu));
    out_fmt(out, ",\"cores\":%u,\"memory_bytes\":%llu,\"kernel\":", report->machine.cores,
            (unsigned long long)report->machine.memory_bytes);
    out_json(out, str_z(report->machine.kernel));
    out_z(out, "}}");
}

void report_json(struct out *out, const struct report *report)
{
    verdict_json(out, report->outcome, report->judgement);
    while (out->n && out->p[--out->n] != '}')
        ; /* its object is not over yet */
    run_json(out, report);
    series_json(out, report->outcome);
    out_z(out, "}\n");
}
