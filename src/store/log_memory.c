/* log_memory.c - the log without a disk: for tests, for teaching, and as the benchmark's floor.
 *
 * "Durable" means flushed; nothing outlives log_close. Records are kept in the same bytes as in the
 * embedded log, in chunks that never move, and a reader looks only at what was durable when it was
 * called: so it needs no lock. */
#include "store/growing.h"
#include "store/log_backend.h"
#include "store/log_batch.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CHUNK_BYTES MIB

struct chunk {
    struct batch_head head; /* never sealed; only first and at_first are for readers */
    char records[CHUNK_BYTES];
};

struct log_in_memory {
    struct log log;
    struct growing chunks; /* struct chunk * */
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
    memory->chunks = growing_of(struct chunk *);
    *log = &memory->log;
    return FAIL_NONE;
}

static struct chunk *chunk_at(const struct log_in_memory *memory, size_t i)
{
    return *(struct chunk **)growing_at(&memory->chunks, i);
}

static struct chunk *new_chunk(struct log_in_memory *memory, const struct record *first)
{
    struct chunk *chunk = malloc(sizeof(*chunk));
    must(chunk);
    chunk->head = (struct batch_head){ .first = first->offset, .at_first = first->at };
    growing_push(&memory->chunks, &chunk);
    return chunk;
}

static fail memory_append(struct log *log, const struct record *record, struct why *why)
{
    (void)why;
    struct log_in_memory *memory = ours(log);
    size_t count = growing_count(&memory->chunks);
    struct chunk *chunk = count ? chunk_at(memory, count - 1) : NULL;
    size_t most = RECORD_HEAD_BYTES_MAX + record->body.n;
    if (!chunk || most > CHUNK_BYTES - chunk->head.bytes)
        chunk = new_chunk(memory, record);
    instant before = chunk->head.count ? log->last_at : record->at;
    char *p = chunk->records + chunk->head.bytes;
    chunk->head.bytes += (uint32_t)record_encode(p, record, before);
    chunk->head.count++;
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

/* The last chunk that begins at or before `offset`. */
static size_t find(const struct log_in_memory *memory, uint64_t offset)
{
    size_t low = 0, high = growing_count(&memory->chunks);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (chunk_at(memory, middle)->head.first <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static fail memory_read(struct log *log, uint64_t from, uint64_t end, uint32_t topics,
                        log_run_fn fn, void *ctx, struct why *why)
{
    const struct log_in_memory *memory = ours(log);
    fail f = FAIL_NONE;
    for (size_t i = find(memory, from); !f && from < end; i++) {
        bool last = i + 1 == growing_count(&memory->chunks);
        const struct chunk *chunk = chunk_at(memory, i);
        uint64_t until = last ? end : MIN(end, chunk_at(memory, i + 1)->head.first);
        struct batch_head head = { .first = chunk->head.first,
                                   .at_first = chunk->head.at_first,
                                   .count = (uint32_t)(until - chunk->head.first),
                                   .bytes = CHUNK_BYTES };
        f = batch_each(&head, chunk->records, from, end, topics, fn, ctx, why);
        from = until;
    }
    return f;
}

static void memory_stats(const struct log *log, struct log_stats *stats)
{
    const struct log_in_memory *memory = ours(log);
    stats->batches = memory->batches;
    stats->segments = growing_count(&memory->chunks);
    stats->has_room = true;
}

static void memory_close(struct log *log)
{
    struct log_in_memory *memory = ours(log);
    for (size_t i = 0; i < growing_count(&memory->chunks); i++)
        free(chunk_at(memory, i));
    growing_fini(&memory->chunks);
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
