/* plan.c - replicas and memory; see plan.h. */
#include "platform/plan.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#define MEMORY_USED_PERCENT 80 /* of a limit; beyond it the kernel ends the process */
#define MEMORY_STEP_MIB     256
#define CPU_STEP_MILLI      250
#define MACHINE_PERCENT     60 /* of a machine's cores: as scaling.cpu_percent in a cluster */

struct plan_line *plan_line(struct plan *plan, str what, const char *path, int64_t now,
                            int64_t need)
{
    must(plan->line_count < PLAN_LINES_MAX);
    struct plan_line *line = &plan->lines[plan->line_count++];
    *line = (struct plan_line){ .what = what,
                                .path = path ? arena_str(plan->arena, str_z(path)) : STR_NONE,
                                .now = now,
                                .need = need,
                                .binding = "" };
    return line;
}

/* --- reasons ------------------------------------------------------------------------------------
 */

/* "10,000 save/s x 20.0 us + 7,500 submit/s x 21.0 us" */
static void write_terms(struct out *out, const double per_s[ASKED_KINDS],
                        const double ns[ASKED_KINDS])
{
    bool first = true;
    for (int kind = 0; kind < ASKED_KINDS; kind++) {
        if (per_s[kind] <= 0 || ns[kind] <= 0)
            continue;
        out_fmt(out, "%s%.0f %s/s x %.1f us", first ? "" : " + ", per_s[kind], asked_names[kind],
                ns[kind] / 1000);
        first = false;
    }
}

static str when(const struct plan *plan, instant at)
{
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(at / 1000);
    localtime_r(&seconds, &tm); /* the spec's zone: spec.c has set it */
    strftime(text, sizeof(text), "%-d %b %H:%M", &tm);
    return arena_str(plan->arena, str_z(text));
}

static str taken(const struct plan *plan, struct out *out)
{
    must(!out->failed);
    str text = arena_str(plan->arena, out_view(out));
    must(text.p);
    out_fini(out);
    return text;
}

/* --- one service --------------------------------------------------------------------------------
 */

static bool weights_of(const struct plan *plan, str service, double ns[ASKED_KINDS])
{
    const struct measured *measured = plan->opts->measured;
    bool gateway = str_eq(service, STR("gateway")), hall = str_eq(service, STR("hall"));
    bool any = gateway;
    for (int kind = 0; kind < ASKED_KINDS; kind++) {
        bool its = hall || str_eq(service, str_z(asked_services[kind]));
        any = any || its;
        ns[kind] = 0;
        if (measured && gateway)
            ns[kind] = (double)measured->cost[kind].gateway;
        if (measured && its)
            ns[kind] = (double)measured->cost[kind].hall;
    }
    return any;
}

int64_t plan_ceil(double a, double b)
{
    return (int64_t)ceil(a / b - 1e-9);
}

/* Connections that one gateway may hold; the sockets' memory counts within its limit. */
static int64_t gateways_for_memory(const struct plan *plan, const struct plan_service *service,
                                   struct out *out)
{
    const struct measured *m = plan->opts->measured;
    int64_t present = timetable_present(plan->opts->timetable);
    int64_t each = m->gateway_bytes + m->socket_bytes;
    double room = (double)service->bytes * MEMORY_USED_PERCENT / 100;
    int64_t need = plan_ceil((double)present * (double)each, room);
    out_fmt(out, "; %lld connections x %lld bytes / (%lld MiB x %d %%) = %lld", (long long)present,
            (long long)each, (long long)(service->bytes / (int64_t)MIB), MEMORY_USED_PERCENT,
            (long long)need);
    return need;
}

static void plan_replicas(struct plan *plan, struct plan_service *service,
                          const double ns[ASKED_KINDS])
{
    struct timetable_peak peak;
    struct out out = out_make(4 * KIB);
    int64_t percent = env_number(plan->opts->env, "scaling.cpu_percent"), memory = 0;
    timetable_peak(plan->opts->timetable, plan->opts->habits, ns, &peak);
    double cores = peak.sum / 1e9, each = (double)service->milli / 1000 * (double)percent / 100;
    int64_t busy = peak.sum > 0 ? plan_ceil(cores, each) : 0;
    if (peak.sum > 0) {
        out_fmt(&out, "%.*s: ", STR_ARG(when(plan, peak.at)));
        write_terms(&out, peak.per_s, ns);
        out_fmt(&out, " = %.2f cores / (%lldm x %lld %%) = %lld", cores, (long long)service->milli,
                (long long)percent, (long long)busy);
    } else
        out_z(&out, "candidates ask it for nothing at any time of this timetable");
    if (str_eq(service->name, STR("gateway")))
        memory = gateways_for_memory(plan, service, &out);
    out_fmt(&out, "; always %lld", (long long)service->from);
    service->need = MAX(service->from, MAX(busy, memory));
    service->ready = MAX(service->need, service->from + 1);
    struct plan_line *line = &plan->lines[plan->line_count - 1];
    line->need = service->need;
    line->binding = service->need == service->from ? "the least that always run"
                    : busy >= memory               ? "processor"
                                                   : "memory of connections";
    line->reason = taken(plan, &out);
}

/* Each replica folds the whole log (docs/adr/0012), so each holds all candidates. */
static void plan_memory(struct plan *plan, struct plan_service *service)
{
    const struct measured *m = plan->opts->measured;
    int64_t candidates = plan->opts->timetable->candidates;
    double need = (double)candidates * (double)m->hall_bytes * 100 / MEMORY_USED_PERCENT;
    char path[80];
    snprintf(path, sizeof(path), "services.%.*s.memory", STR_ARG(service->name));
    struct plan_line *line =
        plan_line(plan, arena_fmt(plan->arena, "MiB of a pod of %.*s", STR_ARG(service->name)),
                  path, service->bytes / (int64_t)MIB, plan_ceil(need, (double)MIB));
    if (line->need > line->now)
        line->need = (line->need + MEMORY_STEP_MIB - 1) / MEMORY_STEP_MIB * MEMORY_STEP_MIB;
    service->bytes = MAX(service->bytes, line->need * (int64_t)MIB);
    line->binding = "candidates held in memory";
    line->reason = arena_fmt(plan->arena, "%lld candidates x %lld bytes / %d %%; each folds all",
                             (long long)candidates, (long long)m->hall_bytes, MEMORY_USED_PERCENT);
}

/* There is one hall: it needs processors instead of replicas, and its loop is one thread. */
static void plan_hall(struct plan *plan, struct plan_service *service, const double ns[ASKED_KINDS])
{
    struct timetable_peak peak;
    struct out out = out_make(4 * KIB);
    int64_t percent = env_number(plan->opts->env, "scaling.cpu_percent");
    struct plan_line *cpu = &plan->lines[plan->line_count - 1];
    timetable_peak(plan->opts->timetable, plan->opts->habits, ns, &peak);
    int64_t milli = plan_ceil(peak.sum / 1e6, 1);
    cpu->need = plan_ceil((double)milli * 100 / (double)percent, CPU_STEP_MILLI) * CPU_STEP_MILLI;
    cpu->binding = "processor";
    out_fmt(&out, "%.*s: ", STR_ARG(when(plan, peak.at)));
    write_terms(&out, peak.per_s, ns);
    out_fmt(&out, " = %.2f cores / %lld %%", peak.sum / 1e9, (long long)percent);
    cpu->reason = taken(plan, &out);
    service->milli = MAX(service->milli, cpu->need);
    struct plan_line *loop =
        plan_line(plan, STR("thousandths of a core for the hall's loop"), NULL, 1000, milli);
    loop->binding = "one thread";
    loop->reason = STR("as above, at most: what was measured contains the threads of log and "
                       "signatures. Where it is more than one core: more shifts, a later bell for "
                       "some, or layout each");
}

static struct plan_service *service_add(struct plan *plan, str name)
{
    const struct env *env = plan->opts->env;
    must(plan->service_count < PLAN_SERVICES_MAX);
    struct plan_service *service = &plan->services[plan->service_count++];
    *service = (struct plan_service){ .name = name, .pool = env_service_text(env, name, "pool") };
    env_replicas(env, name, &service->from, &service->to);
    must(spec_milli(env_service_text(env, name, "cpu"), &service->milli) &&
         spec_bytes(env_service_text(env, name, "memory"), &service->bytes));
    service->need = service->ready = service->to;
    return service;
}

/* As the spec has it, until somebody reckons. */
static void service_line(struct plan *plan, const struct plan_service *service, bool hall)
{
    char path[80];
    snprintf(path, sizeof(path), "services.%.*s.%s", STR_ARG(service->name),
             hall ? "cpu" : "replicas");
    str what = hall ? STR("thousandths of a processor of the hall")
                    : arena_fmt(plan->arena, "replicas of %.*s", STR_ARG(service->name));
    int64_t now = hall ? service->milli : service->to;
    struct plan_line *line = plan_line(plan, what, path, now, now);
    if (!hall)
        line->now_text =
            arena_fmt(plan->arena, "%lld..%lld", (long long)service->from, (long long)service->to);
    line->given = true;
    line->binding = "the spec";
    line->reason = STR("candidates do not ask it: as the spec has it");
}

static void plan_service(struct plan *plan, str name)
{
    double ns[ASKED_KINDS];
    bool asked = weights_of(plan, name, ns), hall = str_eq(name, STR("hall"));
    struct plan_service *service = service_add(plan, name);
    service_line(plan, service, hall);
    struct plan_line *line = &plan->lines[plan->line_count - 1];
    if (!asked)
        return;
    line->given = false;
    if (!plan->opts->measured) {
        line->need = PLAN_UNKNOWN;
        line->binding = "not measured";
        line->reason = STR("there is no capacity file");
        return;
    }
    (hall ? plan_hall : plan_replicas)(plan, service, ns);
    if (!str_eq(name, STR("gateway")))
        plan_memory(plan, service);
}

/* --- one machine --------------------------------------------------------------------------------
 */

static void plan_machine(struct plan *plan)
{
    const struct measured *m = plan->opts->measured;
    int64_t present = timetable_present(plan->opts->timetable),
            all = plan->opts->timetable->candidates;
    int64_t each = m ? m->gateway_bytes + m->socket_bytes : 0;
    double bytes = m ? (double)present * (double)each + (double)all * (double)m->hall_bytes : 0;
    struct plan_line *cores = plan_line(plan, STR("cores"), NULL, PLAN_UNKNOWN, PLAN_UNKNOWN);
    struct plan_line *memory =
        plan_line(plan, STR("GiB of memory"), NULL, PLAN_UNKNOWN, PLAN_UNKNOWN);
    cores->reason = memory->reason = STR("there is no capacity file");
    if (!m)
        return;
    cores->need = MAX(plan_ceil(plan->cores, MACHINE_PERCENT / 100.0), 2);
    cores->binding = "processor";
    cores->reason = arena_fmt(plan->arena,
                              "%.2f cores at %.*s / %d %%; at least 2: the gateway and the hall's "
                              "thread",
                              plan->cores, STR_ARG(when(plan, plan->worst.at)), MACHINE_PERCENT);
    memory->need = plan_ceil(bytes * 100 / MEMORY_USED_PERCENT, (double)GIB) + 1;
    memory->binding = "connections and candidates";
    memory->reason =
        arena_fmt(plan->arena,
                  "(%lld connections x %lld bytes + %lld candidates x %lld bytes) / %d %% + 1 for "
                  "the system",
                  (long long)present, (long long)each, (long long)all, (long long)m->hall_bytes,
                  MEMORY_USED_PERCENT);
}

/* --- the whole ----------------------------------------------------------------------------------
 */

static void peaks_find(struct plan *plan)
{
    const struct measured *m = plan->opts->measured;
    double all[ASKED_KINDS] = { 0 };
    for (int kind = 0; kind < ASKED_KINDS; kind++) {
        double one[ASKED_KINDS] = { 0 };
        one[kind] = 1;
        timetable_peak(plan->opts->timetable, plan->opts->habits, one, &plan->peaks[kind]);
        all[kind] = m ? (double)(m->cost[kind].gateway + m->cost[kind].hall) : 1;
    }
    timetable_peak(plan->opts->timetable, plan->opts->habits, all, &plan->worst);
    plan->cores = m ? plan->worst.sum / 1e9 : 0;
}

static double tightness(const struct plan_line *line)
{
    bool reckoned = !line->given && line->need != PLAN_UNKNOWN && line->now > 0;
    return reckoned ? (double)line->need / (double)line->now : 0;
}

static void judge(struct plan *plan)
{
    for (unsigned i = 0; i < plan->line_count; i++) {
        const struct plan_line *line = &plan->lines[i];
        plan->lacking += tightness(line) > 1;
        plan->writable += tightness(line) > 1 && line->path.p;
        if (tightness(line) > (plan->tightest ? tightness(plan->tightest) : 0))
            plan->tightest = line;
    }
}

fail plan_make(struct plan *plan, const struct plan_opts *opts, struct arena *arena,
               struct why *why)
{
    str name;
    *plan = (struct plan){ .opts = opts, .arena = arena };
    fail f = FAIL_NONE;
    peaks_find(plan);
    if (!opts->env->cloud)
        plan_machine(plan);
    for (unsigned i = 0; opts->env->cloud && (name = env_service_name(i)).p; i++)
        if (env_runs(opts->env, name))
            plan_service(plan, name);
    if (opts->env->cloud)
        f = plan_nodes_and_money(plan, why);
    judge(plan);
    return f;
}
