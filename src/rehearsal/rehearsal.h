/* rehearsal.h - the coordinator: makes or finds a hall, fills it with virtual candidates, breaks it
 * on purpose, and judges.
 *
 * Virtual candidates live in a process of their own (gang.h), forked from this one, which must
 * have one thread. What they did comes back through boards in shared memory. After the sitting the
 * own hall is closed, scored and published, and every acknowledged answer is looked for in the
 * result. */
#pragma once

#include "base/fail.h"
#include "rehearsal/crew.h"
#include "rehearsal/profile.h"
#include "rehearsal/verdict.h"

struct rehearsal_opts {
    uint32_t candidates;
    unsigned minutes; /* of the sitting */
    unsigned ramp_s;  /* all sign in within this time; 0: a second for each 750, at least 5 */
    unsigned save_every_s;
    unsigned drops_per_minute; /* over all candidates */
    unsigned kill_hall, kill_gateway, upgrade;
    const struct profile *profile;
    bool drops_given, plain, plain_lines;
    uint64_t seed;
    const char *target, *codes, *ca; /* a running hall; NULL: our own */
    const char *sources;             /* addresses of this machine to connect from; NULL: found */
    /* Agent hosts elsewhere (crew.h); without any the candidates are on this machine. */
    const char *agents, *listen_agents, *token_file, *version;
    unsigned await;
    const char *hall_listen; /* own hall: an address that they reach; NULL: loopback */
    const char *data;        /* own hall: keep its folder here; NULL: a temporary one */
    str settings;            /* own hall: "name=value" lines of the spec rehearsed for */
    int out_fd;              /* where progress goes: standard error */
};

/* FAIL_USAGE, FAIL_WORLD: no verdict. */
fail rehearsal_run(const struct rehearsal_opts *opts, struct outcome *outcome,
                   struct why *why) MUST_USE;
