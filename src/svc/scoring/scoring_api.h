/* scoring_api.h - what others may know of scoring: the form of a key.
 *
 * A key says which values of an item are right. It travels as JSON (operator to hall), as bytes (in
 * KEY_SET events) and is marked by scoring_core.h. Nobody but scoring keeps one.
 *
 *     kind      JSON                                          right is
 *     single    "B", or ["B","C"]                             any one of these letters
 *     several   "AC", or ["AC","ACD"]                         exactly one of these sets
 *     number    "9.81", {"value":"9.81","tolerance":"0.01"},  a decimal in one of these ranges,
 *               {"from":"9.8","to":"9.82"}, or a list of those ends included
 *     text      "5;10", or [["5"],["10","ten"]]               for each blank one of its texts,
 *                                                             compared as score_text.h says
 */
#pragma once

#include "base/arena.h"
#include "base/fail.h"
#include "codec/decimal.h"
#include "codec/json.h"
#include "codec/wire.h"

/* The values are those of `enum item_kind` in app/directory.h, and are in events. */
enum score_kind { SCORE_SINGLE, SCORE_SEVERAL, SCORE_NUMBER, SCORE_TEXT };
#define SCORE_KINDS 4
extern const char *const score_kind_names[SCORE_KINDS + 1]; /* "single", ...; ends with NULL */

enum score_partial {
    PARTIAL_NONE,   /* all or nothing */
    PARTIAL_SUBSET, /* several: one mark for each right option when no wrong one is chosen */
};
#define SCORE_PARTIALS 2
extern const char *const score_partial_names[SCORE_PARTIALS + 1]; /* "none", "subset", NULL */

#define SCORE_OPTIONS_MAX    8
#define SCORE_SETS_MAX       8
#define SCORE_RANGES_MAX     4
#define SCORE_BLANKS_MAX     8
#define SCORE_TEXTS_MAX      24 /* over all blanks */
#define SCORE_TEXT_BYTES_MAX 500
#define SCORE_KEY_BYTES_MAX  (16 * KIB) /* of an encoded key */

struct score_range {
    struct decimal from, to;
};

struct score_text {
    uint8_t blank;    /* from 0 */
    str text, normal; /* as the authority wrote it; as it is compared */
};

struct score_key {
    uint8_t kind, blanks;
    bool dropped;      /* the item was withdrawn: everybody who appeared gets its right marks */
    uint8_t set_count; /* single: one set, of all accepted letters */
    uint8_t sets[SCORE_SETS_MAX]; /* bit 0 is A */
    uint8_t range_count, text_count;
    struct score_range ranges[SCORE_RANGES_MAX];
    struct score_text texts[SCORE_TEXTS_MAX];
};

/* Builders: each adds one accepted way; FAIL_INPUT when it is not one, FAIL_LIMIT when there are
 * too many. Texts are copied into the arena. */
fail score_key_add_letters(struct score_key *key, str letters, struct why *why) MUST_USE;
fail score_key_add_range(struct score_key *key, struct decimal from, struct decimal to,
                         struct why *why) MUST_USE;
fail score_key_add_text(struct score_key *key, unsigned blank, str text, struct arena *arena,
                        struct why *why) MUST_USE;
/* Is the key whole, for an item with so many options? */
fail score_key_check(const struct score_key *key, unsigned options, struct why *why) MUST_USE;

fail score_key_from_json(struct score_key *key, enum score_kind kind, const struct json *json,
                         struct arena *arena, struct why *why) MUST_USE;
void score_key_write_json(struct out *out, const struct score_key *key); /* the value only */

void score_key_encode(struct wire_out *out, const struct score_key *key);
/* False for anything damaged. Texts are normalised into the arena, and borrow the body. */
bool score_key_decode(struct score_key *key, struct wire_in *in, struct arena *arena) MUST_USE;
