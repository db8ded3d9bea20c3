/* spec_types.c - what each type of a spec's value looks like, and how that is said to people. */
#include "platform/spec_schema.h"

#include <regex.h>
#include <stdio.h>

static const struct {
    const char *expression, *wanted;
} patterns[] = {
#define AT(type) [SPEC_##type - SPEC_PATTERNS]
    AT(PATTERN) = { NULL, "a word" },
    AT(NAME) = { "^[a-z0-9][a-z0-9-]{0,39}$", "1 to 40 of a-z, 0-9 and -, such as paper-1" },
    AT(HALL) = { "^[^[:space:][:cntrl:]|/]{1,40}$",
                 "a name of 1 to 40 characters, no blanks, '|' or '/', such as "
                 "nee-2027" },
    AT(DOMAIN) = { "^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)*"
                   "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
                   "a domain such as exam.example.org" },
    AT(ADDRESS) = { "^([^[:space:]]*:)?[0-9]{1,5}$", "an address such as 0.0.0.0:8443" },
    AT(ZONE) = { "^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$", "a time zone such as Asia/Kolkata" },
    AT(WHEN) = { "^([0-9]{4}-[0-9]{2}-[0-9]{2} )?[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?$",
                 "a time such as 2027-01-22 08:30" },
    AT(MARKS) = { "^-?([0-9]+\\.?[0-9]*|\\.[0-9]+)$", "marks such as 4" },
    AT(LANGUAGE) = { "^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "a language such as en or hi" },
    AT(MEMORY) = { "^[1-9][0-9]{0,6}(Ki|Mi|Gi)$", "an amount such as 256Mi or 2Gi" },
    AT(CPU) = { "^([1-9][0-9]{0,2}|[1-9][0-9]{0,5}m)$",
                "processors such as 2, or thousandths such as 500m" },
    AT(ACCOUNT) = { "^[0-9]{12}$", "an AWS account: 12 digits in quotes, such as "
                                   "\"111122223333\"" },
    AT(REGION) = { "^[a-z]{2}-[a-z]+-[0-9][a-f]?$", "an AWS region such as ap-south-1" },
    AT(CIDR) = { "^([0-9]{1,3}\\.){3}[0-9]{1,3}/[0-9]{1,2}$", "addresses such as 10.20.0.0/16" },
    AT(ROLE) = { "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$",
                 "a role such as \"arn:aws:iam::111122223333:role/platform\"" },
    AT(MACHINE) = { "^[a-z][a-z0-9-]*\\.[a-z0-9]+$", "a machine such as m7i.large" },
#undef AT
};

static bool matches(const char *expression, str text)
{
    regex_t regex;
    char z[512];
    if (text.n >= sizeof(z) || memchr(text.p, 0, text.n))
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = 0;
    must(regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB) == 0);
    bool yes = regexec(&regex, z, 0, NULL, 0) == 0;
    regfree(&regex);
    return yes;
}

/* The expression sees digits; this sees numbers: no byte above 255, no host bits. */
static bool is_cidr(str text)
{
    uint64_t address = 0, bits, byte;
    str rest = text, left = str_cut(&rest, '/');
    if (!str_u64(rest, &bits) || bits > 32)
        return false;
    while (left.p) {
        if (!str_u64(str_cut(&left, '.'), &byte) || byte > 255)
            return false;
        address = address << 8 | byte;
    }
    return (address << bits & 0xffffffff) == 0;
}

static bool is_region(str text)
{
    for (const struct spec_region *region = spec_regions; region->name; region++)
        if (str_eq(text, str_z(region->name)))
            return true;
    return false;
}

static bool is_choice(const char *choices, str text)
{
    for (str rest = str_z(choices); rest.p;)
        if (str_eq(str_cut(&rest, '|'), text))
            return true;
    return false;
}

bool spec_ms(str text, int64_t *ms)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
    for (size_t i = 0; i < COUNT(units); i++) {
        str unit = str_z(units[i].name);
        if (str_ends(text, unit) && str_i64(str_first(text, text.n - unit.n), ms))
            return !__builtin_mul_overflow(*ms, units[i].ms, ms);
    }
    return false;
}

bool spec_milli(str text, int64_t *milli)
{
    if (str_ends(text, STR("m")))
        return str_i64(str_first(text, text.n - 1), milli);
    return str_i64(text, milli) && !__builtin_mul_overflow(*milli, 1000, milli);
}

bool spec_bytes(str text, int64_t *bytes)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } units[] = { { "Ki", KIB }, { "Mi", MIB }, { "Gi", GIB } };
    for (size_t i = 0; i < COUNT(units); i++)
        if (str_ends(text, str_z(units[i].name)) && str_i64(str_first(text, text.n - 2), bytes))
            return !__builtin_mul_overflow(*bytes, units[i].bytes, bytes);
    return false;
}

/* 07 is no number in JSON, and in some YAML another one. */
static bool is_number(str text, int64_t *number)
{
    str digits = str_starts(text, STR("-")) ? str_from(text, 1) : text;
    return str_i64(text, number) && (digits.n == 1 || digits.p[0] != '0');
}

bool spec_is(const struct spec_row *row, enum spec_type type, str text)
{
    int64_t number;
    if (!text.p)
        return false;
    switch (type) {
    case SPEC_NUMBER:
    case SPEC_REPLICAS:
        return is_number(text, &number) && number >= row->min && number <= row->max;
    case SPEC_DURATION:
        return spec_ms(text, &number) && number >= row->min && number <= row->max;
    case SPEC_YES:
        return str_eq(text, STR("true")) || str_eq(text, STR("false"));
    case SPEC_CHOICE:
        return is_choice(row->choices, text);
    case SPEC_TEXT:
        return (int64_t)text.n >= row->min && (int64_t)text.n <= row->max;
    case SPEC_SETTING:
        return true;
    case SPEC_PATTERN:
        return matches(row->choices, text);
    default:
        break;
    }
    if (type < SPEC_PATTERNS)
        return false;
    return matches(patterns[type - SPEC_PATTERNS].expression, text) &&
           (type != SPEC_CIDR || is_cidr(text)) &&
           (type != SPEC_REGION || row->type != SPEC_REGION || is_region(text));
}

const char *spec_wanted_of(enum spec_type type)
{
    must(type >= SPEC_PATTERNS);
    return patterns[type - SPEC_PATTERNS].wanted;
}

const char *spec_wanted(const struct spec_row *row, char *to, size_t n)
{
    if (row->wanted)
        return row->wanted;
    if (row->type >= SPEC_PATTERNS)
        return spec_wanted_of(row->type);
    switch (row->type) {
    case SPEC_NUMBER:
        snprintf(to, n, "a whole number from %lld to %lld", (long long)row->min,
                 (long long)row->max);
        return to;
    case SPEC_DURATION:
        snprintf(to, n, "a duration from %llds to %llds, such as 15s or 60m",
                 (long long)row->min / 1000, (long long)row->max / 1000);
        return to;
    case SPEC_TEXT:
        snprintf(to, n, "%lld to %lld characters", (long long)row->min, (long long)row->max);
        return to;
    case SPEC_YES:
        return "true or false";
    case SPEC_CHOICE: {
        size_t k = 0;
        for (const char *p = row->choices; *p && k + 8 < n; p++)
            k += (size_t)snprintf(to + k, n - k, *p == '|' ? " or " : "%c", *p);
        return to;
    }
    case SPEC_WORDS:
        snprintf(to, n, "a list of %s", spec_wanted_of(row->of));
        return to;
    default:
        return "a mapping";
    }
}
