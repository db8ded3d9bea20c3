/* credentials.h - who signs in: roll numbers and codes, out of the CSV that `roster export --codes`
 * writes (any CSV with the columns roll and code will do). */
#pragma once

#include "base/arena.h"
#include "base/fail.h"

struct credential {
    str roll, code;
};

/* The first `count` rows, in the arena; the texts borrow from `text` or lie in the arena.
 * FAIL_USAGE when there are fewer. */
fail credentials_read(struct credential **to, uint32_t count, str text, struct arena *arena,
                      struct why *why) MUST_USE;
