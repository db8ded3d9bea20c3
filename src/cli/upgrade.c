/* upgrade.c - one program after another, under load: the supervisor's side of `examhall upgrade`.
 *
 * The command opens the new program, tries it, and gives its descriptor to `run/serve.sock`.
 * The supervisor becomes that program (handover.c); as such it starts a new gateway beside the old
 * one, which then leaves, and a new hall after the old one, while the gateways hold what is asked.
 * When a part of the new program does not start, it becomes the program of before and does the same
 * again. Read docs/adr/0011 first. */
#include "cli/cmd.h"
#include "cli/supervisor_internal.h"
#include "codec/json_out.h"
#include "sys/note.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define BEGIN_MS_MAX   30000 /* for a hall that is just being started, or gateways that leave */
#define GATEWAY_MS_MAX 10000 /* for a gateway to start */

/* --- the command that asks ---------------------------------------------------------------------
 */

static void send_close(int asker, struct out *out)
{
    out_z(out, "}\n");
    fail_ignore(send(asker, out->p, out->n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0, "it went away");
    close(asker);
    out_fini(out);
}

static void refuse(int asker, const char *reason)
{
    struct out out = out_make(2 * KIB);
    jo_open(&out, NULL, '{');
    jo_z(&out, "error", reason);
    send_close(asker, &out);
}

static void report(const struct supervisor *s)
{
    const struct upgrade *u = &s->upgrade;
    struct out out = out_make(2 * KIB);
    jo_open(&out, NULL, '{');
    jo_z(&out, "before", u->from);
    jo_z(&out, "after", version());
    jo_i64(&out, "ms", supervisor_now_ms() - u->began_ms);
    jo_i64(&out, "leaving_gateways", s->leaving_count);
    jo_i64(&out, "leaving_connections", leaving_connections(s));
    send_close(u->asker, &out);
}

/* A number, the layout that the program understands, and with it the program itself. */
static bool ask_read(int asker, uint32_t *layout, int *program)
{
    char space[CMSG_SPACE(sizeof(int))];
    struct iovec part = { layout, sizeof(*layout) };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)
    };
    struct timeval second = { 1, 0 };
    setsockopt(asker, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
    if (recvmsg(asker, &message, MSG_CMSG_CLOEXEC) != sizeof(*layout))
        return false;
    const struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    if (!control || control->cmsg_type != SCM_RIGHTS || control->cmsg_len != CMSG_LEN(sizeof(int)))
        return false;
    memcpy(program, CMSG_DATA(control), sizeof(*program));
    return true;
}

void upgrade_asked(struct supervisor *s)
{
    uint32_t layout = 0;
    int program = -1, asker = accept4(s->control, NULL, NULL, SOCK_CLOEXEC);
    const char *no = NULL;
    if (asker < 0)
        return;
    if (!ask_read(asker, &layout, &program))
        no = "the request is malformed";
    else if (layout != HANDOVER_LAYOUT)
        no = "the two programs do not hand over in the same form; stop the hall and start it again";
    else if (s->upgrade.step != UPGRADE_NONE)
        no = "an upgrade is under way already";
    else if (has_tunnel(s))
        no = "this hall runs apart from its gateways: end it and start the other program";
    if (no) {
        if (program >= 0)
            close(program);
        refuse(asker, no);
        return;
    }
    s->upgrade = (struct upgrade){ .step = UPGRADE_WAITS,
                                   .asker = asker,
                                   .program = program,
                                   .before = -1,
                                   .began_ms = supervisor_now_ms() };
}

static void end(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    if (u->before >= 0)
        close(u->before);
    if (u->failed[0]) {
        note("error", "upgrade.failed", "\"serves\":\"%s\",\"ms\":%lld", version(),
             (long long)(supervisor_now_ms() - u->began_ms));
        refuse(u->asker, u->failed);
    } else {
        note("info", "upgrade.done", "\"before\":\"%s\",\"after\":\"%s\",\"ms\":%lld", u->from,
             version(), (long long)(supervisor_now_ms() - u->began_ms));
        report(s);
    }
    *u = (struct upgrade){ .asker = -1, .before = -1, .program = -1 };
}

/* --- in the program of before ------------------------------------------------------------------
 */

static const char *not_yet(struct supervisor *s)
{
    unsigned row;
    if (!s->hall.is_ready || !s->gateway.is_ready)
        return "the hall is still being started; see: examhall status";
    if (s->leaving_count < LEAVING_MAX && gateway_row_find(s, &row))
        return NULL;
    gateway_hurries(s);
    return "the gateways of earlier upgrades still have connections; try again in a minute";
}

static void begin(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    struct why why;
    int program = u->program;
    u->before = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    u->step = UPGRADE_GATEWAY;
    snprintf(u->from, sizeof(u->from), "%s", version());
    fail_ignore(handover_go(s, program, &why), "it only returns when it failed");
    close(program);
    u->step = UPGRADE_NONE;
    snprintf(u->failed, sizeof(u->failed), "%.200s; nothing has changed", why.text);
}

static void begin_if_ready(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    const char *reason = not_yet(s);
    if (!reason) {
        begin(s);
    } else if (supervisor_now_ms() - u->began_ms > BEGIN_MS_MAX) {
        close(u->program);
        u->step = UPGRADE_NONE;
        snprintf(u->failed, sizeof(u->failed), "%s", reason);
    }
}

/* --- in the new program ------------------------------------------------------------------------
 */

static void start_gateway(struct supervisor *s)
{
    struct child *next = &s->next;
    if (!next->pid && next->restart_ms <= supervisor_now_ms() && gateway_row_find(s, &next->row))
        child_start(s, next);
    else if (next->pid && supervisor_now_ms() - next->started_ms > GATEWAY_MS_MAX)
        kill(next->pid, SIGKILL); /* reaped as one that did not start */
}

/* Unless it died meanwhile: then its successor is of the new program already. */
static void end_old_hall(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    u->hall_killed_ms = supervisor_now_ms() + STOP_S_MAX * 1000;
    if (!u->old_hall || s->hall.pid != u->old_hall)
        return;
    s->hall.told_to_end = true;
    kill(s->hall.pid, SIGUSR1);
}

void upgrade_go(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    if (u->step == UPGRADE_WAITS)
        begin_if_ready(s);
    if (u->step == UPGRADE_GATEWAY && !s->next.is_ready)
        start_gateway(s);
    if (u->step == UPGRADE_GATEWAY && s->next.is_ready) {
        gateway_takes_over(s);
        end_old_hall(s);
        u->step = UPGRADE_HALL;
    }
    bool old = s->hall.pid && s->hall.pid == u->old_hall;
    if (u->step == UPGRADE_HALL && old && supervisor_now_ms() > u->hall_killed_ms)
        kill(s->hall.pid, SIGKILL); /* the log is complete without its consent */
    if (u->step == UPGRADE_HALL && !old && s->hall.is_ready)
        u->step = UPGRADE_NONE;
    if (u->step == UPGRADE_NONE && u->asker >= 0)
        end(s);
}

/* Back to the program of before, once. What the new one replaced already is replaced again. */
void upgrade_failed(struct supervisor *s, const char *what)
{
    struct upgrade *u = &s->upgrade;
    struct why why;
    if (u->step != UPGRADE_GATEWAY && u->step != UPGRADE_HALL)
        return;
    int program = u->before;
    bool replaced = u->step == UPGRADE_HALL;
    if (s->next.pid)
        kill(s->next.pid, SIGKILL);
    if (!u->failed[0])
        snprintf(u->failed, sizeof(u->failed),
                 "the %s of %s did not start: what serve writes to stderr says why; %s serves on",
                 what, version(), u->from);
    note("error", "upgrade.failing", "\"process\":\"%s\",\"back\":%s", what,
         program >= 0 ? "true" : "false");
    u->before = -1;
    u->step = program >= 0 && replaced ? UPGRADE_GATEWAY : UPGRADE_NONE;
    if (program < 0)
        return;
    fail_ignore(handover_go(s, program, &why), "it only returns when it failed");
    note_fail("upgrade.no_way_back", &why);
    close(program);
    u->step = UPGRADE_NONE;
}
