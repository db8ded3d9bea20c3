/* report_test.c - the report of a rehearsal whose every figure is known. */
#include "codec/json.h"
#include "rehearsal/report_file.h"
#include "tests/test.h"
#include "tests/unit/xml_check.h"

#include <stdio.h>

#define SECOND 1000000LL

static struct outcome outcome;
static struct series series;
static struct usage usage;
static struct judgement judgement;
static struct report report;
static struct out page;

/* Sixty seconds, each with ten saves of 2 ms; the one after the kill has one of 900 ms. */
static void series_fill(struct board *total)
{
    series_begin(&series, 100 * SECOND);
    series_mark(&series, 105 * SECOND, "sitting");
    for (int s = 1; s <= 60; s++) {
        for (int i = 0; i < 10; i++)
            hist_record(&total->latency[ASK_SAVE], s == 31 && i == 5 ? 900000 : 2000);
        total->connected = 40;
        total->saves_acknowledged += 10;
        hist_record(&total->lag, 300);
        struct usage_sample used = { .cpu_us = 2 * SECOND, .idle_us = SECOND };
        used.part[USAGE_HALL] =
            (struct usage_part){ .count = 1, .cpu_us = SECOND / 4, .anonymous_bytes = 8 * MIB };
        series_take(&series, (100 + s) * SECOND, total, &used);
    }
}

static void begin(void)
{
    struct board *total = &outcome.total;
    memset(&outcome, 0, sizeof(outcome));
    outcome.candidates = 40;
    outcome.connected_peak = 40;
    outcome.seed = 77;
    outcome.scored = true;
    outcome.target = "https://hall.example";
    outcome.series = &series;
    outcome.usage = &usage;
    outcome.faults_planned = outcome.fault_count = 2;
    outcome.faults[0] = (struct fault){ FAULT_HALL, 130 * SECOND, 240000 };
    outcome.faults[1] = (struct fault){ FAULT_UPGRADE, 150 * SECOND, 1500000 };
    total->submitted = total->started = total->checked = 40;
    total->first_start_us = 101 * SECOND;
    total->last_started_us = 109 * SECOND;
    series_fill(total);
    for (int i = 0; i < 600; i++)
        hist_record(&total->calm[ASK_SAVE], 2000);
    report = (struct report){ .outcome = &outcome,
                              .judgement = &judgement,
                              .objectives = &objectives_default,
                              .version = "v1",
                              .command = "examhall rehearse --data 'R&D <hall>'",
                              .profile = "day",
                              .profile_meaning = "an exam day",
                              .began_at = 1795646239417,
                              .ended_at = 1795646353727 };
    report.machine = (struct this_machine){ "A <CPU>", "Linux", 2, 4 * GIB };
}

static void write_page(void)
{
    verdict_judge(&judgement, &outcome, &objectives_default);
    out_fini(&page);
    page = out_make(8 * MIB);
    report_html(&page, &report, STR("r.json"), STR("0123abcd"));
    CHECK(!page.failed);
    const char *wrong = xml_check(out_view(&page));
    if (wrong)
        test_failed(__FILE__, __LINE__, "not well-formed: %s", wrong);
}

TEST(report, says_the_verdict_each_fault_and_what_it_cost)
{
    begin();
    write_page();
    str html = out_view(&page);
    CHECK_HAS(html, STR("Passed: every objective was met"));
    CHECK_HAS(html, STR("kill -9 of the hall</th><td>0:30</td><td>240 ms</td><td>900 ms"));
    CHECK_HAS(html, STR("upgrade of all processes</th><td>0:50</td><td>1.5 s</td>"));
    CHECK_HAS(html, STR(">hall killed</text>"));
    CHECK_HAS(html, STR("0123abcd"));
    CHECK_HAS(html, STR("25 November 2026, 22:37:19 UTC"));
    CHECK_HAS(html, STR("<th scope=\"row\">Save an answer</th><td>600</td><td>2.0"));
    outcome.total.saves_lost = 3;
    write_page();
    html = out_view(&page);
    CHECK_HAS(html, STR("Failed: at least one objective was not met"));
    CHECK_HAS(html,
              STR("Acknowledged answers lost</th><td>0</td><td>3</td><td class=\"mark no\">"));
    CHECK_HAS(html, STR("3 acknowledged answers are not in the record"));
}

TEST(report, needs_nothing_but_itself)
{
    static const char *const loads[] = { "src=", "<link", "<script", "@import",
                                         "url(", "href=", "<iframe", "<img" };
    begin();
    write_page();
    for (size_t i = 0; i < COUNT(loads); i++)
        if (str_find_str(out_view(&page), str_z(loads[i])) >= 0)
            test_failed(__FILE__, __LINE__, "the page has %s", loads[i]);
}

TEST(report, shows_texts_from_outside_as_texts)
{
    begin();
    outcome.target = "https://\"><script>alert(1)</script>";
    outcome.total.example_count = 1;
    snprintf(outcome.total.examples[0], sizeof(outcome.total.examples[0]),
             "500 <img onerror=x> \xc3\x28");
    write_page();
    CHECK(str_find_str(out_view(&page), STR("<script")) < 0);
    CHECK(str_find_str(out_view(&page), STR("<img")) < 0);
    CHECK_HAS(out_view(&page), STR("A &lt;CPU&gt;"));
    CHECK_HAS(out_view(&page), STR("R&amp;D &lt;hall&gt;"));
}

TEST(report, of_a_run_that_never_began_is_a_page_too)
{
    begin();
    memset(&outcome.total, 0, sizeof(outcome.total));
    outcome.fault_count = outcome.faults_planned = 0;
    series_begin(&series, 0);
    write_page();
    CHECK_HAS(out_view(&page), STR("nothing was measured"));
    CHECK_HAS(out_view(&page), STR("None were injected"));
    CHECK_HAS(out_view(&page), STR("not one answer was acknowledged"));
}

static int64_t first_of(const struct json *over_time, const char *name)
{
    const struct json *list = json_get(over_time, str_z(name));
    int64_t n = -1;
    CHECK(list && list->count == 60 && str_i64(list->first->text, &n));
    return n;
}

TEST(report, as_data_has_every_series_beside_the_verdict)
{
    struct why why;
    struct json *json;
    struct arena arena = arena_make(8 * MIB);
    begin();
    verdict_judge(&judgement, &outcome, &objectives_default);
    out_fini(&page);
    page = out_make(8 * MIB);
    report_json(&page, &report);
    CHECK_OK(json_parse(&json, out_view(&page), &arena, &why));
    CHECK_HAS(out_view(&page), STR("\"verdict\":\"pass\""));
    CHECK_HAS(out_view(&page), STR("\"command\":\"examhall rehearse --data 'R&D <hall>'\""));
    CHECK_HAS(out_view(&page),
              STR("{\"fault\":\"hall\",\"at_s\":30.000,\"serving_again_ms\":240.000,"));
    const struct json *over_time = json_get(json, STR("series"));
    CHECK_EQ(first_of(over_time, "saves"), 10);
    CHECK_EQ(first_of(over_time, "connected"), 40);
    const struct json *latency = json_get(json_get(over_time, STR("latency_ms")), STR("save"));
    CHECK_EQ(first_of(latency, "p50"), 2);
    arena_fini(&arena);
}

TEST(report, is_written_beside_its_data_whose_digest_it_names)
{
    struct why why;
    char path[500], json[500];
    const char *dir = test_dir();
    begin();
    verdict_judge(&judgement, &outcome, &objectives_default);
    snprintf(path, sizeof(path), "%s/r.html", dir);
    snprintf(json, sizeof(json), "%s/r.json", dir);
    CHECK_OK(report_file_check(path, &why));
    CHECK_OK(report_file_write(&report, path, &why));
    FILE *file = fopen(json, "re");
    CHECK(file != NULL);
    fclose(file);
    CHECK_EQ(report_file_check(json, &why), FAIL_USAGE);
    snprintf(path, sizeof(path), "%s/no/such/folder.html", dir);
    CHECK_EQ(report_file_check(path, &why), FAIL_WORLD);
    CHECK_HAS(str_z(why.text), STR("cannot write the report to"));
}
