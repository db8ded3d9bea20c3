/* units.h - numbers as people read them: 9,998  4.2 ms  1.5 s  12 MiB  3:20. */
#pragma once

#include "base/base.h"

enum unit { UNIT_COUNT, UNIT_MS, UNIT_BYTES, UNIT_CORES };
enum { UNIT_TEXT_MAX = 40 };

/* Three digits that matter, or all before the point; the unit chosen so that few are needed. Gives
 * `text`; a value that is not a number is a dash. */
const char *unit_text(char text[static UNIT_TEXT_MAX], enum unit unit, double value);
/* Since a begin: 3:20 or 1:03:20. */
const char *unit_clock(char text[static UNIT_TEXT_MAX], double seconds);
