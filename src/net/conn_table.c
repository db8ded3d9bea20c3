/* conn_table.c - where connections live: one table, a list of its free places, and for each phase a
 * list in the order of deadlines; a connection's beginning and end. */
#include "net/reactor.h"

#include <stdlib.h>

struct conn *conn_at(const struct reactor *reactor, uint32_t number)
{
    must(number < reactor->conn_used);
    return &reactor->conns[number];
}

/* A free place, or the first that was never used; NO_CONN when all are taken. */
static uint32_t place_take(struct reactor *reactor)
{
    uint32_t number = reactor->free;
    if (number != NO_CONN)
        reactor->free = conn_at(reactor, number)->next;
    else if (reactor->conn_used < reactor->conn_max)
        number = reactor->conn_used++;
    return number;
}

static void place_give(struct reactor *reactor, uint32_t number)
{
    conn_at(reactor, number)->next = reactor->free;
    reactor->free = number;
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

uint32_t conn_phase_ms(const struct reactor *reactor, enum phase phase)
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

void conn_enter(struct reactor *reactor, uint32_t number, enum phase phase)
{
    struct conn *conn = conn_at(reactor, number);
    if (conn->phase != PHASE_FREE)
        list_leave(reactor, conn);
    conn->phase = (uint8_t)phase;
    conn->deadline_ms = reactor_now_ms(reactor) + conn_phase_ms(reactor, phase);
    list_join(reactor, number, conn);
}

bool conn_listens(const struct conn *conn)
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

void conn_open(struct reactor *reactor, int handle, const unsigned char peer[16], unsigned flags)
{
    uint32_t number = place_take(reactor);
    must(number != NO_CONN); /* accept_some asks for no more than there is room for */
    struct conn *conn = conn_at(reactor, number);
    if (!reactor->net->watch(reactor->net, handle, conn_tag(number, conn), NET_EDGES)) {
        reactor->net->close(reactor->net, handle);
        place_give(reactor, number);
        return;
    }
    conn->handle = handle;
    conn->flags = (uint8_t)flags;
    memcpy(conn->peer, peer, 16);
    conn_enter(reactor, number, flags & CONN_TLS ? PHASE_HANDSHAKE : PHASE_IDLE);
    reactor->open++;
    gateway_stats_add(&reactor->row->total, 1);
    atomic_store_explicit(&reactor->row->open, reactor->open, memory_order_relaxed);
    if (reactor->open > atomic_load_explicit(&reactor->row->peak, memory_order_relaxed))
        atomic_store_explicit(&reactor->row->peak, reactor->open, memory_order_relaxed);
}

void conn_out_free(struct reactor *reactor, struct conn *conn)
{
    if (!conn->out)
        return;
    reactor->kept_bytes -= conn->out->kept;
    for (size_t i = 0; i < COUNT(conn->out->owned); i++)
        free(conn->out->owned[i]);
    free(conn->out);
    conn->out = NULL;
}

void conn_in_free(struct conn *conn)
{
    free(conn->in);
    conn->in = NULL;
}

bool conn_tls_flush(struct reactor *reactor, struct conn *conn)
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
        conn_tls_flush(reactor, conn);
    }
    tls_drop(conn->session);
    conn->session = NULL;
    conn_in_free(conn);
    conn_out_free(reactor, conn);
    list_leave(reactor, conn);
    reactor->net->close(reactor->net, conn->handle);
    conn->phase = PHASE_FREE;
    conn->generation++;
    place_give(reactor, number);
    reactor->open--;
    atomic_store_explicit(&reactor->row->open, reactor->open, memory_order_relaxed);
}
