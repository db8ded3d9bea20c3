/* tar_read.h - reads tar archives as strict as tar.h writes them: POSIX ustar, without extensions.
 *
 * The bytes are a stranger's. Extended headers (pax, GNU) can give the next entry another name, so
 * an archive that has any is refused: nobody shall find another file under a name than a reader who
 * knows them. */
#pragma once

#include "base/fail.h"

#define TAR_PATH_BYTES 260

struct tar_file {
    char path[TAR_PATH_BYTES]; /* without "./" or "/" before it */
    bool is_file;              /* not a folder, a link, a device */
    str bytes;                 /* points into the archive */
};

/* Cuts an entry off the front of *rest; FAIL_MISSING: there are no more. FAIL_INPUT: `why`. */
fail tar_next(struct tar_file *file, str *rest, struct why *why) MUST_USE;
