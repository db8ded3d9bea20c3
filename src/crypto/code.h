/* code.h - the admit card's code: 16 symbols that only the hall can make and anyone can type.
 *
 * 15 symbols of Crockford base32 (75 bits) are a keyed hash of the roll number and the card's
 * serial number, the 16th is a check symbol, so that a page notices a typing error by itself. The
 * hall stores no code: it makes it again to compare, so a stolen log or checkpoint holds none. A
 * new serial makes a new code and ends the old. 75 random bits need no slow hash: guessing at 10^6
 * a second takes a billion years. */
#pragma once

#include "base/fail.h"

#define CODE_CHARS 16

void code_make(char out[CODE_CHARS + 1], const uint8_t key[32], str roll, uint32_t serial);
/* Accepts spaces and hyphens anywhere, either case, o for 0, i and l for 1; else false. */
bool code_normalise(char out[CODE_CHARS + 1], str typed);
bool code_equal(const char a[CODE_CHARS], const char b[CODE_CHARS]); /* constant time */
