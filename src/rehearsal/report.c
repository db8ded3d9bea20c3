/* report.c - the page itself: verdict, run, ledger, tables, and where to sign; see report.h. The
 * drawings are in report_figures.c. */
#include "rehearsal/report.h"
#include "page/html.h"
#include "page/page.h"

#include <stdio.h>
#include <time.h>

#define N(count) ((unsigned long long)(count))

/* What a candidate does. */
static const char *const ask_words[ASK_KINDS] = {
    [ASK_SIGN_IN] = "Sign in",     [ASK_LOOK] = "Look at the clock",
    [ASK_START] = "Start",         [ASK_FORM] = "Form (order of questions)",
    [ASK_PAPER] = "Paper",         [ASK_RESUME] = "Resume (answers so far)",
    [ASK_SAVE] = "Save an answer", [ASK_HEARTBEAT] = "Heartbeat",
    [ASK_SUBMIT] = "Submit",       [ASK_RECEIPT] = "Receipt",
    [ASK_RESULT] = "Result",       [ASK_SHEET] = "Response sheet",
};

static void text(struct out *out, const char *z)
{
    html_text(out, str_z(z));
}

static void count(struct out *out, uint64_t n)
{
    char buf[UNIT_TEXT_MAX];
    out_z(out, unit_text(buf, UNIT_COUNT, (double)n));
}

static void ms(struct out *out, int64_t us)
{
    char buf[UNIT_TEXT_MAX];
    out_z(out, unit_text(buf, UNIT_MS, (double)us / 1e3));
}

static void bytes(struct out *out, double n)
{
    char buf[UNIT_TEXT_MAX];
    out_z(out, unit_text(buf, UNIT_BYTES, n));
}

/* --- the verdict --------------------------------------------------------------------------------
 */

static const struct {
    const char *name, *word, *meaning, *sign;
} verdicts[] = {
    [VERDICT_PASS] = { "pass", "Passed", "every objective was met", "M14 25l7 7 14-16" },
    [VERDICT_FAIL] = { "fail", "Failed", "at least one objective was not met",
                       "M15 15l18 18M33 15L15 33" },
    [VERDICT_VOID] = { "void", "Void", "this run says nothing about the hall, see the reasons",
                       "M24 12v16M24 34v1" },
};

static void verdict_banner(struct out *out, const struct report *report)
{
    const struct board *total = &report->outcome->total;
    enum verdict verdict = report->judgement->verdict;
    out_fmt(out,
            "<div class=\"verdict %s\" id=\"verdict\"><svg viewBox=\"0 0 48 48\" "
            "aria-hidden=\"true\"><circle cx=\"24\" cy=\"24\" r=\"22\" fill=\"none\" "
            "stroke=\"currentColor\" stroke-width=\"3\"/><path d=\"%s\" fill=\"none\" "
            "stroke=\"currentColor\" stroke-width=\"4\" stroke-linecap=\"round\"/></svg><div>"
            "<strong>%s: %s</strong><span>",
            verdicts[verdict].name, verdicts[verdict].sign, verdicts[verdict].word,
            verdicts[verdict].meaning);
    count(out, total->submitted);
    out_z(out, " of ");
    count(out, report->outcome->candidates);
    out_z(out, " candidates submitted; ");
    count(out, total->saves_acknowledged);
    out_z(out, " answers were acknowledged, ");
    count(out, total->saves_lost);
    out_z(out, " of them lost; ");
    count(out, total->requests_failed);
    out_z(out, " requests failed.</span></div></div>\n");
}

/* What speaks against it, and what else a reader of the verdict must know. */
static void reasons(struct out *out, const struct report *report)
{
    if (!report->judgement->count)
        return;
    out_z(out,
          report->judgement->verdict == VERDICT_PASS ? "<h2>Remarks</h2>" : "<h2>Reasons</h2>");
    out_z(out, "<ul id=\"reasons\">");
    for (unsigned i = 0; i < report->judgement->count; i++) {
        out_z(out, "<li>");
        text(out, report->judgement->reasons[i]);
        out_z(out, "</li>");
    }
    out_z(out, "</ul>\n");
}

static void tile(struct out *out, const char *name, const char *value, const char *more)
{
    out_fmt(out, "<div><dt>%s</dt><dd>%s<small>%s</small></dd></div>", name, value, more);
}

/* The most saves that were acknowledged in one second. */
static double saves_peak(const struct series *series)
{
    double peak = 0;
    for (unsigned i = 0; i < series->count; i++) {
        const struct point *p = &series->points[i];
        peak = MAX(peak, (double)p->saves * 1e6 / (double)MAX(p->to_us - p->from_us, 1));
    }
    return peak;
}

static void tiles(struct out *out, const struct report *report)
{
    const struct board *total = &report->outcome->total;
    char a[UNIT_TEXT_MAX], b[UNIT_TEXT_MAX];
    out_z(out, "<dl class=\"tiles\">");
    unit_text(a, UNIT_COUNT, (double)report->outcome->connected_peak);
    tile(out, "Connected at once", a, "each a connection that stays open");
    unit_text(a, UNIT_COUNT, saves_peak(report->outcome->series));
    tile(out, "Saves in a second", a, "at most");
    unit_text(a, UNIT_MS, (double)hist_quantile(&total->latency[ASK_SAVE], 500) / 1e3);
    unit_text(b, UNIT_MS, (double)hist_quantile(&total->latency[ASK_SAVE], 990) / 1e3);
    tile(out, "A save takes", a, "half of them; see below for the slow ones");
    tile(out, "99 of 100 saves within", b, "faults included");
    unit_text(a, UNIT_COUNT, (double)report->outcome->fault_count);
    tile(out, "Faults injected", a, "while the exam went on");
    out_z(out, "</dl>\n");
}

/* --- objectives ---------------------------------------------------------------------------------
 */

enum met { MET_NO, MET_YES, MET_UNJUDGED };

static void objective_row(struct out *out, const char *what, const char *wanted,
                          const char *measured, enum met met)
{
    static const char *const marks[] = { [MET_NO] = "no\">\u2717 not met",
                                         [MET_YES] = "yes\">\u2713 met",
                                         [MET_UNJUDGED] = "none\">not judged" };
    out_fmt(out,
            "<tr><th scope=\"row\">%s</th><td>%s</td><td>%s</td><td class=\"mark %s</td></tr>\n",
            what, wanted, measured, marks[met]);
}

static void objective_count(struct out *out, const char *what, uint64_t wanted, uint64_t measured)
{
    char a[UNIT_TEXT_MAX], b[UNIT_TEXT_MAX];
    objective_row(out, what, unit_text(a, UNIT_COUNT, (double)wanted),
                  unit_text(b, UNIT_COUNT, (double)measured), wanted == measured);
}

static void objective_failed(struct out *out, uint64_t most, uint64_t measured)
{
    char a[UNIT_TEXT_MAX], b[UNIT_TEXT_MAX];
    objective_row(out, "Requests that failed", unit_text(a, UNIT_COUNT, (double)most),
                  unit_text(b, UNIT_COUNT, (double)measured), measured <= most);
}

static void objective_limit(struct out *out, const char *what, const char *limit, int64_t most_us,
                            int64_t us, bool judged)
{
    char wanted[UNIT_TEXT_MAX + 32], measured[UNIT_TEXT_MAX], most[UNIT_TEXT_MAX];
    snprintf(wanted, sizeof(wanted), "%s at most %s", limit,
             unit_text(most, UNIT_MS, (double)most_us / 1e3));
    objective_row(out, what, wanted, unit_text(measured, UNIT_MS, (double)us / 1e3),
                  !judged        ? MET_UNJUDGED
                  : us > most_us ? MET_NO
                                 : MET_YES);
}

static void objective_limits(struct out *out, const struct report *report, enum ask ask,
                             const struct limits *limits)
{
    const struct outcome *outcome = report->outcome;
    const struct hist *hist = &outcome->total.calm[ask];
    char what[100];
    snprintf(what, sizeof(what), "%s%s", ask_words[ask],
             outcome->faults_planned ? ", where no fault touched it" : "");
#define X(name, per_mille)                                                                         \
    if (limits->name##_us)                                                                         \
        objective_limit(out, what, #name, limits->name##_us, hist_quantile(hist, per_mille),       \
                        hist->count > 0);
    LIMITS(X)
#undef X
}

static void objective_latencies(struct out *out, const struct report *report)
{
    const struct objectives *wanted = report->objectives;
#define X(ask, name) objective_limits(out, report, ASK_##ask, &wanted->name);
    JUDGED_KINDS(X)
#undef X
}

static unsigned upgrades(const struct outcome *outcome)
{
    unsigned n = 0;
    for (unsigned i = 0; i < outcome->fault_count; i++)
        n += outcome->faults[i].kind == FAULT_UPGRADE;
    return n;
}

static void objectives(struct out *out, const struct report *report)
{
    const struct outcome *outcome = report->outcome;
    const struct board *total = &outcome->total;
    out_z(out, "<h2 id=\"objectives\">Objectives</h2><div class=\"scroll\"><table><thead><tr>"
               "<th scope=\"col\">What</th><th scope=\"col\">wanted</th><th scope=\"col\">measured"
               "</th><th scope=\"col\">met</th></tr></thead><tbody>\n");
    objective_count(out, "Acknowledged answers lost", 0, total->saves_lost);
    objective_count(out, "Answers in the record that nobody sent", 0, total->saves_foreign);
    objective_count(out, "Marks that are not what the key says", 0, total->marks_wrong);
    objective_count(out, "Receipts that are wrong", 0, total->receipts_wrong);
    objective_failed(out, (uint64_t)report->objectives->requests_failed, total->requests_failed);
    objective_count(out, "Candidates who submitted", outcome->candidates, total->submitted);
    objective_count(out, "Candidates whose record was checked", outcome->candidates,
                    total->checked);
    objective_latencies(out, report);
    objective_limit(out, "Lateness of the virtual candidates themselves (else void)", "p99",
                    generator_lag_most_us(outcome), hist_quantile(&total->lag, 990), true);
    objective_count(out, "Connections this machine could not open (else void)", 0,
                    total->local_errors);
    if (outcome->results_due)
        objective_count(out, "Results that came", outcome->results_due, total->results_seen);
    if (outcome->faults_planned)
        objective_count(out, "Faults injected (else void)", outcome->faults_planned,
                        outcome->fault_count);
    if (upgrades(outcome))
        objective_count(out, "Upgrades that failed or did not end", 0, outcome->upgrades_failed);
    out_z(out, "</tbody></table></div>\n");
}

/* --- the run ------------------------------------------------------------------------------------
 */

static void fact(struct out *out, const char *name, const char *value)
{
    out_fmt(out, "<dt>%s</dt><dd>", name);
    text(out, value);
    out_z(out, "</dd>");
}

static void when(char text[static 64], instant at)
{
    struct tm tm;
    time_t s = (time_t)(at / 1000);
    gmtime_r(&s, &tm);
    strftime(text, 64, "%-d %B %Y, %H:%M:%S UTC", &tm);
}

static void run(struct out *out, const struct report *report)
{
    const struct this_machine *machine = &report->machine;
    char began[64], ended[64], line[400], number[UNIT_TEXT_MAX];
    when(began, report->began_at);
    when(ended, report->ended_at);
    out_z(out, "<h2 id=\"run\">This run</h2><dl class=\"facts\">");
    snprintf(line, sizeof(line), report->own_hall ? "made for this run, at %.200s" : "%.200s",
             report->outcome->target);
    fact(out, "Hall", line);
    snprintf(line, sizeof(line), "%.40s: %.200s", report->profile, report->profile_meaning);
    fact(out, "Profile", line);
    fact(out, "Candidates", unit_text(number, UNIT_COUNT, report->outcome->candidates));
    fact(out, "Began", began);
    fact(out, "Ended", ended);
    snprintf(line, sizeof(line), "%s; %u cores; %s of memory", machine->cpu, machine->cores,
             unit_text(number, UNIT_BYTES, (double)machine->memory_bytes));
    fact(out, "Machine", line);
    fact(out, "Kernel", machine->kernel);
    snprintf(line, sizeof(line), "examhall %.100s", report->version);
    fact(out, "Program", line);
    snprintf(line, sizeof(line), "%llu", N(report->outcome->seed));
    fact(out, "Seed", line);
    out_z(out, "</dl><p>To repeat it:</p><pre><code>");
    text(out, report->command);
    out_z(out, "</code></pre>\n");
}

/* --- the ledger ---------------------------------------------------------------------------------
 */

static void ledger(struct out *out, const struct report *report)
{
    const struct board *total = &report->outcome->total;
    const struct {
        const char *what;
        uint64_t n;
    } rows[] = {
        { "Answers that the hall acknowledged", total->saves_acknowledged },
        { "Candidates whose record was compared with the ledger", total->checked },
        { "Candidates whose record could not be fetched", total->unchecked },
        { "Acknowledged answers that are not in the record (lost)", total->saves_lost },
        { "Answers in the record that were never sent (foreign)", total->saves_foreign },
        { "Choices with other marks than the key says", total->marks_wrong },
        { "Receipts without signature or with a wrong count", total->receipts_wrong },
        { "Requests sent, repeats included", total->requests },
        { "Requests that were told to wait (429, 503)", total->requests_delayed },
        { "Connections lost by the plan, and made again", total->drops },
        { "Connections lost otherwise, and made again", total->reconnects },
        { "TLS handshakes", total->handshakes },
        { "TLS handshakes that resumed an earlier session", total->resumed },
        { "Sign-ins from another device in mid-exam", total->sign_ins_again },
    };
    out_fmt(out,
            "<h2 id=\"ledger\">The ledger</h2><p>Each virtual candidate keeps a ledger: what it "
            "answered, and what the hall said is recorded. After the sitting it fetches its record "
            "and compares %s. An answer counts as lost when the hall acknowledged it and it is "
            "neither there nor replaced by a later one.</p><div class=\"scroll\"><table "
            "class=\"numbers\"><thead><tr><th scope=\"col\">What</th><th scope=\"col\">how many"
            "</th></tr></thead><tbody>",
            report->outcome->scored ? "every answer with the scored result"
                                    : "every answer with those recorded");
    for (size_t i = 0; i < COUNT(rows); i++) {
        out_fmt(out, "<tr><th scope=\"row\">%s</th><td>", rows[i].what);
        count(out, rows[i].n);
        out_z(out, "</td></tr>");
    }
    out_z(out, "</tbody></table></div>\n");
}

/* --- latencies ----------------------------------------------------------------------------------
 */

static void latency_row(struct out *out, const char *name, const struct hist *hist)
{
    static const unsigned per_mille[] = { 500, 900, 990, 999 };
    if (!hist->count)
        return;
    out_fmt(out, "<tr><th scope=\"row\">%s</th><td>", name);
    count(out, hist->count);
    for (size_t i = 0; i < COUNT(per_mille); i++) {
        out_z(out, "</td><td>");
        ms(out, hist_quantile(hist, per_mille[i]));
    }
    out_z(out, "</td><td>");
    ms(out, hist->max_us);
    out_z(out, "</td></tr>\n");
}

#define LATENCY_HEAD                                                                               \
    "<div class=\"scroll\"><table class=\"numbers\"><thead><tr><th scope=\"col\">Kind</th>"        \
    "<th scope=\"col\">count</th><th scope=\"col\">p50</th><th scope=\"col\">p90</th>"             \
    "<th scope=\"col\">p99</th><th scope=\"col\">p99.9</th><th scope=\"col\">longest</th></tr>"    \
    "</thead><tbody>\n"

static void latencies(struct out *out, const struct report *report)
{
    const struct board *total = &report->outcome->total;
    out_z(out, "<h2 id=\"latency\">Latency of every kind of request</h2>" LATENCY_HEAD);
    for (int i = 0; i < ASK_KINDS; i++)
        latency_row(out, ask_words[i], &total->latency[i]);
    if (report->outcome->fault_count)
        latency_row(out, "Saves that no fault touched", &total->calm[ASK_SAVE]);
    out_z(out,
          "</tbody></table></div><p><strong>How it is counted.</strong> From the instant at which "
          "the candidate meant to ask to the last byte of the reply. When the hall, the network or "
          "this generator stands still, candidates go on wanting: the wait counts from the "
          "intended time, also for requests that could not be sent yet, and repeats after a lost "
          "connection count from the first attempt. So a stall of two seconds is seen in full, and "
          "is not hidden by asking less while it lasts. Quantiles are of all requests, at most "
          "1/64 above the true value and never below it.</p>\n");
}

/* --- faults -------------------------------------------------------------------------------------
 */

static void faults(struct out *out, const struct report *report)
{
    static const char *const kinds[] = { [FAULT_HALL] = "kill -9 of the hall",
                                         [FAULT_GATEWAY] = "kill -9 of the gateway",
                                         [FAULT_UPGRADE] = "upgrade of all processes" };
    const struct outcome *outcome = report->outcome;
    char at[UNIT_TEXT_MAX];
    out_z(out, "<h2 id=\"faults\">Faults</h2>");
    if (!outcome->fault_count) {
        out_z(out, "<p>None were injected.</p>\n");
        return;
    }
    out_z(out, "<div class=\"scroll\"><table class=\"numbers\"><thead><tr><th scope=\"col\">Fault"
               "</th><th scope=\"col\">at</th><th scope=\"col\">over after</th>"
               "<th scope=\"col\">slowest save meanwhile</th></tr></thead><tbody>\n");
    for (unsigned i = 0; i < outcome->fault_count; i++) {
        const struct fault *fault = &outcome->faults[i];
        double s = (double)(fault->at_us - outcome->series->begin_us) / 1e6;
        out_fmt(out, "<tr><th scope=\"row\">%s</th><td>%s</td><td>", kinds[fault->kind],
                unit_clock(at, s));
        if (fault->back_us)
            ms(out, fault->back_us);
        else
            out_z(out, "not seen");
        out_z(out, "</td><td>");
        ms(out, report_fault_worst_us(outcome, fault));
        out_z(out, "</td></tr>\n");
    }
    out_fmt(out,
            "</tbody></table></div><p>A kill is over when a save that was sent after it is "
            "acknowledged, an upgrade when the new processes serve. Meanwhile the gateway holds "
            "what candidates asked, and pages whose connection broke ask again%s.</p>\n",
            outcome->total.requests_failed ? "" : ": nobody saw an error");
}

/* --- what was used ------------------------------------------------------------------------------
 */

struct used {
    int64_t cpu_us;
    double cores_peak;
    uint64_t resident_peak, own_peak;
    uint32_t count_peak;
};

static struct used used_of(const struct series *series, enum usage_role role)
{
    struct used used = { 0 };
    for (unsigned i = 0; i < series->count; i++) {
        const struct point *p = &series->points[i];
        const struct usage_part *part = &p->usage.part[role];
        used.cpu_us += part->cpu_us;
        used.cores_peak =
            MAX(used.cores_peak, (double)part->cpu_us / (double)MAX(p->to_us - p->from_us, 1));
        used.resident_peak = MAX(used.resident_peak, part->resident_bytes);
        used.own_peak = MAX(used.own_peak, part->anonymous_bytes);
        used.count_peak = MAX(used.count_peak, part->count);
    }
    return used;
}

static void used_row(struct out *out, const struct report *report, enum usage_role role)
{
    struct used used = used_of(report->outcome->series, role);
    uint32_t candidates = MAX(report->outcome->candidates, 1);
    if (!used.count_peak)
        return;
    out_fmt(out, "<tr><th scope=\"row\">%s</th><td>%u</td><td>%.1f s</td><td>%.2f</td><td>",
            usage_names[role], used.count_peak, (double)used.cpu_us / 1e6, used.cores_peak);
    bytes(out, (double)used.resident_peak);
    out_z(out, "</td><td>");
    if (used.own_peak)
        bytes(out, (double)used.own_peak);
    out_z(out, "</td><td>");
    if (used.own_peak)
        bytes(out, (double)used.own_peak / candidates);
    out_z(out, "</td></tr>\n");
}

static void used_rest(struct out *out, const struct report *report)
{
    const struct outcome *outcome = report->outcome;
    uint64_t kernel = outcome->usage->kernel_bytes_before, written = 0, peak = kernel;
    for (unsigned i = 0; i < outcome->series->count; i++) {
        peak = MAX(peak, outcome->series->points[i].usage.kernel_bytes);
        written += outcome->series->points[i].usage.written_bytes;
    }
    out_z(out, "<p>The kernel held at most ");
    bytes(out, (double)(peak - kernel));
    out_z(out, " more than before the run (");
    bytes(out, (double)(peak - kernel) / (double)MAX(outcome->connected_peak, 1));
    out_z(out, " for each candidate, both ends of the connection). The hall wrote ");
    bytes(out, (double)written);
    out_z(out, " to its disk (");
    bytes(out, (double)written / (double)MAX(outcome->total.saves_acknowledged, 1));
    out_z(out,
          " for each acknowledged answer), as the kernel accounts for it: in whole pages, of which "
          "large ones count in full for a few changed bytes.</p>\n");
}

static void used_all(struct out *out, const struct report *report)
{
    out_z(out, "<h2 id=\"used\">What each process used</h2><div class=\"scroll\"><table "
               "class=\"numbers\"><thead><tr><th scope=\"col\">Process</th><th scope=\"col\">how "
               "many</th><th scope=\"col\">CPU</th><th scope=\"col\">cores at most</th><th "
               "scope=\"col\">memory with shared pages</th><th scope=\"col\">of its own</th><th "
               "scope=\"col\">for each candidate</th></tr></thead><tbody>\n");
    for (int i = 0; i < USAGE_ROLES; i++)
        used_row(out, report, i);
    out_z(out, "</tbody></table></div>\n");
    used_rest(out, report);
    if (!report->own_hall)
        out_z(out, "<p>The hall was there before and may run elsewhere: what its processes used is "
                   "not known here.</p>\n");
    report_figures_usage(out, report);
}

/* --- the generator ------------------------------------------------------------------------------
 */

static void lag_rows(struct out *out, const struct hist *lag)
{
    static const int64_t edges_us[] = { 0,     1000,   2000,   5000,    10000,    20000,
                                        50000, 100000, 250000, 1000000, INT64_MAX };
    char from[UNIT_TEXT_MAX], to[UNIT_TEXT_MAX];
    for (size_t i = 0; i + 1 < COUNT(edges_us); i++) {
        bool last = i + 2 == COUNT(edges_us);
        uint64_t n = hist_below(lag, edges_us[i + 1]) - hist_below(lag, edges_us[i]);
        double share = 100.0 * (double)n / (double)MAX(lag->count, 1);
        unit_text(from, UNIT_MS, (double)edges_us[i] / 1e3);
        unit_text(to, UNIT_MS, (double)edges_us[i + 1] / 1e3);
        out_fmt(out, "<tr><th scope=\"row\">%s%s%s</th><td>", from, last ? " and more" : " to ",
                last ? "" : to);
        count(out, n);
        out_fmt(out, "</td><td>%.2f %%</td><td style=\"width:45%%\">", share);
        if (n)
            out_fmt(out, "<span class=\"bar\" style=\"width:%.2f%%\"></span>", share);
        out_z(out, "</td></tr>\n");
    }
}

/* Each machine is judged by itself: merged figures hide a bad one among many. */
static void hosts(struct out *out, const struct crew *crew)
{
    if (!crew || !crew->count)
        return;
    out_z(out, "<div class=\"scroll\"><table class=\"numbers\"><thead><tr><th scope=\"col\">Machine"
               "</th><th scope=\"col\">candidates</th><th scope=\"col\">agents</th><th "
               "scope=\"col\">cores</th><th scope=\"col\">their CPU</th><th scope=\"col\">seconds "
               "without rest</th><th scope=\"col\">late, p99</th></tr></thead><tbody>\n");
    for (unsigned i = 0; i < crew->count; i++) {
        const struct crew_host *host = crew->hosts[i];
        const struct effort *effort = &host->effort;
        double starved = 100.0 * (double)effort->starved / (double)MAX(effort->seconds, 1);
        out_z(out, "<tr><th scope=\"row\">");
        text(out, host->name);
        out_z(out, host->lost ? " (lost)</th><td>" : "</th><td>");
        count(out, host->count);
        out_fmt(out, "</td><td>%u</td><td>%u</td><td>%.1f s</td><td>%.1f %%</td><td>",
                effort->agents, effort->cores, (double)effort->agents_us / 1e6, starved);
        ms(out, hist_quantile(&host->board.lag, 990));
        out_z(out, "</td></tr>\n");
    }
    out_z(out, "</tbody></table></div>\n");
}

static void generator(struct out *out, const struct report *report)
{
    const struct hist *lag = &report->outcome->total.lag;
    out_z(out, "<h2 id=\"generator\">Which part is the generator\u2019s own</h2><p>The virtual "
               "candidates run on a machine too, and can be late themselves: this is by how much "
               "they acted later than they meant to. It is contained in every latency above, so "
               "the hall is at most as slow as shown, and faster by up to this. Half of the time "
               "it was under ");
    ms(out, hist_quantile(lag, 500));
    out_z(out, ", in 99 of 100 cases under ");
    ms(out, hist_quantile(lag, 990));
    out_z(out, ". When it is too much the run is void.</p><div class=\"scroll\"><table "
               "class=\"numbers\"><thead><tr><th scope=\"col\">Late by</th><th scope=\"col\">times"
               "</th><th scope=\"col\">share</th><th scope=\"col\"></th></tr></thead><tbody>\n");
    lag_rows(out, lag);
    out_z(out, "</tbody></table></div>\n");
    hosts(out, report->outcome->crew);
    report_figure_lag(out, report);
}

/* --- signatures ---------------------------------------------------------------------------------
 */

static void signatures(struct out *out, str json_name, str json_digest)
{
    static const char *const lines[] = { "Name and office", "Place and date", "Signature" };
    out_z(out, "<h2 id=\"signatures\">Signatures</h2><p>All figures of this report, second by "
               "second, are in the file <code>");
    html_text(out, json_name);
    out_z(out, "</code>. Its SHA-256, which <code>sha256sum</code> prints as well, is</p>"
               "<p class=\"digest\" id=\"digest\">");
    html_text(out, json_digest);
    out_z(out, "</p><p>Who signs here has read the verdict, and confirms that the run was made as "
               "described above.</p>\n");
    for (int row = 0; row < 2; row++) {
        out_z(out, "<div class=\"sign\">");
        for (size_t i = 0; i < COUNT(lines); i++)
            out_fmt(out, "<div>%s</div>", lines[i]);
        out_z(out, "</div>\n");
    }
}

/* --- the page -----------------------------------------------------------------------------------
 */

void report_html(struct out *out, const struct report *report, str json_name, str json_digest)
{
    char began[64], over[100], title[100], number[UNIT_TEXT_MAX];
    when(began, report->began_at);
    snprintf(over, sizeof(over), "Rehearsal report \u00b7 %s", began);
    snprintf(title, sizeof(title), "Rehearsal of an examination with %s candidates",
             unit_text(number, UNIT_COUNT, report->outcome->candidates));
    page_begin(out, over, title);
    verdict_banner(out, report);
    tiles(out, report);
    if (report->judgement->verdict != VERDICT_PASS)
        reasons(out, report);
    objectives(out, report);
    if (report->judgement->verdict == VERDICT_PASS)
        reasons(out, report);
    run(out, report);
    ledger(out, report);
    out_z(out, "<h2 id=\"time\">Over time</h2><p>Time counts from when the first virtual candidate "
               "came. Dotted lines: a phase begins; dashed lines: a fault was injected.</p>\n");
    report_figures_load(out, report);
    latencies(out, report);
    faults(out, report);
    used_all(out, report);
    generator(out, report);
    signatures(out, json_name, json_digest);
    page_end(out);
}
