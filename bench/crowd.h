/* crowd.h - many keep-alive connections that send saves at a rate of their own, or as fast as they
 * can.
 *
 * The network half of the rehearsal (rehearsal/agent_io.h, base/hist.h) without its candidates:
 * every connection sends the same kind of request, so it can be pointed at any server. As many
 * threads as descriptor tables are needed, each with a table of its own.
 *
 * With a rate the model is open: every connection has a timetable, which goes on whatever the
 * server does, and a latency counts from the instant that was meant. What fell due while an earlier
 * request of the same connection was out is sent right after it, and counts from its own instant
 * too. */
#pragma once

#include "base/fail.h"
#include "base/hist.h"
#include "rehearsal/agent_io.h"
#include "rehearsal/credentials.h"

struct crowd_opts {
    const struct io_target *target; /* kept */
    unsigned connections;
    unsigned threads;             /* 0: one for each descriptor table */
    const struct credential *who; /* kept; one for each connection. NULL: nobody is asked who */
    int core;                     /* pinned to it; -1: not pinned */
};

struct crowd_result {
    uint64_t replies, refused; /* refused: any status but 200 */
    uint64_t unanswered;       /* 5 s after the end */
    uint64_t lost;             /* connections the server closed, since crowd_open */
    double seconds, cpu_us;    /* cpu_us: of the crowd's own threads */
    struct hist latency;       /* us from the intended instant to the reply */
    struct hist own_lateness;  /* of it before the request was sent, where nothing was owed */
    char sample[512];          /* a refusal's text */
};

struct crowd;

/* Connects all, signs them in and starts their attempts when there are credentials; else each sends
 * one save. FAIL_WORLD when a connection was refused or lost meanwhile. */
fail crowd_open(struct crowd **crowd, const struct crowd_opts *opts, struct why *why) MUST_USE;

/* `rate` saves a second by all together, spread evenly; 0: each sends when it has its reply. Goes
 * on where the run before left off, so that runs of a rate cover all connections in turn. */
void crowd_run(struct crowd *crowd, double rate, unsigned ms, struct crowd_result *result);

void crowd_close(struct crowd *crowd);
