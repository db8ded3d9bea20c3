/* spec.c - any bytes as a spec. Whatever is in it, mistakes have lines within the file; a spec
 * without mistakes resolves, explains and takes one environment more without a byte changed. */
#include "platform/env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct spec *spec, struct arena *arena)
{
    const struct yaml *map = yaml_member(spec->tree, "environments");
    struct out out = out_make(16 * MIB);
    struct why why;
    spec_explain(spec, &out, true);
    for (const struct yaml *e = map ? map->first : NULL; e; e = e->next) {
        struct env env;
        must(env_open(&env, spec, e->key, arena, &why) == FAIL_NONE);
        env_explain(&env, &out, false);
    }
    out_fini(&out);
}

static void add(str text, struct arena *arena)
{
    static const struct env_addition addition = { .name = "added",
                                                  .keys = { { "on", "machine" } } };
    struct why why;
    str result;
    if (env_add(text, &addition, arena, &result, &why))
        return;
    size_t before = 0, after = 0;
    while (before < text.n && text.p[before] == result.p[before])
        before++;
    while (after < text.n - before && text.p[text.n - 1 - after] == result.p[result.n - 1 - after])
        after++;
    must(before + after == text.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct spec_mistakes mistakes;
    struct arena arena = arena_make(64 * MIB);
    struct spec spec;
    str text = arena_str(&arena, str_of(data, size));
    int lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n' || data[i] == '\r';
    spec_read(&spec, text, &arena, &mistakes);
    for (unsigned i = 0; i < MIN(mistakes.count, SPEC_MISTAKES_MAX); i++)
        must(mistakes.rows[i].line >= 1 && mistakes.rows[i].line <= lines + 1);
    if (!mistakes.count) {
        use(&spec, &arena);
        add(text, &arena);
    }
    arena_fini(&arena);
    return 0;
}
