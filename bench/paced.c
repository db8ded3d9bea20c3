/* paced.c - the generator's own loop against any server, for the comparison with wrk and hey.
 *
 * bench/peers.sh starts a server, stalls it, and calls this; with --rate 0 each connection sends
 * when it has its reply, as those two do. One line of JSON comes out. */
#include "bench/crowd.h"

#include <stdio.h>
#include <stdlib.h>

static double ms_at(const struct hist *hist, unsigned per_mille)
{
    return (double)hist_quantile(hist, per_mille) / 1e3;
}

static void print(const struct crowd_result *r)
{
    const struct hist *latency = &r->latency;
    printf("{\"per_s\":%.0f,\"cpu_us\":%.2f,\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,"
           "\"max_ms\":%.3f,\"own_late_p99_ms\":%.3f,\"failed\":%llu}\n",
           (double)r->replies / r->seconds, r->cpu_us / (double)MAX(r->replies, 1),
           ms_at(latency, 500), ms_at(latency, 900), ms_at(latency, 990),
           (double)latency->max_us / 1e3, ms_at(&r->own_lateness, 990),
           (unsigned long long)(r->refused + r->unanswered + r->lost));
}

int main(int argc, char **argv)
{
    unsigned port = 0, connections = 64, rate = 0, ms = 5000, core = 0;
    const struct {
        const char *name;
        unsigned *number;
    } known[] = { { "--port", &port },
                  { "--connections", &connections },
                  { "--rate", &rate },
                  { "--ms", &ms },
                  { "--core", &core } };
    for (int i = 1; i + 1 < argc; i += 2)
        for (size_t k = 0; k < COUNT(known); k++)
            if (strcmp(argv[i], known[k].name) == 0)
                *known[k].number = (unsigned)strtoul(argv[i + 1], NULL, 10);
    if (!port) {
        fprintf(stderr, "paced --port PORT [--connections N] [--rate PER_S] [--ms N] [--core N]\n");
        return 2;
    }
    static struct crowd_result result;
    struct io_target target;
    struct crowd *crowd;
    struct why why;
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", port);
    fail f = io_target_parse(&target, str_z(url), &why);
    struct crowd_opts opts = { .target = &target, .connections = connections, .core = (int)core };
    if (!f)
        f = crowd_open(&crowd, &opts, &why);
    if (f) {
        fprintf(stderr, "paced: %s\n", why.text);
        return 3;
    }
    crowd_run(crowd, rate, ms, &result);
    crowd_close(crowd);
    print(&result);
    return 0;
}
