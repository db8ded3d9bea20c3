/* net.h - the seam to the network: every byte the gateway moves passes here.
 *
 * A `net` is a table of functions with two real sides (sockets and epoll, net_real.c; the same with
 * more sockets than open files, net_ring.c) and a simulated one (pipes in memory, net_sim.c), where
 * bytes arrive late and in pieces, sockets fill up and connections break, all from one seed.
 * Nothing here blocks but `wait`. Handles are small numbers.
 *
 * Events are edges: one is told when something changes, and not again. So a reader reads until it
 * gets less than it asked for, and a writer after a short write waits for NET_OUT. */
#pragma once

#include "base/fail.h"

#include <sys/types.h>
#include <sys/uio.h>

enum {
    NET_AGAIN = -1, /* nothing now; an event will tell */
    NET_GONE = -2,  /* broken, or nobody there */
    NET_FULL = -3,  /* accept: no descriptors, or no places, left */
};

enum { NET_IN = 1, NET_OUT = 2, NET_END = 4 /* peer sends no more */, NET_DEAD = 8 };

enum net_watch {
    NET_EDGES,  /* a connection */
    NET_READS,  /* a connection, without NET_OUT */
    NET_SHARED, /* a listener of many threads: told again while somebody waits, not to all */
    NET_LEVEL,  /* told again while it is readable, to everyone who watches */
};

struct net_event {
    uint64_t tag;
    unsigned what;
};

struct net {
    /* A new connection's handle, and who it is: 16 bytes of IPv6, or IPv4 mapped into it. */
    int (*accept)(struct net *net, int listener, unsigned char peer[16]);
    int (*connect)(struct net *net, const char *path);                   /* a Unix socket */
    ssize_t (*recv)(struct net *net, int handle, void *bytes, size_t n); /* 0: the end */
    ssize_t (*send)(struct net *net, int handle, const struct iovec *parts, int count);
    void (*shut)(struct net *net, int handle); /* we send no more; a ring tells so when it closes */
    void (*close)(struct net *net, int handle);

    /* Events for the handle carry `tag` from now on; what is so already is told too. */
    bool (*watch)(struct net *net, int handle, uint64_t tag, enum net_watch how);
    void (*unwatch)(struct net *net, int handle); /* of what is not watched: nothing */
    int (*wait)(struct net *net, struct net_event *events, int max, int timeout_ms);
    int64_t (*mono_us)(struct net *net);
};

/* The real side; one for each thread, because each has an epoll of its own. */
struct net_real {
    struct net net;
    int epoll;
};
fail net_real_init(struct net_real *real, struct why *why) MUST_USE;
void net_real_fini(struct net_real *real);
