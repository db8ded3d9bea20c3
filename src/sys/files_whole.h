/* files_whole.h - a whole file at once, through the files seam. */
#pragma once

#include "base/arena.h"
#include "sys/files.h"

/* The bytes lie in the arena, with a NUL behind them. FAIL_LIMIT: more than bytes_max, or the arena
 * is full; FAIL_MISSING: there is no such file. */
fail files_whole_read(struct files *files, const char *path, size_t bytes_max, struct arena *arena,
                      str *bytes, struct why *why) MUST_USE;

/* Replaces what is there: written beside, synced, renamed. */
fail files_whole_write(struct files *files, const char *path, str bytes, struct why *why) MUST_USE;
