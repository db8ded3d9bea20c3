/* series.c - see series.h. */
#include "rehearsal/series.h"

#include <stdio.h>

enum { STEP_US = 1000000 };

void series_begin(struct series *series, int64_t now_us)
{
    memset(series, 0, sizeof(*series));
    series->begin_us = now_us;
    series->step_us = STEP_US;
}

bool series_due(const struct series *series, int64_t now_us)
{
    int64_t last = series->count ? series->points[series->count - 1].to_us : 0;
    return now_us - series->begin_us - last >= series->step_us;
}

static void timing_merge(struct timing *into, const struct timing *from)
{
    into->count += from->count;
    into->p50_us = MAX(into->p50_us, from->p50_us);
    into->p99_us = MAX(into->p99_us, from->p99_us);
    into->max_us = MAX(into->max_us, from->max_us);
}

/* Adds what was used, takes over what is there at the end. */
static void usage_merge(struct usage_sample *into, const struct usage_sample *later)
{
    struct usage_sample sum = *later;
    for (int i = 0; i < USAGE_ROLES; i++)
        sum.part[i].cpu_us += into->part[i].cpu_us;
    sum.cpu_us += into->cpu_us;
    sum.idle_us += into->idle_us;
    sum.steal_us += into->steal_us;
    sum.written_bytes += into->written_bytes;
    *into = sum;
}

static void point_merge(struct point *into, const struct point *later)
{
    struct point sum = *later;
    sum.from_us = into->from_us;
    sum.requests += into->requests;
    sum.saves += into->saves;
    sum.failed += into->failed;
    sum.delayed += into->delayed;
    sum.reconnects += into->reconnects;
    sum.drops += into->drops;
    for (int i = 0; i < ASK_KINDS; i++)
        timing_merge(&sum.ask[i], &into->ask[i]);
    timing_merge(&sum.lag, &into->lag);
    sum.usage = into->usage;
    usage_merge(&sum.usage, &later->usage);
    *into = sum;
}

static void halve(struct series *series)
{
    for (unsigned i = 0; i < SERIES_POINTS_MAX / 2; i++) {
        struct point pair = series->points[2 * i];
        point_merge(&pair, &series->points[2 * i + 1]);
        series->points[i] = pair;
    }
    series->count = SERIES_POINTS_MAX / 2;
    series->step_us *= 2;
}

static void timing_since(struct timing *timing, const struct hist *now, const struct hist *then)
{
    static struct hist since; /* 14 KB */
    if (now->count == then->count)
        return;
    hist_since(&since, now, then);
    *timing = (struct timing){ since.count, hist_quantile(&since, 500), hist_quantile(&since, 990),
                               since.max_us };
}

/* Counters never fall; an agent on another machine that is lost may take its own along. */
static uint64_t more(uint64_t now, uint64_t then)
{
    return now - MIN(now, then);
}

void series_take(struct series *series, int64_t now_us, const struct board *total,
                 const struct usage_sample *usage)
{
    const struct board *before = &series->before;
    if (series->count == SERIES_POINTS_MAX)
        halve(series);
    struct point *point = &series->points[series->count];
    *point = (struct point){ .from_us = series->count ? point[-1].to_us : 0,
                             .to_us = now_us - series->begin_us,
                             .connected = total->connected,
                             .signed_in = total->signed_in,
                             .started = total->started,
                             .submitted = total->submitted,
                             .checked = total->checked,
                             .requests = more(total->requests, before->requests),
                             .saves = more(total->saves_acknowledged, before->saves_acknowledged),
                             .failed = more(total->requests_failed, before->requests_failed),
                             .delayed = more(total->requests_delayed, before->requests_delayed),
                             .reconnects = more(total->reconnects, before->reconnects),
                             .drops = more(total->drops, before->drops) };
    for (int i = 0; i < ASK_KINDS; i++)
        timing_since(&point->ask[i], &total->latency[i], &before->latency[i]);
    timing_since(&point->lag, &total->lag, &before->lag);
    if (usage)
        point->usage = *usage;
    memcpy(&series->before, total, sizeof(*total));
    series->count++;
}

void series_mark(struct series *series, int64_t now_us, const char *text)
{
    if (series->mark_count == SERIES_MARKS_MAX)
        return;
    struct mark *mark = &series->marks[series->mark_count++];
    mark->at_us = now_us - series->begin_us;
    snprintf(mark->text, sizeof(mark->text), "%s", text);
}

unsigned series_at(const struct series *series, int64_t at_us)
{
    unsigned i = 0;
    while (i < series->count && series->points[i].to_us <= at_us - series->begin_us)
        i++;
    return i;
}
