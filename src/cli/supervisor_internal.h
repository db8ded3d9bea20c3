/* supervisor_internal.h - the inside of the supervisor, for supervisor.c (what it owns, its loop),
 * sockets.c, children.c (the processes), drain.c (how a gateway alone ends), upgrade.c (one program
 * after another), handover.c (how it becomes the other program). */
#pragma once

#include "cli/probe.h"
#include "cli/supervisor.h"
#include "cli/upgrade_ask.h"
#include "cli/watch.h"

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
    UPGRADE_BEFORE,  /* how is it before anything is replaced? Only when it will be watched */
    UPGRADE_GATEWAY, /* the new one starts beside the old one, on the same sockets */
    UPGRADE_HALL,    /* the old one ends, the new one starts; the gateways hold requests */
    UPGRADE_WATCH,   /* is it worse than before? After the gateway, and after the hall */
    UPGRADE_SELF,    /* at last the supervisor becomes the new program */
    UPGRADE_BACK,    /* what was replaced is replaced by this program again */
    UPGRADE_DONE,    /* in the new program */
};

/* A program to go back to. */
struct program {
    int fd; /* -1: none */
    uint32_t history;
    char version[UPGRADE_VERSION_BYTES];
};

struct upgrade {
    enum upgrade_step step;
    int asker;   /* the command that waits for its end, or -1 */
    int program; /* the new one, or -1 */
    struct upgrade_ask ask;
    bool gateway_is_new, hall_is_new; /* started, and started again, from `program` */
    bool gateway_was_new;             /* something was replaced */
    bool gateway_is_suspect;          /* on the way back: only it was replaced */
    pid_t old_hall;                   /* is to make room */
    int64_t hall_killed_ms;           /* when patience with it ends */
    int64_t began_ms, step_ms, looked_ms;
    int64_t down_ms; /* since when the hall has not been serving; 0: it serves */
    unsigned deaths; /* of processes, since the watch began */
    struct watch watch;
    struct probe probe;
    char failed[300]; /* why we go back; empty: we do not */
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
    struct program previous; /* ran before this one */
    unsigned reactors;       /* of a gateway, and */
    int64_t connections;     /* how many it takes: 0 until the hall has told its roster */
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
/* What the child is to be started from: a descriptor, or -1: the program that runs here. */
int upgrade_program(const struct supervisor *s, const struct child *child);
/* A child ended that was not told to. `young`: it had not served yet. */
void upgrade_died(struct supervisor *s, const struct child *child, bool young);

/* -- upgrade_say.c: lines of JSON for the command that asked -- */
void upgrade_refuse(int asker, const char *reason); /* and closes it */
void upgrade_say_step(const struct supervisor *s, const char *step);
void upgrade_say_end(const struct supervisor *s); /* and closes it */

/* -- handover.c -- */
/* Becomes the program (a descriptor): same process, same sockets, same children. Returns only when
 * that failed; then nothing has changed. */
fail handover_go(struct supervisor *s, int program, struct why *why) MUST_USE;
/* What the program before handed over, out of the descriptor that --handover names. */
fail handover_take(struct supervisor *s, int fd, struct why *why) MUST_USE;
