/* board.c - see board.h. */
#include "rehearsal/board.h"

#include <stdarg.h>
#include <stdio.h>

const char *const ask_names[ASK_KINDS] = {
    [ASK_SIGN_IN] = "sign_in", [ASK_LOOK] = "look",           [ASK_START] = "start",
    [ASK_FORM] = "form",       [ASK_PAPER] = "paper",         [ASK_RESUME] = "resume",
    [ASK_SAVE] = "save",       [ASK_HEARTBEAT] = "heartbeat", [ASK_SUBMIT] = "submit",
    [ASK_RECEIPT] = "receipt", [ASK_RESULT] = "result",       [ASK_SHEET] = "sheet",
};

void board_example(struct board *board, const char *format, ...)
{
    unsigned n = board->example_count;
    if (n == BOARD_EXAMPLES)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(board->examples[n], sizeof(board->examples[n]), format, args);
    va_end(args);
    for (char *c = board->examples[n]; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';             /* words of a hall must not move a terminal's cursor */
    board->example_count = n + 1; /* after the text: the coordinator reads up to the count */
}

void board_clear_counters(struct board *board)
{
#define X(name, meaning) board->name = 0;
    BOARD_COUNTERS(X)
#undef X
}

void board_merge_counters(struct board *into, const struct board *from)
{
#define X(name, meaning) into->name += from->name;
    BOARD_COUNTERS(X)
#undef X
    int64_t first = from->first_start_us;
    if (first && (!into->first_start_us || first < into->first_start_us))
        into->first_start_us = first;
    into->last_started_us = MAX(into->last_started_us, from->last_started_us);
}

void board_merge_latencies(struct board *into, const struct board *from)
{
    for (int i = 0; i < ASK_KINDS; i++)
        hist_merge(&into->latency[i], &from->latency[i]);
    for (int i = 0; i < ASK_KINDS; i++)
        hist_merge(&into->calm[i], &from->calm[i]);
    hist_merge(&into->lag, &from->lag);
    for (unsigned i = 0; i < from->example_count; i++)
        board_example(into, "%s", from->examples[i]);
}

void board_merge(struct board *into, const struct board *from)
{
    board_merge_counters(into, from);
    board_merge_latencies(into, from);
}
