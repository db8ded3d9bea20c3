/* expect.c - asks the memory for what the next requests will touch, many at once.
 *
 * Candidates take turns of 45 s, so of whoever asks nothing is in a cache: three places, each found
 * by way of the one before, and a save would wait for each. Requests come many at a time, so their
 * addresses are looked through first, as the fold of the log does with its records (book_expect).
 * Nothing here is believed: who is wrong has asked the memory for nothing useful. */
#include "app/hall_internal.h"

#define EXPECT_MAX 256 /* saves; those behind them wait for the memory, each for its own */

struct expected {
    uint32_t candidate;
    unsigned item; /* from 0 */
};

static uint64_t digits(str *bytes)
{
    uint64_t value = 0;
    size_t n = 0;
    while (n < MIN(bytes->n, 9) && bytes->p[n] >= '0' && bytes->p[n] <= '9')
        value = value * 10 + (uint64_t)(bytes->p[n++] - '0');
    *bytes = str_from(*bytes, n);
    return value;
}

void hall_expect(const struct hall *hall, str bytes)
{
    const struct directory *d = &hall->directory;
    const str attempts = STR("/v1/attempts/"), answers = STR("/answers/");
    struct expected expected[EXPECT_MAX];
    unsigned count = 0;
    ptrdiff_t at;
    while (count < EXPECT_MAX && (at = str_find_str(bytes, attempts)) >= 0) {
        bytes = str_from(bytes, (size_t)at + attempts.n);
        uint64_t attempt = digits(&bytes);
        if (attempt < 1 || attempt > d->candidate_count)
            continue;
        uint32_t candidate = (uint32_t)attempt - 1;
        directory_expect_one(d, candidate);
        if (!hall->has_book || !str_starts(bytes, answers))
            continue;
        bytes = str_from(bytes, answers.n);
        book_expect_sheet(&hall->book, candidate);
        expected[count++] = (struct expected){ candidate, (unsigned)digits(&bytes) - 1 };
    }
    for (unsigned i = 0; i < count; i++)
        book_expect_cell(&hall->book, expected[i].candidate, expected[i].item);
}
