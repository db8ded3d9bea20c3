/* delivery_test.c - who may start when, and whose time ends when. */
#include "codec/base64.h"
#include "codec/gzip.h"
#include "tests/unit/world.h"

#include <stdio.h>
#include <string.h>

/* Opens for sign-in at WORLD_START + 10 min, starts at + 40 min. */
static const char shifted[] =
    "{\"minutes\":60,\"shifts\":[{\"name\":\"morning\",\"opens_at\":1800000600000,"
    "\"starts_at\":1800002400000}]}";

static unsigned act(struct world *w, const char *what)
{
    char target[60];
    snprintf(target, sizeof(target), "/v1/exams/paper-1/%s", what);
    return world_admin(w, "POST", target, "{}");
}

static unsigned add_time(struct world *w, unsigned attempt, int minutes, const char *key)
{
    char target[80], body[80], header[400];
    snprintf(target, sizeof(target), "/v1/staff/attempts/%u/time", attempt);
    snprintf(body, sizeof(body), "{\"minutes\":%d,\"reason\":\"power failure\"}", minutes);
    snprintf(header, sizeof(header), "Idempotency-Key: %s\r\n", key ? key : "");
    return world_request(w, &(struct world_request){ .method = "POST",
                                                     .target = target,
                                                     .body = str_z(body),
                                                     .headers = key ? header : NULL,
                                                     .admin = true });
}

TEST(delivery, nobody_starts_before_the_exam_is_open)
{
    struct world w;
    world_open(&w, &(struct world_opts){ .draft = true });
    world_login(&w, "R001");
    CHECK_STR(world_str(&w, "state"), STR("waiting"));
    CHECK_EQ(world_post(&w, "/start"), 409);
    CHECK_STR(world_problem(&w), STR("not-open"));
    CHECK_EQ(act(&w, "open"), 200);
    CHECK_EQ(world_get(&w, ""), 200);
    CHECK_STR(world_str(&w, "state"), STR("ready"));
    CHECK_EQ(world_post(&w, "/start"), 200);
    CHECK_STR(world_str(&w, "state"), STR("running"));
    world_close(&w);
}

TEST(delivery, nobody_starts_before_the_shift_begins)
{
    struct world w;
    world_open(&w, &(struct world_opts){ .exam = shifted });
    world_login(&w, "R001");
    CHECK_STR(world_str(&w, "state"), STR("waiting"));
    CHECK_EQ(world_i64(&w, "opens_at"), WORLD_START + 10 * MINUTE_MS);
    CHECK_EQ(world_i64(&w, "starts_at"), WORLD_START + 40 * MINUTE_MS);
    clock_sim_advance(&w.clock, 40 * MINUTE_MS - 1);
    CHECK_EQ(world_post(&w, "/start"), 409);
    CHECK_STR(world_problem(&w), STR("not-open"));
    clock_sim_advance(&w.clock, 1);
    CHECK_EQ(world_post(&w, "/start"), 200);
    CHECK_EQ(world_i64(&w, "started_at"), WORLD_START + 40 * MINUTE_MS);
    CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + 100 * MINUTE_MS);
    world_close(&w);
}

TEST(delivery, who_starts_is_given_the_form_and_the_epoch_with_it_and_who_asks_again_is_not)
{
    struct world w;
    str form, asked;
    world_open(&w, NULL);
    world_login(&w, "R001");
    world_login(&w, "R001");
    CHECK_EQ(world_post(&w, "/start"), 200);
    CHECK_EQ(world_i64(&w, "epoch"), 2); /* of the second sign-in */
    char text[4096];
    snprintf(text, sizeof(text), "%.*s", STR_ARG(world_body(&w)));
    const char *begins = strstr(text, "\"form\":{");
    CHECK(begins);
    form = str_z(begins + strlen("\"form\":"));
    form.n = (size_t)str_find_str(form, STR("]}]}")) + strlen("]}]}");
    CHECK_EQ(world_get(&w, "/form"), 200);
    asked = world_body(&w);
    CHECK(str_starts(asked, str_first(form, form.n - 1))); /* which has the time, too */
    CHECK_EQ(world_post(&w, "/start"), 200);
    snprintf(text, sizeof(text), "%.*s", STR_ARG(world_body(&w)));
    CHECK(!strstr(text, "\"form\""));
    world_close(&w);
}

/* The member packed_paper of the last reply, unpacked into `out`; false when there is none. */
static bool packed_paper(struct world *w, struct out *out)
{
    static char bytes[64 * KIB];
    size_t n;
    str body = world_body(w), name = STR(",\"packed_paper\":\"");
    long at = str_find_str(body, name);
    if (at < 0)
        return false;
    str text = str_from(body, (size_t)at + name.n);
    text = str_cut(&text, '"');
    CHECK(base64_decode(BASE64_PADDED, text, bytes, sizeof(bytes), &n));
    CHECK(gzip_unpack(out, str_of(bytes, n)));
    return true;
}

TEST(delivery, who_starts_is_given_the_paper_with_it_and_who_asks_again_is_not)
{
    struct world w;
    struct out packed = out_make(MIB);
    char target[100];
    world_open(&w, NULL);
    world_login(&w, "R001");
    CHECK(!packed_paper(&w, &packed));
    CHECK_EQ(world_post(&w, "/start"), 200);
    CHECK(packed_paper(&w, &packed));
    CHECK_EQ(world_post(&w, "/start"), 200);
    CHECK(!packed_paper(&w, &packed));
    world_crash_and_restart(&w);
    CHECK_EQ(world_post(&w, "/start"), 200);
    CHECK(!packed_paper(&w, &packed));
    snprintf(target, sizeof(target), "/v1/papers/%s", hall_host(w.hall)->directory->exams[0].paper);
    CHECK_EQ(world_admin(&w, "GET", target, NULL), 200);
    CHECK_STR(out_view(&packed), world_body(&w));
    world_login(&w, "R002"); /* the first to start after the crash: it is packed anew */
    CHECK_EQ(world_post(&w, "/start"), 200);
    out_clear(&packed);
    CHECK(packed_paper(&w, &packed));
    CHECK_EQ(world_admin(&w, "GET", target, NULL), 200);
    CHECK_STR(out_view(&packed), world_body(&w));
    out_fini(&packed);
    world_close(&w);
}

TEST(delivery, a_large_paper_is_not_waited_for_with_the_start)
{
    struct world w;
    struct out items = out_make(MIB), packed = out_make(MIB);
    uint64_t dice = 7;
    world_open(&w, &(struct world_opts){ .draft = true });
    out_z(&items, "{\"replace\":true,\"items\":[");
    for (unsigned i = 0; i < 90000; i++) { /* chance cannot be compressed */
        if (i % 30000 == 0)
            out_fmt(&items, "%s{\"kind\":\"number\",\"key\":\"1\",\"text\":\"", i ? "\"}," : "");
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        out_char(&items, (char)('a' + (dice >> 33) % 26));
    }
    out_z(&items, "\"}]}");
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-1/items", items.p), 200);
    CHECK_EQ(act(&w, "open"), 200);
    world_login(&w, "R001");
    CHECK_EQ(world_post(&w, "/start"), 200);
    CHECK(str_find_str(world_body(&w), STR("\"form\":")) >= 0);
    CHECK(!packed_paper(&w, &packed));
    out_fini(&items);
    world_close(&w);
}

TEST(delivery, a_repeated_start_changes_nothing)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    int64_t ends_at = world_i64(&w, "ends_at");
    clock_sim_advance(&w.clock, 5 * MINUTE_MS);
    CHECK_EQ(world_post(&w, "/start"), 200);
    CHECK_EQ(world_i64(&w, "ends_at"), ends_at);
    world_crash_and_restart(&w);
    CHECK_EQ(world_post(&w, "/start"), 200);
    CHECK_EQ(world_i64(&w, "ends_at"), ends_at);
    CHECK_EQ(world_i64(&w, "started_at"), WORLD_START);
    CHECK_EQ(world_event_count(&w, TOPIC_ATTEMPTS, ATTEMPT_STARTED), 1);
    world_close(&w);
}

TEST(delivery, nobody_starts_after_the_exam_is_closed)
{
    struct world w;
    world_open(&w, NULL);
    world_login(&w, "R001");
    CHECK_EQ(act(&w, "close"), 200);
    CHECK_EQ(world_post(&w, "/start"), 409);
    CHECK_STR(world_problem(&w), STR("time-over"));
    CHECK_EQ(world_get(&w, ""), 200);
    CHECK_STR(world_str(&w, "state"), STR("closed"));
    world_close(&w);
}

TEST(delivery, a_candidates_extra_minutes_are_theirs_from_the_start)
{
    struct world w;
    world_open(&w, NULL);
    CHECK_EQ(world_admin(&w, "POST", "/v1/roster",
                         "{\"rows\":[{\"roll\":\"X1\",\"name\":\"X\",\"extra_minutes\":20}]}"),
             200);
    world_start(&w, "X1");
    CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + 80 * MINUTE_MS);
    CHECK_EQ(world_i64(&w, "extra_minutes"), 20);
    world_close(&w);
}

TEST(delivery, time_added_before_and_during_the_attempt_moves_its_end)
{
    struct world w;
    world_open(&w, NULL);
    CHECK_EQ(add_time(&w, 1, 5, NULL), 200);
    CHECK_STR(world_str(&w, "roll"), STR("R001"));
    CHECK_EQ(world_i64(&w, "extra_minutes"), 5);
    world_start(&w, "R001");
    CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + 65 * MINUTE_MS);
    CHECK_EQ(add_time(&w, 1, 10, NULL), 200);
    CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + 75 * MINUTE_MS);
    world_crash_and_restart(&w);
    CHECK_EQ(world_get(&w, ""), 200);
    CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + 75 * MINUTE_MS);
    world_advance(&w, 75 * MINUTE_MS);
    CHECK_EQ(world_put(&w, 1, "A", 1), 200); /* and nothing in time is refused or handed in */
    world_advance(&w, WORLD_GRACE_MS + 1);
    CHECK_EQ(world_get(&w, "/receipt"), 200);
    world_close(&w);
}

TEST(delivery, a_save_tells_of_added_time_and_is_a_sign_of_life)
{
    struct world w;
    char seen[24];
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_put(&w, 1, "A", 1), 200);
    CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + 60 * MINUTE_MS);
    CHECK_EQ(add_time(&w, 1, 10, NULL), 200);
    world_advance(&w, 7 * MINUTE_MS);
    CHECK_EQ(world_put(&w, 2, "B", 2), 200);
    CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + 70 * MINUTE_MS);
    CHECK_EQ(world_admin(&w, "GET", "/v1/staff/candidates?q=R001", NULL), 200);
    snprintf(seen, sizeof(seen), "%lld", (long long)(WORLD_START + 7 * MINUTE_MS));
    CHECK_STR(world_in(&w, "candidates", 0, "seen_at"), str_z(seen));
    world_close(&w);
}

TEST(delivery, time_added_within_the_grace_lets_the_candidate_go_on)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    world_advance(&w, WORLD_END_MS + 1000);
    CHECK_EQ(add_time(&w, 1, 10, NULL), 200);
    world_advance(&w, MINUTE_MS);
    CHECK_EQ(world_put(&w, 1, "A", 1), 200);
    CHECK_EQ(world_event_count(&w, TOPIC_ATTEMPTS, ATTEMPT_SUBMITTED), 0);
    world_close(&w);
}

TEST(delivery, an_addition_sent_twice_is_made_once)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(add_time(&w, 1, 10, "a-key"), 200);
    CHECK_EQ(add_time(&w, 1, 10, "a-key"), 200);
    world_crash_and_restart(&w);
    CHECK_EQ(add_time(&w, 1, 10, "a-key"), 200);
    CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + 70 * MINUTE_MS);
    CHECK_EQ(add_time(&w, 1, 10, "another"), 200);
    CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + 80 * MINUTE_MS);
    CHECK_EQ(world_event_count(&w, TOPIC_ATTEMPTS, TIME_ADDED), 2);
    world_close(&w);
}

static void add_candidates(struct world *w, unsigned first, unsigned n)
{
    struct out body = out_make(MIB);
    out_z(&body, "{\"rows\":[");
    for (unsigned i = 0; i < n; i++)
        out_fmt(&body, "%s{\"roll\":\"X%u\",\"name\":\"N\",\"centre\":\"C\"}", i ? "," : "",
                first + i);
    out_bytes(&body, "]}", 3); /* with its NUL */
    CHECK_EQ(world_admin(w, "POST", "/v1/roster", body.p), 200);
    CHECK_EQ(world_i64(w, "imported"), n);
    out_fini(&body);
}

/* Saves wait for it, so a search through a whole nation comes in pieces. */
TEST(delivery, a_search_is_answered_in_pieces_until_all_were_looked_at)
{
    struct world w;
    char target[80] = "/v1/staff/candidates?q=X6399";
    unsigned asked = 0, found = 0;
    world_open(&w, &(struct world_opts){ .memory = true });
    for (unsigned i = 0; i < 4; i++)
        add_candidates(&w, 1600 * i, 1600);
    for (int64_t next = 1; next; asked++) {
        CHECK_EQ(world_admin(&w, "GET", target, NULL), 200);
        found += world_count(&w, "candidates");
        str text = json_get(w.json, STR("next"))->text;
        next = text.n ? world_i64(&w, "next") : 0;
        snprintf(target, sizeof(target), "/v1/staff/candidates?q=X6399&after=%lld",
                 (long long)next);
    }
    CHECK_EQ(found, 1);
    CHECK_EQ(asked, 2);
    world_close(&w);
}

/* As a gateway does with all that a hall had not answered when it died. */
TEST(delivery, several_additions_sent_again_in_their_order_are_each_made_once)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    world_start(&w, "R002");
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(add_time(&w, 1, 10, "first"), 200);
        CHECK_EQ(add_time(&w, 1, 5, "second"), 200);
        CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + 75 * MINUTE_MS);
        CHECK_EQ(add_time(&w, 2, 10, "first"), 200); /* the key is another one for each attempt */
        CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + 70 * MINUTE_MS);
        world_crash_and_restart(&w);
    }
    CHECK_EQ(world_event_count(&w, TOPIC_ATTEMPTS, TIME_ADDED), 3);
    world_close(&w);
}

TEST(delivery, a_key_that_is_too_long_to_be_kept_adds_nothing)
{
    struct world w;
    char key[130];
    world_open(&w, NULL);
    world_start(&w, "R001");
    memset(key, 'k', sizeof(key));
    key[129] = 0;
    CHECK_EQ(add_time(&w, 1, 10, key), 400);
    CHECK_EQ(world_event_count(&w, TOPIC_ATTEMPTS, TIME_ADDED), 0);
    key[128] = 0;
    CHECK_EQ(add_time(&w, 1, 10, key), 200);
    CHECK_EQ(add_time(&w, 1, 10, key), 200);
    CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + 70 * MINUTE_MS);
    world_close(&w);
}

TEST(delivery, an_addition_needs_a_reason_a_sane_number_and_an_attempt_that_goes_on)
{
    static const struct {
        const char *target, *body;
        unsigned status;
    } rows[] = {
        { "1", "{\"minutes\":0,\"reason\":\"power failure\"}", 400 },
        { "1", "{\"minutes\":-5,\"reason\":\"power failure\"}", 400 },
        { "1", "{\"minutes\":601,\"reason\":\"power failure\"}", 400 },
        { "1", "{\"minutes\":5,\"reason\":\" a \"}", 400 },
        { "1", "{\"minutes\":5}", 400 },
        { "0", "{\"minutes\":5,\"reason\":\"power failure\"}", 404 },
        { "99", "{\"minutes\":5,\"reason\":\"power failure\"}", 404 },
        { "x", "{\"minutes\":5,\"reason\":\"power failure\"}", 404 },
    };
    struct world w;
    world_open(&w, NULL);
    for (size_t i = 0; i < COUNT(rows); i++) {
        char target[80];
        snprintf(target, sizeof(target), "/v1/staff/attempts/%s/time", rows[i].target);
        CHECK_EQ(world_admin(&w, "POST", target, rows[i].body), rows[i].status);
    }
    world_start(&w, "R001");
    CHECK_EQ(world_post(&w, "/submit"), 200);
    CHECK_EQ(add_time(&w, 1, 5, NULL), 409);
    CHECK_STR(world_problem(&w), STR("submitted"));
    CHECK_EQ(world_event_count(&w, TOPIC_ATTEMPTS, TIME_ADDED), 0);
    world_close(&w);
}

TEST(delivery, a_heartbeat_keeps_the_place_and_tells_the_time)
{
    struct world w;
    world_open(&w, NULL);
    struct seat seat = world_start(&w, "R001");
    struct world_request beat = { .method = "POST",
                                  .target = "/v1/attempts/1/heartbeat",
                                  .cookie = seat.cookie,
                                  .body = STR("{\"place\":4}") };
    clock_sim_advance(&w.clock, 1234);
    CHECK_EQ(world_request(&w, &beat), 200);
    CHECK_EQ(world_i64(&w, "place"), 4);
    CHECK_EQ(world_i64(&w, "now"), WORLD_START + 1234);
    CHECK_EQ(world_post(&w, "/heartbeat"), 200); /* without a place */
    CHECK_EQ(world_i64(&w, "place"), 4);
    beat.body = STR("{\"place\":8}");
    CHECK_EQ(world_request(&w, &beat), 400);
    beat.body = STR("{\"place\":-1}");
    CHECK_EQ(world_request(&w, &beat), 400);
    world_close(&w);
}

TEST(delivery, a_changed_timetable_takes_nothing_from_who_has_started)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R001");
    CHECK_EQ(world_admin(&w, "PUT", "/v1/exams/paper-1",
                         "{\"title\":\"Paper one\",\"minutes\":30,\"partial\":\"subset\"}"),
             200);
    CHECK_EQ(world_get(&w, ""), 200);
    CHECK_EQ(world_i64(&w, "ends_at"), WORLD_START + WORLD_END_MS);
    world_close(&w);
}

TEST(delivery, staff_see_each_candidate_and_can_search)
{
    struct world w;
    world_open(&w, NULL);
    world_start(&w, "R002");
    CHECK_EQ(world_put(&w, 1, "A", 1), 200);
    world_login(&w, "R003");
    CHECK_EQ(world_admin(&w, "GET", "/v1/staff/candidates", NULL), 200);
    CHECK_EQ(world_count(&w, "candidates"), WORLD_ROLLS);
    CHECK_STR(world_in(&w, "candidates", 0, "state"), STR("ready"));
    CHECK_STR(world_in(&w, "candidates", 1, "state"), STR("running"));
    CHECK_EQ(world_admin(&w, "GET", "/v1/staff/candidates?state=running", NULL), 200);
    CHECK_EQ(world_count(&w, "candidates"), 1);
    CHECK_EQ(world_admin(&w, "GET", "/v1/staff/candidates?q=r00%33", NULL), 200);
    CHECK_EQ(world_count(&w, "candidates"), 1);
    CHECK_STR(world_in(&w, "candidates", 0, "roll"), STR("R003"));
    CHECK_EQ(world_admin(&w, "GET", "/v1/staff/candidates?q=candidate+4", NULL), 200);
    CHECK_EQ(world_count(&w, "candidates"), 1);
    CHECK_EQ(world_admin(&w, "GET", "/v1/staff/candidates?limit=3", NULL), 200);
    CHECK_EQ(world_i64(&w, "next"), 3);
    CHECK_EQ(world_admin(&w, "GET", "/v1/staff/candidates?after=3", NULL), 200);
    CHECK_EQ(world_count(&w, "candidates"), 1);
    CHECK(!world_str(&w, "next").n);
    CHECK_EQ(world_admin(&w, "GET", "/v1/staff/candidates?after=18446744073709551615", NULL), 200);
    CHECK_EQ(world_count(&w, "candidates"), 0);
    CHECK_EQ(world_admin(&w, "GET", "/v1/staff/candidates?limit=501", NULL), 400);
    CHECK_EQ(world_admin(&w, "GET", "/v1/staff/candidates?after=-1", NULL), 400);
    CHECK_EQ(world_admin(&w, "GET", "/v1/staff/overview", NULL), 200);
    CHECK_EQ(world_i64(&w, "candidates"), WORLD_ROLLS);
    CHECK_EQ(world_i64(&w, "signed_in"), 2);
    CHECK_EQ(world_i64(&w, "started"), 1);
    CHECK_EQ(world_i64(&w, "submitted"), 0);
    CHECK_EQ(world_i64(&w, "saves"), 1);
    world_close(&w);
}

TEST(delivery, closing_works_once_and_only_on_an_open_exam)
{
    struct world w;
    world_open(&w, &(struct world_opts){ .draft = true });
    CHECK_EQ(act(&w, "close"), 409);
    CHECK_STR(world_problem(&w), STR("not-open"));
    CHECK_EQ(act(&w, "open"), 200);
    CHECK_EQ(act(&w, "open"), 200); /* a repeat */
    CHECK_EQ(act(&w, "close"), 200);
    CHECK_STR(world_str(&w, "state"), STR("closed"));
    CHECK_EQ(act(&w, "close"), 200);
    CHECK_EQ(act(&w, "open"), 409);
    CHECK_EQ(world_event_count(&w, TOPIC_EXAMS, EXAM_OPENED), 1);
    CHECK_EQ(world_event_count(&w, TOPIC_EXAMS, EXAM_CLOSED), 1);
    CHECK_EQ(world_admin(&w, "POST", "/v1/exams/paper-2/close", "{}"), 404);
    world_close(&w);
}
