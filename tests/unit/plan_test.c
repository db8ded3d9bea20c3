/* plan_test.c - the plan: peaks of a timetable, replicas by hand reckoning, prices that are read
 * strictly, and a spec in which only what was planned changes. */
#include "codec/json.h"
#include "platform/plan.h"
#include "tests/test.h"

#include <stdlib.h>

#define NOW 1795000000000LL

static struct arena arena;
static struct why why;
static struct spec spec;
static struct env env;
static struct prices prices;
static struct timetable timetable;
static struct plan plan;

static const char text[] =
    "hall: nee-2027\n"
    "domain: exam.example.org\n"
    "time_zone: UTC\n"
    "exams:\n"
    "  - name: paper-1\n"
    "    results: 2027-02-10 10:00\n"
    "    shifts:\n"
    "      - {name: morning, opens: 2027-01-22 08:30, starts: 09:00, minutes: 180, candidates: "
    "180000}\n"
    "  - name: paper-2\n"
    "    shifts:\n"
    "      - {name: morning, opens: 2027-01-22 08:30, starts: 09:00, minutes: 60, candidates: "
    "90000}\n"
    "environments:\n"
    "  local: {on: machine}\n"
    "  prod: {on: aws, account: \"111122223333\", region: ap-south-1, size: exam, layout: "
    "each}\n"
    "  one: {on: aws, domain: one.example.org, account: \"111122223333\", region: ap-south-1, "
    "size: exam}\n"
    "  block:\n"
    "    on: aws\n"
    "    account: \"111122223333\"\n"
    "    region: ap-south-1\n"
    "    layout: each\n"
    "    services: {answers: {settings: {grace_s: 9}}}\n";

static const struct measured measured = {
    .cost = { { 500000, 100000 },
              { 60000, 50000 },
              { 40000, 20000 },
              { 40000, 25000 },
              { 20000, 40000 } },
    .gateway_bytes = 14000,
    .socket_bytes = 4000,
    .hall_bytes = 1200,
};

static void load(const char *name)
{
    arena = arena_make(64 * MIB);
    CHECK_OK(spec_parse(&spec, "hall.yaml", str_z(text), &arena, &why));
    CHECK_OK(env_open(&env, &spec, str_z(name), &arena, &why));
    CHECK_OK(timetable_make(&timetable, &spec, &arena, &why));
    CHECK_OK(prices_parse(&prices, prices_packed(), NOW, &arena, &why));
}

static void make(const struct measured *m)
{
    static struct plan_opts opts;
    opts = (struct plan_opts){ .env = &env,
                               .measured = m,
                               .prices = &prices,
                               .timetable = &timetable,
                               .habits = &habits_default };
    CHECK_OK(plan_make(&plan, &opts, &arena, &why));
}

static const struct plan_line *line(const char *what)
{
    for (unsigned i = 0; i < plan.line_count; i++)
        if (str_eq(plan.lines[i].what, str_z(what)))
            return &plan.lines[i];
    test_failed(__FILE__, __LINE__, "no line %s", what);
}

/* --- timetable ----------------------------------------------------------------------------------
 */

TEST(plan, peaks_of_shifts_at_the_same_time_add_up)
{
    load("prod");
    static const double saves[ASKED_KINDS] = { [ASKED_save] = 1 };
    static const double submits[ASKED_KINDS] = { [ASKED_submit] = 1 };
    static const double answers[ASKED_KINDS] = { [ASKED_save] = 1, [ASKED_submit] = 1 };
    struct timetable_peak peak;
    timetable_peak(&timetable, &habits_default, saves, &peak);
    CHECK_EQ(peak.sum, 6000); /* 270,000 / 45 s */
    timetable_peak(&timetable, &habits_default, submits, &peak);
    CHECK_EQ(peak.sum, 3000); /* 180,000 / 60 s: paper-2 is over by then */
    timetable_peak(&timetable, &habits_default, answers, &peak);
    CHECK_EQ(peak.sum, 7500); /* 6,000 and 90,000 / 60 s at the end of paper-2 */
    CHECK_EQ(peak.at, timetable.shifts[1].ends - 60000);
    CHECK_EQ(timetable_present(&timetable), 270000);
    arena_fini(&arena);
}

TEST(plan, a_roster_counts_where_it_is_larger)
{
    load("prod");
    int64_t strangers;
    timetable.shifts[1].candidates = 1;
    CHECK_OK(timetable_roster(&timetable,
                              STR("roll,exam,shift\n1,paper-2,morning\n2,paper-2,morning\n"
                                  "3,,paper-1/morning\n4,paper-1,night\n"),
                              &arena, &strangers, &why));
    CHECK_EQ(timetable.shifts[0].candidates, 180000);
    CHECK_EQ(timetable.shifts[1].candidates, 2);
    CHECK_EQ(strangers, 1);
    CHECK_EQ(timetable_roster(&timetable, STR("roll,name\n1,A\n"), &arena, &strangers, &why),
             FAIL_INPUT);
    arena_fini(&arena);
}

TEST(plan, a_timetable_can_be_scaled_and_keeps_every_candidate)
{
    load("prod");
    timetable_scale(&timetable, 10000001);
    CHECK_EQ(timetable.candidates, 10000001);
    CHECK_EQ(timetable.shifts[0].candidates + timetable.shifts[1].candidates, 10000001);
    CHECK(timetable.shifts[0].candidates >= 6666666);
    arena_fini(&arena);
}

TEST(plan, a_small_day_that_publishes_a_large_exam_is_scaled_to_no_more_than_was_asked_for)
{
    struct timetable_shift shift = { .candidates = 100 };
    struct timetable_release release = { .candidates = 450000, .announced = true };
    struct timetable day = { .shifts = &shift,
                             .releases = &release,
                             .shift_count = 1,
                             .release_count = 1,
                             .candidates = 100 };
    timetable_scale(&day, 1000000);
    CHECK_EQ(shift.candidates, 1000000);
    CHECK_EQ(release.candidates, 1000000);
}

/* --- the plan -----------------------------------------------------------------------------------
 */

TEST(plan, replicas_are_those_of_a_reckoning_by_hand)
{
    load("prod");
    make(&measured);
    /* 180,000 x 3 / 60 s = 9,000 results/s x 40 us = 0.36 cores, over 0.5 x 60 % = 1.2 */
    CHECK_EQ(line("replicas of results")->need, 2);
    /* at 09:00 4,500 starts/s x 50 us = 0.225 over 0.3: one, but four always run */
    CHECK_EQ(line("replicas of delivery")->need, 4);
    CHECK_STR(str_z(line("replicas of delivery")->binding), STR("the least that always run"));
    /* 270,000 connections x 18,000 bytes over 80 % of 1 GiB */
    CHECK_EQ(line("replicas of gateway")->need, 6);
    CHECK_HAS(line("replicas of gateway")->reason, STR("= 6; always 6"));
    /* 270,000 x 1,200 bytes / 80 % = 387 MiB */
    CHECK_EQ(line("MiB of a pod of answers")->need, 387);
    CHECK_EQ(plan.lacking, 0);
    CHECK_STR(line("database class, GiB of memory")->need_text, STR("db.t4g.medium"));
    arena_fini(&arena);
}

TEST(plan, ten_times_the_candidates_need_more_and_the_plan_says_what_is_lacking)
{
    load("prod");
    timetable_scale(&timetable, 10000000);
    make(&measured);
    CHECK(plan.lacking >= 5);
    CHECK(line("replicas of gateway")->need > 40);
    CHECK_STR(str_z(line("replicas of gateway")->binding), STR("memory of connections"));
    CHECK_STR(str_z(line("replicas of answers")->binding), STR("processor"));
    arena_fini(&arena);
}

TEST(plan, without_a_capacity_file_nothing_is_made_up)
{
    load("prod");
    make(NULL);
    CHECK_EQ(line("replicas of answers")->need, PLAN_UNKNOWN);
    CHECK_EQ(line("database class, GiB of memory")->need, PLAN_UNKNOWN);
    struct out out = out_make(MIB);
    plan_text(&out, &plan);
    CHECK_HAS(out_view(&out), STR("Nothing was measured"));
    out_fini(&out);
    str result;
    CHECK_EQ(plan_into_spec(&plan, &result, &why), FAIL_CONFLICT);
    arena_fini(&arena);
}

TEST(plan, money_is_the_sum_of_its_lines_and_hours_count_once)
{
    int64_t standing = 0, shifts = 0;
    load("prod");
    make(&measured);
    for (unsigned i = 0; i < plan.money_count; i++) {
        const struct plan_money *money = &plan.money[i];
        CHECK_EQ(money->micros, money->micros_per_hour * money->hours);
        *(money->standing ? &standing : &shifts) += money->micros;
    }
    CHECK_EQ(standing, plan.standing_micros);
    CHECK_EQ(shifts, plan.shift_micros);
    CHECK_EQ(plan.shift_hours, 7); /* 07:30 to 12:30 for both shifts; 09:00 to 10:30 */
    arena_fini(&arena);
}

TEST(plan, json_is_json)
{
    struct json *root;
    struct out out = out_make(MIB);
    load("prod");
    make(&measured);
    plan_json(&out, &plan);
    CHECK_OK(json_parse(&root, out_view(&out), &arena, &why));
    out_clear(&out);
    CHECK_OK(env_open(&env, &spec, STR("local"), &arena, &why));
    make(&measured);
    plan_json(&out, &plan);
    CHECK_OK(json_parse(&root, out_view(&out), &arena, &why));
    CHECK_EQ(line("cores")->need, 2);
    out_fini(&out);
    arena_fini(&arena);
}

/* --- into the spec ------------------------------------------------------------------------------
 */

TEST(plan, is_written_into_one_line_and_again_without_a_change)
{
    str once, twice;
    load("prod");
    make(&measured);
    CHECK_OK(plan_into_spec(&plan, &once, &why));
    CHECK_HAS(once, STR("layout: each, services: {gateway: {replicas: {from: 6, to: 7}}, "));
    CHECK_OK(spec_parse(&spec, "hall.yaml", once, &arena, &why));
    CHECK_OK(env_open(&env, &spec, STR("prod"), &arena, &why));
    make(&measured);
    CHECK_OK(plan_into_spec(&plan, &twice, &why));
    CHECK_STR(once, twice);
    timetable_scale(&timetable, 2000000); /* another plan replaces it */
    make(&measured);
    CHECK_OK(plan_into_spec(&plan, &twice, &why));
    CHECK_HAS(twice, STR("services: {gateway: {replicas: {from: 6, to: 42}}, "));
    CHECK(str_find_str(twice, STR("to: 7}}")) < 0);
    arena_fini(&arena);
}

TEST(plan, does_not_undo_what_people_wrote)
{
    str result = STR_NONE;
    load("block");
    make(&measured);
    CHECK_EQ(plan_into_spec(&plan, &result, &why), FAIL_CONFLICT);
    CHECK_HAS(str_z(why.text), STR("line 16: the environment block has settings of its own"));
    CHECK_HAS(str_z(why.text), STR("services: {"));
    arena_fini(&arena);
}

TEST(plan, one_hall_needs_processors_and_memory_instead_of_replicas)
{
    str result;
    load("one");
    timetable_scale(&timetable, 3000000);
    make(&measured);
    /* at 09:00 50,000 starts/s x 50 us and 66,667 saves/s x 20 us; at the end of paper-2 more */
    const struct plan_line *cpu = line("thousandths of a processor of the hall");
    CHECK(cpu->need > 4000 && cpu->need % 250 == 0 && cpu->now == 2000);
    CHECK(line("thousandths of a core for the hall's loop")->need > 1000);
    CHECK_EQ(plan.lacking, plan.writable + 1);
    CHECK_OK(plan_into_spec(&plan, &result, &why));
    CHECK_HAS(result, STR("hall: {cpu: "));
    CHECK(str_find_str(result, STR("hall: {replicas")) < 0);
    arena_fini(&arena);
}

TEST(plan, a_block_gets_one_line_more)
{
    str result;
    load("block");
    str without = arena_fmt(&arena, "%.*s", (int)(strstr(text, "    services:") - text), text);
    CHECK_OK(spec_parse(&spec, "hall.yaml", without, &arena, &why));
    CHECK_OK(env_open(&env, &spec, STR("block"), &arena, &why));
    make(&measured);
    CHECK_OK(plan_into_spec(&plan, &result, &why));
    CHECK_HAS(result, STR("  block:\n    services: {gateway: "));
    CHECK_HAS(result, STR("\n    on: aws\n"));
    arena_fini(&arena);
}

/* --- prices -------------------------------------------------------------------------------------
 */

static str swapped(const char *what, const char *by)
{
    str list = prices_packed();
    ptrdiff_t at = str_find_str(list, str_z(what));
    CHECK(at >= 0);
    return arena_fmt(&arena, "%.*s%s%.*s", (int)at, list.p, by,
                     STR_ARG(str_from(list, (size_t)at + strlen(what))));
}

TEST(plan, prices_are_read_strictly)
{
    static const struct {
        const char *what, *by, *reason;
    } rows[] = {
        { "\"as_of\": \"2025-06-30\"", "\"as_of\": \"2031-01-01\"", "in the future" },
        { "\"as_of\": \"2025-06-30\"", "\"as_of\": \"2025-02-30\"", "a day such as" },
        { "\"cluster\": \"0.10\", ", "", "\"cluster\" is missing" },
        { "\"0.045\"", "\"-1\"", "must be an amount" },
        { "\"0.045\"", "0.045", "must be text" },
        { "\"vcpu\": 2, ", "", "nodes, the 1. entry: The member \"vcpu\" is missing" },
        { "\"spot_percent\": 40", "\"spot_percent\": 140", "from 1 to 100" },
        { "\"currency\": \"USD\",", "\"currency\": \"USD\", \"tax\": 18,", "no member \"tax\"" },
    };
    load("prod");
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_EQ(prices_parse(&prices, swapped(rows[i].what, rows[i].by), NOW, &arena, &why),
                 FAIL_INPUT);
        CHECK_HAS(str_z(why.text), str_z(rows[i].reason));
    }
    arena_fini(&arena);
}

TEST(plan, a_machine_or_a_region_without_a_price_is_named)
{
    static struct plan_opts opts;
    load("prod");
    opts = (struct plan_opts){
        .env = &env, .prices = &prices, .timetable = &timetable, .habits = &habits_default
    };
    CHECK_OK(prices_parse(&prices, swapped("c7i.2xlarge", "c7i.3xlarge"), NOW, &arena, &why));
    CHECK_EQ(plan_make(&plan, &opts, &arena, &why), FAIL_MISSING);
    CHECK_HAS(str_z(why.text), STR("has no c7i.2xlarge; add it to \"nodes\""));
    CHECK_OK(prices_parse(&prices, swapped("ap-south-1\"", "ap-north-1\""), NOW, &arena, &why));
    CHECK_EQ(plan_make(&plan, &opts, &arena, &why), FAIL_MISSING);
    CHECK_HAS(str_z(why.text), STR("says nothing of ap-south-1"));
    arena_fini(&arena);
}
