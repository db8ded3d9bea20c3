/* display.c - see display.h. */
#include "rehearsal/display.h"
#include "base/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define IN_PLACE_US 500000
#define LINES_US    5000000

void display_init(struct display *display, int fd, bool plain_lines)
{
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    *display = (struct display){ .fd = fd };
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

static void number(struct out *out, const struct display *display, uint64_t n)
{
    bool bad = n && display->colour;
    out_fmt(out, "%s%llu%s", bad ? "\x1b[31m" : "", (unsigned long long)n, bad ? "\x1b[0m" : "");
}

static void draw_screen(struct out *out, const struct display *display, const struct progress *p,
                        double rate)
{
    const struct board *t = p->total;
    const struct hist *save = &t->latency[ASK_SAVE];
    if (display->lines)
        out_fmt(out, "\x1b[%uF", display->lines);
    out_fmt(out, "%sexamhall rehearse%s  %s", display->colour ? "\x1b[1m" : "",
            display->colour ? "\x1b[0m" : "", p->phase);
    if (p->left_us >= 0)
        out_fmt(out, ", %lld s left", (long long)(p->left_us / 1000000));
    out_fmt(
        out,
        "\x1b[K\n  connected  %8llu   signed in %8llu   started %8llu   submitted %8llu\x1b[K\n",
        (unsigned long long)t->connected, (unsigned long long)t->signed_in,
        (unsigned long long)t->started, (unsigned long long)t->submitted);
    out_fmt(out, "  saves      %8llu   each second %6.0f   p50 %9.2f ms   p99 %9.2f ms\x1b[K\n",
            (unsigned long long)t->saves_acknowledged, rate, (double)hist_quantile(save, 500) / 1e3,
            (double)hist_quantile(save, 990) / 1e3);
    out_z(out, "  failed ");
    number(out, display, t->requests_failed);
    out_z(out, "   lost ");
    number(out, display, t->saves_lost);
    out_fmt(out, "   reconnects %llu   drops %llu   kills %u of %u   checked %llu of %u\x1b[K\n",
            (unsigned long long)t->reconnects, (unsigned long long)t->drops, p->faults,
            p->faults_planned, (unsigned long long)t->checked, p->candidates);
}

static void draw_line(struct out *out, const struct progress *p, double rate)
{
    const struct board *t = p->total;
    const struct hist *save = &t->latency[ASK_SAVE];
    out_fmt(out,
            "%-11s connected %llu, started %llu, submitted %llu, saves %llu (%.0f/s, p50 %.2f ms, "
            "p99 %.2f ms), failed %llu, lost %llu, reconnects %llu, kills %u/%u, checked %llu",
            p->phase, (unsigned long long)t->connected, (unsigned long long)t->started,
            (unsigned long long)t->submitted, (unsigned long long)t->saves_acknowledged, rate,
            (double)hist_quantile(save, 500) / 1e3, (double)hist_quantile(save, 990) / 1e3,
            (unsigned long long)t->requests_failed, (unsigned long long)t->saves_lost,
            (unsigned long long)t->reconnects, p->faults, p->faults_planned,
            (unsigned long long)t->checked);
    if (p->left_us >= 0)
        out_fmt(out, ", %lld s left", (long long)(p->left_us / 1000000));
    out_char(out, '\n');
}

void display_draw(struct display *display, const struct progress *progress, int64_t now_us)
{
    struct out out = out_make(8 * KIB);
    uint64_t saves = progress->total->saves_acknowledged;
    double seconds = (double)(now_us - display->drawn_us) / 1e6;
    double rate =
        display->drawn_us && seconds > 0 ? (double)(saves - display->saves_before) / seconds : 0;
    if (display->in_place)
        draw_screen(&out, display, progress, rate);
    else
        draw_line(&out, progress, rate);
    put(display, out_view(&out));
    out_fini(&out);
    display->lines = display->in_place ? 4 : 0;
    display->drawn_us = now_us;
    display->saves_before = saves;
}

void display_say(struct display *display, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text) - 1, format, args);
    va_end(args);
    n = MIN(n, (int)sizeof(text) - 2);
    text[n++] = '\n';
    put(display, str_of(text, (size_t)n));
    display->lines = 0; /* what was drawn stays above */
}
