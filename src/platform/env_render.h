/* env_render.h - what an environment is written as: files for Terraform, Helm, Prometheus and the
 * pipelines, always the same bytes for the same settings. docs/environments.md lists them.
 *
 * To add a file: a function in env_<what>.c, a row in env_render.c. What may differ between two
 * environments is env_diff.c's table. */
#pragma once

#include "platform/env.h"

/* For env_check.c: resolves without asking whether all is right. */
void env_resolve(struct env *env, const struct spec *spec, const struct yaml *node,
                 struct arena *arena);

/* The hall's part of the spec as YAML, in one canonical form: what pods are given as hall.yaml. */
struct yaml_out;
void yo_env_config(struct yaml_out *y, const struct env *env);
