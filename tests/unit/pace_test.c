/* pace_test.c - a loop rests only where that gathers work. */
#include "sys/pace.h"
#include "tests/test.h"

#include <time.h>

static int64_t rest_us(struct pace *pace)
{
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    pace_rest(pace);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (end.tv_sec - begin.tv_sec) * 1000000 + (end.tv_nsec - begin.tv_nsec) / 1000;
}

TEST(pace, a_loop_with_work_rests_until_its_period_is_over)
{
    struct pace pace = { .period_us = 20000 };
    pace_begin(&pace, true);
    int64_t rested_us = rest_us(&pace);
    CHECK(rested_us >= 10000); /* it may take longer on a busy machine, never much less */
}

TEST(pace, an_idle_loop_does_not_rest)
{
    struct pace pace = { .period_us = 3600u * 1000 * 1000 };
    pace_begin(&pace, false);
    pace_rest(&pace); /* an hour, otherwise: the test would not end */
    CHECK(!pace.worked);
}

TEST(pace, a_loop_without_a_period_never_rests)
{
    struct pace pace = { .worked = true, .began_us = INT64_MAX / 2 };
    pace_rest(&pace);
    CHECK(pace.period_us == 0);
}

TEST(pace, a_clock_that_was_behind_costs_at_most_one_period)
{
    struct pace pace = { .period_us = 1000, .worked = true, .began_us = INT64_MAX / 4 };
    pace_rest(&pace); /* ages, otherwise */
    CHECK(pace.began_us == INT64_MAX / 4);
}
