/* objectives.h - what a rehearsal, and with it a hall, is judged by: `objectives` of the spec.
 *
 *     objectives:
 *       save:    {p99: 250ms, lost: 0}
 *       sign_in: {p99: 2s}
 *       failed:  0
 *
 * Limits are in microseconds, counted from when a candidate wanted to ask; 0: there is none. What
 * the spec leaves out stays as in objectives_default. A start that began an attempt has the form
 * with it; `form` is of who asks for it alone: after a reload, on another device. */
#pragma once

#include "base/out.h"

/* Half of all requests of a kind take at most p50, nine of ten p90; max is the longest. */
#define LIMITS(X) X(p50, 500) X(p90, 900) X(p99, 990) X(p999, 999) X(max, 1000) /* per mille */

/* The kinds of request that can be limited, named as in a rehearsal's `latency_ms`. */
#define LIMITED(X) X(sign_in) X(start) X(form) X(save) X(heartbeat) X(submit) X(result)

struct limits {
#define X(name, per_mille) int64_t name##_us;
    LIMITS(X)
#undef X
};

struct objectives {
#define X(kind) struct limits kind;
    LIMITED(X)
#undef X
    int64_t saves_lost;      /* always 0: no spec may allow the loss of an acknowledged answer */
    int64_t requests_failed; /* so many may */
};

extern const struct objectives objectives_default;

/* {"saves_lost":0,"requests_failed":0,"latency_ms":{"save":{"p99":250},...}}: the members that
 * `rehearse --json` has too, so that each can be held against its limit. */
void objectives_json(struct out *out, const char *name, const struct objectives *objectives);
