/* blobs.c - see blobs.h. Writing goes through the files seam; mapping is the kernel's own and has
 * no simulated side. */
#include "store/blobs.h"
#include "crypto/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_DIGITS (BLOB_NAME_BYTES - 1)
_Static_assert(BLOB_NAME_BYTES == SHA256_HEX, "a name is a digest");

fail blobs_open(struct blobs *blobs, struct files *files, const char *dir, struct why *why)
{
    *blobs = (struct blobs){ .files = files };
    if ((size_t)snprintf(blobs->dir, sizeof(blobs->dir), "%s", dir) >= sizeof(blobs->dir))
        return fail_set(why, FAIL_INPUT, "the path %s is too long; use a shorter folder", dir);
    return files->make_dir(files, dir, why);
}

void blobs_close(struct blobs *blobs)
{
    free(blobs->checked);
    *blobs = (struct blobs){ 0 };
}

static bool is_name(str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!memchr("0123456789abcdef", name.p[i], 16))
            return false;
    return name.n == NAME_DIGITS;
}

/* Where a name is, or would be, among the checked ones. */
static size_t place_of(const struct blobs *blobs, const char *name, bool *there)
{
    size_t low = 0, high = blobs->checked_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(blobs->checked[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *there = low < blobs->checked_count && strcmp(blobs->checked[low], name) == 0;
    return low;
}

static void remember(struct blobs *blobs, const char *name)
{
    bool there;
    size_t at = place_of(blobs, name, &there);
    if (there)
        return;
    if (blobs->checked_count == blobs->checked_cap) {
        blobs->checked_cap = MAX(blobs->checked_cap * 2, 64);
        blobs->checked = realloc(blobs->checked, blobs->checked_cap * BLOB_NAME_BYTES);
        must(blobs->checked);
    }
    memmove(blobs->checked + at + 1, blobs->checked + at,
            (blobs->checked_count - at) * BLOB_NAME_BYTES);
    memcpy(blobs->checked[at], name, BLOB_NAME_BYTES);
    blobs->checked_count++;
}

static fail write_beside(struct blobs *blobs, const char *path, str bytes, struct why *why)
{
    struct files *files = blobs->files;
    int handle;
    fail f = files->open(files, path, FILE_WRITE | FILE_CREATE, &handle, why);
    if (f)
        return f;
    f = files->truncate(files, handle, 0, why);
    if (!f && bytes.n)
        f = files->write(files, handle, 0, bytes.p, bytes.n, why);
    if (!f)
        f = files->sync(files, handle, why);
    files->close(files, handle);
    return f;
}

/* Writes even when a blob of that name is there: it may be damaged, and putting is rare. */
fail blobs_put(struct blobs *blobs, str bytes, char name[BLOB_NAME_BYTES], struct why *why)
{
    struct files *files = blobs->files;
    char path[PATH_MAX], beside[PATH_MAX];
    sha256_hex(name, bytes);
    snprintf(path, sizeof(path), "%s/%s", blobs->dir, name);
    snprintf(beside, sizeof(beside), "%s/%s.tmp", blobs->dir, name);
    fail f = write_beside(blobs, beside, bytes, why);
    if (!f)
        f = files->rename(files, beside, path, why);
    if (!f)
        f = files->sync_dir(files, blobs->dir, why);
    if (f)
        fail_ignore(files->unlink(files, beside, NULL), "the next put writes over it");
    return f;
}

static fail map_file(const char *path, str *bytes, struct why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(why, errno == ENOENT ? FAIL_MISSING : FAIL_WORLD, "cannot open %s", path);
    struct stat st;
    *bytes = STR("");
    fail f = fstat(fd, &st) ? fail_errno(why, FAIL_WORLD, "cannot look at %s", path) : FAIL_NONE;
    if (!f && st.st_size) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED)
            f = fail_errno(why, FAIL_WORLD, "cannot map %s", path);
        else
            *bytes = str_of(p, (size_t)st.st_size);
    }
    close(fd);
    return f;
}

fail blobs_map(struct blobs *blobs, const char *name, str *bytes, struct why *why)
{
    char path[PATH_MAX], found[BLOB_NAME_BYTES];
    bool checked;
    if (!is_name(str_z(name)))
        return fail_set(why, FAIL_MISSING, "there is no blob of that name");
    snprintf(path, sizeof(path), "%s/%s", blobs->dir, name);
    fail f = map_file(path, bytes, why);
    if (f)
        return f;
    place_of(blobs, name, &checked);
    if (checked)
        return FAIL_NONE;
    sha256_hex(found, *bytes);
    if (strcmp(found, name) != 0) {
        blobs_unmap(blobs, *bytes);
        return fail_set(why, FAIL_CORRUPT, "%s is damaged: import what it came from again", path);
    }
    remember(blobs, name);
    return FAIL_NONE;
}

void blobs_unmap(struct blobs *blobs, str bytes)
{
    (void)blobs;
    if (bytes.n)
        must(munmap((void *)(uintptr_t)bytes.p, bytes.n) == 0);
}
