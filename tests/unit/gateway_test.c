/* gateway_test.c - the gateway from outside: what clients and the hall see of it. */
#include "net/gateway_window.h"
#include "tests/unit/gateway_world.h"

#include <stdio.h>
#include <stdlib.h>

#define HOST "Host: exam.example.org\r\n"
#define SAVE "PUT /v1/attempts/7/answers/12 HTTP/1.1\r\n" HOST

static struct gate_world w; /* large; each test opens and closes it */

TEST(gateway, a_request_byte_by_byte_is_answered_once_whole)
{
    gate_world_open(&w, 1, true);
    struct world_client c;
    client_dial(&w, &c);
    str all = STR(SAVE "Content-Length: 2\r\n\r\n{}");
    char body[512];
    for (size_t i = 0; i < all.n; i++) {
        CHECK_EQ(client_reply_of(&c, body), 0);
        CHECK_EQ(w.served, 0);
        client_say(&w, &c, (str){ all.p + i, 1 });
        gate_world_run(&w, 1, 1);
    }
    CHECK_EQ(client_ask(&w, &c, STR_NONE, body), 200);
    CHECK_STR(str_z(body), STR("/v1/attempts/7/answers/12"));
    CHECK_EQ(w.served, 1);
    CHECK_EQ(gateway_stats_requests(w.stats), 1);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(gateway, the_hall_sees_only_what_it_may)
{
    gate_world_open(&w, 1, true);
    struct world_client c;
    client_dial(&w, &c);
    CHECK_EQ(client_ask(&w, &c,
                        STR("POST /v1/sessions?x=1 HTTP/1.1\r\n" HOST "User-Agent: spy\r\n"
                            "Cookie: a=b; __Host-examhall=TOKEN; c=d\r\nAuthorization: Basic x\r\n"
                            "X-Forwarded-For: 6.6.6.6\r\nOrigin: https://exam.example.org\r\n"
                            "Accept-Encoding: br, gzip;q=1.0\r\nContent-Type: application/json\r\n"
                            "Idempotency-Key: k1\r\nContent-Length: 2\r\n\r\n{}"),
                        NULL),
             200);
    CHECK_STR(str_z(w.last),
              STR("POST /v1/sessions?x=1 HTTP/1.1\r\n" HOST "Cookie: __Host-examhall=TOKEN\r\n"
                  "Content-Type: application/json\r\nIdempotency-Key: k1\r\n"
                  "Origin: https://exam.example.org\r\nAccept-Encoding: gzip\r\n"
                  "X-Forwarded-For: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}"));
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

/* Each is refused, nothing of it reaches the hall, and the connection ends. */
static const struct {
    unsigned status;
    const char *bytes;
} smuggles[] = {
    { 501, SAVE "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/x" },
    { 501, SAVE "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}" },
    { 501, SAVE "Transfer-Encoding: xchunked\r\n\r\n" },
    { 400, SAVE "Transfer-Encoding : chunked\r\n\r\n" },
    { 400, SAVE "Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" },
    { 400, SAVE "Content-Length: 2,40\r\n\r\n{}" },
    { 400, SAVE "Content-Length: +2\r\n\r\n{}" },
    { 400, "PUT /v1/attempts/7/answers/12 HTTP/1.1\nHost: h\n\n" },
    { 400, SAVE "X: a\n\nGET /v1/x HTTP/1.1\r\n" HOST "\r\n" },
    { 400, SAVE "X: a\r\n Content-Length: 30\r\n\r\n" },
    { 400, "GET /v1/x\x01y HTTP/1.1\r\n" HOST "\r\n" },
    { 400, "GET /v1/../-/metrics HTTP/1.1\r\n" HOST "\r\n" },
    { 400, "GET http://h/v1/x HTTP/1.1\r\n" HOST "\r\n" },
    { 400, "GET /v1/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" },
    { 417, SAVE "Expect: 300-go\r\n\r\n" },
    { 505, "GET /v1/x HTTP/3.0\r\n" HOST "\r\n" },
    { 413, SAVE "Content-Length: 4097\r\n\r\n" },
    { 413, "POST /v1/x HTTP/1.1\r\n" HOST "Content-Length: 16385\r\n\r\n" },
};

TEST(gateway, what_could_be_read_in_two_ways_is_refused_and_the_connection_closed)
{
    for (size_t i = 0; i < COUNT(smuggles); i++) {
        gate_world_open(&w, i, true);
        struct world_client c;
        char body[512];
        client_dial(&w, &c);
        unsigned status = client_ask(&w, &c, str_z(smuggles[i].bytes), body);
        if (status != smuggles[i].status)
            test_failed(__FILE__, __LINE__, "%s: %u, not %u", smuggles[i].bytes, status,
                        smuggles[i].status);
        CHECK_HAS(str_z(body), STR("{\"type\":\"/problems/"));
        client_say(&w, &c, STR("GET /v1/later HTTP/1.1\r\n" HOST "\r\n"));
        gate_world_run(&w, 3, 1000);
        client_step(&w, &c);
        CHECK(c.ended);
        CHECK_EQ(w.served, 0);
        CHECK_EQ(w.stats->rows[0].refused, 1);
        client_hang_up(&w, &c);
        gate_world_close(&w);
    }
}

TEST(gateway, an_endless_head_is_cut_at_its_bound)
{
    gate_world_open(&w, 1, true);
    struct world_client c;
    client_dial(&w, &c);
    client_say(&w, &c, STR("GET /v1/x HTTP/1.1\r\n" HOST));
    unsigned status = 0;
    for (int i = 0; i < 9000 && !status; i += 4) {
        status = client_ask(&w, &c, STR("X: y\r\nX: y\r\n"), NULL);
        gate_world_run(&w, 1, 0);
    }
    CHECK_EQ(status, 431);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(gateway, a_slow_client_is_cut_in_each_phase)
{
    static const struct {
        const char *bytes;
        int64_t patience_ms;
        unsigned status; /* 0: closed without a word */
    } cases[] = {
        { "", 120000, 0 },
        { "GET /v1/x HT", 5000, 408 },
        { SAVE "Content-Length: 10\r\n\r\n{", 10000, 408 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        gate_world_open(&w, 1, true);
        struct world_client c;
        client_dial(&w, &c);
        client_say(&w, &c, str_z(cases[i].bytes));
        gate_world_run(&w, 3, 0);
        gate_world_run(&w, 1, cases[i].patience_ms - 1);
        client_step(&w, &c);
        CHECK(!c.ended && c.in.n == 0);
        gate_world_run(&w, 2, 1);
        client_step(&w, &c);
        CHECK_EQ(client_reply_of(&c, NULL), cases[i].status);
        gate_world_run(&w, 4, 1000);
        client_step(&w, &c);
        CHECK(c.ended);
        CHECK(w.stats->rows[0].cut >= 1);
        CHECK_EQ(w.reactor.open, 0);
        client_hang_up(&w, &c);
        gate_world_close(&w);
    }
}

TEST(gateway, bytes_that_trickle_do_not_extend_a_deadline)
{
    gate_world_open(&w, 1, true);
    struct world_client c;
    client_dial(&w, &c);
    client_say(&w, &c, STR("GET /v1/"));
    unsigned status = 0;
    int seconds = 0;
    for (; seconds < 20 && !status; seconds++) {
        client_say(&w, &c, STR("x"));
        gate_world_run(&w, 2, 500);
        client_step(&w, &c);
        status = client_reply_of(&c, NULL);
    }
    CHECK_EQ(status, 408);
    CHECK(seconds <= 7);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(gateway, the_hall_may_die_in_the_middle_of_a_reply)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        gate_world_open(&w, test_seed() + seed, false);
        struct world_client c;
        char body[512];
        client_dial(&w, &c);
        client_say(&w, &c, STR(SAVE "Content-Length: 2\r\n\r\n{}"));
        for (int life = 0; life < 4; life++) {
            for (int i = 0; i < 4 + (int)seed; i++) {
                gate_world_run(&w, 1, 1);
                client_step(&w, &c);
            }
            gate_world_hall_kill(&w);
            gate_world_run(&w, 2, 20);
            gate_world_hall_start(&w);
        }
        CHECK_EQ(client_ask(&w, &c, STR_NONE, body), 200);
        CHECK_STR(str_z(body), STR("/v1/attempts/7/answers/12"));
        gate_world_run(&w, 50, 1);
        client_step(&w, &c);
        CHECK_EQ(c.in.n, 0); /* one reply, and no half of another */
        client_hang_up(&w, &c);
        gate_world_close(&w);
    }
}

TEST(gateway, a_request_the_hall_dies_of_is_given_up_with_502)
{
    gate_world_open(&w, 1, true);
    w.silent = true;
    struct world_client c;
    char body[512];
    client_dial(&w, &c);
    client_say(&w, &c, STR("GET /v1/time HTTP/1.1\r\n" HOST "\r\n"));
    unsigned deaths = 0;
    for (; deaths < 20 && !client_reply_of(&c, body); deaths++) {
        gate_world_run(&w, 5, 21);
        gate_world_hall_kill(&w);
        gate_world_run(&w, 2, 21);
        gate_world_hall_start(&w);
        client_step(&w, &c);
    }
    CHECK_EQ(deaths, 8);
    CHECK_HAS(str_z(body), STR("\"status\":502"));
    w.silent = false;
    CHECK_EQ(client_ask(&w, &c, STR("GET /v1/b HTTP/1.1\r\n" HOST "\r\n"), body), 200);
    CHECK_EQ(w.stats->rows[0].resent, 7);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(gateway, a_request_held_too_long_gets_503_and_its_late_reply_reaches_nobody)
{
    gate_world_open(&w, 1, true);
    w.silent = true;
    struct world_client c;
    char body[512];
    client_dial(&w, &c);
    CHECK_EQ(client_ask(&w, &c, STR("GET /v1/a HTTP/1.1\r\n" HOST "\r\n"), body), 0);
    gate_world_run(&w, 1, 30000);
    client_step(&w, &c);
    CHECK_EQ(client_ask(&w, &c, STR_NONE, body), 503);
    client_say(&w, &c, STR("GET /v1/b HTTP/1.1\r\n" HOST "\r\n"));
    gate_world_run(&w, 3, 1);
    w.silent = false;
    CHECK_EQ(client_ask(&w, &c, STR_NONE, body), 200);
    CHECK_STR(str_z(body), STR("/v1/b"));
    CHECK_EQ(w.stats->rows[0].expired, 1);
    CHECK_EQ(w.reactor.waiting, 0);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(gateway, without_a_hall_requests_wait_and_time_out_and_are_forgotten)
{
    gate_world_open(&w, 1, true);
    gate_world_hall_kill(&w);
    struct world_client c;
    char body[512];
    client_dial(&w, &c);
    CHECK_EQ(client_ask(&w, &c, STR("GET /v1/a HTTP/1.1\r\n" HOST "\r\n"), body), 0);
    gate_world_run(&w, 2, 30000);
    CHECK_EQ(client_ask(&w, &c, STR_NONE, body), 503);
    CHECK_HAS(str_z(body), STR("/problems/busy"));
    CHECK_EQ(w.reactor.waiting, 0);
    CHECK_EQ(w.reactor.waiting_bytes, 0);
    gate_world_hall_start(&w);
    CHECK_EQ(client_ask(&w, &c, STR("GET /v1/b HTTP/1.1\r\n" HOST "\r\n"), body), 200);
    CHECK_EQ(w.served, 1);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(gateway, after_some_requests_timed_out_without_a_hall_the_others_get_their_own_replies)
{
    gate_world_open(&w, 1, true);
    gate_world_hall_kill(&w);
    struct world_client early, late;
    char body[512];
    client_dial(&w, &early);
    client_dial(&w, &late);
    CHECK_EQ(client_ask(&w, &early, STR("GET /v1/early HTTP/1.1\r\n" HOST "\r\n"), body), 0);
    gate_world_run(&w, 1, 20000);
    CHECK_EQ(client_ask(&w, &late, STR("GET /v1/late HTTP/1.1\r\n" HOST "\r\n"), body), 0);
    gate_world_run(&w, 2, 6000);
    CHECK_EQ(client_ask(&w, &early, STR_NONE, body), 503);
    CHECK_EQ(w.reactor.waiting, 1);
    gate_world_hall_start(&w);
    CHECK_EQ(client_ask(&w, &late, STR_NONE, body), 200);
    CHECK_STR(str_z(body), STR("/v1/late"));
    CHECK_EQ(w.served, 1);
    client_hang_up(&w, &early);
    client_hang_up(&w, &late);
    gate_world_close(&w);
}

TEST(gateway, a_hall_that_is_slow_never_sees_the_requests_of_clients_who_gave_up)
{
    gate_world_open(&w, 1, true);
    w.silent = true;
    unsigned window = w.reactor.limits.window = 8, many = 5 * window;
    struct world_client *crowd = calloc(many, sizeof(*crowd));
    for (unsigned i = 0; i < many; i++) {
        client_dial(&w, &crowd[i]);
        client_say(&w, &crowd[i], STR("GET /v1/x HTTP/1.1\r\n" HOST "\r\n"));
    }
    gate_world_run(&w, 50, 1);
    CHECK_EQ(w.reactor.waiting, many);
    for (unsigned i = window; i < many - 1; i++) /* all that wait here, but the last */
        client_hang_up(&w, &crowd[i]);
    gate_world_run(&w, 2, 1000);
    w.silent = false;
    CHECK_EQ(client_ask(&w, &crowd[many - 1], STR_NONE, NULL), 200);
    for (unsigned i = 0; i < window; i++)
        CHECK_EQ(client_ask(&w, &crowd[i], STR_NONE, NULL), 200);
    CHECK_EQ(w.served, window + 1);
    CHECK_EQ(w.reactor.waiting, 0);
    CHECK_EQ(w.reactor.waiting_bytes, 0);
    for (unsigned i = 0; i < window; i++)
        client_hang_up(&w, &crowd[i]);
    client_hang_up(&w, &crowd[many - 1]);
    free(crowd);
    gate_world_close(&w);
}

TEST(gateway, the_last_class_is_turned_away_first)
{
    gate_world_open(&w, 1, true);
    gate_world_hall_kill(&w);
    unsigned many = class_share(P5)->requests_max;
    struct world_client *crowd = calloc(many, sizeof(*crowd)), c;
    for (unsigned i = 0; i < many; i++) {
        client_dial(&w, &crowd[i]);
        client_say(&w, &crowd[i], STR("GET /v1/p5 HTTP/1.1\r\n" HOST "\r\n"));
    }
    gate_world_run(&w, 200, 1);
    CHECK_EQ(w.reactor.waiting, many);
    char body[512];
    client_dial(&w, &c);
    CHECK_EQ(client_ask(&w, &c, STR("GET /v1/p5 HTTP/1.1\r\n" HOST "\r\n"), body), 503);
    CHECK_EQ(w.stats->rows[0].shed, 1);
    client_say(&w, &c, STR(SAVE "Content-Length: 2\r\n\r\n{}"));
    gate_world_run(&w, 3, 1);
    CHECK_EQ(w.reactor.waiting, many + 1);
    gate_world_hall_start(&w);
    CHECK_EQ(client_ask(&w, &c, STR_NONE, body), 200);
    for (unsigned i = 0; i < many; i++) {
        CHECK_EQ(client_ask(&w, &crowd[i], STR_NONE, NULL), 200);
        client_hang_up(&w, &crowd[i]);
    }
    free(crowd);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(gateway, a_reactor_with_more_connections_lets_as_many_more_requests_wait)
{
    gate_world_open(&w, 1, true);
    w.reactor.conn_max = CLASS_SHARE_CONNECTIONS; /* two shares */
    gate_world_hall_kill(&w);
    unsigned many = 2 * class_share(P5)->requests_max;
    struct world_client *crowd = calloc(many + 1, sizeof(*crowd));
    for (unsigned i = 0; i <= many; i++) {
        client_dial(&w, &crowd[i]);
        client_say(&w, &crowd[i], STR("GET /v1/p5 HTTP/1.1\r\n" HOST "\r\n"));
    }
    gate_world_run(&w, 400, 1);
    CHECK_EQ(w.reactor.waiting, many);
    CHECK_EQ(w.stats->rows[0].shed, 1);
    for (unsigned i = 0; i <= many; i++)
        client_hang_up(&w, &crowd[i]);
    free(crowd);
    w.reactor.conn_max = CLASS_SHARE_CONNECTIONS - 1;
    gate_world_close(&w);
}

TEST(gateway, pipelined_requests_are_answered_in_their_order)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        gate_world_open(&w, test_seed() + seed, false);
        struct world_client c;
        client_dial(&w, &c);
        for (int i = 0; i < 40; i++) {
            char bytes[128];
            snprintf(bytes, sizeof(bytes), "GET %s/%d HTTP/1.1\r\n" HOST "\r\n",
                     i % 3 ? "/v1" : "/none", i);
            out_z(&c.out, bytes);
        }
        for (int i = 0; i < 40; i++) {
            char body[512], wanted[32];
            snprintf(wanted, sizeof(wanted), "/v1/%d", i);
            unsigned status = 0;
            for (int k = 0; k < 50 && !status; k++)
                status = client_ask(&w, &c, STR_NONE, body);
            CHECK_EQ(status, i % 3 ? 200 : 404);
            if (i % 3)
                CHECK_STR(str_z(body), str_z(wanted));
        }
        client_hang_up(&w, &c);
        gate_world_close(&w);
    }
}

TEST(gateway, who_sends_many_requests_at_once_is_let_go_after_some)
{
    gate_world_open(&w, 1, true);
    struct world_client c;
    unsigned replies = 0;
    client_dial(&w, &c);
    for (int i = 0; i < 200; i++)
        out_z(&c.out, "GET /none HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 400; i++) {
        gate_world_run(&w, 1, 1);
        client_step(&w, &c);
        while (client_reply_of(&c, NULL))
            replies++;
    }
    CHECK(c.ended);
    CHECK_EQ(replies, 64);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(gateway, replies_are_taken_in_rounds_that_are_full_of_clients)
{
    static struct world_client crowd[300];
    gate_world_open(&w, 1, true);
    for (size_t i = 0; i < COUNT(crowd); i++)
        client_dial(&w, &crowd[i]);
    gate_world_run(&w, 50, 1);
    CHECK_EQ(w.reactor.open, COUNT(crowd));
    struct world_client *asks = &crowd[0];
    client_say(&w, asks, STR("GET /v1/time HTTP/1.1\r\n" HOST "\r\n"));
    unsigned status = 0;
    for (int round = 0; round < 20 && !status; round++) { /* as many others ask in each of them */
        for (size_t i = 1; i < COUNT(crowd); i++) {
            client_say(&w, &crowd[i], STR("GET /none HTTP/1.1\r\n" HOST "\r\n"));
            while (client_reply_of(&crowd[i], NULL))
                ;
        }
        gate_world_run(&w, 1, 1);
        client_step(&w, asks);
        status = client_reply_of(asks, NULL);
    }
    CHECK_EQ(status, 200);
    for (size_t i = 0; i < COUNT(crowd); i++)
        client_hang_up(&w, &crowd[i]);
    gate_world_close(&w);
}

TEST(gateway, who_is_turned_away_with_results_asks_again_when_the_queue_has_gone_twice)
{
    gate_world_open(&w, 1, true);
    gate_world_hall_kill(&w);
    struct world_client crowd[2], c;
    unsigned many = class_share(P4)->requests_max;
    client_dial(&w, &crowd[0]);
    client_say(&w, &crowd[0], STR("GET /v1/attempts/1/result HTTP/1.1\r\n" HOST "\r\n"));
    gate_world_run(&w, 55, 100);
    w.reactor.waiting += many; /* and so many more behind it */
    client_dial(&w, &c);
    CHECK_EQ(client_ask(&w, &c, STR("GET /v1/attempts/2/result HTTP/1.1\r\n" HOST "\r\n"), NULL),
             503);
    CHECK_EQ(pipe_again_s(&w.reactor, P4), 10);
    CHECK_EQ(pipe_again_s(&w.reactor, P0), 1); /* whose time runs comes back at once */
    w.reactor.waiting -= many;
    client_hang_up(&w, &crowd[0]);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(gateway, a_body_may_wait_for_100_continue)
{
    gate_world_open(&w, 1, true);
    struct world_client c;
    char body[512];
    client_dial(&w, &c);
    CHECK_EQ(
        client_ask(&w, &c, STR(SAVE "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"), NULL),
        100);
    CHECK_EQ(client_ask(&w, &c, STR("{}"), body), 200);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(gateway, connection_close_is_kept_and_head_gets_no_body)
{
    gate_world_open(&w, 1, true);
    struct world_client c;
    client_dial(&w, &c);
    client_say(&w, &c, STR("HEAD /v1/time HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
    for (int i = 0; i < 10; i++) {
        gate_world_run(&w, 1, 1);
        client_step(&w, &c);
    }
    CHECK(c.ended);
    CHECK_STR(out_view(&c.in),
              STR("HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\n"));
    CHECK_HAS(str_z(w.last), STR("GET /v1/time "));
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(gateway, live_is_answered_without_a_hall)
{
    gate_world_open(&w, 1, true);
    gate_world_hall_kill(&w);
    struct world_client c;
    char body[512];
    client_dial(&w, &c);
    CHECK_EQ(client_ask(&w, &c, STR("GET /-/live HTTP/1.1\r\n" HOST "\r\n"), body), 200);
    CHECK_STR(str_z(body), STR("{\"live\":true}"));
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(gateway, want_of_descriptors_pauses_accepting_and_passes)
{
    gate_world_open(&w, 1, true);
    struct world_client first, c;
    client_dial(&w, &first);
    CHECK_EQ(client_ask(&w, &first, STR("GET /-/live HTTP/1.1\r\n" HOST "\r\n"), NULL), 200);
    w.sim.open_max = 1;
    client_dial(&w, &c);
    gate_world_run(&w, 2, 1);
    CHECK(!w.reactor.doors || w.reactor.accept_at_us > w.sim.now_us);
    w.sim.open_max = 0;
    gate_world_run(&w, 2, 100);
    CHECK_EQ(client_ask(&w, &c, STR("GET /-/live HTTP/1.1\r\n" HOST "\r\n"), NULL), 200);
    client_hang_up(&w, &c);
    client_hang_up(&w, &first);
    gate_world_close(&w);
}

/* The doors were shut for a while; now the kernel has no memory to open them again, nor for who
 * is in: neither ends the gateway. */
TEST(gateway, a_kernel_that_watches_nothing_more_is_asked_again)
{
    gate_world_open(&w, 1, true);
    struct world_client in, c;
    char body[512];
    client_dial(&w, &in);
    CHECK_EQ(client_ask(&w, &in, STR("GET /-/live HTTP/1.1\r\n" HOST "\r\n"), NULL), 200);
    w.reactor.accept_at_us = w.sim.now_us + 10000;
    gate_world_run(&w, 2, 1);
    CHECK_EQ(w.reactor.doors, 0);
    w.sim.no_watch = true;
    client_dial(&w, &c);
    client_say(&w, &in, STR("GET /v1/a HTTP/1.1\r\n" HOST "\r\n"));
    client_step(&w, &in); /* the first that needs the hall: its pipe cannot be watched either */
    gate_world_run(&w, 20, 10);
    CHECK_EQ(w.reactor.doors_refused, DOOR_PLAIN);
    w.sim.no_watch = false;
    CHECK_EQ(client_ask(&w, &in, STR_NONE, body), 200);
    CHECK_STR(str_z(body), STR("/v1/a"));
    CHECK_EQ(client_ask(&w, &c, STR("GET /-/live HTTP/1.1\r\n" HOST "\r\n"), NULL), 200);
    CHECK_EQ(w.reactor.doors_refused, 0);
    client_hang_up(&w, &c);
    client_hang_up(&w, &in);
    gate_world_close(&w);
}

TEST(gateway, a_stop_finishes_what_is_in_flight_and_takes_nothing_new)
{
    gate_world_open(&w, 1, true);
    w.silent = true;
    struct world_client idle, busy, late;
    char body[512];
    client_dial(&w, &idle);
    client_dial(&w, &busy);
    CHECK_EQ(client_ask(&w, &busy, STR("GET /v1/a HTTP/1.1\r\n" HOST "\r\n"), body), 0);
    reactor_stop(&w.reactor);
    client_dial(&w, &late);
    client_say(&w, &late, STR("GET /-/live HTTP/1.1\r\n" HOST "\r\n"));
    gate_world_run(&w, 5, 1);
    client_step(&w, &idle);
    client_step(&w, &late);
    CHECK(idle.ended && w.alive && late.in.n == 0);
    w.silent = false;
    CHECK_EQ(client_ask(&w, &busy, STR_NONE, body), 200);
    gate_world_run(&w, 1, 1);
    CHECK(!w.alive);
    client_hang_up(&w, &idle);
    client_hang_up(&w, &busy);
    client_hang_up(&w, &late);
    gate_world_close(&w);
}

TEST(gateway, a_stop_does_not_wait_for_ever)
{
    gate_world_open(&w, 1, true);
    w.silent = true;
    struct world_client busy;
    client_dial(&w, &busy);
    CHECK_EQ(client_ask(&w, &busy, STR("GET /v1/a HTTP/1.1\r\n" HOST "\r\n"), NULL), 0);
    reactor_stop(&w.reactor);
    gate_world_run(&w, 1, 7999);
    CHECK(w.alive);
    gate_world_run(&w, 1, 1);
    CHECK(!w.alive);
    client_hang_up(&w, &busy);
    gate_world_close(&w);
}

#define ASK "GET /v1/a HTTP/1.1\r\n" HOST "\r\n"

static void settle(struct world_client *c)
{
    for (int i = 0; i < 5; i++) {
        gate_world_run(&w, 1, 1);
        client_step(&w, c);
    }
}

TEST(gateway, a_leaving_gateway_answers_and_each_reply_is_the_last)
{
    gate_world_open(&w, 1, true);
    w.silent = true;
    struct world_client idle, busy, knocks, late;
    client_dial(&w, &idle);
    client_dial(&w, &busy);
    CHECK_EQ(client_ask(&w, &busy, STR(ASK), NULL), 0);
    client_dial(&w, &knocks); /* woke this gateway only, so it is this one's to serve */
    reactor_leave(&w.reactor);
    client_dial(&w, &late);
    client_say(&w, &late, STR(ASK));
    w.silent = false;
    gate_world_run(&w, 5, 1);
    client_step(&w, &late);
    CHECK(w.alive && late.in.n == 0 && !late.ended);
    struct world_client *clients[] = { &busy, &idle, &knocks };
    for (size_t i = 0; i < COUNT(clients); i++) {
        gate_world_run(&w, 100, 100); /* silence is no reason to be closed, for a while */
        client_step(&w, clients[i]);
        CHECK(clients[i] == &busy || !clients[i]->ended);
        if (clients[i] != &busy)
            client_say(&w, clients[i], STR(ASK));
        settle(clients[i]);
        CHECK_STR(out_view(&clients[i]->in),
                  STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n/v1/a"));
        CHECK(clients[i]->ended);
        client_hang_up(&w, clients[i]);
    }
    CHECK(!w.alive);
    client_hang_up(&w, &late);
    gate_world_close(&w);
}

TEST(gateway, a_leaving_gateway_lets_the_silent_go_at_the_limit)
{
    gate_world_open(&w, 1, true);
    struct world_client silent;
    client_dial(&w, &silent);
    CHECK_EQ(client_ask(&w, &silent, STR(ASK), NULL), 200);
    gate_world_run(&w, 1, 60000);
    reactor_leave(&w.reactor);
    gate_world_run(&w, 1, 29000);
    client_step(&w, &silent);
    CHECK(w.alive && !silent.ended);
    gate_world_run(&w, 2, 1000);
    client_step(&w, &silent);
    CHECK(!w.alive && silent.ended);
    client_hang_up(&w, &silent);
    gate_world_close(&w);
}

/* All ask again and again; not more go than may, and nobody goes without a reply. */
enum { PER_S = 20 }; /* so many of a crowd may go in a second */

static void crowd_come(struct world_client *clients, int n)
{
    gate_world_open(&w, test_seed(), true);
    w.reactor.limits.leave_per_s = PER_S;
    for (int i = 0; i < n; i++)
        client_dial(&w, &clients[i]);
    gate_world_run(&w, 2, 1);
}

static void crowd_end(struct world_client *clients, int n)
{
    for (int i = 0; i < n; i++)
        client_hang_up(&w, &clients[i]);
    gate_world_close(&w);
}

TEST(gateway, a_leaving_gateway_lets_its_connections_go_in_pace)
{
    enum { CLIENTS = 60 };
    static struct world_client clients[CLIENTS];
    crowd_come(clients, CLIENTS);
    reactor_leave(&w.reactor);
    int64_t start_us = w.sim.now_us;
    unsigned here = CLIENTS;
    for (int turns = 0; here && turns < 20; turns++) {
        unsigned before = here;
        here = 0;
        for (int i = 0; i < CLIENTS; i++) {
            if (!clients[i].ended)
                CHECK_EQ(client_ask(&w, &clients[i], STR(ASK), NULL), 200);
            settle(&clients[i]);
            here += !clients[i].ended;
        }
        CHECK(before - here <= 2 * PER_S);
        gate_world_run(&w, 1, 500);
    }
    CHECK_EQ(here, 0);
    CHECK(w.sim.now_us - start_us >= CLIENTS / PER_S * 1000000 - 200000);
    gate_world_run(&w, 1, 1);
    CHECK(!w.alive);
    crowd_end(clients, CLIENTS);
}

/* Every reply takes 200 ms; ten times as long as they may while nobody moves. */
TEST(gateway, a_leaving_gateway_lets_a_tenth_go_while_replies_are_slow)
{
    enum { CLIENTS = 40, TURNS = 15 };
    static struct world_client clients[CLIENTS];
    crowd_come(clients, CLIENTS);
    for (int turn = 0; turn < TURNS; turn++) {
        w.silent = true;
        for (int i = 0; i < CLIENTS; i++)
            if (!clients[i].ended)
                client_say(&w, &clients[i], STR(ASK));
        gate_world_run(&w, 2, 100);
        w.silent = false;
        for (int i = 0; i < CLIENTS; i++)
            settle(&clients[i]);
        if (turn == 0)
            reactor_leave(&w.reactor);
    }
    unsigned gone = 0;
    for (int i = 0; i < CLIENTS; i++)
        gone += clients[i].ended;
    CHECK(gone >= 4 && gone <= 16); /* at 2 a second in about 6 s */
    crowd_end(clients, CLIENTS);
}

/* A thousand clients, each with a request of its own after another; some reset, the hall dies now
 * and then. Whoever stays gets every reply, its own, once. */
struct member {
    struct world_client c;
    unsigned asked, answered;
    bool waits;
};

static void member_step(struct member *m, unsigned number)
{
    char bytes[256], body[512], wanted[64];
    snprintf(wanted, sizeof(wanted), "/v1/attempts/%u/answers/%u", number, m->asked);
    if (m->c.handle < 0) {
        m->waits = false;
        client_hang_up(&w, &m->c);
        client_dial(&w, &m->c);
    }
    if (!m->waits) {
        m->asked++;
        snprintf(bytes, sizeof(bytes),
                 "PUT /v1/attempts/%u/answers/%u HTTP/1.1\r\n" HOST
                 "Content-Length: 7\r\n\r\n{\"a\":1}",
                 number, m->asked);
        m->waits = true;
        client_say(&w, &m->c, str_z(bytes));
        return;
    }
    client_step(&w, &m->c);
    unsigned status = client_reply_of(&m->c, body);
    if (!status)
        return;
    if (status != 200 || strcmp(body, wanted) != 0)
        test_failed(__FILE__, __LINE__, "client %u wanted %s and got %u %s", number, wanted, status,
                    body);
    CHECK_EQ(m->c.in.n, 0);
    m->waits = false;
    m->answered++;
}

TEST(gateway, a_thousand_clients_each_get_their_own_replies)
{
    enum { MEMBERS = 1000 };
    gate_world_open(&w, test_seed(), false);
    w.limits.sends_max = w.reactor.limits.sends_max = 255;
    struct member *members = calloc(MEMBERS, sizeof(*members));
    struct chance chance;
    chance_sim_init(&chance, test_seed());
    for (unsigned i = 0; i < MEMBERS; i++)
        client_dial(&w, &members[i].c);
    for (int round = 0; round < 600; round++) {
        for (unsigned i = 0; i < MEMBERS; i++)
            member_step(&members[i], i);
        unsigned victim = (unsigned)chance_below(&chance, MEMBERS);
        if (members[victim].c.handle >= 0 && round % 2)
            net_sim_break(&w.sim, members[victim].c.handle);
        if (round % 97 == 96)
            gate_world_hall_kill(&w);
        if (w.gate < 0 && round % 97 == 10)
            gate_world_hall_start(&w);
        gate_world_run(&w, 1, 5);
    }
    unsigned answered = 0, least = UINT32_MAX;
    for (unsigned i = 0; i < MEMBERS; i++) {
        answered += members[i].answered;
        least = MIN(least, members[i].answered);
        client_hang_up(&w, &members[i].c);
    }
    CHECK(least >= 3 && answered >= 5000);
    CHECK(w.stats->rows[0].resent > 0);
    free(members);
    gate_world_close(&w);
}

/* -- files --------------------------------------------------------------------------------- */

#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
static const struct gateway_file files[] = {
    { "/", "text/html; charset=utf-8", BYTES("<p>plain</p>"), { NULL, 0 }, "\"e1\"" },
    { "/assets/a-1.js", "text/javascript", BYTES("let a = 1"), BYTES("GZ"), "\"e2\"" },
    { "/staff", "text/html; charset=utf-8", BYTES("staff"), { NULL, 0 }, "\"e3\"" },
};

static const struct {
    const char *request;
    unsigned status;
    const char *has, *body;
} file_cases[] = {
    { "GET / HTTP/1.1\r\n", 200, "Cache-Control: no-cache", "<p>plain</p>" },
    { "GET /?x HTTP/1.1\r\n", 200, "Content-Security-Policy: default-src 'none'", "<p>plain</p>" },
    { "GET /staff HTTP/1.1\r\n", 200, "X-Content-Type-Options: nosniff", "staff" },
    { "HEAD /staff HTTP/1.1\r\n", 200, "Content-Length: 5\r\n", "" },
    { "GET /assets/a-1.js HTTP/1.1\r\n", 200, "immutable", "let a = 1" },
    { "GET /assets/a-1.js HTTP/1.1\r\nAccept-Encoding: br, gzip\r\n", 200,
      "Content-Encoding: gzip\r\n", "GZ" },
    { "GET /assets/a-1.js HTTP/1.1\r\nAccept-Encoding: gzip;q=0\r\n", 200, "ETag: \"e2\"\r\n",
      "let a = 1" },
    { "GET /assets/a-1.js HTTP/1.1\r\nIf-None-Match: \"x\", \"e2\"\r\n", 304, "ETag: \"e2\"", "" },
    { "GET /assets/a-1.js HTTP/1.1\r\nAccept-Encoding: gzip\r\nIf-None-Match: W/\"e2-gz\"\r\n", 304,
      "ETag: \"e2-gz\"", "" },
    { "GET /assets HTTP/1.1\r\n", 404, "application/problem+json", NULL },
    { "GET /assets/a-1.jsx HTTP/1.1\r\n", 404, "application/problem+json", NULL },
    { "POST /staff HTTP/1.1\r\n", 405, "Allow: GET, HEAD", NULL },
};

TEST(gateway, the_portals_files_come_from_memory)
{
    gate_world_open(&w, 1, true);
    w.opts.files = files;
    w.opts.file_count = COUNT(files);
    for (size_t i = 0; i < COUNT(file_cases); i++) {
        struct world_client c;
        client_dial(&w, &c);
        client_say(&w, &c, str_z(file_cases[i].request));
        client_say(&w, &c, STR(HOST "\r\n"));
        gate_world_run(&w, 4, 1);
        client_step(&w, &c);
        struct http_head head;
        CHECK_EQ(http_parse_reply(&head, out_view(&c.in), 16 * KIB, NULL), HTTP_DONE);
        CHECK_EQ(head.status, file_cases[i].status);
        CHECK_HAS(out_view(&c.in), str_z(file_cases[i].has));
        if (file_cases[i].body)
            CHECK_STR(str_from(out_view(&c.in), head.head_bytes), str_z(file_cases[i].body));
        CHECK(!http_field(&head, "Strict-Transport-Security").p);
        client_hang_up(&w, &c);
    }
    CHECK_EQ(w.served, 0);
    gate_world_close(&w);
}

TEST(gateway, a_large_file_reaches_a_slow_reader_whole)
{
    static unsigned char big[300000];
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (unsigned char)(i * 7 + i / 251);
    const struct gateway_file one = { "/big", "a/b", str_of(big, sizeof(big)), STR_NONE, "\"b\"" };
    gate_world_open(&w, test_seed(), false);
    w.opts.files = &one;
    w.opts.file_count = 1;
    struct world_client c;
    client_dial(&w, &c);
    client_say(&w, &c, STR("GET /big HTTP/1.1\r\n" HOST "\r\n"));
    for (int i = 0; i < 1000; i++) {
        gate_world_run(&w, 1, 1);
        client_step(&w, &c);
    }
    struct http_head head;
    CHECK_EQ(http_parse_reply(&head, out_view(&c.in), 16 * KIB, NULL), HTTP_DONE);
    CHECK_STR(str_from(out_view(&c.in), head.head_bytes), str_of(big, sizeof(big)));
    CHECK_EQ(client_ask(&w, &c, STR_NONE, NULL), 200);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

static struct world_hall *hall_asked(void)
{
    for (size_t i = 0; i < COUNT(w.halls); i++)
        if (w.halls[i].handle >= 0 && w.halls[i].in.n)
            return &w.halls[i];
    test_failed(__FILE__, __LINE__, "no hall was asked");
}

TEST(gateway, the_largest_replies_one_behind_the_other_pass)
{
    struct world_client clients[2];
    gate_world_open(&w, 1, true);
    w.silent = true;
    for (size_t i = 0; i < COUNT(clients); i++) {
        client_dial(&w, &clients[i]);
        clients[i].in.bytes_max = 2 * MIB;
        client_say(&w, &clients[i], STR("GET /v1/papers/1 HTTP/1.1\r\n" HOST "\r\n"));
    }
    gate_world_run(&w, 3, 1);
    struct out *out = &hall_asked()->out;
    for (size_t i = 0; i < COUNT(clients); i++) {
        out_fmt(out, "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", w.limits.reply_bytes_max);
        must(out_reserve(out, w.limits.reply_bytes_max));
        memset(out->p + out->n, 'x', w.limits.reply_bytes_max);
        out->n += w.limits.reply_bytes_max;
    }
    gate_world_run(&w, 10, 1);
    for (size_t i = 0; i < COUNT(clients); i++) {
        client_step(&w, &clients[i]);
        CHECK_EQ(client_reply_of(&clients[i], NULL), 200);
        client_hang_up(&w, &clients[i]);
    }
    CHECK_EQ(w.stats->rows[0].reconnects, 0);
    gate_world_close(&w);
}

TEST(gateway, a_reader_who_stops_is_cut)
{
    static unsigned char big[300000];
    const struct gateway_file one = { "/big", "a/b", str_of(big, sizeof(big)), STR_NONE, "\"b\"" };
    gate_world_open(&w, test_seed(), false);
    w.opts.files = &one;
    w.opts.file_count = 1;
    struct world_client c;
    client_dial(&w, &c);
    client_say(&w, &c, STR("GET /big HTTP/1.1\r\n" HOST "\r\n"));
    gate_world_run(&w, 100, 1);
    CHECK_EQ(w.reactor.open, 1);
    gate_world_run(&w, 3, 10000);
    CHECK_EQ(w.reactor.open, 0);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

/* -- tables -------------------------------------------------------------------------------- */

TEST(gateway, each_request_has_its_class)
{
    static const struct {
        const char *method, *path;
        enum destination to;
        enum gateway_class class;
    } cases[] = {
        { "PUT", "/v1/attempts/7/answers/12", TO_HALL, P0 },
        { "POST", "/v1/attempts/7/submit", TO_HALL, P0 },
        { "POST", "/v1/attempts/7/heartbeat", TO_HALL, P0 },
        { "POST", "/v1/attempts/7/start", TO_HALL, P1 },
        { "GET", "/v1/attempts/7", TO_HALL, P1 },
        { "GET", "/v1/attempts/7/answers", TO_HALL, P1 },
        { "GET", "/v1/papers/abc", TO_HALL, P1 },
        { "POST", "/v1/sessions", TO_HALL, P2 },
        { "GET", "/v1/staff/overview", TO_HALL, P3 },
        { "POST", "/v1/exams/1/open", TO_HALL, P3 },
        { "GET", "/v1/attempts/7/result", TO_HALL, P4 },
        { "GET", "/v1/nothing", TO_HALL, P5 },
        { "GET", "/-/ready", TO_READY, P5 },
        { "GET", "/-/started", TO_SELF, P5 },
        { "GET", "/-/live", TO_SELF, P5 },
        { "GET", "/openapi.json", TO_HALL, P5 },
        { "GET", "/", TO_FILES, P5 },
        { "GET", "/v1", TO_FILES, P5 },
        { "GET", "/assets/x.js", TO_FILES, P5 },
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct class_rule *rule = class_find(str_z(cases[i].method), str_z(cases[i].path));
        if (rule->to != cases[i].to || rule->class != cases[i].class)
            test_failed(__FILE__, __LINE__, "%s %s is %d P%d", cases[i].method, cases[i].path,
                        rule->to, rule->class);
    }
}

TEST(gateway, latencies_are_told_within_a_thirty_second_part)
{
    struct gateway_stats *stats = calloc(1, sizeof(*stats));
    CHECK_EQ(gateway_stats_quantile_us(stats, P0, 990), 0);
    atomic_store(&stats->rows_used, 3);
    for (int us = 1; us <= 100000; us++)
        gateway_stats_latency(&stats->rows[us % 3], P0, us);
    static const unsigned per_mille[] = { 1, 500, 900, 990, 999, 1000 };
    for (size_t i = 0; i < COUNT(per_mille); i++) {
        int64_t truth = per_mille[i] * 100,
                told = gateway_stats_quantile_us(stats, P0, per_mille[i]);
        CHECK(told >= truth && told <= truth + truth / 32 + 1);
    }
    gateway_stats_latency(&stats->rows[0], P1, INT64_MAX);
    CHECK(gateway_stats_quantile_us(stats, P1, 500) > 3600000000LL);
    struct out out = out_make(64 * KIB);
    gateway_stats_write(stats, &out);
    CHECK(!out.failed);
    CHECK_HAS(out_view(&out), STR("latency_seconds_bucket{class=\"P0\",le=\"0.25\"} 100000\n"));
    CHECK_HAS(out_view(&out), STR("latency_seconds_count{class=\"P0\"} 100000\n"));
    CHECK_HAS(out_view(&out), STR("latency_seconds_bucket{class=\"P1\",le=\"10\"} 0\n"));
    CHECK_HAS(out_view(&out), STR("latency_seconds_bucket{class=\"P1\",le=\"+Inf\"} 1\n"));
    out_fini(&out);
    free(stats);
}

TEST(gateway, the_latency_of_the_last_minute_forgets_what_was_before_it)
{
    struct gateway_stats *stats = calloc(1, sizeof(*stats));
    struct gateway_window *window = calloc(1, sizeof(*window));
    instant now = 1000000;
    atomic_store(&stats->rows_used, 2);
    for (int i = 0; i < 50; i++) /* before this hall began */
        gateway_stats_latency(&stats->rows[0], P0, 900000);
    gateway_window_tick(window, stats, P0, now);
    CHECK_EQ(gateway_window_quantile_us(window, stats, P0, 990), 0);
    for (int i = 0; i < 50; i++)
        gateway_stats_latency(&stats->rows[1], P0, 20);
    CHECK_EQ(gateway_window_quantile_us(window, stats, P0, 990), 20);
    gateway_stats_latency(&stats->rows[0], P0, 50);
    CHECK_EQ(gateway_window_quantile_us(window, stats, P0, 1000), 50);
    for (int s = 1; s <= 49; s++)
        gateway_window_tick(window, stats, P0, now + 1000 * s);
    CHECK_EQ(gateway_window_quantile_us(window, stats, P0, 1000), 50);
    for (int s = 50; s <= 60; s++)
        gateway_window_tick(window, stats, P0, now + 1000 * s);
    gateway_stats_latency(&stats->rows[0], P0, 30);
    CHECK_EQ(gateway_window_quantile_us(window, stats, P0, 1000), 30);
    free(window);
    free(stats);
}
