/* gateway.h - holds every client's connection: TLS, HTTP, the portal's files, the way to the hall.
 *
 * A process of its own, without rights and without data: it parses what strangers send. A complete
 * request for /v1/, /-/ or /openapi.json goes to the hall over pipelined HTTP/1.1 on `gate_path`,
 * one connection for each priority class and reactor; its bytes are kept until the reply is whole,
 * and go out again on a new connection when the hall dies. Clients only see a slower reply.
 * Read ARCHITECTURE.md "The gateway's side of the pipe", then reactor.h. */
#pragma once

#include "base/fail.h"
#include "net/gateway_stats.h"

#define GATEWAY_TICKET_KEY_BYTES  80
#define GATEWAY_REPLY_BYTES_MAX   (16 * MIB) /* of a hall's reply; the default of its limit */
#define GATEWAY_DESCRIPTORS_SPARE 64         /* of each reactor's table, for what is no client */

/* A file of the portal, in memory for ever. `gzip` may be empty. etag with its quotes. */
struct gateway_file {
    const char *path; /* "/assets/a-B7x1.js"; the pages are at "/" and "/staff" */
    const char *type; /* "text/html; charset=utf-8" */
    str plain, gzip;
    const char *etag;
};

/* Zero means the default; the table of defaults is in gateway.c. */
struct gateway_limits {
    uint32_t handshake_ms; /* from accept to the end of the TLS handshake */
    uint32_t head_ms;      /* from a request's first byte to the end of its head */
    uint32_t body_ms;      /* a body is whole, or has brought rate_bytes_per_s for so long */
    uint32_t write_ms;     /* a reply is gone, or rate_bytes_per_s of it went for so long */
    uint32_t idle_ms;      /* between requests */
    uint32_t hold_ms;      /* a request waits so long for the hall's reply, then 503 */
    uint32_t linger_ms;    /* after a refusal: how long the rest is read and thrown away */
    uint32_t drain_ms;     /* after a stop: how long requests in flight may take */
    uint32_t leave_ms;     /* while leaving: who is silent for so long is let go without a reply */
    uint32_t leave_per_s;  /* while leaving: so many connections are let go a second */
    uint32_t rate_bytes_per_s;
    uint32_t head_bytes_max;
    uint32_t reply_bytes_max; /* of one reply of the hall */
    uint32_t sends_max;       /* a request sent so often without a reply is answered 502 */
    uint32_t window;          /* requests of a class that a reactor leaves with the hall at a time;
                                 0: by the number of reactors */
};

struct gateway_opts {
    int tls_fd, plain_fd;             /* inherited listening sockets, or -1 */
    int probe_fd;                     /* another, only for probes and /metrics; or -1 */
    int stop_fd;                      /* readable means: stop as for SIGTERM; or -1 */
    int leave_fd;                     /* readable means: leave as for SIGUSR1; or -1 */
    int ready_fd;                     /* gets a byte "r" once all reactors accept; or -1 */
    int log_fd;                       /* JSON lines go here; -1 for none */
    const char *gate_path;            /* the hall's Unix socket */
    const char *cert_path, *key_path; /* PEM; needed with tls_fd */
    const unsigned char *ticket_key;  /* GATEWAY_TICKET_KEY_BYTES; NULL: made at start */
    unsigned reactors;                /* 0: by cores, open-file limit and connections_max */
    unsigned connections_max;         /* all reactors together; 0: what the open-file limit gives */
    bool keep_rights;                 /* true: no change of user, no system call filter (tests) */
    struct gateway_stats *stats;      /* shared page, zeroed at its making; NULL: a private one */
    unsigned first_row;               /* of it: so many reactors' rows from here on are ours */
    const struct gateway_file *files; /* sorted by path; may be none */
    size_t file_count;
    struct gateway_limits limits;
};

/* Runs until SIGTERM or stop_fd, then finishes what is in flight (at most drain_ms). On SIGUSR1 it
 * leaves the listening sockets to another gateway that has them too, and runs until each of its
 * connections is gone: closed right after a reply that says so (docs/adr/0011). FAIL_WORLD or
 * FAIL_INPUT when it cannot start: no certificate, no descriptors. */
fail gateway_run(const struct gateway_opts *opts, struct why *why) MUST_USE;
