/* image_push.h - an image layout to a registry, whoever made it.
 *
 * Every blob is compared with its digest before it leaves. The registry is asked for each blob
 * first, so a push that was cut off goes on where it was. The tag moves last: whoever sees it finds
 * the image, its SBOM and its provenance complete. */
#pragma once

#include "platform/registry.h"
#include "sys/files.h"

struct image_pushed {
    struct digest digest; /* of the image's manifest */
    uint64_t bytes_sent;
    unsigned sent, there;             /* blobs */
    uint64_t bytes_done, bytes_blobs; /* of all blobs, while it runs: sent or there, and in all */
    unsigned artifacts;
};

struct image_push_opts {
    struct files *files;
    const char *dir;
    const char *tag;
};

/* The layout's first manifest is the image, the others are artifacts about it. FAIL_CORRUPT: a blob
 * is not what its name says. */
fail image_push(struct image_pushed *pushed, struct registry *registry,
                const struct image_push_opts *opts, struct arena *arena, struct why *why) MUST_USE;

/* --- reading a layout --------------------------------------------------------------------------
 */

#define IMAGE_PARTS_MAX 128

struct image_part { /* a descriptor */
    struct digest digest;
    int64_t bytes;
    str media_type, artifact_type;
};

struct image_layout {
    struct files *files;
    const char *dir;
    struct image_part manifests[8];
    size_t manifest_count;
};

fail image_layout_open(struct image_layout *layout, struct files *files, const char *dir,
                       struct arena *arena, struct why *why) MUST_USE;
/* The bytes of a blob, in the arena, compared with digest and length. */
fail image_layout_blob(const struct image_layout *layout, const struct image_part *part,
                       struct arena *arena, str *bytes, struct why *why) MUST_USE;
/* Config and layers of a manifest: what must be there before it. */
fail image_manifest_parts(str manifest, struct image_part parts[IMAGE_PARTS_MAX], size_t *count,
                          struct arena *arena, struct why *why) MUST_USE;
