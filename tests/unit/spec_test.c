/* spec_test.c - the spec: what is right is read whole, what is wrong is said with line and remedy.
 */
#include "base/out.h"
#include "platform/spec.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

static struct arena arena;
static struct why why;

static fail parse(struct spec *spec, const char *text)
{
    arena_fini(&arena);
    arena = arena_make(16 * MIB);
    memset(&why, 0, sizeof(why));
    return spec_parse(spec, "hall.yaml", str_z(text), &arena, &why);
}

TEST(spec, one_line_is_a_hall)
{
    struct spec spec;
    CHECK_OK(parse(&spec, "hall: nee-2027"));
    CHECK_STR(spec.hall, STR("nee-2027"));
    CHECK_STR(spec.time_zone, STR("UTC"));
    CHECK_EQ(spec.exam_count, 0);
    arena_fini(&arena);
}

TEST(spec, the_example_of_the_design_is_read_with_its_time_zone)
{
    struct spec spec;
    CHECK_OK(parse(&spec,
                   "hall: nee-2027\n"
                   "title: National Engineering Entrance 2027\n"
                   "domain: exam.example.org\n"
                   "time_zone: Asia/Kolkata\n"
                   "exams:\n"
                   "  - name: paper-1\n"
                   "    languages: [en, hi]\n"
                   "    marks: {right: 4, wrong: -1}\n"
                   "    instructions: [Read., Think.]\n"
                   "    shifts:\n"
                   "      - {name: morning, opens: 2027-01-22 08:30, starts: 09:00, minutes: 180, "
                   "candidates: 225000}\n"
                   "      - {name: evening, opens: 2027-01-22 14:30, starts: 15:00, minutes: 180}\n"
                   "objectives:\n  save: {p99: 250ms, lost: 0}\n"
                   "environments:\n  local: {on: machine}\n"
                   "services:\n  answers: {replicas: {from: 4, to: 40}, memory: 256Mi}\n"
                   "settings: {answers.grace_s: 7}\n"));
    CHECK_EQ(spec.exam_count, 1);
    const struct spec_exam *exam = spec.exams;
    CHECK_STR(exam->name, STR("paper-1"));
    CHECK_EQ(exam->minutes, 180);
    CHECK_STR(exam->wrong, STR("-1"));
    CHECK_STR(exam->instructions, STR("Read.\nThink."));
    CHECK_EQ(exam->shift_count, 2);
    CHECK_EQ(exam->shifts[0].opens, 1800586800000);  /* 03:00 UTC */
    CHECK_EQ(exam->shifts[0].starts, 1800588600000); /* 03:30 UTC */
    CHECK_EQ(exam->shifts[1].starts, 1800610200000);
    CHECK_EQ(exam->shifts[0].candidates, 225000);
    CHECK_STR(spec.settings, STR("answers.grace_s=7\n"));
    arena_fini(&arena);
}

TEST(spec, objectives_are_limits_by_kind_and_what_is_left_out_keeps_its_default)
{
    struct spec spec;
    struct out out = out_make(KIB);
    CHECK_OK(parse(&spec, "hall: x\n"));
    CHECK_EQ(spec.objectives.save.p99_us, 250000);
    CHECK_EQ(spec.objectives.sign_in.p99_us, 2000000);
    CHECK_OK(parse(&spec, "hall: x\nobjectives:\n  save: {p50: 5ms, p99: 100ms, lost: 0}\n"
                          "  submit: {max: 3s, p999: 900ms, p90: 1ms}\n  failed: 7\n"));
    CHECK_EQ(spec.objectives.requests_failed, 7);
    objectives_json(&out, NULL, &spec.objectives);
    CHECK_STR(
        out_view(&out),
        STR("{\"saves_lost\":0,\"requests_failed\":7,\"latency_ms\":{\"sign_in\":{\"p99\":2000},"
            "\"save\":{\"p50\":5,\"p99\":100},"
            "\"submit\":{\"p90\":1,\"p999\":900,\"max\":3000}}}"));
    out_fini(&out);
    arena_fini(&arena);
}

TEST(spec, a_mistake_is_said_with_its_line_and_what_would_be_right)
{
    static const struct {
        const char *text;
        int line;
        const char *says[2];
    } rows[] = {
        { "title: x\n", 1, { "hall is missing", "hall: my-hall" } },
        { "", 1, { "hall: my-hall", "" } },
        { "# nothing but words\n", 1, { "hall: my-hall", "" } },
        { "- hall\n- x\n", 1, { "hall: my-hall", "" } },
        { "just words\n", 1, { "hall: my-hall", "" } },
        { "hall: x\ntilte: y\n", 2, { "\"tilte\"", "did you mean title" } },
        { "hall: x\nqqqq: y\n", 2, { "\"qqqq\"", "the first it has is hall" } },
        { "hall: x\ntitle: a\ntitle: b\n", 3, { "title", "" } },
        { "hall: [x]\n", 1, { "hall must be", "1 to 40" } },
        { "hall: a hall\n", 1, { "no blanks", "nee-2027" } },
        { "hall: a|b\n", 1, { "'|'", "" } },
        { "hall: ''\n", 1, { "hall", "" } },
        { "hall: x\ntime_zone: Asia/Kolkatta\n", 2, { "no time zone", "Asia/Kolkata" } },
        { "hall: x\ntime_zone: ../../etc/passwd\n", 2, { "no time zone", "" } },
        { "hall: x\ntime_zone: /etc/passwd\n", 2, { "no time zone", "" } },
        { "hall: x\nexams: paper-1\n", 2, { "exams must be a list", "" } },
        { "hall: x\nexams:\n  - title: a\n", 3, { "needs a name", "paper-1" } },
        { "hall: x\nexams:\n  - name: Paper 1\n", 3, { "Paper 1", "a-z" } },
        { "hall: x\nexams:\n  - name: -a\n", 3, { "a-z", "" } },
        { "hall: x\nexams:\n  - name: a\n    minuts: 60\n", 4, { "\"minuts\"", "minutes" } },
        { "hall: x\nexams:\n  - name: a\n    minutes: sixty\n", 4, { "sixty", "1 to 1440" } },
        { "hall: x\nexams:\n  - name: a\n    minutes: 0\n", 4, { "minutes", "1 to 1440" } },
        { "hall: x\nexams:\n  - name: a\n    marks: 4\n", 4, { "marks must be", "right: 4" } },
        { "hall: x\nexams:\n  - name: a\n    marks: {right: four}\n", 4, { "four", "such as 4" } },
        { "hall: x\nexams:\n  - name: a\n    marks: {partial: halves}\n",
          4,
          { "halves", "none or subset" } },
        { "hall: x\nexams:\n  - name: a\n  - name: b\n  - name: a\n", 5, { "\"a\"", "twice" } },
        { "hall: x\nexams:\n  - name: a\n    shifts: {name: m}\n", 4, { "a list of shifts", "" } },
        { "hall: x\nexams:\n  - name: a\n    shifts:\n      - {opens: 2027-01-22 08:30}\n",
          5,
          { "needs a name", "morning" } },
        { "hall: x\nexams:\n  - name: a\n    shifts:\n      - {name: m, opens: 08:30}\n",
          5,
          { "opens is \"08:30\"", "2027-01-22 08:30" } },
        { "hall: x\nexams:\n  - name: a\n    shifts:\n      - {name: m, opens: 22.1.2027}\n",
          5,
          { "22.1.2027", "2027-01-22 08:30" } },
        { "hall: x\nexams:\n  - name: a\n    shifts:\n      - {name: m, opens: 2027-02-30 08:30}\n",
          5,
          { "2027-02-30", "" } },
        { "hall: x\nexams:\n  - name: a\n    shifts:\n      - {name: m, opens: 2027-01-22 25:00}\n",
          5,
          { "25:00", "" } },
        { "hall: x\nexams:\n  - name: a\n    shifts:\n"
          "      - {name: m, opens: 2027-01-22 08:30, starts: 08:00}\n",
          5,
          { "before it opens", "swap" } },
        { "hall: x\nexams:\n  - name: a\n    shifts:\n      - {name: m}\n      - {name: m}\n",
          6,
          { "\"m\"", "twice" } },
        { "hall: x\nexams:\n  - name: a\n    minutes: 60\n    shifts:\n      - {name: m, minutes: "
          "90}\n",
          6,
          { "equally long", "60" } },
        { "hall: x\n\ttitle: y\n", 2, { "not YAML", "spaces" } },
        { "hall: x\ntitle: [a\n", 0, { "not YAML", "" } },
        { "hall: x\ntitle: \"a\n", 0, { "not YAML", "" } },
        { "hall: x\nlisten: {a: b}\n", 2, { "listen must be", "0.0.0.0:8443" } },
        { "hall: x\nobjectives: fast\n", 2, { "objectives must be", "mapping" } },
        { "hall: x\nobjectives: {saves: {p99: 1s}}\n", 2, { "\"saves\"", "did you mean save" } },
        { "hall: x\nobjectives:\n  save: 250ms\n", 3, { "save must be", "{p99: 2s}" } },
        { "hall: x\nobjectives:\n  save: {p95: 1s}\n", 3, { "\"p95\"", "did you mean p90" } },
        { "hall: x\nobjectives:\n  save:\n    p99: 250\n", 4, { "\"250\"", "250ms or 2s" } },
        { "hall: x\nobjectives:\n  save:\n    p99: 0ms\n", 4, { "\"0ms\"", "1ms to 3600s" } },
        { "hall: x\nobjectives:\n  save:\n    p99: 3601s\n", 4, { "3601s", "1ms to 3600s" } },
        { "hall: x\nobjectives:\n  save:\n    p99: 99999999999999999s\n", 4, { "p99 is", "2s" } },
        { "hall: x\nobjectives:\n  save:\n    p99: 1.5s\n", 4, { "1.5s", "2s" } },
        { "hall: x\nobjectives:\n  save:\n    p99: ms\n", 4, { "\"ms\"", "2s" } },
        { "hall: x\nobjectives:\n  save: {lost: 1}\n", 3, { "lost is \"1\"", "never lost" } },
        { "hall: x\nobjectives:\n  submit: {lost: 0}\n", 3, { "submit has no key", "lost" } },
        { "hall: x\nobjectives:\n  failed: some\n", 3, { "failed is \"some\"", "0 to 1000000" } },
        { "hall: \xff\xfe\n", 1, { "UTF-8", "" } },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct spec spec;
        char place[40];
        if (!parse(&spec, rows[i].text))
            test_failed(__FILE__, __LINE__, "taken as right: %s", rows[i].text);
        snprintf(place, sizeof(place), "hall.yaml, line %d: ", rows[i].line);
        if (rows[i].line && !str_starts(str_z(why.text), str_z(place)))
            test_failed(__FILE__, __LINE__, "not line %d: %s (%s)", rows[i].line, why.text,
                        rows[i].text);
        CHECK_HAS(str_z(why.text), str_z(rows[i].says[0]));
        CHECK_HAS(str_z(why.text), str_z(rows[i].says[1]));
    }
    arena_fini(&arena);
}

TEST(spec, bytes_that_are_no_text_are_refused)
{
    struct spec spec;
    char bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    arena = arena_make(MIB);
    CHECK_EQ(spec_parse(&spec, "x", str_of(bytes, sizeof(bytes)), &arena, &why), FAIL_INPUT);
    CHECK_EQ(spec_parse(&spec, "x", str_of(bytes, 1), &arena, &why), FAIL_INPUT);
    CHECK_EQ(spec_parse(&spec, "x", STR(""), &arena, &why), FAIL_INPUT);
    arena_fini(&arena);
}

TEST(spec, nesting_without_end_and_alias_bombs_are_refused_in_bounded_time)
{
    struct spec spec;
    struct out out = out_make(4 * MIB);
    out_z(&out, "hall: x\nobjectives: ");
    for (int i = 0; i < 20000; i++)
        out_z(&out, "{a: ");
    out_char(&out, 0);
    CHECK(parse(&spec, out.p) != FAIL_NONE);
    out_clear(&out);
    out_z(&out, "hall: x\nobjectives:\n  l0: &l0 [a, a, a, a, a, a, a, a, a, a]\n");
    for (int i = 1; i < 12; i++)
        out_fmt(&out, "  l%d: &l%d [*l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d]\n", i, i,
                i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    out_char(&out, 0);
    fail_ignore(parse(&spec, out.p), "read or refused: it ends");
    CHECK_EQ(parse(&spec, "hall: &a x\ntitle: *a\n"), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("line 2"));
    out_fini(&out);
    arena_fini(&arena);
}

TEST(spec, a_file_that_is_not_there_or_too_large_is_said_by_name)
{
    struct spec spec;
    char path[200];
    arena = arena_make(4 * MIB);
    snprintf(path, sizeof(path), "%s/hall.yaml", test_dir());
    CHECK_EQ(spec_load(&spec, path, &arena, &why), FAIL_MISSING);
    CHECK_HAS(str_z(why.text), str_z(path));
    FILE *file = fopen(path, "w");
    CHECK(file);
    for (int i = 0; i < 40000; i++)
        fputs("# a comment of some thirty bytes\n", file);
    fclose(file);
    CHECK_EQ(spec_load(&spec, path, &arena, &why), FAIL_LIMIT);
    arena_fini(&arena);
}
