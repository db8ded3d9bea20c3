/* gang.h - the agents of one machine: starts them, passes orders on, adds up what they did.
 *
 * They are threads of one process, one for each core, or without rings (net/net_ring.h) one for
 * each descriptor table that is needed: as processes of their own they would cost the processor its
 * page tables at each turn.
 *
 * The coordinator has one when it runs candidates itself; an agent host (agent_host.h) has one for
 * the slice that its coordinator gave it. The process that starts a gang must have one thread. */
#pragma once

#include "rehearsal/agent.h"
#include "rehearsal/effort.h"

struct gang_opts {
    const struct plan *plan;
    const struct io_target *target;
    str ca;                               /* PEM, or empty */
    const struct credential *credentials; /* of its own candidates */
    uint32_t first, count;                /* which of the run's they are */
    int close_fd;                         /* not for agents; -1: none */
};

struct gang {
    struct gang_shared *shared;
    size_t shared_bytes;
    unsigned agents;
    pid_t pid; /* of all agents; 0: has ended */
    struct effort effort;
    struct effort_meter meter;
};

/* Keeps what opts points to. After a failure gang_stop is still needed. */
fail gang_start(struct gang *gang, const struct gang_opts *opts, struct why *why) MUST_USE;
/* Who ended early is counted, and once a second what was spent is looked at: call it often. */
void gang_watch(struct gang *gang, int64_t now_us);
/* Makes `total` the sum of all agents; without `all` only its counters. */
void gang_sum(const struct gang *gang, struct board *total, bool all);
/* The first answer to a save sent after the last fault; 0: none yet. */
int64_t gang_recovered_us(const struct gang *gang);
/* Copies to where the agents look; safe at any time, also without agents. */
void gang_order(struct gang *gang, int phase, int64_t killed_us, int64_t calm_us);
/* Orders PHASE_STOP, waits until all have ended and makes `total` the sum of all; forgets them. */
void gang_stop(struct gang *gang, struct board *total);
