/* conn_out.c - replies on their way to a client: what the socket does not take now is kept, and
 * goes on when there is room, encrypted as it goes. */
#include "net/reactor.h"

#include <stdlib.h>

static void parts_skip(struct iovec *parts, int count, size_t n)
{
    for (int i = 0; i < count; i++) {
        size_t here = MIN(n, parts[i].iov_len);
        parts[i].iov_base = (char *)parts[i].iov_base + here;
        parts[i].iov_len -= here;
        n -= here;
    }
}

enum pushed { PUSHED_ALL, PUSHED_SOME, PUSHED_GONE };

static enum pushed push_plain(struct reactor *reactor, struct conn *conn, struct iovec *parts,
                              int count, size_t *sent)
{
    for (;;) {
        while (count && !parts->iov_len)
            parts++, count--;
        while (count && !parts[count - 1].iov_len)
            count--;
        if (!count)
            return PUSHED_ALL;
        ssize_t n = reactor->net->send(reactor->net, conn->handle, parts, count);
        if (n == NET_AGAIN)
            return PUSHED_SOME;
        if (n < 0)
            return PUSHED_GONE;
        parts_skip(parts, count, (size_t)n);
        *sent += (size_t)n;
    }
}

/* Encrypts the next step of the parts: head and body in one record where they fit. */
static bool encrypt_step(struct reactor *reactor, struct conn *conn, struct iovec parts[2])
{
    str next = { parts[0].iov_base, MIN(parts[0].iov_len, CIPHER_STEP) };
    if (!next.n) {
        next = (str){ parts[1].iov_base, MIN(parts[1].iov_len, CIPHER_STEP) };
    } else if (parts[1].iov_len && next.n < CIPHER_STEP) {
        size_t more = MIN(parts[1].iov_len, CIPHER_STEP - next.n);
        memcpy(reactor->step, next.p, next.n);
        memcpy(reactor->step + next.n, parts[1].iov_base, more);
        next = (str){ reactor->step, next.n + more };
    }
    struct out *out = tls_out(reactor->tls);
    out_clear(out);
    if (!tls_encrypt(reactor->tls, conn->session, next) || out->failed)
        return false;
    parts_skip(parts, 2, next.n);
    return true;
}

/* Sends what it can. With TLS out->cipher may then point into tls_out, until keep_out. */
static enum pushed push(struct reactor *reactor, struct conn *conn, struct conn_out *out)
{
    if (!conn->session)
        return push_plain(reactor, conn, out->parts, 2, &out->sent);
    for (;;) {
        enum pushed pushed = push_plain(reactor, conn, &out->cipher, 1, &out->sent);
        if (pushed != PUSHED_ALL || !(out->parts[0].iov_len + out->parts[1].iov_len))
            return pushed;
        if (!encrypt_step(reactor, conn, out->parts))
            return PUSHED_GONE;
        out->cipher = (struct iovec){ tls_out(reactor->tls)->p, tls_out(reactor->tls)->n };
    }
}

static bool own(char **owned, struct iovec *bytes)
{
    char *copy = NULL;
    if (bytes->iov_len) {
        copy = malloc(bytes->iov_len);
        if (!copy)
            return false;
        memcpy(copy, bytes->iov_base, bytes->iov_len);
    }
    free(*owned);
    *owned = copy;
    bytes->iov_base = copy;
    return true;
}

/* What is left must outlive this call. */
static bool keep_out(struct reactor *reactor, struct conn *conn, struct conn_out *out, bool lives)
{
    if (conn->out != out) {
        size_t kept = out->parts[0].iov_len + (lives ? 0 : out->parts[1].iov_len) +
                      (conn->session ? CIPHER_STEP : 0);
        if (reactor->kept_bytes + kept > KEPT_BYTES_MAX)
            return false;
        conn->out = malloc(sizeof(*out));
        if (!conn->out)
            return false;
        *conn->out = *out;
        conn->out->kept = kept;
        reactor->kept_bytes += kept;
        if (!own(&conn->out->owned[0], &conn->out->parts[0]) ||
            (!lives && !own(&conn->out->owned[1], &conn->out->parts[1])))
            return false;
    }
    return own(&conn->out->owned[2], &conn->out->cipher);
}

/* The reply is gone: what next? */
static void replied(struct reactor *reactor, uint32_t number)
{
    struct conn *conn = conn_at(reactor, number);
    conn_out_free(reactor, conn);
    if (conn->flags & CONN_REFUSED) {
        reactor->net->shut(reactor->net, conn->handle);
        conn_enter(reactor, number, PHASE_LINGER);
    } else if ((conn->flags & CONN_LAST) || reactor->stopping) {
        conn_close(reactor, number);
    } else {
        conn_enter(reactor, number, PHASE_IDLE);
    }
}

void conn_send_on(struct reactor *reactor, uint32_t number, struct conn_out *out, bool lives)
{
    struct conn *conn = conn_at(reactor, number);
    enum pushed pushed = push(reactor, conn, out);
    bool kept = pushed == PUSHED_SOME && keep_out(reactor, conn, out, lives);
    if (conn->session)
        out_clear(tls_out(reactor->tls));
    if (pushed == PUSHED_ALL)
        replied(reactor, number);
    else if (!kept)
        conn_close(reactor, number);
    else if (conn->phase != PHASE_WRITE)
        conn_enter(reactor, number, PHASE_WRITE);
}

/* A last reply says that it is, so that its client asks on a new connection and loses nothing to
 * the end of this one. `bytes` begin with a head; gives it with the line in it, in `out`, and
 * leaves what follows the head. */
static str say_last(struct out *out, str *bytes)
{
    const char *end = memmem(bytes->p, bytes->n, "\r\n\r\n", 4);
    must(end);
    size_t n = (size_t)(end - bytes->p) + 2;
    out_bytes(out, bytes->p, n);
    out_z(out, "Connection: close\r\n\r\n");
    must(!out->failed);
    *bytes = str_from(*bytes, n + 2);
    return out_view(out);
}

void conn_reply(struct reactor *reactor, uint32_t number, unsigned status, str head, str body,
                bool lives)
{
    struct conn *conn = conn_at(reactor, number);
    struct out last = out_make(32 * KIB);
    if (!(conn->flags & CONN_LAST) && reactor_lets_go(reactor))
        conn->flags |= CONN_LAST;
    if (conn->flags & CONN_LAST) {
        str rest = head;
        head = say_last(&last, &rest);
        body = body.n ? body : rest;
    }
    struct conn_out out = { .parts = { { (char *)head.p, head.n }, { (char *)body.p, body.n } } };
    gateway_stats_add(&reactor->row->replies[status / 100 % 6], 1);
    conn_send_on(reactor, number, &out, lives);
    out_fini(&last);
}

void conn_refuse(struct reactor *reactor, uint32_t number, unsigned status, const char *text)
{
    conn_at(reactor, number)->flags |= CONN_LAST | CONN_REFUSED;
    gateway_stats_add(&reactor->row->refused, 1);
    problem_reply(reactor, number, status, text);
}
