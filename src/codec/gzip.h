/* gzip.h - compresses a body once, to be sent many times; and takes layers of images apart. */
#pragma once

#include "base/arena.h"
#include "base/out.h"

/* Level 9, in the arena; p NULL when there is no memory. */
str gzip_pack(str bytes, struct arena *arena);
/* Appends what was packed to `out`. False: the bytes are no gzip, are cut off, or do not fit. */
bool gzip_unpack(struct out *out, str bytes) MUST_USE;
