/* import_test.c - papers written elsewhere come in whole, or are refused with line and reason. */
#include "tests/test.h"
#include "base/out.h"
#include "codec/base64.h"
#include "svc/itembank/import.h"

/* What an import gave, as text: "LINE item:{operator's JSON}" and "LINE refused: reason". */
static struct out seen;

static bool take(void *ctx, const struct item *item, unsigned line)
{
    (void)ctx;
    out_fmt(&seen, "%u item:", line);
    item_write_json(&seen, item);
    out_char(&seen, '\n');
    return true;
}

static void refuse(void *ctx, unsigned line, const char *reason)
{
    (void)ctx;
    out_fmt(&seen, "%u refused: %s\n", line, reason);
}

static const struct import_sink sink = { take, refuse, NULL };

static struct import_count import_str(enum import_format format, str text)
{
    struct why why;
    struct import_count count;
    out_fini(&seen);
    seen = out_make(8 * MIB);
    CHECK_OK(import_items(format, text, &sink, &count, &why));
    CHECK(!seen.failed);
    CHECK_EQ(count.read, count.taken + count.refused);
    return count;
}

static str imported(enum import_format format, const char *text)
{
    import_str(format, str_z(text));
    return out_view(&seen);
}

static str jsonl(const char *text)
{
    return imported(IMPORT_JSONL, text);
}

static str gift(const char *text)
{
    return imported(IMPORT_GIFT, text);
}

static str csv(const char *text)
{
    return imported(IMPORT_CSV, text);
}

/* --- JSON lines --------------------------------------------------------------------------------
 */

TEST(import, a_line_as_the_real_papers_have_it)
{
    CHECK_STR(
        jsonl("{\"passage\": \"\", \"question\": \"1+1?\", \"options\": [\"(A)1\", \"(B) 2\"], "
              "\"label\": \"B\", \"answer\": null, \"other\": {\"solution\": \"x\"}}\n"),
        STR("1 item:{\"kind\":\"single\",\"blanks\":1,\"text\":\"1+1?\",\"options\":[\"1\",\"2\"],"
            "\"key\":[\"B\"]}\n"));
    CHECK_HAS(
        jsonl("{\"question\":\"q\",\"options\":[\"(A)1\",\"(B)2\",\"(C)3\"],\"label\":[\"A\",\"C\"]"
              "}"),
        STR("\"kind\":\"several\",\"blanks\":1,\"text\":\"q\",\"options\":[\"1\",\"2\",\"3\"],"
            "\"key\":[\"AC\"]"));
    CHECK_HAS(jsonl("{\"question\":\"q\",\"options\":null,\"answer\":\"$-63$\"}"),
              STR("\"kind\":\"number\",\"blanks\":1,\"text\":\"q\",\"key\":[\"-63\"]"));
    CHECK_HAS(jsonl("{\"question\":\"q\",\"answer\":\"1;$\\\\frac{8}{9}$\"}"),
              STR("\"kind\":\"text\",\"blanks\":2,\"text\":\"q\",\"key\":[[\"1\"],[\"$\\\\frac{8}{"
                  "9}$\"]]"));
}

TEST(import, a_line_with_all_of_our_own_members)
{
    CHECK_STR(
        jsonl("{\"id\":\"m1\",\"section\":\"S\",\"kind\":\"several\",\"passage\":\"p\",\"text\":"
              "\"t\","
              "\"options\":[\"x\",\"y\",\"None of these\"],\"key\":[\"A\",\"AB\"],\"right\":4,"
              "\"wrong\":\"-0.5\",\"partial\":\"subset\",\"image\":{\"alt\":\"a "
              "dot\",\"svg\":\"<svg><circle "
              "r='1'/></svg>\"}}"),
        STR("1 item:"
            "{\"id\":\"m1\",\"section\":\"S\",\"kind\":\"several\",\"blanks\":1,\"passage\":\"p\","
            "\"text\":\"t\",\"options\":[\"x\",\"y\",\"None of "
            "these\"],\"last_stays\":true,\"image\":{"
            "\"alt\":\"a dot\",\"src\":\"data:image/svg+xml;base64,"
            "PHN2Zz48Y2lyY2xlIHI9JzEnLz48L3N2Zz4=\"},\"right\":\"4\",\"wrong\":\"-0.5\","
            "\"partial\":\"subset\",\"key\":[\"A\",\"AB\"]}\n"));
    CHECK_HAS(jsonl("{\"text\":\"t\",\"key\":\"9.81\",\"tolerance\":0.05}"),
              STR("\"key\":[{\"from\":\"9.76\",\"to\":\"9.86\"}]"));
    CHECK_HAS(jsonl("{\"text\":\"t\",\"key\":\"1.5..2\"}"),
              STR("\"kind\":\"text\"")); /* a range must say its kind */
    CHECK_HAS(jsonl("{\"text\":\"t\",\"kind\":\"number\",\"key\":\"1.5..2|7\"}"),
              STR("\"key\":[{\"from\":\"1.5\",\"to\":\"2\"},\"7\"]"));
}

TEST(import, one_bad_line_never_stops_the_rest)
{
    str all = jsonl("{\"text\":\"a\",\"key\":\"1\"}\n"
                    "\n"
                    "{\"text\":\"b\",\"key\":\n"
                    "{\"text\":\"c\"}\r\n"
                    "{\"text\":\"d\",\"options\":[\"x\",\"y\"],\"key\":\"C\"}\n"
                    "{\"text\":\"e\",\"keys\":\"1\"}\n"
                    "{\"text\":\"a\",\"key\":\"2\"}\n"
                    "{\"text\":\"f\",\"key\":\"6\"}\n");
    CHECK_HAS(all, STR("1 item:{"));
    CHECK_HAS(all, STR("3 refused: column 19: "));
    CHECK_HAS(all, STR("4 refused: The item has no key."));
    CHECK_HAS(all, STR("5 refused: The key names option C, but the last option is B."));
    CHECK_HAS(all, STR("6 refused: There is no member \"keys\" here; did you mean \"key\"?"));
    CHECK_HAS(all, STR("7 refused: The same item is on line 1 already."));
    CHECK_HAS(all, STR("8 item:{"));
}

TEST(import, a_file_cut_anywhere_gives_its_whole_items)
{
    static const char text[] = "{\"text\":\"a\",\"options\":[\"x\",\"y\"],\"key\":\"A\"}\n"
                               "{\"text\":\"b\",\"options\":[\"x\",\"y\"],\"key\":\"B\"}\n";
    size_t line = (sizeof(text) - 1) / 2;
    for (size_t n = line + 1; n < sizeof(text) - 2; n++) {
        struct import_count count = import_str(IMPORT_JSONL, (str){ text, n });
        CHECK_EQ(count.taken, 1);
        CHECK_EQ(count.refused, 1);
        CHECK_HAS(out_view(&seen), STR("2 refused: "));
    }
    CHECK_EQ(import_str(IMPORT_JSONL, (str){ text, sizeof(text) - 2 }).taken, 2);
}

TEST(import, what_no_paper_may_hold_is_refused)
{
    static const char *const bad[][2] = {
        { "{\"text\":\" \",\"key\":\"1\"}", "no text" },
        { "{\"text\":\"t\",\"options\":[\"x\"],\"key\":\"A\"}", "from 2 to 8 options" },
        { "{\"text\":\"t\",\"options\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"],"
          "\"key\":\"A\"}",
          "at most 8" },
        { "{\"text\":\"t\",\"options\":[\"(A)x\",\"(B) \"],\"key\":\"A\"}", "Option B is empty" },
        { "{\"text\":\"t\\u0007\",\"key\":\"1\"}", "control character" },
        { "{\"text\":\"t\\u009f\",\"key\":\"1\"}", "control character" },
        { "{\"text\":\"t\",\"key\":\"1\",\"label\":\"A\"}", "both" },
        { "{\"text\":\"t\",\"kind\":\"essay\",\"key\":\"1\"}", "\"kind\" must be" },
        { "{\"text\":\"t\",\"kind\":\"number\",\"options\":[\"a\",\"b\"],\"key\":\"1\"}",
          "has no options" },
        { "{\"text\":\"t\",\"key\":\"1\",\"right\":\"four\"}", "marks in \"right\"" },
        { "{\"text\":\"t\",\"key\":\"1\",\"wrong\":1}", "write a penalty as -1" },
        { "{\"text\":\"t\",\"key\":\"1\",\"partial\":\"subset\"}", "kind several" },
        { "{\"text\":\"t\",\"key\":\"1\",\"tolerance\":\"-1\"}", "tolerance" },
        { "{\"text\":\"t\",\"key\":\"word\",\"tolerance\":\"1\"}", "no decimal number" },
        { "{\"text\":\"t\",\"key\":[\"1\"]}", "must say its \"kind\"" },
        { "{\"text\":\"t\",\"key\":\"1\",\"image\":{\"alt\":\"\",\"svg\":\"<svg></svg>\"}}",
          "no description" },
        { "{\"text\":\"t\",\"key\":\"1\",\"image\":{\"alt\":\"a\"}}", "either \"src\" or \"svg\"" },
        { "{\"text\":\"t\",\"key\":\"1\",\"image\":{\"alt\":\"a\",\"src\":\"http://x/y.png\"}}",
          "data: address" },
        { "{\"text\":\"t\",\"key\":\"1\",\"image\":{\"alt\":\"a\",\"src\":\"data:image/"
          "gif;base64,AAAA\"}}",
          "data: address" },
        { "{\"text\":\"t\",\"key\":\"1\",\"image\":{\"alt\":\"a\",\"src\":\"data:image/"
          "png;base64,AAAA\"}}",
          "not the PNG" },
        { "{\"text\":\"t\",\"key\":\"1\",\"image\":{\"alt\":\"a\",\"src\":\"data:image/"
          "png;base64,A\"}}",
          "damaged" },
    };
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK_HAS(jsonl(bad[i][0]), str_z(bad[i][1]));
}

TEST(import, an_item_has_a_largest_size)
{
    struct out text = out_make(MIB);
    out_z(&text, "{\"key\":\"1\",\"text\":\"");
    for (size_t i = 0; i <= ITEM_TEXT_BYTES_MAX; i++)
        out_char(&text, 'x');
    out_z(&text, "\"}");
    CHECK_EQ(import_str(IMPORT_JSONL, out_view(&text)).refused, 1);
    CHECK_HAS(out_view(&seen), STR("at most 65536 are allowed"));
    out_fini(&text);
}

TEST(import, a_picture_with_anything_but_a_drawing_is_refused)
{
    static const char *const good[] = {
        "<svg viewBox='0 0 9 9'><g><path d='M0 0'/><text x='1'>a &lt; b</text></g></svg>",
        "<?xml version='1.0'?><!-- c --><svg><defs><marker id='m'><path/></marker></defs>"
        "<line marker-end='url(#m)'/><use href='#m'/></svg>\n",
    };
    static const char *const bad[] = {
        "<svg><script>alert(1)</script></svg>",
        "<svg><SCRIPT/></svg>",
        "<svg><x:script/></svg>",
        "<svg><foreignObject/></svg>",
        "<svg><image href='#a'/></svg>",
        "<svg><animate/></svg>",
        "<svg><style>*{}</style></svg>",
        "<svg onload='x()'/>",
        "<svg ONLOAD='x'/>",
        "<svg><use href='http://x/#a'/></svg>",
        "<svg><use xlink:href='data:x'/></svg>",
        "<svg><path fill='url(http://x)'/></svg>",
        "<svg><path style='fill:URL( \"x\")'/></svg>",
        "<svg><path style='fill:u\\72l(x)'/></svg>",
        "<!DOCTYPE svg><svg/>",
        "<?xml-stylesheet href='x'?><svg/>",
        "<svg><![CDATA[x]]></svg>",
        "<svg><g></svg></g>",
        "<svg><g></svg>",
        "<svg",
        "<svg a='1",
        "<svg a=1/>",
        "<svg/><svg/>",
        "<g/>",
        "x<svg/>",
        "",
        "<svg><!-- </svg>",
        "<svg/>x",
        "<svg a='<'/>",
        "</svg>",
    };
    struct out line = out_make(KIB * 4);
    for (size_t i = 0; i < COUNT(good) + COUNT(bad); i++) {
        bool fine = i < COUNT(good);
        out_clear(&line);
        out_z(&line, "{\"text\":\"t\",\"key\":\"1\",\"image\":{\"alt\":\"a\",\"svg\":");
        out_json(&line, str_z(fine ? good[i] : bad[i - COUNT(good)]));
        out_z(&line, "}}");
        if (import_str(IMPORT_JSONL, out_view(&line)).taken != fine)
            test_failed(__FILE__, __LINE__, "%.*s gave %.*s", STR_ARG(out_view(&line)),
                        STR_ARG(out_view(&seen)));
    }
    out_fini(&line);
}

/* --- an item's own ways ------------------------------------------------------------------------
 */

static struct item from_json(str text, struct arena *arena)
{
    struct why why = { 0 };
    struct json *json;
    struct item item;
    CHECK_OK(json_parse(&json, text, arena, &why));
    CHECK_OK(item_from_json(&item, json, arena, &why));
    CHECK_OK(item_check(&item, &why));
    return item;
}

TEST(import, an_item_written_as_json_is_the_same_item)
{
    static const char *const items[] = {
        "{\"id\":\"x\",\"section\":\"S\",\"kind\":\"single\",\"blanks\":1,\"text\":\"a\\n\\\"b\\\" "
        "以上\","
        "\"options\":[\"1\",\"2\"],\"last_stays\":true,\"image\":{\"alt\":\"d\",\"src\":"
        "\"data:image/svg+xml;base64,PHN2Zy8+\"},\"right\":\"4\",\"wrong\":\"-1\",\"key\":[\"B\"]}",
        "{\"kind\":\"text\",\"blanks\":2,\"passage\":\"p\",\"text\":\"t\",\"key\":[[\"a\",\"b\"],["
        "\"c\"]]}",
        "{\"kind\":\"several\",\"blanks\":1,\"text\":\"t\",\"options\":[\"1\",\"2\"],\"partial\":"
        "\"none\",\"key\":[\"AB\"]}",
    };
    struct arena arena = arena_make(MIB);
    struct out out = out_make(64 * KIB);
    for (size_t i = 0; i < COUNT(items); i++) {
        struct item item = from_json(str_z(items[i]), &arena);
        out_clear(&out);
        item_write_json(&out, &item);
        CHECK_STR(out_view(&out), str_z(items[i]));
    }
    out_fini(&out);
    arena_fini(&arena);
}

TEST(import, no_byte_of_the_public_part_depends_on_the_key)
{
    static const char *const pairs[][2] = {
        { "{\"kind\":\"single\",\"text\":\"t\",\"options\":[\"1\",\"2\"],\"key\":[\"A\"]}",
          "{\"kind\":\"single\",\"text\":\"t\",\"options\":[\"1\",\"2\"],\"key\":[\"A\",\"B\"]}" },
        { "{\"kind\":\"number\",\"text\":\"t\",\"key\":\"1\"}",
          "{\"kind\":\"number\",\"text\":\"t\",\"key\":{\"from\":\"2\",\"to\":\"3\"}}" },
        { "{\"kind\":\"text\",\"text\":\"t\",\"key\":\"a\"}",
          "{\"kind\":\"text\",\"text\":\"t\",\"key\":\"b\"}" },
    };
    struct arena arena = arena_make(MIB);
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct out out[2] = { out_make(64 * KIB), out_make(64 * KIB) };
        uint8_t digest[2][ITEM_DIGEST_BYTES];
        for (int k = 0; k < 2; k++) {
            struct item item = from_json(str_z(pairs[i][k]), &arena);
            item.has_right = item.has_wrong = true;
            item.right = 4000;
            item_write_public(&out[k], &item, 7, 2);
            item_digest(&item, digest[k]);
        }
        CHECK_STR(out_view(&out[0]), out_view(&out[1]));
        CHECK(memcmp(digest[0], digest[1], ITEM_DIGEST_BYTES) == 0);
        CHECK_HAS(out_view(&out[0]), STR("{\"item\":7,\"section\":2,"));
        CHECK_HAS(out_view(&out[0]), STR("\"passage\":null,\"text\":\"t\",\"options\":["));
        CHECK_HAS(out_view(&out[0]), STR("],\"image\":null,\"right\":\"4\",\"wrong\":\"0\"}"));
        out_fini(&out[0]);
        out_fini(&out[1]);
    }
    arena_fini(&arena);
}

TEST(import, last_options_that_must_stay_last)
{
    static const char *const stay[] = { "None of these", "NONE OF THE ABOVE",
                                        "None",          "All of the above.",
                                        "以上都不对",    "Cannot be determined",
                                        "इनमें से कोई नहीं" };
    static const char *const move[] = { "Nonetheless",
                                        "None of the doctors in this hospital like tea", "All",
                                        "12", "上" };
    struct item item = item_make(SCORE_SINGLE);
    item.option_count = 2;
    for (size_t i = 0; i < COUNT(stay) + COUNT(move); i++) {
        item.options[1] = str_z(i < COUNT(stay) ? stay[i] : move[i - COUNT(stay)]);
        CHECK_EQ(item_last_stays(&item), i < COUNT(stay));
    }
}

/* --- CSV ---------------------------------------------------------------------------------------
 */

TEST(import, a_table)
{
    str all = csv("\xef\xbb\xbf"
                  "Section,Kind,Text,option_a,option_b,option_c,key,right,wrong,tolerance\r\n"
                  "S1,,\"What, \"\"then\"\"?\",x,y,,B,4,-1,\r\n"
                  "S1,several,\"two\r\nlines\",x,y,z,\"A, C\",4,-2,\r\n"
                  "S2,,free fall,,,,9.81,,,0.01\r\n"
                  "S2,number,range,,,,1.5..2|7,,,\r\n"
                  "S2,,words,,,,Newton;1687,,,\r\n"
                  "S2,single,either,x,y,z,A|C,,,\r\n");
    CHECK_HAS(all,
              STR("2 item:{\"section\":\"S1\",\"kind\":\"single\",\"blanks\":1,\"text\":\"What, "
                  "\\\"then\\\"?\",\"options\":[\"x\",\"y\"],\"right\":\"4\",\"wrong\":\"-1\","
                  "\"key\":[\"B\"]}"));
    CHECK_HAS(
        all, STR("3 item:"
                 "{\"section\":\"S1\",\"kind\":\"several\",\"blanks\":1,\"text\":\"two\\nlines\""));
    CHECK_HAS(all, STR("\"key\":[\"AC\"]}"));
    CHECK_HAS(
        all,
        STR("5 item:{\"section\":\"S2\",\"kind\":\"number\",\"blanks\":1,\"text\":\"free fall\","
            "\"key\":[{\"from\":\"9.8\",\"to\":\"9.82\"}]}"));
    CHECK_HAS(all, STR("\"key\":[{\"from\":\"1.5\",\"to\":\"2\"},\"7\"]}"));
    CHECK_HAS(all, STR("\"blanks\":2,\"text\":\"words\",\"key\":[[\"Newton\"],[\"1687\"]]}"));
    CHECK_HAS(
        all,
        STR("8 item:{\"section\":\"S2\",\"kind\":\"single\",\"blanks\":1,\"text\":\"either\""));
    CHECK_HAS(all, STR("\"key\":[\"A\",\"C\"]}"));
}

TEST(import, a_table_with_bad_rows)
{
    str all = csv("text,option_a,option_b,option_c,key,right\n"
                  "q1,x,y,,A\n"
                  "q2,x,,z,A,1\n"
                  "q3,x,y,,,1\n"
                  "q4,x,\"y,,A,1\n"
                  "q5,x,y,,A,1\n"
                  "q5,x,y,,B,1\n"
                  "\n"
                  "q6,x,y,,A,much\n"
                  "q7,x,y,,A,1\nx");
    CHECK_HAS(all, STR("2 refused: The row has 5 fields, the first row has 6."));
    CHECK_HAS(all, STR("3 refused: Option B is empty, but C is not."));
    CHECK_HAS(all, STR("4 refused: The item has no key."));
    CHECK_HAS(all, STR("5 refused: A quoted field never ends."));
    CHECK_HAS(all, STR("6 item:{"));
    CHECK_HAS(all, STR("7 refused: The same item is on line 6 already."));
    CHECK_HAS(all, STR("9 refused: The marks must be decimal numbers"));
    CHECK_HAS(all, STR("10 item:{"));
    CHECK_HAS(all, STR("11 refused: The row has 1 fields"));
}

static str file_refused(enum import_format format, str text)
{
    static struct why why;
    struct import_count count;
    why = (struct why){ 0 };
    CHECK(import_items(format, text, &sink, &count, &why) == FAIL_INPUT);
    CHECK_EQ(count.read, 0);
    return str_z(why.text);
}

TEST(import, a_file_of_another_kind_is_refused_as_a_whole)
{
    CHECK_HAS(file_refused(IMPORT_CSV, STR("")), STR("empty"));
    CHECK_HAS(file_refused(IMPORT_CSV, STR("q1,x,y,A\n")), STR("must name the columns"));
    CHECK_HAS(file_refused(IMPORT_CSV, STR("text,option_a,keys\n")), STR("did you mean \"key\"?"));
    CHECK_HAS(file_refused(IMPORT_CSV, STR("text,option_a\n")), STR("text and key among them"));
    CHECK_HAS(file_refused(IMPORT_CSV, STR("text,text,key\n")), STR("twice"));
    CHECK_HAS(file_refused(IMPORT_JSONL, (str){ "\xff\xfe{\0", 4 }), STR("UTF-16"));
    enum import_format format;
    CHECK(import_format_of(STR("a.b/Paper.JSONL"), &format) && format == IMPORT_JSONL);
    CHECK(import_format_of(STR("gift"), &format) && format == IMPORT_GIFT);
    CHECK(!import_format_of(STR("paper.pdf"), &format));
}

/* --- GIFT --------------------------------------------------------------------------------------
 */

TEST(import, gift_choices)
{
    str all = gift("// a comment\n"
                   "$CATEGORY: $course$/Paper/Physics\n"
                   "\n"
                   "::Q1:: Who is buried in Grant's tomb? {\n"
                   "  =Grant # well done\n"
                   "  // nobody else\n"
                   "  ~no one\n"
                   "  ~%-50%Napoleon#no\n"
                   "}\n"
                   "\n"
                   "Which are even? {~%50%2 ~%50%4 ~%-100%5}\n"
                   "\n"
                   "[markdown]Grant was{~right ~wrong =buried}in a tomb.\n"
                   "\n"
                   "Either is right {=a =b ~c}\n"
                   "\n"
                   "::TF::The sun rises in the east.{T#yes#no}\n"
                   "\n"
                   "It is flat {FALSE}");
    CHECK_HAS(
        all, STR("4 item:"
                 "{\"id\":\"Q1\",\"section\":\"Physics\",\"kind\":\"single\",\"blanks\":1,\"text\":"
                 "\"Who is buried in Grant's tomb?\",\"options\":[\"Grant\",\"no "
                 "one\",\"Napoleon\"],\"key\":[\"A\"]}"));
    CHECK_HAS(
        all,
        STR("11 item:{\"section\":\"Physics\",\"kind\":\"several\",\"blanks\":1,\"text\":\"Which "
            "are even?\","
            "\"options\":[\"2\",\"4\",\"5\"],\"key\":[\"AB\"]}"));
    CHECK_HAS(
        all,
        STR("13 item:{\"section\":\"Physics\",\"kind\":\"single\",\"blanks\":1,\"text\":\"Grant "
            "was _____ in a "
            "tomb.\",\"options\":[\"right\",\"wrong\",\"buried\"],\"key\":[\"C\"]}"));
    CHECK_HAS(all, STR("15 item:"));
    CHECK_HAS(all, STR("\"options\":[\"a\",\"b\",\"c\"],\"key\":[\"A\",\"B\"]}"));
    CHECK_HAS(all, STR("17 item:"
                       "{\"id\":\"TF\",\"section\":\"Physics\",\"kind\":\"single\",\"blanks\":1,"
                       "\"text\":\"The sun "
                       "rises in the east.\",\"options\":[\"True\",\"False\"],\"key\":[\"A\"]}"));
    CHECK_HAS(all, STR("19 item:"));
    CHECK_HAS(all,
              STR("\"text\":\"It is flat\",\"options\":[\"True\",\"False\"],\"key\":[\"B\"]}"));
}

TEST(import, gift_numbers_and_short_answers)
{
    str all = gift("When was Grant born?{#1822:5}\n\n"
                   "What is pi?{#3.141..3.142#feedback}\n\n"
                   "How much?{# =12 =%100%13:0.5#good}\n\n"
                   "Two plus two is {=four =4}\n\n"
                   "Escapes\\: \\{x \\= 1\\} a\\~b 5 \\# 6 {=\\=}\n\n"
                   "[html]<p>Is <b>a &lt; b</b>?</p>{T}\n\n"
                   "Math \\\\(x^2\\\\) and $$y$$ {=1}\n");
    CHECK_HAS(all, STR("1 item:{\"kind\":\"number\",\"blanks\":1,\"text\":\"When was Grant "
                       "born?\",\"key\":[{\"from\":\"1817\",\"to\":\"1827\"}]}"));
    CHECK_HAS(all, STR("\"key\":[{\"from\":\"3.141\",\"to\":\"3.142\"}]}"));
    CHECK_HAS(all, STR("\"key\":[\"12\",{\"from\":\"12.5\",\"to\":\"13.5\"}]}"));
    CHECK_HAS(all, STR("7 item:{\"kind\":\"text\",\"blanks\":1,\"text\":\"Two plus two "
                       "is\",\"key\":[[\"four\",\"4\"]]}"));
    CHECK_HAS(all, STR("\"text\":\"Escapes: {x = 1} a~b 5 # 6\",\"key\":[[\"=\"]]}"));
    CHECK_HAS(all, STR("\"text\":\"Is a < b?\""));
    CHECK_HAS(all, STR("\"text\":\"Math $x^2$ and $y$\""));
}

TEST(import, gift_that_has_no_kind_here_is_refused_with_its_line)
{
    static const char *const bad[][2] = {
        { "Write about it.{}", "Essays" },
        { "Just a text.", "no answer part" },
        { "Match.{=a -> 1 =b -> 2}", "Matching" },
        { "Part.{=a ~%50%b ~c}", "part of the marks" },
        { "Part.{=%80%a =b}", "part of the marks" },
        { "Part.{#=1 =%50%2}", "part of the marks" },
        { "Uneven.{~%75%a ~%25%b}", "different weights" },
        { "Short.{~%40%a ~%40%b}", "do not add up" },
        { "None.{~a ~b}", "No option is marked" },
        { "Wild.{=a* =b}", "wildcard" },
        { "Odd.{a =b}", "must begin with" },
        { "Open.{=a ~b", "not closed" },
        { "Closed.}", "without its '{'" },
        { "Twice.{T} and {F}", "more than one answer part" },
        { "::title only {T}", "never ends" },
        { "Num.{#1e3}", "no exponent" },
        { "Num.{#3..1}", "ends before" },
        { "Num.{#}", "written as" },
        { "Weight.{=%x%a ~b}", "weight must be written" },
        { "[html]<img src=x>{T}", "<img>" },
        { "Nine.{=1 ~2 ~3 ~4 ~5 ~6 ~7 ~8 ~9}", "more than 8 options" },
        { "Empty.{= ~b}", "Option A is empty" },
        { "Semi.{=a;b}", "semicolon" },
        { "Bell.{=a\ab}", "control characters" },
    };
    struct out text = out_make(64 * KIB);
    for (size_t i = 0; i < COUNT(bad); i++) {
        out_clear(&text);
        out_fmt(&text, "Before.{T}\n\n// c\n%s\n\nAfter.{F}\n", bad[i][0]);
        struct import_count count = import_str(IMPORT_GIFT, out_view(&text));
        CHECK_HAS(out_view(&seen), STR("4 refused: "));
        CHECK_HAS(out_view(&seen), str_z(bad[i][1]));
        CHECK_EQ(count.taken, 2);
        CHECK_EQ(count.refused, 1);
    }
    out_fini(&text);
}
