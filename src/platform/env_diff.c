/* env_diff.c - are two environments the same but for what may differ?
 *
 * Both sides' files are taken apart into leaves: a path and a text each. In the texts, what names
 * or addresses each side itself (its name, domain, account, region, hash) gives way to a
 * placeholder: nonprod's name in nonprod's files equals prod's name in prod's, but nonprod's name
 * in prod's files stays, and is found. Leaves that a size decides may differ, if they are there in
 * both. All else is a difference. */
#include "platform/env_render.h"

#include <stdio.h>

struct leaf {
    str file, path;   /* with placeholders */
    str text, normal; /* as it is, and with placeholders */
    bool typed;       /* a number, true, false or null rather than text */
    bool matched;
    int line;
    struct leaf *next;
};

enum { OWN_HASH, OWN_DOMAIN, OWN_ACCOUNT, OWN_REGION, OWN_NAME, OWNS };

static const struct {
    const char *path, *placeholder, *kind; /* in terraform.tfvars.json */
} owns[OWNS] = {
    { "spec_hash", "<hash>", "name" },          { "domain", "<domain>", "address" },
    { "account", "<account>", "name" },         { "region", "<region>", "address" },
    { "environment", "<environment>", "name" },
};

struct side {
    const struct env_files *files;
    struct arena *arena;
    str own[OWNS];
    struct leaf *first, **end;
};

/* What may differ besides the schema's variables. `*` is any one step of a path. */
static const struct {
    const char *file, *path, *kind;
} listed[] = {
    { "environments/<environment>/values.yaml", "services.*.replicaCount", "size" },
    { "environments/<environment>/values.yaml", "services.*.autoscaling.minReplicas", "size" },
    { "environments/<environment>/values.yaml", "services.*.autoscaling.maxReplicas", "size" },
    { "environments/<environment>/values.yaml", "services.*.autoscaling.scheduledReplicas",
      "size" },
    { ".github/workflows/deliver-<environment>.yml", "on.workflow_run.workflows[0]", "name" },
    { ".github/workflows/deliver-<environment>.yml", "env.EXAMHALL_REHEARSE", "size" },
    { ".github/workflows/deliver-<environment>.yml", "jobs.deliver.runs-on", "name" },
    { ".gitlab/deliver-<environment>.yml", "deliver <environment>.needs[0]", "name" },
    { ".gitlab/deliver-<environment>.yml", "deliver <environment>.variables.EXAMHALL_REHEARSE",
      "size" },
    { ".gitlab/deliver-<environment>.yml", "deliver <environment>.tags[0]", "name" },
};

static bool path_matches(str pattern, str path)
{
    while (pattern.p && path.p) {
        str want = str_cut(&pattern, '.'), step = str_cut(&path, '.');
        if (!str_eq(want, STR("*")) && !str_eq(want, step))
            return false;
    }
    return !pattern.p && !path.p;
}

/* A variable of Terraform that a size decides, or that names or addresses one environment. */
static const char *variable_kind(str path)
{
    for (size_t i = 0; i < spec_environment_rows.count; i++) {
        const struct spec_row *row = &spec_environment_rows.rows[i];
        str name = str_from(str_z(row->path), sizeof("environments.*.") - 1);
        str rest = str_from(path, name.n);
        if (!(row->flags & SPEC_VARIABLE) || !str_starts(path, name) ||
            (rest.n && rest.p[0] != '['))
            continue;
        bool size = row->exam && strcmp(row->exam, row->value) != 0;
        return row->flags & SPEC_OWN ? "address" : size ? "size" : NULL;
    }
    return NULL;
}

static const char *kind_of(const struct leaf *leaf)
{
    if (str_eq(leaf->file, STR("environments/<environment>/terraform.tfvars.json")))
        return variable_kind(leaf->path);
    for (size_t i = 0; i < COUNT(listed); i++)
        if (str_eq(leaf->file, str_z(listed[i].file)) &&
            path_matches(str_z(listed[i].path), leaf->path))
            return listed[i].kind;
    return NULL;
}

/* --- placeholders ------------------------------------------------------------------------------
 */

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* A whole word, not a part of one: "prod" is not in "nonprod", nor "a.org" in "b.a.org". */
static bool stands_at(str text, size_t at, str word, bool domain)
{
    str rest = str_from(text, at);
    char before = at ? text.p[at - 1] : ' ', after = rest.n > word.n ? rest.p[word.n] : ' ';
    return word.n && str_starts(rest, word) && !is_word(before) && !is_word(after) &&
           !(domain && (before == '.' || before == '-'));
}

static str normal_of(const struct side *side, str text)
{
    struct out out = out_make(MIB);
    for (size_t at = 0; at < text.n;) {
        int own = 0;
        while (own < OWNS && !stands_at(text, at, side->own[own], own == OWN_DOMAIN))
            own++;
        if (own == OWNS)
            out_char(&out, text.p[at++]);
        else
            out_z(&out, owns[own].placeholder), at += side->own[own].n;
    }
    str normal = arena_str(side->arena, out_view(&out));
    must(normal.p || !out.n);
    out_fini(&out);
    return normal;
}

/* --- leaves ------------------------------------------------------------------------------------
 */

static void add_leaf(struct side *side, str file, str path, str text, bool typed, int line)
{
    struct leaf *leaf = arena_new(side->arena, struct leaf);
    must(leaf);
    *leaf = (struct leaf){ .file = file, .text = text.p ? text : STR(""), .typed = typed };
    leaf->line = line;
    leaf->path = normal_of(side, path);
    leaf->normal = normal_of(side, leaf->text);
    *side->end = leaf;
    side->end = &leaf->next;
}

static bool is_typed(const struct yaml *node)
{
    static const char *const words[] = { "true", "false", "null", "~" };
    bool word = !node->text.n;
    for (size_t i = 0; i < COUNT(words) && !word; i++)
        word = str_eq(node->text, str_z(words[i]));
    return node->plain &&
           (word || node->text.p[0] == '-' || (node->text.p[0] >= '0' && node->text.p[0] <= '9'));
}

static void add_tree(struct side *side, str file, str path, const struct yaml *node)
{
    unsigned i = 0;
    if (node->kind == YAML_SCALAR || !node->first) {
        str empty = node->kind == YAML_MAP ? STR("{}") : STR("[]");
        bool scalar = node->kind == YAML_SCALAR;
        add_leaf(side, file, path, scalar ? node->text : empty, !scalar || is_typed(node),
                 node->line);
        return;
    }
    for (const struct yaml *member = node->first; member; member = member->next) {
        str below = node->kind == YAML_LIST ? arena_fmt(side->arena, "%.*s[%u]", STR_ARG(path), i++)
                                            : arena_fmt(side->arena, "%.*s%s%.*s", STR_ARG(path),
                                                        path.n ? "." : "", STR_ARG(member->key));
        must(below.p);
        add_tree(side, file, below, member);
    }
}

/* `key = value` by its key, any other line by its number. */
static void add_lines(struct side *side, str file, str text)
{
    int number = 1;
    for (str rest = text; rest.p; number++) {
        str line = str_cut(&rest, '\n'), value = line, key = str_trim(str_cut(&value, '='));
        if (!value.p)
            key = arena_fmt(side->arena, "line %d", number);
        if (line.n || rest.p)
            add_leaf(side, file, key, value.p ? str_trim(value) : line, false, number);
    }
}

static fail add_file(struct side *side, const struct env_file *file, struct why *why)
{
    struct yaml *root;
    int line;
    str name = normal_of(side, file->path);
    if (!str_ends(file->path, STR(".json")) && !str_ends(file->path, STR(".yaml")) &&
        !str_ends(file->path, STR(".yml"))) {
        add_lines(side, name, file->text);
        return FAIL_NONE;
    }
    fail f = yaml_parse(&root, file->text, side->arena, &line, why);
    if (f)
        return why_add(why, f, "%.*s, line %d", STR_ARG(file->path), line);
    if (root)
        add_tree(side, name, STR(""), root);
    return FAIL_NONE;
}

/* --- a side ------------------------------------------------------------------------------------
 */

/* The one environment that the files are of: environments/NAME/. */
static fail read_name(struct side *side, struct why *why)
{
    for (unsigned i = 0; i < side->files->count; i++) {
        str rest = side->files->rows[i].path;
        if (!str_eq(str_cut(&rest, '/'), STR("environments")) || !rest.p)
            continue;
        str name = str_cut(&rest, '/');
        if (side->own[OWN_NAME].p && !str_eq(side->own[OWN_NAME], name))
            return fail_set(why, FAIL_INPUT,
                            "there are two environments, %.*s and %.*s; render each into a folder "
                            "of its own",
                            STR_ARG(side->own[OWN_NAME]), STR_ARG(name));
        side->own[OWN_NAME] = name;
    }
    return side->own[OWN_NAME].n ? FAIL_NONE
                                 : fail_set(why, FAIL_INPUT,
                                            "there is no environments/NAME/ in it; make it with: "
                                            "examhall env render NAME DIR");
}

static fail read_own(struct side *side, struct why *why)
{
    fail f = read_name(side, why);
    for (unsigned i = 0; i < side->files->count && !f; i++) {
        const struct env_file *file = &side->files->rows[i];
        struct yaml *root;
        int line;
        if (!str_ends(file->path, STR("/terraform.tfvars.json")))
            continue;
        f = yaml_parse(&root, file->text, side->arena, &line, why);
        for (int own = 0; own < OWN_NAME && !f; own++)
            side->own[own] = yaml_text(root, owns[own].path);
    }
    return f;
}

static fail read_leaves(struct side *side, struct why *why)
{
    fail f = FAIL_NONE;
    side->end = &side->first;
    for (unsigned i = 0; i < side->files->count && !f; i++)
        f = add_file(side, &side->files->rows[i], why);
    return f;
}

/* --- comparing ---------------------------------------------------------------------------------
 */

static void add_difference(struct env_comparison *to, struct env_difference ***end,
                           struct arena *arena, const char *kind, const struct leaf *a,
                           const struct leaf *b)
{
    const struct leaf *any = a ? a : b;
    struct env_difference *difference = arena_new(arena, struct env_difference);
    must(difference);
    *difference = (struct env_difference){ .kind = kind,
                                           .file = any->file,
                                           .path = any->path,
                                           .a = a ? a->text : STR_NONE,
                                           .b = b ? b->text : STR_NONE,
                                           .line_a = a ? a->line : 0,
                                           .line_b = b ? b->line : 0 };
    **end = difference;
    *end = &difference->next;
    if (kind)
        to->listed++;
    else
        to->different++;
}

/* Most of the time the next one: both sides were written in the same order. */
static struct leaf *partner(struct side *side, const struct leaf *leaf, const struct leaf *last)
{
    struct leaf *other = last ? last->next : side->first;
    if (other && !other->matched && str_eq(other->path, leaf->path) &&
        str_eq(other->file, leaf->file))
        return other;
    other = side->first;
    while (other &&
           (other->matched || !str_eq(other->path, leaf->path) || !str_eq(other->file, leaf->file)))
        other = other->next;
    return other;
}

static void compare(struct env_comparison *to, struct side *a, struct side *b, struct arena *arena)
{
    struct env_difference **end = &to->first;
    for (int own = 0; own < OWNS; own++) {
        struct leaf left = { .file = STR("everywhere"), .path = str_z(owns[own].path) };
        struct leaf right = left;
        left.text = a->own[own];
        right.text = b->own[own];
        if (!str_eq(left.text, right.text))
            add_difference(to, &end, arena, owns[own].kind, &left, &right);
    }
    struct leaf *last = NULL;
    for (struct leaf *leaf = a->first; leaf; leaf = leaf->next) {
        struct leaf *other = partner(b, leaf, last);
        const char *kind = kind_of(leaf);
        bool member = str_ends(leaf->path, STR("]")); /* a list may be longer, if it is listed */
        if (other)
            other->matched = true, last = other;
        if (!other || leaf->typed != other->typed)
            add_difference(to, &end, arena, member && !other ? kind : NULL, leaf, other);
        else if (!str_eq(leaf->normal, other->normal))
            add_difference(to, &end, arena, kind, leaf, other);
    }
    for (struct leaf *leaf = b->first; leaf; leaf = leaf->next)
        if (!leaf->matched)
            add_difference(to, &end, arena, str_ends(leaf->path, STR("]")) ? kind_of(leaf) : NULL,
                           NULL, leaf);
}

fail env_compare(struct env_comparison *to, const struct env_files *a, const struct env_files *b,
                 struct arena *arena, struct why *why)
{
    struct side sides[2] = { { .files = a, .arena = arena }, { .files = b, .arena = arena } };
    fail f = read_own(&sides[0], why);
    if (!f)
        f = read_own(&sides[1], why);
    for (int own = 0; own < OWNS; own++) /* what both share is no name of one */
        if (!f && own != OWN_NAME && str_eq(sides[0].own[own], sides[1].own[own]))
            sides[0].own[own] = sides[1].own[own] = STR_NONE;
    if (!f)
        f = read_leaves(&sides[0], why);
    if (!f)
        f = read_leaves(&sides[1], why);
    if (f)
        return f;
    *to = (struct env_comparison){ .name_a = sides[0].own[OWN_NAME],
                                   .name_b = sides[1].own[OWN_NAME] };
    compare(to, &sides[0], &sides[1], arena);
    return FAIL_NONE;
}
