/* log.c - the front of every backend: validation, offsets, and the words of log.h. */
#include "store/log_backend.h"

static const struct log_backend *const backends[] = { &log_embedded, &log_memory };

fail log_open(struct log **log, const struct log_opts *opts, struct why *why)
{
    *log = NULL;
    for (size_t i = 0; i < COUNT(backends); i++)
        if (strcmp(opts->backend, backends[i]->name) == 0)
            return backends[i]->open(log, opts, why);
    return fail_set(why, FAIL_INPUT, "there is no log backend \"%s\"; use embedded or memory",
                    opts->backend);
}

fail log_append(struct log *log, const struct record *record, uint64_t *offset, struct why *why)
{
    must(record->topic < TOPIC_COUNT);
    must(record->at >= log->last_at); /* the clock does not go back, so neither does the log */
    if (record->body.n > LOG_BODY_BYTES_MAX)
        return fail_set(why, FAIL_LIMIT, "a record of %zu bytes is over the limit of %zu",
                        record->body.n, (size_t)LOG_BODY_BYTES_MAX);
    struct record numbered = *record;
    numbered.offset = log->appended;
    fail f = log->backend->append(log, &numbered, why);
    if (f)
        return f;
    if (offset)
        *offset = log->appended;
    log->appended++;
    log->last_at = record->at;
    return FAIL_NONE;
}

void log_flush(struct log *log)
{
    log->backend->flush(log);
}

uint64_t log_appended(const struct log *log)
{
    return log->appended;
}

uint64_t log_durable(const struct log *log)
{
    return log->backend->durable(log);
}

instant log_last_at(const struct log *log)
{
    return log->last_at;
}

int log_wake_fd(const struct log *log)
{
    return log->backend->wake_fd(log);
}

void log_sync(struct log *log)
{
    log->backend->sync(log);
    must(log_durable(log) == log->appended);
}

struct one_by_one {
    log_read_fn fn;
    void *ctx;
};

static fail each_of_run(void *ctx, const struct record *records, size_t n, struct why *why)
{
    const struct one_by_one *one = ctx;
    fail f = FAIL_NONE;
    for (size_t i = 0; i < n && !f; i++)
        f = one->fn(one->ctx, &records[i], why);
    return f;
}

fail log_read(struct log *log, uint64_t from, uint32_t topics, log_read_fn fn, void *ctx,
              struct why *why)
{
    struct one_by_one one = { fn, ctx };
    uint64_t end = log_durable(log);
    if (from >= end || !(topics & TOPICS_ALL))
        return FAIL_NONE;
    return log->backend->read(log, from, end, topics, each_of_run, &one, why);
}

void log_stats(const struct log *log, struct log_stats *stats)
{
    *stats = (struct log_stats){ 0 };
    log->backend->stats(log, stats);
    stats->records = log_durable(log);
}

void log_close(struct log *log)
{
    if (!log)
        return;
    log_sync(log);
    log->backend->close(log);
}
