/* usage.h - what the processes of a rehearsal and its machine used, read from /proc by number.
 *
 * Only what runs on this machine is known: of a hall elsewhere the rows stay empty (count 0), and
 * the report says so. One sample reads some thirty small files, 0.1 ms with 25 agents; it is taken
 * once a second. CPU comes in ticks of 10 ms, so a single second is coarse and a minute is not.
 * Parsers take the text of a /proc file and are total: they say false for anything they do not
 * know. */
#pragma once

#include "base/str.h"
#include <sys/types.h>

enum usage_role {
    USAGE_HALL,
    USAGE_GATEWAY,
    USAGE_SUPERVISOR,
    USAGE_AGENTS,
    USAGE_COORDINATOR,
    USAGE_ROLES
};
extern const char *const usage_names[USAGE_ROLES];

struct usage_part {           /* the processes of one role */
    uint32_t count, threads;  /* how many there are now; 0: not known */
    int64_t cpu_us;           /* used within the interval */
    uint64_t resident_bytes;  /* shared pages count once in each process */
    uint64_t anonymous_bytes; /* its own memory; not read of agents (0) */
};

struct usage_sample {
    struct usage_part part[USAGE_ROLES];
    int64_t cpu_us, idle_us, steal_us; /* of all cores, within the interval */
    uint64_t tcp_bytes;                /* of socket buffers, by the kernel's own count */
    uint64_t kernel_bytes;             /* slab, page tables, stacks: sockets live there */
    uint64_t available_bytes;
    uint64_t written_bytes; /* by the hall to its disk, within the interval */
};

/* --- /proc as text ------------------------------------------------------------------------------
 */

struct proc_stat { /* /proc/PID/stat */
    uint64_t ticks, started, threads, resident_pages;
};
bool usage_read_stat(str text, struct proc_stat *stat);
/* The number behind "Name:" at the start of a line, as in status, io and meminfo. */
bool usage_read_field(str text, const char *name, uint64_t *value);
/* The first line of /proc/stat, in ticks. */
bool usage_read_cpu(str text, uint64_t *all, uint64_t *idle, uint64_t *steal);
bool usage_read_sockstat(str text, uint64_t *tcp_pages);

/* --- a run --------------------------------------------------------------------------------------
 */

enum { USAGE_PROCESSES_MAX = 96 };

struct usage_process {
    enum usage_role role;
    pid_t pid;
    uint64_t started, ticks, switches, written;
    bool seen;
};

struct usage {
    char hall_dir[400]; /* "": no hall of our own */
    pid_t supervisor, agents[USAGE_PROCESSES_MAX];
    unsigned agent_count;
    struct usage_process processes[USAGE_PROCESSES_MAX];
    unsigned process_count, samples;
    uint64_t cpu, idle, steal; /* as last read */
    uint64_t switches[USAGE_ROLES];
    uint64_t kernel_bytes_before, tcp_bytes_before;
};

/* `hall_dir`: of a hall on this machine, whose run/NAME.pid files name its processes; or NULL. Both
 * are copied. The first sample is taken here and thrown away. */
void usage_begin(struct usage *usage, const char *hall_dir, pid_t supervisor, const pid_t *agents,
                 unsigned agent_count);
void usage_take(struct usage *usage, struct usage_sample *sample);
