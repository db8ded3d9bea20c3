/* simulate.c - the day itself: who asks when, the queues, and the loop over steps; see simulate.h.
 */
#include "platform/simulate.h"

#include "base/table.h"
#include "platform/sim_cluster.h"
#include "sys/chance.h"

#include <math.h>
#include <stdlib.h>

enum {
    STEPS_A_SECOND = SIM_STEPS_A_SECOND,
    AGAIN_S = 5, /* a request that was given up is asked again after so long */
    AGAIN_STEPS = AGAIN_S * STEPS_A_SECOND,
    LATE_S = 5,              /* from signing in after the bell to starting */
    QUEUE_COHORTS = 1 << 17, /* a ring: more than patience leaves in it, below */
    BEFORE_S = 900,          /* simulated before capacity stands ready */
    BEHIND_S = 1200,         /* and after the last request is due */
    RUSH_S = 60              /* before a deadline; nearer to it the rush grows no more */
};
#define STEP_NS     ((int64_t)SIM_STEP_MS * 1000000)
#define STEPS_A_DAY (86400 * STEPS_A_SECOND)

/* Of each step that is still waited for: every kind but results of every shift, and the results. */
_Static_assert((SIM_PATIENCE_MAX_S * STEPS_A_SECOND + 2) *
                       ((ASKED_KINDS - 1) * SIM_SHIFTS_MAX + 1) <=
                   QUEUE_COHORTS,
               "a queue can be longer than its ring");

/* As deploy/helm/examhall has it. */
static const struct hpa_behavior ours = {
    .up = { .policies = { { HPA_PERCENT, 200, 15 }, { HPA_PODS, 20, 15 } }, .count = 2 },
    .down = { .policies = { { HPA_PERCENT, 10, 60 } }, .count = 1, .stabilization_s = 600 },
};

const struct sim_policy sim_policies[] = {
    { "schedule", "stands ready for each shift, and follows the load besides", &ours, true, false },
    { "load", "follows the load by the same rules, without the timetable", &ours, false, false },
    { "default", "follows the load as Kubernetes does unless told otherwise", &hpa_behavior_default,
      false, false },
    { "fixed", "the most there may be, all day", &hpa_behavior_default, false, true },
};
const size_t sim_policy_count = COUNT(sim_policies);

/* Requests of one kind and group that were asked in the same step. */
struct cohort {
    uint32_t at, n;
    uint8_t kind, group;
};

struct queue {
    struct cohort *cohorts; /* a ring */
    uint32_t first, count;
    uint64_t requests;
    int64_t credit_ns, used_ns, had_ns; /* used and had: since the last period */
};

struct group {                  /* the candidates of one shift, or those who ask for results */
    uint32_t *due[ASKED_KINDS]; /* by step; of saves none: they follow from who sits */
    uint32_t again[ASKED_KINDS][AGAIN_STEPS];
    uint32_t bell, minutes_steps;
    uint64_t ready, sitting, saving; /* signed in before the bell; with a paper; with a save open */
    uint64_t save_carry;
};

struct sim {
    const struct sim_opts *opts;
    struct sim_result *result;
    struct sim_cluster *cluster;
    struct chance chance;
    struct group groups[SIM_SHIFTS_MAX + 1];
    unsigned group_count;
    struct queue queues[SIM_SERVICES_MAX];
    unsigned service_of[ASKED_KINDS];
    uint32_t steps, patience;
    struct sim_sample *sample;
};

const struct sim_policy *sim_policy_find(const char *name, struct why *why)
{
    for (size_t i = 0; i < COUNT(sim_policies); i++)
        if (strcmp(name, sim_policies[i].name) == 0)
            return &sim_policies[i];
    fail_ignore(
        fail_set(why, FAIL_USAGE,
                 "there is no policy \"%.40s\"; there are schedule, load, default and fixed", name),
        "NULL says it");
    return NULL;
}

/* --- who asks when ------------------------------------------------------------------------------
 */

static uint32_t step_of(const struct sim *sim, instant at)
{
    return (uint32_t)((at - sim->result->begin) / SIM_STEP_MS);
}

static uint32_t draw(struct sim *sim, int64_t seconds)
{
    return (uint32_t)chance_below(&sim->chance, (uint64_t)seconds * STEPS_A_SECOND);
}

static void due_add(struct sim *sim, struct group *group, enum asked kind, uint32_t step)
{
    group->due[kind][MIN(step, sim->steps - 1)]++;
}

static struct group *group_new(struct sim *sim)
{
    struct group *group = &sim->groups[sim->group_count++];
    for (int kind = 0; kind < ASKED_KINDS; kind++)
        group->due[kind] = table_new(sim->steps, sizeof(uint32_t));
    return group;
}

/* The average of two draws: a triangle over the time from opening to the bell. */
static void shift_add(struct sim *sim, const struct timetable_shift *shift)
{
    struct group *group = group_new(sim);
    uint32_t opens = step_of(sim, shift->opens);
    int64_t come_s = (shift->starts - shift->opens) / 1000;
    group->bell = step_of(sim, shift->starts);
    group->minutes_steps = (uint32_t)((shift->ends - shift->starts) / SIM_STEP_MS);
    for (int64_t i = 0; i < shift->candidates; i++)
        due_add(sim, group, ASKED_sign_in, opens + (draw(sim, come_s) + draw(sim, come_s)) / 2);
}

/* How people meet a deadline: inversely to the time that is left (Alfi, Parisi, Pietronero,
 * "Conference registration: how people react to a deadline", Nature Physics 3, 2007). */
static void registration_add(struct sim *sim, const struct timetable_shift *last_day)
{
    struct group *group = group_new(sim);
    uint32_t opens = step_of(sim, last_day->opens);
    double window_s = (double)(last_day->ends - last_day->opens) / 1000 - REGISTRATION_FORM_S;
    group->bell = opens;
    group->minutes_steps = REGISTRATION_FORM_S * STEPS_A_SECOND;
    for (int64_t i = 0; i < last_day->candidates; i++) {
        double left_s = RUSH_S * (pow(window_s / RUSH_S + 1, chance_unit(&sim->chance)) - 1);
        due_add(sim, group, ASKED_sign_in,
                opens + (uint32_t)((window_s - left_s) * STEPS_A_SECOND));
    }
}

static void releases_add(struct sim *sim)
{
    const struct timetable *t = sim->opts->timetable;
    const struct habits *habits = sim->opts->habits;
    struct group *group = group_new(sim);
    for (unsigned i = 0; i < t->release_count; i++)
        for (int64_t n = t->releases[i].candidates * habits->results_each; n > 0; n--)
            due_add(sim, group, ASKED_result,
                    step_of(sim, t->releases[i].at) + draw(sim, habits->result_within_s));
}

/* --- queues -------------------------------------------------------------------------------------
 */

static void push(struct queue *queue, const struct cohort *cohort)
{
    struct cohort *last = &queue->cohorts[(queue->first + queue->count - 1) % QUEUE_COHORTS];
    queue->requests += cohort->n;
    if (queue->count && last->at == cohort->at && last->kind == cohort->kind &&
        last->group == cohort->group) {
        last->n += cohort->n;
        return;
    }
    must(queue->count < QUEUE_COHORTS);
    queue->cohorts[(queue->first + queue->count++) % QUEUE_COHORTS] = *cohort;
}

static void take(struct queue *queue, struct cohort *cohort, uint32_t n)
{
    cohort->n -= n;
    queue->requests -= n;
    if (cohort->n)
        return;
    queue->first = (queue->first + 1) % QUEUE_COHORTS;
    queue->count--;
}

static void give_up(struct sim *sim, const struct cohort *cohort, uint32_t now)
{
    struct group *group = &sim->groups[cohort->group];
    sim->result->kinds[cohort->kind].refused += cohort->n;
    sim->sample->refused += cohort->n;
    group->again[cohort->kind][(now + AGAIN_STEPS - 1) % AGAIN_STEPS] += cohort->n;
}

static void ask(struct sim *sim, unsigned group, enum asked kind, uint32_t n, uint32_t now)
{
    if (!n)
        return;
    sim->result->kinds[kind].asked += n;
    sim->sample->asked[kind] += n;
    push(&sim->queues[0], &(struct cohort){ now, n, (uint8_t)kind, (uint8_t)group });
}

/* --- what a reply leads to ----------------------------------------------------------------------
 */

static void started(struct sim *sim, struct group *group, uint32_t n, uint32_t now)
{
    uint32_t ends = MAX(now, group->bell) + group->minutes_steps; /* everybody has the whole time */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t before = 1 + draw(sim, sim->opts->habits->submit_within_s);
        due_add(sim, group, ASKED_submit, MAX(ends - MIN(before, ends), now + 1));
    }
    group->sitting += n;
}

static void signed_in(struct sim *sim, struct group *group, uint32_t n, uint32_t now)
{
    if (now < group->bell)
        group->ready += n;
    else
        for (uint32_t i = 0; i < n; i++)
            due_add(sim, group, ASKED_start, now + 1 + draw(sim, LATE_S));
}

static void replied(struct sim *sim, const struct cohort *cohort, uint32_t n, uint32_t now)
{
    struct group *group = &sim->groups[cohort->group];
    struct sim_kind *kind = &sim->result->kinds[cohort->kind];
    uint32_t wait = now - cohort->at;
    kind->served += n;
    kind->waits[MIN(wait, (uint32_t)COUNT(kind->waits) - 1)] += n;
    kind->worst = MAX(kind->worst, wait);
    sim->sample->served[cohort->kind] += n;
    sim->sample->worst[cohort->kind] = MAX(sim->sample->worst[cohort->kind], wait);
    if (cohort->kind == ASKED_sign_in)
        signed_in(sim, group, n, now);
    else if (cohort->kind == ASKED_start)
        started(sim, group, n, now);
    else if (cohort->kind == ASKED_save)
        group->saving -= n;
}

/* --- one step -----------------------------------------------------------------------------------
 */

static void bell(struct sim *sim, struct group *group, uint32_t now)
{
    if (now != group->bell)
        return;
    for (uint64_t i = 0; i < group->ready; i++)
        due_add(sim, group, ASKED_start, now + draw(sim, sim->opts->habits->start_within_s));
}

/* Those who sit and have no save open save once in `save_every_s`: spread evenly, the rest carried.
 */
static uint32_t saves_due(struct sim *sim, struct group *group)
{
    uint64_t each = (uint64_t)sim->opts->habits->save_every_s * STEPS_A_SECOND;
    group->save_carry += group->sitting - MIN(group->saving, group->sitting);
    uint64_t n = group->save_carry / each;
    group->save_carry %= each;
    group->saving += n;
    return (uint32_t)n;
}

static void arrivals(struct sim *sim, uint32_t now)
{
    for (unsigned g = 0; g < sim->group_count; g++) {
        struct group *group = &sim->groups[g];
        bell(sim, group, now);
        uint32_t submits = group->due[ASKED_submit][now];
        group->sitting -= submits;
        ask(sim, g, ASKED_save, saves_due(sim, group), now);
        for (int kind = 0; kind < ASKED_KINDS; kind++) {
            uint32_t *again = &group->again[kind][now % AGAIN_STEPS];
            ask(sim, g, kind, group->due[kind][now] + *again, now);
            *again = 0;
        }
    }
}

static int64_t cost_of(const struct sim *sim, unsigned service, enum asked kind)
{
    const struct measured_cost *cost = &sim->opts->measured->cost[kind];
    return MAX(service ? cost->hall : cost->gateway, 1);
}

static void serve(struct sim *sim, unsigned s, int64_t capacity_ns, uint32_t now)
{
    struct queue *queue = &sim->queues[s];
    queue->had_ns += capacity_ns;
    queue->credit_ns += capacity_ns;
    while (queue->count) {
        struct cohort *head = &queue->cohorts[queue->first], cohort = *head;
        if (now - cohort.at > sim->patience) {
            take(queue, head, cohort.n);
            give_up(sim, &cohort, now);
            continue;
        }
        int64_t cost = cost_of(sim, s, cohort.kind);
        uint32_t n = (uint32_t)MIN((int64_t)cohort.n, queue->credit_ns / cost);
        if (!n)
            return; /* what is left of the step counts for the next */
        queue->credit_ns -= n * cost;
        queue->used_ns += n * cost;
        take(queue, head, n);
        cohort.n = n;
        if (s)
            replied(sim, &cohort, n, now);
        else
            push(&sim->queues[sim->service_of[cohort.kind]], &cohort);
    }
    queue->credit_ns = 0; /* idle time cannot be kept */
}

static void serve_all(struct sim *sim, uint32_t now)
{
    int64_t now_s = now / STEPS_A_SECOND;
    for (unsigned s = 0; s < sim->cluster->service_count; s++) {
        const struct sim_service *service = &sim->cluster->services[s];
        serve(sim, s, sim_ready(service, now_s) * service->milli * (STEP_NS / 1000), now);
    }
}

/* --- seconds, periods, samples ------------------------------------------------------------------
 */

static bool is_scheduled(const struct sim *sim, int64_t now_s)
{
    const struct timetable *t = sim->opts->timetable;
    int64_t ahead = env_ms(sim->opts->env, "schedule.ahead");
    int64_t after = env_ms(sim->opts->env, "schedule.after");
    instant now = sim->result->begin + now_s * 1000;
    if (t->registration) /* the spec has no date of it, so nothing stands ready */
        return false;
    for (unsigned i = 0; i < t->shift_count; i++)
        if (t->shifts[i].opens - ahead <= now && now < t->shifts[i].ends + after)
            return true;
    for (unsigned i = 0; i < t->release_count; i++)
        if (t->releases[i].announced && t->releases[i].at - ahead <= now &&
            now < t->releases[i].at + after)
            return true;
    return false;
}

static void period(struct sim *sim, int64_t now_s)
{
    for (unsigned s = 0; s < sim->cluster->service_count; s++) {
        struct queue *queue = &sim->queues[s];
        sim->cluster->services[s].usage =
            queue->had_ns ? (double)queue->used_ns / (double)queue->had_ns : 0;
        queue->used_ns = queue->had_ns = 0;
    }
    sim_autoscale(sim->cluster, now_s, is_scheduled(sim, now_s));
}

static void second(struct sim *sim, int64_t now_s)
{
    struct sim_result *result = sim->result;
    if (now_s % HPA_SYNC_S == 0)
        period(sim, now_s);
    sim_schedule(sim->cluster, now_s);
    for (int pool = 0; pool < 2; pool++) {
        uint16_t nodes = (uint16_t)sim->cluster->pools[pool].count;
        result->node_seconds[pool] += nodes;
        result->nodes_most[pool] = MAX(result->nodes_most[pool], nodes);
    }
}

static void sample_end(struct sim *sim, int64_t now_s)
{
    struct sim_sample *sample = sim->sample;
    for (unsigned g = 0; g < sim->group_count; g++)
        sample->sitting += sim->groups[g].sitting;
    for (unsigned s = 0; s < sim->cluster->service_count; s++) {
        sample->waiting += sim->queues[s].requests;
        sample->ready[s] = (uint16_t)sim_ready(&sim->cluster->services[s], now_s);
        sample->wanted[s] = (uint16_t)sim->cluster->services[s].wanted;
    }
    for (int pool = 0; pool < 2; pool++)
        sample->nodes[pool] = (uint16_t)sim->cluster->pools[pool].count;
}

static void run(struct sim *sim)
{
    struct sim_result *result = sim->result;
    for (uint32_t now = 0; now < sim->steps; now++) {
        int64_t now_s = now / STEPS_A_SECOND;
        if (now % (SIM_SAMPLE_S * STEPS_A_SECOND) == 0)
            sim->sample = &result->samples[result->sample_count++];
        if (now % STEPS_A_SECOND == 0)
            second(sim, now_s);
        arrivals(sim, now);
        serve_all(sim, now);
        if ((now + 1) % (SIM_SAMPLE_S * STEPS_A_SECOND) == 0)
            sample_end(sim, now_s);
    }
}

/* --- the whole ----------------------------------------------------------------------------------
 */

/* From before capacity stands ready until after the last request is due, in whole minutes. */
static fail span_find(struct sim *sim, struct why *why)
{
    const struct timetable *t = sim->opts->timetable;
    int64_t ahead = env_ms(sim->opts->env, "schedule.ahead");
    instant from = INT64_MAX, to = 0;
    for (unsigned i = 0; i < t->shift_count; i++) {
        from = MIN(from, t->shifts[i].opens);
        to = MAX(to, t->shifts[i].ends);
    }
    for (unsigned i = 0; i < t->release_count; i++) {
        from = MIN(from, t->releases[i].at);
        to = MAX(to, t->releases[i].at + sim->opts->habits->result_within_s * 1000);
    }
    if (t->shift_count > SIM_SHIFTS_MAX)
        return fail_set(why, FAIL_LIMIT, "a day has %u shifts; at most %d are simulated",
                        t->shift_count, SIM_SHIFTS_MAX);
    from = (from - ahead - BEFORE_S * 1000) / 60000 * 60000;
    to = (to + BEHIND_S * 1000 + 59999) / 60000 * 60000;
    if ((to - from) / SIM_STEP_MS > 2 * STEPS_A_DAY)
        return fail_set(why, FAIL_LIMIT, "the day is longer than two days; shorten its shifts");
    sim->result->begin = from;
    sim->result->seconds = (to - from) / 1000;
    sim->steps = (uint32_t)((to - from) / SIM_STEP_MS);
    return FAIL_NONE;
}

static void queues_make(struct sim *sim)
{
    struct sim_result *result = sim->result;
    result->service_count = sim->cluster->service_count;
    for (unsigned s = 0; s < result->service_count; s++) {
        result->names[s] = sim->cluster->services[s].name;
        sim->queues[s].cohorts = table_new(QUEUE_COHORTS, sizeof(struct cohort));
        for (int kind = 0; kind < ASKED_KINDS; kind++)
            if (str_eq(result->names[s], str_z(asked_services[kind])) ||
                str_eq(result->names[s], STR("hall")))
                sim->service_of[kind] = s;
    }
    for (int kind = 0; kind < ASKED_KINDS; kind++)
        must(sim->service_of[kind]);
}

static void finish(struct sim *sim)
{
    struct sim_result *result = sim->result;
    for (unsigned s = 0; s < result->service_count; s++) {
        const struct queue *queue = &sim->queues[s];
        for (uint32_t i = 0; i < queue->count; i++) {
            const struct cohort *cohort = &queue->cohorts[(queue->first + i) % QUEUE_COHORTS];
            result->kinds[cohort->kind].waiting += cohort->n;
        }
        table_free(queue->cohorts, QUEUE_COHORTS, sizeof(struct cohort));
    }
    for (unsigned g = 0; g < sim->group_count; g++)
        for (int kind = 0; kind < ASKED_KINDS; kind++)
            table_free(sim->groups[g].due[kind], sim->steps, sizeof(uint32_t));
    for (int pool = 0; pool < 2; pool++)
        result->node_micros[pool] =
            result->node_seconds[pool] * sim->cluster->pools[pool].micros / 3600;
    result->unscheduled_pods = sim->cluster->unscheduled;
    for (int kind = 0; kind < ASKED_KINDS; kind++) {
        const struct sim_kind *k = &result->kinds[kind];
        must(k->asked == k->served + k->refused + k->waiting);
    }
}

fail simulate(struct sim_result *result, const struct sim_opts *opts, struct arena *arena,
              struct why *why)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    struct sim_cluster *cluster = calloc(1, sizeof(*cluster));
    must(sim && cluster);
    *result = (struct sim_result){ 0 };
    sim->opts = opts;
    sim->result = result;
    sim->cluster = cluster;
    sim->patience = (uint32_t)opts->patience_s * STEPS_A_SECOND;
    chance_sim_init(&sim->chance, opts->seed);
    fail f = span_find(sim, why);
    if (!f)
        f = sim_cluster_make(cluster, opts, why);
    if (!f) {
        result->samples = arena_many(arena, struct sim_sample, SIM_SAMPLES_MAX);
        must(result->samples);
        queues_make(sim);
        for (unsigned i = 0; i < opts->timetable->shift_count; i++)
            (opts->timetable->registration ? registration_add
                                           : shift_add)(sim, &opts->timetable->shifts[i]);
        releases_add(sim);
        run(sim);
        finish(sim);
    }
    free(cluster);
    free(sim);
    return f;
}

int64_t sim_wait_ms(const struct sim_kind *kind, unsigned per_mille)
{
    uint64_t rank = (kind->served * per_mille + 999) / 1000, seen = 0;
    for (size_t i = 0; i < COUNT(kind->waits); i++) {
        seen += kind->waits[i];
        if (seen >= rank)
            return (int64_t)i * SIM_STEP_MS;
    }
    return 0;
}

static bool is_within(const struct sim_kind *kind, const struct limits *limits)
{
    int64_t limit_us = limits->p99_us ? limits->p99_us : SIM_LIMIT_MS * 1000LL;
    return !kind->refused && !kind->waiting && sim_wait_ms(kind, 990) * 1000 <= limit_us;
}

bool sim_is_good(const struct sim_result *result, const struct objectives *o)
{
    const struct limits *const limits[ASKED_KINDS] = {
#define X(name, service) &o->name,
        ASKED(X)
#undef X
    };
    bool good = true;
    for (int kind = 0; kind < ASKED_KINDS; kind++)
        good = good && is_within(&result->kinds[kind], limits[kind]);
    return good;
}
