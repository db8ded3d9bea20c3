/* clock_offset.h - how far another machine's monotonic clock is ahead of ours.
 *
 * A question leaves at `sent`, is stamped `theirs` there, and its answer comes at `came`. Wherever
 * between the two the stamp was made, "in the middle" is wrong by at most half the round trip. So
 * the quickest round trip knows best; but clocks drift apart, so an old one loses a little of its
 * worth with each second. Microseconds. */
#pragma once

#include "base/base.h"

enum {
    CLOCK_DRIFT_PPM = 100
}; /* of two undisciplined crystals; NTP slews at most 500 for a while */

struct clock_offset {
    bool known;
    int64_t ahead_us; /* theirs minus ours */
    int64_t error_us; /* at most, when it was learnt */
    int64_t learnt_us;
};

void clock_offset_learn(struct clock_offset *offset, int64_t sent_us, int64_t theirs_us,
                        int64_t came_us);
int64_t clock_offset_error(const struct clock_offset *offset, int64_t now_us);
/* Instants; 0 (not set) and INT64_MAX (never) stay what they are. */
int64_t clock_to_theirs(const struct clock_offset *offset, int64_t ours_us);
int64_t clock_to_ours(const struct clock_offset *offset, int64_t theirs_us);
