/* growing.h - an array that one thread appends to while any other reads it, without a lock.
 *
 * Elements never move: chunk k holds 64 << k of them. What is below growing_count() is finished and
 * never changes. No lock also means that a forked child can read it, whatever the other threads
 * were doing at the fork. */
#pragma once

#include "base/base.h"

#include <stdatomic.h>

#define GROWING_CHUNKS 40

struct growing {
    size_t element_bytes;
    _Atomic size_t count;
    char *chunks[GROWING_CHUNKS];
};

#define growing_of(type) ((struct growing){ .element_bytes = sizeof(type) })
void growing_push(struct growing *growing, const void *element); /* copies it */
void growing_fini(struct growing *growing);
void *growing_at(const struct growing *growing, size_t i); /* i < count; stays valid until fini */

static inline size_t growing_count(const struct growing *growing)
{
    return atomic_load_explicit(&growing->count, memory_order_acquire);
}
