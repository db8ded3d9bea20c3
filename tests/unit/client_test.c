/* client_test.c - the blocking client against a server of a few lines at the other end of a Unix
 * socket: framing, kept connections, and every way a reply can be missing. */
#include "net/client.h"

#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A server that gives one scripted reply for each request on each connection; NULL hangs up. */
struct server {
    char path[100], url[120];
    int listener;
    const char *const *script;
    char seen[4096];
    pthread_t thread;
};

static bool read_request(struct server *server, int fd)
{
    char bytes[4096];
    size_t n = 0;
    struct http_head head;
    while (n < sizeof(bytes)) {
        ssize_t got = recv(fd, bytes + n, sizeof(bytes) - n, 0);
        if (got <= 0)
            return false;
        n += (size_t)got;
        if (http_parse_request(&head, str_of(bytes, n), 4096, NULL) == HTTP_DONE &&
            n >= head.head_bytes + head.body_bytes)
            break;
    }
    memcpy(server->seen, bytes, n);
    server->seen[n] = 0;
    return true;
}

static void *serve(void *arg)
{
    struct server *server = arg;
    while (*server->script) {
        int fd = accept(server->listener, NULL, NULL);
        while (read_request(server, fd) && *server->script) {
            const char *reply = *server->script++;
            if (strcmp(reply, "hang up") == 0)
                break;
            send(fd, reply, strlen(reply), MSG_NOSIGNAL);
        }
        close(fd);
    }
    return NULL;
}

static void server_start(struct server *server, const char *dir, const char *const *script)
{
    *server = (struct server){ .script = script };
    snprintf(server->path, sizeof(server->path), "%s/s", dir);
    snprintf(server->url, sizeof(server->url), "unix:%s", server->path);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->path);
    server->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    must(bind(server->listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    must(listen(server->listener, 8) == 0);
    must(pthread_create(&server->thread, NULL, serve, server) == 0);
}

static void server_stop(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
}

static fail get(struct client *client, struct arena *arena, struct client_reply *reply,
                struct why *why)
{
    return client_request(client, "GET", "/a", NULL, 0, STR_NONE, arena, reply, why);
}

TEST(client, a_reply_comes_back_whole_and_the_connection_is_kept)
{
    struct why why;
    struct server server;
    const char *dir = test_dir(),
               *script[] = { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello",
                             "HTTP/1.1 204 No Content\r\n\r\n", NULL };
    server_start(&server, dir, script);
    struct arena arena = arena_make(MIB);
    struct client *client;
    struct client_reply reply;
    CHECK_OK(client_open(&client, &(struct client_opts){ .url = server.url }, &why));
    struct http_field field = { STR("Idempotency-Key"), STR("k") };
    CHECK_OK(client_request(client, "POST", "/v1/x", &field, 1, STR("{}"), &arena, &reply, &why));
    CHECK_EQ(reply.status, 200);
    CHECK_STR(reply.body, STR("hello"));
    CHECK_STR(http_field(&reply.head, "x"), STR("y"));
    CHECK_STR(str_z(server.seen),
              STR("POST /v1/x HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: k\r\n"
                  "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"));
    CHECK_OK(get(client, &arena, &reply, &why));
    CHECK_EQ(reply.status, 204);
    client_close(client);
    arena_fini(&arena);
    server_stop(&server);
}

TEST(client, a_kept_connection_that_died_is_replaced_once)
{
    struct why why;
    struct server server;
    const char *ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    const char *dir = test_dir(), *script[] = { ok, "hang up", ok, NULL };
    server_start(&server, dir, script);
    struct arena arena = arena_make(MIB);
    struct client *client;
    struct client_reply reply;
    CHECK_OK(client_open(&client, &(struct client_opts){ .url = server.url }, &why));
    CHECK_OK(get(client, &arena, &reply, &why));
    CHECK_OK(get(client, &arena, &reply, &why));
    CHECK_EQ(reply.status, 200);
    client_close(client);
    arena_fini(&arena);
    server_stop(&server);
}

static const struct {
    fail expected;
    const char *reply;
} bad_replies[] = {
    { FAIL_WORLD, "hang up" },
    { FAIL_BUSY, "HTTP/1.1 200 OK\r\nContent-Le" },
    { FAIL_BUSY, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell" },
    { FAIL_INPUT, "SSH-2.0-OpenSSH\r\n" },
    { FAIL_INPUT, "HTTP/1.1 200 OK\r\n\r\nno length" },
    { FAIL_LIMIT, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" },
};

TEST(client, a_bad_reply_is_a_failure_with_a_sentence)
{
    const char *dir = test_dir();
    for (size_t i = 0; i < COUNT(bad_replies); i++) {
        struct server server;
        const char *script[] = { bad_replies[i].reply, NULL };
        server_start(&server, dir, script);
        struct arena arena = arena_make(MIB);
        struct why why = { .text = "" };
        struct client *client;
        struct client_reply reply;
        bool in_vain = bad_replies[i].expected == FAIL_BUSY; /* the others may take their time */
        struct client_opts opts = { .url = server.url,
                                    .timeout_ms = in_vain ? 20 : 0,
                                    .reply_bytes_max = MIB };
        CHECK_OK(client_open(&client, &opts, &why));
        CHECK_EQ(get(client, &arena, &reply, &why), bad_replies[i].expected);
        CHECK(why.text[0]);
        client_close(client);
        arena_fini(&arena);
        server_stop(&server);
        unlink(server.path);
    }
}

TEST(client, an_address_that_is_none_is_refused)
{
    static const char *const urls[] = {
        "",        "unix:",      "exam.example.org", "ftp://h",
        "http://", "http://h:x", "http://h:70000",   "https://h/path"
    };
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct client *client;
        struct why why = { .text = "" };
        CHECK_EQ(client_open(&client, &(struct client_opts){ .url = urls[i] }, &why), FAIL_USAGE);
        CHECK(!client && why.text[0]);
    }
}

TEST(client, nobody_listening_is_missing)
{
    struct why why;
    struct arena arena = arena_make(MIB);
    struct client *client;
    struct client_reply reply;
    CHECK_OK(client_open(&client, &(struct client_opts){ .url = "unix:/nowhere/s" }, &why));
    CHECK_EQ(get(client, &arena, &reply, &why), FAIL_MISSING);
    CHECK_HAS(str_z(why.text), STR("/nowhere/s"));
    client_close(client);
}
