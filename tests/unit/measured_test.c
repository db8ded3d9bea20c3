/* measured_test.c - the capacity file: it is read exactly as it was written and not otherwise, and
 * the costs in it are those that a run really had. */
#include "platform/measured.h"
#include "rehearsal/measure.h"
#include "tests/test.h"

#include <stdlib.h>

#define NOW    1795000000000LL
#define SECOND 1000000LL

static struct arena arena;
static struct why why;

static const struct measured example = {
    .made_at = NOW,
    .version = { "abc123", 6 },
    .sha256 = { "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", 64 },
    .cpu = { "A \"quick\" one", 13 },
    .cores = 2,
    .memory_bytes = 1LL << 34,
    .tls = true,
    .candidates = 5000,
    .requests_per_s = 1200,
    .saves_per_s = 1000,
    .cost = { { 500000, 40000 },
              { 60000, 50000 },
              { 40000, 20000 },
              { 41000, 21000 },
              { 30000, 35000 } },
    .gateway_bytes = 14000,
    .socket_bytes = 4100,
    .hall_bytes = 1195,
};

static str written(const struct measured *measured)
{
    struct out out = out_make(MEASURED_BYTES_MAX);
    measured_write(&out, measured);
    str text = arena_str(&arena, out_view(&out));
    out_fini(&out);
    CHECK(text.p);
    return text;
}

static fail parse(str text, struct measured *to)
{
    memset(to, 0, sizeof(*to));
    return measured_parse(to, text, NOW, &arena, &why);
}

static str replaced(str text, const char *what, const char *by)
{
    struct out out = out_make(MEASURED_BYTES_MAX);
    ptrdiff_t at = str_find_str(text, str_z(what));
    CHECK(at >= 0);
    out_str(&out, str_first(text, (size_t)at));
    out_z(&out, by);
    out_str(&out, str_from(text, (size_t)at + strlen(what)));
    str result = arena_str(&arena, out_view(&out));
    out_fini(&out);
    return result;
}

TEST(measured, what_was_written_is_read_again)
{
    struct measured got;
    arena = arena_make(MIB);
    str text = written(&example);
    CHECK_OK(parse(text, &got));
    CHECK_STR(written(&got), text);
    CHECK_STR(got.cpu, example.cpu);
    CHECK_EQ(got.cost[ASKED_result].hall, 35000);
    arena_fini(&arena);
}

TEST(measured, a_file_that_is_cut_off_anywhere_is_refused)
{
    struct measured got;
    arena = arena_make(8 * MIB);
    str text = written(&example);
    for (size_t n = 0; n < text.n - 1; n++) /* but for the line's end */
        CHECK_EQ(parse(str_first(text, n), &got), FAIL_INPUT);
    arena_fini(&arena);
}

TEST(measured, each_wrong_file_is_refused_with_its_reason)
{
    static const struct {
        const char *what, *by, *reason;
    } rows[] = {
        { "examhall-capacity-1", "examhall-capacity-2", "kind is \"examhall-capacity-2\"" },
        { "\"made_at\":1795000000000", "\"made_at\":1795900000000", "in the future" },
        { "\"tls\":true", "\"tls\":1", "run: " },
        { "\"tls\":true,", "", "\"tls\" is missing" },
        { "\"cores\":2", "\"cores\":0", "machine: The member \"cores\" must be a whole number" },
        { "\"cores\":2", "\"cores\":2,\"sockets\":1", "no member \"sockets\"" },
        { "\"sign_in\":{\"gateway\":500000,\"hall\":40000}",
          "\"sign_in\":{\"gateway\":0,\"hall\":0}",
          "cpu_ns.sign_in: A request cannot cost nothing" },
        { "\"sign_in\":{\"gateway\":500000,\"hall\":40000},", "", "\"sign_in\" is missing" },
        { "\"hall\":1195", "\"hall\":-1", "memory_bytes: " },
        { "0123456789abcdef", "0123456789ABCDEF", "64 hexadecimal digits" },
        { "\"held\":{", "\"held\":[", "" },
    };
    struct measured got;
    arena = arena_make(4 * MIB);
    str text = written(&example);
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_EQ(parse(replaced(text, rows[i].what, rows[i].by), &got), FAIL_INPUT);
        if (rows[i].by[0] != '\0' || rows[i].reason[0] != '\0')
            CHECK_HAS(str_z(why.text), str_z(rows[i].reason));
    }
    arena_fini(&arena);
}

/* --- the costs ----------------------------------------------------------------------------------
 */

static struct series series;
static struct usage usage;
static struct crew crew;

/* A run of 150 seconds as the profile stampede has it, with costs that the test knows. */
static struct outcome run_of(int64_t sign_in_us, int64_t save_us)
{
    memset(&series, 0, sizeof(series));
    for (int64_t t = 0; t < 150; t++) {
        struct point *p = &series.points[series.count++];
        p->from_us = t * SECOND;
        p->to_us = p->from_us + SECOND;
        p->ask[ASK_SIGN_IN].count = t < 30 ? 100 : 0;
        p->ask[ASK_LOOK].count = t < 30 ? 20 + (uint64_t)t : 0;
        p->ask[ASK_START].count = t >= 30 && t < 40 ? 300 : 0;
        p->ask[ASK_SAVE].count = t >= 35 && t < 120 ? 500 + (uint64_t)t : 0;
        p->ask[ASK_SUBMIT].count = t >= 110 && t < 120 ? 300 : 0;
        p->ask[ASK_SHEET].count = t >= 130 ? 150 : 0;
        p->ask[ASK_SAVE].p99_us = 4000;
        p->saves = p->ask[ASK_SAVE].count;
        p->requests = p->saves + p->ask[ASK_SIGN_IN].count;
        int64_t saves = (int64_t)(p->saves + p->ask[ASK_LOOK].count);
        struct usage_part *gateway = &p->usage.part[USAGE_GATEWAY],
                          *hall = &p->usage.part[USAGE_HALL];
        gateway->cpu_us = (int64_t)p->ask[ASK_SIGN_IN].count * sign_in_us + saves * 40 +
                          (int64_t)p->ask[ASK_START].count * 60 +
                          (int64_t)p->ask[ASK_SUBMIT].count * 45 +
                          (int64_t)p->ask[ASK_SHEET].count * 20;
        hall->cpu_us = (int64_t)p->ask[ASK_SIGN_IN].count * 30 + saves * save_us +
                       (int64_t)p->ask[ASK_START].count * 90 +
                       (int64_t)p->ask[ASK_SUBMIT].count * 50 +
                       (int64_t)p->ask[ASK_SHEET].count * 35;
        gateway->anonymous_bytes = (uint64_t)(1000000 + 14000 * 30 * MIN(t, 100));
        hall->anonymous_bytes = (uint64_t)(5000000 + 1200 * 30 * MIN(t, 100));
    }
    return (struct outcome){ .candidates = 3000,
                             .connected_peak = 3000,
                             .series = &series,
                             .usage = &usage,
                             .crew = &crew };
}

TEST(measured, costs_are_those_that_the_run_had)
{
    struct measured got = { 0 };
    struct outcome outcome = run_of(480, 17);
    CHECK_OK(measure_take(&got, &outcome, &objectives_default, &why));
    CHECK_EQ(got.cost[ASKED_sign_in].gateway, 480000);
    CHECK_EQ(got.cost[ASKED_sign_in].hall, 30000);
    CHECK_EQ(got.cost[ASKED_start].hall, 90000);
    CHECK_EQ(got.cost[ASKED_save].gateway, 40000);
    CHECK_EQ(got.cost[ASKED_save].hall, 17000);
    CHECK_EQ(got.cost[ASKED_submit].hall, 50000);
    CHECK_EQ(got.cost[ASKED_result].gateway, 20000);
    CHECK_EQ(got.gateway_bytes, 14000);
    CHECK_EQ(got.hall_bytes, 1200);
    CHECK_EQ(got.saves_per_s, 614); /* the last ten seconds of saves: 610 to 619 */
}

TEST(measured, a_run_outside_the_objectives_measures_nothing)
{
    struct measured got = { 0 };
    struct outcome outcome = run_of(480, 17);
    for (unsigned i = 0; i < series.count; i += 5)
        series.points[i].ask[ASK_SAVE].p99_us = 300000;
    CHECK_EQ(measure_take(&got, &outcome, &objectives_default, &why), FAIL_CONFLICT);
    CHECK_HAS(str_z(why.text), STR("never within the objectives"));
}

TEST(measured, what_nobody_asked_for_has_no_cost)
{
    struct measured got = { 0 };
    struct outcome outcome = run_of(480, 17);
    for (unsigned i = 0; i < series.count; i++)
        series.points[i].ask[ASK_SUBMIT].count = 0;
    CHECK_EQ(measure_take(&got, &outcome, &objectives_default, &why), FAIL_CONFLICT);
    CHECK_HAS(str_z(why.text), STR("the cost of a submit cannot be told"));
}
