/* agent_io.c - see agent_io.h. Sockets are watched edge-triggered from the first moment, so a
 * connection costs one epoll call in its life; each event drives its connection as far as it goes.
 * Closed connections are freed at the end of a turn, because events of the same turn may name them.
 * Where there are more than a descriptor table has places, those that are established move into
 * rings (net/net_ring.h). */
#include "rehearsal/agent_io.h"
#include "base/out.h"
#include "base/table.h"
#include "net/net_ring.h"
#include "sys/limits.h"
#include "sys/pace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 512,
    HEAD_BYTES_MAX = 16 * 1024,
    SCRATCH_BYTES = 64 * 1024,
    SOURCE_EACH = 8000,
    HANDSHAKES_MAX = 32, /* at once: some 60 ms of one core */
    CONNS_SPARE = 1024,
    FILES_SPARE = 200 /* of a descriptor table, for all that is no candidate's connection */
};
#define REPLY_BYTES_MAX (64 * MIB)

enum conn_state { CONN_CONNECTING, CONN_OPEN, CONN_CLOSED };

struct io_conn {
    int handle;     /* a descriptor; of an established one perhaps a place in the rings */
    uint8_t state;  /* CONN_CONNECTING includes the TLS handshake */
    bool waits;     /* a request was sent and its reply is not complete */
    uint16_t error; /* errno of a connect() that failed at once: the network is not there */
    struct io *io;
    void *owner;
    SSL *tls;
    struct io_ticket *ticket;
    struct out in;        /* part of a reply; empty when none */
    struct out out;       /* not yet sent */
    size_t need;          /* whole size of the reply in `in`, when known */
    struct io_conn *next; /* in the list of closed or broken ones */
};

struct io {
    struct net_real real;   /* its epoll is all sockets' */
    struct net_ring *rings; /* NULL: the descriptor table has places enough */
    struct net *net;        /* one of these two moves the bytes */
    const struct io_target *target;
    struct io_hooks hooks;
    SSL_CTX *tls;
    BIO_METHOD *way;                     /* how OpenSSL gets at a connection's bytes */
    unsigned count, handshakes;          /* open; of TLS, under way */
    unsigned connecting, connecting_max; /* these are descriptors yet */
    struct io_conn *conns;               /* together: each is cold when its reply comes */
    uint32_t conns_used, conns_max;
    struct io_conn *closed, *broken, *free;
    char *scratch;
    struct pace pace;
};

static fail address_find(struct io_target *target, const char *port, struct why *why)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found = NULL;
    int result = getaddrinfo(target->name, port, &hints, &found);
    if (result)
        return fail_set(why, FAIL_WORLD, "cannot find the address of %s: %s", target->name,
                        gai_strerror(result));
    memcpy(&target->address, found->ai_addr, sizeof(target->address));
    freeaddrinfo(found);
    target->loopback = ntohl(target->address.sin_addr.s_addr) >> 24 == 127;
    return FAIL_NONE;
}

fail io_target_parse(struct io_target *target, str url, struct why *why)
{
    *target = (struct io_target){ .tls = str_starts(url, STR("https://")) };
    str host = str_from(url, target->tls ? 8 : 7);
    if (str_ends(host, STR("/")))
        host.n--;
    uint64_t number = 0;
    str port = host, name = str_cut(&port, ':');
    if (!port.p)
        port = target->tls ? STR("443") : STR("80");
    if ((!target->tls && !str_starts(url, STR("http://"))) || !name.n || name.n > 250 ||
        str_find(host, '/') >= 0 || !str_u64(port, &number) || !number || number > 65535)
        return fail_set(
            why, FAIL_USAGE,
            "\"%.*s\" is not the URL of a hall; write https://HOST or https://HOST:PORT",
            STR_ARG(url));
    snprintf(target->origin, sizeof(target->origin), "%s://%.*s", target->tls ? "https" : "http",
             STR_ARG(host));
    target->host = str_from(str_z(target->origin), target->tls ? 8 : 7);
    snprintf(target->name, sizeof(target->name), "%.*s", STR_ARG(name));
    char text[8];
    snprintf(text, sizeof(text), "%.*s", STR_ARG(port));
    return address_find(target, text, why);
}

/* Takes all certificates of the PEM text; false when there is none, or one is damaged. */
static bool ca_take(X509_STORE *store, str pem)
{
    unsigned taken = 0;
    BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
    for (X509 *cert; bio && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)); X509_free(cert))
        taken += X509_STORE_add_cert(store, cert) == 1;
    bool whole = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(bio);
    return taken && whole;
}

void io_ticket_free(struct io_ticket *ticket)
{
    SSL_SESSION_free(ticket->session);
    ticket->session = NULL;
}

/* A copy: OpenSSL spoils its own when the connection breaks, browsers do not. */
static int keep_ticket(SSL *ssl, SSL_SESSION *session)
{
    const struct io_conn *conn = SSL_get_app_data(ssl);
    if (conn->ticket) {
        io_ticket_free(conn->ticket);
        conn->ticket->session = SSL_SESSION_dup(session);
    }
    return 0; /* the original stays OpenSSL's */
}

/* > 0: bytes moved; 0: not now; < 0: the connection is gone. */
static long bytes_out(struct io_conn *conn, const char *p, size_t n)
{
    struct iovec part = { (char *)p, n };
    ssize_t sent = conn->io->net->send(conn->io->net, conn->handle, &part, 1);
    return sent == NET_AGAIN ? 0 : sent > 0 ? sent : -1;
}

static long bytes_in(struct io_conn *conn, char *p, size_t n)
{
    ssize_t got = conn->io->net->recv(conn->io->net, conn->handle, p, n);
    return got == NET_AGAIN ? 0 : got > 0 ? got : -1;
}

static int way_out(BIO *bio, const char *p, int n)
{
    long sent = bytes_out(BIO_get_data(bio), p, (size_t)n);
    BIO_clear_retry_flags(bio);
    if (sent == 0)
        BIO_set_retry_write(bio);
    return sent > 0 ? (int)sent : -1;
}

static int way_in(BIO *bio, char *p, int n)
{
    long got = bytes_in(BIO_get_data(bio), p, (size_t)n);
    BIO_clear_retry_flags(bio);
    if (got == 0)
        BIO_set_retry_read(bio);
    return got > 0 ? (int)got : -1;
}

static long way_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static fail tls_open(struct io *io, str ca, struct why *why)
{
    io->tls = SSL_CTX_new(TLS_client_method());
    io->way = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "connection");
    if (!io->tls || !io->way)
        return fail_set(why, FAIL_WORLD, "OpenSSL cannot start");
    BIO_meth_set_write(io->way, way_out);
    BIO_meth_set_read(io->way, way_in);
    BIO_meth_set_ctrl(io->way, way_control);
    SSL_CTX_set_min_proto_version(io->tls, TLS1_2_VERSION);
    SSL_CTX_set_session_cache_mode(io->tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(io->tls, keep_ticket);
    SSL_CTX_set_mode(io->tls, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (io->target->ours)
        return FAIL_NONE;
    SSL_CTX_set_verify(io->tls, SSL_VERIFY_PEER, NULL);
    if (!ca.n && SSL_CTX_set_default_verify_paths(io->tls) != 1)
        return fail_set(why, FAIL_WORLD,
                        "the certificates that this machine trusts cannot be read");
    if (ca.n && !ca_take(SSL_CTX_get_cert_store(io->tls), ca))
        return fail_set(why, FAIL_INPUT, "the file given with --ca has no certificates in PEM");
    return FAIL_NONE;
}

/* Into rings, where it is more than may be open here. */
static fail places_open(struct io *io, uint32_t owners, struct why *why)
{
    unsigned files = limits_files();
    fail f = net_real_init(&io->real, why);
    io->net = &io->real.net;
    io->connecting_max = UINT_MAX;
    if (f || owners <= io_table_most(files))
        return f;
    io->connecting_max = io_table_most(files) / 2; /* where agents share a table, too */
    f = net_ring_new(&io->rings, owners + CONNS_SPARE, files, why);
    if (!f)
        io->net = net_ring_net(io->rings);
    return f;
}

fail io_open(struct io **io_out, const struct io_target *target, str ca, uint32_t owners,
             const struct io_hooks *hooks, struct why *why)
{
    struct io *io = calloc(1, sizeof(*io));
    must(io);
    *io_out = io;
    io->target = target;
    io->hooks = *hooks;
    io->conns_max = 2 * owners + CONNS_SPARE; /* the closed keep theirs until the turn is over */
    io->conns = table_new_huge(io->conns_max, sizeof(*io->conns));
    io->scratch = malloc(SCRATCH_BYTES);
    must(io->scratch);
    fail f = places_open(io, owners, why);
    return f || !target->tls ? f : tls_open(io, ca, why);
}

unsigned io_table_most(unsigned open_files)
{
    return open_files - MIN(open_files / 2, FILES_SPARE);
}

void io_rest(struct io *io, uint32_t rest_us)
{
    io->pace.period_us = rest_us;
}

static void free_closed(struct io *io)
{
    while (io->closed) {
        struct io_conn *conn = io->closed;
        io->closed = conn->next;
        conn->next = io->free;
        io->free = conn;
    }
}

void io_close_all(struct io *io)
{
    free_closed(io);
    if (io->tls)
        SSL_CTX_free(io->tls);
    BIO_meth_free(io->way);
    net_ring_free(io->rings);
    if (io->real.epoll >= 0)
        net_real_fini(&io->real);
    table_free(io->conns, io->conns_max, sizeof(*io->conns));
    free(io->scratch);
    free(io);
}

unsigned io_count(const struct io *io)
{
    return io->count;
}

bool io_full(const struct io *io)
{
    return io->handshakes >= HANDSHAKES_MAX || io->connecting >= io->connecting_max;
}

static bool source_choose(const struct io *io, int fd, uint32_t number)
{
    int on = 1;
    uint32_t place = number / SOURCE_EACH;
    const struct io_target *target = io->target;
    struct sockaddr_in source = { .sin_family = AF_INET };
    if (target->source_count)
        source.sin_addr = target->sources[number % target->source_count];
    else if (target->loopback)
        source.sin_addr.s_addr =
            htonl(127u << 24 | 1u << 16 | place / 250 << 8 | (1 + place % 250));
    else
        return true;
    return !setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) &&
           !bind(fd, (struct sockaddr *)&source, sizeof(source));
}

static bool tls_attach(struct io *io, struct io_conn *conn)
{
    if (!io->tls)
        return true;
    struct in_addr numeric;
    const char *name = io->target->name;
    conn->tls = SSL_new(io->tls);
    BIO *bio = conn->tls ? BIO_new(io->way) : NULL;
    if (!bio)
        return false;
    BIO_set_data(bio, conn);
    BIO_set_init(bio, 1);
    SSL_set_bio(conn->tls, bio, bio);
    SSL_set_connect_state(conn->tls);
    SSL_set_app_data(conn->tls, conn);
    if (conn->ticket && conn->ticket->session)
        SSL_set_session(conn->tls, conn->ticket->session); /* refused: a whole handshake */
    if (inet_pton(AF_INET, name, &numeric) != 1)
        return SSL_set_tlsext_host_name(conn->tls, name) == 1 &&
               SSL_set1_host(conn->tls, name) == 1;
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(conn->tls), name) == 1;
}

/* A SYN that goes to a machine which is gone has no answer for two minutes, though others are there
 * by now: a browser tries another connection beside it (Chromium after 250 ms). We give up after
 * three, which are 7 s, and come again. */
static bool conn_start(struct io *io, struct io_conn *conn, uint32_t number)
{
    int on = 1, syns_again = 2;
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                 .data.ptr = conn };
    int fd = conn->handle = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || !source_choose(io, fd, number))
        return false;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &syns_again, sizeof(syns_again));
    const struct sockaddr *to = (const struct sockaddr *)&io->target->address;
    if (connect(fd, to, sizeof(io->target->address)) && errno != EINPROGRESS) {
        if (errno != ECONNREFUSED && errno != ENETUNREACH && errno != EHOSTUNREACH)
            return false;
        conn->error = (uint16_t)errno;
    }
    return tls_attach(io, conn) && !epoll_ctl(io->real.epoll, EPOLL_CTL_ADD, fd, &event);
}

struct io_conn *io_connect(struct io *io, void *owner, uint32_t number, struct io_ticket *ticket)
{
    must(io->free || io->conns_used < io->conns_max);
    struct io_conn *conn = io->free ? io->free : &io->conns[io->conns_used++];
    if (io->free)
        io->free = conn->next;
    *conn = (struct io_conn){ .io = io, .owner = owner, .ticket = ticket };
    conn->in = conn->out = out_make(REPLY_BYTES_MAX);
    if (conn_start(io, conn, number)) {
        io->handshakes += conn->tls != NULL;
        io->connecting++;
        return conn;
    }
    int saved = errno;
    SSL_free(conn->tls);
    if (conn->handle >= 0)
        close(conn->handle);
    conn->next = io->free;
    io->free = conn;
    errno = saved;
    return NULL;
}

static void unlink_broken(struct io *io, struct io_conn *conn)
{
    for (struct io_conn **at = &io->broken; *at; at = &(*at)->next)
        if (*at == conn) {
            *at = conn->next;
            return;
        }
}

void io_close(struct io *io, struct io_conn *conn)
{
    must(conn->state != CONN_CLOSED);
    unlink_broken(io, conn);
    io->count -= conn->state == CONN_OPEN;
    io->handshakes -= conn->state == CONN_CONNECTING && conn->tls;
    io->connecting -= conn->state == CONN_CONNECTING;
    conn->state = CONN_CLOSED;
    SSL_free(conn->tls); /* no close_notify: a lost network sends none either */
    conn->tls = NULL;
    io->net->close(io->net, conn->handle);
    out_fini(&conn->in);
    out_fini(&conn->out);
    conn->next = io->closed;
    io->closed = conn;
}

static void lose(struct io *io, struct io_conn *conn, const char *what)
{
    void *owner = conn->owner;
    io_close(io, conn);
    io->hooks.lost(owner, what);
}

static long tls_result(struct io_conn *conn, int n)
{
    if (n > 0)
        return n;
    int error = SSL_get_error(conn->tls, n);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static long conn_write(struct io_conn *conn, const char *p, size_t n)
{
    if (!conn->tls)
        return bytes_out(conn, p, n);
    ERR_clear_error();
    return tls_result(conn, SSL_write(conn->tls, p, (int)MIN(n, (size_t)1 << 20)));
}

static long conn_read(struct io_conn *conn, char *p, size_t n)
{
    if (!conn->tls)
        return bytes_in(conn, p, n);
    ERR_clear_error();
    return tls_result(conn, SSL_read(conn->tls, p, (int)n));
}

/* Writes what the socket takes; false: the connection is gone. */
static bool write_some(struct io_conn *conn, str bytes, size_t *sent)
{
    while (*sent < bytes.n) {
        long n = conn_write(conn, bytes.p + *sent, bytes.n - *sent);
        if (n < 0)
            return false;
        if (n == 0)
            break;
        *sent += (size_t)n;
    }
    return true;
}

static bool flush(struct io_conn *conn)
{
    size_t sent = 0;
    if (!conn->out.n)
        return true;
    if (!write_some(conn, out_view(&conn->out), &sent))
        return false;
    if (sent == conn->out.n)
        out_fini(&conn->out);
    else
        out_drop(&conn->out, sent);
    return true;
}

void io_send(struct io *io, struct io_conn *conn, str request)
{
    must(conn->state != CONN_CLOSED && !conn->waits && !conn->out.n);
    size_t sent = 0;
    conn->waits = true;
    bool good = conn->state != CONN_OPEN || write_some(conn, request, &sent);
    if (good && sent < request.n)
        out_str(&conn->out, str_from(request, sent));
    if (!good) {
        conn->next = io->broken; /* its owner is on the stack: told in the next turn */
        io->broken = conn;
    }
}

enum took { TOOK_REPLY, TOOK_MORE, TOOK_BAD };

/* Gives a complete reply to the owner; the hook may have closed the connection since. */
static enum took take_reply(struct io *io, struct io_conn *conn, str bytes)
{
    struct http_head head;
    struct why why;
    if (bytes.n < conn->need)
        return TOOK_MORE;
    int parsed = http_parse_reply(&head, bytes, HEAD_BYTES_MAX, &why);
    if (parsed == HTTP_MORE)
        return TOOK_MORE;
    if (parsed != HTTP_DONE || !conn->waits || head.body_bytes > REPLY_BYTES_MAX - HEAD_BYTES_MAX)
        return TOOK_BAD;
    conn->need = head.head_bytes + (size_t)head.body_bytes;
    if (bytes.n != conn->need)
        return bytes.n < conn->need ? TOOK_MORE : TOOK_BAD;
    struct out in = conn->in;
    conn->in = out_make(REPLY_BYTES_MAX);
    conn->need = 0;
    conn->waits = false;
    io->hooks.reply(conn->owner, &head, str_from(bytes, head.head_bytes));
    out_fini(&in);
    return head.keep_alive ? TOOK_REPLY : TOOK_BAD;
}

static bool receive_bytes(struct io *io, struct io_conn *conn, size_t n)
{
    enum took took;
    if (conn->in.n) {
        out_bytes(&conn->in, io->scratch, n);
        took = conn->in.failed ? TOOK_BAD : take_reply(io, conn, out_view(&conn->in));
    } else {
        took = take_reply(io, conn, str_of(io->scratch, n));
        if (took == TOOK_MORE)
            out_bytes(&conn->in, io->scratch, n);
    }
    return took != TOOK_BAD;
}

static void receive(struct io *io, struct io_conn *conn, uint32_t events)
{
    while (conn->state == CONN_OPEN) {
        long n = conn_read(conn, io->scratch, SCRATCH_BYTES);
        if (n == 0)
            return;
        bool good = n > 0 && receive_bytes(io, conn, (size_t)n);
        if (!good && conn->state != CONN_CLOSED)
            lose(io, conn, n < 0 ? "closed by the other side" : "not a reply we can use");
        if (!conn->tls && n < SCRATCH_BYTES && !(events & EPOLLRDHUP))
            return; /* that was all: what comes now is another event */
    }
}

static void lose_handshake(struct io *io, struct io_conn *conn)
{
    char what[120];
    unsigned long error = ERR_peek_last_error();
    const char *why = ERR_reason_error_string(error); /* none: the bytes just ended */
    if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
        ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        why = X509_verify_cert_error_string(SSL_get_verify_result(conn->tls));
    snprintf(what, sizeof(what), "the TLS handshake failed: %s",
             why ? why : "closed by the other side");
    lose(io, conn, what);
}

/* False while the handshakes still go on; the connection may be lost afterwards. */
static bool establish(struct io *io, struct io_conn *conn)
{
    int error = 0;
    socklen_t n = sizeof(error);
    if (getsockopt(conn->handle, SOL_SOCKET, SO_ERROR, &error, &n))
        error = errno;
    if (conn->error) /* that one is not told again */
        error = conn->error;
    if (error) {
        lose(io, conn, strerror(error));
        return false;
    }
    if (conn->tls) {
        ERR_clear_error();
        long result = tls_result(conn, SSL_do_handshake(conn->tls));
        if (result < 0)
            lose_handshake(io, conn);
        if (result <= 0)
            return false;
    }
    if (io->rings) {
        int place = net_ring_adopt(io->rings, conn->handle);
        if (place < 0) {
            lose(io, conn, "no place for it in the rings");
            return false;
        }
        conn->handle = place;
    }
    conn->state = CONN_OPEN;
    io->count++;
    io->connecting--;
    io->handshakes -= conn->tls != NULL;
    if (conn->tls && io->hooks.secured)
        io->hooks.secured(conn->owner, SSL_session_reused(conn->tls));
    return true;
}

static void drive(struct io *io, struct io_conn *conn, uint32_t events)
{
    if (conn->state == CONN_CLOSED)
        return;
    bool ready = events & (EPOLLOUT | EPOLLERR | EPOLLHUP) || conn->tls;
    if (conn->state == CONN_CONNECTING && (!ready || !establish(io, conn)))
        return;
    if (flush(conn))
        receive(io, conn, events);
    else
        lose(io, conn, "closed by the other side");
}

void io_turn(struct io *io, int64_t timeout_us)
{
    struct epoll_event events[EVENTS_MAX];
    while (io->broken)
        lose(io, io->broken, "closed by the other side"); /* closing takes it off the list */
    pace_rest(&io->pace);
    timeout_us = pace_timeout_us(&io->pace, timeout_us);
    struct timespec timeout = { timeout_us / 1000000, timeout_us % 1000000 * 1000 };
    int n = epoll_pwait2(io->real.epoll, events, EVENTS_MAX, &timeout, NULL);
    pace_begin(&io->pace, n > 0);
    for (int i = 0; i < n; i++)
        drive(io, events[i].data.ptr, events[i].events);
    free_closed(io);
}
