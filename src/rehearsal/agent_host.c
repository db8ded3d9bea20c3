/* agent_host.c - see agent_host.h: the agent host's side of message.h. */
#include "rehearsal/agent_host.h"
#include "rehearsal/message.h"
#include "rehearsal/remote_host.h"
#include "rehearsal/sources.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define TURN_US  20000
#define FLUSH_US (10 * (int64_t)SECOND_US)
#define PAUSE_US ((int64_t)SECOND_US / 2)

struct session { /* one rehearsal */
    const struct agent_host_opts *opts;
    struct link *link;
    struct io_target target;
    struct out ca;
    uint32_t first, count, credential_count;
    struct credential *credentials;
    struct arena arena;
    struct plan plan;
    uint32_t keys[PAPER_ITEMS_MAX + 1];
    struct gang gang;
    int64_t turned_us, told_recovered_us;
    bool report_due, stopped;
};

static volatile sig_atomic_t interrupted;
static char room[FRAME_BYTES_MAX - 1]; /* where bodies are written; one thread */
static struct report report;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

static void say(const struct agent_host_opts *opts, const char *format, ...) PRINTF(2, 3);
static void say(const struct agent_host_opts *opts, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    opts->say(text);
}

static void tell(struct session *s, enum message kind, const struct wire_out *out)
{
    must(!out->failed);
    link_send(s->link, (uint8_t)kind, str_of(out->p, out->n));
}

/* --- before the run -----------------------------------------------------------------------------
 */

static fail target_take(struct session *s, str body, struct why *why)
{
    struct target_message target;
    fail f = target_read(&target, body, why);
    if (!f)
        f = io_target_parse(&s->target, target.origin, why);
    if (f)
        return f;
    s->target.ours = target.ours;
    s->first = target.first;
    s->count = target.count;
    s->credential_count = 0;
    out_clear(&s->ca);
    out_str(&s->ca, target.ca);
    arena_reset(&s->arena);
    s->credentials = arena_many(&s->arena, struct credential, MAX(s->count, 1));
    if (!s->credentials || s->ca.failed)
        return fail_set(why, FAIL_LIMIT, "the codes do not fit into memory");
    return FAIL_NONE;
}

/* When all codes are there: do the candidates fit, and is there a way to the hall? */
static fail credentials_came(struct session *s, str body, struct why *why)
{
    struct wire_out out = wire_out_make(room, sizeof(room));
    if (!s->credentials)
        return fail_set(why, FAIL_INPUT, "codes came before the target");
    fail f = credentials_take(s->credentials, &s->credential_count, s->count, body, &s->arena, why);
    if (f || s->credential_count < s->count)
        return f;
    f = sources_choose(&s->target, s->opts->sources, s->count, why);
    if (!f)
        f = io_probe(&s->target, out_view(&s->ca), why);
    if (!f)
        tell(s, MESSAGE_READY, &out);
    return f;
}

static fail plan_came(struct session *s, str body, struct why *why)
{
    struct wire_out out = wire_out_make(room, sizeof(room));
    fail f = plan_read(&s->plan, s->keys, body, why);
    if (f)
        return f;
    if (!s->count || s->credential_count < s->count || s->gang.shared)
        return fail_set(why, FAIL_INPUT, "the plan came before the codes, or twice");
    s->plan.origin = str_z(s->target.origin);
    s->plan.host = s->target.host;
    struct gang_opts opts = { .plan = &s->plan,
                              .target = &s->target,
                              .ca = out_view(&s->ca),
                              .credentials = s->credentials,
                              .first = s->first,
                              .count = s->count,
                              .close_fd = link_fd(s->link) };
    f = gang_start(&s->gang, &opts, why);
    if (!f) {
        tell(s, MESSAGE_STARTED, &out);
        say(s->opts, "%u virtual candidates of %u agents against %s", s->count, s->gang.agents,
            s->target.origin);
    }
    return f;
}

/* --- the run ------------------------------------------------------------------------------------
 */

static void report_send(struct session *s, bool last)
{
    struct wire_out out = wire_out_make(room, sizeof(room));
    report.last = last;
    report.effort = s->gang.effort;
    if (!last) {
        gang_sum(&s->gang, &report.board, true);
        report.recovered_us = gang_recovered_us(&s->gang);
    }
    report_write(&out, &report);
    tell(s, MESSAGE_REPORT, &out);
    s->report_due = false;
    s->told_recovered_us = report.recovered_us;
}

static fail ping_came(struct session *s, str body, struct why *why)
{
    struct wire_out out = wire_out_make(room, sizeof(room));
    struct ping ping;
    fail f = ping_read(&ping, body, why);
    if (f)
        return f;
    ping.theirs_us = agent_clock_us();
    ping_write(&out, &ping);
    tell(s, MESSAGE_PONG, &out);
    s->report_due = true;
    return FAIL_NONE;
}

static fail order_came(struct session *s, str body, struct why *why)
{
    struct crew_orders orders;
    fail f = order_read(&orders, body, why);
    if (f)
        return f;
    if (orders.phase != PHASE_STOP) {
        gang_order(&s->gang, orders.phase, orders.killed_us, orders.calm_us);
        return FAIL_NONE;
    }
    gang_stop(&s->gang, &report.board);
    report_send(s, true);
    s->stopped = true;
    return link_flush(s->link, FLUSH_US, why);
}

static fail message_take(struct session *s, const struct frame *frame, struct why *why)
{
    switch (frame->kind) {
    case MESSAGE_PING:
        return ping_came(s, frame->body, why);
    case MESSAGE_TARGET:
        return target_take(s, frame->body, why);
    case MESSAGE_CREDENTIALS:
        return credentials_came(s, frame->body, why);
    case MESSAGE_PLAN:
        return plan_came(s, frame->body, why);
    case MESSAGE_ORDER:
        return order_came(s, frame->body, why);
    default:
        return fail_set(why, FAIL_INPUT, "message %u is not for an agent host", frame->kind);
    }
}

/* Where this process did not run, its reports say so: its agents did not run either. */
static void gang_turn(struct session *s)
{
    int64_t now = agent_clock_us();
    struct effort *effort = &s->gang.effort;
    if (s->turned_us)
        effort->stall_us = MAX(effort->stall_us, now - s->turned_us - TURN_US);
    s->turned_us = now;
    gang_watch(&s->gang, now);
    int64_t recovered = gang_recovered_us(&s->gang);
    if (s->report_due || (recovered && recovered != s->told_recovered_us))
        report_send(s, false);
}

static fail session_loop(struct session *s, struct why *why)
{
    fail f = FAIL_NONE;
    while (!f && !s->stopped) {
        struct frame frame;
        f = link_next(s->link, &frame, s->gang.shared ? TURN_US : SECOND_US, why);
        if (!f && interrupted)
            f = fail_set(why, FAIL_WORLD, "the agent host was interrupted");
        if (!f && frame.kind)
            f = message_take(s, &frame, why);
        if (!f && s->gang.shared)
            gang_turn(s);
    }
    return f;
}

/* Takes the link. */
static fail session_run(struct link *link, const struct agent_host_opts *opts, struct why *why)
{
    static struct session session; /* its gang is large */
    session = (struct session){ .opts = opts, .link = link, .arena = arena_make(512 * MIB) };
    session.ca = out_make(MIB);
    fail f = link_greet(link, ROLE_AGENTS, opts->version, why);
    if (!f) {
        say(opts, "coordinator %s", link_peer(link));
        f = session_loop(&session, why);
    }
    gang_stop(&session.gang, &report.board);
    if (f) { /* tell it, should it still be there */
        struct why ignored;
        link_send(link, MESSAGE_REFUSE, str_z(why->text));
        fail_ignore(link_flush(link, SECOND_US, &ignored), "this is the end either way");
    } else {
        say(opts, "done");
    }
    link_close(link);
    arena_fini(&session.arena);
    out_fini(&session.ca);
    return f;
}

/* --- finding one another ------------------------------------------------------------------------
 */

static fail join(const struct agent_host_opts *opts, const struct link_key *key, struct why *why)
{
    struct link *link;
    fail f = link_dial(&link, opts->join, key, why);
    int64_t until = agent_clock_us() + opts->patience_s * (int64_t)SECOND_US;
    if (f == FAIL_MISSING)
        say(opts, "nobody coordinates at %s yet; trying for %u s", opts->join, opts->patience_s);
    while (f == FAIL_MISSING && agent_clock_us() < until && !interrupted) {
        usleep(PAUSE_US);
        f = link_dial(&link, opts->join, key, why);
    }
    return f ? f : session_run(link, opts, why);
}

static fail serve(const struct agent_host_opts *opts, const struct link_key *key, struct why *why)
{
    int fd = -1;
    fail f = link_listen(&fd, opts->serve, why);
    if (!f)
        say(opts, "waiting for a coordinator on %s", opts->serve);
    while (!f && !interrupted) {
        struct link *link;
        struct why theirs;
        fail one = link_accept(&link, fd, key, PAUSE_US, &theirs);
        if (!one)
            one = session_run(link, opts, &theirs);
        if (one && one != FAIL_BUSY && !interrupted)
            say(opts, "%s", theirs.text);
    }
    if (fd >= 0)
        close(fd);
    return f;
}

fail agent_host_run(const struct agent_host_opts *opts, struct why *why)
{
    struct sigaction action = { .sa_handler = on_interrupt };
    struct link_key key;
    fail f = link_key_read(&key, opts->token_file, why);
    if (f)
        return f;
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to a coordinator that is gone */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return opts->join ? join(opts, &key, why) : serve(opts, &key, why);
}
