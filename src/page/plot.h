/* plot.h - numbers over time as a drawing in SVG, and as a table for those who cannot see it.
 *
 * The drawing loads nothing and needs no script. Its colours are classes (c0 to c6) that the page's
 * style defines, so it follows the reader's light or dark scheme. Axes have round ticks and
 * units; each line carries its name. Long series are thinned so that no peak is lost. */
#pragma once

#include "page/units.h"
#include "base/out.h"

enum { PLOT_LINES_MAX = 8, PLOT_TICKS_MAX = 16, PLOT_COLOURS = 7 };

struct plot_line {
    const char *name;
    const double *y; /* `count` of them; NAN: nothing was measured */
    unsigned colour; /* below PLOT_COLOURS */
    bool faint;      /* beside the line that matters */
};

struct plot_mark { /* something happened: a phase begins, or a fault was injected */
    double at_s;
    const char *text;
    bool fault;
};

enum plot_kind { PLOT_LINEAR, PLOT_LOG, PLOT_STACKED };

struct plot { /* borrows all it points to */
    enum plot_kind kind;
    enum unit unit;
    const char *title, *axis; /* axis: what is up, such as "requests a second" */
    double from_s, to_s;      /* what is shown of time */
    double top;               /* at least so far up; 0: as the values ask */
    const double *at_s;       /* ascending */
    size_t count;
    struct plot_line lines[PLOT_LINES_MAX];
    size_t line_count;
    const struct plot_mark *marks;
    size_t mark_count;
    unsigned width, height; /* of the drawing, in its own pixels */
};

void plot_svg(struct out *out, const struct plot *plot);
/* At most `rows` rows of equal time; each cell is the highest value in it. */
void plot_table(struct out *out, const struct plot *plot, unsigned rows);

/* Multiples of 1, 2 or 5 times a power of ten that lie in [low, high], `most` of them at most. */
unsigned plot_ticks(double low, double high, unsigned most, double ticks[static PLOT_TICKS_MAX]);
/* The same for seconds: multiples of what clocks show, such as 15 s, 1 min or 10 min. */
unsigned plot_ticks_time(double low, double high, unsigned most,
                         double ticks[static PLOT_TICKS_MAX]);
