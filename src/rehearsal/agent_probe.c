/* agent_probe.c - io_probe of agent_io.h: one request on the very path that the candidates will
 * take.
 */
#include "rehearsal/agent_io.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { TURN_US = 20000, TURNS_MAX = 500 };

struct probe {
    bool answered;
    char lost[120]; /* why not; "": no answer yet */
};

static void probe_reply(void *owner, const struct http_head *head, str body)
{
    (void)head, (void)body; /* any answer will do: it is there */
    ((struct probe *)owner)->answered = true;
}

static void probe_lost(void *owner, const char *what)
{
    struct probe *probe = owner;
    snprintf(probe->lost, sizeof(probe->lost), "%s", what);
}

static fail probe_from(struct io *io, const struct io_target *target, uint32_t number,
                       struct why *why)
{
    struct probe probe = { 0 };
    char request[400], address[INET_ADDRSTRLEN] = "",
                       from[INET_ADDRSTRLEN + 8] = ""; /* the kernel chooses */
    if (target->source_count)
        inet_ntop(AF_INET, &target->sources[number], address, sizeof(address));
    if (address[0])
        snprintf(from, sizeof(from), " from %s", address);
    snprintf(request, sizeof(request), "GET /v1/time HTTP/1.1\r\nHost: %.*s\r\n\r\n",
             STR_ARG(target->host));
    struct io_conn *conn = io_connect(io, &probe, number, NULL);
    if (!conn)
        return fail_errno(why, FAIL_WORLD, "cannot connect to %s%s", target->origin, from);
    io_send(io, conn, str_z(request));
    for (unsigned turn = 0; turn < TURNS_MAX && !probe.answered && !probe.lost[0]; turn++)
        io_turn(io, TURN_US);
    if (!probe.lost[0])
        io_close(io, conn);
    if (probe.answered)
        return FAIL_NONE;
    return fail_set(why, FAIL_WORLD, "cannot reach the hall at %s%s: %s", target->origin, from,
                    probe.lost[0] ? probe.lost : "no answer within 10 s");
}

fail io_probe(const struct io_target *target, str ca, struct why *why)
{
    static const struct io_hooks hooks = { probe_reply, probe_lost, NULL };
    struct io *io;
    fail f = io_open(&io, target, ca, 1, &hooks, why);
    for (uint32_t i = 0; i < MAX(target->source_count, 1) && !f; i++)
        f = probe_from(io, target, i, why);
    io_close_all(io);
    return f;
}
