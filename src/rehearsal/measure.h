/* measure.h - what a rehearsal's seconds say about the cost of one request: the capacity file.
 *
 * In each second it is known how many requests of each kind were answered and how much CPU the
 * gateway and the hall used. So each second is an equation, and the costs are those that fit all of
 * them best (least squares, none below zero). They can be told apart because in the profile
 * stampede kinds come at different times: sign-ins before the bell, starts right after it, saves
 * alone, submits at the end, results after that. In profiles where they come together they cannot,
 * and nothing is written. */
#pragma once

#include "platform/measured.h"
#include "platform/objectives.h"
#include "rehearsal/verdict.h"

struct rehearsal_opts; /* rehearsal.h */

/* Can this run measure, and the file be written? FAIL_USAGE, FAIL_WORLD. */
fail measure_check(const char *path, const struct rehearsal_opts *opts, struct why *why) MUST_USE;
/* All but made_at, version, sha256, cpu, cores and memory_bytes. FAIL_CONFLICT: the run did not
 * pass, or was too short to say anything. */
fail measure_take(struct measured *measured, const struct outcome *outcome,
                  const struct objectives *objectives, struct why *why) MUST_USE;
/* Takes, adds this program and this machine, and writes the file. */
fail measure_write(const char *path, const struct rehearsal_opts *opts,
                   const struct outcome *outcome, const struct judgement *judgement,
                   const struct objectives *objectives, instant made_at, struct why *why) MUST_USE;
