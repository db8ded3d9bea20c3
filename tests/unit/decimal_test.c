/* decimal_test.c - decimals are exact, and mean what people typed. */
#include "tests/test.h"
#include "codec/decimal.h"

static struct decimal number(const char *text)
{
    struct decimal d;
    if (!decimal_parse(str_z(text), &d))
        test_failed(__FILE__, __LINE__, "\"%s\" is not read", text);
    return d;
}

TEST(decimal, is_printed_as_it_is_meant)
{
    static const char *const pairs[][2] = {
        { "4", "4" },
        { "-0.25", "-0.25" },
        { "+3", "3" },
        { "007", "7" },
        { "1.500", "1.5" },
        { ".5", "0.5" },
        { "5.", "5" },
        { "-0", "0" },
        { " 12 ", "12" },
        { "0.0001", "0.0001" },
        { "100", "100" },
        { "1.05", "1.05" },
        { "10.00", "10" },
        { "\xe2\x88\x92"
          "2.5",
          "-2.5" },
        { "\xef\xbc\x8d\xef\xbc\x91\xef\xbc\x8e\xef\xbc\x95", "-1.5" }, /* full-width -1.5 */
        { "\xe3\x80\x80"
          "64\xc2\xa0",
          "64" },
        { "999999999999999999", "999999999999999999" },
        { "0.000000000000000001", "0.000000000000000001" },
        { "1.50000000000000000000000000000000", "1.5" },
        { "0000000000000000000000000000000012", "12" },
    };
    struct out out = out_make(KIB);
    for (size_t i = 0; i < COUNT(pairs); i++) {
        out_clear(&out);
        decimal_write(&out, number(pairs[i][0]));
        CHECK_STR(out_view(&out), str_z(pairs[i][1]));
    }
    out_fini(&out);
}

TEST(decimal, what_is_no_number_is_refused)
{
    static const char *const bad[] = {
        "",
        " ",
        "-",
        "+",
        ".",
        "-.",
        "1,5",
        "1,500",
        "1 500",
        "1\342\200\211500",
        "1e3",
        "0x1",
        "1/2",
        "--1",
        "1-",
        "1.2.3",
        "a",
        "1a",
        "\xc2\xbd",
        "\xd9\xa1",
        "\xef\xbc",
        "\xe2\x88",
        "- 1",
        "1000000000000000000",
        "0.0000000000000000001",
        "1.2345678901234567891",
    };
    struct decimal d;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (decimal_parse(str_z(bad[i]), &d))
            test_failed(__FILE__, __LINE__, "\"%s\" is read as a number", bad[i]);
    CHECK(!decimal_parse((str){ "1\0", 2 }, &d));
}

TEST(decimal, a_candidates_endless_fraction_is_cut)
{
    struct decimal d;
    CHECK(decimal_parse_cut(STR("0.3333333333333333333333333"), &d));
    CHECK_EQ(d.mantissa, 333333333333333333);
    CHECK_EQ(d.scale, 18);
    CHECK(decimal_parse_cut(STR("0.00000000000000000000000001"), &d));
    CHECK_EQ(d.mantissa, 0);
    CHECK(decimal_parse_cut(STR("12345678901234567.8000000099"), &d));
    CHECK_EQ(decimal_compare(d, number("12345678901234567.8")), 0);
    CHECK(!decimal_parse_cut(STR("12345678901234567890"), &d));
}

TEST(decimal, comparing_is_exact)
{
    static const char *const ascending[] = {
        "-999999999999999999",
        "-1",
        "-0.000000000000000002",
        "-0.000000000000000001",
        "0",
        "0.000000000000000001",
        "0.3",
        "0.300000000000000001",
        "0.31",
        "1",
        "999999999999999999",
    };
    for (size_t i = 0; i < COUNT(ascending); i++)
        for (size_t j = 0; j < COUNT(ascending); j++)
            CHECK_EQ(decimal_compare(number(ascending[i]), number(ascending[j])),
                     (i > j) - (i < j));
    CHECK_EQ(decimal_compare(number("1.50"), number("1.5")), 0);
}

TEST(decimal, a_tolerance_includes_its_ends)
{
    struct decimal from, to;
    CHECK(decimal_around(number("9.81"), number("0.01"), &from, &to));
    CHECK(decimal_within(number("9.8"), from, to));
    CHECK(decimal_within(number("9.82"), from, to));
    CHECK(!decimal_within(number("9.799999999999999"), from, to));
    CHECK(!decimal_within(number("9.820000000000001"), from, to));
    CHECK(decimal_around(number("-0.1"), number("0.2"), &from, &to));
    CHECK_EQ(decimal_compare(from, number("-0.3")), 0);
    CHECK_EQ(decimal_compare(to, number("0.1")), 0);
    CHECK(!decimal_around(number("999999999999999999"), number("1"), &from, &to));
    CHECK(!decimal_around(number("999999999999999999"), number("0.1"), &from, &to));
}

TEST(decimal, a_decimal_from_disk_is_checked)
{
    CHECK(decimal_is_valid((struct decimal){ -999999999999999999, 18 }));
    CHECK(!decimal_is_valid((struct decimal){ 1000000000000000000, 0 }));
    CHECK(!decimal_is_valid((struct decimal){ INT64_MIN, 0 }));
    CHECK(!decimal_is_valid((struct decimal){ 1, 19 }));
}

TEST(decimal, marks_are_thousandths)
{
    int32_t milli = 0;
    struct out out = out_make(KIB);
    CHECK(milli_parse(STR("4"), &milli));
    CHECK_EQ(milli, 4000);
    CHECK(milli_parse(STR("-0.25"), &milli));
    CHECK_EQ(milli, -250);
    CHECK(milli_parse(STR("0.333"), &milli));
    CHECK_EQ(milli, 333);
    CHECK(milli_parse(STR("-1000000"), &milli));
    CHECK(!milli_parse(STR("1000001"), &milli));
    CHECK(!milli_parse(STR("99999999999999999"), &milli));
    CHECK(!milli_parse(STR("0.0001"), &milli));
    CHECK(!milli_parse(STR("four"), &milli));
    milli_write(&out, -250);
    out_char(&out, ' ');
    milli_write(&out, 4000);
    out_char(&out, ' ');
    milli_write(&out, 0);
    out_char(&out, ' ');
    milli_write(&out, 123456789010);
    CHECK_STR(out_view(&out), STR("-0.25 4 0 123456789.01"));
    out_fini(&out);
}
