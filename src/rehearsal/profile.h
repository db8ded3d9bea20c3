/* profile.h - how a rehearsal's candidates come, start, submit and ask: one row for each profile.
 *
 * Windows are in seconds and hold one action of everybody, spread evenly by chance. */
#pragma once

#include "base/fail.h"

struct profile {
    const char *name, *purpose;
    bool bell;         /* nobody may start before all have signed in; else all start as they come */
    unsigned start_s;  /* from being allowed to start to doing it */
    unsigned submit_s; /* before the end, or in the last third of a short sitting */
    unsigned results;  /* so often everybody asks for the result once it is published */
    unsigned result_s; /* all within this time */
};

extern const struct profile profiles[];
extern const size_t profile_count;

/* NULL and why: the name is none of the table's. */
const struct profile *profile_find(const char *name, struct why *why);
