/* watch_test.c - counters in, worse or not out. */
#include "cli/watch.h"
#include "tests/test.h"

static struct gateway_stats page;
static struct watch watched;
static char reason[200];

/* A second in which so many saves were answered after `us`, and so many of all replies were 5xx. */
static void second(unsigned saves, unsigned errors, int64_t us)
{
    gateway_stats_add(&page.rows[0].replies[2], saves - errors);
    gateway_stats_add(&page.rows[0].replies[5], errors);
    for (unsigned i = 0; i < saves; i++)
        gateway_stats_latency(&page.rows[i % 2], P0, us);
}

/* Five seconds like this one, then the watch begins. The objective is 250 ms. */
static void before(unsigned saves, unsigned errors, int64_t us)
{
    memset(&page, 0, sizeof(page));
    watched = (struct watch){ .limits.p99_us[WATCH_save] = 250000 };
    page.rows_used = 2;
    watch_before(&watched, &page);
    for (unsigned i = 0; i < 5; i++)
        second(saves, errors, us);
    watch_before_ends(&watched, &page, 5000);
    watch_begin(&watched, &page);
}

static bool is_worse_after(unsigned saves, unsigned errors, int64_t us)
{
    static const struct watch_health well;
    second(saves, errors, us);
    return watch_is_worse(&watched, &page, &well, reason);
}

static bool is_worse_with(struct watch_health health)
{
    second(100, 0, 1000);
    return watch_is_worse(&watched, &page, &health, reason);
}

TEST(watch, a_hall_that_goes_on_as_before_is_not_worse)
{
    before(200, 0, 2000);
    for (unsigned i = 0; i < 20; i++)
        CHECK(!is_worse_after(200, 0, 2000));
    CHECK_EQ(watched.before.replies, 1000);
    CHECK_EQ(watched.after.replies, 4000);
    CHECK_EQ(watched.after.ms, 20000);
    CHECK(watched.after.p99_us[WATCH_save] >= 2000 && watched.after.p99_us[WATCH_save] < 2100);
}

TEST(watch, errors_are_seen_in_their_first_second)
{
    before(200, 0, 2000);
    CHECK(is_worse_after(200, 200, 2000));
    CHECK(strstr(reason, "errors: 200 of 200 replies in 1 s were 5xx; before, 0 of 1000"));
}

TEST(watch, a_single_error_among_many_replies_is_no_reason)
{
    before(200, 0, 2000);
    for (unsigned i = 0; i < 6; i++)
        CHECK(!is_worse_after(200, i % 3 == 0, 2000));
}

TEST(watch, errors_that_were_there_before_are_not_the_new_programs)
{
    before(200, 20, 2000);
    for (unsigned i = 0; i < 5; i++)
        CHECK(!is_worse_after(200, 30, 2000));
    CHECK(is_worse_after(200, 190, 2000));
}

TEST(watch, a_latency_over_the_objective_counts_when_it_stays_so)
{
    before(200, 0, 2000);
    CHECK(!is_worse_after(200, 0, 2000));
    CHECK(!is_worse_after(200, 0, 2000));
    CHECK(!is_worse_after(200, 0, 400000));
    CHECK(is_worse_after(200, 0, 400000));
    CHECK(strstr(reason, "latency: p99 of save is 4"));
    CHECK(strstr(reason, "over the objective of 250 ms"));
}

TEST(watch, what_waited_for_the_hall_is_answered_in_the_first_two_seconds_and_does_not_count)
{
    before(200, 0, 2000);
    CHECK(!is_worse_after(200, 0, 900000));
    CHECK(!is_worse_after(200, 0, 900000));
    for (unsigned i = 0; i < 5; i++)
        CHECK(!is_worse_after(200, 0, 2000));
}

TEST(watch, a_latency_within_the_objective_or_no_longer_than_before_is_no_reason)
{
    before(200, 0, 2000);
    for (unsigned i = 0; i < 8; i++)
        CHECK(!is_worse_after(200, 0, 200000));
    before(200, 0, 400000);
    for (unsigned i = 0; i < 8; i++)
        CHECK(!is_worse_after(200, 0, 420000));
}

TEST(watch, a_few_replies_have_no_p99)
{
    before(20, 0, 2000);
    for (unsigned i = 0; i < 8; i++)
        CHECK(!is_worse_after(20, 0, 400000));
}

TEST(watch, replies_that_cease_are_a_reason_where_there_were_some)
{
    before(200, 0, 2000);
    CHECK(!is_worse_after(0, 0, 0));
    CHECK(!is_worse_after(0, 0, 0));
    CHECK(is_worse_after(0, 0, 0));
    CHECK(strstr(reason, "silence: 0 replies in 3 s; before, 1000 in 5 s"));
    before(2, 0, 2000);
    for (unsigned i = 0; i < 8; i++)
        CHECK(!is_worse_after(0, 0, 0));
}

TEST(watch, one_death_is_bad_luck_and_two_are_a_reason)
{
    before(100, 0, 1000);
    CHECK(!is_worse_with((struct watch_health){ .deaths = 1 }));
    CHECK(is_worse_with((struct watch_health){ .deaths = 2 }));
}

TEST(watch, a_hall_that_does_not_serve_or_says_no_is_a_reason_without_any_candidate)
{
    before(0, 0, 0);
    CHECK(!is_worse_with((struct watch_health){ .down_ms = 4000, .deaf = 2 }));
    CHECK(is_worse_with((struct watch_health){ .down_ms = 5000 }));
    CHECK(is_worse_with((struct watch_health){ .deaf = 3 }));
}
