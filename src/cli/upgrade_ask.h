/* upgrade_ask.h - what `examhall upgrade` and `examhall deploy` say to a running supervisor, over
 * `run/serve.sock`, together with the descriptor of the new program; and how that is asked.
 *
 * The supervisor answers with lines of JSON: {"step":...} for each step, at the end one without. */
#pragma once

#include "base/fail.h"
#include "cli/watch.h"

/* The form of what is handed over, and of this: raised when struct handover or what the gateways
 * and the hall are told changes its meaning. Programs with another one are refused. */
#define HANDOVER_LAYOUT 2
/* Programs that share a page of counters must mean the same by its bytes. */
#define UPGRADE_PAGE_FORM (GATEWAY_STATS_MAGIC ^ sizeof(struct gateway_stats))

#define UPGRADE_VERSION_BYTES 64

struct upgrade_ask {
    uint32_t layout;  /* HANDOVER_LAYOUT of the program; first, whatever follows */
    uint32_t history; /* its EVENTS_FORM */
    uint64_t page;    /* its UPGRADE_PAGE_FORM */
    uint32_t undo;    /* 1: no program is given, it is the one before */
    uint32_t watch_s; /* after each process that is replaced; 0: not at all */
    struct watch_limits limits;
    char version[UPGRADE_VERSION_BYTES];
};

/* --- for commands ------------------------------------------------------------------------------
 */

#define UPGRADE_LINE_BYTES 4096

struct upgrade_order {
    const char *dir;    /* of the hall */
    const char *binary; /* NULL: this very program */
    bool undo;
    unsigned watch_s;
    struct watch_limits limits;
    void (*step)(void *ctx, const char *line); /* NULL: nobody watches */
    void *ctx;
};

/* Tries the program, gives it to the supervisor, waits for the last line, which is put into `line`.
 * FAIL_CONFLICT: it is no program that could take over here, nothing has changed. FAIL_MISSING: no
 * hall runs there. */
fail upgrade_order(const struct upgrade_order *order, char line[static UPGRADE_LINE_BYTES],
                   struct why *why) MUST_USE;
