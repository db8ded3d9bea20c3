/* scoring_service_test.c - from recorded answers to marks and ranks, with numbers made by hand. */
#include "svc/scoring/scored_api.h"
#include "tests/unit/world.h"

#include <stdio.h>

static void close_and_score(struct world *w, char digest[65])
{
    CHECK_EQ(world_admin(w, "POST", "/v1/exams/paper-1/close", "{}"), 200);
    world_advance(w, 100);
    CHECK_EQ(world_admin(w, "POST", "/v1/exams/paper-1/score", "{}"), 200);
    CHECK_EQ(world_str(w, "digest").n, 64);
    snprintf(digest, 65, "%.*s", STR_ARG(world_str(w, "digest")));
}

static void publish(struct world *w)
{
    CHECK_EQ(world_admin(w, "POST", "/v1/exams/paper-1/publish", "{}"), 200);
    CHECK_STR(world_str(w, "state"), STR("published"));
}

/* One candidate's answers, and what they are worth by hand: 4 and -1 a mark, item 7: 2 and -0.5,
 * item 3: a mark for each right option when no wrong one is chosen. */
static const struct sitting {
    const char *values[WORLD_ITEMS];
    const char *marks[WORLD_ITEMS], *outcomes[WORLD_ITEMS], *total;
} sittings[] = {
    { { "B", "C", "AC", "9.81", "Newton", "5;ten", "D" },
      { "4", "4", "4", "4", "4", "4", "2" },
      { "right", "right", "right", "right", "right", "right", "right" },
      "26" },
    { { "A", "B", "AB", "9.83", "Watt", "5;11", "A" },
      { "-1", "-1", "-1", "-1", "-1", "-1", "-0.5" },
      { "wrong", "wrong", "wrong", "wrong", "wrong", "wrong", "wrong" },
      "-6.5" },
    { { NULL, "A", "C", "9.8", "newton", "5", NULL },
      { "0", "4", "1", "4", "4", "-1", "0" },
      { "blank", "right", "partly", "right", "right", "wrong", "blank" },
      "12" },
    { { "B", "D", "A", "9.82", " Newton ", "10;5", "D" },
      { "4", "-1", "1", "4", "4", "-1", "2" },
      { "right", "wrong", "partly", "right", "right", "wrong", "right" },
      "13" },
    { { NULL },
      { "0", "0", "0", "0", "0", "0", "0" },
      { "blank", "blank", "blank", "blank", "blank", "blank", "blank" },
      "0" },
};

static void sit(struct world *w, const char *roll, const struct sitting *sitting)
{
    world_start(w, roll);
    for (unsigned i = 0; i < WORLD_ITEMS; i++)
        if (sitting->values[i])
            CHECK_EQ(world_put(w, i + 1, sitting->values[i], i + 1), 200);
}

TEST(scoring, every_kind_of_item_is_marked_as_by_hand)
{
    struct world w;
    char digest[65];
    world_open(&w, &(struct world_opts){ .rolls = COUNT(sittings) + 1 });
    for (unsigned i = 0; i < COUNT(sittings); i++) {
        char roll[8];
        snprintf(roll, sizeof(roll), "R%03u", i + 1);
        sit(&w, roll, &sittings[i]);
    }
    close_and_score(&w, digest);
    CHECK_EQ(world_i64(&w, "scored"), COUNT(sittings)); /* the last one never started */
    publish(&w);
    for (unsigned i = 0; i < COUNT(sittings); i++) {
        char roll[8];
        snprintf(roll, sizeof(roll), "R%03u", i + 1);
        world_login(&w, roll);
        CHECK_EQ(world_get(&w, "/responses"), 200);
        for (unsigned k = 0; k < WORLD_ITEMS; k++) {
            CHECK_STR(world_in(&w, "items", k, "marks"), str_z(sittings[i].marks[k]));
            CHECK_STR(world_in(&w, "items", k, "outcome"), str_z(sittings[i].outcomes[k]));
            CHECK_STR(world_in(&w, "items", k, "value"), str_z(sittings[i].values[k]));
        }
        CHECK_EQ(world_get(&w, "/result"), 200);
        CHECK_STR(world_str(&w, "total"), str_z(sittings[i].total));
        CHECK_STR(world_str(&w, "out_of"), STR("26"));
    }
    world_close(&w);
}

TEST(scoring, sections_add_up)
{
    struct world w;
    char digest[65];
    world_open(&w, NULL);
    sit(&w, "R001", &sittings[2]);
    close_and_score(&w, digest);
    publish(&w);
    world_sit(&w, &w.seat);
    CHECK_EQ(world_get(&w, "/result"), 200);
    CHECK_STR(world_in(&w, "sections", 0, "name"), STR("Physics"));
    CHECK_STR(world_in(&w, "sections", 0, "marks"), STR("5"));
    CHECK_STR(world_in(&w, "sections", 0, "out_of"), STR("12"));
    CHECK_STR(world_in(&w, "sections", 0, "partly"), STR("1"));
    CHECK_STR(world_in(&w, "sections", 0, "blank"), STR("1"));
    CHECK_STR(world_in(&w, "sections", 1, "marks"), STR("7"));
    CHECK_STR(world_in(&w, "sections", 1, "out_of"), STR("14"));
    CHECK_STR(world_in(&w, "sections", 1, "right"), STR("2"));
    CHECK_STR(world_in(&w, "sections", 1, "wrong"), STR("1"));
    world_close(&w);
}

TEST(scoring, a_second_run_gives_the_same_digest_also_after_a_crash)
{
    struct world w;
    char first[65];
    world_open(&w, NULL);
    sit(&w, "R001", &sittings[0]);
    sit(&w, "R002", &sittings[3]);
    close_and_score(&w, first);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/score", "{}"), 200);
    CHECK_STR(world_str(&w, "digest"), str_z(first));
    world_crash_and_restart(&w);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/score", "{}"), 200);
    CHECK_STR(world_str(&w, "digest"), str_z(first));
    world_close(&w);
}

TEST(scoring, what_arrived_late_or_out_of_order_is_marked_as_recorded)
{
    struct world w;
    char digest[65];
    world_open(&w, NULL);
    struct seat old = world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "B", 9), 200);
    CHECK_EQ(world_put(&w, 1, "A", 3), 200); /* overtaken: B stays */
    CHECK_EQ(world_put(&w, 5, "a wrong long answer", 10), 200);
    world_login(&w, "R001");
    CHECK_EQ(world_put(&w, 5, "Newton", 1), 200); /* newer session, lower seq, shorter */
    world_sit(&w, &old);
    CHECK_EQ(world_put(&w, 5, "Watt", 99), 401);
    close_and_score(&w, digest);
    publish(&w);
    world_login(&w, "R001");
    CHECK_EQ(world_get(&w, "/responses"), 200);
    CHECK_STR(world_in(&w, "items", 0, "value"), STR("B"));
    CHECK_STR(world_in(&w, "items", 4, "value"), STR("Newton"));
    CHECK_EQ(world_get(&w, "/result"), 200);
    CHECK_STR(world_str(&w, "total"), STR("8"));
    world_close(&w);
}

TEST(scoring, an_exam_is_scored_only_closed_whole_and_handed_in)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/score", "{}"), 409);
    CHECK_STR(world_problem(&w), STR("not-closed"));
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/publish", "{}"), 409);
    CHECK_STR(world_problem(&w), STR("not-scored"));
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/close", "{}"), 200);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/score", "{}"), 503);
    CHECK_STR(world_problem(&w), STR("closing")); /* R001 is being handed in */
    CHECK_HAS(world_headers(&w), STR("Retry-After: 1"));
    world_advance(&w, 100);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/score", "{}"), 200);
    world_close(&w);
}

TEST(scoring, a_run_counts_what_is_not_durable_yet)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    struct world_request put = { .method = "PUT",
                                 .target = "/v1/attempts/1/answers/1",
                                 .body = STR("{\"value\":\"B\",\"seq\":1}"),
                                 .cookie = w.seat.cookie,
                                 .unflushed = true };
    struct world_request submit = { .method = "POST",
                                    .target = "/v1/attempts/1/submit",
                                    .body = STR("{}"),
                                    .cookie = w.seat.cookie,
                                    .unflushed = true };
    struct world_request close = { .method = "POST",
                                   .target = "/v1/exams/paper-1/close",
                                   .body = STR("{}"),
                                   .admin = true,
                                   .unflushed = true };
    struct world_request score = close;
    score.target = "/v1/exams/paper-1/score";
    CHECK_EQ(world_request(&w, &put), 200); /* all in one round of the loop: one batch */
    CHECK_EQ(world_request(&w, &submit), 200);
    CHECK_EQ(world_request(&w, &close), 200);
    CHECK_EQ(world_request(&w, &score), 200);
    publish(&w);
    CHECK_EQ(world_get(&w, "/result"), 200);
    CHECK_STR(world_str(&w, "total"), STR("4"));
    world_close(&w);
}

TEST(scoring, one_text_on_several_items_is_marked_by_each_items_own_key)
{
    struct world w;
    char digest[65];
    world_open(&w, NULL);
    struct seat seats[2];
    static const char *const rolls[] = { "R001", "R002" };
    for (unsigned i = 0; i < COUNT(rolls); i++) {
        seats[i] = world_start(&w, rolls[i]);
        CHECK_EQ(world_put(&w, 5, "5;10", 1), 200);
        CHECK_EQ(world_put(&w, 6, "5;10", 2), 200);
        CHECK_EQ(world_put(&w, 4, "5;10", 3), 200);
    }
    close_and_score(&w, digest);
    publish(&w);
    for (unsigned i = 0; i < COUNT(rolls); i++) {
        world_sit(&w, &seats[i]);
        CHECK_EQ(world_get(&w, "/responses"), 200);
        CHECK_STR(world_in(&w, "items", 3, "outcome"), STR("wrong"));
        CHECK_STR(world_in(&w, "items", 4, "outcome"), STR("wrong"));
        CHECK_STR(world_in(&w, "items", 5, "outcome"), STR("right"));
    }
    world_close(&w);
}

/* Short texts are compared and copied as words of 16 bytes, longer ones as they are. */
TEST(scoring, a_text_of_any_length_is_marked_alone_and_shown_as_typed)
{
    struct world w;
    char digest[65], typed[24][32];
    struct seat seats[COUNT(typed)];
    world_open(&w, &(struct world_opts){ .rolls = COUNT(typed) });
    for (unsigned n = 0; n < COUNT(typed); n++) {
        char roll[8];
        snprintf(roll, sizeof(roll), "R%03u", n + 1);
        snprintf(typed[n], sizeof(typed[n]), "%.*s", (int)n, "Newton                  ");
        seats[n] = world_start(&w, roll);
        CHECK_EQ(world_put(&w, 5, typed[n], 1), 200);
        CHECK_EQ(world_put(&w, 6, "5;10", 2), 200); /* lies behind it in the blob */
    }
    close_and_score(&w, digest);
    publish(&w);
    for (unsigned n = 0; n < COUNT(typed); n++) {
        world_sit(&w, &seats[n]);
        CHECK_EQ(world_get(&w, "/responses"), 200);
        CHECK_STR(world_in(&w, "items", 4, "value"), n ? str_z(typed[n]) : STR_NONE);
        CHECK_STR(world_in(&w, "items", 4, "outcome"), n == 0  ? STR("blank")
                                                       : n < 6 ? STR("wrong")
                                                               : STR("right"));
        CHECK_STR(world_in(&w, "items", 5, "value"), STR("5;10"));
    }
    world_close(&w);
}
