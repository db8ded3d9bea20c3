/* http.c - see http.h. One pass, left to right, over bytes classified by one table; whatever the
 * table does not name for a place ends the parse there. A refusal depends only on the bytes up to
 * it, so it is the same however the bytes were cut on their way. */
#include "codec/http.h"

#define LENGTH_DIGITS_MAX 15 /* a petabyte: beyond it nobody means it */
#define HOST_BYTES_MAX    255

enum {
    TOKEN = 1,  /* methods and field names */
    VALUE = 2,  /* field values and reason phrases */
    TARGET = 4, /* path and query; '%' is looked at again */
    HOST = 8,
    DIGIT = 16,
};

/* clang-format off */
static const unsigned char kinds[256] = {
    ['\t'] = VALUE, [' '] = VALUE, ['"'] = VALUE, ['<'] = VALUE, ['>'] = VALUE, ['\\'] = VALUE,
    ['{'] = VALUE, ['}'] = VALUE, [0x80 ... 0xff] = VALUE,
    ['#'] = TOKEN | VALUE, ['^'] = TOKEN | VALUE, ['`'] = TOKEN | VALUE, ['|'] = TOKEN | VALUE,
    ['!'] = TOKEN | VALUE | TARGET, ['$' ... '\''] = TOKEN | VALUE | TARGET,
    ['*' ... '+'] = TOKEN | VALUE | TARGET, ['~'] = TOKEN | VALUE | TARGET,
    ['(' ... ')'] = VALUE | TARGET, [','] = VALUE | TARGET, ['/'] = VALUE | TARGET,
    [';'] = VALUE | TARGET, ['='] = VALUE | TARGET, ['?' ... '@'] = VALUE | TARGET,
    [':'] = VALUE | TARGET | HOST, ['['] = VALUE | HOST, [']'] = VALUE | HOST,
    ['-' ... '.'] = TOKEN | VALUE | TARGET | HOST, ['_'] = TOKEN | VALUE | TARGET | HOST,
    ['A' ... 'Z'] = TOKEN | VALUE | TARGET | HOST, ['a' ... 'z'] = TOKEN | VALUE | TARGET | HOST,
    ['0' ... '9'] = TOKEN | VALUE | TARGET | HOST | DIGIT,
};
/* clang-format on */

/* Where the parse is. `status` is set by the first refusal, or by `more` to HTTP_MORE. */
struct cursor {
    const char *p, *end;
    int status;
    bool stopped;
    bool cut; /* the bytes were as long as a head may be: their end is a refusal */
    struct why *why;
};

static bool refuse(struct cursor *c, int status, const char *text)
{
    fail_set(c->why, FAIL_INPUT, "%s", text);
    c->status = status;
    c->stopped = true;
    return false;
}

static bool more(struct cursor *c, bool first_line)
{
    if (c->cut && first_line)
        return refuse(c, 414, "The request line is longer than a head may be; shorten the path.");
    if (c->cut)
        return refuse(c, 431, "The header fields are longer than a head may be; send fewer.");
    c->status = HTTP_MORE;
    c->stopped = true;
    return false;
}

static str take(struct cursor *c, unsigned kind)
{
    const char *start = c->p;
    while (c->p < c->end && (kinds[(unsigned char)*c->p] & kind))
        c->p++;
    return (str){ start, (size_t)(c->p - start) };
}

static bool expect_slowly(struct cursor *c, const char *text, bool first_line, const char *refusal)
{
    for (; *text; text++, c->p++) {
        if (c->p == c->end)
            return more(c, first_line);
        if (*c->p != *text)
            return refuse(c, 400, refusal);
    }
    return true;
}

/* Inline, because `text` is a literal of a byte or two and nearly always there. */
static inline bool expect(struct cursor *c, const char *text, bool first_line, const char *refusal)
{
    size_t n = strlen(text);
    if (LIKELY((size_t)(c->end - c->p) >= n && memcmp(c->p, text, n) == 0)) {
        c->p += n;
        return true;
    }
    return expect_slowly(c, text, first_line, refusal);
}

/* -- targets ------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool escapes_are_good(str target)
{
    for (size_t i = 0; i < target.n; i++) {
        if (target.p[i] != '%')
            continue;
        if (target.n - i < 3)
            return false;
        int high = hex_digit(target.p[i + 1]), low = hex_digit(target.p[i + 2]);
        if (high < 0 || low < 0 || high * 16 + low < 0x20 || high * 16 + low == 0x7f)
            return false;
    }
    return true;
}

/* "." and "..", however their dots are written. */
static bool is_dots(str segment)
{
    unsigned dots = 0;
    for (size_t i = 0; i < segment.n; dots++) {
        if (segment.p[i] == '.')
            i++;
        else if (segment.n - i >= 3 && str_eq_nocase((str){ segment.p + i, 3 }, STR("%2e")))
            i += 3;
        else
            return false;
    }
    return dots == 1 || dots == 2;
}

static bool target_parse(struct cursor *c, struct http_head *head)
{
    if (c->p < c->end && *c->p != '/')
        return refuse(c, 400, "The target must be a path that starts with '/'.");
    str target = take(c, TARGET);
    if (c->p == c->end)
        return more(c, true);
    if (!escapes_are_good(target))
        return refuse(c, 400, "The path has a bad percent escape or an escaped control byte.");
    head->target = target;
    head->query = target;
    head->path = str_cut(&head->query, '?');
    for (str rest = head->path; rest.p;)
        if (is_dots(str_cut(&rest, '/')))
            return refuse(c, 400, "The path may not have '.' or '..' as a part.");
    return true;
}

/* -- first lines --------------------------------------------------------------------------- */

static bool version_parse(struct cursor *c, struct http_head *head)
{
    const char *refusal = "The first line must name HTTP/1.1.";
    if (!expect(c, "HTTP/", true, refusal))
        return false;
    if (c->end - c->p < 3) {
        for (const char *p = c->p; p < c->end; p++)
            if (*p != '.' && !(kinds[(unsigned char)*p] & DIGIT))
                return refuse(c, 400, refusal);
        return more(c, true);
    }
    if (!(kinds[(unsigned char)c->p[0]] & DIGIT) || c->p[1] != '.' ||
        !(kinds[(unsigned char)c->p[2]] & DIGIT))
        return refuse(c, 400, refusal);
    if (c->p[0] != '1' || c->p[2] > '1')
        return refuse(c, 505, "This server speaks HTTP/1.1.");
    head->keep_alive = c->p[2] == '1';
    c->p += 3;
    return true;
}

static bool request_line(struct cursor *c, struct http_head *head)
{
    head->method = take(c, TOKEN);
    if (c->p == c->end)
        return more(c, true);
    if (!head->method.n)
        return refuse(c, 400, "The request must start with a method.");
    return expect(c, " ", true, "The method must be followed by one space.") &&
           target_parse(c, head) &&
           expect(c, " ", true,
                  "The path has a byte that must be escaped, or no version follows.") &&
           version_parse(c, head) &&
           expect(c, "\r\n", true, "The request line must end with CR LF.");
}

static bool status_line(struct cursor *c, struct http_head *head)
{
    if (!version_parse(c, head) || !expect(c, " ", true, "The status must follow one space."))
        return false;
    str status = take(c, DIGIT);
    if (c->p == c->end && status.n <= 3)
        return more(c, true);
    uint64_t number;
    if (status.n != 3 || !str_u64(status, &number) || number < 100 || number > 599)
        return refuse(c, 400, "The status must be a number from 100 to 599.");
    head->status = (unsigned)number;
    if (!expect(c, " ", true, "The status must be followed by one space."))
        return false;
    take(c, VALUE);
    return expect(c, "\r\n", true, "The status line must end with CR LF.");
}

/* -- fields -------------------------------------------------------------------------------- */

/* Nearly all names differ in length, so that is asked before anything is called. */
static inline bool is_named(str name, str wanted)
{
    return name.n == wanted.n && str_eq_nocase(name, wanted);
}

/* Steps over bytes of a value eight at a time, as long as none of the eight is a control byte; the
 * table judges the rest. A byte below 0x20 borrows from its top bit when 0x20 is taken away; DEL is
 * the one above that becomes zero under xor. */
static const char *value_run(const char *p, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, tops = ones * 0x80;
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        uint64_t del = w ^ (ones * 0x7f);
        if ((((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & tops)
            break;
        p += 8;
    }
    return p;
}

/* Is `word` in a comma-separated list? */
static bool list_has(str list, str word)
{
    while (list.p)
        if (str_eq_nocase(str_trim(str_cut(&list, ',')), word))
            return true;
    return false;
}

static bool length_field(struct cursor *c, struct http_head *head, str value)
{
    if (head->has_length)
        return refuse(c, 400, "Content-Length may be there only once.");
    if (value.n > LENGTH_DIGITS_MAX || !str_u64(value, &head->body_bytes))
        return refuse(c, 400, "Content-Length must be a plain number.");
    head->has_length = true;
    return true;
}

static bool host_field(struct cursor *c, const struct http_head *head, str value)
{
    if (http_field(head, "Host").p)
        return refuse(c, 400, "Host may be there only once.");
    struct cursor in = { .p = value.p, .end = value.p + value.n };
    take(&in, HOST);
    if (in.p < in.end || value.n == 0 || value.n > HOST_BYTES_MAX)
        return refuse(c, 400, "Host must be a name or address, with a port if need be.");
    return true;
}

/* What a field means for framing and for the connection; called before it is counted. */
static bool field_apply(struct cursor *c, struct http_head *head, str name, str value)
{
    switch (name.n) {
    case 4:
        if (head->method.p && str_eq_nocase(name, STR("Host")))
            return host_field(c, head, value);
        break;
    case 6:
        if (!str_eq_nocase(name, STR("Expect")))
            break;
        if (!str_eq_nocase(value, STR("100-continue")))
            return refuse(c, 417, "The only expectation this server knows is 100-continue.");
        head->expects_continue = true;
        break;
    case 10:
        if (str_eq_nocase(name, STR("Connection")) && list_has(value, STR("close")))
            head->keep_alive = false;
        break;
    case 14:
        if (str_eq_nocase(name, STR("Content-Length")))
            return length_field(c, head, value);
        break;
    case 17:
        if (str_eq_nocase(name, STR("Transfer-Encoding")))
            return refuse(c, 501, "Transfer-Encoding is not served; send Content-Length.");
        break;
    default:
        break;
    }
    return true;
}

static bool field_parse(struct cursor *c, struct http_head *head)
{
    str name = take(c, TOKEN);
    if (c->p == c->end)
        return more(c, false);
    if (!name.n)
        return refuse(c, 400, "A header line must start with its name; folded lines are refused.");
    if (!expect(c, ":", false, "A header name must be followed by a colon, without a space."))
        return false;
    str value = { c->p, 0 };
    c->p = value_run(c->p, c->end);
    take(c, VALUE);
    value.n = (size_t)(c->p - value.p);
    if (!expect(c, "\r\n", false, "A header line has a control byte, or does not end with CR LF."))
        return false;
    if (head->field_count == HTTP_HEADERS_MAX)
        return refuse(c, 431, "There are too many header fields.");
    value = str_trim(value);
    if (!field_apply(c, head, name, value))
        return false;
    head->fields[head->field_count++] = (struct http_field){ name, value };
    return true;
}

/* The fields up to and with the empty line. */
static bool fields_parse(struct cursor *c, struct http_head *head)
{
    for (;;) {
        if (c->p == c->end)
            return more(c, false);
        if (*c->p == '\r')
            return expect(c, "\r\n", false, "A line must end with CR LF.");
        if (!field_parse(c, head))
            return false;
    }
}

/* -- public -------------------------------------------------------------------------------- */

static struct cursor start(struct http_head *head, str bytes, size_t head_bytes_max,
                           struct why *why)
{
    memset(head, 0, offsetof(struct http_head, fields));
    memset(&head->field_count, 0, sizeof(*head) - offsetof(struct http_head, field_count));
    size_t n = MIN(bytes.n, head_bytes_max);
    return (
        struct cursor){ .p = bytes.p, .end = bytes.p + n, .cut = n == head_bytes_max, .why = why };
}

int http_parse_request(struct http_head *head, str bytes, size_t head_bytes_max, struct why *why)
{
    struct cursor c = start(head, bytes.p ? bytes : STR(""), head_bytes_max, why);
    if (!request_line(&c, head) || !fields_parse(&c, head))
        return c.status;
    if (!http_field(head, "Host").p) {
        refuse(&c, 400, "Host is missing.");
        return c.status;
    }
    head->head_bytes = (size_t)(c.p - bytes.p);
    return HTTP_DONE;
}

int http_parse_reply(struct http_head *head, str bytes, size_t head_bytes_max, struct why *why)
{
    struct cursor c = start(head, bytes.p ? bytes : STR(""), head_bytes_max, why);
    if (!status_line(&c, head) || !fields_parse(&c, head))
        return c.status;
    head->head_bytes = (size_t)(c.p - bytes.p);
    return HTTP_DONE;
}

str http_field_named(const struct http_head *head, str wanted)
{
    for (unsigned i = 0; i < head->field_count; i++)
        if (is_named(head->fields[i].name, wanted))
            return head->fields[i].value;
    return STR_NONE;
}

str http_cookie(const struct http_head *head, const char *name)
{
    str wanted = str_z(name);
    for (unsigned i = 0; i < head->field_count; i++) {
        if (!is_named(head->fields[i].name, STR("Cookie")))
            continue;
        for (str rest = head->fields[i].value; rest.p;) {
            str value = str_trim(str_cut(&rest, ';'));
            str key = str_cut(&value, '=');
            if (value.p && str_eq(key, wanted))
                return value;
        }
    }
    return STR_NONE;
}

const char *http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        { 100, "Continue" },
        { 200, "OK" },
        { 201, "Created" },
        { 204, "No Content" },
        { 304, "Not Modified" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" },
        { 422, "Unprocessable Content" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 505, "HTTP Version Not Supported" },
        { 507, "Insufficient Storage" },
    };
    for (size_t i = 0; i < COUNT(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}
