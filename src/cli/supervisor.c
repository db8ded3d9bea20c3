/* supervisor.c - see supervisor.h.
 *
 * It owns what must outlive a process: the listening sockets (public, gate, admin), the page of
 * counters, the TLS ticket key. A process that dies finds them again, with everybody who knocked
 * meanwhile still in the backlog. It parses nothing that strangers send. */
#include "cli/capacity.h"
#include "cli/cmd.h"
#include "cli/supervisor_internal.h"
#include "crypto/gate_key.h"
#include "crypto/keys.h"
#include "net/gateway.h"
#include "sys/limits.h"
#include "sys/note.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int64_t supervisor_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

bool has_hall(const struct supervisor *s)
{
    return !s->opts->hall;
}

bool has_gateway(const struct supervisor *s)
{
    return !s->opts->listen_gate;
}

bool has_tunnel(const struct supervisor *s)
{
    return s->opts->hall || s->opts->listen_gate;
}

/* --- what outlives a process -------------------------------------------------------------------
 */

static fail find_paths(struct supervisor *s, struct why *why)
{
    if (!realpath(s->opts->dir, s->dir))
        return fail_errno(why, FAIL_WORLD, "cannot find %s", s->opts->dir);
    snprintf(s->run, sizeof(s->run), "%s/run", s->dir);
    snprintf(s->spec, sizeof(s->spec), "%s/spec.yaml", s->run);
    return FAIL_NONE;
}

static fail open_sockets(struct supervisor *s, struct why *why)
{
    if ((mkdir(s->run, 0711) < 0 && errno != EEXIST) || chmod(s->run, 0711) < 0)
        return fail_errno(why, FAIL_WORLD, "cannot make the folder %s", s->run);
    fail f = FAIL_NONE;
    if (has_hall(s))
        f = listen_unix(s->run, "admin.sock", 0600, &s->admin, why);
    if (!f && has_hall(s))
        f = listen_unix(s->run, "serve.sock", 0600, &s->control, why);
    if (!f) /* the gateway has no rights; what it sends carries its own proof */
        f = listen_unix(s->run, "gate.sock", 0666, &s->gate, why);
    if (!f && has_gateway(s) && strcmp(s->opts->listen, "none") != 0)
        f = listen_tcp(s->opts->listen, &s->tls, why);
    if (!f && has_gateway(s) && s->opts->listen_plain)
        f = listen_tcp(s->opts->listen_plain, &s->plain, why);
    if (!f && s->opts->listen_gate)
        f = listen_tcp(s->opts->listen_gate, &s->far, why);
    if (!f && s->opts->listen_probes)
        f = listen_tcp(s->opts->listen_probes, &s->probes, why);
    return f;
}

/* A hall that is started again in mid-exam must find the spec it began with, whatever somebody is
 * writing into the file meanwhile. */
static fail keep_spec(struct supervisor *s, struct why *why)
{
    struct arena arena = arena_make(4 * MIB);
    str text = STR_NONE;
    fail f = file_read(s->opts->spec, MIB, &arena, &text, why);
    FILE *file = f ? NULL : fopen(s->spec, "we");
    bool kept = file && fwrite(text.p, 1, text.n, file) == text.n;
    if (file)
        kept &= fclose(file) == 0;
    if (!f && !kept)
        f = fail_errno(why, FAIL_WORLD, "cannot write %s", s->spec);
    arena_fini(&arena);
    return f;
}

/* Also the page of the program before: one that counts otherwise was refused (upgrade.c). */
static fail map_page(struct supervisor *s, struct why *why)
{
    s->page =
        mmap(NULL, sizeof(struct gateway_stats), PROT_READ | PROT_WRITE, MAP_SHARED, s->stats, 0);
    return s->page != MAP_FAILED ? FAIL_NONE
                                 : fail_errno(why, FAIL_WORLD, "cannot map shared memory");
}

/* Memory that the gateways and the hall share. */
static fail open_page(struct supervisor *s, struct why *why)
{
    size_t n = sizeof(struct gateway_stats);
    s->stats = memfd_create("gateway-stats", MFD_CLOEXEC);
    if (s->stats < 0 || ftruncate(s->stats, (off_t)n) < 0)
        return fail_errno(why, FAIL_WORLD, "cannot make shared memory");
    return map_page(s, why);
}

/* The key is in memory too: it must not stand in argv. */
static fail keep_ticket_key(struct supervisor *s, const void *key, struct why *why)
{
    s->ticket = memfd_create("ticket-key", MFD_CLOEXEC);
    if (s->ticket < 0 ||
        write(s->ticket, key, GATEWAY_TICKET_KEY_BYTES) != GATEWAY_TICKET_KEY_BYTES)
        return fail_errno(why, FAIL_WORLD, "cannot keep the ticket key in memory");
    return FAIL_NONE;
}

/* Also the check, before anything starts, that the keys can be read. A gateway alone has none of
 * the hall's. */
static fail open_ticket_key(struct supervisor *s, struct why *why)
{
    struct keys keys;
    struct gate_key gate_key;
    fail f = has_tunnel(s) ? gate_key_load(&gate_key, s->opts->gate_key, why) : FAIL_NONE;
    if (!f && has_hall(s))
        f = keys_load(&keys, s->opts->dir, why);
    if (!f)
        f = keep_ticket_key(s, has_hall(s) ? keys.ticket : gate_key.ticket, why);
    gate_key_fini(&gate_key);
    keys_fini(&keys);
    return f;
}

/* --- the loop ----------------------------------------------------------------------------------
 */

/* How many connections there may be is known once a hall has opened its log: the page says so. */
static fail size_gateway(struct supervisor *s, struct why *why)
{
    struct machine machine;
    int64_t roster = has_hall(s) ? (int64_t)atomic_load(&s->page->roster) : s->opts->candidates;
    struct capacity_need need = { .roster = roster,
                                  .reactors = (unsigned)s->opts->reactors,
                                  .beside_hall = has_hall(s),
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

static void start_if_due(struct supervisor *s, struct child *child)
{
    if (!child->pid && child->restart_ms <= supervisor_now_ms())
        child_start(s, child);
}

static fail start_due(struct supervisor *s, struct why *why)
{
    if (has_tunnel(s))
        start_if_due(s, &s->tunnel);
    if (has_hall(s))
        start_if_due(s, &s->hall);
    if (!has_gateway(s))
        return FAIL_NONE;
    if (!s->connections && (s->hall.is_ready || !has_hall(s))) {
        fail f = size_gateway(s, why);
        if (f)
            return f;
    }
    if (s->connections)
        start_if_due(s, &s->gateway);
    return FAIL_NONE;
}

/* Do all that belong here run, and are they ready? */
static bool all_are(const struct supervisor *s, bool ready)
{
    const struct child *wanted[] = { has_tunnel(s) ? &s->tunnel : NULL,
                                     has_hall(s) ? &s->hall : NULL,
                                     has_gateway(s) ? &s->gateway : NULL };
    for (size_t i = 0; i < COUNT(wanted); i++)
        if (wanted[i] && (!wanted[i]->pid || (ready && !wanted[i]->is_ready)))
            return false;
    return true;
}

static void greet(const struct supervisor *s)
{
    const char *port = strrchr(s->opts->listen, ':');
    note("info", has_hall(s) ? "hall.ready" : "gateway.ready", "\"listen\":\"%s\"",
         has_gateway(s) ? s->opts->listen : s->opts->listen_gate);
    if (s->opts->quiet || s->tls < 0 || has_tunnel(s))
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

/* True when it is told to stop. */
static bool wait_for_news(const struct supervisor *s, int patience_ms)
{
    struct signalfd_siginfo info;
    struct pollfd fds[] = {
        { .fd = s->signals, .events = POLLIN },      { .fd = s->control, .events = POLLIN },
        { .fd = s->hall.ready, .events = POLLIN },   { .fd = s->gateway.ready, .events = POLLIN },
        { .fd = s->tunnel.ready, .events = POLLIN }, { .fd = s->next.ready, .events = POLLIN }
    };
    bool stop = false;
    poll(fds, COUNT(fds), patience_ms);
    while (read(s->signals, &info, sizeof(info)) == sizeof(info))
        stop |= info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT;
    return stop;
}

static fail loop(struct supervisor *s, struct why *why)
{
    for (;;) {
        fail f = start_due(s, why);
        upgrade_go(s);
        /* Somebody is to be started again soon, or news is not worth waiting for. */
        bool waits = !all_are(s, false) || s->upgrade.step == UPGRADE_WAITS;
        if (!f && wait_for_news(s, waits ? 5 : 200))
            return FAIL_NONE;
        if (!f)
            f = children_reap(s, why);
        if (f)
            return f;
        children_check_ready(s);
        if (!s->is_ready && all_are(s, true)) {
            s->is_ready = true;
            greet(s);
        }
        upgrade_asked(s);
    }
}

/* --- beginning and end -------------------------------------------------------------------------
 */

static fail open_signals(struct supervisor *s, struct why *why)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    s->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return s->signals >= 0 ? FAIL_NONE : fail_errno(why, FAIL_WORLD, "cannot wait for signals");
}

static fail begin(struct supervisor *s, struct why *why)
{
    fail f = open_page(s, why);
    if (!f)
        f = open_ticket_key(s, why);
    if (!f)
        f = open_sockets(s, why);
    return f || !has_hall(s) ? f : keep_spec(s, why);
}

/* After another program, in the same process. */
static fail resume(struct supervisor *s, struct why *why)
{
    fail f = handover_take(s, s->opts->handover, why);
    return f ? f : map_page(s, why);
}

static void remove_sockets(const struct supervisor *s)
{
    static const char *const names[] = { "admin.sock", "gate.sock", "serve.sock" };
    char path[4400];
    for (size_t i = 0; i < COUNT(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", s->run, names[i]);
        unlink(path);
    }
}

fail supervisor_run(const struct supervisor_opts *opts, struct why *why)
{
    struct supervisor s = { .opts = opts,
                            .tls = -1,
                            .plain = -1,
                            .gate = -1,
                            .admin = -1,
                            .control = -1,
                            .probes = -1,
                            .far = -1,
                            .hall = { .name = "hall", .ready = -1 },
                            .gateway = { .name = "gateway", .ready = -1 },
                            .tunnel = { .name = "tunnel", .ready = -1 },
                            .next = { .name = "gateway", .ready = -1 },
                            .upgrade = { .asker = -1, .program = -1, .probe = { .fd = -1 } },
                            .previous = { .fd = -1 } };
    /* A hall holds a socket for each class of each reactor of each gateway, a tunnel two: in a
     * cluster more than the soft limit, which most systems leave at 1,024. Children inherit it. */
    limits_files();
    fail f = find_paths(&s, why);
    if (!f)
        f = open_signals(&s, why);
    if (!f)
        f = (opts->handover >= 0 ? resume : begin)(&s, why);
    if (f)
        return f;
    f = loop(&s, why);
    s.stopping = true;
    if (!f)
        drain(&s);
    children_stop(&s);
    remove_sockets(&s);
    return f;
}
