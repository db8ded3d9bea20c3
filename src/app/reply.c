/* reply.c - see reply.h. */
#include "app/reply.h"

static const struct {
    fail code;
    unsigned status;
    const char *slug, *title;
    uint32_t retry_after_s;
} rows[] = {
    { FAIL_INPUT, 400, "bad-request", "The request is not understood", 0 },
    { FAIL_USAGE, 400, "bad-request", "The request is not understood", 0 },
    { FAIL_UNSIGNED, 401, "not-signed-in", "Sign in first", 0 },
    { FAIL_FORBIDDEN, 403, "not-yours", "Not allowed", 0 },
    { FAIL_MISSING, 404, "not-found", "There is no such thing", 0 },
    { FAIL_METHOD, 405, "method", "This cannot be done here", 0 },
    { FAIL_CONFLICT, 409, "conflict", "Not possible now", 0 },
    { FAIL_LIMIT, 413, "too-large", "Too large", 0 },
    { FAIL_RATE, 429, "slow-down", "Too often", 1 },
    { FAIL_BUSY, 503, "busy", "Busy; try again", 1 },
    { FAIL_FULL, 503, "disk-full", "The hall has no room on its disk", 2 },
    { FAIL_STARVED, 503, "busy", "The hall is short of descriptors or memory", 2 },
    { FAIL_WORLD, 500, "internal", "Something failed in the hall", 0 },
    { FAIL_CORRUPT, 500, "internal", "Something failed in the hall", 0 },
};

static size_t row_of(fail f)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].code == f)
            return i;
    never("a failure without a row");
}

unsigned reply_status(fail f)
{
    return rows[row_of(f)].status;
}

void reply_problem(struct exchange *exchange, fail f)
{
    size_t row = row_of(f);
    struct why *why = &exchange->why;
    struct out *out = &exchange->body;
    uint32_t retry_after_s = why->retry_after_s ? why->retry_after_s : rows[row].retry_after_s;
    out_clear(out);
    out_clear(&exchange->headers);
    jo_open(out, NULL, '{');
    jo_name(out, "type");
    out_fmt(out, "\"/problems/%s\"", why->slug ? why->slug : rows[row].slug);
    jo_z(out, "title", rows[row].title);
    jo_i64(out, "status", rows[row].status);
    jo_z(out, "detail", why->text);
    jo_close(out, '}');
    if (retry_after_s)
        out_fmt(&exchange->headers, "Retry-After: %u\r\n", retry_after_s);
    exchange->req.status = rows[row].status;
    exchange->req.type = "application/problem+json";
}
