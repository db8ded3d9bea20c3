/* agent_test.c - what an agent of the rehearsal leaves alone: a hall with which it has too much
 * under way already. The hall here takes connections and says nothing. */
#include "rehearsal/agent.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CANDIDATES = 64, AT_ONCE = 32, QUIET_MS = 300, PATIENCE_MS = 10000 };
#define SOURCE (127u << 24 | 9u << 16 | 1)

static struct board board;

struct crowd {
    struct plan plan;
    struct io_target target;
    struct credential credentials[CANDIDATES];
    struct orders orders;
    struct agent_opts opts;
    pthread_t thread;
    int listener, conns[CANDIDATES], count;
    unsigned who[CANDIDATES]; /* has made that connection */
};

static void *crowd_main(void *arg)
{
    struct crowd *crowd = arg;
    agent_run(&crowd->opts);
    return NULL;
}

/* All of them want to sign in, one each millisecond. */
static void crowd_start(struct crowd *crowd)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(address);
    char url[64];
    struct why why;
    signal(SIGPIPE, SIG_IGN); /* as gang.c does: OpenSSL writes to sockets that are gone */
    board = (struct board){ 0 };
    crowd->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_EQ(bind(crowd->listener, (struct sockaddr *)&address, n), 0);
    CHECK_EQ(listen(crowd->listener, 2 * CANDIDATES), 0);
    CHECK_EQ(getsockname(crowd->listener, (struct sockaddr *)&address, &n), 0);
    snprintf(url, sizeof(url), "https://127.0.0.1:%d", ntohs(address.sin_port));
    CHECK_OK(io_target_parse(&crowd->target, str_z(url), &why));
    crowd->plan = (struct plan){ .seed = test_seed(),
                                 .candidates = CANDIDATES,
                                 .begin_us = agent_clock_us(),
                                 .ramp_us = 64000,
                                 .save_every_us = SECOND_US,
                                 .end_us = agent_clock_us() + 600 * SECOND_US,
                                 .origin = str_z(crowd->target.origin),
                                 .host = crowd->target.host };
    for (unsigned i = 0; i < CANDIDATES; i++) {
        crowd->credentials[i] = (struct credential){ STR("R1"), STR("C1") };
        crowd->target.sources[i].s_addr = htonl(SOURCE + i); /* by which its connection is known */
    }
    crowd->target.source_count = CANDIDATES;
    crowd->opts = (struct agent_opts){ .plan = &crowd->plan,
                                       .target = &crowd->target,
                                       .credentials = crowd->credentials,
                                       .count = CANDIDATES,
                                       .board = &board,
                                       .orders = &crowd->orders };
    CHECK_EQ(pthread_create(&crowd->thread, NULL, crowd_main, crowd), 0);
}

/* Takes connections until there are so many. */
static void crowd_take(struct crowd *crowd, int count)
{
    struct pollfd comes = { .fd = crowd->listener, .events = POLLIN };
    for (; crowd->count < count && poll(&comes, 1, PATIENCE_MS) == 1; crowd->count++) {
        struct sockaddr_in from = { 0 };
        socklen_t n = sizeof(from);
        crowd->conns[crowd->count] = accept(crowd->listener, (struct sockaddr *)&from, &n);
        crowd->who[crowd->count] = ntohl(from.sin_addr.s_addr) - SOURCE;
    }
}

static bool somebody_comes(const struct crowd *crowd)
{
    return poll(&(struct pollfd){ crowd->listener, POLLIN, 0 }, 1, QUIET_MS) != 0;
}

TEST(agent, has_32_handshakes_under_way_and_begins_another_when_one_is_over)
{
    enum { LEAVE = 10 };
    static struct crowd crowd;
    crowd = (struct crowd){ 0 };
    crowd_start(&crowd);
    crowd_take(&crowd, AT_ONCE);
    int first = crowd.count;
    bool more = somebody_comes(&crowd);
    for (int i = 0; i < LEAVE; i++)
        close(crowd.conns[i]);
    crowd_take(&crowd, AT_ONCE + LEAVE);
    int then = crowd.count;
    bool still_more = somebody_comes(&crowd);
    crowd.orders.phase = PHASE_STOP;
    pthread_join(crowd.thread, NULL);
    for (int i = LEAVE; i < crowd.count; i++)
        close(crowd.conns[i]);
    close(crowd.listener);
    CHECK_EQ(first, AT_ONCE);
    CHECK(!more);
    CHECK_EQ(then, AT_ONCE + LEAVE);
    CHECK(!still_more);
}

TEST(agent, who_waits_for_a_handshake_has_it_in_the_order_in_which_they_came)
{
    static struct crowd crowd;
    crowd = (struct crowd){ 0 };
    crowd_start(&crowd);
    crowd_take(&crowd, AT_ONCE);
    for (int i = 0; i < CANDIDATES - AT_ONCE;
         i++) { /* who is closed comes again, behind them all */
        close(crowd.conns[i]);
        crowd_take(&crowd, AT_ONCE + i + 1);
    }
    crowd.orders.phase = PHASE_STOP;
    pthread_join(crowd.thread, NULL);
    for (int i = CANDIDATES - AT_ONCE; i < crowd.count; i++)
        close(crowd.conns[i]);
    close(crowd.listener);
    CHECK_EQ(crowd.count, CANDIDATES);
    for (unsigned i = 0; i < CANDIDATES; i++)
        CHECK_EQ(crowd.who[i], i);
}
