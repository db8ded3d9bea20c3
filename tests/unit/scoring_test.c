/* scoring_test.c - the rules of marking, kind by kind, and keys on their way through JSON and
 * bytes. */
#include "tests/test.h"
#include "svc/scoring/score_text.h"
#include "svc/scoring/scoring_core.h"

static struct arena arena;
static const struct score_rule four_one = { 4000, -1000, PARTIAL_NONE };
static const struct score_rule jee = { 4000, -2000, PARTIAL_SUBSET };

/* A key out of JSON, through bytes and back: every test marks with what a scoring run would have.
 */
static struct score_key key_of(enum score_kind kind, const char *text)
{
    static char bytes[SCORE_KEY_BYTES_MAX];
    struct why why = { 0 };
    struct json *json;
    struct score_key key, back;
    arena_fini(&arena);
    arena = arena_make(MIB);
    CHECK_OK(json_parse(&json, str_z(text), &arena, &why));
    CHECK_OK(score_key_from_json(&key, kind, json, &arena, &why));
    CHECK_OK(score_key_check(&key, SCORE_OPTIONS_MAX, &why));
    struct wire_out out = wire_out_make(bytes, sizeof(bytes));
    score_key_encode(&out, &key);
    CHECK(!out.failed);
    struct wire_in in = wire_in_make((str){ bytes, out.n });
    CHECK(score_key_decode(&back, &in, &arena));
    CHECK_EQ(in.left, 0);
    return back;
}

static str refused(enum score_kind kind, const char *text, unsigned options)
{
    static struct why why;
    struct json *json;
    struct score_key key;
    why = (struct why){ 0 };
    arena_fini(&arena);
    arena = arena_make(MIB);
    CHECK_OK(json_parse(&json, str_z(text), &arena, &why));
    fail f = score_key_from_json(&key, kind, json, &arena, &why);
    CHECK((f ? f : score_key_check(&key, options, &why)) != FAIL_NONE);
    return str_z(why.text);
}

#define CHECK_SCORE(key, rule, value, marks, what)                                                 \
    do {                                                                                           \
        struct score score = score_item(&(key), &(rule), str_z(value));                            \
        CHECK_EQ(score.milli, marks);                                                              \
        CHECK_EQ(score.outcome, what);                                                             \
    } while (0)

TEST(scoring, a_single_choice)
{
    struct score_key key = key_of(SCORE_SINGLE, "\"B\"");
    CHECK_SCORE(key, four_one, "B", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "A", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "", 0, OUTCOME_BLANK);
    CHECK_SCORE(key, four_one, "b", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "AB", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "Z", -1000, OUTCOME_WRONG);
    key = key_of(SCORE_SINGLE, "[\"B\",\"D\"]");
    CHECK_SCORE(key, four_one, "B", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "D", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "C", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "BD", -1000, OUTCOME_WRONG);
}

TEST(scoring, several_choices_all_or_nothing)
{
    struct score_key key = key_of(SCORE_SEVERAL, "\"CA\"");
    CHECK_SCORE(key, four_one, "AC", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "A", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "ACD", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "CA", -1000, OUTCOME_WRONG); /* values are ascending */
    CHECK_SCORE(key, four_one, "AAC", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "", 0, OUTCOME_BLANK);
    key = key_of(SCORE_SEVERAL, "[\"AC\",\"ACD\"]");
    CHECK_SCORE(key, four_one, "AC", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "ACD", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "AD", -1000, OUTCOME_WRONG);
}

/* The notice of JEE (Advanced): +4 for exactly the right ones; +3, +2, +1 for so many of them and
 * no wrong one; -2 otherwise; 0 for none. */
TEST(scoring, several_choices_with_partial_marks)
{
    struct score_key key = key_of(SCORE_SEVERAL, "\"ABCD\"");
    CHECK_SCORE(key, jee, "ABCD", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, jee, "ABD", 3000, OUTCOME_PARTLY);
    key = key_of(SCORE_SEVERAL, "\"ABD\"");
    CHECK_SCORE(key, jee, "ABD", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, jee, "AD", 2000, OUTCOME_PARTLY);
    CHECK_SCORE(key, jee, "B", 1000, OUTCOME_PARTLY);
    CHECK_SCORE(key, jee, "C", -2000, OUTCOME_WRONG);
    CHECK_SCORE(key, jee, "ABC", -2000, OUTCOME_WRONG);
    CHECK_SCORE(key, jee, "ABCD", -2000, OUTCOME_WRONG);
    CHECK_SCORE(key, jee, "", 0, OUTCOME_BLANK);
    const struct score_rule small = { 1500, 0, PARTIAL_SUBSET };
    CHECK_SCORE(key, small, "AB", 1500, OUTCOME_PARTLY); /* never above full marks */
    key = key_of(SCORE_SEVERAL, "[\"A\",\"ABC\"]");
    CHECK_SCORE(key, jee, "A", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, jee, "BC", 2000, OUTCOME_PARTLY);
}

TEST(scoring, a_number_in_a_range)
{
    struct score_key key = key_of(SCORE_NUMBER, "{\"value\":\"9.81\",\"tolerance\":\"0.01\"}");
    CHECK_SCORE(key, four_one, "9.81", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "9.80", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "9.8", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, " 9.82 ", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "9.7999999999999999999999", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "9.83", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "9,81", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "about ten", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "  ", 0, OUTCOME_BLANK);
    key = key_of(SCORE_NUMBER, "[\"-2\",{\"from\":\"1.5\",\"to\":\"1.6\"}]");
    CHECK_SCORE(key, four_one,
                "\xe2\x88\x92"
                "2",
                4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "2", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "1.55", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "-2.000", 4000, OUTCOME_RIGHT);
}

TEST(scoring, texts_in_blanks)
{
    struct score_key key = key_of(SCORE_TEXT, "\"1;$\\\\frac{8}{9}$\"");
    CHECK_EQ(key.blanks, 2);
    CHECK_SCORE(key, four_one, "1;8/9", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, " 1.0 ; 8 / 9 ", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "8/9;1", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "1", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "1;", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, "1;8/9;2", -1000, OUTCOME_WRONG);
    CHECK_SCORE(key, four_one, ";", 0, OUTCOME_BLANK);
    CHECK_SCORE(key, four_one, "", 0, OUTCOME_BLANK);
    key = key_of(SCORE_TEXT, "[[\"Newton\",\"Isaac Newton\"],[\"1687\"]]");
    CHECK_SCORE(key, four_one, "isaac newton;1687", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "NEWTON;1687", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "1687;1687", -1000, OUTCOME_WRONG);
}

TEST(scoring, a_dropped_item_gives_everybody_its_marks)
{
    struct score_key key = key_of(SCORE_SINGLE, "\"B\"");
    key.dropped = true;
    CHECK_SCORE(key, four_one, "A", 4000, OUTCOME_RIGHT);
    CHECK_SCORE(key, four_one, "", 4000, OUTCOME_RIGHT);
}

TEST(scoring, a_key_that_cannot_be_is_refused)
{
    CHECK_HAS(refused(SCORE_SINGLE, "\"E\"", 4), STR("names option E, but the last option is D"));
    CHECK_HAS(refused(SCORE_SINGLE, "\"AB\"", 4), STR("one letter"));
    CHECK_HAS(refused(SCORE_SINGLE, "\"\"", 4), STR("names no option"));
    CHECK_HAS(refused(SCORE_SINGLE, "[]", 4), STR("no key"));
    CHECK_HAS(refused(SCORE_SINGLE, "3", 4), STR("must be text"));
    CHECK_HAS(refused(SCORE_SEVERAL, "\"AA\"", 4), STR("each once"));
    CHECK_HAS(refused(SCORE_SEVERAL, "\"A C\"", 4), STR("each once"));
    CHECK_HAS(refused(SCORE_SEVERAL, "[\"AB\",\"AE\"]", 4), STR("option E"));
    CHECK_HAS(refused(SCORE_NUMBER, "\"1/2\"", 0), STR("not a decimal"));
    CHECK_HAS(refused(SCORE_NUMBER, "{\"from\":\"2\",\"to\":\"1\"}", 0), STR("ends before"));
    CHECK_HAS(refused(SCORE_NUMBER, "{\"value\":\"2\",\"tolerance\":\"-1\"}", 0), STR("negative"));
    CHECK_HAS(refused(SCORE_NUMBER, "{\"valeu\":\"2\"}", 0), STR("did you mean"));
    CHECK_HAS(refused(SCORE_TEXT, "\"1;\"", 0), STR("blank 2 is empty"));
    CHECK_HAS(refused(SCORE_TEXT, "[[\"1\"],[]]", 0), STR("one of the 2 blanks"));
    CHECK_HAS(refused(SCORE_TEXT, "[[\"1;2\"]]", 0), STR("semicolon"));
    CHECK_HAS(refused(SCORE_TEXT, "\"1;2;3;4;5;6;7;8;9\"", 0), STR("more than 8 blanks"));
    CHECK_HAS(refused(SCORE_TEXT, "[[\"$ $\"]]", 0), STR("empty"));
}

TEST(scoring, a_key_written_as_json_is_the_same_key)
{
    static const struct {
        enum score_kind kind;
        const char *text;
    } keys[] = {
        { SCORE_SINGLE, "[\"B\",\"D\"]" },
        { SCORE_SEVERAL, "[\"AC\",\"ACD\"]" },
        { SCORE_NUMBER, "[\"-2\",{\"from\":\"1.5\",\"to\":\"1.6\"}]" },
        { SCORE_TEXT, "[[\"a\\\"b\",\"c\"],[\"$\\\\pi$\"]]" },
    };
    struct out out = out_make(4 * KIB);
    for (size_t i = 0; i < COUNT(keys); i++) {
        struct score_key key = key_of(keys[i].kind, keys[i].text);
        out_clear(&out);
        score_key_write_json(&out, &key);
        CHECK_STR(out_view(&out), str_z(keys[i].text));
    }
    out_fini(&out);
}

TEST(scoring, a_damaged_key_is_seen)
{
    char bytes[SCORE_KEY_BYTES_MAX];
    struct score_key key = key_of(SCORE_TEXT, "[[\"a\",\"b\"],[\"c\"]]"), back;
    struct wire_out out = wire_out_make(bytes, sizeof(bytes));
    score_key_encode(&out, &key);
    for (size_t n = 0; n < out.n; n++) {
        struct wire_in in = wire_in_make((str){ bytes, n });
        CHECK(!score_key_decode(&back, &in, &arena));
    }
    static const struct {
        size_t at;
        char value;
    } damage[] = { { 0, 4 }, { 2, 9 }, { 3, 9 }, { 4, 5 }, { 5, 25 }, { 6, 8 } };
    for (size_t i = 0; i < COUNT(damage); i++) {
        char saved = bytes[damage[i].at];
        bytes[damage[i].at] = damage[i].value;
        struct wire_in in = wire_in_make((str){ bytes, out.n });
        CHECK(!score_key_decode(&back, &in, &arena));
        bytes[damage[i].at] = saved;
    }
}

static str plain(const char *text)
{
    static char out[4][1024];
    static unsigned turn;
    size_t n = 0;
    char *p = out[turn++ % 4];
    if (!score_text_normal(str_z(text), p, sizeof(out[0]), &n))
        test_failed(__FILE__, __LINE__, "\"%s\" has no plain form", text);
    return (str){ p, n };
}

TEST(scoring, what_candidates_type_equals_the_tex_of_the_key)
{
    /* keys of real papers, and ways to type them */
    static const char *const same[][4] = {
        { "$\\frac{2\\sqrt{5}}{5}$", "2√5/5", "(2 sqrt(5)) / 5", "2√(5)/5" },
        { "$-\\frac{3\\sqrt{3}}{2}$", "-3√3/2",
          "\xe2\x88\x92"
          "3sqrt3/2",
          "-(3√3)/2" },
        { "$90^{\\circ}$", "90°", "90^\\circ", "９０°" },
        { "$2x+y+1=0$", "2x + y + 1 = 0", "２x＋y＋1＝0", "2X+Y+1=0" },
        { "$y=\\pm\\sqrt{3}x$", "y=±√3x", "y = ± sqrt(3) x", "y=\\pm\\sqrt 3 x" },
        { "$\\left[\\frac{1}{3},\\frac{3}{2}\\right]$", "[1/3, 3/2]", "[1/3，3/2]", "［1/3,3/2］" },
        { "$(-\\infty,0)\\cup(0,1]$", "(-∞,0)∪(0,1]", "（-∞，0）∪（0，1]",
          "( -∞ , 0 ) ⋃ ( 0 , 1 ]" },
        { "$1-5\\mathrm{i}$", "1-5i", "1 – 5i", "1 - 5I" },
        { "$40\\sqrt{2}\\pi$", "40√2π", "40 sqrt(2) pi", "40\\sqrt2\\pi" },
        { "$\\frac{2\\pi}{3}$", "2π/3", "2pi/3", "(2π)/3" },
        { "$720-\\frac{15(3+n)}{2^{n-4}}$", "720-15(3+n)/2^(n-4)", "720 − (15(3+n))/2^(n-4)",
          "720-15（3+n）/2^{n-4}" },
        { "$\\left(x-\\frac{3}{2}\\right)^{2}+y^{2}=\\frac{25}{4}$", "(x-3/2)^2+y^2=25/4",
          "(x-3/2)²+y²=25/4", "(x-(3)/2)^{2} + y^2 = (25)/(4)" },
        { "$\\textcircled{1}\\textcircled{3}\\textcircled{4}$", "①③④", " ① ③ ④ ",
          "\\textcircled{1}③④" },
        { "$\\frac{2n}{n+1}$", "2n/(n+1)", "(2n)/(n+1)", "\\dfrac{2n}{n+1}" },
        { "$3n^{2}-2n$", "3n²-2n", "3n^2-2n", "3n^(2) - 2n" },
        { "$\\left(\\frac{1}{\\mathrm{e}},1\\right)$", "(1/e,1)", "(1/e, 1)", "((1)/(e),1)" },
        { "$0.140$", "0.14", ".14", "+0.14" },
        { "x^{10}", "x¹⁰", "x^10", "x^(10)" },
        { "$a\\times10^{-3}$", "a×10^(-3)", "a·10^{-3}", "a*10^(-3)" },
    };
    for (size_t i = 0; i < COUNT(same); i++)
        for (size_t j = 1; j < 4; j++)
            if (!score_text_same(plain(same[i][0]), plain(same[i][j])))
                test_failed(__FILE__, __LINE__, "\"%s\" is %.*s but \"%s\" is %.*s", same[i][0],
                            STR_ARG(plain(same[i][0])), same[i][j], STR_ARG(plain(same[i][j])));
}

TEST(scoring, what_differs_stays_different)
{
    static const char *const differ[][2] = {
        { "\\frac{1}{2n}", "1/2n" },
        { "\\sqrt{2x}", "√2x" },
        { "(0,1]", "(0,1)" },
        { "2^{n-4}", "2^n-4" },
        { "\\frac{a+b}{2}", "a+b/2" },
        { "-3", "3" },
        { "1/2", "0.5" },
        { "2/4", "1/2" },
        { "x_1", "x1" },
        { "\\frac{1}{a}b", "1/(ab)" },
        { "a/(b)c", "a/(bc)" },
        { "1.5", "15" },
        { "√(a+b)", "√a+b" },
        { "(a)(b)/c", "ab/c" },
        { "\\pi", "p" },
        { "2^(3/2)", "2^3/2" },
        { "(a,b)/2", "a,b/2" },
    };
    for (size_t i = 0; i < COUNT(differ); i++)
        if (score_text_same(plain(differ[i][0]), plain(differ[i][1])))
            test_failed(__FILE__, __LINE__, "\"%s\" and \"%s\" are both %.*s", differ[i][0],
                        differ[i][1], STR_ARG(plain(differ[i][0])));
}

TEST(scoring, a_plain_form_is_its_own_plain_form)
{
    static const char *const texts[] = {
        "$\\frac{2\\sqrt{5}}{5}$",
        "\\frac{1}{2n}",
        "√(2x)",
        "2^{n-4}",
        "90^{\\circ}",
        "\\sqrt[3]{x}",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        char once[256];
        str first = plain(texts[i]);
        memcpy(once, first.p, first.n);
        once[first.n] = 0;
        CHECK_STR(plain(once), str_z(once));
    }
}

TEST(scoring, hostile_text_is_no_trouble)
{
    char text[600], out[1024];
    size_t n;
    static const char *const parts[] = {
        "(", "{", "\\frac{", "√(", "^{", "\\", "/(", "\xe2", "(1)/"
    };
    for (size_t i = 0; i < COUNT(parts); i++) {
        size_t part = strlen(parts[i]), at = 0;
        for (; at + part <= sizeof(text); at += part)
            memcpy(text + at, parts[i], part);
        bool fits = score_text_normal((str){ text, at }, out, sizeof(out), &n);
        CHECK(!fits || n <= sizeof(out));
    }
    CHECK(!score_text_normal(STR("12345"), out, 4, &n));
    CHECK(score_text_normal(STR(""), out, 0, &n));
    CHECK_EQ(n, 0);
}
