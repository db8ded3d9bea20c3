/* temporary.h - a folder for what a command needs only while it runs. */
#pragma once

#include "base/fail.h"

#define TEMPORARY_BYTES_MAX 300

/* Makes a folder that nobody else may enter, below $TMPDIR or else /tmp, and writes its path,
 * "/tmp/examhall-WHAT-aB3xYz". Who made it removes it. */
fail temporary_folder(char path[TEMPORARY_BYTES_MAX], const char *what, struct why *why) MUST_USE;
