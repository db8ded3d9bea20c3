/* reactor.h - one thread's part of the gateway: its loop, its connections, its pipes to the hall.
 *
 * The parts, in the order a request meets them: reactor.c (loop, accepting, deadlines),
 * conn_table.c (a connection's place and phase), conn.c (its bytes in), classes.c (where to),
 * files.c (the portal), health.c (probes) or pipe.c (the hall), problem.c (our own refusals),
 * conn_out.c (the reply).
 * A reactor shares nothing with another but counters.
 *
 * A connection at rest is one struct conn of 64 bytes: no buffer, no timer. Buffers exist only
 * while something is half done. */
#pragma once

#include "codec/http.h"
#include "net/classes.h"
#include "net/gateway.h"
#include "net/net.h"
#include "net/tls.h"

#define SCRATCH_BYTES      (64 * KIB)
#define PIPE_SCRATCH_BYTES (256 * KIB)
#define CIPHER_STEP        (32 * KIB) /* so much is encrypted ahead of a socket */
#define HANDSHAKES_MAX     8          /* in one round, about 3 ms of them */
#define HANDSHAKES_WAIT    64         /* with so many in the queue nobody else is let into it */
#define NO_CONN            UINT32_MAX

/* What an event's tag says it is about: kind in the top byte; for a connection its generation (24
 * bits) and number, so that a late event never reaches the next one in the same place. */
#define TAG_KIND  (0xffull << 56)
#define TAG_PLAIN (1ull << 56)
#define TAG_TLS   (2ull << 56)
#define TAG_STOP  (3ull << 56)
#define TAG_PIPE  (4ull << 56)
#define TAG_LEAVE (5ull << 56)
#define TAG_PROBE (6ull << 56)

/* Each phase but the first two has a deadline, and a list in the order of these deadlines: all of a
 * phase take equally long, so the first to enter is the first to be late. */
enum phase {
    PHASE_FREE,
    PHASE_WAIT,      /* the hall has its request; the pipe watches the time */
    PHASE_HANDSHAKE, /* TLS is not there yet */
    PHASE_IDLE,      /* between requests */
    PHASE_HEAD,      /* part of a head is here */
    PHASE_BODY,      /* the head is here, the body is not */
    PHASE_WRITE,     /* a reply is not gone yet */
    PHASE_LINGER,    /* refused; what still comes is thrown away */
    PHASE_COUNT
};

enum {
    CONN_READABLE = 1, /* the socket may have more than we read */
    CONN_ENDED = 2,    /* the client sends no more */
    CONN_LAST = 4,     /* close after this reply */
    CONN_REFUSED = 8,  /* and linger before */
    CONN_TLS = 16,
    CONN_HEAD = 32,   /* the request is a HEAD: its reply goes without body */
    CONN_QUEUED = 64, /* its handshake waits for its turn */
    CONN_PROBE = 128, /* of probe_fd */
};

enum { DOOR_TLS = 1, DOOR_PLAIN = 2, DOOR_PROBE = 4, DOORS_ALL = 7 };

struct conn_in {
    size_t n, cap;
    size_t need;   /* the whole request, once its head is known */
    size_t marked; /* n when the deadline was last set */
    char bytes[];
};

/* So much of half-sent replies is kept for clients that read slowly; who comes then is cut. */
#define KEPT_BYTES_MAX (512 * MIB)

/* What of a reply is not gone: with TLS `parts` are still to be encrypted, `cipher` is not. */
struct conn_out {
    struct iovec parts[2], cipher;
    char *owned[3]; /* the memory of each, when it is ours */
    size_t sent;    /* since the deadline was last set */
    size_t kept;    /* how many bytes that memory was, at first */
};

struct conn {
    struct tls_session *session;
    struct conn_in *in;
    struct conn_out *out;
    uint32_t next, prev;  /* in its phase's list, or the next free */
    uint32_t deadline_ms; /* on the reactor's clock */
    uint32_t generation;  /* tells this connection from earlier ones in the same place */
    int handle;
    uint8_t phase, flags;
    unsigned char peer[16];
};
_Static_assert(sizeof(struct conn) == 64, "a connection at rest is one cache line");

/* A request in a pipe. The client may be gone: then its generation has moved on. One that was
 * answered 503 meanwhile has conn NO_CONN: its client may be waiting for something else by now. */
struct ask {
    int64_t at_us;
    uint32_t conn, generation;
    uint32_t bytes;
    uint8_t sends;
    bool skipped; /* its client was gone before it was its turn: never sent, no reply comes */
};

/* One connection to the hall. `bytes` from `start` to `end` are the asks, one behind the other. */
struct pipe {
    struct ask *asks; /* a ring */
    uint32_t ask_cap, first, count;
    uint32_t expired; /* so many of the first were answered 503 already */
    char *bytes;
    size_t cap, start, sent, end;
    struct out in; /* the beginning of a reply */
    int handle;    /* -1: not connected */
    bool blocked;  /* the socket is full */
    bool was_up;
    uint32_t open, skipped; /* so many of the first are with the hall, but for the skipped */
    size_t limit;           /* where their bytes end: more is not sent yet */
    enum gateway_class class;
    int64_t retry_at_us;
};

struct list {
    uint32_t first, last;
};

/* Handshakes that have bytes to go on with, in the order they came. One costs as much as fifty
 * saves, so a round does a few of them, after everything else: who is in does not wait for who
 * comes. */
struct handshakes {
    struct {
        uint32_t conn, generation;
    } * ring;
    uint32_t cap, first, count;
};

struct reactor {
    struct net *net;
    const struct gateway_opts *opts;
    struct gateway_limits limits;
    struct gateway_row *row;
    struct tls *tls; /* NULL without a TLS listener */
    int64_t start_us, now_us;

    struct conn *conns;                       /* conn_max places; */
    uint32_t conn_max, conn_used, open, free; /* those used ever; now; the first free one */
    struct list lists[PHASE_COUNT];
    struct handshakes handshakes;

    struct pipe pipes[GATEWAY_CLASSES];
    uint32_t waiting;     /* asks in all pipes */
    size_t waiting_bytes; /* and their bytes */
    size_t kept_bytes;    /* of replies that are not gone yet */

    bool stopping, leaving;
    unsigned doors;         /* where we listen: DOOR_TLS and so on */
    unsigned doors_refused; /* where we would, but the kernel had no memory for it */
    int64_t accept_at_us;   /* not before: there were no descriptors */
    int64_t drain_at_us;
    int64_t leave_at_us; /* while leaving: when the next connection may be let go */
    int64_t reply_us;    /* what a reply took of late: a moving mean of the last sixteen or so */

    char *scratch;      /* what a socket gave */
    char *plain;        /* what TLS made of it */
    char *step;         /* head and body together, on the way into TLS */
    char *pipe_scratch; /* what the hall gave */
};

/* -- reactor.c -- */
/* Keeps net, opts, tls; row is where it counts. `limits` are opts' with defaults filled in. */
void reactor_init(struct reactor *reactor, struct net *net, const struct gateway_opts *opts,
                  const struct gateway_limits *limits, unsigned conn_max, struct tls *tls,
                  struct gateway_row *row);
void reactor_fini(struct reactor *reactor); /* closes every connection */
/* Waits for events at most timeout_ms (less when a deadline is near), serves them, sends what
 * gathered. False when it was told to stop and is done. */
bool reactor_round(struct reactor *reactor, int timeout_ms);
void reactor_stop(struct reactor *reactor); /* finish what is in flight, take nothing new */
/* Take nothing new, serve on, let each connection go at its next reply. */
void reactor_leave(struct reactor *reactor);
/* Is this the last reply of a connection? Each true while leaving counts as one let go. */
bool reactor_lets_go(struct reactor *reactor);
void reactor_handshake(struct reactor *reactor, uint32_t number); /* go on with it, in its turn */
uint32_t reactor_now_ms(const struct reactor *reactor);
void gateway_log(const struct gateway_opts *opts, const char *level, const char *event,
                 const char *format, ...) PRINTF(4, 5);

/* -- conn_table.c: places, phases, beginning and end -- */
uint64_t conn_tag(uint32_t number, const struct conn *conn);
struct conn *conn_at(const struct reactor *reactor, uint32_t number);
bool conn_waits(const struct reactor *reactor, uint32_t number, uint32_t generation);
bool conn_listens(const struct conn *conn); /* we want to read from it */
uint32_t conn_phase_ms(const struct reactor *reactor, enum phase phase);
/* Enters the phase anew, also when it is the present one: its deadline starts again. */
void conn_enter(struct reactor *reactor, uint32_t number, enum phase phase);
/* `flags`: CONN_TLS, CONN_PROBE or none. */
void conn_open(struct reactor *reactor, int handle, const unsigned char peer[16], unsigned flags);
void conn_close(struct reactor *reactor, uint32_t number);
void conn_in_free(struct conn *conn);
void conn_out_free(struct reactor *reactor, struct conn *conn);
/* Sends what TLS wants sent, in one go or not at all: it is small and the socket is empty. */
bool conn_tls_flush(struct reactor *reactor, struct conn *conn);

/* -- conn.c: after each of these the connection may be gone -- */
void conn_event(struct reactor *reactor, uint32_t number, unsigned what);
void conn_handshake(struct reactor *reactor, uint32_t number); /* its turn has come */
void conn_late(struct reactor *reactor, uint32_t number);      /* its phase's deadline has passed */
void conn_continue(struct reactor *reactor, uint32_t number);  /* with what came meanwhile */

/* -- conn_out.c: after each of these the connection may be gone -- */
/* A whole reply: head and body, or both in `head`. `lives`: the body's bytes stay for ever and need
 * no copy. The last reply of a connection gets a line that says so. */
void conn_reply(struct reactor *reactor, uint32_t number, unsigned status, str head, str body,
                bool lives);
void conn_send_on(struct reactor *reactor, uint32_t number, struct conn_out *out, bool lives);
/* A problem as the last reply: what the client still sends is not looked at. */
void conn_refuse(struct reactor *reactor, uint32_t number, unsigned status, const char *text);

/* -- pipe.c -- */
void pipe_init(struct pipe *pipe, enum gateway_class class, size_t reply_bytes_max);
void pipe_fini(struct reactor *reactor, struct pipe *pipe);
/* Takes a request into the pipe; false: no room for its class now. */
bool pipe_ask(struct reactor *reactor, const struct class_rule *rule, uint32_t number,
              const struct http_head *head, str body);
/* When who was turned away should ask again: in a second. But what nobody's time depends on,
 * results and the like, waits until the queue that is there now has gone twice, at most 12 s:
 * or those who ask again would keep the hall from answering the others. */
unsigned pipe_again_s(const struct reactor *reactor, enum gateway_class class);
void pipe_event(struct reactor *reactor, struct pipe *pipe, unsigned what);
void pipe_poll(struct reactor *reactor, struct pipe *pipe);  /* takes what replies are there */
void pipe_flush(struct reactor *reactor, struct pipe *pipe); /* connects if need be, and sends */
void pipe_expire(struct reactor *reactor, struct pipe *pipe);

/* -- health.c -- */
/* What the gateway says of itself: /-/live and /-/started, and /-/ready when health_knows_ready. */
void health_reply(struct reactor *reactor, uint32_t number, const struct http_head *head);
bool health_knows_ready(const struct reactor *reactor);
void health_hall_seen(const struct reactor *reactor); /* it has answered */
/* On probe_fd: the same, and /metrics; nothing else is there. False: it is to be asked the hall. */
bool probe_reply(struct reactor *reactor, uint32_t number, const struct http_head *head);

/* -- files.c, problem.c -- */
void files_reply(struct reactor *reactor, uint32_t number, const struct http_head *head);
void problem_reply(struct reactor *reactor, uint32_t number, unsigned status, const char *detail);
void problem_shed(struct reactor *reactor, uint32_t number, unsigned again_s); /* 503 */
bool accepts_gzip(const struct http_head *head);
