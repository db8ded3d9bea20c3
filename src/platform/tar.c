/* tar.c - see tar.h. */
#include "platform/tar.h"

#include <stdio.h>

#define BLOCK 512

/* POSIX.1-1988, "ustar Interchange Format". Numbers are octal text. */
struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

/* A long path is cut at a '/' into prefix and name. */
static bool put_path(struct header *header, str path)
{
    size_t cut = 0;
    if (path.n > sizeof(header->name)) {
        cut = path.n - sizeof(header->name) - 1;
        while (cut < path.n && path.p[cut] != '/')
            cut++;
        if (cut > sizeof(header->prefix) || cut + 1 >= path.n)
            return false;
        memcpy(header->prefix, path.p, cut++);
    }
    memcpy(header->name, path.p + cut, path.n - cut);
    return true;
}

static void put_octal(char *to, size_t cap, uint64_t v)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%0*llo", (int)cap - 1, (unsigned long long)v);
    memcpy(to, digits, cap);
}

static void put_checksum(struct header *header)
{
    unsigned sum = 0;
    memset(header->checksum, ' ', sizeof(header->checksum));
    for (size_t i = 0; i < sizeof(*header); i++)
        sum += ((const unsigned char *)header)[i];
    put_octal(header->checksum, 7, sum); /* six digits, NUL, and the blank that is there */
}

static void put_zeros(struct out *out, size_t n)
{
    static const char zeros[2 * BLOCK];
    out_bytes(out, zeros, n);
}

bool tar_add(struct out *out, const struct tar_entry *entry)
{
    struct header header = { .type = (char)entry->kind, .magic = "ustar", .version = { '0', '0' } };
    if (entry->path.n == 0 || entry->path.p[0] == '/' || !put_path(&header, entry->path))
        return false;
    must(entry->modified_s >= 0 && entry->modified_s < 077777777777);
    must(entry->bytes.n < 8 * GIB && entry->owner <= 07777777);
    put_octal(header.mode, sizeof(header.mode), entry->mode);
    put_octal(header.uid, sizeof(header.uid), entry->owner);
    put_octal(header.gid, sizeof(header.gid), entry->owner);
    put_octal(header.size, sizeof(header.size), entry->bytes.n);
    put_octal(header.mtime, sizeof(header.mtime), (uint64_t)entry->modified_s);
    put_checksum(&header);
    out_bytes(out, &header, sizeof(header));
    out_str(out, entry->bytes);
    put_zeros(out, (BLOCK - entry->bytes.n % BLOCK) % BLOCK);
    return true;
}

void tar_end(struct out *out)
{
    put_zeros(out, 2 * BLOCK);
}
