/* out.h - builds text or bytes; append freely, ask once at the end whether it fitted.
 *
 * Grows on the heap up to `bytes_max`. After the first append that does not fit it is `failed` and
 * ignores the rest. A zeroed out with bytes_max set is valid; out_fini is always safe. */
#pragma once

#include "base/str.h"

struct out {
    char *p;
    size_t n, cap, bytes_max;
    bool failed;
};

static inline struct out out_make(size_t bytes_max)
{
    return (struct out){ .bytes_max = bytes_max };
}

bool out_reserve(struct out *out, size_t more); /* room for `more` bytes at p + n */
void out_bytes(struct out *out, const void *p, size_t n);
void out_str(struct out *out, str s);
void out_z(struct out *out, const char *z);
void out_char(struct out *out, char c);
void out_u64(struct out *out, uint64_t v);
void out_i64(struct out *out, int64_t v);
void out_fmt(struct out *out, const char *format, ...) PRINTF(2, 3);
void out_json(struct out *out, str s); /* a JSON string with its quotes; bad UTF-8 becomes U+FFFD */
void out_time(struct out *out, instant at); /* 2027-01-22T03:30:00.000Z */
void out_clear(struct out *out);            /* length 0, memory kept */
void out_drop(struct out *out, size_t n);   /* the first n bytes; what is behind them moves up */
void out_fini(struct out *out);

static inline str out_view(const struct out *out)
{
    return (str){ out->p, out->n };
}
