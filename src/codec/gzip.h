/* gzip.h - compresses a body once, to be sent many times. */
#pragma once

#include "base/arena.h"

/* Level 9, in the arena; p NULL when there is no memory. */
str gzip_pack(str bytes, struct arena *arena);
