/* log_recover.h - what a log's folder holds, after whatever happened to it. */
#pragma once

#include "store/log_segments.h"

/* Checks every byte of every batch, decides about the end (see log_recover.c), and makes the last
 * batch durable for certain. *end: where the next batch goes; *last_at: of the newest record.
 * FAIL_CORRUPT: something acknowledged may be missing; nothing was changed, the log must not be
 * used. */
fail log_recover(struct segments *segments, struct place *end, instant *last_at,
                 struct why *why) MUST_USE;
