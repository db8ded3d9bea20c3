/* digest.c - see digest.h. */
#include "platform/digest.h"

struct digest digest_of(str bytes)
{
    struct digest digest;
    sha256_hex(digest.hex, bytes);
    return digest;
}

bool digest_is(str hex)
{
    for (size_t i = 0; i < hex.n; i++)
        if (!memchr("0123456789abcdef", hex.p[i], 16))
            return false;
    return hex.n == DIGEST_CHARS;
}

bool digest_read(struct digest *digest, str text)
{
    str hex = str_from(text, 7);
    if (!str_starts(text, STR("sha256:")) || !digest_is(hex))
        return false;
    memcpy(digest->hex, hex.p, DIGEST_CHARS);
    digest->hex[DIGEST_CHARS] = 0;
    return true;
}
