/* plan_money.c - nodes, brokers, database, quotas and what it all costs; see plan.h. */
#include "platform/plan.h"

#include <stdio.h>
#include <stdlib.h>

#define USABLE_PERCENT 90  /* of a node: kubelet, daemons and the system have the rest */
#define CACHE_PERCENT  66  /* of a database's memory: DocumentDB keeps a third for itself */
#define RECORD_BYTES   100 /* of a save in the log, as bench/log has it */
#define COPIES         3   /* of each record: env_helm.c */
#define HOUR_MS        3600000LL

struct pool { /* of nodes for the hall */
    const char *name;
    const struct price_machine *machine;
    int64_t micros; /* of one node an hour, disk included */
    int64_t min, max, planned, specified;
    bool spot;
};

struct machines {
    const struct price_machine *system, *broker, *database;
    struct pool pools[2];
};

/* --- nodes --------------------------------------------------------------------------------------
 */

static int64_t zones_of(const struct plan *plan)
{
    int64_t zones = 0;
    for (str rest = env_text(plan->opts->env, "network.zones"); rest.p; zones++)
        str_cut(&rest, ',');
    return zones;
}

int64_t plan_nodes(const struct plan *plan, const char *pool, const struct price_machine *machine,
                   bool as_the_spec_says, const char **binding)
{
    double milli = 0, bytes = 0;
    for (unsigned i = 0; i < plan->service_count; i++) {
        const struct plan_service *service = &plan->services[i];
        double replicas = (double)(as_the_spec_says ? service->to : service->ready);
        if (!str_eq(service->pool, str_z(pool)))
            continue;
        milli += replicas * (double)service->milli;
        bytes += replicas * (double)service->bytes;
    }
    int64_t for_cpu = plan_ceil(milli, (double)machine->vcpu * 1000 * USABLE_PERCENT / 100);
    int64_t for_memory =
        plan_ceil(bytes, (double)machine->memory_gib * (double)GIB * USABLE_PERCENT / 100);
    int64_t zones = milli > 0 ? zones_of(plan) : 0;
    *binding = zones >= MAX(for_cpu, for_memory) ? "one in each zone"
               : for_cpu >= for_memory           ? "processors asked for"
                                                 : "memory asked for";
    return MAX(zones, MAX(for_cpu, for_memory));
}

static fail machine_of(const struct plan *plan, const char *path, enum price_list list,
                       const struct price_machine **machine, struct why *why)
{
    str first = env_text(plan->opts->env, path);
    return prices_machine(plan->opts->prices, list, str_cut(&first, ','), machine, why);
}

static fail pool_make(struct plan *plan, struct pool *pool, const char *name, struct why *why)
{
    const struct env *env = plan->opts->env;
    char path[80], disk[80], key[80];
    const char *binding;
    *pool = (struct pool){ .name = name };
    snprintf(path, sizeof(path), "cluster.node_pools.%s.instance_types", name);
    snprintf(disk, sizeof(disk), "cluster.node_pools.%s.disk_gib", name);
    fail f = machine_of(plan, path, PRICE_NODES, &pool->machine, why);
    if (f)
        return f;
    snprintf(key, sizeof(key), "cluster.node_pools.%s.capacity", name);
    pool->spot = str_eq(env_text(env, key), STR("spot"));
    pool->micros = pool->machine->micros_per_hour *
                       (pool->spot ? plan->opts->prices->spot_percent : 100) / 100 +
                   env_number(env, disk) * plan->opts->prices->node_disk / HOURS_A_MONTH;
    snprintf(key, sizeof(key), "cluster.node_pools.%s.min", name);
    pool->min = env_number(env, key);
    snprintf(key, sizeof(key), "cluster.node_pools.%s.max", name);
    pool->max = env_number(env, key);
    pool->specified = MAX(plan_nodes(plan, name, pool->machine, true, &binding), pool->min);
    pool->planned = MAX(plan_nodes(plan, name, pool->machine, false, &binding), pool->min);
    struct plan_line *line = plan_line(plan, arena_fmt(plan->arena, "nodes of the pool %s", name),
                                       key, pool->max, pool->planned);
    line->binding = binding;
    line->reason = arena_fmt(
        plan->arena,
        "what stands ready for a shift, on %.*s (%lld vCPU, %lld GiB) of which %d %% can be used; "
        "with the spec's replicas it would be %lld",
        STR_ARG(pool->machine->name), (long long)pool->machine->vcpu,
        (long long)pool->machine->memory_gib, USABLE_PERCENT, (long long)pool->specified);
    return FAIL_NONE;
}

/* --- the log and the store ----------------------------------------------------------------------
 */

static const struct plan_service *service_of(const struct plan *plan, str name)
{
    for (unsigned i = 0; i < plan->service_count; i++)
        if (str_eq(plan->services[i].name, name))
            return &plan->services[i];
    never("a service without a row");
}

/* Services apart share a log and a store; one hall has its own. */
static bool is_shared(const struct plan *plan)
{
    return str_eq(env_text(plan->opts->env, "layout"), STR("each"));
}

static int64_t brokers_of(const struct plan *plan)
{
    return zones_of(plan) * env_number(plan->opts->env, "events.brokers_per_zone");
}

static void plan_log(struct plan *plan, const struct price_machine *broker)
{
    const struct env *env = plan->opts->env;
    int64_t partitions = env_number(env, "events.partitions"), brokers = brokers_of(plan);
    int64_t ready = service_of(plan, STR("answers"))->ready;
    double saves = timetable_saves(plan->opts->timetable, plan->opts->habits);
    struct plan_line *line = plan_line(plan, STR("partitions of the answers"), "events.partitions",
                                       partitions, plan->opts->measured ? ready : PLAN_UNKNOWN);
    line->binding = "replicas of answers";
    line->reason = plan->opts->measured
                       ? arena_fmt(plan->arena, "each of %lld replicas of answers follows one",
                                   (long long)ready)
                       : STR("there is no capacity file");
    line = plan_line(plan, STR("partitions a broker holds, copies included"), NULL,
                     broker->partitions, plan_ceil((double)partitions * COPIES, (double)brokers));
    line->binding = "brokers";
    line->reason = arena_fmt(plan->arena,
                             "%lld x %d copies / %lld brokers; AWS advises at most %lld "
                             "on %.*s",
                             (long long)partitions, COPIES, (long long)brokers,
                             (long long)broker->partitions, STR_ARG(broker->name));
    line = plan_line(plan, STR("GiB of a broker's disk"), "events.storage_gib_max",
                     env_number(env, "events.storage_gib_max"),
                     plan_ceil(saves * RECORD_BYTES * COPIES / (double)brokers, (double)GIB));
    line->binding = "saves of all shifts";
    line->reason = arena_fmt(plan->arena, "%.0f saves x %d bytes x %d copies / %lld brokers", saves,
                             RECORD_BYTES, COPIES, (long long)brokers);
}

/* The smallest class whose cache holds every candidate; that a document is as large as what the
 * hall holds of a candidate in memory is the one thing here that nobody measured. */
static void plan_store(struct plan *plan, const struct price_machine *now)
{
    const struct prices *prices = plan->opts->prices;
    const struct measured *m = plan->opts->measured;
    const struct price_machine *best = NULL;
    double bytes = m ? (double)plan->opts->timetable->candidates * (double)m->hall_bytes : 0;
    for (size_t i = 0; i < prices->counts[PRICE_DATABASES] && m; i++) {
        const struct price_machine *machine = &prices->machines[PRICE_DATABASES][i];
        bool holds = (double)machine->memory_gib * (double)GIB * CACHE_PERCENT / 100 >= bytes;
        if (holds && (!best || machine->micros_per_hour < best->micros_per_hour))
            best = machine;
    }
    struct plan_line *line =
        plan_line(plan, STR("database class, GiB of memory"), "documents.class", now->memory_gib,
                  best ? best->memory_gib : PLAN_UNKNOWN);
    line->now_text = now->name;
    line->need_text = best ? best->name : STR_NONE;
    line->binding = "documents in its cache";
    line->reason =
        m ? arena_fmt(plan->arena,
                      "%lld candidates x %lld bytes (as the hall holds them: DocumentDB's "
                      "own size was not measured) in %d %% of its memory",
                      (long long)plan->opts->timetable->candidates, (long long)m->hall_bytes,
                      CACHE_PERCENT)
          : STR("there is no capacity file");
}

/* --- when ---------------------------------------------------------------------------------------
 */

struct window {
    instant from, to;
};

static int by_begin(const void *a, const void *b)
{
    const struct window *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* Hours in which capacity stands ready; windows that overlap count once. */
static int64_t hours_ready(const struct plan *plan)
{
    const struct timetable *t = plan->opts->timetable;
    int64_t ahead = env_ms(plan->opts->env, "schedule.ahead");
    int64_t after = env_ms(plan->opts->env, "schedule.after"), ms = 0;
    size_t n = 0;
    struct window *windows = calloc(t->shift_count + t->release_count + 1, sizeof(*windows));
    must(windows);
    for (unsigned i = 0; i < t->shift_count; i++)
        windows[n++] = (struct window){ t->shifts[i].opens - ahead, t->shifts[i].ends + after };
    for (unsigned i = 0; i < t->release_count; i++)
        windows[n++] = (struct window){ t->releases[i].at - ahead, t->releases[i].at + after };
    qsort(windows, n, sizeof(*windows), by_begin);
    instant until = 0;
    for (size_t i = 0; i < n; i++) {
        ms += MAX(windows[i].to - MAX(windows[i].from, until), 0);
        until = MAX(until, windows[i].to);
    }
    free(windows);
    return (ms + HOUR_MS - 1) / HOUR_MS;
}

/* --- money --------------------------------------------------------------------------------------
 */

struct till {
    struct plan *plan;
    int64_t percent; /* of the region */
};

/* `micros` of one, before the region; standing: all hours of a month. */
static void charge(const struct till *till, const char *what, int64_t count, int64_t micros,
                   bool standing, str reason)
{
    struct plan *plan = till->plan;
    int64_t hours = standing ? HOURS_A_MONTH : plan->shift_hours;
    int64_t each = micros * till->percent / 100;
    if (count <= 0)
        return;
    must(plan->money_count < PLAN_MONEY_MAX);
    struct plan_money *money = &plan->money[plan->money_count++];
    *money = (struct plan_money){ .what = arena_str(plan->arena, str_z(what)),
                                  .reason = reason,
                                  .micros_per_hour = count * each,
                                  .hours = hours,
                                  .micros = count * each * hours,
                                  .standing = standing };
    *(standing ? &plan->standing_micros : &plan->shift_micros) += money->micros;
}

static str times(const struct plan *plan, int64_t count, str name)
{
    return arena_fmt(plan->arena, "%lld x %.*s", (long long)count, STR_ARG(name));
}

static void charge_pool(const struct till *till, const struct pool *pool)
{
    char what[80];
    struct plan *plan = till->plan;
    str name = pool->machine->name;
    snprintf(what, sizeof(what), "pool %s, always", pool->name);
    charge(till, what, pool->min, pool->micros, true, times(plan, pool->min, name));
    snprintf(what, sizeof(what), "pool %s, for the shifts", pool->name);
    charge(till, what, pool->planned - pool->min, pool->micros, false,
           times(plan, pool->planned - pool->min, name));
    plan->spec_shift_micros +=
        (pool->specified - pool->min) * pool->micros * till->percent / 100 * plan->shift_hours;
}

static void charge_standing(const struct till *till, const struct machines *m)
{
    struct plan *plan = till->plan;
    const struct prices *prices = plan->opts->prices;
    const struct env *env = plan->opts->env;
    int64_t brokers = brokers_of(plan), gib = env_number(env, "events.storage_gib");
    int64_t nats = env_yes(env, "network.nat_per_zone") ? zones_of(plan) : 1;
    int64_t instances = env_number(env, "documents.instances");
    int64_t systems = env_number(env, "cluster.system_nodes.min");
    bool io = str_eq(env_text(env, "documents.storage_type"), STR("iopt1"));
    charge(till, "Kubernetes", 1, prices->cluster, true, STR("one EKS cluster"));
    charge(till, "system nodes", systems, m->system->micros_per_hour, true,
           times(plan, systems, m->system->name));
    const char *unused = is_shared(plan) ? "" : "; layout one does not use them yet";
    charge(till, "brokers", brokers, m->broker->micros_per_hour, true,
           arena_fmt(plan->arena, "%lld x %.*s%s", (long long)brokers, STR_ARG(m->broker->name),
                     unused));
    charge(till, "brokers' disks", brokers, gib * prices->broker_storage / HOURS_A_MONTH, true,
           arena_fmt(plan->arena, "%lld x %lld GiB", (long long)brokers, (long long)gib));
    charge(till, "database", instances,
           m->database->micros_per_hour * (io ? prices->io_optimized_percent : 100) / 100, true,
           arena_fmt(plan->arena, "%lld x %.*s%s", (long long)instances, STR_ARG(m->database->name),
                     unused));
    charge(till, "NAT gateways", nats, prices->nat_gateway, true,
           nats > 1 ? STR("one in each zone") : STR("one"));
    charge(till, "load balancer", 1, prices->load_balancer, true, STR("without what passes it"));
}

/* --- quotas -------------------------------------------------------------------------------------
 */

/* Codes and what a new account has, as AWS documents them; an account may have more already. */
static void quotas(struct plan *plan, const struct machines *m)
{
    const struct env *env = plan->opts->env;
    int64_t spot = 0;
    int64_t on_demand = env_number(env, "cluster.system_nodes.max") * m->system->vcpu;
    for (size_t i = 0; i < COUNT(m->pools); i++) /* and one more, while one is replaced */
        *(m->pools[i].spot ? &spot : &on_demand) +=
            (m->pools[i].planned + 1) * m->pools[i].machine->vcpu;
    const struct plan_quota rows[] = {
        { "L-1216C47A", "vCPUs of running on-demand standard instances", on_demand, 5 },
        { "L-34B43A08", "vCPUs of standard spot instances", spot, 5 },
        { "L-0263D0A3", "elastic addresses (NAT gateways)",
          env_yes(env, "network.nat_per_zone") ? zones_of(plan) : 1, 5 },
    };
    memcpy(plan->quotas, rows, sizeof(rows));
    plan->quota_count = COUNT(rows);
}

fail plan_nodes_and_money(struct plan *plan, struct why *why)
{
    struct machines m;
    struct till till = { .plan = plan };
    fail f =
        prices_region(plan->opts->prices, env_text(plan->opts->env, "region"), &till.percent, why);
    if (!f)
        f = machine_of(plan, "cluster.system_nodes.instance_types", PRICE_NODES, &m.system, why);
    if (!f)
        f = machine_of(plan, "events.broker_type", PRICE_BROKERS, &m.broker, why);
    if (!f)
        f = machine_of(plan, "documents.class", PRICE_DATABASES, &m.database, why);
    if (!f)
        f = pool_make(plan, &m.pools[0], "exam", why);
    if (!f)
        f = pool_make(plan, &m.pools[1], "batch", why);
    if (f)
        return f;
    plan->shift_hours = hours_ready(plan);
    if (is_shared(plan)) {
        plan_log(plan, m.broker);
        plan_store(plan, m.database);
    }
    charge_standing(&till, &m);
    for (size_t i = 0; i < COUNT(m.pools); i++)
        charge_pool(&till, &m.pools[i]);
    quotas(plan, &m);
    return FAIL_NONE;
}
