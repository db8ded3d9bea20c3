/* delivery_api.h - what others may know of an attempt: its state and the attempt object. */
#pragma once

#include "app/service.h"

enum attempt_state {
    ATTEMPT_WAITING, /* the shift has not begun, or the exam is not open */
    ATTEMPT_READY,   /* may start */
    ATTEMPT_RUNNING,
    ATTEMPT_OVER,   /* submitted, by whomever */
    ATTEMPT_MISSED, /* never started, and the exam is closed */
    ATTEMPT_RESULT, /* the result is published */
};
extern const char
    *const attempt_state_names[]; /* waiting ready running submitted closed published */

/* A pure function of the directory and the time. `ends_at` itself still belongs to the candidate.
 */
enum attempt_state attempt_state(const struct directory *directory, uint32_t candidate,
                                 instant now);

/* The attempt object of ARCHITECTURE.md; `place` 0: not known here. _open leaves it open, for more
 * members. */
void attempt_open(struct out *out, const struct directory *directory, uint32_t candidate,
                  unsigned place, instant now);
void attempt_write(struct out *out, const struct directory *directory, uint32_t candidate,
                   unsigned place, instant now);
