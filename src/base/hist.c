/* hist.c - see hist.h.
 *
 * The slot of a value is its highest seven bits plus 64 for each bit cut off below them. For values
 * under 128 nothing is cut off; from there on each slot of an octave is twice as wide as one of the
 * octave below. */
#include "base/hist.h"

static unsigned slot_shift(int64_t us)
{
    return us < 2 * HIST_PART ? 0 : 57 - (unsigned)__builtin_clzll((unsigned long long)us);
}

static unsigned slot_of(int64_t us)
{
    unsigned shift = slot_shift(us);
    return shift * HIST_PART + (unsigned)(us >> shift);
}

static int64_t slot_highest(unsigned slot)
{
    unsigned shift = slot < 2 * HIST_PART ? 0 : slot / HIST_PART - 1;
    return ((int64_t)(slot - shift * HIST_PART + 1) << shift) - 1;
}

void hist_record(struct hist *hist, int64_t us)
{
    us = MAX(us, 0);
    hist->min_us = hist->count ? MIN(hist->min_us, us) : us;
    hist->max_us = MAX(hist->max_us, us);
    hist->sum_us += us;
    hist->count++;
    unsigned slot = slot_of(MIN(us, HIST_US_MAX));
    must(slot < HIST_SLOTS);
    hist->slots[slot]++;
}

void hist_merge(struct hist *into, const struct hist *from)
{
    if (!from->count)
        return;
    into->min_us = into->count ? MIN(into->min_us, from->min_us) : from->min_us;
    into->max_us = MAX(into->max_us, from->max_us);
    into->sum_us += from->sum_us;
    for (unsigned i = 0; i < HIST_SLOTS; i++) {
        /* Read once, and counted from here: `from` may be written by its agent meanwhile. */
        uint64_t n = *(const volatile uint64_t *)&from->slots[i];
        into->slots[i] += n;
        into->count += n;
    }
}

void hist_since(struct hist *into, const struct hist *now, const struct hist *then)
{
    *into = (struct hist){ .sum_us = MAX(now->sum_us - then->sum_us, 0) };
    for (unsigned i = 0; i < HIST_SLOTS; i++) {
        if (now->slots[i] <= then->slots[i])
            continue;
        into->slots[i] = now->slots[i] - then->slots[i];
        into->count += into->slots[i];
        into->max_us = MIN(slot_highest(i), now->max_us);
    }
}

int64_t hist_quantile(const struct hist *hist, unsigned per_mille)
{
    must(per_mille <= 1000);
    if (!hist->count)
        return 0;
    uint64_t rank = MAX((hist->count * per_mille + 999) / 1000, 1), seen = 0;
    for (unsigned i = 0; i < HIST_SLOTS; i++) {
        seen += hist->slots[i];
        if (seen >= rank)
            return MIN(slot_highest(i), hist->max_us);
    }
    never("fewer values in the slots than were counted");
}

uint64_t hist_below(const struct hist *hist, int64_t us)
{
    uint64_t count = 0;
    for (unsigned slot = 0; slot < HIST_SLOTS && slot_highest(slot) < us; slot++)
        count += hist->slots[slot];
    return count;
}

int64_t hist_mean(const struct hist *hist)
{
    return hist->count ? hist->sum_us / (int64_t)hist->count : 0;
}
