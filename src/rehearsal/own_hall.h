/* own_hall.h - a hall of the rehearsal's own, run by the same program in processes of its own.
 *
 * Everything goes through the command line that people use (init, roster import, exam, serve,
 * status), so a rehearsal also rehearses that. */
#pragma once

#include "base/fail.h"
#include "base/out.h"
#include "rehearsal/paper.h"
#include <sys/types.h>

struct own_hall {
    char dir[400]; /* the hall's folder */
    char url[300];
    char exam[80];
    struct out codes;                   /* CSV with roll,code of our candidates */
    uint32_t keys[PAPER_ITEMS_MAX + 1]; /* see marks.h */
    bool temporary;
    pid_t serve;
    int64_t bell_us; /* monotonic: when candidates may start, with starts_in_s */
};

struct own_hall_opts {
    uint32_t candidates;
    unsigned minutes;
    unsigned starts_in_s; /* nobody may start before so many seconds after serve; 0: at once */
    bool plain;
    str settings;       /* "name=value" lines for its spec */
    const char *listen; /* "10.0.0.1" or "10.0.0.1:8443"; NULL: loopback, any port */
    const char *dir;    /* NULL: a temporary folder */
};

/* Makes the folder and the roster, starts `serve`, waits until it answers and opens the exam. */
fail own_hall_start(struct own_hall *hall, const struct own_hall_opts *opts,
                    struct why *why) MUST_USE;
bool own_hall_runs(struct own_hall *hall); /* false: `serve` has ended by itself */
/* The process of the gateway or of the hall; 0 when it is just not there. */
pid_t own_hall_pid(const struct own_hall *hall, bool gateway);
/* Starts `examhall upgrade` to the same program; gives its process, or -1. */
pid_t own_hall_upgrade(const struct own_hall *hall);
fail own_hall_publish(struct own_hall *hall, struct why *why) MUST_USE; /* close, score, publish */
/* Stops it; removes a temporary folder unless `keep`. Safe on a hall that never started. */
void own_hall_stop(struct own_hall *hall, bool keep);
