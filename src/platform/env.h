/* env.h - an environment of the spec: every setting with its effective value and its origin.
 *
 * A setting comes from the environment itself, else from the one it is `like` (unless it names or
 * addresses a single one), else from `services` or `settings` of the hall, else from its size or a
 * default (spec_sizes.c). Nothing that is written of one environment depends on another one's
 * being there, so adding one changes none. What is rendered from it: env_render.h. */
#pragma once

#include "platform/spec.h"
#include "platform/spec_schema.h"

enum env_from { ENV_ABSENT, ENV_SET, ENV_LIKE, ENV_HALL, ENV_SIZE, ENV_DEFAULT, ENV_COMPUTED };

struct env_value {
    const struct spec_row *row;
    str path; /* below the environment: "events.broker_type", "services.answers.memory" */
    str text; /* a list's words with commas between; replicas "4..40"; p NULL: absent */
    enum env_from from;
    str of;   /* ENV_LIKE: the environment it is taken from */
    int line; /* ENV_SET, ENV_LIKE, ENV_HALL: of hall.yaml */
};

struct env {
    const struct spec *spec;
    const struct yaml *node;
    struct arena *arena;
    str name;
    bool cloud; /* on aws; else on a machine */
    bool exam;  /* of size exam */
    struct env_value *values;
    size_t count;
    char hash[65]; /* SHA-256 of the hall's part and all values, in hexadecimal */
};

#define ENV_VALUES_MAX 512

/* FAIL_MISSING: there is none of that name; `why` says which there are. The spec must be without
 * mistakes and outlive it; everything lies in the arena. */
fail env_open(struct env *env, const struct spec *spec, str name, struct arena *arena,
              struct why *why) MUST_USE;

/* The path must be one of the schema. */
const struct env_value *env_value(const struct env *env, const char *path);
str env_text(const struct env *env, const char *path);
int64_t env_number(const struct env *env, const char *path);
bool env_yes(const struct env *env, const char *path);
int64_t env_ms(const struct env *env, const char *path); /* of a duration */

/* Of one service: "memory". The i-th service's name: gateway, hall (the pod that hosts all of them
 * in layout one), then each; STR_NONE behind the last. */
str env_service_text(const struct env *env, str service, const char *key);
void env_replicas(const struct env *env, str service, int64_t *from, int64_t *to);
str env_service_name(unsigned i);
/* Whether it has pods of its own: in layout one gateway and hall, in layout each all but the hall.
 */
bool env_runs(const struct env *env, str service);

/* "hall.yaml, line 12", "like nonprod (line 30)", "size exam", "default": into `to`. */
const char *env_origin(const struct env *env, const struct env_value *value, char *to, size_t n);

/* All settings of the hall and of this environment, by name, value, origin and meaning. */
void env_explain(const struct env *env, struct out *out, bool json);
void spec_explain(const struct spec *spec, struct out *out, bool json); /* the hall's part */

/* --- the file ----------------------------------------------------------------------------------
 */

struct env_addition {
    const char *name, *like;
    const char *keys[12][2]; /* region, account, domain, size, ...: NULL values are left out */
};
/* The text of a spec with one environment more; every other byte stays. Refuses names that are
 * there, and additions that would make the spec wrong. */
fail env_add(str text, const struct env_addition *addition, struct arena *arena, str *result,
             struct why *why) MUST_USE;
