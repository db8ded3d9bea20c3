/* decimal.c - see decimal.h. */
#include "codec/decimal.h"

__extension__ typedef __int128 wide; /* 18 digits times 10^18 and one carry fit */

#define DIGITS_END 1000000000000000000 /* 10^18: the first mantissa that is too long */

static const struct {
    str from;
    char to; /* 0: a blank */
} signs[] = {
    { { "\xe2\x88\x92", 3 }, '-' }, { { "\xef\xb9\xa3", 3 }, '-' }, { { "\xef\xbc\x8d", 3 }, '-' },
    { { "\xef\xbc\x8b", 3 }, '+' }, { { "\xef\xbc\x8e", 3 }, '.' }, { { "\xc2\xa0", 2 }, ' ' },
    { { "\xe2\x80\x89", 3 }, ' ' }, { { "\xe2\x80\xaf", 3 }, ' ' }, { { "\xe3\x80\x80", 3 }, ' ' },
};

/* The next character in its ASCII form; 0 at the end, 1 for what no number has. */
static char next(str *rest)
{
    if (rest->n == 0)
        return 0;
    unsigned char c = (unsigned char)rest->p[0];
    if (c < 0x80) {
        *rest = str_from(*rest, 1);
        return c == '\t' || c == '\r' || c == '\n' ? ' ' : c ? (char)c : 1;
    }
    if (rest->n >= 3 && c == 0xef && rest->p[1] == '\xbc') { /* U+FF10 to U+FF19 */
        unsigned char last = (unsigned char)rest->p[2];
        if (last >= 0x90 && last <= 0x99) {
            *rest = str_from(*rest, 3);
            return (char)('0' + last - 0x90);
        }
    }
    for (size_t i = 0; i < COUNT(signs); i++) {
        if (str_starts(*rest, signs[i].from)) {
            *rest = str_from(*rest, signs[i].from.n);
            return signs[i].to;
        }
    }
    return 1;
}

/* What was read of a number so far. */
struct reading {
    int64_t mantissa;
    unsigned scale, zeros; /* zeros: at the end of the fraction, not in the mantissa yet */
    bool digits, point, full;
};

static bool add_digit(struct reading *reading, int digit, bool cut)
{
    reading->digits = true;
    if (reading->point && (digit == 0 || reading->full)) {
        reading->zeros += !reading->full;
        return digit == 0 || cut;
    }
    for (unsigned i = 0; i <= reading->zeros; i++) {
        if (reading->mantissa >= DIGITS_END / 10 || reading->scale == DECIMAL_DIGITS_MAX) {
            reading->full = reading->point;
            return reading->point && cut;
        }
        reading->mantissa = reading->mantissa * 10 + (i == reading->zeros ? digit : 0);
        reading->scale += reading->point;
    }
    reading->zeros = 0;
    return true;
}

static struct decimal trimmed(int64_t mantissa, unsigned scale)
{
    while (scale > 0 && mantissa % 10 == 0) {
        mantissa /= 10;
        scale--;
    }
    return (struct decimal){ mantissa, (uint8_t)scale };
}

static bool parse(str text, bool cut, struct decimal *out)
{
    struct reading reading = { 0 };
    char c;
    do
        c = next(&text);
    while (c == ' ');
    bool minus = c == '-';
    if (c == '-' || c == '+')
        c = next(&text);
    for (; (c >= '0' && c <= '9') || (c == '.' && !reading.point); c = next(&text)) {
        if (c == '.')
            reading.point = true;
        else if (!add_digit(&reading, c - '0', cut))
            return false;
    }
    while (c == ' ')
        c = next(&text);
    if (c != 0 || !reading.digits)
        return false;
    *out = trimmed(minus ? -reading.mantissa : reading.mantissa, reading.scale);
    return true;
}

bool decimal_parse(str text, struct decimal *out)
{
    return parse(text, false, out);
}

bool decimal_parse_cut(str text, struct decimal *out)
{
    return parse(text, true, out);
}

bool decimal_is_valid(struct decimal d)
{
    return d.mantissa < DIGITS_END && d.mantissa > -DIGITS_END && d.scale <= DECIMAL_DIGITS_MAX;
}

static wide scaled(struct decimal d, unsigned scale)
{
    wide v = d.mantissa;
    for (unsigned i = d.scale; i < scale; i++)
        v *= 10;
    return v;
}

int decimal_compare(struct decimal a, struct decimal b)
{
    unsigned scale = MAX(a.scale, b.scale);
    wide x = scaled(a, scale), y = scaled(b, scale);
    return (x > y) - (x < y);
}

bool decimal_within(struct decimal d, struct decimal from, struct decimal to)
{
    return decimal_compare(d, from) >= 0 && decimal_compare(d, to) <= 0;
}

static bool narrowed(wide v, unsigned scale, struct decimal *out)
{
    for (; scale > 0 && v % 10 == 0; scale--)
        v /= 10;
    if (v >= DIGITS_END || v <= -DIGITS_END)
        return false;
    *out = (struct decimal){ (int64_t)v, (uint8_t)scale };
    return true;
}

bool decimal_around(struct decimal middle, struct decimal tolerance, struct decimal *from,
                    struct decimal *to)
{
    unsigned scale = MAX(middle.scale, tolerance.scale);
    wide m = scaled(middle, scale), t = scaled(tolerance, scale);
    return narrowed(m - t, scale, from) && narrowed(m + t, scale, to);
}

void decimal_write(struct out *out, struct decimal d)
{
    uint64_t v = d.mantissa < 0 ? 0 - (uint64_t)d.mantissa : (uint64_t)d.mantissa, unit = 1;
    for (unsigned i = 0; i < d.scale; i++)
        unit *= 10;
    if (d.mantissa < 0)
        out_char(out, '-');
    out_u64(out, v / unit);
    if (d.scale)
        out_fmt(out, ".%0*llu", (int)d.scale, (unsigned long long)(v % unit));
}

bool milli_parse(str text, int32_t *milli)
{
    struct decimal d;
    if (!decimal_parse(text, &d) || d.scale > 3 || d.mantissa > 1000000000 ||
        d.mantissa < -1000000000)
        return false;
    int64_t v = (int64_t)scaled(d, 3);
    if (v > 1000000000 || v < -1000000000)
        return false;
    *milli = (int32_t)v;
    return true;
}

void milli_write(struct out *out, int64_t milli)
{
    decimal_write(out, trimmed(milli, 3));
}
