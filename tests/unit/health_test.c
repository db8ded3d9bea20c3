/* health_test.c - what probes learn of a gateway, with and without a hall. */
#include "tests/unit/gateway_world.h"

#include <stdio.h>

static struct gate_world w;

static unsigned ask(struct world_client *c, const char *line, char body[512])
{
    char request[200];
    snprintf(request, sizeof(request), "%s HTTP/1.1\r\nHost: x\r\n\r\n", line);
    return client_ask(&w, c, str_z(request), body);
}

TEST(health, a_gateway_is_live_and_started_without_a_hall)
{
    gate_world_open(&w, 1, true);
    gate_world_hall_kill(&w);
    struct world_client c;
    char body[512];
    client_dial(&w, &c);
    CHECK_EQ(ask(&c, "GET /-/live", body), 200);
    CHECK_STR(str_z(body), STR("{\"live\":true}"));
    CHECK_EQ(ask(&c, "GET /-/started", body), 200);
    CHECK_EQ(ask(&c, "POST /-/started", NULL), 405);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(health, it_is_ready_once_the_hall_has_answered_and_stays_so)
{
    gate_world_open(&w, 1, true);
    gate_world_hall_kill(&w);
    struct world_client first, c;
    client_dial(&w, &first);
    client_dial(&w, &c);
    CHECK_EQ(ask(&first, "GET /-/ready", NULL), 0); /* held, as any request */
    gate_world_hall_start(&w);
    CHECK_EQ(client_ask(&w, &first, STR_NONE, NULL), 200);
    CHECK_EQ(w.served, 1);
    gate_world_hall_kill(&w);
    CHECK_EQ(ask(&c, "GET /-/ready", NULL), 200);
    CHECK_EQ(w.served, 1);
    CHECK_EQ(ask(&c, "GET /v1/time", NULL), 0); /* what it holds meanwhile is why */
    client_hang_up(&w, &first);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

TEST(health, an_answer_that_came_too_late_for_who_asked_tells_too)
{
    gate_world_open(&w, 1, true);
    w.silent = true;
    struct world_client c;
    client_dial(&w, &c);
    CHECK_EQ(ask(&c, "GET /-/ready", NULL), 0);
    client_hang_up(&w, &c);
    gate_world_run(&w, 2, 1);
    CHECK_EQ(atomic_load(&w.stats->hall_seen), 0);
    w.silent = false;
    gate_world_run(&w, 3, 1);
    CHECK_EQ(atomic_load(&w.stats->hall_seen), 1);
    gate_world_close(&w);
}

TEST(health, one_that_is_about_to_end_is_not_ready_but_serves)
{
    gate_world_open(&w, 1, true);
    struct world_client c;
    client_dial(&w, &c);
    atomic_store(&w.stats->draining, 1);
    CHECK_EQ(ask(&c, "GET /-/ready", NULL), 503);
    CHECK_EQ(ask(&c, "GET /-/live", NULL), 200);
    CHECK_EQ(ask(&c, "GET /v1/time", NULL), 200);
    client_hang_up(&w, &c);
    gate_world_close(&w);
}

/* A connection to the listener for probes. */
static void probe_dial(struct world_client *c)
{
    int clients = w.listener;
    w.listener = w.opts.probe_fd;
    client_dial(&w, c);
    w.listener = clients;
}

TEST(health, probes_have_a_door_of_their_own_which_leads_nowhere_else)
{
    static const struct {
        const char *line;
        unsigned status;
    } cases[] = {
        { "GET /-/live", 200 },   { "GET /-/started", 200 }, { "GET /metrics", 200 },
        { "POST /metrics", 404 }, { "POST /-/live", 405 },   { "GET /v1/time", 404 },
        { "GET /", 404 },         { "GET /-/other", 404 },   { "GET /-/ready", 200 },
    };
    char body[512];
    gate_world_open(&w, 1, true);
    w.opts.probe_fd = net_sim_listen(&w.sim, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world_client c;
        probe_dial(&c);
        unsigned status = ask(&c, cases[i].line, body);
        if (status != cases[i].status)
            test_failed(__FILE__, __LINE__, "%s: %u, not %u", cases[i].line, status,
                        cases[i].status);
        gate_world_run(&w, 2, 1);
        client_step(&w, &c);
        CHECK(c.ended); /* each goes after its reply, and keeps nobody from ending */
        client_hang_up(&w, &c);
    }
    CHECK_EQ(w.served, 1); /* of all of them the hall saw the question whether it is there */
    struct world_client candidate;
    client_dial(&w, &candidate);
    CHECK_EQ(ask(&candidate, "GET /metrics", NULL), 404);
    client_hang_up(&w, &candidate);
    gate_world_close(&w);
}

TEST(health, a_gateway_that_is_full_of_clients_still_answers_probes)
{
    static struct world_client crowd[40];
    gate_world_open(&w, 1, true);
    w.opts.probe_fd = net_sim_listen(&w.sim, NULL);
    w.reactor.conn_max = COUNT(crowd);
    for (size_t i = 0; i < COUNT(crowd); i++)
        client_dial(&w, &crowd[i]);
    gate_world_run(&w, 20, 1);
    CHECK(w.reactor.open < COUNT(crowd)); /* the others wait before the door */
    unsigned open = w.reactor.open;
    for (int i = 0; i < 50; i++) {
        struct world_client c;
        probe_dial(&c);
        CHECK_EQ(ask(&c, "GET /-/live", NULL), 200);
        client_hang_up(&w, &c);
        gate_world_run(&w, 2, 1);
        CHECK_EQ(w.reactor.open, open);
    }
    for (size_t i = 0; i < COUNT(crowd); i++)
        client_hang_up(&w, &crowd[i]);
    gate_world_close(&w);
}

TEST(health, the_metrics_are_those_of_the_page)
{
    static char body[16384];
    struct http_head head;
    gate_world_open(&w, 1, true);
    w.opts.probe_fd = net_sim_listen(&w.sim, NULL);
    struct world_client c;
    client_dial(&w, &c);
    CHECK_EQ(ask(&c, "GET /v1/time", NULL), 200);
    client_hang_up(&w, &c);
    probe_dial(&c);
    client_say(&w, &c, STR("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"));
    gate_world_run(&w, 3, 1);
    client_step(&w, &c);
    CHECK_EQ(http_parse_reply(&head, out_view(&c.in), 16 * KIB, NULL), HTTP_DONE);
    snprintf(body, sizeof(body), "%.*s", (int)c.in.n, c.in.p);
    CHECK_HAS(str_z(body), STR("Content-Type: text/plain; version=0.0.4\r\n"));
    CHECK_HAS(str_z(body), STR("examhall_gateway_requests_total{class=\"P1\"} 1\n"));
    client_hang_up(&w, &c);
    gate_world_close(&w);
}
