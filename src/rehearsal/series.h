/* series.h - what happened over time: one point a second, kept by the coordinator alone.
 *
 * The boards only count up, so a point is the difference between two merged boards: exact counts,
 * and quantiles of just that second. Memory is bounded: when the points are full, neighbours are
 * merged in pairs and from then on a point lasts twice as long. A merged point adds counts and
 * keeps the larger of two quantiles, which is never below the true one. */
#pragma once

#include "rehearsal/board.h"
#include "rehearsal/usage.h"

enum { SERIES_POINTS_MAX = 2048, SERIES_MARKS_MAX = 24 };

struct timing { /* microseconds; nothing when count is 0 */
    uint64_t count;
    int64_t p50_us, p99_us, max_us;
};

struct point {
    int64_t from_us, to_us; /* since the begin */
    /* As they are at the end. */
    uint64_t connected, signed_in, started, submitted, checked;
    /* Within it. */
    uint64_t requests, saves, failed, delayed, reconnects, drops;
    struct timing ask[ASK_KINDS], lag;
    struct usage_sample usage;
};

struct mark { /* where a phase begins */
    int64_t at_us;
    char text[32];
};

struct series {
    int64_t begin_us; /* monotonic */
    int64_t step_us;
    unsigned count, mark_count;
    struct point points[SERIES_POINTS_MAX];
    struct mark marks[SERIES_MARKS_MAX];
    struct board before;
};

void series_begin(struct series *series, int64_t now_us);
bool series_due(const struct series *series, int64_t now_us);
/* `total` is the merged board; usage NULL: not known. */
void series_take(struct series *series, int64_t now_us, const struct board *total,
                 const struct usage_sample *usage);
void series_mark(struct series *series, int64_t now_us, const char *text);
/* The first point that ends after this instant; series->count when there is none. */
unsigned series_at(const struct series *series, int64_t at_us);
