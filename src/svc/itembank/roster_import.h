/* roster_import.h - reads the list of candidates from CSV; half a million rows in under a second.
 *
 * The first row names the columns: roll (or roll_number), name, birth (date_of_birth, dob), centre
 * (center), exam, shift, extra_minutes (extra_time); roll and name are needed. A row is given whole
 * and checked, or refused with its line and reason; reading goes on. A roll number that the file
 * already had is refused with the line of the first. Pure: bytes in, rows out. */
#pragma once

#include "base/fail.h"

/* The header of what `examhall roster export` writes, and what is read here again. */
#define ROSTER_CSV_HEADER "roll,name,birth,centre,exam,shift,extra_minutes"

#define ROSTER_ROLL_BYTES_MAX    24
#define ROSTER_NAME_CHARS_MAX    100
#define ROSTER_WORD_CHARS_MAX    64 /* centre, exam, shift */
#define ROSTER_EXTRA_MINUTES_MAX 600
#define ROSTER_ROWS_MAX          2000000

struct roster_row {
    str roll, name;
    str birth; /* YYYY-MM-DD, or empty when the file has no such column */
    str centre, exam, shift;
    unsigned extra_minutes;
};

struct roster_sink {
    /* The row is borrowed. False stops the import. */
    bool (*take)(void *ctx, const struct roster_row *row, unsigned line);
    void (*refuse)(void *ctx, unsigned line, const char *reason);
    void *ctx;
};

struct roster_count {
    unsigned read, taken, refused;
};

/* FAIL_INPUT when the file has no such columns, FAIL_LIMIT when it has too many rows. */
fail roster_import(str bytes, const struct roster_sink *sink, struct roster_count *count,
                   struct why *why) MUST_USE;

/* Is a row of the sink whole? For whoever doubts it: fuzz/csv.c. `birth`: YYYY-MM-DD or empty. */
fail roster_check(const struct roster_row *row, struct why *why) MUST_USE;
