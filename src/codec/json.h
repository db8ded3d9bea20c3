/* json.h - reads JSON from strangers: strict RFC 8259, capped depth, no copy where none is needed.
 *
 * json_parse makes a tree in an arena. Strict: UTF-8 only, no duplicate names, no trailing bytes,
 * no depth beyond JSON_DEPTH_MAX, no NUL in strings. Numbers stay text until asked for (no floats).
 * The failure text names line, column and what was expected. Writing is out.h's out_json. */
#pragma once

#include "base/arena.h"
#include "base/fail.h"

#define JSON_DEPTH_MAX 32

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_type type;
    str text;           /* string (unescaped) or number (as written) */
    str name;           /* within an object */
    struct json *first; /* array or object: the first member */
    struct json *next;  /* the next sibling */
    size_t count;       /* array or object: how many members */
};

/* Borrows text for as long as the tree lives: unescaped strings point into it. */
fail json_parse(struct json **root, str text, struct arena *arena, struct why *why) MUST_USE;

const struct json *json_get(const struct json *object,
                            str name); /* NULL when absent or no object */

/* Typed members of an object. Absent: FAIL_INPUT when needed, else *out untouched; wrong type or
 * out of range: FAIL_INPUT naming the member. null counts as absent. */
fail json_str(const struct json *object, const char *name, bool needed, str *out, struct why *why);
fail json_i64(const struct json *object, const char *name, bool needed, int64_t min, int64_t max,
              int64_t *out, struct why *why);
fail json_bool(const struct json *object, const char *name, bool needed, bool *out,
               struct why *why);
/* Any member not in `names` (NULL-ended) is FAIL_INPUT: nothing is ignored silently. */
fail json_only(const struct json *object, const char *const *names, struct why *why);
