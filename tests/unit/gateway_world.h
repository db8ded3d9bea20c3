/* gateway_world.h - a gateway's reactor between clients and a hall, all in one thread and memory.
 *
 * The hall here answers each request with its own target, so a test can see that every client got
 * exactly its own reply. It can die and come back. Time moves only in gate_world_run. */
#pragma once

#include "net/net_sim.h"
#include "net/reactor.h"
#include "tests/test.h"

#define WORLD_GATE "gate"

struct world_hall {
    int handle; /* -1: free */
    struct out in, out;
};

struct gate_world {
    struct net_sim sim;
    struct gateway_opts opts;
    struct gateway_limits limits;
    struct gateway_stats *stats;
    struct reactor reactor;
    int listener, gate;           /* gate -1: no hall */
    struct world_hall halls[512]; /* the hall's ends of the pipes */
    bool silent;                  /* the hall reads and does not answer */
    unsigned served;              /* requests the hall answered */
    char last[8192];              /* the newest request the hall saw, with its body */
    bool alive;                   /* what the last round said */
};

void gate_world_open(struct gate_world *w, uint64_t seed, bool calm);
void gate_world_close(struct gate_world *w);
void gate_world_run(struct gate_world *w, int rounds, int64_t ms); /* ms pass in each round */
void gate_world_hall_start(struct gate_world *w);
void gate_world_hall_kill(struct gate_world *w); /* connections break in the middle of whatever */

/* A client: what it wants sent goes out as the network takes it; what comes back is gathered. */
struct world_client {
    int handle; /* -1: closed or reset */
    struct out out, in;
    size_t sent;
    bool ended; /* the gateway closed */
};
void client_dial(struct gate_world *w, struct world_client *c);
void client_say(struct gate_world *w, struct world_client *c, str bytes);
void client_step(struct gate_world *w, struct world_client *c); /* moves bytes both ways */
void client_hang_up(struct gate_world *w, struct world_client *c);
/* Takes the first whole reply out of what came: its status, 0 when there is none yet. */
unsigned client_reply_of(struct world_client *c, char body[512]);
/* Says it, runs until a reply is there (at most 200 rounds of 1 ms), and gives its status. */
unsigned client_ask(struct gate_world *w, struct world_client *c, str bytes, char body[512]);
