/* yaml.c - see yaml.h. */
#include "codec/yaml.h"

#include <libfyaml.h>

struct reader {
    struct arena *arena;
    int *line;
    struct why *why;
};

static fail refuse(struct reader *r, int line, const char *what)
{
    *r->line = line;
    return fail_set(r->why, FAIL_INPUT, "this is not YAML: %s", what);
}

static int line_of(struct fy_node *node)
{
    struct fy_token *token = node ? fy_node_get_scalar_token(node) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    return mark ? mark->line + 1 : 0;
}

static bool scalar_of(struct reader *r, struct fy_node *node, str *text)
{
    size_t n = 0;
    const char *p = node ? fy_node_get_scalar(node, &n) : NULL;
    *text = p ? arena_str(r->arena, str_of(p, n)) : STR_NONE;
    return !p || text->p;
}

static fail convert(struct reader *r, struct fy_node *from, struct yaml *to, int depth);

static fail add(struct reader *r, struct yaml *to, struct yaml ***end, struct fy_node *key,
                struct fy_node *value, int depth)
{
    struct yaml *member = arena_new(r->arena, struct yaml);
    if (!member)
        return fail_set(r->why, FAIL_LIMIT, "there is too much in it");
    member->line = key ? line_of(key) : to->line;
    if (!member->line)
        member->line = to->line;
    if (key && (!fy_node_is_scalar(key) || fy_node_is_alias(key)))
        return refuse(r, member->line, "a key must be a word");
    if (key && !scalar_of(r, key, &member->key))
        return fail_set(r->why, FAIL_LIMIT, "there is too much in it");
    if (key && !member->key.p)
        member->key = STR("");
    **end = member;
    *end = &member->next;
    to->count++;
    return convert(r, value, member, depth + 1);
}

static fail convert(struct reader *r, struct fy_node *from, struct yaml *to, int depth)
{
    struct yaml **end = &to->first;
    struct fy_node_pair *pair;
    struct fy_node *item;
    void *at = NULL;
    fail f = FAIL_NONE;
    if (depth > YAML_DEPTH_MAX)
        return refuse(r, to->line, "nested more than 64 deep");
    if (from && fy_node_is_mapping(from)) {
        to->kind = YAML_MAP;
        while (!f && (pair = fy_node_mapping_iterate(from, &at)))
            f = add(r, to, &end, fy_node_pair_key(pair), fy_node_pair_value(pair), depth);
    } else if (from && fy_node_is_sequence(from)) {
        to->kind = YAML_LIST;
        while (!f && (item = fy_node_sequence_iterate(from, &at)))
            f = add(r, to, &end, NULL, item, depth);
    } else {
        if (from && fy_node_is_alias(from))
            return refuse(r, to->line, "an alias (*); write the value out");
        if (!scalar_of(r, from, &to->text))
            return fail_set(r->why, FAIL_LIMIT, "there is too much in it");
        if (!to->key.p && line_of(from))
            to->line = line_of(from);
        to->plain = from && fy_node_get_style(from) == FYNS_PLAIN;
        if (to->plain && !to->text.n)
            to->text = STR_NONE;
    }
    if (!to->key.p && to->first) /* a list's member begins where its first member does */
        to->line = to->first->line;
    return f;
}

/* YAML knows no tabs before a key, and its own complaint names another line. 0: there is none. */
static int line_of_tab(str text)
{
    int line = 1;
    for (str rest = text; rest.p; line++) {
        str row = str_cut(&rest, '\n');
        size_t blanks = 0;
        while (blanks < row.n && (row.p[blanks] == ' ' || row.p[blanks] == '\t'))
            blanks++;
        if (blanks < row.n && row.p[blanks] != '#' && str_find(str_first(row, blanks), '\t') >= 0)
            return line;
    }
    return 0;
}

static fail parse(struct reader *r, struct fy_diag *diag, str text, struct yaml **root)
{
    /* Repeated keys are the caller's to refuse: it can say which. Aliases are not resolved. */
    struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_ALLOW_DUPLICATE_KEYS, .diag = diag };
    struct fy_document *document = fy_document_build_from_string(&cfg, text.p, text.n);
    struct fy_node *from = document ? fy_document_root(document) : NULL;
    void *at = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &at);
    struct yaml *to = from ? arena_new(r->arena, struct yaml) : NULL;
    fail f = FAIL_NONE;
    if (from && !to)
        f = fail_set(r->why, FAIL_LIMIT, "there is too much in it");
    else if (from)
        to->line = 1, f = convert(r, from, to, 0);
    else if (error)
        f = refuse(r, error->line, error->msg ? error->msg : "unreadable");
    *root = f ? NULL : to;
    fy_document_destroy(document);
    return f;
}

fail yaml_parse(struct yaml **root, str text, struct arena *arena, int *line, struct why *why)
{
    struct reader r = { arena, line, why };
    int tab = line_of_tab(text);
    *root = NULL;
    *line = 1;
    if (!str_is_utf8(text))
        return fail_set(why, FAIL_INPUT, "the file is not UTF-8; save it as UTF-8");
    if (tab)
        return refuse(&r, tab, "a tab; indent with spaces");
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&diag_cfg);
    must(diag);
    fy_diag_set_collect_errors(diag, true);
    fail f = parse(&r, diag, text, root);
    fy_diag_destroy(diag);
    return f;
}

struct yaml *yaml_member(const struct yaml *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (struct yaml *member = map->first; member; member = member->next)
        if (str_eq(member->key, str_z(key)))
            return member;
    return NULL;
}

str yaml_text(const struct yaml *map, const char *key)
{
    const struct yaml *member = yaml_member(map, key);
    return member && member->kind == YAML_SCALAR ? member->text : STR_NONE;
}
