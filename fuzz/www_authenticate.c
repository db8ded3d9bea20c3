/* www_authenticate.c - any bytes as a registry's challenge: what is taken from it can stand in a
 * URL or a header without ending it, and lies within the bytes. */
#include "platform/challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(str value, str text)
{
    must(value.n == 0 || (value.p >= text.p && value.p + value.n <= text.p + text.n));
    for (size_t i = 0; i < value.n; i++)
        must(value.p[i] >= ' ' && value.p[i] < 0x7f && value.p[i] != '"');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct challenge challenge;
    str text = str_of(data, size);
    bool ok = challenge_read(&challenge, text);
    must(!ok || challenge.basic || challenge.bearer);
    check_value(challenge.realm, text);
    check_value(challenge.service, text);
    check_value(challenge.scope, text);
    return 0;
}
