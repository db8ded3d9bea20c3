/* deploy_cloud.c - `examhall deploy ENV` for an environment on Kubernetes: the steps of the
 * rendered pipeline by hand, each a command that anybody could type, shown before it runs.
 *
 *   check      the spec has no mistakes          render    its files, where Terraform and Helm look
 *   certify    the image's program was rehearsed infrastructure, push    when asked for
 *   access     to this environment's cluster, never to whichever is current
 *   deploy     helm, by the image's digest       rollout   watched to its end
 *   back       when it does not end well: helm goes back to the revision that served
 *
 * No step can be left out that guards an environment: one whose spec says `certificate: required`
 * takes no image without. Secrets are in files, never in words. Read docs/adr/0019 first. */
#include "cli/cmd_env.h"
#include "cli/deploy.h"
#include "cli/steps.h"
#include "codec/json.h"
#include "codec/json_out.h"
#include "platform/image_program.h"

#include <stdlib.h>
#include <unistd.h>

#define RELEASE   "examhall"
#define NAMESPACE "examhall" /* also in values.yaml and terraform.tfvars.json */

struct cloud {
    const struct deploy_opts *opts;
    struct arena arena;
    struct spec spec;
    struct env env;
    struct image_program program;
    struct steps steps;
    const char *spec_path;
    char folder[32], kubeconfig[64]; /* of our own; kubeconfig "" until there is one */
    int64_t revision;                /* that served before; 0: none did */
    bool rolled_back;
    char reason[1000]; /* why it was not deployed; "": it was */
};

static bool run(struct cloud *c, const char *name, const char *const argv[])
{
    if (steps_run(&c->steps, name, argv) == 0)
        return true;
    snprintf(c->reason, sizeof(c->reason), "%s failed: %.500s", name,
             c->steps.rows[c->steps.count - 1].command.p);
    return false;
}

/* A path below the repository, which is "." unless told otherwise. */
static const char *below(struct cloud *c, const char *path)
{
    const char *root = c->opts->repository;
    str whole = root ? arena_fmt(&c->arena, "%s/%s", root, path) : str_z(path);
    must(whole.p);
    return whole.p;
}

static const char *of_environment(struct cloud *c, const char *file)
{
    str path = arena_fmt(&c->arena, "environments/%.*s/%s", STR_ARG(c->env.name), file);
    must(path.p);
    return below(c, path.p);
}

static const char *kubeconfig(const struct cloud *c)
{
    return c->opts->kubeconfig ? c->opts->kubeconfig : c->kubeconfig;
}

/* --- what is needed ----------------------------------------------------------------------------
 */

static fail tools_check(const struct cloud *c, struct why *why)
{
    const struct {
        const char *program, *install;
        bool needed;
    } tools[] = {
        { "helm", "Helm 3, https://helm.sh/docs/intro/install/", true },
        { "kubectl", "https://kubernetes.io/docs/tasks/tools/", true },
        { "tofu", "OpenTofu, https://opentofu.org/docs/intro/install/", c->opts->infrastructure },
        { "aws", "apt-get install awscli; or name a cluster with --kubeconfig FILE",
          !c->opts->kubeconfig },
    };
    fail f = FAIL_NONE;
    for (size_t i = 0; i < COUNT(tools) && !f && !c->opts->dry; i++)
        if (tools[i].needed)
            f = steps_find(tools[i].program, tools[i].install, why);
    return f;
}

static fail prepare(struct cloud *c, struct why *why)
{
    fail f = spec_load(&c->spec, c->spec_path, &c->arena, why);
    if (!f)
        f = env_open(&c->env, &c->spec, str_z(c->opts->env), &c->arena, why);
    if (!f && !c->env.cloud)
        return fail_set(why, FAIL_USAGE,
                        "%s stands on a machine: deploy it there with: examhall deploy local",
                        c->opts->env);
    if (!f)
        f = tools_check(c, why);
    if (!f && !c->opts->undo)
        f = image_program_read(&c->program, files_real(), c->opts->image, &c->arena, why);
    return f;
}

/* --- before the cluster ------------------------------------------------------------------------
 */

static bool check_and_render(struct cloud *c)
{
    const char *root = c->opts->repository ? c->opts->repository : ".";
    return run(c, "check",
               (const char *[]){ "examhall", "env", "check", "--spec", c->spec_path, NULL }) &&
           run(c, "render",
               (const char *[]){ "examhall", "env", "render", c->opts->env, root, "--spec",
                                 c->spec_path, NULL });
}

/* Why it is void, or cannot be read, in the words of `verify certificate`. */
static void doubts_read(struct cloud *c, const char *const argv[], struct out *doubts)
{
    struct out out = out_make(MIB);
    struct json *root;
    struct why why;
    str text = STR_NONE;
    fail_ignore(steps_look(argv, &out) == 0, "it was not the first time either");
    if (json_parse(&root, arena_str(&c->arena, out_view(&out)), &c->arena, &why))
        root = NULL;
    const struct json *list = root ? json_get(root, STR("reasons")) : NULL;
    for (const struct json *one = list ? list->first : NULL; one; one = one->next)
        if (!json_str(one, "detail", true, &text, &why))
            out_fmt(doubts, "%s%.*s", doubts->n ? "; " : "", STR_ARG(text));
    if (!doubts->n && root && !json_str(root, "error", true, &text, &why))
        out_str(doubts, text);
    out_fini(&out);
}

/* The program in exactly this image, the spec and the roster are those that were rehearsed. */
static bool certify(struct cloud *c)
{
    str image = arena_fmt(&c->arena, "%s@sha256:%s", c->opts->image, c->program.image.hex);
    if (!str_eq(env_text(&c->env, "certificate"), STR("required")))
        return true;
    const char *argv[STEP_WORDS_MAX] = {
        "examhall", "verify",     "certificate", c->opts->certificate, "--key",   c->opts->key,
        "--spec",   c->spec_path, "--roster",    c->opts->roster,      "--image", image.p
    };
    if (steps_run(&c->steps, "certify", argv) == 0)
        return true;
    struct out doubts = out_make(4 * KIB);
    argv[12] = "--json";
    doubts_read(c, argv, &doubts);
    snprintf(c->reason, sizeof(c->reason),
             "%s requires a certificate of this image (hall.yaml), and %.100s is none: %.*s. "
             "Rehearse it with: examhall rehearse --for HALL --certificate FILE",
             c->opts->env, c->opts->certificate, (int)MIN(doubts.n, 500), doubts.p);
    out_fini(&doubts);
    return false;
}

static bool infrastructure(struct cloud *c)
{
    str chdir = arena_fmt(&c->arena, "-chdir=%s", below(c, "deploy/terraform"));
    char real[4096];
    if (!c->opts->infrastructure)
        return true;
    /* OpenTofu looks from the folder it is sent to. */
    const char *root = realpath(below(c, "."), real) ? real : ".";
    str at = arena_fmt(&c->arena, "%s/environments/%s", root, c->opts->env);
    str backend = arena_fmt(&c->arena, "-backend-config=%s/backend.hcl", at.p);
    str variables = arena_fmt(&c->arena, "-var-file=%s/terraform.tfvars.json", at.p);
    str plan = arena_fmt(&c->arena, "%s/plan", at.p), out = arena_fmt(&c->arena, "-out=%s", plan.p);
    bool good = run(c, "infrastructure",
                    (const char *[]){ "tofu", chdir.p, "init", "-input=false", "-reconfigure",
                                      backend.p, NULL }) &&
                run(c, "infrastructure",
                    (const char *[]){ "tofu", chdir.p, "plan", "-input=false", out.p, variables.p,
                                      NULL }) &&
                run(c, "infrastructure",
                    (const char *[]){ "tofu", chdir.p, "apply", "-input=false", plan.p, NULL });
    unlink(plan.p); /* it holds values that nobody needs any more */
    return good;
}

static bool push(struct cloud *c)
{
    str account = env_text(&c->env, "account"), region = env_text(&c->env, "region");
    str to = arena_fmt(&c->arena, "%.*s.dkr.ecr.%.*s.amazonaws.com/%.*s:%.12s", STR_ARG(account),
                       STR_ARG(region), STR_ARG(env_text(&c->env, "registry.repository")),
                       c->program.image.hex);
    if (!c->opts->credentials)
        return true;
    return run(c, "push",
               (const char *[]){ "examhall", "image", "push", c->opts->image, to.p, "--credentials",
                                 c->opts->credentials, NULL });
}

/* --- in the cluster ----------------------------------------------------------------------------
 */

/* A file of our own names the cluster: what is current in the operator's stays out of it. */
static bool get_access(struct cloud *c)
{
    str cluster = arena_fmt(&c->arena, "%.*s-%s", STR_ARG(c->spec.hall), c->opts->env);
    str region = env_text(&c->env, "region");
    if (c->opts->kubeconfig)
        return true;
    if (!c->opts->dry && !mkdtemp(c->folder)) {
        snprintf(c->reason, sizeof(c->reason), "cannot make a folder in /tmp");
        return false;
    }
    snprintf(c->kubeconfig, sizeof(c->kubeconfig), "%s/kubeconfig", c->folder);
    return run(c, "access",
               (const char *[]){ "aws", "eks", "update-kubeconfig", "--name", cluster.p, "--region",
                                 arena_str(&c->arena, region).p, "--kubeconfig", c->kubeconfig,
                                 NULL });
}

/* The newest revision that helm calls deployed. */
static int64_t serving(struct cloud *c)
{
    struct out out = out_make(4 * MIB);
    struct json *list;
    struct why why;
    int64_t revision = 0;
    const char *argv[] = { "helm",     "history", RELEASE,        "--namespace", NAMESPACE,
                           "--output", "json",    "--kubeconfig", kubeconfig(c), NULL };
    if (!c->opts->dry && steps_look(argv, &out) == 0 &&
        !json_parse(&list, arena_str(&c->arena, out_view(&out)), &c->arena, &why))
        for (const struct json *row = list->first; row; row = row->next) {
            str status = STR_NONE;
            if (!json_str(row, "status", true, &status, &why) && str_eq(status, STR("deployed")))
                fail_ignore(json_i64(row, "revision", true, 1, INT64_MAX, &revision, &why),
                            "helm counts from 1");
        }
    out_fini(&out);
    return revision;
}

static bool watch_rollout(struct cloud *c)
{
    str timeout = arena_fmt(&c->arena, "--timeout=%s", c->opts->timeout);
    return run(c, "rollout",
               (const char *[]){ "kubectl", "rollout", "status", "deployment,statefulset",
                                 "--selector", "app.kubernetes.io/instance=" RELEASE, "--namespace",
                                 NAMESPACE, timeout.p, "--kubeconfig", kubeconfig(c), NULL });
}

static bool install(struct cloud *c)
{
    str digest = arena_fmt(&c->arena, "image.digest=sha256:%s", c->program.image.hex);
    const char *argv[STEP_WORDS_MAX] = { "helm",
                                         "upgrade",
                                         "--install",
                                         RELEASE,
                                         below(c, "deploy/helm/examhall"),
                                         "--namespace",
                                         NAMESPACE,
                                         "--create-namespace",
                                         "--values",
                                         of_environment(c, "values.yaml"),
                                         "--set",
                                         digest.p,
                                         "--kubeconfig",
                                         kubeconfig(c) };
    size_t n = 14;
    if (c->opts->values) {
        argv[n++] = "--values";
        argv[n++] = c->opts->values;
    }
    return run(c, "deploy", argv) && watch_rollout(c);
}

/* What the cluster says of it, for whoever has to repair it. */
static void show_trouble(struct cloud *c)
{
    const char *const pods[] = { "kubectl",
                                 "get",
                                 "pods",
                                 "--selector",
                                 "app.kubernetes.io/instance=" RELEASE,
                                 "--namespace",
                                 NAMESPACE,
                                 "--kubeconfig",
                                 kubeconfig(c),
                                 NULL };
    const char *const events[] = { "kubectl",      "get",         "events",  "--field-selector",
                                   "type=Warning", "--namespace", NAMESPACE, "--kubeconfig",
                                   kubeconfig(c),  NULL };
    fail_ignore(steps_run(&c->steps, "trouble", pods) != 0, "it is only shown");
    fail_ignore(steps_run(&c->steps, "trouble", events) != 0, "it is only shown");
}

static bool back_to(struct cloud *c, int64_t revision)
{
    str number = revision ? arena_fmt(&c->arena, "%lld", (long long)revision) : STR_NONE;
    const char *argv[STEP_WORDS_MAX] = { "helm",    "rollback",     RELEASE,      "--namespace",
                                         NAMESPACE, "--kubeconfig", kubeconfig(c) };
    if (revision) { /* directly behind the release's name */
        memmove(argv + 4, argv + 3, 4 * sizeof(*argv));
        argv[3] = number.p;
    }
    return steps_run(&c->steps, "back", argv) == 0 && watch_rollout(c);
}

static bool deploy(struct cloud *c)
{
    char reason[sizeof(c->reason)];
    if (!check_and_render(c) || !certify(c) || !infrastructure(c) || !push(c) || !get_access(c))
        return false;
    c->revision = serving(c);
    if (install(c))
        return true;
    memcpy(reason, c->reason, sizeof(reason));
    show_trouble(c);
    c->rolled_back = c->revision && back_to(c, c->revision);
    snprintf(c->reason, sizeof(c->reason), "%.600s; %s", reason,
             c->rolled_back ? "the revision before serves again"
             : c->revision  ? "and going back failed, too: see helm history " RELEASE
                            : "it was the first one here, so there is none to go back to; remove "
                              "it with: helm uninstall " RELEASE);
    return false;
}

/* --- what came of it ---------------------------------------------------------------------------
 */

static void report(const struct cloud *c, bool deployed)
{
    struct out out = out_make(MIB);
    if (is_json_wanted()) {
        jo_open(&out, NULL, '{');
        jo_str(&out, "environment", c->env.name);
        jo_bool(&out, "deployed", deployed && !c->opts->dry);
        jo_bool(&out, "dry_run", c->opts->dry);
        jo_bool(&out, "rolled_back", c->rolled_back);
        jo_str(&out, "reason", c->reason[0] ? str_z(c->reason) : STR_NONE);
        if (!c->opts->undo) {
            jo_name(&out, "image");
            out_fmt(&out, "\"sha256:%s\"", c->program.image.hex);
            jo_z(&out, "program", c->program.program.hex);
        }
        steps_json(&out, "steps", &c->steps);
        out_z(&out, "}\n");
    } else if (!deployed) {
        out_fmt(&out, "Not deployed: %s.\n", c->reason);
    } else if (c->opts->dry) {
        out_z(&out, "Nothing was run.\n");
    } else {
        out_fmt(&out, "%s serves %s.\nBack to the one before: examhall deploy %s --undo\n",
                c->opts->env, c->opts->undo ? "the revision before" : c->program.image.hex,
                c->opts->env);
    }
    print_out(&out);
}

int deploy_cloud(const struct deploy_opts *opts)
{
    struct cloud *c = calloc(1, sizeof(*c));
    struct why why;
    must(c);
    c->opts = opts;
    snprintf(c->folder, sizeof(c->folder), "/tmp/examhall-XXXXXX");
    c->arena = arena_make(64 * MIB);
    c->steps = (struct steps){ .dry = opts->dry, .arena = &c->arena };
    c->spec_path = spec_path(opts->spec);
    fail f = prepare(c, &why);
    bool good = false;
    if (!f) {
        good = opts->undo ? get_access(c) && back_to(c, 0) : deploy(c);
        report(c, good);
    }
    if (c->kubeconfig[0] && !opts->dry) {
        unlink(c->kubeconfig);
        rmdir(c->folder);
    }
    arena_fini(&c->arena);
    free(c);
    return f ? complain(f, &why) : good ? EXIT_DONE : EXIT_NO;
}
