/* gateway.c - see gateway.h: chooses how many reactors, starts them, stops them.
 *
 * The limit on open files is one of a descriptor table. A reactor that has more clients keeps them
 * in rings (net_ring.h); where there are none, each of several reactors gets a table of its own
 * (unshare): twenty of them hold twenty times as many connections. */
#include "net/gateway.h"

#include "net/confine.h"
#include "net/net_ring.h"
#include "net/reactor.h"
#include "sys/limits.h"
#include "sys/pace.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* All reactors together may leave so many requests of a class with the hall: a fraction of a second
 * of its work, and enough to fill its batches. */
#define WINDOW_ALL 4096
#define WINDOW_MIN 64

/* While the hall owes several replies, rounds are so far apart: a wake-up, and a write to the hall,
 * cost more than a request more in them does (docs/adr/0003). */
#define REST_US 1000

static const struct gateway_limits defaults = {
    .handshake_ms = 5000,
    .head_ms = 5000,
    .body_ms = 10000,
    .write_ms = 10000,
    .idle_ms = 120000, /* candidates send a heartbeat after 60 to 90 s without a word */
    .hold_ms = 30000,
    .linger_ms = 2000,
    .drain_ms = 8000, /* below the 10 s after which the supervisor kills */
    .leave_ms = 100000,
    .leave_per_s = 1000, /* all reactors together: in TLS that is half a core of handshakes */
    .rate_bytes_per_s = 500,
    .head_bytes_max = 8 * KIB,
    .reply_bytes_max = GATEWAY_REPLY_BYTES_MAX,
    .sends_max = 8,
};

static struct gateway_limits limits_of(const struct gateway_opts *opts)
{
    struct gateway_limits limits = opts->limits;
    const uint32_t *from = (const uint32_t *)&defaults;
    uint32_t *to = (uint32_t *)&limits;
    for (size_t i = 0; i < sizeof(limits) / sizeof(*to); i++)
        if (!to[i])
            to[i] = from[i];
    return limits;
}

/* -- one reactor's thread ------------------------------------------------------------------ */

enum places {
    PLACES_SHARED, /* clients are in the one descriptor table of all reactors */
    PLACES_TABLE,  /* in a table of this reactor's own */
    PLACES_RINGS,
};

struct worker {
    pthread_t thread;
    const struct gateway_opts *opts;
    const struct gateway_limits *limits;
    struct gateway_row *row;
    struct tls *tls;
    unsigned conn_max;
    enum places places;
    struct net_real real;   /* but for PLACES_RINGS */
    struct net_ring *rings; /* for them */
    int core;               /* -1: any */
    fail failure;
    struct why why;
};

static _Atomic unsigned not_ready; /* reactors that do not accept yet */
/* Eventfds: readable from the first stop, or leave, on; for all reactors. */
static int stop_event = -1, leave_event = -1;

static void tell_all(int event)
{
    uint64_t one = 1;
    int saved = errno;
    if (write(event, &one, sizeof(one)) < 0) {
        /* it is full of ones: told already */
    }
    errno = saved;
}

/* The last reactor to come up tells the supervisor. */
static void say_ready(const struct gateway_opts *opts)
{
    if (atomic_fetch_sub(&not_ready, 1) == 1 && opts->ready_fd >= 0 &&
        write(opts->ready_fd, "r", 1) < 0) {
        /* nobody waits for it */
    }
}

static fail net_open(struct worker *worker, struct net **net)
{
    if (worker->places == PLACES_RINGS) {
        fail f = net_ring_new(&worker->rings, worker->conn_max, limits_files(), &worker->why);
        *net = f ? NULL : net_ring_net(worker->rings);
        return f;
    }
    if (worker->places == PLACES_TABLE && unshare(CLONE_FILES))
        return fail_errno(&worker->why, FAIL_WORLD, "Cannot get a descriptor table");
    *net = &worker->real.net;
    return net_real_init(&worker->real, &worker->why);
}

static void net_shut(struct worker *worker)
{
    if (worker->places == PLACES_RINGS)
        net_ring_free(worker->rings);
    else
        net_real_fini(&worker->real);
}

static fail worker_serve(struct worker *worker)
{
    struct net *net = NULL;
    if (worker->core >= 0)
        pace_on_core((unsigned)worker->core);
    fail f = net_open(worker, &net);
    if (!f && !worker->opts->keep_rights)
        f = confine_thread(worker->places == PLACES_RINGS, &worker->why);
    if (f)
        return f;
    struct reactor reactor;
    reactor_init(&reactor, net, worker->opts, worker->limits, worker->conn_max, worker->tls,
                 worker->row);
    reactor_round(&reactor, 0);
    say_ready(worker->opts);
    struct pace pace = { .period_us = REST_US };
    while (reactor_round(&reactor, 1000)) {
        pace.worked = reactor.waiting > 1;
        pace.began_us = reactor.now_us; /* a round that took longer than a beat has no rest */
        pace_rest(&pace);
    }
    reactor_fini(&reactor);
    net_shut(worker);
    return FAIL_NONE;
}

static void *worker_run(void *arg)
{
    struct worker *worker = arg;
    worker->failure = worker_serve(worker);
    if (worker->failure)
        tell_all(stop_event);
    return NULL;
}

/* -- starting ------------------------------------------------------------------------------ */

/* As many as cores; and, without rings, as many tables as the connections need. */
static unsigned reactors_of(const struct gateway_opts *opts, unsigned table)
{
    unsigned tables = opts->connections_max / table + 1;
    if (opts->connections_max <= net_ring_most(table) && net_ring_is_given())
        tables = 1;
    unsigned count = opts->reactors ? opts->reactors : MAX(limits_cores(), tables);
    return MIN(MAX(count, 1), GATEWAY_REACTORS_MAX);
}

/* Containers' usual system call filters refuse it; then all reactors share one table. Here, in a
 * process without threads, it changes nothing. */
static bool tables_are_given(void)
{
    return unshare(CLONE_FILES) == 0;
}

static fail listener_ready(int fd, struct why *why)
{
    if (fd < 0)
        return FAIL_NONE;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)); /* inherited by accept */
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
        return fail_errno(why, FAIL_WORLD, "Descriptor %d is no listening socket", fd);
    return FAIL_NONE;
}

static void on_signal(int number)
{
    tell_all(number == SIGUSR1 ? leave_event : stop_event);
}

static fail signals_ready(struct why *why)
{
    stop_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    leave_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop_event < 0 || leave_event < 0)
        return fail_errno(why, FAIL_WORLD, "Cannot make a descriptor to stop by");
    signal(SIGPIPE, SIG_IGN);
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    return FAIL_NONE;
}

static struct gateway_stats *stats_ready(const struct gateway_opts *opts, unsigned count)
{
    struct gateway_stats *stats = opts->stats ? opts->stats : calloc(1, sizeof(*stats));
    must(stats);
    unsigned end = opts->first_row + count;
    must(end <= GATEWAY_ROWS_MAX);
    for (unsigned i = opts->first_row; i < end; i++) { /* what an earlier gateway held is gone */
        atomic_store(&stats->rows[i].open, 0);
        atomic_store(&stats->rows[i].waiting, 0);
    }
    if (atomic_load(&stats->rows_used) < end)
        atomic_store(&stats->rows_used, end);
    atomic_store(&stats->magic, GATEWAY_STATS_MAGIC);
    return stats;
}

static fail tls_ready(const struct gateway_opts *opts, struct worker *workers, unsigned count,
                      struct why *why)
{
    unsigned char key[GATEWAY_TICKET_KEY_BYTES];
    if (opts->tls_fd < 0)
        return FAIL_NONE;
    if (opts->ticket_key)
        memcpy(key, opts->ticket_key, sizeof(key));
    else
        must(getrandom(key, sizeof(key), 0) == sizeof(key));
    fail f = FAIL_NONE;
    for (unsigned i = 0; i < count && !f; i++)
        f = tls_new(&workers[i].tls, opts->cert_path, opts->key_path, key, why);
    explicit_bzero(key, sizeof(key));
    return f;
}

/* -- running ------------------------------------------------------------------------------- */

/* Also returns when the gateway leaves: then the reactors end by themselves, each when its last
 * connection is gone. */
static void wait_for_end(const struct gateway_opts *opts)
{
    struct pollfd fds[] = { { .fd = stop_event, .events = POLLIN },
                            { .fd = opts->stop_fd, .events = POLLIN },
                            { .fd = leave_event, .events = POLLIN },
                            { .fd = opts->leave_fd, .events = POLLIN } };
    while (poll(fds, COUNT(fds), -1) <= 0) {
    }
    if (fds[0].revents || fds[1].revents)
        tell_all(stop_event);
    else
        tell_all(leave_event);
}

static fail workers_run(struct worker *workers, unsigned count, const struct gateway_opts *opts,
                        struct why *why)
{
    fail f = FAIL_NONE;
    unsigned started = 0;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 512 * KIB);
    for (; started < count && !f; started++)
        if (pthread_create(&workers[started].thread, &attr, worker_run, &workers[started]))
            f = fail_set(why, FAIL_WORLD, "Cannot start reactor %u of %u.", started + 1, count);
    pthread_attr_destroy(&attr);
    started -= f != FAIL_NONE;
    if (!f && !opts->keep_rights)
        f = confine_thread(false, why);
    if (f)
        tell_all(stop_event);
    else
        wait_for_end(opts);
    for (unsigned i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        if (workers[i].failure && !f) {
            f = workers[i].failure;
            *why = workers[i].why;
        }
    }
    return f;
}

/* Where the clients of each of `count` reactors are, and at most how many: *each. */
static enum places places_choose(unsigned count, const struct gateway_opts *opts, unsigned files,
                                 unsigned *each)
{
    bool tables = count > 1 && tables_are_given();
    unsigned shared = (files - MIN(count * GATEWAY_DESCRIPTORS_SPARE, files / 2)) / count;
    unsigned most = tables ? files - GATEWAY_DESCRIPTORS_SPARE : shared;
    unsigned wanted = (opts->connections_max + count - 1) / count;
    *each = wanted ? wanted : most;
    if (*each <= most)
        return tables ? PLACES_TABLE : PLACES_SHARED;
    if (wanted <= net_ring_most(files) && net_ring_is_given())
        return PLACES_RINGS;
    *each = most;
    return tables ? PLACES_TABLE : PLACES_SHARED;
}

/* Gives how many connections all of them take. */
static unsigned workers_share(struct worker *workers, unsigned count,
                              const struct gateway_opts *opts, const struct gateway_limits *limits,
                              unsigned files)
{
    unsigned each;
    enum places places = places_choose(count, opts, files, &each);
    for (unsigned i = 0; i < count; i++) {
        workers[i].opts = opts;
        workers[i].limits = limits;
        workers[i].row = &opts->stats->rows[opts->first_row + i];
        workers[i].conn_max = each;
        workers[i].places = places;
        workers[i].core = count > limits_cores() ? (int)i : -1;
    }
    return count * each;
}

fail gateway_run(const struct gateway_opts *opts, struct why *why)
{
    struct gateway_limits limits = limits_of(opts);
    struct gateway_opts inner = *opts;
    unsigned files = limits_files();
    if (files <= 2 * GATEWAY_DESCRIPTORS_SPARE)
        return fail_set(why, FAIL_WORLD, "No more than %u files may be open; raise it: ulimit -n",
                        files);
    unsigned count = reactors_of(opts, files - GATEWAY_DESCRIPTORS_SPARE);
    struct gateway_stats *stats = inner.stats = stats_ready(opts, count);
    struct worker *workers = calloc(count, sizeof(*workers));
    must(workers);
    if (!limits.window)
        limits.window = MAX(WINDOW_ALL / count, WINDOW_MIN);
    if (count > limits_cores())
        pace_behind_hall();
    fail f = signals_ready(why);
    if (!f)
        f = listener_ready(opts->tls_fd, why);
    if (!f)
        f = listener_ready(opts->plain_fd, why);
    if (!f)
        f = listener_ready(opts->probe_fd, why);
    if (!f)
        f = tls_ready(opts, workers, count, why);
    if (!f && !opts->keep_rights)
        f = confine_process(why);
    if (f)
        goto out;
    inner.stop_fd = stop_event;
    inner.leave_fd = leave_event;
    limits.leave_per_s = (limits.leave_per_s + count - 1) / count;
    atomic_store(&not_ready, count);
    unsigned conn_max = workers_share(workers, count, &inner, &limits, files);
    gateway_log(opts, "info", "gateway.started",
                "\"pid\":%d,\"reactors\":%u,\"connections_max\":%u", (int)getpid(), count,
                conn_max);
    if (conn_max < opts->connections_max)
        gateway_log(opts, "warn", "gateway.smaller",
                    "\"asked\":%u,\"connections_max\":%u,\"set\":\"--reactors, or ulimit -Hn\"",
                    opts->connections_max, conn_max);
    f = workers_run(workers, count, opts, why);
    gateway_log(opts, "info", "gateway.stopped", "\"pid\":%d", (int)getpid());
out:
    for (unsigned i = 0; i < count; i++)
        tls_free(workers[i].tls);
    free(workers);
    close(stop_event);
    close(leave_event);
    if (!opts->stats)
        free(stats);
    return f;
}
