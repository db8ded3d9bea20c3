/* base64.c - see base64.h. */
#include "codec/base64.h"

#define DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static const char letters_of[][65] = {
    [BASE64_URL] = DIGITS "-_",
    [BASE64_PADDED] = DIGITS "+/",
};

size_t base64_encode(enum base64 kind, char *text, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    const char *letters = letters_of[kind];
    uint32_t bits = 0;
    unsigned held = 0;
    size_t written = 0;
    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | p[i];
        for (held += 8; held >= 6; held -= 6)
            text[written++] = letters[bits >> (held - 6) & 63];
    }
    if (held)
        text[written++] = letters[bits << (6 - held) & 63];
    while (kind == BASE64_PADDED && written % 4)
        text[written++] = '=';
    return written;
}

/* Without branches: the text is random, and each branch would be guessed wrong half the time. */
static int digit_of(const char *letters, char c)
{
    unsigned upper = (unsigned)(c - 'A'), lower = (unsigned)(c - 'a'), number = (unsigned)(c - '0');
    unsigned digit = (upper < 26) * (upper + 1) + (lower < 26) * (lower + 27) +
                     (number < 10) * (number + 53) + (c == letters[62]) * 63u +
                     (c == letters[63]) * 64u;
    return (int)digit - 1;
}

bool base64_decode(enum base64 kind, str text, void *bytes, size_t cap, size_t *n)
{
    unsigned char *p = bytes;
    uint32_t bits = 0;
    unsigned held = 0;
    size_t done = 0;
    if (kind == BASE64_PADDED) {
        if (text.n % 4)
            return false;
        for (int i = 0; i < 2 && text.n && text.p[text.n - 1] == '='; i++)
            text.n--;
    }
    if (text.n % 4 == 1)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        int digit = digit_of(letters_of[kind], text.p[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held < 8)
            continue;
        held -= 8;
        if (done == cap)
            return false;
        p[done++] = (unsigned char)(bits >> held);
    }
    *n = done;
    return (bits & ((1u << held) - 1)) == 0;
}
