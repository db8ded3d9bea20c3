/* image_read.c - reads an image layout, ours or anybody's; see image_push.h. */
#include "platform/image_push.h"

#include "codec/json.h"
#include "sys/files_whole.h"

#include <stdio.h>

#define MANIFEST_BYTES_MAX (4 * MIB)
#define BLOB_BYTES_MAX     (512 * MIB)

static fail read_part(struct image_part *part, const struct json *object, struct why *why)
{
    str digest;
    fail f = json_str(object, "mediaType", true, &part->media_type, why);
    if (!f)
        f = json_str(object, "digest", true, &digest, why);
    if (!f)
        f = json_i64(object, "size", true, 0, (int64_t)BLOB_BYTES_MAX, &part->bytes, why);
    if (!f)
        f = json_str(object, "artifactType", false, &part->artifact_type, why);
    if (!f && !digest_read(&part->digest, digest))
        f = fail_set(why, FAIL_INPUT, "\"%.*s\" is not sha256: and 64 digits",
                     STR_ARG(str_first(digest, 80)));
    return f;
}

fail image_layout_open(struct image_layout *layout, struct files *files, const char *dir,
                       struct arena *arena, struct why *why)
{
    char path[4200];
    str text;
    struct json *root;
    *layout = (struct image_layout){ .files = files, .dir = dir };
    snprintf(path, sizeof(path), "%s/index.json", dir);
    fail f = files_whole_read(files, path, MANIFEST_BYTES_MAX, arena, &text, why);
    if (f)
        return why_add(why, f,
                       "%s is no image layout; make one with: examhall image build --out %s", dir,
                       dir);
    f = json_parse(&root, text, arena, why);
    const struct json *list = f ? NULL : json_get(root, STR("manifests"));
    if (!f && (!list || list->count == 0 || list->count > COUNT(layout->manifests)))
        f = fail_set(why, FAIL_INPUT, "it must list 1 to %zu manifests", COUNT(layout->manifests));
    for (const struct json *entry = f ? NULL : list->first; entry && !f; entry = entry->next)
        f = read_part(&layout->manifests[layout->manifest_count++], entry, why);
    return why_add(why, f, "%s", path);
}

fail image_layout_blob(const struct image_layout *layout, const struct image_part *part,
                       struct arena *arena, str *bytes, struct why *why)
{
    char path[4300];
    snprintf(path, sizeof(path), "%s/blobs/sha256/%s", layout->dir, part->digest.hex);
    fail f = files_whole_read(layout->files, path, BLOB_BYTES_MAX, arena, bytes, why);
    if (f)
        return f;
    if ((int64_t)bytes->n != part->bytes || strcmp(digest_of(*bytes).hex, part->digest.hex) != 0)
        return fail_set(why, FAIL_CORRUPT,
                        "%s is damaged: its bytes are not what its name says; build the image "
                        "again",
                        path);
    return FAIL_NONE;
}

fail image_manifest_parts(str manifest, struct image_part parts[IMAGE_PARTS_MAX], size_t *count,
                          struct arena *arena, struct why *why)
{
    struct json *root;
    *count = 0;
    fail f = json_parse(&root, manifest, arena, why);
    if (f)
        return f;
    const struct json *config = json_get(root, STR("config"));
    const struct json *layers = json_get(root, STR("layers"));
    if (!config || !layers || layers->type != JSON_ARRAY || layers->count >= IMAGE_PARTS_MAX)
        return fail_set(why, FAIL_INPUT, "a manifest has a config and at most %d layers",
                        IMAGE_PARTS_MAX - 1);
    f = read_part(&parts[(*count)++], config, why);
    for (const struct json *layer = layers->first; layer && !f; layer = layer->next)
        f = read_part(&parts[(*count)++], layer, why);
    return f;
}
