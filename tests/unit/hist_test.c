/* hist_test.c - the histogram against the sorted values themselves. */
#include "base/hist.h"
#include "tests/test.h"
#include <stdlib.h>

enum { VALUES = 20000 };

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* SplitMix64 of its own, so that this test needs nothing that is not base. Magnitudes are spread
 * evenly over the octaves from 1 us to about an hour. */
static int64_t any_us(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    int64_t us = (int64_t)((z >> 8) & ((2ull << (z % 32)) - 1));
    return MIN(us, HIST_US_MAX);
}

TEST(hist, quantiles_are_never_below_the_true_value_and_at_most_a_64th_above)
{
    static int64_t values[VALUES];
    static struct hist hist;
    uint64_t state = test_seed();
    hist = (struct hist){ 0 };
    int64_t sum = 0;
    for (int i = 0; i < VALUES; i++) {
        values[i] = any_us(&state);
        sum += values[i];
        hist_record(&hist, values[i]);
    }
    qsort(values, VALUES, sizeof(values[0]), by_value);
    for (unsigned per_mille = 0; per_mille <= 1000; per_mille++) {
        size_t rank = ((size_t)VALUES * per_mille + 999) / 1000;
        int64_t exact = values[rank ? rank - 1 : 0];
        int64_t got = hist_quantile(&hist, per_mille);
        CHECK(got >= exact);
        CHECK(got <= exact + exact / HIST_PART);
        if (exact < 128)
            CHECK_EQ(got, exact);
    }
    CHECK_EQ(hist.count, VALUES);
    CHECK_EQ(hist.min_us, values[0]);
    CHECK_EQ(hist.max_us, values[VALUES - 1]);
    CHECK_EQ(hist_quantile(&hist, 1000), values[VALUES - 1]);
    CHECK_EQ(hist_mean(&hist), sum / VALUES);
}

TEST(hist, the_merge_of_parts_equals_the_whole)
{
    static struct hist whole, merged, parts[7];
    whole = merged = (struct hist){ 0 };
    memset(parts, 0, sizeof(parts));
    uint64_t state = test_seed() + 1;
    for (int i = 0; i < VALUES; i++) {
        int64_t us = any_us(&state);
        hist_record(&whole, us);
        hist_record(&parts[(state >> 13) % 6], us); /* the seventh stays empty */
    }
    for (size_t i = 0; i < COUNT(parts); i++)
        hist_merge(&merged, &parts[i]);
    CHECK(memcmp(&merged, &whole, sizeof(whole)) == 0);
}

TEST(hist, the_edges_of_the_range_are_kept)
{
    static struct hist hist;
    hist = (struct hist){ 0 };
    CHECK_EQ(hist_quantile(&hist, 500), 0);
    CHECK_EQ(hist_mean(&hist), 0);
    hist_record(&hist, -5);
    CHECK_EQ(hist.max_us, 0);
    hist_record(&hist, 127);
    hist_record(&hist, 128);
    hist_record(&hist, 2 * HIST_US_MAX);
    CHECK_EQ(hist.min_us, 0);
    CHECK_EQ(hist_quantile(&hist, 500), 127);
    CHECK_EQ(hist_quantile(&hist, 750), 129); /* 128 and 129 share the first slot of two */
    CHECK_EQ(hist.max_us, 2 * HIST_US_MAX);
    CHECK(hist_quantile(&hist, 1000) >= HIST_US_MAX);
}

TEST(hist, the_difference_of_two_states_is_what_came_between)
{
    static struct hist now, then, alone, since;
    uint64_t state = test_seed() + 2;
    now = alone = (struct hist){ 0 };
    for (int i = 0; i < VALUES; i++)
        hist_record(&now, any_us(&state));
    then = now;
    hist_since(&since, &now, &then);
    CHECK_EQ(since.count, 0);
    CHECK_EQ(since.max_us, 0);
    for (int i = 0; i < VALUES; i++) {
        int64_t us = any_us(&state) / 1000;
        hist_record(&now, us);
        hist_record(&alone, us);
    }
    hist_since(&since, &now, &then);
    CHECK_EQ(since.count, VALUES);
    CHECK_EQ(since.sum_us, alone.sum_us);
    CHECK(memcmp(since.slots, alone.slots, sizeof(alone.slots)) == 0);
    CHECK(since.max_us >= alone.max_us);
    CHECK(since.max_us <= alone.max_us + alone.max_us / HIST_PART);
    for (unsigned per_mille = 0; per_mille < 1000; per_mille += 7)
        CHECK_EQ(hist_quantile(&since, per_mille), hist_quantile(&alone, per_mille));
}

TEST(hist, a_merge_counts_what_is_in_the_slots_when_its_source_is_being_written)
{
    static struct hist merged, half_written;
    merged = half_written = (struct hist){ 0 };
    hist_record(&half_written, 5);
    half_written.count++; /* as seen between two writes of hist_record in another process */
    hist_merge(&merged, &half_written);
    CHECK_EQ(merged.count, 1);
    CHECK_EQ(hist_quantile(&merged, 1000), 5);
}

TEST(hist, what_is_below_a_bound_is_counted)
{
    static struct hist hist;
    for (int us = 0; us < 1000; us++)
        hist_record(&hist, us);
    CHECK_EQ(hist_below(&hist, 0), 0);
    CHECK_EQ(hist_below(&hist, 100), 100);
    CHECK_EQ(hist_below(&hist, 512), 512); /* where an octave begins */
    CHECK_EQ(hist_below(&hist, INT64_MAX), 1000);
}
