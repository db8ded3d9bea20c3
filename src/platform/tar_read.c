/* tar_read.c - see tar_read.h. */
#include "platform/tar_read.h"

#include <stdio.h>

#define BLOCK ((size_t)512)

/* Where things stand in a header: POSIX.1-1988, "ustar Interchange Format". */
enum { NAME = 0, SIZE = 124, CHECKSUM = 148, TYPE = 156, MAGIC = 257, PREFIX = 345 };

static fail refuse(struct why *why, const char *what)
{
    return fail_set(why, FAIL_INPUT, "this is no plain tar archive: %s", what);
}

/* Octal digits, then blanks or NULs. */
static bool octal(const char *p, size_t n, uint64_t *v)
{
    size_t i = 0;
    *v = 0;
    for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
        *v = *v * 8 + (uint64_t)(p[i] - '0');
    bool digits = i > 0;
    while (i < n && (p[i] == ' ' || p[i] == 0))
        i++;
    return digits && i == n;
}

static bool sum_is_right(const char *header)
{
    uint64_t said, sum = 0;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= CHECKSUM && i < CHECKSUM + 8 ? ' ' : (unsigned char)header[i];
    return octal(header + CHECKSUM, 8, &said) && said == sum;
}

static void take_path(struct tar_file *file, const char *header)
{
    int prefix = (int)strnlen(header + PREFIX, 155), name = (int)strnlen(header + NAME, 100);
    char both[TAR_PATH_BYTES];
    snprintf(both, sizeof(both), "%.*s%s%.*s", prefix, header + PREFIX, prefix ? "/" : "", name,
             header + NAME);
    const char *p = both;
    while (*p == '/' || strncmp(p, "./", 2) == 0)
        p += *p == '/' ? 1 : 2;
    snprintf(file->path, sizeof(file->path), "%s", p);
}

static bool is_end(str rest)
{
    for (size_t i = 0; i < BLOCK && i < rest.n; i++)
        if (rest.p[i])
            return false;
    return true;
}

fail tar_next(struct tar_file *file, str *rest, struct why *why)
{
    uint64_t size = 0;
    if (is_end(*rest))
        return FAIL_MISSING;
    const char *header = rest->p;
    if (rest->n < BLOCK || memcmp(header + MAGIC, "ustar", 5) != 0 || !sum_is_right(header))
        return refuse(why, "a header is damaged");
    char type = header[TYPE];
    if (type != 0 && (type < '0' || type > '7'))
        return refuse(why, "it has extended headers; make the image with examhall image build");
    if (!octal(header + SIZE, 12, &size) || size > rest->n - BLOCK)
        return refuse(why, "it is cut off");
    take_path(file, header);
    file->is_file = type == '0' || type == 0;
    file->bytes = str_of(header + BLOCK, (size_t)size);
    size_t whole = BLOCK + ((size_t)size + BLOCK - 1) / BLOCK * BLOCK;
    *rest = str_from(*rest, MIN(whole, rest->n));
    return FAIL_NONE;
}
