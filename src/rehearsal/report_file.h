/* report_file.h - the report's two files: the page at the path that was asked for, and the data
 * beside it, FILE.json for FILE.html. */
#pragma once

#include "base/fail.h"
#include "rehearsal/report.h"

enum { REPORT_PATH_MAX = 1000 };

/* Fails when the files could not be written at the end: said before hours of rehearsal, not after.
 * FAIL_USAGE, FAIL_WORLD. */
fail report_file_check(const char *path, struct why *why) MUST_USE;
fail report_file_write(const struct report *report, const char *path, struct why *why) MUST_USE;
