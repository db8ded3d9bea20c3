/* usage.c - see usage.h. */
#include "rehearsal/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 8192, SWITCHES_EACH = 10 };

const char *const usage_names[USAGE_ROLES] = { [USAGE_HALL] = "hall",
                                               [USAGE_GATEWAY] = "gateway",
                                               [USAGE_SUPERVISOR] = "supervisor",
                                               [USAGE_AGENTS] = "virtual candidates",
                                               [USAGE_COORDINATOR] = "coordinator" };

/* --- /proc as text ------------------------------------------------------------------------------
 */

/* The next word of a line of blanks and words; STR_NONE at its end. */
static str word(str *rest)
{
    while (rest->p) {
        str one = str_cut(rest, ' ');
        if (one.n)
            return str_trim(one);
    }
    return STR_NONE;
}

bool usage_read_stat(str text, struct proc_stat *stat)
{
    /* The name stands in brackets and may hold anything, brackets too: fields count from the last.
     */
    size_t at = text.n;
    while (at && text.p[at - 1] != ')')
        at--;
    str rest = str_trim(str_from(text, at));
    uint64_t user = 0, system = 0;
    *stat = (struct proc_stat){ 0 };
    for (unsigned field = 3; at && field <= 24; field++) {
        uint64_t value = 0;
        str one = word(&rest);
        bool number = str_u64(one, &value);
        uint64_t *to = field == 14   ? &user
                       : field == 15 ? &system
                       : field == 20 ? &stat->threads
                       : field == 22 ? &stat->started
                       : field == 24 ? &stat->resident_pages
                                     : NULL;
        if (!one.n || (to && !number))
            return false;
        if (to)
            *to = value;
    }
    stat->ticks = user + system;
    return at != 0;
}

bool usage_read_field(str text, const char *name, uint64_t *value)
{
    for (str rest = text; rest.p;) {
        str line = str_cut(&rest, '\n');
        str key = str_cut(&line, ':');
        if (!line.p || !str_eq(key, str_z(name)))
            continue;
        line = str_trim(line);
        return str_u64(str_trim(str_cut(&line, ' ')), value);
    }
    return false;
}

bool usage_read_cpu(str text, uint64_t *all, uint64_t *idle, uint64_t *steal)
{
    str line = str_cut(&text, '\n');
    if (!str_eq(word(&line), STR("cpu")))
        return false;
    *all = *idle = *steal = 0;
    for (unsigned i = 0; i < 8; i++) { /* the two of guests are within user and nice */
        uint64_t ticks;
        if (!str_u64(word(&line), &ticks))
            return false;
        *all += ticks;
        if (i == 3 || i == 4)
            *idle += ticks; /* idle, and waiting for a disk */
        if (i == 7)
            *steal = ticks;
    }
    return true;
}

bool usage_read_sockstat(str text, uint64_t *tcp_pages)
{
    while (text.p) {
        str line = str_cut(&text, '\n');
        if (!str_eq(word(&line), STR("TCP:")))
            continue;
        for (str name = word(&line); name.p; name = word(&line)) {
            str value = word(&line);
            if (str_eq(name, STR("mem")))
                return str_u64(value, tcp_pages);
        }
    }
    return false;
}

/* --- reading it ---------------------------------------------------------------------------------
 */

static str slurp(const char *path, char text[static FILE_BYTES_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, FILE_BYTES_MAX);
    if (fd >= 0)
        close(fd);
    return str_of(text, n > 0 ? (size_t)n : 0);
}

static str slurp_of(pid_t pid, const char *name, char text[static FILE_BYTES_MAX])
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return slurp(path, text);
}

static int64_t ticks_us(uint64_t ticks)
{
    return (int64_t)(ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK));
}

/* The row of a process; a new one when it was not there at the last sample, so that what it has
 * used so far counts. */
static struct usage_process *row_of(struct usage *u, enum usage_role role, pid_t pid,
                                    uint64_t started)
{
    for (unsigned i = 0; i < u->process_count; i++)
        if (u->processes[i].pid == pid && u->processes[i].started == started)
            return &u->processes[i];
    if (u->process_count == USAGE_PROCESSES_MAX)
        return NULL;
    struct usage_process *row = &u->processes[u->process_count++];
    *row = (struct usage_process){ .role = role, .pid = pid, .started = started };
    return row;
}

/* Status counts the switches of one thread only, so each thread is asked. */
static uint64_t switches_of(pid_t pid)
{
    char path[64], text[FILE_BYTES_MAX];
    uint64_t sum = 0, n;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    for (struct dirent *task; tasks && (task = readdir(tasks));) {
        if (task->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "/proc/%d/task/%.12s/status", (int)pid, task->d_name);
        str status = slurp(path, text);
        if (usage_read_field(status, "voluntary_ctxt_switches", &n))
            sum += n;
        if (usage_read_field(status, "nonvoluntary_ctxt_switches", &n))
            sum += n;
    }
    if (tasks)
        closedir(tasks);
    return sum;
}

static void take_more(struct usage *u, struct usage_sample *sample, struct usage_process *row)
{
    char text[FILE_BYTES_MAX];
    uint64_t kib = 0, written = 0;
    if (usage_read_field(slurp_of(row->pid, "status", text), "RssAnon", &kib))
        sample->part[row->role].anonymous_bytes += kib * KIB;
    if (row->role == USAGE_HALL &&
        usage_read_field(slurp_of(row->pid, "io", text), "write_bytes", &written)) {
        sample->written_bytes += written - MIN(row->written, written);
        row->written = written;
    }
    if (u->samples % SWITCHES_EACH)
        return;
    uint64_t switches = switches_of(row->pid);
    u->switches[row->role] += switches - MIN(row->switches, switches);
    row->switches = switches;
}

static void take_process(struct usage *u, struct usage_sample *sample, enum usage_role role,
                         pid_t pid)
{
    char text[FILE_BYTES_MAX];
    struct proc_stat stat;
    struct usage_part *part = &sample->part[role];
    if (pid <= 0 || !usage_read_stat(slurp_of(pid, "stat", text), &stat))
        return;
    struct usage_process *row = row_of(u, role, pid, stat.started);
    if (!row)
        return;
    row->seen = true;
    part->count++;
    part->threads += (uint32_t)stat.threads;
    part->cpu_us += ticks_us(stat.ticks - MIN(row->ticks, stat.ticks));
    part->resident_bytes += stat.resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
    row->ticks = stat.ticks;
    if (role == USAGE_HALL || role == USAGE_GATEWAY)
        take_more(u, sample, row);
}

static pid_t pid_file(const struct usage *u, const char *name)
{
    char path[500], text[FILE_BYTES_MAX];
    uint64_t pid = 0;
    snprintf(path, sizeof(path), "%s/run/%s.pid", u->hall_dir, name);
    return str_u64(str_trim(slurp(path, text)), &pid) && pid <= INT32_MAX ? (pid_t)pid : 0;
}

static void take_machine(struct usage *u, struct usage_sample *sample)
{
    static const char *const kernel[] = { "Slab", "PageTables", "KernelStack" };
    char text[FILE_BYTES_MAX];
    uint64_t all, idle, steal, n;
    if (usage_read_cpu(slurp("/proc/stat", text), &all, &idle, &steal)) {
        sample->cpu_us = ticks_us(all - MIN(u->cpu, all));
        sample->idle_us = ticks_us(idle - MIN(u->idle, idle));
        sample->steal_us = ticks_us(steal - MIN(u->steal, steal));
        u->cpu = all;
        u->idle = idle;
        u->steal = steal;
    }
    if (usage_read_sockstat(slurp("/proc/net/sockstat", text), &n))
        sample->tcp_bytes = n * (uint64_t)sysconf(_SC_PAGESIZE);
    str meminfo = slurp("/proc/meminfo", text);
    for (size_t i = 0; i < COUNT(kernel); i++)
        if (usage_read_field(meminfo, kernel[i], &n))
            sample->kernel_bytes += n * KIB;
    if (usage_read_field(meminfo, "MemAvailable", &n))
        sample->available_bytes = n * KIB;
}

/* Forgets the processes that are gone. */
static void sweep(struct usage *u)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < u->process_count; i++) {
        if (!u->processes[i].seen)
            continue;
        u->processes[kept] = u->processes[i];
        u->processes[kept++].seen = false;
    }
    u->process_count = kept;
}

void usage_take(struct usage *u, struct usage_sample *sample)
{
    *sample = (struct usage_sample){ 0 };
    if (u->hall_dir[0]) {
        take_process(u, sample, USAGE_HALL, pid_file(u, "hall"));
        take_process(u, sample, USAGE_GATEWAY, pid_file(u, "gateway"));
        take_process(u, sample, USAGE_SUPERVISOR, u->supervisor);
    }
    for (unsigned i = 0; i < u->agent_count; i++)
        take_process(u, sample, USAGE_AGENTS, u->agents[i]);
    take_process(u, sample, USAGE_COORDINATOR, getpid());
    take_machine(u, sample);
    sweep(u);
    u->samples++;
}

void usage_begin(struct usage *u, const char *hall_dir, pid_t supervisor, const pid_t *agents,
                 unsigned agent_count)
{
    struct usage_sample first;
    *u = (struct usage){ .supervisor = supervisor };
    snprintf(u->hall_dir, sizeof(u->hall_dir), "%s", hall_dir ? hall_dir : "");
    u->agent_count = MIN(agent_count, (unsigned)COUNT(u->agents));
    for (unsigned i = 0; i < u->agent_count; i++)
        u->agents[i] = agents[i];
    usage_take(u, &first);
    memset(u->switches, 0, sizeof(u->switches));
    u->kernel_bytes_before = first.kernel_bytes;
    u->tcp_bytes_before = first.tcp_bytes;
}
