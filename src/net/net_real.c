/* net_real.c - the real side of net.h: sockets and epoll. */
#include "net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void peer_address(const struct sockaddr_storage *from, unsigned char peer[16])
{
    memset(peer, 0, 16);
    if (from->ss_family == AF_INET6) {
        memcpy(peer, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
    } else if (from->ss_family == AF_INET) {
        peer[10] = peer[11] = 0xff;
        memcpy(peer + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
    }
}

static int real_accept(struct net *net, int listener, unsigned char peer[16])
{
    (void)net;
    struct sockaddr_storage from;
    socklen_t bytes = sizeof(from);
    int fd = accept4(listener, (struct sockaddr *)&from, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        peer_address(&from, peer);
        return fd;
    }
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return NET_FULL;
    case EAGAIN:
        return NET_AGAIN;
    default: /* the one at the front of the queue is gone; the next may be fine */
        return NET_GONE;
    }
}

static int real_connect(struct net *net, const char *path)
{
    (void)net;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    must(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return NET_FULL;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int result = errno == EAGAIN ? NET_AGAIN : NET_GONE;
    close(fd);
    return result;
}

static ssize_t transferred(ssize_t n)
{
    if (n >= 0)
        return n;
    return errno == EAGAIN || errno == EINTR ? NET_AGAIN : NET_GONE;
}

static ssize_t real_recv(struct net *net, int handle, void *bytes, size_t n)
{
    (void)net;
    return transferred(recv(handle, bytes, n, 0));
}

static ssize_t real_send(struct net *net, int handle, const struct iovec *parts, int count)
{
    (void)net;
    if (count == 1)
        return transferred(send(handle, parts->iov_base, parts->iov_len, MSG_NOSIGNAL));
    struct msghdr message = { .msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count };
    return transferred(sendmsg(handle, &message, MSG_NOSIGNAL));
}

static void real_shut(struct net *net, int handle)
{
    (void)net;
    shutdown(handle, SHUT_WR);
}

static void real_close(struct net *net, int handle)
{
    (void)net;
    close(handle);
}

static bool real_watch(struct net *net, int handle, uint64_t tag, enum net_watch how)
{
    static const uint32_t flags[] = {
        [NET_EDGES] = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        [NET_READS] = EPOLLIN | EPOLLRDHUP | EPOLLET,
        [NET_SHARED] = EPOLLIN | EPOLLEXCLUSIVE,
        [NET_LEVEL] = EPOLLIN,
    };
    struct epoll_event event = { .events = flags[how], .data.u64 = tag };
    int epoll = CONTAINER(net, struct net_real, net)->epoll;
    return epoll_ctl(epoll, EPOLL_CTL_ADD, handle, &event) == 0;
}

static void real_unwatch(struct net *net, int handle)
{
    epoll_ctl(CONTAINER(net, struct net_real, net)->epoll, EPOLL_CTL_DEL, handle, NULL);
}

static int real_wait(struct net *net, struct net_event *events, int max, int timeout_ms)
{
    struct net_real *real = CONTAINER(net, struct net_real, net);
    struct epoll_event raw[256];
    int n = epoll_wait(real->epoll, raw, MIN(max, 256), timeout_ms);
    for (int i = 0; i < n; i++) {
        uint32_t e = raw[i].events;
        events[i].tag = raw[i].data.u64;
        events[i].what = (e & EPOLLIN ? NET_IN : 0) | (e & EPOLLOUT ? NET_OUT : 0) |
                         (e & EPOLLRDHUP ? NET_END : 0) |
                         (e & (EPOLLHUP | EPOLLERR) ? NET_DEAD : 0);
    }
    return MAX(n, 0);
}

static int64_t real_mono_us(struct net *net)
{
    (void)net;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

fail net_real_init(struct net_real *real, struct why *why)
{
    *real = (struct net_real){
        .net = { real_accept, real_connect, real_recv, real_send, real_shut, real_close, real_watch,
                 real_unwatch, real_wait, real_mono_us },
        .epoll = epoll_create1(EPOLL_CLOEXEC),
    };
    if (real->epoll < 0)
        return fail_errno(why, FAIL_WORLD, "Cannot make an epoll descriptor");
    return FAIL_NONE;
}

void net_real_fini(struct net_real *real)
{
    close(real->epoll);
}
