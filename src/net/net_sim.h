/* net_sim.h - the simulated side of net.h: a network in memory, driven by one seed.
 *
 * Bytes become visible some `wait`s after they were sent, in pieces; reads and writes are short;
 * sockets hold little; connections break when the test says so. With `calm` everything arrives at
 * the next wait and whole. Time moves only when the test adds to now_us. The test holds the other
 * ends and uses the same recv, send and close on them; it need not watch them. */
#pragma once

#include "net/net.h"
#include "sys/chance.h"

struct net_sim {
    struct net net;
    struct chance chance;
    bool calm;
    int64_t now_us;
    struct sim_end *ends;
    int end_count, end_cap;
    int open_max;   /* accept says NET_FULL beyond; 0 for no limit */
    int open_count; /* ends that are in use */
    bool no_watch;  /* watch refuses, as a kernel without memory does */
};

void net_sim_init(struct net_sim *sim, uint64_t seed, bool calm);
void net_sim_fini(struct net_sim *sim);
int net_sim_listen(struct net_sim *sim, const char *path); /* path: for connect; NULL: for dial */
int net_sim_dial(struct net_sim *sim, int listener);       /* the client's end */
void net_sim_break(struct net_sim *sim, int handle);       /* both ends find it reset */
