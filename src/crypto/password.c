/* password.c - see password.h. */
#include "crypto/password.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdio.h>

_Static_assert(PASSWORD_HASH_CHARS >= crypto_pwhash_STRBYTES, "a hash fits");

fail password_hash(char out[PASSWORD_HASH_CHARS], str password, struct why *why)
{
    memset(out, 0, PASSWORD_HASH_CHARS);
    if (crypto_pwhash_str_alg(out, password.p, password.n, 3, 64 * MIB,
                              crypto_pwhash_ALG_ARGON2ID13))
        return fail_set(why, FAIL_WORLD, "no 64 MiB of memory to hash a password");
    return FAIL_NONE;
}

bool password_check(const char hash[PASSWORD_HASH_CHARS], str password)
{
    return crypto_pwhash_str_verify(hash, password.p, password.n) == 0;
}

void password_make(char out[32], struct chance *chance)
{
    static const char symbols[] = "abcdefghjkmnpqrstuvwxyz23456789"; /* none alike */
    size_t n = 0;
    for (size_t i = 0; i < 20; i++) {
        if (i && i % 5 == 0)
            out[n++] = '-';
        out[n++] = symbols[chance_below(chance, sizeof(symbols) - 1)];
    }
    out[n] = 0;
}

uint32_t totp_at(const uint8_t *secret, size_t n, uint64_t step)
{
    uint8_t message[8], hash[EVP_MAX_MD_SIZE];
    unsigned hash_n = 0;
    for (int i = 7; i >= 0; i--, step >>= 8)
        message[i] = (uint8_t)step;
    must(HMAC(EVP_sha1(), secret, (int)n, message, sizeof(message), hash, &hash_n));
    unsigned at = hash[hash_n - 1] & 15;
    uint32_t v = (uint32_t)(hash[at] & 127) << 24 | (uint32_t)hash[at + 1] << 16 |
                 (uint32_t)hash[at + 2] << 8 | hash[at + 3];
    return v % 1000000;
}

uint64_t totp_check(const uint8_t *secret, size_t n, str typed, instant now, uint64_t last_step)
{
    uint64_t step = (uint64_t)(now / 1000) / TOTP_STEP_S, found = 0;
    if (typed.n != 6)
        return 0;
    for (uint64_t s = step - 1; s <= step + 1; s++) {
        char digits[7];
        snprintf(digits, sizeof(digits), "%06u", totp_at(secret, n, s));
        if (sodium_memcmp(digits, typed.p, 6) == 0 && s > last_step)
            found = s;
    }
    return found;
}
