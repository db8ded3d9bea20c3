/* image.h - an OCI image of this very program, made without a daemon and without root.
 *
 * Two layers: Debian's libraries, authorities and zones, which seldom change; and the program.
 * Beside the image a list of what is in it (SBOM, CycloneDX 1.6) and a statement of how it was made
 * (provenance, SLSA 1.0 in in-toto's statement, signed in a DSSE envelope when a key is given),
 * both as artifacts that name the image as their subject. Every byte follows from program, packages
 * and commit: no clock, no chance, no path of the machine. Formats: OCI image and distribution
 * specifications 1.1. */
#pragma once

#include "crypto/minisign.h"
#include "platform/digest.h"
#include "platform/image_root.h"

#define IMAGE_BYTES_MAX (768 * MIB) /* of the arena: files, layers, and the archive */
#define MEDIA_MANIFEST  "application/vnd.oci.image.manifest.v1+json"
#define MEDIA_INDEX     "application/vnd.oci.image.index.v1+json"

/* What the image says about itself. */
struct image_facts {
    str name, tag;                  /* as a registry will know it: examhall, 1d6ab4f */
    str version, revision;          /* of the program: git's short and full name of the commit */
    int64_t created_s;              /* the commit's time, or SOURCE_DATE_EPOCH */
    str builder;                    /* a URI that names who ran this */
    const struct minisign_key *key; /* signs the provenance; NULL: it stays unsigned */
};

struct image_blob {
    const char *media_type;
    struct digest digest;
    str bytes;
};

struct image_artifact {
    const char *file; /* its name beside the image */
    struct image_blob content, manifest;
};

enum { IMAGE_SYSTEM, IMAGE_PROGRAM, IMAGE_LAYERS };
enum { IMAGE_SBOM, IMAGE_PROVENANCE, IMAGE_ARTIFACTS };

struct image {
    struct image_root root;
    struct image_blob layers[IMAGE_LAYERS], config, manifest;
    uint64_t layer_bytes[IMAGE_LAYERS]; /* unpacked */
    struct image_blob nothing;          /* the empty config of artifacts */
    struct image_artifact artifacts[IMAGE_ARTIFACTS];
    str index;
    uint64_t bytes; /* what a node pulls: config, layers and manifest */
};

/* All of it lies in the arena. */
fail image_build(struct image *image, const struct image_source *source,
                 const struct image_facts *facts, struct arena *arena, struct why *why) MUST_USE;

/* As a folder (image layout), the two artifacts also under their names; as a tar of that folder.
 * An image layout that is there is replaced; FAIL_CONFLICT: the folder holds something else. */
fail image_write_dir(const struct image *image, struct files *files, const char *dir,
                     struct why *why) MUST_USE;
fail image_write_tar(const struct image *image, int64_t created_s, struct files *files,
                     const char *path, struct why *why) MUST_USE;

/* --- parts, for image.c ------------------------------------------------------------------------
 */

/* What is in the image: program, libraries, and what the portal is made of. */
fail image_sbom(struct out *out, const struct image *image, const struct image_facts *facts,
                struct arena *arena, struct why *why) MUST_USE;
/* How it came to be: the statement, or the envelope around it. */
void image_provenance(struct out *out, const struct image *image, const struct image_facts *facts);

void image_time(struct out *out, int64_t at_s); /* 2027-01-22T03:30:00Z */
