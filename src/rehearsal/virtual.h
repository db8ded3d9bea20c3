/* virtual.h - one virtual candidate: what the person and the portal before it would do next.
 *
 * Pure decisions: no socket, no clock, no global state. The agent (agent.c) asks when it next wants
 * to act, what it then sends, and tells it what came back. All instants are monotonic microseconds.
 *
 * The model is open: when a candidate acts follows from its own schedule, never from how fast the
 * hall answers. A page has one request in flight; an action that falls due meanwhile waits, but its
 * latency counts from when it was due. Time that we planned to be without a network does not count.
 *
 * Order: OUT, WAIT until the start, READY, RUN, SUBMIT, RECEIPT, DONE; PAPER is before RUN where
 * the paper is too large to come with the start; a return to the page goes through RESUME, a new
 * device through OUT again, FORM, PAPER and RESUME, and so does who never heard the answer to the
 * start, from FORM. RESULT and CHECK begin when the agent says so. */
#pragma once

#include "codec/http.h"
#include "rehearsal/board.h"
#include "rehearsal/ledger.h"
#include "sys/chance.h"

enum { COOKIE_BYTES_MAX = 96, SECOND_US = 1000000 };
#define NEVER_US INT64_MAX

struct plan { /* what all candidates of a run have in common; read-only while it runs */
    uint64_t seed;
    uint32_t candidates;
    int64_t begin_us, ramp_us, save_every_us;
    int64_t start_spread_us; /* from being allowed to start to doing it */
    int64_t sitting_us;      /* they submit within this of their start, and */
    int64_t end_us;          /* before this instant, even if the hall gives them more */
    int64_t submit_us;       /* the length of the window before, in which they submit */
    int64_t look_after_us;   /* who has submitted looks again so often; 0: never */
    int64_t result_us;       /* in so much time everybody asks for the result, */
    unsigned results;        /* so often */
    double drops_per_us;     /* of each candidate while it sits */
    const uint32_t *keys;    /* marks.h: what scoring must make of choices; NULL: not known */
    bool scored;             /* the check asks for the response sheet; else for the answers */
    str origin, host;        /* "https://127.0.0.1:8443" and its host part */
};

enum stage {
    STAGE_OUT,
    STAGE_WAIT,
    STAGE_READY,
    STAGE_FORM,
    STAGE_PAPER,
    STAGE_RESUME,
    STAGE_RUN,
    STAGE_SUBMIT,
    STAGE_RECEIPT,
    STAGE_DONE,
    STAGE_RESULT,
    STAGE_CHECK,
    STAGE_END
};

struct virtual
{
    str roll, code; /* borrowed from the roster */
    uint32_t number, attempt, seq;
    uint16_t turn; /* sign-ins answered */
    uint16_t place;
    uint8_t stage, asked, tries, results;
    bool in_flight, pending, started, late, sign_in_abandoned, overdue;
    bool fresh; /* has the form with the start, and nothing recorded */
    uint16_t pending_item;
    char cookie[COOKIE_BYTES_MAX];
    uint64_t dice; /* state of its chance */
    struct ledger ledger;
    int64_t due_us;        /* when the next action was meant to happen */
    int64_t not_before_us; /* no network, or backing off */
    int64_t sent_us;
    int64_t press_us; /* when it means to press Start */
    int64_t ends_us, save_us, heartbeat_us, submit_us, drop_us;
};

/* What one agent's candidates share while it handles them. */
struct stand {
    const struct plan *plan;
    uint32_t first, count; /* the candidates' numbers */
    struct entry *entries; /* of all their ledgers; NULL until the paper is known */
    struct paper *paper;
    struct board *board;
    const struct orders *orders;
    struct arena *arena; /* reset after each reply */
};

/* The at-th, from 0, of so many who sign in one after another over the whole ramp. */
struct sign_in_turn {
    uint32_t at, of;
};

void virtual_init(struct virtual *v, const struct plan *plan, uint32_t number,
                  struct sign_in_turn turn, str roll, str code);
int64_t virtual_wake(const struct virtual *v); /* when it wants to be called next */

enum doing {
    DO_NOTHING,
    DO_SEND,  /* the request is in `out` */
    DO_LEAVE, /* the plan takes the network away: close the connection */
    DO_RETRY  /* 30 s without an answer: close the connection, it will ask again */
};
enum doing virtual_act(struct virtual *v, struct stand *stand, int64_t now, struct out *out);
void virtual_reply(struct virtual *v, struct stand *stand, int64_t now,
                   const struct http_head *head, str body);
void virtual_lost(struct virtual *v, struct stand *stand, int64_t now); /* the connection broke */
void virtual_results(struct virtual *v, struct stand *stand, int64_t now); /* ask for the result */
void virtual_check(struct virtual *v, struct stand *stand, int64_t now);
void stand_fini(struct stand *stand);
