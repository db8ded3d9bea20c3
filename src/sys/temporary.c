/* temporary.c - see temporary.h. */
#include "sys/temporary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

fail temporary_folder(char path[TEMPORARY_BYTES_MAX], const char *what, struct why *why)
{
    const char *parent = getenv("TMPDIR");
    int n = snprintf(path, TEMPORARY_BYTES_MAX, "%s/examhall-%s-XXXXXX",
                     parent && parent[0] ? parent : "/tmp", what);
    if (n >= TEMPORARY_BYTES_MAX)
        errno = ENAMETOOLONG;
    else if (mkdtemp(path))
        return FAIL_NONE;
    return fail_errno(why, FAIL_WORLD, "cannot make a folder %s; TMPDIR says where", path);
}
