/* json.c - see json.h. One pass, recursion capped by JSON_DEPTH_MAX.
 *
 * Names are compared after unescaping, so "a" and "\u0061" count as the same. Wide objects find
 * repeated names by sorting: a stranger's object of a million names costs n log n, never n squared.
 */
#include "codec/json.h"

#include <stdlib.h>

#define NARROW_COUNT 8 /* up to this many members comparing each with each is quicker */

struct parser {
    str text;
    size_t at;
    unsigned depth;
    struct arena *arena;
    struct why *why;
};

static fail parse_value(struct parser *parser, struct json *value);

/* A column counts characters, as an editor does. */
static fail fail_at(struct parser *parser, size_t at, const char *what)
{
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < parser->text.n; i++) {
        if (parser->text.p[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)parser->text.p[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    return fail_set(parser->why, FAIL_INPUT, "JSON line %zu, column %zu: %s", line, column, what);
}

static fail fail_here(struct parser *parser, const char *what)
{
    return fail_at(parser, parser->at, what);
}

static fail fail_memory(struct parser *parser)
{
    return fail_set(parser->why, FAIL_LIMIT, "The JSON text needs more than %zu bytes of memory.",
                    parser->arena->bytes_max);
}

static int peek(const struct parser *parser)
{
    return parser->at < parser->text.n ? (unsigned char)parser->text.p[parser->at] : -1;
}

static void skip_blanks(struct parser *parser)
{
    for (;; parser->at++) {
        int c = peek(parser);
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            return;
    }
}

static bool take(struct parser *parser, char c)
{
    if (peek(parser) != c)
        return false;
    parser->at++;
    return true;
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_hex4(struct parser *parser, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, parser->at++) {
        int digit = hex_digit(peek(parser));
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (uint32_t)digit;
    }
    return true;
}

static size_t put_utf8(char *p, uint32_t point)
{
    if (point < 0x80) {
        p[0] = (char)point;
        return 1;
    }
    size_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = more; i > 0; i--, point >>= 6)
        p[i] = (char)(0x80 | (point & 0x3f));
    p[0] = (char)(lead[more] | point);
    return more + 1;
}

/* After "\u": one code point, which may take a second escape (a surrogate pair). */
static fail take_unicode(struct parser *parser, uint32_t *point)
{
    size_t start = parser->at - 2;
    uint32_t low;
    if (!take_hex4(parser, point))
        return fail_here(parser, "four hexadecimal digits must follow \\u.");
    if (*point == 0)
        return fail_at(parser, start, "text must not contain \\u0000.");
    if (*point < 0xd800 || *point > 0xdfff)
        return FAIL_NONE;
    if (*point > 0xdbff || !take(parser, '\\') || !take(parser, 'u') || !take_hex4(parser, &low) ||
        low < 0xdc00 || low > 0xdfff)
        return fail_at(parser, start, "half of a surrogate pair stands alone.");
    *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
    return FAIL_NONE;
}

static fail take_escape(struct parser *parser, char *p, size_t *n)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = peek(parser);
    const char *at = c > 0 ? strchr(from, c) : NULL;
    if (at) {
        parser->at++;
        p[(*n)++] = to[at - from];
        return FAIL_NONE;
    }
    if (!take(parser, 'u'))
        return fail_here(parser, "a backslash must be followed by one of \" \\ / b f n r t u.");
    uint32_t point;
    fail f = take_unicode(parser, &point);
    if (!f)
        *n += put_utf8(p + *n, point);
    return f;
}

/* So many bytes from `at` on are no quote, backslash or control byte: looked at eight at a time, as
 * far as that goes, for long texts such as a paper in base64. A byte is zero where taking one from
 * it borrows and its high bit was not set. */
static size_t plain_bytes(str text, size_t at)
{
    const uint64_t ones = 0x0101010101010101u, high = ones << 7;
    size_t n = 0;
    for (uint64_t w; at + n + sizeof(w) <= text.n; n += sizeof(w)) {
        memcpy(&w, text.p + at + n, sizeof(w));
        uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';
        uint64_t found =
            ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | ((w - ones * 0x20) & ~w);
        if (found & high)
            break;
    }
    return n;
}

/* The end of the string that starts at parser->at, and whether it has escapes. */
static fail scan_string(struct parser *parser, size_t *end, bool *escaped)
{
    *escaped = false;
    size_t i = parser->at + plain_bytes(parser->text, parser->at);
    for (; i < parser->text.n && parser->text.p[i] != '"'; i++) {
        if ((unsigned char)parser->text.p[i] < 0x20)
            return fail_at(parser, i, "control characters in text must be escaped.");
        if (parser->text.p[i] == '\\') {
            *escaped = true;
            i++;
        }
    }
    if (i >= parser->text.n)
        return fail_at(parser, parser->at - 1, "this text has no closing quote.");
    *end = i;
    return FAIL_NONE;
}

static fail parse_string(struct parser *parser, str *out)
{
    if (!take(parser, '"'))
        return fail_here(parser, "text in double quotes is expected.");
    size_t start = parser->at, end = start;
    bool escaped;
    fail f = scan_string(parser, &end, &escaped);
    if (f)
        return f;
    str raw = { parser->text.p + start, end - start };
    if (!str_is_utf8(raw))
        return fail_at(parser, start, "this text is not valid UTF-8.");
    *out = raw;
    if (escaped) { /* an escape is never shorter than what it stands for */
        char *p = arena_bytes(parser->arena, raw.n);
        if (!p)
            return fail_memory(parser);
        size_t n = 0;
        while (!f && parser->at < end) {
            if (take(parser, '\\'))
                f = take_escape(parser, p, &n);
            else
                p[n++] = parser->text.p[parser->at++];
        }
        *out = (str){ p, n };
    }
    parser->at = end + 1;
    return f;
}

static size_t take_digits(struct parser *parser)
{
    size_t start = parser->at;
    while (peek(parser) >= '0' && peek(parser) <= '9')
        parser->at++;
    return parser->at - start;
}

static fail parse_number(struct parser *parser, struct json *value)
{
    size_t start = parser->at;
    take(parser, '-');
    bool zero = take(parser, '0');
    size_t digits = take_digits(parser);
    if (zero ? digits > 0 : digits == 0)
        return fail_at(parser, start, "a number is digits without a leading zero.");
    if (take(parser, '.') && take_digits(parser) == 0)
        return fail_here(parser, "digits must follow the decimal point.");
    if (take(parser, 'e') || take(parser, 'E')) {
        if (!take(parser, '+'))
            take(parser, '-');
        if (take_digits(parser) == 0)
            return fail_here(parser, "the exponent has no digits.");
    }
    value->type = JSON_NUMBER;
    value->text = (str){ parser->text.p + start, parser->at - start };
    return FAIL_NONE;
}

static fail parse_word(struct parser *parser, struct json *value)
{
    static const struct {
        str word;
        enum json_type type;
    } words[] = { { { "null", 4 }, JSON_NULL },
                  { { "true", 4 }, JSON_TRUE },
                  { { "false", 5 }, JSON_FALSE } };
    for (size_t i = 0; i < COUNT(words); i++) {
        if (str_starts(str_from(parser->text, parser->at), words[i].word)) {
            parser->at += words[i].word.n;
            value->type = words[i].type;
            return FAIL_NONE;
        }
    }
    return fail_here(parser, parser->at < parser->text.n ? "a value is expected."
                                                         : "the text ends where a value is "
                                                           "expected.");
}

static int by_name(const void *a, const void *b)
{
    str x = (*(const struct json *const *)a)->name, y = (*(const struct json *const *)b)->name;
    int order = memcmp(x.p, y.p, MIN(x.n, y.n));
    return order ? order : (x.n > y.n) - (x.n < y.n);
}

static bool repeats_narrow(const struct json *object)
{
    for (const struct json *a = object->first; a; a = a->next)
        for (const struct json *b = a->next; b; b = b->next)
            if (str_eq(a->name, b->name))
                return true;
    return false;
}

static fail check_names(struct parser *parser, const struct json *object, size_t start)
{
    bool repeats = false;
    if (object->count <= NARROW_COUNT) {
        repeats = repeats_narrow(object);
    } else {
        const struct json **sorted = arena_many(parser->arena, const struct json *, object->count);
        if (!sorted)
            return fail_memory(parser);
        size_t n = 0;
        for (const struct json *member = object->first; member; member = member->next)
            sorted[n++] = member;
        qsort(sorted, n, sizeof(struct json *), by_name);
        for (size_t i = 1; i < n; i++)
            repeats |= str_eq(sorted[i - 1]->name, sorted[i]->name);
    }
    return repeats ? fail_at(parser, start, "this object has the same name twice.") : FAIL_NONE;
}

static fail parse_name(struct parser *parser, struct json *member)
{
    skip_blanks(parser);
    fail f = parse_string(parser, &member->name);
    if (f)
        return f;
    skip_blanks(parser);
    return take(parser, ':') ? FAIL_NONE : fail_here(parser, "\":\" is expected after a name.");
}

static fail parse_members(struct parser *parser, struct json *value, char close)
{
    struct json **tail = &value->first;
    skip_blanks(parser);
    if (take(parser, close))
        return FAIL_NONE;
    for (;;) {
        struct json *member = arena_new(parser->arena, struct json);
        if (!member)
            return fail_memory(parser);
        fail f = close == '}' ? parse_name(parser, member) : FAIL_NONE;
        if (!f)
            f = parse_value(parser, member);
        if (f)
            return f;
        *tail = member;
        tail = &member->next;
        value->count++;
        skip_blanks(parser);
        if (take(parser, close))
            return FAIL_NONE;
        if (!take(parser, ','))
            return fail_here(parser, close == '}' ? "\",\" or \"}\" is expected."
                                                  : "\",\" or \"]\" is expected.");
    }
}

static fail parse_nested(struct parser *parser, struct json *value)
{
    size_t start = parser->at++;
    bool object = parser->text.p[start] == '{';
    if (parser->depth == JSON_DEPTH_MAX)
        return fail_at(parser, start, "values are nested too deeply (32 levels are allowed).");
    parser->depth++;
    value->type = object ? JSON_OBJECT : JSON_ARRAY;
    fail f = parse_members(parser, value, object ? '}' : ']');
    if (!f && object)
        f = check_names(parser, value, start);
    parser->depth--;
    return f;
}

static fail parse_value(struct parser *parser, struct json *value)
{
    skip_blanks(parser);
    int c = peek(parser);
    if (c == '{' || c == '[')
        return parse_nested(parser, value);
    if (c == '"') {
        value->type = JSON_STRING;
        return parse_string(parser, &value->text);
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return parse_number(parser, value);
    return parse_word(parser, value);
}

fail json_parse(struct json **root, str text, struct arena *arena, struct why *why)
{
    struct parser parser = { .text = text, .arena = arena, .why = why };
    struct json *value = arena_new(arena, struct json);
    if (!value)
        return fail_memory(&parser);
    fail f = parse_value(&parser, value);
    if (f)
        return f;
    skip_blanks(&parser);
    if (parser.at < text.n)
        return fail_here(&parser, "more text follows the end of the value.");
    *root = value;
    return FAIL_NONE;
}

const struct json *json_get(const struct json *object, str name)
{
    if (object->type != JSON_OBJECT)
        return NULL;
    for (const struct json *member = object->first; member; member = member->next)
        if (str_eq(member->name, name))
            return member;
    return NULL;
}

/* *member is NULL when absent and not needed. */
static fail find(const struct json *object, const char *name, bool needed,
                 const struct json **member, struct why *why)
{
    *member = json_get(object, str_z(name));
    if (object->type != JSON_OBJECT)
        return fail_set(why, FAIL_INPUT, "A JSON object is expected, with the member \"%s\".",
                        name);
    if (*member && (*member)->type == JSON_NULL)
        *member = NULL;
    if (!*member && needed)
        return fail_set(why, FAIL_INPUT, "The member \"%s\" is missing.", name);
    return FAIL_NONE;
}

fail json_str(const struct json *object, const char *name, bool needed, str *out, struct why *why)
{
    const struct json *member;
    fail f = find(object, name, needed, &member, why);
    if (f || !member)
        return f;
    if (member->type != JSON_STRING)
        return fail_set(why, FAIL_INPUT, "The member \"%s\" must be text in quotes.", name);
    *out = member->text;
    return FAIL_NONE;
}

fail json_i64(const struct json *object, const char *name, bool needed, int64_t min, int64_t max,
              int64_t *out, struct why *why)
{
    const struct json *member;
    fail f = find(object, name, needed, &member, why);
    if (f || !member)
        return f;
    int64_t v;
    if (member->type != JSON_NUMBER || !str_i64(member->text, &v) || v < min || v > max)
        return fail_set(why, FAIL_INPUT,
                        "The member \"%s\" must be a whole number from %lld to %lld.", name,
                        (long long)min, (long long)max);
    *out = v;
    return FAIL_NONE;
}

fail json_bool(const struct json *object, const char *name, bool needed, bool *out, struct why *why)
{
    const struct json *member;
    fail f = find(object, name, needed, &member, why);
    if (f || !member)
        return f;
    if (member->type != JSON_TRUE && member->type != JSON_FALSE)
        return fail_set(why, FAIL_INPUT, "The member \"%s\" must be true or false.", name);
    *out = member->type == JSON_TRUE;
    return FAIL_NONE;
}

static bool among(const char *const *names, str name)
{
    for (; *names; names++)
        if (str_eq(name, str_z(*names)))
            return true;
    return false;
}

fail json_only(const struct json *object, const char *const *names, struct why *why)
{
    if (object->type != JSON_OBJECT)
        return fail_set(why, FAIL_INPUT, "A JSON object is expected.");
    for (const struct json *member = object->first; member; member = member->next) {
        if (among(names, member->name))
            continue;
        const char *near = str_nearest(member->name, names);
        return fail_set(why, FAIL_INPUT, "There is no member \"%.*s\" here%s%s%s",
                        STR_ARG(str_first(member->name, 60)), near ? "; did you mean \"" : "",
                        near ? near : "", near ? "\"?" : ".");
    }
    return FAIL_NONE;
}
