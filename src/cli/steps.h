/* steps.h - commands of other programs (helm, kubectl, tofu) and our own, one after another, each
 * shown as a person would have typed it, with what it took and how it ended.
 *
 * What a command prints is shown as it comes; with --json on stderr, as the result is on stdout. */
#pragma once

#include "base/arena.h"
#include "base/fail.h"
#include "base/out.h"

#define STEP_WORDS_MAX 32
#define STEPS_MAX      40

struct step {
    const char *name; /* of the part of the work: "rollout" */
    str command;      /* as typed; in the arena of the steps */
    int status;       /* exit status; -1: it was not run; 128 and the signal */
    double seconds;
};

struct steps {
    bool dry; /* commands are shown, not run */
    struct arena *arena;
    struct step rows[STEPS_MAX];
    size_t count;
};

/* argv ends with NULL and may have "examhall" as its first word: this very program. Its exit
 * status; 0 when dry. */
int steps_run(struct steps *steps, const char *name, const char *const argv[]);
/* What it prints is in `out`, too, and shown when it has ended. */
int steps_read(struct steps *steps, const char *name, const char *const argv[], struct out *out);
/* The same for what only looks: neither shown nor recorded, and run when dry, too. Its output is in
 * `out`. */
int steps_look(const char *const argv[], struct out *out);

/* FAIL_MISSING: it is not on PATH, and `install` says where from. */
fail steps_find(const char *program, const char *install, struct why *why) MUST_USE;

void steps_json(struct out *out, const char *name, const struct steps *steps);
