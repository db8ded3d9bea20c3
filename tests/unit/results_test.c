/* results_test.c - who sees which result when. */
#include "tests/unit/world.h"

#include <stdio.h>
#include <stdlib.h>

static void finish(struct world *w, bool publish)
{
    CHECK_EQ(world_admin(w, "POST", "/v1/exams/paper-1/close", "{}"), 200);
    world_advance(w, 100);
    CHECK_EQ(world_admin(w, "POST", "/v1/exams/paper-1/score", "{}"), 200);
    if (publish)
        CHECK_EQ(world_admin(w, "POST", "/v1/exams/paper-1/publish", "{}"), 200);
}

TEST(results, equal_totals_share_a_rank_and_the_next_is_skipped)
{
    static const struct {
        const char *value;
        int rank;
    } rows[] = { { NULL, 2 }, { "B", 1 }, { "A", 4 }, { NULL, 2 } };
    struct world w;
    world_open(&w, NULL);
    for (unsigned i = 0; i < COUNT(rows); i++) {
        char roll[8];
        snprintf(roll, sizeof(roll), "R%03u", i + 1);
        world_start(&w, roll);
        if (rows[i].value)
            CHECK_EQ(world_put(&w, 1, rows[i].value, 1), 200);
    }
    finish(&w, true);
    for (unsigned i = 0; i < COUNT(rows); i++) {
        char roll[8];
        snprintf(roll, sizeof(roll), "R%03u", i + 1);
        world_login(&w, roll);
        CHECK_EQ(world_get(&w, "/result"), 200);
        CHECK_EQ(world_i64(&w, "rank"), rows[i].rank);
        CHECK_EQ(world_i64(&w, "of"), 4);
        CHECK_STR(world_str(&w, "roll"), str_z(roll));
    }
    world_close(&w);
}

/* A right answer is 4 marks, a wrong one -1: totals on both sides of zero, each twice. */
TEST(results, ranks_follow_the_totals_whatever_the_order_of_candidates)
{
    struct world w;
    static const int rights[] = { 2, 0, 5, 1, 4, 3, 5, 0, 3, 1, 4, 2 };
    world_open(&w, &(struct world_opts){ .rolls = COUNT(rights) });
    for (unsigned i = 0; i < COUNT(rights); i++) {
        char roll[8];
        snprintf(roll, sizeof(roll), "R%03u", i + 1);
        world_start(&w, roll);
        for (int item = 1; item <= 5; item++) {
            static const char *const right[] = { "B", "C", "AC", "9.81", "Newton" };
            bool knows = item <= rights[i];
            CHECK_EQ(world_put(&w, (unsigned)item, knows ? right[item - 1] : "D", (uint32_t)item),
                     200);
        }
    }
    finish(&w, true);
    for (unsigned i = 0; i < COUNT(rights); i++) {
        char roll[8];
        snprintf(roll, sizeof(roll), "R%03u", i + 1);
        world_login(&w, roll);
        CHECK_EQ(world_get(&w, "/result"), 200);
        CHECK_EQ(world_i64(&w, "rank"), 1 + 2 * (5 - rights[i]));
    }
    world_close(&w);
}

TEST(results, nothing_is_seen_before_publication)
{
    static const char *const paths[] = { "/result", "/responses" };
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    for (int stage = 0; stage < 3; stage++) {
        if (stage == 1)
            CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/close", "{}"), 200);
        world_advance(&w, 100);
        if (stage == 2)
            CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/score", "{}"), 200);
        for (size_t i = 0; i < COUNT(paths); i++) {
            CHECK_EQ(world_get(&w, paths[i]), 404);
            CHECK_STR(world_problem(&w), STR("not-published"));
        }
    }
    CHECK_EQ(world_get(&w, ""), 200);
    CHECK_STR(world_str(&w, "state"), STR("submitted"));
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/publish", "{}"), 200);
    for (size_t i = 0; i < COUNT(paths); i++)
        CHECK_EQ(world_get(&w, paths[i]), 200);
    CHECK_EQ(world_get(&w, ""), 200);
    CHECK_STR(world_str(&w, "state"), STR("published"));
    world_close(&w);
}

TEST(results, staff_see_a_scored_result_before_publication)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_admin(&w, "GET", "/v1/attempts/1/result", NULL), 404);
    finish(&w, false);
    CHECK_EQ(world_admin(&w, "GET", "/v1/attempts/1/result", NULL), 200);
    CHECK_EQ(world_admin(&w, "GET", "/v1/attempts/1/responses", NULL), 200);
    world_close(&w);
}

TEST(results, who_did_not_sit_has_none_and_nobody_sees_anothers)
{
    struct world w;
    world_open(&w, NULL);
    struct seat first = world_start(&w, "R001");
    finish(&w, true);
    world_login(&w, "R002");
    CHECK_EQ(world_get(&w, "/result"), 404);
    CHECK_STR(world_problem(&w), STR("not-scored"));
    CHECK_EQ(world_get(&w, ""), 200);
    CHECK_STR(world_str(&w, "state"), STR("closed"));
    first.attempt = 2;
    world_sit(&w, &first);
    CHECK_EQ(world_get(&w, "/result"), 403);
    world_close(&w);
}

TEST(results, a_changed_byte_of_a_result_is_found_and_scoring_again_mends_it)
{
    struct world w;
    char path[400], digest[65];
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "B", 1), 200);
    finish(&w, false);
    snprintf(digest, sizeof(digest), "%s", hall_host(w.hall)->directory->exams[0].scored.p);
    snprintf(path, sizeof(path), "%s/blobs/%s", w.dir, digest);
    FILE *file = fopen(path, "r+b");
    CHECK(file && fseek(file, 60, SEEK_SET) == 0 && fputc('!', file) == '!' && fclose(file) == 0);
    CHECK_EQ(world_admin(&w, "GET", "/v1/attempts/1/result", NULL), 500);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/score", "{}"), 200);
    CHECK_STR(world_str(&w, "digest"), str_z(digest));
    CHECK_EQ(world_admin(&w, "GET", "/v1/attempts/1/result", NULL), 200);
    CHECK_STR(world_str(&w, "total"), STR("4"));
    world_close(&w);
}
