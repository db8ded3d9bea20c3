/* log_memory.c - the log without a disk: for tests, for teaching, and as the benchmark's floor.
 *
 * "Durable" means flushed; nothing outlives log_close. Records are kept in the same bytes as in the
 * embedded log, in chunks that never move, so readers in other threads need the lock only to look
 * up a chunk. */
#include "store/log_backend.h"
#include "store/log_batch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CHUNK_BYTES MIB

struct chunk {
    struct batch_head head; /* never sealed: memory needs no sums */
    char records[CHUNK_BYTES];
};

struct log_in_memory {
    struct log log;
    pthread_mutex_t lock; /* over chunks, chunk_count and the newest chunk's head */
    struct chunk **chunks;
    size_t chunk_count, chunk_cap;
    _Atomic uint64_t durable;
    uint64_t batches;
    int wake_fd;
};

static struct log_in_memory *ours(const struct log *log)
{
    return CONTAINER(log, struct log_in_memory, log);
}

static fail memory_open(struct log **log, const struct log_opts *opts, struct why *why)
{
    struct log_in_memory *memory = calloc(1, sizeof(*memory));
    must(memory);
    memory->log.backend = &log_memory;
    memory->wake_fd = opts->threads ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    if (opts->threads && memory->wake_fd < 0) {
        free(memory);
        return fail_errno(why, FAIL_WORLD, "cannot make an eventfd for the log");
    }
    pthread_mutex_init(&memory->lock, NULL);
    *log = &memory->log;
    return FAIL_NONE;
}

static struct chunk *new_chunk(struct log_in_memory *memory, const struct record *first)
{
    if (memory->chunk_count == memory->chunk_cap) {
        memory->chunk_cap = MAX(memory->chunk_cap * 2, 16);
        memory->chunks = realloc(memory->chunks, memory->chunk_cap * sizeof(*memory->chunks));
        must(memory->chunks);
    }
    struct chunk *chunk = malloc(sizeof(*chunk));
    must(chunk);
    chunk->head = (struct batch_head){ .first = first->offset, .at_first = first->at };
    memory->chunks[memory->chunk_count++] = chunk;
    return chunk;
}

static fail memory_append(struct log *log, const struct record *record, struct why *why)
{
    (void)why;
    struct log_in_memory *memory = ours(log);
    pthread_mutex_lock(&memory->lock);
    struct chunk *chunk = memory->chunk_count ? memory->chunks[memory->chunk_count - 1] : NULL;
    size_t most = RECORD_HEAD_BYTES_MAX + record->body.n;
    if (!chunk || most > CHUNK_BYTES - chunk->head.bytes)
        chunk = new_chunk(memory, record);
    instant before = chunk->head.count ? log->last_at : record->at;
    char *p = chunk->records + chunk->head.bytes;
    chunk->head.bytes += (uint32_t)record_encode(p, record, before);
    chunk->head.count++;
    pthread_mutex_unlock(&memory->lock);
    return FAIL_NONE;
}

static void memory_flush(struct log *log)
{
    struct log_in_memory *memory = ours(log);
    if (atomic_load(&memory->durable) == log->appended)
        return;
    atomic_store(&memory->durable, log->appended);
    memory->batches++;
    if (memory->wake_fd >= 0)
        must(eventfd_write(memory->wake_fd, 1) == 0);
}

static uint64_t memory_durable(const struct log *log)
{
    return atomic_load(&ours(log)->durable);
}

static int memory_wake_fd(const struct log *log)
{
    return ours(log)->wake_fd;
}

/* The chunk that holds `offset`, with its head as of now; false beyond the last. */
static bool find(struct log_in_memory *memory, uint64_t offset, struct chunk **chunk,
                 struct batch_head *head)
{
    size_t low = 0;
    pthread_mutex_lock(&memory->lock);
    for (size_t high = memory->chunk_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        const struct batch_head *at = &memory->chunks[middle]->head;
        if (at->first + at->count <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < memory->chunk_count;
    if (found) {
        *chunk = memory->chunks[low];
        *head = (*chunk)->head;
    }
    pthread_mutex_unlock(&memory->lock);
    return found;
}

static fail memory_read(struct log *log, uint64_t from, uint64_t end, uint32_t topics,
                        log_read_fn fn, void *ctx, struct why *why)
{
    struct chunk *chunk;
    struct batch_head head;
    fail f = FAIL_NONE;
    while (!f && from < end && find(ours(log), from, &chunk, &head)) {
        f = batch_each(&head, chunk->records, from, end, topics, fn, ctx, why);
        from = head.first + head.count;
    }
    return f;
}

static void memory_stats(const struct log *log, struct log_stats *stats)
{
    const struct log_in_memory *memory = ours(log);
    stats->batches = memory->batches;
    stats->segments = memory->chunk_count;
    stats->has_room = true;
}

static void memory_close(struct log *log)
{
    struct log_in_memory *memory = ours(log);
    for (size_t i = 0; i < memory->chunk_count; i++)
        free(memory->chunks[i]);
    free(memory->chunks);
    pthread_mutex_destroy(&memory->lock);
    if (memory->wake_fd >= 0)
        close(memory->wake_fd);
    free(memory);
}

const struct log_backend log_memory = {
    .name = "memory",
    .open = memory_open,
    .append = memory_append,
    .flush = memory_flush,
    .durable = memory_durable,
    .wake_fd = memory_wake_fd,
    .sync = memory_flush,
    .read = memory_read,
    .stats = memory_stats,
    .close = memory_close,
};
