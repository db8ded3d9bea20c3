/* report_figures.c - the drawings of the report: which of the series goes into which plot. */
#include "page/page.h"
#include "rehearsal/report.h"

#include <math.h>

enum { MARKS_MAX = SERIES_MARKS_MAX + FAULTS_MAX };

/* The numbers of one plot, as plot.h wants them; one figure at a time. */
struct canvas {
    const struct report *report;
    double at_s[SERIES_POINTS_MAX], y[PLOT_LINES_MAX][SERIES_POINTS_MAX];
    struct plot_mark marks[MARKS_MAX];
    struct plot plot;
};
static struct canvas canvas; /* 140 KB */

static const char *fault_text(enum fault_kind kind)
{
    return kind == FAULT_HALL      ? "hall killed"
           : kind == FAULT_GATEWAY ? "gateway killed"
                                   : "upgrade";
}

static size_t marks_make(const struct report *report)
{
    const struct series *series = report->outcome->series;
    size_t n = 0;
    for (unsigned i = 0; i < series->mark_count; i++)
        canvas.marks[n++] = (struct plot_mark){ (double)series->marks[i].at_us / 1e6,
                                                series->marks[i].text, false };
    for (unsigned i = 0; i < report->outcome->fault_count; i++) {
        const struct fault *fault = &report->outcome->faults[i];
        canvas.marks[n++] = (struct plot_mark){ (double)(fault->at_us - series->begin_us) / 1e6,
                                                fault_text(fault->kind), true };
    }
    return n;
}

/* A plot of all the time there was; lines are added to it. */
static struct plot *begin(const struct report *report, enum plot_kind kind, enum unit unit,
                          const char *title, const char *axis)
{
    const struct series *series = report->outcome->series;
    canvas.report = report;
    for (unsigned i = 0; i < series->count; i++)
        canvas.at_s[i] = (double)series->points[i].to_us / 1e6;
    canvas.plot = (struct plot){ .kind = kind,
                                 .unit = unit,
                                 .title = title,
                                 .axis = axis,
                                 .to_s = series->count ? canvas.at_s[series->count - 1] : 0,
                                 .at_s = canvas.at_s,
                                 .count = series->count,
                                 .marks = canvas.marks,
                                 .mark_count = marks_make(report),
                                 .width = PAGE_WIDE,
                                 .height = PAGE_TALL };
    return &canvas.plot;
}

typedef double (*value_fn)(const struct point *point, unsigned which);

static void add(const char *name, unsigned colour, bool faint, value_fn value, unsigned which)
{
    struct plot *plot = &canvas.plot;
    const struct series *series = canvas.report->outcome->series;
    double *y = canvas.y[plot->line_count];
    for (unsigned i = 0; i < series->count; i++)
        y[i] = value(&series->points[i], which);
    plot->lines[plot->line_count++] = (struct plot_line){ name, y, colour, faint };
}

static void end(struct out *out, const char *caption)
{
    page_figure(out, &canvas.plot, caption);
}

static double seconds_of(const struct point *p)
{
    return MAX((double)(p->to_us - p->from_us) / 1e6, 1e-3);
}

/* --- the load -----------------------------------------------------------------------------------
 */

static double connected(const struct point *p, unsigned which)
{
    return (void)which, (double)p->connected;
}

static double signed_in(const struct point *p, unsigned which)
{
    return (void)which, (double)p->signed_in;
}

static double started(const struct point *p, unsigned which)
{
    return (void)which, (double)p->started;
}

static double submitted(const struct point *p, unsigned which)
{
    return (void)which, (double)p->submitted;
}

static void figure_candidates(struct out *out, const struct report *report)
{
    begin(report, PLOT_LINEAR, UNIT_COUNT, "Candidates", "how many at once");
    add("connected", 0, false, connected, 0);
    add("signed in", 4, false, signed_in, 0);
    add("started", 2, false, started, 0);
    add("submitted", 1, false, submitted, 0);
    end(out, "Each is a connection of its own that stays open, and each signs in, starts, answers "
             "and submits for itself.");
}

/* Kinds of request that are shown as one. */
static const struct group {
    const char *name;
    unsigned asks; /* a bit for each kind */
} groups[] = {
    { "saves", 1u << ASK_SAVE },
    { "heartbeats", 1u << ASK_HEARTBEAT | 1u << ASK_LOOK | 1u << ASK_RESUME },
    { "sign-ins", 1u << ASK_SIGN_IN },
    { "starts", 1u << ASK_START | 1u << ASK_FORM | 1u << ASK_PAPER },
    { "submits", 1u << ASK_SUBMIT | 1u << ASK_RECEIPT },
    { "results", 1u << ASK_RESULT | 1u << ASK_SHEET },
};

static double group_rate(const struct point *p, unsigned which)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < ASK_KINDS; i++)
        count += groups[which].asks >> i & 1 ? p->ask[i].count : 0;
    return (double)count / seconds_of(p);
}

static void figure_throughput(struct out *out, const struct report *report)
{
    begin(report, PLOT_STACKED, UNIT_COUNT, "Throughput", "requests answered a second, by kind");
    for (unsigned i = 0; i < COUNT(groups); i++)
        add(groups[i].name, i, false, group_rate, i);
    end(out, "Stacked: the upper edge is all requests together. Heartbeats include looking at the "
             "clock and coming back after a lost connection; starts include the paper.");
}

static double start_rate(const struct point *p, unsigned which)
{
    return (void)which, (double)p->ask[ASK_START].count / seconds_of(p);
}

/* From just before the first was due to just after the last had its paper. */
static void figure_start(struct out *out, const struct report *report)
{
    const struct board *total = &report->outcome->total;
    const struct series *series = report->outcome->series;
    struct plot *plot = begin(report, PLOT_LINEAR, UNIT_COUNT, "The start", "starts a second");
    plot->width = PAGE_HALF;
    plot->height = PAGE_LOW;
    if (total->first_start_us && total->last_started_us > total->first_start_us) {
        double first = (double)(total->first_start_us - series->begin_us) / 1e6;
        double last = (double)(total->last_started_us - series->begin_us) / 1e6;
        double room = MAX((last - first) * 0.1, 3);
        plot->from_s = MAX(first - room, 0);
        plot->to_s = MIN(last + room, MAX(plot->to_s, plot->from_s + 1));
    }
    add("starts", 3, false, start_rate, 0);
    end(out, NULL);
    plot->title = "Connections at the start";
    plot->axis = "open connections";
    plot->line_count = 0;
    add("connected", 0, false, connected, 0);
    end(out, NULL);
}

/* --- latency ------------------------------------------------------------------------------------
 */

static double ms(int64_t us, uint64_t count)
{
    return count ? (double)MAX(us, 1) / 1e3 : NAN;
}

static double ask_p50(const struct point *p, unsigned which)
{
    return ms(p->ask[which].p50_us, p->ask[which].count);
}

static double ask_p99(const struct point *p, unsigned which)
{
    return ms(p->ask[which].p99_us, p->ask[which].count);
}

static double ask_max(const struct point *p, unsigned which)
{
    return ms(p->ask[which].max_us, p->ask[which].count);
}

static void figure_latency(struct out *out, const struct report *report, enum ask ask,
                           const char *title, bool wide, const char *caption)
{
    struct plot *plot =
        begin(report, PLOT_LOG, UNIT_MS, title, "latency of each second, logarithmic");
    plot->width = wide ? PAGE_WIDE : PAGE_HALF;
    plot->height = wide ? PAGE_TALL : PAGE_LOW;
    add("p50", 0, false, ask_p50, ask);
    add("p99", 1, false, ask_p99, ask);
    add("longest", 6, true, ask_max, ask);
    end(out, caption);
}

void report_figures_load(struct out *out, const struct report *report)
{
    out_z(out, "<div class=\"figures\">");
    figure_candidates(out, report);
    figure_throughput(out, report);
    figure_latency(out, report, ASK_SAVE, "Saving an answer", true,
                   "From when the candidate wanted to save to when the page was told that it is "
                   "on the disk. p50: half were faster; p99: 99 of 100 were.");
    figure_latency(out, report, ASK_SIGN_IN, "Signing in", false, NULL);
    figure_latency(out, report, ASK_START, "Starting", false, NULL);
    figure_latency(out, report, ASK_SUBMIT, "Submitting", false, NULL);
    figure_latency(out, report, ASK_RESULT, "Asking for the result", false, NULL);
    figure_start(out, report);
    out_z(out, "</div>");
}

/* --- what was used ------------------------------------------------------------------------------
 */

static double cpu(const struct point *p, unsigned which)
{
    return (double)p->usage.part[which].cpu_us / 1e6 / seconds_of(p);
}

/* What the machine did for nobody we know: interrupts that belong to no process, other programs. */
static double cpu_other(const struct point *p, unsigned which)
{
    int64_t busy = p->usage.cpu_us - p->usage.idle_us;
    for (int i = 0; i < USAGE_ROLES; i++)
        busy -= p->usage.part[i].cpu_us;
    return (void)which, (double)MAX(busy, 0) / 1e6 / seconds_of(p);
}

static void figure_cpu(struct out *out, const struct report *report)
{
    static const unsigned colours[USAGE_ROLES] = { 0, 2, 5, 3, 1 };
    struct plot *plot = begin(report, PLOT_STACKED, UNIT_CORES, "Processor", "cores in use");
    for (unsigned i = 0; i < USAGE_ROLES; i++)
        add(i == USAGE_AGENTS ? "candidates" : usage_names[i], colours[i], false, cpu, i);
    add("others", 6, false, cpu_other, 0);
    plot->top = report->machine.cores;
    end(out, "Stacked; the axis ends at all cores of this machine. The virtual "
             "candidates are the load, not the hall: in an exam they are elsewhere.");
}

static double memory(const struct point *p, unsigned which)
{
    const struct usage_part *part = &p->usage.part[which];
    return part->count ? (double)part->anonymous_bytes : NAN;
}

static double sockets(const struct point *p, unsigned which)
{
    return (void)which, (double)p->usage.tcp_bytes;
}

static double kernel(const struct point *p, unsigned which)
{
    uint64_t before = canvas.report->outcome->usage->kernel_bytes_before;
    (void)which;
    return p->usage.kernel_bytes > before ? (double)(p->usage.kernel_bytes - before) : 0;
}

static double written(const struct point *p, unsigned which)
{
    return (void)which, (double)p->usage.written_bytes / seconds_of(p);
}

void report_figures_usage(struct out *out, const struct report *report)
{
    out_z(out, "<div class=\"figures\">");
    figure_cpu(out, report);
    struct plot *plot = begin(report, PLOT_LINEAR, UNIT_BYTES, "Memory", "bytes");
    plot->width = PAGE_HALF;
    plot->height = PAGE_LOW;
    add("hall", 0, false, memory, USAGE_HALL);
    add("gateway", 2, false, memory, USAGE_GATEWAY);
    add("kernel", 1, false, kernel, 0);
    add("sockets", 4, true, sockets, 0);
    end(out, "Of hall and gateway what is their own. Kernel: what it holds more than before the "
             "run, for both ends of each connection and all else. Sockets: bytes on their way.");
    plot = begin(report, PLOT_LINEAR, UNIT_BYTES, "Disk", "bytes written a second");
    plot->width = PAGE_HALF;
    plot->height = PAGE_LOW;
    add("written", 5, false, written, 0);
    end(out, "By the hall, as the kernel accounts for it: in whole pages, of which large ones "
             "count in full for a few changed bytes.");
    out_z(out, "</div>");
}

static double lag_p50(const struct point *p, unsigned which)
{
    return (void)which, ms(p->lag.p50_us, p->lag.count);
}

static double lag_p99(const struct point *p, unsigned which)
{
    return (void)which, ms(p->lag.p99_us, p->lag.count);
}

static double lag_max(const struct point *p, unsigned which)
{
    return (void)which, ms(p->lag.max_us, p->lag.count);
}

void report_figure_lag(struct out *out, const struct report *report)
{
    struct plot *plot = begin(report, PLOT_LOG, UNIT_MS, "How late the virtual candidates were",
                              "lateness of each second, logarithmic");
    plot->height = PAGE_LOW;
    add("p50", 0, false, lag_p50, 0);
    add("p99", 1, false, lag_p99, 0);
    add("longest", 6, true, lag_max, 0);
    out_z(out, "<div class=\"figures\">");
    end(out, NULL);
    out_z(out, "</div>");
}

int64_t report_fault_worst_us(const struct outcome *outcome, const struct fault *fault)
{
    const struct series *series = outcome->series;
    int64_t worst = 0, until = fault->at_us + fault->back_us - series->begin_us;
    for (unsigned i = series_at(series, fault->at_us); i < series->count; i++) {
        worst = MAX(worst, series->points[i].ask[ASK_SAVE].max_us);
        if (series->points[i].to_us > until + series->step_us)
            break; /* with the second after it, in which the last of them were answered */
    }
    return worst;
}
