/* hall.h - the services, their log and their state, without any socket.
 *
 * hall_open loads keys, opens each service, loads the checkpoint and replays the log. hall_handle
 * takes one request to its end. The server (app/server.h) puts sockets around it, the command line
 * calls it directly when no hall runs, and tests drive it with a simulated clock and disk: it is
 * the same hall.
 *
 * Invariant: a reply may leave only when log_durable(log) >= exchange->barrier. */
#pragma once

#include "app/service.h"
#include "codec/http.h"

struct hall_opts {
    const char *dir;         /* the hall's folder */
    const char *name;        /* of the hall, in receipts */
    const char *log_backend; /* NULL: "embedded" */
    struct files *files;
    struct clock *clock; /* NULL: the real one, anchored in dir, not before the log's last record */
    struct chance *chance;
    const struct keys *keys; /* NULL: loaded from dir */
    struct gateway_stats *gateway;
    bool reading; /* only to look at: nothing is written, no event, no checkpoint, no clock */
    bool threads; /* writer and worker threads; false: everything happens in the call */
    size_t segment_bytes;
    uint64_t checkpoint_every; /* records between two; 0: two million */
    const char *only;          /* comma list of services to host; NULL: all */
    const char *settings;      /* "name=value" lines; NULL: defaults */
    const char *version;
};

/* One request on its way: the caller owns it, may use it again after exchange_reset. */
struct exchange {
    struct req req;
    struct arena arena;
    struct out body, headers;
    struct why why;
    uint64_t barrier; /* the reply may leave when log_durable() has reached this */
    bool done;        /* false after hall_handle: a job runs; hall_job_done completes it */
    void *owner;      /* the server's */
    uint16_t route_index;
};
void exchange_init(struct exchange *exchange);
void exchange_reset(struct exchange *exchange);
void exchange_fini(struct exchange *exchange);
/* Status line, headers and body of a finished exchange. */
void exchange_write(const struct exchange *exchange, struct out *out);

fail hall_open(struct hall **hall, const struct hall_opts *opts, struct why *why) MUST_USE;
/* Asks the memory for what the requests in `bytes` will touch; any bytes do. */
void hall_expect(const struct hall *hall, str bytes);
/* Fills the exchange with the reply, whatever happens. head and body are borrowed until it is done.
 * `admin`: came over the admin socket. */
void hall_handle(struct hall *hall, struct exchange *exchange, const struct http_head *head,
                 str body, bool admin);
/* Signs what a finished exchange's reply promises. hall_handle and hall_job_done do it at once,
 * unless somebody else will (hall_signs_later): then exchange->req.sign_line says so. */
void hall_signs_later(struct hall *hall, bool later);
void exchange_sign(struct exchange *exchange);
void hall_job_run(struct exchange *exchange);                     /* on any thread */
void hall_job_done(struct hall *hall, struct exchange *exchange); /* on the loop's */
/* Each service's tick, about ten times a second. True: there is more to do, as soon as who waits
 * has had a turn. */
bool hall_tick(struct hall *hall);
/* Writes a checkpoint now, in this process. */
fail hall_checkpoint(struct hall *hall, struct why *why) MUST_USE;
/* Starts one in a child process when enough was appended since the last; call now and then. */
void hall_checkpoint_maybe(struct hall *hall);
struct host *hall_host(struct hall *hall);
const char *hall_version(const struct hall *hall);
void hall_close(struct hall *hall); /* syncs the log; NULL is fine */

/* For tests and the command line: one request without HTTP, run to its end and made durable. */
unsigned hall_call(struct hall *hall, struct exchange *exchange, const char *method,
                   const char *target, str cookie, str body, bool admin);
