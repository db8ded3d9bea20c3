/* dialer.c - see dialer.h. The two sides talk through two pipes: a byte asks, a descriptor's number
 * answers. */
#include "net/dialer.h"

#include "net/address.h"
#include "sys/note.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_MS 1000 /* an address that does not answer may be one of before */
#define PAUSE_MS   100
#define SAY_EVERY  100 /* tries: ten seconds */

struct dialer {
    struct address hall;
    int asks[2], answers[2];
};

static bool is_connected(int fd)
{
    struct pollfd wait = { .fd = fd, .events = POLLOUT };
    int error = 0;
    socklen_t n = sizeof(error);
    return poll(&wait, 1, CONNECT_MS) == 1 &&
           getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0;
}

static int connect_one(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, at->ai_addr, at->ai_addrlen) == 0 || (errno == EINPROGRESS && is_connected(fd)))
        return fd;
    close(fd);
    return -1;
}

/* -1: nobody there, and `reason` says what is missing. */
static int dial(const struct dialer *dialer, const char **reason)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
    int fd = -1, error = getaddrinfo(dialer->hall.host, dialer->hall.port, &hints, &found);
    *reason = error ? gai_strerror(error) : "no connection";
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = connect_one(at);
    if (found)
        freeaddrinfo(found);
    return fd;
}

static int dial_until(const struct dialer *dialer)
{
    const char *reason;
    for (unsigned tries = 0;; tries++) {
        int fd = dial(dialer, &reason);
        if (fd >= 0)
            return fd;
        if (tries % SAY_EVERY == 0)
            note("warn", "tunnel.no_hall", "\"hall\":\"%s:%s\",\"why\":\"%s\"", dialer->hall.host,
                 dialer->hall.port, reason);
        nanosleep(&(struct timespec){ 0, PAUSE_MS * 1000000L }, NULL);
    }
}

static void *dialer_run(void *arg)
{
    const struct dialer *dialer = arg;
    char byte;
    while (read(dialer->asks[0], &byte, 1) == 1) {
        int fd = dial_until(dialer);
        if (write(dialer->answers[1], &fd, sizeof(fd)) != sizeof(fd))
            close(fd);
    }
    return NULL;
}

fail dialer_new(struct dialer **out, const char *address, struct why *why)
{
    pthread_t thread;
    struct dialer *dialer = calloc(1, sizeof(*dialer));
    must(dialer);
    fail f = FAIL_NONE;
    if (!address_cut(&dialer->hall, address) || !dialer->hall.host[0] || !dialer->hall.port[0])
        f = fail_set(why, FAIL_USAGE,
                     "\"%s\" is no address of a hall; write HOST:PORT, such as hall:7443", address);
    if (!f && (pipe2(dialer->asks, O_CLOEXEC) || pipe2(dialer->answers, O_CLOEXEC) ||
               fcntl(dialer->answers[0], F_SETFL, O_NONBLOCK)))
        f = fail_errno(why, FAIL_WORLD, "cannot make a pipe");
    if (!f && pthread_create(&thread, NULL, dialer_run, dialer))
        f = fail_set(why, FAIL_WORLD, "cannot start a thread");
    if (f) {
        free(dialer);
        return f;
    }
    pthread_detach(thread);
    *out = dialer;
    return FAIL_NONE;
}

int dialer_fd(const struct dialer *dialer)
{
    return dialer->answers[0];
}

void dialer_ask(const struct dialer *dialer)
{
    must(write(dialer->asks[1], "", 1) == 1);
}

int dialer_take(const struct dialer *dialer)
{
    int fd;
    return read(dialer->answers[0], &fd, sizeof(fd)) == sizeof(fd) ? fd : -1;
}
