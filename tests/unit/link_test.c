/* link_test.c - who gets onto a link between coordinator and agent host, and what passes over it.
 * The two sides are two threads with a pair of sockets between them, or with a thief who listens.
 */
#include "base/out.h"
#include "rehearsal/link.h"
#include "rehearsal/message.h"
#include "rehearsal/remote_host.h"
#include "tests/test.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_US 5000000

static const char good_token[] = "0123456789abcdef0123456789abcdef\n";

struct side {
    int fd, role;
    bool accepts;
    const char *token, *version; /* version NULL: no greeting */
    struct link *link;
    fail f;
    struct why why;
    pthread_t thread;
};

static struct link_key key_of(const char *token)
{
    struct link_key key;
    struct why why;
    CHECK_OK(link_key_make(&key, str_z(token), &why));
    return key;
}

static void *side_open(void *arg)
{
    struct side *side = arg;
    struct link_key key;
    side->f = link_key_make(&key, str_z(side->token), &side->why);
    if (!side->f)
        side->f = link_over(&side->link, side->fd, side->accepts, &key, &side->why);
    if (!side->f && side->version)
        side->f = link_greet(side->link, side->role, side->version, &side->why);
    if (side->f) {
        link_close(side->link);
        side->link = NULL;
    }
    return NULL;
}

static void side_start(struct side *side)
{
    signal(SIGPIPE, SIG_IGN);
    CHECK(!pthread_create(&side->thread, NULL, side_open, side));
}

static void both_open(struct side *host, struct side *coordinator)
{
    int fds[2];
    CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    host->fd = fds[0];
    coordinator->fd = fds[1];
    host->accepts = true;
    side_start(host);
    side_start(coordinator);
    pthread_join(host->thread, NULL);
    pthread_join(coordinator->thread, NULL);
}

TEST(link, who_has_the_token_is_let_in_and_frames_arrive_whole_and_in_order)
{
    struct side host = { .token = good_token }, coordinator = { .token = good_token };
    struct frame frame;
    struct why why;
    both_open(&host, &coordinator);
    CHECK_EQ(host.f, FAIL_NONE);
    CHECK_EQ(coordinator.f, FAIL_NONE);
    CHECK_OK(link_next(host.link, &frame, 0, &why));
    CHECK_EQ(frame.kind, 0); /* nothing yet */
    size_t bytes[] = { 0, 1, 70000, FRAME_BYTES_MAX - 1, 3 };
    char *body = calloc(1, FRAME_BYTES_MAX);
    for (size_t i = 0; i < COUNT(bytes); i++) {
        body[0] = (char)i;
        link_send(coordinator.link, (uint8_t)(i + 1), str_of(body, bytes[i]));
    }
    for (size_t i = 0; i < COUNT(bytes); i++) {
        do { /* one thread now: each side moves when it is asked */
            CHECK_OK(link_next(host.link, &frame, 0, &why));
            struct frame none;
            CHECK_OK(link_next(coordinator.link, &none, 0, &why));
        } while (!frame.kind);
        CHECK_EQ(frame.kind, i + 1);
        CHECK_EQ(frame.body.n, bytes[i]);
        CHECK(!frame.body.n || frame.body.p[0] == (char)i);
    }
    free(body);
    link_close(coordinator.link);
    CHECK_EQ(link_next(host.link, &frame, WAIT_US, &why), FAIL_WORLD);
    link_close(host.link);
}

TEST(link, another_token_is_refused_on_both_sides)
{
    struct side host = { .token = good_token };
    struct side coordinator = { .token = "0123456789abcdef0123456789abcdeF" };
    both_open(&host, &coordinator);
    CHECK_EQ(host.f, FAIL_FORBIDDEN);
    CHECK_EQ(coordinator.f, FAIL_FORBIDDEN);
    CHECK_HAS(str_z(host.why.text), STR("token"));
    CHECK_HAS(str_z(coordinator.why.text), STR("token"));
}

TEST(link, a_token_that_can_be_guessed_is_no_token)
{
    struct link_key key, again;
    struct why why;
    CHECK_EQ(link_key_make(&key, STR("secret"), &why), FAIL_USAGE);
    CHECK_EQ(link_key_make(&key, STR("                                         "), &why),
             FAIL_USAGE);
    key = key_of(good_token);
    again = key_of("  0123456789abcdef0123456789abcdef\r\n");
    CHECK(memcmp(&key, &again, sizeof(key)) == 0); /* an editor's newline changes nothing */
}

/* --- a thief between them -----------------------------------------------------------------------
 */

struct thief {
    int to_host, to_coordinator;
    struct out heard; /* what the coordinator sent */
    size_t last;      /* bytes it sent in one go, last */
};

/* Passes on what is there now; false when nothing came for a while. */
static bool thief_turn(struct thief *thief)
{
    char bytes[20000];
    struct pollfd fds[] = { { thief->to_coordinator, POLLIN, 0 }, { thief->to_host, POLLIN, 0 } };
    if (poll(fds, 2, 200) <= 0)
        return false;
    if (fds[0].revents) {
        ssize_t n = recv(thief->to_coordinator, bytes, sizeof(bytes), 0);
        if (n <= 0)
            return false;
        out_bytes(&thief->heard, bytes, (size_t)n);
        thief->last = (size_t)n;
        CHECK_EQ(send(thief->to_host, bytes, (size_t)n, MSG_NOSIGNAL), n);
    }
    if (fds[1].revents) {
        ssize_t n = recv(thief->to_host, bytes, sizeof(bytes), 0);
        if (n <= 0)
            return false;
        CHECK_EQ(send(thief->to_coordinator, bytes, (size_t)n, MSG_NOSIGNAL), n);
    }
    return true;
}

static void through_thief(struct thief *thief, struct side *host, struct side *coordinator)
{
    int near[2], far[2];
    CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, near) && !socketpair(AF_UNIX, SOCK_STREAM, 0, far));
    *thief = (struct thief){ far[1], near[1], out_make(MIB), 0 };
    coordinator->fd = near[0];
    host->fd = far[0];
    host->accepts = true;
    side_start(host);
    side_start(coordinator);
    while (thief_turn(thief))
        continue;
    pthread_join(host->thread, NULL);
    pthread_join(coordinator->thread, NULL);
    CHECK_EQ(host->f, FAIL_NONE);
    CHECK_EQ(coordinator->f, FAIL_NONE);
}

TEST(link, what_was_recorded_is_of_no_use_later_nor_twice_in_one_session)
{
    struct side host = { .token = good_token }, coordinator = { .token = good_token };
    struct thief thief;
    struct frame frame;
    struct why why;
    through_thief(&thief, &host, &coordinator);
    link_send(coordinator.link, MESSAGE_PING, STR("once"));
    CHECK(thief_turn(&thief));
    CHECK_OK(link_next(host.link, &frame, WAIT_US, &why));
    CHECK_STR(frame.body, STR("once"));
    CHECK(str_find_str(out_view(&thief.heard), STR("once")) < 0); /* it is not readable either */
    const char *last = thief.heard.p + thief.heard.n - thief.last;
    CHECK_EQ(send(thief.to_host, last, thief.last, MSG_NOSIGNAL), (ssize_t)thief.last);
    CHECK_EQ(link_next(host.link, &frame, WAIT_US, &why), FAIL_WORLD);
    CHECK_EQ(frame.kind, 0);

    struct side later = { .token = good_token, .accepts = true };
    int fds[2];
    CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    later.fd = fds[0];
    CHECK_EQ(send(fds[1], thief.heard.p, thief.heard.n, MSG_NOSIGNAL), (ssize_t)thief.heard.n);
    side_start(&later);
    pthread_join(later.thread, NULL);
    CHECK_EQ(later.f, FAIL_FORBIDDEN);
    link_close(host.link);
    link_close(coordinator.link);
    out_fini(&thief.heard);
    close(thief.to_host);
    close(thief.to_coordinator);
    close(fds[1]);
}

/* --- greeting -----------------------------------------------------------------------------------
 */

static void greet(struct side *host, struct side *coordinator, int role, const char *version)
{
    *host = (struct side){ .token = good_token, .role = ROLE_AGENTS, .version = "v1-aa" };
    *coordinator = (struct side){ .token = good_token, .role = role, .version = version };
    both_open(host, coordinator);
    link_close(host->link);
    link_close(coordinator->link);
}

TEST(link, another_version_is_refused_with_both_names_and_an_equal_one_is_not)
{
    struct side host, coordinator;
    greet(&host, &coordinator, ROLE_COORDINATOR, "v1-aa");
    CHECK_EQ(host.f, FAIL_NONE);
    CHECK_EQ(coordinator.f, FAIL_NONE);
    greet(&host, &coordinator, ROLE_COORDINATOR, "v2-bb");
    CHECK_EQ(host.f, FAIL_CONFLICT);
    CHECK_EQ(coordinator.f, FAIL_CONFLICT);
    CHECK_HAS(str_z(host.why.text), STR("runs examhall v2-bb "));
    CHECK_HAS(str_z(coordinator.why.text), STR("runs examhall v1-aa "));
    greet(&host, &coordinator, ROLE_AGENTS, "v1-aa");
    CHECK_EQ(coordinator.f, FAIL_CONFLICT);
    CHECK_HAS(str_z(coordinator.why.text), STR("agent host too"));
}

/* --- frames -------------------------------------------------------------------------------------
 */

TEST(link, a_frame_is_taken_when_it_is_whole_and_a_length_no_frame_has_is_refused)
{
    char bytes[FRAME_HEAD_BYTES + 4 + FRAME_HEAD_BYTES] = { 0 };
    struct frame frame;
    size_t used = 0;
    frame_head(bytes, 9, 4);
    memcpy(bytes + FRAME_HEAD_BYTES, "body", 4);
    for (size_t n = 0; n < FRAME_HEAD_BYTES + 4; n++)
        CHECK_EQ(frame_take(str_of(bytes, n), &frame, &used), FRAME_MORE);
    CHECK_EQ(frame_take(str_of(bytes, sizeof(bytes)), &frame, &used), FRAME_DONE);
    CHECK_EQ(frame.kind, 9);
    CHECK_STR(frame.body, STR("body"));
    CHECK_EQ(used, FRAME_HEAD_BYTES + 4);
    CHECK_EQ(frame_take(STR("\0\0\0\0"), &frame, &used), FRAME_BAD);
    CHECK_EQ(frame_take(STR("\1\0\x10\0"), &frame, &used), FRAME_BAD); /* 1 MiB and one */
    CHECK_EQ(frame_take(STR("\0\0\x10\0"), &frame, &used), FRAME_MORE);
    CHECK_EQ(frame_take(STR("GET / HTTP/1.1\r\n"), &frame, &used), FRAME_BAD);
}
