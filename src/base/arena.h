/* arena.h - memory that is given out in order and returned all at once.
 *
 * A request, a parse or a load owns one arena; nothing allocated in it outlives it. It is capped:
 * beyond `bytes_max` allocation returns NULL, so a hostile input costs a refusal and not the
 * process. Memory is zeroed. Alignment is 16 (bytes from arena_bytes: 1). Not for threads. */
#pragma once

#include "base/str.h"

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used, cap;           /* within the newest chunk */
    size_t bytes, bytes_max;    /* all chunks together, and the cap */
};

/* A zeroed arena with bytes_max set is ready to use and holds nothing yet. */
static inline struct arena arena_make(size_t bytes_max)
{
    return (struct arena){ .bytes_max = bytes_max };
}

void *arena_alloc(struct arena *arena, size_t bytes); /* NULL at the cap */
void *arena_bytes(struct arena *arena, size_t bytes); /* unaligned, for text; not zeroed */
str arena_str(struct arena *arena, str s); /* a copy, with a NUL behind it; p NULL at the cap */
str arena_fmt(struct arena *arena, const char *format, ...) PRINTF(2, 3);
void arena_reset(struct arena *arena); /* forgets everything, keeps one chunk for next time */
void arena_fini(struct arena *arena);

#define arena_new(arena, type)     ((type *)arena_alloc((arena), sizeof(type)))
#define arena_many(arena, type, n) ((type *)arena_alloc((arena), sizeof(type) * (n)))
