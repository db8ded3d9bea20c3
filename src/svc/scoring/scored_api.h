/* scored_api.h - the outcome of a scoring run: one immutable blob that scoring writes and results
 * reads.
 *
 * Named by its SHA-256, so equal answers, keys and rules give equal names, and nobody changes a
 * mark unseen. Little-endian, read in place: struct scored_head; int64 out_of of each section; rows
 * ascending by candidate, each struct scored_row; struct scored_section for each section; struct
 * scored_item for each item; then the typed values of all rows, in order, back to back. */
#pragma once

#include "base/fail.h"

#define SCORED_MAGIC 0x3145524f43535845u /* "EXSCORE1" */

struct scored_head {
    uint64_t magic;
    uint32_t exam, rows, items, sections;
    int64_t out_of;    /* milli marks */
    uint64_t typed_at; /* where the typed values begin */
};

struct scored_row {
    uint32_t candidate,
        rank;          /* rank: 1 is best; equal totals share it, the next is skipped (1,2,2,4) */
    int64_t total;     /* milli marks */
    uint64_t typed_at; /* of this row's first typed value, from the head's typed_at */
};

struct scored_section {
    int64_t milli;
    uint16_t right, partly, wrong, blank;
};

struct scored_item {
    int32_t milli;
    uint8_t outcome, typed_bytes; /* outcome: 0 blank, 1 wrong, 2 partly, 3 right */
    uint16_t letters;             /* bit 0 is A */
};

static inline size_t scored_row_bytes(const struct scored_head *head)
{
    return sizeof(struct scored_row) + head->sections * sizeof(struct scored_section) +
           head->items * sizeof(struct scored_item);
}
static inline size_t scored_rows_at(const struct scored_head *head)
{
    return sizeof(*head) + head->sections * sizeof(int64_t);
}
