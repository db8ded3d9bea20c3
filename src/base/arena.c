/* arena.c - see arena.h. Chunks double from 4 KiB to 1 MiB; a larger request gets its own. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_chunk {
    struct arena_chunk *next;
    size_t cap;
    _Alignas(16) char bytes[];
};

static bool grow(struct arena *arena, size_t bytes)
{
    size_t cap = arena->chunks ? MIN(arena->chunks->cap * 2, MIB) : 4 * KIB;
    cap = MAX(cap, bytes);
    if (arena->bytes + cap > arena->bytes_max)
        cap = bytes; /* near the cap take only what is needed */
    if (cap > arena->bytes_max || arena->bytes > arena->bytes_max - cap)
        return false;
    struct arena_chunk *chunk = malloc(sizeof(*chunk) + cap);
    if (!chunk)
        return false;
    chunk->next = arena->chunks;
    chunk->cap = cap;
    arena->chunks = chunk;
    arena->used = 0;
    arena->cap = cap;
    arena->bytes += cap;
    return true;
}

static void *take(struct arena *arena, size_t bytes, size_t align)
{
    size_t at = (arena->used + align - 1) & ~(align - 1);
    if (bytes > arena->bytes_max)
        return NULL;
    if (!arena->chunks || at > arena->cap || bytes > arena->cap - at) {
        if (!grow(arena, MAX(bytes, 1)))
            return NULL;
        at = 0;
    }
    arena->used = at + bytes;
    return arena->chunks->bytes + at;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    void *p = take(arena, bytes, 16);
    return p ? memset(p, 0, bytes) : NULL;
}

void *arena_bytes(struct arena *arena, size_t bytes)
{
    return take(arena, bytes, 1);
}

str arena_str(struct arena *arena, str s)
{
    char *p = arena_bytes(arena, s.n + 1);
    if (!p)
        return STR_NONE;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return (str){ p, s.n };
}

str arena_fmt(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *p = n < 0 ? NULL : arena_bytes(arena, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return p ? (str){ p, (size_t)n } : STR_NONE;
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *keep = arena->chunks;
    if (!keep)
        return;
    struct arena_chunk *chunk = keep->next;
    keep->next = NULL;
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    if (keep->cap > 64 * KIB) { /* one large request must not pin memory */
        free(keep);
        *arena = arena_make(arena->bytes_max);
        return;
    }
    arena->used = 0;
    arena->cap = keep->cap;
    arena->bytes = keep->cap;
}

void arena_fini(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    *arena = arena_make(arena->bytes_max);
}
