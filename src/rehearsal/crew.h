/* crew.h - the machines that a rehearsal's virtual candidates live on, as their coordinator sees
 * them.
 *
 * A host is this machine or an agent host elsewhere (agent_host.h). Both are driven through one
 * struct of functions; what they did lies in one board a host. Each host takes a slice of the
 * candidates, in order. Instants are the coordinator's everywhere in here: a host elsewhere has
 * another clock, and remote_host.c converts at the border.
 *
 * A host that is lost in mid-run keeps what it last told; it is waited for no longer. */
#pragma once

#include "rehearsal/gang.h"

enum { CREW_HOSTS_MAX = 64 };

struct crew_orders {
    int phase;
    int64_t killed_us, calm_us; /* see struct orders */
};

struct crew_host {
    char name[80]; /* "this machine", or where it is */
    const struct host_kind *kind;
    uint32_t first, count; /* its candidates */
    struct board board;    /* all its agents together */
    struct effort effort;
    int64_t recovered_us;   /* first answer to a save sent after the last fault; 0: none yet */
    int64_t clock_error_us; /* its instants are known to that much */
    bool lost;              /* for ever; trouble says why */
    char trouble[200];
    void *own; /* of its kind */
};

struct muster { /* what a host needs to know before anything starts */
    const struct io_target *target;
    str ca;
    const char *sources;                  /* --source-addresses of this machine, or NULL */
    const struct credential *credentials; /* of the whole run */
};

/* What a kind of host does. Only prepare and start can fail; what goes wrong later is `lost`. */
struct host_kind {
    /* Can the hall be reached from there, and do the candidates fit? Keeps muster. */
    fail (*prepare)(struct crew_host *host, const struct muster *muster, struct why *why);
    fail (*start)(struct crew_host *host, const struct plan *plan, struct why *why);
    /* Brings board and effort up to date; `all`: histograms too. Never waits. */
    void (*poll)(struct crew_host *host, bool all);
    void (*order)(struct crew_host *host, const struct crew_orders *orders);
    /* Waits a bounded time; board and effort are final then. Safe when it never started. */
    void (*stop)(struct crew_host *host);
    void (*close)(struct crew_host *host); /* board and effort stay */
};
extern const struct host_kind host_local, host_remote;

struct crew {
    unsigned count;
    struct crew_host *hosts[CREW_HOSTS_MAX];
    struct crew_orders orders;
    const struct muster *muster;
};

/* Who brings the hosts that are elsewhere. */
struct crew_opts {
    const char *dial;   /* --agents: "host1,host2:port", or NULL */
    const char *listen; /* --listen-agents: where `await` hosts come to, or NULL */
    unsigned await;
    const char *token_file, *version;
    void (*say)(void *ctx, const char *text); /* progress, for people */
    void *ctx;
};
/* Fills the crew: with agent hosts, whose clocks are compared with ours; or, when opts name none,
 * with this machine. */
fail crew_gather(struct crew *crew, const struct crew_opts *opts, struct why *why) MUST_USE;

/* A new host, zeroed; NULL when there are too many. It lives as long as the process. */
struct crew_host *crew_add(struct crew *crew, const struct host_kind *kind, const char *name);
/* Slices the candidates; then each host prepares. why names the host. Keeps muster. */
fail crew_prepare(struct crew *crew, uint32_t candidates, const struct muster *muster,
                  struct why *why) MUST_USE;
fail crew_start(struct crew *crew, const struct plan *plan, struct why *why) MUST_USE;
/* Brings all hosts up to date and makes `total` their sum; `all`: histograms too. */
void crew_poll(struct crew *crew, struct board *total, bool all);
void crew_order(struct crew *crew); /* crew->orders, to all */
void crew_stop(struct crew *crew, struct board *total);
void crew_close(struct crew *crew); /* the hosts stay, for the verdict */

bool crew_is_dead(const struct crew *crew); /* no agent is left anywhere */
/* The first answer to a save sent after `since_us`, on any host; 0: none yet. */
int64_t crew_recovered_us(const struct crew *crew, int64_t since_us);
int64_t crew_agents_us(const struct crew *crew); /* CPU time of agents elsewhere */
/* The agents of this machine; NULL: all are elsewhere. */
const struct gang *crew_gang(const struct crew *crew);
const struct gang *local_gang(const struct crew_host *host);
void host_lose(struct crew_host *host, const char *format, ...) PRINTF(2, 3);
