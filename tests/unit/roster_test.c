/* roster_test.c - candidates come in by CSV, each row checked, each mistake named by line. */
#include "tests/test.h"
#include "base/out.h"
#include "svc/itembank/roster_import.h"

static struct out seen;

static bool take(void *ctx, const struct roster_row *row, unsigned line)
{
    (void)ctx;
    out_fmt(&seen, "%u %.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%u\n", line, STR_ARG(row->roll),
            STR_ARG(row->name), STR_ARG(row->birth), STR_ARG(row->centre), STR_ARG(row->exam),
            STR_ARG(row->shift), row->extra_minutes);
    return true;
}

static void refuse(void *ctx, unsigned line, const char *reason)
{
    (void)ctx;
    out_fmt(&seen, "%u refused: %s\n", line, reason);
}

static const struct roster_sink sink = { take, refuse, NULL };

static str roster(const char *text)
{
    struct why why;
    struct roster_count count;
    out_fini(&seen);
    seen = out_make(MIB);
    CHECK_OK(roster_import(str_z(text), &sink, &count, &why));
    CHECK_EQ(count.read, count.taken + count.refused);
    return out_view(&seen);
}

static str refused(str text)
{
    static struct why why;
    struct roster_count count;
    why = (struct why){ 0 };
    CHECK(roster_import(text, &sink, &count, &why) == FAIL_INPUT);
    return str_z(why.text);
}

TEST(roster, rows_are_read_by_their_names)
{
    CHECK_STR(roster("roll,name,date_of_birth,centre,shift,extra_time\n"
                     "NEE-0001,Asha Rao,2009-07-31,Pune 1,morning,20\n"
                     "NEE-0002,\"Oke, Tunde\",01/02/2008,Lagos,,\n"),
              STR("2 NEE-0001|Asha Rao|2009-07-31|Pune 1||morning|20\n"
                  "3 NEE-0002|Oke, Tunde|2008-02-01|Lagos|||0\n"));
    CHECK_STR(roster("\xef\xbb\xbf"
                     "Name;Roll_Number;Center;DOB;Exam;extra_minutes\r\n"
                     "王小明;7;北京;2008-02-29;paper-1;0\r\n"),
              STR("2 7|王小明|2008-02-29|北京|paper-1||0\n"));
    CHECK_STR(roster("name,roll\nA,1\n\nB,2"), STR("2 1|A|||||0\n4 2|B|||||0\n"));
}

TEST(roster, a_bad_row_is_named_by_its_line)
{
    static const char *const bad[][2] = {
        { "A 1,Name,2009-07-31,5", "roll number \"A 1\" must be" },
        { ",Name,2009-07-31,5", "must be 1 to 24" },
        { "1234567890123456789012345,Name,2009-07-31,5", "must be 1 to 24" },
        { "X9,,2009-07-31,5", "name must be" },
        { "X9,N\xff,2009-07-31,5", "name must be" },
        { "X9,N\x01,2009-07-31,5", "name must be" },
        { "X9,Name,2009-02-29,5", "no date" },
        { "X9,Name,29/02/2009,5", "no date" },
        { "X9,Name,07-31-2009,5", "no date" },
        { "X9,Name,2009-7-31,5", "no date" },
        { "X9,Name,1899-07-31,5", "no date" },
        { "X9,Name,,5", "date of birth is missing" },
        { "X9,Name,2009-07-31,601", "0 to 600" },
        { "X9,Name,2009-07-31,-5", "0 to 600" },
        { "X9,Name,2009-07-31,20 min", "0 to 600" },
        { "X9,Name,2009-07-31", "3 fields" },
        { "X9,Name,2009-07-31,5,6", "5 fields" },
        { "X9,Na\"me,2009-07-31,5", "quote" },
        { "X1,Name,2009-07-31,5", "The roll number X1 is on line 2 already." },
    };
    struct out text = out_make(4 * KIB);
    for (size_t i = 0; i < COUNT(bad); i++) {
        out_clear(&text);
        out_fmt(&text, "roll,name,birth,extra_minutes\nX1,A,2009-07-31,0\n%s\nX2,B,2009-07-31,0\n",
                bad[i][0]);
        out_char(&text, 0);
        str all = roster(text.p);
        CHECK_HAS(all, STR("2 X1|A|"));
        CHECK_HAS(all, STR("3 refused: "));
        CHECK_HAS(all, str_z(bad[i][1]));
        CHECK_HAS(all, STR("4 X2|B|"));
    }
    out_fini(&text);
}

TEST(roster, a_file_without_names_is_refused)
{
    CHECK_HAS(refused(STR("")), STR("empty"));
    CHECK_HAS(refused(STR("NEE-0001,Asha Rao,2009-07-31\n")), STR("\"NEE-0001\" is none of these"));
    CHECK_HAS(refused(STR("roll,centre\n1,2\n")), STR("roll and name among them"));
    CHECK_HAS(refused(STR("roll,name,roll_number\n")), STR("there twice"));
    CHECK_HAS(refused((str){ "\xfe\xff\0r", 4 }), STR("UTF-16"));
}

static bool count_row(void *ctx, const struct roster_row *row, unsigned line)
{
    uint64_t *sum = ctx;
    *sum += row->roll.n + line;
    return true;
}

TEST(roster, a_national_roster_is_read_whole)
{
    uint64_t sum = 0;
    struct roster_sink counter = { count_row, refuse, &sum };
    struct roster_count count;
    struct why why;
    struct out text = out_make(64 * MIB);
    out_z(&text, "roll,name,birth,centre,shift,extra_minutes\n");
    for (unsigned i = 0; i < 450000; i++)
        out_fmt(&text, "NEE27-%06u,Candidate Number %u,2009-%02u-%02u,C%03u,morning,0\n", i, i,
                i % 12 + 1, i % 28 + 1, i % 700);
    out_z(&text, "NEE27-449999,Once More,2009-01-01,C1,morning,0\n");
    out_clear(&seen);
    seen.bytes_max = MIB;
    CHECK_OK(roster_import(out_view(&text), &counter, &count, &why));
    CHECK_EQ(count.taken, 450000);
    CHECK_EQ(count.refused, 1);
    CHECK_STR(out_view(&seen),
              STR("450002 refused: The roll number NEE27-449999 is on line 450001 already.\n"));
    out_fini(&text);
}
