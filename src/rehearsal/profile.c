/* profile.c - see profile.h. */
#include "rehearsal/profile.h"

const struct profile profiles[] = {
    { "day", "an exam day: all start as they come, submit in the last two minutes", false, 5, 120,
      0, 0 },
    { "stampede", "all have signed in and press Start within 50 s of the bell", true, 50, 120, 0,
      0 },
    { "last-minute", "all submit within the last 60 s", false, 5, 60, 0, 0 },
    { "results", "all ask for their result three times within 60 s of its publication", false, 5,
      120, 3, 60 },
    { "worst", "the three together: all press Start within 50 s, submit and ask within 60 s", true,
      50, 60, 3, 60 },
};
const size_t profile_count = COUNT(profiles);

const struct profile *profile_find(const char *name, struct why *why)
{
    const char *names[COUNT(profiles) + 1] = { 0 };
    for (size_t i = 0; i < COUNT(profiles); i++) {
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
        names[i] = profiles[i].name;
    }
    const char *near = str_nearest(str_z(name), names);
    fail_ignore(fail_set(why, FAIL_USAGE,
                         "there is no profile \"%.40s\"%s%s; there are day, stampede, last-minute, "
                         "results and worst",
                         name, near ? "; did you mean " : "", near ? near : ""),
                "NULL says it");
    return NULL;
}
