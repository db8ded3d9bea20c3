/* conn.c - what a client sends: bytes to requests, requests to where they belong.
 *
 * A client's requests are served one after another: while one waits for the hall or its reply is
 * not gone, nothing more is read, so what a client can make us keep is bounded by one request and
 * one read. Functions that may end the connection take its number. */
#include "net/reactor.h"

#include <stdlib.h>

#define PIPELINE_MAX 64
#define READS_MAX    2 /* of SCRATCH_BYTES, without waiting for anything */

/* -- requests ------------------------------------------------------------------------------ */

static void route(struct reactor *reactor, uint32_t number, const struct class_rule *rule,
                  const struct http_head *head, str body)
{
    struct conn *conn = conn_at(reactor, number);
    conn->flags &= (uint8_t)~CONN_HEAD;
    if (str_eq(head->method, STR("HEAD")))
        conn->flags |= CONN_HEAD;
    if (!head->keep_alive || conn->flags & CONN_PROBE) /* who probes does not keep us from ending */
        conn->flags |= CONN_LAST;
    if (conn->flags & CONN_PROBE && probe_reply(reactor, number, head))
        return;
    if (rule->to == TO_FILES) {
        files_reply(reactor, number, head);
    } else if (rule->to == TO_SELF || (rule->to == TO_READY && health_knows_ready(reactor))) {
        health_reply(reactor, number, head);
    } else if (pipe_ask(reactor, rule, number, head, body)) {
        conn_enter(reactor, number, PHASE_WAIT);
    } else {
        gateway_stats_add(&reactor->row->shed, 1);
        problem_shed(reactor, number, pipe_again_s(reactor, rule->class));
    }
}

static bool say_continue(struct reactor *reactor, struct conn *conn)
{
    str line = STR("HTTP/1.1 100 Continue\r\n\r\n");
    if (conn->session)
        return tls_encrypt(reactor->tls, conn->session, line) && conn_tls_flush(reactor, conn);
    struct iovec part = { (char *)line.p, line.n };
    return reactor->net->send(reactor->net, conn->handle, &part, 1) == (ssize_t)line.n;
}

/* The head is here, the body is not. */
static void await_body(struct reactor *reactor, uint32_t number, const struct http_head *head)
{
    struct conn *conn = conn_at(reactor, number);
    if (conn->phase == PHASE_BODY)
        return;
    conn_enter(reactor, number, PHASE_BODY);
    if (head->expects_continue && !say_continue(reactor, conn))
        conn_close(reactor, number);
}

/* Serves the first request in `bytes` and returns how many were its; 0 when it is not whole (then
 * *need may tell its size) or was refused. */
static size_t request(struct reactor *reactor, uint32_t number, str bytes, size_t *need)
{
    struct http_head head;
    struct why why;
    int answer = http_parse_request(&head, bytes, reactor->limits.head_bytes_max, &why);
    if (answer == HTTP_MORE) {
        if (conn_at(reactor, number)->phase != PHASE_HEAD)
            conn_enter(reactor, number, PHASE_HEAD);
        return 0;
    }
    if (answer != HTTP_DONE) {
        conn_refuse(reactor, number, (unsigned)answer, why.text);
        return 0;
    }
    const struct class_rule *rule = class_find(head.method, head.path);
    if (head.body_bytes > rule->body_bytes_max) {
        conn_refuse(reactor, number, 413, "The body is larger than this address takes.");
        return 0;
    }
    size_t whole = head.head_bytes + (size_t)head.body_bytes;
    if (bytes.n < whole) {
        *need = whole;
        await_body(reactor, number, &head);
        return 0;
    }
    route(reactor, number, rule, &head,
          str_first(str_from(bytes, head.head_bytes), (size_t)head.body_bytes));
    return whole;
}

/* -- bytes in ------------------------------------------------------------------------------ */

static bool grow_in(struct conn *conn, size_t cap)
{
    struct conn_in *in = realloc(conn->in, sizeof(*in) + cap);
    if (!in)
        return false;
    if (!conn->in)
        *in = (struct conn_in){ 0 };
    in->cap = cap;
    conn->in = in;
    return true;
}

/* Keeps what was not used. It may lie in conn->in itself. */
static bool keep_in(struct conn *conn, str rest, size_t need)
{
    if (!rest.n) {
        conn_in_free(conn);
        return true;
    }
    if (conn->in && rest.p >= conn->in->bytes && rest.p < conn->in->bytes + conn->in->n) {
        memmove(conn->in->bytes, rest.p, rest.n);
        conn->in->n = rest.n;
        rest.n = 0;
    }
    size_t n = conn->in ? conn->in->n : 0, cap = MAX(need, n + rest.n);
    if ((!conn->in || conn->in->cap < cap) && !grow_in(conn, cap))
        return false;
    if (rest.n)
        memcpy(conn->in->bytes + n, rest.p, rest.n);
    conn->in->n = n + rest.n;
    conn->in->need = need;
    conn->in->marked = conn->in->n;
    return true;
}

/* Serves the requests that begin `bytes`, as far as they are whole. Browsers send one at a time:
 * who sends more than PIPELINE_MAX that we answer ourselves is let go, and the others have their
 * turn. True while the connection lives. */
static bool serve(struct reactor *reactor, uint32_t number, str bytes)
{
    struct conn *conn = conn_at(reactor, number);
    uint32_t generation = conn->generation;
    size_t need = 0;
    for (unsigned served = 1; bytes.n && conn_listens(conn); served++) {
        if (served == PIPELINE_MAX)
            conn->flags |= CONN_LAST;
        size_t used = request(reactor, number, bytes, &need);
        if (conn->generation != generation)
            return false;
        if (!used)
            break;
        bytes = str_from(bytes, used);
    }
    if (conn->flags & CONN_REFUSED)
        bytes = STR_NONE;
    if (keep_in(conn, bytes, need))
        return true;
    conn_close(reactor, number);
    return false;
}

static bool take(struct reactor *reactor, uint32_t number, str bytes)
{
    struct conn *conn = conn_at(reactor, number);
    struct conn_in *in = conn->in;
    if (!in)
        return serve(reactor, number, bytes);
    if (bytes.n > in->cap - in->n && !grow_in(conn, MAX(in->cap * 2, in->n + bytes.n))) {
        conn_close(reactor, number);
        return false;
    }
    in = conn->in;
    memcpy(in->bytes + in->n, bytes.p, bytes.n);
    in->n += bytes.n;
    return in->n < in->need || serve(reactor, number, (str){ in->bytes, in->n });
}

/* Bytes of TLS: what they say is in reactor->plain. True while the connection lives. */
static bool take_cipher(struct reactor *reactor, uint32_t number, str cipher)
{
    struct conn *conn = conn_at(reactor, number);
    if (!conn->session)
        conn->session = tls_accept(reactor->tls);
    enum tls_state state = TLS_BROKEN;
    size_t n = 0;
    if (conn->session)
        state = tls_decrypt(reactor->tls, conn->session, cipher, reactor->plain, &n);
    if (!conn->session || !conn_tls_flush(reactor, conn) || state == TLS_BROKEN) {
        if (conn->phase == PHASE_HANDSHAKE)
            gateway_stats_add(&reactor->row->handshakes_failed, 1);
        conn_close(reactor, number);
        return false;
    }
    if (conn->phase == PHASE_HANDSHAKE && tls_is_open(conn->session)) {
        gateway_stats_add(&reactor->row->handshakes, 1);
        conn_enter(reactor, number, PHASE_IDLE);
    }
    if (state == TLS_ENDED) {
        conn->flags |= CONN_ENDED;
        conn->flags &= (uint8_t)~CONN_READABLE;
    }
    return !n || take(reactor, number, (str){ reactor->plain, n });
}

/* At most a megabyte at a time: who sends for ever is cut when his time to linger is over. */
static void throw_away(struct reactor *reactor, uint32_t number)
{
    struct conn *conn = conn_at(reactor, number);
    for (int reads = 0; reads < 16 && conn->flags & CONN_READABLE; reads++) {
        ssize_t n = reactor->net->recv(reactor->net, conn->handle, reactor->scratch, SCRATCH_BYTES);
        if (n < (ssize_t)SCRATCH_BYTES)
            conn->flags &= (uint8_t)~CONN_READABLE;
        if (n <= 0 && n != NET_AGAIN) {
            conn_close(reactor, number);
            return;
        }
    }
}

/* Reads while there is something and we want it. No request is as large as what is read at a time,
 * so whose bytes do not end sends many: the next reply is the last. */
static void read_on(struct reactor *reactor, uint32_t number)
{
    struct conn *conn = conn_at(reactor, number);
    for (int reads = 0; (conn->flags & CONN_READABLE) && conn_listens(conn); reads++) {
        if (reads > READS_MAX)
            conn->flags |= CONN_LAST;
        ssize_t n = reactor->net->recv(reactor->net, conn->handle, reactor->scratch, SCRATCH_BYTES);
        if (n < (ssize_t)SCRATCH_BYTES)
            conn->flags &= (uint8_t)~CONN_READABLE;
        if (n == NET_AGAIN)
            break;
        if (n <= 0) {
            conn_close(reactor, number);
            return;
        }
        str bytes = { reactor->scratch, (size_t)n };
        if (!(conn->flags & CONN_TLS ? take_cipher : take)(reactor, number, bytes))
            return;
    }
    if (conn->phase == PHASE_LINGER)
        throw_away(reactor, number); /* no event tells again of what is here already */
    else if ((conn->flags & CONN_ENDED) && !(conn->flags & CONN_READABLE) && conn_listens(conn))
        conn_close(reactor, number);
}

/* -- what the loop calls ------------------------------------------------------------------- */

void conn_continue(struct reactor *reactor, uint32_t number)
{
    struct conn *conn = conn_at(reactor, number);
    if (conn->phase == PHASE_IDLE &&
        (!conn->in || serve(reactor, number, (str){ conn->in->bytes, conn->in->n })))
        read_on(reactor, number);
    else if (conn->phase == PHASE_LINGER)
        throw_away(reactor, number);
}

void conn_event(struct reactor *reactor, uint32_t number, unsigned what)
{
    struct conn *conn = conn_at(reactor, number);
    if (what & NET_DEAD) {
        conn_close(reactor, number);
        return;
    }
    if (what & NET_END)
        conn->flags |= CONN_ENDED;
    if (what & NET_IN)
        conn->flags |= CONN_READABLE;
    if (conn->phase == PHASE_WRITE) {
        if (!(what & NET_OUT))
            return;
        conn_send_on(reactor, number, conn->out, true);
        conn_continue(reactor, number);
    } else if (conn->phase == PHASE_LINGER) {
        throw_away(reactor, number);
    } else if (conn->phase == PHASE_HANDSHAKE) {
        if (conn->flags & (CONN_READABLE | CONN_ENDED))
            reactor_handshake(reactor, number);
    } else if (conn_listens(conn)) {
        read_on(reactor, number);
    }
}

void conn_handshake(struct reactor *reactor, uint32_t number)
{
    read_on(reactor, number);
}

/* Has the phase moved enough bytes since its deadline was set to be given another? */
static bool is_moving(struct reactor *reactor, struct conn *conn)
{
    size_t moved = 0;
    if (conn->phase == PHASE_BODY) {
        moved = conn->in->n - conn->in->marked;
        conn->in->marked = conn->in->n;
    } else if (conn->phase == PHASE_WRITE) {
        moved = conn->out->sent;
        conn->out->sent = 0;
    }
    return moved && moved >= (size_t)reactor->limits.rate_bytes_per_s *
                                 conn_phase_ms(reactor, conn->phase) / 1000;
}

void conn_late(struct reactor *reactor, uint32_t number)
{
    struct conn *conn = conn_at(reactor, number);
    if (is_moving(reactor, conn)) {
        conn_enter(reactor, number, conn->phase);
        return;
    }
    gateway_stats_add(&reactor->row->cut, 1);
    if (conn->phase != PHASE_HEAD && conn->phase != PHASE_BODY) {
        conn_close(reactor, number);
        return;
    }
    conn_in_free(conn);
    conn_refuse(reactor, number, 408, "The rest of the request did not come in time.");
}
