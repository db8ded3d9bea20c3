/* procs.h - what the kernel knows of other processes and of itself, for the benchmarks. */
#pragma once

#include "base/base.h"

/* CPU time so far, of every thread of the process and of all processes below it. */
double procs_tree_us(unsigned pid);
double procs_own_us(unsigned pid); /* of the process alone */

/* Of the supervisor's children the one that runs `examhall COMMAND`; 0 when there is none. */
unsigned procs_child(unsigned supervisor, const char *command);

double procs_private_bytes(unsigned pid);

/* What the machine holds for sockets: slab, and what TCP has queued. */
struct procs_kernel {
    double slab_bytes, tcp_bytes;
};
struct procs_kernel procs_kernel(void);
