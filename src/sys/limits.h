/* limits.h - what this machine gives a process. */
#pragma once

/* Cores the calling thread may run on, by its affinity and its cpuset: at least 1. */
unsigned limits_cores(void);
/* Open files in one descriptor table, at most 4 million. Takes what is allowed: raises the soft
 * limit of this process to the hard one. */
unsigned limits_files(void);
