/* cold.c - a save when every connection is cold: a hall against a server that does nothing.
 *
 * bench/cold.sh starts both servers and calls this. Both get the same number of connections, all
 * held open at the same time, and rounds of saves spread evenly over them, in turns, so that a
 * noisy minute meets both. A connection's turn comes every 45 s: by then nothing of it is in a
 * cache, and that, not the work, is most of the cost. CPU is what the kernel counted for every
 * thread of a server's processes; on a loopback that includes delivering its replies to the other
 * end. */
#include "base/arena.h"
#include "base/out.h"
#include "bench/crowd.h"
#include "bench/procs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 20

struct options {
    unsigned bare, bare_port, hall, hall_port, connections, rate, rounds, ms;
    const char *codes, *json;
};

struct side {
    const char *name;
    struct io_target target;
    struct crowd *crowd;
    unsigned pid, gateway; /* gateway: 0 for the bare server */
    double ramp_s;
    double kernel_bytes, tcp_bytes; /* of one connection, both ends */
    double front_bytes, hall_bytes; /* private memory for one connection or candidate */
    double us[ROUNDS_MAX], gateway_us[ROUNDS_MAX];
    struct crowd_result sum;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static fail text_read(const char *path, struct out *text, struct why *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;
    while (fd >= 0 && n > 0 && out_reserve(text, MIB)) {
        n = read(fd, text->p + text->n, MIB);
        text->n += (size_t)MAX(n, 0);
    }
    if (fd >= 0)
        close(fd);
    return fd < 0 || n ? fail_errno(why, FAIL_WORLD, "cannot read %s", path) : FAIL_NONE;
}

/* --- connections ------------------------------------------------------------------------------ */

static fail side_open(struct side *side, const struct options *options,
                      const struct credential *who, struct why *why)
{
    char url[64];
    unsigned front = side->gateway ? side->gateway : side->pid;
    unsigned hall = side->gateway ? procs_child(side->pid, "hall") : 0;
    struct crowd_opts opts = {
        .target = &side->target, .connections = options->connections, .who = who, .core = -1
    };
    snprintf(url, sizeof(url), "http://127.0.0.1:%u",
             side->gateway ? options->hall_port : options->bare_port);
    fail f = io_target_parse(&side->target, str_z(url), why);
    if (f)
        return f;
    double begin_s = now_s(), front_bytes = procs_private_bytes(front);
    double hall_bytes = hall ? procs_private_bytes(hall) : 0;
    struct procs_kernel before = procs_kernel();
    f = crowd_open(&side->crowd, &opts, why);
    if (f)
        return why_add(why, f, "%s", side->name);
    side->ramp_s = now_s() - begin_s;
    struct procs_kernel after = procs_kernel();
    double count = options->connections;
    side->kernel_bytes = (after.slab_bytes - before.slab_bytes) / count;
    side->tcp_bytes = (after.tcp_bytes - before.tcp_bytes) / count;
    side->front_bytes = (procs_private_bytes(front) - front_bytes) / count;
    side->hall_bytes = hall ? (procs_private_bytes(hall) - hall_bytes) / count : 0;
    printf("  %-10s %u connections in %.1f s\n", side->name, options->connections, side->ramp_s);
    fflush(stdout);
    return FAIL_NONE;
}

/* --- rounds ----------------------------------------------------------------------------------- */

static void add(struct crowd_result *sum, const struct crowd_result *one)
{
    sum->replies += one->replies;
    sum->refused += one->refused;
    sum->unanswered += one->unanswered;
    sum->lost = one->lost;
    sum->seconds += one->seconds;
    sum->cpu_us += one->cpu_us;
    hist_merge(&sum->latency, &one->latency);
    hist_merge(&sum->own_lateness, &one->own_lateness);
    if (one->sample[0])
        memcpy(sum->sample, one->sample, sizeof(sum->sample));
}

static void side_round(struct side *side, const struct options *options, unsigned round)
{
    static struct crowd_result result;
    double begin_us = procs_tree_us(side->pid);
    double gateway_us = side->gateway ? procs_own_us(side->gateway) : 0;
    crowd_run(side->crowd, options->rate, options->ms, &result);
    double replies = (double)MAX(result.replies, 1);
    side->us[round] = (procs_tree_us(side->pid) - begin_us) / replies;
    side->gateway_us[round] =
        side->gateway ? (procs_own_us(side->gateway) - gateway_us) / replies : 0;
    add(&side->sum, &result);
}

static double mean(const double *values, unsigned n)
{
    double sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += values[i];
    return sum / n;
}

/* --- telling ---------------------------------------------------------------------------------- */

static double ms_at(const struct hist *hist, unsigned per_mille)
{
    return (double)hist_quantile(hist, per_mille) / 1e3;
}

static void print_side(const struct side *side, unsigned rounds)
{
    const struct crowd_result *r = &side->sum;
    printf("  %-10s %8.0f %9.1f %9.1f %8.2f %8.2f %8.2f %8.2f %9.2f %10.1f %7llu\n", side->name,
           (double)r->replies / r->seconds, mean(side->us, rounds), mean(side->gateway_us, rounds),
           ms_at(&r->latency, 500), ms_at(&r->latency, 990), ms_at(&r->latency, 999),
           (double)r->latency.max_us / 1e3, ms_at(&r->own_lateness, 990),
           r->cpu_us / (double)MAX(r->replies, 1),
           (unsigned long long)(r->refused + r->unanswered + r->lost));
}

static double ratio(const struct side *sides, unsigned rounds)
{
    return mean(sides[1].us, rounds) / mean(sides[0].us, rounds);
}

static void print_table(const struct side *sides, const struct options *o)
{
    printf("\nCold saves: %u connections to each server, %u saves a second over all of them, "
           "%u rounds of %u s in turns\n\n",
           o->connections, o->rate, o->rounds, o->ms / 1000);
    printf("  %-10s %8s %9s %9s %8s %8s %8s %8s %9s %10s %7s\n", "", "saves/s", "CPU us", "gateway",
           "p50 ms", "p99", "p99.9", "max", "own p99", "own CPU us", "failed");
    for (int i = 0; i < 2; i++)
        print_side(&sides[i], o->rounds);
    printf("\n  hall / bare, CPU: %.2f (aim: 1.5 or less). 'own': of it the generator's lateness, "
           "and its CPU a save.\n",
           ratio(sides, o->rounds));
    printf("\nMemory of one connection: bare %.0f bytes; gateway %.0f, hall %.0f with its attempt; "
           "kernel %.0f (half of %.0f for both ends), %.0f queued\n",
           sides[0].front_bytes, sides[1].front_bytes, sides[1].hall_bytes,
           sides[1].kernel_bytes / 2, sides[1].kernel_bytes, sides[1].tcp_bytes);
}

static void write_json(const struct side *sides, const struct options *o)
{
    FILE *file = fopen(o->json, "w");
    if (!file)
        return;
    fprintf(file, "{\"connections\":%u,\"rate\":%u,\"ratio\":%.3f,\"sides\":[", o->connections,
            o->rate, ratio(sides, o->rounds));
    for (int i = 0; i < 2; i++) {
        const struct side *s = &sides[i];
        const struct crowd_result *r = &s->sum;
        fprintf(file,
                "%s{\"name\":\"%s\",\"ramp_s\":%.1f,\"cpu_us\":%.2f,\"gateway_us\":%.2f,"
                "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f,"
                "\"own_late_p99_ms\":%.3f,\"own_cpu_us\":%.2f,\"failed\":%llu,"
                "\"front_bytes\":%.0f,\"hall_bytes\":%.0f,\"kernel_bytes_both_ends\":%.0f}",
                i ? "," : "", s->name, s->ramp_s, mean(s->us, o->rounds),
                mean(s->gateway_us, o->rounds), ms_at(&r->latency, 500), ms_at(&r->latency, 990),
                ms_at(&r->latency, 999), (double)r->latency.max_us / 1e3,
                ms_at(&r->own_lateness, 990), r->cpu_us / (double)MAX(r->replies, 1),
                (unsigned long long)(r->refused + r->unanswered + r->lost), s->front_bytes,
                s->hall_bytes, s->kernel_bytes);
    }
    fprintf(file, "]}\n");
    fclose(file);
}

/* --- all of it -------------------------------------------------------------------------------- */

static struct options parse(int argc, char **argv)
{
    struct options o = { .connections = 450000, .rate = 10000, .rounds = 3, .ms = 15000 };
    const struct {
        const char *name;
        unsigned *number;
        const char **text;
    } known[] = {
        { "--bare", &o.bare, NULL },
        { "--bare-port", &o.bare_port, NULL },
        { "--hall", &o.hall, NULL },
        { "--hall-port", &o.hall_port, NULL },
        { "--connections", &o.connections, NULL },
        { "--rate", &o.rate, NULL },
        { "--rounds", &o.rounds, NULL },
        { "--ms", &o.ms, NULL },
        { "--codes", NULL, &o.codes },
        { "--json", NULL, &o.json },
    };
    for (int i = 1; i + 1 < argc; i += 2)
        for (size_t k = 0; k < COUNT(known); k++)
            if (strcmp(argv[i], known[k].name) == 0) {
                if (known[k].text)
                    *known[k].text = argv[i + 1];
                else
                    *known[k].number = (unsigned)strtoul(argv[i + 1], NULL, 10);
            }
    o.rounds = MIN(MAX(o.rounds, 1), ROUNDS_MAX);
    return o;
}

static fail measure(struct side *sides, const struct options *options, struct why *why)
{
    struct out text = out_make(256 * MIB);
    struct arena arena = arena_make(256 * MIB);
    struct credential *who;
    fail f = text_read(options->codes, &text, why);
    if (!f)
        f = credentials_read(&who, options->connections, out_view(&text), &arena, why);
    if (!f)
        f = side_open(&sides[0], options, NULL, why);
    if (!f)
        f = side_open(&sides[1], options, who, why);
    /* The hall first: a connection at rest is closed after two minutes. */
    for (unsigned round = 0; round < options->rounds && !f; round++)
        for (int i = 1; i >= 0; i--)
            side_round(&sides[i], options, round);
    for (int i = 0; i < 2 && !f; i++)
        if (sides[i].sum.refused)
            f = fail_set(why, FAIL_WORLD, "%s refused %llu saves: %s", sides[i].name,
                         (unsigned long long)sides[i].sum.refused, sides[i].sum.sample);
    arena_fini(&arena);
    out_fini(&text);
    return f;
}

int main(int argc, char **argv)
{
    static struct side sides[2];
    struct options options = parse(argc, argv);
    struct why why;
    if (!options.bare || !options.hall || !options.codes) {
        fprintf(stderr, "cold is started by bench/cold.sh\n");
        return 2;
    }
    sides[0].name = "bare epoll";
    sides[0].pid = options.bare;
    sides[1].name = "examhall";
    sides[1].pid = options.hall;
    sides[1].gateway = procs_child(options.hall, "gateway");
    fail f = measure(sides, &options, &why);
    if (f)
        fprintf(stderr, "cold: %s\n", why.text);
    else
        print_table(sides, &options);
    if (!f && options.json)
        write_json(sides, &options);
    return f ? 3 : 0;
}
