/* log_embedded.h - the embedded log's inside, shared by its owner's side (log_embedded.c) and its
 * writer's side (log_writer.c). Nobody else includes this. */
#pragma once

#include "store/log_backend.h"
#include "store/log_check.h"
#include "store/log_spare.h"
#include "sys/clock.h"

#include <pthread.h>
#include <stdatomic.h>

struct batch {
    struct batch_head head; /* count, bytes and instants grow with the records */
    char *bytes;            /* batch_max: room for the head, then the records */
};

struct embedded {
    struct log log;
    struct segments segments;
    struct log_check check;
    int lock_fd, wake_fd;
    bool threads, reading;
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
    int64_t retry_at_us; /* when to try again to get what is lacking */

    /* Shared by owner and writer, under lock. */
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    struct batch batches[2];
    struct batch *pending;
    size_t room; /* the padded size the pending batch may reach */
    fail lack;   /* FAIL_FULL: room on the disk; FAIL_STARVED: a descriptor; or FAIL_NONE */
    bool flush_wanted, stop, idle;
    struct log_stats stats;
};

/* How much the pending batch may take, with `left` bytes of the segment behind the one in flight.
 * Under lock. */
void writer_update_room(struct embedded *embedded, uint64_t left);
/* Is it only a lack, of room or a descriptor, which may pass? */
bool writer_may_wait(fail f);
/* embedded->lack, with what to do about it. Under lock. */
fail writer_lack(const struct embedded *embedded, struct why *why);
/* Commits the pending batch: durable when it returns. Under lock, which is let go meanwhile. */
void writer_commit(struct embedded *embedded);
/* An empty batch behind the last one: its chain says that the last one was durable, so whatever a
 * disk does to it while the hall is off is found, and never taken for a torn end. No writer runs.
 */
void writer_close_chain(struct embedded *embedded);
void *writer_main(void *embedded); /* the thread; ends when told to stop and nothing is pending */
