/* define.h - what hall.yaml says of exams, said to the hall.
 *
 * Done wherever a hall is opened: by the hall's process, and by a command that works on a hall that
 * does not run. Items take their marks from the exam as they are imported, so a command that
 * imported before the spec was stated would mark by other rules than the spec has. */
#pragma once

#include "app/hall.h"
#include "platform/spec.h"

/* What the hall knows already changes nothing. FAIL_USAGE: it does not agree, with its reason. */
fail define_exams(struct hall *hall, const struct spec *spec, struct why *why) MUST_USE;
