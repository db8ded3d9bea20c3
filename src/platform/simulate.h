/* simulate.h - one exam day against a scaling policy, before the day: who waits, who is refused,
 * what the nodes cost.
 *
 * Or against the last day of a registration (timetable_registration), whose requests are taken to
 * cost what those of an exam do, since there is no such service to measure.
 *
 * A discrete simulation in steps of SIM_STEP_MS. Each candidate draws when it signs in, starts,
 * submits and asks for its result; saves are spread evenly over those who sit. Requests wait at the
 * gateway's replicas, then at the service's, first come first served; each replica has the
 * processor it asks for and no more. A request that waited longer than `patience_s` is given up and
 * not worked on (the gateway's window sees to that), and is asked again RETRY later; a candidate
 * has one save at a time. Replicas follow hpa.h every 15 s, from usage that is one period old, pods
 * that just became ready set aside; the schedule of env_helm.c lifts them (as KEDA's cron does, or
 * as a patched minimum). Pods go to the node of their pool with most room; without one a node is
 * launched, up to the pool's most; empty nodes go after five minutes.
 *
 * Requests of one step, kind and shift are one cohort, so time does not grow with the number of
 * saves. The same seed gives the same result, byte for byte. What it does not know: networks, the
 * disk, the log's brokers, uneven load between replicas, waits below a step. */
#pragma once

#include "platform/env.h"
#include "platform/hpa.h"
#include "platform/prices.h"
#include "platform/timetable.h"

enum {
    SIM_STEP_MS = 100,
    SIM_STEPS_A_SECOND = 1000 / SIM_STEP_MS,
    SIM_LIMIT_MS = 2000, /* of p99, where the spec has no objective for a kind */
    SIM_PATIENCE_MAX_S = 120,
    SIM_SAMPLE_S = 10,
    SIM_SHIFTS_MAX = 16,
    SIM_SERVICES_MAX = 32,
    SIM_NODES_MAX = 2000,
    SIM_SAMPLES_MAX = 2 * 86400 / SIM_SAMPLE_S
};

struct sim_policy {
    const char *name, *purpose;
    const struct hpa_behavior *behavior;
    bool scheduled; /* stands ready before each shift */
    bool fixed;     /* the most there may be, all day */
};
extern const struct sim_policy sim_policies[];
extern const size_t sim_policy_count;
const struct sim_policy *sim_policy_find(const char *name, struct why *why); /* NULL: why */

struct sim_opts { /* borrows all of it */
    const struct env *env;
    const struct measured *measured;
    const struct prices *prices;
    const struct timetable *timetable; /* of one day: timetable_day */
    const struct habits *habits;
    const struct sim_policy *policy;
    uint64_t seed;
    int64_t node_start_s, pod_start_s, patience_s;
};

struct sim_kind { /* of requests; asked = served + refused + waiting, always */
    uint64_t asked, served, refused, waiting;
    uint32_t worst;                                              /* steps */
    uint64_t waits[SIM_PATIENCE_MAX_S * SIM_STEPS_A_SECOND + 2]; /* served, by steps waited */
};

struct sim_sample { /* SIM_SAMPLE_S seconds */
    uint64_t asked[ASKED_KINDS], refused;
    uint64_t waiting;            /* at its end */
    uint32_t worst[ASKED_KINDS]; /* steps; of those served in it */
    uint64_t served[ASKED_KINDS];
    uint16_t ready[SIM_SERVICES_MAX], wanted[SIM_SERVICES_MAX]; /* replicas, at its end */
    uint16_t nodes[2]; /* by pool, launching ones included */
    uint64_t sitting;
};

struct sim_result {
    struct sim_kind kinds[ASKED_KINDS];
    instant begin;
    str names[SIM_SERVICES_MAX]; /* of services, as in the samples */
    unsigned service_count, sample_count;
    struct sim_sample *samples;              /* in the arena */
    int64_t node_seconds[2], node_micros[2]; /* by pool: exam, batch */
    uint16_t nodes_most[2];
    uint64_t unscheduled_pods; /* pod-seconds without room, because the pool is full */
    int64_t seconds;
};
extern const char *const sim_pools[2];

/* FAIL_MISSING: a price. FAIL_LIMIT: too many shifts in a day. */
fail simulate(struct sim_result *result, const struct sim_opts *opts, struct arena *arena,
              struct why *why) MUST_USE;
/* The wait that so many thousandths of a kind's served requests did not exceed, in milliseconds. */
int64_t sim_wait_ms(const struct sim_kind *kind, unsigned per_mille);
/* Nobody was refused, and each kind's p99 is within the spec's objective, or SIM_LIMIT_MS. */
bool sim_is_good(const struct sim_result *result, const struct objectives *objectives);

void sim_text(struct out *out, const struct sim_opts *opts, const struct sim_result *result);
/* Without the line's end: several are a list. */
void sim_json(struct out *out, const struct sim_opts *opts, const struct sim_result *result);
/* One line each, to compare policies. */
void sim_sweep_head(struct out *out);
void sim_sweep_line(struct out *out, const struct sim_opts *opts, const struct sim_result *result);
void sim_page(struct out *out, const struct sim_opts *opts, const struct sim_result *result);
