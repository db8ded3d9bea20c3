/* chance.c - see chance.h. */
#include "sys/chance.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static void real_fill(struct chance *chance, void *bytes, size_t n)
{
    (void)chance;
    for (char *p = bytes; n;) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        must(got > 0); /* a kernel without randomness cannot hold an examination */
        p += got;
        n -= (size_t)got;
    }
}

void chance_real_init(struct chance *chance)
{
    *chance = (struct chance){ .fill = real_fill };
}

/* SplitMix64 (Steele, Lea, Flood 2014): one addition and one mixing a number. */
static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void sim_fill(struct chance *chance, void *bytes, size_t n)
{
    for (char *p = bytes; n;) {
        uint64_t v = split_mix(&chance->state);
        size_t part = MIN(n, sizeof(v));
        memcpy(p, &v, part);
        p += part;
        n -= part;
    }
}

void chance_sim_init(struct chance *chance, uint64_t seed)
{
    *chance = (struct chance){ .fill = sim_fill, .state = seed };
}

void chance_fill(struct chance *chance, void *bytes, size_t n)
{
    chance->fill(chance, bytes, n);
}

uint64_t chance_u64(struct chance *chance)
{
    uint64_t v;
    chance->fill(chance, &v, sizeof(v));
    return v;
}

uint64_t chance_below(struct chance *chance, uint64_t bound)
{
    must(bound > 0);
    /* The lowest (2^64 mod bound) numbers would make small results likelier: throw them away. */
    uint64_t unfair = (0 - bound) % bound, v;
    do
        v = chance_u64(chance);
    while (v < unfair);
    return v % bound;
}

double chance_unit(struct chance *chance)
{
    return (double)(chance_u64(chance) >> 11) * 0x1p-53;
}
