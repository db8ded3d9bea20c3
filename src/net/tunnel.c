/* tunnel.c - see tunnel.h. A span is one connection through the tunnel: a Unix socket with plain
 * bytes on our side (local), a TCP socket with TLS towards the other end (remote). Bytes that one
 * socket does not take at once wait in a stream, and while much waits the other is not read. */
#include "net/tunnel.h"

#include "base/out.h"
#include "net/confine.h"
#include "net/dialer.h"
#include "net/tls.h"
#include "sys/note.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES        (64 * KIB)
#define STREAM_BYTES_MAX  (8 * MIB)
#define STREAM_BYTES_FULL (1 * MIB) /* above it the other side is not read */
#define SPANS_MAX         4096      /* 300 gateways' */
#define HANDSHAKE_MS      5000
#define PAUSE_MS          100 /* after a handshake that failed, before the next */
#define SAY_EVERY_MS      10000

struct stream {
    struct out bytes;
    size_t sent;
};

struct side {
    struct span *span;
    int fd; /* -1: not there yet */
    uint32_t watched;
    bool ended; /* sends no more */
    struct stream to;
};

struct span {
    struct side local, remote;
    struct tls_session *session;
    int64_t deadline_ms; /* of the handshake */
    bool dialed, over;
    struct span *next;
};

struct tunnel {
    const struct tunnel_opts *opts;
    struct tls *tls;
    struct dialer *dialer;
    struct span *spans;
    unsigned span_count;
    int epoll;
    bool listening, dialing;
    int64_t now_ms, listen_at_ms, said_ms;
    char *scratch, *plain;
};

static char listener_tag, dialer_tag; /* what an event's pointer names when it is no side */

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* --- bytes that wait ---------------------------------------------------------------------------
 */

static size_t stream_waits(const struct stream *stream)
{
    return stream->bytes.n - stream->sent;
}

/* Gives back what was sent. Between a busy gateway and a busy hall a stream is never empty. */
static void stream_trim(struct stream *stream)
{
    if (stream_waits(stream) && stream->sent < MAX(stream_waits(stream), READ_BYTES))
        return;
    out_drop(&stream->bytes, stream->sent);
    stream->sent = 0;
}

/* False: the socket is broken. */
static bool stream_send(struct stream *stream, int fd)
{
    ssize_t n = 0;
    while (n >= 0 && stream_waits(stream)) {
        n = send(fd, stream->bytes.p + stream->sent, stream_waits(stream), MSG_NOSIGNAL);
        stream->sent += (size_t)MAX(n, 0);
    }
    bool fine = n >= 0 || errno == EAGAIN || errno == EINTR;
    stream_trim(stream);
    return fine;
}

static void side_watch(const struct tunnel *tunnel, struct side *side, const struct side *other)
{
    bool reads = !side->ended && stream_waits(&other->to) < STREAM_BYTES_FULL;
    uint32_t events = (reads ? EPOLLIN : 0) | (stream_waits(&side->to) ? EPOLLOUT : 0);
    struct epoll_event event = { .events = events, .data.ptr = side };
    if (side->fd < 0 || events == side->watched)
        return;
    must(epoll_ctl(tunnel->epoll, EPOLL_CTL_MOD, side->fd, &event) == 0);
    side->watched = events;
}

static void side_set(const struct tunnel *tunnel, struct side *side, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = side };
    side->fd = fd;
    side->watched = EPOLLIN;
    must(epoll_ctl(tunnel->epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

/* --- spans -------------------------------------------------------------------------------------
 */

static struct span *span_new(struct tunnel *tunnel, int remote, bool dialed)
{
    struct span *span = calloc(1, sizeof(*span));
    must(span);
    span->local = (struct side){ .span = span, .fd = -1, .to.bytes = out_make(STREAM_BYTES_MAX) };
    span->remote = (struct side){ .span = span, .to.bytes = out_make(STREAM_BYTES_MAX) };
    span->session = dialed ? tls_dial(tunnel->tls) : tls_accept(tunnel->tls);
    span->dialed = dialed;
    span->over = !span->session;
    span->deadline_ms = tunnel->now_ms + HANDSHAKE_MS;
    span->next = tunnel->spans;
    tunnel->spans = span;
    tunnel->span_count++;
    side_set(tunnel, &span->remote, remote);
    return span;
}

static void span_free(struct tunnel *tunnel, struct span *span)
{
    if (span->local.fd >= 0)
        close(span->local.fd);
    close(span->remote.fd);
    tls_drop(span->session);
    out_fini(&span->local.to.bytes);
    out_fini(&span->remote.to.bytes);
    free(span);
    tunnel->span_count--;
}

static int hall_connect(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    must(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* The other end has shown that it has the key: now the span gets its second half. */
static void span_join(struct tunnel *tunnel, struct span *span)
{
    int fd = span->dialed
                 ? accept4(tunnel->opts->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)
                 : hall_connect(tunnel->opts->gate_path);
    if (span->dialed)
        tunnel->dialing = false;
    if (fd < 0)
        span->over = true; /* whoever asked for it went away, or the hall has */
    else
        side_set(tunnel, &span->local, fd);
}

/* --- through TLS -------------------------------------------------------------------------------
 */

static void take_tls_out(struct tunnel *tunnel, struct span *span)
{
    struct out *out = tls_out(tunnel->tls);
    out_str(&span->remote.to.bytes, out_view(out));
    span->over |= out->failed || span->remote.to.bytes.failed;
    out_clear(out);
}

static void decrypt(struct tunnel *tunnel, struct span *span, str cipher)
{
    size_t n = 0;
    enum tls_state state = tls_decrypt(tunnel->tls, span->session, cipher, tunnel->plain, &n);
    take_tls_out(tunnel, span);
    if (state == TLS_BROKEN) /* says why, if it can, to whoever may have made a mistake */
        stream_send(&span->remote.to, span->remote.fd);
    out_bytes(&span->local.to.bytes, tunnel->plain, n);
    span->over |= state == TLS_BROKEN || span->local.to.bytes.failed;
    span->remote.ended |= state == TLS_ENDED;
    if (!span->over && span->local.fd < 0 && tls_is_open(span->session))
        span_join(tunnel, span);
}

static void encrypt(struct tunnel *tunnel, struct span *span, str plain)
{
    span->over |= !tls_encrypt(tunnel->tls, span->session, plain);
    take_tls_out(tunnel, span);
}

static void side_read(struct tunnel *tunnel, struct side *side)
{
    struct span *span = side->span;
    ssize_t n = recv(side->fd, tunnel->scratch, READ_BYTES, 0);
    if (n < 0)
        span->over |= errno != EAGAIN && errno != EINTR;
    else if (n == 0)
        side->ended = true;
    else
        (side == &span->local ? encrypt : decrypt)(tunnel, span,
                                                   str_of(tunnel->scratch, (size_t)n));
}

/* Sends what can go. Who has ended ends the other, once that has what there was. */
static void span_settle(const struct tunnel *tunnel, struct span *span)
{
    struct side *local = &span->local, *remote = &span->remote;
    if (!span->over)
        span->over = !stream_send(&remote->to, remote->fd) ||
                     (local->fd >= 0 && !stream_send(&local->to, local->fd));
    span->over |= local->ended && !stream_waits(&remote->to);
    span->over |= remote->ended && !stream_waits(&local->to);
    if (span->over)
        return;
    side_watch(tunnel, local, remote);
    side_watch(tunnel, remote, local);
}

/* --- beginning and ending spans ----------------------------------------------------------------
 */

static void listen_on(struct tunnel *tunnel, bool on)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = &listener_tag };
    if (on == tunnel->listening)
        return;
    must(epoll_ctl(tunnel->epoll, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, tunnel->opts->listener,
                   &event) == 0);
    tunnel->listening = on;
}

static void somebody_knocks(struct tunnel *tunnel)
{
    if (tunnel->dialer) { /* taken in span_join, when there is a way on */
        tunnel->dialing = true;
        dialer_ask(tunnel->dialer);
        listen_on(tunnel, false);
        return;
    }
    int fd = accept4(tunnel->opts->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        span_new(tunnel, fd, false);
    else if (errno == EMFILE || errno == ENFILE) /* they wait in the kernel's queue */
        tunnel->listen_at_ms = tunnel->now_ms + PAUSE_MS;
}

static void socket_tune(int fd)
{
    /* A machine that is gone says nothing: known after four seconds, so that candidates, who are
     * held for thirty, do not notice. */
    int on = 1, idle = 2, every = 1, count = 2, unanswered_ms = 4000;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof(unanswered_ms));
}

static void dialed(struct tunnel *tunnel)
{
    int fd = dialer_take(tunnel->dialer);
    if (fd < 0)
        return;
    socket_tune(fd);
    struct span *span = span_new(tunnel, fd, true);
    if (!span->over)
        decrypt(tunnel, span, STR("")); /* the client speaks first */
    span_settle(tunnel, span);
}

static void handshake_failed(struct tunnel *tunnel, const struct span *span)
{
    if (span->dialed)
        tunnel->listen_at_ms = tunnel->now_ms + PAUSE_MS;
    if (tunnel->said_ms && tunnel->now_ms - tunnel->said_ms < SAY_EVERY_MS)
        return;
    tunnel->said_ms = tunnel->now_ms;
    note("warn", "tunnel.refused",
         "\"why\":\"no handshake: the other end is away, or has another key (--gate-key)\"");
}

/* After each round: nobody looks at a span any more that is over. */
static void sweep(struct tunnel *tunnel)
{
    for (struct span **at = &tunnel->spans; *at;) {
        struct span *span = *at;
        bool open = span->session && tls_is_open(span->session);
        span->over |= !open && tunnel->now_ms > span->deadline_ms;
        if (!span->over) {
            at = &span->next;
            continue;
        }
        if (!open)
            handshake_failed(tunnel, span);
        if (span->dialed && span->local.fd < 0) /* it ends without having been joined */
            tunnel->dialing = false;
        *at = span->next;
        span_free(tunnel, span);
    }
    listen_on(tunnel, !tunnel->dialing && tunnel->now_ms >= tunnel->listen_at_ms &&
                          tunnel->span_count < SPANS_MAX);
}

/* --- the loop ----------------------------------------------------------------------------------
 */

static void dispatch(struct tunnel *tunnel, const struct epoll_event *event)
{
    struct side *side = event->data.ptr;
    if (event->data.ptr == &listener_tag) {
        somebody_knocks(tunnel);
    } else if (event->data.ptr == &dialer_tag) {
        dialed(tunnel);
    } else if (!side->span->over) {
        if (event->events & EPOLLIN)
            side_read(tunnel, side);
        else if (event->events & (EPOLLHUP | EPOLLERR))
            side->span->over = true;
        span_settle(tunnel, side->span);
    }
}

static void loop(struct tunnel *tunnel)
{
    struct epoll_event events[128];
    for (;;) {
        int n = epoll_wait(tunnel->epoll, events, COUNT(events), PAUSE_MS);
        tunnel->now_ms = clock_ms();
        for (int i = 0; i < n; i++)
            dispatch(tunnel, &events[i]);
        sweep(tunnel);
    }
}

static fail confine(const struct tunnel_opts *opts, struct why *why)
{
    fail f = opts->keep_rights ? FAIL_NONE : confine_process(why);
    /* The near end must look up names and connect; it talks to nobody it has not called itself. */
    if (!f && !opts->keep_rights && !opts->hall)
        f = confine_thread(false, why);
    return f;
}

fail tunnel_run(const struct tunnel_opts *opts, struct why *why)
{
    struct tunnel tunnel = { .opts = opts,
                             .epoll = epoll_create1(EPOLL_CLOEXEC),
                             .now_ms = clock_ms(),
                             .scratch = malloc(READ_BYTES),
                             .plain = malloc(READ_BYTES + TLS_RECORD_BYTES_MAX) };
    must(tunnel.scratch && tunnel.plain);
    fail f = tunnel.epoll < 0 ? fail_errno(why, FAIL_WORLD, "cannot make an epoll") : FAIL_NONE;
    if (!f)
        f = tls_new_shared(&tunnel.tls, opts->key, opts->hall, why);
    if (!f && opts->hall)
        f = dialer_new(&tunnel.dialer, opts->hall, why);
    if (f)
        return f;
    if (!opts->hall)
        socket_tune(opts->listener); /* those it accepts take it over */
    fcntl(opts->listener, F_SETFL, O_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = &dialer_tag };
    if (tunnel.dialer)
        must(epoll_ctl(tunnel.epoll, EPOLL_CTL_ADD, dialer_fd(tunnel.dialer), &event) == 0);
    listen_on(&tunnel, true);
    f = confine(opts, why);
    if (f)
        return f;
    if (opts->ready_fd >= 0)
        fail_ignore(write(opts->ready_fd, "r", 1) != 1, "nobody waits for it");
    loop(&tunnel);
    return FAIL_NONE;
}
