/* timetable.h - who asks for what and when, from the exams of the spec: the load that capacity is
 * planned and simulated for.
 *
 * A shift's candidates sign in from `opens` to `starts`, most of them in the middle; start within
 * seconds of the bell; save and send heartbeats until they submit, shortly before their time is
 * over. Results are asked for right after they are published. How they do so is `habits`, in
 * figures that can be given on the command line. */
#pragma once

#include "platform/measured.h"
#include "platform/spec.h"

struct habits {
    int64_t save_every_s;    /* each candidate, heartbeats included */
    int64_t start_within_s;  /* of the bell, all */
    int64_t submit_within_s; /* before the end, all */
    int64_t result_within_s; /* of the publication, all */
    int64_t results_each;    /* how often each asks then */
};
/* 45 s as in docs/performance.md; the others as in the rehearsal's profiles stampede, last-minute
 * and results (src/rehearsal/profile.c): what is planned for is what is rehearsed, but for starts,
 * which are rehearsed within 50 s and planned for 60. */
extern const struct habits habits_default;

struct timetable_shift {
    str name; /* "paper-1/morning" */
    instant opens, starts, ends;
    int64_t candidates;
};

struct timetable_release { /* results are published */
    str name;
    instant at;
    int64_t candidates;
    bool announced; /* in the spec, so capacity stands ready for it */
};

enum { REGISTRATION_FORM_S = 20 * 60 }; /* who registers is at the form for so long */

struct timetable {
    bool registration;              /* its last day, and no exam: timetable_registration */
    struct timetable_shift *shifts; /* ascending by opens */
    struct timetable_release *releases;
    unsigned shift_count, release_count;
    unsigned untimed; /* shifts without a time: nothing can be planned for them */
    int64_t candidates;
};

/* FAIL_CONFLICT: no shift has a time, and what to write. In the arena. */
fail timetable_make(struct timetable *timetable, const struct spec *spec, struct arena *arena,
                    struct why *why) MUST_USE;
/* Counts a roster's rows (as `roster export` writes them) where they are more than the spec
 * expects. Gives in *strangers how many rows name no shift of the spec. */
fail timetable_roster(struct timetable *timetable, str csv, struct arena *arena, int64_t *strangers,
                      struct why *why) MUST_USE;
/* Only what is on one day, in the spec's zone: "2027-01-22", or NULL for the day with most
 * candidates. Where no results are published that day, they are two hours after its last shift,
 * unannounced. FAIL_USAGE: no such day; FAIL_MISSING: nothing is on it. */
fail timetable_day(struct timetable *timetable, const char *day, struct why *why) MUST_USE;
/* A day to try things with: one shift of three hours, without candidates. In the arena. */
void timetable_sample(struct timetable *timetable, struct arena *arena);
/* The last day of a registration, up to a deadline at midnight. It is one shift without a bell: who
 * signs in starts at once, saves while the form is filled in, and submits it. In the arena. */
void timetable_registration(struct timetable *timetable, int64_t candidates, struct arena *arena);
/* The same shifts with so many candidates in all; no results for more than these. */
void timetable_scale(struct timetable *timetable, int64_t candidates);

struct timetable_peak {
    instant at;
    double sum; /* of weight times rate */
    double per_s[ASKED_KINDS];
};
/* The moment when the weighted sum of requests a second is highest. Where intervals of several
 * shifts overlap they add up; sign-ins count at their peak, twice their average. */
void timetable_peak(const struct timetable *timetable, const struct habits *habits,
                    const double weight[ASKED_KINDS], struct timetable_peak *peak);
/* The most candidates that are connected at once. */
int64_t timetable_present(const struct timetable *timetable);
/* Saves and heartbeats over all shifts. */
double timetable_saves(const struct timetable *timetable, const struct habits *habits);
