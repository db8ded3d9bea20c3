/* net_ring.c - see net_ring.h. */
#include "net/net_ring.h"

#include <errno.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING_ENTRIES 8         /* one is used at a time */
#define PLACE        (1 << 24) /* a handle from here on is a place; below, a descriptor */

struct net_ring {
    struct net net;
    struct net_real real; /* the events, and sockets that are no clients */
    struct io_uring *rings;
    unsigned ring_count, each; /* so many places in a ring */
    uint32_t *free;            /* places, as a stack */
    unsigned free_count;
    /* The last one accepted, until it is watched: epoll asks for a descriptor. */
    int fresh, fresh_fd;
};

static struct net_ring *ring_of(struct net *net)
{
    return CONTAINER(net, struct net_ring, net);
}

static bool is_place(int handle)
{
    return handle >= PLACE;
}

static struct io_uring *ring_at(const struct net_ring *ring, int handle)
{
    return &ring->rings[(unsigned)(handle - PLACE) / ring->each];
}

static int place_in_ring(const struct net_ring *ring, int handle)
{
    return (int)((unsigned)(handle - PLACE) % ring->each);
}

static bool place_fill(struct net_ring *ring, int handle, int fd)
{
    return io_uring_register_files_update(ring_at(ring, handle),
                                          (unsigned)place_in_ring(ring, handle), &fd, 1) == 1;
}

/* A place for `fd`, which stays open beside it. */
static int place_take(struct net_ring *ring, int fd)
{
    if (!ring->free_count)
        return NET_FULL;
    int handle = PLACE + (int)ring->free[ring->free_count - 1];
    if (!place_fill(ring, handle, fd))
        return NET_FULL;
    ring->free_count--;
    return handle;
}

int net_ring_adopt(struct net_ring *ring, int fd)
{
    int handle = place_take(ring, fd);
    if (handle >= 0)
        close(fd);
    return handle;
}

static void fresh_forget(struct net_ring *ring)
{
    if (ring->fresh_fd >= 0)
        close(ring->fresh_fd);
    ring->fresh = ring->fresh_fd = -1;
}

static int ring_accept(struct net *net, int listener, unsigned char peer[16])
{
    struct net_ring *ring = ring_of(net);
    fresh_forget(ring);
    if (!ring->free_count)
        return NET_FULL; /* whoever knocks waits in the kernel's queue */
    int fd = ring->real.net.accept(&ring->real.net, listener, peer);
    if (fd < 0)
        return fd;
    ring->fresh = place_take(ring, fd);
    if (ring->fresh >= 0)
        ring->fresh_fd = fd;
    else
        close(fd);
    return ring->fresh;
}

static int ring_connect(struct net *net, const char *path)
{
    struct net *real = &ring_of(net)->real.net;
    return real->connect(real, path);
}

/* The call that `sqe` was filled with; the result is as that of a system call, errors negative. */
static int done(struct io_uring *uring, struct io_uring_sqe *sqe, int place)
{
    struct io_uring_cqe *cqe;
    sqe->flags |= IOSQE_FIXED_FILE;
    sqe->fd = place;
    int n; /* a signal, or no memory for the moment, leaves it in the queue */
    do
        n = io_uring_submit(uring);
    while (n == -EINTR || n == -EAGAIN);
    must(n == 1);
    do
        n = io_uring_wait_cqe(uring, &cqe);
    while (n == -EINTR);
    must(n == 0);
    int result = cqe->res;
    io_uring_cqe_seen(uring, cqe);
    return result;
}

static ssize_t transferred(int n)
{
    if (n >= 0)
        return n;
    return n == -EAGAIN || n == -EINTR ? NET_AGAIN : NET_GONE;
}

static ssize_t ring_recv(struct net *net, int handle, void *bytes, size_t n)
{
    struct net_ring *ring = ring_of(net);
    if (!is_place(handle))
        return ring->real.net.recv(&ring->real.net, handle, bytes, n);
    struct io_uring *uring = ring_at(ring, handle);
    struct io_uring_sqe *sqe = io_uring_get_sqe(uring);
    io_uring_prep_recv(sqe, 0, bytes, n, MSG_DONTWAIT);
    return transferred(done(uring, sqe, place_in_ring(ring, handle)));
}

static ssize_t ring_send(struct net *net, int handle, const struct iovec *parts, int count)
{
    struct net_ring *ring = ring_of(net);
    if (!is_place(handle))
        return ring->real.net.send(&ring->real.net, handle, parts, count);
    struct io_uring *uring = ring_at(ring, handle);
    struct io_uring_sqe *sqe = io_uring_get_sqe(uring);
    struct msghdr message = { .msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count };
    if (count == 1)
        io_uring_prep_send(sqe, 0, parts->iov_base, parts->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
    else
        io_uring_prep_sendmsg(sqe, 0, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return transferred(done(uring, sqe, place_in_ring(ring, handle)));
}

/* A ring would hand it to a thread of the kernel's, and everybody here would wait for that. Who was
 * refused knows from the reply's length that there is no more; the end comes when he is closed. */
static void ring_shut(struct net *net, int handle)
{
    struct net_ring *ring = ring_of(net);
    if (!is_place(handle))
        ring->real.net.shut(&ring->real.net, handle);
}

static void ring_close(struct net *net, int handle)
{
    struct net_ring *ring = ring_of(net);
    if (!is_place(handle)) {
        ring->real.net.close(&ring->real.net, handle);
        return;
    }
    if (handle == ring->fresh)
        fresh_forget(ring);
    must(place_fill(ring, handle, -1));
    ring->free[ring->free_count++] = (uint32_t)(handle - PLACE);
}

static bool ring_watch(struct net *net, int handle, uint64_t tag, enum net_watch how)
{
    struct net_ring *ring = ring_of(net);
    struct net *real = &ring->real.net;
    if (!is_place(handle))
        return real->watch(real, handle, tag, how);
    must(handle == ring->fresh);
    bool fine = real->watch(real, ring->fresh_fd, tag, how);
    fresh_forget(ring);
    return fine;
}

static void ring_unwatch(struct net *net, int handle)
{
    struct net *real = &ring_of(net)->real.net;
    must(!is_place(handle));
    real->unwatch(real, handle);
}

static int ring_wait(struct net *net, struct net_event *events, int max, int timeout_ms)
{
    struct net *real = &ring_of(net)->real.net;
    return real->wait(real, events, max, timeout_ms);
}

static int64_t ring_mono_us(struct net *net)
{
    struct net *real = &ring_of(net)->real.net;
    return real->mono_us(real);
}

/* 0, or -errno. Debian 12's liburing has the two calls below in its header, not in its library. */
static int ring_register(const struct io_uring *uring, unsigned what, const void *args, unsigned n)
{
    return syscall(SYS_io_uring_register, uring->ring_fd, what, args, n) < 0 ? -errno : 0;
}

/* What a ring may do for the rest of its life: move bytes of the sockets in its places, and fill
 * and empty these. */
static int restrict_to_sockets(struct io_uring *uring)
{
    struct io_uring_restriction may[] = {
        { .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_FILES_UPDATE },
        { .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_RECV },
        { .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_SEND },
        { .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_SENDMSG },
        { .opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED, .sqe_flags = IOSQE_FIXED_FILE },
    };
    return ring_register(uring, IORING_REGISTER_RESTRICTIONS, may, COUNT(may));
}

int net_ring_make(struct io_uring *uring, unsigned places)
{
    int error = io_uring_queue_init(RING_ENTRIES, uring,
                                    IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER);
    if (error)
        return error;
    error = io_uring_register_files_sparse(uring, places);
    if (!error)
        error = restrict_to_sockets(uring);
    if (!error)
        error = ring_register(uring, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    if (error)
        io_uring_queue_exit(uring);
    return error;
}

/* 0: to everybody, 1: to some, 2: to nobody. Kernels before 6.6 have no such setting. */
static bool is_given_to_all(void)
{
    FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
    int setting = file ? fgetc(file) : '0';
    if (file)
        fclose(file);
    return setting == '0';
}

/* Is the end told as soon as a place is emptied? Before 6.4 Linux took up to a second. */
static bool closes_at_once(struct io_uring *uring)
{
    int ends[2], nobody = -1;
    char byte;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return false;
    bool fine = io_uring_register_files_update(uring, 0, &ends[0], 1) == 1;
    close(ends[0]);
    fine = fine && io_uring_register_files_update(uring, 0, &nobody, 1) == 1;
    fine = fine && recv(ends[1], &byte, 1, MSG_DONTWAIT) == 0;
    close(ends[1]);
    return fine;
}

bool net_ring_is_given(void)
{
    struct io_uring uring;
    if (!is_given_to_all() || net_ring_make(&uring, 1))
        return false;
    bool fine = closes_at_once(&uring);
    io_uring_queue_exit(&uring);
    return fine;
}

int64_t net_ring_most(int64_t open_files)
{
    return MIN(open_files / 4 * open_files, PLACE);
}

fail net_ring_new(struct net_ring **out, unsigned clients_max, unsigned open_files, struct why *why)
{
    struct net_ring *ring = calloc(1, sizeof(*ring));
    must(ring);
    fail f = net_real_init(&ring->real, why);
    if (f) {
        free(ring);
        return f;
    }
    ring->net = (struct net){ ring_accept, ring_connect, ring_recv,    ring_send, ring_shut,
                              ring_close,  ring_watch,   ring_unwatch, ring_wait, ring_mono_us };
    ring->fresh = ring->fresh_fd = -1;
    unsigned count = (clients_max + open_files - 1) / open_files;
    ring->each = (clients_max + count - 1) / count;
    ring->rings = calloc(count, sizeof(*ring->rings));
    ring->free = calloc((size_t)count * ring->each, sizeof(*ring->free));
    must(ring->rings && ring->free);
    for (unsigned place = count * ring->each; place > 0;)
        ring->free[ring->free_count++] = --place;
    for (; ring->ring_count < count; ring->ring_count++) {
        errno = -net_ring_make(&ring->rings[ring->ring_count], ring->each);
        if (errno) {
            f = fail_errno(why, FAIL_WORLD, "Cannot make ring %u of %u for %u clients",
                           ring->ring_count + 1, count, clients_max);
            net_ring_free(ring);
            return f;
        }
    }
    *out = ring;
    return FAIL_NONE;
}

void net_ring_free(struct net_ring *ring)
{
    if (!ring)
        return;
    fresh_forget(ring);
    for (unsigned i = 0; i < ring->ring_count; i++)
        io_uring_queue_exit(&ring->rings[i]);
    net_real_fini(&ring->real);
    free(ring->rings);
    free(ring->free);
    free(ring);
}

struct net *net_ring_net(struct net_ring *ring)
{
    return &ring->net;
}
