/* token.c - see token.h. */
#include "crypto/token.h"

#include "codec/base64.h"
#include "crypto/mac.h"

#include <sodium.h>

void token_write(const struct token *token, const uint8_t key[32], char out[TOKEN_CHARS + 1])
{
    uint8_t bytes[32] = { 1, (uint8_t)token->kind, token->role, 0 };
    uint32_t expires_s = (uint32_t)(token->expires / 1000);
    memcpy(bytes + 4, &token->subject, 4);
    memcpy(bytes + 8, &token->epoch, 4);
    memcpy(bytes + 12, &expires_s, 4);
    mac_write(bytes + 16, bytes, 16, key);
    must(base64_encode(BASE64_URL, out, bytes, sizeof(bytes)) == TOKEN_CHARS);
    out[TOKEN_CHARS] = 0;
}

fail token_read(struct token *token, str text, const uint8_t key[32], instant now, struct why *why)
{
    uint8_t bytes[32], expected[16];
    size_t n = 0;
    if (text.n != TOKEN_CHARS || !base64_decode(BASE64_URL, text, bytes, sizeof(bytes), &n) ||
        n != sizeof(bytes) || bytes[0] != 1)
        return fail_as(why, FAIL_UNSIGNED, "not-signed-in", "the session is not one of this hall");
    mac_write(expected, bytes, 16, key);
    if (sodium_memcmp(expected, bytes + 16, 16) != 0)
        return fail_as(why, FAIL_UNSIGNED, "not-signed-in", "the session is not one of this hall");
    uint32_t expires_s;
    token->kind = bytes[1];
    token->role = bytes[2];
    memcpy(&token->subject, bytes + 4, 4);
    memcpy(&token->epoch, bytes + 8, 4);
    memcpy(&expires_s, bytes + 12, 4);
    token->expires = (instant)expires_s * 1000;
    if (now >= token->expires)
        return fail_as(why, FAIL_UNSIGNED, "not-signed-in",
                       "the session has expired; sign in again, all recorded answers are kept");
    return FAIL_NONE;
}
