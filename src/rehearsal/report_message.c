/* report_message.c - the report of message.h: counters, histograms slot by slot, effort, examples.
 */
#include "rehearsal/message.h"

#include <stdio.h>

/* Far beyond any rehearsal, and so small that the sum of all hosts cannot overflow. */
#define COUNT_MAX ((uint64_t)1 << 52)

void hist_write(struct wire_out *out, const struct hist *hist)
{
    uint16_t used = 0;
    for (unsigned i = 0; i < HIST_SLOTS; i++)
        used += hist->slots[i] != 0;
    wire_put_u16(out, used);
    if (!used)
        return;
    wire_put_i64(out, hist->sum_us);
    wire_put_i64(out, hist->min_us);
    wire_put_i64(out, hist->max_us);
    for (unsigned i = 0; i < HIST_SLOTS; i++) {
        if (!hist->slots[i])
            continue;
        wire_put_u16(out, (uint16_t)i);
        wire_put_u64(out, hist->slots[i]);
    }
}

bool hist_read(struct hist *hist, struct wire_in *in)
{
    unsigned used = wire_get_u16(in), next = 0;
    memset(hist, 0, sizeof(*hist));
    if (!used || in->failed)
        return !in->failed;
    hist->sum_us = wire_get_i64(in);
    hist->min_us = wire_get_i64(in);
    hist->max_us = wire_get_i64(in);
    for (unsigned i = 0; i < used; i++) {
        unsigned slot = wire_get_u16(in);
        uint64_t n = wire_get_u64(in);
        if (in->failed || slot < next || slot >= HIST_SLOTS || !n || n > COUNT_MAX)
            return false;
        hist->slots[slot] = n;
        hist->count += n;
        next = slot + 1;
    }
    return hist->count <= COUNT_MAX && hist->sum_us >= 0 && hist->sum_us <= (int64_t)COUNT_MAX &&
           hist->min_us >= 0 && hist->min_us <= hist->max_us && hist->max_us <= (int64_t)COUNT_MAX;
}

static void effort_write(struct wire_out *out, const struct effort *effort)
{
    wire_put_u32(out, effort->cores);
    wire_put_u32(out, effort->agents);
    wire_put_u32(out, effort->died);
    wire_put_u32(out, effort->sources);
    wire_put_u32(out, effort->ports);
    wire_put_i64(out, effort->agents_us);
    wire_put_i64(out, effort->all_us);
    wire_put_i64(out, effort->idle_us);
    wire_put_i64(out, effort->steal_us);
    wire_put_i64(out, effort->stall_us);
    wire_put_u64(out, effort->seconds);
    wire_put_u64(out, effort->starved);
    wire_put_u64(out, effort->resident_bytes);
}

static bool effort_read(struct effort *effort, struct wire_in *in)
{
    effort->cores = wire_get_u32(in);
    effort->agents = wire_get_u32(in);
    effort->died = wire_get_u32(in);
    effort->sources = wire_get_u32(in);
    effort->ports = wire_get_u32(in);
    effort->agents_us = wire_get_i64(in);
    effort->all_us = wire_get_i64(in);
    effort->idle_us = wire_get_i64(in);
    effort->steal_us = wire_get_i64(in);
    effort->stall_us = wire_get_i64(in);
    effort->seconds = wire_get_u64(in);
    effort->starved = wire_get_u64(in);
    effort->resident_bytes = wire_get_u64(in);
    uint64_t times = (uint64_t)(effort->agents_us | effort->all_us | effort->idle_us |
                                effort->steal_us | effort->stall_us);
    return times <= COUNT_MAX && effort->idle_us <= effort->all_us &&
           effort->agents <= EFFORT_AGENTS_MAX && effort->died <= effort->agents &&
           effort->starved <= effort->seconds;
}

static void board_write(struct wire_out *out, const struct board *board)
{
#define X(name, meaning) wire_put_u64(out, board->name);
    BOARD_COUNTERS(X)
#undef X
    wire_put_i64(out, board->first_start_us);
    wire_put_i64(out, board->last_started_us);
    for (int i = 0; i < ASK_KINDS; i++)
        hist_write(out, &board->latency[i]);
    for (int i = 0; i < ASK_KINDS; i++)
        hist_write(out, &board->calm[i]);
    hist_write(out, &board->lag);
    wire_put_u8(out, (uint8_t)board->example_count);
    for (unsigned i = 0; i < board->example_count; i++)
        wire_put_str(out, str_z(board->examples[i]));
}

static bool example_read(struct board *board, struct wire_in *in)
{
    str text = wire_get_str(in);
    if (in->failed || !message_is_shown(text) || text.n >= sizeof(board->examples[0]))
        return false;
    board_example(board, "%.*s", STR_ARG(text));
    return true;
}

static bool board_read(struct board *board, struct wire_in *in)
{
    memset(board, 0, sizeof(*board));
    bool good = true;
#define X(name, meaning)                                                                           \
    board->name = wire_get_u64(in);                                                                \
    good &= board->name <= COUNT_MAX;
    BOARD_COUNTERS(X)
#undef X
    board->first_start_us = wire_get_i64(in);
    board->last_started_us = wire_get_i64(in);
    good &= board->first_start_us >= 0 && board->first_start_us <= (int64_t)COUNT_MAX &&
            board->last_started_us >= 0 && board->last_started_us <= (int64_t)COUNT_MAX;
    for (int i = 0; i < ASK_KINDS && good; i++)
        good = hist_read(&board->latency[i], in);
    for (int i = 0; i < ASK_KINDS && good; i++)
        good = hist_read(&board->calm[i], in);
    good = good && hist_read(&board->lag, in);
    unsigned examples = good ? wire_get_u8(in) : 0;
    good &= examples <= BOARD_EXAMPLES;
    for (unsigned i = 0; i < examples && good; i++)
        good = example_read(board, in);
    return good;
}

void report_write(struct wire_out *out, const struct report *report)
{
    wire_put_u8(out, report->last);
    wire_put_i64(out, report->recovered_us);
    effort_write(out, &report->effort);
    board_write(out, &report->board);
}

fail report_read(struct report *report, str body, struct why *why)
{
    struct wire_in in = wire_in_make(body);
    uint8_t last = wire_get_u8(&in);
    report->last = last;
    report->recovered_us = wire_get_i64(&in);
    bool good = last <= 1 && report->recovered_us >= 0 &&
                report->recovered_us <= (int64_t)COUNT_MAX && effort_read(&report->effort, &in) &&
                board_read(&report->board, &in);
    if (good && !in.failed && !wire_more(&in))
        return FAIL_NONE;
    return fail_set(why, FAIL_INPUT, "the other side sent a bad message (report)");
}
