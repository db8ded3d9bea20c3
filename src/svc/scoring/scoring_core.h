/* scoring_core.h - the rules of marking, without I/O: a value, a key and a rule give marks.
 *
 * Pure and exact: marks are integers in thousandths ("milli"), numbers are decimals, and the same
 * arguments give the same marks on every machine for ever. A value is what answers keeps: "B",
 * "AC", "9.81", "5;10" (blanks joined by ';'). A value that is not well-formed for its kind is
 * wrong, never a failure: one odd answer must not stop a scoring run. */
#pragma once

#include "svc/scoring/scored_api.h"
#include "svc/scoring/scoring_api.h"

struct score_rule {
    int32_t right, wrong; /* milli marks; wrong is 0 or below for a penalty */
    uint8_t partial;      /* enum score_partial */
};

struct score {
    int32_t milli;
    enum score_outcome outcome;
};

/* Blank: 0. Right: rule->right. Wrong: rule->wrong. PARTIAL_SUBSET (JEE Advanced): some right
 * options and no wrong one give a mark each, at most rule->right; of several accepted sets the best
 * for the candidate counts. Dropped: rule->right for every value, blank too. */
struct score score_item(const struct score_key *key, const struct score_rule *rule, str value);
