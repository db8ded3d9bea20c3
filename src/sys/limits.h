/* limits.h - what this machine gives a process. */
#pragma once

unsigned limits_cores(void); /* at least 1 */
/* Open files in one descriptor table, at most 4 million. Takes what is allowed: raises the soft
 * limit of this process to the hard one. */
unsigned limits_files(void);
