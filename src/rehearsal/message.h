/* message.h - what coordinator and agent host tell each other, as bytes.
 *
 *     both         HELLO         who we are; another version is refused
 *     coordinator  PING          a stamp
 *     agent host   PONG          the stamp, and its own clock: clock_offset.h
 *     coordinator  TARGET        the hall, its certificates, how many candidates
 *     coordinator  CREDENTIALS   some of them; again until they are all there
 *     agent host   READY         it reached the hall, and they fit
 *     coordinator  PLAN          when who does what, in the host's clock: the agents start
 *     agent host   STARTED
 *     coordinator  ORDER         phase, faults; PING once a second
 *     agent host   REPORT        after each PING, after a fault is over, and the last after
 * PHASE_STOP either       REFUSE        a sentence for people; the end
 *
 * A report holds everything since the start, so one that is missing does no harm. Histograms go
 * slot by slot, empty ones left out: nothing is rounded on the way. Readers take a peer's bytes,
 * check every bound, and say FAIL_INPUT for what no writer here makes. */
#pragma once

#include "codec/wire.h"
#include "rehearsal/crew.h"

enum message {
    MESSAGE_HELLO = 1,
    MESSAGE_PING,
    MESSAGE_PONG,
    MESSAGE_TARGET,
    MESSAGE_CREDENTIALS,
    MESSAGE_READY,
    MESSAGE_PLAN,
    MESSAGE_STARTED,
    MESSAGE_ORDER,
    MESSAGE_REPORT,
    MESSAGE_REFUSE
};

enum message_role { ROLE_COORDINATOR, ROLE_AGENTS };

struct hello {
    uint8_t role;
    str version; /* of the program, and its digest: both must be the same */
};
struct ping {
    int64_t sent_us;   /* by the asker's clock */
    int64_t theirs_us; /* PONG: by the other's */
};
struct target_message {
    str origin, ca;
    bool ours;             /* see agent_io.h */
    uint32_t first, count; /* the slice */
};
struct report {
    bool last;
    int64_t recovered_us; /* host's clock, as all instants of the board */
    struct effort effort;
    struct board board;
};

/* A peer's words go to a terminal: nothing that moves its cursor. */
bool message_is_shown(str text);

/* Writers fail only when the room in `out` is too small. */
void hello_write(struct wire_out *out, const struct hello *hello);
void ping_write(struct wire_out *out, const struct ping *ping);
void target_write(struct wire_out *out, const struct target_message *target);
/* As many of `count` as fit into a frame; gives how many. */
uint32_t credentials_write(struct wire_out *out, const struct credential *credentials,
                           uint32_t count);
void plan_write(struct wire_out *out, const struct plan *plan);
void order_write(struct wire_out *out, const struct crew_orders *orders);
void report_write(struct wire_out *out, const struct report *report);
void hist_write(struct wire_out *out, const struct hist *hist);

/* Texts borrow from the body. */
fail hello_read(struct hello *hello, str body, struct why *why) MUST_USE;
fail ping_read(struct ping *ping, str body, struct why *why) MUST_USE;
fail target_read(struct target_message *target, str body, struct why *why) MUST_USE;
/* Adds to `credentials`, of which *n of `count` are there; copies the texts into the arena. */
fail credentials_take(struct credential *credentials, uint32_t *n, uint32_t count, str body,
                      struct arena *arena, struct why *why) MUST_USE;
/* All but origin and host, which follow from the target. `keys` has room for PAPER_ITEMS_MAX + 1.
 */
fail plan_read(struct plan *plan, uint32_t *keys, str body, struct why *why) MUST_USE;
fail order_read(struct crew_orders *orders, str body, struct why *why) MUST_USE;
fail report_read(struct report *report, str body, struct why *why) MUST_USE;
bool hist_read(struct hist *hist, struct wire_in *in);
