/* answers_test.c - what a save promises, through the whole hall. */
#include "svc/answers/answers_api.h"
#include "tests/unit/world.h"

#include <stdio.h>

static unsigned put_body(struct world *w, const char *path, const char *body)
{
    char target[100];
    snprintf(target, sizeof(target), "/v1/attempts/%u/answers/%s", w->seat.attempt, path);
    return world_request(
        w, &(struct world_request){
               .method = "PUT", .target = target, .cookie = w->seat.cookie, .body = str_z(body) });
}

TEST(answers, a_repeated_save_is_one_answer_and_gets_the_same_receipt)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "B", 1), 200);
    char first[400] = { 0 };
    memcpy(first, world_body(&w).p, MIN(world_body(&w).n, sizeof(first) - 1));
    CHECK_EQ(world_put(&w, 1, "B", 1), 200);
    CHECK_STR(world_body(&w), str_z(first));
    world_crash_and_restart(&w);
    CHECK_EQ(world_put(&w, 1, "B", 1), 200);
    CHECK_STR(world_body(&w), str_z(first));
    CHECK_EQ(world_event_count(&w, TOPIC_ANSWERS, ANSWER_SAVED), 1);
    world_close(&w);
}

TEST(answers, the_newest_sequence_wins_however_saves_arrive)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "C", 7), 200);
    CHECK_EQ(world_put(&w, 1, "A", 3), 200); /* was overtaken on its way */
    CHECK_STR(world_str(&w, "superseded"), STR("true"));
    CHECK_EQ(world_i64(&w, "seq"), 7);
    CHECK_EQ(world_get(&w, "/answers"), 200);
    CHECK_STR(world_in(&w, "answers", 0, "value"), STR("C"));
    CHECK_EQ(world_i64(&w, "seq"), 7);
    CHECK_EQ(world_event_count(&w, TOPIC_ANSWERS, ANSWER_SAVED), 1);
    world_close(&w);
}

TEST(answers, a_new_session_is_newer_than_any_sequence_of_an_old_one)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "C", 4000000000u), 200);
    world_login(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "D", 1), 200);
    CHECK(!world_str(&w, "superseded").p);
    CHECK_EQ(world_get(&w, "/answers"), 200);
    CHECK_STR(world_in(&w, "answers", 0, "value"), STR("D"));
    CHECK_STR(world_in(&w, "answers", 0, "epoch"), STR("2"));
    world_close(&w);
}

TEST(answers, a_save_with_an_old_epoch_is_refused_and_changes_nothing)
{
    struct world w;
    world_open(&w, NULL);
    struct seat old = world_start(&w, "R001");
    struct seat new = world_login(&w, "R001");
    world_sit(&w, &old);
    CHECK_EQ(world_put(&w, 1, "A", 1), 401);
    CHECK_STR(world_problem(&w), STR("signed-in-elsewhere"));
    world_sit(&w, &new);
    CHECK_EQ(world_get(&w, "/answers"), 200);
    CHECK_EQ(world_count(&w, "answers"), 0);
    world_close(&w);
}

TEST(answers, a_sequence_number_cannot_carry_two_values)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "B", 5), 200);
    CHECK_EQ(world_put(&w, 1, "C", 5), 409);
    CHECK_STR(world_problem(&w), STR("seq-reused"));
    CHECK_EQ(put_body(&w, "1", "{\"value\":\"B\",\"marked\":true,\"seq\":5}"), 409);
    CHECK_EQ(world_get(&w, "/answers"), 200);
    CHECK_STR(world_in(&w, "answers", 0, "value"), STR("B"));
    world_close(&w);
}

TEST(answers, what_is_not_an_answer_of_the_item_is_refused_with_a_reason)
{
    static const struct {
        unsigned item;
        const char *body;
        unsigned status;
        const char *slug, *says;
    } rows[] = {
        { 0, "{\"value\":\"A\",\"seq\":1}", 404, "unknown-item", "items 1 to 7" },
        { 8, "{\"value\":\"A\",\"seq\":1}", 404, "unknown-item", "items 1 to 7" },
        { 1, "{\"value\":\"E\",\"seq\":1}", 400, "bad-request", "A to D" },
        { 1, "{\"value\":\"a\",\"seq\":1}", 400, "bad-request", "A to D" },
        { 1, "{\"value\":\"AB\",\"seq\":1}", 400, "bad-request", "one letter" },
        { 1, "{\"value\":\"\xc3\x84\",\"seq\":1}", 400, "bad-request", "one letter" },
        { 3, "{\"value\":\"CA\",\"seq\":1}", 400, "bad-request", "ascending" },
        { 3, "{\"value\":\"AA\",\"seq\":1}", 400, "bad-request", "ascending" },
        { 3, "{\"value\":\"AE\",\"seq\":1}", 400, "bad-request", "A to D" },
        { 4, "{\"value\":\"9.81\\n\",\"seq\":1}", 400, "bad-request", "control" },
        { 5, "{\"value\":\"a\\u0001b\",\"seq\":1}", 400, "bad-request", "control" },
        { 5, "{\"value\":\"a\\u007fb\",\"seq\":1}", 400, "bad-request", "control" },
        { 5, "{\"value\":\"a\\u0000b\",\"seq\":1}", 400, "bad-request", "u0000" },
        { 1, "{\"value\":\"A\",\"seq\":0}", 400, "bad-request", "seq must be from 1" },
        { 1, "{\"value\":\"A\",\"seq\":-1}", 400, "bad-request", "seq must be from 1" },
        { 1, "{\"value\":\"A\",\"seq\":4294967296}", 400, "bad-request", "seq must be from 1" },
        { 1, "{\"value\":\"A\",\"seq\":1.5}", 400, "bad-request", "\\\"seq\\\"" },
        { 1, "{\"value\":\"A\",\"seq\":\"1\"}", 400, "bad-request", "\\\"seq\\\"" },
        { 1, "{\"value\":\"A\"}", 400, "bad-request", "\\\"seq\\\" is missing" },
        { 1, "{\"value\":1,\"seq\":1}", 400, "bad-request", "\\\"value\\\"" },
        { 1, "{\"value\":\"A\",\"marked\":1,\"seq\":1}", 400, "bad-request", "\\\"marked\\\"" },
        { 1, "{\"value\":\"A\",\"seq\":1,\"sum\":1}", 400, "bad-request",
          "\\\"sum\\\" is unknown" },
        { 1, "{\"value\":\"A\",\"seq\":1", 400, "bad-request", "not JSON" },
        { 1, "[1]", 400, "bad-request", "object" },
    };
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    for (size_t i = 0; i < COUNT(rows); i++) {
        char path[20];
        snprintf(path, sizeof(path), "%u", rows[i].item);
        CHECK_EQ(put_body(&w, path, rows[i].body), rows[i].status);
        CHECK_STR(world_problem(&w), str_z(rows[i].slug));
        CHECK_HAS(world_body(&w), str_z(rows[i].says));
    }
    CHECK_EQ(put_body(&w, "abc", "{\"value\":\"A\",\"seq\":1}"), 404);
    CHECK_EQ(put_body(&w, "18446744073709551617", "{\"value\":\"A\",\"seq\":1}"), 404);
    CHECK_EQ(world_event_count(&w, TOPIC_ANSWERS, ANSWER_SAVED), 0);
    world_close(&w);
}

TEST(answers, two_hundred_bytes_are_taken_and_one_more_is_refused)
{
    struct world w;
    char text[ANSWER_BYTES_MAX + 2] = { 0 };
    memset(text, 'x', ANSWER_BYTES_MAX + 1);
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 5, text, 1), 413);
    text[ANSWER_BYTES_MAX] = 0;
    CHECK_EQ(world_put(&w, 5, text, 1), 200);
    CHECK_EQ(world_put(&w, 5, "short", 2), 200);
    CHECK_EQ(world_put(&w, 6, text, 3), 200);
    world_crash_and_restart(&w);
    CHECK_EQ(world_get(&w, "/answers"), 200);
    CHECK_STR(world_in(&w, "answers", 0, "value"), STR("short"));
    CHECK_STR(world_in(&w, "answers", 1, "value"), str_z(text));
    world_close(&w);
}

TEST(answers, a_body_too_large_for_an_answer_is_413)
{
    struct world w;
    struct out body = out_make(64 * KIB);
    world_open(&w, NULL);
    world_start(&w, "R001");
    out_z(&body, "{\"value\":\"A\",\"seq\":1}");
    while (body.n <= 4 * KIB)
        out_char(&body, ' ');
    out_char(&body, 0);
    CHECK_EQ(put_body(&w, "1", body.p), 413);
    CHECK_STR(world_problem(&w), STR("too-large"));
    out_fini(&body);
    world_close(&w);
}

TEST(answers, another_candidates_attempt_is_refused)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R002");
    struct seat seat = world_start(&w, "R001");
    seat.attempt = 2;
    world_sit(&w, &seat);
    CHECK_EQ(world_put(&w, 1, "A", 1), 403);
    CHECK_STR(world_problem(&w), STR("not-yours"));
    seat.attempt = 999; /* and nothing is told of who exists */
    world_sit(&w, &seat);
    CHECK_EQ(world_put(&w, 1, "A", 1), 403);
    CHECK_EQ(put_body(&w, "1", "{}"), 400);
    CHECK_EQ(world_event_count(&w, TOPIC_ANSWERS, ANSWER_SAVED), 0);
    world_close(&w);
}

TEST(answers, before_the_start_nothing_is_saved)
{
    struct world w;
    world_open(&w, NULL);
    world_login(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "A", 1), 409);
    CHECK_STR(world_problem(&w), STR("not-started"));
    CHECK_EQ(world_post(&w, "/submit"), 409);
    CHECK_STR(world_problem(&w), STR("not-started"));
    CHECK_EQ(world_get(&w, "/receipt"), 404);
    world_close(&w);
}

TEST(answers, a_save_counts_until_the_grace_after_the_end_is_over)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    clock_sim_advance(&w.clock, WORLD_END_MS);
    CHECK_EQ(world_put(&w, 1, "A", 1), 200); /* the very end is still theirs */
    clock_sim_advance(&w.clock, WORLD_GRACE_MS);
    CHECK_EQ(world_put(&w, 2, "B", 2), 200); /* was on its way */
    clock_sim_advance(&w.clock, 1);
    CHECK_EQ(world_put(&w, 3, "C", 3), 409);
    CHECK_STR(world_problem(&w), STR("time-over"));
    CHECK_EQ(world_put(&w, 2, "B", 2), 200); /* the reply was lost: asked again */
    CHECK_EQ(world_i64(&w, "seq"), 2);
    world_close(&w);
}

TEST(answers, after_submission_nothing_changes_and_lost_replies_are_given_again)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "A", 1), 200);
    CHECK_EQ(world_post(&w, "/submit"), 200);
    CHECK_EQ(world_put(&w, 1, "B", 2), 409);
    CHECK_STR(world_problem(&w), STR("submitted"));
    CHECK_EQ(world_put(&w, 1, "A", 1), 200);
    CHECK_EQ(world_get(&w, "/answers"), 200);
    CHECK_STR(world_in(&w, "answers", 0, "value"), STR("A"));
    world_close(&w);
}

TEST(answers, when_the_exam_closes_saves_end_and_the_attempt_is_submitted)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "A", 1), 200);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/close", "{}"), 200);
    CHECK_EQ(world_put(&w, 2, "A", 2), 409);
    CHECK_STR(world_problem(&w), STR("time-over"));
    world_advance(&w, 100);
    CHECK_EQ(world_get(&w, "/receipt"), 200);
    CHECK_STR(world_str(&w, "by"), STR("officer"));
    CHECK_EQ(world_i64(&w, "answered"), 1);
    world_close(&w);
}

TEST(answers, when_the_time_is_over_the_attempt_is_submitted_for_the_candidate)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "A", 1), 200);
    world_advance(&w, WORLD_END_MS + WORLD_GRACE_MS);
    CHECK_EQ(world_get(&w, ""), 200);
    CHECK_STR(world_str(&w, "state"), STR("running"));
    world_advance(&w, 1);
    world_advance(&w, 1);
    CHECK_EQ(world_get(&w, ""), 200);
    CHECK_STR(world_str(&w, "state"), STR("submitted"));
    CHECK_EQ(world_get(&w, "/receipt"), 200);
    CHECK_STR(world_str(&w, "by"), STR("time"));
    CHECK_EQ(world_event_count(&w, TOPIC_ATTEMPTS, ATTEMPT_SUBMITTED), 1);
    world_close(&w);
}

TEST(answers, resuming_after_a_crash_gives_everything_back)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "B", 1), 200);
    CHECK_EQ(put_body(&w, "2", "{\"marked\":true,\"seq\":2}"), 200); /* only visited and marked */
    CHECK_EQ(world_put(&w, 3, "ACD", 3), 200);
    CHECK_EQ(world_put(&w, 4, "9.80", 4), 200);
    CHECK_EQ(world_put(&w, 5, "Newton \xe2\x88\x9a", 5), 200);
    CHECK_EQ(world_put(&w, 6, "5;ten", 6), 200);
    CHECK_EQ(world_put(&w, 1, NULL, 7), 200); /* cleared */
    world_crash_and_restart(&w);
    world_login(&w, "R001");
    CHECK_EQ(world_get(&w, "/answers"), 200);
    CHECK_EQ(world_i64(&w, "epoch"), 2);
    CHECK_EQ(world_i64(&w, "seq"), 7);
    CHECK_EQ(world_i64(&w, "place"), 1);
    CHECK_EQ(world_count(&w, "answers"), 6);
    CHECK(!world_in(&w, "answers", 0, "value").n);
    CHECK_STR(world_in(&w, "answers", 1, "marked"), STR("true"));
    CHECK_STR(world_in(&w, "answers", 2, "value"), STR("ACD"));
    CHECK_STR(world_in(&w, "answers", 3, "value"), STR("9.80"));
    CHECK_STR(world_in(&w, "answers", 4, "value"), STR("Newton \xe2\x88\x9a"));
    CHECK_STR(world_in(&w, "answers", 5, "value"), STR("5;ten"));
    CHECK_STR(world_in(&w, "answers", 5, "recorded_at"), STR("1800000000000"));
    world_close(&w);
}

TEST(answers, no_reply_may_leave_before_its_save_is_durable)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    struct log *log = hall_host(w.hall)->log;
    struct world_request put = { .method = "PUT",
                                 .target = "/v1/attempts/1/answers/1",
                                 .body = STR("{\"value\":\"B\",\"seq\":1}"),
                                 .cookie = w.seat.cookie,
                                 .unflushed = true };
    CHECK_EQ(world_request(&w, &put), 200);
    CHECK(w.exchange.barrier > log_durable(log));
    struct world_request get = put;
    get.method = "GET";
    get.target = "/v1/attempts/1/answers";
    get.body = STR_NONE;
    CHECK_EQ(world_request(&w, &get), 200); /* it shows what is not durable: it must wait too */
    CHECK_EQ(world_count(&w, "answers"), 1);
    CHECK(w.exchange.barrier > log_durable(log));
    log_flush(log);
    CHECK(w.exchange.barrier <= log_durable(log));
    world_close(&w);
}

TEST(answers, what_was_never_durable_was_never_acknowledged_and_is_gone)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "B", 1), 200);
    struct world_request put = { .method = "PUT",
                                 .target = "/v1/attempts/1/answers/2",
                                 .body = STR("{\"value\":\"B\",\"seq\":2}"),
                                 .cookie = w.seat.cookie,
                                 .unflushed = true };
    CHECK_EQ(world_request(&w, &put), 200);
    world_crash_and_restart(&w);
    CHECK_EQ(world_get(&w, "/answers"), 200);
    CHECK_EQ(world_count(&w, "answers"), 1);
    CHECK_EQ(world_put(&w, 2, "C", 2), 200); /* the page sends again what was not acknowledged */
    world_close(&w);
}

/* --- receipts ----------------------------------------------------------------------------------
 */

TEST(answers, a_repeated_submission_gets_the_same_receipt_also_after_a_crash)
{
    struct world w;
    char first[1000] = { 0 };
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "B", 1), 200);
    CHECK_EQ(world_post(&w, "/submit"), 200);
    memcpy(first, world_body(&w).p, MIN(world_body(&w).n, sizeof(first) - 1));
    CHECK_EQ(world_post(&w, "/submit"), 200);
    CHECK_STR(world_body(&w), str_z(first));
    world_crash_and_restart(&w);
    CHECK_EQ(world_get(&w, "/receipt"), 200);
    CHECK_STR(world_body(&w), str_z(first));
    CHECK_EQ(world_event_count(&w, TOPIC_ATTEMPTS, ATTEMPT_SUBMITTED), 1);
    world_close(&w);
}

static fail verify(struct world *w, str text)
{
    struct receipt receipt = { 0 };
    struct arena arena = arena_make(MIB);
    fail f = receipt_parse(&receipt, text, &arena, &w->why);
    if (!f)
        f = receipt_verify(&receipt, w->keys.sign_public, &w->why);
    arena_fini(&arena);
    return f;
}

TEST(answers, a_receipt_verifies_and_with_any_member_changed_it_does_not)
{
    static const char *const members[] = { "hall",     "exam",  "roll",         "attempt",
                                           "answered", "saves", "submitted_at", "by",
                                           "digest",   "key",   "signature" };
    struct world w;
    char receipt[1000] = { 0 };
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "B", 1), 200);
    CHECK_EQ(world_post(&w, "/submit"), 200);
    memcpy(receipt, world_body(&w).p, MIN(world_body(&w).n, sizeof(receipt) - 1));
    CHECK_EQ(verify(&w, str_z(receipt)), FAIL_NONE);
    for (size_t i = 0; i < COUNT(members); i++) {
        char changed[1000], name[40];
        snprintf(changed, sizeof(changed), "%s", receipt);
        snprintf(name, sizeof(name), "\"%s\":", members[i]);
        char *value = strstr(changed, name);
        CHECK(value);
        value += strlen(name) + (value[strlen(name)] == '"');
        *value = *value == '1' ? '2' : '1'; /* stays JSON, a number or hexadecimal */
        CHECK(verify(&w, str_z(changed)) != FAIL_NONE);
    }
    world_close(&w);
}

TEST(answers, the_receipts_digest_names_exactly_the_answers)
{
    struct world w;
    char digest[2][65] = { { 0 } };
    world_open(&w, NULL);
    for (int i = 0; i < 2; i++) {
        world_start(&w, i ? "R002" : "R001");
        CHECK_EQ(world_put(&w, 5, i ? "Newton" : "newton", 1), 200);
        CHECK_EQ(world_post(&w, "/submit"), 200);
        CHECK_EQ(world_str(&w, "digest").n, 64);
        memcpy(digest[i], world_str(&w, "digest").p, 64);
    }
    CHECK(strcmp(digest[0], digest[1]) != 0);
    world_close(&w);
}

/* --- a full disk -------------------------------------------------------------------------------
 */

TEST(answers, a_full_disk_refuses_saves_loses_none_and_goes_on_with_space)
{
    struct world w;
    uint32_t seq = 0, acknowledged = 0;
    char text[180];
    world_open(&w, NULL);
    world_start(&w, "R001");
    memset(text, 'y', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    files_sim_set_room(w.disk, 0);
    while (world_put(&w, 5, text, ++seq) == 200) {
        acknowledged = seq;
        CHECK(seq < 100000);
    }
    CHECK_EQ(w.exchange.req.status, 503);
    CHECK_STR(world_problem(&w), STR("disk-full"));
    CHECK_HAS(world_headers(&w), STR("Retry-After: "));
    CHECK(acknowledged > 0);
    CHECK_EQ(world_get(&w, "/answers"), 200); /* reading goes on */
    CHECK_EQ(world_i64(&w, "seq"), acknowledged);
    files_sim_set_room(w.disk, 64 * MIB);
    CHECK_EQ(world_put(&w, 5, "room again", seq), 200);
    world_crash_and_restart(&w);
    CHECK_EQ(world_get(&w, "/answers"), 200);
    CHECK_STR(world_in(&w, "answers", 0, "value"), STR("room again"));
    CHECK_EQ(world_event_count(&w, TOPIC_ANSWERS, ANSWER_SAVED), seq);
    world_close(&w);
}

TEST(answers, with_no_room_to_submit_for_them_attempts_are_submitted_once_there_is)
{
    struct world w;
    uint32_t seq = 0;
    world_open(&w, NULL);
    world_start(&w, "R001");
    files_sim_set_room(w.disk, 0);
    while (world_put(&w, 5, "some words to fill the segment with", ++seq) == 200)
        CHECK(seq < 100000);
    CHECK_EQ(w.exchange.req.status, 503);
    world_advance(&w, WORLD_END_MS + WORLD_GRACE_MS + 1);
    for (int i = 0; i < 5; i++)
        world_advance(&w, 100);
    CHECK_EQ(world_get(&w, ""), 200);
    CHECK_STR(world_str(&w, "state"), STR("running"));
    files_sim_set_room(w.disk, 64 * MIB);
    for (int i = 0; i < 5; i++)
        world_advance(&w, 100);
    CHECK_EQ(world_get(&w, ""), 200);
    CHECK_STR(world_str(&w, "state"), STR("submitted"));
    world_close(&w);
}
