/* password.h - what staff sign in with: a password (Argon2id) and a one-time code (TOTP, RFC 6238).
 *
 * Argon2id costs about 0.1 s of CPU on purpose; call it on the worker thread only. */
#pragma once

#include "base/fail.h"
#include "sys/chance.h"

#define PASSWORD_HASH_CHARS 128
#define TOTP_SECRET_BYTES   20
#define TOTP_STEP_S         30

fail password_hash(char out[PASSWORD_HASH_CHARS], str password, struct why *why) MUST_USE;
bool password_check(const char hash[PASSWORD_HASH_CHARS], str password);
/* 20 letters and digits in groups of five: 99 random bits, for people to copy once. */
void password_make(char out[32], struct chance *chance);

uint32_t totp_at(const uint8_t *secret, size_t n, uint64_t step); /* six digits, SHA-1 */
/* The step whose code this is, among the current one and its neighbours, and later than last_step
 * (a code works once); 0 for none. */
uint64_t totp_check(const uint8_t *secret, size_t n, str typed, instant now, uint64_t last_step);
