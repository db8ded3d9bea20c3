/* series_test.c - what a rehearsal keeps over time, against what was recorded in each second. */
#include "rehearsal/series.h"
#include "tests/test.h"

#define SECOND 1000000LL

static struct series series;
static struct board total;

static void begin(void)
{
    memset(&total, 0, sizeof(total));
    series_begin(&series, 5 * SECOND);
}

TEST(series, a_point_holds_what_came_since_the_last_one)
{
    begin();
    CHECK(!series_due(&series, 6 * SECOND - 1));
    CHECK(series_due(&series, 6 * SECOND));
    total.connected = 7;
    total.saves_acknowledged = 100;
    for (int i = 1; i <= 100; i++)
        hist_record(&total.latency[ASK_SAVE], i);
    series_take(&series, 6 * SECOND, &total, NULL);
    CHECK(!series_due(&series, 6 * SECOND));
    total.connected = 3;
    total.saves_acknowledged = 110;
    total.requests_failed = 2;
    for (int i = 0; i < 10; i++)
        hist_record(&total.latency[ASK_SAVE], 1000);
    series_take(&series, 7 * SECOND, &total, NULL);
    CHECK_EQ(series.count, 2);
    const struct point *first = &series.points[0], *second = &series.points[1];
    CHECK_EQ(first->to_us, SECOND);
    CHECK_EQ(first->saves, 100);
    CHECK_EQ(first->ask[ASK_SAVE].p50_us, 50);
    CHECK_EQ(first->ask[ASK_SAVE].p99_us, 99);
    CHECK_EQ(first->ask[ASK_SAVE].max_us, 100);
    CHECK_EQ(second->from_us, SECOND);
    CHECK_EQ(second->connected, 3);
    CHECK_EQ(second->saves, 10);
    CHECK_EQ(second->failed, 2);
    CHECK_EQ(second->ask[ASK_SAVE].count, 10);
    CHECK(second->ask[ASK_SAVE].p50_us >= 1000);
    CHECK(second->ask[ASK_SAVE].p50_us <= 1000 + 1000 / HIST_PART);
    CHECK_EQ(second->ask[ASK_START].count, 0);
}

TEST(series, hours_fit_and_nothing_is_counted_twice_or_lost)
{
    enum { SECONDS = 3 * SERIES_POINTS_MAX + 5 };
    int64_t now = 5 * SECOND, end = now + SECONDS * SECOND;
    uint64_t saves = 0, sent = 0;
    int64_t cpu = 0, slowest = 0;
    begin();
    while (now < end) {
        now += SECOND;
        total.saves_acknowledged += 3;
        sent += 3;
        hist_record(&total.latency[ASK_SAVE], now == 900 * SECOND ? 77777 : 10);
        struct usage_sample used = { .cpu_us = 4, .tcp_bytes = (uint64_t)now };
        if (series_due(&series, now))
            series_take(&series, now, &total, &used);
    }
    for (unsigned i = 0; i < series.count; i++) {
        const struct point *point = &series.points[i];
        saves += point->saves;
        cpu += point->usage.cpu_us;
        slowest = MAX(slowest, point->ask[ASK_SAVE].max_us);
        CHECK_EQ(point->from_us, i ? point[-1].to_us : 0);
        CHECK(point->to_us > point->from_us);
        CHECK_EQ(point->usage.tcp_bytes, (uint64_t)(point->to_us + 5 * SECOND));
    }
    CHECK(series.count <= SERIES_POINTS_MAX);
    CHECK(series.count > SERIES_POINTS_MAX / 4);
    CHECK_EQ(series.step_us, 4 * SECOND);
    CHECK(sent - saves < 3 * 4); /* the last step is not over */
    CHECK(slowest >= 77777);
    CHECK(cpu > 0);
}

TEST(series, a_moment_is_found_again)
{
    begin();
    CHECK_EQ(series_at(&series, 5 * SECOND), 0);
    for (int i = 1; i <= 4; i++)
        series_take(&series, (5 + i) * SECOND, &total, NULL);
    CHECK_EQ(series_at(&series, 5 * SECOND), 0);
    CHECK_EQ(series_at(&series, 7 * SECOND + 1), 2);
    CHECK_EQ(series_at(&series, 60 * SECOND), 4);
    series_mark(&series, 6 * SECOND, "exam opens");
    CHECK_EQ(series.marks[0].at_us, SECOND);
    for (int i = 0; i < 100; i++)
        series_mark(&series, 6 * SECOND, "a mark with more words than there is room for in one");
    CHECK_EQ(series.mark_count, SERIES_MARKS_MAX);
}
