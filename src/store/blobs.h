/* blobs.h - pictures and papers, kept by what is in them: the name is the SHA-256.
 *
 * So a blob never changes, is stored once however often it is put, and a name seen in the log is a
 * proof of the bytes. What cannot be proven is not served: the hash is checked when a blob is
 * mapped for the first time. */
#pragma once

#include "base/fail.h"
#include "sys/files.h"

#include <limits.h>

#define BLOB_NAME_BYTES 65 /* 64 hexadecimal digits and a NUL */

struct blobs {
    struct files *files;
    char dir[PATH_MAX - 80];
    char (*checked)[BLOB_NAME_BYTES]; /* names whose bytes were proven by this process, sorted */
    size_t checked_count, checked_cap;
};

/* Keeps files. Makes the folder when absent. */
fail blobs_open(struct blobs *blobs, struct files *files, const char *dir,
                struct why *why) MUST_USE;
/* Durable when it returns; a damaged blob of that name is replaced. */
fail blobs_put(struct blobs *blobs, str bytes, char name[BLOB_NAME_BYTES],
               struct why *why) MUST_USE;
/* Gives the bytes, mapped read-only, until blobs_unmap. FAIL_MISSING: no such blob (or no name at
 * all); FAIL_CORRUPT: the file is not what its name says. Real files only. */
fail blobs_map(struct blobs *blobs, const char *name, str *bytes, struct why *why) MUST_USE;
void blobs_unmap(struct blobs *blobs, str bytes);
void blobs_close(struct blobs *blobs);
