/* verdict.h - from what was counted to one word, and the reasons for it.
 *
 * pass: every objective was met. fail: one was not. void: this side could not do what it was asked,
 * so the run says nothing about the hall; that outranks pass, but never hides a lost answer.
 * Latencies are judged by what no fault touched; the percentiles shown contain the restarts, which
 * is what they are for. */
#pragma once

#include "base/out.h"
#include "platform/objectives.h"
#include "rehearsal/crew.h"
#include "rehearsal/series.h"

enum { FAULTS_MAX = 1000 };

enum fault_kind { FAULT_HALL, FAULT_GATEWAY, FAULT_UPGRADE, FAULT_KINDS };
extern const char *const fault_names[FAULT_KINDS]; /* "hall", "gateway", "upgrade" */

struct fault {
    enum fault_kind kind; /* hall, gateway: kill -9 */
    int64_t at_us;        /* planned: after the begin of the sitting; done: monotonic */
    /* hall, gateway: until the first save sent after it was acknowledged; upgrade: until its
     * end. 0: not seen, or it failed. */
    int64_t back_us;
};

struct outcome {
    struct board total;
    uint32_t candidates;
    uint64_t connected_peak;
    double duration_s;
    bool scored; /* checked against the scored result; else against the answers */
    unsigned agents_died, upgrades_failed;
    uint64_t results_due; /* in the profiles that ask for them */
    struct fault faults[FAULTS_MAX];
    unsigned fault_count, faults_planned;
    uint64_t seed;
    const struct series *series;
    const struct usage *usage;
    const struct crew *crew;   /* the machines of the candidates */
    const char *target, *kept; /* the hall's URL; its folder when it was kept, or NULL */
};

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_VOID };
extern const char *const verdict_names[]; /* "pass", "fail", "void" */
enum { REASONS_MAX = 24 };

struct judgement {
    enum verdict verdict;
    unsigned count;
    char reasons[REASONS_MAX][280];
};

void verdict_judge(struct judgement *judgement, const struct outcome *outcome,
                   const struct objectives *objectives);
void verdict_json(struct out *out, const struct outcome *outcome,
                  const struct judgement *judgement);
/* Only the members that are promised, and the faults: what a certificate holds. */
void verdict_json_promised(struct out *out, const struct outcome *outcome,
                           const struct judgement *judgement);
void verdict_text(struct out *out, const struct outcome *outcome,
                  const struct judgement *judgement);

/* --- its parts ---------------------------------------------------------------------------------
 */

/* The kinds of request that have objectives: enum ask, and the member of struct objectives. */
#define JUDGED_KINDS(X)                                                                            \
    X(SAVE, save)                                                                                  \
    X(SIGN_IN, sign_in)                                                                            \
    X(START, start)                                                                                \
    X(FORM, form)                                                                                  \
    X(HEARTBEAT, heartbeat)                                                                        \
    X(SUBMIT, submit)                                                                              \
    X(RESULT, result)

void verdict_reason(struct judgement *judgement, enum verdict verdict, const char *format, ...)
    PRINTF(3, 4);
/* verdict_generator.c: the machines of the virtual candidates. */
void generator_judge(struct judgement *judgement, const struct outcome *outcome);
int64_t generator_lag_most_us(const struct outcome *outcome);        /* p99; void beyond it */
void generator_json(struct out *out, const struct outcome *outcome); /* ,"agents":[...] */
void generator_text(struct out *out, const struct outcome *outcome);
