/* children.c - the supervisor's processes: how the hall and the gateways are started, what their
 * ends mean, and which gateway is which during an upgrade. */
#include "cli/cmd.h"
#include "cli/supervisor_internal.h"
#include "sys/note.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* -1: this program. */
static void exec_program(int program, const char *const argv[])
{
    char **words = (char **)(uintptr_t)argv;
    if (program >= 0)
        execveat(program, "", words, environ, AT_EMPTY_PATH);
    else
        execv("/proc/self/exe", words);
}

static void exec_hall(const struct supervisor *s, int program)
{
    const char *argv[] = { "examhall",   "hall",
                           "--data",     s->opts->dir,
                           "--spec",     s->spec,
                           "--services", s->opts->services ? s->opts->services : "",
                           "--probes",   s->probes >= 0 ? "15" : "-1",
                           NULL };
    exec_program(program, argv);
}

static void exec_tunnel(const struct supervisor *s)
{
    const char *argv[] = { "examhall",
                           "tunnel",
                           "--run",
                           s->run,
                           "--key",
                           s->opts->gate_key,
                           s->opts->hall ? "--hall" : NULL,
                           s->opts->hall,
                           NULL };
    exec_program(-1, argv);
}

static void exec_gateway(const struct supervisor *s, const struct child *child, int program)
{
    char crt[4200], key[4200], reactors[24], connections[24], row[24];
    snprintf(crt, sizeof(crt), "%s/keys/tls.crt", s->dir);
    snprintf(key, sizeof(key), "%s/keys/tls.key", s->dir);
    snprintf(reactors, sizeof(reactors), "%u", s->reactors);
    snprintf(connections, sizeof(connections), "%lld", (long long)s->connections);
    snprintf(row, sizeof(row), "%u", child->row);
    const char *argv[] = { "examhall",
                           "gateway",
                           "--run",
                           s->run,
                           "--cert",
                           s->opts->tls_cert ? s->opts->tls_cert : crt,
                           "--key",
                           s->opts->tls_key ? s->opts->tls_key : key,
                           "--reactors",
                           reactors,
                           "--connections",
                           connections,
                           "--row",
                           row,
                           "--tls",
                           s->tls >= 0 ? "10" : "-1",
                           "--plain",
                           s->plain >= 0 ? "11" : "-1",
                           "--probes",
                           s->probes >= 0 && !has_hall(s) ? "15" : "-1",
                           NULL };
    exec_program(program, argv);
}

static void exec_child(struct supervisor *s, const struct child *child, int ready)
{
    bool hall = child == &s->hall, tunnel = child == &s->tunnel;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    /* First out of the way of the numbers 10 to 15, then, all but the program, onto them. */
    int tunnel_end = s->opts->hall ? s->gate : s->far;
    int fds[] = { tunnel ? tunnel_end
                  : hall ? s->gate
                         : s->tls,
                  hall ? s->admin : s->plain,
                  s->stats,
                  ready,
                  hall || tunnel ? -1 : s->ticket,
                  s->probes,
                  tunnel ? -1 : upgrade_program(s, child) };
    const size_t last = COUNT(fds) - 1;
    for (size_t i = 0; i < COUNT(fds); i++)
        fds[i] = fds[i] >= 0 ? fcntl(fds[i], F_DUPFD_CLOEXEC, 20) : -1;
    for (size_t i = 0; i < last; i++)
        give(fds[i], 10 + (int)i);
    if (hall)
        exec_hall(s, fds[last]);
    else if (tunnel)
        exec_tunnel(s);
    else
        exec_gateway(s, child, fds[last]);
    _exit(EXIT_WORLD);
}

void child_start(struct supervisor *s, struct child *child)
{
    int ready[2] = { -1, -1 };
    child->started_ms = supervisor_now_ms();
    child->restart_ms = 0;
    child->is_ready = child->told_to_end = false;
    child->pid = pipe2(ready, O_CLOEXEC | O_NONBLOCK) ? -1 : fork();
    if (child->pid == 0)
        exec_child(s, child, ready[1]);
    close(ready[1]);
    if (child->pid < 0) {
        close(ready[0]);
        child->pid = 0;
        child->restart_ms = supervisor_now_ms() + 1000; /* no memory now */
        return;
    }
    child->ready = ready[0];
    if (child != &s->next)
        pid_file(s, child);
    note("info", "process.started", "\"process\":\"%s\",\"child\":%d", child->name,
         (int)child->pid);
}

static void ready_close(struct child *child)
{
    if (child->ready >= 0)
        close(child->ready);
    child->ready = -1;
}

void children_check_ready(struct supervisor *s)
{
    struct child *children[] = { &s->tunnel, &s->hall, &s->gateway, &s->next };
    char byte;
    for (size_t i = 0; i < COUNT(children); i++) {
        struct child *child = children[i];
        if (!child->pid || child->is_ready || read(child->ready, &byte, 1) != 1)
            continue;
        child->is_ready = true;
        ready_close(child);
    }
}

/* --- their ends --------------------------------------------------------------------------------
 */

static bool is_killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* A process that dies young again and again gets more and more time to think; others none. */
static void died(struct supervisor *s, struct child *child, int status)
{
    bool quick =
        !is_killed(status) && !child->told_to_end && supervisor_now_ms() - child->started_ms < 1000;
    child->quick_deaths = quick ? child->quick_deaths + 1 : 0;
    child->pid = 0;
    child->is_ready = false;
    ready_close(child);
    child->restart_ms =
        supervisor_now_ms() + (quick ? MIN(100 << MIN(child->quick_deaths, 6), 5000) : 0);
    if (!s->stopping && !child->told_to_end)
        note("warn", "process.died", "\"process\":\"%s\",\"%s\":%d", child->name,
             WIFSIGNALED(status) ? "signal" : "status",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* A leaving gateway has nothing to leave any more. One that was killed did not count its
 * connections out. */
static void left(struct supervisor *s, struct child *child)
{
    for (unsigned i = 0; i < s->reactors; i++) {
        atomic_store(&s->page->rows[child->row + i].open, 0);
        atomic_store(&s->page->rows[child->row + i].waiting, 0);
    }
    note("info", "gateway.left", "\"child\":%d", (int)child->pid);
    s->leaving_count--;
    size_t behind = (size_t)(&s->leaving[s->leaving_count] - child);
    memmove(child, child + 1, behind * sizeof(*child));
}

enum { TUNNEL_AT, HALL_AT, GATEWAYS_AT };

/* The tunnel, the hall, the gateway, the one that is to take over, then those that leave. */
static struct child *child_at(struct supervisor *s, unsigned i)
{
    struct child *first[] = { &s->tunnel, &s->hall, &s->gateway, &s->next };
    if (i < COUNT(first))
        return first[i];
    return i - COUNT(first) < s->leaving_count ? &s->leaving[i - COUNT(first)] : NULL;
}

static struct child *child_of(struct supervisor *s, pid_t pid)
{
    struct child *child;
    for (unsigned i = 0; (child = child_at(s, i)); i++)
        if (child->pid == pid)
            return child;
    return NULL;
}

static bool is_leaving(const struct supervisor *s, const struct child *child)
{
    return child >= s->leaving && child < s->leaving + LEAVING_MAX;
}

static fail ended(struct supervisor *s, struct child *child, int status, struct why *why)
{
    bool failed = WIFEXITED(status) && WEXITSTATUS(status) != 0, was_ready = child->is_ready,
         was_told = child->told_to_end;
    if (is_leaving(s, child)) {
        left(s, child);
        return FAIL_NONE;
    }
    died(s, child, status);
    if (!s->is_ready && failed) {
        fail f = WEXITSTATUS(status) == EXIT_USAGE ? FAIL_USAGE : FAIL_WORLD;
        return fail_set(why, f, "the %s did not start; it said why above", child->name);
    }
    if (!s->stopping && !was_told)
        upgrade_died(s, child, !was_ready && (child == &s->next || !is_killed(status)));
    return FAIL_NONE;
}

fail children_reap(struct supervisor *s, struct why *why)
{
    int status;
    pid_t pid;
    fail fatal = FAIL_NONE;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *child = child_of(s, pid);
        fail f = child ? ended(s, child, status, why) : FAIL_NONE;
        fatal = f ? f : fatal;
    }
    return fatal;
}

/* --- several gateways --------------------------------------------------------------------------
 */

bool gateway_row_find(struct supervisor *s, unsigned *row)
{
    for (*row = 0; *row + s->reactors <= GATEWAY_ROWS_MAX; *row += s->reactors) {
        struct child *child;
        bool taken = false;
        for (unsigned i = GATEWAYS_AT; (child = child_at(s, i)); i++)
            taken |= child->pid && child->row == *row;
        if (!taken)
            return true;
    }
    return false;
}

unsigned leaving_connections(const struct supervisor *s)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < s->leaving_count; i++)
        for (unsigned k = 0; k < s->reactors; k++)
            sum += atomic_load(&s->page->rows[s->leaving[i].row + k].open);
    return (unsigned)sum;
}

void gateway_takes_over(struct supervisor *s)
{
    if (s->gateway.pid) {
        kill(s->gateway.pid, SIGUSR1);
        must(s->leaving_count < LEAVING_MAX);
        s->leaving[s->leaving_count++] = s->gateway;
        ready_close(&s->leaving[s->leaving_count - 1]);
    }
    s->gateway = s->next;
    s->next = (struct child){ .name = "gateway", .ready = -1 };
    pid_file(s, &s->gateway);
}

void gateway_hurries(struct supervisor *s)
{
    struct child *oldest = &s->leaving[0];
    if (s->leaving_count && !oldest->told_to_end)
        kill(oldest->pid, SIGTERM);
    oldest->told_to_end = true;
}

/* --- the end of all ----------------------------------------------------------------------------
 */

/* How many of the children from `first` on, before `end`, are here; each is told. */
static unsigned tell(struct supervisor *s, unsigned first, unsigned end, int sig)
{
    unsigned here = 0;
    struct child *child;
    for (unsigned i = first; i < end && (child = child_at(s, i)); i++)
        if (child->pid && kill(child->pid, sig) == 0)
            here++;
    return here;
}

static void stop(struct supervisor *s, const char *name, unsigned first, unsigned last, int sig)
{
    int64_t until_ms = supervisor_now_ms() + STOP_S_MAX * 1000;
    char path[4400];
    struct why why;
    tell(s, first, last, sig);
    while (tell(s, first, last, 0)) {
        fail_ignore(children_reap(s, &why), "we are stopping anyhow");
        if (supervisor_now_ms() > until_ms) {
            note("warn", "process.killed", "\"process\":\"%s\"", name);
            tell(s, first, last, SIGKILL);
            until_ms = supervisor_now_ms() + 1000;
        }
        usleep(5000);
    }
    snprintf(path, sizeof(path), "%s/%s.pid", s->run, name);
    unlink(path);
}

void children_stop(struct supervisor *s)
{
    stop(s, "gateway", GATEWAYS_AT, UINT32_MAX, SIGTERM);
    /* Elsewhere gateways hold requests for the one that follows: without a checkpoint it is there
     * sooner, as in an upgrade. */
    stop(s, "hall", HALL_AT, GATEWAYS_AT, has_tunnel(s) ? SIGUSR1 : SIGTERM);
    stop(s, "tunnel", TUNNEL_AT, HALL_AT, SIGTERM);
}
