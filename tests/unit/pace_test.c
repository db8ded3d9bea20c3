/* pace_test.c - a loop rests only where that gathers work. */
#include "sys/limits.h"
#include "sys/pace.h"
#include "tests/test.h"

#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

TEST(pace, a_loop_with_work_rests_until_the_next_beat)
{
    struct pace pace = { .period_us = 20000 };
    pace_begin(&pace, true);
    pace_rest(&pace);
    CHECK(now_us() / 20000 > pace.began_us / 20000);
}

TEST(pace, a_round_longer_than_its_period_is_followed_by_no_rest)
{
    struct pace pace = { .period_us = 1000 * 1000 };
    pace_begin(&pace, true);
    pace.began_us -= pace.period_us;
    CHECK_EQ(pace_left_us(&pace), 0);
    pace_rest(&pace);
}

TEST(pace, a_timeout_ends_on_a_beat_and_never_early)
{
    struct pace pace = { .period_us = 1000000 };
    for (int64_t timeout_us = 1; timeout_us < 3000000; timeout_us += 400000) {
        int64_t before = now_us(), longer_us = pace_timeout_us(&pace, timeout_us);
        int64_t end = (before + longer_us) % 1000000;
        CHECK(longer_us >= timeout_us && longer_us <= timeout_us + 1000000);
        CHECK(end <= 0 || end > 900000); /* a beat, but for the time until the function looked */
    }
    CHECK_EQ(pace_timeout_us(&pace, 0), 0);
    CHECK_EQ(pace_timeout_us(&(struct pace){ 0 }, 12345), 12345);
}

/* In a child: the test's own thread stays where it was. */
static int core_of(unsigned number)
{
    int status = 0;
    pid_t pid = fork();
    if (!pid) {
        cpu_set_t mine;
        pace_on_core(number);
        int got = sched_getaffinity(0, sizeof(mine), &mine);
        _exit(got || CPU_COUNT(&mine) != 1 ? 255 : sched_getcpu());
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}

TEST(pace, threads_in_turn_get_the_cores_in_turn)
{
    cpu_set_t may;
    CHECK_EQ(sched_getaffinity(0, sizeof(may), &may), 0);
    unsigned cores = (unsigned)CPU_COUNT(&may);
    for (unsigned i = 0; i < cores; i++) {
        int core = core_of(i);
        CHECK(core < 255 && CPU_ISSET(core, &may));
        CHECK_EQ(core_of(i + cores), core);
        CHECK(cores == 1 || core_of(i + 1) != core);
    }
}

/* What a narrow cpuset leaves is what there is: who counts others too takes threads for fewer than
 * cores, and leaves them where Linux gathers them. */
TEST(pace, only_cores_that_may_be_used_count)
{
    int status = 0;
    pid_t pid = fork();
    if (!pid) {
        pace_on_core(0);
        _exit((int)limits_cores());
    }
    waitpid(pid, &status, 0);
    CHECK_EQ(WEXITSTATUS(status), 1);
    cpu_set_t may;
    CHECK_EQ(sched_getaffinity(0, sizeof(may), &may), 0);
    CHECK_EQ(limits_cores(), CPU_COUNT(&may));
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
