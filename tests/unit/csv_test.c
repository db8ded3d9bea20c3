/* csv_test.c - rows as RFC 4180 has them, and what broken ones cost. */
#include "tests/test.h"
#include "base/out.h"
#include "codec/csv.h"

/* All rows as text: fields in <>, a row a line, refused rows as "line N refused". */
static str table(const char *text)
{
    static char seen[4096];
    struct arena arena = arena_make(MIB);
    struct out out = out_make(sizeof(seen));
    struct csv csv;
    struct csv_row row;
    struct why why = { 0 };
    csv_init(&csv, str_z(text));
    while (csv_more(&csv)) {
        if (csv_read(&csv, &row, &arena, &why)) {
            out_fmt(&out, "line %u refused\n", csv.row_line);
            continue;
        }
        out_fmt(&out, "%u", csv.row_line);
        for (unsigned i = 0; i < row.count; i++)
            out_fmt(&out, "<%.*s>", STR_ARG(row.fields[i]));
        out_char(&out, '\n');
    }
    size_t n = out.n;
    if (n)
        memcpy(seen, out.p, n);
    out_fini(&out);
    arena_fini(&arena);
    return (str){ seen, n };
}

TEST(csv, rows_and_fields)
{
    CHECK_STR(table("a,b\nc,d\n"), STR("1<a><b>\n2<c><d>\n"));
    CHECK_STR(table("a,b\r\nc,d"), STR("1<a><b>\n2<c><d>\n"));
    CHECK_STR(table("a,,\n,b,\n"), STR("1<a><><>\n2<><b><>\n"));
    CHECK_STR(table(" a , b \n"), STR("1< a >< b >\n"));
    CHECK_STR(table("\xef\xbb\xbf"
                    "a,b"),
              STR("1<a><b>\n"));
    CHECK_STR(table(""), STR(""));
    CHECK_STR(table("\n\r\n\na\n\n"), STR("4<a>\n"));
}

TEST(csv, quoted_fields)
{
    CHECK_STR(table("\"a,b\",c\n"), STR("1<a,b><c>\n"));
    CHECK_STR(table("\"say \"\"x\"\"\",c\r\nd,e"), STR("1<say \"x\"><c>\n2<d><e>\n"));
    CHECK_STR(table("\"a\nb\n\",c\nd,e\n"), STR("1<a\nb\n><c>\n4<d><e>\n"));
    CHECK_STR(table("\"\",\"\"\n"), STR("1<><>\n"));
    CHECK_STR(table("\"\"\"\"\n"), STR("1<\">\n"));
}

TEST(csv, the_separator_is_the_first_lines)
{
    CHECK_STR(table("a;b;c\n1,5;2;3\n"), STR("1<a><b><c>\n2<1,5><2><3>\n"));
    CHECK_STR(table("a\tb\n1,5\t2\n"), STR("1<a><b>\n2<1,5><2>\n"));
    CHECK_STR(table("\"x;y;z\",b\n"), STR("1<x;y;z><b>\n"));
}

TEST(csv, a_broken_row_costs_one_row)
{
    CHECK_STR(table("a,b\nc,d\"e\nf,g\n"), STR("1<a><b>\nline 2 refused\n3<f><g>\n"));
    CHECK_STR(table("a,b\n\"c\"x,d\nf,g\n"), STR("1<a><b>\nline 2 refused\n3<f><g>\n"));
    CHECK_STR(table("a,b\n\"c,d\nf,g\nh,i"), STR("1<a><b>\nline 2 refused\n3<f><g>\n4<h><i>\n"));
    CHECK_STR(table("a,b\n\"c,d\nf,\"g\"\nh,i\n"),
              STR("1<a><b>\nline 2 refused\n3<f><g>\n4<h><i>\n"));
}

TEST(csv, a_row_of_too_many_fields_is_refused)
{
    char text[2 * CSV_FIELDS_MAX + 4];
    memset(text, ',', sizeof(text));
    text[CSV_FIELDS_MAX - 1] = 0;
    CHECK_EQ(str_find_str(table(text), STR("refused")), -1);
    text[CSV_FIELDS_MAX - 1] = ',';
    text[CSV_FIELDS_MAX] = 0;
    CHECK_STR(table(text), STR("line 1 refused\n"));
}
