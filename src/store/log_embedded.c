/* log_embedded.c - the log in a folder of this machine: batches, one at a time, each with one write
 * and one sync.
 *
 * The owner appends into the pending batch. The writer (a thread, or log_flush itself) takes it
 * whole, leaves the owner an empty one, writes it at the end of the segment, syncs, and only then
 * moves `durable` and takes the next. So records gather by themselves while the disk is at work.
 * The writer waits for nobody else: a commit costs the same CPU however small it is, so it is for
 * the owner to bring many records at once when there are many (src/app/server.c).
 *
 * Room is promised before a record is taken: the pending batch always fits behind the batch in
 * flight, or into the spare segment. When the disk is full, or no descriptor is free for the next
 * segment, appends are refused once that promise cannot be made, and nothing that was taken is
 * lost.
 *
 * Read log_batch.h for the bytes, log_segments.h for the files, log_writer.c for the writer. */
#include "store/log_embedded.h"
#include "store/log_recover.h"
#include "sys/lock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SEGMENT_BYTES (64 * MIB)

static struct embedded *ours(const struct log *log)
{
    return CONTAINER(log, struct embedded, log);
}

/* --- opening --------------------------------------------------------------------------------- */

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
    if (f)
        return f;
    files->close(files, handle);
    return segments_sync(&embedded->segments, why);
}

static fail open_folder(struct embedded *embedded, const struct log_opts *opts, struct why *why)
{
    struct files *files = opts->files;
    struct chance kernel;
    chance_real_init(&kernel);
    if (!opts->reading)
        spare_drop(&embedded->spare); /* of an earlier process: not known how far it was synced */
    if (segments_count(&embedded->segments) == 0) {
        if (opts->reading)
            return fail_set(why, FAIL_MISSING, "there is no log in %s", opts->dir);
        fail f = make_log(embedded, opts->chance ? opts->chance : &kernel, why);
        if (f)
            return f;
    }
    struct log *log = &embedded->log;
    struct recovered found;
    fail f = log_recover(&embedded->segments, opts, &found, why);
    if (!f && found.begin.segment && !opts->threads)
        f = log_check_now(&embedded->segments, found.begin, why);
    if (!f && found.begin.segment && opts->threads)
        log_check_start(&embedded->check, &embedded->segments, found.begin);
    embedded->end = found.end;
    log->last_at = found.last_at;
    if (!f)
        f = segments_open(&embedded->segments, embedded->end.segment,
                          opts->reading ? FILE_READ : FILE_WRITE, &embedded->handle, why);
    if (!f)
        f = files->size(files, embedded->handle, &embedded->segment_bytes, why);
    /* Any batch fits behind a log's first, empty one: two segments never begin at one offset. */
    uint64_t least = MIN(embedded->segment_bytes, embedded->spare.bytes) - batch_padded(0);
    embedded->batch_max = (size_t)MIN(least, BATCH_BYTES_MAX);
    log->appended = embedded->end.first;
    atomic_store(&embedded->durable, log->appended);
    return f;
}

static fail start(struct embedded *embedded, struct why *why)
{
    for (int i = 0; i < 2; i++) {
        embedded->batches[i].bytes = aligned_alloc(BATCH_BLOCK_BYTES, embedded->batch_max);
        must(embedded->batches[i].bytes);
    }
    writer_update_room(embedded, embedded->segment_bytes - embedded->end.at);
    if (!embedded->threads)
        return FAIL_NONE;
    fail f = clock_real_init(&embedded->timer, NULL, 0, why);
    if (f)
        return f;
    embedded->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (embedded->wake_fd < 0)
        return fail_errno(why, FAIL_WORLD, "cannot make an eventfd for the log");
    sigset_t all, before; /* signals are for the owner's thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&embedded->writer, NULL, writer_main, embedded);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return errno ? fail_errno(why, FAIL_WORLD, "cannot start the log's writer thread") : FAIL_NONE;
}

static void embedded_free(struct embedded *embedded)
{
    struct files *files = embedded->segments.files;
    log_check_stop(&embedded->check);
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
    embedded->reading = opts->reading;
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
    must(opts->dir && opts->files && !(opts->reading && opts->threads));
    must(segment_bytes % BATCH_BLOCK_BYTES == 0 && segment_bytes >= 2 * BATCH_BLOCK_BYTES);
    fail f = opts->reading ? FAIL_NONE : make_folder(opts->files, opts->dir, why);
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

/* --- appending ------------------------------------------------------------------------------- */

static fail no_room(struct embedded *embedded, struct why *why)
{
    if (embedded->lack)
        return writer_lack(embedded, why);
    return fail_set(why, FAIL_BUSY, "the log's batch is full; try again in a moment");
}

/* Without a thread nobody makes a spare in the background: do it when it is needed. */
static fail make_room(struct embedded *embedded, struct why *why)
{
    if (embedded->threads || embedded->spare.ready)
        return no_room(embedded, why);
    fail f = spare_finish(&embedded->spare, why);
    embedded->lack = writer_may_wait(f) ? f : FAIL_NONE;
    if (f)
        return embedded->lack ? writer_lack(embedded, why) : f;
    writer_update_room(embedded, embedded->segment_bytes - embedded->end.at);
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
    must(!embedded->reading);
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

/* --- flushing, reading, closing -------------------------------------------------------------- */

static void embedded_flush(struct log *log)
{
    struct embedded *embedded = ours(log);
    pthread_mutex_lock(&embedded->lock);
    const struct batch_head *head = &embedded->pending->head;
    if (head->count && !embedded->threads) {
        writer_commit(embedded);
    } else if (head->count) {
        embedded->flush_wanted = true;
        if (embedded->idle)
            pthread_cond_signal(&embedded->work);
    }
    pthread_mutex_unlock(&embedded->lock);
}

static void embedded_sync(struct log *log)
{
    struct embedded *embedded = ours(log);
    embedded_flush(log);
    pthread_mutex_lock(&embedded->lock);
    while (embedded_durable(log) < log->appended)
        pthread_cond_wait(&embedded->done, &embedded->lock);
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
                          log_run_fn fn, void *ctx, struct why *why)
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
    stats->has_room = !(embedded->lack && embedded->room < batch_padded(LOG_BODY_BYTES_MAX));
    pthread_mutex_unlock(&embedded->lock);
    stats->segments = segments_count(&embedded->segments);
    stats->unchecked = embedded->check.left;
    stats->damaged = embedded->check.damaged;
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
    writer_close_chain(embedded);
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
