/* gateway_window.h - the latencies of the last minute, out of counts that only grow.
 *
 * Keeps what one class of the gateway's histogram was every ten seconds; the difference to the
 * oldest of these is the last minute. Whoever asks pays for nothing but one look at the counts. */
#pragma once

#include "net/gateway_stats.h"

enum { GATEWAY_WINDOW_PARTS = 6, GATEWAY_WINDOW_PART_MS = 10000 };

struct gateway_window { /* all zeros: of a hall that just started */
    instant taken_at;
    unsigned taken; /* how often */
    uint64_t slots[GATEWAY_WINDOW_PARTS][GATEWAY_HIST_SLOTS];
};

/* To be called every second or so. */
void gateway_window_tick(struct gateway_window *window, const struct gateway_stats *stats,
                         enum gateway_class class, instant now);
/* Below it are per_mille thousandths of what was answered in the last 50 to 60 seconds, or since
 * the first tick; 0 when there was nothing. */
int64_t gateway_window_quantile_us(const struct gateway_window *window,
                                   const struct gateway_stats *stats, enum gateway_class class,
                                   unsigned per_mille);
