/* score_text.h - when are two typed answers the same? Both are brought to one plain form.
 *
 * Keys are written in TeX, candidates type on a keyboard; the rules, in order:
 *   1. Full-width forms, Unicode minus signs, dashes, multiplication dots and superscript digits
 *      become ASCII: （０，１］ is (0,1], x² is x^2, ≤ is <=, × and · are *.
 *   2. Dollar signs, blanks, \left, \right, TeX's spacing and font commands go; so do TeX's braces.
 *   3. \frac{a}{b} is a/b, \sqrt{a} and sqrt(a) are √a, ^{\circ} is °, \pi and the word pi are π,
 * and so on for the symbols in the table of score_text.c.
 *   4. Brackets that change nothing go: (2√5)/5 is 2√5/5, √(5) is √5, x^(2) is x^2, 1/(3) is 1/3.
 * Where TeX's braces did bind, brackets come: \frac{1}{2n} is 1/(2n), \sqrt{2x} is √(2x).
 *   5. Letters compare without case (ASCII).
 *   6. Two forms that are both decimals compare by value: 0.140 is .14, +3 is 3.
 * Nothing is computed: 1/2 is not 0.5 and 2/4 is not 1/2, unless the key lists both. */
#pragma once

#include "base/str.h"

/* Writes at most `cap` bytes. False when it does not fit or nests deeper than 16. */
bool score_text_normal(str text, char *out, size_t cap, size_t *n) MUST_USE;

/* Do two plain forms mean the same? (rule 6) */
bool score_text_same(str a, str b);
