/* sample_test.c - the sample exam and roster import whole: a new hall starts with them. Tests run
 * in the repository's root. */
#include "tests/test.h"
#include "base/out.h"
#include "svc/itembank/import.h"
#include "svc/itembank/roster_import.h"

#include <stdio.h>

static struct out read_file(const char *path)
{
    struct out text = out_make(MIB);
    char bytes[4096];
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    for (size_t n; (n = fread(bytes, 1, sizeof(bytes), file)) > 0;)
        out_bytes(&text, bytes, n);
    fclose(file);
    CHECK(!text.failed);
    return text;
}

struct tally {
    unsigned kinds[SCORE_KINDS], sections[3], pictures, extra;
};

static const char *const sections[] = { "Mathematics", "Physics", "General aptitude" };

static bool take_item(void *ctx, const struct item *item, unsigned line)
{
    struct tally *tally = ctx;
    (void)line;
    tally->kinds[item->kind]++;
    tally->pictures += item->image.bytes.n > 0;
    for (size_t i = 0; i < COUNT(sections); i++)
        tally->sections[i] += str_eq(item->section, str_z(sections[i]));
    return true;
}

static bool take_row(void *ctx, const struct roster_row *row, unsigned line)
{
    struct tally *tally = ctx;
    (void)line;
    tally->extra += row->extra_minutes > 0;
    return true;
}

static void refuse(void *ctx, unsigned line, const char *reason)
{
    (void)ctx;
    test_failed(__FILE__, __LINE__, "line %u: %s", line, reason);
}

TEST(sample, the_exam_imports_whole)
{
    struct tally tally = { 0 };
    struct import_sink sink = { take_item, refuse, &tally };
    struct import_count count;
    struct why why = { 0 };
    struct out text = read_file("data/sample/exam.jsonl");
    CHECK_OK(import_items(IMPORT_JSONL, out_view(&text), &sink, &count, &why));
    CHECK_EQ(count.taken, 50);
    CHECK_EQ(tally.kinds[SCORE_SINGLE], 31);
    CHECK_EQ(tally.kinds[SCORE_SEVERAL], 8);
    CHECK_EQ(tally.kinds[SCORE_NUMBER], 11);
    CHECK_EQ(tally.sections[0], 18);
    CHECK_EQ(tally.sections[1], 17);
    CHECK_EQ(tally.sections[2], 15);
    CHECK_EQ(tally.pictures, 14);
    out_fini(&text);
}

TEST(sample, the_roster_imports_whole)
{
    struct tally tally = { 0 };
    struct roster_sink sink = { take_row, refuse, &tally };
    struct roster_count count;
    struct why why = { 0 };
    struct out text = read_file("data/sample/roster.csv");
    CHECK_OK(roster_import(out_view(&text), &sink, &count, &why));
    CHECK_EQ(count.taken, 200);
    CHECK(tally.extra > 5);
    out_fini(&text);
}
