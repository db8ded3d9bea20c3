/* sim_cluster.c - see sim_cluster.h. */
#include "platform/sim_cluster.h"

#include <math.h>
#include <stdio.h>

#define USABLE_PERCENT 90  /* of a node, as plan_money.c has it */
#define EMPTY_S        300 /* an empty node goes after so long */
#define METRIC_S       30  /* from ready until a whole period of usage is known */
#define NEAR           0.1 /* the autoscaler's tolerance holds for the schedule's metric too */

const char *const sim_pools[2] = { "exam", "batch" };

/* --- making it ----------------------------------------------------------------------------------
 */

static fail pool_make(struct sim_cluster *cluster, int which, struct why *why)
{
    const struct env *env = cluster->opts->env;
    const struct prices *prices = cluster->opts->prices;
    struct sim_pool *pool = &cluster->pools[which];
    char path[80];
    int64_t percent;
    snprintf(path, sizeof(path), "cluster.node_pools.%s.instance_types", sim_pools[which]);
    str types = env_text(env, path);
    fail f = prices_machine(prices, PRICE_NODES, str_cut(&types, ','), &pool->machine, why);
    if (!f)
        f = prices_region(prices, env_text(env, "region"), &percent, why);
    if (f)
        return f;
    snprintf(path, sizeof(path), "cluster.node_pools.%s.min", sim_pools[which]);
    pool->min = env_number(env, path);
    snprintf(path, sizeof(path), "cluster.node_pools.%s.max", sim_pools[which]);
    pool->max = MAX(env_number(env, path), pool->min);
    snprintf(path, sizeof(path), "cluster.node_pools.%s.capacity", sim_pools[which]);
    bool spot = str_eq(env_text(env, path), STR("spot"));
    pool->micros =
        pool->machine->micros_per_hour * (spot ? prices->spot_percent : 100) / 100 * percent / 100;
    return FAIL_NONE;
}

static void service_make(struct sim_cluster *cluster, str name)
{
    const struct env *env = cluster->opts->env;
    int64_t from, to;
    must(cluster->service_count < SIM_SERVICES_MAX);
    struct sim_service *service = &cluster->services[cluster->service_count++];
    env_replicas(env, name, &from, &to);
    service->name = name;
    service->from = (int32_t)from;
    service->to = (int32_t)MIN(to, (int64_t)SIM_PODS_MAX);
    service->pool = str_eq(env_service_text(env, name, "pool"), STR("batch"));
    service->hpa.behavior = cluster->opts->policy->behavior;
    must(spec_milli(env_service_text(env, name, "cpu"), &service->milli) &&
         spec_bytes(env_service_text(env, name, "memory"), &service->bytes));
}

static struct sim_node *node_new(struct sim_cluster *cluster, int pool, int64_t up_s)
{
    const struct price_machine *machine = cluster->pools[pool].machine;
    for (int i = 0; i < SIM_NODES_MAX; i++) {
        struct sim_node *node = &cluster->nodes[i];
        if (node->used)
            continue;
        cluster->pools[pool].count++;
        *node =
            (struct sim_node){ .pool = pool,
                               .used = true,
                               .up_s = up_s,
                               .empty_s = up_s,
                               .milli = machine->vcpu * 10 * USABLE_PERCENT,
                               .bytes = machine->memory_gib * (int64_t)GIB / 100 * USABLE_PERCENT };
        return node;
    }
    return NULL;
}

/* --- pods and nodes -----------------------------------------------------------------------------
 */

int32_t sim_ready(const struct sim_service *service, int64_t now_s)
{
    int32_t n = 0;
    for (int32_t i = 0; i < service->wanted; i++)
        n += service->pods[i].node >= 0 && service->pods[i].ready_s <= now_s;
    return n;
}

static void want(struct sim_cluster *cluster, struct sim_service *service, int32_t wanted,
                 int64_t now_s)
{
    wanted = MIN(wanted, (int32_t)SIM_PODS_MAX);
    for (int32_t i = service->wanted; i < wanted; i++)
        service->pods[i] = (struct sim_pod){ .node = -1 };
    for (int32_t i = service->wanted; i-- > wanted;) { /* the newest go first */
        if (service->pods[i].node < 0)
            continue;
        struct sim_node *node = &cluster->nodes[service->pods[i].node];
        node->milli += service->milli;
        node->bytes += service->bytes;
        if (node->milli == cluster->pools[node->pool].machine->vcpu * 10 * USABLE_PERCENT)
            node->empty_s = now_s;
    }
    service->wanted = wanted;
}

/* The node of the pool with most processor left that has room, up or being launched. */
static int32_t node_find(const struct sim_cluster *cluster, const struct sim_service *service)
{
    int32_t best = -1;
    for (int32_t i = 0; i < SIM_NODES_MAX; i++) {
        const struct sim_node *node = &cluster->nodes[i];
        if (node->used && node->pool == service->pool && node->milli >= service->milli &&
            node->bytes >= service->bytes && (best < 0 || node->milli > cluster->nodes[best].milli))
            best = i;
    }
    return best;
}

/* False: the pool is full. */
static bool pod_place(struct sim_cluster *cluster, struct sim_service *service, struct sim_pod *pod,
                      int64_t now_s, bool at_once)
{
    struct sim_pool *pool = &cluster->pools[service->pool];
    const struct sim_opts *opts = cluster->opts;
    int32_t i = node_find(cluster, service);
    if (i < 0 && pool->count < pool->max &&
        node_new(cluster, service->pool, at_once ? now_s : now_s + opts->node_start_s))
        i = node_find(cluster, service);
    if (i < 0)
        return false;
    struct sim_node *node = &cluster->nodes[i];
    node->milli -= service->milli;
    node->bytes -= service->bytes;
    node->empty_s = -1;
    pod->node = i;
    pod->ready_s = at_once ? now_s : MAX(now_s, node->up_s) + opts->pod_start_s;
    return true;
}

static void pods_place(struct sim_cluster *cluster, int64_t now_s, bool at_once)
{
    for (unsigned s = 0; s < cluster->service_count; s++) {
        struct sim_service *service = &cluster->services[s];
        bool room = true;
        for (int32_t i = 0; i < service->wanted; i++) {
            if (service->pods[i].node >= 0)
                continue;
            room = room && pod_place(cluster, service, &service->pods[i], now_s, at_once);
            cluster->unscheduled += !room;
        }
    }
}

void sim_schedule(struct sim_cluster *cluster, int64_t now_s)
{
    pods_place(cluster, now_s, false);
    for (int i = 0; i < SIM_NODES_MAX; i++) {
        struct sim_node *node = &cluster->nodes[i];
        struct sim_pool *pool = &cluster->pools[node->pool];
        if (!node->used || node->empty_s < 0 || now_s - node->empty_s < EMPTY_S ||
            pool->count <= pool->min)
            continue;
        node->used = false;
        pool->count--;
    }
}

/* --- autoscaling --------------------------------------------------------------------------------
 */

static struct hpa_pods pods_seen(const struct sim_service *service, int64_t now_s)
{
    struct hpa_pods seen = { .current = service->wanted, .usage = service->usage_before };
    for (int32_t i = 0; i < service->wanted; i++) {
        const struct sim_pod *pod = &service->pods[i];
        bool known = pod->node >= 0 && pod->ready_s + METRIC_S <= now_s;
        *(known ? &seen.counted : &seen.unready) += 1;
    }
    return seen;
}

/* KEDA's cron is a metric among others: the largest proposal counts, within the tolerance none. */
static int32_t with_schedule(const struct sim_service *service, int32_t proposal)
{
    double ratio = (double)service->to / MAX(service->wanted, 1);
    int32_t cron = fabs(ratio - 1) <= NEAR ? service->wanted : service->to;
    return MAX(proposal, cron);
}

void sim_autoscale(struct sim_cluster *cluster, int64_t now_s, bool scheduled)
{
    scheduled = scheduled && cluster->opts->policy->scheduled;
    for (unsigned s = 0; s < cluster->service_count; s++) {
        struct sim_service *service = &cluster->services[s];
        struct hpa_pods seen = pods_seen(service, now_s);
        int32_t proposal = hpa_proposal(&seen, cluster->target), from = service->from;
        if (scheduled && cluster->keda)
            proposal = with_schedule(service, proposal);
        else if (scheduled)
            from = service->to;
        if (!cluster->opts->policy->fixed && service->to > service->from)
            want(cluster, service,
                 hpa_sync(&service->hpa, now_s, service->wanted, proposal, from, service->to),
                 now_s);
        service->usage_before = service->usage;
    }
}

fail sim_cluster_make(struct sim_cluster *cluster, const struct sim_opts *opts, struct why *why)
{
    str name;
    *cluster =
        (struct sim_cluster){ .opts = opts,
                              .target = (double)env_number(opts->env, "scaling.cpu_percent") / 100,
                              .keda = str_eq(env_text(opts->env, "scaling.engine"), STR("keda")) };
    for (int pool = 0; pool < 2; pool++) {
        fail f = pool_make(cluster, pool, why);
        if (f)
            return f;
        for (int64_t i = 0; i < cluster->pools[pool].min; i++)
            node_new(cluster, pool, 0);
    }
    for (unsigned i = 0; (name = env_service_name(i)).p; i++) {
        if (!env_runs(opts->env, name))
            continue;
        service_make(cluster, name);
        struct sim_service *service = &cluster->services[cluster->service_count - 1];
        want(cluster, service, opts->policy->fixed ? service->to : service->from, 0);
    }
    pods_place(cluster, 0, true);
    return FAIL_NONE;
}
