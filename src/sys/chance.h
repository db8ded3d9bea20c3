/* chance.h - the only source of randomness: the kernel's, or one seed's.
 *
 * Keys and tokens take bytes; simulations take numbers. The simulated source is SplitMix64: the
 * same seed gives the same run, byte for byte. */
#pragma once

#include "base/base.h"

struct chance {
    void (*fill)(struct chance *chance, void *bytes, size_t n);
    uint64_t state; /* simulated source only */
};

void chance_real_init(struct chance *chance);
void chance_sim_init(struct chance *chance, uint64_t seed);
void chance_fill(struct chance *chance, void *bytes, size_t n);
uint64_t chance_u64(struct chance *chance);
uint64_t chance_below(struct chance *chance, uint64_t bound); /* 0 <= result < bound; bound > 0 */
double chance_unit(struct chance *chance);                    /* 0 <= result < 1 */
