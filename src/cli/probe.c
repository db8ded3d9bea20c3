/* probe.c - see probe.h. */
#include "cli/probe.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EACH_MS 1000
#define WAIT_MS 2000
#define REQUEST "GET /-/ready HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define READY   "HTTP/1.1 200 "
#define READY_N (sizeof(READY) - 1)

void probe_begin(struct probe *probe)
{
    *probe = (struct probe){ .fd = -1 };
}

void probe_end(struct probe *probe)
{
    if (probe->fd >= 0)
        close(probe->fd);
    probe->fd = -1;
}

static void answered(struct probe *probe, bool yes)
{
    probe->deaf = yes ? 0 : probe->deaf + 1;
    probe_end(probe);
}

static void ask(struct probe *probe, const char *run)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/gate.sock", run);
    probe->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe->fd < 0 || connect(probe->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        send(probe->fd, REQUEST, sizeof(REQUEST) - 1, MSG_NOSIGNAL) != sizeof(REQUEST) - 1)
        answered(probe, false);
}

/* The first bytes come in one piece: the hall writes a reply at once. */
static void hear(struct probe *probe, int64_t now_ms)
{
    char got[READY_N];
    ssize_t n = recv(probe->fd, got, sizeof(got), MSG_DONTWAIT);
    if (n >= 0)
        answered(probe, n == READY_N && memcmp(got, READY, READY_N) == 0);
    else if (now_ms - probe->asked_ms > WAIT_MS)
        answered(probe, false);
}

void probe_go(struct probe *probe, const char *run, int64_t now_ms)
{
    if (probe->fd >= 0) {
        hear(probe, now_ms);
    } else if (now_ms - probe->asked_ms >= EACH_MS) {
        probe->asked_ms = now_ms;
        ask(probe, run);
    }
}
