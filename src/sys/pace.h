/* pace.h - threads that share a machine's cores: who goes first, who runs where, when a loop rests.
 *
 * A loop that has work rests until the next beat, so that what comes meanwhile shares one wake-up.
 * Beats are multiples of the period on the monotonic clock: loops with the same period rest until
 * the same moment, and one interrupt of the timer wakes them all. What comes waits at most the
 * period longer; a loop that was idle rests not at all, nor one whose rounds are longer than the
 * period. Agents of a rehearsal do so (src/rehearsal/gang.c), the hall where several ask at once or
 * the log is at work (src/app/server.c), and a gateway while the hall owes several replies. */
#pragma once

#include "base/base.h"

#include <stdint.h>

struct pace {
    uint32_t period_us; /* 0: never rests */
    bool worked;
    int64_t began_us;
};

/* Lets the hall's one thread, which everybody waits for, go before the many of this process where
 * both share a machine's cores: their share is a tenth of its own. Fair shares would starve it just
 * when all have work. For a gateway with more reactors than cores, and for virtual candidates, who
 * let both go before. Inherited by threads made later. */
void pace_behind_hall(void);

/* This thread runs on one core from now on: the number-th, in turn, of those it may use. Linux
 * moves many threads that work briefly to one core and lets the other idle: docs/performance.md,
 * "450,000 at once". For threads of equal work, more than there are cores. */
void pace_on_core(unsigned number);

void pace_rest(struct pace *pace); /* before waiting for events */
/* How long that would be now; 0: not at all. */
int64_t pace_left_us(const struct pace *pace);
/* The same timeout, or as much longer as there is to the beat after it. */
int64_t pace_timeout_us(const struct pace *pace, int64_t timeout_us);
void pace_begin(struct pace *pace, bool worked); /* after it: was there any? */
