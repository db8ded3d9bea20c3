/* log_spare.h - the next segment, filled with zeros ahead of need, a piece at a time. */
#pragma once

#include "store/log_segments.h"

struct spare {
    struct segments *segments;
    uint64_t bytes;  /* how long it becomes */
    uint64_t filled; /* so many bytes are zeros, and on the disk */
    int handle;      /* -1 when nothing is begun */
    bool ready;      /* all of it */
};

void spare_init(struct spare *spare, struct segments *segments, uint64_t bytes);
/* Fills about `bytes` more and syncs them. FAIL_FULL: no room on the disk; FAIL_STARVED: no
 * descriptor is free for it. What there was is given back, the next step begins anew. */
fail spare_step(struct spare *spare, size_t bytes, struct why *why) MUST_USE;
fail spare_finish(struct spare *spare, struct why *why) MUST_USE; /* all that is missing */
/* Makes the ready spare the log's newest segment; gives its handle. Nothing is begun after it. The
 * name is durable after segments_sync. */
fail spare_adopt(struct spare *spare, uint64_t first, int *handle, struct why *why) MUST_USE;
void spare_drop(struct spare *spare); /* closes and removes the file, if any */
