/* prices.h - a dated list of what machines cost, and how large they are: deploy/prices/aws.json, or
 * one of your own in the same shape (`--prices FILE`).
 *
 * Amounts are millionths of the list's currency ("micros"), so sums are exact. A machine that the
 * list lacks is a failure that names it, never a guess. Members, all needed: kind
 * ("examhall-prices-1"), as_of (YYYY-MM-DD, not in the future), source, currency, region_percent
 * ({region: percent of the amounts below}), spot_percent, io_optimized_percent, per_hour ({cluster,
 * nat_gateway, load_balancer}), per_gib_month ({broker_storage, node_disk}), and nodes, brokers,
 * databases: lists of {name, vcpu, memory_gib, per_hour}; brokers also have partitions, the most
 * that one should hold. Amounts are decimal text, such as "0.357". */
#pragma once

#include "base/arena.h"
#include "base/fail.h"

enum price_list { PRICE_NODES, PRICE_BROKERS, PRICE_DATABASES, PRICE_LISTS };

struct price_machine {
    str name;
    int64_t vcpu, memory_gib, micros_per_hour, partitions;
};

struct prices {
    str as_of, source, currency;
    const struct json *regions;
    int64_t spot_percent, io_optimized_percent;
    int64_t cluster, nat_gateway, load_balancer; /* micros an hour */
    int64_t broker_storage, node_disk;           /* micros for a GiB and a month */
    struct price_machine *machines[PRICE_LISTS];
    size_t counts[PRICE_LISTS];
};

#define PRICES_BYTES_MAX (256 * KIB)
#define HOURS_A_MONTH    730

str prices_packed(void); /* deploy/prices/aws.json, as this program was built with */

/* Borrows text. `now` is for the check of as_of. FAIL_INPUT says which member is wrong. */
fail prices_parse(struct prices *prices, str text, instant now, struct arena *arena,
                  struct why *why) MUST_USE;
/* FAIL_MISSING names the machine, or the region, and where to add it. */
fail prices_machine(const struct prices *prices, enum price_list list, str name,
                    const struct price_machine **machine, struct why *why) MUST_USE;
fail prices_region(const struct prices *prices, str region, int64_t *percent,
                   struct why *why) MUST_USE;
