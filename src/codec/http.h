/* http.h - HTTP/1.1 heads, strict: what is not plainly right is refused, so that no two parsers on
 * the way of a request can ever disagree about where it ends.
 *
 * Parses in place, allocates nothing, keeps no state: call again from the start with more bytes.
 * Refused: bare LF, obsolete folding, space before a colon, control bytes, a name or value out of
 * RFC 9110's grammar, Transfer-Encoding (501: nothing we serve needs it), a second Content-Length
 * even when equal, a signed or huge length, a missing, empty or repeated Host, an absolute or
 * non-ASCII target, a "." or ".." part however escaped, an escaped control byte, an expectation
 * other than 100-continue (417), more than HTTP_HEADERS_MAX fields. Names compare without case.
 * A refusal depends only on the bytes up to it: how they were cut on their way changes nothing. */
#pragma once

#include "base/fail.h"

#define HTTP_HEADERS_MAX 48

struct http_field {
    str name, value; /* value without surrounding blanks */
};

struct http_head {
    str method, target, path, query; /* path: before '?', not decoded; query: after it, or empty */
    struct http_field fields[HTTP_HEADERS_MAX];
    unsigned field_count;
    unsigned status;       /* replies only */
    uint64_t body_bytes;   /* Content-Length, 0 without */
    bool has_length;       /* a Content-Length was there */
    bool keep_alive;       /* HTTP/1.1 without Connection: close */
    bool expects_continue; /* Expect: 100-continue */
    size_t head_bytes;     /* up to and with the empty line */
};

/* HTTP_MORE: not all of the head is there yet. HTTP_DONE: head filled; the body is the body_bytes
 * after head_bytes. Any other value is the status to refuse with (400, 414, 417, 431, 501, 505),
 * with the sentence in why; the connection must be closed. `head_bytes_max` bounds the head (431
 * beyond). */
#define HTTP_MORE 0
#define HTTP_DONE 200
int http_parse_request(struct http_head *head, str bytes, size_t head_bytes_max, struct why *why);
int http_parse_reply(struct http_head *head, str bytes, size_t head_bytes_max, struct why *why);

/* The first of that name; p NULL when absent. */
str http_field_named(const struct http_head *head, str name);
static inline str http_field(const struct http_head *head, const char *name)
{
    return http_field_named(head, (str){ name, strlen(name) });
}
/* The value of one cookie out of the Cookie field; p NULL when absent. */
str http_cookie(const struct http_head *head, const char *name);
const char *http_reason(unsigned status); /* "Not Found" */
