/* link.c - see link.h. */
#include "rehearsal/link.h"
#include "base/out.h"
#include "crypto/keys.h"
#include "net/address.h"
#include "net/psk.h"
#include "rehearsal/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HANDSHAKE_US  (10 * (int64_t)SECOND_US)
#define IN_BYTES_MAX  (2 * (size_t)FRAME_BYTES_MAX) /* a frame, and what came along with it */
#define OUT_BYTES_MAX (64 * MIB)                    /* a slice of codes is a few */
#define PORT          "7443"

struct link {
    int fd;
    SSL_CTX *ctx;
    SSL *tls;
    struct psk psk;
    struct out in, out;
    size_t used; /* of `in`, by the frame given last */
    bool broken;
    char peer[80];
};

/* --- the token ----------------------------------------------------------------------------------
 */

fail link_key_make(struct link_key *key, str token, struct why *why)
{
    static const char domain[] = "examhall agents 1\n";
    char text[sizeof(domain) + LINK_TOKEN_BYTES_MAX];
    size_t n = sizeof(domain) - 1, bytes = sizeof(key->bytes);
    token = str_trim(token);
    if (token.n < LINK_TOKEN_BYTES_MIN || token.n > LINK_TOKEN_BYTES_MAX)
        return fail_set(why, FAIL_USAGE,
                        "a token has %d to %d characters; make one with: openssl rand -hex 32",
                        LINK_TOKEN_BYTES_MIN, LINK_TOKEN_BYTES_MAX);
    memcpy(text, domain, n);
    memcpy(text + n, token.p, token.n);
    must(EVP_Q_digest(NULL, "SHA256", NULL, text, n + token.n, key->bytes, &bytes) == 1);
    OPENSSL_cleanse(text, sizeof(text));
    return FAIL_NONE;
}

fail link_key_read(struct link_key *key, const char *path, struct why *why)
{
    char text[LINK_TOKEN_BYTES_MAX + 64];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 || fstat(fd, &st) ? -1 : read(fd, text, sizeof(text));
    if (n < 0) {
        fail f = fail_errno(why, FAIL_WORLD, "cannot read the token in %s", path);
        if (fd >= 0)
            close(fd);
        return f;
    }
    close(fd);
    if (secret_is_open(&st))
        return fail_set(why, FAIL_USAGE, "others may read the token in %s; do: chmod 600 %s", path,
                        path);
    fail f = why_add(why, link_key_make(key, str_of(text, (size_t)n), why), "%s", path);
    OPENSSL_cleanse(text, sizeof(text));
    return f;
}

/* --- TLS with that key --------------------------------------------------------------------------
 */

static void tls_make(struct link *link, bool accepts)
{
    link->ctx = psk_ctx_new(&link->psk, !accepts);
    must(link->ctx);
    link->tls = SSL_new(link->ctx);
    must(link->tls && SSL_set_fd(link->tls, link->fd) == 1);
    if (accepts)
        SSL_set_accept_state(link->tls);
    else
        SSL_set_connect_state(link->tls);
}

/* Waits until the socket is ready for what TLS wants; false: not by then. */
static bool ready(struct link *link, short events, int64_t until_us)
{
    struct pollfd poll_fd = { .fd = link->fd, .events = events };
    int64_t left_us = until_us - agent_clock_us();
    return poll(&poll_fd, 1, (int)(MAX(left_us, 0) / 1000)) > 0;
}

static bool shake_hands(struct link *link)
{
    for (int64_t until = agent_clock_us() + HANDSHAKE_US;;) {
        ERR_clear_error();
        int n = SSL_do_handshake(link->tls);
        int error = n == 1 ? SSL_ERROR_NONE : SSL_get_error(link->tls, n);
        if (n == 1)
            return SSL_session_reused(link->tls) == 1; /* that is: with the key */
        if ((error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) ||
            !ready(link, error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until))
            return false;
    }
}

/* --- making one ---------------------------------------------------------------------------------
 */

static void peer_name(struct link *link)
{
    struct sockaddr_storage address = { 0 };
    socklen_t n = sizeof(address);
    char host[64] = "", port[8] = "";
    if (getpeername(link->fd, (struct sockaddr *)&address, &n) ||
        getnameinfo((struct sockaddr *)&address, n, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV))
        snprintf(link->peer, sizeof(link->peer), "the other side");
    else
        snprintf(link->peer, sizeof(link->peer), "%s:%s", host, port);
}

/* A machine that is gone says nothing; the kernel asks for it. A busy one does answer. */
static void socket_tune(int fd)
{
    int on = 1, idle = 5, every = 5, count = 3;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

fail link_over(struct link **out, int fd, bool accepts, const struct link_key *key, struct why *why)
{
    struct link *link = calloc(1, sizeof(*link));
    must(link);
    link->fd = fd;
    link->psk.identity = "examhall rehearsal";
    _Static_assert(LINK_KEY_BYTES == PSK_KEY_BYTES, "it is the same key");
    memcpy(link->psk.key, key->bytes, sizeof(link->psk.key));
    link->in = out_make(IN_BYTES_MAX);
    link->out = out_make(OUT_BYTES_MAX);
    peer_name(link);
    socket_tune(fd);
    tls_make(link, accepts);
    *out = link;
    if (shake_hands(link))
        return FAIL_NONE;
    fail f = fail_set(why, FAIL_FORBIDDEN,
                      "no handshake with %s: its token is another one (--token-file), or it is not "
                      "examhall's",
                      link->peer);
    link_close(link);
    *out = NULL;
    return f;
}

static fail address_find(struct addrinfo **found, const char *address, bool listens,
                         struct why *why)
{
    struct address at;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = listens ? AI_PASSIVE : 0 };
    int result =
        !address_cut(&at, address)
            ? EAI_NONAME
            : getaddrinfo(at.host[0] ? at.host : NULL, at.port[0] ? at.port : PORT, &hints, found);
    if (result)
        return fail_set(why, FAIL_USAGE, "\"%s\" is no address of agents (%s); write HOST:PORT",
                        address, gai_strerror(result));
    return FAIL_NONE;
}

fail link_listen(int *fd, const char *address, struct why *why)
{
    struct addrinfo *found;
    int on = 1;
    fail f = address_find(&found, address, true, why);
    if (f)
        return f;
    *fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
        bind(*fd, found->ai_addr, found->ai_addrlen) || listen(*fd, 64))
        f = fail_errno(why, FAIL_WORLD, "cannot listen for agents on %s", address);
    freeaddrinfo(found);
    return f;
}

static int connected(const struct addrinfo *to)
{
    struct pollfd poll_fd = { .events = POLLOUT };
    int error = 0, fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    socklen_t n = sizeof(error);
    if (fd < 0)
        return -1;
    poll_fd.fd = fd;
    if (connect(fd, to->ai_addr, to->ai_addrlen) && errno != EINPROGRESS)
        error = errno;
    else if (poll(&poll_fd, 1, (int)(HANDSHAKE_US / 1000)) <= 0)
        error = ETIMEDOUT;
    else
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n);
    if (!error)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

fail link_dial(struct link **link, const char *address, const struct link_key *key, struct why *why)
{
    struct addrinfo *found;
    fail f = address_find(&found, address, false, why);
    if (f)
        return f;
    int fd = connected(found);
    freeaddrinfo(found);
    if (fd < 0)
        return fail_errno(why, FAIL_MISSING, "cannot connect to %s", address);
    return link_over(link, fd, false, key, why);
}

fail link_accept(struct link **link, int listen_fd, const struct link_key *key, int64_t wait_us,
                 struct why *why)
{
    struct pollfd poll_fd = { .fd = listen_fd, .events = POLLIN };
    int fd = poll(&poll_fd, 1, (int)(wait_us / 1000)) > 0
                 ? accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC)
                 : -1;
    if (fd < 0)
        return fail_set(why, FAIL_BUSY, "nobody came");
    return link_over(link, fd, true, key, why);
}

void link_close(struct link *link)
{
    if (!link)
        return;
    SSL_free(link->tls);
    SSL_CTX_free(link->ctx);
    close(link->fd);
    out_fini(&link->in);
    out_fini(&link->out);
    OPENSSL_cleanse(&link->psk, sizeof(link->psk));
    free(link);
}

const char *link_peer(const struct link *link)
{
    return link->peer;
}

int link_fd(const struct link *link)
{
    return link->fd;
}

/* --- frames -------------------------------------------------------------------------------------
 */

/* > 0: bytes moved; 0: not now; < 0: the other side is gone. */
static long moved(struct link *link, int n)
{
    if (n > 0)
        return n;
    int error = SSL_get_error(link->tls, n);
    link->broken |= error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
    return link->broken ? -1 : 0;
}

static void send_some(struct link *link)
{
    size_t sent = 0;
    while (!link->broken && sent < link->out.n) {
        ERR_clear_error();
        int most = (int)MIN(link->out.n - sent, (size_t)1 << 20);
        long n = moved(link, SSL_write(link->tls, link->out.p + sent, most));
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    out_drop(&link->out, sent);
}

void link_send(struct link *link, uint8_t kind, str body)
{
    char head[FRAME_HEAD_BYTES];
    frame_head(head, kind, body.n);
    out_bytes(&link->out, head, sizeof(head));
    out_str(&link->out, body);
    link->broken |= link->out.failed; /* it takes nothing any more */
    send_some(link);
}

fail link_flush(struct link *link, int64_t wait_us, struct why *why)
{
    int64_t until = agent_clock_us() + wait_us;
    for (send_some(link); link->out.n && !link->broken; send_some(link))
        if (!ready(link, POLLOUT, until))
            return fail_set(why, FAIL_WORLD, "%s takes nothing any more", link->peer);
    return link->broken ? fail_set(why, FAIL_WORLD, "the connection to %s is lost", link->peer)
                        : FAIL_NONE;
}

static void receive_some(struct link *link)
{
    while (!link->broken && link->in.n < FRAME_BYTES_MAX + FRAME_HEAD_BYTES &&
           out_reserve(&link->in, 32 * KIB)) {
        ERR_clear_error();
        long n = moved(link, SSL_read(link->tls, link->in.p + link->in.n, 32 * (int)KIB));
        if (n <= 0)
            break;
        link->in.n += (size_t)n;
    }
}

static void forget_used(struct link *link)
{
    out_drop(&link->in, link->used);
    link->used = 0;
}

fail link_next(struct link *link, struct frame *frame, int64_t wait_us, struct why *why)
{
    int64_t until = agent_clock_us() + wait_us;
    forget_used(link);
    *frame = (struct frame){ 0 };
    for (;;) {
        receive_some(link);
        send_some(link);
        enum frame_took took = frame_take(out_view(&link->in), frame, &link->used);
        if (took == FRAME_DONE)
            return FAIL_NONE;
        if (took == FRAME_BAD)
            return fail_set(why, FAIL_INPUT, "%s sent something that is no message", link->peer);
        if (link->broken)
            return fail_set(why, FAIL_WORLD, "the connection to %s is lost", link->peer);
        if (agent_clock_us() >= until)
            return FAIL_NONE;
        fail_ignore(ready(link, link->out.n ? POLLIN | POLLOUT : POLLIN, until) ? FAIL_NONE
                                                                                : FAIL_BUSY,
                    "the clock says when to stop");
    }
}
