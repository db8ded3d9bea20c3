/* files.h - the seam to the disk: every byte the log or a checkpoint keeps passes here.
 *
 * A `files` is a table of functions with a real and a simulated side. The simulated disk knows
 * which writes were synced, so a test can cut the power at any call and keep any legal subset of
 * the rest, fail any call, or run out of room. Handles are small numbers, -1 for none.
 *
 * All return FAIL_NONE, FAIL_FULL (no room), FAIL_MISSING (open without create), or FAIL_WORLD;
 * open and sync_dir also FAIL_STARVED: no descriptor or memory was free and nothing was done. */
#pragma once

#include "base/fail.h"

enum file_mode {
    FILE_READ = 0,
    FILE_WRITE = 1,  /* read and write */
    FILE_CREATE = 2, /* with FILE_WRITE: make it when absent, mode 0600 */
};

typedef void (*files_list_fn)(void *ctx, str name);

struct files {
    fail (*open)(struct files *files, const char *path, int mode, int *handle, struct why *why);
    void (*close)(struct files *files, int handle);
    /* Reads up to n bytes at `at`; *got < n only at the end of the file. */
    fail (*read)(struct files *files, int handle, uint64_t at, void *bytes, size_t n, size_t *got,
                 struct why *why);
    /* Writes all n bytes or fails; after a failure any part of them may be there. */
    fail (*write)(struct files *files, int handle, uint64_t at, const void *bytes, size_t n,
                  struct why *why);
    /* All written bytes are durable when this returns FAIL_NONE. After a failure the state of every
     * unsynced write is unknown for ever: never retry, crash. */
    fail (*sync)(struct files *files, int handle, struct why *why);
    fail (*size)(struct files *files, int handle, uint64_t *bytes, struct why *why);
    fail (*truncate)(struct files *files, int handle, uint64_t bytes, struct why *why);
    fail (*rename)(struct files *files, const char *from, const char *to, struct why *why);
    fail (*unlink)(struct files *files, const char *path, struct why *why);
    fail (*make_dir)(struct files *files, const char *path, struct why *why); /* existing: fine */
    fail (*sync_dir)(struct files *files, const char *path, struct why *why); /* names durable */
    fail (*list)(struct files *files, const char *path, files_list_fn fn, void *ctx,
                 struct why *why);
};

struct files *files_real(void); /* one, shared, stateless */
