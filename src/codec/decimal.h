/* decimal.h - exact decimal numbers and marks: what a candidate typed and what a key says, with no
 * floats anywhere.
 *
 * A decimal is mantissa * 10^-scale with at most 18 digits, so every comparison fits 128 bits and
 * is exact. It is kept without zeros at the end of the fraction: equal numbers are equal structs.
 *
 * Read: an optional sign (+ - and U+2212, U+FE63, U+FF0B, U+FF0D), digits with at most one point
 * (also full-width ones, as Chinese and Japanese keyboards write them); ".5" and "5." are numbers.
 * Blanks around it are skipped (space, tab, line ends, U+00A0, U+2009, U+202F, U+3000). Refused:
 * blanks or commas between digits ("1,5" and "1,500" mean different things in different
 * countries), exponents, fractions, anything else. */
#pragma once

#include "base/out.h"

#define DECIMAL_DIGITS_MAX 18

struct decimal {
    int64_t mantissa;
    uint8_t scale; /* 0..18 */
};

bool decimal_parse(str text, struct decimal *out) MUST_USE; /* false beyond 18 digits */
/* For what candidates type: digits of the fraction beyond the 18th are cut off, not refused. */
bool decimal_parse_cut(str text, struct decimal *out) MUST_USE;
bool decimal_is_valid(struct decimal d); /* for decimals read from disk */

int decimal_compare(struct decimal a, struct decimal b);                       /* -1, 0, 1 */
bool decimal_within(struct decimal d, struct decimal from, struct decimal to); /* both included */
/* middle - tolerance and middle + tolerance; false when a bound needs more than 18 digits. */
bool decimal_around(struct decimal middle, struct decimal tolerance, struct decimal *from,
                    struct decimal *to) MUST_USE;
void decimal_write(struct out *out, struct decimal d); /* "-0.25" */

/* Marks are whole thousandths of a mark ("milli"). At most three digits after the point, and at
 * most a million marks. */
bool milli_parse(str text, int32_t *milli) MUST_USE;
void milli_write(struct out *out, int64_t milli); /* "4", "-0.25" */
