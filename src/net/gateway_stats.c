/* gateway_stats.c - see gateway_stats.h. */
#include "net/gateway_stats.h"

static uint64_t get(const gateway_count *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

/* Values below 2 * PART have a slot each; above, the top bits of the value choose it. */
static unsigned slot_of(uint64_t us)
{
    if (us < 2 * GATEWAY_HIST_PART)
        return (unsigned)us;
    unsigned octave = 63 - (unsigned)__builtin_clzll(us / GATEWAY_HIST_PART);
    uint64_t slot = octave * GATEWAY_HIST_PART + (us >> octave);
    return (unsigned)MIN(slot, GATEWAY_HIST_SLOTS - 1);
}

static int64_t slot_top_us(unsigned slot)
{
    if (slot < 2 * GATEWAY_HIST_PART)
        return slot;
    unsigned octave = slot / GATEWAY_HIST_PART - 1;
    uint64_t part = slot - octave * GATEWAY_HIST_PART;
    return (int64_t)(((part + 1) << octave) - 1);
}

void gateway_stats_latency(struct gateway_row *row, enum gateway_class class, int64_t us)
{
    uint64_t value = us < 0 ? 0 : (uint64_t)us;
    gateway_stats_add(&row->latency[class][slot_of(value)], 1);
    gateway_stats_add(&row->latency_us_total[class], value);
    gateway_stats_add(&row->replied[class], 1);
}

static unsigned rows_of(const struct gateway_stats *stats)
{
    return (unsigned)MIN(atomic_load(&stats->rows_used), GATEWAY_ROWS_MAX);
}

static uint64_t slot_sum(const struct gateway_stats *stats, enum gateway_class class, unsigned slot)
{
    uint64_t sum = 0;
    unsigned rows = rows_of(stats);
    for (unsigned i = 0; i < rows; i++)
        sum += get(&stats->rows[i].latency[class][slot]);
    return sum;
}

void gateway_stats_slots(const struct gateway_stats *stats, enum gateway_class class,
                         uint64_t slots[static GATEWAY_HIST_SLOTS])
{
    for (unsigned slot = 0; slot < GATEWAY_HIST_SLOTS; slot++)
        slots[slot] = slot_sum(stats, class, slot);
}

int64_t gateway_slots_quantile_us(const uint64_t slots[static GATEWAY_HIST_SLOTS],
                                  unsigned per_mille)
{
    uint64_t count = 0, seen = 0;
    unsigned slot = 0;
    for (unsigned i = 0; i < GATEWAY_HIST_SLOTS; i++)
        count += slots[i];
    if (!count)
        return 0;
    uint64_t rank = MAX((count * per_mille + 999) / 1000, 1);
    while (slot < GATEWAY_HIST_SLOTS - 1 && (seen += slots[slot]) < rank)
        slot++;
    return slot_top_us(slot);
}

int64_t gateway_stats_quantile_us(const struct gateway_stats *stats, enum gateway_class class,
                                  unsigned per_mille)
{
    uint64_t slots[GATEWAY_HIST_SLOTS];
    gateway_stats_slots(stats, class, slots);
    return gateway_slots_quantile_us(slots, per_mille);
}

/* The sum over reactors of the count that lies `at` bytes into a row. */
static uint64_t row_sum(const struct gateway_stats *stats, size_t at)
{
    uint64_t sum = 0;
    unsigned rows = rows_of(stats);
    for (unsigned i = 0; i < rows; i++)
        sum += get((const gateway_count *)((const char *)&stats->rows[i] + at));
    return sum;
}

uint64_t gateway_stats_connections(const struct gateway_stats *stats)
{
    return row_sum(stats, offsetof(struct gateway_row, open));
}

uint64_t gateway_stats_requests(const struct gateway_stats *stats)
{
    uint64_t sum = 0;
    for (unsigned c = 0; c < GATEWAY_CLASSES; c++)
        sum += row_sum(stats, offsetof(struct gateway_row, requests) + c * sizeof(gateway_count));
    return sum;
}

#define ROW(name, kind, field, help)                                                               \
    {                                                                                              \
        "examhall_gateway_" name, kind, offsetof(struct gateway_row, field), help                  \
    }
static const struct {
    const char *name, *kind;
    size_t at;
    const char *help;
} metrics[] = {
    ROW("connections", "gauge", open, "Connections open now"),
    ROW("connections_total", "counter", total, "Connections taken"),
    ROW("files_total", "counter", files, "Requests answered from the portal's files"),
    ROW("shed_total", "counter", shed, "Requests answered 503 for want of room"),
    ROW("expired_total", "counter", expired,
        "Requests answered 503 because the hall took too long"),
    ROW("refused_total", "counter", refused, "Requests refused as malformed or too large"),
    ROW("cut_total", "counter", cut, "Connections closed by a deadline"),
    ROW("handshakes_total", "counter", handshakes, "TLS handshakes finished"),
    ROW("handshakes_failed_total", "counter", handshakes_failed, "TLS handshakes that failed"),
    ROW("reconnects_total", "counter", reconnects, "Connections to the hall opened again"),
    ROW("resent_total", "counter", resent, "Requests sent to the hall again"),
    ROW("waiting", "gauge", waiting, "Requests that wait for the hall now"),
};

static void write_head(struct out *out, const char *name, const char *kind, const char *help)
{
    out_fmt(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void write_classes(const struct gateway_stats *stats, struct out *out)
{
    const char *name = "examhall_gateway_requests_total";
    write_head(out, name, "counter", "Requests forwarded to the hall, by class");
    for (unsigned c = 0; c < GATEWAY_CLASSES; c++)
        out_fmt(out, "%s{class=\"P%u\"} %llu\n", name, c,
                (unsigned long long)row_sum(stats, offsetof(struct gateway_row, requests) +
                                                       c * sizeof(gateway_count)));
    name = "examhall_gateway_replies_total";
    write_head(out, name, "counter", "Replies, by kind of status");
    for (unsigned c = 1; c < 6; c++)
        out_fmt(out, "%s{status=\"%uxx\"} %llu\n", name, c,
                (unsigned long long)row_sum(stats, offsetof(struct gateway_row, replies) +
                                                       c * sizeof(gateway_count)));
}

const struct gateway_bucket gateway_buckets[GATEWAY_BUCKETS] = {
    { 1000, "0.001" },  { 2500, "0.0025" }, { 5000, "0.005" },  { 10000, "0.01" },
    { 25000, "0.025" }, { 50000, "0.05" },  { 100000, "0.1" },  { 250000, "0.25" },
    { 500000, "0.5" },  { 1000000, "1" },   { 2500000, "2.5" }, { 5000000, "5" },
    { 10000000, "10" },
};

/* A histogram rather than quantiles: those of several gateways can be added up. */
static void write_latency(const struct gateway_stats *stats, unsigned class, const char *name,
                          struct out *out)
{
    uint64_t count = 0;
    unsigned slot = 0;
    for (size_t i = 0; i < GATEWAY_BUCKETS; i++) {
        while (slot < GATEWAY_HIST_SLOTS && slot_top_us(slot) <= gateway_buckets[i].us)
            count += slot_sum(stats, class, slot++);
        out_fmt(out, "%s_bucket{class=\"P%u\",le=\"%s\"} %llu\n", name, class,
                gateway_buckets[i].le, (unsigned long long)count);
    }
    while (slot < GATEWAY_HIST_SLOTS)
        count += slot_sum(stats, class, slot++);
    uint64_t us = row_sum(stats, offsetof(struct gateway_row, latency_us_total) +
                                     class * sizeof(gateway_count));
    out_fmt(out,
            "%s_bucket{class=\"P%u\",le=\"+Inf\"} %llu\n%s_sum{class=\"P%u\"} %.6f\n"
            "%s_count{class=\"P%u\"} %llu\n",
            name, class, (unsigned long long)count, name, class, (double)us / 1e6, name, class,
            (unsigned long long)count);
}

static void write_latencies(const struct gateway_stats *stats, struct out *out)
{
    const char *name = "examhall_gateway_latency_seconds";
    write_head(out, name, "histogram", "Complete request to reply handed to the kernel, by class");
    for (unsigned c = 0; c < GATEWAY_CLASSES; c++)
        write_latency(stats, c, name, out);
}

void gateway_stats_write(const struct gateway_stats *stats, struct out *out)
{
    for (size_t i = 0; i < COUNT(metrics); i++) {
        write_head(out, metrics[i].name, metrics[i].kind, metrics[i].help);
        out_fmt(out, "%s %llu\n", metrics[i].name,
                (unsigned long long)row_sum(stats, metrics[i].at));
    }
    write_classes(stats, out);
    write_latencies(stats, out);
}
