/* lock.h - one process at a time: a lock that dies with its holder.
 *
 * A POSIX record lock, not flock(): a forked child (the checkpoint's snapshot) must not hold the
 * log after its parent was killed. So it also does not keep one process from taking it twice. */
#pragma once

#include "base/fail.h"

/* FAIL_CONFLICT names the process that holds it. Gives a descriptor; closing it lets go. */
fail lock_take(const char *path, int *fd, struct why *why) MUST_USE;
void lock_drop(int fd); /* -1 is fine */
