/* server_test.c - the hall behind its sockets: pipelining, order, jobs, half requests, stopping.
 *
 * Unix sockets in the test's own folder and a server thread; no ports, no sleeping. */
#include "app/server.h"
#include "svc/answers/answers_api.h"
#include "tests/unit/world.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct running {
    struct hall *hall;
    struct clock_sim clock;
    struct chance chance;
    struct keys keys;
    char dir[80];
    struct server_opts opts;
    int stop_pipe[2];
    pthread_t thread;
    struct why why;
    fail f;
};

static void address_of(const char *dir, const char *name, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    snprintf(address->sun_path, sizeof(address->sun_path), "%s/%s", dir, name);
}

static int listen_on(const char *dir, const char *name, struct sockaddr_un *address)
{
    address_of(dir, name, address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)address, sizeof(*address)) == 0 &&
          listen(fd, 16) == 0);
    return fd;
}

static void *serve(void *arg)
{
    struct running *running = arg;
    running->f = server_run(running->hall, &running->opts, &running->why);
    return NULL;
}

/* `clock` NULL: the real one. `beat_us` 0: the usual one. */
static void start_by(struct running *r, struct clock *clock, uint32_t beat_us)
{
    struct sockaddr_un address;
    uint8_t master[32] = "the master key of every server..";
    *r = (struct running){ 0 };
    snprintf(r->dir, sizeof(r->dir), "%s", test_dir());
    clock_sim_init(&r->clock, WORLD_START);
    chance_sim_init(&r->chance, test_seed());
    keys_from_master(&r->keys, master);
    struct hall_opts opts = { .dir = r->dir,
                              .files = files_real(),
                              .clock = clock,
                              .chance = &r->chance,
                              .keys = &r->keys,
                              .segment_bytes = 4 * MIB,
                              .threads = true };
    if (hall_open(&r->hall, &opts, &r->why))
        test_failed(__FILE__, __LINE__, "no hall: %s", r->why.text);
    CHECK_EQ(pipe(r->stop_pipe), 0);
    r->opts =
        (struct server_opts){ listen_on(r->dir, "gate", &address),
                              listen_on(r->dir, "admin", &address),
                              listen_on(r->dir, "probes", &address), r->stop_pipe[0], beat_us };
    CHECK_EQ(pthread_create(&r->thread, NULL, serve, r), 0);
}

static void start(struct running *r)
{
    start_by(r, &r->clock.clock, 0);
}

static void stop(struct running *r)
{
    CHECK_EQ(write(r->stop_pipe[1], "x", 1), 1);
    CHECK_EQ(pthread_join(r->thread, NULL), 0);
    CHECK_EQ(r->f, FAIL_NONE);
    close(r->opts.gate_fd);
    close(r->opts.admin_fd);
    close(r->opts.probe_fd);
    close(r->stop_pipe[0]);
    close(r->stop_pipe[1]);
    hall_close(r->hall);
}

static int dial(struct running *r, const char *name)
{
    struct sockaddr_un address;
    address_of(r->dir, name, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

static void say(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t done = send(fd, bytes, n, MSG_NOSIGNAL);
        CHECK(done > 0);
        bytes += done;
        n -= (size_t)done;
    }
}

/* The next reply whole: its status; the body in `body`. 0 when the other side hung up. */
struct reader {
    int fd;
    char bytes[65536];
    size_t n;
};

static unsigned next(struct reader *reader, char body[2000])
{
    for (;;) {
        struct http_head head;
        struct why why;
        str all = str_of(reader->bytes, reader->n);
        int done = reader->n ? http_parse_reply(&head, all, 16 * KIB, &why) : HTTP_MORE;
        size_t whole = done == HTTP_DONE ? head.head_bytes + head.body_bytes : SIZE_MAX;
        if (done == HTTP_DONE && reader->n >= whole) {
            snprintf(body, 2000, "%.*s", (int)head.body_bytes, reader->bytes + head.head_bytes);
            unsigned status = head.status;
            memmove(reader->bytes, reader->bytes + whole, reader->n - whole);
            reader->n -= whole;
            return status;
        }
        struct pollfd wait = { reader->fd, POLLIN, 0 };
        CHECK_EQ(poll(&wait, 1, 10000), 1); /* a reply that never comes fails the test */
        ssize_t got =
            recv(reader->fd, reader->bytes + reader->n, sizeof(reader->bytes) - reader->n, 0);
        if (got <= 0)
            return 0;
        reader->n += (size_t)got;
    }
}

static const char time_request[] = "GET /v1/time HTTP/1.1\r\nHost: x\r\n\r\n";

static void put_exam(struct out *out, const char *name)
{
    out_fmt(out,
            "PUT /v1/exams/%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\n\r\n{}",
            name);
}

static void all_answer(struct reader *reader, struct out *out, unsigned n)
{
    char body[2000];
    say(reader->fd, out->p, out->n);
    out_clear(out);
    for (unsigned i = 0; i < n; i++)
        if (next(reader, body) >= 300)
            test_failed(__FILE__, __LINE__, "reply %u: %s", i, body);
}

TEST(server, pipelined_requests_are_answered_in_order_when_durable)
{
    struct running r;
    static struct reader reader;
    struct out out = out_make(MIB);
    char body[2000], expected[40];
    start(&r);
    reader = (struct reader){ .fd = dial(&r, "admin") };
    for (unsigned i = 0; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof(name), "e%u", i);
        put_exam(&out, name);
        out_z(&out, time_request);
    }
    say(reader.fd, out.p, out.n);
    for (unsigned i = 0; i < 200; i++) {
        CHECK_EQ(next(&reader, body), 200);
        snprintf(expected, sizeof(expected), "\"exam\":\"e%u\"", i);
        CHECK_HAS(str_z(body), str_z(expected));
        CHECK(log_durable(hall_host(r.hall)->log) > i); /* its event is on the disk */
        CHECK_EQ(next(&reader, body), 200);
        CHECK_HAS(str_z(body), STR("\"now\""));
    }
    close(reader.fd);
    out_fini(&out);
    stop(&r);
}

TEST(server, who_asks_alone_waits_for_the_log_and_for_nobody_else)
{
    struct running r;
    static struct reader reader;
    struct out out = out_make(MIB);
    start_by(&r, NULL, 3600u * 1000 * 1000); /* a beat of an hour: the test would not end */
    reader = (struct reader){ .fd = dial(&r, "admin") };
    for (unsigned i = 0; i < 20; i++) {
        put_exam(&out, "a");
        all_answer(&reader, &out, 1);
    }
    close(reader.fd);
    out_fini(&out);
    stop(&r);
}

static uint64_t batches(struct running *r)
{
    struct log_stats stats;
    log_stats(hall_host(r->hall)->log, &stats);
    return stats.batches;
}

TEST(server, those_who_ask_within_a_beat_share_a_commit)
{
    enum { ASKS = 50 };
    struct running r;
    static struct reader readers[ASKS];
    struct out out = out_make(MIB);
    start_by(&r, NULL, 200000);
    for (unsigned i = 0; i < ASKS; i++)
        readers[i] = (struct reader){ .fd = dial(&r, "admin") };
    uint64_t before = batches(&r);
    for (unsigned i = 0; i < ASKS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "e%u", i);
        out_clear(&out);
        put_exam(&out, name);
        out_z(&out, time_request); /* two at once: that is when a loop gathers */
        say(readers[i].fd, out.p, out.n);
        poll(NULL, 0, 4); /* longer than a commit: without a rest each would have its own */
    }
    out_clear(&out);
    for (unsigned i = 0; i < ASKS; i++) {
        all_answer(&readers[i], &out, 2);
        close(readers[i].fd);
    }
    CHECK(batches(&r) - before < ASKS / 2);
    out_fini(&out);
    stop(&r);
}

TEST(server, a_request_may_come_a_byte_at_a_time)
{
    struct running r;
    static struct reader reader;
    char body[2000];
    start(&r);
    reader = (struct reader){ .fd = dial(&r, "gate") };
    for (size_t i = 0; i < sizeof(time_request) - 1; i++)
        say(reader.fd, time_request + i, 1);
    CHECK_EQ(next(&reader, body), 200);
    close(reader.fd);
    stop(&r);
}

TEST(server, the_gate_is_not_the_operator)
{
    struct running r;
    static struct reader reader;
    char body[2000];
    struct out out = out_make(MIB);
    start(&r);
    put_exam(&out, "a");
    reader = (struct reader){ .fd = dial(&r, "gate") };
    say(reader.fd, out.p, out.n);
    CHECK_EQ(next(&reader, body), 403);
    close(reader.fd);
    out_fini(&out);
    stop(&r);
}

static unsigned ask(struct reader *reader, const char *line, char body[2000])
{
    char request[200];
    snprintf(request, sizeof(request), "%s HTTP/1.1\r\nHost: x\r\n\r\n", line);
    say(reader->fd, request, strlen(request));
    return next(reader, body);
}

TEST(server, probes_get_health_and_metrics_and_nothing_else)
{
    static const struct {
        const char *line;
        unsigned status;
    } cases[] = {
        { "GET /-/live", 200 },    { "GET /-/started", 200 }, { "GET /-/ready", 200 },
        { "GET /metrics", 200 },   { "GET /v1/time", 404 },   { "GET /v1/status", 404 },
        { "GET /v1/roster", 404 }, { "GET /", 404 },          { "POST /-/ready", 405 },
        { "GET //metrics", 404 },
    };
    struct running r;
    static struct reader reader;
    char body[2000];
    start(&r);
    reader = (struct reader){ .fd = dial(&r, "probes") };
    for (size_t i = 0; i < COUNT(cases); i++) {
        unsigned status = ask(&reader, cases[i].line, body);
        if (status != cases[i].status)
            test_failed(__FILE__, __LINE__, "%s: %u, not %u", cases[i].line, status,
                        cases[i].status);
    }
    static const char with_body[] =
        "GET /-/ready HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    say(reader.fd, with_body, sizeof(with_body) - 1);
    CHECK_EQ(next(&reader, body), 0); /* a body is not even read */
    close(reader.fd);
    stop(&r);
}

TEST(server, idle_probes_keep_nobody_out)
{
    struct running r;
    static struct reader idle[100], reader;
    char body[2000];
    start(&r);
    for (size_t i = 0; i < COUNT(idle); i++) {
        idle[i] = (struct reader){ .fd = dial(&r, "probes") };
        reader = (struct reader){ .fd = dial(&r, "probes") };
        CHECK_EQ(ask(&reader, "GET /-/live", body), 200);
        close(reader.fd);
    }
    CHECK_EQ(next(&idle[0], body), 0); /* the oldest gave way */
    CHECK_EQ(ask(&idle[COUNT(idle) - 1], "GET /-/live", body), 200);
    for (size_t i = 0; i < COUNT(idle); i++)
        close(idle[i].fd);
    stop(&r);
}

TEST(server, what_is_no_http_ends_its_connection_and_no_other)
{
    struct running r;
    static struct reader good, bad;
    char body[2000];
    start(&r);
    good = (struct reader){ .fd = dial(&r, "gate") };
    bad = (struct reader){ .fd = dial(&r, "gate") };
    say(bad.fd, "\0\0\0\0\r\n\r\n", 8);
    CHECK_EQ(next(&bad, body), 0);
    say(good.fd, time_request, sizeof(time_request) - 1);
    CHECK_EQ(next(&good, body), 200);
    close(bad.fd);
    close(good.fd);
    stop(&r);
}

TEST(server, a_long_job_holds_its_own_connection_and_no_other)
{
    struct running r;
    static struct reader staff, other;
    struct out out = out_make(MIB);
    char body[2000];
    start(&r);
    staff = (struct reader){ .fd = dial(&r, "admin") };
    other = (struct reader){ .fd = dial(&r, "admin") };
    put_exam(&out, "a");
    static const char items[] = "{\"items\":[{\"kind\":\"number\",\"text\":\"?\",\"key\":\"1\"}]}";
    out_fmt(&out,
            "POST /v1/exams/a/items HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            "Content-Length: %zu\r\n\r\n%s",
            sizeof(items) - 1, items);
    const char *acts[] = { "open", "close", "score", "score" };
    for (size_t i = 0; i < COUNT(acts); i++)
        out_fmt(&out, "POST /v1/exams/a/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
                acts[i]);
    out_z(&out, time_request);
    say(staff.fd, out.p, out.n);
    say(other.fd, time_request, sizeof(time_request) - 1);
    CHECK_EQ(next(&other, body), 200);
    for (int i = 0; i < 6; i++)
        CHECK_EQ(next(&staff, body), 200);
    CHECK_HAS(str_z(body), STR("\"scored\":0"));
    CHECK_EQ(next(&staff, body), 200); /* and what came behind the jobs, in its place */
    CHECK_HAS(str_z(body), STR("\"now\""));
    close(staff.fd);
    close(other.fd);
    out_fini(&out);
    stop(&r);
}

/* More than may ever wait for a peer that does not read. */
/* So many that a list of them has more than 20 KB. */
static void put_many_exams(struct reader *reader)
{
    struct out out = out_make(MIB);
    char name[16];
    for (unsigned i = 0; i < 250; i++) {
        snprintf(name, sizeof(name), "exam-%u", i);
        put_exam(&out, name);
    }
    all_answer(reader, &out, 250);
    out_fini(&out);
}

TEST(server, a_peer_that_reads_but_never_all_may_go_on_for_ever)
{
    static const char list[] = "GET /v1/exams HTTP/1.1\r\nHost: x\r\n\r\n";
    struct running r;
    static struct reader reader;
    char body[2000];
    start(&r);
    reader = (struct reader){ .fd = dial(&r, "admin") };
    put_many_exams(&reader);
    for (unsigned i = 0; i < 100; i++) /* what the sockets do not take waits in the hall */
        say(reader.fd, list, sizeof(list) - 1);
    for (unsigned i = 0; i < 256 * MIB / (20 * KIB); i++) {
        say(reader.fd, list, sizeof(list) - 1);
        CHECK_EQ(next(&reader, body), 200);
    }
    close(reader.fd);
    stop(&r);
}

TEST(server, a_peer_that_asks_for_more_than_it_reads_has_all_of_it_when_it_reads)
{
    static const char list[] = "GET /v1/exams HTTP/1.1\r\nHost: x\r\n\r\n";
    struct running r;
    static struct reader reader;
    char body[2000];
    unsigned asks = 300 * MIB / (20 * KIB), replies = 0;
    start(&r);
    reader = (struct reader){ .fd = dial(&r, "admin") };
    put_many_exams(&reader);
    for (unsigned i = 0; i < asks; i++) { /* it reads when it can ask no more, and then one */
        while (send(reader.fd, list, sizeof(list) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            CHECK_EQ(errno, EAGAIN);
            CHECK_EQ(next(&reader, body), 200);
            replies++;
        }
    }
    CHECK(replies > 0); /* the hall did not keep all of them */
    for (; replies < asks; replies++)
        CHECK_EQ(next(&reader, body), 200);
    close(reader.fd);
    stop(&r);
}

TEST(server, a_probe_that_asks_many_things_at_once_has_all_its_answers)
{
    static const char live[] = "GET /-/live HTTP/1.1\r\nHost: x\r\n\r\n";
    struct running r;
    static struct reader reader;
    char body[2000];
    start(&r);
    reader = (struct reader){ .fd = dial(&r, "probes") };
    for (unsigned i = 0; i < 200; i++)
        say(reader.fd, live, sizeof(live) - 1);
    for (unsigned i = 0; i < 200; i++)
        CHECK_EQ(next(&reader, body), 200);
    close(reader.fd);
    stop(&r);
}

TEST(server, who_hangs_up_in_the_middle_of_anything_harms_nobody)
{
    struct running r;
    static struct reader reader;
    struct out out = out_make(MIB);
    char body[2000];
    start(&r);
    for (int i = 0; i < 50; i++)
        put_exam(&out, "a");
    for (size_t cut = 1; cut < out.n; cut += 97) {
        int fd = dial(&r, "admin");
        say(fd, out.p, cut);
        close(fd);
    }
    reader = (struct reader){ .fd = dial(&r, "admin") };
    say(reader.fd, time_request, sizeof(time_request) - 1);
    CHECK_EQ(next(&reader, body), 200);
    close(reader.fd);
    out_fini(&out);
    stop(&r);
}

/* A checkpoint is written by a forked child, which has a copy of every socket. */
TEST(server, a_connection_that_ends_while_a_child_holds_it_is_forgotten)
{
    struct running r;
    static struct reader stays, ends;
    char body[2000];
    start(&r);
    stays = (struct reader){ .fd = dial(&r, "gate") };
    ends = (struct reader){ .fd = dial(&r, "gate") };
    CHECK_EQ(ask(&stays, "GET /v1/time", body), 200);
    CHECK_EQ(ask(&ends, "GET /v1/time", body), 200);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when a check fails */
        for (;;)
            pause();
    }
    CHECK(child > 0);
    CHECK_EQ(shutdown(ends.fd, SHUT_RDWR), 0);
    for (int i = 0; i < 200; i++)
        CHECK_EQ(ask(&stays, "GET /v1/time", body), 200);
    CHECK_EQ(kill(child, SIGKILL), 0);
    CHECK_EQ(waitpid(child, NULL, 0), child);
    close(ends.fd);
    close(stays.fd);
    stop(&r);
}

/* --- descriptors -------------------------------------------------------------------------------
 */

static int64_t cpu_us(pthread_t thread)
{
    clockid_t clock;
    struct timespec used;
    CHECK_EQ(pthread_getcpuclockid(thread, &clock), 0);
    CHECK_EQ(clock_gettime(clock, &used), 0);
    return used.tv_sec * INT64_C(1000000) + used.tv_nsec / 1000;
}

/* With a limit below what is open already whoever knocks finds no descriptor. A loop that asked
 * again and again would use up the time in which we wait for the reply. */
TEST(server, want_of_descriptors_pauses_accepting_and_passes)
{
    enum { WAIT_MS = 300 };
    struct running r;
    static struct reader in, late;
    struct sockaddr_un address;
    char body[2000];
    start_by(&r, NULL, 0);
    in = (struct reader){ .fd = dial(&r, "gate") };
    CHECK_EQ(ask(&in, "GET /v1/time", body), 200);
    late = (struct reader){ .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    address_of(r.dir, "gate", &address);
    test_listen();
    uint64_t before = test_limit_files(3);
    CHECK_EQ(connect(late.fd, (struct sockaddr *)&address, sizeof(address)), 0);
    say(late.fd, time_request, sizeof(time_request) - 1);
    int64_t used_us = -cpu_us(r.thread);
    int replies = poll(&(struct pollfd){ late.fd, POLLIN, 0 }, 1, WAIT_MS);
    used_us += cpu_us(r.thread);
    unsigned status = ask(&in, "GET /v1/time", body);
    test_limit_files(before);
    CHECK_EQ(replies, 0);
    CHECK_EQ(status, 200); /* who is in is served meanwhile */
    CHECK(used_us < WAIT_MS * 1000 / 2);
    CHECK_EQ(next(&late, body), 200);
    str said = test_heard();
    CHECK_HAS(said, STR("\"event\":\"hall.no_descriptors\""));
    CHECK_HAS(said, STR("ulimit -n"));
    CHECK_EQ(str_find(said, '\n'), said.n - 1); /* once */
    close(in.fd);
    close(late.fd);
    stop(&r);
}

/* --- signatures --------------------------------------------------------------------------------
 */

#define MANY 60

static void post(struct out *out, const char *target, const char *cookie, const char *body)
{
    out_fmt(out,
            "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            "Content-Length: %zu\r\n",
            target, strlen(body));
    if (cookie)
        out_fmt(out, "Cookie: __Host-examhall=%s\r\n", cookie);
    out_fmt(out, "\r\n%s", body);
}

/* An open exam, and MANY candidates with the rolls S0, S1 ... who have started. */
static void everybody_starts(struct running *r, struct out *out)
{
    static struct reader admin, gate;
    char code[CODE_CHARS + 1], cookie[TOKEN_CHARS + 1], text[200];
    admin = (struct reader){ .fd = dial(r, "admin") };
    gate = (struct reader){ .fd = dial(r, "gate") };
    put_exam(out, "a");
    post(out, "/v1/exams/a/items", NULL,
         "{\"items\":[{\"kind\":\"number\",\"text\":\"?\",\"key\":\"1\"}]}");
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(text, sizeof(text),
                 "{\"rows\":[{\"roll\":\"S%u\",\"name\":\"N\",\"birth\":\"2009-01-02\","
                 "\"centre\":\"C\"}]}",
                 i);
        post(out, "/v1/roster", NULL, text);
    }
    post(out, "/v1/exams/a/open", NULL, "{}");
    all_answer(&admin, out, 3 + MANY);
    for (unsigned i = 0; i < MANY; i++) {
        struct token token = { TOKEN_CANDIDATE, 0, i, 1, WORLD_START + 3600000 };
        snprintf(text, sizeof(text), "S%u", i);
        code_make(code, r->keys.code, str_z(text), 0);
        snprintf(text, sizeof(text), "{\"roll\":\"S%u\",\"code\":\"%s\"}", i, code);
        post(out, "/v1/sessions", NULL, text);
        token_write(&token, r->keys.token, cookie);
        snprintf(text, sizeof(text), "/v1/attempts/%u/start", i + 1);
        post(out, text, cookie, "{}");
    }
    all_answer(&gate, out, 2 * MANY);
    close(admin.fd);
    close(gate.fd);
}

static void ask_to_submit(struct running *r, struct out *out, unsigned candidate)
{
    char cookie[TOKEN_CHARS + 1], target[60];
    struct token token = { TOKEN_CANDIDATE, 0, candidate, 1, WORLD_START + 3600000 };
    token_write(&token, r->keys.token, cookie);
    snprintf(target, sizeof(target), "/v1/attempts/%u/submit", candidate + 1);
    post(out, target, cookie, "{}");
}

static void check_receipt(struct running *r, const char *body, unsigned candidate)
{
    struct arena arena = arena_make(MIB);
    struct receipt receipt;
    struct why why;
    CHECK_OK(receipt_parse(&receipt, str_z(body), &arena, &why));
    CHECK_OK(receipt_verify(&receipt, r->keys.sign_public, &why));
    CHECK_EQ(receipt.attempt, candidate + 1);
    arena_fini(&arena);
}

TEST(server, every_receipt_of_many_at_once_is_signed_and_in_its_place)
{
    struct running r;
    static struct reader reader;
    struct out out = out_make(4 * MIB);
    char body[2000];
    start(&r);
    everybody_starts(&r, &out);
    reader = (struct reader){ .fd = dial(&r, "gate") };
    for (unsigned i = 0; i < 20 * MANY; i++) { /* more than the signer takes at once */
        ask_to_submit(&r, &out, i % MANY);
        out_z(&out, time_request);
    }
    say(reader.fd, out.p, out.n);
    for (unsigned i = 0; i < 20 * MANY; i++) {
        CHECK_EQ(next(&reader, body), 200);
        check_receipt(&r, body, i % MANY);
        CHECK_EQ(next(&reader, body), 200);
        CHECK_HAS(str_z(body), STR("{\"now\""));
    }
    close(reader.fd);
    out_fini(&out);
    stop(&r);
}

TEST(server, who_hangs_up_before_the_signature_harms_nobody)
{
    struct running r;
    static struct reader reader;
    struct out out = out_make(MIB);
    char body[2000];
    start(&r);
    everybody_starts(&r, &out);
    for (unsigned i = 0; i < MANY; i++)
        ask_to_submit(&r, &out, i);
    for (int i = 0; i < 20; i++) {
        int fd = dial(&r, "gate");
        say(fd, out.p, out.n);
        close(fd);
    }
    out_clear(&out);
    ask_to_submit(&r, &out, 7);
    reader = (struct reader){ .fd = dial(&r, "gate") };
    say(reader.fd, out.p, out.n);
    CHECK_EQ(next(&reader, body), 200);
    check_receipt(&r, body, 7);
    close(reader.fd);
    out_fini(&out);
    stop(&r);
}
