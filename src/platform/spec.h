/* spec.h - the one file that describes a hall: hall.yaml, read and checked.
 *
 * Every key is known or refused with its line and the nearest right one; every value has a type and
 * a range. A spec of one line (`hall: name`) is valid. Times are given in the hall's time zone and
 * become UTC here. Read by libfyaml; nothing else sees it. */
#pragma once

#include "base/arena.h"
#include "base/fail.h"
#include "platform/objectives.h"

#define SPEC_EXAMS_MAX  64
#define SPEC_SHIFTS_MAX 64
#define SPEC_BYTES_MAX  (1 * MIB)

struct spec_shift {
    str name;
    instant opens, starts; /* 0: whenever the exam is open */
    int64_t candidates;
};

struct spec_exam {
    str name, title, right, wrong, partial, instructions; /* instructions: lines */
    int64_t minutes;
    struct spec_shift *shifts;
    unsigned shift_count;
};

struct spec {
    str hall, title, domain, time_zone, listen;
    struct spec_exam *exams;
    unsigned exam_count;
    struct objectives objectives;
    str settings; /* "name=value" lines, for hall_opts */
};

/* The result lies in the arena. Failures say file, line, what is wrong and what would be right. */
fail spec_load(struct spec *spec, const char *path, struct arena *arena, struct why *why) MUST_USE;
fail spec_parse(struct spec *spec, const char *name, str text, struct arena *arena,
                struct why *why) MUST_USE;
