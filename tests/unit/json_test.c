/* json_test.c - what the JSON reader takes, what it refuses, and where it says the mistake is. */
#include "tests/test.h"
#include "base/out.h"
#include "codec/json.h"

static struct arena arena;

static struct json *parsed(str text)
{
    struct why why = { 0 };
    struct json *root = NULL;
    arena_fini(&arena);
    arena = arena_make(MIB);
    CHECK_OK(json_parse(&root, text, &arena, &why));
    return root;
}

static str refused(str text)
{
    static struct why why;
    struct json *root = NULL;
    why = (struct why){ 0 };
    arena_fini(&arena);
    arena = arena_make(MIB);
    CHECK(json_parse(&root, text, &arena, &why) == FAIL_INPUT);
    CHECK(root == NULL);
    return str_z(why.text);
}

TEST(json, a_save_is_read)
{
    struct why why;
    struct json *root = parsed(STR(" {\"value\":\"B\",\"marked\":false,\"seq\":31}\r\n"));
    str value = STR_NONE;
    bool marked = true;
    int64_t seq = 0;
    CHECK_EQ(root->count, 3);
    CHECK_OK(json_str(root, "value", true, &value, &why));
    CHECK_OK(json_bool(root, "marked", true, &marked, &why));
    CHECK_OK(json_i64(root, "seq", true, 1, INT64_MAX, &seq, &why));
    CHECK_STR(value, STR("B"));
    CHECK(!marked);
    CHECK_EQ(seq, 31);
}

TEST(json, text_without_escapes_is_not_copied)
{
    str text = STR("[\"plain \xe4\xbb\xa5\", \"a\\tb\"]");
    struct json *root = parsed(text);
    CHECK(root->first->text.p == text.p + 2);
    CHECK_STR(root->first->next->text, STR("a\tb"));
}

TEST(json, escapes_become_utf8)
{
    struct json *root =
        parsed(STR("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\ude00\""));
    CHECK_STR(root->text, STR("\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
}

/* Long texts are looked at in words: a byte counts wherever in one it stands. */
TEST(json, a_byte_that_matters_is_seen_at_any_place_of_a_text)
{
    char text[64];
    for (size_t n = 1; n < 40; n++) {
        for (size_t at = 0; at < n; at++) {
            size_t whole = n + 2; /* with its quotes */
            memset(text, 'a' + (int)(at % 26), whole);
            text[0] = text[whole - 1] = '"';
            CHECK_EQ(parsed(str_of(text, whole))->text.n, n);
            text[1 + at] = 0x1f;
            CHECK_HAS(refused(str_of(text, whole)), STR("control characters"));
            text[1 + at] = (char)0xff;
            CHECK_HAS(refused(str_of(text, whole)), STR("not valid UTF-8"));
            text[1 + at] = 0x7f;
            CHECK_EQ(parsed(str_of(text, whole))->text.n, n);
            text[1 + at] = '"'; /* ends it there, and what follows is too much */
            if (at + 1 < n)
                CHECK(refused(str_of(text, whole)).n > 0);
            text[1 + at] = '\\';
            if (at + 1 < n) {
                text[2 + at] = 'n';
                CHECK_EQ(parsed(str_of(text, whole))->text.n, n - 1);
                CHECK_EQ(parsed(str_of(text, whole))->text.p[at], '\n');
            }
        }
    }
}

TEST(json, numbers_stay_text)
{
    static const char *const good[] = { "0",    "-0",     "10",
                                        "-1.5", "0.000",  "1e5",
                                        "1E+5", "1.5e-7", "1234567890123456789012" };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct json *root = parsed(str_z(good[i]));
        CHECK_EQ(root->type, JSON_NUMBER);
        CHECK_STR(root->text, str_z(good[i]));
    }
}

TEST(json, what_is_not_json_is_refused)
{
    static const char *const bad[] = {
        "",
        " ",
        "nul",
        "True",
        "'a'",
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1e",
        "1e+",
        "0x10",
        "NaN",
        "[1,]",
        "[1 2]",
        "[",
        "]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "{\"a\":}",
        "{1:2}",
        "{} {}",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"a\tb\"",
        "\"a\nb\"",
        "// c\n1",
        "[1]x",
        "\xef\xbb\xbf[]",
        "\"\\u0000\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xff\"",
        "\xe4",
        "\"\\",
        "\"\\u00",
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        refused(str_z(bad[i]));
    refused((str){ "\"a\0b\"", 5 });
    refused((str){ "1\0", 2 });
}

TEST(json, a_repeated_name_is_refused)
{
    CHECK_HAS(refused(STR("{\"seq\":1,\"seq\":2}")), STR("same name twice"));
    CHECK_HAS(refused(STR("{\"a\":1,\"\\u0061\":2}")), STR("same name twice"));
    struct out out = out_make(64 * KIB);
    out_z(&out, "{");
    for (int i = 0; i < 500; i++)
        out_fmt(&out, "\"n%d\":%d,", i, i);
    size_t n = out.n;
    out_z(&out, "\"n500\":0}");
    CHECK_EQ(parsed(out_view(&out))->count, 501);
    out.n = n;
    out_z(&out, "\"n250\":0}");
    CHECK_HAS(refused(out_view(&out)), STR("same name twice"));
    out_fini(&out);
}

TEST(json, depth_is_capped)
{
    char text[2 * JSON_DEPTH_MAX + 3];
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        if (depth == JSON_DEPTH_MAX)
            parsed((str){ text, 2 * depth });
        else
            CHECK_HAS(refused((str){ text, 2 * depth }), STR("nested too deeply"));
    }
    struct out deep = out_make(MIB);
    for (int i = 0; i < 500000; i++)
        out_char(&deep, '[');
    refused(out_view(&deep));
    out_fini(&deep);
}

TEST(json, memory_is_capped)
{
    struct why why;
    struct json *root = NULL;
    struct arena small = arena_make(4 * KIB);
    struct out out = out_make(64 * KIB);
    out_z(&out, "[0");
    for (int i = 0; i < 1000; i++)
        out_z(&out, ",0");
    out_z(&out, "]");
    CHECK(json_parse(&root, out_view(&out), &small, &why) == FAIL_LIMIT);
    out_fini(&out);
    arena_fini(&small);
}

TEST(json, a_mistake_has_a_line_and_a_column)
{
    CHECK_HAS(refused(STR("{\"a\": 1,\n  \"\xe4\xbb\xa5\": x}")), STR("line 2, column 8:"));
    CHECK_HAS(refused(STR("{\"a\" 1}")), STR("line 1, column 6: \":\" is expected"));
}

TEST(json, members_are_typed_and_bounded)
{
    struct why why;
    struct json *root = parsed(STR("{\"n\":12,\"f\":1.0,\"s\":\"x\",\"z\":null,\"t\":true}"));
    int64_t n = -7;
    str s = STR("kept");
    bool b = false;
    CHECK(json_i64(root, "n", true, 13, 99, &n, &why) == FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("\"n\" must be a whole number from 13 to 99"));
    CHECK(json_i64(root, "f", true, 0, 99, &n, &why) == FAIL_INPUT);
    CHECK(json_i64(root, "s", true, 0, 99, &n, &why) == FAIL_INPUT);
    CHECK(json_str(root, "n", true, &s, &why) == FAIL_INPUT);
    CHECK(json_bool(root, "s", true, &b, &why) == FAIL_INPUT);
    CHECK(json_str(root, "z", true, &s, &why) == FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("\"z\" is missing"));
    CHECK_OK(json_str(root, "z", false, &s, &why));
    CHECK_OK(json_i64(root, "absent", false, 0, 9, &n, &why));
    CHECK_EQ(n, -7);
    CHECK_STR(s, STR("kept"));
    CHECK(json_str(root->first, "n", false, &s, &why) == FAIL_INPUT);
    CHECK(json_get(root->first, STR("n")) == NULL);
}

TEST(json, an_unknown_member_is_refused_with_a_guess)
{
    static const char *const names[] = { "value", "marked", "seq", NULL };
    struct why why;
    CHECK_OK(json_only(parsed(STR("{\"seq\":1,\"value\":null}")), names, &why));
    CHECK(json_only(parsed(STR("{\"seq\":1,\"valeu\":null}")), names, &why) == FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("\"valeu\""));
    CHECK_HAS(str_z(why.text), STR("did you mean \"value\""));
    CHECK(json_only(parsed(STR("[]")), names, &why) == FAIL_INPUT);
}

TEST(json, what_out_json_writes_is_read_back)
{
    struct out out = out_make(4 * KIB);
    char all[127];
    for (int i = 1; i < 128; i++)
        all[i - 1] = (char)i;
    out_json(&out, str_of(all, sizeof(all)));
    CHECK_STR(parsed(out_view(&out))->text, str_of(all, sizeof(all)));
    out_fini(&out);
}
