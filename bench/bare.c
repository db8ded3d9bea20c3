/* bare.c - the floor: an epoll server that answers a save as long as the hall does, and does
 * nothing.
 *
 * One recv, the shortest parse there is (end of head, Content-Length), one send of fixed bytes.
 * What the hall costs above this is what it does for the money: TLS aside, everything. The limit on
 * open files is one of a descriptor table, so there are as many threads, each with a table of its
 * own, as the connections ask for; each takes connections until its share is full. A request that
 * does not come in one piece ends its connection: there is no state to keep it.
 *
 * With --relay 2 the floor of a hall whose gateway keeps no secrets: the same, but each request
 * goes over a pipe to one more thread, which rests 2 ms between rounds, as the hall's loop does,
 * and sends it back; only then it is answered. */
#include "base/base.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SPARE_FILES 64
#define EVENTS_MAX  256
#define IN_BYTES    8192

static char reply[4096];
static size_t reply_bytes = 233;
static unsigned connections = 512, share, relay; /* relay: ms of rest; 0: there is none */
static int listener, relay_epoll;

/* What crosses the pipe: about as many bytes as a save's request. */
struct crossing {
    int fd;
    char bytes[300];
};

/* A reply of reply_bytes: head as the hall's, body filled up. */
static void reply_make(void)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                               "Content-Length: %4zu\r\nX-Content-Type-Options: nosniff\r\n"
                               "Cache-Control: no-store\r\n\r\n";
    size_t head_bytes = (size_t)snprintf(NULL, 0, head, (size_t)0);
    reply_bytes = MIN(MAX(reply_bytes, head_bytes + 2), sizeof(reply) - 1);
    snprintf(reply, sizeof(reply), head, reply_bytes - head_bytes);
    memset(reply + head_bytes, '0', reply_bytes - head_bytes);
}

/* The bytes of the request that `bytes` begins with; 0: not whole. */
static size_t request_bytes(const char *bytes, size_t n)
{
    const char *end = memmem(bytes, n, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - bytes) + 4, body = 0;
    const char *length = memmem(bytes, head, "Content-Length: ", 16);
    if (length)
        body = strtoul(length + 16, NULL, 10);
    return head + body <= n ? head + body : 0;
}

/* What came back; who has gone meanwhile hears nothing. */
static void crossed(int pipe)
{
    struct crossing back;
    while (recv(pipe, &back, sizeof(back), MSG_DONTWAIT) == (ssize_t)sizeof(back))
        send(back.fd, reply, reply_bytes, MSG_NOSIGNAL);
}

/* Answers at once, or asks the other thread first; where the pipe is full, what came back makes
 * room. */
static bool reply_or_ask(int fd, int pipe)
{
    struct crossing ask = { .fd = fd };
    if (pipe < 0)
        return send(fd, reply, reply_bytes, MSG_NOSIGNAL) == (ssize_t)reply_bytes;
    while (send(pipe, &ask, sizeof(ask), MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)sizeof(ask)) {
        if (errno != EAGAIN)
            return false;
        crossed(pipe);
    }
    return true;
}

static void *relay_serve(void *arg)
{
    (void)arg;
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(relay_epoll, events, EVENTS_MAX, -1);
        struct crossing ask;
        for (int i = 0; i < n; i++)
            while (recv(events[i].data.fd, &ask, sizeof(ask), MSG_DONTWAIT) == (ssize_t)sizeof(ask))
                must(send(events[i].data.fd, &ask, sizeof(ask), 0) == (ssize_t)sizeof(ask));
        nanosleep(&(struct timespec){ .tv_nsec = (long)relay * 1000000 }, NULL);
    }
    return NULL;
}

/* False: the connection is over. */
static bool answer(int fd, int pipe)
{
    char in[IN_BYTES + 1];
    ssize_t n = recv(fd, in, IN_BYTES, 0);
    if (n < 0 && errno == EAGAIN)
        return true;
    if (n <= 0)
        return false;
    in[n] = 0;
    for (size_t done = 0, one; done < (size_t)n; done += one) {
        one = request_bytes(in + done, (size_t)n - done);
        if (!one || !reply_or_ask(fd, pipe))
            return false;
    }
    return true;
}

static void watch(int epoll, int fd, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.fd = fd };
    must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

/* `*open` connections of this thread; the listener is left to others when the share is full. */
static void accept_some(int epoll, unsigned *open)
{
    for (int i = 0; i < 32 && *open < share; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        watch(epoll, fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
        if (++*open == share)
            epoll_ctl(epoll, EPOLL_CTL_DEL, listener, NULL);
    }
}

/* A pipe of packets; its other end is put into the other thread's epoll before the tables part. */
static int pipe_to_relay(void)
{
    int ends[2];
    if (!relay)
        return -1;
    must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    watch(relay_epoll, ends[1], EPOLLIN);
    return ends[0];
}

static void *serve(void *arg)
{
    int pipe = (int)(intptr_t)arg;
    must(unshare(CLONE_FILES) == 0);
    unsigned open = 0;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    must(epoll >= 0);
    if (pipe >= 0)
        watch(epoll, pipe, EPOLLIN);
    watch(epoll, listener, EPOLLIN | EPOLLEXCLUSIVE);
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(epoll, events, EVENTS_MAX, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                accept_some(epoll, &open);
            } else if (fd == pipe) {
                crossed(pipe);
            } else if (!answer(fd, pipe)) {
                close(fd);
                if (open-- == share)
                    watch(epoll, listener, EPOLLIN | EPOLLEXCLUSIVE);
            }
        }
    }
    return NULL;
}

static void listen_on(unsigned port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(listener >= 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 4096)) {
        fprintf(stderr, "bare: cannot listen on port %u: %s\n", port, strerror(errno));
        exit(3);
    }
}

int main(int argc, char **argv)
{
    unsigned port = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        unsigned value = (unsigned)strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--port") == 0)
            port = value;
        else if (strcmp(argv[i], "--connections") == 0)
            connections = value;
        else if (strcmp(argv[i], "--reply-bytes") == 0)
            reply_bytes = value;
        else if (strcmp(argv[i], "--relay") == 0)
            relay = value;
    }
    if (!port || !connections) {
        fprintf(stderr, "bare --port PORT --connections N [--reply-bytes N] [--relay MS]\n");
        return 2;
    }
    struct rlimit limit;
    must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    reply_make();
    listen_on(port);
    unsigned table = (unsigned)limit.rlim_cur - SPARE_FILES;
    unsigned threads = connections / table + 1;
    share = MIN(table, connections / threads + SPARE_FILES);
    pthread_t thread;
    if (relay) {
        relay_epoll = epoll_create1(EPOLL_CLOEXEC);
        must(relay_epoll >= 0);
    }
    int *pipes = calloc(threads, sizeof(*pipes));
    must(pipes);
    for (unsigned i = 0; i < threads; i++)
        pipes[i] = pipe_to_relay();
    if (relay)
        must(pthread_create(&thread, NULL, relay_serve, NULL) == 0);
    for (unsigned i = 1; i < threads; i++)
        must(pthread_create(&thread, NULL, serve, (void *)(intptr_t)pipes[i]) == 0);
    serve((void *)(intptr_t)pipes[0]);
}
