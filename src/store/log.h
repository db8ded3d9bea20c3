/* log.h - the truth: an append-only sequence of records, acknowledged when durable.
 *
 * Every decision of every service is a record here; all else (tables in memory, checkpoints,
 * results) is folded from it and can be thrown away. Records have one total order, their offset
 * (0, 1, 2 ...). Two backends: "embedded" (segment files, log_embedded.c) and "memory" (tests,
 * teaching, and the benchmark's floor). One conformance suite runs on both.
 *
 * The rule of acknowledgement: append returns before the record is durable. A reply that depends on
 * it leaves only when log_durable() > its offset. Nothing else may be called "saved".
 *
 * Threads: append, flush, appended are for one thread, the owner's. durable and read are for any.
 * Both take no lock, so a forked child may use them too, and nothing else of the log.
 */
#pragma once

#include "base/fail.h"
#include "sys/chance.h"
#include "sys/files.h"

/* What a record is about. A service receives only the topics it follows; `TOPIC_KEYS` holds which
 * option is right, and only scoring follows it. On Kafka each becomes a topic. */
enum topic {
    TOPIC_EXAMS,    /* definitions, items (without keys), state of an exam */
    TOPIC_KEYS,     /* right answers */
    TOPIC_ROSTER,   /* candidates */
    TOPIC_STAFF,    /* officers */
    TOPIC_SESSIONS, /* sign-ins, epochs */
    TOPIC_ATTEMPTS, /* started, time granted, submitted */
    TOPIC_ANSWERS,  /* saved */
    TOPIC_RESULTS,  /* scored, published */
    TOPIC_COUNT
};
#define TOPIC_BIT(topic) (1u << (topic))
#define TOPICS_ALL       ((1u << TOPIC_COUNT) - 1)

#define LOG_BODY_BYTES_MAX (256 * KIB)

struct record {
    uint64_t offset; /* given by the log */
    instant at;      /* exam time, given by the writer; never decreases */
    uint32_t key;    /* what orders it in a partition: an attempt, an exam */
    uint8_t topic;   /* enum topic */
    uint8_t type;    /* which event of that topic */
    str body;        /* at most LOG_BODY_BYTES_MAX; borrowed both ways */
};

struct log; /* one open log; exactly one process holds it (a lock file in the folder) */

/* Takes records in runs of 1 to LOG_RUN that follow each other, so that a fold can ask the memory
 * for what the next ones need before it comes to them. A failure ends it and is passed on. */
#define LOG_RUN 64
typedef fail (*log_run_fn)(void *ctx, const struct record *records, size_t n, struct why *why);

struct log_opts {
    const char *backend;   /* "embedded" or "memory" */
    const char *dir;       /* embedded: the folder; made when absent */
    struct files *files;   /* embedded: keeps; files_real() or a simulated disk */
    struct chance *chance; /* embedded: borrows, for a new log's id; NULL for the kernel's */
    size_t segment_bytes;  /* embedded: 0 for 64 MiB; a multiple of 4 KiB */
    /* What is there already from offset `replay_from` on is checked, given to `replay` (NULL for
     * nobody), and the log is open. With threads, what is before (in other segments) is checked
     * behind that: see log_stats. Memory: nothing is there. */
    log_run_fn replay;
    void *replay_ctx;
    uint64_t replay_from;
    /* Embedded: only to look at; without threads. Nothing in the folder is changed, not even an end
     * that was torn; nothing may be appended; FAIL_MISSING where there is no log. */
    bool reading;
    bool threads; /* true: a writer thread commits behind the owner's back, batch after batch.
                     false: log_flush itself writes and syncs (simulator, command line) */
};

fail log_open(struct log **log, const struct log_opts *opts, struct why *why) MUST_USE;

/* Copies the record into the pending batch and gives it the next offset (also to *offset when not
 * NULL). FAIL_FULL: no room on the disk; FAIL_STARVED: no descriptor for the next file; of both,
 * nothing was appended, try again later (the log does so by itself, once a second). FAIL_BUSY: the
 * batch is full, flush and try again. */
fail log_append(struct log *log, const struct record *record, uint64_t *offset,
                struct why *why) MUST_USE;

/* Hands the pending batch to the disk. With threads returns at once. When a sync fails the process
 * crashes: what the disk holds is then unknown, and only a new process may find out. */
void log_flush(struct log *log);

uint64_t log_appended(const struct log *log); /* records appended so far = the next offset */
uint64_t log_durable(const struct log *log);  /* every record with offset < this is durable */
instant log_last_at(const struct log *log);   /* `at` of the newest record, 0 when empty */

/* A descriptor that becomes readable when durable has moved (read it to empty it: an eventfd), or
 * -1 without threads. */
int log_wake_fd(const struct log *log);

/* Waits until all that was appended is durable (with threads too). */
void log_sync(struct log *log);

/* Calls fn for each durable record from offset `from` whose topic is in `topics`, in order, until
 * fn returns a failure (which is passed on) or the end as of the call. */
typedef fail (*log_read_fn)(void *ctx, const struct record *record, struct why *why);
fail log_read(struct log *log, uint64_t from, uint32_t topics, log_read_fn fn, void *ctx,
              struct why *why) MUST_USE;

struct log_stats {
    uint64_t records, batches, bytes_written, segments;
    uint64_t sync_us_total, sync_us_max;
    bool has_room;      /* false: appends are refused with FAIL_FULL or FAIL_STARVED */
    uint64_t unchecked; /* records from before replay_from whose bytes are still to be checked */
    bool damaged;       /* some of those are not what was written */
};
void log_stats(const struct log *log, struct log_stats *stats);
void log_close(struct log *log); /* syncs first; NULL is fine */
