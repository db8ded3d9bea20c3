/* note.h - what a process says about itself while it runs: one JSON object a line on stderr.
 *
 * An event is a name and fields; never a candidate's name, answer, code, token or key. Log once,
 * where a failure is handled. */
#pragma once

#include "base/fail.h"

/* note("info", "hall.ready", "\"records\":%llu", n): the fields are JSON members without braces. */
void note(const char *level, const char *event, const char *format, ...) PRINTF(3, 4);
void note_fail(const char *event, const struct why *why);
