/* log_spare.c - see log_spare.h.
 *
 * Real zeros, not fallocate: writing into an allocated but unwritten extent makes the file system
 * commit its journal with each sync, and that costs more than the zeros. Each piece is synced at
 * once, so that no sync ever has a large backlog in front of a batch. */
#include "store/log_spare.h"

static char zeros[256 * KIB];

void spare_init(struct spare *spare, struct segments *segments, uint64_t bytes)
{
    *spare = (struct spare){ .segments = segments, .bytes = bytes, .handle = -1 };
}

void spare_drop(struct spare *spare)
{
    struct files *files = spare->segments->files;
    char path[PATH_MAX];
    segments_spare_path(spare->segments, path);
    files->close(files, spare->handle);
    fail_ignore(files->unlink(files, path, NULL), "absent is as good; else it is made over");
    spare_init(spare, spare->segments, spare->bytes);
}

static fail begin(struct spare *spare, struct why *why)
{
    struct files *files = spare->segments->files;
    char path[PATH_MAX];
    segments_spare_path(spare->segments, path);
    fail f = files->open(files, path, FILE_WRITE | FILE_CREATE, &spare->handle, why);
    return f ? f : files->truncate(files, spare->handle, 0, why);
}

static fail fill(struct spare *spare, uint64_t until, struct why *why)
{
    struct files *files = spare->segments->files;
    for (uint64_t at = spare->filled; at < until;) {
        size_t n = (size_t)MIN(until - at, sizeof(zeros));
        fail f = files->write(files, spare->handle, at, zeros, n, why);
        if (f)
            return f;
        at += n;
    }
    return files->sync(files, spare->handle, why);
}

fail spare_step(struct spare *spare, size_t bytes, struct why *why)
{
    must(!spare->ready);
    uint64_t until = MIN(spare->filled + bytes, spare->bytes);
    fail f = spare->handle < 0 ? begin(spare, why) : FAIL_NONE;
    if (!f)
        f = fill(spare, until, why);
    if (f) {
        spare_drop(spare);
        return f;
    }
    spare->filled = until;
    spare->ready = until == spare->bytes;
    return FAIL_NONE;
}

fail spare_finish(struct spare *spare, struct why *why)
{
    fail f = FAIL_NONE;
    while (!f && !spare->ready)
        f = spare_step(spare, 64 * MIB, why);
    return f;
}

fail spare_adopt(struct spare *spare, uint64_t first, int *handle, struct why *why)
{
    must(spare->ready);
    fail f = segments_adopt_spare(spare->segments, first, why);
    if (f)
        return f;
    *handle = spare->handle;
    spare_init(spare, spare->segments, spare->bytes);
    return FAIL_NONE;
}
