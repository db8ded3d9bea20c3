/* files_whole.c - see files_whole.h. */
#include "sys/files_whole.h"

#include <stdio.h>

static fail read_open(struct files *files, int handle, const char *path, size_t bytes_max,
                      struct arena *arena, str *bytes, struct why *why)
{
    uint64_t size;
    size_t got = 0;
    fail f = files->size(files, handle, &size, why);
    if (f)
        return f;
    char *p = size <= bytes_max ? arena_bytes(arena, (size_t)size + 1) : NULL;
    if (!p)
        return fail_set(why, FAIL_LIMIT, "%s has %llu bytes, at most %zu are read", path,
                        (unsigned long long)size, bytes_max);
    f = files->read(files, handle, 0, p, (size_t)size, &got, why);
    p[got] = 0;
    *bytes = str_of(p, got);
    return f;
}

fail files_whole_read(struct files *files, const char *path, size_t bytes_max, struct arena *arena,
                      str *bytes, struct why *why)
{
    int handle = -1;
    fail f = files->open(files, path, FILE_READ, &handle, why);
    if (f)
        return f;
    f = read_open(files, handle, path, bytes_max, arena, bytes, why);
    files->close(files, handle);
    return f;
}

fail files_whole_write(struct files *files, const char *path, str bytes, struct why *why)
{
    char beside[4200];
    int handle = -1;
    if ((size_t)snprintf(beside, sizeof(beside), "%s.tmp", path) >= sizeof(beside))
        return fail_set(why, FAIL_LIMIT, "the path %s is too long", path);
    fail f = files->open(files, beside, FILE_WRITE | FILE_CREATE, &handle, why);
    if (!f)
        f = files->truncate(files, handle, 0, why);
    if (!f)
        f = files->write(files, handle, 0, bytes.p, bytes.n, why);
    if (!f)
        f = files->sync(files, handle, why);
    if (handle >= 0)
        files->close(files, handle);
    return f ? f : files->rename(files, beside, path, why);
}
