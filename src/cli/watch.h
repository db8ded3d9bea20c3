/* watch.h - is the hall worse than before? The rules by which a deployment goes back by itself.
 *
 * Pure: the gateways' counters in, figures and a reason out. Before anything is replaced the
 * counters are compared over some seconds: that is "before". Then, once a second, the last three
 * seconds are held against it:
 *
 *   errors    more than one reply in 200 is a 5xx, and its share has doubled
 *   latency   p99 of a kind is over the spec's objective and a quarter over before, twice running
 *   silence   not a tenth of the replies that there were before
 *   deaf      /-/ready does not say yes three times running (probe.h)
 *   deaths    a process died twice, or the hall does not serve for five seconds
 *
 * Latency is the gateway's, from a complete request to the reply in the kernel's hands. It is not
 * judged in the first two seconds, in which what waited for the hall is answered. */
#pragma once

#include "net/gateway_stats.h"

#define WATCH_EACH_MS     1000 /* one comparison */
#define WATCH_BEFORE_MS   5000
#define WATCH_CALM        2   /* comparisons until latency counts */
#define WATCH_SPAN        3   /* seconds that are judged together */
#define WATCH_REPLIES_MIN 100 /* fewer say nothing about a p99 */

/* What is limited, in which class it travels, and which objective of the spec limits it. */
#define WATCH_KINDS(X) X(save, P0) X(start, P1) X(sign_in, P2) X(result, P4)
enum {
#define X(kind, class) WATCH_##kind,
    WATCH_KINDS(X)
#undef X
        WATCH_KIND_COUNT
};
extern const char *const watch_kinds[WATCH_KIND_COUNT];

struct watch_limits {
    int64_t p99_us[WATCH_KIND_COUNT]; /* 0: none */
};

struct watch_figures {
    int64_t ms;               /* over how long */
    uint64_t replies, errors; /* errors: 5xx, whoever made them */
    int64_t p99_us[WATCH_KIND_COUNT];
};

struct watch_counts {
    uint64_t replies, errors;
    uint64_t slots[WATCH_KIND_COUNT][GATEWAY_HIST_SLOTS];
};

/* What is not in the counters. */
struct watch_health {
    unsigned deaths; /* of processes, since the watch began */
    unsigned deaf;   /* failed probes running */
    int64_t down_ms; /* for so long the hall has not been serving; 0: it serves */
};

struct watch {
    struct watch_limits limits;
    struct watch_figures before, after;
    unsigned compared; /* since the watch began */
    unsigned slow;     /* comparisons running in which a latency was too long */
    struct watch_counts first, last[WATCH_SPAN + 1]; /* last[0]: the newest */
};

/* Begins to count `before`, and ends it. */
void watch_before(struct watch *watch, const struct gateway_stats *page);
void watch_before_ends(struct watch *watch, const struct gateway_stats *page, int64_t ms);
/* Begins to count `after`; then once a second: is it worse? True: `reason` says why. */
void watch_begin(struct watch *watch, const struct gateway_stats *page);
bool watch_is_worse(struct watch *watch, const struct gateway_stats *page,
                    const struct watch_health *health, char reason[static 200]);

/* As JSON's member `name`: {"seconds","replies_per_s","errors","latency_ms":{"save":{"p99"}}}. */
void watch_json(struct out *out, const char *name, const struct watch_figures *figures);
