/* ledger.h - what one virtual candidate sent and what the hall acknowledged, item by item.
 *
 * A save's key is its sign-in's number and its sequence number, so a later key is a later save. A
 * page has one save in flight and repeats it until it is answered, so at most one save of an item
 * can be newer than the acknowledged one: two keys an item say everything, and values follow from
 * keys (answer_make). Eight bytes an item: 450,000 candidates fit in memory. */
#pragma once

#include "rehearsal/paper.h"

enum { LEDGER_SEQ_BITS = 20 };
#define LEDGER_TOLD UINT32_MAX /* acked: a loss was already counted; the next save ends that */

struct entry {
    uint32_t acked, sent; /* keys; 0: none */
};

static inline uint32_t ledger_key(unsigned turn, uint32_t seq)
{
    must(seq < 1u << LEDGER_SEQ_BITS && turn < (1u << (32 - LEDGER_SEQ_BITS)) - 1);
    return turn << LEDGER_SEQ_BITS | seq;
}

static inline uint32_t ledger_seq(uint32_t key)
{
    return key & ((1u << LEDGER_SEQ_BITS) - 1);
}

struct ledger {
    uint64_t who; /* for answer_make */
    unsigned items;
    struct entry *entries; /* from 1; items + 1 of them */
};

enum finding { FOUND_RIGHT, FOUND_LOST, FOUND_FOREIGN };

/* Compares what the hall has of item i with what it must have: the acknowledged answer or the later
 * one that was sent. Lost: an acknowledged answer is neither. Foreign: it has an answer although
 * none like it was sent. */
enum finding ledger_check(const struct ledger *ledger, const struct paper *paper, unsigned i,
                          bool none, str value);
/* Stricter, while the attempt runs: with the sequence number the hall recorded (0: nothing). What
 * the hall shows counts as acknowledged from now on. */
enum finding ledger_learn(struct ledger *ledger, const struct paper *paper, unsigned i,
                          uint32_t seq, bool none, str value);
/* A new sign-in cannot see what the old device did not get through; it must never appear. */
void ledger_forget_unacked(struct ledger *ledger);
/* How many answers the hall must count, at least and at most (a save in flight is in doubt). */
void ledger_answered(const struct ledger *ledger, const struct paper *paper, unsigned *least,
                     unsigned *most);
