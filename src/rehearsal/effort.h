/* effort.h - what the agents of one machine and the machine itself spent, and whether it sufficed.
 *
 * An agent that had no idle moment in a whole second, because it worked or stood in the queue for a
 * core, was behind its schedule: it was out of CPU, however many cores its machine has. The kernel
 * keeps both times for each thread (/proc/PID/task/TID/schedstat); their sum is what the agent
 * asked for. All numbers only grow, so they can be sent as they are and subtracted by who wants a
 * rate. */
#pragma once

#include "base/str.h"
#include <sys/types.h>

struct effort {
    uint32_t cores;          /* of the machine */
    uint32_t agents, died;   /* threads of one process; those that ended early */
    uint32_t sources, ports; /* source addresses; connections each has room for, 0: enough */
    int64_t agents_us;       /* CPU time of the agents */
    int64_t all_us, idle_us; /* time of all cores of the machine, and what nobody used of it */
    int64_t steal_us;        /* what the hypervisor took away */
    int64_t stall_us;        /* the longest time in which an agent host did not run at all */
    uint64_t seconds;        /* agent-seconds looked at; 0: this kernel does not tell */
    uint64_t starved;        /* those in which the agent had no idle moment */
    uint64_t resident_bytes; /* of the agents, now */
};

enum { EFFORT_AGENTS_MAX = 64, EFFORT_STARVED_PERCENT = 95, EFFORT_LOOK_US = 1000000 };

struct effort_meter { /* as it was when last looked at */
    int64_t looked_us;
    uint64_t cpu, idle, steal, ticks;
    struct {
        uint64_t asked_ns;
        bool known;
    } agents[EFFORT_AGENTS_MAX];
};

/* "RUN WAIT SLICES", all in nanoseconds but the last; false for anything else. */
bool effort_read_schedstat(str text, uint64_t *asked_ns);
/* Takes what was spent since the last look; the first look only remembers. Agents are threads of
 * the process `pid`, which is 0 once it has ended; a thread that is 0 has not begun. `now_us` is
 * monotonic. */
void effort_look(struct effort *effort, struct effort_meter *meter, pid_t pid,
                 const _Atomic pid_t *threads, unsigned count, int64_t now_us);
bool effort_due(const struct effort_meter *meter, int64_t now_us);
