/* plot.c - see plot.h. */
#include "page/plot.h"
#include "page/html.h"

#include <math.h>
#include <stdlib.h>

enum {
    LEFT = 74,
    RIGHT = 104, /* room for the names of lines */
    ABOVE = 40,  /* two rows of marks */
    BELOW = 30,
    TEXT_HEIGHT = 15,
    TEXT_WIDTH = 7,   /* of a letter, about */
    LABEL_WIDTH = 24, /* half of a clock time */
    COLUMN = 2        /* pixels that share a point */
};

struct frame { /* from values to pixels */
    const struct plot *plot;
    double low, high; /* of the upward axis */
    double from_s, to_s;
};

/* --- scales -------------------------------------------------------------------------------------
 */

static unsigned ticks_each(double low, double high, double step, unsigned most,
                           double ticks[static PLOT_TICKS_MAX])
{
    unsigned n = 0;
    most = MIN(most, (unsigned)PLOT_TICKS_MAX);
    for (double i = ceil(low / step - 1e-9); i * step <= high + step * 1e-9 && n < most; i++)
        ticks[n++] = i * step + 0.0; /* not -0 */
    return n;
}

unsigned plot_ticks(double low, double high, unsigned most, double ticks[static PLOT_TICKS_MAX])
{
    static const double parts[] = { 1, 2, 5, 10 };
    if (!(high > low) || !most)
        return 0;
    double least = (high - low) / most, power = pow(10, floor(log10(least))), step = 10 * power;
    for (size_t i = COUNT(parts); i-- > 0;)
        if (parts[i] * power >= least * (1 - 1e-9))
            step = parts[i] * power;
    return ticks_each(low, high, step, most + 1, ticks);
}

unsigned plot_ticks_time(double low, double high, unsigned most,
                         double ticks[static PLOT_TICKS_MAX])
{
    static const double steps[] = { 1,   2,   5,   10,   15,   30,   60,    120,
                                    300, 600, 900, 1800, 3600, 7200, 14400, 86400 };
    size_t i = 0;
    if (!(high > low) || !most)
        return 0;
    while (i < COUNT(steps) - 1 && (high - low) / steps[i] > most)
        i++;
    return ticks_each(low, high, steps[i], most + 1, ticks);
}

/* Visits what is drawn: in a stack, the sum of the lines up to this one. */
static double value_at(const struct plot *plot, size_t line, size_t i)
{
    double sum = 0;
    if (plot->kind != PLOT_STACKED)
        return plot->lines[line].y[i];
    for (size_t l = 0; l <= line; l++)
        sum += isnan(plot->lines[l].y[i]) ? 0 : plot->lines[l].y[i];
    return sum;
}

static bool is_shown(const struct plot *plot, size_t line, size_t i)
{
    double value = value_at(plot, line, i);
    return plot->at_s[i] >= plot->from_s && plot->at_s[i] <= plot->to_s && !isnan(value) &&
           (plot->kind != PLOT_LOG || value > 0);
}

static void range_find(struct frame *frame, double *least, double *most)
{
    const struct plot *plot = frame->plot;
    *least = INFINITY;
    *most = plot->top > 0 ? plot->top : -INFINITY;
    for (size_t line = 0; line < plot->line_count; line++)
        for (size_t i = 0; i < plot->count; i++)
            if (is_shown(plot, line, i)) {
                *least = MIN(*least, value_at(plot, line, i));
                *most = MAX(*most, value_at(plot, line, i));
            }
}

/* Where ticks of bytes are round: in the unit that they are written in. */
static double unit_size(enum unit unit, double high)
{
    double size = 1;
    if (unit == UNIT_BYTES)
        for (; high / size >= 1000; size *= 1024)
            ;
    return size;
}

static unsigned ticks_up(const struct frame *frame, double ticks[static PLOT_TICKS_MAX])
{
    unsigned n = 0;
    if (frame->plot->kind == PLOT_LOG) {
        for (double at = frame->low; at <= frame->high * 1.001 && n < PLOT_TICKS_MAX; at *= 10)
            ticks[n++] = at;
        return n;
    }
    double size = unit_size(frame->plot->unit, frame->high);
    n = plot_ticks(0, frame->high / size, 5, ticks);
    for (unsigned i = 0; i < n; i++)
        ticks[i] *= size;
    return n;
}

/* From 0, or between powers of ten; the axis ends at a round number. */
static void frame_make(struct frame *frame, const struct plot *plot)
{
    double least, most, ticks[PLOT_TICKS_MAX];
    *frame = (struct frame){ plot, 0, 1, plot->from_s, MAX(plot->to_s, plot->from_s + 1) };
    range_find(frame, &least, &most);
    if (plot->kind == PLOT_LOG) {
        bool any = isfinite(least) && isfinite(most);
        frame->low = pow(10, any ? floor(log10(least) + 1e-9) : 0);
        frame->high = pow(10, any ? ceil(log10(most) - 1e-9) : 1);
        if (frame->high <= frame->low)
            frame->high = frame->low * 10;
        return;
    }
    if (most < plot->top * 1.05) /* where the top is a bound, a hair above it is how it was read */
        most = plot->top;
    frame->high = isfinite(most) && most > 0 ? most : 1;
    unsigned n = ticks_up(frame, ticks);
    if (n >= 2 && ticks[n - 1] < frame->high)
        frame->high = ticks[n - 1] + ticks[1];
}

static double px(const struct frame *frame, double at_s)
{
    double part = (at_s - frame->from_s) / (frame->to_s - frame->from_s);
    return LEFT + part * (frame->plot->width - LEFT - RIGHT);
}

static double py(const struct frame *frame, double value)
{
    double part = frame->plot->kind == PLOT_LOG
                      ? log(MAX(value, frame->low) / frame->low) / log(frame->high / frame->low)
                      : value / frame->high;
    return ABOVE + (1 - part) * (frame->plot->height - ABOVE - BELOW);
}

/* --- axes and marks -----------------------------------------------------------------------------
 */

static void axes(struct out *out, const struct frame *frame)
{
    const struct plot *plot = frame->plot;
    unsigned right = plot->width - RIGHT, bottom = plot->height - BELOW;
    double ticks[PLOT_TICKS_MAX];
    char text[UNIT_TEXT_MAX];
    unsigned n = ticks_up(frame, ticks);
    for (unsigned i = 0; i < n; i++) {
        double y = py(frame, ticks[i]);
        out_fmt(out,
                "<path class=\"grid\" d=\"M%d %.1fH%u\"/><text x=\"%d\" y=\"%.1f\" "
                "text-anchor=\"end\">%s</text>",
                LEFT, y, right, LEFT - 8, y + 4, unit_text(text, plot->unit, ticks[i]));
    }
    n = plot_ticks_time(frame->from_s, frame->to_s, MAX((right - LEFT) / 80, 2), ticks);
    for (unsigned i = 0; i < n; i++) {
        double x = px(frame, ticks[i]);
        out_fmt(out,
                "<path class=\"axis\" d=\"M%.1f %uv5\"/><text x=\"%.1f\" y=\"%u\" "
                "text-anchor=\"middle\">%s</text>",
                x, bottom, x, bottom + 19, unit_clock(text, ticks[i]));
    }
    out_fmt(out, "<path class=\"axis\" d=\"M%d %uH%u\"/>", LEFT, bottom, right);
    if (!n || px(frame, ticks[n - 1]) < right - LABEL_WIDTH)
        out_fmt(out, "<text class=\"what\" x=\"%u\" y=\"%u\">time</text>", right + 8, bottom + 19);
}

/* Phases are named in the upper row, faults in the lower; a name that would run into the one before
 * it is left out, its line is not. */
static void marks(struct out *out, const struct frame *frame)
{
    const struct plot *plot = frame->plot;
    double free_from[2] = { 0, 0 };
    for (size_t i = 0; i < plot->mark_count; i++) {
        const struct plot_mark *mark = &plot->marks[i];
        if (mark->at_s < frame->from_s || mark->at_s > frame->to_s)
            continue;
        double x = px(frame, mark->at_s), width = (double)str_z(mark->text).n * TEXT_WIDTH;
        out_fmt(out, "<path class=\"%s\" d=\"M%.1f %dV%u\"/>", mark->fault ? "fault" : "phase", x,
                mark->fault ? ABOVE - 8 : ABOVE - 24, plot->height - BELOW);
        if (x < free_from[mark->fault])
            continue;
        free_from[mark->fault] = x + width + 8;
        out_fmt(out, "<text class=\"%s\" x=\"%.1f\" y=\"%d\">", mark->fault ? "fault-name" : "what",
                x + 3, mark->fault ? ABOVE - 4 : ABOVE - 19);
        html_text(out, str_z(mark->text));
        out_z(out, "</text>");
    }
}

/* --- lines --------------------------------------------------------------------------------------
 */

struct pen { /* draws at most two points in a column: the lowest and the highest, as they came */
    struct out *out;
    const struct frame *frame;
    bool down;
    long column;
    size_t count;
    double low_x, low_y, high_x, high_y;
};

static void pen_to(struct pen *pen, double x, double y)
{
    out_fmt(pen->out, "%c%.1f %.1f", pen->down ? 'L' : 'M', x, y);
    if (!pen->down)
        out_z(pen->out, "h0"); /* a single point is a dot */
    pen->down = true;
}

static void pen_flush(struct pen *pen)
{
    if (!pen->count)
        return;
    bool low_first = pen->low_x <= pen->high_x;
    pen_to(pen, low_first ? pen->low_x : pen->high_x, low_first ? pen->low_y : pen->high_y);
    if (pen->low_y != pen->high_y)
        pen_to(pen, low_first ? pen->high_x : pen->low_x, low_first ? pen->high_y : pen->low_y);
    pen->count = 0;
}

static void pen_point(struct pen *pen, double x, double y)
{
    long column = (long)(x / COLUMN);
    if (pen->count && column != pen->column)
        pen_flush(pen);
    pen->column = column;
    if (!pen->count || y > pen->low_y) {
        pen->low_x = x;
        pen->low_y = y;
    }
    if (!pen->count || y < pen->high_y) {
        pen->high_x = x;
        pen->high_y = y;
    }
    pen->count++;
}

static void line_draw(struct out *out, const struct frame *frame, size_t line)
{
    const struct plot *plot = frame->plot;
    struct pen pen = { .out = out, .frame = frame };
    out_fmt(out, "<path class=\"line c%u%s\" d=\"", plot->lines[line].colour,
            plot->lines[line].faint ? " faint" : "");
    for (size_t i = 0; i < plot->count; i++) {
        if (is_shown(plot, line, i)) {
            pen_point(&pen, px(frame, plot->at_s[i]), py(frame, value_at(plot, line, i)));
            continue;
        }
        pen_flush(&pen);
        pen.down = false;
    }
    pen_flush(&pen);
    out_z(out, "\"/>");
}

/* One edge of a band, there or back; points that share a column are their mean. */
static void edge_draw(struct out *out, const struct frame *frame, ptrdiff_t line, bool back)
{
    const struct plot *plot = frame->plot;
    size_t each = plot->count / ((plot->width - LEFT - RIGHT) / COLUMN) + 1;
    size_t groups = (plot->count + each - 1) / each;
    for (size_t g = 0; g < groups; g++) {
        size_t from = (back ? groups - 1 - g : g) * each, n = 0;
        double x = 0, sum = 0;
        for (size_t i = from; i < MIN(from + each, plot->count); i++) {
            if (plot->at_s[i] < plot->from_s || plot->at_s[i] > plot->to_s)
                continue;
            x += plot->at_s[i];
            sum += line < 0 ? 0 : value_at(plot, (size_t)line, i);
            n++;
        }
        if (n)
            out_fmt(out, "%.1f %.1f ", px(frame, x / (double)n), py(frame, sum / (double)n));
    }
}

static void band_draw(struct out *out, const struct frame *frame, size_t line)
{
    out_fmt(out, "<polygon class=\"band c%u\" points=\"", frame->plot->lines[line].colour);
    edge_draw(out, frame, (ptrdiff_t)line, false);
    edge_draw(out, frame, (ptrdiff_t)line - 1, true);
    out_z(out, "\"/>");
}

/* --- names --------------------------------------------------------------------------------------
 */

struct name {
    size_t line;
    double x, y; /* where the line ends */
};

static int by_height(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    if (x->y != y->y)
        return x->y > y->y ? 1 : -1;
    return x->line < y->line ? 1 : -1; /* in a stack the later line lies above */
}

/* The end of each line that has one; for a band the middle of its right end. */
static size_t names_find(const struct frame *frame, struct name names[static PLOT_LINES_MAX])
{
    const struct plot *plot = frame->plot;
    size_t n = 0;
    for (size_t line = 0; line < plot->line_count; line++)
        for (size_t i = plot->count; i-- > 0;) {
            if (!is_shown(plot, line, i))
                continue;
            double under = plot->kind == PLOT_STACKED && line ? value_at(plot, line - 1, i) : 0;
            double value = value_at(plot, line, i);
            if (plot->kind == PLOT_STACKED)
                value = (value + under) / 2;
            names[n++] = (struct name){ line, px(frame, plot->at_s[i]), py(frame, value) };
            break;
        }
    return n;
}

/* Moves names apart: down first, then up from the foot of the drawing. */
static void names_spread(struct name *names, size_t n, double foot)
{
    qsort(names, n, sizeof(*names), by_height);
    for (size_t i = 1; i < n; i++)
        names[i].y = MAX(names[i].y, names[i - 1].y + TEXT_HEIGHT);
    for (size_t i = n; i-- > 0;)
        names[i].y = MIN(names[i].y, foot - (double)(n - 1 - i) * TEXT_HEIGHT);
}

static void names_draw(struct out *out, const struct frame *frame)
{
    const struct plot *plot = frame->plot;
    struct name names[PLOT_LINES_MAX];
    size_t n = names_find(frame, names);
    names_spread(names, n, plot->height - BELOW - TEXT_HEIGHT / 2);
    for (size_t i = 0; i < n; i++) {
        const struct plot_line *line = &plot->lines[names[i].line];
        double x = plot->kind == PLOT_STACKED ? plot->width - RIGHT : names[i].x;
        out_fmt(out,
                "<path class=\"key c%u%s\" d=\"M%.1f %.1fh12\"/><text class=\"name\" x=\"%.1f\" "
                "y=\"%.1f\">",
                line->colour, line->faint ? " faint" : "", x + 5, names[i].y, x + 21,
                names[i].y + 4);
        html_text(out, str_z(line->name));
        out_z(out, "</text>");
    }
    if (!n)
        out_fmt(out,
                "<text class=\"what\" x=\"%u\" y=\"%u\" text-anchor=\"middle\">nothing was "
                "measured</text>",
                (LEFT + plot->width - RIGHT) / 2, plot->height / 2);
}

/* --- for those who cannot see it ----------------------------------------------------------------
 */

static size_t highest(const struct plot *plot, size_t line)
{
    const double *y = plot->lines[line].y;
    size_t best = plot->count;
    for (size_t i = 0; i < plot->count; i++)
        if (is_shown(plot, line, i) && (best == plot->count || y[i] > y[best]))
            best = i;
    return best;
}

static void label(struct out *out, const struct plot *plot)
{
    char value[UNIT_TEXT_MAX], at[UNIT_TEXT_MAX];
    html_text(out, str_z(plot->title));
    out_z(out, ", ");
    html_text(out, str_z(plot->axis));
    for (size_t line = 0; line < plot->line_count; line++) {
        size_t i = highest(plot, line);
        if (i == plot->count)
            continue;
        out_z(out, "; ");
        html_text(out, str_z(plot->lines[line].name));
        out_fmt(out, " at most %s at %s", unit_text(value, plot->unit, plot->lines[line].y[i]),
                unit_clock(at, plot->at_s[i]));
    }
}

void plot_svg(struct out *out, const struct plot *plot)
{
    struct frame frame;
    must(plot->line_count <= PLOT_LINES_MAX);
    frame_make(&frame, plot);
    out_fmt(out, "<svg class=\"plot\" viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"",
            plot->width, plot->height);
    label(out, plot);
    out_z(out, "\">");
    axes(out, &frame);
    for (size_t line = plot->line_count; line-- > 0;)
        (plot->kind == PLOT_STACKED ? band_draw : line_draw)(out, &frame, line);
    marks(out, &frame);
    names_draw(out, &frame);
    out_z(out, "</svg>\n");
}

/* The highest value within [from, to); NAN when there is none. */
static double highest_within(const struct plot *plot, size_t line, double from_s, double to_s)
{
    double most = NAN;
    for (size_t i = 0; i < plot->count; i++)
        if (plot->at_s[i] >= from_s && plot->at_s[i] < to_s && is_shown(plot, line, i))
            most = isnan(most) ? plot->lines[line].y[i] : MAX(most, plot->lines[line].y[i]);
    return most;
}

void plot_table(struct out *out, const struct plot *plot, unsigned rows)
{
    char text[UNIT_TEXT_MAX];
    double width = MAX(plot->to_s - plot->from_s, 1) / MAX(rows, 1);
    out_z(out, "<table class=\"numbers\"><thead><tr><th scope=\"col\">From</th>");
    for (size_t line = 0; line < plot->line_count; line++) {
        out_z(out, "<th scope=\"col\">");
        html_text(out, str_z(plot->lines[line].name));
        out_z(out, "</th>");
    }
    out_z(out, "</tr></thead><tbody>");
    for (unsigned row = 0; row < rows; row++) {
        double from = plot->from_s + row * width, to = from + width;
        out_fmt(out, "<tr><th scope=\"row\">%s</th>", unit_clock(text, from));
        for (size_t line = 0; line < plot->line_count; line++)
            out_fmt(out, "<td>%s</td>",
                    unit_text(text, plot->unit,
                              highest_within(plot, line, from, row + 1 == rows ? to + 1 : to)));
        out_z(out, "</tr>");
    }
    out_z(out, "</tbody></table>\n");
}
