/* env_terraform.c - an environment as variables of deploy/terraform's one root, and where its state
 * lies. Which variables there are is the schema's word: rows marked SPEC_VARIABLE, under their own
 * paths; here are only those that are no settings. */
#include "platform/env_render.h"

#include "codec/json_out.h"

#include <stdio.h>

/* --- settings ----------------------------------------------------------------------------------
 */

static void write_words(struct out *out, const char *name, str words)
{
    jo_open(out, name, '[');
    while (words.p && words.n)
        jo_str(out, NULL, str_cut(&words, ','));
    jo_close(out, ']');
}

static void write_value(struct out *out, const char *name, const struct env_value *value)
{
    if (value->row->type == SPEC_WORDS)
        write_words(out, name, value->text);
    else if (value->row->type == SPEC_NUMBER || value->row->type == SPEC_YES)
        jo_raw(out, name, value->text);
    else
        jo_str(out, name, value->text);
}

/* Leaves the mappings of `was` that `path` is not in, and enters those it is in:
 * "cluster.system_nodes.max" and then "cluster.version" closes one. */
static void enter(struct out *out, str was, str path)
{
    while (was.p && path.p && str_find(was, '.') >= 0 && str_find(path, '.') >= 0) {
        str left = was, right = path;
        if (!str_eq(str_cut(&left, '.'), str_cut(&right, '.')))
            break;
        was = left;
        path = right;
    }
    while (str_find(was, '.') >= 0) {
        str_cut(&was, '.');
        jo_close(out, '}');
    }
    while (str_find(path, '.') >= 0) {
        char name[64];
        str key = str_cut(&path, '.');
        snprintf(name, sizeof(name), "%.*s", STR_ARG(key));
        jo_open(out, name, '{');
    }
}

static void write_settings(struct out *out, const struct env *env)
{
    str was = STR("");
    for (size_t i = 0; i < env->count; i++) {
        const struct env_value *value = &env->values[i];
        char name[64];
        str key = value->path;
        if (!(value->row->flags & SPEC_VARIABLE))
            continue;
        enter(out, was, value->path);
        while (str_find(key, '.') >= 0)
            str_cut(&key, '.');
        snprintf(name, sizeof(name), "%.*s", STR_ARG(key));
        write_value(out, name, value);
        was = value->path;
    }
    enter(out, was, STR(""));
}

/* --- what is no setting ------------------------------------------------------------------------
 */

static void write_names(struct out *out, const struct env *env)
{
    static const char *const keys[] = { "region", "account", "domain" };
    jo_str(out, "name", env->spec->hall);
    jo_str(out, "environment", env->name);
    for (size_t i = 0; i < COUNT(keys); i++)
        jo_str(out, keys[i], env_text(env, keys[i]));
    jo_z(out, "spec_hash", env->hash);
    jo_open(out, "tags", '{');
    jo_str(out, "Project", env->spec->hall);
    jo_str(out, "Environment", env->name);
    jo_str(out, "Owner", env_text(env, "owner"));
    jo_str(out, "CostCenter", env_text(env, "cost_center"));
    jo_z(out, "ManagedBy", "examhall");
    jo_z(out, "SpecHash", env->hash);
    jo_z(out, "DataClass", "examination");
    jo_close(out, '}');
}

static void write_workloads(struct out *out)
{
    str name;
    jo_open(out, "workloads", '{');
    jo_z(out, "namespace", "examhall");
    jo_open(out, "service_accounts", '{');
    for (unsigned i = 0; (name = env_service_name(i)).p; i++) {
        const struct spec_service *service = spec_service(name);
        jo_open(out, name.p, '{');
        jo_z(out, "events", service->events);
        jo_z(out, "documents", service->documents);
        jo_z(out, "archive", service->archive);
        jo_close(out, '}');
    }
    jo_close(out, '}');
    jo_close(out, '}');
}

/* One member a line, so that a change of one is one line in a review; lists stay on theirs. */
static void write_pretty(struct out *out, str json)
{
    int depth = 0;
    bool text = false, list = false;
    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];
        bool opens = !text && c == '{', closes = !text && c == '}';
        if (c == '"' && (i == 0 || json.p[i - 1] != '\\')) /* our names have no backslashes */
            text = !text;
        list = text ? list : c == '[' || (list && c != ']');
        depth += opens - closes;
        if (closes)
            out_fmt(out, "\n%*s", 2 * depth, "");
        out_char(out, c);
        if (opens || (!text && !list && c == ','))
            out_fmt(out, "\n%*s", 2 * depth, "");
        else if (!text && (c == ':' || c == ','))
            out_char(out, ' ');
    }
    out_char(out, '\n');
}

void env_tfvars(const struct env *env, struct out *out)
{
    struct out json = out_make(MIB);
    jo_open(&json, NULL, '{');
    write_names(&json, env);
    write_settings(&json, env);
    write_workloads(&json);
    jo_close(&json, '}');
    write_pretty(out, out_view(&json));
    out_fini(&json);
}

void env_backend(const struct env *env, struct out *out)
{
    str hall = env->spec->hall, account = env_text(env, "account");
    out_fmt(out,
            "bucket       = \"%.*s-state-%.*s\"\n"
            "key          = \"%.*s/hall.tfstate\"\n"
            "region       = \"%.*s\"\n"
            "kms_key_id   = \"alias/%.*s-state\"\n"
            "encrypt      = true\n"
            "use_lockfile = true\n",
            STR_ARG(hall), STR_ARG(account), STR_ARG(env->name), STR_ARG(env_text(env, "region")),
            STR_ARG(hall));
}
