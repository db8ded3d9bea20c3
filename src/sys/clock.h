/* clock.h - the only way anything learns what time it is.
 *
 * `now` is exam time: wall-clock milliseconds that never jump. The real clock takes the wall once,
 * at the hall's first start after boot, and from then on counts the monotonic clock; a step of the
 * wall in mid-exam changes nobody's time. The simulated clock moves when the test says so. */
#pragma once

#include "base/fail.h"

struct clock {
    instant (*now)(struct clock *clock);
    int64_t (*mono_us)(struct clock *clock); /* for latencies and timers; no relation to now */
};

struct clock_real {
    struct clock clock;
    int64_t anchor_ms; /* exam time minus boot time */
};

/* `anchor_path`: a file that keeps the anchor across restarts until the next boot; NULL for none.
 * `not_before`: exam time never starts earlier than this (the log's last instant). */
fail clock_real_init(struct clock_real *real, const char *anchor_path, instant not_before,
                     struct why *why) MUST_USE;

struct clock_sim {
    struct clock clock;
    int64_t now_us;
};
void clock_sim_init(struct clock_sim *sim, instant start);
void clock_sim_advance(struct clock_sim *sim, int64_t ms);

static inline instant clock_now(struct clock *clock)
{
    return clock->now(clock);
}
static inline int64_t clock_mono_us(struct clock *clock)
{
    return clock->mono_us(clock);
}
