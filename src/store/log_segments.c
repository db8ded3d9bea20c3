/* log_segments.c - see log_segments.h. */
#include "store/log_segments.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME_DIGITS      20
#define READ_AHEAD_BYTES (512 * KIB) /* larger than most batches, smaller than a core's cache */

struct listing {
    uint64_t *firsts;
    size_t count, cap;
    bool strange;
};

static void list_one(void *ctx, str name)
{
    struct listing *listing = ctx;
    uint64_t first;
    if (!str_ends(name, STR(".seg")))
        return;
    str digits = str_first(name, name.n - 4);
    if (digits.n != NAME_DIGITS || !str_u64(digits, &first)) {
        listing->strange = true;
        return;
    }
    if (listing->count == listing->cap) {
        listing->cap = MAX(listing->cap * 2, 64);
        listing->firsts = realloc(listing->firsts, listing->cap * sizeof(first));
        must(listing->firsts);
    }
    listing->firsts[listing->count++] = first;
}

static int by_first(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

fail segments_init(struct segments *segments, struct files *files, const char *dir, struct why *why)
{
    *segments = (struct segments){
        .files = files,
        .firsts = growing_of(uint64_t),
        .marks = growing_of(struct place),
    };
    if ((size_t)snprintf(segments->dir, sizeof(segments->dir), "%s", dir) >= sizeof(segments->dir))
        return fail_set(why, FAIL_INPUT, "the path %s is too long; use a shorter folder", dir);
    struct listing listing = { 0 };
    fail f = files->list(files, dir, list_one, &listing, why);
    if (!f && listing.strange)
        f = fail_set(why, FAIL_CORRUPT,
                     "the log's folder %s holds a .seg file whose name is not 20 digits: nobody "
                     "but examhall may change this folder; move that file away",
                     dir);
    if (listing.count)
        qsort(listing.firsts, listing.count, sizeof(uint64_t), by_first);
    for (size_t i = 0; i < listing.count; i++)
        growing_push(&segments->firsts, &listing.firsts[i]);
    free(listing.firsts);
    return f;
}

void segments_fini(struct segments *segments)
{
    growing_fini(&segments->firsts);
    growing_fini(&segments->marks);
}

size_t segments_count(const struct segments *segments)
{
    return growing_count(&segments->firsts);
}

uint64_t segments_first(const struct segments *segments, size_t segment)
{
    return *(const uint64_t *)growing_at(&segments->firsts, segment);
}

void segments_path(const struct segments *segments, uint64_t first, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%020llu.seg", segments->dir, (unsigned long long)first);
}

void segments_spare_path(const struct segments *segments, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/spare.tmp", segments->dir);
}

fail segments_open(struct segments *segments, size_t segment, int mode, int *handle,
                   struct why *why)
{
    char path[PATH_MAX];
    segments_path(segments, segments_first(segments, segment), path);
    return segments->files->open(segments->files, path, mode, handle, why);
}

fail segments_adopt_spare(struct segments *segments, uint64_t first, struct why *why)
{
    char spare[PATH_MAX], path[PATH_MAX];
    size_t count = segments_count(segments);
    must(count == 0 || first > segments_first(segments, count - 1));
    segments_spare_path(segments, spare);
    segments_path(segments, first, path);
    fail f = segments->files->rename(segments->files, spare, path, why);
    if (!f)
        growing_push(&segments->firsts, &first);
    return f;
}

fail segments_sync(struct segments *segments, struct why *why)
{
    return segments->files->sync_dir(segments->files, segments->dir, why);
}

void segments_note(struct segments *segments, const struct place *place)
{
    size_t n = growing_count(&segments->marks);
    const struct place *last = n ? growing_at(&segments->marks, n - 1) : NULL;
    if (!last || last->segment != place->segment || place->at - last->at >= MARK_EVERY_BYTES)
        growing_push(&segments->marks, place);
}

struct place segments_find(struct segments *segments, uint64_t offset)
{
    size_t low = 0, high = growing_count(&segments->marks);
    must(high > 0); /* the log's first batch is always a mark */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        const struct place *place = growing_at(&segments->marks, middle);
        if (place->first <= offset)
            low = middle;
        else
            high = middle;
    }
    return *(const struct place *)growing_at(&segments->marks, low);
}

void walk_init(struct walk *walk, struct segments *segments, struct place from)
{
    *walk = (struct walk){ .segments = segments, .place = from, .handle = -1 };
}

void walk_fini(struct walk *walk)
{
    walk->segments->files->close(walk->segments->files, walk->handle);
    free(walk->window);
}

fail walk_corrupt(const struct walk *walk, const char *what, struct why *why)
{
    char path[PATH_MAX];
    const struct place *place = &walk->place;
    segments_path(walk->segments, segments_first(walk->segments, place->segment), path);
    return fail_set(why, FAIL_CORRUPT,
                    "the log is damaged at byte %llu of %s (record %llu): %s. Nothing was changed. "
                    "Copy the folder away, then put back that file from a backup or mirror; do not "
                    "cut it, acknowledged answers may lie behind",
                    (unsigned long long)place->at, path, (unsigned long long)place->first, what);
}

void walk_reserve(struct walk *walk, size_t n)
{
    must(n <= BATCH_BYTES_MAX);
    walk->window_n = 0;
    if (n <= walk->window_cap)
        return;
    free(walk->window);
    walk->window_cap = MIN(n + n / 2, BATCH_BYTES_MAX);
    walk->window = malloc(walk->window_cap);
    must(walk->window);
}

fail walk_load(struct walk *walk, uint64_t at, size_t n, str *bytes, struct why *why)
{
    bool inside = at >= walk->window_at && at + n <= walk->window_at + walk->window_n;
    if (!inside) {
        struct files *files = walk->segments->files;
        walk_reserve(walk, n);
        walk->window_at = at;
        fail f = files->read(files, walk->handle, at, walk->window, walk->window_cap,
                             &walk->window_n, why);
        if (f)
            return f;
    }
    size_t skip = (size_t)(at - walk->window_at);
    *bytes = str_first(str_from(str_of(walk->window, walk->window_n), skip), n);
    return FAIL_NONE;
}

static fail open_segment(struct walk *walk, struct why *why)
{
    struct files *files = walk->segments->files;
    fail f = segments_open(walk->segments, walk->place.segment, FILE_READ, &walk->handle, why);
    if (f)
        return f;
    f = files->size(files, walk->handle, &walk->segment_bytes, why);
    walk_reserve(walk, (size_t)MIN(walk->segment_bytes, READ_AHEAD_BYTES));
    return f;
}

/* Is the batch at walk->place the one that belongs there? */
static fail look(struct walk *walk, bool *valid, struct why *why)
{
    const struct place *place = &walk->place;
    struct batch_head head;
    str bytes;
    *valid = false;
    fail f = walk_load(walk, place->at, sizeof(head), &bytes, why);
    if (f || bytes.n < sizeof(head))
        return f;
    memcpy(&head, bytes.p, sizeof(head));
    if (!batch_head_valid(&head) || head.log_id != walk->segments->log_id ||
        head.first != place->first || head.chain != place->chain ||
        head.segment_bytes != walk->segment_bytes)
        return FAIL_NONE;
    f = walk_load(walk, place->at, sizeof(head) + head.bytes, &bytes, why);
    if (f || bytes.n < sizeof(head) + head.bytes)
        return f;
    *valid = batch_body_valid(&head, bytes.p + sizeof(head));
    if (*valid) {
        walk->head = head;
        walk->records = bytes.p + sizeof(head);
    }
    return FAIL_NONE;
}

/* The batch after the last of a segment is the first of the next. */
static bool next_segment(struct walk *walk)
{
    struct segments *segments = walk->segments;
    size_t next = walk->place.segment + 1;
    if (next >= segments_count(segments) || segments_first(segments, next) != walk->place.first)
        return false;
    segments->files->close(segments->files, walk->handle);
    walk->handle = -1;
    walk->place.segment = next;
    walk->place.at = 0;
    return true;
}

fail walk_next(struct walk *walk, bool *found, struct why *why)
{
    fail f = FAIL_NONE;
    do {
        if (walk->handle < 0)
            f = open_segment(walk, why);
        if (!f)
            f = look(walk, found, why);
    } while (!f && !*found && next_segment(walk));
    if (f || !*found)
        return f;
    walk->last = walk->place;
    walk->place.at += batch_padded(walk->head.bytes);
    walk->place.first += walk->head.count;
    walk->place.chain = walk->head.head_sum;
    return FAIL_NONE;
}
