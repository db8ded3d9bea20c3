/* local_host.c - the coordinator's own machine as a host of the crew: a gang, and nothing between.
 */
#include "rehearsal/crew.h"
#include "rehearsal/sources.h"

#include <stdlib.h>

struct local {
    const struct muster *muster;
    struct io_target target; /* the muster's, with this machine's source addresses */
    struct gang gang;
};

static fail local_prepare(struct crew_host *host, const struct muster *muster, struct why *why)
{
    struct local *local = host->own = calloc(1, sizeof(*local));
    must(local);
    local->muster = muster;
    local->target = *muster->target;
    fail f = sources_choose(&local->target, muster->sources, host->count, why);
    return f ? f : io_probe(&local->target, muster->ca, why);
}

static fail local_start(struct crew_host *host, const struct plan *plan, struct why *why)
{
    struct local *local = host->own;
    struct gang_opts opts = { .plan = plan,
                              .target = &local->target,
                              .ca = local->muster->ca,
                              .credentials = local->muster->credentials + host->first,
                              .first = host->first,
                              .count = host->count,
                              .close_fd = -1 };
    return gang_start(&local->gang, &opts, why);
}

static void local_poll(struct crew_host *host, bool all)
{
    struct local *local = host->own;
    gang_watch(&local->gang, agent_clock_us());
    gang_sum(&local->gang, &host->board, all);
    host->recovered_us = gang_recovered_us(&local->gang);
    host->effort = local->gang.effort;
}

static void local_order(struct crew_host *host, const struct crew_orders *orders)
{
    struct local *local = host->own;
    gang_order(&local->gang, orders->phase, orders->killed_us, orders->calm_us);
}

static void local_stop(struct crew_host *host)
{
    struct local *local = host->own;
    if (!local)
        return;
    gang_stop(&local->gang, &host->board);
    host->effort = local->gang.effort;
}

static void local_close(struct crew_host *host)
{
    free(host->own);
    host->own = NULL;
}

const struct gang *local_gang(const struct crew_host *host)
{
    return host->own ? &((const struct local *)host->own)->gang : NULL;
}

const struct host_kind host_local = { local_prepare, local_start, local_poll,
                                      local_order,   local_stop,  local_close };
