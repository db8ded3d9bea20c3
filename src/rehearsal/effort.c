/* effort.c - see effort.h. */
#include "rehearsal/effort.h"
#include "sys/limits.h"
#include "rehearsal/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4096 };

static str slurp(const char *path, char text[static FILE_BYTES_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, FILE_BYTES_MAX);
    if (fd >= 0)
        close(fd);
    return str_of(text, n > 0 ? (size_t)n : 0);
}

bool effort_read_schedstat(str text, uint64_t *asked_ns)
{
    uint64_t ran, waited, slices;
    str rest = str_trim(text), first = str_cut(&rest, ' '), second = str_cut(&rest, ' ');
    if (!str_u64(first, &ran) || !str_u64(second, &waited) || !str_u64(rest, &slices))
        return false;
    *asked_ns = ran + waited;
    return true;
}

static int64_t ticks_us(uint64_t ticks)
{
    return (int64_t)(ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void look_at_machine(struct effort *effort, struct effort_meter *meter)
{
    char text[FILE_BYTES_MAX];
    uint64_t all, idle, steal;
    if (!usage_read_cpu(slurp("/proc/stat", text), &all, &idle, &steal))
        return;
    if (meter->looked_us) {
        effort->all_us += ticks_us(all - MIN(meter->cpu, all));
        effort->idle_us += ticks_us(idle - MIN(meter->idle, idle));
        effort->steal_us += ticks_us(steal - MIN(meter->steal, steal));
    }
    meter->cpu = all;
    meter->idle = idle;
    meter->steal = steal;
}

/* A look comes about once a second; one that comes much sooner or later is no second. */
static bool is_a_second(int64_t us)
{
    return us > EFFORT_LOOK_US / 2 && us < 3 * EFFORT_LOOK_US;
}

static void look_at_process(struct effort *effort, struct effort_meter *meter, pid_t pid)
{
    char text[FILE_BYTES_MAX], path[64];
    struct proc_stat stat;
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (!usage_read_stat(slurp(path, text), &stat))
        return;
    effort->resident_bytes = stat.resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
    effort->agents_us += ticks_us(stat.ticks - MIN(meter->ticks, stat.ticks));
    meter->ticks = stat.ticks;
}

static void look_at_agent(struct effort *effort, struct effort_meter *meter, unsigned i, pid_t pid,
                          pid_t thread, int64_t passed_us)
{
    char text[FILE_BYTES_MAX], path[64];
    uint64_t asked_ns = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)pid, (int)thread);
    if (!effort_read_schedstat(slurp(path, text), &asked_ns))
        return;
    if (meter->agents[i].known && is_a_second(passed_us)) {
        uint64_t asked_us = (asked_ns - MIN(meter->agents[i].asked_ns, asked_ns)) / 1000;
        effort->seconds++;
        effort->starved += asked_us * 100 >= (uint64_t)passed_us * EFFORT_STARVED_PERCENT;
    }
    meter->agents[i].asked_ns = asked_ns;
    meter->agents[i].known = true;
}

bool effort_due(const struct effort_meter *meter, int64_t now_us)
{
    return now_us - meter->looked_us >= EFFORT_LOOK_US;
}

void effort_look(struct effort *effort, struct effort_meter *meter, pid_t pid,
                 const _Atomic pid_t *threads, unsigned count, int64_t now_us)
{
    int64_t passed_us = meter->looked_us ? now_us - meter->looked_us : 0;
    must(count <= EFFORT_AGENTS_MAX);
    effort->cores = limits_cores();
    effort->resident_bytes = 0;
    look_at_machine(effort, meter);
    if (pid > 0)
        look_at_process(effort, meter, pid);
    for (unsigned i = 0; pid > 0 && i < count; i++)
        if (threads[i] > 0)
            look_at_agent(effort, meter, i, pid, threads[i], passed_us);
    meter->looked_us = now_us;
}
