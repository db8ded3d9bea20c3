/* timetable.c - see timetable.h. */
#include "platform/timetable.h"

#include "codec/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MINUTE_MS        60000LL
#define RESULTS_AFTER_MS (120 * MINUTE_MS)
#define OPENS_BEFORE_MS  (30 * MINUTE_MS) /* when the spec says only when a shift starts */
#define MINUTES_DEFAULT  60               /* spec_schema.c */
#define SIGN_IN_PEAK     2                /* a triangle: its top is twice its average */

const struct habits habits_default = { 45, 60, 60, 60, 3 };

/* --- from the spec ------------------------------------------------------------------------------
 */

static void add_shift(struct timetable *to, const struct spec_exam *exam,
                      const struct spec_shift *shift, struct arena *arena)
{
    int64_t minutes = exam->minutes ? exam->minutes : MINUTES_DEFAULT;
    instant starts = shift->starts ? shift->starts : shift->opens;
    if (!starts) {
        to->untimed++;
        return;
    }
    instant opens = spec_shift_opens(shift);
    if (opens == starts) /* it opens with the bell: the load is as if they had come before */
        opens -= OPENS_BEFORE_MS;
    to->shifts[to->shift_count++] = (struct timetable_shift){
        .name = arena_fmt(arena, "%.*s/%.*s", STR_ARG(exam->name), STR_ARG(shift->name)),
        .opens = opens,
        .starts = starts,
        .ends = starts + minutes * MINUTE_MS,
        .candidates = shift->candidates,
    };
}

static int by_opening(const void *a, const void *b)
{
    const struct timetable_shift *x = a, *y = b;
    if (x->opens != y->opens)
        return x->opens < y->opens ? -1 : 1;
    size_t n = MIN(x->name.n, y->name.n);
    int order = memcmp(x->name.p, y->name.p, n);
    return order ? order : x->name.n < y->name.n ? -1 : 1;
}

static void add_exam(struct timetable *to, const struct spec_exam *exam, struct arena *arena)
{
    int64_t candidates = 0;
    for (unsigned s = 0; s < exam->shift_count; s++) {
        add_shift(to, exam, &exam->shifts[s], arena);
        candidates += exam->shifts[s].candidates;
    }
    if (exam->results)
        to->releases[to->release_count++] =
            (struct timetable_release){ exam->name, exam->results, candidates, true };
}

static void count_all(struct timetable *timetable)
{
    timetable->candidates = 0;
    for (unsigned i = 0; i < timetable->shift_count; i++)
        timetable->candidates += timetable->shifts[i].candidates;
}

fail timetable_make(struct timetable *timetable, const struct spec *spec, struct arena *arena,
                    struct why *why)
{
    size_t shifts = 1;
    for (unsigned e = 0; e < spec->exam_count; e++)
        shifts += spec->exams[e].shift_count;
    *timetable = (struct timetable){
        .shifts = arena_many(arena, struct timetable_shift, shifts),
        .releases = arena_many(arena, struct timetable_release, spec->exam_count + 1),
    };
    must(timetable->shifts && timetable->releases);
    for (unsigned e = 0; e < spec->exam_count; e++)
        add_exam(timetable, &spec->exams[e], arena);
    qsort(timetable->shifts, timetable->shift_count, sizeof(*timetable->shifts), by_opening);
    count_all(timetable);
    return timetable->shift_count
               ? FAIL_NONE
               : fail_set(why, FAIL_CONFLICT,
                          "the spec has no shift with a time, so there is no load to plan for; "
                          "write one such as {name: morning, opens: 2027-01-22 08:30, starts: "
                          "09:00, minutes: 180, candidates: 225000}");
}

void timetable_scale(struct timetable *timetable, int64_t candidates)
{
    int64_t before = timetable->candidates, given = 0, passed = 0;
    for (unsigned i = 0; i < timetable->shift_count; i++) {
        struct timetable_shift *shift = &timetable->shifts[i];
        passed += before ? shift->candidates : 1;
        int64_t of = before ? before : timetable->shift_count;
        int64_t upto = (int64_t)((__int128)candidates * passed / of);
        shift->candidates = upto - given;
        given = upto;
    }
    for (unsigned i = 0; i < timetable->release_count; i++) {
        struct timetable_release *release = &timetable->releases[i];
        int64_t scaled =
            before ? (int64_t)((__int128)candidates * release->candidates / before) : candidates;
        release->candidates = MIN(scaled, candidates); /* its exam may have had its shifts before */
    }
    count_all(timetable);
}

/* --- one day ------------------------------------------------------------------------------------
 */

/* Days in the spec's zone, as numbers that compare: 20270122. */
static int day_of(instant at)
{
    struct tm tm;
    time_t seconds = (time_t)(at / 1000);
    localtime_r(&seconds, &tm); /* spec.c has set the zone */
    return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}

static int busiest_day(const struct timetable *timetable)
{
    int best = 0;
    int64_t most = -1;
    for (unsigned i = 0; i < timetable->shift_count; i++) {
        int day = day_of(timetable->shifts[i].opens);
        int64_t candidates = 0;
        for (unsigned j = 0; j < timetable->shift_count; j++)
            if (day_of(timetable->shifts[j].opens) == day)
                candidates += timetable->shifts[j].candidates;
        if (candidates > most) {
            most = candidates;
            best = day;
        }
    }
    return best;
}

static void unannounced_release(struct timetable *timetable)
{
    instant last = 0;
    for (unsigned i = 0; i < timetable->shift_count; i++)
        last = MAX(last, timetable->shifts[i].ends);
    timetable->releases[timetable->release_count++] =
        (struct timetable_release){ STR("results"), last + RESULTS_AFTER_MS, timetable->candidates,
                                    false };
}

fail timetable_day(struct timetable *timetable, const char *day, struct why *why)
{
    int wanted = busiest_day(timetable), year, month, of_month;
    char end;
    unsigned shifts = 0, releases = 0;
    if (day) {
        if (strlen(day) != 10 || sscanf(day, "%4d-%2d-%2d%c", &year, &month, &of_month, &end) != 3)
            return fail_set(why, FAIL_USAGE, "\"%.40s\" is no day; write one such as 2027-01-22",
                            day);
        wanted = year * 10000 + month * 100 + of_month;
    }
    for (unsigned i = 0; i < timetable->shift_count; i++)
        if (day_of(timetable->shifts[i].opens) == wanted)
            timetable->shifts[shifts++] = timetable->shifts[i];
    for (unsigned i = 0; i < timetable->release_count; i++)
        if (day_of(timetable->releases[i].at) == wanted)
            timetable->releases[releases++] = timetable->releases[i];
    timetable->shift_count = shifts;
    timetable->release_count = releases;
    count_all(timetable);
    if (!shifts && !releases)
        return fail_set(why, FAIL_MISSING, "the timetable has nothing on %s", day);
    if (!releases)
        unannounced_release(timetable);
    return FAIL_NONE;
}

/* 22 January 2027, in the spec's zone. */
static instant sample_at(int hour)
{
    struct tm tm = { .tm_year = 127, .tm_mday = 22, .tm_hour = hour, .tm_isdst = -1 };
    return (instant)mktime(&tm) * 1000;
}

void timetable_sample(struct timetable *timetable, struct arena *arena)
{
    instant starts = sample_at(9);
    *timetable = (struct timetable){ .shifts = arena_new(arena, struct timetable_shift),
                                     .releases = arena_new(arena, struct timetable_release),
                                     .shift_count = 1 };
    must(timetable->shifts && timetable->releases);
    timetable->shifts[0] = (struct timetable_shift){ .name = STR("sample/morning"),
                                                     .opens = starts - OPENS_BEFORE_MS,
                                                     .starts = starts,
                                                     .ends = starts + 180 * MINUTE_MS };
}

void timetable_registration(struct timetable *timetable, int64_t candidates, struct arena *arena)
{
    timetable_sample(timetable, arena);
    instant opens = sample_at(0);
    timetable->registration = true;
    timetable->shifts[0] = (struct timetable_shift){
        .name = STR("registration"),
        .opens = opens,
        .starts = opens,
        .ends = sample_at(24) + REGISTRATION_FORM_S * 1000LL,
        .candidates = candidates,
    };
    count_all(timetable);
}

/* --- a roster -----------------------------------------------------------------------------------
 */

static int column(const struct csv_row *head, str name)
{
    for (unsigned i = 0; i < head->count; i++)
        if (str_eq_nocase(str_trim(head->fields[i]), name))
            return (int)i;
    return -1;
}

static str field(const struct csv_row *row, int at)
{
    return at >= 0 && (unsigned)at < row->count ? str_trim(row->fields[at]) : STR("");
}

/* A shift is named "morning" or "paper-1/morning"; with an exam beside it, or without. */
static bool is_of(const struct timetable_shift *shift, str exam, str name)
{
    str rest = shift->name, first = str_cut(&rest, '/');
    if (str_eq(shift->name, name))
        return true;
    return str_eq(rest, name) && (!exam.n || str_eq(first, exam));
}

static void count_row(const struct timetable *timetable, int64_t *counts, str exam, str name,
                      int64_t *strangers)
{
    for (unsigned i = 0; i < timetable->shift_count; i++)
        if (is_of(&timetable->shifts[i], exam, name)) {
            counts[i]++;
            return;
        }
    ++*strangers;
}

fail timetable_roster(struct timetable *timetable, str text, struct arena *arena,
                      int64_t *strangers, struct why *why)
{
    struct csv csv;
    struct csv_row row;
    struct arena rows = arena_make(MIB);
    int64_t *counts = arena_many(arena, int64_t, timetable->shift_count);
    must(counts);
    csv_init(&csv, text);
    *strangers = 0;
    fail f = csv_more(&csv) ? csv_read(&csv, &row, &rows, why)
                            : fail_set(why, FAIL_INPUT, "it is empty");
    int shift = f ? -1 : column(&row, STR("shift")), exam = f ? -1 : column(&row, STR("exam"));
    if (!f && shift < 0)
        f = fail_set(why, FAIL_INPUT,
                     "it has no column \"shift\"; a roster is what `roster export` writes");
    while (!f && csv_more(&csv)) {
        f = csv_read(&csv, &row, &rows, why);
        if (!f)
            count_row(timetable, counts, field(&row, exam), field(&row, shift), strangers);
        arena_reset(&rows);
    }
    for (unsigned i = 0; i < timetable->shift_count && !f; i++)
        timetable->shifts[i].candidates = MAX(timetable->shifts[i].candidates, counts[i]);
    count_all(timetable);
    arena_fini(&rows);
    return f;
}

/* --- peaks --------------------------------------------------------------------------------------
 */

struct span { /* a constant rate from one instant to another */
    instant from, to;
    enum asked kind;
    double per_s;
};

static void span_add(struct span *spans, size_t *n, enum asked kind, instant from, instant to,
                     double per_s)
{
    if (to > from && per_s > 0)
        spans[(*n)++] = (struct span){ from, to, kind, per_s };
}

static size_t spans_make(struct span *spans, const struct timetable *timetable,
                         const struct habits *h)
{
    size_t n = 0;
    for (unsigned i = 0; i < timetable->shift_count; i++) {
        const struct timetable_shift *s = &timetable->shifts[i];
        double all = (double)s->candidates, come_s = (double)(s->starts - s->opens) / 1000;
        span_add(spans, &n, ASKED_sign_in, s->opens, s->starts, SIGN_IN_PEAK * all / come_s);
        span_add(spans, &n, ASKED_start, s->starts, s->starts + h->start_within_s * 1000,
                 all / (double)h->start_within_s);
        span_add(spans, &n, ASKED_save, s->starts, s->ends, all / (double)h->save_every_s);
        span_add(spans, &n, ASKED_submit, s->ends - h->submit_within_s * 1000, s->ends,
                 all / (double)h->submit_within_s);
    }
    for (unsigned i = 0; i < timetable->release_count; i++) {
        const struct timetable_release *r = &timetable->releases[i];
        span_add(spans, &n, ASKED_result, r->at, r->at + h->result_within_s * 1000,
                 (double)r->candidates * (double)h->results_each / (double)h->result_within_s);
    }
    return n;
}

static void rates_at(const struct span *spans, size_t n, instant at, double per_s[ASKED_KINDS])
{
    memset(per_s, 0, ASKED_KINDS * sizeof(per_s[0]));
    for (size_t i = 0; i < n; i++)
        if (spans[i].from <= at && at < spans[i].to)
            per_s[spans[i].kind] += spans[i].per_s;
}

void timetable_peak(const struct timetable *timetable, const struct habits *habits,
                    const double weight[ASKED_KINDS], struct timetable_peak *peak)
{
    size_t most = 4 * (size_t)timetable->shift_count + timetable->release_count;
    struct span *spans = calloc(most + 1, sizeof(*spans));
    must(spans);
    size_t n = spans_make(spans, timetable, habits);
    *peak = (struct timetable_peak){ 0 };
    for (size_t i = 0; i < n; i++) { /* a sum can only rise where a span begins */
        double per_s[ASKED_KINDS], sum = 0;
        if (weight[spans[i].kind] <= 0)
            continue;
        rates_at(spans, n, spans[i].from, per_s);
        for (int kind = 0; kind < ASKED_KINDS; kind++)
            sum += weight[kind] * per_s[kind];
        if (sum > peak->sum) {
            *peak = (struct timetable_peak){ .at = spans[i].from, .sum = sum };
            memcpy(peak->per_s, per_s, sizeof(per_s));
        }
    }
    free(spans);
}

int64_t timetable_present(const struct timetable *timetable)
{
    int64_t most = 0;
    for (unsigned i = 0; i < timetable->shift_count; i++) {
        int64_t here = 0;
        instant at = timetable->shifts[i].opens;
        for (unsigned j = 0; j < timetable->shift_count; j++)
            if (timetable->shifts[j].opens <= at && at < timetable->shifts[j].ends)
                here += timetable->shifts[j].candidates;
        most = MAX(most, here);
    }
    return most;
}

double timetable_saves(const struct timetable *timetable, const struct habits *habits)
{
    double saves = 0;
    for (unsigned i = 0; i < timetable->shift_count; i++) {
        const struct timetable_shift *s = &timetable->shifts[i];
        saves += (double)s->candidates * (double)(s->ends - s->starts) / 1000 /
                 (double)habits->save_every_s;
    }
    return saves;
}
