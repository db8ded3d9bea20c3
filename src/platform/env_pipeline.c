/* env_pipeline.c - an environment's part of the pipeline: the templates of deploy/pipelines, with
 * this environment's names put in for `@name@`. They are taken in as they are; the Makefile knows
 * the dependency.
 *
 * Each environment follows another one or the build (`after`), so a new one is new files, and the
 * others' stay as they are. */
#include "platform/env_render.h"

#define EMBED(name, path)                                                                          \
    __asm__(".pushsection .rodata\n" #name "_begin:\n.incbin \"" path "\"\n" #name                 \
            "_end:\n.byte 0\n"                                                                     \
            ".popsection\n");                                                                      \
    extern const char name##_begin[], name##_end[]

EMBED(github_build, "deploy/pipelines/github/build.yml");
EMBED(github_deliver, "deploy/pipelines/github/deliver.yml");
EMBED(gitlab_root, "deploy/pipelines/gitlab/gitlab-ci.yml");
EMBED(gitlab_build, "deploy/pipelines/gitlab/build.yml");
EMBED(gitlab_deliver, "deploy/pipelines/gitlab/deliver.yml");

static void fill_in(struct out *out, const struct env *env, str name)
{
    str after = env_text(env, "after");
    if (str_eq(name, STR("hall")))
        out_str(out, env->spec->hall);
    else if (str_eq(name, STR("environment")))
        out_str(out, env->name);
    else if (str_eq(name, STR("repository")))
        out_str(out, env_text(env, "registry.repository"));
    else if (str_eq(name, STR("registry")))
        out_fmt(out, "%.*s.dkr.ecr.%.*s.amazonaws.com", STR_ARG(env_text(env, "account")),
                STR_ARG(env_text(env, "region")));
    else if (str_eq(name, STR("follows"))) /* a workflow's, or a job's, name */
        out_fmt(out, "%s%.*s", str_eq(after, STR("build")) ? "" : "deliver ", STR_ARG(after));
    else
        out_str(out, env_text(env, name.p)); /* aborts when there is no such setting */
}

static void write_template(struct out *out, const struct env *env, str rest)
{
    while (rest.n) {
        char name[40] = "";
        size_t n = 0;
        ptrdiff_t at = str_find(rest, '@');
        str word = str_from(rest, at < 0 ? rest.n : (size_t)at + 1);
        while (n < word.n && n < sizeof(name) - 1 && word.p[n] >= 'a' && word.p[n] <= 'z')
            n++;
        bool ours = n > 0 && n < word.n && word.p[n] == '@';
        memcpy(name, word.p, ours ? n : 0);
        out_str(out, str_first(rest, rest.n - word.n - ours)); /* what is before, and another's @ */
        if (ours)
            fill_in(out, env, str_z(name));
        rest = str_from(word, ours ? n + 1 : 0);
    }
}

#define TEMPLATE(name) str_of(name##_begin, (size_t)(name##_end - name##_begin))

void env_github_build(const struct env *env, struct out *out)
{
    write_template(out, env, TEMPLATE(github_build));
}

void env_github_deliver(const struct env *env, struct out *out)
{
    write_template(out, env, TEMPLATE(github_deliver));
}

void env_gitlab_root(const struct env *env, struct out *out)
{
    write_template(out, env, TEMPLATE(gitlab_root));
}

void env_gitlab_build(const struct env *env, struct out *out)
{
    write_template(out, env, TEMPLATE(gitlab_build));
}

void env_gitlab_deliver(const struct env *env, struct out *out)
{
    write_template(out, env, TEMPLATE(gitlab_deliver));
}
