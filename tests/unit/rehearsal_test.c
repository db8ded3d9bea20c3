/* rehearsal_test.c - virtual candidates against a small hall in memory that can be told to lie.
 *
 * The rehearsal judges the hall, so what matters here is that it sees what is wrong: a lost answer,
 * an invented one, a slow reply hidden by waiting; and that it accuses no hall that is right. */
#include "codec/base64.h"
#include "codec/gzip.h"
#include "codec/json.h"
#include "rehearsal/credentials.h"
#include "rehearsal/marks.h"
#include "rehearsal/profile.h"
#include "rehearsal/verdict.h"
#include "rehearsal/virtual.h"
#include "tests/test.h"
#include <stdio.h>
#include <stdlib.h>

enum { ITEMS = 12 };
#define HOUR_US (3600 * (int64_t)SECOND_US)

struct saved {
    char value[260];
    bool none;
    uint32_t epoch, seq;
};

struct tiny { /* a hall for one candidate */
    uint32_t epoch;
    bool started, submitted, packs; /* packs: gives the paper with the start */
    struct saved saved[ITEMS + 1];
    int64_t opens_us, ends_us, delay_us; /* opens_us 0: long ago */
    int64_t asked_us, silent_us;         /* the last request; the longest time without one */
    unsigned saves;
    unsigned forget_at, forget_from, swallow_each, invent_at; /* 0: never */
    int64_t busy_until_us; /* until then everybody is told to wait */
    unsigned requests, stale, forms;
    struct out reply;
};

struct room { /* the candidate, the hall, and time */
    struct virtual v;
    struct plan plan;
    struct paper paper;
    struct stand stand;
    struct arena arena;
    struct orders orders;
    struct tiny tiny;
    int64_t now;
};
static struct room room;
static struct board board;

static void room_open(uint64_t seed)
{
    room = (struct room){ .arena = arena_make(MIB) };
    memset(&board, 0, sizeof(board));
    room.plan = (struct plan){ .seed = seed,
                               .candidates = 1,
                               .begin_us = HOUR_US,
                               .save_every_us = 4 * SECOND_US,
                               .start_spread_us = SECOND_US,
                               .sitting_us = NEVER_US,
                               .end_us = NEVER_US,
                               .submit_us = 60 * SECOND_US,
                               .results = 3,
                               .result_us = 60 * SECOND_US,
                               .origin = STR("https://hall"),
                               .host = STR("hall") };
    room.stand = (struct stand){ .plan = &room.plan,
                                 .count = 1,
                                 .paper = &room.paper,
                                 .board = &board,
                                 .orders = &room.orders,
                                 .arena = &room.arena };
    room.tiny = (struct tiny){ .ends_us = HOUR_US + 600 * SECOND_US, .delay_us = 1000 };
    room.tiny.reply = out_make(64 * KIB);
    virtual_init(&room.v, &room.plan, 0, (struct sign_in_turn){ 0, 1 }, STR("R1"), STR("C1"));
}

static void room_close(void)
{
    stand_fini(&room.stand);
    out_fini(&room.tiny.reply);
    arena_fini(&room.arena);
}

static void say_form(struct out *body);
static void say_paper(struct out *body);

static str base64_of(str bytes, struct arena *arena)
{
    size_t n = BASE64_PADDED_CHARS(bytes.n);
    char *text = arena_bytes(arena, n);
    CHECK_EQ(base64_encode(BASE64_PADDED, text, bytes.p, bytes.n), n);
    return str_of(text, n);
}

static void say_packed_paper(struct out *body)
{
    struct arena arena = arena_make(MIB);
    struct out paper = out_make(64 * KIB);
    say_paper(&paper);
    str packed = base64_of(gzip_pack(out_view(&paper), &arena), &arena);
    out_fmt(body, ",\"packed_paper\":\"%.*s\"", STR_ARG(packed));
    out_fini(&paper);
    arena_fini(&arena);
}

/* With the form: the reply to the start that began it. */
static void say_attempt(struct out *body, bool form)
{
    struct tiny *tiny = &room.tiny;
    tiny->submitted |= tiny->started && room.now > tiny->ends_us + 5 * SECOND_US;
    const char *state = tiny->submitted              ? "submitted"
                        : tiny->started              ? "running"
                        : room.now >= tiny->opens_us ? "ready"
                                                     : "waiting";
    out_fmt(body,
            "{\"attempt\":7,\"state\":\"%s\",\"now\":%lld,\"starts_at\":%lld,\"ends_at\":%lld",
            state, (long long)(room.now / 1000), (long long)MAX(tiny->opens_us / 1000, 1),
            (long long)(tiny->ends_us / 1000));
    if (form) {
        out_z(body, ",\"epoch\":1,\"form\":");
        say_form(body);
        if (room.tiny.packs)
            say_packed_paper(body);
    }
    out_char(body, '}');
}

static void say_paper(struct out *body)
{
    static const char *const kinds[] = { "single", "several", "number", "text" };
    out_z(body, "{\"items\":[");
    for (int i = 1; i <= ITEMS; i++)
        out_fmt(body, "%s{\"item\":%d,\"kind\":\"%s\",\"blanks\":%d,\"options\":[%s]}",
                i > 1 ? "," : "", i, kinds[i % 4], i % 4 == 3 ? 2 : 1,
                i % 4 < 2 ? "\"a\",\"b\",\"c\"" : "");
    out_z(body, "]}");
}

static void say_form(struct out *body)
{
    out_z(body, "{\"exam\":\"e\",\"paper\":\"/v1/papers/d\",\"items\":[");
    for (int i = ITEMS; i >= 1; i--)
        out_fmt(body, "{\"item\":%d,\"options\":[%s]}%s", i, i % 4 < 2 ? "2,0,1" : "",
                i > 1 ? "," : "");
    out_z(body, "]}");
}

static void say_answers(struct out *body, bool sheet)
{
    uint32_t newest = 0;
    bool first = true;
    out_z(body, sheet ? "{\"items\":[" : "{\"answers\":[");
    for (int i = 1; i <= ITEMS; i++) {
        struct saved *saved = &room.tiny.saved[i];
        newest = MAX(newest, saved->seq);
        if (!saved->seq && !sheet)
            continue;
        out_fmt(body, "%s{\"item\":%d,\"marks\":\"0\",\"value\":", first ? "" : ",", i);
        if (saved->seq && !saved->none)
            out_json(body, str_z(saved->value));
        else
            out_z(body, "null");
        if (!sheet)
            out_fmt(body, ",\"seq\":%u", saved->seq);
        out_char(body, '}');
        first = false;
    }
    out_fmt(body, "],\"epoch\":%u,\"seq\":%u,\"now\":1}", room.tiny.epoch, newest);
}

static void save(struct out *body, unsigned i, str request)
{
    struct tiny *tiny = &room.tiny;
    struct why why;
    struct json *json;
    int64_t seq = 0;
    str value = STR_NONE;
    struct arena arena = arena_make(64 * KIB);
    CHECK_OK(json_parse(&json, request, &arena, &why));
    CHECK_OK(json_i64(json, "seq", true, 1, 1000000, &seq, &why));
    CHECK_OK(json_str(json, "value", false, &value, &why));
    struct saved *saved = &tiny->saved[i];
    tiny->stale += saved->epoch == tiny->epoch && (uint32_t)seq < saved->seq;
    tiny->saves++;
    bool forget =
        tiny->saves == tiny->forget_at || (tiny->forget_from && tiny->saves >= tiny->forget_from);
    if (!forget) {
        *saved = (struct saved){ .none = !value.p, .epoch = tiny->epoch, .seq = (uint32_t)seq };
        CHECK(value.n < sizeof(saved->value));
        if (value.n)
            memcpy(saved->value, value.p, value.n);
    }
    arena_fini(&arena);
    out_fmt(body, "{\"item\":%u,\"seq\":%lld,\"receipt\":\"r\",\"now\":1}", i, (long long)seq);
}

static unsigned answered(void)
{
    unsigned n = 0;
    for (int i = 1; i <= ITEMS; i++)
        n += room.tiny.saved[i].seq && !room.tiny.saved[i].none;
    return n;
}

/* The hall's answer to one request; returns the status. */
static int respond(struct out *body, const struct http_head *head, str request)
{
    struct tiny *tiny = &room.tiny;
    str path = head->path;
    uint64_t i = 0;
    tiny->requests++;
    if (str_eq(path, STR("/v1/sessions"))) {
        tiny->epoch++;
        say_attempt(body, false);
    } else if (str_starts(path, STR("/v1/papers/"))) {
        say_paper(body);
    } else if (str_ends(path, STR("/form"))) {
        tiny->forms++;
        say_form(body);
    } else if (str_starts(path, STR("/v1/attempts/7/answers/"))) {
        CHECK(str_u64(str_from(path, strlen("/v1/attempts/7/answers/")), &i) && i <= ITEMS);
        if (room.now >= tiny->ends_us) {
            out_z(body, "{\"type\":\"/problems/time-over\"}");
            return 409;
        }
        save(body, (unsigned)i, request);
    } else if (str_ends(path, STR("/answers")) || str_ends(path, STR("/responses"))) {
        say_answers(body, str_ends(path, STR("/responses")));
    } else if (str_ends(path, STR("/result"))) {
        out_z(body, "{\"total\":\"7\",\"rank\":1}");
    } else if (str_ends(path, STR("/submit")) || str_ends(path, STR("/receipt"))) {
        tiny->submitted = true;
        out_fmt(body, "{\"answered\":%u,\"signature\":\"s\"}", answered());
    } else {
        bool starts = str_ends(path, STR("/start")) && !tiny->started;
        tiny->started |= starts;
        say_attempt(body, starts);
    }
    return 200;
}

static void exchange(str request)
{
    struct tiny *tiny = &room.tiny;
    struct http_head head, reply;
    struct why why;
    struct out body = out_make(64 * KIB);
    CHECK_EQ(http_parse_request(&head, request, 4 * KIB, &why), HTTP_DONE);
    CHECK_EQ(head.head_bytes + head.body_bytes, request.n);
    if (tiny->asked_us)
        tiny->silent_us = MAX(tiny->silent_us, room.now - tiny->asked_us);
    tiny->asked_us = room.now;
    int status = room.now < tiny->busy_until_us
                     ? 503
                     : respond(&body, &head, str_from(request, head.head_bytes));
    room.now += tiny->delay_us;
    if (tiny->swallow_each && tiny->requests % tiny->swallow_each == 0) {
        virtual_lost(&room.v, &room.stand, room.now); /* done, but nobody hears of it */
    } else {
        out_clear(&tiny->reply);
        out_fmt(&tiny->reply,
                "HTTP/1.1 %d OK\r\nSet-Cookie: __Host-examhall=c%u; Secure\r\n"
                "Content-Length: %zu\r\n\r\n",
                status, tiny->epoch, body.n);
        out_str(&tiny->reply, out_view(&body));
        str bytes = out_view(&tiny->reply);
        CHECK_EQ(http_parse_reply(&reply, bytes, 4 * KIB, &why), HTTP_DONE);
        virtual_reply(&room.v, &room.stand, room.now, &reply, str_from(bytes, reply.head_bytes));
    }
    out_fini(&body);
}

static void act_at(int64_t wake)
{
    struct out request = out_make(8 * KIB);
    room.now = MAX(room.now, wake);
    if (virtual_act(&room.v, &room.stand, room.now, &request) == DO_SEND)
        exchange(out_view(&request));
    CHECK(room.tiny.requests < 100000);
    out_fini(&request);
}

/* Lets the candidate act until it has nothing more to do. */
static void run(void)
{
    for (int64_t wake; (wake = virtual_wake(&room.v)) != NEVER_US;)
        act_at(wake);
}

static void run_and_check(bool scored)
{
    room.plan.scored = scored;
    run();
    if (room.tiny.invent_at)
        room.tiny.saved[room.tiny.invent_at] =
            (struct saved){ .value = "B7", .epoch = 1, .seq = 900000 };
    virtual_check(&room.v, &room.stand, room.now);
    run();
}

TEST(rehearsal, a_candidate_sits_from_sign_in_to_receipt_and_all_is_found)
{
    room_open(test_seed());
    run_and_check(true);
    CHECK_EQ(board.submitted, 1);
    CHECK_EQ(board.finished, 1);
    CHECK_EQ(board.checked, 1);
    CHECK_EQ(board.requests_failed, 0);
    CHECK_EQ(board.saves_lost + board.saves_foreign + board.receipts_wrong, 0);
    CHECK(board.saves_acknowledged > 100);
    CHECK_EQ(board.saves_acknowledged, room.tiny.saves);
    CHECK_EQ(board.latency[ASK_SUBMIT].count, 1);
    room_close();
}

TEST(rehearsal, who_is_told_to_wait_again_and_again_has_had_no_answer)
{
    room_open(test_seed());
    room.tiny.busy_until_us = HOUR_US + 90 * SECOND_US;
    run_and_check(true);
    CHECK_EQ(board.submitted, 1);
    CHECK(board.requests_delayed > 20);
    CHECK_EQ(board.requests_failed, 1); /* once an action: the sign-in that waited for 90 s */
    CHECK(hist_quantile(&board.latency[ASK_SIGN_IN], 1000) >= 85 * SECOND_US);
    room_close();
}

TEST(rehearsal, who_is_given_the_form_with_the_start_asks_for_the_paper_and_no_more)
{
    room_open(test_seed());
    room.plan.drops_per_us = 0;
    run_and_check(true);
    CHECK_EQ(board.submitted, 1);
    CHECK_EQ(board.latency[ASK_PAPER].count, 1);
    CHECK_EQ(room.tiny.forms + board.latency[ASK_RESUME].count, 0);
    room_close();
}

TEST(rehearsal, who_is_given_the_paper_too_asks_for_nothing_more)
{
    room_open(test_seed());
    room.plan.drops_per_us = 0;
    room.tiny.packs = true;
    run_and_check(true);
    CHECK_EQ(board.submitted, 1);
    CHECK_EQ(board.started, 1);
    CHECK_EQ(board.requests_failed, 0);
    CHECK_EQ(room.tiny.forms + board.latency[ASK_PAPER].count + board.latency[ASK_RESUME].count, 0);
    CHECK_EQ(board.saves_acknowledged, room.tiny.saves);
    room_close();
}

TEST(rehearsal, who_is_given_another_paper_than_the_others_says_so_and_does_not_sit)
{
    room_open(test_seed());
    room.plan.drops_per_us = 0;
    room.tiny.packs = true;
    struct out other = out_make(64 * KIB);
    struct why why;
    say_paper(&other);
    out_char(&other, ' ');
    CHECK_OK(paper_take(&room.paper, out_view(&other), PAPER_PLAIN, &room.arena, &why));
    while (!board.requests_failed)
        act_at(virtual_wake(&room.v));
    CHECK_EQ(room.v.asked, ASK_START);
    CHECK_HAS(str_z(board.examples[0]), STR("other bytes of the paper"));
    CHECK_EQ(board.started, 0);
    CHECK_EQ(room.v.stage, STAGE_PAPER);
    out_fini(&other);
    room_close();
}

TEST(rehearsal, who_never_heard_of_the_start_asks_for_form_and_answers)
{
    room_open(test_seed());
    room.plan.drops_per_us = 0;
    room.tiny.started = true; /* by what nobody heard of */
    run_and_check(true);
    CHECK_EQ(board.submitted, 1);
    CHECK_EQ(room.tiny.forms, 1);
    CHECK_EQ(board.latency[ASK_RESUME].count, 1);
    room_close();
}

/* A gateway closes a connection on which nothing was asked for two minutes. */
TEST(rehearsal, a_candidate_who_waits_for_the_bell_looks_at_the_hall_meanwhile)
{
    room_open(test_seed());
    room.plan.start_spread_us = 60 * SECOND_US;
    room.tiny.opens_us = HOUR_US + 300 * SECOND_US;
    while (!room.tiny.started)
        act_at(virtual_wake(&room.v));
    CHECK(room.tiny.silent_us >= 60 * SECOND_US && room.tiny.silent_us <= 90 * SECOND_US);
    CHECK(room.now >= room.tiny.opens_us && room.now < room.tiny.opens_us + 61 * SECOND_US);
    CHECK_EQ(board.requests_failed, 0);
    room_close();
}

TEST(rehearsal, who_waits_for_an_answer_while_the_moment_to_press_passes_presses_when_it_is_there)
{
    for (unsigned seed = 1; seed <= 50; seed++) {
        room_open(seed);
        room.plan.start_spread_us = 60 * SECOND_US;
        room.tiny.opens_us = HOUR_US + 300 * SECOND_US;
        room.tiny.delay_us = 20 * SECOND_US;
        while (!room.tiny.started)
            act_at(virtual_wake(&room.v));
        int64_t pressed = room.now - room.tiny.delay_us;
        CHECK(pressed >= room.tiny.opens_us);
        CHECK(pressed <= room.tiny.opens_us + room.plan.start_spread_us + room.tiny.delay_us);
        room_close();
    }
}

TEST(rehearsal, a_save_that_a_fault_touched_is_not_among_the_calm_ones)
{
    room_open(test_seed());
    room.orders.killed_us = HOUR_US + 200 * SECOND_US;
    room.orders.calm_us = HOUR_US + 400 * SECOND_US;
    run_and_check(false);
    uint64_t calm = board.calm[ASK_SAVE].count, all = board.latency[ASK_SAVE].count;
    CHECK(calm > all / 2 && calm < all * 3 / 4); /* 200 of 600 s were in the fault's shadow */
    room_close();
}

TEST(rehearsal, a_candidate_asks_for_the_result_as_often_as_the_profile_says)
{
    room_open(test_seed());
    run();
    int64_t from = room.now;
    virtual_results(&room.v, &room.stand, room.now);
    run();
    CHECK_EQ(board.results_seen, 3);
    CHECK_EQ(board.latency[ASK_RESULT].count, 3);
    CHECK_EQ(board.finished, 1); /* the sitting's, once */
    CHECK(room.now > from && room.now < from + 61 * SECOND_US);
    room_close();
}

TEST(rehearsal, an_unknown_profile_is_answered_with_the_nearest)
{
    struct why why;
    CHECK(profile_find("stampede", &why)->bell);
    CHECK(!profile_find("stampeed", &why));
    CHECK_HAS(str_z(why.text), STR("did you mean stampede"));
}

TEST(rehearsal, a_candidate_of_a_running_hall_leaves_when_the_rehearsal_does)
{
    room_open(test_seed());
    room.plan.sitting_us = 100 * SECOND_US; /* the hall would give them 600 */
    run_and_check(false);
    CHECK(room.now < HOUR_US + 110 * SECOND_US);
    CHECK_EQ(board.submitted, 1);
    CHECK_EQ(board.checked, 1);
    CHECK_EQ(board.requests_failed, 0);
    room_close();
}

/* A right hall is never accused, whatever the network does: replies lost, other devices. */
TEST(rehearsal, lost_replies_and_other_devices_lose_no_answer)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        room_open(test_seed() + seed);
        room.plan.drops_per_us = 1.0 / (20 * SECOND_US);
        room.tiny.swallow_each = 5;
        run_and_check(seed % 2);
        CHECK(board.drops > 3);
        CHECK(board.reconnects > 3);
        CHECK_EQ(board.requests_failed, 0);
        CHECK_EQ(board.saves_lost + board.saves_foreign + board.receipts_wrong, 0);
        CHECK_EQ(board.checked, 1);
        CHECK_EQ(room.tiny.stale, 0);
        room_close();
    }
}

/* The last save of a sitting: nothing later can heal its loss. With the same value before it, there
 * is nothing to see, so a few of the seeds may stay silent. */
TEST(rehearsal, a_forgotten_acknowledged_answer_is_seen)
{
    unsigned seen = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        room_open(test_seed() + seed);
        run();
        unsigned last = room.tiny.saves;
        room_close();
        room_open(test_seed() + seed);
        room.tiny.forget_at = last;
        run_and_check(true);
        CHECK(board.saves_lost + board.receipts_wrong <= 2);
        seen += board.saves_lost == 1;
        room_close();
    }
    CHECK(seen >= 14);
    room_open(test_seed());
    room.tiny.forget_from = 5; /* while the attempt runs the sequence number gives it away */
    room.plan.drops_per_us = 1.0 / (20 * SECOND_US);
    run();
    CHECK(board.saves_lost > 5);
    room_close();
}

TEST(rehearsal, an_invented_answer_is_seen)
{
    room_open(test_seed());
    room.plan.save_every_us = 200 * SECOND_US; /* few saves: the last item is never reached */
    room.tiny.invent_at = ITEMS;
    run_and_check(true);
    CHECK_EQ(board.saves_foreign, 1);
    CHECK_EQ(board.saves_lost, 0);
    room_close();
}

/* No coordinated omission: a slow hall gets the same work, and its slowness is counted from when
 * the candidate meant to act. */
TEST(rehearsal, latency_counts_from_the_intended_time)
{
    room_open(test_seed());
    run();
    uint64_t saves = board.saves_acknowledged;
    CHECK(board.latency[ASK_SAVE].max_us >= 1000);
    CHECK(hist_quantile(&board.latency[ASK_SAVE], 500) < 2000);
    room_close();
    room_open(test_seed());
    room.tiny.delay_us = 3 * SECOND_US; /* three seconds each, while a save is due every four */
    run();
    CHECK(board.saves_acknowledged + 40 >= saves);
    CHECK(board.latency[ASK_SAVE].max_us > 6 * SECOND_US); /* longer than any one reply took */
    room_close();
}

TEST(rehearsal, no_answer_for_half_a_minute_is_a_failed_request)
{
    struct out request = out_make(8 * KIB);
    room_open(test_seed());
    room.now = virtual_wake(&room.v);
    CHECK_EQ(virtual_act(&room.v, &room.stand, room.now, &request), DO_SEND);
    room.now = virtual_wake(&room.v);
    CHECK_EQ(room.now, HOUR_US + 30 * SECOND_US);
    CHECK_EQ(virtual_act(&room.v, &room.stand, room.now, &request), DO_RETRY);
    CHECK_EQ(board.requests_failed, 1);
    room.now = virtual_wake(&room.v);
    CHECK_EQ(virtual_act(&room.v, &room.stand, room.now, &request), DO_SEND);
    virtual_lost(&room.v, &room.stand, room.now);
    CHECK_EQ(board.requests_failed, 1); /* once an action */
    out_fini(&request);
    room_close();
}

static fail form_text_check(const struct paper *paper, const char *text, str *path,
                            struct arena *arena)
{
    struct json *json = NULL;
    struct why why;
    fail f = json_parse(&json, str_z(text), arena, &why);
    return f ? f : form_check(paper, json, path, &why);
}

TEST(rehearsal, a_form_that_is_no_permutation_is_refused)
{
    struct paper paper = { 0 };
    struct arena arena = arena_make(MIB);
    struct why why;
    str path;
    CHECK_OK(paper_take(&paper,
                        STR("{\"items\":[{\"item\":1,\"kind\":\"single\",\"options\":[\"a\",\"b\"]"
                            "},{\"item\":2,\"kind\":\"text\",\"options\":[]}]}"),
                        PAPER_PLAIN, &arena, &why));
    CHECK_OK(form_text_check(&paper,
                             "{\"paper\":\"/p\",\"items\":[{\"item\":2,\"options\":[]},{\"item\":1,"
                             "\"options\":[1,0]}]}",
                             &path, &arena));
    CHECK_STR(path, STR("/p"));
    CHECK_EQ(form_text_check(&paper,
                             "{\"paper\":\"/p\",\"items\":[{\"item\":2,\"options\":[]},{\"item\":1,"
                             "\"options\":[1,1]}]}",
                             &path, &arena),
             FAIL_INPUT);
    CHECK_EQ(form_text_check(&paper, "{\"paper\":\"/p\",\"items\":[{\"item\":2,\"options\":[]}]}",
                             &path, &arena),
             FAIL_INPUT);
    arena_fini(&arena);
}

TEST(rehearsal, a_paper_is_the_same_however_it_came_and_another_is_refused)
{
    const str papers[] = {
        STR("{\"items\":[{\"item\":1,\"kind\":\"single\",\"options\":[\"a\",\"b\"]}]}"),
        STR("{\"items\":[{\"item\":1,\"kind\":\"single\",\"options\":[\"a\",\"c\"]}]}"),
    };
    struct arena arena = arena_make(MIB);
    struct why why;
    for (unsigned first = 0; first < PAPER_CODINGS; first++) {
        str coded[2][PAPER_CODINGS];
        struct paper paper = { 0 };
        for (unsigned i = 0; i < 2; i++) {
            coded[i][PAPER_PLAIN] = papers[i];
            coded[i][PAPER_GZIP] = gzip_pack(papers[i], &arena);
            coded[i][PAPER_BASE64_GZIP] = base64_of(coded[i][PAPER_GZIP], &arena);
        }
        CHECK_OK(paper_take(&paper, coded[0][first], first, &arena, &why));
        for (unsigned again = 0; again < 2; again++)
            for (unsigned coding = 0; coding < PAPER_CODINGS; coding++) {
                str cut = str_first(coded[0][coding], coded[0][coding].n - 1);
                CHECK_OK(paper_take(&paper, coded[0][coding], coding, &arena, &why));
                CHECK_EQ(paper_take(&paper, coded[1][coding], coding, &arena, &why), FAIL_INPUT);
                CHECK_HAS(str_z(why.text), STR("other bytes"));
                CHECK_EQ(paper_take(&paper, cut, coding, &arena, &why), FAIL_INPUT);
            }
        CHECK_EQ(paper.items, 1);
    }
    arena_fini(&arena);
}

TEST(rehearsal, a_choice_is_worth_what_the_key_says)
{
    uint32_t keys[4];
    marks_keys_read(keys, 3,
                    STR("{\"options\":[\"a\",\"b\"],\"key\":\"B\"}\n{\"key\":\"18\"}\n"
                        "{\"options\":[\"a\",\"b\",\"c\"],\"key\":\"AC\"}\n"));
    CHECK_EQ(keys[1], 2);
    CHECK_EQ(keys[2], 0);
    CHECK_EQ(marks_worth(keys[1], marks_bits(STR("B"))), 4);
    CHECK_EQ(marks_worth(keys[1], marks_bits(STR("A"))), -1);
    CHECK_EQ(marks_worth(keys[1], marks_bits(STR_NONE)), 0);
    CHECK_EQ(marks_worth(keys[3], marks_bits(STR("AC"))), 4);
    CHECK_EQ(marks_worth(keys[3], marks_bits(STR("A"))), 1);
    CHECK_EQ(marks_worth(keys[3], marks_bits(STR("AB"))), -1);
}

TEST(rehearsal, codes_are_found_by_their_columns_names)
{
    struct arena arena = arena_make(MIB);
    struct credential *all;
    struct why why;
    str csv = STR("name,code,roll\n\"A, B\",K1,R1\nC,K2,\"R\"\"2\"\n");
    CHECK_OK(credentials_read(&all, 2, csv, &arena, &why));
    CHECK_STR(all[0].roll, STR("R1"));
    CHECK_STR(all[0].code, STR("K1"));
    CHECK_STR(all[1].roll, STR("R\"2"));
    CHECK_EQ(credentials_read(&all, 3, csv, &arena, &why), FAIL_USAGE);
    CHECK_EQ(credentials_read(&all, 1, STR("roll,name\nR1,A\n"), &arena, &why), FAIL_INPUT);
    arena_fini(&arena);
}

static struct outcome outcome;
static struct judgement judgement;
static struct crew_host hosts[2];
static struct crew crew = { .count = 2, .hosts = { &hosts[0], &hosts[1] } };

static void outcome_good(void)
{
    memset(&outcome, 0, sizeof(outcome));
    outcome.candidates = 10;
    outcome.scored = true;
    outcome.target = "https://hall";
    outcome.total.submitted = outcome.total.checked = 10;
    outcome.total.saves_acknowledged = 100;
    hist_record(&outcome.total.calm[ASK_SIGN_IN], 90000);
    hist_record(&outcome.total.latency[ASK_SAVE], 20000);
    hist_record(&outcome.total.calm[ASK_SAVE], 20000);
    memset(hosts, 0, sizeof(hosts));
    outcome.crew = &crew;
    for (unsigned i = 0; i < 2; i++) {
        hosts[i].count = hosts[i].board.checked = 5;
        hosts[i].effort = (struct effort){ .cores = 2, .agents = 1, .seconds = 100 };
        snprintf(hosts[i].name, sizeof(hosts[i].name), "load-%u", i + 1);
        hist_record(&hosts[i].board.lag, 10);
    }
}

static enum verdict judge(void)
{
    verdict_judge(&judgement, &outcome, &objectives_default);
    return judgement.verdict;
}

TEST(rehearsal, a_verdict_is_pass_fail_or_void_for_a_reason)
{
    outcome_good();
    CHECK_EQ(judge(), VERDICT_PASS);
    CHECK_EQ(judgement.count, 0);
    hist_record(&outcome.total.latency[ASK_SAVE], 300000); /* in a fault's shadow */
    outcome.faults_planned = outcome.fault_count = 1;
    CHECK_EQ(judge(), VERDICT_PASS); /* and says which latency was judged */
    CHECK_EQ(judgement.count, 1);
    hist_record(&outcome.total.calm[ASK_SIGN_IN], 3600000000);
    CHECK_EQ(judge(), VERDICT_FAIL); /* a fault excuses only what it touched */
    outcome_good();
    outcome.faults_planned = outcome.fault_count = 1;
    CHECK_EQ(judge(), VERDICT_PASS);
    hist_record(&outcome.total.calm[ASK_SAVE], 300000);
    CHECK_EQ(judge(), VERDICT_FAIL);
    outcome_good();
    outcome.upgrades_failed = 1;
    CHECK_EQ(judge(), VERDICT_FAIL);
    outcome_good();
    outcome.upgrades_failed = outcome.fault_count = 1;
    outcome.faults_planned = 2;
    CHECK_EQ(judge(), VERDICT_FAIL); /* that the second did not come is no excuse */
    outcome_good();
    outcome.results_due = 30;
    outcome.total.results_seen = 29;
    CHECK_EQ(judge(), VERDICT_FAIL);
    outcome.total.results_seen = 30;
    CHECK_EQ(judge(), VERDICT_PASS);
    outcome_good();
    outcome.fault_count = 1;
    outcome.faults_planned = 2;
    CHECK_EQ(judge(), VERDICT_VOID);
    outcome_good();
    hist_record(&hosts[1].board.lag, 60000);
    CHECK_EQ(judge(), VERDICT_VOID);
    outcome.total.saves_lost = 1;
    CHECK_EQ(judge(), VERDICT_FAIL); /* a lost answer is never excused */
    outcome_good();
    outcome.total.checked = 9;
    CHECK_EQ(judge(), VERDICT_FAIL);
    outcome_good();
    outcome.total.requests_failed = 1;
    CHECK_EQ(judge(), VERDICT_FAIL);
}

static enum verdict judge_by(const struct objectives *objectives)
{
    verdict_judge(&judgement, &outcome, objectives);
    return judgement.verdict;
}

TEST(rehearsal, every_objective_of_the_spec_is_judged_and_named_when_it_is_missed)
{
    static const struct {
        struct objectives objectives;
        const char *reason;
    } rows[] = {
        { { .sign_in.p50_us = 89000 }, "sign_in p50 is 90.0 ms, the objective is 89 ms" },
        { { .save.max_us = 19000 }, "save max is 20.0 ms, the objective is 19 ms" },
        { { .start.p90_us = 1000 }, "start p90 is 40.0 ms, the objective is 1 ms" },
        { { .form.p99_us = 1000 }, "form p99 is 40.0 ms, the objective is 1 ms" },
        { { .heartbeat.p999_us = 1000 }, "heartbeat p999 is 40.0 ms, the objective is 1 ms" },
        { { .submit.max_us = 1000 }, "submit max is 40.0 ms, the objective is 1 ms" },
        { { .result.max_us = 1000 }, "result max is 40.0 ms, the objective is 1 ms" },
        { { .requests_failed = 1 }, "2 requests failed, the objective is 1" },
    };
    outcome_good();
    for (int i = 0; i < ASK_KINDS; i++)
        if (i != ASK_SIGN_IN && i != ASK_SAVE)
            hist_record(&outcome.total.calm[i], 40000);
    for (size_t i = 0; i < COUNT(rows); i++) {
        outcome.total.requests_failed = rows[i].objectives.requests_failed ? 2 : 0;
        CHECK_EQ(judge_by(&rows[i].objectives), VERDICT_FAIL);
        CHECK_EQ(judgement.count, 1);
        CHECK_STR(str_z(judgement.reasons[0]), str_z(rows[i].reason));
    }
    outcome.total.requests_failed = 1;
    CHECK_EQ(judge_by(&(struct objectives){ .requests_failed = 1 }), VERDICT_PASS);
}

TEST(rehearsal, an_objective_for_what_nobody_asked_is_said_not_to_be_judged)
{
    outcome_good();
    CHECK_EQ(judge_by(&(struct objectives){ .result.p99_us = 1000 }), VERDICT_PASS);
    CHECK_EQ(judgement.count, 1);
    CHECK_HAS(str_z(judgement.reasons[0]), STR("the objective for result was not judged"));
}

/* Void, and the first reason begins with the machine that is to blame. */
static void check_blamed(const char *because)
{
    CHECK_EQ(judge(), VERDICT_VOID);
    CHECK(str_starts(str_z(judgement.reasons[0]), STR("load-2")));
    CHECK_HAS(str_z(judgement.reasons[0]), str_z(because));
    outcome_good();
}

TEST(rehearsal, one_bad_machine_of_candidates_is_named_and_makes_the_run_void)
{
    outcome_good();
    for (int i = 0; i < 10000; i++) /* two late in a hundred of one, fewer than one of both */
        hist_record(&hosts[0].board.lag, 10);
    for (int i = 0; i < 100; i++)
        hist_record(&hosts[1].board.lag, i < 3 ? 60000 : 10);
    outcome.total.lag = hosts[0].board.lag;
    hist_merge(&outcome.total.lag, &hosts[1].board.lag);
    CHECK(hist_quantile(&outcome.total.lag, 990) < 50000);
    check_blamed("late");
    hosts[1].effort.starved = 6; /* of 100 agent-seconds */
    hosts[1].effort.all_us = 100;
    hosts[1].effort.steal_us = 11;
    check_blamed("by its hypervisor 11 %");
    hosts[1].effort.stall_us = 4000000;
    check_blamed("stood still for 4.0 s");
    hosts[1].board.local_errors = 1;
    check_blamed("out of ports or descriptors");
    hosts[1].effort.died = 1;
    check_blamed("ended early");
    hosts[1].clock_error_us = 60000;
    check_blamed("clock");
    hosts[1].lost = true;
    check_blamed("was lost with 5 candidates");
    hosts[1].effort.starved = 5;
    hosts[1].effort.all_us = 100;
    hosts[1].effort.steal_us = 30; /* does no harm by itself */
    CHECK_EQ(judge(), VERDICT_PASS);
}

TEST(rehearsal, the_json_has_the_promised_members_in_order)
{
    static const char *const members[] = {
        "candidates", "connected_peak",  "started",          "submitted",  "saves_acknowledged",
        "saves_lost", "requests_failed", "requests_delayed", "duration_s", "start_spike_s",
        "latency_ms", "verdict",         "reasons",
    };
    struct out out = out_make(64 * KIB);
    struct arena arena = arena_make(MIB);
    struct json *root;
    struct why why;
    outcome_good();
    outcome.fault_count = outcome.faults_planned = 2;
    judge();
    verdict_json(&out, &outcome, &judgement);
    CHECK_OK(json_parse(&root, out_view(&out), &arena, &why));
    const struct json *member = root->first;
    for (size_t i = 0; i < COUNT(members); i++, member = member->next)
        CHECK_STR(member->name, str_z(members[i]));
    const struct json *save = json_get(json_get(root, STR("latency_ms")), STR("save"));
    CHECK_STR(json_get(save, STR("p99"))->text, STR("20.000"));
    arena_fini(&arena);
    out_fini(&out);
}
