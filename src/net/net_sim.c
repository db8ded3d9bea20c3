/* net_sim.c - see net_sim.h. An end is one side of a connection, or a listener; what was sent to it
 * stands in its own queue, of which the first `visible` bytes have arrived. */
#include "net/net_sim.h"

#include <stdlib.h>

#define QUEUE_BYTES_MAX (64 * KIB)

struct sim_end {
    bool used, listener, dead, fin, fin_seen, want_out, watched;
    enum net_watch how;
    uint64_t tag;
    unsigned edges;
    int peer; /* -1: closed, or a listener */
    char path[64];
    char *bytes; /* for a listener: the ends that wait, as ints */
    size_t n, visible, cap;
};

static struct net_sim *sim_of(struct net *net)
{
    return CONTAINER(net, struct net_sim, net);
}

static struct sim_end *end_at(struct net_sim *sim, int handle)
{
    must(handle >= 0 && handle < sim->end_count && sim->ends[handle].used);
    return &sim->ends[handle];
}

static int end_new(struct net_sim *sim)
{
    int handle = 0;
    while (handle < sim->end_count && sim->ends[handle].used)
        handle++;
    if (handle == sim->end_cap) {
        sim->end_cap = MAX(sim->end_cap * 2, 64);
        sim->ends = realloc(sim->ends, (size_t)sim->end_cap * sizeof(*sim->ends));
        must(sim->ends);
    }
    sim->end_count = MAX(sim->end_count, handle + 1);
    sim->ends[handle] = (struct sim_end){ .used = true, .peer = -1 };
    sim->open_count++;
    return handle;
}

static void enqueue(struct sim_end *end, const void *bytes, size_t n)
{
    if (end->n + n > end->cap) {
        end->cap = MAX(end->cap * 2, end->n + n);
        end->bytes = realloc(end->bytes, end->cap);
        must(end->bytes);
    }
    memcpy(end->bytes + end->n, bytes, n);
    end->n += n;
}

static void dequeue(struct sim_end *end, void *bytes, size_t n)
{
    memcpy(bytes, end->bytes, n);
    memmove(end->bytes, end->bytes + n, end->n - n);
    end->n -= n;
}

static bool lucky(struct net_sim *sim, unsigned one_in)
{
    return sim->calm || chance_below(&sim->chance, one_in) == 0;
}

static size_t some_of(struct net_sim *sim, size_t n)
{
    return sim->calm || n < 2 ? n : 1 + (size_t)chance_below(&sim->chance, n);
}

/* -- the table ----------------------------------------------------------------------------- */

static int sim_accept(struct net *net, int listener, unsigned char peer[16])
{
    struct net_sim *sim = sim_of(net);
    struct sim_end *end = end_at(sim, listener);
    if (sim->open_max && sim->open_count > sim->open_max)
        return NET_FULL;
    if (end->n < sizeof(int))
        return NET_AGAIN;
    int handle;
    dequeue(end, &handle, sizeof(handle));
    memset(peer, 0, 16);
    peer[10] = peer[11] = 0xff;
    peer[12] = 127;
    memcpy(peer + 13, (unsigned char[]){ 0, 0, 1 }, 3);
    return handle;
}

int net_sim_dial(struct net_sim *sim, int listener)
{
    int near = end_new(sim), far = end_new(sim);
    sim->ends[near].peer = far;
    sim->ends[far].peer = near;
    enqueue(end_at(sim, listener), &far, sizeof(far));
    return near;
}

static int sim_connect(struct net *net, const char *path)
{
    struct net_sim *sim = sim_of(net);
    for (int i = 0; i < sim->end_count; i++)
        if (sim->ends[i].used && sim->ends[i].listener && strcmp(sim->ends[i].path, path) == 0)
            return net_sim_dial(sim, i);
    return NET_GONE;
}

static ssize_t sim_recv(struct net *net, int handle, void *bytes, size_t n)
{
    struct net_sim *sim = sim_of(net);
    struct sim_end *end = end_at(sim, handle);
    if (end->dead)
        return NET_GONE;
    if (!end->visible)
        return end->fin_seen ? 0 : NET_AGAIN;
    size_t got = some_of(sim, MIN(n, end->visible));
    dequeue(end, bytes, got);
    end->visible = got == n ? end->visible - got : 0; /* a short read: the rest comes later */
    return (ssize_t)got;
}

static ssize_t sim_send(struct net *net, int handle, const struct iovec *parts, int count)
{
    struct net_sim *sim = sim_of(net);
    struct sim_end *end = end_at(sim, handle);
    if (end->dead || end->peer < 0)
        return NET_GONE;
    struct sim_end *peer = end_at(sim, end->peer);
    size_t room = QUEUE_BYTES_MAX - MIN(peer->n, QUEUE_BYTES_MAX), sent = 0, whole = 0;
    for (int i = 0; i < count; i++)
        whole += parts[i].iov_len;
    room = sim->calm ? whole : MIN(room, whole);
    end->want_out = room == 0 && whole > 0;
    if (end->want_out)
        return NET_AGAIN;
    room = some_of(sim, room);
    for (int i = 0; i < count && room; i++) {
        size_t n = MIN(room, parts[i].iov_len);
        enqueue(peer, parts[i].iov_base, n);
        room -= n;
        sent += n;
    }
    return (ssize_t)sent;
}

static void sim_shut(struct net *net, int handle)
{
    struct net_sim *sim = sim_of(net);
    struct sim_end *end = end_at(sim, handle);
    if (end->peer >= 0)
        end_at(sim, end->peer)->fin = true;
}

static void sim_close(struct net *net, int handle)
{
    struct net_sim *sim = sim_of(net);
    struct sim_end *end = end_at(sim, handle);
    if (end->peer >= 0) {
        struct sim_end *peer = end_at(sim, end->peer);
        peer->fin = true;
        peer->dead |= end->n > 0; /* as a kernel does: unread bytes are answered with a reset */
        peer->edges |= peer->dead ? NET_DEAD : 0;
        peer->peer = -1;
    }
    while (end->listener && end->n) { /* nobody will take these any more */
        int waiting;
        dequeue(end, &waiting, sizeof(waiting));
        sim_close(net, waiting);
    }
    free(end->bytes);
    *end = (struct sim_end){ 0 };
    sim->open_count--;
}

static bool sim_watch(struct net *net, int handle, uint64_t tag, enum net_watch how)
{
    struct sim_end *end = end_at(sim_of(net), handle);
    if (sim_of(net)->no_watch)
        return false;
    end->watched = true;
    end->tag = tag;
    end->how = how;
    end->edges |= end->visible ? NET_IN : 0;
    end->edges |= end->fin_seen ? NET_IN | NET_END : 0;
    end->edges |= end->dead ? NET_DEAD : 0;
    return true;
}

static void sim_unwatch(struct net *net, int handle)
{
    end_at(sim_of(net), handle)->watched = false;
}

/* Lets some of what is under way arrive at one end. */
static void arrive(struct net_sim *sim, struct sim_end *end)
{
    if (end->visible < end->n && lucky(sim, 2)) {
        end->visible += some_of(sim, end->n - end->visible);
        end->edges |= NET_IN;
    }
    if (end->fin && !end->fin_seen && end->n == 0 && lucky(sim, 2)) {
        end->fin_seen = true;
        end->edges |= NET_IN | NET_END;
    }
    if (end->want_out && end->peer >= 0 && end_at(sim, end->peer)->n < QUEUE_BYTES_MAX) {
        end->want_out = false;
        end->edges |= NET_OUT;
    }
}

static int sim_wait(struct net *net, struct net_event *events, int max, int timeout_ms)
{
    (void)timeout_ms;
    struct net_sim *sim = sim_of(net);
    int count = 0;
    for (int i = 0; i < sim->end_count; i++) {
        struct sim_end *end = &sim->ends[i];
        if (!end->used)
            continue;
        if (!end->listener)
            arrive(sim, end);
        unsigned what = end->listener ? (end->n ? NET_IN : 0) : end->edges;
        if (!end->watched || !what || count == max)
            continue;
        events[count++] = (struct net_event){ end->tag, what };
        end->edges = 0;
    }
    return count;
}

static int64_t sim_mono_us(struct net *net)
{
    return sim_of(net)->now_us;
}

/* -- the test's side ----------------------------------------------------------------------- */

void net_sim_init(struct net_sim *sim, uint64_t seed, bool calm)
{
    *sim = (struct net_sim){
        .net = { sim_accept, sim_connect, sim_recv, sim_send, sim_shut, sim_close, sim_watch,
                 sim_unwatch, sim_wait, sim_mono_us },
        .calm = calm,
        .now_us = 1000000,
    };
    chance_sim_init(&sim->chance, seed);
}

void net_sim_fini(struct net_sim *sim)
{
    for (int i = 0; i < sim->end_count; i++)
        free(sim->ends[i].bytes);
    free(sim->ends);
}

int net_sim_listen(struct net_sim *sim, const char *path)
{
    int handle = end_new(sim);
    struct sim_end *end = &sim->ends[handle];
    end->listener = true;
    if (path) {
        must(strlen(path) < sizeof(end->path));
        memcpy(end->path, path, strlen(path) + 1);
    }
    return handle;
}

void net_sim_break(struct net_sim *sim, int handle)
{
    struct sim_end *end = end_at(sim, handle);
    if (end->peer >= 0) {
        struct sim_end *peer = end_at(sim, end->peer);
        peer->dead = true;
        peer->edges |= NET_DEAD;
    }
    end->dead = true;
    end->edges |= NET_DEAD;
}
