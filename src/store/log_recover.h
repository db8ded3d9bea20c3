/* log_recover.h - what a log's folder holds, after whatever happened to it. */
#pragma once

#include "store/log_segments.h"

struct recovered {
    struct place begin; /* a segment's first batch: what is before was not looked at */
    struct place end;   /* where the next batch goes */
    instant last_at;    /* of the newest record */
};

/* Checks every byte of every batch from the segment of opts->replay_from on, gives the records to
 * opts->replay, decides about the end (see log_recover.c), and makes the last batch durable for
 * certain; with opts->reading it only looks. FAIL_CORRUPT: something acknowledged may be missing;
 * nothing was changed, the log must not be used. What replay fails with is passed on. */
fail log_recover(struct segments *segments, const struct log_opts *opts, struct recovered *log,
                 struct why *why) MUST_USE;
