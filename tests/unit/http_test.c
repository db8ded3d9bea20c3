/* http_test.c - the strict parser: what it takes, every reason to refuse, however bytes arrive. */
#include "codec/http.h"

#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD_MAX 1024
#define LINE     "GET /a HTTP/1.1\r\n"
#define HOST     "Host: h\r\n"
#define END      "\r\n"

typedef int (*parse_fn)(struct http_head *, str, size_t, struct why *);

/* Each length is parsed from a block of exactly its size, so that ASan sees one byte too far. */
static int parse_cut(parse_fn parse, struct http_head *head, str bytes, size_t n, struct why *why)
{
    static char *block;
    free(block);
    block = malloc(n ? n : 1);
    memcpy(block, bytes.p, n);
    return parse(head, (str){ block, n }, HEAD_MAX, why);
}

/* One byte at a time: MORE up to a point, and from there on always the same answer. */
static int parse_bytewise(parse_fn parse, struct http_head *head, str bytes)
{
    int answer = HTTP_MORE;
    for (size_t n = 0; n <= bytes.n; n++) {
        struct why why = { .text = "" };
        int now = parse_cut(parse, head, bytes, n, &why);
        if (answer != HTTP_MORE)
            CHECK_EQ(now, answer);
        CHECK_EQ(now > HTTP_DONE, why.text[0] != 0);
        answer = now;
    }
    return answer;
}

static const struct {
    int status;
    const char *bytes;
} requests[] = {
    { 200, LINE HOST END },
    { 200, "OPTIONS /v1/x?a=%20b&c HTTP/1.1\r\nhOsT: example.org:8443\r\n" END },
    { 200, "GET / HTTP/1.0\r\nHost: [::1]:80\r\n" END },
    { 200, LINE HOST "Content-Length:0" END END },
    { 200, LINE HOST "Content-Length: \t 17 \t" END END },
    { 200, LINE HOST "Empty:" END END },
    { 200, LINE HOST "X: \xc3\xa9" END END },
    { 200, "GET /a/.../..b/.c HTTP/1.1\r\n" HOST END },
    { 0, "" },
    { 0, "GET" },
    { 0, LINE HOST },
    { 0, LINE HOST "\r" },

    { 400, "\r\n" LINE HOST END },
    { 400, " " LINE HOST END },
    { 400, "GET  /a HTTP/1.1\r\n" HOST END },
    { 400, "GET /a  HTTP/1.1\r\n" HOST END },
    { 400, "GET\t/a HTTP/1.1\r\n" HOST END },
    { 400, "G@T /a HTTP/1.1\r\n" HOST END },
    { 400, "GET /a\r\n" HOST END },
    { 400, "GET /a HTTP/1.1 \r\n" HOST END },
    { 400, "GET /a HTTP/1.1\n" HOST END },
    { 400, "GET /a HTTP/1.1\r" HOST END },
    { 400, "GET /a http/1.1\r\n" HOST END },
    { 400, "GET /a HTTP/11\r\n" HOST END },
    { 400, "GET /a HTTP/1.x\r\n" HOST END },
    { 505, "GET /a HTTP/2.0\r\n" HOST END },
    { 505, "GET /a HTTP/1.2\r\n" HOST END },
    { 400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },

    { 400, "GET http://h/a HTTP/1.1\r\n" HOST END },
    { 400, "GET a HTTP/1.1\r\n" HOST END },
    { 400, "OPTIONS * HTTP/1.1\r\n" HOST END },
    { 400, "GET /a#b HTTP/1.1\r\n" HOST END },
    { 400, "GET /\xc3\xa9 HTTP/1.1\r\n" HOST END },
    { 400, "GET /a\\b HTTP/1.1\r\n" HOST END },
    { 400, "GET /\"a\" HTTP/1.1\r\n" HOST END },
    { 400, "GET /a\x01 HTTP/1.1\r\n" HOST END },
    { 400, "GET /a%00 HTTP/1.1\r\n" HOST END },
    { 400, "GET /a?b=%0d%0a HTTP/1.1\r\n" HOST END },
    { 400, "GET /a%7F HTTP/1.1\r\n" HOST END },
    { 400, "GET /a%2 HTTP/1.1\r\n" HOST END },
    { 400, "GET /a%gg HTTP/1.1\r\n" HOST END },
    { 400, "GET /a% HTTP/1.1\r\n" HOST END },
    { 400, "GET /.. HTTP/1.1\r\n" HOST END },
    { 400, "GET /a/../b HTTP/1.1\r\n" HOST END },
    { 400, "GET /a/./b HTTP/1.1\r\n" HOST END },
    { 400, "GET /a/%2e%2E/b HTTP/1.1\r\n" HOST END },
    { 400, "GET /a/.%2e?x HTTP/1.1\r\n" HOST END },

    { 400, LINE HOST " folded: x" END END },
    { 400, LINE HOST "X: a\r\n b" END END },
    { 400, LINE HOST "X : a" END END },
    { 400, LINE HOST ": a" END END },
    { 400, LINE HOST "X" END END },
    { 400, LINE HOST "X\xc3\xa9: a" END END },
    { 400, LINE HOST "X: a\nY: b" END END },
    { 400, LINE HOST "X: a\rY: b" END END },
    { 400, LINE HOST "X: a\x7f" END END },
    { 400, LINE HOST "X: \x1b[0m" END END },
    { 400, LINE HOST "\n" },
    { 400, LINE HOST "\rX" },

    { 501, LINE HOST "Transfer-Encoding: chunked" END END },
    { 501, LINE HOST "transfer-encoding: identity" END END },
    { 501, LINE HOST "Content-Length: 3\r\nTransfer-Encoding: chunked" END END },
    { 400, LINE HOST "Transfer-Encoding : chunked" END END },
    { 400, LINE HOST "Content-Length: 3\r\nContent-Length: 3" END END },
    { 400, LINE HOST "Content-Length: 3\r\ncontent-length: 4" END END },
    { 400, LINE HOST "Content-Length: 3, 3" END END },
    { 400, LINE HOST "Content-Length: +3" END END },
    { 400, LINE HOST "Content-Length: -3" END END },
    { 400, LINE HOST "Content-Length: 0x3" END END },
    { 400, LINE HOST "Content-Length: 3 3" END END },
    { 400, LINE HOST "Content-Length:" END END },
    { 400, LINE HOST "Content-Length: 18446744073709551619" END END },
    { 400, LINE HOST "Content-Length: 1000000000000000" END END },

    { 400, LINE END },
    { 400, LINE HOST HOST END },
    { 400, LINE "Host:" END END },
    { 400, LINE "Host: a b" END END },
    { 400, LINE "Host: a/b" END END },
    { 400, LINE "Host: a@b" END END },
    { 417, LINE HOST "Expect: 200-ok" END END },
};

TEST(http, every_request_gets_its_answer_however_the_bytes_arrive)
{
    for (size_t i = 0; i < COUNT(requests); i++) {
        struct http_head head;
        int status = parse_bytewise(http_parse_request, &head, str_z(requests[i].bytes));
        if (status != requests[i].status)
            test_failed(__FILE__, __LINE__, "%s: %d, not %d", requests[i].bytes, status,
                        requests[i].status);
        if (status == HTTP_DONE)
            CHECK_EQ(head.head_bytes, strlen(requests[i].bytes));
    }
}

TEST(http, a_request_is_taken_apart)
{
    struct http_head head;
    str bytes =
        STR("PUT /v1/attempts/7/answers/12?dry=1 HTTP/1.1\r\n"
            "Host: exam.example.org\r\n"
            "content-type:  application/json \r\n"
            "Cookie: a=1; __Host-examhall=abc=d; b=\r\n"
            "Content-Length: 2\r\nExpect: 100-Continue\r\nConnection: foo , Close\r\n\r\n{}");
    CHECK_EQ(http_parse_request(&head, bytes, HEAD_MAX, NULL), HTTP_DONE);
    CHECK_STR(head.method, STR("PUT"));
    CHECK_STR(head.target, STR("/v1/attempts/7/answers/12?dry=1"));
    CHECK_STR(head.path, STR("/v1/attempts/7/answers/12"));
    CHECK_STR(head.query, STR("dry=1"));
    CHECK_STR(http_field(&head, "Content-Type"), STR("application/json"));
    CHECK(!http_field(&head, "Accept").p);
    CHECK_STR(http_cookie(&head, "__Host-examhall"), STR("abc=d"));
    CHECK_STR(http_cookie(&head, "b"), STR(""));
    CHECK(!http_cookie(&head, "c").p);
    CHECK_EQ(head.body_bytes, 2);
    CHECK(head.has_length && head.expects_continue && !head.keep_alive);
    CHECK_EQ(head.head_bytes + head.body_bytes, bytes.n);
}

TEST(http, pipelined_requests_end_where_the_next_begins)
{
    str all =
        STR(LINE HOST END "POST /b HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nxyz" LINE HOST END);
    str rest = all;
    unsigned count = 0;
    for (; rest.n; count++) {
        struct http_head head;
        CHECK_EQ(http_parse_request(&head, rest, HEAD_MAX, NULL), HTTP_DONE);
        CHECK(head.keep_alive);
        rest = str_from(rest, head.head_bytes + head.body_bytes);
    }
    CHECK_EQ(count, 3);
}

TEST(http, a_control_byte_is_found_at_every_place_of_a_value)
{
    static const char bad[] = { 0, 1, 8, 10, 11, 31, 127 },
                      good[] = { 9, 32, 33, 126, (char)128, (char)255 };
    char bytes[128];
    for (size_t at = 0; at < 40; at++) {
        int n = snprintf(bytes, sizeof(bytes), LINE HOST "X: %040d\r\n\r\n", 0);
        char *place = strstr(bytes, "X: ") + 3 + at;
        struct http_head head;
        for (size_t i = 0; i < COUNT(bad); i++) {
            *place = bad[i];
            CHECK_EQ(http_parse_request(&head, str_of(bytes, (size_t)n), HEAD_MAX, NULL), 400);
        }
        for (size_t i = 0; i < COUNT(good); i++) {
            *place = good[i];
            CHECK_EQ(http_parse_request(&head, str_of(bytes, (size_t)n), HEAD_MAX, NULL),
                     HTTP_DONE);
        }
    }
}

TEST(http, a_head_is_bounded_in_bytes_and_fields)
{
    char big[4 * HEAD_MAX];
    struct http_head head;
    memset(big, 'a', sizeof(big));
    memcpy(big, "GET /", 5);
    CHECK_EQ(http_parse_request(&head, str_of(big, HEAD_MAX - 1), HEAD_MAX, NULL), HTTP_MORE);
    CHECK_EQ(http_parse_request(&head, str_of(big, HEAD_MAX), HEAD_MAX, NULL), 414);
    CHECK_EQ(http_parse_request(&head, str_of(big, sizeof(big)), HEAD_MAX, NULL), 414);
    memcpy(big, LINE "X: ", strlen(LINE) + 3);
    CHECK_EQ(http_parse_request(&head, str_of(big, HEAD_MAX - 1), HEAD_MAX, NULL), HTTP_MORE);
    CHECK_EQ(http_parse_request(&head, str_of(big, sizeof(big)), HEAD_MAX, NULL), 431);

    size_t n = (size_t)snprintf(big, sizeof(big), LINE HOST);
    for (unsigned i = 1; i < HTTP_HEADERS_MAX; i++)
        n += (size_t)snprintf(big + n, sizeof(big) - n, "X: y\r\n");
    memcpy(big + n, "\r\n", 2);
    CHECK_EQ(http_parse_request(&head, str_of(big, n + 2), HEAD_MAX, NULL), HTTP_DONE);
    memcpy(big + n, "X: y\r\n\r\n", 8);
    CHECK_EQ(http_parse_request(&head, str_of(big, n + 8), HEAD_MAX, NULL), 431);
}

TEST(http, a_head_may_fill_its_bound_to_the_last_byte)
{
    str bytes = STR(LINE HOST END);
    struct http_head head;
    CHECK_EQ(http_parse_request(&head, bytes, bytes.n, NULL), HTTP_DONE);
    CHECK_EQ(http_parse_request(&head, bytes, bytes.n - 1, NULL), 431);
}

static const struct {
    int status;
    unsigned code;
    const char *bytes;
} replies[] = {
    { 200, 204, "HTTP/1.1 204 No Content\r\n\r\n" },
    { 200, 503, "HTTP/1.1 503 \r\nContent-Length: 12\r\nContent-Type: a/b\r\n\r\n" },
    { 0, 0, "HTTP/1.1 20" },
    { 0, 0, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n" },
    { 400, 0, "HTTP/1.1 20 OK\r\n\r\n" },
    { 400, 0, "HTTP/1.1 2000 OK\r\n\r\n" },
    { 400, 0, "HTTP/1.1 099 OK\r\n\r\n" },
    { 400, 0, "HTTP/1.1 200\r\n\r\n" },
    { 400, 0, "HTTP/1.1 200 OK\n\r\n" },
    { 400, 0, "HTTP 200 OK\r\n\r\n" },
    { 505, 0, "HTTP/3.0 200 OK\r\n\r\n" },
    { 400, 0, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n" },
    { 501, 0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
};

TEST(http, every_reply_gets_its_answer_however_the_bytes_arrive)
{
    for (size_t i = 0; i < COUNT(replies); i++) {
        struct http_head head;
        CHECK_EQ(parse_bytewise(http_parse_reply, &head, str_z(replies[i].bytes)),
                 replies[i].status);
        if (replies[i].status == HTTP_DONE)
            CHECK_EQ(head.status, replies[i].code);
    }
}

TEST(http, every_status_has_a_reason)
{
    CHECK_STR(str_z(http_reason(404)), STR("Not Found"));
    CHECK_STR(str_z(http_reason(599)), STR("Unknown"));
}
