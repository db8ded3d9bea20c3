/* image_program.c - see image_program.h. */
#include "platform/image_program.h"

#include "codec/gzip.h"
#include "codec/json.h"
#include "platform/image_push.h"
#include "platform/tar_read.h"

#include <stdio.h>

#define LAYER_BYTES_MAX (512 * MIB) /* unpacked */

/* Of a layer, for the file that is looked for. */
struct sight {
    str path;
    bool found, hidden; /* hidden: layers below do not show it any more */
    struct digest digest;
};

static fail entrypoint(str config, struct arena *arena, str *path, struct why *why)
{
    struct json *root;
    fail f = json_parse(&root, config, arena, why);
    const struct json *list = f ? NULL : json_get(json_get(root, STR("config")), STR("Entrypoint"));
    const struct json *first = list && list->type == JSON_ARRAY ? list->first : NULL;
    if (!f && (!first || first->type != JSON_STRING || !str_starts(first->text, STR("/"))))
        f = fail_set(why, FAIL_INPUT, "its entrypoint is not the path of a program");
    if (!f)
        *path = str_from(first->text, 1);
    return f;
}

/* A whiteout takes away what lower layers have: the file, a folder above it, or all of a folder.
 * Specification: OCI image, "Whiteouts". */
static bool takes_away(const char *entry, str path)
{
    const char *slash = strrchr(entry, '/'), *name = slash ? slash + 1 : entry;
    str folder = str_of(entry, (size_t)(name - entry));
    if (strncmp(name, ".wh.", 4) != 0 || !str_starts(path, folder))
        return false;
    str below = str_from(path, folder.n), gone = str_z(name + 4);
    return strcmp(name, ".wh..wh..opq") == 0 ||
           (str_starts(below, gone) && (below.n == gone.n || below.p[gone.n] == '/'));
}

static fail look(struct sight *sight, str archive, struct why *why)
{
    struct tar_file file;
    fail f;
    while (!(f = tar_next(&file, &archive, why))) {
        bool it = str_eq(str_z(file.path), sight->path);
        if (it && !file.is_file)
            return fail_set(why, FAIL_INPUT, "its entrypoint is a link or a folder, not a file");
        if (it)
            sight->digest = digest_of(file.bytes);
        sight->found |= it;
        sight->hidden |= takes_away(file.path, sight->path);
    }
    return f == FAIL_MISSING ? FAIL_NONE : f;
}

static fail look_into(struct sight *sight, const struct image_layout *layout,
                      const struct image_part *part, struct why *why)
{
    struct arena arena = arena_make(LAYER_BYTES_MAX);
    struct out out = out_make(LAYER_BYTES_MAX);
    str bytes;
    fail f = image_layout_blob(layout, part, &arena, &bytes, why);
    bool packed = str_ends(part->media_type, STR("+gzip"));
    if (!f && packed && !gzip_unpack(&out, bytes))
        f = fail_set(why, FAIL_INPUT, "the layer sha256:%s cannot be unpacked", part->digest.hex);
    if (!f)
        f = look(sight, packed ? out_view(&out) : bytes, why);
    out_fini(&out);
    arena_fini(&arena);
    return f;
}

static fail read_layout(struct image_program *program, const struct image_layout *layout,
                        struct arena *arena, struct why *why)
{
    str manifest, config;
    struct image_part parts[IMAGE_PARTS_MAX];
    size_t count = 0;
    program->image = layout->manifests[0].digest;
    fail f = image_layout_blob(layout, &layout->manifests[0], arena, &manifest, why);
    if (!f)
        f = image_manifest_parts(manifest, parts, &count, arena, why);
    if (!f)
        f = image_layout_blob(layout, &parts[0], arena, &config, why);
    if (!f)
        f = entrypoint(config, arena, &program->path, why);
    struct sight sight = { .path = program->path };
    for (size_t i = count; !f && i > 1 && !sight.found && !sight.hidden; i--)
        f = look_into(&sight, layout, &parts[i - 1], why);
    if (!f && !sight.found)
        f = fail_set(why, FAIL_INPUT, "there is no file /%.*s, its entrypoint, in it",
                     STR_ARG(program->path));
    program->program = sight.digest;
    return f;
}

fail image_program_read(struct image_program *program, struct files *files, const char *dir,
                        struct arena *arena, struct why *why)
{
    struct image_layout layout;
    *program = (struct image_program){ .path = STR_NONE };
    fail f = image_layout_open(&layout, files, dir, arena, why);
    return f ? f : why_add(why, read_layout(program, &layout, arena, why), "the image %s", dir);
}
