/* spec_check.c - holds a spec's tree against the schema and gathers every mistake with its line and
 * what would be right; then the words that only the services know. */
#include "platform/spec_check.h"

#include "app/service.h"

#include <stdarg.h>
#include <stdio.h>

#define MEMBERS_MAX 256 /* of a mapping or a list: more is no spec that people wrote */

void spec_mistake(struct spec_mistakes *mistakes, int line, const char *format, ...)
{
    struct spec_mistake mistake = { .line = line };
    va_list args;
    va_start(args, format);
    vsnprintf(mistake.text, sizeof(mistake.text), format, args);
    va_end(args);
    for (unsigned i = 0; i < MIN(mistakes->count, SPEC_MISTAKES_MAX); i++)
        if (mistakes->rows[i].line == line && strcmp(mistakes->rows[i].text, mistake.text) == 0)
            return; /* several environments may ask for the same */
    if (mistakes->count++ < SPEC_MISTAKES_MAX)
        mistakes->rows[mistakes->count - 1] = mistake;
}

static void unknown_key(struct spec_mistakes *mistakes, const struct spec_row *map, str what,
                        const struct yaml *member)
{
    const char *keys[64], *first = spec_keys_below(map, keys, COUNT(keys));
    const char *near = str_nearest(member->key, keys);
    spec_mistake(mistakes, member->line, "%.*s has no key \"%.*s\"; %s %s", STR_ARG(what),
                 STR_ARG(str_first(member->key, 60)), near ? "did you mean" : "the first it has is",
                 near ? near : first);
}

static void wrong_value(struct spec_mistakes *mistakes, const struct spec_row *row, str name,
                        const struct yaml *node)
{
    char wanted[200];
    const char *words[64] = { 0 };
    const char *near = NULL;
    if (row->type == SPEC_REGION && node->text.p) {
        for (size_t i = 0; i + 1 < COUNT(words) && spec_regions[i].name; i++)
            words[i] = spec_regions[i].name;
        near = str_nearest(node->text, words);
    }
    bool whole = node->kind != YAML_SCALAR || !node->text.p;
    if (whole || (row->type <= SPEC_WORDS && row->type != SPEC_TEXT))
        spec_mistake(mistakes, node->line, "%.*s must be %s", STR_ARG(name),
                     spec_wanted(row, wanted, sizeof(wanted)));
    else
        spec_mistake(mistakes, node->line, "%.*s is \"%.*s\", but must be %s%s%s", STR_ARG(name),
                     STR_ARG(str_first(node->text, 60)), spec_wanted(row, wanted, sizeof(wanted)),
                     near ? "; did you mean " : "", near ? near : "");
}

static void check_value(struct spec_mistakes *mistakes, const struct spec_row *row, str name,
                        const struct yaml *node);

static void check_map(struct spec_mistakes *mistakes, const struct spec_row *map, str what,
                      const struct yaml *node)
{
    if (node->count > MEMBERS_MAX) {
        spec_mistake(mistakes, node->line, "%.*s has %u keys; at most %d are read", STR_ARG(what),
                     node->count, MEMBERS_MAX);
        return;
    }
    for (const struct yaml *member = node->first; member; member = member->next) {
        const struct spec_row *row = spec_row_below(map, member->key);
        const struct yaml *same = node->first;
        while (same != member && !str_eq(same->key, member->key))
            same = same->next;
        if (!row)
            unknown_key(mistakes, map, what, member);
        else if (same != member)
            spec_mistake(mistakes, member->line,
                         "the key %.*s is there twice (see line %d); keep one",
                         STR_ARG(str_first(member->key, 60)), same->line);
        else
            check_value(mistakes, row, member->key, member);
    }
}

static void check_list(struct spec_mistakes *mistakes, const struct spec_row *list, str name,
                       const struct yaml *node)
{
    char path[100], what[100];
    snprintf(path, sizeof(path), "%s[]", list->path);
    snprintf(what, sizeof(what), "a member of %.*s", STR_ARG(str_first(name, 60)));
    if (node->count > SPEC_EXAMS_MAX) /* as many shifts */
        spec_mistake(mistakes, node->line, "there are %u %.*s; at most %d", node->count,
                     STR_ARG(name), SPEC_EXAMS_MAX);
    else
        for (const struct yaml *member = node->first; member; member = member->next)
            check_value(mistakes, spec_row(path), str_z(what), member);
}

/* Texts in a list. One that is wrong is said by itself. */
static void check_words(struct spec_mistakes *mistakes, const struct spec_row *row, str name,
                        const struct yaml *node)
{
    size_t bytes = 0;
    bool lines = row->type == SPEC_LINES;
    for (const struct yaml *word = node->first; word; word = word->next) {
        bytes += word->text.n + 1;
        if (word->kind != YAML_SCALAR || !word->text.p)
            spec_mistake(mistakes, word->line, "%.*s must be %s", STR_ARG(name),
                         spec_wanted(row, NULL, 0));
        else if (!lines && !spec_is(row, row->of, word->text))
            spec_mistake(mistakes, word->line, "%.*s has \"%.*s\", but each must be %s",
                         STR_ARG(name), STR_ARG(str_first(word->text, 60)),
                         spec_wanted_of(row->of));
    }
    if (lines ? (int64_t)bytes > row->max : node->count < row->min || node->count > row->max)
        spec_mistake(mistakes, node->line, "%.*s must be %s", STR_ARG(name),
                     spec_wanted(row, NULL, 0));
}

static void check_value(struct spec_mistakes *mistakes, const struct spec_row *row, str name,
                        const struct yaml *node)
{
    bool empty = node->kind == YAML_SCALAR && !node->text.p;
    name = str_first(name, 60);
    if (row->type <= SPEC_NAMED && empty)
        return; /* `environments:` and nothing below it: as if it were not there */
    if (row->type == SPEC_REPLICAS && node->kind == YAML_MAP) {
        check_map(mistakes, row, name, node);
    } else if (row->type == SPEC_MAP || row->type == SPEC_NAMED) {
        if (node->kind == YAML_MAP)
            check_map(mistakes, row, row->path[0] ? name : STR("a spec"), node);
        else
            wrong_value(mistakes, row, name, node);
    } else if (row->type <= SPEC_WORDS && row->type != SPEC_TEXT) {
        if (node->kind != YAML_LIST)
            wrong_value(mistakes, row, name, node);
        else if (row->type == SPEC_LIST)
            check_list(mistakes, row, name, node);
        else
            check_words(mistakes, row, name, node);
    } else if (node->kind != YAML_SCALAR || !spec_is(row, row->type, node->text)) {
        wrong_value(mistakes, row, name, node);
    }
}

void spec_check_tree(const struct yaml *root, struct spec_mistakes *mistakes)
{
    if (!root || root->kind != YAML_MAP)
        spec_mistake(mistakes, 1, "a spec begins with a line such as `hall: my-hall`");
    else
        check_value(mistakes, spec_row(""), STR("a spec"), root);
}

/* --- services and their settings ---------------------------------------------------------------
 */

bool spec_is_service(str name)
{
    bool found = str_eq(name, STR("gateway")) || str_eq(name, STR("hall"));
    for (size_t i = 0; services[i] && !found; i++)
        found = str_eq(name, str_z(services[i]->name));
    return found;
}

static void check_setting(struct spec_mistakes *mistakes, str name, const struct yaml *node)
{
    const char *names[64] = { 0 };
    size_t n = 0;
    for (size_t s = 0; services[s]; s++)
        for (size_t i = 0; i < services[s]->settings.count && n + 1 < COUNT(names); i++) {
            const struct setting *setting = &services[s]->settings.rows[i];
            int64_t value;
            names[n++] = setting->name;
            if (!str_eq(name, str_z(setting->name)))
                continue;
            if (!str_i64(node->text, &value) || value < setting->min || value > setting->max)
                spec_mistake(mistakes, node->line,
                             "%s is \"%.*s\", but must be a whole number from %lld to %lld (%s)",
                             setting->name, STR_ARG(str_first(node->text, 60)),
                             (long long)setting->min, (long long)setting->max, setting->help);
            return;
        }
    const char *near = str_nearest(name, names);
    spec_mistake(mistakes, node->line, "there is no setting \"%.*s\"; %s %s",
                 STR_ARG(str_first(name, 60)),
                 near ? "did you mean" : "the first there is:", near ? near : names[0]);
}

static void check_replicas(struct spec_mistakes *mistakes, const struct yaml *replicas)
{
    int64_t from, to;
    if (str_i64(yaml_text(replicas, "from"), &from) && str_i64(yaml_text(replicas, "to"), &to) &&
        from > to)
        spec_mistake(mistakes, replicas->line,
                     "replicas go from %lld to %lld, but must not fall; swap the two",
                     (long long)from, (long long)to);
}

static void check_services(struct spec_mistakes *mistakes, const struct yaml *map)
{
    const char *names[64] = { "gateway", "hall" };
    for (size_t i = 0; services[i] && i + 3 < COUNT(names); i++)
        names[i + 2] = services[i]->name;
    for (const struct yaml *service = map ? map->first : NULL; service; service = service->next) {
        const char *near = str_nearest(service->key, names);
        const struct yaml *settings = yaml_member(service, "settings");
        if (!spec_is_service(service->key))
            spec_mistake(mistakes, service->line, "there is no service \"%.*s\"; %s %s",
                         STR_ARG(str_first(service->key, 60)),
                         near ? "did you mean" : "the first there is:", near ? near : names[0]);
        const struct yaml *replicas = yaml_member(service, "replicas");
        check_replicas(mistakes, replicas);
        if (replicas && str_eq(service->key, STR("hall")))
            spec_mistake(mistakes, replicas->line,
                         "there is always one hall pod, whose log has one writer; remove replicas "
                         "(gateways have them)");
        for (const struct yaml *one = settings ? settings->first : NULL; one; one = one->next) {
            char name[200];
            snprintf(name, sizeof(name), "%.*s.%.*s", STR_ARG(str_first(service->key, 60)),
                     STR_ARG(str_first(one->key, 60)));
            check_setting(mistakes, str_z(name), one);
        }
    }
}

void spec_check_services(const struct yaml *root, struct spec_mistakes *mistakes)
{
    const struct yaml *settings = yaml_member(root, "settings");
    const struct yaml *environments = yaml_member(root, "environments");
    for (const struct yaml *one = settings ? settings->first : NULL; one; one = one->next)
        check_setting(mistakes, one->key, one);
    check_services(mistakes, yaml_member(root, "services"));
    for (const struct yaml *e = environments ? environments->first : NULL; e; e = e->next)
        check_services(mistakes, yaml_member(e, "services"));
}
