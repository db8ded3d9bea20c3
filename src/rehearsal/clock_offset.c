/* clock_offset.c - see clock_offset.h. */
#include "rehearsal/clock_offset.h"

int64_t clock_offset_error(const struct clock_offset *offset, int64_t now_us)
{
    int64_t age_us = MAX(now_us - offset->learnt_us, 0);
    return offset->error_us + (age_us * CLOCK_DRIFT_PPM + 999999) / 1000000;
}

void clock_offset_learn(struct clock_offset *offset, int64_t sent_us, int64_t theirs_us,
                        int64_t came_us)
{
    int64_t error_us = (came_us - sent_us + 1) / 2;
    if (error_us < 0 || (offset->known && error_us > clock_offset_error(offset, came_us)))
        return;
    *offset = (struct clock_offset){ .known = true,
                                     .ahead_us = theirs_us - (sent_us + came_us) / 2,
                                     .error_us = error_us,
                                     .learnt_us = came_us };
}

int64_t clock_to_theirs(const struct clock_offset *offset, int64_t ours_us)
{
    return !ours_us || ours_us == INT64_MAX ? ours_us : ours_us + offset->ahead_us;
}

int64_t clock_to_ours(const struct clock_offset *offset, int64_t theirs_us)
{
    return !theirs_us || theirs_us == INT64_MAX ? theirs_us : theirs_us - offset->ahead_us;
}
