/* agent.h - one thread full of virtual candidates. */
#pragma once

#include "rehearsal/agent_io.h"
#include "rehearsal/credentials.h"
#include "rehearsal/virtual.h"

struct agent_opts {
    const struct plan *plan;
    const struct io_target *target;
    str ca;                               /* PEM, or empty */
    const struct credential *credentials; /* of ours */
    uint32_t first, count;                /* which of the run's candidates are ours */
    struct board *board;
    const struct orders *orders;
    uint32_t rest_us; /* between two rounds, sys/pace.h */
};

/* Runs until orders.phase is PHASE_STOP; returns 0, or 3 when it could not start: then the board's
 * examples say why. */
int agent_run(const struct agent_opts *opts);
int64_t agent_clock_us(void); /* the monotonic clock all processes of a rehearsal share */
