/* problem.c - the replies the gateway itself makes: application/problem+json, one table. */
#include "net/reactor.h"

static const struct {
    unsigned status;
    const char *slug, *title, *field;
} problems[] = {
    { 400, "bad-request", "The request is malformed", "" },
    { 404, "not-found", "There is no such page", "" },
    { 405, "method-not-allowed", "The method does not fit", "Allow: GET, HEAD\r\n" },
    { 408, "too-slow", "The request took too long to arrive", "" },
    { 413, "too-large", "The body is too large", "" },
    { 414, "too-large", "The path is too long", "" },
    { 417, "bad-request", "The expectation cannot be met", "" },
    { 431, "too-large", "The header is too large", "" },
    { 501, "not-served", "The request needs what this server does not do", "" },
    { 502, "hall-failed", "The hall could not answer this request", "" },
    { 503, "busy", "The hall is busy", "" },
    { 505, "not-served", "The HTTP version is not served", "" },
};

/* again_s: when to ask again; 0: nothing is said of it. */
static void write_problem(struct reactor *reactor, uint32_t number, unsigned status,
                          unsigned again_s, const char *detail)
{
    struct out body = out_make(KIB), all = out_make(2 * KIB);
    size_t i = 0;
    while (problems[i].status != status)
        must(++i < COUNT(problems));
    out_fmt(&body, "{\"type\":\"/problems/%s\",\"title\":\"%s\",\"status\":%u,\"detail\":",
            problems[i].slug, problems[i].title, status);
    out_json(&body, str_z(detail));
    out_z(&body, "}");
    out_fmt(&all,
            "HTTP/1.1 %u %s\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s",
            status, http_reason(status), body.n, problems[i].field);
    if (again_s)
        out_fmt(&all, "Retry-After: %u\r\n", again_s);
    out_z(&all, "\r\n");
    bool bodiless = conn_at(reactor, number)->flags & CONN_HEAD;
    must(!all.failed && !body.failed);
    conn_reply(reactor, number, status, out_view(&all), bodiless ? STR_NONE : out_view(&body),
               false);
    out_fini(&body);
    out_fini(&all);
}

void problem_reply(struct reactor *reactor, uint32_t number, unsigned status, const char *detail)
{
    write_problem(reactor, number, status, status == 503, detail);
}

void problem_shed(struct reactor *reactor, uint32_t number, unsigned again_s)
{
    write_problem(reactor, number, 503, again_s, "Too many requests wait already; try again.");
}
