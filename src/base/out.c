/* out.c - see out.h. */
#include "base/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

bool out_reserve(struct out *out, size_t more)
{
    if (out->failed)
        return false;
    if (more <= out->cap - out->n)
        return true;
    if (more > out->bytes_max || out->n > out->bytes_max - more) {
        out->failed = true;
        return false;
    }
    size_t cap = MAX(out->cap * 2, 256);
    cap = MIN(MAX(cap, out->n + more), out->bytes_max);
    char *p = realloc(out->p, cap);
    if (!p) {
        out->failed = true;
        return false;
    }
    out->p = p;
    out->cap = cap;
    return true;
}

void out_bytes(struct out *out, const void *p, size_t n)
{
    if (n == 0 || !out_reserve(out, n))
        return;
    memcpy(out->p + out->n, p, n);
    out->n += n;
}

void out_str(struct out *out, str s)
{
    out_bytes(out, s.p, s.n);
}

void out_z(struct out *out, const char *z)
{
    out_bytes(out, z, strlen(z));
}

void out_char(struct out *out, char c)
{
    out_bytes(out, &c, 1);
}

void out_u64(struct out *out, uint64_t v)
{
    char digits[20];
    size_t i = sizeof(digits);
    do {
        digits[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    out_bytes(out, digits + i, sizeof(digits) - i);
}

void out_i64(struct out *out, int64_t v)
{
    if (v < 0)
        out_char(out, '-');
    out_u64(out, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void out_fmt(struct out *out, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    must(n >= 0);
    if (out_reserve(out, (size_t)n + 1)) {
        vsnprintf(out->p + out->n, (size_t)n + 1, format, again);
        out->n += (size_t)n;
    }
    va_end(again);
}

static size_t utf8_length(str s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    return n <= s.n && str_is_utf8(str_first(s, n)) ? n : 0;
}

void out_json(struct out *out, str s)
{
    out_char(out, '"');
    size_t plain = 0; /* bytes seen since the last one that needed care */
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = utf8_length(str_from(s, i));
        if (n && c >= 0x20 && c != '"' && c != '\\') {
            plain += n;
            i += n;
            continue;
        }
        out_bytes(out, s.p + i - plain, plain);
        plain = 0;
        i += n ? n : 1;
        if (n == 0)
            out_z(out, "\\ufffd");
        else if (c == '"' || c == '\\')
            out_fmt(out, "\\%c", c);
        else if (c == '\n')
            out_z(out, "\\n");
        else
            out_fmt(out, "\\u%04x", c);
    }
    out_bytes(out, s.p + s.n - plain, plain);
    out_char(out, '"');
}

void out_time(struct out *out, instant at)
{
    time_t seconds = (time_t)(at / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    out_fmt(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900, tm.tm_mon + 1,
            tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(at % 1000));
}

void out_clear(struct out *out)
{
    out->n = 0;
    out->failed = false;
}

void out_drop(struct out *out, size_t n)
{
    must(n <= out->n);
    out->n -= n;
    if (n && out->n)
        memmove(out->p, out->p + n, out->n);
}

void out_fini(struct out *out)
{
    free(out->p);
    *out = out_make(out->bytes_max);
}
