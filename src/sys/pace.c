/* pace.c - see pace.h. */
#include "sys/pace.h"

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

void pace_rest(struct pace *pace)
{
    if (!pace->period_us || !pace->worked)
        return;
    int64_t left_us = pace->began_us + pace->period_us - now_us();
    if (left_us <= 0)
        return;
    struct timespec rest = { 0, MIN(left_us, (int64_t)pace->period_us) * 1000 };
    clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, NULL);
}

void pace_begin(struct pace *pace, bool worked)
{
    if (!pace->period_us)
        return;
    pace->worked = worked;
    pace->began_us = now_us();
}
