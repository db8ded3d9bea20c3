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
};

struct io_target {
    struct sockaddr_in address;
    bool tls, loopback;
    char origin[300]; /* "https://host:port" */
    str host;         /* "host:port", within origin */
    char name[256];   /* host alone */
};

/* "https://host[:port]" or "http://..."; looks the name up (IPv4). */
fail io_target_parse(struct io_target *target, str url, struct why *why) MUST_USE;

/* `ca`: a PEM file the server's certificate must chain to; NULL: any certificate will do (a hall of
 * our own, whose certificate is self-signed). Keeps target. */
fail io_open(struct io **io, const struct io_target *target, const char *ca,
             const struct io_hooks *hooks, struct why *why) MUST_USE;
void io_close_all(struct io *io); /* no hooks are called */

/* Starts to connect; NULL when this side is out of ports, descriptors or memory (errno says).
 * `number` spreads connections to a loopback target over source addresses: one address has ports
 * for some 14,000 before connect() crawls. Keeps owner. */
struct io_conn *io_connect(struct io *io, void *owner, uint32_t number);
void io_send(struct io *io, struct io_conn *conn, str request); /* copies */
void io_close(struct io *io, struct io_conn *conn);
unsigned io_count(const struct io *io); /* established */

void io_turn(struct io *io, int64_t timeout_us);
