/* sample.h - the sample exam and its roster, as they are in data/sample, built into the program. */
#pragma once

#include "base/str.h"

extern const char sample_spec[];
str sample_exam(void);   /* JSON lines */
str sample_roster(void); /* CSV */
