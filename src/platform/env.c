/* env.c - see env.h: where each setting of an environment comes from. */
#include "platform/env.h"

#include "app/service.h"
#include "codec/yaml_out.h"
#include "platform/env_render.h"
#include "platform/spec_check.h"

#include <sodium.h>
#include <stdio.h>

#define PREFIX   (sizeof("environments.*.") - 1)
#define LIKE_MAX 8

/* --- the tree ----------------------------------------------------------------------------------
 */

static const struct yaml *below(const struct yaml *map, str path)
{
    const struct yaml *found = map;
    while (path.p && found && found->kind == YAML_MAP) {
        str key = str_cut(&path, '.');
        const struct yaml *member = found->first;
        while (member && !str_eq(member->key, key))
            member = member->next;
        found = member;
    }
    bool empty = found && found->kind == YAML_SCALAR && !found->text.p;
    return path.p || empty ? NULL : found;
}

static const struct yaml *environment(const struct spec *spec, str name)
{
    const struct yaml *map = yaml_member(spec->tree, "environments");
    const struct yaml *member = map && map->kind == YAML_MAP ? map->first : NULL;
    while (member && !str_eq(member->key, name))
        member = member->next;
    return member;
}

/* A node as text: words of a list with commas between. */
static str text_of(struct arena *arena, const struct yaml *node)
{
    struct out out = out_make(8 * KIB);
    if (node->kind == YAML_SCALAR)
        return node->text;
    for (const struct yaml *word = node->first; word; word = word->next) {
        out_str(&out, word->text);
        out_z(&out, word->next ? "," : "");
    }
    str text = arena_str(arena, out_view(&out));
    out_fini(&out);
    return text.p ? text : STR("");
}

/* --- one value ---------------------------------------------------------------------------------
 */

/* The environment itself, then whom it is like. */
static const struct yaml *set_where(const struct env *env, str path, bool own, enum env_from *from,
                                    str *of)
{
    const struct yaml *node = env->node;
    *from = ENV_SET;
    for (int i = 0; node && i < LIKE_MAX; i++, *from = ENV_LIKE) {
        const struct yaml *found = below(node, path);
        *of = node->key;
        if (found || own)
            return found;
        node = environment(env->spec, yaml_text(node, "like"));
    }
    return NULL;
}

static uint32_t hash_of(str name) /* FNV-1a: the same for ever, whatever str_hash does */
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (uint8_t)name.p[i]) * 16777619u;
    return hash;
}

static str zones_of(const struct env *env)
{
    str region = env_text(env, "region");
    struct out out = out_make(KIB);
    for (const struct spec_region *row = spec_regions; row->name; row++)
        for (str rest = str_z(row->zones); rest.p && str_eq(region, str_z(row->name));) {
            str letter = str_cut(&rest, ',');
            out_fmt(&out, "%s%.*s%.*s", out.n ? "," : "", STR_ARG(region), STR_ARG(letter));
        }
    str zones = arena_str(env->arena, out_view(&out));
    out_fini(&out);
    return zones;
}

static str computed(const struct env *env, str path)
{
    const struct spec *spec = env->spec;
    str like = yaml_text(env->node, "like");
    str domain = spec->domain.n ? spec->domain : STR("localhost");
    if (str_eq(path, STR("domain")))
        return env->exam || !env->cloud
                   ? domain
                   : arena_fmt(env->arena, "%.*s.%.*s", STR_ARG(env->name), STR_ARG(domain));
    if (str_eq(path, STR("after")))
        return like.n ? like : STR("build");
    if (str_eq(path, STR("runner")))
        return arena_fmt(env->arena, "%.*s-%.*s", STR_ARG(spec->hall), STR_ARG(env->name));
    if (str_eq(path, STR("network.cidr")))
        return arena_fmt(env->arena, "10.%u.0.0/16", 16 + hash_of(env->name) % 200);
    if (str_eq(path, STR("network.zones")))
        return zones_of(env);
    must(str_eq(path, STR("registry.repository")));
    return arena_fmt(env->arena, "%.*s/examhall", STR_ARG(spec->hall));
}

static struct env_value *add(struct env *env, const struct spec_row *row, str path)
{
    must(env->count < ENV_VALUES_MAX);
    struct env_value *value = &env->values[env->count++];
    const struct yaml *node = set_where(env, path, row->flags & SPEC_OWN, &value->from, &value->of);
    value->row = row;
    value->path = path;
    if (node) {
        value->text = text_of(env->arena, node);
        value->line = node->line;
        return value;
    }
    bool other = row->exam && strcmp(row->exam, row->value) != 0;
    value->from = other ? ENV_SIZE : row->value ? ENV_DEFAULT : ENV_ABSENT;
    value->text = str_z(env->exam && row->exam ? row->exam : row->value);
    if (row->flags & SPEC_COMPUTED) {
        value->from = ENV_COMPUTED;
        value->text = computed(env, path);
    }
    return value;
}

/* --- services ----------------------------------------------------------------------------------
 */

static str replicas_of(struct env *env, const struct yaml *node, const char *otherwise)
{
    str rest = str_z(otherwise), from = str_cut(&rest, '.'), to = str_from(rest, 1);
    int64_t least, most;
    if (node->kind == YAML_SCALAR)
        return arena_fmt(env->arena, "%.*s..%.*s", STR_ARG(node->text), STR_ARG(node->text));
    if (yaml_text(node, "from").p)
        from = yaml_text(node, "from");
    if (yaml_text(node, "to").p)
        to = yaml_text(node, "to");
    if (str_i64(from, &least) && str_i64(to, &most) && least > most) {
        if (yaml_text(node, "to").p) /* whichever is only a default gives way */
            from = to;
        else
            to = from;
    }
    return arena_fmt(env->arena, "%.*s..%.*s", STR_ARG(from), STR_ARG(to));
}

/* One key of a service: the environment's, those it is like, the hall's, the size's. */
static void add_of_service(struct env *env, const char *key, str service, const char *small,
                           const char *exam)
{
    char row_path[64];
    str path = arena_fmt(env->arena, "services.%.*s.%s", STR_ARG(service), key);
    snprintf(row_path, sizeof(row_path), "services.*.%s", key);
    struct env_value *value = add(env, spec_row(row_path), path);
    const struct yaml *node = set_where(env, path, false, &value->from, &value->of);
    const char *otherwise = env->exam ? exam : small;
    if (!node) {
        node = below(env->spec->tree, path);
        value->from = ENV_HALL;
    }
    if (!node) {
        value->from = strcmp(small, exam) == 0 ? ENV_DEFAULT : ENV_SIZE;
        value->text = str_z(otherwise);
        return;
    }
    value->line = node->line;
    value->text = strcmp(key, "replicas") == 0 ? replicas_of(env, node, otherwise) : node->text;
}

static const struct yaml *hall_setting(const struct env *env, const struct setting *setting)
{
    char path[160];
    str name = str_z(setting->name), rest = name, service = str_cut(&rest, '.');
    snprintf(path, sizeof(path), "services.%.*s.settings.%.*s", STR_ARG(service), STR_ARG(rest));
    const struct yaml *node = below(env->spec->tree, str_z(path));
    const struct yaml *full = yaml_member(env->spec->tree, "settings");
    return node ? node : yaml_member(full, setting->name);
}

static void add_setting(struct env *env, const struct setting *setting)
{
    struct spec_row *row = arena_new(env->arena, struct spec_row);
    str rest = str_z(setting->name), service = str_cut(&rest, '.');
    str path =
        arena_fmt(env->arena, "services.%.*s.settings.%.*s", STR_ARG(service), STR_ARG(rest));
    must(row && path.p);
    *row = (struct spec_row){ .path = "services.*.settings.*",
                              .type = SPEC_SETTING,
                              .help = setting->help };
    row->value = arena_fmt(env->arena, "%lld", (long long)setting->value).p;
    struct env_value *value = add(env, row, path);
    const struct yaml *node = value->from == ENV_DEFAULT ? hall_setting(env, setting) : NULL;
    if (node) {
        value->text = node->text;
        value->line = node->line;
        value->from = ENV_HALL;
    }
}

str env_service_name(unsigned i)
{
    unsigned count = 0;
    while (services[count])
        count++;
    if (i < 2)
        return i ? STR("hall") : STR("gateway");
    return i - 2 < count ? str_z(services[i - 2]->name) : STR_NONE;
}

static void add_services(struct env *env)
{
    str name;
    for (unsigned i = 0; (name = env_service_name(i)).p; i++) {
        const struct spec_service *row = spec_service(name);
        add_of_service(env, "replicas", name, row->small, row->exam);
        add_of_service(env, "memory", name, row->memory, row->memory);
        add_of_service(env, "cpu", name, row->cpu, row->cpu);
        add_of_service(env, "pool", name, row->pool, row->pool);
        for (size_t s = 0; i > 1 && s < services[i - 2]->settings.count; s++)
            add_setting(env, &services[i - 2]->settings.rows[s]);
    }
}

/* --- the whole ---------------------------------------------------------------------------------
 */

static void write_hash(struct env *env)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    struct out out = out_make(4 * MIB);
    yo_env_config(&(struct yaml_out){ .out = &out }, env);
    for (size_t i = 0; i < env->count; i++)
        out_fmt(&out, "%.*s=%.*s\n", STR_ARG(env->values[i].path), STR_ARG(env->values[i].text));
    must(!out.failed);
    crypto_hash_sha256(digest, (const uint8_t *)out.p, out.n);
    sodium_bin2hex(env->hash, sizeof(env->hash), digest, sizeof(digest));
    out_fini(&out);
}

void env_resolve(struct env *env, const struct spec *spec, const struct yaml *node,
                 struct arena *arena)
{
    const struct spec_rows *rows = &spec_environment_rows;
    *env = (struct env){ .spec = spec, .node = node, .arena = arena, .name = node->key };
    env->values = arena_many(arena, struct env_value, ENV_VALUES_MAX);
    must(env->values);
    for (size_t i = 0; i < rows->count; i++) {
        const struct spec_row *row = &rows->rows[i];
        if (row->type <= SPEC_NAMED)
            continue;
        str path = str_from(str_z(row->path), PREFIX);
        str text = add(env, row, path)->text;
        if (str_eq(path, STR("on"))) /* these two come first: others depend on them */
            env->cloud = str_eq(text, STR("aws"));
        if (str_eq(path, STR("size")))
            env->exam = str_eq(text, STR("exam"));
    }
    add_services(env);
}

fail env_open(struct env *env, const struct spec *spec, str name, struct arena *arena,
              struct why *why)
{
    const struct yaml *map = yaml_member(spec->tree, "environments");
    const struct yaml *node = environment(spec, name);
    struct out names = out_make(4 * KIB);
    if (node) {
        env_resolve(env, spec, node, arena);
        write_hash(env);
        return FAIL_NONE;
    }
    for (const struct yaml *e = map ? map->first : NULL; e; e = e->next)
        out_fmt(&names, "%s%.*s", names.n ? ", " : "", STR_ARG(e->key));
    fail f = fail_set(why, FAIL_MISSING, "there is no environment \"%.*s\"; %s%.*s", STR_ARG(name),
                      names.n ? "there are: " : "add one with: examhall env add NAME",
                      STR_ARG(out_view(&names)));
    out_fini(&names);
    return f;
}

/* --- asking ------------------------------------------------------------------------------------
 */

static const struct env_value *find(const struct env *env, str path)
{
    for (size_t i = 0; i < env->count; i++)
        if (str_eq(env->values[i].path, path))
            return &env->values[i];
    never("a setting that no row names");
}

const struct env_value *env_value(const struct env *env, const char *path)
{
    return find(env, str_z(path));
}

str env_text(const struct env *env, const char *path)
{
    return env_value(env, path)->text;
}

int64_t env_number(const struct env *env, const char *path)
{
    int64_t number;
    must(str_i64(env_text(env, path), &number));
    return number;
}

bool env_yes(const struct env *env, const char *path)
{
    return str_eq(env_text(env, path), STR("true"));
}

int64_t env_ms(const struct env *env, const char *path)
{
    int64_t ms;
    must(spec_ms(env_text(env, path), &ms));
    return ms;
}

str env_service_text(const struct env *env, str service, const char *key)
{
    char path[160];
    snprintf(path, sizeof(path), "services.%.*s.%s", STR_ARG(service), key);
    return env_text(env, path);
}

void env_replicas(const struct env *env, str service, int64_t *from, int64_t *to)
{
    str rest = env_service_text(env, service, "replicas"), first = str_cut(&rest, '.');
    must(str_i64(first, from) && str_i64(str_from(rest, 1), to));
}

bool env_runs(const struct env *env, str service)
{
    bool each = str_eq(env_text(env, "layout"), STR("each"));
    bool hall = str_eq(service, STR("hall"));
    return each ? !hall : hall || str_eq(service, STR("gateway"));
}

const char *env_origin(const struct env *env, const struct env_value *value, char *to, size_t n)
{
    switch (value->from) {
    case ENV_ABSENT:
        return "not set";
    case ENV_SET:
    case ENV_HALL:
        snprintf(to, n, "line %d", value->line);
        return to;
    case ENV_LIKE:
        snprintf(to, n, "like %.*s, line %d", STR_ARG(value->of), value->line);
        return to;
    case ENV_SIZE:
        return env->exam ? "size exam" : "size small";
    case ENV_COMPUTED:
        return "made from others";
    default:
        return "default";
    }
}
