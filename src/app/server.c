/* server.c - the hall's loop: read what came, answer it, make it durable, let the replies go.
 *
 * A round: every readable connection is drained and its requests are run to their ends; replies are
 * appended to the connection's `held` bytes, and a mark says which log offset must be durable
 * before they may leave; then the log is flushed, once for the whole round. When the log wakes us,
 * the marks that have become true are sent. So a thousand saves that arrive together share one
 * fdatasync, one wake-up and a few writes; and where many ask, the loop rests between rounds, so
 * that they do arrive together (`rest`). Replies leave in the order of requests. A signature that
 * a reply promises is made by the signer's thread in that time, and is a second thing a mark waits
 * for.
 *
 * A request whose job runs on the worker holds its own connection back, and no other: the gateway
 * keeps staff requests on a connection of their own. */
#include "app/server.h"
#include "app/signer.h"
#include "app/worker.h"
#include "sys/note.h"
#include "sys/pace.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES      (256 * KIB)
#define IN_BYTES_MAX    (96 * MIB)  /* the operator's largest body and more */
#define HELD_BYTES_MAX  (256 * MIB) /* no reply is so large */
#define HELD_BYTES_FULL (16 * MIB)  /* while so much waits for the peer, nothing more is run */
#define GONE_BYTES_MAX  MIB         /* of what was sent: kept until all is sent, or this much */
#define ROUND_READS_MAX 8           /* chunks of one connection before the others get their turn */
#define PROBES_MAX      32          /* connections; the oldest gives way */
#define TICK_MS         100
#define BEAT_US         2000
#define ACCEPT_PAUSE_US 100000 /* after the descriptors ran out */

struct mark {
    uint64_t barrier; /* the log must be durable up to here, */
    uint64_t ticket;  /* and signatures written up to this one */
    uint64_t end;     /* of the bytes in held that wait for both */
};

struct conn {
    int fd;
    bool admin, probe, broken;
    bool unwatched;   /* broken, and out of epoll */
    uint32_t watched; /* epoll events */
    struct out in, held;
    size_t in_done; /* of `in`: requests already run */
    /* Places in all that is ever replied: where `held` begins; what is gone; what is durable. */
    uint64_t base, sent, due;
    struct mark *marks;
    size_t mark_first, mark_count, mark_cap;
    struct exchange *busy;   /* a job of ours runs on the worker */
    unsigned unsigned_count; /* signatures on their way into held */
    struct conn *next;
};

struct server {
    struct hall *hall;
    struct log *log;
    struct server_opts opts;
    struct worker *worker;
    struct signer *signer;
    uint64_t tickets, signed_to; /* signatures given to the signer; written */
    int epoll;
    struct conn *conns;
    struct exchange *spare; /* the exchange of the request at hand */
    struct pace pace;
    unsigned asked; /* requests in this round */
    bool stop;
    bool starved;         /* no descriptor was left for who knocked last */
    bool paused;          /* nobody is accepted */
    bool blocked;         /* a reply waits until its peer reads */
    bool more;            /* the tick had more to do than it may at once */
    bool again;           /* requests were run after the log was flushed */
    int64_t accept_at_us; /* while paused: until then */
    int64_t tick_at_us;
};

/* Epoll carries a pointer: a conn, or one of these for what is not one. */
static char gate_tag, admin_tag, probe_tag, log_tag, worker_tag, signer_tag, stop_tag;

static void watch(struct server *server, int fd, uint32_t events, void *ptr)
{
    struct epoll_event event = { .events = events, .data.ptr = ptr };
    if (fd >= 0)
        must(epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

/* --- replies -----------------------------------------------------------------------------------
 */

static uint64_t held_end(const struct conn *conn)
{
    return conn->base + conn->held.n;
}

static char *held_at(const struct conn *conn, uint64_t place)
{
    return conn->held.p + (place - conn->base);
}

/* The peer reads more slowly than it asks, or is a probe that did not wait for its answer. Its next
 * requests wait where they are. */
static bool is_full(const struct conn *conn)
{
    return held_end(conn) - conn->sent > (conn->probe ? 0 : HELD_BYTES_FULL);
}

/* Gives back what was sent. In a busy hall `held` is never empty: some reply always waits. */
static void held_trim(struct conn *conn)
{
    size_t gone = conn->sent - conn->base, left = conn->held.n - gone;
    if (left && gone < MAX(left, GONE_BYTES_MAX))
        return;
    out_drop(&conn->held, gone);
    conn->base = conn->sent;
}

static void mark(struct conn *conn, uint64_t barrier, uint64_t ticket)
{
    if (conn->mark_count) {
        struct mark *last = &conn->marks[conn->mark_first + conn->mark_count - 1];
        if (last->barrier >= barrier && last->ticket >= ticket) {
            last->end = held_end(conn);
            return;
        }
    }
    if (conn->mark_first + conn->mark_count == conn->mark_cap) {
        if (conn->mark_first > conn->mark_cap / 2) {
            memmove(conn->marks, conn->marks + conn->mark_first,
                    conn->mark_count * sizeof(struct mark));
            conn->mark_first = 0;
        } else {
            conn->mark_cap = MAX(conn->mark_cap * 2, 16);
            conn->marks = realloc(conn->marks, conn->mark_cap * sizeof(struct mark));
            must(conn->marks);
        }
    }
    conn->marks[conn->mark_first + conn->mark_count++] =
        (struct mark){ barrier, ticket, held_end(conn) };
}

static struct exchange *exchange_new(void)
{
    struct exchange *exchange = malloc(sizeof(*exchange));
    must(exchange);
    exchange_init(exchange);
    return exchange;
}

static void exchange_free(struct exchange *exchange)
{
    exchange_fini(exchange);
    free(exchange);
}

/* The ticket of the signature that the reply waits for, 0 when for none. */
static uint64_t ask_signature(struct server *server, struct conn *conn, struct exchange *exchange)
{
    const struct req *req = &exchange->req;
    uint64_t at = held_end(conn) - exchange->body.n + req->sign_at;
    if (!req->sign_line.n || conn->broken)
        return 0;
    if (signer_give(server->signer, req->sign_line, conn, at)) {
        conn->unsigned_count++;
        return ++server->tickets;
    }
    exchange_sign(exchange);
    memcpy(held_at(conn, at), exchange->body.p + req->sign_at, SIGNATURE_DIGITS);
    return 0;
}

static void write_signatures(struct server *server)
{
    struct signed_line line;
    while (signer_take(server->signer, &line)) {
        struct conn *conn = line.owner;
        memcpy(held_at(conn, line.at), line.hex, SIGNATURE_DIGITS);
        conn->unsigned_count--;
        server->signed_to++;
    }
}

static void reply(struct server *server, struct conn *conn, struct exchange *exchange)
{
    exchange_write(exchange, &conn->held);
    conn->broken |= conn->held.failed;
    mark(conn, exchange->barrier, ask_signature(server, conn, exchange));
}

/* Moves `due` to the end of what is durable and signed. */
static void advance(const struct server *server, struct conn *conn)
{
    uint64_t durable = log_durable(server->log);
    while (conn->mark_count && conn->marks[conn->mark_first].barrier <= durable &&
           conn->marks[conn->mark_first].ticket <= server->signed_to) {
        conn->due = conn->marks[conn->mark_first].end;
        conn->mark_first++;
        conn->mark_count--;
    }
    if (conn->mark_count == 0)
        conn->mark_first = 0;
}

/* A busy connection is not read: its request's bytes must stay where they are. Nor is a full one.
 */
static void rewatch(struct server *server, struct conn *conn)
{
    uint32_t events =
        (conn->busy || is_full(conn) ? 0 : EPOLLIN) | (conn->sent < conn->due ? EPOLLOUT : 0);
    if (events == conn->watched || conn->broken)
        return;
    struct epoll_event event = { .events = events, .data.ptr = conn };
    must(epoll_ctl(server->epoll, EPOLL_CTL_MOD, conn->fd, &event) == 0);
    conn->watched = events;
}

static void send_due(struct server *server, struct conn *conn)
{
    advance(server, conn);
    while (conn->sent < conn->due) {
        ssize_t n = send(conn->fd, held_at(conn, conn->sent), conn->due - conn->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            conn->broken = true;
        if (n <= 0)
            break;
        conn->sent += (size_t)n;
    }
    held_trim(conn);
    rewatch(server, conn);
}

/* --- requests ----------------------------------------------------------------------------------
 */

/* What probes and Prometheus may ask is asked as the operator; anything else is not there. */
static void probe_rights(struct http_head *head)
{
    if (!str_starts(head->path, STR("/-/")) && !str_eq(head->path, STR("/metrics")))
        head->path = STR("/");
}

/* Runs one request of the connection; false when there is no whole one, or it must wait. */
static bool take_one(struct server *server, struct conn *conn)
{
    if (conn->busy || conn->broken || is_full(conn))
        return false;
    str rest = str_from(out_view(&conn->in), conn->in_done);
    struct http_head head;
    struct exchange *exchange = server->spare;
    if (!rest.n)
        return false;
    int status = http_parse_request(&head, rest, 64 * KIB, &exchange->why);
    if (status == HTTP_MORE)
        return false;
    if (status != HTTP_DONE || head.body_bytes > (conn->probe ? 0 : IN_BYTES_MAX / 2)) {
        /* The gateway sends nothing malformed, and the operator's client neither. */
        conn->broken = true;
        return false;
    }
    if (rest.n < head.head_bytes + head.body_bytes)
        return false;
    exchange_reset(exchange);
    exchange->owner = conn;
    if (conn->probe)
        probe_rights(&head);
    hall_handle(server->hall, exchange, &head, str_of(rest.p + head.head_bytes, head.body_bytes),
                conn->admin || conn->probe);
    conn->in_done += head.head_bytes + head.body_bytes;
    server->asked++;
    if (exchange->done) {
        reply(server, conn, exchange);
        return true;
    }
    conn->busy = exchange;
    rewatch(server, conn);
    server->spare = exchange_new();
    worker_give(server->worker, exchange);
    return false;
}

static void take_all(struct server *server, struct conn *conn)
{
    while (take_one(server, conn))
        ;
    if (conn->busy) /* its request still points into `in`: leave the bytes where they are */
        return;
    if (conn->in_done == conn->in.n) {
        out_clear(&conn->in);
        if (conn->in.cap > 4 * MIB)
            out_fini(&conn->in);
    } else if (conn->in_done > conn->in.n / 2) {
        out_drop(&conn->in, conn->in_done);
    } else {
        return;
    }
    conn->in_done = 0;
}

static void read_conn(struct server *server, struct conn *conn)
{
    for (int reads = 0; reads < ROUND_READS_MAX && !conn->busy && !is_full(conn); reads++) {
        if (!out_reserve(&conn->in, READ_BYTES)) {
            conn->broken = true;
            return;
        }
        ssize_t n = recv(conn->fd, conn->in.p + conn->in.n, READ_BYTES, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0 || (n < 0 && errno != EAGAIN))
            conn->broken = true;
        if (n <= 0)
            return;
        hall_expect(server->hall, str_of(conn->in.p + conn->in.n, (size_t)n));
        conn->in.n += (size_t)n;
        take_all(server, conn);
        if ((size_t)n < READ_BYTES)
            return;
    }
}

static void finish_jobs(struct server *server)
{
    struct exchange *exchange;
    while ((exchange = worker_take(server->worker))) {
        struct conn *conn = exchange->owner;
        hall_job_done(server->hall, exchange);
        if (!exchange->done) { /* it has more to do */
            worker_give(server->worker, exchange);
            continue;
        }
        conn->busy = NULL;
        reply(server, conn, exchange);
        exchange_free(exchange);
        take_all(server, conn);
        rewatch(server, conn);
    }
}

/* --- connections -------------------------------------------------------------------------------
 */

/* Anybody in the cluster may knock there, so idle ones must not keep the others out. */
static void probes_bound(struct server *server)
{
    struct conn *oldest = NULL;
    unsigned count = 0;
    for (struct conn *conn = server->conns; conn; conn = conn->next) {
        if (!conn->probe || conn->broken)
            continue;
        oldest = conn;
        count++;
    }
    if (count > PROBES_MAX)
        oldest->broken = true;
}

static void conn_new(struct server *server, int fd, int listener)
{
    struct conn *conn = calloc(1, sizeof(*conn));
    must(conn);
    conn->fd = fd;
    conn->admin = listener == server->opts.admin_fd;
    conn->probe = listener == server->opts.probe_fd;
    conn->in = out_make(conn->probe ? 2 * READ_BYTES : IN_BYTES_MAX);
    conn->held = out_make(HELD_BYTES_MAX);
    conn->next = server->conns;
    server->conns = conn;
    conn->watched = EPOLLIN;
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event))
        conn->broken = conn->unwatched = true; /* no memory for it: the peer tries again */
    if (conn->probe)
        probes_bound(server);
}

/* All three at once: they stay in epoll, so to listen again cannot fail. */
static void listen_for(struct server *server, uint32_t events)
{
    const struct {
        int fd;
        void *tag;
    } listeners[] = { { server->opts.gate_fd, &gate_tag },
                      { server->opts.admin_fd, &admin_tag },
                      { server->opts.probe_fd, &probe_tag } };
    for (size_t i = 0; i < COUNT(listeners); i++) {
        struct epoll_event event = { .events = events, .data.ptr = listeners[i].tag };
        if (listeners[i].fd >= 0)
            must(epoll_ctl(server->epoll, EPOLL_CTL_MOD, listeners[i].fd, &event) == 0);
    }
    server->paused = !events;
}

/* Whoever knocks stays in the kernel's queue, so the listeners stay readable: a loop that went on
 * to ask them would never sleep. */
static void accept_pause(struct server *server)
{
    struct why why;
    if (!server->starved) {
        fail_ignore(fail_errno(&why, FAIL_STARVED,
                               "nobody new is let in until descriptors are free; raise ulimit -n"),
                    "said here");
        note_fail("hall.no_descriptors", &why);
    }
    server->starved = true;
    server->accept_at_us = clock_mono_us(hall_host(server->hall)->clock) + ACCEPT_PAUSE_US;
    listen_for(server, 0);
}

static void accept_all(struct server *server, int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        conn_new(server, fd, listener);
        server->starved = false;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
        accept_pause(server);
}

static void conn_free(struct conn *conn)
{
    close(conn->fd);
    out_fini(&conn->in);
    out_fini(&conn->held);
    free(conn->marks);
    free(conn);
}

/* A connection whose job still runs stays until the worker gives the job back, and one that waits
 * for a signature until that is written. Closing alone would not end the watching: the child that
 * writes a checkpoint has the socket too, and epoll would go on to give us a pointer to what is
 * freed here. */
static void drop_broken(struct server *server)
{
    for (struct conn **at = &server->conns; *at;) {
        struct conn *conn = *at;
        if (!conn->broken) {
            at = &conn->next;
            continue;
        }
        if (!conn->unwatched)
            must(epoll_ctl(server->epoll, EPOLL_CTL_DEL, conn->fd, NULL) == 0);
        conn->unwatched = true;
        if (conn->busy || conn->unsigned_count) {
            at = &conn->next;
            continue;
        }
        *at = conn->next;
        conn_free(conn);
    }
}

static void log_woke(struct server *server)
{
    uint64_t count;
    fail_ignore(read(log_wake_fd(server->log), &count, sizeof(count)) < 0, "only empties it");
}

static void dispatch(struct server *server, const struct epoll_event *event)
{
    void *ptr = event->data.ptr;
    if (ptr == &gate_tag)
        accept_all(server, server->opts.gate_fd);
    else if (ptr == &admin_tag)
        accept_all(server, server->opts.admin_fd);
    else if (ptr == &probe_tag)
        accept_all(server, server->opts.probe_fd);
    else if (ptr == &log_tag)
        log_woke(server);
    else if (ptr == &worker_tag)
        finish_jobs(server);
    else if (ptr == &signer_tag)
        write_signatures(server);
    else if (ptr == &stop_tag)
        server->stop = true;
    else if ((event->events & EPOLLIN) && !((struct conn *)ptr)->busy)
        read_conn(server, ptr);
    else if (event->events & (EPOLLHUP | EPOLLERR))
        ((struct conn *)ptr)->broken = true;
}

/* Runs what waited for its peer to read; the replies leave in the next round. */
static void take_waiting(struct server *server, struct conn *conn)
{
    unsigned before = server->asked;
    if (conn->in_done == conn->in.n || server->stop)
        return;
    take_all(server, conn);
    rewatch(server, conn);
    server->again |= server->asked > before;
}

static void send_all(struct server *server)
{
    server->blocked = false;
    for (struct conn *conn = server->conns; conn; conn = conn->next) {
        if (!conn->held.n || conn->broken)
            continue;
        send_due(server, conn);
        take_waiting(server, conn);
        server->blocked |= !conn->broken && conn->sent < conn->due;
    }
    drop_broken(server);
}

/* A commit costs the same CPU however few saves share it, and so does a look at the sockets. So
 * where several asked in one round, or the log is still at work and who asks now has to wait for it
 * anyway, the loop rests: to the next beat, or until one who was alone in his round has his reply.
 * Meanwhile nothing but the log wakes it, to let replies go; those who come wait for the beat.
 * There is no rest while a large reply leaves piece by piece, as its peer reads. */
static void rest(struct server *server)
{
    struct pollfd log = { .fd = log_wake_fd(server->log), .events = POLLIN };
    int64_t left_us;
    while (!server->blocked && !server->again && (left_us = pace_left_us(&server->pace)) &&
           (server->asked > 1 || log_durable(server->log) < log_appended(server->log))) {
        struct timespec left = { left_us / 1000000, left_us % 1000000 * 1000 };
        if (ppoll(&log, 1, &left, NULL) <= 0)
            continue;
        log_woke(server);
        if (server->signed_to < server->tickets)
            write_signatures(server);
        send_all(server);
    }
}

static void tick(struct server *server, struct clock *clock)
{
    server->tick_at_us = clock_mono_us(clock) + TICK_MS * 1000;
    if (server->paused && clock_mono_us(clock) >= server->accept_at_us)
        listen_for(server, EPOLLIN);
    server->more = hall_tick(server->hall);
    hall_checkpoint_maybe(server->hall);
}

static void serve(struct server *server)
{
    struct clock *clock = hall_host(server->hall)->clock;
    while (!server->stop) {
        struct epoll_event events[256];
        int n = epoll_wait(server->epoll, events, COUNT(events),
                           server->more || server->again ? 0 : TICK_MS);
        pace_begin(&server->pace, n > 0);
        server->asked = 0;
        server->again = false;
        for (int i = 0; i < n; i++)
            dispatch(server, &events[i]);
        if (server->more || clock_mono_us(clock) >= server->tick_at_us)
            tick(server, clock);
        log_flush(server->log);
        send_all(server);
        if (!server->more && n < (int)COUNT(events))
            rest(server);
    }
}

static void stop(struct server *server)
{
    log_flush(server->log);
    log_sync(server->log);
    worker_free(server->worker); /* waits; whoever asked will ask again */
    signer_free(server->signer); /* the same */
    send_all(server);
    while (server->conns) {
        struct conn *conn = server->conns;
        server->conns = conn->next;
        if (conn->busy)
            exchange_free(conn->busy);
        conn_free(conn);
    }
    exchange_free(server->spare);
    close(server->epoll);
}

fail server_run(struct hall *hall, const struct server_opts *opts, struct why *why)
{
    struct server server = { .hall = hall,
                             .log = hall_host(hall)->log,
                             .opts = *opts,
                             .pace = { .period_us = opts->beat_us ? opts->beat_us : BEAT_US } };
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server.epoll < 0)
        return fail_errno(why, FAIL_WORLD, "cannot make an epoll");
    server.worker = worker_new();
    server.signer = signer_new(hall_host(hall)->keys);
    hall_signs_later(hall, true);
    server.spare = exchange_new();
    watch(&server, opts->gate_fd, EPOLLIN, &gate_tag);
    watch(&server, opts->admin_fd, EPOLLIN, &admin_tag);
    watch(&server, opts->probe_fd, EPOLLIN, &probe_tag);
    watch(&server, log_wake_fd(server.log), EPOLLIN, &log_tag);
    watch(&server, worker_fd(server.worker), EPOLLIN, &worker_tag);
    watch(&server, signer_fd(server.signer), EPOLLIN, &signer_tag);
    watch(&server, opts->stop_fd, EPOLLIN, &stop_tag);
    serve(&server);
    stop(&server);
    hall_signs_later(hall, false);
    return FAIL_NONE;
}
