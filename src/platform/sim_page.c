/* sim_page.c - a simulated day as a page: who waited, when, and what stood ready; see simulate.h.
 */
#include "platform/simulate.h"

#include "page/html.h"
#include "page/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MARKS_MAX = 3 * SIM_SHIFTS_MAX + 64 };

/* The numbers of one plot, as plot.h wants them; one figure at a time. */
static struct canvas {
    const struct sim_opts *opts;
    const struct sim_result *result;
    double at_s[SIM_SAMPLES_MAX], y[PLOT_LINES_MAX][SIM_SAMPLES_MAX];
    struct plot_mark marks[MARKS_MAX];
    size_t mark_count;
    double midnight_s; /* from the day's midnight to the begin */
    struct plot plot;
} canvas;

typedef double (*value_fn)(const struct sim_sample *sample, unsigned which);

static struct plot *begin(enum plot_kind kind, enum unit unit, const char *title, const char *axis)
{
    canvas.plot = (struct plot){ .kind = kind,
                                 .unit = unit,
                                 .title = title,
                                 .axis = axis,
                                 .from_s = canvas.midnight_s,
                                 .to_s = canvas.midnight_s + (double)canvas.result->seconds,
                                 .at_s = canvas.at_s,
                                 .count = canvas.result->sample_count,
                                 .marks = canvas.marks,
                                 .mark_count = canvas.mark_count,
                                 .width = PAGE_WIDE,
                                 .height = PAGE_TALL };
    return &canvas.plot;
}

static void add(const char *name, unsigned colour, value_fn value, unsigned which)
{
    struct plot *plot = &canvas.plot;
    double *y = canvas.y[plot->line_count];
    for (unsigned i = 0; i < canvas.result->sample_count; i++)
        y[i] = value(&canvas.result->samples[i], which);
    plot->lines[plot->line_count++] = (struct plot_line){ name, y, colour, false };
}

/* --- figures ------------------------------------------------------------------------------------
 */

static double rate(const struct sim_sample *s, unsigned kind)
{
    return (double)s->asked[kind] / SIM_SAMPLE_S;
}

static double sitting(const struct sim_sample *s, unsigned which)
{
    return (void)which, (double)s->sitting;
}

static double waiting(const struct sim_sample *s, unsigned which)
{
    return (void)which, (double)s->waiting;
}

static double refused(const struct sim_sample *s, unsigned which)
{
    return (void)which, (double)s->refused / SIM_SAMPLE_S;
}

/* Below a step nothing is known: drawn at half of one, at the foot of the axis. */
static double worst(const struct sim_sample *s, unsigned kind)
{
    if (!s->served[kind])
        return NAN;
    return s->worst[kind] ? (double)s->worst[kind] * SIM_STEP_MS : (double)SIM_STEP_MS / 2;
}

static double ready(const struct sim_sample *s, unsigned service)
{
    return (double)s->ready[service];
}

static double nodes(const struct sim_sample *s, unsigned pool)
{
    return (double)s->nodes[pool];
}

/* The minutes around the bell that most answer to, or the deadline: where waits come from. */
static void zoom(struct plot *plot)
{
    const struct timetable *t = canvas.opts->timetable;
    instant at = t->release_count ? t->releases[0].at : 0;
    int64_t most = 0;
    for (unsigned i = 0; i < t->shift_count; i++)
        if (t->shifts[i].candidates > most) {
            most = t->shifts[i].candidates;
            at = t->registration ? t->shifts[i].ends - REGISTRATION_FORM_S * 1000LL
                                 : t->shifts[i].starts;
        }
    double bell_s = canvas.midnight_s + (double)(at - canvas.result->begin) / 1000;
    plot->from_s = bell_s - 60;
    plot->to_s = bell_s + 300;
    plot->width = PAGE_HALF;
    plot->height = PAGE_LOW;
}

static void figures_load(struct out *out)
{
    static const unsigned colours[ASKED_KINDS] = { 2, 3, 0, 1, 5 };
    out_z(out, "<div class=\"figures\">");
    begin(PLOT_STACKED, UNIT_COUNT, "What is asked", "requests a second, by kind");
    for (unsigned kind = 0; kind < ASKED_KINDS; kind++)
        add(asked_names[kind], colours[kind], rate, kind);
    page_figure(out, &canvas.plot,
                "Stacked: the upper edge is all together. What was given up is asked again.");
    begin(PLOT_LOG, UNIT_MS, "The longest wait", "of those served within ten seconds, logarithmic");
    for (unsigned kind = 0; kind < ASKED_KINDS; kind++)
        add(asked_names[kind], colours[kind], worst, kind);
    page_figure(out, &canvas.plot,
                "From being asked to the reply. Waits below 100 ms are not told "
                "apart and lie at 50 ms.");
    struct plot *plot = begin(PLOT_LINEAR, UNIT_COUNT, "In the queue", "requests that wait");
    plot->width = PAGE_HALF;
    plot->height = PAGE_LOW;
    add("waiting", 1, waiting, 0);
    page_figure(out, plot, NULL);
    plot = begin(PLOT_LINEAR, UNIT_COUNT, "Given up", "requests a second");
    plot->width = PAGE_HALF;
    plot->height = PAGE_LOW;
    add("refused", 1, refused, 0);
    page_figure(out, plot, NULL);
    plot = begin(PLOT_LINEAR, UNIT_COUNT, "Around the bell", "requests a second");
    zoom(plot);
    for (unsigned kind = 0; kind < ASKED_KINDS; kind++)
        add(asked_names[kind], colours[kind], rate, kind);
    page_figure(out, plot, NULL);
    plot = begin(PLOT_LOG, UNIT_MS, "Around the bell", "the longest wait, logarithmic");
    zoom(plot);
    for (unsigned kind = 0; kind < ASKED_KINDS; kind++)
        add(asked_names[kind], colours[kind], worst, kind);
    page_figure(out, plot, NULL);
    plot = begin(PLOT_LINEAR, UNIT_COUNT, "Candidates", "who sit");
    plot->height = PAGE_LOW;
    add("sitting", 0, sitting, 0);
    page_figure(out, plot, NULL);
    out_z(out, "</div>");
}

static bool is_asked(str name)
{
    bool asked = str_eq(name, STR("gateway")) || str_eq(name, STR("hall"));
    for (int kind = 0; kind < ASKED_KINDS; kind++)
        asked = asked || str_eq(name, str_z(asked_services[kind]));
    return asked;
}

static void figures_cluster(struct out *out)
{
    const struct sim_result *result = canvas.result;
    static char names[PLOT_LINES_MAX][64];
    out_z(out, "<div class=\"figures\">");
    struct plot *plot = begin(PLOT_LINEAR, UNIT_COUNT, "Replicas", "that serve");
    for (unsigned s = 0; s < result->service_count && plot->line_count < PLOT_LINES_MAX; s++) {
        unsigned line = (unsigned)plot->line_count;
        if (!is_asked(result->names[s]))
            continue;
        snprintf(names[line], sizeof(names[line]), "%.*s", STR_ARG(result->names[s]));
        add(names[line], line % PLOT_COLOURS, ready, s);
    }
    page_figure(out, plot,
                "Of the services that candidates ask. A replica counts once its pod is "
                "ready.");
    plot = begin(PLOT_LINEAR, UNIT_COUNT, "Nodes", "launching ones included");
    plot->height = PAGE_LOW;
    for (unsigned pool = 0; pool < 2; pool++)
        add(sim_pools[pool], pool ? 3 : 0, nodes, pool);
    page_figure(out, plot, NULL);
    out_z(out, "</div>");
}

/* --- the day on the axis ------------------------------------------------------------------------
 */

static void mark(instant at, const char *text)
{
    if (canvas.mark_count < MARKS_MAX)
        canvas.marks[canvas.mark_count++] =
            (struct plot_mark){ canvas.midnight_s + (double)(at - canvas.result->begin) / 1000,
                                text, false };
}

static int by_time(const void *a, const void *b)
{
    const struct plot_mark *x = a, *y = b;
    return x->at_s < y->at_s ? -1 : x->at_s > y->at_s;
}

static void day_make(const struct sim_opts *opts, const struct sim_result *result)
{
    const struct timetable *t = opts->timetable;
    struct tm tm;
    time_t begins = (time_t)(result->begin / 1000);
    localtime_r(&begins, &tm); /* the spec's zone: spec.c has set it */
    canvas.opts = opts;
    canvas.result = result;
    canvas.midnight_s = tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
    if (t->registration) /* it begins on the evening before */
        canvas.midnight_s -= 86400;
    canvas.mark_count = 0;
    for (unsigned i = 0; i < result->sample_count; i++)
        canvas.at_s[i] = canvas.midnight_s + (i + 1) * SIM_SAMPLE_S;
    for (unsigned i = 0; i < t->shift_count; i++) {
        mark(t->shifts[i].opens, "opens");
        if (t->registration)
            mark(t->shifts[i].ends - REGISTRATION_FORM_S * 1000LL, "deadline");
        else
            mark(t->shifts[i].starts, "bell");
        mark(t->shifts[i].ends, "end");
    }
    for (unsigned i = 0; i < t->release_count; i++)
        mark(t->releases[i].at, "results");
    qsort(canvas.marks, canvas.mark_count, sizeof(canvas.marks[0]), by_time);
}

/* --- tables -------------------------------------------------------------------------------------
 */

static void count_cell(struct out *out, uint64_t n)
{
    char text[UNIT_TEXT_MAX];
    out_fmt(out, "<td>%s</td>", unit_text(text, UNIT_COUNT, (double)n));
}

static void wait_cell(struct out *out, int64_t ms)
{
    char text[UNIT_TEXT_MAX];
    if (ms < SIM_STEP_MS)
        out_fmt(out, "<td>&lt; %d ms</td>", SIM_STEP_MS);
    else
        out_fmt(out, "<td>%s</td>", unit_text(text, UNIT_MS, (double)ms));
}

static void waits_table(struct out *out, const struct sim_result *result)
{
    static const unsigned quantiles[] = { 500, 900, 990, 999 };
    out_z(out, "<h2 id=\"waits\">Who waits</h2><div class=\"scroll\"><table class=\"numbers\">"
               "<thead><tr><th scope=\"col\">Kind</th><th scope=\"col\">asked</th><th "
               "scope=\"col\">served</th><th scope=\"col\">given up</th><th scope=\"col\">p50</th>"
               "<th scope=\"col\">p90</th><th scope=\"col\">p99</th><th scope=\"col\">p99.9</th>"
               "<th scope=\"col\">longest</th></tr></thead><tbody>\n");
    for (int i = 0; i < ASKED_KINDS; i++) {
        const struct sim_kind *kind = &result->kinds[i];
        if (!kind->asked)
            continue;
        out_fmt(out, "<tr><th scope=\"row\">%s</th>", asked_names[i]);
        count_cell(out, kind->asked);
        count_cell(out, kind->served);
        count_cell(out, kind->refused);
        for (size_t q = 0; q < COUNT(quantiles); q++)
            wait_cell(out, sim_wait_ms(kind, quantiles[q]));
        wait_cell(out, (int64_t)kind->worst * SIM_STEP_MS);
        out_z(out, "</tr>\n");
    }
    out_z(out,
          "</tbody></table></div><p>A request that waited longer than its candidate's patience "
          "is given up, and asked again five seconds later. The day is held when nobody "
          "gave up and 99 of 100 waits are within the objective of the spec, or within two "
          "seconds where it has none.</p>\n");
}

static void fact(struct out *out, const char *name, const char *value)
{
    out_fmt(out, "<dt>%s</dt><dd>", name);
    html_text(out, str_z(value));
    out_z(out, "</dd>");
}

static void assumptions(struct out *out, const struct sim_opts *opts)
{
    const struct measured *m = opts->measured;
    char line[400];
    out_z(out, "<h2 id=\"taken\">What was taken for granted</h2><dl class=\"facts\">");
    snprintf(line, sizeof(line), "%s: %s", opts->policy->name, opts->policy->purpose);
    fact(out, "Policy", line);
    snprintf(line, sizeof(line), "%.*s, %lld cores, %s; examhall %.*s with %lld candidates",
             STR_ARG(str_first(m->cpu, 60)), (long long)m->cores, m->tls ? "TLS" : "without TLS",
             STR_ARG(str_first(m->version, 40)), (long long)m->candidates);
    fact(out, "Measured on", line);
    for (int i = 0; i < ASKED_KINDS; i++) {
        snprintf(line, sizeof(line), "%.1f us in the gateway, %.1f us in %s",
                 (double)m->cost[i].gateway / 1000, (double)m->cost[i].hall / 1000,
                 asked_services[i]);
        fact(out, asked_names[i], line);
    }
    if (opts->timetable->registration)
        fact(out, "Registration", "was not measured: its requests cost what those of an exam do");
    snprintf(line, sizeof(line), "%lld s until a node is up, %lld s until a pod on it is ready",
             (long long)opts->node_start_s, (long long)opts->pod_start_s);
    fact(out, "Starting", line);
    snprintf(line, sizeof(line), "given up after %lld s", (long long)opts->patience_s);
    fact(out, "Patience", line);
    snprintf(line, sizeof(line), "%.*s, %.*s", STR_ARG(str_first(opts->prices->as_of, 20)),
             STR_ARG(str_first(opts->prices->source, 300)));
    fact(out, "Prices", line);
    snprintf(line, sizeof(line), "%llu", (unsigned long long)opts->seed);
    fact(out, "Seed", line);
    out_z(out, "</dl><p>Not simulated: networks, disks, brokers, the database, and load that is "
               "uneven between replicas. So real waits are longer; what is refused here will be "
               "refused there.</p>\n");
}

/* --- the page -----------------------------------------------------------------------------------
 */

static void banner(struct out *out, const struct sim_opts *opts, const struct sim_result *result)
{
    bool good = sim_is_good(result, &opts->env->spec->objectives);
    uint64_t given_up = 0, served = 0;
    char a[UNIT_TEXT_MAX], b[UNIT_TEXT_MAX];
    for (int i = 0; i < ASKED_KINDS; i++) {
        given_up += result->kinds[i].refused;
        served += result->kinds[i].served;
    }
    out_fmt(
        out,
        "<div class=\"verdict %s\" id=\"verdict\"><svg viewBox=\"0 0 48 48\" "
        "aria-hidden=\"true\"><circle cx=\"24\" cy=\"24\" r=\"22\" fill=\"none\" "
        "stroke=\"currentColor\" stroke-width=\"3\"/><path d=\"%s\" fill=\"none\" "
        "stroke=\"currentColor\" stroke-width=\"4\" stroke-linecap=\"round\"/></svg><div>"
        "<strong>%s</strong><span>%s requests were served, %s were given up.</span></div></div>",
        good ? "pass" : "fail", good ? "M14 25l7 7 14-16" : "M15 15l18 18M33 15L15 33",
        good ? "This policy holds the day" : "This policy does not hold the day",
        unit_text(a, UNIT_COUNT, (double)served), unit_text(b, UNIT_COUNT, (double)given_up));
}

static void tile(struct out *out, const char *name, const char *value, const char *more)
{
    out_fmt(out, "<div><dt>%s</dt><dd>%s<small>%s</small></dd></div>", name, value, more);
}

static void tiles(struct out *out, const struct sim_opts *opts, const struct sim_result *result)
{
    char text[UNIT_TEXT_MAX], more[80];
    uint32_t longest = 0;
    for (int i = 0; i < ASKED_KINDS; i++)
        longest = MAX(longest, result->kinds[i].worst);
    out_z(out, "<dl class=\"tiles\">");
    tile(out, "Candidates", unit_text(text, UNIT_COUNT, (double)opts->timetable->candidates),
         "on this day");
    tile(out, "Longest wait",
         longest ? unit_text(text, UNIT_MS, (double)longest * SIM_STEP_MS) : "&lt; 100 ms",
         "of those who were served");
    tile(out, "Nodes at most",
         unit_text(text, UNIT_COUNT, result->nodes_most[0] + result->nodes_most[1]),
         "in both pools");
    double hours = (double)(result->node_seconds[0] + result->node_seconds[1]) / 3600;
    tile(out, "Node hours", unit_text(text, UNIT_COUNT, hours), "of the hall's pools");
    snprintf(more, sizeof(more), "%.*s for these nodes",
             STR_ARG(str_first(opts->prices->currency, 8)));
    tile(out, "Money",
         unit_text(text, UNIT_COUNT,
                   (double)(result->node_micros[0] + result->node_micros[1]) / 1e6),
         more);
    out_z(out, "</dl>\n");
}

void sim_page(struct out *out, const struct sim_opts *opts, const struct sim_result *result)
{
    char over[120], title[160], day[80], number[UNIT_TEXT_MAX];
    struct tm tm;
    time_t begins = (time_t)(result->begin / 1000);
    localtime_r(&begins, &tm);
    strftime(day, sizeof(day),
             opts->timetable->registration ? "The last day of a registration" : "%-d %B %Y", &tm);
    snprintf(over, sizeof(over), "Simulated \u00b7 %.*s \u00b7 policy %s",
             STR_ARG(str_first(opts->env->name, 40)), opts->policy->name);
    snprintf(title, sizeof(title), "%s with %s candidates", day,
             unit_text(number, UNIT_COUNT, (double)opts->timetable->candidates));
    day_make(opts, result);
    page_begin(out, over, title);
    banner(out, opts, result);
    tiles(out, opts, result);
    waits_table(out, result);
    out_z(out, "<h2 id=\"time\">Over the day</h2><p>Times are the hall's.</p>\n");
    figures_load(out);
    out_z(out, "<h2 id=\"cluster\">What stood ready</h2>");
    figures_cluster(out);
    assumptions(out, opts);
    page_end(out);
}
