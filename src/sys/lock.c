/* lock.c - see lock.h. */
#include "sys/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static fail refuse(const char *path, int fd, struct why *why)
{
    struct flock holder = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    int saved = errno;
    bool known = fcntl(fd, F_GETLK, &holder) == 0 && holder.l_type != F_UNLCK;
    errno = saved;
    if (saved != EACCES && saved != EAGAIN)
        return fail_errno(why, FAIL_WORLD, "cannot lock %s", path);
    if (!known)
        return fail_set(why, FAIL_CONFLICT, "%s was held by a process that just ended; try again",
                        path);
    return fail_set(why, FAIL_CONFLICT,
                    "%s is held by process %d; stop it first, or use another folder", path,
                    (int)holder.l_pid);
}

fail lock_take(const char *path, int *fd, struct why *why)
{
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return fail_errno(why, errno == ENOSPC ? FAIL_FULL : FAIL_WORLD, "cannot open %s", path);
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(*fd, F_SETLK, &lock) == 0)
        return FAIL_NONE;
    fail f = refuse(path, *fd, why);
    close(*fd);
    *fd = -1;
    return f;
}

void lock_drop(int fd)
{
    if (fd >= 0)
        close(fd);
}
