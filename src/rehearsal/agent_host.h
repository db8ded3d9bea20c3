/* agent_host.h - a machine that lends itself to a rehearsal somewhere else: `examhall rehearse
 * --join` and `--serve-agent`.
 *
 * It learns everything from its coordinator (message.h): the hall, the plan, its slice of the
 * candidates with their codes. The codes stay in memory. When the coordinator is gone, so are its
 * agents. */
#pragma once

#include "base/fail.h"

struct agent_host_opts {
    const char *join;  /* dial the coordinator there, trying for `patience_s`; run one rehearsal */
    const char *serve; /* or wait here for coordinators, one after the other, until interrupted */
    const char *token_file, *version;
    const char *sources; /* --source-addresses, or NULL */
    unsigned patience_s;
    void (*say)(const char *text); /* a line for people */
};

/* Returns after one rehearsal (join) or when interrupted (serve). FAIL_WORLD: the coordinator was
 * lost in the middle. The process must have one thread. */
fail agent_host_run(const struct agent_host_opts *opts, struct why *why) MUST_USE;
