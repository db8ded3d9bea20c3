/* upgrade.c - one program after another, under load: the supervisor's side of `examhall upgrade`
 * and `examhall deploy local`.
 *
 * The command opens the new program, tries it, and gives its descriptor to `run/serve.sock`. From
 * it the supervisor starts a new gateway beside the old one, which then leaves, and a new hall
 * after the old one, while the gateways hold what is asked. After each it watches, if it was asked
 * to (watch.h). Only then it becomes that program itself (handover.c): until the end the one that
 * judges, and that can go back, is the program that has served so far. Read docs/adr/0011 and 0019
 * first. */
#include "app/events.h"
#include "cli/cmd.h"
#include "cli/supervisor_internal.h"
#include "sys/note.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#define BEGIN_MS_MAX   30000 /* for a hall that is just being started, or gateways that leave */
#define GATEWAY_MS_MAX 10000 /* for a gateway to start */
#define HALL_MS_MAX    20000 /* for a hall to start, when there is a way back */
#define SUSPECT_MS_MAX 3000  /* for a hall that is to make room because it is worse */

static void go_back_for(struct supervisor *s, const char *reason);

static void step_to(struct supervisor *s, enum upgrade_step step)
{
    s->upgrade.step = step;
    s->upgrade.step_ms = supervisor_now_ms();
}

/* --- the command that asks ---------------------------------------------------------------------
 */

/* What is asked, and with it the program, unless it is the one before. */
static bool ask_read(int asker, struct upgrade_ask *ask, int *program)
{
    char space[CMSG_SPACE(sizeof(int))];
    struct iovec part = { ask, sizeof(*ask) };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)
    };
    struct timeval second = { 1, 0 };
    setsockopt(asker, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
    ssize_t n = recvmsg(asker, &message, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *control = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (control && control->cmsg_type == SCM_RIGHTS && control->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(program, CMSG_DATA(control), sizeof(*program));
    ask->version[sizeof(ask->version) - 1] = 0;
    bool whole = n == sizeof(*ask) && (ask->undo || *program >= 0);
    return whole || (n >= (ssize_t)sizeof(ask->layout) && ask->layout != HANDOVER_LAYOUT);
}

static const char *why_not(const struct supervisor *s, const struct upgrade_ask *ask)
{
    if (ask->layout != HANDOVER_LAYOUT)
        return "the two programs do not hand over in the same form; stop the hall and start it "
               "again";
    if (s->upgrade.step != UPGRADE_NONE)
        return "an upgrade is under way already";
    if (has_tunnel(s))
        return "this hall runs apart from its gateways: end it and start the other program";
    if (ask->undo && s->previous.fd < 0)
        return "nothing was deployed since serve began, so there is no program to go back to; "
               "deploy the one you want with --binary FILE";
    if (ask->page != UPGRADE_PAGE_FORM)
        return "the two programs do not count in the same form; stop the hall and start it again";
    if (ask->history < EVENTS_FORM)
        return "it keeps its history in an older form than the program that runs: it would not "
               "understand what this hall has recorded";
    if (ask->history > EVENTS_FORM && ask->watch_s)
        return "it keeps its history in a newer form than the program that runs, which could not "
               "go on from there: there would be no way back; use examhall upgrade, between exams";
    return NULL;
}

void upgrade_asked(struct supervisor *s)
{
    struct upgrade_ask ask = { 0 };
    int program = -1, asker = accept4(s->control, NULL, NULL, SOCK_CLOEXEC);
    if (asker < 0)
        return;
    bool good = ask_read(asker, &ask, &program);
    if (good && ask.layout == HANDOVER_LAYOUT && ask.undo) {
        ask.history = s->previous.history;
        ask.page = UPGRADE_PAGE_FORM; /* it was the same when that one served */
        memcpy(ask.version, s->previous.version, sizeof(ask.version));
        program = s->previous.fd >= 0 ? fcntl(s->previous.fd, F_DUPFD_CLOEXEC, 0) : -1;
    }
    const char *no = good ? why_not(s, &ask) : "the request is malformed";
    if (no) {
        if (program >= 0)
            close(program);
        upgrade_refuse(asker, no);
        return;
    }
    s->upgrade = (struct upgrade){ .asker = asker,
                                   .program = program,
                                   .ask = ask,
                                   .watch.limits = ask.limits,
                                   .began_ms = supervisor_now_ms() };
    probe_begin(&s->upgrade.probe);
    step_to(s, UPGRADE_WAITS);
}

static void end(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    long long ms = (long long)(supervisor_now_ms() - u->began_ms);
    if (u->failed[0])
        note("error", "upgrade.failed", "\"serves\":\"%s\",\"ms\":%lld", version(), ms);
    else
        note("info", "upgrade.done", "\"before\":\"%s\",\"after\":\"%s\",\"ms\":%lld",
             s->previous.version, version(), ms);
    upgrade_say_end(s);
    probe_end(&u->probe);
    if (u->program >= 0)
        close(u->program);
    *u = (struct upgrade){ .asker = -1, .program = -1, .probe = { .fd = -1 } };
}

/* --- the way there -----------------------------------------------------------------------------
 */

/* Going back takes a place, too. */
static const char *not_yet(struct supervisor *s)
{
    unsigned row;
    if (!s->hall.is_ready || !s->gateway.is_ready)
        return "the hall is still being started; see: examhall status";
    if (s->leaving_count + 1 < LEAVING_MAX && gateway_row_find(s, &row))
        return NULL;
    gateway_hurries(s);
    return "the gateways of earlier upgrades still have connections; try again in a minute";
}

static void wait_until_it_can_begin(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    const char *reason = not_yet(s);
    if (reason && supervisor_now_ms() - u->step_ms > BEGIN_MS_MAX) {
        snprintf(u->failed, sizeof(u->failed), "%s", reason);
        end(s);
    } else if (!reason) {
        watch_before(&u->watch, s->page);
        step_to(s, u->ask.watch_s ? UPGRADE_BEFORE : UPGRADE_GATEWAY);
        upgrade_say_step(s, u->ask.watch_s ? "before" : "gateway");
    }
}

static void look_before(struct supervisor *s)
{
    int64_t ms = supervisor_now_ms() - s->upgrade.step_ms;
    if (ms < WATCH_BEFORE_MS)
        return;
    watch_before_ends(&s->upgrade.watch, s->page, ms);
    step_to(s, UPGRADE_GATEWAY);
    upgrade_say_step(s, "gateway");
}

static void start_gateway(struct supervisor *s)
{
    struct child *next = &s->next;
    if (next->pid && supervisor_now_ms() - next->started_ms > GATEWAY_MS_MAX)
        kill(next->pid, SIGKILL); /* reaped as one that did not start */
    if (next->pid || next->restart_ms > supervisor_now_ms())
        return;
    if (gateway_row_find(s, &next->row))
        child_start(s, next);
    else
        gateway_hurries(s);
}

/* Unless it died meanwhile: then its successor is of the other program already. */
static void end_hall(struct supervisor *s, int64_t patience_ms)
{
    struct upgrade *u = &s->upgrade;
    u->hall_killed_ms = supervisor_now_ms() + patience_ms;
    u->old_hall = s->hall.pid;
    if (!s->hall.pid)
        return;
    s->hall.told_to_end = true;
    kill(s->hall.pid, SIGUSR1);
}

static bool hall_has_changed(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    bool old = s->hall.pid && s->hall.pid == u->old_hall;
    if (old && supervisor_now_ms() > u->hall_killed_ms)
        kill(s->hall.pid, SIGKILL); /* the log is complete without its consent */
    return !old && s->hall.is_ready;
}

static void go_on(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    if (u->hall_is_new) {
        step_to(s, UPGRADE_SELF);
        return;
    }
    step_to(s, UPGRADE_HALL);
    upgrade_say_step(s, "hall");
    u->hall_is_new = true;
    end_hall(s, STOP_S_MAX * 1000);
}

static void watch(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    if (!u->ask.watch_s) {
        go_on(s);
        return;
    }
    u->deaths = u->probe.deaf = 0;
    step_to(s, UPGRADE_WATCH);
    u->looked_ms = u->step_ms;
    watch_begin(&u->watch, s->page);
}

static void replace_gateway(struct supervisor *s)
{
    if (!s->next.is_ready) {
        start_gateway(s);
        return;
    }
    gateway_takes_over(s);
    s->upgrade.gateway_is_new = s->upgrade.gateway_was_new = true;
    watch(s);
}

static void replace_hall(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    if (hall_has_changed(s))
        watch(s);
    else if (u->ask.watch_s && supervisor_now_ms() - u->step_ms > HALL_MS_MAX)
        go_back_for(s, "the new hall has not been ready for 20 s");
}

static void become_it(struct supervisor *s)
{
    struct why why;
    fail_ignore(handover_go(s, s->upgrade.program, &why), "it only returns when it failed");
    go_back_for(s, why.text);
}

/* --- watching ----------------------------------------------------------------------------------
 */

static void look(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    int64_t now_ms = supervisor_now_ms();
    char reason[200];
    probe_go(&u->probe, s->run, now_ms);
    u->down_ms = s->hall.is_ready ? 0 : u->down_ms ? u->down_ms : now_ms;
    if (now_ms - u->looked_ms < WATCH_EACH_MS)
        return;
    u->looked_ms += WATCH_EACH_MS;
    struct watch_health health = { .deaths = u->deaths,
                                   .deaf = u->probe.deaf,
                                   .down_ms = u->down_ms ? now_ms - u->down_ms : 0 };
    if (watch_is_worse(&u->watch, s->page, &health, reason)) {
        go_back_for(s, reason);
        return;
    }
    upgrade_say_step(s, "watch");
    if (u->watch.compared >= u->ask.watch_s && s->hall.is_ready && s->gateway.is_ready)
        go_on(s);
}

void upgrade_died(struct supervisor *s, const struct child *child, bool young)
{
    struct upgrade *u = &s->upgrade;
    char reason[200];
    u->deaths++;
    bool is_new = child == &s->next || (child == &s->hall ? u->hall_is_new : u->gateway_is_new);
    bool under_way =
        u->step == UPGRADE_GATEWAY || u->step == UPGRADE_HALL || u->step == UPGRADE_WATCH;
    if (!young || !is_new || !under_way)
        return;
    snprintf(reason, sizeof(reason),
             "the %s of %s did not start: what serve writes to stderr says why", child->name,
             u->ask.version);
    go_back_for(s, reason);
}

int upgrade_program(const struct supervisor *s, const struct child *child)
{
    const struct upgrade *u = &s->upgrade;
    bool next = child == &s->next && u->step == UPGRADE_GATEWAY;
    bool hall = child == &s->hall && u->hall_is_new;
    bool gateway = child == &s->gateway && u->gateway_is_new && u->step != UPGRADE_BACK;
    return next || hall || gateway ? u->program : -1;
}

/* --- the way back ------------------------------------------------------------------------------
 */

static void go_back_for(struct supervisor *s, const char *reason)
{
    struct upgrade *u = &s->upgrade;
    snprintf(u->failed, sizeof(u->failed), "%.200s; %s serves on", reason, version());
    note("error", "upgrade.failing", "\"from\":\"%s\",\"to\":\"%s\"", u->ask.version, version());
    if (s->next.pid)
        kill(s->next.pid, SIGKILL);
    if (u->hall_is_new)
        end_hall(s, SUSPECT_MS_MAX);
    u->gateway_is_suspect = !u->hall_is_new;
    u->hall_is_new = false;
    step_to(s, UPGRADE_BACK);
    upgrade_say_step(s, "back");
}

/* A gateway that was replaced alone is what made it worse: it closes its connections and ends. */
static void go_back(struct supervisor *s)
{
    struct upgrade *u = &s->upgrade;
    if (u->gateway_is_new && !s->next.is_ready) {
        start_gateway(s);
    } else if (u->gateway_is_new) {
        gateway_takes_over(s);
        u->gateway_is_new = false;
        if (u->gateway_is_suspect)
            kill(s->leaving[s->leaving_count - 1].pid, SIGTERM);
    }
    if (hall_has_changed(s) && !u->gateway_is_new)
        end(s);
}

/* -----------------------------------------------------------------------------------------------
 */

void upgrade_go(struct supervisor *s)
{
    static void (*const steps[])(struct supervisor * s) = {
        [UPGRADE_WAITS] = wait_until_it_can_begin,
        [UPGRADE_BEFORE] = look_before,
        [UPGRADE_GATEWAY] = replace_gateway,
        [UPGRADE_HALL] = replace_hall,
        [UPGRADE_WATCH] = look,
        [UPGRADE_SELF] = become_it,
        [UPGRADE_BACK] = go_back,
        [UPGRADE_DONE] = end,
    };
    enum upgrade_step before = UPGRADE_NONE;
    while (s->upgrade.step != before) {
        before = s->upgrade.step;
        if (steps[before])
            steps[before](s);
    }
}
