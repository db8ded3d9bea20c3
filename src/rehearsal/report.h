/* report.h - a rehearsal on paper: one page that needs nothing else to be read, and the same as
 * JSON.
 *
 * The page is for the authority that decides: the verdict first, then what was measured, drawn over
 * time, and at the end a place to sign. It loads nothing, runs no script, is well-formed XML, and
 * names the SHA-256 of its JSON, so that both are signed at once. All texts from outside are
 * escaped. */
#pragma once

#include "rehearsal/this_machine.h"
#include "rehearsal/verdict.h"

struct report { /* borrows all it points to */
    const struct outcome *outcome;
    const struct judgement *judgement;
    const struct objectives *objectives;
    const char *version, *command; /* of this program; what repeats the run */
    const char *profile, *profile_meaning;
    bool own_hall; /* made for this run; else outcome->target was there before */
    instant began_at, ended_at;
    struct this_machine machine;
};

/* verdict_json and, under "run" and "series", everything else that the page shows. */
void report_json(struct out *out, const struct report *report);
/* `json_name`: the file with what report_json wrote; `json_digest`: of its bytes, in hex. */
void report_html(struct out *out, const struct report *report, str json_name, str json_digest);

/* --- parts, each in a file of its own -----------------------------------------------------------
 */

void report_figures_load(struct out *out, const struct report *report); /* report_figures.c */
void report_figures_usage(struct out *out, const struct report *report);
void report_figure_lag(struct out *out, const struct report *report);
/* The slowest save in the seconds around a fault, from its begin until it was over. */
int64_t report_fault_worst_us(const struct outcome *outcome, const struct fault *fault);
