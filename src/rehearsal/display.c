/* display.c - see display.h. */
#include "rehearsal/display.h"
#include "base/out.h"
#include "page/units.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define IN_PLACE_US 500000
#define LINES_US    5000000
#define N(count)    ((unsigned long long)(count))

enum { COLUMNS = 80, BAR = 24, SPARK = 30, PIECE_BYTES = 300, CPU_POINTS = 5 };

#define DIM    "\x1b[2m"
#define BOLD   "\x1b[1m"
#define RED    "\x1b[1;31m"
#define CYAN   "\x1b[36m"
#define YELLOW "\x1b[33m"

static bool is_utf8_locale(void)
{
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (size_t i = 0; i < COUNT(names); i++) {
        const char *value = getenv(names[i]);
        if (value && value[0])
            return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
    }
    return false;
}

void display_init(struct display *display, int fd, bool plain_lines)
{
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    *display = (struct display){ .fd = fd, .utf8 = is_utf8_locale() };
    display->in_place = !plain_lines && isatty(fd) && (!term || strcmp(term, "dumb") != 0);
    display->colour = display->in_place && (!no_colour || !no_colour[0]);
}

static void put(const struct display *display, str text)
{
    while (text.n) {
        ssize_t n = write(display->fd, text.p, text.n);
        if (n <= 0)
            return; /* nobody looks: the rehearsal goes on */
        text = str_from(text, (size_t)n);
    }
}

bool display_due(const struct display *display, int64_t now_us)
{
    return now_us - display->drawn_us >= (display->in_place ? IN_PLACE_US : LINES_US);
}

/* --- a screen of pieces -------------------------------------------------------------------------
 */

struct screen {
    struct out *out;
    const struct display *display;
    const struct progress *progress;
    int64_t now_us;
    unsigned columns, column, lines;
};

static unsigned width_of(const char *text)
{
    unsigned width = 0;
    for (; *text; text++)
        width += (*text & 0xc0) != 0x80; /* all that is used here is one column wide */
    return width;
}

static void styled(struct screen *s, const char *style, const char *text)
{
    bool on = s->display->colour && style && text[0];
    out_fmt(s->out, "%s%s%s", on ? style : "", text, on ? "\x1b[0m" : "");
}

static void line_end(struct screen *s)
{
    if (!s->column)
        return;
    out_char(s->out, '\n');
    s->lines++;
    s->column = 0;
}

/* Label and value, which stay together: behind what is in the line, or in the next one. */
static void piece(struct screen *s, const char *label, const char *style, const char *format, ...)
    PRINTF(4, 5);
static void piece(struct screen *s, const char *label, const char *style, const char *format, ...)
{
    char value[PIECE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    unsigned width = width_of(label) + (label[0] && value[0]) + width_of(value);
    if (s->column && s->column + 3 + width > s->columns)
        line_end(s);
    if (width > s->columns)
        return; /* it would wrap, and then nothing could be drawn over */
    out_z(s->out, s->column ? "   " : "");
    s->column += (s->column ? 3 : 0) + width;
    styled(s, DIM, label);
    out_z(s->out, label[0] && value[0] ? " " : "");
    styled(s, style, value);
}

static void append(char *text, size_t bytes, const char *more)
{
    size_t n = strlen(text);
    snprintf(text + n, bytes - n, "%s", more);
}

/* --- what is in it ------------------------------------------------------------------------------
 */

/* From 0 to 1; below 0 when it cannot be said. */
static double part_done(const struct screen *s)
{
    const struct progress *p = s->progress;
    const struct board *total = &p->outcome->total;
    double candidates = MAX(p->outcome->candidates, 1);
    if (total->checked)
        return (double)total->checked / candidates;
    if (s->now_us < p->sits_us)
        return MIN((double)total->signed_in / candidates, 1);
    if (!p->ends_us || total->results_seen)
        return -1;
    return MIN((double)(s->now_us - p->sits_us) / (double)MAX(p->ends_us - p->sits_us, 1), 1);
}

static void title(struct screen *s)
{
    const struct progress *p = s->progress;
    char bar[BAR * 3 + 1] = "", text[UNIT_TEXT_MAX];
    double part = part_done(s);
    for (unsigned i = 0; i < BAR; i++) {
        bool full = i < part * BAR;
        append(bar, sizeof(bar),
               s->display->utf8 ? (full ? "\u2501" : "\u2500") : (full ? "#" : "."));
    }
    piece(s, "", BOLD, "%s", p->phase);
    if (part >= 0) {
        piece(s, "", CYAN, "%s", bar);
        piece(s, "", NULL, "%.0f %%", part * 100);
    }
    if (p->ends_us > s->now_us)
        piece(s, "", NULL, "%s left", unit_clock(text, (double)(p->ends_us - s->now_us) / 1e6));
    line_end(s);
}

static void count_piece(struct screen *s, const char *label, uint64_t n, const char *style)
{
    char text[UNIT_TEXT_MAX];
    piece(s, label, style, "%s", unit_text(text, UNIT_COUNT, (double)n));
}

static void candidates(struct screen *s)
{
    const struct board *total = &s->progress->outcome->total;
    char text[UNIT_TEXT_MAX];
    count_piece(s, "connected", total->connected, NULL);
    count_piece(s, "signed in", total->signed_in, NULL);
    count_piece(s, "started", total->started, NULL);
    count_piece(s, "submitted", total->submitted, NULL);
    if (total->checked)
        count_piece(s, "checked", total->checked, NULL);
    piece(s, "of", NULL, "%s",
          unit_text(text, UNIT_COUNT, (double)s->progress->outcome->candidates));
    line_end(s);
}

static const struct point *last_point(const struct screen *s)
{
    const struct series *series = s->progress->outcome->series;
    return series->count ? &series->points[series->count - 1] : NULL;
}

static double rate_of(const struct point *p)
{
    return (double)p->saves * 1e6 / (double)MAX(p->to_us - p->from_us, 1);
}

/* Saves a second in the last minute, two seconds a letter; the highest is full height. */
static void spark_write(const struct screen *s, char spark[static SPARK * 3 + 1])
{
    static const char *const levels[] = { "\u2581", "\u2582", "\u2583", "\u2584",
                                          "\u2585", "\u2586", "\u2587", "\u2588" };
    const struct series *series = s->progress->outcome->series;
    unsigned n = MIN(series->count / 2, (unsigned)SPARK);
    double rates[SPARK], most = 1;
    spark[0] = '\0';
    for (unsigned i = 0; i < n; i++) {
        const struct point *p = &series->points[series->count - 2 * (n - i)];
        rates[i] = (rate_of(p) + rate_of(p + 1)) / 2;
        most = MAX(most, rates[i]);
    }
    for (unsigned i = 0; s->display->utf8 && i < n; i++)
        append(spark, SPARK * 3 + 1, levels[(unsigned)(rates[i] / most * 7.49)]);
}

static void saves(struct screen *s)
{
    const struct point *last = last_point(s);
    const struct outcome *outcome = s->progress->outcome;
    char spark[SPARK * 3 + 1], text[UNIT_TEXT_MAX];
    spark_write(s, spark);
    piece(s, "saves", BOLD, "%s/s",
          unit_text(text, UNIT_COUNT, last ? (double)(uint64_t)(rate_of(last) + 0.5) : 0));
    if (spark[0])
        piece(s, "", CYAN, "%s", spark);
    count_piece(s, "in all", outcome->total.saves_acknowledged, NULL);
    line_end(s);
    const struct timing *save = last ? &last->ask[ASK_SAVE] : NULL;
    piece(s, "a save takes p50", NULL, "%s",
          unit_text(text, UNIT_MS, save ? (double)save->p50_us / 1e3 : 0));
    piece(s, "p99", NULL, "%s", unit_text(text, UNIT_MS, save ? (double)save->p99_us / 1e3 : 0));
    piece(s, "(of the last second)", NULL, "%s", "");
    line_end(s);
}

static void troubles(struct screen *s)
{
    const struct board *total = &s->progress->outcome->total;
    count_piece(s, "failed", total->requests_failed, total->requests_failed ? RED : NULL);
    count_piece(s, "lost", total->saves_lost, total->saves_lost ? RED : NULL);
    count_piece(s, "told to wait", total->requests_delayed, NULL);
    count_piece(s, "reconnects", total->reconnects, NULL);
    count_piece(s, "dropped by plan", total->drops, NULL);
    line_end(s);
}

static void faults(struct screen *s)
{
    const struct outcome *outcome = s->progress->outcome;
    char text[UNIT_TEXT_MAX];
    if (!outcome->faults_planned)
        return;
    piece(s, "faults", outcome->fault_count ? YELLOW : NULL, "%u of %u", outcome->fault_count,
          outcome->faults_planned);
    if (outcome->fault_count) {
        const struct fault *last = &outcome->faults[outcome->fault_count - 1];
        piece(s, "last", NULL, "%s %s ago", fault_names[last->kind],
              unit_clock(text, (double)(s->now_us - last->at_us) / 1e6));
        if (last->back_us)
            piece(s, "over after", NULL, "%s",
                  unit_text(text, UNIT_MS, (double)last->back_us / 1e3));
        else
            piece(s, "", YELLOW, "not over yet");
    }
    line_end(s);
}

/* Cores, over some seconds: the kernel counts in ticks of 10 ms. */
static void cpu(struct screen *s)
{
    static const struct {
        enum usage_role role;
        const char *name;
    } roles[] = { { USAGE_HALL, "hall" },
                  { USAGE_GATEWAY, "gateway" },
                  { USAGE_AGENTS, "candidates" } };
    const struct series *series = s->progress->outcome->series;
    unsigned from = series->count - MIN(series->count, (unsigned)CPU_POINTS);
    bool any = false;
    for (size_t i = 0; i < COUNT(roles) && from < series->count; i++) {
        const struct point *last = &series->points[series->count - 1];
        int64_t used_us = 0, time_us = last->to_us - series->points[from].from_us;
        for (unsigned k = from; k < series->count; k++)
            used_us += series->points[k].usage.part[roles[i].role].cpu_us;
        if (!last->usage.part[roles[i].role].count)
            continue; /* elsewhere, or not there just now */
        if (!any)
            piece(s, "cores", NULL, "%s", "");
        any = true;
        piece(s, roles[i].name, NULL, "%.2f", (double)used_us / (double)MAX(time_us, 1));
    }
    line_end(s);
}

unsigned display_screen(struct out *out, const struct display *display,
                        const struct progress *progress, int64_t now_us, unsigned columns)
{
    struct screen screen = { out, display, progress, now_us, MAX(columns, 20), 0, 0 };
    title(&screen);
    candidates(&screen);
    saves(&screen);
    troubles(&screen);
    faults(&screen);
    cpu(&screen);
    return screen.lines;
}

/* --- drawing it ---------------------------------------------------------------------------------
 */

static void draw_line(struct out *out, const struct progress *p, double rate, int64_t now_us)
{
    const struct board *t = &p->outcome->total;
    const struct series *series = p->outcome->series;
    const struct timing none = { 0 };
    const struct timing *save =
        series->count ? &series->points[series->count - 1].ask[ASK_SAVE] : &none;
    out_fmt(out,
            "%-11s connected %llu, started %llu, submitted %llu, saves %llu (%.0f/s, p50 %.2f ms, "
            "p99 %.2f ms), failed %llu, lost %llu, reconnects %llu, faults %u/%u, checked %llu",
            p->phase, N(t->connected), N(t->started), N(t->submitted), N(t->saves_acknowledged),
            rate, (double)save->p50_us / 1e3, (double)save->p99_us / 1e3, N(t->requests_failed),
            N(t->saves_lost), N(t->reconnects), p->outcome->fault_count, p->outcome->faults_planned,
            N(t->checked));
    if (p->ends_us > now_us)
        out_fmt(out, ", %lld s left", (long long)((p->ends_us - now_us) / 1000000));
    out_char(out, '\n');
}

/* Back to the first line of what was drawn, and away with it. */
static void undraw(struct out *out, struct display *display)
{
    if (display->lines)
        out_fmt(out, "\x1b[%uF\x1b[J", display->lines);
    display->lines = 0;
}

static unsigned columns_of(int fd)
{
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : COLUMNS;
}

void display_draw(struct display *display, const struct progress *progress, int64_t now_us)
{
    struct out out = out_make(16 * KIB);
    uint64_t saves_now = progress->outcome->total.saves_acknowledged;
    double seconds = (double)(now_us - display->drawn_us) / 1e6;
    double rate = display->drawn_us && seconds > 0
                      ? (double)(saves_now - display->saves_before) / seconds
                      : 0;
    if (display->in_place) {
        undraw(&out, display);
        display->lines = display_screen(&out, display, progress, now_us, columns_of(display->fd));
    } else
        draw_line(&out, progress, rate, now_us);
    put(display, out_view(&out));
    out_fini(&out);
    display->drawn_us = now_us;
    display->saves_before = saves_now;
}

void display_say(struct display *display, const char *format, ...)
{
    struct out out = out_make(2 * KIB);
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    undraw(&out, display);
    out_fmt(&out, "%s\n", text);
    put(display, out_view(&out));
    out_fini(&out);
}
