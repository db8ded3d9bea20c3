/* env_add.c - puts one more environment into a spec's text, and leaves every other byte alone:
 * comments, order and blanks are people's. */
#include "platform/env.h"

#include "base/out.h"
#include "codec/yaml_out.h"

#include <stdio.h>
#include <stdlib.h>

/* Where line `line` (from 1) begins; the end when there are fewer. */
static size_t line_start(str text, int line)
{
    size_t at = 0;
    while (line > 1 && at < text.n) {
        ptrdiff_t end = str_find(str_from(text, at), '\n');
        at = end < 0 ? text.n : at + (size_t)end + 1;
        line--;
    }
    return at;
}

static str line_at(str text, size_t start)
{
    str rest = str_from(text, start);
    return str_cut(&rest, '\n');
}

/* Behind the last line that belongs to the block whose key stands on `line`: blank lines and
 * comments at the left margin belong to what follows. */
static size_t block_end(str text, int line)
{
    size_t end = line_start(text, line + 1);
    for (size_t at = end; at < text.n;) {
        str row = line_at(text, at);
        size_t next = MIN(at + row.n + 1, text.n);
        bool blank = !str_trim(row).n;
        if (!blank && row.p[0] != ' ' && row.p[0] != '#')
            break;
        if (!blank && row.p[0] == ' ')
            end = next;
        at = next;
    }
    return end;
}

static void write_environment(struct out *out, const struct env_addition *addition, size_t indent,
                              const char *newline)
{
    bool first = true;
    out_fmt(out, "%*s%s: {", (int)indent, "", addition->name);
    if (addition->like)
        out_fmt(out, "like: %s", addition->like);
    first = !addition->like;
    for (size_t i = 0; i < COUNT(addition->keys) && addition->keys[i][0]; i++) {
        if (!addition->keys[i][1])
            continue;
        out_fmt(out, "%s%s: ", first ? "" : ", ", addition->keys[i][0]);
        yaml_scalar(out, str_z(addition->keys[i][1]));
        first = false;
    }
    out_fmt(out, "}%s", newline);
}

/* How far the members of `environments` are indented; 2 when there is none yet. */
static size_t indent_of(str text, const struct yaml *map)
{
    size_t blanks = 0;
    if (!map || !map->first)
        return 2;
    str row = line_at(text, line_start(text, map->first->line));
    while (blanks < row.n && row.p[blanks] == ' ')
        blanks++;
    return blanks;
}

static fail check_result(str result, struct arena *arena, struct why *why)
{
    struct spec spec;
    struct spec_mistakes *mistakes = arena_new(arena, struct spec_mistakes);
    must(mistakes);
    spec_read(&spec, result, arena, mistakes);
    return mistakes->count ? fail_set(why, FAIL_INPUT, "it would be wrong, so it is not added: %s",
                                      mistakes->rows[0].text)
                           : FAIL_NONE;
}

static fail insert(const struct spec *spec, const struct env_addition *addition,
                   struct arena *arena, str *result, struct why *why)
{
    const struct yaml *map = yaml_member(spec->tree, "environments");
    const char *newline = str_find_str(spec->text, STR("\r\n")) >= 0 ? "\r\n" : "\n";
    struct out out = out_make(2 * MIB);
    str text = spec->text;
    size_t at = map ? block_end(text, map->line) : text.n;
    out_str(&out, str_first(text, at));
    if (out.n && out.p[out.n - 1] != '\n')
        out_z(&out, newline);
    if (!map)
        out_fmt(&out, "%senvironments:%s", newline, newline);
    write_environment(&out, addition, indent_of(text, map), newline);
    out_str(&out, str_from(text, at));
    *result = arena_str(arena, out_view(&out));
    bool fits = !out.failed && result->p;
    out_fini(&out);
    return fits ? check_result(*result, arena, why)
                : fail_set(why, FAIL_LIMIT, "the spec would be too large");
}

fail env_add(str text, const struct env_addition *addition, struct arena *arena, str *result,
             struct why *why)
{
    struct spec spec;
    fail f = spec_parse(&spec, "the spec", text, arena, why);
    const struct yaml *map = f ? NULL : yaml_member(spec.tree, "environments");
    if (f)
        return f;
    if (yaml_member(map, addition->name))
        return fail_set(why, FAIL_CONFLICT, "there is an environment %s already, in line %d",
                        addition->name, yaml_member(map, addition->name)->line);
    if (map && map->first && map->first->line == map->line)
        return fail_set(why, FAIL_CONFLICT,
                        "line %d has all environments in one; write each on a line of its own "
                        "below `environments:`",
                        map->line);
    if (map && !map->first && map->kind == YAML_MAP)
        return fail_set(why, FAIL_CONFLICT, "line %d says `{}`; write only `environments:`",
                        map->line);
    return insert(&spec, addition, arena, result, why);
}
