/* hpa.c - see hpa.h. */
#include "platform/hpa.h"

#include <math.h>

#define TOLERANCE 0.1

const struct hpa_behavior hpa_behavior_default = {
    .up = { .policies = { { HPA_PERCENT, 100, 15 }, { HPA_PODS, 4, 15 } }, .count = 2 },
    .down = { .policies = { { HPA_PERCENT, 100, 15 } }, .count = 1, .stabilization_s = 300 },
};

/* --- the metric ---------------------------------------------------------------------------------
 */

static bool is_near(double ratio)
{
    return fabs(ratio - 1) <= TOLERANCE;
}

int32_t hpa_proposal(const struct hpa_pods *pods, double target)
{
    if (!pods->counted)
        return pods->current; /* no metric: nothing is decided */
    double ratio = pods->usage / target, sum = pods->usage * pods->counted;
    int32_t counted = pods->counted;
    bool grows = ratio > 1;
    if (!pods->missing && !(grows && pods->unready))
        return is_near(ratio) ? pods->current : (int32_t)ceil(ratio * counted - 1e-9);
    counted += pods->missing;
    if (grows)
        counted += pods->unready; /* these and the missing: idle */
    else
        sum += target * pods->missing;
    ratio = sum / counted / target;
    if (is_near(ratio) || (ratio > 1) != grows)
        return pods->current;
    int32_t proposal = (int32_t)ceil(ratio * counted - 1e-9);
    return grows ? MAX(proposal, pods->current) : MIN(proposal, pods->current);
}

/* --- history ------------------------------------------------------------------------------------
 */

static void note(struct hpa_note *notes, unsigned *count, int64_t now_s, int32_t n)
{
    notes[(*count)++ % HPA_HISTORY_MAX] = (struct hpa_note){ now_s, n };
}

/* The highest or lowest recommendation of the last `window_s` seconds, this one included. */
static int32_t extreme(const struct hpa *hpa, int64_t now_s, int32_t window_s, int32_t proposal,
                       bool highest)
{
    unsigned kept = MIN(hpa->recommended_count, (unsigned)HPA_HISTORY_MAX);
    int32_t best = proposal;
    for (unsigned i = 0; i < kept; i++) {
        const struct hpa_note *old = &hpa->recommended[i];
        if (old->at_s > now_s - window_s)
            best = highest ? MAX(best, old->n) : MIN(best, old->n);
    }
    return best;
}

/* How much replicas changed within the last `period_s` seconds. */
static int32_t change(const struct hpa *hpa, int64_t now_s, int32_t period_s)
{
    unsigned kept = MIN(hpa->changed_count, (unsigned)HPA_HISTORY_MAX);
    int32_t sum = 0;
    for (unsigned i = 0; i < kept; i++)
        sum += hpa->changed[i].at_s > now_s - period_s ? hpa->changed[i].n : 0;
    return sum;
}

/* --- behavior -----------------------------------------------------------------------------------
 */

/* How far one policy lets replicas go from where they were when its period began. Percent is
 * rounded so that it always lets at least one go. */
static int32_t reach(const struct hpa_policy *policy, int32_t start, bool up)
{
    double share = policy->value / 100.0;
    if (policy->type == HPA_PODS)
        return up ? start + policy->value : start - policy->value;
    return up ? (int32_t)ceil(start * (1 + share) - 1e-9)
              : (int32_t)floor(start * (1 - share) + 1e-9);
}

static int32_t limit(const struct hpa *hpa, int64_t now_s, int32_t current, bool up)
{
    const struct hpa_rules *rules = up ? &hpa->behavior->up : &hpa->behavior->down;
    bool farthest = rules->select == HPA_MAX;
    int32_t best = current;
    if (rules->select == HPA_DISABLED)
        return current;
    for (unsigned i = 0; i < rules->count; i++) {
        const struct hpa_policy *policy = &rules->policies[i];
        int32_t to = reach(policy, current - change(hpa, now_s, policy->period_s), up);
        best = !i ? to : farthest == up ? MAX(best, to) : MIN(best, to);
    }
    return up ? MAX(best, current) : MIN(best, current);
}

int32_t hpa_sync(struct hpa *hpa, int64_t now_s, int32_t current, int32_t proposal, int32_t min,
                 int32_t max)
{
    const struct hpa_behavior *behavior = hpa->behavior;
    int32_t lowest = extreme(hpa, now_s, behavior->up.stabilization_s, proposal, false);
    int32_t highest = extreme(hpa, now_s, behavior->down.stabilization_s, proposal, true);
    note(hpa->recommended, &hpa->recommended_count, now_s, proposal);
    int32_t desired = MIN(MAX(current, lowest), highest);
    if (desired > current)
        desired = MIN(desired, MIN(limit(hpa, now_s, current, true), max));
    else if (desired < current)
        desired = MAX(desired, MAX(limit(hpa, now_s, current, false), min));
    desired = MIN(MAX(desired, min), max);
    if (desired != current)
        note(hpa->changed, &hpa->changed_count, now_s, desired - current);
    return desired;
}
