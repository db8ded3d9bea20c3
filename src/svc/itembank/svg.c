/* svg.c - see svg.h. A strict little reader of tags: what it does not know it refuses. */
#include "svc/itembank/svg.h"

#define NESTED_MAX 32

static const char *const elements[] = {
    "svg",
    "g",
    "defs",
    "title",
    "desc",
    "path",
    "rect",
    "circle",
    "line",
    "ellipse",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "marker",
    "use",
    "symbol",
    "clipPath",
    "mask",
    "pattern",
    "linearGradient",
    "radialGradient",
    "stop",
    NULL,
};

struct reader {
    str rest;
    str open[NESTED_MAX]; /* names of the elements we are in */
    unsigned depth;
    bool seen_root;
    struct why *why;
};

static fail refuse(struct reader *reader, const char *what, str name)
{
    return fail_set(reader->why, FAIL_INPUT, "The SVG picture %s%.*s.", what,
                    STR_ARG(str_first(name, 40)));
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == ':' || c == '_' || c == '.';
}

static str take_name(struct reader *reader)
{
    size_t n = 0;
    while (n < reader->rest.n && is_name(reader->rest.p[n]))
        n++;
    str name = str_first(reader->rest, n);
    reader->rest = str_from(reader->rest, n);
    return name;
}

static bool take(struct reader *reader, str what)
{
    if (!str_starts(reader->rest, what))
        return false;
    reader->rest = str_from(reader->rest, what.n);
    return true;
}

static bool skip_past(struct reader *reader, str what)
{
    ptrdiff_t at = str_find_str(reader->rest, what);
    if (at < 0)
        return false;
    reader->rest = str_from(reader->rest, (size_t)at + what.n);
    return true;
}

static void skip_blanks(struct reader *reader)
{
    str trimmed = str_trim(reader->rest);
    reader->rest = (str){ trimmed.p, (size_t)(reader->rest.p + reader->rest.n - trimmed.p) };
}

static bool is_known(str name)
{
    for (const char *const *known = elements; *known; known++)
        if (str_eq(name, str_z(*known)))
            return true;
    return false;
}

static bool has_nocase(str s, str needle)
{
    for (size_t i = 0; i + needle.n <= s.n; i++)
        if (str_eq_nocase((str){ s.p + i, needle.n }, needle))
            return true;
    return false;
}

/* Every url(...) must name something within the picture. */
static bool reaches_out(str value)
{
    for (size_t i = 0; i + 4 <= value.n; i++) {
        if (!str_eq_nocase((str){ value.p + i, 4 }, STR("url(")))
            continue;
        str target = str_trim(str_from(value, i + 4));
        if (!str_starts(target, STR("#")))
            return true;
    }
    return has_nocase(value, STR("@import")) || has_nocase(value, STR("javascript:")) ||
           has_nocase(value, STR("\\")) /* an escape in a style may hide any of these */;
}

static bool is_href(str name)
{
    return str_eq_nocase(name, STR("href")) ||
           (name.n > 5 && str_eq_nocase(str_from(name, name.n - 5), STR(":href")));
}

static fail read_attribute(struct reader *reader)
{
    str name = take_name(reader);
    skip_blanks(reader);
    if (name.n == 0 || !take(reader, STR("=")))
        return refuse(reader, "has a broken attribute ", name);
    skip_blanks(reader);
    char quote = reader->rest.n ? reader->rest.p[0] : 0;
    if (quote != '"' && quote != '\'')
        return refuse(reader, "has an attribute without quotes: ", name);
    reader->rest = str_from(reader->rest, 1);
    str value = str_cut(&reader->rest, quote);
    if (!reader->rest.p)
        return refuse(reader, "has an attribute that never ends: ", name);
    if (str_find(value, '<') >= 0)
        return refuse(reader, "has a '<' in the attribute ", name);
    if (str_eq_nocase(str_first(name, 2), STR("on")))
        return refuse(reader, "must have no attribute ", name);
    if (is_href(name) ? !str_starts(value, STR("#")) : reaches_out(value))
        return refuse(reader, "refers to something outside itself in the attribute ", name);
    return FAIL_NONE;
}

static fail read_open_tag(struct reader *reader)
{
    str name = take_name(reader);
    if (!is_known(name))
        return refuse(reader, "must have no element ", name);
    if (reader->depth == 0 && (reader->seen_root || !str_eq(name, STR("svg"))))
        return refuse(reader, "must be one <svg> element, not ", name);
    if (reader->depth == NESTED_MAX)
        return refuse(reader, "is nested too deeply at ", name);
    reader->seen_root = true;
    for (;;) {
        skip_blanks(reader);
        if (take(reader, STR("/>")))
            return FAIL_NONE;
        if (take(reader, STR(">"))) {
            reader->open[reader->depth++] = name;
            return FAIL_NONE;
        }
        fail f = read_attribute(reader);
        if (f)
            return f;
    }
}

static fail read_close_tag(struct reader *reader)
{
    str name = take_name(reader);
    skip_blanks(reader);
    if (!take(reader, STR(">")) || reader->depth == 0 ||
        !str_eq(name, reader->open[reader->depth - 1]))
        return refuse(reader, "closes in the wrong place: ", name);
    reader->depth--;
    return FAIL_NONE;
}

static fail read_markup(struct reader *reader)
{
    if (take(reader, STR("<!--")))
        return skip_past(reader, STR("-->")) ? FAIL_NONE
                                             : refuse(reader, "has an endless comment", STR_NONE);
    if (take(reader, STR("<?xml ")))
        return skip_past(reader, STR("?>")) ? FAIL_NONE
                                            : refuse(reader, "has a broken first line", STR_NONE);
    if (take(reader, STR("</")))
        return read_close_tag(reader);
    reader->rest = str_from(reader->rest, 1);
    return read_open_tag(reader);
}

static fail read_text(struct reader *reader)
{
    ptrdiff_t at = str_find(reader->rest, '<');
    str text = at < 0 ? reader->rest : str_first(reader->rest, (size_t)at);
    reader->rest = str_from(reader->rest, text.n);
    if (reader->depth == 0 && str_trim(text).n)
        return refuse(reader, "has text outside its <svg> element", STR_NONE);
    return FAIL_NONE;
}

fail svg_check(str svg, struct why *why)
{
    struct reader reader = { .rest = svg, .why = why };
    if (!str_is_utf8(svg) || memchr(svg.p, 0, svg.n))
        return refuse(&reader, "is not valid UTF-8", STR_NONE);
    while (reader.rest.n) {
        fail f = reader.rest.p[0] == '<' ? read_markup(&reader) : read_text(&reader);
        if (f)
            return f;
    }
    if (!reader.seen_root || reader.depth)
        return refuse(&reader, "ends before its last element is closed", STR_NONE);
    return FAIL_NONE;
}
