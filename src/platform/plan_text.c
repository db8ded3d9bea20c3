/* plan_text.c - a plan for people and for programs; see plan.h. */
#include "platform/plan.h"

#include "codec/json_out.h"

#include <stdio.h>
#include <time.h>

static const char *clock_text(char text[static 32], instant at, const char *format)
{
    struct tm tm;
    time_t seconds = (time_t)(at / 1000);
    localtime_r(&seconds, &tm); /* the spec's zone: spec.c has set it */
    strftime(text, 32, format, &tm);
    return text;
}

/* 1234567890 micros as 1,234.57. */
static const char *money_text(char text[static 48], int64_t micros)
{
    int64_t cents = (micros + 5000) / 10000, whole = cents / 100;
    int n = 0;
    if (whole >= 1000000)
        n = snprintf(text, 48, "%lld,%03lld,%03lld", (long long)(whole / 1000000),
                     (long long)(whole / 1000 % 1000), (long long)(whole % 1000));
    else if (whole >= 1000)
        n = snprintf(text, 48, "%lld,%03lld", (long long)(whole / 1000), (long long)(whole % 1000));
    else
        n = snprintf(text, 48, "%lld", (long long)whole);
    snprintf(text + n, 48 - (size_t)n, ".%02lld", (long long)(cents % 100));
    return text;
}

/* --- for people ---------------------------------------------------------------------------------
 */

static void head(struct out *out, const struct plan *plan)
{
    const struct plan_opts *o = plan->opts;
    const struct measured *m = o->measured;
    char day[32];
    out_fmt(out, "Environment %.*s of %.*s, %lld candidates.\n", STR_ARG(o->env->name),
            STR_ARG(o->env->spec->hall), (long long)o->timetable->candidates);
    if (m)
        out_fmt(out,
                "Measured %s with %lld candidates (%s) on %lld cores of %.*s, examhall %.*s.\n"
                "A vCPU is taken to do what one of these cores does; rehearse there to know.\n",
                clock_text(day, m->made_at, "%-d %b %Y"), (long long)m->candidates,
                m->tls ? "TLS" : "without TLS", (long long)m->cores, STR_ARG(m->cpu),
                STR_ARG(m->version));
    else
        out_z(out, "Nothing was measured: there is no capacity file, so no replicas are planned. "
                   "Make one with\n    examhall rehearse --candidates 5000 --profile stampede "
                   "--capacity capacity.json\n");
    if (o->env->cloud)
        out_fmt(out, "Prices of %.*s: %.*s.\n", STR_ARG(o->prices->as_of),
                STR_ARG(o->prices->source));
    if (o->timetable->untimed)
        out_fmt(out, "%u shifts have no time and are not planned for.\n", o->timetable->untimed);
}

static void demand(struct out *out, const struct plan *plan)
{
    const struct timetable *t = plan->opts->timetable;
    const struct habits *h = plan->opts->habits;
    char day[32], at[32];
    out_fmt(out, "\n%-28s %-12s %-6s %-6s %11s\n", "SHIFT", "OPENS", "STARTS", "ENDS",
            "CANDIDATES");
    for (unsigned i = 0; i < t->shift_count; i++) {
        const struct timetable_shift *s = &t->shifts[i];
        char starts[32], ends[32];
        out_fmt(out, "%-28.*s %-12s %-6s %-6s %11lld\n", STR_ARG(s->name),
                clock_text(day, s->opens, "%-d %b %H:%M"), clock_text(starts, s->starts, "%H:%M"),
                clock_text(ends, s->ends, "%H:%M"), (long long)s->candidates);
    }
    for (unsigned i = 0; i < t->release_count; i++)
        out_fmt(out, "%-28.*s %-12s %-6s %-6s %11lld\n", STR_ARG(t->releases[i].name),
                clock_text(day, t->releases[i].at, "%-d %b %H:%M"), "results", "",
                (long long)t->releases[i].candidates);
    out_fmt(out,
            "\nAll start within %lld s of the bell, save every %lld s, submit within the last %lld "
            "s, and ask\nfor their result %lld times within %lld s. At its worst, a second:\n",
            (long long)h->start_within_s, (long long)h->save_every_s, (long long)h->submit_within_s,
            (long long)h->results_each, (long long)h->result_within_s);
    for (int kind = 0; kind < ASKED_KINDS; kind++)
        if (plan->peaks[kind].sum > 0)
            out_fmt(out, "    %-8s %10.0f  from %s\n", asked_names[kind], plan->peaks[kind].sum,
                    clock_text(at, plan->peaks[kind].at, "%-d %b %H:%M:%S"));
    if (!t->release_count)
        out_z(out, "    result   not planned: write `results: DATE TIME` to an exam of the spec\n");
    if (plan->cores > 0)
        out_fmt(out, "The worst moment is %s: %.2f cores in all.\n",
                clock_text(at, plan->worst.at, "%-d %b %H:%M:%S"), plan->cores);
}

static const char *cell_text(char text[static 32], str given, int64_t number, const char *unknown)
{
    if (given.p)
        snprintf(text, 32, "%.*s", STR_ARG(given));
    else if (number == PLAN_UNKNOWN)
        snprintf(text, 32, "%s", unknown);
    else
        snprintf(text, 32, "%lld", (long long)number);
    return text;
}

static const char *need_text(char text[static 32], const struct plan_line *line)
{
    return cell_text(text, line->need_text, line->need, "?");
}

static const char *now_text(char text[static 32], const struct plan_line *line)
{
    return cell_text(text, line->now_text, line->now, "-");
}

static bool is_lacking(const struct plan_line *line)
{
    return line->now > 0 && line->need > line->now;
}

static void lines(struct out *out, const struct plan *plan)
{
    char now[32], need[32];
    out_fmt(out, "\n%-42s %-14s %-14s %s\n", "WHAT", "SPEC", "NEED", "BINDING");
    for (unsigned i = 0; i < plan->line_count; i++) {
        const struct plan_line *line = &plan->lines[i];
        out_fmt(out, "%-42.*s %-14s %-14s %s%s\n    %.*s\n", STR_ARG(line->what),
                now_text(now, line), need_text(need, line), line->binding,
                is_lacking(line) ? "  <-- the spec gives less" : "", STR_ARG(line->reason));
    }
    if (plan->tightest)
        out_fmt(out, "\nTightest: %.*s, %s of %s.\n", STR_ARG(plan->tightest->what),
                need_text(need, plan->tightest), now_text(now, plan->tightest));
}

static void schedule(struct out *out, const struct plan *plan)
{
    const struct timetable *t = plan->opts->timetable;
    int64_t ahead = env_ms(plan->opts->env, "schedule.ahead");
    int64_t after = env_ms(plan->opts->env, "schedule.after");
    char from[32], to[32];
    out_z(out, "\nSCHEDULE (env render writes it into values.yaml)\n");
    for (unsigned i = 0; i < t->shift_count; i++)
        out_fmt(out, "    %s to %s  %.*s\n",
                clock_text(from, t->shifts[i].opens - ahead, "%-d %b %H:%M"),
                clock_text(to, t->shifts[i].ends + after, "%H:%M"), STR_ARG(t->shifts[i].name));
    for (unsigned i = 0; i < t->release_count; i++)
        out_fmt(out, "    %s to %s  results of %.*s\n",
                clock_text(from, t->releases[i].at - ahead, "%-d %b %H:%M"),
                clock_text(to, t->releases[i].at + after, "%H:%M"), STR_ARG(t->releases[i].name));
    out_z(out, "  with");
    for (unsigned i = 0; i < plan->service_count; i++)
        out_fmt(out, "%s %.*s %lld", i ? "," : "", STR_ARG(plan->services[i].name),
                (long long)plan->services[i].ready);
    out_z(out, "\n");
}

static void quotas(struct out *out, const struct plan *plan)
{
    out_z(out, "\nQUOTAS (ask in good time when your account has less)\n");
    for (unsigned i = 0; i < plan->quota_count; i++) {
        const struct plan_quota *quota = &plan->quotas[i];
        out_fmt(out, "    %s  %-48s %6lld%s\n", quota->code, quota->name, (long long)quota->need,
                quota->need > quota->usual ? "  more than a new account has" : "");
    }
}

static void money(struct out *out, const struct plan *plan)
{
    str currency = plan->opts->prices->currency;
    char hour[48], sum[48];
    int64_t total = plan->standing_micros + plan->shift_micros;
    int64_t candidates = MAX(plan->opts->timetable->candidates, 1);
    out_fmt(out, "\n%-28s %12s %7s %14s\n", "MONEY", "AN HOUR", "HOURS", "A MONTH");
    for (unsigned i = 0; i < plan->money_count; i++) {
        const struct plan_money *row = &plan->money[i];
        out_fmt(out, "%-28.*s %12s %7lld %14s  %.*s\n", STR_ARG(row->what),
                money_text(hour, row->micros_per_hour), (long long)row->hours,
                money_text(sum, row->micros), STR_ARG(row->reason));
    }
    out_fmt(out, "%-49s %14s %.*s\n", "standing, a month", money_text(sum, plan->standing_micros),
            STR_ARG(currency));
    out_fmt(out, "%-49s %14s %.*s", "and for the shifts", money_text(sum, plan->shift_micros),
            STR_ARG(currency));
    out_fmt(out, "; with the spec's replicas %s\n", money_text(sum, plan->spec_shift_micros));
    out_fmt(out, "%-49s %14s %.*s\n", "a candidate, in that month",
            money_text(sum, total / candidates), STR_ARG(currency));
    out_z(out, "Not contained: traffic, logs, backups, keys, support, tax.\n");
}

void plan_text(struct out *out, const struct plan *plan)
{
    head(out, plan);
    demand(out, plan);
    lines(out, plan);
    if (plan->opts->env->cloud) {
        schedule(out, plan);
        quotas(out, plan);
        money(out, plan);
    }
    if (plan->lacking)
        out_fmt(out, "\nThe spec gives less than is needed in %u line%s", plan->lacking,
                plan->lacking == 1 ? "" : "s");
    if (plan->lacking)
        out_fmt(out, "%s.\n",
                plan->writable ? "; examhall plan --write puts the plan into it" : "");
}

/* --- for programs -------------------------------------------------------------------------------
 */

static void sum_json(struct out *out, const char *name, int64_t micros)
{
    jo_name(out, name);
    out_fmt(out, "%lld.%06lld", (long long)(micros / 1000000), (long long)(micros % 1000000));
}

static void number_json(struct out *out, const char *name, int64_t n)
{
    if (n == PLAN_UNKNOWN)
        jo_str(out, name, STR_NONE);
    else
        jo_i64(out, name, n);
}

static void demand_json(struct out *out, const struct plan *plan)
{
    const struct timetable *t = plan->opts->timetable;
    jo_open(out, "shifts", '[');
    for (unsigned i = 0; i < t->shift_count; i++) {
        jo_open(out, NULL, '{');
        jo_str(out, "name", t->shifts[i].name);
        jo_at(out, "opens_at", t->shifts[i].opens);
        jo_at(out, "starts_at", t->shifts[i].starts);
        jo_at(out, "ends_at", t->shifts[i].ends);
        jo_i64(out, "candidates", t->shifts[i].candidates);
        jo_close(out, '}');
    }
    jo_close(out, ']');
    jo_open(out, "peaks_per_s", '{');
    for (int kind = 0; kind < ASKED_KINDS; kind++)
        jo_i64(out, asked_names[kind], (int64_t)(plan->peaks[kind].sum + 0.5));
    jo_close(out, '}');
    jo_name(out, "cores");
    out_fmt(out, "%.3f", plan->cores);
    jo_at(out, "worst_at", plan->worst.at);
}

static void line_json(struct out *out, const struct plan_line *line)
{
    jo_open(out, NULL, '{');
    jo_str(out, "what", line->what);
    jo_str(out, "path", line->path);
    number_json(out, "now", line->now);
    number_json(out, "need", line->need);
    if (line->need_text.p)
        jo_str(out, "need_text", line->need_text);
    jo_z(out, "binding", line->binding);
    jo_bool(out, "lacking", is_lacking(line));
    jo_str(out, "reason", line->reason);
    jo_close(out, '}');
}

static void window_json(struct out *out, const struct plan *plan, str name, instant from,
                        instant to)
{
    jo_open(out, NULL, '{');
    jo_str(out, "name", name);
    jo_at(out, "from_at", from - env_ms(plan->opts->env, "schedule.ahead"));
    jo_at(out, "until_at", to + env_ms(plan->opts->env, "schedule.after"));
    jo_close(out, '}');
}

/* When capacity stands ready, and how many replicas of each service then do. */
static void ready_json(struct out *out, const struct plan *plan)
{
    const struct timetable *t = plan->opts->timetable;
    jo_open(out, "schedule", '[');
    for (unsigned i = 0; i < t->shift_count; i++)
        window_json(out, plan, t->shifts[i].name, t->shifts[i].opens, t->shifts[i].ends);
    for (unsigned i = 0; i < t->release_count; i++)
        window_json(out, plan, t->releases[i].name, t->releases[i].at, t->releases[i].at);
    jo_close(out, ']');
    jo_open(out, "ready", '{');
    for (unsigned i = 0; i < plan->service_count; i++)
        jo_i64(out, arena_str(plan->arena, plan->services[i].name).p, plan->services[i].ready);
    jo_close(out, '}');
}

static void money_json(struct out *out, const struct plan *plan)
{
    jo_open(out, "money", '{');
    jo_str(out, "currency", plan->opts->prices->currency);
    jo_str(out, "as_of", plan->opts->prices->as_of);
    sum_json(out, "standing_a_month", plan->standing_micros);
    sum_json(out, "for_the_shifts", plan->shift_micros);
    sum_json(out, "for_the_shifts_as_the_spec_is", plan->spec_shift_micros);
    jo_i64(out, "hours_ready", plan->shift_hours);
    jo_open(out, "lines", '[');
    for (unsigned i = 0; i < plan->money_count; i++) {
        jo_open(out, NULL, '{');
        jo_str(out, "what", plan->money[i].what);
        sum_json(out, "an_hour", plan->money[i].micros_per_hour);
        jo_i64(out, "hours", plan->money[i].hours);
        sum_json(out, "a_month", plan->money[i].micros);
        jo_str(out, "reason", plan->money[i].reason);
        jo_close(out, '}');
    }
    jo_close(out, ']');
    jo_close(out, '}');
}

static void quotas_json(struct out *out, const struct plan *plan)
{
    jo_open(out, "quotas", '[');
    for (unsigned i = 0; i < plan->quota_count; i++) {
        jo_open(out, NULL, '{');
        jo_z(out, "code", plan->quotas[i].code);
        jo_z(out, "name", plan->quotas[i].name);
        jo_i64(out, "need", plan->quotas[i].need);
        jo_close(out, '}');
    }
    jo_close(out, ']');
}

void plan_json(struct out *out, const struct plan *plan)
{
    jo_open(out, NULL, '{');
    jo_str(out, "environment", plan->opts->env->name);
    jo_i64(out, "candidates", plan->opts->timetable->candidates);
    jo_bool(out, "measured", plan->opts->measured != NULL);
    demand_json(out, plan);
    jo_open(out, "lines", '[');
    for (unsigned i = 0; i < plan->line_count; i++)
        line_json(out, &plan->lines[i]);
    jo_close(out, ']');
    jo_i64(out, "lacking", plan->lacking);
    jo_str(out, "tightest", plan->tightest ? plan->tightest->what : STR_NONE);
    if (plan->opts->env->cloud) {
        ready_json(out, plan);
        quotas_json(out, plan);
        money_json(out, plan);
    }
    out_z(out, "}\n");
}
