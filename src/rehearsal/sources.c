/* sources.c - see sources.h. */
#include "rehearsal/sources.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

enum { PORTS_DEFAULT = 28232 };

unsigned sources_ports(void)
{
    unsigned low, high, ports = PORTS_DEFAULT;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (file && fscanf(file, "%u %u", &low, &high) == 2 && high > low)
        ports = high - low + 1;
    if (file)
        fclose(file);
    return ports / 2;
}

/* A machine owns an address when it can bind to it. */
static bool is_ours(struct in_addr address)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = address };
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ours = fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof(at));
    if (fd >= 0)
        close(fd);
    return ours;
}

static fail given_take(struct io_target *target, str given, struct why *why)
{
    while (given.p) {
        char text[INET_ADDRSTRLEN + 1];
        str one = str_trim(str_cut(&given, ','));
        struct in_addr address;
        snprintf(text, sizeof(text), "%.*s", STR_ARG(str_first(one, INET_ADDRSTRLEN)));
        if (inet_pton(AF_INET, text, &address) != 1 || !is_ours(address))
            return fail_set(why, FAIL_USAGE,
                            "--source-addresses: \"%s\" is not an IPv4 address of this machine; "
                            "`ip -4 addr` lists them, `ip addr add` adds one",
                            text);
        if (target->source_count == IO_SOURCES_MAX)
            return fail_set(why, FAIL_USAGE, "--source-addresses takes at most %d addresses",
                            IO_SOURCES_MAX);
        target->sources[target->source_count++] = address;
    }
    return FAIL_NONE;
}

/* The address that the kernel would leave from. */
static bool kernels_choice(const struct io_target *target, struct in_addr *address)
{
    struct sockaddr_in at = { 0 };
    socklen_t n = sizeof(at);
    const struct sockaddr *to = (const struct sockaddr *)&target->address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); /* connecting it sends nothing */
    bool good = fd >= 0 && !connect(fd, to, sizeof(target->address)) &&
                !getsockname(fd, (struct sockaddr *)&at, &n);
    if (fd >= 0)
        close(fd);
    *address = at.sin_addr;
    return good;
}

static bool is_inet(const struct ifaddrs *at)
{
    return at->ifa_addr && at->ifa_addr->sa_family == AF_INET;
}

static struct in_addr inet_of(const struct ifaddrs *at)
{
    return ((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr;
}

static void interface_take(struct io_target *target)
{
    struct ifaddrs *all = NULL;
    struct in_addr first;
    const char *name = NULL;
    if (!kernels_choice(target, &first) || getifaddrs(&all))
        return;
    for (const struct ifaddrs *at = all; at && !name; at = at->ifa_next)
        if (is_inet(at) && inet_of(at).s_addr == first.s_addr)
            name = at->ifa_name;
    for (const struct ifaddrs *at = all; at && name; at = at->ifa_next)
        if (is_inet(at) && strncmp(at->ifa_name, name, IF_NAMESIZE) == 0 &&
            target->source_count < IO_SOURCES_MAX)
            target->sources[target->source_count++] = inet_of(at);
    freeifaddrs(all);
}

fail sources_choose(struct io_target *target, const char *given, uint32_t candidates,
                    struct why *why)
{
    unsigned ports = sources_ports();
    target->source_count = 0;
    if (given) {
        fail f = given_take(target, str_z(given), why);
        if (f)
            return f;
    } else if (target->loopback) {
        return FAIL_NONE;
    } else if (candidates > ports) {
        interface_take(target);
    }
    unsigned count = MAX(target->source_count, 1);
    if (candidates <= (uint64_t)ports * count)
        return FAIL_NONE;
    return fail_set(why, FAIL_LIMIT,
                    "out of ports: %u virtual candidates, but %u source address%s with %u "
                    "connections each (half of net.ipv4.ip_local_port_range); add addresses to "
                    "this machine (--source-addresses) or spread over more machines",
                    candidates, count, count > 1 ? "es" : "", ports);
}
