/* cmd_image.c - `examhall image`: this program as an OCI image, made here, pushed to a registry. */
#include "cli/cmd.h"
#include "codec/json_out.h"
#include "platform/image.h"

#include <stdlib.h>
#include <time.h>

struct build {
    const char *out, *tag, *key, *builder;
    struct image_source source;
    struct image_facts facts;
};

/* https://reproducible-builds.org/specs/source-date-epoch/ */
static fail read_time(int64_t *created_s, struct why *why)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    *created_s = commit_time_s();
    if (epoch && (!str_i64(str_z(epoch), created_s) || *created_s < 0 || *created_s > UINT32_MAX))
        return fail_set(why, FAIL_USAGE,
                        "SOURCE_DATE_EPOCH is \"%s\", but must be seconds since 1970", epoch);
    return FAIL_NONE;
}

static bool is_among(str s, const char *more)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !(c && strchr(more, c)))
            return false;
    }
    return s.n > 0;
}

/* NAME:TAG, the tag being the last part without a '/': registry.example.org:5000/examhall:1.0 */
static fail read_tag(struct build *build, struct why *why)
{
    str all = str_z(build->tag);
    size_t colon = all.n;
    while (colon > 0 && all.p[colon - 1] != ':' && all.p[colon - 1] != '/')
        colon--;
    bool has_tag = colon > 0 && all.p[colon - 1] == ':';
    build->facts.name = has_tag ? str_first(all, colon - 1) : all;
    build->facts.tag = has_tag ? str_from(all, colon) : str_z(version());
    if (!is_among(build->facts.name, "._-/:") || build->facts.tag.n > 128 ||
        !is_among(build->facts.tag, "._-ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        return fail_set(why, FAIL_USAGE,
                        "--tag is \"%s\", but must be NAME:TAG, such as examhall:1.0", build->tag);
    return FAIL_NONE;
}

static fail write_image(const struct build *build, const struct image *image, struct why *why)
{
    if (str_ends(str_z(build->out), STR(".tar")))
        return image_write_tar(image, build->source.created_s, build->source.files, build->out,
                               why);
    return image_write_dir(image, build->source.files, build->out, why);
}

static void print_built(const struct build *build, const struct image *image)
{
    struct out out = out_make(64 * KIB);
    if (is_json_wanted()) {
        jo_open(&out, NULL, '{');
        jo_z(&out, "image", build->out);
        jo_str(&out, "name", build->facts.name);
        jo_str(&out, "tag", build->facts.tag);
        jo_name(&out, "digest");
        out_fmt(&out, "\"sha256:%s\"", image->manifest.digest.hex);
        jo_i64(&out, "bytes", (int64_t)image->bytes);
        jo_i64(&out, "packages", (int64_t)image->root.package_count);
        jo_bool(&out, "signed", build->facts.secret != NULL);
        out_z(&out, "}\n");
    } else {
        out_fmt(&out, "%s: %.*s:%.*s, %.1f MB compressed, of %zu Debian packages\nsha256:%s\n",
                build->out, STR_ARG(build->facts.name), STR_ARG(build->facts.tag),
                (double)image->bytes / 1e6, image->root.package_count, image->manifest.digest.hex);
    }
    fwrite(out.p, 1, out.n, stdout);
    out_fini(&out);
}

static fail build_image(struct build *build, struct arena *arena, struct why *why)
{
    struct image image;
    fail f = read_tag(build, why);
    if (!f)
        f = read_time(&build->facts.created_s, why);
    if (f)
        return f;
    build->source.created_s = build->facts.created_s;
    f = image_build(&image, &build->source, &build->facts, arena, why);
    if (!f)
        f = write_image(build, &image, why);
    if (!f)
        print_built(build, &image);
    return f;
}

static fail build_command(struct build *build, struct arena *arena, struct why *why)
{
    build->source = (struct image_source){ .files = files_real(),
                                           .program = "/proc/self/exe",
                                           .root = STR("") };
    build->facts = (struct image_facts){ .version = str_z(version()),
                                         .revision = str_z(revision()),
                                         .builder = str_z(build->builder) };
    return build_image(build, arena, why);
}

int cmd_image(int argc, char **argv)
{
    struct build build = { .out = "image", .tag = "examhall", .builder = "urn:examhall:by-hand" };
    const struct option options[] = { { "--out", &build.out, NULL },
                                      { "--tag", &build.tag, NULL },
                                      { "--builder", &build.builder, NULL } };
    const char *words[3];
    size_t words_n;
    bool stop;
    struct why why;
    int status = args_parse(argc, argv, options, COUNT(options), words, 3, &words_n, &stop);
    if (status || stop)
        return status;
    if (words_n == 0)
        return help_for("image", stderr);
    struct arena arena = arena_make(IMAGE_BYTES_MAX);
    fail f = FAIL_USAGE;
    if (words_n == 1 && strcmp(words[0], "build") == 0)
        f = build_command(&build, &arena, &why);
    else
        fail_set(&why, f,
                 "image has no such action: build, push or inspect; see examhall image --help");
    arena_fini(&arena);
    return f ? complain(f, &why) : EXIT_DONE;
}
