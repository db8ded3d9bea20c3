/* code.c - see code.h. */
#include "crypto/code.h"

#include <sodium.h>

static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Odd weights are invertible modulo 32, so every single wrong symbol changes the sum; neighbouring
 * weights differ by 2, so a swap is missed only when its symbols are 16 apart. */
static char check_symbol(const uint8_t values[15])
{
    unsigned sum = 0;
    for (unsigned i = 0; i < 15; i++)
        sum += values[i] * (2 * i + 1);
    return symbols[sum % 32];
}

void code_make(char out[CODE_CHARS + 1], const uint8_t key[32], str roll, uint32_t serial)
{
    crypto_generichash_state state;
    uint8_t hash[16], values[15];
    must(crypto_generichash_init(&state, key, 32, sizeof(hash)) == 0);
    crypto_generichash_update(&state, (const uint8_t *)&serial, sizeof(serial));
    crypto_generichash_update(&state, (const uint8_t *)roll.p, roll.n);
    crypto_generichash_final(&state, hash, sizeof(hash));
    for (unsigned i = 0; i < 15; i++) {
        unsigned bit = i * 5;
        unsigned two = (unsigned)hash[bit / 8] << 8 | hash[bit / 8 + 1];
        values[i] = (two >> (11 - bit % 8)) & 31;
        out[i] = symbols[values[i]];
    }
    out[15] = check_symbol(values);
    out[CODE_CHARS] = 0;
}

bool code_normalise(char out[CODE_CHARS + 1], str typed)
{
    uint8_t values[CODE_CHARS];
    size_t n = 0;
    for (size_t i = 0; i < typed.n; i++) {
        char c = typed.p[i];
        if (c == ' ' || c == '-')
            continue;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 32);
        c = c == 'O' ? '0' : (c == 'I' || c == 'L') ? '1' : c;
        const char *at = c ? strchr(symbols, c) : NULL;
        if (!at || n == CODE_CHARS)
            return false;
        values[n] = (uint8_t)(at - symbols);
        out[n++] = c;
    }
    out[n] = 0;
    return n == CODE_CHARS && check_symbol(values) == out[15];
}

bool code_equal(const char a[CODE_CHARS], const char b[CODE_CHARS])
{
    return sodium_memcmp(a, b, CODE_CHARS) == 0;
}
