/* supervisor_internal.h - the inside of the supervisor, for supervisor.c (what it owns, its loop),
 * sockets.c, children.c (the processes), drain.c (how a gateway alone ends), upgrade.c (one program
 * after another), handover.c (how it becomes the other program). */
#pragma once

#include "cli/supervisor.h"
#include "net/gateway_stats.h"

#include <sys/types.h>

#define STOP_S_MAX  15 /* for a child to end after SIGTERM, then SIGKILL */
#define LEAVING_MAX 24 /* gateways that still have connections of before an upgrade */

struct child {
    const char *name;
    pid_t pid;
    int ready; /* "r" comes out of it once this process serves; -1: it does, or is none */
    bool is_ready;
    bool told_to_end;               /* its end is no surprise */
    int64_t started_ms, restart_ms; /* restart_ms: when to start it again, while pid is 0 */
    unsigned quick_deaths;
    unsigned row; /* a gateway's first in the page of counters */
};

enum upgrade_step {
    UPGRADE_NONE,
    UPGRADE_WAITS,   /* for a hall that is just being started */
    UPGRADE_GATEWAY, /* the new one starts beside the old one, on the same sockets */
    UPGRADE_HALL,    /* the old one ends, the new one starts; the gateways hold requests */
};

struct upgrade {
    enum upgrade_step step;
    int asker;              /* the command that waits for its end, or -1 */
    int program;            /* that it is to become, or -1 */
    int before;             /* the one that ran before, to go back to; or -1 */
    pid_t old_hall;         /* runs the program of before */
    int64_t hall_killed_ms; /* when patience with it ends */
    int64_t began_ms;
    char from[64];    /* the version before */
    char failed[256]; /* why we went back to the program of before; empty: we did not */
};

struct supervisor {
    const struct supervisor_opts *opts;
    int tls, plain, gate, admin, stats, ticket, control, signals;
    int probes, far;            /* only in a cluster; far: where other machines' gateways come in */
    struct gateway_stats *page; /* `stats`, mapped */
    char dir[4096], run[4200];  /* absolute */
    char spec[4300];            /* as it was when serve began */
    struct child hall, gateway;
    struct child tunnel;               /* only in a cluster */
    struct child next;                 /* a gateway that is to take over */
    struct child leaving[LEAVING_MAX]; /* gateways that end with their last connection */
    unsigned leaving_count;            /* oldest first */
    struct upgrade upgrade;
    unsigned reactors;   /* of a gateway, and */
    int64_t connections; /* how many it takes: 0 until the hall has told its roster */
    bool is_ready, stopping;
};

int64_t supervisor_now_ms(void);
bool has_hall(const struct supervisor *s);
bool has_gateway(const struct supervisor *s);
bool has_tunnel(const struct supervisor *s);

/* -- sockets.c -- */
fail listen_tcp(const char *address, int *fd, struct why *why) MUST_USE;
fail listen_unix(const char *run, const char *name, mode_t mode, int *fd, struct why *why) MUST_USE;

/* -- children.c -- */
void child_start(struct supervisor *s, struct child *child);
/* Waits for those who ended. A failure: a process that never was ready ended, and will again. */
fail children_reap(struct supervisor *s, struct why *why) MUST_USE;
void children_check_ready(struct supervisor *s);
void gateway_takes_over(struct supervisor *s); /* `next`, which is ready; the old one leaves */
/* The oldest that leaves finishes what is in flight and closes the rest: there is need of its
 * place.
 */
void gateway_hurries(struct supervisor *s);
bool gateway_row_find(struct supervisor *s, unsigned *row); /* rows nobody counts into */
unsigned leaving_connections(const struct supervisor *s);
void children_stop(struct supervisor *s); /* gateways first, then the hall, then the tunnel */

/* -- drain.c -- */
/* Lets a gateway alone go without anybody noticing; returns when it is empty or time is up. */
void drain(struct supervisor *s);

/* -- upgrade.c -- */
void upgrade_asked(struct supervisor *s); /* somebody is at `control` */
void upgrade_go(struct supervisor *s);    /* does what is due */
void upgrade_failed(struct supervisor *s, const char *what);

/* -- handover.c -- */
/* The form of what is handed over: raised when struct handover or what the gateways and the hall
 * are told changes its meaning. Programs with another one are refused. */
#define HANDOVER_LAYOUT 1
/* Becomes the program (a descriptor): same process, same sockets, same children. Returns only when
 * that failed; then nothing has changed. */
fail handover_go(struct supervisor *s, int program, struct why *why) MUST_USE;
/* What the program before handed over, out of the descriptor that --handover names. */
fail handover_take(struct supervisor *s, int fd, struct why *why) MUST_USE;
