/* reactor.c - see reactor.h: the loop itself, accepting, deadlines, stopping. */
#include "net/reactor.h"
#include "base/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX      256
#define PROBES_SPARE    16u
#define ACCEPTS_MAX     32     /* in one round: others wait for their replies */
#define ACCEPT_PAUSE_US 100000 /* after the descriptors ran out */
#define HALL_WAIT_MS    20     /* how often a lost hall is tried */
#define TICK_MS         250    /* deadlines are late by at most this */
#define LEAVE_BURST_US  100000 /* of pace that was not used may be made up for */
#define LEAVE_EASE_US   20000  /* replies that take longer are slow */

void gateway_log(const struct gateway_opts *opts, const char *level, const char *event,
                 const char *format, ...)
{
    if (opts->log_fd < 0)
        return;
    char text[512];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct out line = out_make(KIB);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    out_z(&line, "{\"at\":\"");
    out_time(&line, now.tv_sec * 1000LL + now.tv_nsec / 1000000);
    out_fmt(&line, "\",\"level\":\"%s\",\"process\":\"gateway\",\"event\":\"%s\"%s%s}\n", level,
            event, text[0] ? "," : "", text);
    if (!line.failed && write(opts->log_fd, line.p, line.n) < 0) {
        /* nobody to tell */
    }
    out_fini(&line);
}

uint32_t reactor_now_ms(const struct reactor *reactor)
{
    return (uint32_t)((reactor->now_us - reactor->start_us) / 1000);
}

/* -- accepting ----------------------------------------------------------------------------- */

struct door {
    const char *name;
    int listener;
    unsigned bit;
    uint64_t tag;
};

static void door_shut(struct reactor *reactor, const struct door *door)
{
    reactor->net->unwatch(reactor->net, door->listener);
    reactor->doors &= ~door->bit;
}

/* One that the kernel has no memory to watch stays shut until a later round asks again. */
static void door_open(struct reactor *reactor, const struct door *door)
{
    if (reactor->net->watch(reactor->net, door->listener, door->tag, NET_SHARED)) {
        reactor->doors |= door->bit;
        reactor->doors_refused &= ~door->bit;
        return;
    }
    if (!(reactor->doors_refused & door->bit))
        gateway_log(reactor->opts, "error", "gateway.door_refused", "\"door\":\"%s\"", door->name);
    reactor->doors_refused |= door->bit;
}

/* Listens at these doors and at no others. */
static void listen_at(struct reactor *reactor, unsigned bits)
{
    const struct gateway_opts *opts = reactor->opts;
    const struct door doors[] = { { "tls", opts->tls_fd, DOOR_TLS, TAG_TLS },
                                  { "plain", opts->plain_fd, DOOR_PLAIN, TAG_PLAIN },
                                  { "probe", opts->probe_fd, DOOR_PROBE, TAG_PROBE } };
    for (size_t i = 0; i < COUNT(doors); i++) {
        bool is_open = reactor->doors & doors[i].bit, wanted = bits & doors[i].bit;
        if (doors[i].listener < 0 || is_open == wanted)
            continue;
        if (wanted)
            door_open(reactor, &doors[i]);
        else
            door_shut(reactor, &doors[i]);
    }
}

/* Some places are for probes alone: a gateway that is full of clients is alive, and must not be
 * killed for it. */
static unsigned places_for(const struct reactor *reactor, unsigned flags)
{
    bool spares = reactor->opts->probe_fd >= 0 && !(flags & CONN_PROBE);
    return reactor->conn_max - (spares ? MIN(PROBES_SPARE, reactor->conn_max / 2) : 0);
}

/* Nobody is accepted while we are full, leaving or stopping, or just ran out of descriptors: the
 * kernel keeps them in its queue. And a handshake takes two turns within handshake_ms: a crowd that
 * is let into their queue at once spends them there, is cut before its second turn, and comes
 * again. In the kernel's queue no time runs out; and the other doors stay open. */
static void listen_if_room(struct reactor *reactor)
{
    bool closed = reactor->stopping || reactor->leaving || reactor->now_us < reactor->accept_at_us;
    bool room = reactor->open < places_for(reactor, 0);
    unsigned doors = room ? DOORS_ALL : DOOR_PROBE;
    if (reactor->handshakes.count >= HANDSHAKES_WAIT)
        doors &= ~(unsigned)DOOR_TLS;
    listen_at(reactor, closed || reactor->open >= reactor->conn_max ? 0 : doors);
}

static void accept_some(struct reactor *reactor, int listener, unsigned flags)
{
    unsigned char peer[16];
    for (int i = 0; i < ACCEPTS_MAX && reactor->open < places_for(reactor, flags); i++) {
        int handle = reactor->net->accept(reactor->net, listener, peer);
        if (handle == NET_AGAIN)
            return;
        if (handle == NET_FULL) {
            reactor->accept_at_us = reactor->now_us + ACCEPT_PAUSE_US;
            gateway_log(reactor->opts, "error", "gateway.no_descriptors", "\"open\":%u",
                        reactor->open);
            return;
        }
        if (handle >= 0)
            conn_open(reactor, handle, peer, flags);
    }
}

/* -- handshakes, a few at a time ------------------------------------------------------------ */

static bool room_for_handshake(struct handshakes *queue)
{
    if (queue->count < queue->cap)
        return true;
    uint32_t cap = MAX(queue->cap * 2, 64), head = queue->cap - queue->first;
    void *ring = realloc(queue->ring, cap * sizeof(*queue->ring));
    if (!ring)
        return false;
    queue->ring = ring;
    if (queue->count && head < queue->count) { /* what had wrapped goes on behind */
        memmove(queue->ring + cap - head, queue->ring + queue->first, head * sizeof(*queue->ring));
        queue->first = cap - head;
    }
    queue->cap = cap;
    return true;
}

void reactor_handshake(struct reactor *reactor, uint32_t number)
{
    struct handshakes *queue = &reactor->handshakes;
    struct conn *conn = conn_at(reactor, number);
    if (conn->flags & CONN_QUEUED)
        return;
    if (!room_for_handshake(queue)) {
        conn_close(reactor, number);
        return;
    }
    uint32_t at = (queue->first + queue->count++) & (queue->cap - 1);
    queue->ring[at].conn = number;
    queue->ring[at].generation = conn->generation;
    conn->flags |= CONN_QUEUED;
}

static void handshake_some(struct reactor *reactor)
{
    struct handshakes *queue = &reactor->handshakes;
    for (int done = 0; queue->count && done < HANDSHAKES_MAX;) {
        uint32_t number = queue->ring[queue->first].conn;
        uint32_t generation = queue->ring[queue->first].generation;
        queue->first = (queue->first + 1) & (queue->cap - 1);
        queue->count--;
        struct conn *conn = conn_at(reactor, number);
        if (conn->generation != generation)
            continue;
        conn->flags &= (uint8_t)~CONN_QUEUED;
        conn_handshake(reactor, number);
        done++;
    }
}

/* -- deadlines ----------------------------------------------------------------------------- */

static void phase_deadlines(struct reactor *reactor, enum phase phase)
{
    uint32_t now_ms = reactor_now_ms(reactor);
    for (;;) {
        uint32_t number = reactor->lists[phase].first;
        if (number == NO_CONN || (int32_t)(now_ms - conn_at(reactor, number)->deadline_ms) < 0)
            return;
        conn_late(reactor, number);
    }
}

/* While leaving, silence is held against a connection earlier; all by as much, so the first in the
 * list still is the first to be late. */
static void leave_the_silent(struct reactor *reactor)
{
    uint32_t idle_ms = reactor->limits.idle_ms, leave_ms = MIN(reactor->limits.leave_ms, idle_ms);
    uint32_t now_ms = reactor_now_ms(reactor);
    for (;;) {
        uint32_t number = reactor->lists[PHASE_IDLE].first;
        if (number == NO_CONN ||
            (int32_t)(now_ms + idle_ms - leave_ms - conn_at(reactor, number)->deadline_ms) < 0 ||
            !reactor_lets_go(reactor))
            return;
        conn_close(reactor, number);
    }
}

static void deadlines(struct reactor *reactor)
{
    if (reactor->leaving)
        leave_the_silent(reactor);
    for (enum phase phase = PHASE_HANDSHAKE; phase < PHASE_COUNT; phase++)
        phase_deadlines(reactor, phase);
    for (size_t i = 0; i < GATEWAY_CLASSES; i++)
        pipe_expire(reactor, &reactor->pipes[i]);
}

/* -- leaving and stopping ------------------------------------------------------------------- */

void reactor_leave(struct reactor *reactor)
{
    if (reactor->leaving || reactor->stopping)
        return;
    reactor->leaving = true;
    reactor->leave_at_us = reactor->now_us;
    listen_at(reactor, 0);
    /* Whoever knocked in between woke us alone: our successor was not told. */
    if (reactor->opts->tls_fd >= 0)
        accept_some(reactor, reactor->opts->tls_fd, CONN_TLS);
    if (reactor->opts->plain_fd >= 0)
        accept_some(reactor, reactor->opts->plain_fd, 0);
}

/* Not more in a second than our successor takes in with ease, and a tenth of that while replies
 * are slow: who moves costs as much as several saves, and candidates go first. A client that is not
 * let go now will be at one of its next replies. */
bool reactor_lets_go(struct reactor *reactor)
{
    if (reactor->stopping)
        return true;
    if (!reactor->leaving || reactor->leave_at_us > reactor->now_us)
        return false;
    int64_t step_us = 1000000 / MAX(reactor->limits.leave_per_s, 1);
    if (reactor->reply_us > LEAVE_EASE_US)
        step_us *= 10;
    reactor->leave_at_us = MAX(reactor->leave_at_us, reactor->now_us - LEAVE_BURST_US) + step_us;
    return true;
}

static void close_phase(struct reactor *reactor, enum phase phase)
{
    while (reactor->lists[phase].first != NO_CONN)
        conn_close(reactor, reactor->lists[phase].first);
}

void reactor_stop(struct reactor *reactor)
{
    if (reactor->stopping)
        return;
    reactor->stopping = true;
    reactor->drain_at_us = reactor->now_us + (int64_t)reactor->limits.drain_ms * 1000;
    listen_at(reactor, 0);
    close_phase(reactor, PHASE_IDLE);
    close_phase(reactor, PHASE_HANDSHAKE);
}

/* -- the loop ------------------------------------------------------------------------------ */

static void dispatch(struct reactor *reactor, const struct net_event *event)
{
    uint64_t kind = event->tag & TAG_KIND;
    if (kind == TAG_PLAIN) {
        accept_some(reactor, reactor->opts->plain_fd, 0);
    } else if (kind == TAG_TLS) {
        accept_some(reactor, reactor->opts->tls_fd, CONN_TLS);
    } else if (kind == TAG_PROBE) {
        accept_some(reactor, reactor->opts->probe_fd, CONN_PROBE);
    } else if (kind == TAG_STOP) {
        reactor->net->unwatch(reactor->net, reactor->opts->stop_fd);
        reactor_stop(reactor);
    } else if (kind == TAG_LEAVE) {
        reactor->net->unwatch(reactor->net, reactor->opts->leave_fd);
        reactor_leave(reactor);
    } else if (kind == TAG_PIPE) {
        pipe_event(reactor, &reactor->pipes[event->tag & 0xff], event->what);
    } else {
        uint32_t number = (uint32_t)event->tag;
        const struct conn *conn = conn_at(reactor, number);
        if (conn->phase != PHASE_FREE && conn_tag(number, conn) == event->tag)
            conn_event(reactor, number, event->what);
    }
}

static int patience_ms(const struct reactor *reactor, int timeout_ms)
{
    if (reactor->handshakes.count)
        return 0;
    for (size_t i = 0; i < GATEWAY_CLASSES; i++)
        if (reactor->pipes[i].handle < 0 && reactor->pipes[i].count)
            return MIN(timeout_ms, HALL_WAIT_MS);
    bool shut = !reactor->doors || reactor->doors_refused;
    return reactor->open || shut ? MIN(timeout_ms, TICK_MS) : timeout_ms;
}

static void flush(struct reactor *reactor)
{
    for (size_t i = 0; i < GATEWAY_CLASSES; i++)
        pipe_flush(reactor, &reactor->pipes[i]);
}

bool reactor_round(struct reactor *reactor, int timeout_ms)
{
    struct net_event events[EVENTS_MAX];
    listen_if_room(reactor);
    int n = reactor->net->wait(reactor->net, events, EVENTS_MAX, patience_ms(reactor, timeout_ms));
    reactor->now_us = reactor->net->mono_us(reactor->net);
    for (int i = 0; i < n; i++)
        dispatch(reactor, &events[i]);
    /* Epoll tells in turn of all that is ready. Where clients are more than a round takes, replies
     * would have theirs once in all of them, and the hall wait for us to read. */
    for (size_t i = 0; i < GATEWAY_CLASSES && n == EVENTS_MAX; i++)
        pipe_poll(reactor, &reactor->pipes[i]);
    deadlines(reactor);
    flush(reactor);
    handshake_some(reactor);
    flush(reactor); /* what came with the end of a handshake */
    atomic_store_explicit(&reactor->row->waiting, reactor->waiting, memory_order_relaxed);
    if (reactor->stopping)
        return reactor->open && reactor->now_us < reactor->drain_at_us;
    return !reactor->leaving || reactor->open;
}

void reactor_init(struct reactor *reactor, struct net *net, const struct gateway_opts *opts,
                  const struct gateway_limits *limits, unsigned conn_max, struct tls *tls,
                  struct gateway_row *row)
{
    *reactor = (struct reactor){
        .net = net,
        .opts = opts,
        .limits = *limits,
        .row = row,
        .tls = tls,
        .conns = table_new_huge(conn_max, sizeof(struct conn)),
        .conn_max = conn_max,
        .free = NO_CONN,
        .scratch = malloc(SCRATCH_BYTES),
        .plain = malloc(SCRATCH_BYTES + TLS_RECORD_BYTES_MAX),
        .step = malloc(CIPHER_STEP),
        .pipe_scratch = malloc(PIPE_SCRATCH_BYTES),
    };
    must(reactor->scratch && reactor->plain && reactor->step && reactor->pipe_scratch);
    reactor->start_us = reactor->now_us = net->mono_us(net);
    for (size_t i = 0; i < PHASE_COUNT; i++)
        reactor->lists[i] = (struct list){ NO_CONN, NO_CONN };
    for (size_t i = 0; i < GATEWAY_CLASSES; i++)
        pipe_init(&reactor->pipes[i], i, limits->reply_bytes_max);
    if (opts->stop_fd >= 0)
        must(net->watch(net, opts->stop_fd, TAG_STOP, NET_LEVEL));
    if (opts->leave_fd >= 0)
        must(net->watch(net, opts->leave_fd, TAG_LEAVE, NET_LEVEL));
}

void reactor_fini(struct reactor *reactor)
{
    listen_at(reactor, 0);
    for (enum phase phase = PHASE_WAIT; phase < PHASE_COUNT; phase++)
        close_phase(reactor, phase);
    for (size_t i = 0; i < GATEWAY_CLASSES; i++)
        pipe_fini(reactor, &reactor->pipes[i]);
    table_free(reactor->conns, reactor->conn_max, sizeof(*reactor->conns));
    free(reactor->handshakes.ring);
    free(reactor->scratch);
    free(reactor->plain);
    free(reactor->step);
    free(reactor->pipe_scratch);
}
