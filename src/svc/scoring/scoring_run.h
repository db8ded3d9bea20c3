/* scoring_run.h - a run: folds an exam's answers from the log, marks and ranks every attempt, and
 * writes the result as one blob.
 *
 * A pure function of the log and of the keys: it reads no other service's memory but the directory
 * (who sits which exam, the items' marks), and folds the answers into a book of its own
 * (app/book.h), so the same log and keys give the same bytes, whichever hall runs it, whenever. */
#pragma once

#include "app/book.h"
#include "store/blobs.h"
#include "store/log.h"
#include "svc/scoring/scoring_core.h"

/* The keys of an exam's items, as scoring keeps them. */
struct paper_keys {
    struct score_key *keys; /* ITEMS_MAX of them, made at the first */
    unsigned count;
    uint8_t partial[ITEMS_MAX];
};

struct scoring_run {
    struct log *log; /* all borrowed until the run has ended */
    const struct directory *directory;
    const struct paper_keys *paper;
    struct blobs *blobs;
    uint32_t exam, candidate_count; /* on the roster when the run was asked for */
    /* given */
    char name[BLOB_NAME_BYTES];
    uint32_t rows;
};

/* On any thread. The exam is closed and all its attempts are submitted: nothing it reads changes.
 */
fail scoring_run(struct scoring_run *run, struct why *why) MUST_USE;
