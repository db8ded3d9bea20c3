/* cmd_env.c - `examhall env`: what environments the spec describes, whether it is right, one more.
 * Rendering and comparing are in
 * cmd_env_render.c. */
#include "cli/cmd_env.h"

#include "codec/json_out.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void print_out(struct out *out)
{
    must(!out->failed);
    fwrite(out->p, 1, out->n, stdout);
    out_fini(out);
}

const char *spec_path(const char *given)
{
    static const char beside[] = "hall.yaml", inside[] = "hall/hall.yaml";
    return given ? given : access(beside, F_OK) == 0 ? beside : inside;
}

/* --- check -------------------------------------------------------------------------------------
 */

static void write_mistakes(struct out *out, const char *path, const struct spec_mistakes *mistakes)
{
    unsigned shown = MIN(mistakes->count, SPEC_MISTAKES_MAX);
    for (unsigned i = 0; i < shown; i++)
        out_fmt(out, "%s, line %d: %s\n", path, mistakes->rows[i].line, mistakes->rows[i].text);
    if (mistakes->count > shown)
        out_fmt(out, "and %u more\n", mistakes->count - shown);
    if (mistakes->count)
        out_fmt(out, "\n%u mistake%s. The spec is not used until %s right.\n", mistakes->count,
                mistakes->count == 1 ? "" : "s", mistakes->count == 1 ? "it is" : "they are");
    else
        out_fmt(out, "%s is right.\n", path);
}

static void write_mistakes_json(struct out *out, const char *path,
                                const struct spec_mistakes *mistakes)
{
    jo_z(out, "spec", path);
    jo_bool(out, "valid", mistakes->count == 0);
    jo_open(out, "mistakes", '[');
    for (unsigned i = 0; i < MIN(mistakes->count, SPEC_MISTAKES_MAX); i++) {
        jo_open(out, NULL, '{');
        jo_i64(out, "line", mistakes->rows[i].line);
        jo_z(out, "text", mistakes->rows[i].text);
        jo_close(out, '}');
    }
    jo_close(out, ']');
}

static void write_explanation(struct out *out, const struct spec *spec, struct arena *arena,
                              bool json)
{
    const struct yaml *map = yaml_member(spec->tree, "environments");
    if (json)
        jo_open(out, "settings", '[');
    spec_explain(spec, out, json);
    for (const struct yaml *e = map ? map->first : NULL; e; e = e->next) {
        struct env env;
        struct why why;
        if (env_open(&env, spec, e->key, arena, &why) == FAIL_NONE)
            env_explain(&env, out, json);
    }
    if (json)
        jo_close(out, ']');
}

static int check(const struct env_words *words, struct arena *arena)
{
    struct spec spec;
    struct why why;
    str text;
    struct out out = out_make(16 * MIB);
    struct spec_mistakes *mistakes = arena_new(arena, struct spec_mistakes);
    must(mistakes);
    fail f = spec_file(words->spec, arena, &text, &why);
    if (f)
        return complain(f, &why);
    spec_read(&spec, text, arena, mistakes);
    bool explain = words->explain && !mistakes->count;
    if (is_json_wanted()) {
        jo_open(&out, NULL, '{');
        write_mistakes_json(&out, words->spec, mistakes);
        if (explain)
            write_explanation(&out, &spec, arena, true);
        out_z(&out, "}\n");
    } else if (explain) {
        write_explanation(&out, &spec, arena, false);
    } else {
        write_mistakes(&out, words->spec, mistakes);
    }
    print_out(&out);
    return mistakes->count ? EXIT_NO : EXIT_DONE;
}

/* --- list --------------------------------------------------------------------------------------
 */

static void list_json(struct out *out, const struct env *env)
{
    static const char *const keys[] = { "on", "like", "size", "account", "region", "domain" };
    jo_open(out, NULL, '{');
    jo_str(out, "name", env->name);
    for (size_t i = 0; i < COUNT(keys); i++)
        jo_str(out, keys[i], env_text(env, keys[i]));
    jo_z(out, "hash", env->hash);
    jo_close(out, '}');
}

static void list_line(struct out *out, const struct env *env)
{
    str account = env_text(env, "account"), region = env_text(env, "region");
    str like = env_text(env, "like");
    out_fmt(out, "%-12.*s %-8.*s %-6.*s %-13.*s %-15.*s %-28.*s %.*s\n", STR_ARG(env->name),
            STR_ARG(env_text(env, "on")), STR_ARG(env_text(env, "size")),
            STR_ARG(env->cloud ? account : STR("-")), STR_ARG(env->cloud ? region : STR("-")),
            STR_ARG(env_text(env, "domain")), STR_ARG(like.n ? like : STR("-")));
}

static int list(const struct env_words *words, struct arena *arena)
{
    struct spec spec;
    struct why why;
    struct out out = out_make(MIB);
    fail f = spec_load(&spec, words->spec, arena, &why);
    const struct yaml *map = f ? NULL : yaml_member(spec.tree, "environments");
    if (f)
        return complain(f, &why);
    if (is_json_wanted())
        out_z(&out, "{\"environments\":[");
    else
        out_fmt(&out, "%-12s %-8s %-6s %-13s %-15s %-28s %s\n", "ENVIRONMENT", "ON", "SIZE",
                "ACCOUNT", "REGION", "DOMAIN", "LIKE");
    for (const struct yaml *e = map ? map->first : NULL; e; e = e->next) {
        struct env env;
        f = env_open(&env, &spec, e->key, arena, &why);
        must(!f); /* it was just found there */
        (is_json_wanted() ? list_json : list_line)(&out, &env);
    }
    out_z(&out, is_json_wanted() ? "]}\n" : "");
    print_out(&out);
    return EXIT_DONE;
}

/* --- add ---------------------------------------------------------------------------------------
 */

/* Beside and renamed: whoever reads the spec meanwhile sees the old one or the new one. */
fail replace_file(const char *path, str text, struct why *why)
{
    char beside[4200];
    struct stat st;
    snprintf(beside, sizeof(beside), "%s.new", path);
    FILE *file = stat(path, &st) == 0 ? fopen(beside, "we") : NULL;
    if (!file)
        return fail_errno(why, FAIL_WORLD, "cannot write %s", beside);
    bool ok = fwrite(text.p, 1, text.n, file) == text.n && fflush(file) == 0;
    ok = ok && fchmod(fileno(file), st.st_mode & 07777) == 0 && fsync(fileno(file)) == 0;
    ok = fclose(file) == 0 && ok && rename(beside, path) == 0;
    if (ok)
        return FAIL_NONE;
    fail f = fail_errno(why, FAIL_WORLD, "cannot write %s", path);
    unlink(beside);
    return f;
}

static int add(const struct env_words *words, struct arena *arena)
{
    struct env_addition addition = { .name = words->words[1],
                                     .like = words->like,
                                     .keys = { { "on", words->on },
                                               { "account", words->account },
                                               { "region", words->region },
                                               { "domain", words->domain },
                                               { "size", words->size } } };
    struct why why;
    str text, result;
    struct out out = out_make(MIB);
    fail f = spec_file(words->spec, arena, &text, &why);
    if (!f)
        f = env_add(text, &addition, arena, &result, &why);
    if (!f)
        f = replace_file(words->spec, result, &why);
    if (f)
        return complain(f, &why);
    if (is_json_wanted()) {
        jo_open(&out, NULL, '{');
        jo_z(&out, "added", addition.name);
        jo_z(&out, "spec", words->spec);
        out_z(&out, "}\n");
    } else {
        out_fmt(&out,
                "%s has the environment %s now. Nothing of the others changed.\n"
                "Next: examhall env render %s DIR\n",
                words->spec, addition.name, addition.name);
    }
    print_out(&out);
    return EXIT_DONE;
}

/* --- the command -------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    size_t words; /* with its own name */
    int (*run)(const struct env_words *words, struct arena *arena);
} actions[] = {
    { "list", 1, list },
    { "check", 1, check },
    { "add", 2, add },
    { "render", 3, env_render_command },
    { "diff", 3, env_diff_command },
};

int cmd_env(int argc, char **argv)
{
    struct env_words words = { 0 };
    size_t n;
    bool stop;
    const struct option options[] = {
        { "--spec", &words.spec, NULL },       { "--explain", NULL, &words.explain },
        { "--like", &words.like, NULL },       { "--on", &words.on, NULL },
        { "--account", &words.account, NULL }, { "--region", &words.region, NULL },
        { "--domain", &words.domain, NULL },   { "--size", &words.size, NULL },
    };
    int status =
        args_parse(argc, argv, options, COUNT(options), words.words, COUNT(words.words), &n, &stop);
    if (status || stop)
        return status;
    words.spec = spec_path(words.spec);
    for (size_t i = 0; i < COUNT(actions) && n; i++) {
        if (strcmp(words.words[0], actions[i].name) != 0 || actions[i].words != n)
            continue;
        struct arena arena = arena_make(256 * MIB);
        status = actions[i].run(&words, &arena);
        arena_fini(&arena);
        return status;
    }
    return help_for("env", stderr);
}
