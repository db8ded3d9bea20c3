/* base64.h - bytes as text in tokens (URL alphabet, no padding) and in data: addresses (standard
 * alphabet, padded).
 *
 * Reading is strict: no blanks, no foreign letters, no left-over bits, padding exactly as the
 * alphabet wants it. So every byte string has one text, and a token cannot be respelled. */
#pragma once

#include "base/str.h"

enum base64 { BASE64_URL, BASE64_PADDED };

#define BASE64URL_CHARS(bytes)     (((bytes)*8 + 5) / 6)
#define BASE64_PADDED_CHARS(bytes) (((bytes) + 2) / 3 * 4)
#define BASE64_BYTES_MAX(chars)    ((chars) / 4 * 3 + 2) /* room enough for a decode */

/* Returns how many characters it wrote (BASE64..._CHARS(n)); no NUL. */
size_t base64_encode(enum base64 kind, char *text, const void *bytes, size_t n);

/* Writes at most `cap` bytes; false when the text is not exact or does not fit. */
bool base64_decode(enum base64 kind, str text, void *bytes, size_t cap, size_t *n) MUST_USE;
