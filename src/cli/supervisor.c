/* supervisor.c - see supervisor.h.
 *
 * It owns what must outlive a process: the listening sockets (public, gate, admin), the page of
 * counters, the TLS ticket key. A process that dies finds them again, with everybody who knocked
 * meanwhile still in the backlog. It parses nothing that strangers send. */
#include "cli/capacity.h"
#include "cli/cmd.h"
#include "cli/supervisor_internal.h"
#include "crypto/keys.h"
#include "net/gateway.h"
#include "sys/note.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_S_MAX 15 /* for a child to end after SIGTERM, then SIGKILL */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

/* --- what outlives a process -------------------------------------------------------------------
 */

static fail open_sockets(struct supervisor *s, struct why *why)
{
    if (!realpath(s->opts->dir, s->dir))
        return fail_errno(why, FAIL_WORLD, "cannot find %s", s->opts->dir);
    snprintf(s->run, sizeof(s->run), "%s/run", s->dir);
    if ((mkdir(s->run, 0711) < 0 && errno != EEXIST) || chmod(s->run, 0711) < 0)
        return fail_errno(why, FAIL_WORLD, "cannot make the folder %s", s->run);
    s->tls = s->plain = -1;
    fail f = listen_unix(s->run, "admin.sock", 0600, &s->admin, why);
    if (!f) /* the gateway has no rights; what it sends carries its own proof */
        f = listen_unix(s->run, "gate.sock", 0666, &s->gate, why);
    if (!f && strcmp(s->opts->listen, "none") != 0)
        f = listen_tcp(s->opts->listen, &s->tls, why);
    if (!f && s->opts->listen_plain)
        f = listen_tcp(s->opts->listen_plain, &s->plain, why);
    return f;
}

/* A hall that is started again in mid-exam must find the spec it began with, whatever somebody is
 * writing into the file meanwhile. */
static fail keep_spec(struct supervisor *s, struct why *why)
{
    struct arena arena = arena_make(4 * MIB);
    str text = STR_NONE;
    fail f = file_read(s->opts->spec, MIB, &arena, &text, why);
    snprintf(s->spec, sizeof(s->spec), "%s/spec.yaml", s->run);
    FILE *file = f ? NULL : fopen(s->spec, "we");
    bool kept = file && fwrite(text.p, 1, text.n, file) == text.n;
    if (file)
        kept &= fclose(file) == 0;
    if (!f && !kept)
        f = fail_errno(why, FAIL_WORLD, "cannot write %s", s->spec);
    arena_fini(&arena);
    return f;
}

/* Memory both processes share, and the ticket key, which must not stand in argv. */
static fail open_memory(struct supervisor *s, struct why *why)
{
    struct keys keys;
    fail f = keys_load(&keys, s->opts->dir, why);
    if (f)
        return f;
    s->stats = memfd_create("gateway-stats", MFD_CLOEXEC);
    s->ticket = memfd_create("ticket-key", MFD_CLOEXEC);
    if (s->stats < 0 || s->ticket < 0 || ftruncate(s->stats, sizeof(struct gateway_stats)) < 0 ||
        write(s->ticket, keys.ticket, sizeof(keys.ticket)) != (ssize_t)sizeof(keys.ticket))
        f = fail_errno(why, FAIL_WORLD, "cannot make shared memory");
    void *page = f ? MAP_FAILED
                   : mmap(NULL, sizeof(struct gateway_stats), PROT_READ, MAP_SHARED, s->stats, 0);
    if (!f && page == MAP_FAILED)
        f = fail_errno(why, FAIL_WORLD, "cannot map shared memory");
    s->page = page;
    keys_fini(&keys);
    return f;
}

/* --- children ----------------------------------------------------------------------------------
 */

/* Copies a descriptor to a number that the child's arguments name. */
static void give(int fd, int as)
{
    if (fd >= 0 && dup2(fd, as) < 0)
        _exit(EXIT_WORLD);
}

static void pid_file(const struct supervisor *s, const struct child *child)
{
    char path[4400], temporary[4400];
    snprintf(path, sizeof(path), "%s/%s.pid", s->run, child->name);
    snprintf(temporary, sizeof(temporary), "%s/%s.pid.new", s->run, child->name);
    FILE *file = fopen(temporary, "we");
    if (!file)
        return;
    fprintf(file, "%d\n", (int)child->pid);
    fclose(file);
    fail_ignore(rename(temporary, path) != 0, "status then shows the old pid");
}

static void exec_hall(const struct supervisor *s)
{
    const char *argv[] = { "examhall",   "hall",
                           "--data",     s->opts->dir,
                           "--spec",     s->spec,
                           "--services", s->opts->services ? s->opts->services : "",
                           NULL };
    execv("/proc/self/exe", (char **)(uintptr_t)argv);
}

static void exec_gateway(const struct supervisor *s)
{
    char crt[4200], key[4200], reactors[24], connections[24];
    snprintf(crt, sizeof(crt), "%s/keys/tls.crt", s->dir);
    snprintf(key, sizeof(key), "%s/keys/tls.key", s->dir);
    snprintf(reactors, sizeof(reactors), "%u", s->reactors);
    snprintf(connections, sizeof(connections), "%lld", (long long)s->connections);
    const char *argv[] = { "examhall",
                           "gateway",
                           "--run",
                           s->run,
                           "--cert",
                           crt,
                           "--key",
                           key,
                           "--reactors",
                           reactors,
                           "--connections",
                           connections,
                           "--tls",
                           s->tls >= 0 ? "10" : "-1",
                           "--plain",
                           s->plain >= 0 ? "11" : "-1",
                           NULL };
    execv("/proc/self/exe", (char **)(uintptr_t)argv);
}

static void exec_child(struct supervisor *s, const struct child *child, int ready)
{
    bool hall = child == &s->hall;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    /* First out of the way of the numbers 10 to 14, then onto them. */
    int fds[] = { hall ? s->gate : s->tls, hall ? s->admin : s->plain, s->stats, ready,
                  hall ? -1 : s->ticket };
    for (size_t i = 0; i < COUNT(fds); i++)
        fds[i] = fds[i] >= 0 ? fcntl(fds[i], F_DUPFD_CLOEXEC, 20) : -1;
    for (size_t i = 0; i < COUNT(fds); i++)
        give(fds[i], 10 + (int)i);
    (hall ? exec_hall : exec_gateway)(s);
    _exit(EXIT_WORLD);
}

static void start(struct supervisor *s, struct child *child)
{
    int ready[2] = { -1, -1 };
    child->started_ms = now_ms();
    child->restart_ms = 0;
    child->is_ready = false;
    child->pid = pipe2(ready, O_CLOEXEC | O_NONBLOCK) ? -1 : fork();
    if (child->pid == 0)
        exec_child(s, child, ready[1]);
    close(ready[1]);
    if (child->pid < 0) {
        close(ready[0]);
        child->pid = 0;
        child->restart_ms = now_ms() + 1000; /* no memory now */
        return;
    }
    child->ready = ready[0];
    pid_file(s, child);
    note("info", "process.started", "\"process\":\"%s\",\"child\":%d", child->name,
         (int)child->pid);
}

/* A process that dies young again and again gets more and more time to think; others none. */
static void died(struct supervisor *s, struct child *child, int status)
{
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool quick = !killed && now_ms() - child->started_ms < 1000;
    child->quick_deaths = quick ? child->quick_deaths + 1 : 0;
    child->pid = 0;
    child->is_ready = false;
    close(child->ready);
    child->restart_ms = now_ms() + (quick ? MIN(100 << MIN(child->quick_deaths, 6), 5000) : 0);
    if (!s->stopping)
        note("warn", "process.died", "\"process\":\"%s\",\"%s\":%d", child->name,
             WIFSIGNALED(status) ? "signal" : "status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* A failure: a process that never was ready ended, and will again. */
static fail reap(struct supervisor *s, struct why *why)
{
    int status;
    pid_t pid;
    fail fatal = FAIL_NONE;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *child = pid == s->hall.pid      ? &s->hall
                              : pid == s->gateway.pid ? &s->gateway
                                                      : NULL;
        if (!child)
            continue;
        died(s, child, status);
        if (!s->is_ready && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
            fail f = WEXITSTATUS(status) == EXIT_USAGE ? FAIL_USAGE : FAIL_WORLD;
            fatal = fail_set(why, f, "the %s did not start; it said why above", child->name);
        }
    }
    return fatal;
}

/* --- the loop ----------------------------------------------------------------------------------
 */

/* How many connections there may be is known once a hall has opened its log: the page says so. */
static fail size_gateway(struct supervisor *s, struct why *why)
{
    struct machine machine;
    struct capacity_need need = { .roster = (int64_t)atomic_load(&s->page->roster),
                                  .reactors = (unsigned)s->opts->reactors,
                                  .tls = s->tls >= 0 };
    machine_read(&machine);
    struct capacity capacity = capacity_plan(&machine, &need);
    s->reactors = capacity.reactors;
    s->connections = capacity.connections;
    for (unsigned i = 0; i < capacity.finding_count; i++) {
        const struct finding *finding = &capacity.findings[i];
        note(capacity.refused ? "error" : "warn", "limit.low",
             "\"limit\":\"%s\",\"is\":%lld,\"needs\":%lld,\"roster\":%lld,\"set\":\"%s\"",
             finding->limit, (long long)finding->is, (long long)finding->needs,
             (long long)need.roster, finding->set);
    }
    if (capacity.refused)
        return fail_set(why, FAIL_WORLD, "the limit on %s is %lld, which serves nobody; set it: %s",
                        capacity.findings[0].limit, (long long)capacity.findings[0].is,
                        capacity.findings[0].set);
    return FAIL_NONE;
}

static fail start_due(struct supervisor *s, struct why *why)
{
    if (!s->hall.pid && s->hall.restart_ms <= now_ms())
        start(s, &s->hall);
    if (!s->connections && s->hall.is_ready) {
        fail f = size_gateway(s, why);
        if (f)
            return f;
    }
    if (s->connections && !s->gateway.pid && s->gateway.restart_ms <= now_ms())
        start(s, &s->gateway);
    return FAIL_NONE;
}

static void stop_child(struct supervisor *s, struct child *child)
{
    int64_t until_ms = now_ms() + STOP_S_MAX * 1000;
    char path[4400];
    struct why why;
    if (child->pid)
        kill(child->pid, SIGTERM);
    while (child->pid) {
        fail_ignore(reap(s, &why), "we are stopping anyhow");
        if (child->pid && now_ms() > until_ms) {
            note("warn", "process.killed", "\"process\":\"%s\"", child->name);
            kill(child->pid, SIGKILL);
            until_ms = now_ms() + 1000;
        }
        usleep(5000);
    }
    snprintf(path, sizeof(path), "%s/%s.pid", s->run, child->name);
    unlink(path);
}

static void greet(const struct supervisor *s)
{
    const char *port = strrchr(s->opts->listen, ':');
    note("info", "hall.ready", "\"listen\":\"%s\"", s->opts->listen);
    if (s->opts->quiet || s->tls < 0)
        return;
    printf("\n  The hall is open.\n\n"
           "  Candidates   https://localhost:%s/        (roll number and code: %s/candidates.csv)\n"
           "  Officers     https://localhost:%s/staff   (name, password and one-time code: shown "
           "by init)\n"
           "  What runs    examhall status --data %s\n\n"
           "  Stop with Ctrl-C.\n\n",
           port ? port + 1 : s->opts->listen, s->opts->dir, port ? port + 1 : s->opts->listen,
           s->opts->dir);
    fflush(stdout);
}

static void check_ready(struct supervisor *s)
{
    struct child *children[] = { &s->hall, &s->gateway };
    char byte;
    for (size_t i = 0; i < COUNT(children); i++)
        if (children[i]->pid && !children[i]->is_ready)
            children[i]->is_ready = read(children[i]->ready, &byte, 1) == 1;
    if (s->is_ready || !s->hall.is_ready || !s->gateway.is_ready)
        return;
    s->is_ready = true;
    greet(s);
}

static fail loop(struct supervisor *s, const sigset_t *signals, struct why *why)
{
    struct timespec pause = { 0, 0 };
    for (;;) {
        fail f = start_due(s, why);
        if (f)
            return f;
        int sig = sigtimedwait(signals, NULL, &pause);
        if (sig == SIGTERM || sig == SIGINT)
            return FAIL_NONE;
        check_ready(s);
        f = reap(s, why);
        if (f)
            return f;
        pause.tv_nsec = s->is_ready ? 200 * 1000000 : 10 * 1000000;
        if ((!s->hall.pid || !s->gateway.pid) && s->is_ready)
            pause.tv_nsec = 1000000; /* somebody is to be started again, soon */
    }
}

fail supervisor_run(const struct supervisor_opts *opts, struct why *why)
{
    struct supervisor s = { .opts = opts, .hall.name = "hall", .gateway.name = "gateway" };
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    fail f = open_memory(&s, why);
    if (!f)
        f = open_sockets(&s, why);
    if (!f)
        f = keep_spec(&s, why);
    if (f)
        return f;
    f = loop(&s, &signals, why);
    s.stopping = true;
    stop_child(&s, &s.gateway);
    stop_child(&s, &s.hall);
    char path[4400];
    snprintf(path, sizeof(path), "%s/admin.sock", s.run);
    unlink(path);
    snprintf(path, sizeof(path), "%s/gate.sock", s.run);
    unlink(path);
    return f;
}
