/* env_explain.c - every setting with its value, where it comes from and what it means: what
 * `examhall env check --explain` prints. */
#include "platform/env.h"
#include "platform/spec_check.h"

#include "codec/json_out.h"

#include <stdio.h>

struct line {
    const char *scope; /* "hall", or the environment's name */
    str path, value;
    const char *from, *help;
};

static void write_line(struct out *out, const struct line *line, bool json)
{
    if (json) {
        jo_open(out, NULL, '{');
        jo_z(out, "scope", line->scope);
        jo_str(out, "path", line->path);
        jo_str(out, "value", line->value);
        jo_z(out, "from", line->from);
        jo_z(out, "help", line->help ? line->help : "");
        jo_close(out, '}');
        return;
    }
    str value = line->value.p ? line->value : STR("-");
    out_fmt(out, "  %-42.*s %-38.*s %-22s %s\n", STR_ARG(line->path),
            STR_ARG(value.n ? value : STR("(none)")), line->from, line->help ? line->help : "");
}

/* --- the hall ----------------------------------------------------------------------------------
 */

static void of_hall(struct out *out, const char *path, str shown, const struct yaml *node,
                    bool json)
{
    const struct spec_row *row = spec_row(path);
    char from[40] = "default";
    bool list = node && node->kind == YAML_LIST, set = node && (list || node->text.p);
    struct out words = out_make(32 * KIB);
    for (const struct yaml *word = list ? node->first : NULL; word; word = word->next)
        out_fmt(&words, "%.*s%s", STR_ARG(word->text), word->next ? "," : "");
    if (set)
        snprintf(from, sizeof(from), "line %d", node->line);
    else if (!row->value)
        snprintf(from, sizeof(from), "not set");
    str value = list ? out_view(&words) : set ? node->text : str_z(row->value);
    write_line(out, &(struct line){ "hall", shown, value, from, row->help }, json);
    out_fini(&words);
}

/* An exam lasts as long as its shifts when it does not say so itself. */
static const struct yaml *minutes_of(const struct yaml *exam)
{
    const struct yaml *shifts = yaml_member(exam, "shifts");
    const struct yaml *found = yaml_member(exam, "minutes");
    for (const struct yaml *shift = shifts ? shifts->first : NULL; shift && !found;
         shift = shift->next)
        found = yaml_member(shift, "minutes");
    return found;
}

/* All scalar keys of a mapping, "exams[].NAME" shown as "exams.paper-1.NAME". */
static void all_below(struct out *out, const struct yaml *map, const char *path, const char *shown,
                      bool json)
{
    const char *keys[64];
    spec_keys_below(spec_row(path), keys, COUNT(keys));
    for (size_t i = 0; keys[i]; i++) {
        char row_path[100], name[200];
        snprintf(row_path, sizeof(row_path), "%s%s%s", path, *path ? "." : "", keys[i]);
        snprintf(name, sizeof(name), "%s%s%s", shown, *shown ? "." : "", keys[i]);
        const struct yaml *member = yaml_member(map, keys[i]);
        if (strcmp(row_path, "exams[].minutes") == 0)
            member = minutes_of(map);
        enum spec_type type = spec_row(row_path)->type;
        if (type > SPEC_NAMED)
            of_hall(out, row_path, str_z(name), member, json);
        else if (type == SPEC_MAP && strcmp(path, "") != 0)
            all_below(out, member, row_path, name, json);
    }
}

static void of_exam(struct out *out, const struct yaml *exam, bool json)
{
    char shown[200];
    const struct yaml *shifts = yaml_member(exam, "shifts");
    snprintf(shown, sizeof(shown), "exams.%.*s", STR_ARG(yaml_text(exam, "name")));
    all_below(out, exam, "exams[]", shown, json);
    for (const struct yaml *shift = shifts ? shifts->first : NULL; shift; shift = shift->next) {
        snprintf(shown, sizeof(shown), "exams.%.*s.%.*s", STR_ARG(yaml_text(exam, "name")),
                 STR_ARG(yaml_text(shift, "name")));
        all_below(out, shift, "exams[].shifts[]", shown, json);
    }
}

/* Limits have defaults of their own: what holds is said, and where a limit is written. */
static void of_limit(struct out *out, const struct spec *spec, const char *kind, const char *name,
                     int64_t us, bool json)
{
    char path[60], value[30], row[30], from[40] = "default";
    const struct yaml *map = yaml_member(yaml_member(spec->tree, "objectives"), kind);
    const struct yaml *node = yaml_member(map, name);
    snprintf(path, sizeof(path), "objectives.%s.%s", kind, name);
    snprintf(row, sizeof(row), "limits.%s", name);
    snprintf(value, sizeof(value), "%lldms", (long long)us / 1000);
    if (node)
        snprintf(from, sizeof(from), "line %d", node->line);
    if (us)
        write_line(out,
                   &(struct line){ "hall", str_z(path), str_z(value), from, spec_row(row)->help },
                   json);
}

static void of_objectives(struct out *out, const struct spec *spec, bool json)
{
    const struct yaml *map = yaml_member(spec->tree, "objectives");
#define X(limit, per_mille) of_limit(out, spec, kind, #limit, limits->limit##_us, json);
#define Y(name)                                                                                    \
    {                                                                                              \
        const char *kind = #name;                                                                  \
        const struct limits *limits = &spec->objectives.name;                                      \
        LIMITS(X)                                                                                  \
    }
    LIMITED(Y)
#undef Y
#undef X
    of_hall(out, "objectives.save.lost", STR("objectives.save.lost"),
            yaml_member(yaml_member(map, "save"), "lost"), json);
    of_hall(out, "objectives.failed", STR("objectives.failed"), yaml_member(map, "failed"), json);
}

void spec_explain(const struct spec *spec, struct out *out, bool json)
{
    const struct yaml *exams = yaml_member(spec->tree, "exams");
    if (!json)
        out_z(out, "hall\n");
    all_below(out, spec->tree, "", "", json);
    for (const struct yaml *exam = exams ? exams->first : NULL; exam; exam = exam->next)
        of_exam(out, exam, json);
    of_objectives(out, spec, json);
}

/* --- an environment ----------------------------------------------------------------------------
 */

void env_explain(const struct env *env, struct out *out, bool json)
{
    if (!json)
        out_fmt(out, "\n%.*s\n", STR_ARG(env->name));
    for (size_t i = 0; i < env->count; i++) {
        const struct env_value *value = &env->values[i];
        char from[120];
        bool service = str_starts(value->path, STR("services."));
        if (!env->cloud && (value->row->flags & SPEC_CLOUD || service))
            continue;
        write_line(out,
                   &(struct line){ env->name.p, value->path, value->text,
                                   env_origin(env, value, from, sizeof(from)), value->row->help },
                   json);
    }
}
