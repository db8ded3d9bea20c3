/* load.h - the benchmark's load: keep-alive connections that send saves, one after another.
 *
 * It runs in a process of its own, pinned to a core of its own, and sends the same bytes to
 * whatever server it is pointed at: a hall, or nginx. Closed model: it shows what a server costs,
 * not how it behaves when clients do not wait; `examhall rehearse` shows that. */
#pragma once

#include "base/fail.h"

struct load_who {
    uint32_t attempt, seq; /* seq: of the newest save, counted on from round to round */
    char cookie[256];      /* the pair's value */
};

struct load_opts {
    uint16_t port; /* on 127.0.0.1 */
    bool tls;
    unsigned connections; /* each works for one of `who` */
    unsigned warm_ms, ms;
    int core;             /* pinned to it; -1: not pinned */
    struct load_who *who; /* shared memory */
    unsigned who_count;
};

struct load_result {
    uint64_t replies, refused; /* in `ms`, after the warming; refused: any status but 200 */
    double seconds;
    int64_t p50_us, p99_us, max_us;
    size_t reply_bytes, request_bytes; /* of the newest */
    char sample[1024];                 /* its text */
    char error[256];                   /* empty when all went well */
};

/* Calls `begins` when the warming is over and `ends` when the time is: to read the CPU clocks of
 * the servers. */
typedef void (*load_mark_fn)(void *ctx);
fail load_run(const struct load_opts *opts, load_mark_fn begins, load_mark_fn ends, void *ctx,
              struct load_result *result, struct why *why);

/* Opens connections, asks each one small thing, and holds them until load_release. */
struct load_held {
    int go; /* closing it lets go */
    int pid;
};
fail load_hold(const struct load_opts *opts, struct load_held *held, struct why *why);
void load_release(struct load_held *held);

void *load_shared(size_t bytes); /* memory that children share; never freed */
