/* gateway_window.c - see gateway_window.h. */
#include "net/gateway_window.h"

void gateway_window_tick(struct gateway_window *window, const struct gateway_stats *stats,
                         enum gateway_class class, instant now)
{
    if (window->taken && now - window->taken_at < GATEWAY_WINDOW_PART_MS)
        return;
    gateway_stats_slots(stats, class, window->slots[window->taken % GATEWAY_WINDOW_PARTS]);
    window->taken++;
    window->taken_at = now;
}

int64_t gateway_window_quantile_us(const struct gateway_window *window,
                                   const struct gateway_stats *stats, enum gateway_class class,
                                   unsigned per_mille)
{
    uint64_t slots[GATEWAY_HIST_SLOTS];
    if (!window->taken)
        return 0;
    unsigned oldest = window->taken < GATEWAY_WINDOW_PARTS ? 0 : window->taken;
    gateway_stats_slots(stats, class, slots);
    for (unsigned i = 0; i < GATEWAY_HIST_SLOTS; i++)
        slots[i] -= window->slots[oldest % GATEWAY_WINDOW_PARTS][i];
    return gateway_slots_quantile_us(slots, per_mille);
}
