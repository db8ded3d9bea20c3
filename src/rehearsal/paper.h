/* paper.h - what a virtual candidate knows of the paper, and what it would answer.
 *
 * An agent parses the first copy of a paper and remembers the bytes' hash: every other candidate
 * must receive the same bytes. An answer is a function of the candidate, the item and the save's
 * key, so the ledger can name any value ever sent without keeping it. */
#pragma once

#include "base/arena.h"
#include "base/fail.h"
#include "base/out.h"
#include "codec/json.h"

enum { PAPER_ITEMS_MAX = 500, VALUE_BYTES_MAX = 200 };

enum paper_kind { PAPER_SINGLE, PAPER_SEVERAL, PAPER_NUMBER, PAPER_TEXT };

struct paper_item {
    uint8_t kind, options, blanks;
};
/* How the bytes came: as they are, compressed, or compressed in the reply to a start. */
enum paper_coding { PAPER_PLAIN, PAPER_GZIP, PAPER_BASE64_GZIP, PAPER_CODINGS };

struct paper {
    uint64_t hash[PAPER_CODINGS]; /* of the bytes as they came so; 0: never yet */
    char path[128];
    unsigned items;                              /* 0: none came yet */
    struct paper_item item[PAPER_ITEMS_MAX + 1]; /* from 1 */
};

/* Reads the first copy, and compares any other with it. FAIL_INPUT: no paper, or another one. */
fail paper_take(struct paper *paper, str bytes, enum paper_coding coding, struct arena *arena,
                struct why *why) MUST_USE;
/* The form must be a permutation of the paper's items, each with one of its options, and name the
 * paper by its path. Gives the path. */
fail form_check(const struct paper *paper, const struct json *form, str *path,
                struct why *why) MUST_USE;

struct answer {
    bool none, marked; /* none: null, cleared */
    unsigned bytes;
    char value[VALUE_BYTES_MAX];
};
/* What candidate `who` (a number that is different for each) answers with save `key`. */
void answer_make(struct answer *answer, const struct paper_item *item, uint64_t who, unsigned i,
                 uint32_t key);
bool answer_is(const struct answer *answer, bool none, str value);
