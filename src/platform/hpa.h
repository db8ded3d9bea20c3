/* hpa.h - what Kubernetes' horizontal pod autoscaler (autoscaling/v2) decides, as pure functions.
 *
 * Written after the documentation ("Horizontal Pod Autoscaling", algorithm details and configurable
 * scaling behavior) and the order of steps of its controller: a proposal from the metric, held
 * against the recommendations of the stabilization window, then against what the policies allow
 * in their periods, then against min and max. Time is in seconds and comes in. */
#pragma once

#include "base/base.h"

enum { HPA_SYNC_S = 15, HPA_POLICIES_MAX = 4, HPA_HISTORY_MAX = 512 };

enum hpa_select { HPA_MAX, HPA_MIN, HPA_DISABLED }; /* which policy counts: selectPolicy */
enum hpa_type { HPA_PODS, HPA_PERCENT };

struct hpa_rules { /* behavior.scaleUp or .scaleDown */
    struct hpa_policy {
        enum hpa_type type;
        int32_t value, period_s;
    } policies[HPA_POLICIES_MAX];
    unsigned count;
    enum hpa_select select;
    int32_t stabilization_s;
};

struct hpa_behavior {
    struct hpa_rules up, down;
};
/* The documented defaults: up by the larger of 100 % and 4 pods in 15 s at once; down by 100 % in
 * 15 s, no lower than anything recommended within 300 s. */
extern const struct hpa_behavior hpa_behavior_default;

struct hpa {
    const struct hpa_behavior *behavior;
    struct hpa_note { /* recommendations, or changes of replicas */
        int64_t at_s;
        int32_t n;
    } recommended[HPA_HISTORY_MAX], changed[HPA_HISTORY_MAX];
    unsigned recommended_count, changed_count; /* ever; the newest are kept */
};

/* What is known of the pods of a target when the metric is asked for. */
struct hpa_pods {
    int32_t current; /* spec.replicas of the target */
    int32_t counted; /* pods whose metric counts */
    int32_t unready; /* pending, not yet ready, or no metric since they became ready */
    int32_t missing; /* ready, but without a metric */
    double usage;    /* of the counted ones on average, as a share of what they ask for */
};

/* The replicas that the metric asks for. `target` is a share as well (0.6); within 0.1 of it
 * nothing changes; pods that are not counted are taken to be idle when it would grow, and to be at
 * the target (missing ones) when it would shrink. */
int32_t hpa_proposal(const struct hpa_pods *pods, double target);
/* From the largest proposal to the new number of replicas; remembers both. Call once each sync. */
int32_t hpa_sync(struct hpa *hpa, int64_t now_s, int32_t current, int32_t proposal, int32_t min,
                 int32_t max);
