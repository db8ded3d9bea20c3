/* gateway_stats.h - what the gateway counts, in memory that the hall maps too.
 *
 * One row a reactor; only that reactor writes it, anyone reads it at any time, without a lock: each
 * number is right by itself, two numbers may be of slightly different moments. Numbers only grow,
 * but `open`; they outlive a gateway that died, because the supervisor keeps the memory. During an
 * upgrade several gateways run: the supervisor gives each rows of its own. */
#pragma once

#include "base/out.h"

#include <stdatomic.h>

#define GATEWAY_REACTORS_MAX 64
#define GATEWAY_ROWS_MAX     256                 /* of all gateways that run at a time */
#define GATEWAY_STATS_MAGIC  0x3430776774617467u /* another one when the layout changes */

enum gateway_class { P0, P1, P2, P3, P4, P5, GATEWAY_CLASSES };

/* Every octave of microseconds is cut into 32: a quantile is at most 1/32 above the true value. */
#define GATEWAY_HIST_PART  32
#define GATEWAY_HIST_SLOTS (28 * GATEWAY_HIST_PART)

typedef _Atomic uint64_t gateway_count;

struct gateway_row {
    gateway_count open, total, peak;         /* connections */
    gateway_count requests[GATEWAY_CLASSES]; /* forwarded to the hall */
    gateway_count files;                     /* served from memory */
    gateway_count replies[6];                /* by status / 100 */
    gateway_count shed;                      /* answered 503 for want of room */
    gateway_count expired;                   /* answered 503 because the hall took too long */
    gateway_count refused;                   /* malformed or too large */
    gateway_count cut;                       /* connections closed by a deadline */
    gateway_count handshakes, handshakes_failed;
    gateway_count reconnects; /* to the hall, after the first */
    gateway_count resent;     /* requests sent to the hall again */
    gateway_count waiting;    /* requests in the gateway now, sent or not */
    gateway_count latency[GATEWAY_CLASSES][GATEWAY_HIST_SLOTS];
    gateway_count latency_us_total[GATEWAY_CLASSES], replied[GATEWAY_CLASSES];
};

struct gateway_stats {
    _Atomic uint64_t magic;     /* GATEWAY_STATS_MAGIC once a gateway has used it */
    _Atomic uint64_t roster;    /* candidates; the hall's word, for whoever sizes the gateway */
    _Atomic uint64_t rows_used; /* the first so many were ever used: nobody looks further */
    _Atomic uint64_t hall_seen; /* 1 once the hall has answered anything */
    _Atomic uint64_t draining;  /* 1: the supervisor is about to end; not ready any more */
    struct gateway_row rows[GATEWAY_ROWS_MAX];
};

/* Complete request to reply handed to the kernel, over all reactors since the page was made. Below
 * per_mille thousandths of all; 0 when there are none. */
int64_t gateway_stats_quantile_us(const struct gateway_stats *stats, enum gateway_class class,
                                  unsigned per_mille);
/* The histogram of a class, over all reactors; and a quantile of such a histogram. */
void gateway_stats_slots(const struct gateway_stats *stats, enum gateway_class class,
                         uint64_t slots[static GATEWAY_HIST_SLOTS]);
int64_t gateway_slots_quantile_us(const uint64_t slots[static GATEWAY_HIST_SLOTS],
                                  unsigned per_mille);
uint64_t gateway_stats_connections(const struct gateway_stats *stats); /* open now */
uint64_t gateway_stats_requests(const struct gateway_stats *stats); /* to the hall, all classes */
/* The upper bounds under which /metrics counts latencies, rising; what alerts are written for. */
struct gateway_bucket {
    int64_t us;
    const char *le; /* in seconds */
};
#define GATEWAY_BUCKETS 13
extern const struct gateway_bucket gateway_buckets[GATEWAY_BUCKETS];

/* The gateway's part of /metrics, in Prometheus' text form. */
void gateway_stats_write(const struct gateway_stats *stats, struct out *out);

/* For reactors. */
void gateway_stats_latency(struct gateway_row *row, enum gateway_class class, int64_t us);
static inline void gateway_stats_add(gateway_count *count, uint64_t n)
{
    /* One writer: a plain add that readers never see half done. */
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n,
                          memory_order_relaxed);
}
