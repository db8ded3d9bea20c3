/* web.h - requests to other people's servers: libcurl, and nothing else knows of it.
 *
 * libcurl is loaded when first needed (dlopen) and not linked: it brings thirty libraries, which
 * the processes that hold an exam should neither load nor trust, and which an image need not carry.
 * Proxies and SSL_CERT_FILE are taken from the environment, as curl does. No redirect is followed.
 */
#pragma once

#include "base/arena.h"
#include "base/fail.h"

struct web;

typedef void (*web_progress_fn)(void *ctx, uint64_t sent_bytes);

struct web_opts {
    const char *ca_path; /* PEM to trust instead of the system's; NULL for the system's */
    bool plain;          /* http:// is allowed */
    web_progress_fn progress;
    void *ctx;
};

#define WEB_HEADERS_MAX 6

struct web_request {
    const char *method; /* "HEAD", "GET", "POST", "PUT" */
    const char *url;
    const char *headers[WEB_HEADERS_MAX]; /* "Name: value"; NULL-ended */
    str body;
};

struct web_reply {
    unsigned status;
    str body;       /* at most 4 MiB */
    str location;   /* empty when absent, as the others */
    str challenges; /* WWW-Authenticate, one a line */
    str retry_after;
    str subject; /* OCI-Subject */
};

/* FAIL_MISSING: libcurl is not on this machine. Keeps opts' pointers. */
fail web_open(struct web **web, const struct web_opts *opts, struct why *why) MUST_USE;
void web_close(struct web *web); /* NULL is fine */

/* Any complete reply is FAIL_NONE; it lies in the arena. FAIL_BUSY: trying again may help (nobody
 * listens, the connection broke, no answer in time); FAIL_WORLD: it will not (TLS, no such host).
 */
fail web_send(struct web *web, const struct web_request *request, struct arena *arena,
              struct web_reply *reply, struct why *why) MUST_USE;
