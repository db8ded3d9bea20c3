/* crew.c - see crew.h. */
#include "rehearsal/crew.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct crew_host *crew_add(struct crew *crew, const struct host_kind *kind, const char *name)
{
    if (crew->count == CREW_HOSTS_MAX)
        return NULL;
    struct crew_host *host = calloc(1, sizeof(*host));
    must(host);
    host->kind = kind;
    snprintf(host->name, sizeof(host->name), "%s", name);
    crew->hosts[crew->count++] = host;
    return host;
}

void crew_close(struct crew *crew)
{
    for (unsigned i = 0; i < crew->count; i++)
        crew->hosts[i]->kind->close(crew->hosts[i]);
}

fail crew_prepare(struct crew *crew, uint32_t candidates, const struct muster *muster,
                  struct why *why)
{
    for (unsigned i = 0; i < crew->count; i++) {
        struct crew_host *host = crew->hosts[i];
        host->first = (uint32_t)((uint64_t)candidates * i / crew->count);
        host->count = (uint32_t)((uint64_t)candidates * (i + 1) / crew->count) - host->first;
        fail f = host->kind->prepare(host, muster, why);
        if (f)
            return why_add(why, f, "%s", host->name);
    }
    return FAIL_NONE;
}

fail crew_start(struct crew *crew, const struct plan *plan, struct why *why)
{
    fail f = FAIL_NONE;
    for (unsigned i = 0; i < crew->count && !f; i++)
        f = why_add(why, crew->hosts[i]->kind->start(crew->hosts[i], plan, why), "%s",
                    crew->hosts[i]->name);
    return f;
}

static void sum(const struct crew *crew, struct board *total, bool all)
{
    if (all)
        memset(total, 0, sizeof(*total));
    board_clear_counters(total);
    for (unsigned i = 0; i < crew->count; i++) {
        const struct crew_host *host = crew->hosts[i];
        (all ? board_merge : board_merge_counters)(total, &host->board);
        if (host->lost) {
            total->connected -= host->board.connected;
            uint64_t known = host->board.checked + host->board.unchecked;
            total->unchecked += host->count - MIN(known, host->count);
        }
    }
}

void crew_poll(struct crew *crew, struct board *total, bool all)
{
    for (unsigned i = 0; i < crew->count; i++)
        if (!crew->hosts[i]->lost)
            crew->hosts[i]->kind->poll(crew->hosts[i], all);
    sum(crew, total, all);
}

void crew_order(struct crew *crew)
{
    for (unsigned i = 0; i < crew->count; i++)
        if (!crew->hosts[i]->lost)
            crew->hosts[i]->kind->order(crew->hosts[i], &crew->orders);
}

void crew_stop(struct crew *crew, struct board *total)
{
    crew->orders.phase = PHASE_STOP;
    crew_order(crew); /* to all of them before waiting for any */
    for (unsigned i = 0; i < crew->count; i++)
        if (!crew->hosts[i]->lost)
            crew->hosts[i]->kind->stop(crew->hosts[i]);
    sum(crew, total, true);
}

bool crew_is_dead(const struct crew *crew)
{
    for (unsigned i = 0; i < crew->count; i++) {
        const struct crew_host *host = crew->hosts[i];
        if (!host->lost && (!host->effort.agents || host->effort.died < host->effort.agents))
            return false;
    }
    return true;
}

int64_t crew_recovered_us(const struct crew *crew, int64_t since_us)
{
    int64_t first = 0;
    for (unsigned i = 0; i < crew->count; i++) {
        int64_t at = crew->hosts[i]->recovered_us;
        if (at > since_us && (!first || at < first))
            first = at;
    }
    return first;
}

int64_t crew_agents_us(const struct crew *crew)
{
    int64_t sum_us = 0;
    for (unsigned i = 0; i < crew->count; i++)
        if (crew->hosts[i]->kind != &host_local)
            sum_us += crew->hosts[i]->effort.agents_us;
    return sum_us;
}

const struct gang *crew_gang(const struct crew *crew)
{
    for (unsigned i = 0; i < crew->count; i++)
        if (crew->hosts[i]->kind == &host_local)
            return local_gang(crew->hosts[i]);
    return NULL;
}

void host_lose(struct crew_host *host, const char *format, ...)
{
    va_list args;
    if (host->lost)
        return;
    host->lost = true;
    va_start(args, format);
    vsnprintf(host->trouble, sizeof(host->trouble), format, args);
    va_end(args);
}
