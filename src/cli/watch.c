/* watch.c - see watch.h. */
#include "cli/watch.h"

#include "codec/json_out.h"

#include <stdio.h>

const char *const watch_kinds[WATCH_KIND_COUNT] = {
#define X(kind, class) #kind,
    WATCH_KINDS(X)
#undef X
};

static const enum gateway_class classes[WATCH_KIND_COUNT] = {
#define X(kind, class) class,
    WATCH_KINDS(X)
#undef X
};

static void counts_read(struct watch_counts *counts, const struct gateway_stats *page)
{
    unsigned rows = (unsigned)MIN(atomic_load(&page->rows_used), GATEWAY_ROWS_MAX);
    counts->replies = counts->errors = 0;
    for (unsigned i = 0; i < rows; i++) {
        for (unsigned hundred = 0; hundred < COUNT(page->rows[i].replies); hundred++)
            counts->replies += atomic_load(&page->rows[i].replies[hundred]);
        counts->errors += atomic_load(&page->rows[i].replies[5]);
    }
    for (unsigned kind = 0; kind < WATCH_KIND_COUNT; kind++)
        gateway_stats_slots(page, classes[kind], counts->slots[kind]);
}

/* A few replies have no p99 that is worth a word: 0. */
static int64_t p99_between(const struct watch_counts *from, const struct watch_counts *to,
                           unsigned kind)
{
    uint64_t slots[GATEWAY_HIST_SLOTS], n = 0;
    for (unsigned i = 0; i < GATEWAY_HIST_SLOTS; i++) {
        slots[i] = to->slots[kind][i] - from->slots[kind][i];
        n += slots[i];
    }
    return n < WATCH_REPLIES_MIN ? 0 : gateway_slots_quantile_us(slots, 990);
}

static struct watch_figures between(const struct watch_counts *from, const struct watch_counts *to,
                                    int64_t ms)
{
    struct watch_figures figures = { .ms = ms,
                                     .replies = to->replies - from->replies,
                                     .errors = to->errors - from->errors };
    for (unsigned kind = 0; kind < WATCH_KIND_COUNT; kind++)
        figures.p99_us[kind] = p99_between(from, to, kind);
    return figures;
}

void watch_before(struct watch *watch, const struct gateway_stats *page)
{
    counts_read(&watch->first, page);
}

void watch_before_ends(struct watch *watch, const struct gateway_stats *page, int64_t ms)
{
    counts_read(&watch->last[0], page);
    watch->before = between(&watch->first, &watch->last[0], ms);
}

void watch_begin(struct watch *watch, const struct gateway_stats *page)
{
    counts_read(&watch->first, page);
    watch->last[0] = watch->first;
    watch->compared = watch->slow = 0;
}

/* --- the rules ---------------------------------------------------------------------------------
 */

/* a / b > c / d, where b and d may be 0. */
static bool is_above(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return (double)a * (double)d > (double)c * (double)b;
}

static bool has_errors(const struct watch *watch, const struct watch_figures *now, char *reason)
{
    const struct watch_figures *before = &watch->before;
    bool many = now->errors >= 3 && is_above(now->errors, now->replies, 1, 200);
    if (!many || (before->errors &&
                  !is_above(now->errors, now->replies, 2 * before->errors, before->replies)))
        return false;
    snprintf(reason, 200, "errors: %llu of %llu replies in %.0f s were 5xx; before, %llu of %llu",
             (unsigned long long)now->errors, (unsigned long long)now->replies,
             (double)now->ms / 1000, (unsigned long long)before->errors,
             (unsigned long long)before->replies);
    return true;
}

static bool is_slow(struct watch *watch, const struct watch_figures *now, char *reason)
{
    for (unsigned kind = 0; kind < WATCH_KIND_COUNT; kind++) {
        int64_t limit = watch->limits.p99_us[kind], before = watch->before.p99_us[kind];
        int64_t p99 = now->p99_us[kind];
        if (!limit || p99 <= limit || p99 <= before + before / 4)
            continue;
        snprintf(reason, 200,
                 "latency: p99 of %s is %.0f ms, over the objective of %.0f ms; before, %.0f ms",
                 watch_kinds[kind], (double)p99 / 1e3, (double)limit / 1e3, (double)before / 1e3);
        return ++watch->slow >= 2;
    }
    watch->slow = 0;
    return false;
}

static bool is_silent(const struct watch *watch, const struct watch_figures *now, char *reason)
{
    const struct watch_figures *before = &watch->before;
    if (watch->compared < WATCH_SPAN || !before->ms ||
        before->replies < 10 * (uint64_t)before->ms / 1000 ||
        is_above(10 * now->replies, (uint64_t)now->ms, before->replies, (uint64_t)before->ms))
        return false;
    snprintf(reason, 200, "silence: %llu replies in %.0f s; before, %llu in %.0f s",
             (unsigned long long)now->replies, (double)now->ms / 1000,
             (unsigned long long)before->replies, (double)before->ms / 1000);
    return true;
}

static bool is_ill(const struct watch_health *health, char *reason)
{
    if (health->deaths >= 2)
        snprintf(reason, 200, "deaths: its processes died %u times", health->deaths);
    else if (health->down_ms >= 5000)
        snprintf(reason, 200, "deaths: the hall has not served for %.0f s",
                 (double)health->down_ms / 1000);
    else if (health->deaf >= 3)
        snprintf(reason, 200, "deaf: /-/ready did not say yes %u times running", health->deaf);
    else
        return false;
    return true;
}

bool watch_is_worse(struct watch *watch, const struct gateway_stats *page,
                    const struct watch_health *health, char reason[static 200])
{
    memmove(watch->last + 1, watch->last, WATCH_SPAN * sizeof(*watch->last));
    counts_read(&watch->last[0], page);
    watch->compared++;
    unsigned span = MIN(watch->compared, WATCH_SPAN);
    struct watch_figures now = between(&watch->last[span], &watch->last[0], span * WATCH_EACH_MS);
    watch->after = between(&watch->first, &watch->last[0], watch->compared * WATCH_EACH_MS);
    if (is_ill(health, reason) || has_errors(watch, &now, reason) || is_silent(watch, &now, reason))
        return true;
    if (watch->compared <= WATCH_CALM)
        return false;
    now = between(&watch->last[MIN(span, watch->compared - WATCH_CALM)], &watch->last[0], 0);
    return is_slow(watch, &now, reason);
}

void watch_json(struct out *out, const char *name, const struct watch_figures *figures)
{
    jo_open(out, name, '{');
    jo_i64(out, "seconds", figures->ms / 1000);
    jo_i64(out, "replies_per_s", figures->ms ? (int64_t)figures->replies * 1000 / figures->ms : 0);
    jo_i64(out, "errors", (int64_t)figures->errors);
    jo_open(out, "latency_ms", '{');
    for (unsigned kind = 0; kind < WATCH_KIND_COUNT; kind++) {
        if (!figures->p99_us[kind])
            continue;
        jo_open(out, watch_kinds[kind], '{');
        jo_name(out, "p99");
        out_fmt(out, "%.1f", (double)figures->p99_us[kind] / 1e3);
        jo_close(out, '}');
    }
    jo_close(out, '}');
    jo_close(out, '}');
}
