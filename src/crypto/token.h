/* token.h - a signed statement of who is asking: 32 bytes, no state, checked in under a
 * microsecond.
 *
 * Layout: version, kind, role, 0, subject u32, epoch u32, expires u32 (seconds of 1970 UTC), then
 * 16 bytes of mac.h over the first 16. Sent as 43 characters of base64url. There is one
 * algorithm and no header to choose it. The epoch must equal the newest one of its subject
 * (app/directory.h): raising that revokes every older token on every replica at once. */
#pragma once

#include "base/fail.h"

enum token_kind { TOKEN_CANDIDATE = 1, TOKEN_OFFICER = 2 };

struct token {
    enum token_kind kind;
    uint8_t role;
    uint32_t subject; /* index of the candidate or officer */
    uint32_t epoch;
    instant expires;
};

#define TOKEN_CHARS 43

void token_write(const struct token *token, const uint8_t key[32], char out[TOKEN_CHARS + 1]);
/* FAIL_UNSIGNED when it is not ours, was changed, or has expired. Compares in constant time. */
fail token_read(struct token *token, str text, const uint8_t key[32], instant now,
                struct why *why) MUST_USE;
