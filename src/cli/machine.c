/* machine.c - reads this machine's limits; see capacity.h. */
#include "cli/capacity.h"

#include "base/str.h"
#include "net/net_ring.h"
#include "sys/limits.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* The word at `index` of a file such as /proc/sys/net/ipv4/tcp_mem. */
static int64_t word_of(const char *path, int index)
{
    long long value = -1;
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    for (int i = 0; i <= index; i++)
        if (fscanf(file, "%lld", &value) != 1)
            value = -1;
    fclose(file);
    return value;
}

/* "MemAvailable:   23104512 kB" */
static int64_t memory_available(void)
{
    char line[160];
    long long kib = -1;
    FILE *file = fopen("/proc/meminfo", "re");
    if (!file)
        return -1;
    while (kib < 0 && fgets(line, sizeof(line), file))
        if (sscanf(line, "MemAvailable: %lld", &kib) != 1)
            kib = -1;
    fclose(file);
    return kib < 0 ? -1 : kib * 1024;
}

/* No process gets more than nr_open, whatever its limit says. */
static int64_t open_files(void)
{
    struct rlimit limit = { 1024, 1024 };
    int64_t most = word_of("/proc/sys/fs/nr_open", 0);
    getrlimit(RLIMIT_NOFILE, &limit);
    return (int64_t)MIN(limit.rlim_max, most > 0 ? (rlim_t)most : 1u << 20);
}

void machine_read(struct machine *machine)
{
    *machine = (struct machine){
        .cores = limits_cores(),
        .open_files = open_files(),
        .file_max = word_of("/proc/sys/fs/file-max", 0),
        .epoll_watches = word_of("/proc/sys/fs/epoll/max_user_watches", 0),
        .somaxconn = word_of("/proc/sys/net/core/somaxconn", 0),
        .tcp_pages = word_of("/proc/sys/net/ipv4/tcp_mem", 2),
        .conntrack_max = -1,
        .memory_bytes = memory_available(),
        .rings = net_ring_is_given(),
    };
    /* The table is there on most machines; it matters once a firewall rule makes it track. */
    if (word_of("/proc/sys/net/netfilter/nf_conntrack_count", 0) > 0)
        machine->conntrack_max = word_of("/proc/sys/net/netfilter/nf_conntrack_max", 0);
}
