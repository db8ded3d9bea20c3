/* gzip.c - see gzip.h. Nothing else sees zlib. */
#include "codec/gzip.h"

#include <zlib.h>

str gzip_pack(str bytes, struct arena *arena)
{
    z_stream z = { 0 };
    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return STR_NONE;
    size_t bound = deflateBound(&z, bytes.n);
    char *p = arena_bytes(arena, bound);
    z.next_in = (Bytef *)(uintptr_t)bytes.p;
    z.avail_in = (uInt)bytes.n;
    z.next_out = (Bytef *)p;
    z.avail_out = (uInt)bound;
    bool done = p && deflate(&z, Z_FINISH) == Z_STREAM_END;
    size_t n = bound - z.avail_out;
    deflateEnd(&z);
    return done ? str_of(p, n) : STR_NONE;
}

bool gzip_unpack(struct out *out, str bytes)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)bytes.p, .avail_in = (uInt)bytes.n };
    unsigned char part[16 * KIB];
    if (bytes.n > UINT32_MAX || inflateInit2(&z, 15 + 16) != Z_OK)
        return false;
    int status = Z_OK;
    while (status == Z_OK && !out->failed) {
        z.next_out = part;
        z.avail_out = sizeof(part);
        status = inflate(&z, Z_NO_FLUSH);
        out_bytes(out, part, sizeof(part) - z.avail_out);
    }
    bool whole = status == Z_STREAM_END && z.avail_in == 0;
    inflateEnd(&z);
    return whole && !out->failed;
}
