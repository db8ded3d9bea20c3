/* pace.c - see pace.h. */
#include "sys/pace.h"

#include <sched.h>
#include <sys/resource.h>
#include <time.h>

#define NICE_BEHIND 10 /* weight 110 against 1024: sched_prio_to_weight in Linux */

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

void pace_behind_hall(void)
{
    if (getpriority(PRIO_PROCESS, 0) < NICE_BEHIND)
        setpriority(PRIO_PROCESS, 0, NICE_BEHIND); /* always allowed; without it only slower */
}

void pace_on_core(unsigned number)
{
    cpu_set_t may, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof(may), &may))
        return; /* more cores than the set has room for: no fewer than threads */
    number %= (unsigned)CPU_COUNT(&may);
    for (int core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, &may) && !number--)
            CPU_SET(core, &one);
    sched_setaffinity(0, sizeof(one), &one);
}

static int64_t beat_after(const struct pace *pace, int64_t us)
{
    return (us / pace->period_us + 1) * pace->period_us;
}

int64_t pace_left_us(const struct pace *pace)
{
    if (!pace->period_us || !pace->worked)
        return 0;
    int64_t left_us = beat_after(pace, pace->began_us) - now_us();
    return left_us > pace->period_us ? 0 : MAX(left_us, 0);
}

void pace_rest(struct pace *pace)
{
    int64_t left_us = pace_left_us(pace);
    if (!left_us)
        return;
    int64_t until_us = beat_after(pace, pace->began_us);
    struct timespec until = { until_us / 1000000, until_us % 1000000 * 1000 };
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

int64_t pace_timeout_us(const struct pace *pace, int64_t timeout_us)
{
    if (!pace->period_us || timeout_us <= 0)
        return timeout_us;
    int64_t now = now_us();
    return beat_after(pace, now + timeout_us - 1) - now;
}

void pace_begin(struct pace *pace, bool worked)
{
    if (!pace->period_us)
        return;
    pace->worked = worked;
    pace->began_us = now_us();
}
