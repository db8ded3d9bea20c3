/* gateway_world.c - see gateway_world.h. */
#include "tests/unit/gateway_world.h"

#include <stdio.h>
#include <stdlib.h>

static const struct gateway_limits limits = {
    .window = 512,
    .handshake_ms = 5000,
    .head_ms = 5000,
    .body_ms = 10000,
    .write_ms = 10000,
    .idle_ms = 120000,
    .hold_ms = 30000,
    .linger_ms = 2000,
    .drain_ms = 8000,
    .leave_ms = 90000,
    .leave_per_s = 100000,
    .rate_bytes_per_s = 500,
    .head_bytes_max = 8 * KIB,
    .reply_bytes_max = 1 * MIB,
    .sends_max = 8,
};

void gate_world_open(struct gate_world *w, uint64_t seed, bool calm)
{
    *w = (struct gate_world){ .gate = -1, .limits = limits, .alive = true };
    net_sim_init(&w->sim, seed, calm);
    w->listener = net_sim_listen(&w->sim, NULL);
    w->opts = (struct gateway_opts){ .tls_fd = -1,
                                     .plain_fd = w->listener,
                                     .probe_fd = -1,
                                     .stop_fd = -1,
                                     .leave_fd = -1,
                                     .log_fd = -1,
                                     .gate_path = WORLD_GATE };
    w->stats = calloc(1, sizeof(*w->stats));
    must(w->stats);
    atomic_store(&w->stats->rows_used, 1);
    w->opts.stats = w->stats;
    for (size_t i = 0; i < COUNT(w->halls); i++)
        w->halls[i].handle = -1;
    reactor_init(&w->reactor, &w->sim.net, &w->opts, &w->limits, CLASS_SHARE_CONNECTIONS - 1, NULL,
                 &w->stats->rows[0]);
    gate_world_hall_start(w);
}

void gate_world_close(struct gate_world *w)
{
    gate_world_hall_kill(w);
    reactor_fini(&w->reactor);
    net_sim_fini(&w->sim);
    free(w->stats);
}

/* -- the hall ------------------------------------------------------------------------------ */

void gate_world_hall_start(struct gate_world *w)
{
    w->gate = net_sim_listen(&w->sim, WORLD_GATE);
}

static void hall_drop(struct gate_world *w, struct world_hall *hall, bool breaks)
{
    if (breaks)
        net_sim_break(&w->sim, hall->handle);
    w->sim.net.close(&w->sim.net, hall->handle);
    hall->handle = -1;
    out_fini(&hall->in);
    out_fini(&hall->out);
}

void gate_world_hall_kill(struct gate_world *w)
{
    for (size_t i = 0; i < COUNT(w->halls); i++)
        if (w->halls[i].handle >= 0)
            hall_drop(w, &w->halls[i], true);
    if (w->gate >= 0)
        w->sim.net.close(&w->sim.net, w->gate);
    w->gate = -1;
}

static void hall_accept(struct gate_world *w)
{
    unsigned char peer[16];
    for (size_t i = 0; i < COUNT(w->halls); i++) {
        if (w->halls[i].handle >= 0)
            continue;
        int handle = w->sim.net.accept(&w->sim.net, w->gate, peer);
        if (handle < 0)
            return;
        w->halls[i] = (struct world_hall){ handle, out_make(16 * MIB), out_make(16 * MIB) };
    }
}

static void hall_answer(struct gate_world *w, struct world_hall *hall)
{
    struct http_head head;
    str rest = out_view(&hall->in);
    while (!w->silent && rest.n) {
        struct why why = { .text = "" };
        int parsed = http_parse_request(&head, rest, 16 * KIB, &why);
        if (parsed > HTTP_DONE)
            test_failed(__FILE__, __LINE__, "the hall got %d: %s", parsed, why.text);
        size_t whole = head.head_bytes + (size_t)head.body_bytes;
        if (parsed == HTTP_MORE || rest.n < whole)
            break;
        must(whole < sizeof(w->last));
        memcpy(w->last, rest.p, whole);
        w->last[whole] = 0;
        out_fmt(&hall->out, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%.*s", head.target.n,
                STR_ARG(head.target));
        rest = str_from(rest, whole);
        w->served++;
    }
    memmove(hall->in.p, rest.p, rest.n);
    hall->in.n = rest.n;
}

static void hall_step(struct gate_world *w, struct world_hall *hall)
{
    struct net *net = &w->sim.net;
    static char bytes[64 * KIB];
    ssize_t n;
    while ((n = net->recv(net, hall->handle, bytes, sizeof(bytes))) > 0)
        out_bytes(&hall->in, bytes, (size_t)n);
    if (n == 0 || n == NET_GONE) {
        hall_drop(w, hall, false);
        return;
    }
    if (hall->in.n)
        hall_answer(w, hall);
    if (!hall->out.n)
        return;
    struct iovec part = { hall->out.p, hall->out.n };
    n = net->send(net, hall->handle, &part, 1);
    if (n > 0) {
        memmove(hall->out.p, hall->out.p + n, hall->out.n - (size_t)n);
        hall->out.n -= (size_t)n;
    }
}

void gate_world_run(struct gate_world *w, int rounds, int64_t ms)
{
    for (int i = 0; i < rounds; i++) {
        w->sim.now_us += ms * 1000;
        w->alive = reactor_round(&w->reactor, 0);
        if (w->gate >= 0)
            hall_accept(w);
        for (size_t h = 0; h < COUNT(w->halls); h++)
            if (w->halls[h].handle >= 0)
                hall_step(w, &w->halls[h]);
    }
}

/* -- clients ------------------------------------------------------------------------------- */

void client_dial(struct gate_world *w, struct world_client *c)
{
    *c = (struct world_client){ .handle = net_sim_dial(&w->sim, w->listener),
                                .out = out_make(MIB),
                                .in = out_make(MIB) };
}

static void client_gone(struct gate_world *w, struct world_client *c)
{
    w->sim.net.close(&w->sim.net, c->handle);
    c->handle = -1;
    c->ended = true;
}

void client_step(struct gate_world *w, struct world_client *c)
{
    struct net *net = &w->sim.net;
    char bytes[4096];
    ssize_t n = NET_AGAIN;
    if (c->handle < 0)
        return;
    if (c->sent < c->out.n) {
        struct iovec part = { c->out.p + c->sent, c->out.n - c->sent };
        ssize_t sent = net->send(net, c->handle, &part, 1);
        c->sent += sent > 0 ? (size_t)sent : 0;
    }
    while ((n = net->recv(net, c->handle, bytes, sizeof(bytes))) > 0)
        out_bytes(&c->in, bytes, (size_t)n);
    if (n == 0 || n == NET_GONE)
        client_gone(w, c);
}

void client_say(struct gate_world *w, struct world_client *c, str bytes)
{
    out_str(&c->out, bytes);
    client_step(w, c);
}

void client_hang_up(struct gate_world *w, struct world_client *c)
{
    if (c->handle >= 0)
        w->sim.net.close(&w->sim.net, c->handle);
    out_fini(&c->out);
    out_fini(&c->in);
    *c = (struct world_client){ .handle = -1 };
}

unsigned client_reply_of(struct world_client *c, char body[512])
{
    struct http_head head;
    if (http_parse_reply(&head, out_view(&c->in), 16 * KIB, NULL) != HTTP_DONE)
        return 0;
    size_t whole = head.head_bytes + (size_t)head.body_bytes;
    if (c->in.n < whole)
        return 0;
    if (body)
        snprintf(body, 512, "%.*s", (int)head.body_bytes, c->in.p + head.head_bytes);
    memmove(c->in.p, c->in.p + whole, c->in.n - whole);
    c->in.n -= whole;
    return head.status;
}

unsigned client_ask(struct gate_world *w, struct world_client *c, str bytes, char body[512])
{
    unsigned status = 0;
    client_say(w, c, bytes);
    for (int i = 0; i < 200 && !status; i++) {
        gate_world_run(w, 1, 1);
        client_step(w, c);
        status = client_reply_of(c, body);
    }
    return status;
}
