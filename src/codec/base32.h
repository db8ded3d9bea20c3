/* base32.h - bytes as letters people can read aloud and type (codes, secrets).
 *
 * Two alphabets: Crockford's (no I, L, O, U; reads them as 1, 1, 0 and refuses U) for what people
 * type, and RFC 4648's for TOTP secrets, which authenticator apps expect. Written in upper case
 * without padding; read in either case, with hyphens and spaces between groups ignored. */
#pragma once

#include "base/str.h"

enum base32 { BASE32_CROCKFORD, BASE32_RFC4648 };

#define BASE32_CHARS(bytes) (((bytes)*8 + 4) / 5) /* letters for so many bytes */

/* Writes BASE32_CHARS(n) letters and no NUL. */
void base32_encode(enum base32 alphabet, char *letters, const void *bytes, size_t n);

/* Exactly n bytes out of exactly BASE32_CHARS(n) letters; the bits left over must be zero. False
 * for anything else; then the content of bytes is undefined. */
bool base32_decode(enum base32 alphabet, str letters, void *bytes, size_t n) MUST_USE;

char base32_letter(enum base32 alphabet, unsigned digit); /* digit < 32 */
int base32_digit(enum base32 alphabet, char letter);      /* 0..31, or -1 */
