/* handover.c - how a running supervisor becomes another program, and is still itself.
 *
 * execve keeps the process: its number, its children, the signals that wait for it, and every
 * descriptor that is not close-on-exec. What only memory knew goes into a memfd, whose number the
 * other program finds in its argument --handover. */
#include "app/events.h"
#include "cli/cmd.h"
#include "cli/supervisor_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

struct handover {
    uint32_t layout;
    int32_t tls, plain, gate, admin, stats, ticket, control, asker;
    int32_t hall, gateway; /* processes, all of them ready */
    int64_t hall_started_ms, gateway_started_ms;
    uint32_t gateway_row, reactors;
    int64_t connections;
    uint32_t leaving_count;
    struct {
        int32_t pid;
        uint32_t row;
    } leaving[LEAVING_MAX];
    struct program previous; /* the one that hands over */
    int64_t began_ms;
    uint32_t watched_s;
    struct watch_figures before, after;
};

/* --- giving ------------------------------------------------------------------------------------
 */

static struct handover handover_of(const struct supervisor *s)
{
    struct handover h = {
        .layout = HANDOVER_LAYOUT,
        .tls = s->tls,
        .plain = s->plain,
        .gate = s->gate,
        .admin = s->admin,
        .stats = s->stats,
        .ticket = s->ticket,
        .control = s->control,
        .asker = s->upgrade.asker,
        .hall = s->hall.pid,
        .gateway = s->gateway.pid,
        .hall_started_ms = s->hall.started_ms,
        .gateway_started_ms = s->gateway.started_ms,
        .gateway_row = s->gateway.row,
        .reactors = s->reactors,
        .connections = s->connections,
        .leaving_count = s->leaving_count,
        .previous = { .fd = open("/proc/self/exe", O_PATH | O_CLOEXEC), .history = EVENTS_FORM },
        .began_ms = s->upgrade.began_ms,
        .watched_s = s->upgrade.ask.watch_s,
        .before = s->upgrade.watch.before,
        .after = s->upgrade.watch.after,
    };
    snprintf(h.previous.version, sizeof(h.previous.version), "%s", version());
    for (unsigned i = 0; i < s->leaving_count; i++) {
        h.leaving[i].pid = s->leaving[i].pid;
        h.leaving[i].row = s->leaving[i].row;
    }
    return h;
}

/* Which descriptors go along, or again do not. */
static void keep_over_exec(const struct handover *h, int memory, bool keep)
{
    const int fds[] = { h->tls,    h->plain,   h->gate,  h->admin,       h->stats,
                        h->ticket, h->control, h->asker, h->previous.fd, memory };
    for (size_t i = 0; i < COUNT(fds); i++)
        if (fds[i] >= 0)
            must(fcntl(fds[i], F_SETFD, keep ? 0 : FD_CLOEXEC) == 0);
}

/* As a person would have called it, but for --handover. The spec is the one of the beginning. */
static void become(const struct supervisor *s, int program, int memory)
{
    char number[24], reactors[24];
    snprintf(number, sizeof(number), "%d", memory);
    snprintf(reactors, sizeof(reactors), "%lld", (long long)s->opts->reactors);
    const char *argv[24] = { "examhall",   "serve",  "--data",     s->dir,
                             "--spec",     s->spec,  "--listen",   s->opts->listen,
                             "--reactors", reactors, "--handover", number };
    size_t n = 12;
    if (s->opts->listen_plain) {
        argv[n++] = "--listen-plain";
        argv[n++] = s->opts->listen_plain;
    }
    if (s->opts->services) {
        argv[n++] = "--services";
        argv[n++] = s->opts->services;
    }
    if (s->opts->tls_cert) {
        argv[n++] = "--tls-cert";
        argv[n++] = s->opts->tls_cert;
    }
    if (s->opts->tls_key) {
        argv[n++] = "--tls-key";
        argv[n++] = s->opts->tls_key;
    }
    if (s->opts->quiet)
        argv[n++] = "--quiet";
    execveat(program, "", (char **)(uintptr_t)argv, environ, AT_EMPTY_PATH);
}

fail handover_go(struct supervisor *s, int program, struct why *why)
{
    struct handover h = handover_of(s);
    int memory = memfd_create("handover", MFD_CLOEXEC);
    if (memory < 0 || write(memory, &h, sizeof(h)) != sizeof(h)) {
        fail f = fail_errno(why, FAIL_WORLD, "cannot write down what is to be handed over");
        if (memory >= 0)
            close(memory);
        return f;
    }
    keep_over_exec(&h, memory, true);
    become(s, program, memory);
    fail f = fail_errno(why, FAIL_WORLD, "the program does not start");
    keep_over_exec(&h, memory, false);
    close(memory);
    if (h.previous.fd >= 0)
        close(h.previous.fd);
    return f;
}

/* --- taking ------------------------------------------------------------------------------------
 */

static struct child running(const char *name, int32_t pid, int64_t started_ms, uint32_t row)
{
    return (struct child){ .name = name,
                           .pid = pid,
                           .ready = -1,
                           .is_ready = pid > 0,
                           .started_ms = started_ms,
                           .row = row };
}

fail handover_take(struct supervisor *s, int fd, struct why *why)
{
    struct handover h;
    if (pread(fd, &h, sizeof(h), 0) != sizeof(h) || h.layout != HANDOVER_LAYOUT ||
        h.leaving_count > LEAVING_MAX)
        return fail_set(why, FAIL_WORLD, "descriptor %d does not hold what an examhall hands over",
                        fd);
    keep_over_exec(&h, fd, false);
    close(fd);
    s->tls = h.tls;
    s->plain = h.plain;
    s->gate = h.gate;
    s->admin = h.admin;
    s->stats = h.stats;
    s->ticket = h.ticket;
    s->control = h.control;
    s->hall = running("hall", h.hall, h.hall_started_ms, 0);
    s->gateway = running("gateway", h.gateway, h.gateway_started_ms, h.gateway_row);
    s->reactors = h.reactors;
    s->connections = h.connections;
    s->leaving_count = h.leaving_count;
    for (unsigned i = 0; i < h.leaving_count; i++)
        s->leaving[i] = running("gateway", h.leaving[i].pid, 0, h.leaving[i].row);
    s->previous = h.previous;
    s->upgrade = (struct upgrade){ .step = UPGRADE_DONE,
                                   .asker = h.asker,
                                   .program = -1,
                                   .ask.watch_s = h.watched_s,
                                   .probe.fd = -1,
                                   .began_ms = h.began_ms,
                                   .watch = { .before = h.before, .after = h.after } };
    s->next = running("gateway", 0, 0, 0);
    s->is_ready = true;
    return FAIL_NONE;
}
