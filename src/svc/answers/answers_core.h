/* answers_core.h - a candidate's answers in memory: 16 bytes an item, and which of two saves is
 * newer. */
#pragma once

#include "svc/answers/answers_api.h"

/* What is recorded for one item. seq 0: nothing yet. */
struct cell {
    uint32_t seq, at_ms; /* at_ms: since the start of the attempt */
    uint32_t value;      /* letters as bits (A is bit 0), or the number of a text slot + 1 */
    uint16_t epoch;
    uint8_t marked, typed_bytes;
};
_Static_assert(sizeof(struct cell) == 16, "450,000 candidates have 22.5 million of them");

struct sheet {
    struct cell *cells;  /* NULL until the first save; [0] is item 1 */
    uint32_t seq, saves; /* the largest seq of the newest epoch seen; how many saves */
    uint16_t last_item, item_count;
};

enum order { ORDER_NEWER, ORDER_SAME, ORDER_OLDER };
/* Where a save stands against what is recorded: by (epoch, seq), never by arrival. */
enum order cell_order(const struct cell *cell, uint32_t epoch, uint32_t seq);

uint32_t letters_to_bits(str letters);
unsigned bits_to_letters(uint32_t bits, char out[32]);
