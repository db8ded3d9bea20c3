/* page.h - a report as one page that needs nothing else to be read: it loads nothing, runs no
 * script and is well-formed XML. What a rehearsal and a simulation write look alike through it. */
#pragma once

#include "page/plot.h"

enum { PAGE_WIDE = 960, PAGE_HALF = 500, PAGE_TALL = 300, PAGE_LOW = 240 }; /* of drawings */

/* Up to and with <main>. `over` is the small line above the title; both are escaped. */
void page_begin(struct out *out, const char *over, const char *title);
void page_end(struct out *out);
/* The drawing, what it shows, and its numbers as a table. `caption` is HTML, or NULL. Figures stand
 * in a <div class="figures">, two beside each other but for those of PAGE_WIDE. */
void page_figure(struct out *out, const struct plot *plot, const char *caption);

/* --- its parts ---------------------------------------------------------------------------------
 */

extern const char page_style[]; /* page_style.c */
