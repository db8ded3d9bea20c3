/* page.c - see page.h. */
#include "page/page.h"

#include "page/html.h"

enum { TABLE_ROWS = 20 };

void page_begin(struct out *out, const char *over, const char *title)
{
    out_z(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta "
               "name=\"viewport\" content=\"width=device-width\"/><title>");
    html_text(out, str_z(title));
    out_fmt(out, "</title><style>%s</style></head><body>\n<header><p class=\"over\">", page_style);
    html_text(out, str_z(over));
    out_z(out, "</p><h1>");
    html_text(out, str_z(title));
    out_z(out, "</h1></header><main>\n");
}

void page_end(struct out *out)
{
    out_z(out, "</main></body></html>\n");
}

void page_figure(struct out *out, const struct plot *plot, const char *caption)
{
    out_fmt(out, "<figure%s><figcaption><strong>",
            plot->width == PAGE_WIDE ? " class=\"wide\"" : "");
    html_text(out, str_z(plot->title));
    out_z(out, "</strong> <span>");
    html_text(out, str_z(plot->axis));
    out_z(out, "</span>");
    if (caption)
        out_fmt(out, "<p>%s</p>", caption);
    out_z(out, "</figcaption><div class=\"frame\">");
    plot_svg(out, plot);
    out_z(out, "</div><details><summary>as a table</summary><p>The highest value in each span of "
               "time.</p>");
    plot_table(out, plot, TABLE_ROWS);
    out_z(out, "</details></figure>\n");
}
