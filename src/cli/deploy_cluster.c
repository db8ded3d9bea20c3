/* deploy_cluster.c - what `examhall deploy ENV` does in the cluster: Helm deploys the image by its
 * digest, the rollout is watched to its end, and Helm goes back when it does not end well.
 *
 * Helm first runs the chart's check (templates/check.yaml): a pod that pulls the new image and
 * starts it once. An image that is not there or does not start fails there, before anything that
 * serves was touched. Read docs/adr/0019 first. */
#include "cli/deploy_cloud.h"
#include "codec/json.h"

#include <unistd.h>

#define RELEASE     "examhall"
#define NAMESPACE   "examhall" /* also in values.yaml and terraform.tfvars.json */
#define HISTORY_MAX 256        /* as many as helm shows */
#define OURS        "app.kubernetes.io/instance=" RELEASE

static const char *kubeconfig(const struct cloud *c)
{
    return c->opts->kubeconfig ? c->opts->kubeconfig : c->kubeconfig;
}

/* A file of our own names the cluster: what is current in the operator's stays out of it. */
bool cluster_access(struct cloud *c)
{
    str cluster = arena_fmt(&c->arena, "%.*s-%s", STR_ARG(c->spec.hall), c->opts->env);
    str region = env_text(&c->env, "region");
    struct why why;
    if (c->opts->kubeconfig)
        return true;
    if (c->opts->dry) {
        snprintf(c->folder, sizeof(c->folder), "FOLDER");
    } else if (temporary_folder(c->folder, "deploy", &why)) {
        snprintf(c->reason, sizeof(c->reason), "%s", why.text);
        return false;
    }
    snprintf(c->kubeconfig, sizeof(c->kubeconfig), "%s/kubeconfig", c->folder);
    return cloud_run(c, "access",
                     (const char *[]){ "aws", "eks", "update-kubeconfig", "--name", cluster.p,
                                       "--region", arena_str(&c->arena, region).p, "--kubeconfig",
                                       c->kubeconfig, NULL });
}

void cluster_leave(struct cloud *c)
{
    if (!c->kubeconfig[0] || c->opts->dry)
        return;
    unlink(c->kubeconfig);
    rmdir(c->folder);
}

/* --- what is there -----------------------------------------------------------------------------
 */

/* What a command of helm says in JSON; NULL: it failed. */
static struct json *ask(struct cloud *c, const char *const argv[])
{
    struct out out = out_make(4 * MIB);
    struct json *root = NULL;
    struct why why;
    bool good = steps_look(argv, &out) == 0 &&
                !json_parse(&root, arena_str(&c->arena, out_view(&out)), &c->arena, &why);
    out_fini(&out);
    return good ? root : NULL;
}

struct revision {
    int64_t number;
    int64_t origin; /* of a rollback: whose manifests it has; else its own number */
    bool deployed, superseded;
};

static int64_t origin_of(const struct revision *rows, size_t n, int64_t number)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].number == number)
            return rows[i].origin;
    return number;
}

/* Helm's history, oldest first. */
static size_t history(struct cloud *c, struct revision rows[HISTORY_MAX])
{
    const str rollback = STR("Rollback to ");
    const struct json *list =
        ask(c, (const char *[]){ "helm", "history", RELEASE, "--namespace", NAMESPACE, "--output",
                                 "json", "--kubeconfig", kubeconfig(c), NULL });
    size_t n = 0;
    for (const struct json *one = list ? list->first : NULL; one && n < HISTORY_MAX;
         one = one->next) {
        struct revision *row = &rows[n];
        struct why why;
        str status = STR_NONE, description = STR_NONE;
        int64_t origin;
        if (json_i64(one, "revision", false, 1, INT64_MAX, &row->number, &why) ||
            json_str(one, "status", false, &status, &why))
            continue;
        fail_ignore(json_str(one, "description", true, &description, &why), "none then");
        bool back = str_starts(description, rollback) &&
                    str_i64(str_from(description, rollback.n), &origin);
        row->origin = back ? origin_of(rows, n, origin) : row->number;
        row->deployed = str_eq(status, STR("deployed"));
        row->superseded = str_eq(status, STR("superseded"));
        n++;
    }
    return n;
}

/* What serves, and what served before it: older than what serves now, so that nobody is led to a
 * revision that was left because it was bad. 0: none. */
static int64_t serving(struct cloud *c, int64_t *before)
{
    struct revision rows[HISTORY_MAX], *now = NULL;
    size_t n = history(c, rows);
    for (size_t i = 0; i < n; i++)
        if (rows[i].deployed)
            now = &rows[i];
    *before = 0;
    for (size_t i = 0; now && i < n; i++)
        if (rows[i].superseded && rows[i].number < now->origin)
            *before = rows[i].number;
    return now ? now->number : 0;
}

/* Nobody asked Terraform: then the release stays in the target group that it is in. */
static void keep_target_group(struct cloud *c)
{
    struct why why;
    str revision = arena_fmt(&c->arena, "%lld", (long long)c->revision);
    const struct json *values =
        ask(c, (const char *[]){ "helm", "get", "values", RELEASE, "--revision", revision.p,
                                 "--namespace", NAMESPACE, "--output", "json", "--kubeconfig",
                                 kubeconfig(c), NULL });
    const struct json *edge = values ? json_get(values, STR("edge")) : NULL;
    if (edge)
        fail_ignore(json_str(edge, "targetGroupARN", false, &c->target_group, &why),
                    "it has none then");
}

/* Whoever may only deploy into the namespace, as the pipeline, is not asked to make it, nor allowed
 * to: Helm would fail for its being told to. */
static bool has_namespace(struct cloud *c)
{
    struct out out = out_make(64 * KIB);
    const char *const argv[] = { "kubectl",     "get",  "namespace",          NAMESPACE,
                                 "--output",    "name", "--ignore-not-found", "--kubeconfig",
                                 kubeconfig(c), NULL };
    bool known = steps_look(argv, &out) == 0;
    bool there = !known || out.n;
    out_fini(&out);
    return there;
}

void cluster_look(struct cloud *c)
{
    if (c->opts->dry)
        return;
    c->revision = serving(c, &c->before);
    c->first = !c->revision && !has_namespace(c);
    if (c->revision && !c->target_group.n)
        keep_target_group(c);
}

/* --- in and back -------------------------------------------------------------------------------
 */

static bool watch_rollout(struct cloud *c)
{
    str timeout = arena_fmt(&c->arena, "--timeout=%s", c->opts->timeout);
    return cloud_run(c, "rollout",
                     (const char *[]){ "kubectl", "rollout", "status", "deployment,statefulset",
                                       "--selector", OURS, "--namespace", NAMESPACE, timeout.p,
                                       "--kubeconfig", kubeconfig(c), NULL });
}

bool cluster_install(struct cloud *c)
{
    str values = arena_fmt(&c->arena, "environments/%.*s/values.yaml", STR_ARG(c->env.name));
    str digest = arena_fmt(&c->arena, "image.digest=sha256:%s", c->program.image.hex);
    str edge = arena_fmt(&c->arena, "edge.targetGroupARN=%.*s", STR_ARG(c->target_group));
    const char *argv[STEP_WORDS_MAX] = { "helm",
                                         "upgrade",
                                         "--install",
                                         RELEASE,
                                         cloud_below(c, "deploy/helm/examhall"),
                                         "--namespace",
                                         NAMESPACE,
                                         "--values",
                                         cloud_below(c, values.p),
                                         "--set",
                                         digest.p };
    size_t n = 11;
    if (c->first)
        argv[n++] = "--create-namespace";
    if (c->target_group.n) {
        argv[n++] = "--set";
        argv[n++] = edge.p;
    }
    if (c->opts->values) {
        argv[n++] = "--values";
        argv[n++] = c->opts->values;
    }
    argv[n++] = "--kubeconfig";
    argv[n++] = kubeconfig(c);
    return cloud_run(c, "deploy", argv) && watch_rollout(c);
}

void cluster_show_trouble(struct cloud *c)
{
    const char *at = kubeconfig(c);
    const char *const looks[][STEP_WORDS_MAX] = {
        { "kubectl", "get", "pods", "--selector", OURS, "--namespace", NAMESPACE, "--kubeconfig",
          at },
        { "kubectl", "get", "events", "--field-selector", "type=Warning", "--namespace", NAMESPACE,
          "--kubeconfig", at },
        { "kubectl", "logs", "--selector", OURS ",app.kubernetes.io/component=check", "--namespace",
          NAMESPACE, "--kubeconfig", at },
    };
    for (size_t i = 0; i < COUNT(looks); i++)
        fail_ignore(steps_run(&c->steps, "trouble", looks[i]) != 0, "it is only shown");
}

bool cluster_back(struct cloud *c, int64_t revision)
{
    str number = c->opts->dry ? STR("REVISION") : arena_fmt(&c->arena, "%lld", (long long)revision);
    return cloud_run(c, "back",
                     (const char *[]){ "helm", "rollback", RELEASE, number.p, "--namespace",
                                       NAMESPACE, "--kubeconfig", kubeconfig(c), NULL }) &&
           watch_rollout(c);
}

bool cluster_undo(struct cloud *c)
{
    cluster_look(c);
    if (c->before || c->opts->dry)
        return cluster_back(c, c->before);
    snprintf(c->reason, sizeof(c->reason),
             "there is no revision before the one that serves; see: helm history " RELEASE
             " --namespace " NAMESPACE);
    return false;
}
