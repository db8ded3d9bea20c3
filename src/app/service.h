/* service.h - what a service is, and what it stands in.
 *
 * A service is a row in svc/services.c: tables of settings and routes, a state, and a fold. It
 * decides in handlers (parse, decide, emit events, write the reply) and changes its state only in
 * `apply`, which must not look at clock, chance, disk or anything but the event and the state: the
 * same log gives the same state everywhere. It calls no other service: it reads the directory
 * (app/directory.h), emits events, and follows the topics it names.
 *
 * To add one:
 *   1. src/svc/<name>/<name>.c with its tables and `const struct service svc_<name>`, the rules
 * that need no I/O in <name>_core.c, what others may know of it in <name>_api.h;
 *   2. one line in src/svc/services.c;
 *   3. tests/unit/<name>_test.c: its behaviour through the world (tests/unit/world.h). */
#pragma once

#include "app/book.h"
#include "app/directory.h"
#include "base/arena.h"
#include "base/out.h"
#include "codec/json.h"
#include "codec/json_out.h"
#include "codec/wire.h"
#include "crypto/keys.h"
#include "crypto/token.h"
#include "store/blobs.h"
#include "store/log.h"
#include "sys/chance.h"
#include "sys/clock.h"

/* --- what a service stands in ------------------------------------------------------------------
 */

struct frozen_paper;
struct gateway_stats;
struct hall;

struct host {
    struct clock *clock;
    struct chance *chance;
    const struct keys *keys;
    const struct directory *directory;
    const struct book *book; /* folded only when a hosted service says reads_book */
    struct log *log;
    struct blobs *blobs;           /* for the loop's thread */
    struct blobs *worker_blobs;    /* for jobs */
    struct gateway_stats *gateway; /* shared page of the gateway; NULL when there is none */
    struct arena *memory;          /* lives as long as the hall: a service's tables */
    struct frozen_paper *papers;   /* by exam: app/paper.h */
    const char *hall_name;
    struct hall *hall;
};

/* Appends an event and folds it into the directory and every service that follows its topic, now.
 * It is durable later; the reply of the request at hand waits for that. */
fail emit(struct host *host, enum topic topic, enum event_type type, uint32_t key, str body,
          struct why *why) MUST_USE;

/* The same for an operator's large imports: when the batch is full, waits for the disk once. */
fail emit_bulk(struct host *host, enum topic topic, enum event_type type, uint32_t key, str body,
               struct why *why) MUST_USE;

/* Zeroed memory for a table of up to n entries: costs nothing until touched. Aborts when refused.
 */
void *host_table(size_t entries, size_t entry_bytes);

/* --- settings ----------------------------------------------------------------------------------
 */

struct setting {
    const char *name; /* "answers.grace_s" */
    int64_t min, max, value;
    const char *help;
};
int64_t setting(const struct host *host, const char *name); /* must exist */

/* --- requests ----------------------------------------------------------------------------------
 */

enum who {
    WHO_ANYONE = 1,
    WHO_CANDIDATE = 2,
    WHO_OFFICER = 4,
    WHO_OPERATOR = 8, /* the admin socket: whoever owns the hall's folder */
};

struct req {
    struct host *host;
    void *state; /* the service's */
    const struct route *route;
    struct arena *arena; /* this request's memory, gone after the reply */
    struct why *why;
    instant now;
    str method, path, query;
    str params[3]; /* the `:name` segments, in order */
    str raw_body;
    const struct json *body; /* checked against route->takes; NULL without a body */
    str idempotency_key;
    bool gzip_ok;
    enum who who;     /* which of the route's classes let this request in */
    uint32_t subject; /* candidate or officer */
    uint32_t epoch;
    /* the reply: 200 with JSON from `out` unless said otherwise */
    unsigned status;
    const char *type; /* Content-Type */
    struct out *out;
    struct out *headers; /* more header lines, each with its CRLF */
    struct job *job;     /* set by req_later */
    str sign_line;       /* set by req_sign */
    size_t sign_at;
};

typedef fail (*handler_fn)(struct req *req);

struct route {
    const char *method, *path;
    handler_fn handle;
    unsigned who; /* enum who, ORed */
    const char *summary;
    /* Members of the body, "roll:string code:string minutes:integer? rows:array"; `?` may be absent
     * or null; NULL: no body. Anything else is refused before the handler sees it. */
    const char *takes;
    size_t body_bytes_max; /* 0: 16 KiB */
};

/* Typed members of a body already checked by `takes`. Absent: STR_NONE, the default. */
str req_str(const struct req *req, const char *name);
int64_t req_i64(const struct req *req, const char *name, int64_t otherwise);
bool req_bool(const struct req *req, const char *name);
/* One parameter of the query string, percent-decoded in the arena; p NULL when absent. */
str req_query(const struct req *req, const char *name);

/* The attempt in params[0] as a candidate's index. Candidates may name only their own. */
fail req_attempt(const struct req *req, uint32_t *candidate) MUST_USE;
/* The exam named in params[0]. */
fail req_exam(const struct req *req, struct exam **exam, uint32_t *index) MUST_USE;
/* "operator" or the officer's name: who is written into events. */
str req_actor(const struct req *req);

/* Work too long for the loop: `run` is called on the worker thread with nothing shared but what the
 * job holds, then `done` on the loop, as if it were the handler. `return req_later(req, job)`. */
struct job {
    void (*run)(struct job *job);
    fail (*done)(struct req *req, struct job *job);
};
fail req_later(struct req *req, struct job *job);

/* Writes the signature of `line` (keys_sign), in quotes, at the end of `out`: later, by a thread
 * beside the loop, but before the reply leaves. Once a request. Borrows line until the reply is
 * written. */
void req_sign(struct req *req, str line);

/* --- the service -------------------------------------------------------------------------------
 */

struct service {
    const char *name, *purpose;
    struct {
        const struct setting *rows;
        size_t count;
    } settings;
    struct {
        const struct route *rows;
        size_t count;
    } routes;
    size_t state_bytes;
    unsigned topics; /* TOPIC_BITs it follows */
    bool reads_book; /* host->book */
    /* May be NULL, as all below. Log and clock open later: nothing may be asked of them here. */
    fail (*open)(void *state, struct host *host, struct why *why);
    void (*apply)(void *state, const struct record *record);
    /* About ten times a second; may emit. Work of more than a millisecond is done in steps: true
     * says that there is more, and is asked again when those who wait have had a turn. */
    bool (*tick)(void *state, struct host *host, instant now);
    void (*metrics)(void *state, struct out *out); /* Prometheus lines beyond the framework's own */
    void (*close)(void *state);
};

extern const struct service *const services[]; /* svc/services.c; ends with NULL */
