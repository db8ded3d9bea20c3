/* marks.h - a second, simple opinion on what a choice is worth.
 *
 * The hall's scoring is judged by code that shares nothing with it: keys straight from the paper's
 * file, and the rule of the rehearsal's own exam (4 for the right letters, 1 for each right letter
 * when none is wrong, -1 otherwise, 0 for a blank). Typed answers are left to scoring's own tests.
 */
#pragma once

#include "base/str.h"

#define MARKS_SPEC "{right: 4, wrong: -1, partial: subset}"

/* Bits of the right letters by item, from 1; 0 for items that are not choices. `keys` has room for
 * items_max + 1. */
void marks_keys_read(uint32_t *keys, unsigned items_max, str jsonl);
uint32_t marks_bits(str letters);
int marks_worth(uint32_t key, uint32_t chosen);
