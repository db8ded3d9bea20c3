/* yaml.h - a YAML document as a plain tree: what people write, and what we render to be read.
 *
 * Every scalar is text as written (quotes and folds resolved); what it means is the reader's word.
 * Members keep their order and their lines, and a key that is there twice is there twice. Aliases
 * are refused: a page of them can stand for more than all memory. JSON is YAML. libfyaml reads it;
 * nothing else sees libfyaml. */
#pragma once

#include "base/arena.h"
#include "base/fail.h"

#define YAML_DEPTH_MAX 64

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_kind kind;
    str key;    /* of a mapping's member; STR_NONE in a list and at the root */
    str text;   /* of a scalar; p is NULL for an empty one (`key:`) */
    int line;   /* where its key stands, or it begins; from 1 */
    bool plain; /* a scalar without quotes: `4` may be a number, `"4"` is text */
    unsigned count;
    struct yaml *first, *next;
};

/* The root lies in the arena; NULL when the text holds nothing but comments. FAIL_INPUT: *line is
 * where, `why` says what. FAIL_LIMIT: larger than the arena. */
fail yaml_parse(struct yaml **root, str text, struct arena *arena, int *line,
                struct why *why) MUST_USE;

/* The first member with that key; NULL when there is none, or `map` is NULL or no mapping. */
struct yaml *yaml_member(const struct yaml *map, const char *key);
/* A member's text; STR_NONE when it is not there or no scalar. */
str yaml_text(const struct yaml *map, const char *key);
