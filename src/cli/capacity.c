/* capacity.c - see capacity.h. */
#include "cli/capacity.h"

#include "net/gateway.h"
#include "net/net_ring.h"

#include <stdio.h>

/* Who comes back while the old socket is not known to be dead, officers, load balancers. */
#define SPARE_PERCENT   5
#define SPARE           1000
#define CONNECTIONS_MIN 20000 /* a small roster's gateway is not smaller than this */
#define TABLE_MIN       64    /* fewer descriptors than this serve nobody */
/* What one idle connection costs, measured (docs/performance.md): kernel and struct conn; TLS. */
#define PLAIN_BYTES 4300
#define TLS_BYTES   13600
/* All connect within so many seconds, and the gateway may be away for one: when it starts again. */
#define SPIKE_S 60

static void found(struct capacity *capacity, const char *limit, int64_t is, int64_t needs,
                  const char *set)
{
    if (is < 0 || is >= needs)
        return;
    must(capacity->finding_count < CAPACITY_FINDINGS_MAX);
    struct finding *finding = &capacity->findings[capacity->finding_count++];
    *finding = (struct finding){ .limit = limit, .is = is, .needs = needs };
    snprintf(finding->set, sizeof(finding->set), "%s%lld", set, (long long)needs);
}

/* The hard limit on open files is one of a descriptor table. A reactor's rings hold more clients;
 * without them each reactor has a table of its own, and there are as many as that takes. */
static void plan_reactors(struct capacity *capacity, const struct machine *machine,
                          const struct capacity_need *need)
{
    int64_t cores = need->beside_hall ? MAX(machine->cores / 2, 1) : machine->cores;
    int64_t table = machine->open_files - GATEWAY_DESCRIPTORS_SPARE;
    if (table < TABLE_MIN) {
        found(capacity, "open files", machine->open_files,
              capacity->wanted / GATEWAY_REACTORS_MAX + GATEWAY_DESCRIPTORS_SPARE + TABLE_MIN,
              "ulimit -Hn ");
        capacity->refused = true;
        return;
    }
    int64_t tables = (capacity->wanted + table - 1) / table;
    bool rings = machine->rings && capacity->wanted <= net_ring_most(machine->open_files);
    int64_t reactors = need->reactors ? need->reactors : rings ? cores : MAX(cores, tables);
    capacity->reactors = (unsigned)MIN(MAX(reactors, 1), GATEWAY_REACTORS_MAX);
    capacity->connections = capacity->wanted;
    if (rings)
        return;
    capacity->connections = MIN(capacity->wanted, table * capacity->reactors);
    if (need->reactors && tables <= GATEWAY_REACTORS_MAX)
        found(capacity, "--reactors", need->reactors, tables, "examhall serve --reactors ");
    else
        found(capacity, "open files", machine->open_files,
              (capacity->wanted + capacity->reactors - 1) / capacity->reactors +
                  GATEWAY_DESCRIPTORS_SPARE,
              "ulimit -Hn ");
}

struct capacity capacity_plan(const struct machine *machine, const struct capacity_need *need)
{
    int64_t expected = need->roster + need->roster * SPARE_PERCENT / 100 + SPARE;
    struct capacity capacity = { .wanted = MAX(expected, CONNECTIONS_MIN) };
    plan_reactors(&capacity, machine, need);
    if (capacity.refused)
        return capacity;
    found(&capacity, "fs.file-max", machine->file_max, expected + 8192, "sysctl -w fs.file-max=");
    found(&capacity, "fs.epoll.max_user_watches", machine->epoll_watches, expected,
          "sysctl -w fs.epoll.max_user_watches=");
    found(&capacity, "net.core.somaxconn", machine->somaxconn, need->roster / SPIKE_S,
          "sysctl -w net.core.somaxconn=");
    found(&capacity, "net.ipv4.tcp_mem (its third value)", machine->tcp_pages, expected,
          "sysctl -w net.ipv4.tcp_mem, its third value at least ");
    found(&capacity, "net.netfilter.nf_conntrack_max", machine->conntrack_max, expected * 2,
          "sysctl -w net.netfilter.nf_conntrack_max=");
    found(&capacity, "available memory in bytes", machine->memory_bytes,
          expected * (PLAIN_BYTES + (need->tls ? TLS_BYTES : 0)),
          "free more, or end TLS elsewhere (--listen-plain); bytes needed: ");
    return capacity;
}
