/* hpa_test.c - the autoscaler's decisions against the examples of the Kubernetes documentation,
 * "Horizontal Pod Autoscaling" (tasks/run-application/horizontal-pod-autoscale): algorithm details,
 * scaling policies, stabilization window, default behavior. */
#include "platform/hpa.h"
#include "tests/test.h"

static int32_t of(int32_t pods, double usage, double target)
{
    return hpa_proposal(&(struct hpa_pods){ .current = pods, .counted = pods, .usage = usage },
                        target);
}

TEST(hpa, the_ratio_of_usage_to_target_multiplies_replicas)
{
    /* "if the current metric value is 200m, and the desired value is 100m, the number of replicas
     * will be doubled"; "if the current value is instead 50m, you'll halve the number" */
    CHECK_EQ(of(4, 0.200, 0.100), 8);
    CHECK_EQ(of(4, 0.050, 0.100), 2);
    CHECK_EQ(of(3, 0.100, 0.060), 5);
}

TEST(hpa, within_a_tenth_of_the_target_nothing_changes)
{
    CHECK_EQ(of(10, 0.655, 0.60), 10);
    CHECK_EQ(of(10, 0.545, 0.60), 10);
    CHECK_EQ(of(10, 0.67, 0.60), 12);
    CHECK_EQ(of(10, 0.53, 0.60), 9);
}

TEST(hpa, pods_that_are_not_ready_yet_dampen_growth_and_not_shrinking)
{
    struct hpa_pods pods = { .current = 6, .counted = 3, .unready = 3, .usage = 1.2 };
    CHECK_EQ(hpa_proposal(&pods, 0.6), 6); /* 3.6 of 6 x 0.6: at the target with them idle */
    pods.usage = 1.8;
    CHECK_EQ(hpa_proposal(&pods, 0.6), 9);
    pods.usage = 0.3; /* shrinks by what the ready ones say */
    CHECK_EQ(hpa_proposal(&pods, 0.6), 2);
    pods.usage = 0.7; /* would reverse: they have room already */
    CHECK_EQ(hpa_proposal(&pods, 0.6), 6);
}

TEST(hpa, pods_without_a_metric_are_idle_when_growing_and_at_the_target_when_shrinking)
{
    struct hpa_pods pods = { .current = 4, .counted = 2, .missing = 2, .usage = 0.3 };
    CHECK_EQ(hpa_proposal(&pods, 0.6), 3); /* (0.3 + 0.3 + 0.6 + 0.6) / 0.6 */
    pods.usage = 1.8;
    CHECK_EQ(hpa_proposal(&pods, 0.6), 6);
    pods.counted = 0;
    CHECK_EQ(hpa_proposal(&pods, 0.6), 4);
}

TEST(hpa, the_larger_of_two_policies_limits_the_way_down)
{
    /* "if there are 80 replicas and the target has to be scaled down to 10 replicas then during the
     * first step 8 replicas will be reduced. In the next iteration when the number of replicas is
     * 72, 10% of the pods is 7.2 but the number is rounded up to 8." Below 40 it is 4 pods. */
    static const struct hpa_behavior behavior = {
        .up = { .policies = { { HPA_PERCENT, 100, 15 } }, .count = 1 },
        .down = { .policies = { { HPA_PODS, 4, 60 }, { HPA_PERCENT, 10, 60 } }, .count = 2 },
    };
    static const int32_t steps[] = { 72, 64, 57, 51, 45, 40, 36, 32, 28, 24, 20, 16, 12, 10, 10 };
    struct hpa hpa = { .behavior = &behavior };
    int32_t replicas = 80;
    for (size_t i = 0; i < COUNT(steps); i++) {
        replicas = hpa_sync(&hpa, (int64_t)i * 60, replicas, 10, 1, 100);
        CHECK_EQ(replicas, steps[i]);
        if (replicas > 10) /* within the same minute no more may go */
            CHECK_EQ(hpa_sync(&hpa, (int64_t)i * 60 + 30, replicas, 10, 1, 100), replicas);
    }
}

TEST(hpa, the_default_doubles_or_adds_four_each_period)
{
    static const int32_t steps[] = { 5, 10, 20, 40, 80, 100 };
    struct hpa hpa = { .behavior = &hpa_behavior_default };
    int32_t replicas = 1;
    for (size_t i = 0; i < COUNT(steps); i++) {
        replicas = hpa_sync(&hpa, (int64_t)i * 15, replicas, 1000, 1, 100);
        CHECK_EQ(replicas, steps[i]);
    }
}

TEST(hpa, the_default_shrinks_only_to_what_nobody_recommended_for_five_minutes)
{
    struct hpa hpa = { .behavior = &hpa_behavior_default };
    CHECK_EQ(hpa_sync(&hpa, 0, 10, 10, 1, 100), 10);
    for (int64_t s = 15; s < 300; s += 15)
        CHECK_EQ(hpa_sync(&hpa, s, 10, 3, 1, 100), 10);
    CHECK_EQ(hpa_sync(&hpa, 300, 10, 3, 1, 100), 3); /* the 10 is five minutes old */
}

TEST(hpa, a_window_for_growing_takes_its_lowest_recommendation)
{
    static const struct hpa_behavior behavior = {
        .up = { .policies = { { HPA_PERCENT, 900, 15 } }, .count = 1, .stabilization_s = 60 },
        .down = { .policies = { { HPA_PERCENT, 100, 15 } }, .count = 1 },
    };
    struct hpa hpa = { .behavior = &behavior };
    CHECK_EQ(hpa_sync(&hpa, 0, 2, 2, 1, 100), 2);
    CHECK_EQ(hpa_sync(&hpa, 15, 2, 12, 1, 100), 2);
    CHECK_EQ(hpa_sync(&hpa, 60, 2, 9, 1, 100), 9);
}

TEST(hpa, min_selects_the_smallest_change_and_disabled_none)
{
    struct hpa_behavior behavior = {
        .up = { .policies = { { HPA_PODS, 4, 15 }, { HPA_PERCENT, 100, 15 } },
                .count = 2,
                .select = HPA_MIN },
        .down = { .policies = { { HPA_PODS, 1, 15 } }, .count = 1, .select = HPA_DISABLED },
    };
    struct hpa hpa = { .behavior = &behavior };
    CHECK_EQ(hpa_sync(&hpa, 0, 20, 90, 1, 100), 24);
    CHECK_EQ(hpa_sync(&hpa, 15, 24, 2, 1, 100), 24);
}

TEST(hpa, bounds_hold_at_once_whatever_the_policies_say)
{
    static const struct hpa_behavior slow = {
        .up = { .policies = { { HPA_PODS, 1, 60 } }, .count = 1 },
        .down = { .policies = { { HPA_PODS, 1, 60 } }, .count = 1 },
    };
    struct hpa hpa = { .behavior = &slow };
    CHECK_EQ(hpa_sync(&hpa, 0, 3, 3, 20, 40), 20); /* a minimum that was patched upwards */
    CHECK_EQ(hpa_sync(&hpa, 15, 50, 50, 20, 40), 40);
}
