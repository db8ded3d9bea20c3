/* log_backend.h - what a backend of the log provides. Callers of the log never include this.
 *
 * The front (log.c) validates every record, gives offsets and keeps `at` from going back; a backend
 * only keeps bytes. The struct below is the whole contract. To add one: write its file, add it to
 * the table in log.c, and tests/unit/log_test.c runs the conformance suite on it. */
#pragma once

#include "store/log.h"

struct log {
    const struct log_backend *backend;
    uint64_t appended; /* the front's; a backend sets it once, when it opens */
    instant last_at;   /* the same */
};

struct log_backend {
    const char *name;
    /* Makes or opens, recovers, and sets appended and last_at of what it found. */
    fail (*open)(struct log **log, const struct log_opts *opts, struct why *why);
    /* Copies a valid record with its final offset. FAIL_FULL, _STARVED or _BUSY: nothing was taken.
     */
    fail (*append)(struct log *log, const struct record *record, struct why *why);
    void (*flush)(struct log *log);
    uint64_t (*durable)(const struct log *log); /* from any thread */
    int (*wake_fd)(const struct log *log);
    void (*sync)(struct log *log);
    /* Records with from <= offset < end (end is durable), in order, of these topics; any thread. */
    fail (*read)(struct log *log, uint64_t from, uint64_t end, uint32_t topics, log_run_fn fn,
                 void *ctx, struct why *why);
    void (*stats)(const struct log *log, struct log_stats *stats);
    void (*close)(struct log *log); /* everything is synced already; frees the log */
};

extern const struct log_backend log_embedded;
extern const struct log_backend log_memory;
