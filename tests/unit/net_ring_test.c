/* net_ring_test.c - sockets that are in rings, as the reactor uses them. */
#include "net/net_ring.h"

#include "tests/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TAG_DOOR 7
#define FILES    16 /* places in a ring here */

/* A listener, and a ring that takes from it. */
struct scene {
    struct net_ring *ring;
    struct net *net;
    int listener;
    struct sockaddr_in at;
};

/* False: this machine, or the container this runs in, has no rings; the gateway uses tables. */
static bool scene_open(struct scene *s, unsigned clients)
{
    struct why why;
    if (!net_ring_is_given()) {
        printf("  no rings here: not tried\n");
        return false;
    }
    CHECK_OK(net_ring_new(&s->ring, clients, FILES, &why));
    s->net = net_ring_net(s->ring);
    s->at =
        (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof(s->at);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(s->listener >= 0);
    CHECK_EQ(bind(s->listener, (struct sockaddr *)&s->at, sizeof(s->at)), 0);
    CHECK_EQ(listen(s->listener, 512), 0);
    CHECK_EQ(getsockname(s->listener, (struct sockaddr *)&s->at, &bytes), 0);
    CHECK(s->net->watch(s->net, s->listener, TAG_DOOR, NET_LEVEL));
    return true;
}

static void scene_close(struct scene *s)
{
    net_ring_free(s->ring);
    close(s->listener);
}

static int dial(const struct scene *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK_EQ(connect(fd, (const struct sockaddr *)&s->at, sizeof(s->at)), 0);
    return fd;
}

static int accept_watched(struct scene *s, uint64_t tag)
{
    unsigned char peer[16];
    int handle = s->net->accept(s->net, s->listener, peer);
    CHECK(handle >= 0);
    CHECK_EQ(peer[12], 127);
    CHECK_EQ(peer[15], 1);
    CHECK(s->net->watch(s->net, handle, tag, NET_EDGES));
    return handle;
}

/* What the next events say of `tag`. */
static unsigned hear(struct scene *s, uint64_t tag)
{
    struct net_event events[64];
    unsigned what = 0;
    int n = s->net->wait(s->net, events, COUNT(events), 200);
    for (int i = 0; i < n; i++)
        what |= events[i].tag == tag ? events[i].what : 0;
    return what;
}

static ssize_t say(struct scene *s, int handle, const char *text)
{
    struct iovec part = { (char *)text, strlen(text) };
    return s->net->send(s->net, handle, &part, 1);
}

TEST(net_ring, a_client_is_heard_answered_and_let_go)
{
    struct scene s;
    char bytes[16];
    if (!scene_open(&s, 4))
        return;
    int client = dial(&s), handle = accept_watched(&s, 1);
    CHECK_EQ(s.net->recv(s.net, handle, bytes, sizeof(bytes)), NET_AGAIN);
    CHECK_EQ(send(client, "ask", 3, 0), 3);
    CHECK(hear(&s, 1) & NET_IN);
    CHECK_EQ(s.net->recv(s.net, handle, bytes, sizeof(bytes)), 3);
    CHECK_EQ(memcmp(bytes, "ask", 3), 0);
    struct iovec parts[2] = { { "he", 2 }, { "re", 2 } };
    CHECK_EQ(s.net->send(s.net, handle, parts, 2), 4);
    CHECK_EQ(recv(client, bytes, sizeof(bytes), 0), 4);
    CHECK_EQ(memcmp(bytes, "here", 4), 0);
    CHECK_EQ(send(client, "bye", 3, 0), 3);
    CHECK_EQ(shutdown(client, SHUT_WR), 0);
    CHECK(hear(&s, 1) & NET_END);
    CHECK_EQ(s.net->recv(s.net, handle, bytes, sizeof(bytes)), 3);
    CHECK_EQ(s.net->recv(s.net, handle, bytes, sizeof(bytes)), 0);
    s.net->close(s.net, handle);
    CHECK_EQ(recv(client, bytes, sizeof(bytes), 0), 0);
    close(client);
    scene_close(&s);
}

TEST(net_ring, more_clients_than_may_be_open_files_are_held_and_the_next_waits)
{
    enum { MANY = 3 * FILES };
    struct scene s;
    int clients[MANY + 1], handles[MANY];
    unsigned char peer[16];
    char byte;
    if (!scene_open(&s, MANY))
        return;
    uint64_t files = 0;
    for (int i = 0; i < MANY; i++) {
        clients[i] = dial(&s);
        if (i == 0) /* so many more as there are client's ends, and the listener's next */
            files = test_limit_files((uint64_t)clients[0] + MANY + 3);
        handles[i] = accept_watched(&s, (uint64_t)i + 100);
    }
    clients[MANY] = dial(&s);
    CHECK_EQ(s.net->accept(s.net, s.listener, peer), NET_FULL);
    for (int i = MANY - 1; i >= 0; i--) {
        CHECK_EQ(send(clients[i], &i, 1, 0), 1);
        CHECK(hear(&s, (uint64_t)i + 100) & NET_IN);
        CHECK_EQ(s.net->recv(s.net, handles[i], &byte, 1), 1);
        CHECK_EQ(byte, i);
    }
    s.net->close(s.net, handles[5]);
    CHECK_EQ(recv(clients[5], &byte, 1, 0), 0);
    handles[5] = accept_watched(&s, 999);
    CHECK_EQ(say(&s, handles[5], "x"), 1);
    CHECK_EQ(recv(clients[MANY], &byte, 1, 0), 1);
    for (int i = 0; i <= MANY; i++)
        close(clients[i]);
    test_limit_files(files);
    scene_close(&s);
}

TEST(net_ring, a_client_that_was_closed_is_heard_of_no_more_and_its_place_is_anothers)
{
    struct scene s;
    char byte;
    if (!scene_open(&s, 1))
        return;
    int first = dial(&s), handle = accept_watched(&s, 1);
    s.net->close(s.net, handle);
    CHECK_EQ(recv(first, &byte, 1, 0), 0);
    int second = dial(&s), again = accept_watched(&s, 2);
    CHECK_EQ(again, handle);
    send(first, "x", 1, MSG_NOSIGNAL);
    CHECK_EQ(hear(&s, 1), 0);
    CHECK_EQ(say(&s, again, "y"), 1);
    CHECK_EQ(recv(second, &byte, 1, 0), 1);
    close(first);
    close(second);
    scene_close(&s);
}

TEST(net_ring, one_who_was_accepted_and_never_watched_is_closed_all_the_same)
{
    struct scene s;
    unsigned char peer[16];
    char byte;
    if (!scene_open(&s, 2))
        return;
    int client = dial(&s);
    s.net->close(s.net, s.net->accept(s.net, s.listener, peer));
    CHECK_EQ(recv(client, &byte, 1, 0), 0);
    close(client);
    scene_close(&s);
}

TEST(net_ring, a_client_that_does_not_read_fills_up_and_there_is_word_when_it_reads_again)
{
    struct scene s;
    static char block[1 << 20];
    struct iovec part = { block, sizeof(block) };
    size_t sent = 0, got = 0;
    ssize_t n;
    if (!scene_open(&s, 1))
        return;
    int client = dial(&s), handle = accept_watched(&s, 1);
    hear(&s, 1); /* that it is writable at first */
    while ((n = s.net->send(s.net, handle, &part, 1)) > 0)
        sent += (size_t)n;
    CHECK_EQ(n, NET_AGAIN);
    CHECK(sent > 0);
    while (got < sent) {
        n = recv(client, block, sizeof(block), 0);
        CHECK(n > 0);
        got += (size_t)n;
    }
    CHECK(hear(&s, 1) & NET_OUT);
    CHECK_EQ(say(&s, handle, "z"), 1);
    close(client);
    scene_close(&s);
}

/* What `sqe` got from the kernel; it names place 0. */
static int result_of(struct io_uring *uring, struct io_uring_sqe *sqe, unsigned flags)
{
    struct io_uring_cqe *cqe;
    sqe->flags |= (uint8_t)flags;
    CHECK_EQ(io_uring_submit(uring), 1);
    CHECK_EQ(io_uring_wait_cqe(uring, &cqe), 0);
    int result = cqe->res;
    io_uring_cqe_seen(uring, cqe);
    return result;
}

TEST(net_ring, a_ring_opens_nothing_connects_nowhere_and_touches_no_descriptor)
{
    struct io_uring uring;
    char byte;
    if (!net_ring_is_given())
        return;
    CHECK_EQ(net_ring_make(&uring, 1), 0);
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring);
    io_uring_prep_openat(sqe, AT_FDCWD, "/etc/passwd", O_RDONLY, 0);
    CHECK_EQ(result_of(&uring, sqe, 0), -EACCES);
    sqe = io_uring_get_sqe(&uring);
    io_uring_prep_socket(sqe, AF_INET, SOCK_STREAM, 0, 0);
    CHECK_EQ(result_of(&uring, sqe, IOSQE_FIXED_FILE), -EACCES);
    sqe = io_uring_get_sqe(&uring);
    io_uring_prep_shutdown(sqe, 0, SHUT_WR);
    CHECK_EQ(result_of(&uring, sqe, IOSQE_FIXED_FILE), -EACCES);
    sqe = io_uring_get_sqe(&uring);
    io_uring_prep_recv(sqe, 0, &byte, 1, MSG_DONTWAIT);
    CHECK_EQ(result_of(&uring, sqe, 0), -EACCES);
    sqe = io_uring_get_sqe(&uring);
    io_uring_prep_recv(sqe, 0, &byte, 1, MSG_DONTWAIT);
    CHECK_EQ(result_of(&uring, sqe, IOSQE_FIXED_FILE), -EBADF); /* may; nobody is there */
    CHECK_EQ(io_uring_unregister_files(&uring), -EACCES);
    io_uring_queue_exit(&uring);
}

TEST(net_ring, as_many_clients_as_a_ring_has_places_for_each_fourth_open_file)
{
    CHECK_EQ(net_ring_most(20000), 1 << 24);
    CHECK_EQ(net_ring_most(1024), 256 * 1024);
    CHECK_EQ(net_ring_most(3), 0);
}
