/* scoring_run.h - a run: marks and ranks every attempt of an exam, and writes the result as one
 * blob.
 *
 * A pure function of the log and of the keys. It reads the answers from the book (app/book.h),
 * which is what the log folds to and nothing else: the exam is closed and all its attempts are
 * submitted, so no event can change them, and the same log and keys give the same bytes, in the
 * same hall, in one that was killed, and in one that folded the log anew. */
#pragma once

#include "app/book.h"
#include "store/blobs.h"
#include "svc/scoring/scoring_core.h"

/* The keys of an exam's items, as scoring keeps them. */
struct paper_keys {
    struct score_key *keys; /* ITEMS_MAX of them, made at the first */
    unsigned count;
    uint8_t partial[ITEMS_MAX];
};

struct scoring_run {
    const struct directory *directory; /* all borrowed until the run has ended */
    const struct book *book;
    const struct paper_keys *paper;
    struct blobs *blobs;
    uint32_t exam, candidate_count; /* on the roster when the run was asked for */
    /* given */
    char name[BLOB_NAME_BYTES];
    uint32_t rows;
};

/* On any thread. */
fail scoring_run(struct scoring_run *run, struct why *why) MUST_USE;
