/* log_embedded.c - the log in a folder of this machine: batches, one at a time, each with one write
 * and one sync.
 *
 * The owner appends into the pending batch. The writer (a thread, or log_flush itself) takes it
 * whole, leaves the owner an empty one, writes it at the end of the segment, syncs, and only then
 * moves `durable` and takes the next. So records gather by themselves while the disk is at work;
 * on a busy log the writer also waits up to gather_us for company, because a commit costs the same
 * CPU however small it is. A lonely save never waits.
 *
 * Room is promised before a record is taken: the pending batch always fits behind the batch in
 * flight, or into the spare segment. When the disk is full, appends are refused once that promise
 * cannot be made, and nothing that was taken is lost.
 *
 * A failed write or sync ends the process at once. What the disk holds is then unknown, asking
 * again would be answered by the page cache, and only recovery (log_recover.c) knows how to find
 * out.
 *
 * Read log_batch.h for the bytes, log_segments.h for the files. */
#include "store/log_backend.h"
#include "store/log_recover.h"
#include "store/log_spare.h"
#include "sys/clock.h"
#include "sys/lock.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SEGMENT_BYTES       (64 * MIB)
#define GATHER_US           1000
#define GATHER_ENOUGH_BYTES (256 * KIB) /* a sync of this much costs more than its fixed part */
#define SPARE_STEP_BYTES    MIB
#define FULL_DISK_RETRY_US  1000000

struct batch {
    struct batch_head head; /* count, bytes and instants grow with the records */
    char *bytes;            /* batch_max: room for the head, then the records */
};

struct embedded {
    struct log log;
    struct segments segments;
    int lock_fd, wake_fd;
    bool threads;
    uint32_t gather_us;
    size_t batch_max;        /* a batch fits the buffer and a segment */
    struct clock_real timer; /* with threads only */
    pthread_t writer;
    _Atomic uint64_t durable;

    /* The writer's own. */
    struct spare spare;
    struct place end; /* where the next batch goes */
    int handle;       /* of its segment */
    uint64_t segment_bytes;
    uint32_t last_count; /* records in the batch before */
    int64_t retry_at_us; /* after a full disk: when to try again */

    /* Shared by owner and writer, under lock. */
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    struct batch batches[2];
    struct batch *pending;
    size_t room; /* the padded size the pending batch may reach */
    bool flush_wanted, hurry, stop, idle, full;
    struct log_stats stats;
};

static struct embedded *ours(const struct log *log)
{
    return CONTAINER(log, struct embedded, log);
}

static NORETURN void die(const struct why *why)
{
    crash("disk", why->text, __FILE__, __LINE__);
}

/* --- opening and closing -----------------------------------------------------------------------
 */

/* Makes the folder, durably: its name is in its parent. */
static fail make_folder(struct files *files, const char *dir, struct why *why)
{
    char parent[PATH_MAX];
    snprintf(parent, sizeof(parent), "%s", dir);
    char *slash = strrchr(parent, '/');
    fail f = files->make_dir(files, dir, why);
    if (f)
        return f;
    if (!slash)
        return files->sync_dir(files, ".", why);
    *(slash == parent ? slash + 1 : slash) = 0;
    return files->sync_dir(files, parent, why);
}

/* A new log: one segment with one empty batch that carries the log's id. */
static fail make_log(struct embedded *embedded, struct chance *chance, struct why *why)
{
    struct files *files = embedded->segments.files;
    struct batch_head head = { .segment_bytes = embedded->spare.bytes };
    chance_fill(chance, &head.log_id, sizeof(head.log_id));
    batch_seal(&head, NULL);
    fail f = spare_finish(&embedded->spare, why);
    if (!f)
        f = files->write(files, embedded->spare.handle, 0, &head, sizeof(head), why);
    if (!f)
        f = files->sync(files, embedded->spare.handle, why);
    int handle;
    if (!f)
        f = spare_adopt(&embedded->spare, 0, &handle, why);
    if (!f)
        files->close(files, handle);
    return f;
}

static fail open_folder(struct embedded *embedded, const struct log_opts *opts, struct why *why)
{
    struct files *files = opts->files;
    struct chance kernel;
    chance_real_init(&kernel);
    spare_drop(&embedded->spare); /* of an earlier process: not known how far it was synced */
    if (embedded->segments.count == 0) {
        fail f = make_log(embedded, opts->chance ? opts->chance : &kernel, why);
        if (f)
            return f;
    }
    struct log *log = &embedded->log;
    fail f = log_recover(&embedded->segments, &embedded->end, &log->last_at, why);
    if (!f)
        f = segments_open(&embedded->segments, embedded->end.segment, FILE_WRITE, &embedded->handle,
                          why);
    if (!f)
        f = files->size(files, embedded->handle, &embedded->segment_bytes, why);
    /* Any batch fits behind a log's first, empty one: two segments never begin at one offset. */
    uint64_t least = MIN(embedded->segment_bytes, embedded->spare.bytes) - batch_padded(0);
    embedded->batch_max = (size_t)MIN(least, BATCH_BYTES_MAX);
    log->appended = embedded->end.first;
    atomic_store(&embedded->durable, log->appended);
    return f;
}

static void update_room(struct embedded *embedded, uint64_t left);
static void *writer_main(void *arg);

static fail start(struct embedded *embedded, struct why *why)
{
    for (int i = 0; i < 2; i++) {
        embedded->batches[i].bytes = aligned_alloc(BATCH_BLOCK_BYTES, embedded->batch_max);
        must(embedded->batches[i].bytes);
    }
    update_room(embedded, embedded->segment_bytes - embedded->end.at);
    if (!embedded->threads)
        return FAIL_NONE;
    fail f = clock_real_init(&embedded->timer, NULL, 0, why);
    if (f)
        return f;
    embedded->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (embedded->wake_fd < 0)
        return fail_errno(why, FAIL_WORLD, "cannot make an eventfd for the log");
    errno = pthread_create(&embedded->writer, NULL, writer_main, embedded);
    return errno ? fail_errno(why, FAIL_WORLD, "cannot start the log's writer thread") : FAIL_NONE;
}

static void embedded_free(struct embedded *embedded)
{
    struct files *files = embedded->segments.files;
    files->close(files, embedded->handle);
    files->close(files, embedded->spare.handle);
    segments_fini(&embedded->segments);
    lock_drop(embedded->lock_fd);
    if (embedded->wake_fd >= 0)
        close(embedded->wake_fd);
    free(embedded->batches[0].bytes);
    free(embedded->batches[1].bytes);
    pthread_mutex_destroy(&embedded->lock);
    pthread_cond_destroy(&embedded->work);
    pthread_cond_destroy(&embedded->done);
    free(embedded);
}

static struct embedded *new_embedded(const struct log_opts *opts)
{
    struct embedded *embedded = calloc(1, sizeof(*embedded));
    must(embedded);
    embedded->log.backend = &log_embedded;
    embedded->threads = opts->threads;
    embedded->gather_us = opts->gather_us ? opts->gather_us : GATHER_US;
    embedded->handle = embedded->lock_fd = embedded->wake_fd = -1;
    pthread_mutex_init(&embedded->lock, NULL);
    pthread_cond_init(&embedded->work, NULL);
    pthread_cond_init(&embedded->done, NULL);
    embedded->pending = &embedded->batches[0];
    return embedded;
}

/* The simulated disk needs no lock file: one process, one log. */
static fail lock_folder(struct embedded *embedded, const struct log_opts *opts, struct why *why)
{
    char path[PATH_MAX];
    if (opts->files != files_real())
        return FAIL_NONE;
    snprintf(path, sizeof(path), "%s/lock", opts->dir);
    return lock_take(path, &embedded->lock_fd, why);
}

static fail embedded_open(struct log **log, const struct log_opts *opts, struct why *why)
{
    uint64_t segment_bytes = opts->segment_bytes ? opts->segment_bytes : SEGMENT_BYTES;
    must(opts->dir && opts->files);
    must(segment_bytes % BATCH_BLOCK_BYTES == 0 && segment_bytes >= 2 * BATCH_BLOCK_BYTES);
    fail f = make_folder(opts->files, opts->dir, why);
    if (f)
        return f;
    struct embedded *embedded = new_embedded(opts);
    f = lock_folder(embedded, opts, why);
    fail listed = segments_init(&embedded->segments, opts->files, opts->dir, f ? NULL : why);
    spare_init(&embedded->spare, &embedded->segments, segment_bytes);
    if (!f)
        f = listed;
    if (!f)
        f = open_folder(embedded, opts, why);
    if (!f)
        f = start(embedded, why);
    if (f)
        embedded_free(embedded);
    else
        *log = &embedded->log;
    return f;
}

/* --- the owner's side --------------------------------------------------------------------------
 */

/* The most a batch may take now: what is left of the segment, or a whole new one. */
static void update_room(struct embedded *embedded, uint64_t left)
{
    embedded->room = (size_t)MIN(embedded->spare.ready ? UINT64_MAX : left, embedded->batch_max);
}

static fail no_room(struct embedded *embedded, struct why *why)
{
    if (embedded->full)
        return fail_as(why, FAIL_FULL, "disk-full",
                       "the disk that holds %s is full: free some space, the log goes on by itself",
                       embedded->segments.dir);
    return fail_set(why, FAIL_BUSY, "the log's batch is full; try again in a moment");
}

/* Without a thread nobody makes a spare in the background: do it when it is needed. */
static fail make_room(struct embedded *embedded, struct why *why)
{
    if (embedded->threads || embedded->spare.ready)
        return no_room(embedded, why);
    fail f = spare_finish(&embedded->spare, why);
    embedded->full = f == FAIL_FULL;
    if (f == FAIL_FULL)
        return no_room(embedded, why);
    if (f)
        return f;
    update_room(embedded, embedded->segment_bytes - embedded->end.at);
    return FAIL_NONE;
}

static void add(struct batch *batch, const struct record *record, instant before)
{
    struct batch_head *head = &batch->head;
    char *p = batch->bytes + sizeof(*head) + head->bytes;
    if (head->count == 0)
        head->at_first = before = record->at;
    head->bytes += (uint32_t)record_encode(p, record, before);
    head->at_last = record->at;
    head->count++;
}

static fail embedded_append(struct log *log, const struct record *record, struct why *why)
{
    struct embedded *embedded = ours(log);
    fail f = FAIL_NONE;
    pthread_mutex_lock(&embedded->lock);
    struct batch *batch = embedded->pending;
    size_t most = batch->head.bytes + RECORD_HEAD_BYTES_MAX + record->body.n;
    size_t padded = batch_padded(most);
    if (padded > embedded->batch_max)
        f = fail_set(why, FAIL_BUSY, "the log's batch is full; try again in a moment");
    else if (padded > embedded->room)
        f = make_room(embedded, why);
    if (!f)
        add(batch, record, log->last_at);
    pthread_mutex_unlock(&embedded->lock);
    return f;
}

static uint64_t embedded_durable(const struct log *log)
{
    return atomic_load_explicit(&ours(log)->durable, memory_order_acquire);
}

static int embedded_wake_fd(const struct log *log)
{
    return ours(log)->wake_fd;
}

/* --- the writer's side -------------------------------------------------------------------------
 */

/* Takes the pending batch and says what room is left behind it. Under lock. */
static struct batch *take_pending(struct embedded *embedded, bool *rotate)
{
    struct batch *batch = embedded->pending;
    size_t padded = batch_padded(batch->head.bytes);
    uint64_t left = embedded->segment_bytes - embedded->end.at;
    *rotate = padded > left;
    must(!*rotate || embedded->spare.ready); /* append promised it */
    embedded->pending = &embedded->batches[batch == &embedded->batches[0]];
    embedded->pending->head = (struct batch_head){ 0 };
    embedded->flush_wanted = false;
    if (*rotate) {
        /* The spare is spoken for: nothing may be promised from it twice. */
        left = embedded->spare.bytes - padded;
        embedded->room = (size_t)MIN(left, embedded->batch_max);
    } else {
        update_room(embedded, left - padded);
    }
    return batch;
}

static fail rotate_segment(struct embedded *embedded, struct why *why)
{
    struct files *files = embedded->segments.files;
    files->close(files, embedded->handle);
    embedded->segment_bytes = embedded->spare.bytes;
    embedded->end.segment++;
    embedded->end.at = 0;
    return spare_adopt(&embedded->spare, embedded->end.first, &embedded->handle, why);
}

/* The batch's bytes as they go to the disk. */
static size_t seal(struct embedded *embedded, struct batch *batch)
{
    struct batch_head *head = &batch->head;
    size_t used = sizeof(*head) + head->bytes, padded = batch_padded(head->bytes);
    head->log_id = embedded->segments.log_id;
    head->first = embedded->end.first;
    head->chain = embedded->end.chain;
    head->segment_bytes = embedded->segment_bytes;
    batch_seal(head, batch->bytes + sizeof(*head));
    memcpy(batch->bytes, head, sizeof(*head));
    memset(batch->bytes + used, 0, padded - used);
    return padded;
}

static int64_t now_us(struct embedded *embedded)
{
    return embedded->threads ? clock_mono_us(&embedded->timer.clock) : 0;
}

static void wait_until(struct embedded *embedded, int64_t until_us)
{
    struct timespec until = { .tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000 };
    pthread_cond_clockwait(&embedded->work, &embedded->lock, CLOCK_MONOTONIC, &until);
}

/* A full disk on writing where zeros are already: some file systems write each block elsewhere.
 * Nothing was acknowledged and nothing synced, so the same write may be tried again. */
static fail write_patiently(struct embedded *embedded, const char *bytes, size_t n, struct why *why)
{
    struct files *files = embedded->segments.files;
    for (;;) {
        fail f = files->write(files, embedded->handle, embedded->end.at, bytes, n, why);
        if (f != FAIL_FULL || !embedded->threads)
            return f;
        pthread_mutex_lock(&embedded->lock);
        embedded->full = true;
        embedded->room = 0; /* until the batch is written: see commit_pending */
        wait_until(embedded, now_us(embedded) + FULL_DISK_RETRY_US);
        embedded->full = false;
        pthread_mutex_unlock(&embedded->lock);
    }
}

/* The batch is durable when this returns. */
static void commit(struct embedded *embedded, struct batch *batch, bool rotate)
{
    struct files *files = embedded->segments.files;
    struct place *end = &embedded->end;
    struct why why;
    fail f = rotate ? rotate_segment(embedded, &why) : FAIL_NONE;
    size_t padded = seal(embedded, batch);
    if (!f)
        f = write_patiently(embedded, batch->bytes, padded, &why);
    if (!f)
        f = files->sync(files, embedded->handle, &why);
    if (f)
        die(&why);
    segments_note(&embedded->segments, end);
    end->at += padded;
    end->first += batch->head.count;
    end->chain = batch->head.head_sum;
    embedded->last_count = batch->head.count;
}

static void count_batch(struct embedded *embedded, const struct batch *batch, int64_t us)
{
    struct log_stats *stats = &embedded->stats;
    stats->batches++;
    stats->bytes_written += batch_padded(batch->head.bytes);
    stats->sync_us_total += (uint64_t)us;
    stats->sync_us_max = MAX(stats->sync_us_max, (uint64_t)us);
}

/* Commits the pending batch. Under lock, which is let go meanwhile. */
static void commit_pending(struct embedded *embedded)
{
    bool rotate;
    struct batch *batch = take_pending(embedded, &rotate);
    pthread_mutex_unlock(&embedded->lock);
    int64_t began_us = now_us(embedded);
    commit(embedded, batch, rotate);
    int64_t took_us = now_us(embedded) - began_us;
    atomic_store_explicit(&embedded->durable, embedded->end.first, memory_order_release);
    pthread_mutex_lock(&embedded->lock);
    count_batch(embedded, batch, took_us);
    update_room(embedded, embedded->segment_bytes - embedded->end.at);
    if (embedded->wake_fd >= 0)
        must(eventfd_write(embedded->wake_fd, 1) == 0);
    pthread_cond_broadcast(&embedded->done);
}

/* Soon enough that a segment's worth of batches cannot outrun it, late enough that a log which
 * takes a few records never makes a second file. */
static bool spare_wanted(struct embedded *embedded)
{
    return !embedded->spare.ready && embedded->end.at >= embedded->segment_bytes / 4 &&
           (!embedded->full || now_us(embedded) >= embedded->retry_at_us);
}

/* Under lock, which is let go meanwhile. */
static void fill_spare(struct embedded *embedded, size_t bytes)
{
    struct why why;
    pthread_mutex_unlock(&embedded->lock);
    fail f = spare_step(&embedded->spare, bytes, &why);
    if (f && f != FAIL_FULL)
        die(&why);
    pthread_mutex_lock(&embedded->lock);
    embedded->full = f == FAIL_FULL;
    embedded->retry_at_us = now_us(embedded) + FULL_DISK_RETRY_US;
    update_room(embedded, embedded->segment_bytes - embedded->end.at);
}

/* Returns when there is a batch to write, or nothing left to do. Under lock. */
static void await_work(struct embedded *embedded)
{
    while (!(embedded->flush_wanted && embedded->pending->head.count) && !embedded->stop) {
        if (spare_wanted(embedded)) {
            fill_spare(embedded, SPARE_STEP_BYTES);
            continue;
        }
        embedded->idle = true;
        if (embedded->full)
            wait_until(embedded, embedded->retry_at_us);
        else
            pthread_cond_wait(&embedded->work, &embedded->lock);
        embedded->idle = false;
    }
}

static void gather(struct embedded *embedded)
{
    const struct batch_head *head = &embedded->pending->head;
    if (embedded->last_count <= 1 && head->count <= 1)
        return;
    int64_t until_us = now_us(embedded) + embedded->gather_us;
    while (!embedded->hurry && !embedded->stop && head->bytes < GATHER_ENOUGH_BYTES &&
           now_us(embedded) < until_us)
        wait_until(embedded, until_us);
}

static void *writer_main(void *arg)
{
    struct embedded *embedded = arg;
    pthread_mutex_lock(&embedded->lock);
    for (;;) {
        await_work(embedded);
        if (embedded->pending->head.count == 0)
            break;
        gather(embedded);
        size_t bytes = embedded->pending->head.bytes;
        commit_pending(embedded);
        if (spare_wanted(embedded))
            fill_spare(embedded, MAX(SPARE_STEP_BYTES, 4 * bytes));
    }
    pthread_mutex_unlock(&embedded->lock);
    return NULL;
}

/* --- flushing, reading, closing ----------------------------------------------------------------
 */

static void embedded_flush(struct log *log)
{
    struct embedded *embedded = ours(log);
    pthread_mutex_lock(&embedded->lock);
    const struct batch_head *head = &embedded->pending->head;
    if (head->count && !embedded->threads) {
        commit_pending(embedded);
    } else if (head->count) {
        embedded->flush_wanted = true;
        if (embedded->idle || head->bytes >= GATHER_ENOUGH_BYTES)
            pthread_cond_signal(&embedded->work);
    }
    pthread_mutex_unlock(&embedded->lock);
}

static void embedded_sync(struct log *log)
{
    struct embedded *embedded = ours(log);
    embedded_flush(log);
    pthread_mutex_lock(&embedded->lock);
    embedded->hurry = true;
    pthread_cond_signal(&embedded->work);
    while (embedded_durable(log) < log->appended)
        pthread_cond_wait(&embedded->done, &embedded->lock);
    embedded->hurry = false;
    pthread_mutex_unlock(&embedded->lock);
}

static fail missing(const struct walk *walk, struct why *why)
{
    return fail_set(why, FAIL_CORRUPT,
                    "the log in %s changed under our feet: record %llu was there and is not what "
                    "was written; stop the hall and check the disk",
                    walk->segments->dir, (unsigned long long)walk->place.first);
}

static fail embedded_read(struct log *log, uint64_t from, uint64_t end, uint32_t topics,
                          log_read_fn fn, void *ctx, struct why *why)
{
    struct segments *segments = &ours(log)->segments;
    struct walk walk;
    walk_init(&walk, segments, segments_find(segments, from));
    fail f = FAIL_NONE;
    while (!f && walk.place.first < end) {
        bool found;
        f = walk_next(&walk, &found, why);
        if (!f && !found)
            f = missing(&walk, why);
        if (!f && walk.place.first > from)
            f = batch_each(&walk.head, walk.records, from, end, topics, fn, ctx, why);
    }
    walk_fini(&walk);
    return f;
}

static void embedded_stats(const struct log *log, struct log_stats *stats)
{
    struct embedded *embedded = ours(log);
    pthread_mutex_lock(&embedded->lock);
    *stats = embedded->stats;
    stats->has_room = !(embedded->full && embedded->room < batch_padded(LOG_BODY_BYTES_MAX));
    pthread_mutex_unlock(&embedded->lock);
    pthread_mutex_lock(&embedded->segments.lock);
    stats->segments = embedded->segments.count;
    pthread_mutex_unlock(&embedded->segments.lock);
}

/* An empty batch behind the last one: its chain says that the last one was durable, so whatever a
 * disk does to it while the hall is off is found, and never taken for a torn end. */
static void close_chain(struct embedded *embedded)
{
    bool fits = embedded->end.at + batch_padded(0) <= embedded->segment_bytes;
    struct batch *batch = embedded->pending;
    if (embedded->last_count == 0 || !fits)
        return;
    batch->head.at_first = batch->head.at_last = embedded->log.last_at;
    commit(embedded, batch, false);
}

static void embedded_close(struct log *log)
{
    struct embedded *embedded = ours(log);
    if (embedded->threads) {
        pthread_mutex_lock(&embedded->lock);
        embedded->stop = true;
        pthread_cond_signal(&embedded->work);
        pthread_mutex_unlock(&embedded->lock);
        must(pthread_join(embedded->writer, NULL) == 0);
    }
    close_chain(embedded);
    embedded_free(embedded);
}

const struct log_backend log_embedded = {
    .name = "embedded",
    .open = embedded_open,
    .append = embedded_append,
    .flush = embedded_flush,
    .durable = embedded_durable,
    .wake_fd = embedded_wake_fd,
    .sync = embedded_sync,
    .read = embedded_read,
    .stats = embedded_stats,
    .close = embedded_close,
};
