/* virtual_inner.h - what virtual.c, virtual_reply.c and virtual_record.c share; for them only. */
#pragma once

#include "codec/json.h"
#include "rehearsal/virtual.h"

/* A page that has heard nothing from the hall for so long asks (web/src/candidate/sitting.ts). */
#define HEARTBEAT_US (75 * (int64_t)SECOND_US)

double virtual_unit(struct virtual *v);
int64_t virtual_between(struct virtual *v, int64_t least, int64_t most);
int64_t virtual_exponential(struct virtual *v, double mean);
int64_t virtual_heartbeat(struct virtual *v); /* until the next one */
void virtual_back_off(struct virtual *v, int64_t now);
/* Counts an action that has waited for its answer for too long as failed, once. */
void virtual_overdue(struct virtual *v, struct stand *stand, int64_t now);
/* The paper is there: plans saves, heartbeats, the submission and the losses of network. */
void virtual_begin(struct virtual *v, const struct plan *plan, int64_t now);

struct reply { /* one reply, being read */
    struct virtual *v;
    struct stand *stand;
    int64_t now;
    const struct http_head *head;
    str body;
    const struct json *json; /* NULL for the paper */
    struct why why;
};

static inline void virtual_next(struct virtual *v, enum stage stage, int64_t due_us)
{
    v->stage = (uint8_t)stage;
    v->due_us = due_us;
}
void virtual_finish(struct reply *r); /* nothing more to do in this phase */
void virtual_look_later(struct virtual *v, const struct plan *plan, int64_t now);
fail virtual_resume_done(struct reply *r);
fail virtual_sheet_done(struct reply *r);
