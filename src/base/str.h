/* str.h - a slice of bytes: pointer and length, never owned, not NUL-terminated.
 *
 * The owner is whoever made the bytes (a request's buffer, an arena, a literal). A str is passed by
 * value. Parsers here never read outside the slice and say false for anything not exactly right. */
#pragma once

#include "base/base.h"
#include <string.h>

typedef struct {
    const char *p;
    size_t n;
} str;

#define STR(literal) ((str){ ("" literal), sizeof(literal) - 1 })
#define STR_NONE     ((str){ NULL, 0 })
#define STR_ARG(s)   (int)(s).n, (s).p /* for "%.*s" */

static inline str str_z(const char *z)
{
    return (str){ z, z ? strlen(z) : 0 };
}

static inline str str_of(const void *p, size_t n)
{
    return (str){ p, n };
}

static inline bool str_eq(str a, str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(str a, str b); /* ASCII only */
bool str_starts(str s, str prefix);
bool str_ends(str s, str suffix);
str str_from(str s, size_t start); /* the rest from `start`; empty when beyond the end */
str str_first(str s, size_t n);
str str_trim(str s); /* spaces, tabs, CR, LF at both ends */

/* Cuts *rest at the first `sep`: returns what is before it and leaves what is after it. Without a
 * `sep` returns all and leaves *rest with p == NULL, so `while (rest.p)` visits every field. */
str str_cut(str *rest, char sep);
ptrdiff_t str_find(str s, char c); /* -1 when absent */
ptrdiff_t str_find_str(str s, str needle);

/* Whole-slice decimal numbers: digits only (and a leading '-' for i64), no overflow, no spaces. */
bool str_u64(str s, uint64_t *out);
bool str_i64(str s, int64_t *out);

bool str_is_utf8(str s);  /* strict: no overlong forms, surrogates, or values above U+10FFFF */
uint64_t str_hash(str s); /* for tables in memory; not stable across versions, not secret */

/* The entry of `words` nearest to s by edit distance, or NULL when none is near: for "did you
 * mean". Ends at a NULL entry. */
const char *str_nearest(str s, const char *const *words);
