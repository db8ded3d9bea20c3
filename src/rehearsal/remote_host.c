/* remote_host.c - the coordinator's side of message.h. Instants become the host's when they leave
 * here and the coordinator's when they come in. */
#include "rehearsal/remote_host.h"
#include "crypto/digest.h"
#include "rehearsal/clock_offset.h"
#include "rehearsal/message.h"

#include <stdio.h>
#include <stdlib.h>

enum { PINGS = 16 };
#define ANSWER_US    (10 * (int64_t)SECOND_US)
#define PREPARE_US   (60 * (int64_t)SECOND_US) /* it tries to reach the hall */
#define SILENCE_US   (10 * (int64_t)SECOND_US)
#define LAST_US      (20 * (int64_t)SECOND_US) /* its agents have ten to end */
#define PING_EACH_US ((int64_t)SECOND_US)

struct remote {
    struct link *link;
    struct clock_offset offset;
    int64_t pinged_us, unanswered_us; /* since when a PING waits; 0: none does */
    bool started, ended;              /* STARTED came; the last report came */
};

static char room[FRAME_BYTES_MAX - 1]; /* where bodies are written; one thread */
static struct report report;

static void tell(struct link *link, enum message kind, const struct wire_out *out)
{
    must(!out->failed);
    link_send(link, (uint8_t)kind, str_of(out->p, out->n));
}

static fail refused(str sentence, struct why *why)
{
    if (!message_is_shown(sentence))
        return fail_set(why, FAIL_INPUT, "it refused, in words with control bytes");
    return fail_set(why, FAIL_CONFLICT, "%.*s", STR_ARG(str_first(sentence, 400)));
}

/* The next message, which must be `kind`; REFUSE becomes its sentence. */
static fail expect(struct link *link, enum message kind, int64_t wait_us, str *body,
                   struct why *why)
{
    struct frame frame;
    fail f = link_next(link, &frame, wait_us, why);
    if (f)
        return f;
    if (frame.kind == MESSAGE_REFUSE)
        return refused(frame.body, why);
    if (!frame.kind)
        return fail_set(why, FAIL_BUSY, "no answer within %d s", (int)(wait_us / SECOND_US));
    if (frame.kind != kind)
        return fail_set(why, FAIL_INPUT, "it sent message %u where %d was due", frame.kind, kind);
    *body = frame.body;
    return FAIL_NONE;
}

/* --- before the run -----------------------------------------------------------------------------
 */

fail link_greet(struct link *link, int role, const char *version, struct why *why)
{
    struct wire_out out = wire_out_make(room, sizeof(room));
    char digest[SHA256_HEX], program[SHA256_HEX + 80];
    struct hello hello = { .role = (uint8_t)role };
    str body = STR_NONE;
    fail f = sha256_file(digest, "/proc/self/exe", why);
    if (f)
        return f;
    snprintf(program, sizeof(program), "%.60s %.16s", version, digest);
    hello.version = str_z(program);
    hello_write(&out, &hello);
    tell(link, MESSAGE_HELLO, &out);
    f = expect(link, MESSAGE_HELLO, ANSWER_US, &body, why);
    if (!f)
        f = hello_read(&hello, body, why);
    if (f)
        return f;
    if (!str_eq(hello.version, str_z(program)))
        return fail_set(why, FAIL_CONFLICT,
                        "%s runs examhall %.*s and this is %s: run the same binary on both",
                        link_peer(link), STR_ARG(hello.version), program);
    if (hello.role == role)
        return fail_set(why, FAIL_CONFLICT,
                        role == ROLE_AGENTS ? "%s is an agent host too, not a coordinator"
                                            : "%s is a coordinator too, not an agent host",
                        link_peer(link));
    return FAIL_NONE;
}

static void ping(struct remote *remote)
{
    struct wire_out out = wire_out_make(room, sizeof(room));
    struct ping ping = { agent_clock_us(), 0 };
    ping_write(&out, &ping);
    tell(remote->link, MESSAGE_PING, &out);
    remote->pinged_us = ping.sent_us;
}

static fail pong_take(struct remote *remote, str body, struct why *why)
{
    struct ping pong;
    fail f = ping_read(&pong, body, why);
    if (!f)
        clock_offset_learn(&remote->offset, pong.sent_us, pong.theirs_us, agent_clock_us());
    return f;
}

static fail clocks_compare(struct remote *remote, struct why *why)
{
    str body = STR_NONE;
    fail f = FAIL_NONE;
    for (int i = 0; i < PINGS && !f; i++) {
        ping(remote);
        f = expect(remote->link, MESSAGE_PONG, ANSWER_US, &body, why);
        if (!f)
            f = pong_take(remote, body, why);
    }
    return f;
}

fail remote_join(struct crew *crew, struct link *link, const char *version, struct why *why)
{
    struct remote *remote = calloc(1, sizeof(*remote));
    must(remote);
    remote->link = link;
    fail f = link_greet(link, ROLE_COORDINATOR, version, why);
    if (!f)
        f = clocks_compare(remote, why);
    struct crew_host *host = f ? NULL : crew_add(crew, &host_remote, link_peer(link));
    if (host) {
        host->own = remote;
        return FAIL_NONE;
    }
    free(remote);
    return f ? f : fail_set(why, FAIL_LIMIT, "there are %d agent hosts already", CREW_HOSTS_MAX);
}

static void credentials_send(struct crew_host *host, const struct credential *credentials)
{
    struct remote *remote = host->own;
    for (uint32_t n = 0; n < host->count;) {
        struct wire_out out = wire_out_make(room, sizeof(room));
        n += credentials_write(&out, credentials + n, host->count - n);
        tell(remote->link, MESSAGE_CREDENTIALS, &out);
    }
}

static fail remote_prepare(struct crew_host *host, const struct muster *muster, struct why *why)
{
    struct remote *remote = host->own;
    struct wire_out out = wire_out_make(room, sizeof(room));
    struct target_message target = { .origin = str_z(muster->target->origin),
                                     .ca = muster->ca,
                                     .ours = muster->target->ours,
                                     .first = host->first,
                                     .count = host->count };
    str body;
    target_write(&out, &target);
    if (out.failed)
        return fail_set(why, FAIL_LIMIT, "the file of certificates is too large to send");
    tell(remote->link, MESSAGE_TARGET, &out);
    credentials_send(host, muster->credentials + host->first);
    fail f = link_flush(remote->link, PREPARE_US, why);
    return f ? f : expect(remote->link, MESSAGE_READY, PREPARE_US, &body, why);
}

static fail remote_start(struct crew_host *host, const struct plan *plan, struct why *why)
{
    struct remote *remote = host->own;
    struct plan theirs = *plan;
    struct wire_out out = wire_out_make(room, sizeof(room));
    str body;
    theirs.begin_us = clock_to_theirs(&remote->offset, plan->begin_us);
    theirs.end_us = clock_to_theirs(&remote->offset, plan->end_us);
    plan_write(&out, &theirs);
    tell(remote->link, MESSAGE_PLAN, &out);
    fail f = expect(remote->link, MESSAGE_STARTED, ANSWER_US, &body, why);
    remote->started = !f;
    return f;
}

/* --- the run ------------------------------------------------------------------------------------
 */

static fail report_take(struct crew_host *host, str body, struct why *why)
{
    struct remote *remote = host->own;
    const struct clock_offset *offset = &remote->offset;
    fail f = report_read(&report, body, why);
    if (f)
        return f;
    remote->ended |= report.last;
    host->effort = report.effort;
    host->recovered_us = clock_to_ours(offset, report.recovered_us);
    report.board.first_start_us = clock_to_ours(offset, report.board.first_start_us);
    report.board.last_started_us = clock_to_ours(offset, report.board.last_started_us);
    memcpy(&host->board, &report.board, sizeof(host->board));
    return FAIL_NONE;
}

static fail message_take(struct crew_host *host, const struct frame *frame, struct why *why)
{
    struct remote *remote = host->own;
    remote->unanswered_us = 0;
    switch (frame->kind) {
    case MESSAGE_PONG:
        return pong_take(remote, frame->body, why);
    case MESSAGE_REPORT:
        return report_take(host, frame->body, why);
    case MESSAGE_REFUSE:
        return refused(frame->body, why);
    default:
        return fail_set(why, FAIL_INPUT, "it sent message %u in mid-run", frame->kind);
    }
}

/* Takes in all that has come. */
static void drain(struct crew_host *host, int64_t wait_us)
{
    struct remote *remote = host->own;
    struct frame frame;
    struct why why;
    do {
        fail f = link_next(remote->link, &frame, wait_us, &why);
        if (!f && frame.kind)
            f = message_take(host, &frame, &why);
        if (f)
            host_lose(host, "%s", why.text);
    } while (frame.kind && !host->lost && !remote->ended);
}

/* What came while this side was busy elsewhere counts: first look, then judge the silence. */
static void remote_poll(struct crew_host *host, bool all)
{
    struct remote *remote = host->own;
    (void)all; /* a report has everything */
    if (!remote->started)
        return;
    drain(host, 0);
    int64_t now = agent_clock_us();
    host->clock_error_us = clock_offset_error(&remote->offset, now);
    if (remote->unanswered_us && now - remote->unanswered_us > SILENCE_US)
        host_lose(host, "it has said nothing for %d s", (int)(SILENCE_US / SECOND_US));
    if (host->lost || now - remote->pinged_us < PING_EACH_US)
        return;
    ping(remote);
    if (!remote->unanswered_us)
        remote->unanswered_us = now;
}

static void remote_order(struct crew_host *host, const struct crew_orders *orders)
{
    struct remote *remote = host->own;
    struct wire_out out = wire_out_make(room, sizeof(room));
    struct crew_orders theirs = { orders->phase,
                                  clock_to_theirs(&remote->offset, orders->killed_us),
                                  clock_to_theirs(&remote->offset, orders->calm_us) };
    if (!remote->started)
        return;
    if (theirs.killed_us) /* later rather than earlier: what it then counts surely came after */
        theirs.killed_us += clock_offset_error(&remote->offset, agent_clock_us());
    order_write(&out, &theirs);
    tell(remote->link, MESSAGE_ORDER, &out);
}

static void remote_stop(struct crew_host *host)
{
    struct remote *remote = host->own;
    int64_t until = agent_clock_us() + LAST_US;
    if (!remote->started)
        return;
    while (!host->lost && !remote->ended) {
        drain(host, SECOND_US / 10);
        if (agent_clock_us() > until)
            host_lose(host, "it did not end within %d s", (int)(LAST_US / SECOND_US));
    }
}

static void remote_close(struct crew_host *host)
{
    struct remote *remote = host->own;
    link_close(remote->link);
    free(remote);
    host->own = NULL;
}

const struct host_kind host_remote = { remote_prepare, remote_start, remote_poll,
                                       remote_order,   remote_stop,  remote_close };
