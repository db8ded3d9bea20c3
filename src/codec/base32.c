/* base32.c - see base32.h. */
#include "codec/base32.h"

static const char letters_of[][33] = {
    [BASE32_CROCKFORD] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ",
    [BASE32_RFC4648] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
};

char base32_letter(enum base32 alphabet, unsigned digit)
{
    must(digit < 32);
    return letters_of[alphabet][digit];
}

int base32_digit(enum base32 alphabet, char letter)
{
    if (letter >= 'a' && letter <= 'z')
        letter = (char)(letter - 32);
    if (alphabet == BASE32_CROCKFORD)
        letter = letter == 'O' ? '0' : letter == 'I' || letter == 'L' ? '1' : letter;
    const char *all = letters_of[alphabet];
    const char *at = letter ? strchr(all, letter) : NULL;
    return at ? (int)(at - all) : -1;
}

void base32_encode(enum base32 alphabet, char *letters, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    uint32_t bits = 0;
    unsigned held = 0; /* the low `held` bits of `bits` are not written yet */
    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | p[i];
        for (held += 8; held >= 5; held -= 5)
            *letters++ = base32_letter(alphabet, bits >> (held - 5) & 31);
    }
    if (held)
        *letters = base32_letter(alphabet, bits << (5 - held) & 31);
}

bool base32_decode(enum base32 alphabet, str letters, void *bytes, size_t n)
{
    unsigned char *p = bytes;
    size_t seen = 0, done = 0;
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < letters.n; i++) {
        if (letters.p[i] == '-' || letters.p[i] == ' ')
            continue;
        int digit = base32_digit(alphabet, letters.p[i]);
        if (digit < 0 || ++seen > BASE32_CHARS(n))
            return false;
        bits = bits << 5 | (uint32_t)digit;
        held += 5;
        if (held >= 8 && done < n) {
            held -= 8;
            p[done++] = (unsigned char)(bits >> held);
        }
    }
    return seen == BASE32_CHARS(n) && (bits & ((1u << held) - 1)) == 0;
}
