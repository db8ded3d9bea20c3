/* hist.h - how often each duration happened: a log-linear histogram of microseconds.
 *
 * Fixed size, no allocation; all zeros is an empty one. Every octave is cut into 64 slots, so a
 * quantile is at most 1/64 above the true value and never below it; below 128 us it is exact.
 * Merging adds counters: the merge of parts equals the histogram of the whole, which lets every
 * agent keep its own. Count, sum, min and max are exact. Not for threads. */
#pragma once

#include "base/base.h"

#define HIST_US_MAX 3600000000LL     /* one hour; longer counts as this (max stays exact) */
#define HIST_PART   64               /* slots in an octave: the error is 1 / HIST_PART */
#define HIST_SLOTS  (27 * HIST_PART) /* 32 bits: 128 + 25 octaves */

struct hist {
    uint64_t count;
    int64_t sum_us, min_us, max_us; /* of no meaning while count is 0 */
    uint64_t slots[HIST_SLOTS];
};

void hist_record(struct hist *hist, int64_t us); /* below 0 counts as 0 */
void hist_merge(struct hist *into, const struct hist *from);
/* What was recorded between two states of one histogram. Count and quantiles are exact within the
 * slots; max is the top of the highest slot used, min is 0. Both may be views of one that is being
 * written: the count is taken from the slots themselves. */
void hist_since(struct hist *into, const struct hist *now, const struct hist *then);

/* The smallest recorded value that at least `per_mille` thousandths of all do not exceed, rounded
 * up to the largest value that shares its slot (but not above max). 0 when empty. */
int64_t hist_quantile(const struct hist *hist, unsigned per_mille);
/* How many are below `us`, as far as slots can tell: a whole slot counts where its highest is. */
uint64_t hist_below(const struct hist *hist, int64_t us);
int64_t hist_mean(const struct hist *hist); /* 0 when empty */
