/* log_recover.c - opening a log again: keeps every acknowledged batch, cuts only what nobody was
 * told about, and tells the two apart.
 *
 * Only one batch is ever in flight: the next is written after the sync of the one before returned.
 * So after a crash at most one batch, the last, can be there in part. Everything behind it is the
 * zeros the file was filled with, and a disk writes a sector of 512 bytes whole or not at all.
 * Hence, at the first place where no valid batch is:
 *
 *   - anything valid further on, or a further segment  => a batch in the middle is damaged: CORRUPT
 *   - the head's sector is zeros                       => end of the log, or a torn batch: cut
 *   - the head's sector is not zeros and no valid head => no tear looks like that: CORRUPT
 *   - the head is valid but does not belong here       => files were exchanged or lost: CORRUPT
 *   - the head is right, the records are not, and one of their sectors is all zeros => torn: cut
 *   - the same, but every sector has bytes             => it was written whole, and rotted: CORRUPT
 *
 * What this cannot tell apart from a tear: a whole sector of the very last batch that the disk
 * turned into zeros, or a flipped bit in a last batch that has a sector of zeros of its own (a
 * body of 1 KiB of zeros). Those end in a cut. Any other flip is found and nothing is changed.
 *
 * Cutting writes zeros, always over the longest batch that could have been there, even where zeros
 * are read: after a failed sync the page cache and the disk may disagree. For the same reason the
 * last valid batch is written again with the same bytes and synced before anything is served: a
 * process that saw its sync fail has crashed and acknowledged nothing of that batch, but its
 * successor reads it from the page cache and must not trust that. */
#include "store/log_recover.h"

#include <stdlib.h>

static bool all_zeros(const char *p, size_t n)
{
    return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static bool is_ours(const struct segments *segments, const char *block, struct batch_head *head)
{
    memcpy(head, block, sizeof(*head));
    return batch_head_valid(head) && head->log_id == segments->log_id;
}

/* Looks for the head of any batch of this log from `at` to the end of the walk's segment. */
static fail any_batch_from(struct walk *walk, uint64_t at, bool *found, struct why *why)
{
    struct batch_head head;
    str bytes;
    *found = false;
    for (; at < walk->segment_bytes; at += BATCH_BLOCK_BYTES) {
        fail f = walk_load(walk, at, BATCH_BLOCK_BYTES, &bytes, why);
        if (f || bytes.n < sizeof(head))
            return f;
        if (is_ours(walk->segments, bytes.p, &head)) {
            *found = true;
            return FAIL_NONE;
        }
    }
    return FAIL_NONE;
}

/* The records of a batch with the right head: could they be what a power cut leaves? */
static fail judge_records(struct walk *walk, const struct batch_head *head, struct why *why)
{
    str batch;
    size_t n = sizeof(*head) + head->bytes;
    fail f = walk_load(walk, walk->place.at, n, &batch, why);
    if (f)
        return f;
    if (batch.n < n)
        return walk_corrupt(walk, "a batch is longer than its file, which was cut", why);
    for (size_t at = 0; at < n; at += BATCH_SECTOR_BYTES)
        if (all_zeros(batch.p + at, MIN(BATCH_SECTOR_BYTES, n - at)))
            return FAIL_NONE;
    return walk_corrupt(walk, "the checksum of the last batch is wrong though it was written whole",
                        why);
}

/* FAIL_NONE: what lies at walk->place and behind it may be cut. */
static fail judge_end(struct walk *walk, struct why *why)
{
    struct batch_head head;
    bool later;
    str sector;
    if (walk->place.segment + 1 < segments_count(walk->segments))
        return walk_corrupt(walk, "the next file does not begin where this one ends", why);
    if (walk->segment_bytes < 2 * BATCH_BLOCK_BYTES)
        return walk_corrupt(walk, "the file was cut", why);
    fail f = any_batch_from(walk, walk->place.at + BATCH_BLOCK_BYTES, &later, why);
    if (f)
        return f;
    if (later)
        return walk_corrupt(walk, "no valid batch is here, but one is further on", why);
    f = walk_load(walk, walk->place.at, BATCH_SECTOR_BYTES, &sector, why);
    if (f || all_zeros(sector.p, sector.n))
        return f;
    if (sector.n < BATCH_SECTOR_BYTES || !is_ours(walk->segments, sector.p, &head))
        return walk_corrupt(walk, "the head of the last batch is not what was written", why);
    if (head.first != walk->place.first || head.chain != walk->place.chain)
        return walk_corrupt(walk, "a batch is here that belongs elsewhere", why);
    if (head.segment_bytes != walk->segment_bytes)
        return walk_corrupt(walk, "the file does not have the length it was made with", why);
    return judge_records(walk, &head, why);
}

static fail write_synced(struct segments *segments, size_t segment, uint64_t at, const char *bytes,
                         size_t n, struct why *why)
{
    int handle;
    fail f = segments_open(segments, segment, FILE_WRITE, &handle, why);
    if (f)
        return f;
    f = segments->files->write(segments->files, handle, at, bytes, n, why);
    if (!f)
        f = segments->files->sync(segments->files, handle, why);
    segments->files->close(segments->files, handle);
    return f;
}

/* In pieces: a crash between them leaves what the next recovery cuts again. */
static fail cut(struct walk *walk, struct why *why)
{
    const struct place *place = &walk->place;
    uint64_t end = MIN(place->at + BATCH_BYTES_MAX, walk->segment_bytes);
    walk_reserve(walk, BATCH_BLOCK_BYTES);
    memset(walk->window, 0, walk->window_cap);
    fail f = FAIL_NONE;
    for (uint64_t at = place->at; !f && at < end; at += walk->window_cap)
        f = write_synced(walk->segments, place->segment, at, walk->window,
                         (size_t)MIN(end - at, walk->window_cap), why);
    return f;
}

static fail write_last_again(struct walk *walk, struct why *why)
{
    struct files *files = walk->segments->files;
    size_t n = sizeof(walk->head) + walk->head.bytes, got;
    int handle;
    fail f = segments_open(walk->segments, walk->last.segment, FILE_READ, &handle, why);
    if (f)
        return f;
    walk_reserve(walk, n);
    f = files->read(files, handle, walk->last.at, walk->window, n, &got, why);
    files->close(files, handle);
    if (f)
        return f;
    /* The bytes were checked a moment ago; check these, for they are what will be on the disk. */
    if (got < n || memcmp(walk->window, &walk->head, sizeof(walk->head)) != 0 ||
        !batch_body_valid(&walk->head, walk->window + sizeof(walk->head)))
        return walk_corrupt(walk, "the batch before reads differently each time; replace the disk",
                            why);
    return write_synced(walk->segments, walk->last.segment, walk->last.at, walk->window, n, why);
}

/* The head of a segment's first batch; zeros where the file is cut before its end. */
static fail read_head(struct segments *segments, size_t segment, struct batch_head *head,
                      struct why *why)
{
    size_t got;
    int handle;
    *head = (struct batch_head){ 0 };
    fail f = segments_open(segments, segment, FILE_READ, &handle, why);
    if (f)
        return f;
    f = segments->files->read(segments->files, handle, 0, head, sizeof(*head), &got, why);
    segments->files->close(segments->files, handle);
    return f;
}

/* The log's first batch is empty, was synced before its file had a name, and gives the log its id.
 */
static fail read_id(struct walk *walk, struct why *why)
{
    struct segments *segments = walk->segments;
    struct batch_head head;
    fail f = read_head(segments, 0, &head, why);
    if (f)
        return f;
    if (segments_first(segments, 0) != 0)
        return walk_corrupt(walk, "the log's first file is missing", why);
    if (!batch_head_valid(&head) || head.first || head.count || head.chain)
        return walk_corrupt(walk, "the log's first batch is not what was written", why);
    segments->log_id = head.log_id;
    return FAIL_NONE;
}

/* To the segment where the replay begins, marking the ones before, but never to the last: its first
 * batch may be a torn end, and the one before must be there to go by. */
static fail skip_to(struct walk *walk, uint64_t from, struct why *why)
{
    struct segments *segments = walk->segments;
    for (size_t i = 0; i + 1 < segments_count(segments) && segments_first(segments, i) <= from;
         i++) {
        struct batch_head head;
        fail f = read_head(segments, i, &head, why);
        if (f)
            return f;
        walk->place = (struct place){ i, 0, segments_first(segments, i), head.chain };
        if (!batch_head_valid(&head) || head.log_id != segments->log_id ||
            head.first != walk->place.first)
            return walk_corrupt(walk, "the first batch of this file is not what was written", why);
        segments_note(segments, &walk->place);
    }
    return FAIL_NONE;
}

static fail take_batch(struct walk *walk, const struct log_opts *opts, instant *last_at,
                       struct why *why)
{
    if (walk->head.at_last < *last_at)
        return walk_corrupt(walk, "time goes back from one batch to the next", why);
    *last_at = walk->head.at_last;
    segments_note(walk->segments, &walk->last);
    if (!opts->replay || walk->place.first <= opts->replay_from)
        return FAIL_NONE;
    return batch_each(&walk->head, walk->records, opts->replay_from, walk->place.first, TOPICS_ALL,
                      opts->replay, opts->replay_ctx, why);
}

static fail walk_to_end(struct walk *walk, const struct log_opts *opts, instant *last_at,
                        struct why *why)
{
    fail f = FAIL_NONE;
    for (bool found = true; !f && found;) {
        f = walk_next(walk, &found, why);
        if (!f && found)
            f = take_batch(walk, opts, last_at, why);
    }
    return f;
}

fail log_recover(struct segments *segments, const struct log_opts *opts, struct recovered *log,
                 struct why *why)
{
    struct walk walk;
    walk_init(&walk, segments, (struct place){ 0 });
    /* A process may have died between a segment's new name and the sync of that name. */
    fail f = segments_sync(segments, why);
    if (!f)
        f = read_id(&walk, why);
    if (!f)
        f = skip_to(&walk, opts->replay_from, why);
    *log = (struct recovered){ .begin = walk.place };
    if (!f)
        f = walk_to_end(&walk, opts, &log->last_at, why);
    if (!f)
        f = judge_end(&walk, why);
    if (!f && !opts->reading)
        f = write_last_again(&walk, why);
    if (!f && !opts->reading)
        f = cut(&walk, why);
    log->end = walk.place;
    walk_fini(&walk);
    return f;
}
