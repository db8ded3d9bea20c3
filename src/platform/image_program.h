/* image_program.h - which program an image starts: by digest, so that a certificate, which names a
 * program, and a deployment, which names an image, are about the same bytes.
 *
 * From the image's digest down every step is compared with its digest: manifest, configuration,
 * layers, and in them the file that the entrypoint names, as the last layer that has it shows it.
 */
#pragma once

#include "base/arena.h"
#include "platform/digest.h"
#include "sys/files.h"

struct image_program {
    struct digest image;   /* of the manifest */
    struct digest program; /* SHA-256 of the file, as sha256sum prints it */
    str path;              /* of it in the image; in the arena */
};

/* Of the layout in `dir`. FAIL_CORRUPT: a blob is not what its name says; FAIL_INPUT: it is no
 * image of one program. */
fail image_program_read(struct image_program *program, struct files *files, const char *dir,
                        struct arena *arena, struct why *why) MUST_USE;
