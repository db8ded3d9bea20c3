/* prices.c - see prices.h. The packed list is taken in as it is; the Makefile knows the dependency.
 */
#include "platform/prices.h"

#include "codec/decimal.h"
#include "codec/json.h"

#include <stdio.h>
#include <time.h>

#define KIND          "examhall-prices-1"
#define MACHINES_MAX  1000
#define MICROS_DIGITS 6
#define DAY_MS        (24 * 3600 * 1000LL)

__asm__(".pushsection .rodata\nprices_aws_begin:\n.incbin \"deploy/prices/aws.json\"\n"
        "prices_aws_end:\n.byte 0\n.popsection\n");
extern const char prices_aws_begin[], prices_aws_end[];

static const char *const list_names[PRICE_LISTS] = { "nodes", "brokers", "databases" };

str prices_packed(void)
{
    return str_of(prices_aws_begin, (size_t)(prices_aws_end - prices_aws_begin));
}

/* --- parts --------------------------------------------------------------------------------------
 */

/* "0.357" to 357000; at most a million. */
static fail read_micros(const struct json *object, const char *name, int64_t *micros,
                        struct why *why)
{
    struct decimal d;
    str text = STR_NONE;
    fail f = json_str(object, name, true, &text, why);
    if (f)
        return f;
    if (!decimal_parse(text, &d) || d.scale > MICROS_DIGITS || d.mantissa < 0 ||
        d.mantissa > 1000000000000LL)
        return fail_set(why, FAIL_INPUT,
                        "The member \"%s\" is \"%.*s\", but must be an amount such as \"0.357\", "
                        "with at most %d digits behind the point.",
                        name, STR_ARG(str_first(text, 40)), MICROS_DIGITS);
    *micros = d.mantissa;
    for (int scale = d.scale; scale < MICROS_DIGITS; scale++)
        *micros *= 10;
    return *micros <= 1000000000000LL
               ? FAIL_NONE
               : fail_set(why, FAIL_INPUT, "The member \"%s\" is over a million.", name);
}

static fail member(const struct json *root, const char *name, enum json_type type,
                   const struct json **value, struct why *why)
{
    *value = json_get(root, str_z(name));
    if (!*value)
        return fail_set(why, FAIL_INPUT, "The member \"%s\" is missing.", name);
    return (*value)->type == type ? FAIL_NONE
                                  : fail_set(why, FAIL_INPUT, "The member \"%s\" must be %s.", name,
                                             type == JSON_OBJECT ? "an object" : "a list");
}

static fail read_machine(const struct json *node, bool broker, struct price_machine *machine,
                         struct why *why)
{
    static const char *const names[] = { "name",     "vcpu",       "memory_gib",
                                         "per_hour", "partitions", NULL };
    fail f = json_str(node, "name", true, &machine->name, why);
    if (!f)
        f = json_only(node, names, why);
    if (!f)
        f = json_i64(node, "vcpu", true, 1, 1024, &machine->vcpu, why);
    if (!f)
        f = json_i64(node, "memory_gib", true, 1, 65536, &machine->memory_gib, why);
    if (!f)
        f = read_micros(node, "per_hour", &machine->micros_per_hour, why);
    if (!f)
        f = json_i64(node, "partitions", broker, 1, 100000, &machine->partitions, why);
    return f;
}

static fail read_list(struct prices *prices, const struct json *root, enum price_list list,
                      struct arena *arena, struct why *why)
{
    const struct json *nodes;
    fail f = member(root, list_names[list], JSON_ARRAY, &nodes, why);
    if (!f && nodes->count > MACHINES_MAX)
        f = fail_set(why, FAIL_INPUT, "The list \"%s\" is longer than %d.", list_names[list],
                     MACHINES_MAX);
    if (f)
        return f;
    struct price_machine *machines = arena_many(arena, struct price_machine, nodes->count + 1);
    if (!machines)
        return fail_set(why, FAIL_LIMIT, "The price list is too large.");
    prices->machines[list] = machines;
    for (const struct json *node = nodes->first; node && !f; node = node->next) {
        size_t i = prices->counts[list]++;
        f = why_add(why, read_machine(node, list == PRICE_BROKERS, &machines[i], why),
                    "%s, the %zu. entry", list_names[list], i + 1);
    }
    return f;
}

/* A real day that is not after today, in UTC. */
static fail check_day(str day, instant now, struct why *why)
{
    struct tm tm = { 0 };
    char z[16];
    if (day.n != 10)
        return fail_set(why, FAIL_INPUT, "The member \"as_of\" must be a day such as 2027-01-22.");
    memcpy(z, day.p, day.n);
    z[day.n] = '\0';
    const char *end = strptime(z, "%Y-%m-%d", &tm);
    int day_of_month = tm.tm_mday;
    time_t at = end && !*end ? timegm(&tm) : -1;
    if (at <= 0 || tm.tm_mday != day_of_month)
        return fail_set(why, FAIL_INPUT, "The member \"as_of\" must be a day such as 2027-01-22.");
    if ((instant)at * 1000 > now + DAY_MS)
        return fail_set(why, FAIL_INPUT,
                        "Its day (as_of) is %s, in the future: correct it, or set this machine's "
                        "clock.",
                        z);
    return FAIL_NONE;
}

static fail read_head(struct prices *prices, const struct json *root, instant now, struct why *why)
{
    str kind = STR_NONE;
    fail f = json_str(root, "kind", true, &kind, why);
    if (!f && !str_eq(kind, STR(KIND)))
        f = fail_set(why, FAIL_INPUT, "Its kind is \"%.*s\", and not " KIND ".",
                     STR_ARG(str_first(kind, 60)));
    if (!f)
        f = json_str(root, "as_of", true, &prices->as_of, why);
    if (!f)
        f = check_day(prices->as_of, now, why);
    if (!f)
        f = json_str(root, "source", true, &prices->source, why);
    if (!f)
        f = json_str(root, "currency", true, &prices->currency, why);
    if (!f)
        f = json_i64(root, "spot_percent", true, 1, 100, &prices->spot_percent, why);
    if (!f)
        f = json_i64(root, "io_optimized_percent", true, 1, 1000, &prices->io_optimized_percent,
                     why);
    return f;
}

static fail read_amounts(struct prices *prices, const struct json *root, struct why *why)
{
    const struct json *hour, *month;
    fail f = member(root, "per_hour", JSON_OBJECT, &hour, why);
    if (!f)
        f = member(root, "per_gib_month", JSON_OBJECT, &month, why);
    if (!f)
        f = member(root, "region_percent", JSON_OBJECT, &prices->regions, why);
    if (!f)
        f = read_micros(hour, "cluster", &prices->cluster, why);
    if (!f)
        f = read_micros(hour, "nat_gateway", &prices->nat_gateway, why);
    if (!f)
        f = read_micros(hour, "load_balancer", &prices->load_balancer, why);
    if (!f)
        f = read_micros(month, "broker_storage", &prices->broker_storage, why);
    if (!f)
        f = read_micros(month, "node_disk", &prices->node_disk, why);
    return f;
}

fail prices_parse(struct prices *prices, str text, instant now, struct arena *arena,
                  struct why *why)
{
    static const char *const names[] = {
        "kind",     "as_of",         "source",       "currency",
        "per_hour", "per_gib_month", "spot_percent", "io_optimized_percent",
        "nodes",    "brokers",       "databases",    "region_percent",
        NULL
    };
    struct json *root;
    *prices = (struct prices){ 0 };
    fail f = json_parse(&root, text, arena, why);
    if (!f)
        f = read_head(prices, root, now, why);
    if (!f)
        f = json_only(root, names, why);
    if (!f)
        f = read_amounts(prices, root, why);
    for (int list = 0; list < PRICE_LISTS && !f; list++)
        f = read_list(prices, root, list, arena, why);
    return f;
}

/* --- asking -------------------------------------------------------------------------------------
 */

fail prices_machine(const struct prices *prices, enum price_list list, str name,
                    const struct price_machine **machine, struct why *why)
{
    for (size_t i = 0; i < prices->counts[list]; i++)
        if (str_eq(prices->machines[list][i].name, name)) {
            *machine = &prices->machines[list][i];
            return FAIL_NONE;
        }
    return fail_set(why, FAIL_MISSING,
                    "the price list of %.*s has no %.*s; add it to \"%s\" (see deploy/prices), or "
                    "name another list with --prices",
                    STR_ARG(prices->as_of), STR_ARG(str_first(name, 60)), list_names[list]);
}

fail prices_region(const struct prices *prices, str region, int64_t *percent, struct why *why)
{
    char z[64];
    snprintf(z, sizeof(z), "%.*s", STR_ARG(str_first(region, 60)));
    if (!json_get(prices->regions, region))
        return fail_set(why, FAIL_MISSING,
                        "the price list of %.*s says nothing of %s; add it to \"region_percent\" "
                        "(see deploy/prices), or name another list with --prices",
                        STR_ARG(prices->as_of), z);
    return json_i64(prices->regions, z, true, 1, 10000, percent, why);
}
