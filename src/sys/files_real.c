/* files_real.c - the disk as the kernel gives it: pread, pwrite, fdatasync. Handles are file
 * descriptors, closed on exec. */
#include "sys/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static fail failed(struct why *why, const char *doing, const char *path)
{
    bool full = errno == ENOSPC || errno == EDQUOT;
    fail code = full ? FAIL_FULL : errno == ENOENT ? FAIL_MISSING : FAIL_WORLD;
    return fail_errno(why, code, "cannot %s %s", doing, path);
}

static fail failed_open(struct why *why, const char *doing, const char *path)
{
    bool none_free = errno == EMFILE || errno == ENFILE || errno == ENOMEM;
    return none_free ? fail_errno(why, FAIL_STARVED, "cannot %s %s", doing, path)
                     : failed(why, doing, path);
}

/* By handle there is no path at hand: the kernel knows it, and failures are rare. */
static fail failed_handle(struct why *why, const char *doing, int handle)
{
    int saved = errno;
    char link[64], path[400];
    snprintf(link, sizeof(link), "/proc/self/fd/%d", handle);
    ssize_t n = readlink(link, path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = 0;
    errno = saved == ENOENT ? EIO : saved;
    return failed(why, doing, n > 0 ? path : "a file");
}

static fail real_open(struct files *files, const char *path, int mode, int *handle, struct why *why)
{
    (void)files;
    int flags = O_CLOEXEC | (mode & FILE_WRITE ? O_RDWR : O_RDONLY);
    if (mode & FILE_CREATE)
        flags |= O_CREAT;
    *handle = open(path, flags, 0600);
    return *handle < 0 ? failed_open(why, "open", path) : FAIL_NONE;
}

static void real_close(struct files *files, int handle)
{
    (void)files;
    if (handle >= 0)
        close(handle);
}

static fail real_read(struct files *files, int handle, uint64_t at, void *bytes, size_t n,
                      size_t *got, struct why *why)
{
    (void)files;
    *got = 0;
    while (*got < n) {
        ssize_t part = pread(handle, (char *)bytes + *got, n - *got, (off_t)(at + *got));
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return failed_handle(why, "read", handle);
        if (part == 0)
            break;
        *got += (size_t)part;
    }
    return FAIL_NONE;
}

static fail real_write(struct files *files, int handle, uint64_t at, const void *bytes, size_t n,
                       struct why *why)
{
    (void)files;
    for (size_t done = 0; done < n;) {
        ssize_t part = pwrite(handle, (const char *)bytes + done, n - done, (off_t)(at + done));
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return failed_handle(why, "write to", handle);
        done += (size_t)part;
    }
    return FAIL_NONE;
}

static fail real_sync(struct files *files, int handle, struct why *why)
{
    (void)files;
    /* Never again after a failure, not even after EINTR: the kernel may have dropped the pages. */
    return fdatasync(handle) ? failed_handle(why, "sync", handle) : FAIL_NONE;
}

static fail real_size(struct files *files, int handle, uint64_t *bytes, struct why *why)
{
    (void)files;
    struct stat st;
    if (fstat(handle, &st))
        return failed_handle(why, "look at", handle);
    *bytes = (uint64_t)st.st_size;
    return FAIL_NONE;
}

static fail real_truncate(struct files *files, int handle, uint64_t bytes, struct why *why)
{
    (void)files;
    return ftruncate(handle, (off_t)bytes) ? failed_handle(why, "cut", handle) : FAIL_NONE;
}

static fail real_rename(struct files *files, const char *from, const char *to, struct why *why)
{
    (void)files;
    return rename(from, to) ? failed(why, "rename", from) : FAIL_NONE;
}

static fail real_unlink(struct files *files, const char *path, struct why *why)
{
    (void)files;
    return unlink(path) ? failed(why, "remove", path) : FAIL_NONE;
}

static fail real_make_dir(struct files *files, const char *path, struct why *why)
{
    (void)files;
    return mkdir(path, 0700) && errno != EEXIST ? failed(why, "make the folder", path) : FAIL_NONE;
}

static fail real_sync_dir(struct files *files, const char *path, struct why *why)
{
    (void)files;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed_open(why, "open the folder", path);
    int bad = fsync(fd);
    fail f = bad ? failed(why, "sync the folder", path) : FAIL_NONE;
    close(fd);
    return f;
}

static fail real_list(struct files *files, const char *path, files_list_fn fn, void *ctx,
                      struct why *why)
{
    (void)files;
    DIR *dir = opendir(path);
    if (!dir)
        return failed(why, "list the folder", path);
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(dir))) {
        str name = str_z(entry->d_name);
        if (!str_eq(name, STR(".")) && !str_eq(name, STR("..")))
            fn(ctx, name);
    }
    fail f = errno ? failed(why, "list the folder", path) : FAIL_NONE;
    closedir(dir);
    return f;
}

struct files *files_real(void)
{
    static struct files files = {
        .open = real_open,
        .close = real_close,
        .read = real_read,
        .write = real_write,
        .sync = real_sync,
        .size = real_size,
        .truncate = real_truncate,
        .rename = real_rename,
        .unlink = real_unlink,
        .make_dir = real_make_dir,
        .sync_dir = real_sync_dir,
        .list = real_list,
    };
    return &files;
}
