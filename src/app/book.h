/* book.h - the answer book: the newest answer to every item of every attempt, folded from the log.
 *
 * Folded once in each process that needs it, and read by every service in it, as the directory is
 * (docs/adr/0012-one-book-a-process.md). Nobody but book_apply changes it, and the same events give
 * the same book everywhere. What a submitted attempt has never changes: any thread may read it.
 *
 * Laid out for 22.5 million answers that are looked up in no order: 32 bytes an attempt, 16 an
 * item, and all that an attempt has side by side: a cell for each item, then room for a text of 16
 * bytes for each typed one. Both tables never move and are written to a checkpoint, and read from
 * it, as they are. */
#pragma once

#include "app/directory.h"

#define ANSWER_BYTES_MAX 200

/* What is recorded for one item. seq 0: nothing yet. */
struct cell {
    uint32_t seq, at_ms; /* at_ms: since the start of the attempt */
    uint32_t value;      /* letters as bits (A is bit 0), or the unit where the text begins */
    uint16_t epoch;
    uint8_t marked : 1, room : 7; /* units of the text, kept when it becomes shorter */
    uint8_t typed_bytes;
};
_Static_assert(sizeof(struct cell) == 16, "450,000 candidates have 22.5 million of them");

/* The memory of the book: a cell, or 16 bytes of a text, which goes on in the units behind it. */
union unit {
    struct cell cell;
    char text[16];
};

struct sheet {
    uint32_t units;      /* where its cells begin; 0: nothing of this attempt happened yet */
    uint32_t seq, saves; /* the largest seq seen; how many saves */
    uint16_t item_count, last_item, exam;
    uint16_t unit_count; /* side by side: its cells, and the first room of each text */
    instant started_at;
};
_Static_assert(sizeof(struct sheet) == 32, "two share a cache line");

struct book {
    const struct directory *directory;
    struct sheet *sheets; /* by candidate */
    union unit *units;
    uint32_t unit_count; /* used, the unused first included */
    uint64_t saves;      /* events of the log, superseded ones too */
};

void book_init(struct book *book, const struct directory *directory); /* keeps directory */
void book_fini(struct book *book);

void book_apply(struct book *book, const struct record *record);
/* Ask the memory for what is going to be touched; change nothing. The cell's place is in the sheet,
 * so other work belongs between the two. */
void book_expect_sheet(const struct book *book, uint32_t candidate);
void book_expect_cell(const struct book *book, uint32_t candidate, unsigned item);
void book_expect(const struct book *book, const struct record *records, size_t n);

/* What is recorded for an item (from 0); all zeros when nothing is. */
const struct cell *book_cell(const struct book *book, uint32_t candidate, unsigned item);
/* In the paper's letters, or as typed; "" when cleared. Letters are written to the caller's. */
str book_value(const struct book *book, const struct cell *cell, const struct item_shape *shape,
               char letters[32]);

enum order { ORDER_NEWER, ORDER_SAME, ORDER_OLDER };
/* Where a save stands against what is recorded: by (epoch, seq), never by arrival. */
enum order cell_order(const struct cell *cell, uint32_t epoch, uint32_t seq);

fail book_save(const struct book *book, struct store *store, struct why *why) MUST_USE;
/* Instead of what was folded so far. The directory must be loaded already. */
fail book_load(struct book *book, struct store *store, struct why *why) MUST_USE;
