/* pipe.c - the way to the hall: one pipelined connection for each class.
 *
 * The bytes of every unanswered request stand in one queue, in order; replies come in the same
 * order and take the first away. So a broken connection costs nothing but time: forget the half
 * reply, connect again, send the queue again from its start. The hall takes a repeat as the same
 * request (ARCHITECTURE.md), which is what makes this safe. */
#include "net/reactor.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define RETRY_US       20000
#define GIVE_UP_US     1000000
#define KEEP_BYTES_MAX (64 * KIB) /* an empty queue larger than this is given back */
#define REPLY_HEAD_MAX (16 * KIB)
#define AGAIN_S_MAX    12 /* twice that is less than clients wait for an answer */
#define COOKIE         "__Host-examhall"

void pipe_init(struct pipe *pipe, enum gateway_class class, size_t reply_bytes_max)
{
    /* A reply that is not whole, and one read more: the rest of it, and others behind it. */
    size_t in_max = reply_bytes_max + REPLY_HEAD_MAX + PIPE_SCRATCH_BYTES;
    *pipe = (struct pipe){ .handle = -1, .class = class, .in = out_make(in_max) };
}

void pipe_fini(struct reactor *reactor, struct pipe *pipe)
{
    if (pipe->handle >= 0)
        reactor->net->close(reactor->net, pipe->handle);
    free(pipe->asks);
    free(pipe->bytes);
    out_fini(&pipe->in);
}

static struct ask *ask_at(const struct pipe *pipe, uint32_t i)
{
    must(i < pipe->count);
    return &pipe->asks[(pipe->first + i) & (pipe->ask_cap - 1)];
}

/* -- a request goes in --------------------------------------------------------------------- */

static bool room_for_ask(struct pipe *pipe)
{
    if (pipe->count < pipe->ask_cap)
        return true;
    uint32_t cap = pipe->ask_cap ? pipe->ask_cap * 2 : 16;
    struct ask *asks = malloc(cap * sizeof(*asks));
    if (!asks)
        return false;
    for (uint32_t i = 0; i < pipe->count; i++)
        asks[i] = *ask_at(pipe, i);
    free(pipe->asks);
    pipe->asks = asks;
    pipe->ask_cap = cap;
    pipe->first = 0;
    return true;
}

static bool room_for_bytes(struct pipe *pipe, size_t n)
{
    if (pipe->cap - pipe->end >= n)
        return true;
    if (pipe->start >= pipe->cap / 2 && pipe->cap - (pipe->end - pipe->start) >= n) {
        memmove(pipe->bytes, pipe->bytes + pipe->start, pipe->end - pipe->start);
        pipe->sent -= pipe->start;
        pipe->limit -= pipe->start;
        pipe->end -= pipe->start;
        pipe->start = 0;
        return true;
    }
    size_t cap = MAX(MAX(pipe->cap * 2, 4 * KIB), pipe->end + n);
    char *bytes = realloc(pipe->bytes, cap);
    if (!bytes)
        return false;
    pipe->bytes = bytes;
    pipe->cap = cap;
    return true;
}

/* Appends to bytes that are known to suffice. */
struct pen {
    char *p;
};

static void put(struct pen *pen, str s)
{
    memcpy(pen->p, s.p, s.n);
    pen->p += s.n;
}

static void put_field(struct pen *pen, str name, str value)
{
    if (!value.p)
        return;
    put(pen, name);
    put(pen, value);
    put(pen, STR("\r\n"));
}

static void put_number(struct pen *pen, size_t number)
{
    char digits[20], *p = digits + sizeof(digits);
    do
        *--p = (char)('0' + number % 10);
    while (number /= 10);
    put(pen, str_of(p, (size_t)(digits + sizeof(digits) - p)));
}

static void put_peer(struct pen *pen, const unsigned char peer[16])
{
    static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
    put(pen, STR("X-Forwarded-For: "));
    if (memcmp(peer, mapped, sizeof(mapped)) == 0) {
        for (int i = 12; i < 16; i++) {
            put_number(pen, peer[i]);
            put(pen, i < 15 ? STR(".") : STR("\r\n"));
        }
        return;
    }
    char text[INET6_ADDRSTRLEN];
    if (!inet_ntop(AF_INET6, peer, text, sizeof(text)))
        never("an address has no text");
    put(pen, str_z(text));
    put(pen, STR("\r\n"));
}

/* What of a client's head the hall gets to see: nothing that is not named here. */
static const struct {
    const char *name;
    str line;
} forwarded[] = {
    { "Content-Type", { "Content-Type: ", 14 } },
    { "Idempotency-Key", { "Idempotency-Key: ", 17 } },
    { "Origin", { "Origin: ", 8 } },
};

static size_t forward(char *bytes, const struct http_head *head, str body,
                      const unsigned char peer[16])
{
    struct pen pen = { bytes };
    put(&pen, str_eq(head->method, STR("HEAD")) ? STR("GET") : head->method);
    put(&pen, STR(" "));
    put(&pen, head->target);
    put(&pen, STR(" HTTP/1.1\r\n"));
    put_field(&pen, STR("Host: "), http_field(head, "Host"));
    put_field(&pen, STR("Cookie: " COOKIE "="), http_cookie(head, COOKIE));
    for (size_t i = 0; i < COUNT(forwarded); i++)
        put_field(&pen, forwarded[i].line, http_field(head, forwarded[i].name));
    if (accepts_gzip(head))
        put(&pen, STR("Accept-Encoding: gzip\r\n"));
    put_peer(&pen, peer);
    if (head->has_length) {
        put(&pen, STR("Content-Length: "));
        put_number(&pen, body.n);
        put(&pen, STR("\r\n"));
    }
    put(&pen, STR("\r\n"));
    put(&pen, body);
    return (size_t)(pen.p - bytes);
}

bool pipe_ask(struct reactor *reactor, const struct class_rule *rule, uint32_t number,
              const struct http_head *head, str body)
{
    struct pipe *pipe = &reactor->pipes[rule->class];
    const struct class_share *share = class_share(rule->class);
    size_t shares = reactor->conn_max / CLASS_SHARE_CONNECTIONS + 1;
    size_t most = head->head_bytes + body.n + 256; /* our own additions are smaller */
    if (reactor->waiting >= shares * share->requests_max ||
        reactor->waiting_bytes + most > shares * share->bytes_max || !room_for_ask(pipe) ||
        !room_for_bytes(pipe, most))
        return false;
    struct conn *conn = conn_at(reactor, number);
    size_t n = forward(pipe->bytes + pipe->end, head, body, conn->peer);
    must(n <= most);
    pipe->end += n;
    pipe->count++;
    *ask_at(pipe, pipe->count - 1) = (struct ask){
        .at_us = reactor->now_us,
        .conn = number,
        .generation = conn->generation,
        .bytes = (uint32_t)n,
    };
    reactor->waiting++;
    reactor->waiting_bytes += n;
    gateway_stats_add(&reactor->row->requests[rule->class], 1);
    return true;
}

unsigned pipe_again_s(const struct reactor *reactor, enum gateway_class class)
{
    const struct pipe *pipe = &reactor->pipes[class];
    if (class < P4 || !pipe->count)
        return 1;
    int64_t queue_s = (reactor->now_us - ask_at(pipe, 0)->at_us) / 1000000;
    return (unsigned)MIN(MAX(2 * queue_s, 1), AGAIN_S_MAX);
}

static void drop_first(struct reactor *reactor, struct pipe *pipe)
{
    const struct ask *ask = ask_at(pipe, 0);
    reactor->waiting--;
    reactor->waiting_bytes -= ask->bytes;
    pipe->start += ask->bytes;
    pipe->sent = MAX(pipe->sent, pipe->start); /* of a pipe that is down nothing is sent yet */
    pipe->first = (pipe->first + 1) & (pipe->ask_cap - 1);
    pipe->count--;
    if (pipe->expired)
        pipe->expired--;
    if (pipe->open)
        pipe->open--;
    pipe->limit = MAX(pipe->limit, pipe->start);
    if (pipe->start < pipe->end)
        return;
    must(pipe->count == 0 && pipe->start == pipe->end);
    pipe->start = pipe->sent = pipe->limit = pipe->end = 0;
    if (pipe->cap > KEEP_BYTES_MAX) {
        free(pipe->bytes);
        pipe->bytes = NULL;
        pipe->cap = 0;
    }
}

/* -- the connection breaks, and comes back ------------------------------------------------- */

/* Answers for the hall, to a client that may be gone. */
static void answer(struct reactor *reactor, const struct ask *ask, unsigned status,
                   const char *detail)
{
    if (!conn_waits(reactor, ask->conn, ask->generation))
        return;
    problem_reply(reactor, ask->conn, status, detail);
    conn_continue(reactor, ask->conn);
}

/* Takes out of the queue whoever hung up or was sent too often; the latter are given in `doomed`,
 * which has room for all, and answered once the queue is in order again. */
static uint32_t sift(struct reactor *reactor, struct pipe *pipe, struct ask *doomed)
{
    size_t from = pipe->start, to = 0;
    uint32_t kept = 0, doomed_count = 0, count = pipe->count;
    for (uint32_t i = 0; i < count; i++) {
        struct ask ask = *ask_at(pipe, i);
        ask.sends += from < pipe->sent;
        bool wanted = conn_waits(reactor, ask.conn, ask.generation);
        if (wanted && ask.sends < reactor->limits.sends_max) {
            memmove(pipe->bytes + to, pipe->bytes + from, ask.bytes);
            to += ask.bytes;
            *ask_at(pipe, kept++) = ask;
        } else {
            reactor->waiting--;
            reactor->waiting_bytes -= ask.bytes;
            if (wanted)
                doomed[doomed_count++] = ask;
        }
        from += ask.bytes;
    }
    pipe->count = kept;
    pipe->expired = pipe->open = pipe->skipped = 0;
    pipe->start = pipe->sent = pipe->limit = 0;
    pipe->end = to;
    return doomed_count;
}

static void pipe_lost(struct reactor *reactor, struct pipe *pipe)
{
    reactor->net->close(reactor->net, pipe->handle);
    pipe->handle = -1;
    pipe->blocked = false;
    pipe->retry_at_us = reactor->now_us + RETRY_US;
    out_clear(&pipe->in);
    gateway_log(reactor->opts, "warn", "gateway.hall_lost", "\"class\":\"P%u\",\"unanswered\":%u",
                pipe->class, pipe->count);
    struct ask *doomed = calloc(pipe->count + 1, sizeof(*doomed));
    must(doomed);
    uint32_t count = sift(reactor, pipe, doomed);
    for (uint32_t i = 0; i < count; i++)
        answer(reactor, &doomed[i], 502, "The hall failed each time it got this request.");
    free(doomed);
}

/* A Unix socket tells each time its peer reads that there is room; we want to know only when there
 * was none. A pipe that cannot be watched is as good as broken. */
static void watch(struct reactor *reactor, struct pipe *pipe, enum net_watch how)
{
    reactor->net->unwatch(reactor->net, pipe->handle);
    if (reactor->net->watch(reactor->net, pipe->handle, TAG_PIPE | pipe->class, how))
        pipe->blocked = how == NET_EDGES;
    else
        pipe_lost(reactor, pipe);
}

static void pipe_connect(struct reactor *reactor, struct pipe *pipe)
{
    if (reactor->now_us < pipe->retry_at_us)
        return;
    pipe->retry_at_us = reactor->now_us + RETRY_US;
    int handle = reactor->net->connect(reactor->net, reactor->opts->gate_path);
    if (handle < 0)
        return;
    pipe->handle = handle;
    watch(reactor, pipe, NET_READS);
    if (pipe->handle < 0)
        return;
    if (pipe->was_up) {
        gateway_stats_add(&reactor->row->reconnects, 1);
        for (uint32_t i = 0; i < pipe->count; i++)
            gateway_stats_add(&reactor->row->resent, ask_at(pipe, i)->sends > 0);
    }
    pipe->was_up = true;
}

static void drop_skipped(struct reactor *reactor, struct pipe *pipe)
{
    while (pipe->count && ask_at(pipe, 0)->skipped) {
        pipe->skipped--;
        drop_first(reactor, pipe);
    }
}

/* A client that ended its side may still read; one that did so long ago has given up. */
static bool gave_up(struct reactor *reactor, const struct ask *ask)
{
    if (!conn_waits(reactor, ask->conn, ask->generation))
        return true;
    if (!(conn_at(reactor, ask->conn)->flags & CONN_ENDED) ||
        reactor->now_us - ask->at_us < GIVE_UP_US)
        return false;
    conn_close(reactor, ask->conn);
    return true;
}

/* Lets the next requests go to the hall while there is room in the window. What waits here longer
 * costs the hall nothing if its client gives up meanwhile: a hall that gets more than it can do
 * would else be busy with requests nobody waits for any more, and answer none in time. */
static void open_window(struct reactor *reactor, struct pipe *pipe)
{
    while (pipe->open < pipe->count && pipe->open - pipe->skipped < reactor->limits.window) {
        struct ask *ask = ask_at(pipe, pipe->open++);
        /* Bytes can be left out only where all before them are gone. */
        ask->skipped = pipe->sent == pipe->limit && gave_up(reactor, ask);
        pipe->limit += ask->bytes;
        if (ask->skipped) {
            pipe->sent = pipe->limit;
            pipe->skipped++;
        }
    }
    drop_skipped(reactor, pipe);
}

void pipe_flush(struct reactor *reactor, struct pipe *pipe)
{
    if (pipe->handle < 0 && pipe->count)
        pipe_connect(reactor, pipe);
    if (pipe->handle >= 0)
        open_window(reactor, pipe);
    while (pipe->handle >= 0 && !pipe->blocked && pipe->sent < pipe->limit) {
        struct iovec part = { pipe->bytes + pipe->sent, pipe->limit - pipe->sent };
        ssize_t n = reactor->net->send(reactor->net, pipe->handle, &part, 1);
        if (n == NET_AGAIN)
            watch(reactor, pipe, NET_EDGES);
        else if (n < 0)
            pipe_lost(reactor, pipe);
        else
            pipe->sent += (size_t)n;
    }
}

/* -- replies come out ---------------------------------------------------------------------- */

static void deliver(struct reactor *reactor, struct pipe *pipe, const struct http_head *head,
                    str bytes)
{
    struct ask ask = *ask_at(pipe, 0);
    drop_first(reactor, pipe);
    health_hall_seen(reactor);
    if (!conn_waits(reactor, ask.conn, ask.generation))
        return;
    if (conn_at(reactor, ask.conn)->flags & CONN_HEAD)
        bytes = str_first(bytes, head->head_bytes);
    conn_reply(reactor, ask.conn, head->status, bytes, STR_NONE, false);
    int64_t took_us = reactor->net->mono_us(reactor->net) - ask.at_us;
    gateway_stats_latency(reactor->row, pipe->class, took_us);
    reactor->reply_us += (took_us - reactor->reply_us) / 16;
    conn_continue(reactor, ask.conn);
}

/* Delivers the whole replies that begin *bytes and leaves the rest. False: this is no HTTP, or an
 * answer to nothing. */
static bool deliver_all(struct reactor *reactor, struct pipe *pipe, str *bytes)
{
    struct http_head head;
    while (bytes->n) {
        drop_skipped(reactor, pipe);
        int parsed = http_parse_reply(&head, *bytes, REPLY_HEAD_MAX, NULL);
        if (parsed == HTTP_MORE)
            return true;
        if (parsed != HTTP_DONE || head.body_bytes > reactor->limits.reply_bytes_max)
            return false;
        if (pipe->count == 0 || pipe->start + ask_at(pipe, 0)->bytes > pipe->sent)
            return false;
        size_t whole = head.head_bytes + (size_t)head.body_bytes;
        if (bytes->n < whole)
            return true;
        deliver(reactor, pipe, &head, str_first(*bytes, whole));
        *bytes = str_from(*bytes, whole);
    }
    return true;
}

static bool take(struct reactor *reactor, struct pipe *pipe, str bytes)
{
    bool partial = pipe->in.n > 0;
    if (partial) {
        out_str(&pipe->in, bytes);
        bytes = out_view(&pipe->in);
    }
    if (pipe->in.failed || !deliver_all(reactor, pipe, &bytes))
        return false;
    if (partial) {
        out_drop(&pipe->in, pipe->in.n - bytes.n);
    } else {
        out_str(&pipe->in, bytes);
    }
    if (!pipe->in.n)
        out_fini(&pipe->in); /* a large reply is not kept as a large buffer */
    return !pipe->in.failed;
}

/* `to_end`: until nothing is there any more; the hall may have ended its side. */
static void read_on(struct reactor *reactor, struct pipe *pipe, bool to_end)
{
    int handle = pipe->handle;
    for (;;) {
        ssize_t n =
            reactor->net->recv(reactor->net, handle, reactor->pipe_scratch, PIPE_SCRATCH_BYTES);
        if (n == NET_AGAIN)
            return;
        if (n <= 0 || !take(reactor, pipe, (str){ reactor->pipe_scratch, (size_t)n })) {
            pipe_lost(reactor, pipe);
            return;
        }
        if (n < (ssize_t)PIPE_SCRATCH_BYTES && !to_end)
            return;
    }
}

void pipe_event(struct reactor *reactor, struct pipe *pipe, unsigned what)
{
    if (pipe->handle < 0)
        return;
    if ((what & NET_OUT) && pipe->blocked)
        watch(reactor, pipe, NET_READS);
    if (pipe->handle >= 0 && what & (NET_IN | NET_END | NET_DEAD))
        read_on(reactor, pipe, what & (NET_END | NET_DEAD));
}

void pipe_poll(struct reactor *reactor, struct pipe *pipe)
{
    if (pipe->handle >= 0 && pipe->count)
        read_on(reactor, pipe, true);
}

/* -- time ---------------------------------------------------------------------------------- */

void pipe_expire(struct reactor *reactor, struct pipe *pipe)
{
    int64_t limit_us = reactor->now_us - (int64_t)reactor->limits.hold_ms * 1000;
    while (pipe->expired < pipe->count && ask_at(pipe, pipe->expired)->at_us <= limit_us) {
        struct ask ask = *ask_at(pipe, pipe->expired);
        ask_at(pipe, pipe->expired++)->conn = NO_CONN; /* its late reply is nobody's */
        gateway_stats_add(&reactor->row->expired, 1);
        answer(reactor, &ask, 503, "The hall took too long to answer; try again.");
    }
    while (pipe->handle < 0 && pipe->expired)
        drop_first(reactor, pipe);
}
