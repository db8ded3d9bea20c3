/* board.h - what agents tell the coordinator: counters and histograms in memory both can see.
 *
 * One board an agent, in a shared mapping made before the fork; only its agent writes it. The
 * coordinator reads counters at any time (each is atomic) and histograms of a running agent only
 * for the display, where a value that is a moment old does no harm. The verdict is made of boards
 * whose agent has ended. `orders` goes the other way: the coordinator writes, agents read. */
#pragma once

#include "base/hist.h"
#include <stdatomic.h>

/* What a candidate's page asks for; latencies are kept for each. */
enum ask {
    ASK_SIGN_IN,
    ASK_LOOK, /* GET the attempt: waiting for the start, coming back */
    ASK_START,
    ASK_FORM,
    ASK_PAPER,
    ASK_RESUME, /* GET answers */
    ASK_SAVE,
    ASK_HEARTBEAT,
    ASK_SUBMIT,
    ASK_RECEIPT,
    ASK_RESULT,
    ASK_SHEET, /* the response sheet, for the check */
    ASK_KINDS
};
extern const char *const ask_names[ASK_KINDS];

#define BOARD_COUNTERS(X)                                                                          \
    X(connected, "connections open now")                                                           \
    X(signed_in, "candidates that are signed in")                                                  \
    X(started, "candidates that have their paper")                                                 \
    X(submitted, "candidates that have submitted")                                                 \
    X(finished, "candidates that have nothing more to do in this phase")                           \
    X(requests, "requests sent, repeats included")                                                 \
    X(saves_acknowledged, "saves the hall said are recorded")                                      \
    X(requests_failed, "final answers the contract does not expect, or none within 30 s")          \
    X(requests_delayed, "429 and 503 answers: asked again as told")                                \
    X(reconnects, "connections lost not by the plan and made again")                               \
    X(drops, "connections lost by the plan")                                                       \
    X(handshakes, "TLS handshakes")                                                                \
    X(resumed, "of those, with a ticket of an earlier connection")                                 \
    X(sign_ins_again, "sign-ins from another device")                                              \
    X(saves_lost, "acknowledged answers that are not in the record")                               \
    X(saves_foreign, "recorded answers that were never sent")                                      \
    X(checked, "candidates whose record was compared")                                             \
    X(results_seen, "results received in the profile that asks for them")                          \
    X(unchecked, "candidates whose record could not be fetched")                                   \
    X(marks_wrong, "choices whose marks are not what the key says")                                \
    X(receipts_wrong, "receipts without signature or with a wrong count")                          \
    X(local_errors, "out of ports or descriptors on this side")

enum { BOARD_EXAMPLES = 6 };

struct board {
#define X(name, meaning) _Atomic uint64_t name;
    BOARD_COUNTERS(X)
#undef X
    _Atomic int64_t recovered_us; /* first answer to a save sent after orders.killed_us */
    /* Monotonic; when the first start was due (0: none yet), when the last had its paper. */
    _Atomic int64_t first_start_us, last_started_us;
    struct hist latency[ASK_KINDS]; /* from the intended time */
    struct hist calm[ASK_KINDS];    /* of these, what no fault touched, due and answered */
    struct hist lag;                /* how late this side itself was */
    _Atomic unsigned example_count;
    char examples[BOARD_EXAMPLES][240]; /* the first failures, in words */
};

enum phase { PHASE_SIT, PHASE_RESULTS, PHASE_CHECK, PHASE_STOP };

struct orders {
    _Atomic int phase;
    _Atomic int64_t killed_us; /* when the coordinator last broke something; 0: never */
    _Atomic int64_t calm_us;   /* from when on what follows from it is over */
};

void board_example(struct board *board, const char *format, ...) PRINTF(2, 3);
void board_merge(struct board *into, const struct board *from);
void board_clear_counters(struct board *board); /* leaves the histograms */
/* The two halves of board_merge: counters are cheap and wanted at each tick, the histograms of 25
 * agents are 4 MB and wanted once a second. */
void board_merge_counters(struct board *into, const struct board *from);
void board_merge_latencies(struct board *into, const struct board *from); /* and the examples */
