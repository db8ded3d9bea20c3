/* deploy_cloud.c - `examhall deploy ENV` for an environment on Kubernetes: the steps of the
 * rendered pipeline by hand, each a command that anybody could type, shown before it runs.
 *
 *   check      the spec has no mistakes          render    its files, where Terraform and Helm look
 *   certify    the image's program was rehearsed infrastructure, push    when asked for
 *   access     to this environment's cluster, never to whichever is current
 *   edge       the load balancer's target group, by Terraform's word
 *   deploy     helm, by the image's digest       rollout   watched to its end
 *   back       when it does not end well: helm goes back to the revision that served
 *
 * No step can be left out that guards an environment: one whose spec says `certificate: required`
 * takes no image without. Secrets are in files, never in words. Read docs/adr/0019 first. */
#include "cli/deploy_cloud.h"
#include "cli/cmd_env.h"
#include "codec/json.h"
#include "codec/json_out.h"

#include <stdlib.h>
#include <unistd.h>

bool cloud_read(struct cloud *c, const char *name, const char *const argv[], struct out *out)
{
    if (steps_read(&c->steps, name, argv, out) == 0)
        return true;
    snprintf(c->reason, sizeof(c->reason), "%s failed: %.500s", name,
             c->steps.rows[c->steps.count - 1].command.p);
    return false;
}

bool cloud_run(struct cloud *c, const char *name, const char *const argv[])
{
    return cloud_read(c, name, argv, NULL);
}

const char *cloud_below(struct cloud *c, const char *path)
{
    const char *root = c->opts->repository;
    str whole = root ? arena_fmt(&c->arena, "%s/%s", root, path) : str_z(path);
    must(whole.p);
    return whole.p;
}

/* Terraform is asked about an environment in its own cluster, and where it is to apply. */
static bool asks_terraform(const struct cloud *c)
{
    return c->opts->infrastructure || !c->opts->kubeconfig;
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
        { "tofu", "OpenTofu, https://opentofu.org/docs/intro/install/",
          asks_terraform(c) && !c->opts->undo },
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
    return cloud_run(
               c, "check",
               (const char *[]){ "examhall", "env", "check", "--spec", c->spec_path, NULL }) &&
           cloud_run(c, "render",
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

/* --- Terraform's part --------------------------------------------------------------------------
 */

/* OpenTofu looks from the folder it is sent to. */
static const char *from_terraform(struct cloud *c, const char *option, const char *file)
{
    char real[4096];
    const char *root = realpath(cloud_below(c, "."), real) ? real : ".";
    str word = arena_fmt(&c->arena, "%s%s/environments/%s/%s", option, root, c->opts->env, file);
    must(word.p);
    return word.p;
}

static const char *chdir_word(struct cloud *c)
{
    return arena_fmt(&c->arena, "-chdir=%s", cloud_below(c, "deploy/terraform")).p;
}

static bool terraform_init(struct cloud *c, const char *step)
{
    return cloud_run(
        c, step,
        (const char *[]){ "tofu", chdir_word(c), "init", "-input=false", "-reconfigure",
                          from_terraform(c, "-backend-config=", "backend.hcl"), NULL });
}

static bool infrastructure(struct cloud *c)
{
    const char *chdir = chdir_word(c), *plan = from_terraform(c, "", "plan");
    if (!c->opts->infrastructure)
        return true;
    bool good =
        terraform_init(c, "infrastructure") &&
        cloud_run(c, "infrastructure",
                  (const char *[]){
                      "tofu", chdir, "plan", "-input=false", from_terraform(c, "-out=", "plan"),
                      from_terraform(c, "-var-file=", "terraform.tfvars.json"), NULL }) &&
        cloud_run(c, "infrastructure",
                  (const char *[]){ "tofu", chdir, "apply", "-input=false", plan, NULL });
    if (!c->opts->dry)
        unlink(plan); /* it holds values that nobody needs any more */
    return good;
}

/* Which target group the gateways belong to: without its name Helm would take them out of it. */
static bool find_target_group(struct cloud *c)
{
    struct out out = out_make(64 * KIB);
    if (!asks_terraform(c))
        return true;
    bool good = (c->opts->infrastructure || terraform_init(c, "edge")) &&
                cloud_read(c, "edge",
                           (const char *[]){ "tofu", chdir_word(c), "output", "-raw",
                                             "target_group_arn", NULL },
                           &out);
    c->target_group =
        c->opts->dry ? STR("TARGET_GROUP_ARN") : arena_str(&c->arena, str_trim(out_view(&out)));
    out_fini(&out);
    if (good && !c->opts->dry && !str_starts(c->target_group, STR("arn:"))) {
        snprintf(c->reason, sizeof(c->reason),
                 "Terraform's output target_group_arn is \"%.*s\"; apply it with: "
                 "examhall deploy %s --infrastructure",
                 (int)MIN(c->target_group.n, 200), c->target_group.p, c->opts->env);
        return false;
    }
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
    return cloud_run(c, "push",
                     (const char *[]){ "examhall", "image", "push", c->opts->image, to.p,
                                       "--credentials", c->opts->credentials, NULL });
}

/* --- all of it ---------------------------------------------------------------------------------
 */

static bool deploy(struct cloud *c)
{
    char reason[sizeof(c->reason)];
    if (!check_and_render(c) || !certify(c) || !infrastructure(c) || !push(c) ||
        !cluster_access(c) || !find_target_group(c))
        return false;
    cluster_look(c);
    if (cluster_install(c))
        return true;
    memcpy(reason, c->reason, sizeof(reason));
    cluster_show_trouble(c);
    c->rolled_back = c->revision && cluster_back(c, c->revision);
    snprintf(c->reason, sizeof(c->reason), "%.600s; %s", reason,
             c->rolled_back ? "the revision before serves again"
             : c->revision  ? "and going back failed, too: see helm history examhall"
                            : "it was the first one here, so there is none to go back to; remove "
                              "it with: helm uninstall examhall");
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
    c->arena = arena_make(64 * MIB);
    c->steps = (struct steps){ .dry = opts->dry, .arena = &c->arena };
    c->spec_path = spec_path(opts->spec);
    fail f = prepare(c, &why);
    bool good = false;
    if (!f) {
        good = opts->undo ? cluster_access(c) && cluster_undo(c) : deploy(c);
        report(c, good);
    }
    cluster_leave(c);
    arena_fini(&c->arena);
    free(c);
    return f ? complain(f, &why) : good ? EXIT_DONE : EXIT_NO;
}
