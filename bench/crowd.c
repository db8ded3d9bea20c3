/* crowd.c - see crowd.h. The coordinator writes an order and raises `round`; each thread sees it at
 * its next turn, works it off, and says so by raising its own `done`. */
#include "bench/crowd.h"

#include "base/out.h"
#include "codec/http.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SPARE_FILES    64
#define SETTING_UP_MAX 24 /* connections of one thread between connect and ready */
#define DRAIN_US       5000000
#define TURN_US_MAX    20000
#define LEAD_US        100000 /* from the order to its beginning: all threads have seen it */
#define COOKIE_CHARS   43

enum stage { STAGE_OUT, STAGE_SIGNING_IN, STAGE_STARTING, STAGE_TRYING, STAGE_READY, STAGE_LOST };

struct member {
    struct io_conn *conn;
    struct crowd_thread *thread;
    int64_t meant_us; /* of the request that is out */
    uint32_t number, attempt, seq, owed;
    uint8_t stage;
    bool out;
    char cookie[COOKIE_CHARS + 1];
};

struct crowd_thread {
    struct crowd *crowd;
    struct io *io;
    struct member *members;
    unsigned count, first; /* first: the number of members[0] in the crowd */
    unsigned index;
    unsigned ready, setting_up, next_out; /* while connecting */
    unsigned cursor, stride;              /* the place in the order of visits */
    unsigned outstanding;
    bool measuring;
    int64_t end_us;
    struct crowd_result result;
    _Atomic unsigned done;
    pthread_t id;
};

struct crowd {
    struct crowd_opts opts;
    struct crowd_thread *threads;
    unsigned thread_count;
    int64_t begin_us, end_us, period_us; /* the order; period 0: closed */
    _Atomic unsigned round;              /* 1: connect; UINT_MAX: end */
    _Atomic bool failed;
    struct why why; /* the first failure's, guarded by `failed` */
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static double thread_cpu_us(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e6 + (double)used.tv_nsec / 1e3;
}

static void give_up(struct crowd *crowd, const char *what, str detail)
{
    if (!atomic_exchange(&crowd->failed, true))
        fail_ignore(
            fail_set(&crowd->why, FAIL_WORLD, "%s: %.*s", what, STR_ARG(str_first(detail, 300))),
            "kept in why");
}

/* --- what a member sends ---------------------------------------------------------------------- */

static void send_text(struct member *m, const char *method, const char *path, const char *body)
{
    const struct io_target *target = m->thread->crowd->opts.target;
    char text[1024];
    int n = snprintf(text, sizeof(text),
                     "%s %s HTTP/1.1\r\nHost: %.*s\r\nOrigin: %s\r\n%s%s%s"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     method, path, STR_ARG(target->host), target->origin,
                     m->cookie[0] ? "Cookie: __Host-examhall=" : "", m->cookie,
                     m->cookie[0] ? "\r\n" : "", strlen(body), body);
    must(n > 0 && n < (int)sizeof(text));
    m->out = true;
    io_send(m->thread->io, m->conn, str_of(text, (size_t)n));
}

static void send_save(struct member *m)
{
    char path[64], body[80];
    m->seq++;
    snprintf(path, sizeof(path), "/v1/attempts/%u/answers/%u", m->attempt, m->seq % 10 + 1);
    snprintf(body, sizeof(body), "{\"value\":\"%c\",\"marked\":false,\"seq\":%u}", 'A' + m->seq % 4,
             m->seq);
    send_text(m, "PUT", path, body);
}

static void send_sign_in(struct member *m)
{
    const struct credential *who = &m->thread->crowd->opts.who[m->number];
    char body[160];
    snprintf(body, sizeof(body), "{\"roll\":\"%.*s\",\"code\":\"%.*s\"}", STR_ARG(who->roll),
             STR_ARG(who->code));
    m->stage = STAGE_SIGNING_IN;
    send_text(m, "POST", "/v1/sessions", body);
}

static void send_start(struct member *m)
{
    char path[64];
    snprintf(path, sizeof(path), "/v1/attempts/%u/start", m->attempt);
    m->stage = STAGE_STARTING;
    send_text(m, "POST", path, "{}");
}

/* --- getting ready ---------------------------------------------------------------------------- */

static bool session_take(struct member *m, const struct http_head *head, str body)
{
    str pair = http_field(head, "Set-Cookie"), value = str_cut(&pair, ';');
    str_cut(&value, '=');
    ptrdiff_t at = str_find_str(body, STR("\"attempt\":"));
    if (!value.p || value.n != COOKIE_CHARS || at < 0)
        return false;
    memcpy(m->cookie, value.p, value.n);
    m->attempt = (uint32_t)strtoul(body.p + at + 10, NULL, 10);
    return true;
}

static void get_ready(struct member *m, const struct http_head *head, str body)
{
    struct crowd_thread *t = m->thread;
    bool fine = head->status == 200;
    if (fine && m->stage == STAGE_SIGNING_IN) {
        fine = session_take(m, head, body);
        if (fine)
            send_start(m);
    } else if (fine) {
        m->stage = STAGE_READY;
        t->setting_up--;
        t->ready++;
    }
    if (!fine)
        give_up(t->crowd, "a candidate could not begin", body);
}

static void join(struct crowd_thread *t)
{
    struct member *m = &t->members[t->next_out++];
    m->conn = io_connect(t->io, m, m->number, NULL);
    if (!m->conn) {
        give_up(t->crowd, "cannot connect", str_z(strerror(errno)));
        return;
    }
    t->setting_up++;
    if (t->crowd->opts.who) {
        send_sign_in(m);
    } else {
        m->stage = STAGE_TRYING;
        m->attempt = m->number + 1;
        memset(m->cookie, 'x', COOKIE_CHARS); /* as long as a real one */
        send_save(m);
    }
}

static void connect_all(struct crowd_thread *t)
{
    while (t->ready < t->count && !atomic_load(&t->crowd->failed)) {
        while (t->next_out < t->count && t->setting_up < SETTING_UP_MAX &&
               !atomic_load(&t->crowd->failed))
            join(t);
        io_turn(t->io, TURN_US_MAX);
    }
}

/* --- a round ---------------------------------------------------------------------------------- */

static void out_again(struct member *m)
{
    m->thread->outstanding++;
    send_save(m);
}

static void measured(struct crowd_thread *t, struct member *m, const struct http_head *head,
                     str body)
{
    struct crowd_result *result = &t->result;
    result->replies++;
    if (head->status != 200) {
        result->refused++;
        snprintf(result->sample, sizeof(result->sample), "%u %.*s", head->status,
                 STR_ARG(str_first(body, 400)));
    }
    hist_record(&result->latency, now_us() - m->meant_us);
}

static void on_reply(void *owner, const struct http_head *head, str body)
{
    struct member *m = owner;
    struct crowd_thread *t = m->thread;
    m->out = false;
    if (m->stage != STAGE_READY) {
        get_ready(m, head, body);
        return;
    }
    t->outstanding--;
    if (!t->measuring)
        return;
    int64_t period_us = t->crowd->period_us;
    measured(t, m, head, body);
    if (m->owed) { /* due while the last one was out */
        m->owed--;
        m->meant_us += period_us;
        out_again(m);
    } else if (!period_us && (m->meant_us = now_us()) < t->end_us) {
        out_again(m);
    }
}

static void on_lost(void *owner, const char *what)
{
    struct member *m = owner;
    struct crowd_thread *t = m->thread;
    if (m->stage != STAGE_READY)
        give_up(t->crowd, "a connection was lost before its turn", str_z(what));
    t->outstanding -= m->stage == STAGE_READY && m->out;
    t->result.unanswered += t->measuring && m->out ? 1 + m->owed : 0;
    t->result.lost++;
    m->stage = STAGE_LOST;
    m->out = false;
    m->conn = NULL;
}

/* The next request of the timetable: of a member whose neighbours in memory are not next. */
static void visit(struct crowd_thread *t, int64_t meant_us, int64_t now)
{
    struct member *m = &t->members[(uint64_t)t->cursor++ * t->stride % t->count];
    if (m->stage == STAGE_LOST) {
        t->result.unanswered++;
    } else if (m->out) {
        m->owed++;
    } else {
        m->meant_us = meant_us;
        hist_record(&t->result.own_lateness, now - meant_us);
        out_again(m);
    }
}

static void run_paced(struct crowd_thread *t)
{
    const struct crowd *crowd = t->crowd;
    double gap_us = (double)crowd->period_us / t->count;
    double first_us = (double)crowd->begin_us + gap_us * t->index / crowd->thread_count;
    int64_t due_us = (int64_t)first_us, now = now_us();
    for (uint64_t sent = 0; now < t->end_us || (t->outstanding && now < t->end_us + DRAIN_US);) {
        while (due_us <= now && due_us < t->end_us) {
            visit(t, due_us, now);
            due_us = (int64_t)(first_us + gap_us * (double)++sent);
        }
        int64_t until_us = MIN(due_us, t->end_us);
        io_turn(t->io, until_us > now ? MIN(until_us - now, TURN_US_MAX) : TURN_US_MAX / 20);
        now = now_us();
    }
}

static void run_closed(struct crowd_thread *t)
{
    int64_t now = now_us();
    for (unsigned i = 0; i < t->count; i++) {
        t->members[i].meant_us = now;
        if (t->members[i].stage == STAGE_READY)
            out_again(&t->members[i]);
    }
    for (; now < t->end_us || (t->outstanding && now < t->end_us + DRAIN_US); now = now_us())
        io_turn(t->io, TURN_US_MAX);
}

static void run(struct crowd_thread *t)
{
    uint64_t lost = t->result.lost;
    memset(&t->result, 0, sizeof(t->result));
    t->result.lost = lost;
    t->end_us = t->crowd->end_us;
    while (now_us() < t->crowd->begin_us)
        io_turn(t->io, MAX(t->crowd->begin_us - now_us(), 0));
    t->measuring = true;
    double cpu_us = thread_cpu_us();
    if (t->crowd->period_us)
        run_paced(t);
    else
        run_closed(t);
    t->result.cpu_us = thread_cpu_us() - cpu_us;
    t->measuring = false;
    for (unsigned i = 0; i < t->count; i++) {
        if (t->members[i].out)
            t->result.unanswered += 1 + t->members[i].owed;
        t->members[i].owed = 0;
    }
}

/* --- threads ---------------------------------------------------------------------------------- */

static void pin(int core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    sched_setaffinity(0, sizeof(cores), &cores);
}

static bool thread_open(struct crowd_thread *t)
{
    static const struct io_hooks hooks = { on_reply, on_lost, NULL };
    struct crowd *crowd = t->crowd;
    struct why why;
    if (crowd->opts.core >= 0)
        pin(crowd->opts.core);
    if (unshare(CLONE_FILES)) {
        give_up(crowd, "no descriptor table", str_z(strerror(errno)));
        return false;
    }
    fail f = io_open(&t->io, crowd->opts.target, STR_NONE, t->count, &hooks, &why);
    if (f)
        give_up(crowd, "no loop", str_z(why.text));
    return !f;
}

static void *thread_run(void *arg)
{
    struct crowd_thread *t = arg;
    struct crowd *crowd = t->crowd;
    unsigned round = 1;
    if (thread_open(t))
        connect_all(t);
    atomic_store(&t->done, round);
    while (!atomic_load(&crowd->failed)) {
        unsigned wanted = atomic_load(&crowd->round);
        if (wanted == UINT32_MAX)
            break;
        if (wanted == round) {
            io_turn(t->io, TURN_US_MAX);
            continue;
        }
        run(t);
        round = wanted;
        atomic_store(&t->done, round);
    }
    for (unsigned i = 0; t->io && i < t->count; i++)
        if (t->members[i].conn)
            io_close(t->io, t->members[i].conn);
    if (t->io)
        io_close_all(t->io);
    return NULL;
}

static void wait_for_all(struct crowd *crowd, unsigned round)
{
    for (unsigned i = 0; i < crowd->thread_count; i++)
        while (atomic_load(&crowd->threads[i].done) != round && !atomic_load(&crowd->failed))
            usleep(5000);
}

/* --- what the owner calls --------------------------------------------------------------------- */

static unsigned open_files_max(void)
{
    struct rlimit limit;
    must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    return (unsigned)MIN(limit.rlim_cur, 1u << 22);
}

static void thread_start(struct crowd *crowd, unsigned index, unsigned first, unsigned count)
{
    struct crowd_thread *t = &crowd->threads[index];
    *t = (struct crowd_thread){ .crowd = crowd, .index = index, .first = first, .count = count };
    t->stride = count % 7919 ? 7919 : 7907; /* a prime that visits all, never two neighbours */
    t->members = calloc(count, sizeof(*t->members));
    must(t->members);
    for (unsigned i = 0; i < count; i++)
        t->members[i] = (struct member){ .thread = t, .number = first + i };
    must(pthread_create(&t->id, NULL, thread_run, t) == 0);
}

fail crowd_open(struct crowd **out, const struct crowd_opts *opts, struct why *why)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    must(crowd && opts->connections);
    unsigned table = open_files_max() - SPARE_FILES, first = 0;
    crowd->opts = *opts;
    crowd->round = 1;
    crowd->thread_count = MAX(opts->threads, (opts->connections + table - 1) / table);
    crowd->threads = calloc(crowd->thread_count, sizeof(*crowd->threads));
    must(crowd->threads);
    for (unsigned i = 0; i < crowd->thread_count; i++) {
        unsigned count = (opts->connections - first) / (crowd->thread_count - i);
        thread_start(crowd, i, first, count);
        first += count;
    }
    wait_for_all(crowd, 1);
    if (!atomic_load(&crowd->failed)) {
        *out = crowd;
        return FAIL_NONE;
    }
    *why = crowd->why;
    crowd_close(crowd);
    return FAIL_WORLD;
}

void crowd_run(struct crowd *crowd, double rate, unsigned ms, struct crowd_result *result)
{
    crowd->period_us = rate > 0 ? (int64_t)(crowd->opts.connections / rate * 1e6) : 0;
    crowd->begin_us = now_us() + LEAD_US;
    crowd->end_us = crowd->begin_us + ms * 1000LL;
    unsigned round = atomic_load(&crowd->round) + 1;
    atomic_store(&crowd->round, round);
    wait_for_all(crowd, round);
    memset(result, 0, sizeof(*result));
    result->seconds = ms / 1e3;
    for (unsigned i = 0; i < crowd->thread_count; i++) {
        const struct crowd_result *part = &crowd->threads[i].result;
        result->replies += part->replies;
        result->refused += part->refused;
        result->unanswered += part->unanswered;
        result->lost += part->lost;
        result->cpu_us += part->cpu_us;
        hist_merge(&result->latency, &part->latency);
        hist_merge(&result->own_lateness, &part->own_lateness);
        if (part->sample[0])
            memcpy(result->sample, part->sample, sizeof(result->sample));
    }
}

void crowd_close(struct crowd *crowd)
{
    atomic_store(&crowd->round, UINT32_MAX);
    for (unsigned i = 0; i < crowd->thread_count; i++) {
        pthread_join(crowd->threads[i].id, NULL);
        free(crowd->threads[i].members);
    }
    free(crowd->threads);
    free(crowd);
}
