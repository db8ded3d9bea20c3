/* plan_spec.c - puts a plan into the spec's text and leaves every other byte alone; see plan.h.
 *
 * Each key that the plan sets is one line, or one part of the environment's own line. What is there
 * already is replaced only where it stands on one line. The result is read again: if anything but
 * what was planned came out another way, nothing is written and people are told what to write. */
#include "platform/plan.h"

#include "codec/yaml.h"

#include <stdio.h>

enum { KEYS_MAX = 4 };

struct key { /* of the environment: "services", and what it becomes */
    const char *name;
    str text;
};

/* --- what is written ----------------------------------------------------------------------------
 */

static const struct plan_line *lacking_line(const struct plan *plan, const char *path)
{
    for (unsigned i = 0; i < plan->line_count; i++)
        if (plan->lines[i].path.p && str_eq(plan->lines[i].path, str_z(path)) &&
            plan->lines[i].need > plan->lines[i].now)
            return &plan->lines[i];
    return NULL;
}

/* What is lacking is written; and what the environment has for itself, as `services` is new. */
static bool is_written(const struct plan *plan, const struct plan_service *service, const char *key)
{
    char path[80];
    snprintf(path, sizeof(path), "services.%.*s.%s", STR_ARG(service->name), key);
    return lacking_line(plan, path) || env_value(plan->opts->env, path)->from == ENV_SET;
}

/* ", cpu: 4, memory: 768Mi": with a comma before each. */
static void write_size(struct out *out, const struct plan *plan, const struct plan_service *service)
{
    if (is_written(plan, service, "cpu"))
        out_fmt(out, ", cpu: %lld%s",
                (long long)(service->milli % 1000 ? service->milli : service->milli / 1000),
                service->milli % 1000 ? "m" : "");
    if (is_written(plan, service, "memory"))
        out_fmt(out, ", memory: %lldMi", (long long)(service->bytes / (int64_t)MIB));
}

static void write_service(struct out *out, const struct plan *plan,
                          const struct plan_service *service)
{
    struct out inner = out_make(KIB);
    if (service->ready != service->to || is_written(plan, service, "replicas"))
        out_fmt(&inner, ", replicas: {from: %lld, to: %lld}", (long long)service->from,
                (long long)service->ready);
    write_size(&inner, plan, service);
    if (inner.n)
        out_fmt(out, "%s%.*s: {%.*s}", out->n ? ", " : "", STR_ARG(service->name),
                STR_ARG(str_from(out_view(&inner), 2)));
    out_fini(&inner);
}

/* All services, when one of them differs: what stood there before goes. */
static str services_text(const struct plan *plan)
{
    struct out out = out_make(16 * KIB);
    bool differs = false;
    for (unsigned i = 0; i < plan->service_count; i++) {
        const struct plan_service *service = &plan->services[i];
        int64_t milli, bytes;
        must(spec_milli(env_service_text(plan->opts->env, service->name, "cpu"), &milli) &&
             spec_bytes(env_service_text(plan->opts->env, service->name, "memory"), &bytes));
        differs = differs || service->ready != service->to || service->milli != milli ||
                  service->bytes != bytes;
        write_service(&out, plan, service);
    }
    str text = differs ? arena_fmt(plan->arena, "services: {%.*s}", (int)out.n, out.p) : STR_NONE;
    out_fini(&out);
    return text;
}

static unsigned keys_make(const struct plan *plan, struct key keys[KEYS_MAX])
{
    unsigned n = 0;
    str text = services_text(plan);
    const struct plan_line *nodes = lacking_line(plan, "cluster.node_pools.exam.max");
    const struct plan_line *partitions = lacking_line(plan, "events.partitions");
    const struct plan_line *database = lacking_line(plan, "documents.class");
    if (text.p)
        keys[n++] = (struct key){ "services", text };
    if (nodes)
        keys[n++] = (struct key){ "cluster", arena_fmt(plan->arena,
                                                       "cluster: {node_pools: {exam: {max: %lld}}}",
                                                       (long long)nodes->need) };
    if (partitions)
        keys[n++] = (struct key){ "events", arena_fmt(plan->arena, "events: {partitions: %lld}",
                                                      (long long)partitions->need) };
    if (database)
        keys[n++] = (struct key){ "documents", arena_fmt(plan->arena, "documents: {class: %.*s}",
                                                         STR_ARG(database->need_text)) };
    return n;
}

/* --- where --------------------------------------------------------------------------------------
 */

/* The bytes of line `line`, without its end. */
static str line_of(str text, int line)
{
    str rest = text, row = STR_NONE;
    for (int i = 0; i < line && rest.p; i++)
        row = str_cut(&rest, '\n');
    return row;
}

static int last_line(const struct yaml *node)
{
    int last = node->line;
    for (const struct yaml *child = node->first; child; child = child->next)
        last = MAX(last, last_line(child));
    return last;
}

/* The bracket that closes the one at `at`, in one line; -1 when it is not there. */
static ptrdiff_t closing(str row, size_t at)
{
    char quote = 0;
    int depth = 0;
    for (size_t i = at; i < row.n; i++) {
        char c = row.p[i];
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && --depth == 0)
            return (ptrdiff_t)i;
    }
    return -1;
}

/* Where "name: {...}" stands in a row: from the comma before it, if there is one. */
static bool part_of(str row, const char *name, size_t *from, size_t *to)
{
    char wanted[64];
    snprintf(wanted, sizeof(wanted), "%s: {", name);
    ptrdiff_t at = str_find_str(row, str_z(wanted));
    ptrdiff_t end = at < 0 ? -1 : closing(row, (size_t)at + strlen(wanted) - 1);
    if (end < 0)
        return false;
    *from = (size_t)at;
    *to = (size_t)end + 1;
    while (*from && row.p[*from - 1] == ' ')
        --*from;
    if (*from && row.p[*from - 1] == ',')
        --*from;
    else if (*to < row.n && row.p[*to] == ',')
        ++*to;
    return true;
}

/* prod: {like: nonprod} becomes prod: {like: nonprod, services: {...}}. */
static str edit_row(str row, const struct key *key, struct arena *arena)
{
    size_t from, to;
    if (part_of(row, key->name, &from, &to))
        row = arena_fmt(arena, "%.*s%.*s", (int)from, row.p, STR_ARG(str_from(row, to)));
    ptrdiff_t open = str_find(row, '{'), close = open < 0 ? -1 : closing(row, (size_t)open);
    if (close < 0)
        return STR_NONE;
    str inside = str_trim(str_of(row.p + open + 1, (size_t)(close - open - 1)));
    return arena_fmt(arena, "%.*s%s%.*s%.*s", (int)close, row.p, inside.n ? ", " : "",
                     STR_ARG(key->text), STR_ARG(str_from(row, (size_t)close)));
}

static str with_row(str text, int line, str row, struct arena *arena)
{
    str old = line_of(text, line);
    size_t at = (size_t)(old.p - text.p);
    return arena_fmt(arena, "%.*s%.*s%.*s", (int)at, text.p, STR_ARG(row),
                     STR_ARG(str_from(text, at + old.n)));
}

/* The text with one key more, or replaced; p NULL: it is not written so that this could do it. */
static str edit(str text, const struct yaml *node, const struct key *key, struct arena *arena)
{
    const struct yaml *own = yaml_member(node, key->name), *child = node->first;
    str row = line_of(text, node->line);
    if (!child || child->line == node->line) { /* all in one line */
        row = child && last_line(node) == node->line ? edit_row(row, key, arena) : STR_NONE;
        return row.p ? with_row(text, node->line, row, arena) : STR_NONE;
    }
    if (own && last_line(own) != own->line)
        return STR_NONE;
    str beside = line_of(text, child->line);
    int indent = 0;
    while ((size_t)indent < beside.n && beside.p[indent] == ' ')
        indent++;
    str mine = arena_fmt(arena, "%*s%.*s", indent, "", STR_ARG(key->text));
    if (own)
        return with_row(text, own->line, mine, arena);
    return with_row(text, child->line,
                    arena_fmt(arena, "%.*s\n%.*s", STR_ARG(mine), STR_ARG(beside)), arena);
}

/* --- the check ----------------------------------------------------------------------------------
 */

static bool is_planned(const struct plan *plan, str path)
{
    return lacking_line(plan, path.p) || str_eq(path, STR("cluster.node_pools.exam.max")) ||
           str_eq(path, STR("events.partitions")) || str_eq(path, STR("documents.class")) ||
           (str_starts(path, STR("services.")) && str_ends(path, STR(".replicas")));
}

/* All other settings are as they were, and the new plan finds nothing lacking of what it wrote. */
static bool is_as_planned(const struct plan *plan, str text)
{
    struct spec spec;
    struct env env;
    struct why why;
    const struct env *old = plan->opts->env;
    fail f = spec_parse(&spec, "the spec", text, plan->arena, &why);
    if (!f)
        f = env_open(&env, &spec, old->name, plan->arena, &why);
    for (size_t i = 0; i < old->count && !f; i++)
        if (env.values[i].text.n != old->values[i].text.n ||
            !str_eq(env.values[i].text, old->values[i].text))
            f = is_planned(plan, old->values[i].path) ? FAIL_NONE : FAIL_CONFLICT;
    for (unsigned i = 0; i < plan->service_count && !f; i++) {
        int64_t from, to;
        env_replicas(&env, plan->services[i].name, &from, &to);
        if (from != plan->services[i].from || to != plan->services[i].ready)
            f = FAIL_CONFLICT;
    }
    return !f;
}

static fail by_hand(const struct plan *plan, const struct key keys[], unsigned n, struct why *why)
{
    char text[400];
    size_t used = 0;
    for (unsigned i = 0; i < n && used < sizeof(text) - 1; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s", i ? ", " : "",
                                 STR_ARG(keys[i].text));
    return fail_set(
        why, FAIL_CONFLICT,
        "line %d: the environment %.*s has settings of its own that this would undo, so "
        "nothing is written; write there: %s",
        plan->opts->env->node->line, STR_ARG(plan->opts->env->name), text);
}

fail plan_into_spec(const struct plan *plan, str *result, struct why *why)
{
    struct key keys[KEYS_MAX];
    struct arena *arena = plan->arena;
    const struct env *env = plan->opts->env;
    if (!env->cloud || !plan->opts->measured)
        return fail_set(why, FAIL_CONFLICT, "there is nothing to write: %s",
                        env->cloud ? "without a capacity file no replicas are planned"
                                   : "an environment on a machine has no replicas");
    unsigned n = keys_make(plan, keys);
    *result = env->spec->text;
    for (unsigned i = 0; i < n; i++) {
        struct spec spec;
        struct env now;
        fail f = spec_parse(&spec, "the spec", *result, arena, why); /* lines have moved */
        if (!f)
            f = env_open(&now, &spec, env->name, arena, why);
        str text = f ? STR_NONE : edit(*result, now.node, &keys[i], arena);
        if (!text.p)
            return by_hand(plan, keys, n, why);
        *result = text;
    }
    return is_as_planned(plan, *result) ? FAIL_NONE : by_hand(plan, keys, n, why);
}
