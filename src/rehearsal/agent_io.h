/* agent_io.h - thousands of HTTP/1.1 clients on one thread: connect, TLS, send, receive, never
 * wait.
 *
 * One request in flight a connection; the owner sends the next after the reply. Buffers exist only
 * while bytes are on their way, so an idle plain connection costs under 200 bytes here. A hook may
 * send on or close the connection it is called for. `lost` is called once, after the connection is
 * gone, unless the owner closed it. */
#pragma once

#include "codec/http.h"
#include <netinet/in.h>

struct io;
struct io_conn;

struct io_hooks {
    void (*reply)(void *owner, const struct http_head *head, str body);
    void (*lost)(void *owner, const char *what);
    void (*secured)(void *owner, bool resumed); /* a TLS handshake is done; may be NULL */
};

/* What a server gave to resume with, kept by the owner as a browser does; starts zeroed. */
struct io_ticket {
    void *session;
};
void io_ticket_free(struct io_ticket *ticket);

enum { IO_SOURCES_MAX = 64 };

struct io_target {
    struct sockaddr_in address;
    bool tls, loopback;
    bool ours; /* made by this rehearsal: its certificate, self-signed, is not looked at */
    /* Connections leave from these in turn. None: the kernel's choice, or for a loopback target as
     * many addresses of 127.1.0.0/16 as it takes. sources.h fills them in. */
    struct in_addr sources[IO_SOURCES_MAX];
    unsigned source_count;
    char origin[300]; /* "https://host:port" */
    str host;         /* "host:port", within origin */
    char name[256];   /* host alone */
};

/* "https://host[:port]" or "http://..."; looks the name up (IPv4). */
fail io_target_parse(struct io_target *target, str url, struct why *why) MUST_USE;

/* `ca`: PEM text, to whose certificates the server's must chain; empty: to those that this machine
 * trusts. Of a target that is `ours` any will do. `owners`: each has one connection at a time.
 * Keeps target. */
fail io_open(struct io **io, const struct io_target *target, str ca, uint32_t owners,
             const struct io_hooks *hooks, struct why *why) MUST_USE;
/* So many owners' connections has a descriptor table, where so many files may be open, room for.
 * With more, io_open asks for rings (net/net_ring.h). */
unsigned io_table_most(unsigned open_files);
/* Turns begin on beats of this period (sys/pace.h): where agents share cores. */
void io_rest(struct io *io, uint32_t rest_us);
void io_close_all(struct io *io); /* no hooks are called */

/* Starts to connect; NULL when this side is out of ports, descriptors or memory (errno says).
 * `number` spreads connections over source addresses: one address has ports for some 14,000 before
 * connect() crawls. Keeps owner, and ticket (or NULL) until the connection is closed. */
struct io_conn *io_connect(struct io *io, void *owner, uint32_t number, struct io_ticket *ticket);
void io_send(struct io *io, struct io_conn *conn, str request); /* copies */
void io_close(struct io *io, struct io_conn *conn);
unsigned io_count(const struct io *io); /* established */
bool io_full(const struct io *io);      /* so many are on their way in: connect later */

void io_turn(struct io *io, int64_t timeout_us);

/* Asks the hall for its time, from each source address once: can it be reached from this machine,
 * and does its certificate hold? Waits at most ten seconds. */
fail io_probe(const struct io_target *target, str ca, struct why *why) MUST_USE;
