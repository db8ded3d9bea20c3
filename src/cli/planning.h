/* planning.h - what plan and simulate are given: spec, environment, capacity, prices, timetable. */
#pragma once

#include "cli/cmd.h"
#include "platform/plan.h"

struct planning_words { /* as on the command line; NULL: not given */
    const char *spec, *env, *capacity, *prices, *roster;
    const char *save_every, *start_within, *submit_within, *result_within;
};
#define PLANNING_OPTIONS(words)                                                                    \
    { "--spec", &(words).spec, NULL }, { "--env", &(words).env, NULL },                            \
        { "--capacity", &(words).capacity, NULL }, { "--prices", &(words).prices, NULL },          \
        { "--roster", &(words).roster, NULL }, { "--save-every", &(words).save_every, NULL },      \
        { "--start-within", &(words).start_within, NULL },                                         \
        { "--submit-within", &(words).submit_within, NULL },                                       \
    {                                                                                              \
        "--result-within", &(words).result_within, NULL                                            \
    }

struct planning {
    struct arena arena;
    struct spec spec;
    struct env env;
    struct measured measured;
    bool is_measured; /* there is a capacity file */
    struct prices prices;
    struct timetable timetable;
    struct habits habits;
    int64_t strangers; /* rows of the roster that name no shift */
    bool same_binary;  /* what was measured is this program */
};

/* Everything lies in planning->arena; planning_fini is safe in any case. The environment is the one
 * named, else the first on AWS of size exam, else the first. Without --capacity it is capacity.json
 * beside the spec, when there is one. `timetable_needed`: FAIL_CONFLICT without shifts, or
 * candidates in them. */
fail planning_load(struct planning *planning, const struct planning_words *words,
                   bool timetable_needed, struct why *why) MUST_USE;
void planning_fini(struct planning *planning);
