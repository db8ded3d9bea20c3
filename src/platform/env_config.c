/* env_config.c - the hall's part of the spec as an environment's pods read it: without comments and
 * environments, with this environment's domain and settings. It is a valid spec by itself. */
#include "platform/env_render.h"

#include "codec/yaml_out.h"

#include <stdio.h>

void yo_env_config(struct yaml_out *y, const struct env *env)
{
    static const char *const keys[] = { "title", "time_zone", "exams", "objectives" };
    const struct yaml *tree = env->spec->tree;
    bool opened = false;
    yo_str(y, "hall", env->spec->hall);
    yo_str(y, "domain", env_text(env, "domain"));
    for (size_t i = 0; i < COUNT(keys); i++) {
        const struct yaml *node = yaml_member(tree, keys[i]);
        if (node && (node->first || node->text.p))
            yo_tree(y, keys[i], node);
    }
    for (size_t i = 0; i < env->count; i++) {
        const struct env_value *value = &env->values[i];
        char name[120];
        if (value->row->type != SPEC_SETTING || value->from == ENV_DEFAULT)
            continue;
        if (!opened)
            yo_open(y, "settings");
        opened = true;
        str key = str_from(value->path, sizeof("services.") - 1), service = str_cut(&key, '.');
        str_cut(&key, '.'); /* "settings" */
        snprintf(name, sizeof(name), "%.*s.%.*s", STR_ARG(service), STR_ARG(key));
        yo_str(y, name, value->text);
    }
    if (opened)
        yo_close(y);
}
