/* score_text.c - any bytes as a typed answer: it has one plain form or none, of bounded size, and
 * an answer always equals itself. */
#include "svc/scoring/score_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char once[1000], twice[1000];
    size_t n, again;
    str text = str_of(data, size);
    bool fits = score_text_normal(text, once, sizeof(once), &n);
    must(score_text_normal(text, twice, sizeof(twice), &again) == fits);
    must(!fits || (n == again && n <= sizeof(once) && memcmp(once, twice, n) == 0));
    must(!fits || score_text_same(str_of(once, n), str_of(twice, n)));
    return 0;
}
