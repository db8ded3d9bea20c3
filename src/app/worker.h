/* worker.h - one thread for work too long for the loop: password hashes, scoring.
 *
 * Jobs run one after another, in order. The loop learns of finished ones through a descriptor. */
#pragma once

#include "app/hall.h"

struct worker;

struct worker *worker_new(void);
int worker_fd(const struct worker *worker); /* readable when worker_take has something */
void worker_give(struct worker *worker, struct exchange *exchange);
struct exchange *worker_take(struct worker *worker); /* NULL when none is finished */
void worker_free(struct worker *worker);             /* waits for the running job */
