/* delivery_core_test.c - what an attempt's state is, as a function of the directory and the time.
 */
#include "svc/delivery/delivery_api.h"
#include "tests/test.h"

/* Pages fetch the receipt as soon as they read "submitted", so that word must not come earlier than
 * the receipt: in the seconds of grace after the end there is none. */
TEST(delivery, an_attempt_out_of_time_runs_until_it_is_submitted)
{
    struct exam exam = { .state = EXAM_OPEN };
    struct candidate candidate = { .attempt = { .started_at = 1000, .ends_at = 5000 } };
    struct directory directory = { .exams = &exam, .candidates = &candidate };
    CHECK_EQ(attempt_state(&directory, 0, 5000), ATTEMPT_RUNNING);
    CHECK_EQ(attempt_state(&directory, 0, 6000), ATTEMPT_RUNNING);
    exam.state = EXAM_CLOSED_STATE;
    CHECK_EQ(attempt_state(&directory, 0, 6000), ATTEMPT_RUNNING);
    candidate.attempt.submitted_at = 10001;
    CHECK_EQ(attempt_state(&directory, 0, 10001), ATTEMPT_OVER);
    exam.state = EXAM_PUBLISHED;
    CHECK_EQ(attempt_state(&directory, 0, 10001), ATTEMPT_RESULT);
}

TEST(delivery, who_never_started_waits_may_start_or_has_missed_it)
{
    struct shift shift = { .starts = 3000 };
    struct exam exam = { .state = EXAM_DRAFT, .shifts = &shift, .shift_count = 1 };
    struct candidate candidate = { 0 };
    struct directory directory = { .exams = &exam, .candidates = &candidate };
    CHECK_EQ(attempt_state(&directory, 0, 4000), ATTEMPT_WAITING);
    exam.state = EXAM_OPEN;
    CHECK_EQ(attempt_state(&directory, 0, 2999), ATTEMPT_WAITING);
    CHECK_EQ(attempt_state(&directory, 0, 3000), ATTEMPT_READY);
    exam.state = EXAM_CLOSED_STATE;
    CHECK_EQ(attempt_state(&directory, 0, 3000), ATTEMPT_MISSED);
}
