/* units.c - see units.h. */
#include "page/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* 1234567.8 as 1,234,568; below 100 with as many decimals as three digits leave, zeros cut. */
static void number(char text[static UNIT_TEXT_MAX], double value)
{
    char plain[UNIT_TEXT_MAX];
    double size = fabs(value);
    int decimals = size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
    size_t n = (size_t)snprintf(plain, sizeof(plain), "%.*f", decimals, value), to = 0;
    while (decimals && (plain[n - 1] == '0' || plain[n - 1] == '.'))
        if (plain[--n] == '.')
            break;
    plain[n] = '\0';
    size_t whole = strcspn(plain, ".");
    for (size_t i = 0; i < n && to < UNIT_TEXT_MAX - 2; i++) {
        if (i && i < whole && (whole - i) % 3 == 0 && plain[i - 1] != '-')
            text[to++] = ',';
        text[to++] = plain[i];
    }
    text[to] = '\0';
}

static void with(char text[static UNIT_TEXT_MAX], double value, const char *unit)
{
    number(text, value);
    size_t n = strlen(text);
    snprintf(text + n, UNIT_TEXT_MAX - n, "%s", unit);
}

const char *unit_text(char text[static UNIT_TEXT_MAX], enum unit unit, double value)
{
    static const char *const sizes[] = { " B", " KiB", " MiB", " GiB", " TiB" };
    size_t size = 0;
    if (isnan(value)) {
        snprintf(text, UNIT_TEXT_MAX, "\u2013");
        return text;
    }
    value = MIN(MAX(value, -1e15), 1e15);
    if (unit == UNIT_MS)
        with(text, value < 999.5 ? value : value / 1000, value < 999.5 ? " ms" : " s");
    else if (unit == UNIT_BYTES) {
        for (; value >= 1000 && size < COUNT(sizes) - 1; size++)
            value /= 1024;
        with(text, value, sizes[size]);
    } else
        number(text, value);
    return text;
}

const char *unit_clock(char text[static UNIT_TEXT_MAX], double seconds)
{
    long long s = llround(MIN(MAX(seconds, 0), 1e9));
    if (s < 3600)
        snprintf(text, UNIT_TEXT_MAX, "%lld:%02lld", s / 60, s % 60);
    else
        snprintf(text, UNIT_TEXT_MAX, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    return text;
}
