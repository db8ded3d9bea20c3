/* log_segments.h - the folder of an embedded log: its segment files, and a walk along their
 * batches.
 *
 * A segment is `<offset of its first record, 20 digits>.seg`: filled with zeros, synced and of its
 * final length before it gets that name, so that a batch never waits for room or for the file
 * system's own journal. The writer adds segments and marks; readers in any thread, or in a forked
 * child, look them up without a lock. */
#pragma once

#include "store/growing.h"
#include "store/log_batch.h"

#include <limits.h>

#define MARK_EVERY_BYTES (256 * KIB)

/* Where a batch begins and what must be written there. */
struct place {
    size_t segment;
    uint64_t at;    /* bytes into the file */
    uint64_t first; /* offset of its first record */
    uint32_t chain; /* head_sum of the batch before it */
};

struct segments {
    struct files *files;
    char dir[PATH_MAX - 32];
    uint64_t log_id;
    struct growing firsts; /* uint64_t: a segment each, ascending */
    struct growing marks;  /* struct place: a batch about every MARK_EVERY_BYTES, ascending */
};

/* Lists the folder. FAIL_CORRUPT when a name that ends in .seg is not one of ours. */
fail segments_init(struct segments *segments, struct files *files, const char *dir,
                   struct why *why) MUST_USE;
void segments_fini(struct segments *segments);

size_t segments_count(const struct segments *segments);
uint64_t segments_first(const struct segments *segments, size_t segment);
void segments_path(const struct segments *segments, uint64_t first, char path[PATH_MAX]);
void segments_spare_path(const struct segments *segments, char path[PATH_MAX]);
fail segments_open(struct segments *segments, size_t segment, int mode, int *handle,
                   struct why *why) MUST_USE;
/* Gives the spare file, finished and synced, its name as the segment that starts at `first`. */
fail segments_adopt_spare(struct segments *segments, uint64_t first, struct why *why) MUST_USE;
/* Makes the names durable. FAIL_STARVED: not tried; try again. */
fail segments_sync(struct segments *segments, struct why *why) MUST_USE;
void segments_note(struct segments *segments, const struct place *place); /* maybe a mark */
/* The last known place at or before an offset. */
struct place segments_find(struct segments *segments, uint64_t offset);

/* A walk along batches. Each is checked whole: head, chain, offset, records. */
struct walk {
    struct segments *segments;
    struct place place;     /* of the batch that walk_next will look at */
    struct place last;      /* of the batch it gave last */
    int handle;             /* of place.segment, -1 before it is opened */
    uint64_t segment_bytes; /* its length */
    char *window;           /* window_n bytes of the file from window_at on */
    uint64_t window_at;
    size_t window_n, window_cap;
    struct batch_head head; /* the batch just given */
    const char *records;    /* borrowed until the next step */
};

void walk_init(struct walk *walk, struct segments *segments, struct place from);
void walk_fini(struct walk *walk);
/* *found: the next batch is in head and records. Not found: no valid one is at walk->place. */
fail walk_next(struct walk *walk, bool *found, struct why *why) MUST_USE;
/* Says what is wrong at walk->place, and what to do: FAIL_CORRUPT. */
fail walk_corrupt(const struct walk *walk, const char *what, struct why *why);
void walk_reserve(struct walk *walk, size_t n); /* an empty window with room for n bytes */
/* Brings n bytes at `at` of the open segment into the window; fewer only at the end of the file. */
fail walk_load(struct walk *walk, uint64_t at, size_t n, str *bytes, struct why *why) MUST_USE;
