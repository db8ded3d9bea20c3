/* net_ring.h - net.h for a reactor with more clients than a descriptor table has places.
 *
 * The limit on open files is one of a descriptor table; but a kernel ring (io_uring) has a table of
 * files of its own, and one thread may have many rings. So an accepted socket gets its place in a
 * ring and leaves the thread's table; recv, send and close name that place, and shut does nothing.
 * Everything else, the events of all sockets first, is net_real's: an epoll knows a socket, not its
 * number. Each call is answered at once, nothing is ever under way in a ring.
 *
 * The rings of a gateway can do no more than that: they are made with restrictions that the kernel
 * keeps (docs/adr/0023). */
#pragma once

#include "net/net.h"

struct net_ring;
struct io_uring;

/* For `clients_max` sockets at a time, where `open_files` may be open. To be made by the thread
 * that uses it, before its system calls are filtered. FAIL_WORLD: this kernel, or the filter of
 * this container, has no rings. */
fail net_ring_new(struct net_ring **out, unsigned clients_max, unsigned open_files,
                  struct why *why) MUST_USE;
void net_ring_free(struct net_ring *ring); /* its sockets are closed soon; NULL: nothing */
struct net *net_ring_net(struct net_ring *ring);
/* A place for a socket that has been accepted or connected by other means, and is watched by
 * whatever epoll; its descriptor is closed. Gives its handle; NET_FULL: none, and nothing is
 * changed. */
int net_ring_adopt(struct net_ring *ring, int fd);
/* Are there rings here, for a process without rights too? Asked by whoever plans how many reactors
 * a gateway needs. */
bool net_ring_is_given(void);
/* So many clients one thread's rings hold, where so many files may be open: a ring has as many
 * places, and is an open file itself. */
int64_t net_ring_most(int64_t open_files);

/* One ring with so many places, restricted, ready for this thread. 0, or -errno. */
int net_ring_make(struct io_uring *uring, unsigned places);
