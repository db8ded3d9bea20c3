/* client.h - a small blocking HTTP/1.1 client: for the command line, the tests and the bench.
 *
 * One connection, kept alive, opened when first needed and again when the server has closed it. A
 * request on a kept connection that dies before the first byte of its reply is sent once more:
 * everything served here is idempotent. Not for threads. */
#pragma once

#include "base/arena.h"
#include "base/fail.h"
#include "codec/http.h"

struct client;

struct client_opts {
    const char *url;        /* "unix:/run/admin.sock", "http://host:80", "https://host:8443" */
    const char *ca_path;    /* PEM to trust instead of the system's; NULL for the system's */
    bool insecure;          /* https: any certificate will do (a hall's own first one) */
    unsigned timeout_ms;    /* for connecting and for each wait; 0 for 10 s */
    size_t reply_bytes_max; /* 0 for 64 MiB */
};

struct client_reply {
    unsigned status;
    str body;              /* in the request's arena */
    struct http_head head; /* its text too */
};

/* Keeps copies of what it needs of opts. Does not connect yet. FAIL_USAGE: the URL is no URL. */
fail client_open(struct client **client, const struct client_opts *opts, struct why *why) MUST_USE;

/* Any complete reply is FAIL_NONE, whatever its status. FAIL_MISSING: nobody listens there.
 * FAIL_BUSY: no reply in time. FAIL_WORLD: the connection broke; FAIL_INPUT: the reply is no HTTP.
 * Host, Content-Length and, with a body, Content-Type: application/json are added by the client. */
fail client_request(struct client *client, const char *method, const char *target,
                    const struct http_field *fields, size_t field_count, str body,
                    struct arena *arena, struct client_reply *reply, struct why *why) MUST_USE;

void client_close(struct client *client); /* NULL is fine */
