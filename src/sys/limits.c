/* limits.c - see limits.h. */
#include "sys/limits.h"
#include "base/base.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILES_MOST (1u << 22)

unsigned limits_cores(void)
{
    cpu_set_t may;
    if (sched_getaffinity(0, sizeof(may), &may) == 0)
        return (unsigned)CPU_COUNT(&may);
    return (unsigned)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1); /* more than the set has room for */
}

unsigned limits_files(void)
{
    struct rlimit limit = { 1024, 1024 };
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return (unsigned)MIN(limit.rlim_cur, (rlim_t)FILES_MOST);
}
