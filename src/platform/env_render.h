/* env_render.h - what an environment is written as: files for Terraform, Helm, Prometheus and the
 * pipelines, always the same bytes for the same settings (docs/environments.md); and the comparison
 * of two such sets of files.
 *
 * To add a file: a function in env_<what>.c, a row in env_render.c. What may differ between two
 * environments is env_diff.c's table. */
#pragma once

#include "platform/env.h"

#define ENV_FILES_MAX 64

struct env_file {
    str path; /* below the folder that is rendered into */
    str text;
};

struct env_files {
    struct env_file rows[ENV_FILES_MAX];
    unsigned count;
};

/* The files of an environment, in its arena. */
void env_render(const struct env *env, struct env_files *to);
/* Writes one below `dir`, through a file beside it; makes folders. */
fail env_file_write(const struct env_file *file, const char *dir, struct why *why) MUST_USE;
/* Reads what was rendered into `dir`: everything below environments, .github/workflows and
 * .gitlab, and .gitlab-ci.yml. */
fail env_files_read(struct env_files *to, const char *dir, struct arena *arena,
                    struct why *why) MUST_USE;

/* --- comparing ---------------------------------------------------------------------------------
 */

struct env_difference {
    const char
        *kind;      /* "size", "name", "address": one that is listed; NULL: one that must not be */
    str file, path; /* "<environment>" stands for the environment's name in both */
    str a, b;       /* p NULL: not there */
    int line_a, line_b;
    struct env_difference *next;
};

struct env_comparison {
    str name_a, name_b; /* of the environments */
    struct env_difference *first;
    unsigned listed, different;
};

/* Compares value by value, after each side's own name, domain, account, region and hash have given
 * way to placeholders. FAIL_INPUT: one side is no rendering of one environment. */
fail env_compare(struct env_comparison *to, const struct env_files *a, const struct env_files *b,
                 struct arena *arena, struct why *why) MUST_USE;

/* --- for the parts -----------------------------------------------------------------------------
 */

/* Resolves without asking whether all is right. */
void env_resolve(struct env *env, const struct spec *spec, const struct yaml *node,
                 struct arena *arena);
/* The hall's part of the spec as YAML, in one canonical form: what pods are given as hall.yaml. */
struct yaml_out;
void yo_env_config(struct yaml_out *y, const struct env *env);

void env_tfvars(const struct env *env, struct out *out);
void env_backend(const struct env *env, struct out *out);
void env_values(const struct env *env, struct out *out);
void env_rules(const struct env *env, struct out *out);
void env_github_build(const struct env *env, struct out *out);
void env_github_deliver(const struct env *env, struct out *out);
void env_gitlab_root(const struct env *env, struct out *out);
void env_gitlab_build(const struct env *env, struct out *out);
void env_gitlab_deliver(const struct env *env, struct out *out);
