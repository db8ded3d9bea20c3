/* spec.h - the one file that describes a hall and its environments: hall.yaml, read and checked.
 *
 * Every key is known or refused with its line and the nearest right one; every value has a type and
 * a range (spec_schema.h). All mistakes of a file are said at once. A spec of one line (`hall:
 * name`) is valid. Times are given in the hall's time zone and become UTC here. What an environment
 * comes to is env.h's. */
#pragma once

#include "base/arena.h"
#include "base/fail.h"
#include "codec/yaml.h"
#include "platform/objectives.h"

#define SPEC_EXAMS_MAX    64
#define SPEC_SHIFTS_MAX   64
#define SPEC_BYTES_MAX    (1 * MIB)
#define SPEC_MISTAKES_MAX 100

struct spec_shift {
    str name;
    instant opens, starts; /* 0: whenever the exam is open */
    int64_t candidates;
};

/* When sign-ins begin: `opens`, or half an hour before the start; 0: no time is said. */
static inline instant spec_shift_opens(const struct spec_shift *shift)
{
    return shift->opens ? shift->opens : shift->starts ? shift->starts - 1800000 : 0;
}

struct spec_exam {
    str name, title, right, wrong, partial, instructions; /* instructions: lines */
    int64_t minutes;
    instant results; /* when they are published; 0: not said */
    struct spec_shift *shifts;
    unsigned shift_count;
};

struct spec {
    str hall, title, domain, time_zone, listen;
    struct spec_exam *exams;
    unsigned exam_count;
    struct objectives objectives;
    str settings; /* "name=value" lines, for hall_opts */
    str text;     /* the file as it is */
    const struct yaml *tree;
};

/* What is wrong in a file, in its order. Beyond the last row they are only counted. */
struct spec_mistakes {
    struct spec_mistake {
        int line;
        char text[300];
    } rows[SPEC_MISTAKES_MAX];
    unsigned count;
};

/* The result lies in the arena. Failures say file, line, what is wrong and what would be right: of
 * several mistakes the first, and how many there are. */
fail spec_load(struct spec *spec, const char *path, struct arena *arena, struct why *why) MUST_USE;
fail spec_parse(struct spec *spec, const char *name, str text, struct arena *arena,
                struct why *why) MUST_USE;
/* The same for whoever wants all mistakes: the spec may be used only when there is none. */
void spec_read(struct spec *spec, str text, struct arena *arena, struct spec_mistakes *mistakes);
fail spec_file(const char *path, struct arena *arena, str *text, struct why *why) MUST_USE;
