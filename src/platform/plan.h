/* plan.h - from timetable, measured capacity and prices to what an environment needs: each line
 * with its reason, and what binds it.
 *
 * How it reckons, for each service: requests a second at its worst moment (timetable.h) x what one
 * costs (measured.h) = cores; replicas = cores / (what a replica asks for x the share at which
 * autoscaling would add more, `scaling.cpu_percent`). That share is the reserve: at 60 % two of
 * three zones carry the load of all with 90 %. Memory: connections or candidates x measured bytes,
 * of which four fifths of the limit may be used. Nodes hold what replicas ask for. What was not
 * measured is not made up: without a capacity file those lines say so and `need` is PLAN_UNKNOWN.
 *
 * plan.c reckons, plan_money.c adds nodes, brokers, quotas and money, plan_text.c writes it,
 * plan_spec.c puts it into the spec. */
#pragma once

#include "platform/env.h"
#include "platform/prices.h"
#include "platform/timetable.h"

enum { PLAN_UNKNOWN = -1, PLAN_LINES_MAX = 64, PLAN_MONEY_MAX = 24, PLAN_QUOTAS_MAX = 8 };

struct plan_opts { /* borrows all of it */
    const struct env *env;
    const struct measured *measured; /* NULL: there is no capacity file */
    const struct prices *prices;
    const struct timetable *timetable;
    const struct habits *habits;
};

struct plan_line {
    str what, path;          /* "replicas of answers"; the key below the environment, or p NULL */
    int64_t now;             /* what the spec gives; PLAN_UNKNOWN: it says nothing */
    int64_t need;            /* of the same unit */
    str now_text, need_text; /* where they are no numbers: an instance class */
    bool given;              /* not reckoned: as the spec has it */
    const char *binding;     /* which constraint asked for so many */
    str reason;
};

struct plan_service { /* what scaling needs to know of each */
    str name, pool;
    int64_t from, to, need; /* replicas; need: at least `from` */
    int64_t ready;          /* that stand ready for a shift: one above `from` at least, so that
                             * autoscaling has somewhere to go; of what nobody asks, the spec's */
    int64_t milli, bytes;   /* what one asks for; bytes: what it needs, if that is more */
};

struct plan_money {
    str what, reason;
    int64_t micros_per_hour, hours; /* hours: within a month */
    int64_t micros;                 /* in a month with all shifts */
    bool standing;                  /* also without an exam */
};

struct plan_quota {
    const char *code, *name;
    int64_t need, usual; /* what a new account has */
};

enum { PLAN_SERVICES_MAX = 32 };

struct plan {
    const struct plan_opts *opts;
    struct arena *arena;
    struct timetable_peak peaks[ASKED_KINDS], worst; /* worst: of all the hall together */
    double cores;                                    /* at the worst moment, gateway included */
    struct plan_line lines[PLAN_LINES_MAX];
    struct plan_service services[PLAN_SERVICES_MAX];
    struct plan_money money[PLAN_MONEY_MAX];
    struct plan_quota quotas[PLAN_QUOTAS_MAX];
    unsigned line_count, service_count, money_count, quota_count;
    unsigned writable;                     /* of those that lack: what plan_into_spec can mend */
    unsigned lacking;                      /* lines where the spec gives less than is needed */
    const struct plan_line *tightest;      /* with the largest need / now; NULL: nothing is known */
    int64_t shift_hours;                   /* in which capacity stands ready, all shifts together */
    int64_t standing_micros, shift_micros; /* a month without an exam; what the shifts add */
    int64_t spec_shift_micros;             /* what they would add with the spec's replicas */
};

/* FAIL_MISSING: a price is not on the list. Everything lies in the arena. */
fail plan_make(struct plan *plan, const struct plan_opts *opts, struct arena *arena,
               struct why *why) MUST_USE;
void plan_text(struct out *out, const struct plan *plan);
void plan_json(struct out *out, const struct plan *plan);
/* The spec's text with the plan in the environment: replicas, the pool's size, partitions, class.
 * Every other byte stays. FAIL_CONFLICT says what to write by hand, and where. */
fail plan_into_spec(const struct plan *plan, str *result, struct why *why) MUST_USE;

/* --- for the parts -----------------------------------------------------------------------------
 */

struct plan_line *plan_line(struct plan *plan, str what, const char *path, int64_t now,
                            int64_t need);
fail plan_nodes_and_money(struct plan *plan, struct why *why) MUST_USE;
/* Nodes of one pool that hold what stands ready for a shift, or what the spec's `to` asks for. */
int64_t plan_nodes(const struct plan *plan, const char *pool, const struct price_machine *machine,
                   bool as_the_spec_says, const char **binding);
int64_t plan_ceil(double a, double b); /* of a / b; what is a hair above a whole number is that */
