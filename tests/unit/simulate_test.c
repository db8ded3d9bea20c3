/* simulate_test.c - the simulated day: every request is accounted for, more never makes it worse,
 * the same seed gives the same bytes, and a queue is as long as arithmetic says. */
#include "codec/json.h"
#include "platform/plan.h"
#include "platform/simulate.h"
#include "tests/test.h"
#include "tests/unit/xml_check.h"

#include <stdio.h>
#include <stdlib.h>

static struct arena arena;
static struct why why;
static struct spec spec;
static struct env env;
static struct prices prices;
static struct timetable timetable;
static struct sim_result result;
static struct sim_opts opts;

static const struct measured measured = {
    .version = { "v", 1 },
    .cpu = { "<cpu> & \"co\"", 12 },
    .cores = 2,
    .cost = { { 1000000, 500000 },
              { 300000, 400000 },
              { 100000, 150000 },
              { 200000, 400000 },
              { 100000, 100000 } },
};

/* A short day: one shift of ten minutes, with so many replicas of each service that is asked. */
static void load(int from, int to, int64_t candidates, const char *policy)
{
    char text[2000];
    const char *asked[] = { "gateway", "identity", "delivery", "answers", "results" };
    int n = snprintf(text, sizeof(text),
                     "hall: h\ndomain: exam.example.org\ntime_zone: UTC\nexams:\n  - name: p\n"
                     "    shifts:\n      - {name: m, opens: 2027-01-22 08:50, starts: 09:00, "
                     "minutes: 10, candidates: %lld}\nservices:\n",
                     (long long)candidates);
    for (size_t i = 0; i < COUNT(asked); i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "  %s: {replicas: {from: %d, to: %d}}\n",
                      asked[i], from, to);
    snprintf(text + n, sizeof(text) - (size_t)n,
             "environments:\n  prod: {on: aws, account: \"111122223333\", region: ap-south-1, "
             "size: exam, layout: each, schedule: {ahead: 10m, after: 5m}}\n");
    arena = arena_make(64 * MIB);
    CHECK_OK(spec_parse(&spec, "hall.yaml", arena_str(&arena, str_z(text)), &arena, &why));
    CHECK_OK(env_open(&env, &spec, STR("prod"), &arena, &why));
    CHECK_OK(timetable_make(&timetable, &spec, &arena, &why));
    CHECK_OK(timetable_day(&timetable, NULL, &why));
    CHECK_OK(prices_parse(&prices, prices_packed(), 1795000000000LL, &arena, &why));
    opts = (struct sim_opts){ .env = &env,
                              .measured = &measured,
                              .prices = &prices,
                              .timetable = &timetable,
                              .habits = &habits_default,
                              .policy = sim_policy_find(policy, &why),
                              .seed = test_seed(),
                              .node_start_s = 60,
                              .pod_start_s = 10,
                              .patience_s = 30 };
    CHECK(opts.policy);
}

static uint64_t refused(void)
{
    uint64_t n = 0;
    for (int i = 0; i < ASKED_KINDS; i++)
        n += result.kinds[i].refused;
    return n;
}

TEST(simulate, every_request_is_served_refused_or_waiting)
{
    static const int64_t crowds[] = { 1, 1000, 20000, 60000, 200000 };
    for (size_t i = 0; i < COUNT(crowds); i++) {
        load(1, 3, crowds[i], "load");
        CHECK_OK(simulate(&result, &opts, &arena, &why));
        uint64_t waits = 0, sampled = 0;
        for (int kind = 0; kind < ASKED_KINDS; kind++) {
            const struct sim_kind *k = &result.kinds[kind];
            CHECK_EQ(k->asked, k->served + k->refused + k->waiting);
            for (size_t w = 0; w < COUNT(k->waits); w++)
                waits += k->waits[w];
            waits -= k->served;
            for (unsigned s = 0; s < result.sample_count; s++)
                sampled += result.samples[s].asked[kind];
            sampled -= k->asked;
        }
        CHECK_EQ(waits, 0);
        CHECK_EQ(sampled, 0);
        if (crowds[i] < 20000) { /* nobody is lost on the way */
            CHECK_EQ(refused(), 0);
            CHECK_EQ(result.kinds[ASKED_start].served, crowds[i]);
            CHECK_EQ(result.kinds[ASKED_submit].served, crowds[i]);
            CHECK_EQ(result.kinds[ASKED_result].served, 3 * crowds[i]);
        }
        arena_fini(&arena);
    }
}

TEST(simulate, more_replicas_never_make_waits_worse)
{
    static const int counts[] = { 1, 2, 3, 5, 8, 13, 20 };
    uint64_t refused_before = UINT64_MAX;
    int64_t waits_before[ASKED_KINDS], now;
    for (int kind = 0; kind < ASKED_KINDS; kind++)
        waits_before[kind] = INT64_MAX;
    for (size_t i = 0; i < COUNT(counts); i++) {
        load(counts[i], counts[i], 100000, "fixed");
        CHECK_OK(simulate(&result, &opts, &arena, &why));
        CHECK(refused() <= refused_before);
        refused_before = refused();
        for (int kind = 0; kind < ASKED_KINDS; kind++) {
            now = sim_wait_ms(&result.kinds[kind], 990);
            CHECK(now <= waits_before[kind]);
            waits_before[kind] = now;
        }
        arena_fini(&arena);
    }
    CHECK_EQ(refused_before, 0);
    CHECK(sim_is_good(&result, &spec.objectives));
}

TEST(simulate, a_queue_is_as_long_as_arithmetic_says)
{
    /* One replica of delivery has 0.5 cores: 1,250 starts of 400 us a second. 60,000 within 60 s
     * are 1,000/s and fit; 90,000 are 1,500/s, and the queue grows by 250 each second. */
    load(1, 1, 60000, "fixed");
    CHECK_OK(simulate(&result, &opts, &arena, &why));
    CHECK(sim_wait_ms(&result.kinds[ASKED_start], 990) <= SIM_STEP_MS);
    arena_fini(&arena);
    load(1, 1, 90000, "fixed");
    CHECK_OK(simulate(&result, &opts, &arena, &why));
    int64_t longest_ms = (int64_t)result.kinds[ASKED_start].worst * SIM_STEP_MS;
    CHECK(longest_ms > 10000 && longest_ms < 14000); /* 250/s x 60 s / 1,250/s = 12 s */
    CHECK_EQ(result.kinds[ASKED_start].refused, 0);
    arena_fini(&arena);
}

TEST(simulate, the_same_seed_gives_the_same_bytes_and_another_one_others)
{
    struct out pages[3] = { out_make(8 * MIB), out_make(8 * MIB), out_make(8 * MIB) };
    for (int i = 0; i < 3; i++) {
        load(1, 4, 30000, "schedule");
        opts.seed = i < 2 ? 7 : 8;
        CHECK_OK(simulate(&result, &opts, &arena, &why));
        sim_page(&pages[i], &opts, &result);
        sim_json(&pages[i], &opts, &result);
        arena_fini(&arena);
    }
    CHECK(str_eq(out_view(&pages[0]), out_view(&pages[1])));
    CHECK(!str_eq(out_view(&pages[0]), out_view(&pages[2])));
    for (int i = 0; i < 3; i++)
        out_fini(&pages[i]);
}

TEST(simulate, the_schedule_stands_ready_and_load_alone_comes_late)
{
    load(1, 6, 130000, "schedule");
    CHECK_OK(simulate(&result, &opts, &arena, &why));
    uint64_t with = result.kinds[ASKED_start].refused + result.kinds[ASKED_sign_in].refused;
    uint32_t longest = result.kinds[ASKED_start].worst;
    CHECK_EQ(with, 0);
    arena_fini(&arena);
    load(1, 6, 130000, "load");
    CHECK_OK(simulate(&result, &opts, &arena, &why));
    CHECK(result.kinds[ASKED_start].worst > longest + 50);
    arena_fini(&arena);
}

TEST(simulate, a_pool_that_is_full_leaves_pods_without_a_node)
{
    load(60, 60, 100, "fixed");
    CHECK_OK(simulate(&result, &opts, &arena, &why));
    CHECK_EQ(result.unscheduled_pods, 0);
    CHECK(result.nodes_most[0] > 10);
    str small = arena_fmt(&arena, "%.*s", STR_ARG(spec.text));
    ptrdiff_t at = str_find_str(small, STR("layout: each,"));
    CHECK(at > 0);
    str text = arena_fmt(&arena, "%.*scluster: {node_pools: {exam: {max: 4}}}, %.*s", (int)at,
                         small.p, STR_ARG(str_from(small, (size_t)at)));
    CHECK_OK(spec_parse(&spec, "hall.yaml", text, &arena, &why));
    CHECK_OK(env_open(&env, &spec, STR("prod"), &arena, &why));
    CHECK_OK(simulate(&result, &opts, &arena, &why));
    CHECK(result.unscheduled_pods > 0);
    CHECK_EQ(result.nodes_most[0], 4);
    arena_fini(&arena);
}

TEST(simulate, money_is_node_hours_times_their_price)
{
    load(1, 1, 10, "fixed");
    CHECK_OK(simulate(&result, &opts, &arena, &why));
    const struct price_machine *node;
    int64_t percent;
    CHECK_OK(prices_machine(&prices, PRICE_NODES, STR("c7i.2xlarge"), &node, &why));
    CHECK_OK(prices_region(&prices, STR("ap-south-1"), &percent, &why));
    CHECK_EQ(result.node_seconds[0], 3 * result.seconds);
    CHECK_EQ(result.node_micros[0],
             result.node_seconds[0] * (node->micros_per_hour * percent / 100) / 3600);
    arena_fini(&arena);
}

TEST(simulate, a_registration_comes_in_a_rush_at_the_deadline_and_replicas_follow_it)
{
    load(2, 20, 1, "load");
    timetable_registration(&timetable, 600000, &arena);
    CHECK_OK(simulate(&result, &opts, &arena, &why));
    uint64_t last_minutes = 0;
    uint16_t first = 0, most = 0;
    instant deadline = timetable.shifts[0].ends - REGISTRATION_FORM_S * 1000LL;
    for (unsigned i = 0; i < result.sample_count; i++) {
        const struct sim_sample *sample = &result.samples[i];
        instant at = result.begin + i * SIM_SAMPLE_S * 1000LL;
        if (at >= deadline - 600000 && at < deadline)
            last_minutes += sample->asked[ASKED_sign_in];
        first = at == timetable.shifts[0].opens ? sample->ready[0] : first;
        most = MAX(most, sample->ready[0]);
    }
    CHECK_EQ(refused(), 0);
    CHECK_EQ(result.kinds[ASKED_sign_in].served, 600000);
    CHECK_EQ(result.kinds[ASKED_submit].served, 600000);
    CHECK_EQ(result.kinds[ASKED_result].asked, 0);
    /* ln(660 / 60) / ln(86460 / 60) = 0.3297 of all */
    CHECK(last_minutes > 600000 * 0.325 && last_minutes < 600000 * 0.335);
    CHECK(first == 2 && most > 2);
    int64_t node_seconds = result.node_seconds[0];
    opts.policy = sim_policy_find("schedule", &why); /* knows no registration: the same */
    CHECK_OK(simulate(&result, &opts, &arena, &why));
    CHECK_EQ(result.node_seconds[0], node_seconds);
    arena_fini(&arena);
}

TEST(simulate, the_page_is_well_formed_and_the_json_is_json)
{
    struct json *root;
    struct out page = out_make(8 * MIB), data = out_make(MIB);
    load(1, 4, 30000, "default");
    CHECK_OK(simulate(&result, &opts, &arena, &why));
    sim_page(&page, &opts, &result);
    CHECK(!page.failed);
    const char *wrong = xml_check(out_view(&page));
    if (wrong)
        test_failed(__FILE__, __LINE__, "not well-formed: %s", wrong);
    CHECK_HAS(out_view(&page), STR("&lt;cpu&gt; &amp; &quot;co&quot;"));
    sim_json(&data, &opts, &result);
    CHECK_OK(json_parse(&root, out_view(&data), &arena, &why));
    out_fini(&page);
    out_fini(&data);
    arena_fini(&arena);
}
