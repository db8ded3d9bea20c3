/* conn.c - one client's connection: bytes in, requests out of them, replies back in order.
 *
 * A client's requests are served one after another: while one waits for the hall or its reply is
 * not gone, nothing more is read, so what a client can make us keep is bounded by one request and
 * one read. Functions that may end the connection take its number. */
#include "net/reactor.h"

#include <stdlib.h>

/* -- places and lists ---------------------------------------------------------------------- */

struct conn *conn_at(const struct reactor *reactor, uint32_t number)
{
    must(number < reactor->conn_cap);
    return &reactor->chunks[number / CONN_CHUNK][number % CONN_CHUNK];
}

static bool more_places(struct reactor *reactor)
{
    uint32_t chunk = reactor->conn_cap / CONN_CHUNK;
    if ((chunk & (chunk - 1)) == 0) { /* the table of chunks doubles */
        size_t places = chunk ? chunk * 2 : 1;
        struct conn **chunks = realloc(reactor->chunks, places * sizeof(*chunks));
        if (!chunks)
            return false;
        reactor->chunks = chunks;
    }
    reactor->chunks[chunk] = calloc(CONN_CHUNK, sizeof(struct conn));
    if (!reactor->chunks[chunk])
        return false;
    reactor->conn_cap += CONN_CHUNK;
    for (uint32_t i = CONN_CHUNK; i-- > 0;) {
        reactor->chunks[chunk][i].next = reactor->free;
        reactor->free = chunk * CONN_CHUNK + i;
    }
    return true;
}

static void list_leave(struct reactor *reactor, struct conn *conn)
{
    struct list *list = &reactor->lists[conn->phase];
    if (conn->prev != NO_CONN)
        conn_at(reactor, conn->prev)->next = conn->next;
    else
        list->first = conn->next;
    if (conn->next != NO_CONN)
        conn_at(reactor, conn->next)->prev = conn->prev;
    else
        list->last = conn->prev;
}

static void list_join(struct reactor *reactor, uint32_t number, struct conn *conn)
{
    struct list *list = &reactor->lists[conn->phase];
    conn->next = NO_CONN;
    conn->prev = list->last;
    if (list->last != NO_CONN)
        conn_at(reactor, list->last)->next = number;
    else
        list->first = number;
    list->last = number;
}

static uint32_t phase_ms(const struct reactor *reactor, enum phase phase)
{
    const struct gateway_limits *limits = &reactor->limits;
    switch (phase) {
    case PHASE_HANDSHAKE:
        return limits->handshake_ms;
    case PHASE_IDLE:
        return limits->idle_ms;
    case PHASE_HEAD:
        return limits->head_ms;
    case PHASE_BODY:
        return limits->body_ms;
    case PHASE_WRITE:
        return limits->write_ms;
    case PHASE_LINGER:
        return limits->linger_ms;
    default:
        return 0;
    }
}

/* Enters the phase anew, also when it is the present one: its deadline starts again. */
static void enter(struct reactor *reactor, uint32_t number, enum phase phase)
{
    struct conn *conn = conn_at(reactor, number);
    if (conn->phase != PHASE_FREE)
        list_leave(reactor, conn);
    conn->phase = (uint8_t)phase;
    conn->deadline_ms = reactor_now_ms(reactor) + phase_ms(reactor, phase);
    list_join(reactor, number, conn);
}

static bool listens(const struct conn *conn)
{
    return conn->phase >= PHASE_HANDSHAKE && conn->phase <= PHASE_BODY;
}

bool conn_waits(const struct reactor *reactor, uint32_t number, uint32_t generation)
{
    if (number == NO_CONN)
        return false;
    const struct conn *conn = conn_at(reactor, number);
    return conn->generation == generation && conn->phase == PHASE_WAIT;
}

/* -- beginning and end --------------------------------------------------------------------- */

uint64_t conn_tag(uint32_t number, const struct conn *conn)
{
    return (uint64_t)(conn->generation & 0xffffff) << 32 | number;
}

void conn_open(struct reactor *reactor, int handle, const unsigned char peer[16], bool tls)
{
    if (reactor->free == NO_CONN && !more_places(reactor)) {
        reactor->net->close(reactor->net, handle);
        return;
    }
    uint32_t number = reactor->free;
    struct conn *conn = conn_at(reactor, number);
    if (!reactor->net->watch(reactor->net, handle, conn_tag(number, conn), NET_EDGES)) {
        reactor->net->close(reactor->net, handle);
        return;
    }
    reactor->free = conn->next;
    conn->handle = handle;
    conn->flags = tls ? CONN_TLS : 0;
    memcpy(conn->peer, peer, 16);
    enter(reactor, number, tls ? PHASE_HANDSHAKE : PHASE_IDLE);
    reactor->open++;
    gateway_stats_add(&reactor->row->total, 1);
    atomic_store_explicit(&reactor->row->open, reactor->open, memory_order_relaxed);
    if (reactor->open > atomic_load_explicit(&reactor->row->peak, memory_order_relaxed))
        atomic_store_explicit(&reactor->row->peak, reactor->open, memory_order_relaxed);
}

static void out_free(struct conn *conn)
{
    if (!conn->out)
        return;
    for (size_t i = 0; i < COUNT(conn->out->owned); i++)
        free(conn->out->owned[i]);
    free(conn->out);
    conn->out = NULL;
}

static void in_free(struct conn *conn)
{
    free(conn->in);
    conn->in = NULL;
}

/* Sends what TLS wants sent, in one go or not at all: it is small and the socket is empty. */
static bool tls_flush(struct reactor *reactor, struct conn *conn)
{
    struct out *out = tls_out(reactor->tls);
    bool fine = !out->failed;
    if (fine && out->n) {
        struct iovec part = { out->p, out->n };
        ssize_t n = reactor->net->send(reactor->net, conn->handle, &part, 1);
        fine = n == (ssize_t)out->n;
    }
    out_clear(out);
    return fine;
}

void conn_close(struct reactor *reactor, uint32_t number)
{
    struct conn *conn = conn_at(reactor, number);
    must(conn->phase != PHASE_FREE);
    if (conn->session && !conn->out && tls_is_open(conn->session)) {
        tls_end(reactor->tls, conn->session);
        tls_flush(reactor, conn);
    }
    tls_drop(conn->session);
    conn->session = NULL;
    in_free(conn);
    out_free(conn);
    list_leave(reactor, conn);
    reactor->net->close(reactor->net, conn->handle);
    conn->phase = PHASE_FREE;
    conn->generation++;
    conn->next = reactor->free;
    reactor->free = number;
    reactor->open--;
    atomic_store_explicit(&reactor->row->open, reactor->open, memory_order_relaxed);
}

/* -- replies ------------------------------------------------------------------------------- */

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
static bool keep_out(struct conn *conn, struct conn_out *out, bool lives)
{
    if (conn->out != out) {
        conn->out = malloc(sizeof(*out));
        if (!conn->out)
            return false;
        *conn->out = *out;
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
    out_free(conn);
    if (conn->flags & CONN_REFUSED) {
        reactor->net->shut(reactor->net, conn->handle);
        enter(reactor, number, PHASE_LINGER);
    } else if ((conn->flags & CONN_LAST) || reactor->stopping) {
        conn_close(reactor, number);
    } else {
        enter(reactor, number, PHASE_IDLE);
    }
}

static void send_on(struct reactor *reactor, uint32_t number, struct conn_out *out, bool lives)
{
    struct conn *conn = conn_at(reactor, number);
    enum pushed pushed = push(reactor, conn, out);
    bool kept = pushed == PUSHED_SOME && keep_out(conn, out, lives);
    if (conn->session)
        out_clear(tls_out(reactor->tls));
    if (pushed == PUSHED_ALL)
        replied(reactor, number);
    else if (!kept)
        conn_close(reactor, number);
    else if (conn->phase != PHASE_WRITE)
        enter(reactor, number, PHASE_WRITE);
}

void conn_reply(struct reactor *reactor, uint32_t number, unsigned status, str head, str body,
                bool lives)
{
    struct conn_out out = { .parts = { { (char *)head.p, head.n }, { (char *)body.p, body.n } } };
    gateway_stats_add(&reactor->row->replies[status / 100 % 6], 1);
    send_on(reactor, number, &out, lives);
}

/* After this reply what the client still sends is not looked at. */
static void refuse(struct reactor *reactor, uint32_t number, unsigned status, const char *text)
{
    conn_at(reactor, number)->flags |= CONN_LAST | CONN_REFUSED;
    gateway_stats_add(&reactor->row->refused, 1);
    problem_reply(reactor, number, status, text);
}

/* -- requests ------------------------------------------------------------------------------ */

static void live_reply(struct reactor *reactor, uint32_t number, const struct http_head *head)
{
    str body = STR("{\"live\":true}");
    if (!str_eq(head->method, STR("GET")) && !str_eq(head->method, STR("HEAD")))
        problem_reply(reactor, number, 405, "This can only be read: use GET.");
    else
        conn_reply(reactor, number, 200,
                   STR("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                       "Content-Length: 13\r\nCache-Control: no-store\r\n"
                       "X-Content-Type-Options: nosniff\r\n\r\n"),
                   conn_at(reactor, number)->flags & CONN_HEAD ? STR_NONE : body, true);
}

static void route(struct reactor *reactor, uint32_t number, const struct class_rule *rule,
                  const struct http_head *head, str body)
{
    struct conn *conn = conn_at(reactor, number);
    conn->flags &= (uint8_t)~CONN_HEAD;
    if (str_eq(head->method, STR("HEAD")))
        conn->flags |= CONN_HEAD;
    if (!head->keep_alive)
        conn->flags |= CONN_LAST;
    if (rule->to == TO_FILES) {
        files_reply(reactor, number, head);
    } else if (rule->to == TO_SELF) {
        live_reply(reactor, number, head);
    } else if (pipe_ask(reactor, rule, number, head, body)) {
        enter(reactor, number, PHASE_WAIT);
    } else {
        gateway_stats_add(&reactor->row->shed, 1);
        problem_reply(reactor, number, 503,
                      "Too many requests wait already; try again in a moment.");
    }
}

static bool say_continue(struct reactor *reactor, struct conn *conn)
{
    str line = STR("HTTP/1.1 100 Continue\r\n\r\n");
    if (conn->session)
        return tls_encrypt(reactor->tls, conn->session, line) && tls_flush(reactor, conn);
    struct iovec part = { (char *)line.p, line.n };
    return reactor->net->send(reactor->net, conn->handle, &part, 1) == (ssize_t)line.n;
}

/* The head is here, the body is not. */
static void await_body(struct reactor *reactor, uint32_t number, const struct http_head *head)
{
    struct conn *conn = conn_at(reactor, number);
    if (conn->phase == PHASE_BODY)
        return;
    enter(reactor, number, PHASE_BODY);
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
            enter(reactor, number, PHASE_HEAD);
        return 0;
    }
    if (answer != HTTP_DONE) {
        refuse(reactor, number, (unsigned)answer, why.text);
        return 0;
    }
    const struct class_rule *rule = class_find(head.method, head.path);
    if (head.body_bytes > rule->body_bytes_max) {
        refuse(reactor, number, 413, "The body is larger than this address takes.");
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
        in_free(conn);
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

/* Serves the requests that begin `bytes`, as far as they are whole. True while the connection
 * lives. */
static bool serve(struct reactor *reactor, uint32_t number, str bytes)
{
    struct conn *conn = conn_at(reactor, number);
    uint32_t generation = conn->generation;
    size_t need = 0;
    while (bytes.n && listens(conn)) {
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
    bool was_open = conn->session && tls_is_open(conn->session);
    enum tls_state state = TLS_BROKEN;
    size_t n = 0;
    if (conn->session)
        state = tls_decrypt(reactor->tls, conn->session, cipher, reactor->plain, &n);
    if (!conn->session || !tls_flush(reactor, conn) || state == TLS_BROKEN) {
        if (!was_open)
            gateway_stats_add(&reactor->row->handshakes_failed, 1);
        conn_close(reactor, number);
        return false;
    }
    if (!was_open && tls_is_open(conn->session)) {
        gateway_stats_add(&reactor->row->handshakes, 1);
        enter(reactor, number, PHASE_IDLE);
    }
    if (state == TLS_ENDED) {
        conn->flags |= CONN_ENDED;
        conn->flags &= (uint8_t)~CONN_READABLE;
    }
    return !n || take(reactor, number, (str){ reactor->plain, n });
}

/* Reads while there is something and we want it. */
static void read_on(struct reactor *reactor, uint32_t number)
{
    struct conn *conn = conn_at(reactor, number);
    while ((conn->flags & CONN_READABLE) && listens(conn)) {
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
    if ((conn->flags & CONN_ENDED) && !(conn->flags & CONN_READABLE) && listens(conn))
        conn_close(reactor, number);
}

static void throw_away(struct reactor *reactor, uint32_t number)
{
    struct conn *conn = conn_at(reactor, number);
    while (conn->flags & CONN_READABLE) {
        ssize_t n = reactor->net->recv(reactor->net, conn->handle, reactor->scratch, SCRATCH_BYTES);
        if (n < (ssize_t)SCRATCH_BYTES)
            conn->flags &= (uint8_t)~CONN_READABLE;
        if (n <= 0 && n != NET_AGAIN) {
            conn_close(reactor, number);
            return;
        }
    }
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
        send_on(reactor, number, conn->out, true);
        conn_continue(reactor, number);
    } else if (conn->phase == PHASE_LINGER) {
        throw_away(reactor, number);
    } else if (listens(conn)) {
        read_on(reactor, number);
    }
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
                                 phase_ms(reactor, conn->phase) / 1000;
}

void conn_late(struct reactor *reactor, uint32_t number)
{
    struct conn *conn = conn_at(reactor, number);
    if (is_moving(reactor, conn)) {
        enter(reactor, number, conn->phase);
        return;
    }
    gateway_stats_add(&reactor->row->cut, 1);
    if (conn->phase != PHASE_HEAD && conn->phase != PHASE_BODY) {
        conn_close(reactor, number);
        return;
    }
    in_free(conn);
    refuse(reactor, number, 408, "The rest of the request did not come in time.");
}
