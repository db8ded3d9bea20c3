/* log_check.h - checks behind the opening what it left out.
 *
 * A log that is opened with a place to begin its replay (a checkpoint has what is before) is walked
 * from the segment of that place on: how long a hall takes to serve must not grow with its log. The
 * batches before are checked here, by a thread of its own that goes last, or at once where there
 * are no threads. What is damaged there is said once (log.damaged, and in log_stats): nobody needs
 * those bytes now, and no hall stops for them in mid-exam; one that must replay them refuses to
 * open. */
#pragma once

#include "store/log_segments.h"

#include <pthread.h>
#include <stdatomic.h>

struct log_check {
    struct segments *segments;
    struct place end; /* where the opening began: a segment's first batch */
    pthread_t thread;
    bool running, patient;
    _Atomic bool stop, damaged;
    _Atomic uint64_t left; /* records to be checked */
};

/* Every byte before `end`, in this thread. FAIL_CORRUPT: something is damaged there. */
fail log_check_now(struct segments *segments, struct place end, struct why *why) MUST_USE;
/* The same in a thread; borrows segments until log_check_stop. Waits for descriptors. */
void log_check_start(struct log_check *check, struct segments *segments, struct place end);
void log_check_stop(struct log_check *check); /* fine when it was not started */
