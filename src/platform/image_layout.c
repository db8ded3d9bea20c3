/* image_layout.c - an image as files: the OCI image layout, as a folder or as its tar.
 *
 * Both are made from one list, so they cannot differ. The index comes last: a folder whose writing
 * was cut off has the old index, or none. */
#include "platform/image.h"

#include "sys/files_whole.h"

#include <stdio.h>

#define FILES_MAX 16

struct layout_file {
    char path[90];
    str bytes;
};

struct layout {
    struct layout_file files[FILES_MAX];
    size_t count;
};

static void add(struct layout *layout, const char *path, str bytes)
{
    must(layout->count < FILES_MAX);
    struct layout_file *file = &layout->files[layout->count++];
    must((size_t)snprintf(file->path, sizeof(file->path), "%s", path) < sizeof(file->path));
    file->bytes = bytes;
}

static void add_blob(struct layout *layout, const struct image_blob *blob)
{
    char path[90];
    snprintf(path, sizeof(path), "blobs/sha256/%s", blob->digest.hex);
    add(layout, path, blob->bytes);
}

static void layout_of(struct layout *layout, const struct image *image)
{
    layout->count = 0;
    for (size_t i = 0; i < IMAGE_LAYERS; i++)
        add_blob(layout, &image->layers[i]);
    add_blob(layout, &image->config);
    add_blob(layout, &image->manifest);
    add_blob(layout, &image->nothing);
    for (size_t i = 0; i < IMAGE_ARTIFACTS; i++) {
        add_blob(layout, &image->artifacts[i].content);
        add_blob(layout, &image->artifacts[i].manifest);
        add(layout, image->artifacts[i].file, image->artifacts[i].content.bytes);
    }
    add(layout, "oci-layout", STR("{\"imageLayoutVersion\":\"1.0.0\"}"));
    add(layout, "index.json", image->index);
}

/* --- folder ------------------------------------------------------------------------------------
 */

struct look {
    const struct layout *layout; /* what belongs there */
    struct files *files;
    const char *dir;
    bool is_layout, is_empty;
    fail failed;
    struct why *why;
};

static void look_at(void *ctx, str name)
{
    struct look *look = ctx;
    look->is_empty = false;
    look->is_layout |= str_eq(name, STR("oci-layout"));
}

/* A folder may be ours, empty or absent; anything else is somebody's work. */
static fail check_folder(struct look *look)
{
    struct why ignored;
    look->is_empty = true;
    fail f = look->files->list(look->files, look->dir, look_at, look, &ignored);
    if (f == FAIL_MISSING || look->is_layout || (!f && look->is_empty))
        return FAIL_NONE;
    if (f)
        return fail_set(look->why, f, "%s", ignored.text);
    return fail_set(look->why, FAIL_CONFLICT,
                    "%s holds something that is no image; choose another folder with --out",
                    look->dir);
}

/* Blobs and statements of the image that was there before. */
static void remove_stale(void *ctx, str name)
{
    struct look *look = ctx;
    char path[4300];
    bool ours =
        str_starts(name, STR("provenance.")) || str_starts(name, STR("sbom.")) || digest_is(name);
    for (size_t i = 0; i < look->layout->count; i++)
        ours &= !str_ends(str_z(look->layout->files[i].path), name);
    if (!ours || look->failed)
        return;
    snprintf(path, sizeof(path), "%s/%.*s", look->dir, STR_ARG(name));
    look->failed = look->files->unlink(look->files, path, look->why);
}

static fail remove_old(const struct layout *layout, struct files *files, const char *dir,
                       struct why *why)
{
    struct look look = { .layout = layout, .files = files, .dir = dir, .why = why };
    fail f = files->list(files, dir, remove_stale, &look, why);
    return f ? f : look.failed;
}

static fail make_folders(struct files *files, const char *dir, char blobs[4200], struct why *why)
{
    static const char *const below[] = { "", "/blobs", "/blobs/sha256" };
    fail f = FAIL_NONE;
    for (size_t i = 0; i < COUNT(below) && !f; i++) {
        if (snprintf(blobs, 4200, "%s%s", dir, below[i]) >= 4100)
            return fail_set(why, FAIL_LIMIT, "the path %s is too long", dir);
        f = files->make_dir(files, blobs, why);
    }
    return f;
}

fail image_write_dir(const struct image *image, struct files *files, const char *dir,
                     struct why *why)
{
    struct layout layout;
    char path[4300], blobs[4200];
    struct look look = { .files = files, .dir = dir, .why = why };
    layout_of(&layout, image);
    fail f = check_folder(&look);
    if (!f)
        f = make_folders(files, dir, blobs, why);
    for (size_t i = 0; i < layout.count && !f; i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, layout.files[i].path);
        f = files_whole_write(files, path, layout.files[i].bytes, why);
    }
    if (!f)
        f = remove_old(&layout, files, blobs, why);
    return f ? f : remove_old(&layout, files, dir, why);
}

/* --- tar ---------------------------------------------------------------------------------------
 */

fail image_write_tar(const struct image *image, int64_t created_s, struct files *files,
                     const char *path, struct why *why)
{
    struct layout layout;
    struct out out = out_make(IMAGE_BYTES_MAX);
    static const char *const folders[] = { "blobs/", "blobs/sha256/" };
    layout_of(&layout, image);
    for (size_t i = 0; i < COUNT(folders); i++)
        must(tar_add(&out, &(struct tar_entry){ .path = str_z(folders[i]),
                                                .kind = TAR_DIR,
                                                .mode = 0755,
                                                .modified_s = created_s }));
    for (size_t i = 0; i < layout.count; i++)
        must(tar_add(&out, &(struct tar_entry){ .path = str_z(layout.files[i].path),
                                                .kind = TAR_FILE,
                                                .mode = 0644,
                                                .modified_s = created_s,
                                                .bytes = layout.files[i].bytes }));
    tar_end(&out);
    fail f = out.failed ? fail_set(why, FAIL_LIMIT, "the image is too large for memory")
                        : files_whole_write(files, path, out_view(&out), why);
    out_fini(&out);
    return f;
}
