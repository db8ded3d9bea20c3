/* display.h - how the rehearsal goes, on one screen in place; plain lines every five seconds where
 * standard error is no terminal. */
#pragma once

#include "rehearsal/board.h"

struct display {
    int fd;
    bool in_place, colour;
    unsigned lines; /* drawn last time */
    int64_t drawn_us;
    uint64_t saves_before;
};

struct progress {
    const char *phase;
    const struct board *total;
    uint32_t candidates;
    unsigned faults, faults_planned;
    int64_t left_us; /* < 0: not known */
};

void display_init(struct display *display, int fd, bool plain_lines);
void display_draw(struct display *display, const struct progress *progress, int64_t now_us);
void display_say(struct display *display, const char *format, ...) PRINTF(2, 3);
bool display_due(const struct display *display, int64_t now_us);
