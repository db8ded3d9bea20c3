/* growing.c - see growing.h. */
#include "store/growing.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CHUNK 64

static size_t chunk_of(size_t i, size_t *within)
{
    size_t place = i + FIRST_CHUNK;
    size_t chunk = (size_t)(63 - __builtin_clzll(place)) - 6;
    *within = place - ((size_t)FIRST_CHUNK << chunk);
    return chunk;
}

void growing_push(struct growing *growing, const void *element)
{
    size_t i = atomic_load_explicit(&growing->count, memory_order_relaxed), within;
    size_t chunk = chunk_of(i, &within);
    must(chunk < GROWING_CHUNKS);
    if (!growing->chunks[chunk]) {
        growing->chunks[chunk] = malloc(((size_t)FIRST_CHUNK << chunk) * growing->element_bytes);
        must(growing->chunks[chunk]);
    }
    memcpy(growing->chunks[chunk] + within * growing->element_bytes, element,
           growing->element_bytes);
    atomic_store_explicit(&growing->count, i + 1, memory_order_release);
}

void *growing_at(const struct growing *growing, size_t i)
{
    size_t within, chunk = chunk_of(i, &within);
    return growing->chunks[chunk] + within * growing->element_bytes;
}

void growing_fini(struct growing *growing)
{
    for (size_t i = 0; i < GROWING_CHUNKS; i++)
        free(growing->chunks[i]);
    *growing = (struct growing){ .element_bytes = growing->element_bytes };
}
