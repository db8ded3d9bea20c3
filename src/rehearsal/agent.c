/* agent.c - the loop of one agent: timers in a heap, connections in agent_io, decisions in virtual.
 *
 * Its own lateness is measured where a timer, or the queue for handshakes, starts an action of an
 * idle candidate: that is when this process, not the hall, decides. A run in which that is late
 * says nothing about the hall. */
#include "rehearsal/agent.h"
#include "base/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

enum {
    TURN_US_MAX = 20000, /* orders are seen at least that often */
    TIMERS_MAX = 512,    /* fired in one turn */
};

struct seat {
    struct virtual v;
    struct io_conn *conn;
    struct io_ticket ticket;
    struct agent *agent;
    struct seat *behind; /* in the queue for a handshake; the last is behind itself */
};

/* Times and places stand apart from the seats, which are cold: a change touches a dozen of them. */
struct timer {
    int64_t wake_us;
    uint32_t seat;
};

struct agent {
    const struct agent_opts *opts;
    struct io *io;
    struct seat *seats;
    struct timer *heap;              /* the smallest wake_us first */
    uint32_t *places;                /* of each seat in the heap */
    struct seat *queue, *queue_last; /* of those who wait for a handshake */
    struct stand stand;
    struct paper paper;
    struct arena arena;
    struct out out;
    int phase;
};

int64_t agent_clock_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * SECOND_US + ts.tv_nsec / 1000;
}

static void heap_put(struct agent *agent, uint32_t at, struct timer timer)
{
    agent->heap[at] = timer;
    agent->places[timer.seat] = at;
}

static void heap_up(struct agent *agent, uint32_t at)
{
    struct timer timer = agent->heap[at];
    for (; at && agent->heap[(at - 1) / 2].wake_us > timer.wake_us; at = (at - 1) / 2)
        heap_put(agent, at, agent->heap[(at - 1) / 2]);
    heap_put(agent, at, timer);
}

static void heap_down(struct agent *agent, uint32_t at)
{
    struct timer timer = agent->heap[at];
    uint32_t count = agent->opts->count;
    for (uint32_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && agent->heap[child + 1].wake_us < agent->heap[child].wake_us)
            child++;
        if (agent->heap[child].wake_us >= timer.wake_us)
            break;
        heap_put(agent, at, agent->heap[child]);
        at = child;
    }
    heap_put(agent, at, timer);
}

static void wake_at(struct seat *seat, int64_t wake_us)
{
    struct agent *agent = seat->agent;
    uint32_t at = agent->places[seat - agent->seats];
    bool later = wake_us > agent->heap[at].wake_us;
    agent->heap[at].wake_us = wake_us;
    (later ? heap_down : heap_up)(agent, at);
}

static void hang_up(struct seat *seat)
{
    if (seat->conn)
        io_close(seat->agent->io, seat->conn);
    seat->conn = NULL;
}

static void send_request(struct seat *seat, int64_t now)
{
    struct agent *agent = seat->agent;
    if (!seat->conn)
        seat->conn = io_connect(agent->io, seat, seat->v.number, &seat->ticket);
    if (seat->conn) {
        io_send(agent->io, seat->conn, out_view(&agent->out));
        return;
    }
    agent->stand.board->local_errors++;
    board_example(agent->stand.board, "this machine cannot open another connection (errno %d)",
                  errno);
    virtual_lost(&seat->v, &agent->stand, now);
}

/* A handshake costs more than anything else here. If all who want one began, none would end before
 * the hall's patience does, and all would begin again: so who comes when many are under way waits
 * for its turn, and that counts as our lateness. */
static bool must_wait(const struct seat *seat)
{
    return !seat->conn && io_full(seat->agent->io);
}

static void queue_join(struct seat *seat)
{
    struct agent *agent = seat->agent;
    wake_at(seat, NEVER_US);
    if (seat->behind)
        return;
    seat->behind = seat;
    if (agent->queue)
        agent->queue_last->behind = seat;
    else
        agent->queue = seat;
    agent->queue_last = seat;
}

static struct seat *queue_take(struct agent *agent)
{
    struct seat *seat = agent->queue;
    agent->queue = seat->behind == seat ? NULL : seat->behind;
    seat->behind = NULL;
    return seat;
}

/* Lets the candidate do all that is due now, then sleeps it. */
static void serve(struct seat *seat)
{
    struct agent *agent = seat->agent;
    enum doing doing;
    do {
        int64_t now = agent_clock_us();
        if (virtual_wake(&seat->v) <= now && must_wait(seat)) {
            queue_join(seat);
            return;
        }
        out_clear(&agent->out);
        doing = virtual_act(&seat->v, &agent->stand, now, &agent->out);
        if (doing == DO_SEND)
            send_request(seat, now);
        else if (doing != DO_NOTHING)
            hang_up(seat);
    } while (doing == DO_LEAVE || doing == DO_RETRY);
    wake_at(seat, virtual_wake(&seat->v));
}

static void on_reply(void *owner, const struct http_head *head, str body)
{
    struct seat *seat = owner;
    virtual_reply(&seat->v, &seat->agent->stand, agent_clock_us(), head, body);
    if (!head->keep_alive)
        hang_up(seat);
    serve(seat);
}

static void on_lost(void *owner, const char *what)
{
    struct seat *seat = owner;
    (void)what; /* counted; the sentence is of use in a debugger only */
    seat->conn = NULL;
    virtual_lost(&seat->v, &seat->agent->stand, agent_clock_us());
    serve(seat);
}

static void on_secured(void *owner, bool resumed)
{
    struct board *board = ((struct seat *)owner)->agent->stand.board;
    board->handshakes++;
    board->resumed += resumed;
}

/* Measured where an idle candidate acts: when that is follows from its plan, and from us. */
static void act(struct seat *seat, int64_t now)
{
    int64_t late = now - virtual_wake(&seat->v);
    if (!seat->v.in_flight && !must_wait(seat) && late >= 0)
        hist_record(&seat->agent->stand.board->lag, late);
    serve(seat);
}

static void begin_handshakes(struct agent *agent)
{
    while (agent->queue && !io_full(agent->io))
        act(queue_take(agent), agent_clock_us());
}

/* No more of them a turn: where connecting is slow, timers that fall due meanwhile would never let
 * the replies be read, and candidates would give up waiting for what is here already. */
static void fire_timers(struct agent *agent)
{
    int64_t now = agent_clock_us();
    for (unsigned fired = 0; fired < TIMERS_MAX && agent->heap[0].wake_us <= now; fired++) {
        act(&agent->seats[agent->heap[0].seat], now);
        now = agent_clock_us();
    }
}

static void follow_orders(struct agent *agent)
{
    int phase = agent->opts->orders->phase;
    if (phase == agent->phase)
        return;
    agent->phase = phase;
    if (phase == PHASE_STOP)
        return;
    for (uint32_t i = 0; i < agent->opts->count; i++) {
        struct seat *seat = &agent->seats[i];
        if (seat->v.in_flight)
            hang_up(seat);
        (phase == PHASE_CHECK ? virtual_check : virtual_results)(&seat->v, &agent->stand,
                                                                 agent_clock_us());
        wake_at(seat, virtual_wake(&seat->v));
    }
}

static int64_t turn_us(const struct agent *agent)
{
    return MIN(MAX(agent->heap[0].wake_us - agent_clock_us(), 0), TURN_US_MAX);
}

static void agent_fill(struct agent *agent)
{
    const struct agent_opts *opts = agent->opts;
    agent->seats = table_new_huge(opts->count, sizeof(*agent->seats));
    agent->heap = calloc(opts->count, sizeof(*agent->heap));
    agent->places = calloc(opts->count, sizeof(*agent->places));
    must(agent->heap && agent->places);
    for (uint32_t i = 0; i < opts->count; i++) {
        struct seat *seat = &agent->seats[i];
        const struct credential *credential = &opts->credentials[i];
        seat->agent = agent;
        virtual_init(&seat->v, opts->plan, opts->first + i, (struct sign_in_turn){ i, opts->count },
                     credential->roll, credential->code);
        struct timer timer = { virtual_wake(&seat->v), i };
        heap_put(agent, i, timer); /* they sign in one after another: already a heap */
    }
}

static void agent_empty(struct agent *agent)
{
    for (uint32_t i = 0; i < agent->opts->count; i++) {
        hang_up(&agent->seats[i]);
        io_ticket_free(&agent->seats[i].ticket);
    }
    io_close_all(agent->io);
    stand_fini(&agent->stand);
    table_free(agent->seats, agent->opts->count, sizeof(*agent->seats));
    free(agent->heap);
    free(agent->places);
    arena_fini(&agent->arena);
    out_fini(&agent->out);
}

int agent_run(const struct agent_opts *opts)
{
    static const struct io_hooks hooks = { on_reply, on_lost, on_secured };
    struct agent *agent = calloc(1, sizeof(*agent));
    struct why why;
    must(agent);
    prctl(PR_SET_TIMERSLACK, 1000); /* nanoseconds: our own lateness would count as the hall's */
    *agent =
        (struct agent){ .opts = opts, .arena = arena_make(96 * MIB), .out = out_make(4 * KIB) };
    agent->stand = (struct stand){ .plan = opts->plan,
                                   .first = opts->first,
                                   .count = opts->count,
                                   .paper = &agent->paper,
                                   .board = opts->board,
                                   .orders = opts->orders,
                                   .arena = &agent->arena };
    if (io_open(&agent->io, opts->target, opts->ca, opts->count, &hooks, &why)) {
        board_example(opts->board, "%s", why.text);
        return 3;
    }
    io_rest(agent->io, opts->rest_us);
    agent_fill(agent);
    while (agent->phase != PHASE_STOP) {
        io_turn(agent->io, turn_us(agent));
        begin_handshakes(agent);
        fire_timers(agent);
        follow_orders(agent);
        opts->board->connected = io_count(agent->io);
    }
    agent_empty(agent);
    free(agent);
    return 0;
}
