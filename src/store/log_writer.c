/* log_writer.c - the writer's side of the embedded log: takes the pending batch, puts it on the
 * disk, and only then says so.
 *
 * Runs in a thread of its own, or within log_flush. Between two batches, and while idle, the thread
 * fills the next segment. What may pass by itself (no room for a write, no free
 * descriptor: writer_may_wait) is tried again each second. Any other failed write or sync ends the
 * process at once: what the disk holds is then unknown, asking again would be answered by the page
 * cache, and only recovery (log_recover.c) knows how to find out. */
#include "store/log_embedded.h"
#include "sys/note.h"

#include <sys/eventfd.h>

#define SPARE_STEP_BYTES MIB
#define LACK_RETRY_US    1000000

static NORETURN void die(const struct why *why)
{
    crash("disk", why->text, __FILE__, __LINE__);
}

void writer_update_room(struct embedded *embedded, uint64_t left)
{
    embedded->room = (size_t)MIN(embedded->spare.ready ? UINT64_MAX : left, embedded->batch_max);
}

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
        writer_update_room(embedded, left - padded);
    }
    return batch;
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

bool writer_may_wait(fail f)
{
    return f == FAIL_FULL || f == FAIL_STARVED;
}

fail writer_lack(const struct embedded *embedded, struct why *why)
{
    const char *dir = embedded->segments.dir;
    if (embedded->lack == FAIL_FULL)
        return fail_as(why, FAIL_FULL, "disk-full",
                       "the disk that holds %s is full: free some space, the log goes on by itself",
                       dir);
    return fail_set(why, FAIL_STARVED,
                    "no descriptor or memory is free for the next file in %s: raise ulimit -n or "
                    "free some, the log goes on by itself",
                    dir);
}

/* Says it when it begins. Under lock. */
static void note_lack(struct embedded *embedded, fail f)
{
    struct why why;
    bool begins = f && f != embedded->lack;
    embedded->lack = f;
    if (begins) {
        fail_ignore(writer_lack(embedded, &why), "said here");
        note_fail(f == FAIL_FULL ? "log.disk_full" : "log.no_descriptors", &why);
    }
}

/* The batch in flight lacks something: nothing is promised until it is written (writer_commit). */
static void wait_in_flight(struct embedded *embedded, fail f)
{
    pthread_mutex_lock(&embedded->lock);
    note_lack(embedded, f);
    embedded->room = 0;
    wait_until(embedded, now_us(embedded) + LACK_RETRY_US);
    pthread_mutex_unlock(&embedded->lock);
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
        wait_in_flight(embedded, f);
    }
}

/* The folder must be opened to be synced. Without a descriptor it was not, so that may be tried
 * again; a sync that failed may not. */
static fail sync_names_patiently(struct embedded *embedded, struct why *why)
{
    for (;;) {
        fail f = segments_sync(&embedded->segments, why);
        if (f != FAIL_STARVED || !embedded->threads)
            return f;
        wait_in_flight(embedded, f);
    }
}

static fail rotate_segment(struct embedded *embedded, struct why *why)
{
    struct files *files = embedded->segments.files;
    files->close(files, embedded->handle);
    embedded->segment_bytes = embedded->spare.bytes;
    embedded->end.segment++;
    embedded->end.at = 0;
    fail f = spare_adopt(&embedded->spare, embedded->end.first, &embedded->handle, why);
    return f ? f : sync_names_patiently(embedded, why);
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

void writer_commit(struct embedded *embedded)
{
    bool rotate;
    fail lack = embedded->lack; /* the spare's; what this batch lacks is over with it */
    struct batch *batch = take_pending(embedded, &rotate);
    pthread_mutex_unlock(&embedded->lock);
    int64_t began_us = now_us(embedded);
    commit(embedded, batch, rotate);
    int64_t took_us = now_us(embedded) - began_us;
    atomic_store_explicit(&embedded->durable, embedded->end.first, memory_order_release);
    pthread_mutex_lock(&embedded->lock);
    embedded->lack = lack;
    count_batch(embedded, batch, took_us);
    writer_update_room(embedded, embedded->segment_bytes - embedded->end.at);
    if (embedded->wake_fd >= 0)
        must(eventfd_write(embedded->wake_fd, 1) == 0);
    pthread_cond_broadcast(&embedded->done);
}

/* Soon enough that a segment's worth of batches cannot outrun it, late enough that a log which
 * takes a few records never makes a second file. */
static bool spare_wanted(struct embedded *embedded)
{
    return !embedded->spare.ready && embedded->end.at >= embedded->segment_bytes / 4 &&
           (!embedded->lack || now_us(embedded) >= embedded->retry_at_us);
}

/* Under lock, which is let go meanwhile. */
static void fill_spare(struct embedded *embedded, size_t bytes)
{
    struct why why;
    pthread_mutex_unlock(&embedded->lock);
    fail f = spare_step(&embedded->spare, bytes, &why);
    if (f && !writer_may_wait(f))
        die(&why);
    pthread_mutex_lock(&embedded->lock);
    note_lack(embedded, f);
    embedded->retry_at_us = now_us(embedded) + LACK_RETRY_US;
    writer_update_room(embedded, embedded->segment_bytes - embedded->end.at);
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
        if (embedded->lack)
            wait_until(embedded, embedded->retry_at_us);
        else
            pthread_cond_wait(&embedded->work, &embedded->lock);
        embedded->idle = false;
    }
}

void *writer_main(void *arg)
{
    struct embedded *embedded = arg;
    pthread_mutex_lock(&embedded->lock);
    for (;;) {
        await_work(embedded);
        if (embedded->pending->head.count == 0)
            break;
        size_t bytes = embedded->pending->head.bytes;
        writer_commit(embedded);
        if (spare_wanted(embedded))
            fill_spare(embedded, MAX(SPARE_STEP_BYTES, 4 * bytes));
    }
    pthread_mutex_unlock(&embedded->lock);
    return NULL;
}

void writer_close_chain(struct embedded *embedded)
{
    bool fits = embedded->end.at + batch_padded(0) <= embedded->segment_bytes;
    struct batch *batch = embedded->pending;
    if (embedded->last_count == 0 || !fits)
        return;
    batch->head.at_first = batch->head.at_last = embedded->log.last_at;
    commit(embedded, batch, false);
}
