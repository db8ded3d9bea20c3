/* gzip.c - see gzip.h. zlib behind one function. */
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
