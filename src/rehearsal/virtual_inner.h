/* virtual_inner.h - what virtual.c and virtual_reply.c share; nobody else includes it. */
#pragma once

#include "rehearsal/virtual.h"

#define HEARTBEAT_US (30 * (int64_t)SECOND_US)

double virtual_unit(struct virtual *v);
int64_t virtual_between(struct virtual *v, int64_t least, int64_t most);
int64_t virtual_exponential(struct virtual *v, double mean);
int64_t virtual_heartbeat(struct virtual *v); /* until the next one */
void virtual_back_off(struct virtual *v, int64_t now);
/* The paper is there: plans saves, heartbeats, the submission and the losses of network. */
void virtual_begin(struct virtual *v, const struct plan *plan, int64_t now);
