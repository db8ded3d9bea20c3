/* cmd_env_render.c - `examhall env render` and `env diff`: the files of an environment, and whether
 * two are the same. */
#include "cli/cmd_env.h"
#include "codec/json_out.h"
#include "platform/env_render.h"

#include <stdio.h>
#include <sys/stat.h>

static fail render(struct env_files *files, struct env *env, const char *spec_path,
                   const char *name, struct arena *arena, struct why *why)
{
    struct spec *spec = arena_new(arena, struct spec);
    must(spec);
    fail f = spec_load(spec, spec_path, arena, why);
    if (!f)
        f = env_open(env, spec, str_z(name), arena, why);
    if (!f)
        env_render(env, files);
    return f;
}

int env_render_command(const struct env_words *words, struct arena *arena)
{
    const char *dir = words->words[2];
    struct env_files files;
    struct env env;
    struct why why;
    struct out out = out_make(MIB);
    fail f = render(&files, &env, words->spec, words->words[1], arena, &why);
    for (unsigned i = 0; i < files.count && !f; i++)
        f = env_file_write(&files.rows[i], dir, &why);
    if (f)
        return complain(f, &why);
    if (is_json_wanted()) {
        jo_open(&out, NULL, '{');
        jo_str(&out, "environment", env.name);
        jo_z(&out, "hash", env.hash);
        jo_open(&out, "files", '[');
        for (unsigned i = 0; i < files.count; i++)
            jo_str(&out, NULL, files.rows[i].path);
        out_z(&out, "]}\n");
    } else {
        for (unsigned i = 0; i < files.count; i++)
            out_fmt(&out, "%s/%.*s\n", dir, STR_ARG(files.rows[i].path));
        if (!env.cloud)
            out_fmt(&out, "%.*s stands on a machine: serve it with examhall serve --spec %s\n",
                    STR_ARG(env.name), words->spec);
    }
    print_out(&out);
    return EXIT_DONE;
}

/* --- diff --------------------------------------------------------------------------------------
 */

/* An environment of the spec, or a folder that one was rendered into. */
static fail side_of(struct env_files *files, const char *spec_path, const char *word,
                    struct arena *arena, struct why *why)
{
    struct stat st;
    struct env env;
    bool folder = strchr(word, '/') || (stat(word, &st) == 0 && S_ISDIR(st.st_mode));
    return folder ? env_files_read(files, word, arena, why)
                  : render(files, &env, spec_path, word, arena, why);
}

static void write_json(struct out *out, const struct env_comparison *c, bool listed)
{
    jo_open(out, listed ? "listed" : "differences", '[');
    for (const struct env_difference *d = c->first; d; d = d->next) {
        if (!d->kind == listed)
            continue;
        jo_open(out, NULL, '{');
        jo_str(out, "file", d->file);
        jo_str(out, "path", d->path);
        if (d->kind)
            jo_z(out, "kind", d->kind);
        jo_str(out, "a", d->a);
        jo_str(out, "b", d->b);
        jo_i64(out, "line_a", d->line_a);
        jo_i64(out, "line_b", d->line_b);
        jo_close(out, '}');
    }
    jo_close(out, ']');
}

static void write_value(struct out *out, str text)
{
    str line = text, first = str_cut(&line, '\n'); /* a script: its first line will do */
    if (!text.p)
        out_z(out, "(not there)");
    else
        out_fmt(out, "%.*s%s", STR_ARG(str_first(first, 60)), line.p || first.n > 60 ? "..." : "");
}

static void write_text(struct out *out, const struct env_comparison *c, bool listed)
{
    str file = STR_NONE;
    for (const struct env_difference *d = c->first; d; d = d->next) {
        if (!d->kind == listed)
            continue;
        if (!str_eq(file, d->file))
            out_fmt(out, "%.*s\n", STR_ARG(d->file));
        file = d->file;
        out_fmt(out, "  %-8s %-52.*s ", d->kind ? d->kind : "DIFFERS", STR_ARG(d->path));
        write_value(out, d->a);
        out_z(out, " | ");
        write_value(out, d->b);
        out_char(out, '\n');
    }
}

static void write_comparison(struct out *out, const struct env_comparison *c)
{
    write_text(out, c, true);
    if (!c->different) {
        out_fmt(out, "\n%.*s and %.*s are identical but for these %u names, addresses and sizes.\n",
                STR_ARG(c->name_a), STR_ARG(c->name_b), c->listed);
        return;
    }
    out_z(out, "\n");
    write_text(out, c, false);
    out_fmt(out,
            "\n%.*s and %.*s differ in %u place%s that must not differ. Set the same in both, or "
            "render the one that is old again.\n",
            STR_ARG(c->name_a), STR_ARG(c->name_b), c->different, c->different == 1 ? "" : "s");
}

int env_diff_command(const struct env_words *words, struct arena *arena)
{
    struct env_files *files = arena_many(arena, struct env_files, 2);
    struct env_comparison c;
    struct why why;
    struct out out = out_make(16 * MIB);
    must(files);
    fail f = side_of(&files[0], words->spec, words->words[1], arena, &why);
    if (!f)
        f = side_of(&files[1], words->spec, words->words[2], arena, &why);
    if (!f)
        f = env_compare(&c, &files[0], &files[1], arena, &why);
    if (f)
        return complain(f, &why);
    if (is_json_wanted()) {
        jo_open(&out, NULL, '{');
        jo_str(&out, "a", c.name_a);
        jo_str(&out, "b", c.name_b);
        jo_bool(&out, "identical", c.different == 0);
        write_json(&out, &c, true);
        write_json(&out, &c, false);
        out_z(&out, "}\n");
    } else {
        write_comparison(&out, &c);
    }
    print_out(&out);
    return c.different ? EXIT_NO : EXIT_DONE;
}
