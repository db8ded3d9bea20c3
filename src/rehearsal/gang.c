/* gang.c - see gang.h. */
#include "rehearsal/gang.h"
#include "net/net_ring.h"
#include "rehearsal/agent_io.h"
#include "rehearsal/sources.h"
#include "sys/limits.h"
#include "sys/pace.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_US_MAX (10 * (int64_t)SECOND_US)

enum {
    ALONE_MAX = 18000, /* candidates whom one agent serves well, also where cores are free */
    REST_US = 1000     /* of each agent, where there are several */
};

struct gang_shared { /* one mapping that both processes see */
    struct orders orders;
    _Atomic pid_t threads[EFFORT_AGENTS_MAX];
    struct board boards[];
};

struct member { /* what one agent is given */
    struct agent_opts opts;
    _Atomic pid_t *thread;
    unsigned number;
    bool own_table, pinned;
    pthread_t handle;
};

static struct agent_opts agent_opts(const struct gang *gang, const struct gang_opts *opts,
                                    unsigned i)
{
    uint32_t from = (uint32_t)((uint64_t)opts->count * i / gang->agents);
    uint32_t to = (uint32_t)((uint64_t)opts->count * (i + 1) / gang->agents);
    return (struct agent_opts){ .plan = opts->plan,
                                .target = opts->target,
                                .ca = opts->ca,
                                .credentials = opts->credentials + from,
                                .first = opts->first + from,
                                .count = to - from,
                                .board = &gang->shared->boards[i],
                                .orders = &gang->shared->orders,
                                .rest_us = gang->agents > 1 ? REST_US : 0 };
}

static void *agent_thread(void *arg)
{
    struct member *member = arg;
    *member->thread = gettid();
    if (member->pinned)
        pace_on_core(member->number);
    int status = 3;
    if (!member->own_table || unshare(CLONE_FILES) == 0 || net_ring_is_given())
        status = agent_run(&member->opts);
    else
        board_example(member->opts.board,
                      "threads may not have descriptor tables of their own here (%s): rehearse "
                      "fewer candidates on this machine, or allow unshare(CLONE_FILES)",
                      strerror(errno));
    if (status)
        _exit(status); /* nobody else sits for its candidates: the run is over, and void */
    return NULL;
}

static int gang_process(const struct gang *gang, const struct gang_opts *opts)
{
    static struct member members[EFFORT_AGENTS_MAX];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pace_behind_hall();       /* candidates have machines of their own: these share the hall's */
    signal(SIGINT, SIG_IGN);  /* the coordinator decides */
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets that are gone */
    if (opts->close_fd >= 0)
        close(opts->close_fd);
    for (unsigned i = 0; i < gang->agents; i++) {
        members[i] = (struct member){ .opts = agent_opts(gang, opts, i),
                                      .thread = &gang->shared->threads[i],
                                      .number = i,
                                      .own_table = gang->agents > 1,
                                      .pinned = gang->agents > limits_cores() };
        must(pthread_create(&members[i].handle, NULL, agent_thread, &members[i]) == 0);
    }
    for (unsigned i = 0; i < gang->agents; i++)
        must(pthread_join(members[i].handle, NULL) == 0);
    return 0;
}

/* One for each core; and, without rings, as many as descriptor tables are needed. 0 and why: too
 * few. */
static unsigned agents_for(uint32_t candidates, struct why *why)
{
    unsigned files = limits_files(), each = io_table_most(files);
    unsigned tables = (candidates + each - 1) / each;
    unsigned cores = candidates > ALONE_MAX ? MIN(limits_cores(), EFFORT_AGENTS_MAX) : 1;
    if (candidates <= net_ring_most(files) && net_ring_is_given())
        return cores;
    if (tables <= EFFORT_AGENTS_MAX)
        return MAX(tables, cores);
    fail_ignore(fail_set(why, FAIL_LIMIT,
                         "with %u open files allowed (ulimit -Hn) this machine runs at most %u "
                         "virtual candidates; allow %u",
                         files, each * EFFORT_AGENTS_MAX,
                         files - each + candidates / EFFORT_AGENTS_MAX + 1),
                "0 says it");
    return 0;
}

fail gang_start(struct gang *gang, const struct gang_opts *opts, struct why *why)
{
    *gang = (struct gang){ 0 };
    unsigned agents = agents_for(opts->count, why);
    if (!agents)
        return FAIL_LIMIT;
    size_t bytes = sizeof(*gang->shared) + agents * sizeof(struct board);
    void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return fail_errno(why, FAIL_WORLD, "cannot share memory with the agents");
    gang->shared = shared;
    gang->shared_bytes = bytes;
    gang->agents = gang->effort.agents = agents;
    gang->effort.sources = MAX(opts->target->source_count, 1);
    gang->effort.ports = opts->target->loopback ? 0 : sources_ports();
    gang->pid = fork();
    if (gang->pid < 0)
        return fail_errno(why, FAIL_WORLD, "cannot start the agents");
    if (!gang->pid)
        _exit(gang_process(gang, opts));
    return FAIL_NONE;
}

void gang_watch(struct gang *gang, int64_t now_us)
{
    if (gang->pid > 0 && waitpid(gang->pid, NULL, WNOHANG) == gang->pid) {
        gang->pid = 0;
        gang->effort.died = gang->agents;
    }
    if (gang->agents && effort_due(&gang->meter, now_us))
        effort_look(&gang->effort, &gang->meter, gang->pid, gang->shared->threads, gang->agents,
                    now_us);
}

void gang_sum(const struct gang *gang, struct board *total, bool all)
{
    if (all)
        memset(total, 0, sizeof(*total));
    board_clear_counters(total);
    for (unsigned i = 0; i < gang->agents; i++)
        (all ? board_merge : board_merge_counters)(total, &gang->shared->boards[i]);
}

int64_t gang_recovered_us(const struct gang *gang)
{
    int64_t killed = gang->shared ? gang->shared->orders.killed_us : 0, first = 0;
    for (unsigned i = 0; i < gang->agents && killed; i++) {
        int64_t at = gang->shared->boards[i].recovered_us;
        if (at > killed && (!first || at < first))
            first = at;
    }
    return first;
}

void gang_order(struct gang *gang, int phase, int64_t killed_us, int64_t calm_us)
{
    if (!gang->shared)
        return;
    gang->shared->orders.calm_us = calm_us; /* first: a fault without it would end at once */
    gang->shared->orders.killed_us = killed_us;
    gang->shared->orders.phase = phase;
}

/* Agents follow within milliseconds; one that hangs must not hang the rehearsal. */
static void agents_end(pid_t pid)
{
    for (int64_t until = agent_clock_us() + END_US_MAX; agent_clock_us() < until; usleep(1000))
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

void gang_stop(struct gang *gang, struct board *total)
{
    if (!gang->shared)
        return;
    gang->shared->orders.phase = PHASE_STOP;
    if (gang->pid > 0)
        agents_end(gang->pid);
    gang_sum(gang, total, true);
    munmap(gang->shared, gang->shared_bytes);
    gang->shared = NULL;
    gang->agents = 0;
}
