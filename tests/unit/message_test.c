/* message_test.c - what crosses the wire between coordinator and agent hosts is exactly what was
 * there: histograms slot by slot, plans, codes; and clocks that differ are told to what error. */
#include "rehearsal/clock_offset.h"
#include "rehearsal/frame.h"
#include "rehearsal/message.h"
#include "sys/chance.h"
#include "tests/test.h"

#include <stdio.h>

static char room[FRAME_BYTES_MAX];
static struct report sent, came;

static int64_t any_us(struct chance *chance) /* evenly over the octaves, to about an hour */
{
    return (int64_t)(chance_u64(chance) >> (32 + chance_below(chance, 32)));
}

TEST(message, the_merge_of_parts_sent_over_the_wire_is_the_histogram_of_the_whole)
{
    enum { HOSTS = 5, VALUES = 50000 };
    static struct hist whole, parts[HOSTS], merged, received;
    struct chance chance;
    chance_sim_init(&chance, test_seed());
    memset(&whole, 0, sizeof(whole));
    memset(parts, 0, sizeof(parts));
    memset(&merged, 0, sizeof(merged));
    for (int i = 0; i < VALUES; i++) {
        int64_t us = any_us(&chance);
        hist_record(&whole, us);
        hist_record(&parts[chance_below(&chance, HOSTS - 1)], us); /* the last stays empty */
    }
    for (int i = 0; i < HOSTS; i++) {
        struct wire_out out = wire_out_make(room, sizeof(room));
        hist_write(&out, &parts[i]);
        CHECK(!out.failed);
        struct wire_in in = wire_in_make(str_of(room, out.n));
        CHECK(hist_read(&received, &in) && !wire_more(&in));
        CHECK(memcmp(&received, &parts[i], sizeof(received)) == 0);
        hist_merge(&merged, &received);
    }
    CHECK_EQ(merged.count, VALUES);
    CHECK(memcmp(&merged, &whole, sizeof(whole)) == 0); /* every slot, sum, least and most */
}

static void report_fill(struct chance *chance)
{
    memset(&sent, 0, sizeof(sent));
    sent.recovered_us = 77;
    sent.effort =
        (struct effort){ .cores = 4, .agents = 3, .died = 1, .all_us = 100, .idle_us = 60 };
#define X(name, meaning) sent.board.name = chance_below(chance, 1000000);
    BOARD_COUNTERS(X)
#undef X
    sent.board.first_start_us = 5;
    sent.board.last_started_us = 9;
    for (int i = 0; i < 3000; i++) {
        hist_record(&sent.board.latency[chance_below(chance, ASK_KINDS)], any_us(chance));
        hist_record(&sent.board.calm[i % ASK_KINDS], any_us(chance));
        hist_record(&sent.board.lag, any_us(chance));
    }
    board_example(&sent.board, "save by %s: \x1b[2J 500", "R1");
}

static str report_bytes(void)
{
    struct wire_out out = wire_out_make(room, sizeof(room));
    report_write(&out, &sent);
    CHECK(!out.failed);
    return str_of(room, out.n);
}

TEST(message, a_report_arrives_as_it_was_and_fits_a_frame_when_every_slot_is_used)
{
    struct chance chance;
    struct why why;
    chance_sim_init(&chance, test_seed());
    report_fill(&chance);
    memset(&came, 0xff, sizeof(came));
    CHECK_OK(report_read(&came, report_bytes(), &why));
    CHECK(memcmp(&came.board, &sent.board, sizeof(came.board)) == 0);
    CHECK_EQ(came.effort.all_us, 100);
    CHECK_EQ(came.effort.died, 1);
    CHECK_EQ(came.recovered_us, 77);
    CHECK(!came.last);
    CHECK_HAS(str_z(came.board.examples[0]), STR("save by R1:  [2J 500"));
    for (unsigned slot = 0; slot < HIST_SLOTS; slot++)
        for (int i = 0; i < ASK_KINDS; i++)
            sent.board.latency[i].slots[slot] = 1;
    CHECK(report_bytes().n < FRAME_BYTES_MAX - 1);
}

TEST(message, a_report_that_is_cut_off_or_impossible_is_refused)
{
    struct chance chance;
    struct why why;
    chance_sim_init(&chance, test_seed() + 1);
    report_fill(&chance);
    str whole = report_bytes();
    for (size_t n = 0; n < whole.n; n += n < 2000 ? 1 : 997)
        CHECK_EQ(report_read(&came, str_first(whole, n), &why), FAIL_INPUT);
    CHECK_EQ(report_read(&came, str_of(room, whole.n + 1), &why), FAIL_INPUT);
    sent.board.lag.min_us = sent.board.lag.max_us + 1;
    CHECK_EQ(report_read(&came, report_bytes(), &why), FAIL_INPUT);
    report_fill(&chance);
    sent.board.requests = UINT64_MAX; /* the sum of two hosts would start again at nothing */
    CHECK_EQ(report_read(&came, report_bytes(), &why), FAIL_INPUT);
    report_fill(&chance);
    sent.effort.died = 4; /* of three */
    CHECK_EQ(report_read(&came, report_bytes(), &why), FAIL_INPUT);
}

TEST(message, slots_out_of_order_or_beyond_the_last_are_no_histogram)
{
    static struct hist hist;
    uint16_t slots[][2] = { { 5, 5 }, { 6, 5 }, { 5, HIST_SLOTS } };
    for (size_t i = 0; i < COUNT(slots); i++) {
        struct wire_out out = wire_out_make(room, sizeof(room));
        wire_put_u16(&out, 2);
        for (int n = 0; n < 3; n++)
            wire_put_i64(&out, 6); /* sum, least, most */
        for (int n = 0; n < 2; n++) {
            wire_put_u16(&out, slots[i][n]);
            wire_put_u64(&out, 1);
        }
        struct wire_in in = wire_in_make(str_of(room, out.n));
        CHECK(!hist_read(&hist, &in));
    }
}

TEST(message, a_plan_arrives_as_it_was)
{
    uint32_t keys[PAPER_ITEMS_MAX + 1] = { 0, 3, 9 }, got[PAPER_ITEMS_MAX + 1];
    struct plan plan = { .seed = 42,
                         .candidates = 450000,
                         .begin_us = 1000,
                         .ramp_us = 600 * (int64_t)SECOND_US,
                         .save_every_us = 45 * (int64_t)SECOND_US,
                         .sitting_us = NEVER_US,
                         .end_us = 123456789,
                         .results = 3,
                         .drops_per_us = 1e-9,
                         .keys = keys,
                         .scored = true };
    struct plan read;
    struct why why;
    struct wire_out out = wire_out_make(room, sizeof(room));
    plan_write(&out, &plan);
    CHECK_OK(plan_read(&read, got, str_of(room, out.n), &why));
    CHECK(memcmp(keys, got, sizeof(keys)) == 0);
    read.keys = plan.keys;
    CHECK(memcmp(&read, &plan, sizeof(plan)) == 0);
    for (size_t n = 0; n < out.n; n++)
        CHECK_EQ(plan_read(&read, got, str_of(room, n), &why), FAIL_INPUT);
    plan.drops_per_us = -1;
    out = wire_out_make(room, sizeof(room));
    plan_write(&out, &plan);
    CHECK_EQ(plan_read(&read, got, str_of(room, out.n), &why), FAIL_INPUT);
}

TEST(message, codes_come_in_as_many_frames_as_they_need_and_not_one_too_many)
{
    enum { CODES = 40000 };
    static struct credential codes[CODES], got[CODES];
    static char rolls[CODES][16];
    struct arena arena = arena_make(16 * MIB);
    struct why why;
    uint32_t n = 0, frames = 0, taken = 0;
    for (int i = 0; i < CODES; i++) {
        snprintf(rolls[i], sizeof(rolls[i]), "R%d", i);
        codes[i] = (struct credential){ str_z(rolls[i]), STR("ABCDE-FGHJK-MNPQR") };
    }
    while (n < CODES) {
        struct wire_out out = wire_out_make(room, FRAME_BYTES_MAX - 1);
        n += credentials_write(&out, codes + n, CODES - n);
        CHECK_OK(credentials_take(got, &taken, CODES, str_of(room, out.n), &arena, &why));
        CHECK_EQ(taken, n);
        frames++;
    }
    CHECK(frames >= 2);
    CHECK_STR(got[CODES - 1].roll, codes[CODES - 1].roll);
    CHECK_STR(got[CODES / 2].code, codes[CODES / 2].code);
    struct wire_out out = wire_out_make(room, sizeof(room));
    credentials_write(&out, codes, 1);
    CHECK_EQ(credentials_take(got, &taken, CODES, str_of(room, out.n), &arena, &why), FAIL_INPUT);
    arena_fini(&arena);
}

/* --- clocks -------------------------------------------------------------------------------------
 */

TEST(message, the_other_clock_is_known_within_the_error_that_is_told)
{
    const int64_t ahead = -987654321012;
    struct clock_offset offset = { 0 };
    struct chance chance;
    int64_t now = 5000000, best = INT64_MAX;
    chance_sim_init(&chance, test_seed());
    for (int i = 0; i < 200; i++) { /* there and back take what they like, each on its own */
        int64_t there = 50 + (int64_t)chance_below(&chance, 9000),
                back = 50 + (int64_t)chance_below(&chance, 9000);
        clock_offset_learn(&offset, now, now + there + ahead, now + there + back);
        best = MIN(best, (there + back + 1) / 2);
        now += 1000;
        int64_t wrong = offset.ahead_us - ahead;
        CHECK((wrong < 0 ? -wrong : wrong) <= clock_offset_error(&offset, now));
    }
    CHECK(clock_offset_error(&offset, now) <= best + 1); /* the quickest round trip counts */
    CHECK_EQ(clock_to_ours(&offset, clock_to_theirs(&offset, 123456)), 123456);
    CHECK_EQ(clock_to_theirs(&offset, 0), 0);
    CHECK_EQ(clock_to_theirs(&offset, NEVER_US), NEVER_US);
}

TEST(message, a_clock_that_drifts_is_followed)
{
    struct clock_offset offset = { 0 };
    int64_t drift = 50; /* us each second */
    for (int64_t s = 1; s < 4000; s++) {
        int64_t now = s * SECOND_US, half = s == 1 ? 10 : 500; /* the first trip was the quickest */
        clock_offset_learn(&offset, now, now + half + s * drift, now + 2 * half);
        int64_t wrong = offset.ahead_us - s * drift;
        CHECK((wrong < 0 ? -wrong : wrong) <= clock_offset_error(&offset, now + 2 * half));
    }
    CHECK(clock_offset_error(&offset, 4000 * (int64_t)SECOND_US) < 1100);
}

/* --- the crew's sum -----------------------------------------------------------------------------
 */

TEST(message, the_candidates_of_a_lost_machine_count_as_not_checked)
{
    static struct crew_host hosts[2];
    static struct board total;
    struct crew crew = { .count = 2, .hosts = { &hosts[0], &hosts[1] } };
    memset(hosts, 0, sizeof(hosts));
    for (int i = 0; i < 2; i++) {
        hosts[i].count = 100;
        hosts[i].board.connected = 100;
        hosts[i].board.checked = 40;
        hosts[i].board.saves_acknowledged = 1000;
        host_lose(&hosts[i], "the cable was cut");
    }
    crew_poll(&crew, &total, true);
    CHECK_EQ(total.saves_acknowledged, 2000); /* what they told stays true */
    CHECK_EQ(total.checked, 80);
    CHECK_EQ(total.unchecked, 120);
    CHECK_EQ(total.connected, 0);
    CHECK(crew_is_dead(&crew));
}
