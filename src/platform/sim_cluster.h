/* sim_cluster.h - the simulated cluster: services with their pods, pools with their nodes, and what
 * moves them; see simulate.h. Time is in seconds since the begin. */
#pragma once

#include "platform/simulate.h"

enum { SIM_PODS_MAX = 1000 };

struct sim_service {
    str name;
    int pool; /* of sim_pools */
    int32_t from, to, wanted;
    int64_t milli, bytes; /* what a pod asks for */
    struct sim_pod {
        int32_t node; /* -1: no room yet */
        int64_t ready_s;
    } pods[SIM_PODS_MAX]; /* oldest first; `wanted` of them */
    struct hpa hpa;
    double usage, usage_before; /* of its pods, as a share of what they ask for: last period, and
                                 * the one before, which is what the autoscaler sees */
};

struct sim_node {
    int pool;
    bool used;
    int64_t up_s, empty_s; /* empty_s: since when it has no pod; -1: it has */
    int64_t milli, bytes;  /* free */
};

struct sim_cluster {
    const struct sim_opts *opts;
    struct sim_service services[SIM_SERVICES_MAX];
    unsigned service_count;
    struct sim_node nodes[SIM_NODES_MAX];
    struct sim_pool {
        const struct price_machine *machine;
        int64_t min, max, micros; /* micros: of one node an hour, in this region */
        int64_t count;            /* launching ones included */
    } pools[2];
    double target;
    bool keda;
    uint64_t unscheduled;
};

fail sim_cluster_make(struct sim_cluster *cluster, const struct sim_opts *opts,
                      struct why *why) MUST_USE;
/* Pods that serve now. */
int32_t sim_ready(const struct sim_service *service, int64_t now_s);
/* Once a second: pods without a node get one, nodes are launched, empty ones go. */
void sim_schedule(struct sim_cluster *cluster, int64_t now_s);
/* Once each HPA_SYNC_S: `scheduled` says whether a window of the schedule holds. */
void sim_autoscale(struct sim_cluster *cluster, int64_t now_s, bool scheduled);
