/* display.h - how the rehearsal goes, on one screen in place; plain lines every five seconds where
 * standard error is no terminal.
 *
 * The screen is as wide as the terminal: what does not fit into a line goes to the next. NO_COLOR
 * is honoured; bars and the last minute's line need a UTF-8 locale and are ASCII elsewhere. */
#pragma once

#include "rehearsal/verdict.h"

struct display {
    int fd;
    bool in_place, colour, utf8;
    unsigned lines; /* drawn last time */
    int64_t drawn_us;
    uint64_t saves_before;
};

struct progress {
    const char *phase;
    const struct outcome *outcome; /* as far as it is known now; with its series */
    int64_t sits_us, ends_us;      /* of the sitting, monotonic; ends_us 0: not known */
};

void display_init(struct display *display, int fd, bool plain_lines);
void display_draw(struct display *display, const struct progress *progress, int64_t now_us);
/* A line that stays, above what is drawn in place. */
void display_say(struct display *display, const char *format, ...) PRINTF(2, 3);
bool display_due(const struct display *display, int64_t now_us);

/* The screen for a terminal of so many columns; gives how many lines it has. For tests, and
 * display_draw. */
unsigned display_screen(struct out *out, const struct display *display,
                        const struct progress *progress, int64_t now_us, unsigned columns);
