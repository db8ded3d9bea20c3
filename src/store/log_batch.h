/* log_batch.h - the bytes of records and batches, with no disk in sight.
 *
 * A record is: varint length of the body, topic, type, varint key, varint milliseconds since the
 * record before (or the batch's at_first), body: 6 to 9 bytes beyond the body in practice.
 *
 * A batch is a head of 64 bytes and the records behind it. Two sums: one over the head alone, so
 * that its lengths can be believed before the rest is looked at, one over the records. Each head
 * carries the sum of the head before it: a chain, in which nothing can be missing or exchanged. */
#pragma once

#include "store/log.h"

#define BATCH_BLOCK_BYTES     ((size_t)4096) /* batches start at multiples of this */
#define BATCH_SECTOR_BYTES    ((size_t)512)  /* a disk writes this much whole, or not at all */
#define BATCH_BYTES_MAX       (4 * MIB)      /* head, records and padding */
#define BATCH_MAGIC           0x6c676865u    /* "ehgl" */
#define RECORD_HEAD_BYTES_MAX 20

struct batch_head {
    uint32_t magic;
    uint32_t head_sum; /* of the 56 bytes that follow */
    uint64_t log_id;   /* random, one for each log: bytes of another log never pass for ours */
    uint64_t first;    /* offset of the first record */
    uint32_t count;    /* of records; may be 0 */
    uint32_t bytes;    /* of records, behind this head */
    instant at_first;  /* of the first record, */
    instant at_last;   /* and of the last; without records, of the last one before */
    uint32_t body_sum;
    uint32_t chain;         /* head_sum of the batch before; 0 for the log's first */
    uint64_t segment_bytes; /* how long the file is */
};
_Static_assert(sizeof(struct batch_head) == 64, "written to disk as it is");

/* Bytes on disk of a batch with so many bytes of records. */
static inline size_t batch_padded(size_t bytes)
{
    return (sizeof(struct batch_head) + bytes + BATCH_BLOCK_BYTES - 1) & ~(BATCH_BLOCK_BYTES - 1);
}

/* Writes a record; p has room for RECORD_HEAD_BYTES_MAX + body.n. Returns the bytes used.
 * `before` is the `at` of the record before it, or its own when it is the batch's first. */
size_t record_encode(char *p, const struct record *record, instant before);

/* Cuts a record off the front of *rest; *at is the `at` of the one before and becomes its own. Sets
 * all of record but its offset. False when the bytes are no record. */
bool record_decode(str *rest, instant *at, struct record *record);

/* Fills both sums of the head for these records. */
void batch_seal(struct batch_head *head, const char *records);
bool batch_head_valid(const struct batch_head *head); /* is it one, whole in itself? */
bool batch_body_valid(const struct batch_head *head, const char *records);

/* Calls fn for the records of one valid batch with from <= offset < end and a topic of `topics`. */
fail batch_each(const struct batch_head *head, const char *records, uint64_t from, uint64_t end,
                uint32_t topics, log_run_fn fn, void *ctx, struct why *why) MUST_USE;
