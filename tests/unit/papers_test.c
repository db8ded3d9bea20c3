/* papers_test.c - five papers set for real candidates import as they should. They are not in the
 * repository: without ../shared next to it these tests say so and pass. */
#include "tests/test.h"
#include "base/out.h"
#include "svc/itembank/import.h"
#include "svc/scoring/scoring_core.h"

#include <stdio.h>

static bool read_paper(const char *name, struct out *text)
{
    char path[128], bytes[4096];
    snprintf(path, sizeof(path), "../shared/data/papers/%s", name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        printf("skipped: no ../shared (%s)\n", name);
        return false;
    }
    for (size_t n; (n = fread(bytes, 1, sizeof(bytes), file)) > 0;)
        out_bytes(text, bytes, n);
    fclose(file);
    return true;
}

/* What was imported: how many of each kind, and that each item survives its way to the hall and
 * that its own key, typed as it stands, is right. */
struct tally {
    unsigned kinds[SCORE_KINDS], last_stay;
    struct out refused, json;
    struct arena arena;
};

static void check_way(struct tally *tally, const struct item *item)
{
    struct why why = { 0 };
    struct json *json;
    struct item back;
    struct out again = out_make(MIB);
    arena_reset(&tally->arena);
    out_clear(&tally->json);
    item_write_json(&tally->json, item);
    CHECK_OK(json_parse(&json, out_view(&tally->json), &tally->arena, &why));
    CHECK_OK(item_from_json(&back, json, &tally->arena, &why));
    CHECK_OK(item_check(&back, &why));
    item_write_json(&again, &back);
    CHECK_STR(out_view(&again), out_view(&tally->json));
    out_fini(&again);
}

static void check_key(const struct item *item)
{
    static const struct score_rule rule = { 4000, -1000, PARTIAL_NONE };
    struct out value = out_make(4 * KIB);
    if (item->kind <= SCORE_SEVERAL) {
        for (int i = 0; i < ITEM_OPTIONS_MAX; i++)
            if (item->key.sets[0] >> i & 1)
                out_char(&value, (char)('A' + i));
    } else if (item->kind == SCORE_NUMBER) {
        decimal_write(&value, item->key.ranges[0].from);
    }
    for (unsigned i = 0; i < item->key.text_count; i++) {
        out_str(&value, i ? STR(" ;") : STR(" "));
        out_str(&value, item->key.texts[i].text);
    }
    CHECK_EQ(score_item(&item->key, &rule, out_view(&value)).outcome, OUTCOME_RIGHT);
    CHECK_EQ(score_item(&item->key, &rule, STR("Z")).outcome, OUTCOME_WRONG);
    out_fini(&value);
}

static bool take(void *ctx, const struct item *item, unsigned line)
{
    struct tally *tally = ctx;
    (void)line;
    tally->kinds[item->kind]++;
    tally->last_stay += item->last_stays;
    check_way(tally, item);
    check_key(item);
    return true;
}

static void refuse(void *ctx, unsigned line, const char *reason)
{
    struct tally *tally = ctx;
    out_fmt(&tally->refused, "%u: %s\n", line, reason);
}

struct expected {
    const char *name;
    unsigned taken, refused, kinds[SCORE_KINDS], last_stay;
};

static void check_paper(const struct expected *expected)
{
    struct out text = out_make(16 * MIB);
    struct tally tally = { .refused = out_make(MIB),
                           .json = out_make(MIB),
                           .arena = arena_make(MIB) };
    struct import_sink sink = { take, refuse, &tally };
    struct import_count count;
    struct why why = { 0 };
    if (!read_paper(expected->name, &text))
        return;
    CHECK_OK(import_items(IMPORT_JSONL, out_view(&text), &sink, &count, &why));
    for (unsigned i = 0; i < SCORE_KINDS; i++)
        CHECK_EQ(tally.kinds[i], expected->kinds[i]);
    CHECK_EQ(count.taken, expected->taken);
    CHECK_EQ(count.refused, expected->refused);
    CHECK_EQ(tally.last_stay, expected->last_stay);
    for (str rest = out_view(&tally.refused); rest.n;) /* only repeated items are refused */
        CHECK_HAS(str_cut(&rest, '\n'), STR("The same item is on line "));
    out_fini(&text);
    out_fini(&tally.refused);
    out_fini(&tally.json);
    arena_fini(&tally.arena);
}

TEST(papers, sat_mathematics)
{
    check_paper(&(struct expected){ "sat-math.jsonl", 220, 0, { 220, 0, 0, 0 }, 0 });
}

TEST(papers, aqua_algebra)
{
    check_paper(&(struct expected){ "aqua-rat.jsonl", 254, 0, { 254, 0, 0, 0 }, 35 });
}

TEST(papers, lsat_logical_reasoning)
{
    check_paper(&(struct expected){ "lsat-lr.jsonl", 510, 0, { 510, 0, 0, 0 }, 0 });
}

TEST(papers, gaokao_physics)
{
    check_paper(&(struct expected){ "gaokao-physics.jsonl", 194, 6, { 159, 35, 0, 0 }, 0 });
}

TEST(papers, gaokao_mathematics_with_typed_answers)
{
    check_paper(&(struct expected){ "gaokao-mathcloze.jsonl", 116, 2, { 0, 0, 44, 72 }, 0 });
}
