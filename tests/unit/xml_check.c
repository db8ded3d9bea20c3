/* xml_check.c - see xml_check.h. Small, and stricter than a browser: what it lets pass, all do. */
#include "tests/unit/xml_check.h"

#include <stdio.h>

enum { DEPTH_MAX = 64 };

static char wrong[200];

static const char *say(const char *what, str at)
{
    snprintf(wrong, sizeof(wrong), "%s at \"%.*s\"", what, (int)MIN(at.n, (size_t)60), at.p);
    return wrong;
}

static bool is_entity(str rest)
{
    static const char *const known[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };
    for (size_t i = 0; i < COUNT(known); i++)
        if (str_starts(rest, str_z(known[i])))
            return true;
    return false;
}

/* Text, or an attribute's value up to its quote. */
static const char *check_text(str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] == '&' && !is_entity(str_from(text, i)))
            return say("a bare ampersand", str_from(text, i));
    return str_is_utf8(text) ? NULL : say("bad UTF-8", text);
}

static bool is_name(str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", name.p[i]))
            return false;
    return name.n > 0;
}

/* What stands behind a tag's name: blank name="value", as often as it likes. */
static const char *check_attributes(str rest)
{
    while (rest.n) {
        if (rest.p[0] != ' ')
            return say("no blank before an attribute", rest);
        rest = str_from(rest, 1);
        str all = rest, name = str_cut(&rest, '=');
        if (!rest.p || !is_name(name) || !rest.n || rest.p[0] != '"')
            return say("an attribute that is not name=\"value\"", all);
        rest = str_from(rest, 1);
        str value = str_cut(&rest, '"');
        if (!rest.p || str_find(value, '<') >= 0)
            return say("an attribute without an end", all);
        if (check_text(value))
            return wrong;
    }
    return NULL;
}

const char *xml_check(str text)
{
    str open[DEPTH_MAX], rest = text;
    size_t depth = 0;
    if (str_starts(rest, STR("<!doctype html>\n")))
        rest = str_from(rest, strlen("<!doctype html>\n"));
    while (rest.n) {
        str before = str_cut(&rest, '<'), at = rest;
        if (check_text(before))
            return wrong;
        if (!rest.p)
            break;
        str tag = str_cut(&rest, '>');
        bool end = str_starts(tag, STR("/")), alone = str_ends(tag, STR("/"));
        if (!rest.p || !tag.n)
            return say("a tag without an end", at);
        str name = end ? str_from(tag, 1) : alone ? str_first(tag, tag.n - 1) : tag;
        str attributes = STR_NONE;
        ptrdiff_t blank = str_find(name, ' ');
        if (blank >= 0) {
            attributes = str_from(name, (size_t)blank);
            name = str_first(name, (size_t)blank);
        }
        if (!is_name(name))
            return say("a tag without a name", at);
        if (check_attributes(attributes))
            return wrong;
        if (end && (!depth || !str_eq(open[--depth], name)))
            return say("an end that nothing began", at);
        if (!end && !alone && depth == DEPTH_MAX)
            return say("too deep", at);
        if (!end && !alone)
            open[depth++] = name;
    }
    return depth ? say("a tag that is never ended", open[depth - 1]) : NULL;
}
