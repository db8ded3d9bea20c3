/* verdict.c - see verdict.h. */
#include "rehearsal/verdict.h"

#include <stdarg.h>
#include <stdio.h>

const char *const fault_names[] = { "hall", "gateway", "upgrade" };
const char *const verdict_names[] = { "pass", "fail", "void" };

void verdict_reason(struct judgement *judgement, enum verdict verdict, const char *format, ...)
{
    judgement->verdict = MAX(judgement->verdict, verdict);
    if (judgement->count == REASONS_MAX)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(judgement->reasons[judgement->count++], sizeof(judgement->reasons[0]), format, args);
    va_end(args);
}

#define N(count) ((unsigned long long)(count))

static void judge_answers(struct judgement *j, const struct outcome *outcome,
                          const struct objectives *objectives)
{
    const struct board *total = &outcome->total;
    if (total->saves_lost)
        verdict_reason(j, VERDICT_FAIL, "%llu acknowledged answers are not in the record",
                       N(total->saves_lost));
    if (total->saves_foreign)
        verdict_reason(j, VERDICT_FAIL, "%llu recorded answers were never sent",
                       N(total->saves_foreign));
    if (total->marks_wrong)
        verdict_reason(j, VERDICT_FAIL, "%llu answers got other marks than the key says",
                       N(total->marks_wrong));
    if (total->receipts_wrong)
        verdict_reason(j, VERDICT_FAIL, "%llu receipts are wrong", N(total->receipts_wrong));
    if (total->requests_failed > (uint64_t)objectives->requests_failed)
        verdict_reason(j, VERDICT_FAIL, "%llu requests failed, the objective is %lld",
                       N(total->requests_failed), (long long)objectives->requests_failed);
    if (total->submitted < outcome->candidates)
        verdict_reason(j, VERDICT_FAIL, "%llu of %u candidates did not get to submit",
                       N(outcome->candidates - total->submitted), outcome->candidates);
    if (total->checked < outcome->candidates)
        verdict_reason(j, VERDICT_FAIL, "the record of %llu of %u candidates could not be checked",
                       N(outcome->candidates - total->checked), outcome->candidates);
    if (outcome->upgrades_failed)
        verdict_reason(j, VERDICT_FAIL,
                       "%u of the upgrades failed or did not end; the hall's log says why",
                       outcome->upgrades_failed);
    if (total->results_seen < outcome->results_due)
        verdict_reason(j, VERDICT_FAIL, "%llu of %llu results that were asked for did not come",
                       N(outcome->results_due - total->results_seen), N(outcome->results_due));
    if (total->requests_delayed)
        verdict_reason(j, VERDICT_PASS, "%llu requests were told to wait (429, 503)",
                       N(total->requests_delayed));
    if (!total->saves_acknowledged)
        verdict_reason(j, VERDICT_FAIL, "not one answer was acknowledged");
}

static void judge_limit(struct judgement *j, const struct hist *hist, enum ask ask,
                        const char *limit, unsigned per_mille, int64_t most_us)
{
    int64_t us = hist_quantile(hist, per_mille);
    if (most_us && us > most_us)
        verdict_reason(j, VERDICT_FAIL, "%s %s is %.1f ms, the objective is %.0f ms",
                       ask_names[ask], limit, (double)us / 1e3, (double)most_us / 1e3);
}

static void judge_latency(struct judgement *j, const struct board *total, enum ask ask,
                          const struct limits *limits)
{
    const struct hist *hist = &total->calm[ask];
    bool limited = false;
#define X(name, per_mille)                                                                         \
    limited |= limits->name##_us != 0;                                                             \
    judge_limit(j, hist, ask, #name, per_mille, limits->name##_us);
    LIMITS(X)
#undef X
    if (limited && !hist->count)
        verdict_reason(j, VERDICT_PASS, "the objective for %s was not judged: there was none%s",
                       ask_names[ask], total->latency[ask].count ? " that no fault touched" : "");
}

static void judge_latencies(struct judgement *j, const struct outcome *outcome,
                            const struct objectives *objectives)
{
    const struct board *total = &outcome->total;
    if (outcome->faults_planned)
        verdict_reason(
            j, VERDICT_PASS,
            "%u faults were injected: the latencies judged are of what no fault touched, "
            "such as %llu of %llu saves",
            outcome->fault_count, N(total->calm[ASK_SAVE].count),
            N(total->latency[ASK_SAVE].count));
#define X(ask, name) judge_latency(j, total, ASK_##ask, &objectives->name);
    JUDGED_KINDS(X)
#undef X
}

void verdict_judge(struct judgement *j, const struct outcome *outcome,
                   const struct objectives *objectives)
{
    const struct board *total = &outcome->total;
    *j = (struct judgement){ .verdict = VERDICT_PASS };
    generator_judge(j, outcome);
    judge_answers(j, outcome, objectives);
    judge_latencies(j, outcome, objectives);
    if (total->saves_lost || total->saves_foreign)
        j->verdict = VERDICT_FAIL; /* whatever this side did wrong, this the hall must never do */
    if (!outcome->scored)
        verdict_reason(j, VERDICT_PASS,
                       "checked against the recorded answers, not the scored result: an "
                       "officer's rights are needed to score this hall");
    for (unsigned i = 0; i < total->example_count; i++)
        verdict_reason(j, VERDICT_PASS, "for example: %s", total->examples[i]);
}

static void json_ms(struct out *out, const char *name, int64_t us)
{
    out_fmt(out, "\"%s\":%.3f", name, (double)us / 1e3);
}

static void json_hist(struct out *out, const char *name, const struct hist *hist)
{
    static const struct {
        const char *name;
        unsigned per_mille;
    } quantiles[] = { { "p50", 500 }, { "p90", 900 }, { "p99", 990 }, { "p999", 999 } };
    out_fmt(out, "\"%s\":{", name);
    for (size_t i = 0; i < COUNT(quantiles); i++) {
        json_ms(out, quantiles[i].name, hist_quantile(hist, quantiles[i].per_mille));
        out_char(out, ',');
    }
    json_ms(out, "max", hist->count ? hist->max_us : 0);
    out_fmt(out, ",\"count\":%llu}", N(hist->count));
}

static double start_spike_s(const struct board *total)
{
    int64_t first = total->first_start_us, last = total->last_started_us;
    return first && last > first ? (double)(last - first) / 1e6 : 0;
}

static void json_required(struct out *out, const struct outcome *outcome,
                          const struct judgement *judgement)
{
    const struct board *total = &outcome->total;
    out_fmt(out, "{\"candidates\":%u,\"connected_peak\":%llu,\"started\":%llu,\"submitted\":%llu,",
            outcome->candidates, N(outcome->connected_peak), N(total->started),
            N(total->submitted));
    out_fmt(out,
            "\"saves_acknowledged\":%llu,\"saves_lost\":%llu,\"requests_failed\":%llu,"
            "\"requests_delayed\":%llu,",
            N(total->saves_acknowledged), N(total->saves_lost), N(total->requests_failed),
            N(total->requests_delayed));
    out_fmt(out, "\"duration_s\":%.1f,\"start_spike_s\":%.2f,\"latency_ms\":{", outcome->duration_s,
            start_spike_s(total));
    for (int i = 0; i < ASK_KINDS; i++) {
        if (i)
            out_char(out, ',');
        json_hist(out, ask_names[i], &total->latency[i]);
    }
    out_fmt(out, "},\"verdict\":\"%s\",\"reasons\":[", verdict_names[judgement->verdict]);
    for (unsigned i = 0; i < judgement->count; i++) {
        if (i)
            out_char(out, ',');
        out_json(out, str_z(judgement->reasons[i]));
    }
    out_z(out, "]");
}

static void json_faults(struct out *out, const struct outcome *outcome)
{
    out_z(out, ",\"faults\":[");
    for (unsigned i = 0; i < outcome->fault_count; i++) {
        const struct fault *fault = &outcome->faults[i];
        out_fmt(out, "%s{\"%s\":\"%s\",", i ? "," : "",
                fault->kind == FAULT_UPGRADE ? "rolled" : "killed", fault_names[fault->kind]);
        json_ms(out, fault->kind == FAULT_UPGRADE ? "took_ms" : "serving_again_ms", fault->back_us);
        out_char(out, '}');
    }
    out_char(out, ']');
}

void verdict_json_promised(struct out *out, const struct outcome *outcome,
                           const struct judgement *judgement)
{
    json_required(out, outcome, judgement);
    json_faults(out, outcome);
    out_char(out, '}');
}

void verdict_json(struct out *out, const struct outcome *outcome, const struct judgement *judgement)
{
    const struct board *total = &outcome->total;
    json_required(out, outcome, judgement);
    out_fmt(out, ",\"checked_against\":\"%s\"", outcome->scored ? "scored result" : "answers");
#define X(name, meaning) out_fmt(out, ",\"" #name "\":%llu", N(total->name));
    /* clang-format off */
    X(checked, ) X(unchecked, ) X(saves_foreign, ) X(marks_wrong, ) X(receipts_wrong, )
    X(results_seen, ) X(requests, ) X(reconnects, ) X(drops, ) X(sign_ins_again, )
    X(handshakes, ) X(resumed, ) X(local_errors, );
    /* clang-format on */
#undef X
    json_faults(out, outcome);
    generator_json(out, outcome);
    out_char(out, ',');
    json_hist(out, "save_calm_ms", &total->calm[ASK_SAVE]);
    out_char(out, ',');
    json_hist(out, "generator_lag_ms", &total->lag);
    out_fmt(out, ",\"seed\":%llu,\"target\":", N(outcome->seed));
    out_json(out, str_z(outcome->target));
    out_z(out, ",\"data\":");
    if (outcome->kept)
        out_json(out, str_z(outcome->kept));
    else
        out_z(out, "null");
    out_z(out, "}\n");
}

static void text_latency(struct out *out, const struct board *total)
{
    out_fmt(out, "\n%-12s %9s %10s %10s %10s %10s %10s\n", "latency, ms", "count", "p50", "p90",
            "p99", "p99.9", "max");
    for (int i = 0; i < ASK_KINDS; i++) {
        const struct hist *hist = &total->latency[i];
        if (!hist->count)
            continue;
        out_fmt(out, "%-12s %9llu", ask_names[i], N(hist->count));
        static const unsigned per_mille[] = { 500, 900, 990, 999, 1000 };
        for (size_t q = 0; q < COUNT(per_mille); q++)
            out_fmt(out, " %10.2f", (double)hist_quantile(hist, per_mille[q]) / 1e3);
        out_char(out, '\n');
    }
}

static void text_faults(struct out *out, const struct outcome *outcome)
{
    static struct hist back[FAULT_KINDS];
    memset(back, 0, sizeof(back));
    for (unsigned i = 0; i < outcome->fault_count; i++)
        if (outcome->faults[i].back_us)
            hist_record(&back[outcome->faults[i].kind], outcome->faults[i].back_us);
    for (int k = 0; k < FAULT_KINDS; k++)
        if (back[k].count)
            out_fmt(out, "%s %-8s %llu times; %s after p50 %.0f ms, p90 %.0f ms, max %.0f ms\n",
                    k == FAULT_UPGRADE ? "rolled" : "killed", fault_names[k], N(back[k].count),
                    k == FAULT_UPGRADE ? "the new processes served"
                                       : "saves sent afterwards were acknowledged",
                    (double)hist_quantile(&back[k], 500) / 1e3,
                    (double)hist_quantile(&back[k], 900) / 1e3, (double)back[k].max_us / 1e3);
}

void verdict_text(struct out *out, const struct outcome *outcome, const struct judgement *judgement)
{
    const struct board *total = &outcome->total;
    text_latency(out, total);
    generator_text(out, outcome);
    out_fmt(out,
            "\ncandidates %u   connected at most %llu   started %llu in %.1f s   submitted %llu\n",
            outcome->candidates, N(outcome->connected_peak), N(total->started),
            start_spike_s(total), N(total->submitted));
    out_fmt(out, "saves acknowledged %llu   lost %llu   never sent %llu   checked %llu (%s)\n",
            N(total->saves_acknowledged), N(total->saves_lost), N(total->saves_foreign),
            N(total->checked),
            outcome->scored ? "against the scored result" : "against the answers");
    out_fmt(out, "requests %llu   failed %llu   told to wait %llu   reconnects %llu   drops %llu\n",
            N(total->requests), N(total->requests_failed), N(total->requests_delayed),
            N(total->reconnects), N(total->drops));
    if (total->handshakes)
        out_fmt(out, "TLS handshakes %llu   of them resumed %llu\n", N(total->handshakes),
                N(total->resumed));
    text_faults(out, outcome);
    if (outcome->fault_count)
        out_fmt(out, "saves that no fault touched: %llu, p50 %.2f ms, p99 %.2f ms\n",
                N(total->calm[ASK_SAVE].count),
                (double)hist_quantile(&total->calm[ASK_SAVE], 500) / 1e3,
                (double)hist_quantile(&total->calm[ASK_SAVE], 990) / 1e3);
    out_fmt(out, "own lateness p99 %.2f ms   seed %llu   %.0f s\n",
            (double)hist_quantile(&total->lag, 990) / 1e3, N(outcome->seed), outcome->duration_s);
    out_fmt(out, "\nverdict: %s\n", verdict_names[judgement->verdict]);
    for (unsigned i = 0; i < judgement->count; i++)
        out_fmt(out, "  - %s\n", judgement->reasons[i]);
    if (outcome->kept)
        out_fmt(out, "The hall's folder was kept: %s\n", outcome->kept);
}
