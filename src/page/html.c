/* html.c - see html.h. */
#include "page/html.h"

#define REPLACEMENT "\xef\xbf\xbd"

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\n':
    case '\t':
        return " ";
    default:
        return (unsigned char)c < 0x20 || c == 0x7f ? REPLACEMENT : NULL;
    }
}

void html_text(struct out *out, str text)
{
    bool utf8 = str_is_utf8(text);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        const char *instead = (unsigned char)c >= 0x80 && !utf8 ? REPLACEMENT : entity(c);
        if (instead)
            out_z(out, instead);
        else
            out_char(out, c);
    }
}
