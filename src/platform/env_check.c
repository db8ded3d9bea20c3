/* env_check.c - what the schema's rows cannot say of environments: who is like whom, what one on
 * AWS needs, which numbers must not cross, and what two environments must not share. */
#include "platform/env.h"
#include "platform/env_render.h"
#include "platform/spec_check.h"

#define ENVIRONMENTS_MAX 64
#define LIKE_MAX         8

struct checking {
    const struct spec *spec;
    struct spec_mistakes *mistakes;
    const struct yaml *map;
};

static const struct yaml *named(const struct checking *c, str name)
{
    const struct yaml *member = c->map->first;
    while (member && !str_eq(member->key, name))
        member = member->next;
    return member;
}

static void no_such(const struct checking *c, const struct yaml *node, const char *key)
{
    const char *names[ENVIRONMENTS_MAX + 1] = { 0 };
    size_t n = 0;
    for (const struct yaml *e = c->map->first; e && n < ENVIRONMENTS_MAX; e = e->next)
        names[n++] = e->key.p;
    const char *near = str_nearest(node->text, names);
    spec_mistake(c->mistakes, node->line, "%s is \"%.*s\", but there is no such environment; %s %s",
                 key, STR_ARG(str_first(node->text, 60)), near ? "did you mean" : "the first is",
                 near ? near : names[0]);
}

/* Whether the chain of `like` from here ends. */
static bool check_like(const struct checking *c, const struct yaml *e)
{
    const struct yaml *at = e;
    for (int i = 0; i < LIKE_MAX; i++) {
        const struct yaml *like = yaml_member(at, "like");
        if (!like || like->kind != YAML_SCALAR || !like->text.n)
            return true;
        at = named(c, like->text);
        if (!at && i == 0)
            no_such(c, like, "like");
        if (!at)
            return false;
    }
    spec_mistake(c->mistakes, e->line,
                 "%.*s is like itself, in a circle of `like`; one of them must stand alone",
                 STR_ARG(str_first(e->key, 60)));
    return false;
}

static void check_machine(const struct checking *c, const struct env *env)
{
    for (size_t i = 0; i < env->count; i++) {
        const struct env_value *value = &env->values[i];
        if (value->from == ENV_SET && value->row->flags & SPEC_CLOUD)
            spec_mistake(c->mistakes, value->line,
                         "%.*s stands on a machine, where %.*s means nothing; leave it out, or "
                         "say `on: aws`",
                         STR_ARG(env->name), STR_ARG(value->path));
    }
}

static void must_have(const struct checking *c, const struct env *env, const char *key,
                      const char *example)
{
    if (!env_text(env, key).p)
        spec_mistake(c->mistakes, env->node->line,
                     "%.*s stands on AWS and needs %s, such as %s: %s", STR_ARG(env->name), key,
                     key, example);
}

/* Numbers of one environment of which the first must not be above the second. Whoever set one of
 * them is told; both from a table cannot be wrong (a test says so). */
static void check_order(const struct checking *c, const struct env *env)
{
    static const char *const pairs[][2] = {
        { "cluster.system_nodes.min", "cluster.system_nodes.max" },
        { "cluster.node_pools.exam.min", "cluster.node_pools.exam.max" },
        { "cluster.node_pools.batch.min", "cluster.node_pools.batch.max" },
        { "events.storage_gib", "events.storage_gib_max" },
        { "drain.delay", "drain.grace" },
    };
    for (size_t i = 0; i < COUNT(pairs); i++) {
        const struct env_value *low = env_value(env, pairs[i][0]);
        const struct env_value *high = env_value(env, pairs[i][1]);
        int64_t from, to;
        bool known = low->row->type == SPEC_DURATION
                         ? spec_ms(low->text, &from) && spec_ms(high->text, &to)
                         : str_i64(low->text, &from) && str_i64(high->text, &to);
        if (known && from > to)
            spec_mistake(c->mistakes, low->line ? low->line : high->line,
                         "%s is %.*s in %.*s, but %s is %.*s; it must not be above it", pairs[i][0],
                         STR_ARG(low->text), STR_ARG(env->name), pairs[i][1], STR_ARG(high->text));
    }
}

static void check_network(const struct checking *c, const struct env *env)
{
    const struct env_value *cidr = env_value(env, "network.cidr");
    const struct env_value *zones = env_value(env, "network.zones");
    str region = env_text(env, "region"), rest = cidr->text;
    uint64_t bits;
    str_cut(&rest, '/');
    if (cidr->from == ENV_SET && str_u64(rest, &bits) && (bits < 16 || bits > 20))
        spec_mistake(c->mistakes, cidr->line,
                     "network.cidr is %.*s, but must be from /16 to /20: pods and nodes of three "
                     "zones need that many addresses",
                     STR_ARG(cidr->text));
    for (rest = zones->text; zones->from == ENV_SET && rest.p;) {
        str zone = str_cut(&rest, ',');
        if (zone.n != region.n + 1 || !str_starts(zone, region))
            spec_mistake(c->mistakes, zones->line, "the zone %.*s is not in the region %.*s",
                         STR_ARG(str_first(zone, 40)), STR_ARG(region));
    }
}

/* Logs are kept for one of these numbers of days: any other one CloudWatch refuses. */
static void check_days(const struct checking *c, const struct env *env, const char *key)
{
    static const int64_t days[] = { 1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                    365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653 };
    const struct env_value *value = env_value(env, key);
    int64_t wanted;
    size_t i = 0;
    if (value->from != ENV_SET || !str_i64(value->text, &wanted))
        return;
    while (i < COUNT(days) - 1 && days[i] < wanted)
        i++;
    if (days[i] != wanted)
        spec_mistake(c->mistakes, value->line,
                     "%s is %lld, but CloudWatch keeps logs for certain numbers of days only; "
                     "write %lld",
                     key, (long long)wanted, (long long)days[i]);
}

/* Who has closed what cannot be opened again must not be able to lose it either. */
static void check_lock(const struct checking *c, const struct env *env)
{
    const struct env_value *mode = env_value(env, "blobs.archive_lock_mode");
    const struct env_value *kept = env_value(env, "blobs.deletion_protection");
    if (str_eq(mode->text, STR("COMPLIANCE")) && str_eq(kept->text, STR("false")))
        spec_mistake(c->mistakes, kept->line ? kept->line : mode->line,
                     "blobs.archive_lock_mode is COMPLIANCE in %.*s, which outlives any destroy; "
                     "blobs.deletion_protection must be true, or the mode GOVERNANCE",
                     STR_ARG(env->name));
}

static bool is_private(str cidr)
{
    static const struct spec_row row = {
        .choices = "^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)"
    };
    return spec_is(&row, SPEC_PATTERN, cidr);
}

static bool has_word(str list, str word)
{
    while (list.p)
        if (str_eq(str_cut(&list, ','), word))
            return true;
    return false;
}

/* What the modules of deploy/terraform refuse, or the chart would miss: said before anything is
 * applied. The ranges of single numbers are in spec_sizes.c. */
static void check_modules(const struct checking *c, const struct env *env)
{
    static const char *const secrets[] = { "keys", "tls", "connections" };
    const struct env_value *cidr = env_value(env, "network.cidr");
    const struct env_value *names = env_value(env, "secrets.names");
    const struct env_value *callers = env_value(env, "cluster.public_access_cidrs");
    if (cidr->from == ENV_SET && !is_private(cidr->text))
        spec_mistake(c->mistakes, cidr->line,
                     "network.cidr is %.*s, but must be private: in 10.0.0.0/8, 172.16.0.0/12 or "
                     "192.168.0.0/16",
                     STR_ARG(cidr->text));
    for (size_t i = 0; i < COUNT(secrets) && names->from == ENV_SET; i++)
        if (!has_word(names->text, str_z(secrets[i])))
            spec_mistake(c->mistakes, names->line,
                         "secrets.names lacks %s; keys, tls and connections are always needed",
                         secrets[i]);
    if (callers->from == ENV_SET && has_word(callers->text, STR("0.0.0.0/0")))
        spec_mistake(c->mistakes, callers->line,
                     "cluster.public_access_cidrs has 0.0.0.0/0, the whole Internet; name your "
                     "networks, or none");
    check_days(c, env, "network.flow_log_days");
    check_days(c, env, "observability.log_days");
    check_lock(c, env);
}

/* The machines that a forge rents out stand outside, and the API server is reached from inside. */
static void check_runner(const struct checking *c, const struct env *env)
{
    static const struct spec_row rented = { .choices = "^(ubuntu|windows|macos|saas)-" };
    const struct env_value *runner = env_value(env, "runner");
    if (spec_is(&rented, SPEC_PATTERN, runner->text) &&
        !env_text(env, "cluster.public_access_cidrs").n)
        spec_mistake(c->mistakes, runner->line,
                     "runner is %.*s, which stands outside, but the API server of %.*s is reached "
                     "from inside only; name a runner inside, or its "
                     "addresses: cluster: {public_access_cidrs: [203.0.113.7/32]}",
                     STR_ARG(runner->text), STR_ARG(env->name));
}

static void check_after(const struct checking *c, const struct env *env)
{
    const struct env_value *after = env_value(env, "after");
    if (after->from != ENV_SET || str_eq(after->text, STR("build")))
        return;
    struct yaml node = { .text = after->text, .line = after->line };
    if (!named(c, after->text))
        no_such(c, &node, "after");
    else if (str_eq(after->text, env->name))
        spec_mistake(c->mistakes, after->line,
                     "%.*s is delivered after itself; name another environment, or build",
                     STR_ARG(env->name));
}

/* Load balancers have the shortest names that AWS gives: 32 characters, HALL-ENVIRONMENT. */
static void check_names(const struct checking *c, const struct env *env)
{
    static const struct spec_row name = { .choices = "^[a-z][a-z0-9]*(-[a-z0-9]+)*$" };
    static const struct spec_row public = { .choices = "^([a-z0-9-]+\\.)+[a-z]{2,}$" };
    const struct env_value *domain = env_value(env, "domain");
    str hall = env->spec->hall;
    bool said =
        !spec_is(spec_row("hall"), SPEC_HALL, hall) || /* by the schema's check */
        (env->spec->domain.p && !spec_is(spec_row("domain"), SPEC_DOMAIN, env->spec->domain));
    if (said)
        return;
    if (!spec_is(&name, SPEC_PATTERN, hall))
        spec_mistake(c->mistakes, yaml_member(c->spec->tree, "hall")->line,
                     "hall is \"%.*s\", but resources on AWS are named by it: a letter, then a-z, "
                     "0-9 and single hyphens, such as nee-2027",
                     STR_ARG(str_first(hall, 60)));
    else if (hall.n + env->name.n > 31)
        spec_mistake(c->mistakes, env->node->line,
                     "%.*s-%.*s names resources on AWS and may have 32 characters, not %zu; choose "
                     "a shorter name",
                     STR_ARG(hall), STR_ARG(env->name), hall.n + env->name.n + 1);
    if (!spec_is(&name, SPEC_PATTERN, env->name))
        spec_mistake(c->mistakes, env->node->line,
                     "%.*s names resources on AWS: a letter, then a-z, 0-9 and single hyphens, "
                     "such as prod",
                     STR_ARG(str_first(env->name, 60)));
    if (!spec_is(&public, SPEC_PATTERN, domain->text) || str_ends(domain->text, STR("localhost")))
        spec_mistake(c->mistakes, domain->line ? domain->line : env->node->line,
                     "the domain of %.*s is %.*s, but candidates must find it; give the hall or "
                     "the environment one such as exam.example.org",
                     STR_ARG(env->name), STR_ARG(domain->text));
}

static void check_cloud(const struct checking *c, const struct env *env)
{
    must_have(c, env, "account", "\"111122223333\"");
    must_have(c, env, "region", "ap-south-1");
    check_order(c, env);
    check_network(c, env);
    check_modules(c, env);
    check_after(c, env);
    check_runner(c, env);
    check_names(c, env);
}

/* What names or addresses an environment may be there only once. */
static void check_shared(const struct checking *c, const struct env *a, const struct env *b)
{
    static const struct {
        const char *key, *remedy;
    } own[] = {
        { "domain", "domain: exam2.example.org" },
        { "network.cidr", "network: {cidr: 10.99.0.0/16}" },
    };
    for (size_t i = 0; i < COUNT(own); i++) {
        const struct env_value *value = env_value(b, own[i].key);
        if (str_eq(env_text(a, own[i].key), value->text))
            spec_mistake(c->mistakes, value->line ? value->line : b->node->line,
                         "%.*s and %.*s have the same %s, %.*s; give one of them another: %s",
                         STR_ARG(a->name), STR_ARG(b->name), own[i].key, STR_ARG(value->text),
                         own[i].remedy);
    }
}

/* `env diff` puts a placeholder where an environment's name stands; these words stand for something
 * else in what is rendered. */
static void check_name(const struct checking *c, const struct yaml *e)
{
    static const char *const words[] = { "exam",    "batch", "build", "deliver", "image",   "main",
                                         "hall",    "keys",  "tls",   "aws",     "machine", "kafka",
                                         "mongodb", "s3",    "keda",  "examhall" };
    bool taken = false;
    for (size_t i = 0; i < COUNT(words); i++)
        taken |= str_eq(e->key, str_z(words[i]));
    if (taken || spec_is_service(e->key))
        spec_mistake(c->mistakes, e->line,
                     "no environment can be called %.*s: the word means something else in what is "
                     "rendered; call it %.*s-1, or by its place",
                     STR_ARG(e->key), STR_ARG(e->key));
    if (!spec_is(spec_row("environments.*.like"), SPEC_NAME, e->key))
        spec_mistake(c->mistakes, e->line,
                     "the environment \"%.*s\" needs another name: 1 to 40 of a-z, 0-9 and -, "
                     "such as prod",
                     STR_ARG(str_first(e->key, 60)));
}

static void check_one(const struct checking *c, const struct env *env, const struct env *before,
                      unsigned count)
{
    if (!env->cloud) {
        check_machine(c, env);
        return;
    }
    check_cloud(c, env);
    for (unsigned i = 0; i < count; i++)
        if (before[i].cloud)
            check_shared(c, &before[i], env);
}

void spec_check_environments(const struct spec *spec, struct spec_mistakes *mistakes)
{
    struct checking c = { spec, mistakes, yaml_member(spec->tree, "environments") };
    struct env envs[ENVIRONMENTS_MAX];
    struct arena arena = arena_make(64 * MIB);
    unsigned count = 0;
    if (c.map && c.map->count > ENVIRONMENTS_MAX)
        spec_mistake(mistakes, c.map->line, "there are %u environments; at most %d", c.map->count,
                     ENVIRONMENTS_MAX);
    else
        for (const struct yaml *e = c.map ? c.map->first : NULL; e; e = e->next) {
            check_name(&c, e);
            if (e->kind != YAML_MAP || !check_like(&c, e))
                continue;
            env_resolve(&envs[count], spec, e, &arena);
            check_one(&c, &envs[count], envs, count);
            count++;
        }
    arena_fini(&arena);
}
