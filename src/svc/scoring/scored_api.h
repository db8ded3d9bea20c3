/* scored_api.h - the outcome of a scoring run: one immutable blob that scoring writes and results
 * reads.
 *
 * Named by its SHA-256, so equal answers, keys and rules give equal names, and nobody changes a
 * mark unseen. Little-endian, read in place: struct scored_head; int64 out_of of each section;
 * int64 of all the different marks that one answer can get, which items name by number (of a full
 * exam's blob the items are most, so each is small); rows ascending by candidate, each struct
 * scored_row; struct scored_section for each section; struct scored_item for each item; then the
 * typed values of all rows, in order, back to back. All marks are in thousandths ("milli"). */
#pragma once

#include "base/fail.h"

#define SCORED_MAGIC 0x3245524f43535845u /* "EXSCORE2" */

enum score_outcome { OUTCOME_BLANK, OUTCOME_WRONG, OUTCOME_PARTLY, OUTCOME_RIGHT };
#define SCORE_OUTCOMES 4
extern const char
    *const score_outcome_names[SCORE_OUTCOMES]; /* "blank", "wrong", "partly", "right" */

struct scored_head {
    uint64_t magic;
    uint32_t exam, rows, items, sections;
    uint32_t marks, zero; /* how many different marks there are; padding */
    int64_t out_of;
    uint64_t typed_at; /* where the typed values begin */
};

struct scored_row {
    uint32_t candidate,
        rank; /* rank: 1 is best; equal totals share it, the next is skipped (1,2,2,4) */
    int64_t total;
    uint64_t typed_at; /* of this row's first typed value, from the head's typed_at */
};

struct scored_section {
    int64_t milli;
    uint16_t counts[SCORE_OUTCOMES]; /* items of each outcome */
};

struct scored_item {
    uint16_t marks;
    uint8_t outcome : 2, typed : 1;
    uint8_t value; /* letters of a choice as bits (A is bit 0), or how many bytes were typed */
};
_Static_assert(sizeof(struct scored_item) == 4, "450,000 candidates have 22.5 million of them");

static inline size_t scored_row_bytes(const struct scored_head *head)
{
    size_t bytes = sizeof(struct scored_row) + head->sections * sizeof(struct scored_section) +
                   head->items * sizeof(struct scored_item);
    return (bytes + sizeof(int64_t) - 1) / sizeof(int64_t) * sizeof(int64_t);
}
static inline size_t scored_rows_at(const struct scored_head *head)
{
    return sizeof(*head) + ((size_t)head->sections + head->marks) * sizeof(int64_t);
}
