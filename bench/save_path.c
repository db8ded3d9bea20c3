/* save_path.c - what a save costs: gateway, hall and durable log against nginx that says 200.
 *
 * bench/save_path.sh starts both servers on core 0 and calls this; the load runs on core 1. Rounds
 * are interleaved, so a noisy minute meets both. CPU is what the kernel counted for every thread of
 * every process of a server (schedstat), log writer included. Before the load: what a connection at
 * rest costs the gateway in memory of its own. */
#include "base/arena.h"
#include "bench/load.h"
#include "bench/procs.h"
#include "net/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOAD_CORE  1
#define ROUNDS_MAX 20

struct options {
    unsigned hall, nginx, port, connections, idle, rounds, ms;
    const char *codes, *json;
};

/* -- candidates ---------------------------------------------------------------------------- */

static fail sign_in(struct client *client, const char *roll, const char *code, struct load_who *who,
                    struct arena *arena, struct why *why)
{
    struct client_reply reply;
    char body[300], path[64], cookie[300];
    snprintf(body, sizeof(body), "{\"roll\":\"%s\",\"code\":\"%s\"}", roll, code);
    fail f =
        client_request(client, "POST", "/v1/sessions", NULL, 0, str_z(body), arena, &reply, why);
    if (f)
        return f;
    str pair = http_field(&reply.head, "Set-Cookie"), value = str_cut(&pair, ';');
    ptrdiff_t at = str_find_str(reply.body, STR("\"attempt\":"));
    str_cut(&value, '=');
    if (reply.status != 200 || !value.p || value.n >= sizeof(who->cookie) || at < 0)
        return fail_set(why, FAIL_WORLD, "%s cannot sign in: %u %.*s", roll, reply.status,
                        STR_ARG(reply.body));
    memcpy(who->cookie, value.p, value.n);
    who->attempt = (uint32_t)strtoul(reply.body.p + at + 10, NULL, 10);
    snprintf(path, sizeof(path), "/v1/attempts/%u/start", who->attempt);
    snprintf(cookie, sizeof(cookie), "__Host-examhall=%s", who->cookie);
    struct http_field field = { STR("Cookie"), str_z(cookie) };
    f = client_request(client, "POST", path, &field, 1, STR("{}"), arena, &reply, why);
    if (!f && reply.status != 200)
        f = fail_set(why, FAIL_WORLD, "%s cannot start: %u %.*s", roll, reply.status,
                     STR_ARG(reply.body));
    return f;
}

static fail sign_in_all(const struct options *options, struct load_who *who, struct why *why)
{
    char url[64], line[128];
    struct client *client;
    struct arena arena = arena_make(MIB);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", options->port);
    fail f = client_open(&client, &(struct client_opts){ .url = url }, why);
    FILE *file = fopen(options->codes, "r");
    if (!file || !fgets(line, sizeof(line), file))
        f = fail_errno(why, FAIL_WORLD, "cannot read %s", options->codes);
    for (unsigned i = 0; i < options->connections && !f; i++) {
        char *code = fgets(line, sizeof(line), file) ? strchr(line, ',') : NULL;
        if (!code)
            return fail_set(why, FAIL_INPUT, "%s has too few rows", options->codes);
        *code++ = 0;
        code[strcspn(code, "\r\n")] = 0;
        f = sign_in(client, line, code, &who[i], &arena, why);
        arena_reset(&arena);
    }
    if (file)
        fclose(file);
    client_close(client);
    arena_fini(&arena);
    return f;
}

/* -- rounds -------------------------------------------------------------------------------- */

struct contest {
    const char *name;
    bool tls, is_hall;
    unsigned pid, port;
    double us[ROUNDS_MAX], per_s[ROUNDS_MAX];
    struct load_result result; /* of the newest round */
    double begin_us, end_us;
};

static void round_begins(void *ctx)
{
    struct contest *contest = ctx;
    contest->begin_us = procs_tree_us(contest->pid);
}

static void round_ends(void *ctx)
{
    struct contest *contest = ctx;
    contest->end_us = procs_tree_us(contest->pid);
}

static fail contest_round(struct contest *contest, const struct options *options,
                          struct load_who *who, unsigned round, struct why *why)
{
    struct load_opts opts = {
        .port = (uint16_t)contest->port,
        .tls = contest->tls,
        .connections = options->connections,
        .warm_ms = 500,
        .ms = options->ms,
        .core = LOAD_CORE,
        .who = who,
        .who_count = options->connections,
    };
    fail f = load_run(&opts, round_begins, round_ends, contest, &contest->result, why);
    if (f)
        return f;
    if (contest->result.refused || !contest->result.replies)
        return fail_set(why, FAIL_WORLD, "%s refused %llu of %llu requests: %s", contest->name,
                        (unsigned long long)contest->result.refused,
                        (unsigned long long)contest->result.replies, contest->result.sample);
    contest->us[round] = (contest->end_us - contest->begin_us) / (double)contest->result.replies;
    contest->per_s[round] = (double)contest->result.replies / contest->result.seconds;
    return FAIL_NONE;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, unsigned n)
{
    double sorted[ROUNDS_MAX];
    memcpy(sorted, values, n * sizeof(*values));
    qsort(sorted, n, sizeof(*sorted), by_size);
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* -- connections at rest ------------------------------------------------------------------- */

static fail idle_bytes(const struct options *options, bool tls, double *each, struct why *why)
{
    struct load_who nobody = { 0 };
    struct load_opts opts = { .port = (uint16_t)(options->port + tls),
                              .tls = tls,
                              .connections = options->idle,
                              .core = LOAD_CORE,
                              .who = &nobody,
                              .who_count = 1 };
    struct load_held held;
    unsigned gateway = procs_child(options->hall, "gateway");
    double before = procs_private_bytes(gateway);
    fail f = load_hold(&opts, &held, why);
    if (!f)
        usleep(300000);
    *each = (procs_private_bytes(gateway) - before) / options->idle;
    load_release(&held);
    usleep(300000); /* until the gateway has seen them go */
    return f;
}

/* -- telling ------------------------------------------------------------------------------- */

static void print_table(const struct contest *contests, size_t count, unsigned rounds)
{
    printf("\nThe whole save path: one save a request, keep-alive, server on one core, load on the "
           "other; medians of %u rounds\n\n",
           rounds);
    printf("  %-28s %10s %12s %9s %9s %14s\n", "", "saves/s", "CPU us each", "p50 ms", "p99 ms",
           "bytes out/in");
    for (size_t i = 0; i < count; i++) {
        const struct contest *c = &contests[i];
        if (!c->pid)
            continue;
        printf("  %-28s %10.0f %12.2f %9.2f %9.2f %8zu/%zu\n", c->name, median(c->per_s, rounds),
               median(c->us, rounds), (double)c->result.p50_us / 1e3,
               (double)c->result.p99_us / 1e3, c->result.request_bytes, c->result.reply_bytes);
    }
}

static double ratio(const struct contest *hall, const struct contest *nginx, unsigned rounds)
{
    return nginx->pid ? median(hall->us, rounds) / median(nginx->us, rounds) : 0;
}

static void write_json(const char *path, const struct contest *c, unsigned rounds,
                       const double idle[2])
{
    FILE *file = fopen(path, "w");
    if (!file)
        return;
    fprintf(file, "{\"contests\":[");
    for (size_t i = 0; i < 4; i++)
        fprintf(
            file,
            "%s{\"name\":\"%s\",\"per_s\":%.0f,\"cpu_us\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}",
            i ? "," : "", c[i].name, c[i].pid ? median(c[i].per_s, rounds) : 0,
            c[i].pid ? median(c[i].us, rounds) : 0, (double)c[i].result.p50_us / 1e3,
            (double)c[i].result.p99_us / 1e3);
    fprintf(file,
            "],\"ratio_plain\":%.3f,\"ratio_tls\":%.3f,\"idle_bytes_plain\":%.0f,"
            "\"idle_bytes_tls\":%.0f}\n",
            ratio(&c[0], &c[1], rounds), ratio(&c[2], &c[3], rounds), idle[0], idle[1]);
    fclose(file);
}

static struct options parse(int argc, char **argv)
{
    struct options o = { .connections = 512, .idle = 5000, .rounds = 3, .ms = 2000 };
    const struct {
        const char *name;
        unsigned *number;
        const char **text;
    } known[] = {
        { "--hall", &o.hall, NULL }, { "--nginx", &o.nginx, NULL },
        { "--port", &o.port, NULL }, { "--connections", &o.connections, NULL },
        { "--idle", &o.idle, NULL }, { "--rounds", &o.rounds, NULL },
        { "--ms", &o.ms, NULL },     { "--codes", NULL, &o.codes },
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

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct why why;
    if (!options.hall || !options.codes) {
        fprintf(stderr, "save_path is started by bench/save_path.sh\n");
        return 2;
    }
    struct load_who *who = load_shared(options.connections * sizeof(*who));
    struct contest contests[] = {
        { .name = "examhall, durable", .is_hall = true, .pid = options.hall, .port = options.port },
        { .name = "nginx, return 200", .pid = options.nginx, .port = options.port + 2 },
        { .name = "examhall, durable, TLS",
          .tls = true,
          .is_hall = true,
          .pid = options.hall,
          .port = options.port + 1 },
        { .name = "nginx, return 200, TLS",
          .tls = true,
          .pid = options.nginx,
          .port = options.port + 3 },
    };
    double idle[2] = { 0 };
    fail f = sign_in_all(&options, who, &why);
    for (int tls = 0; tls < 2 && !f; tls++)
        f = idle_bytes(&options, tls, &idle[tls], &why);
    for (unsigned round = 0; round < options.rounds && !f; round++)
        for (size_t i = 0; i < COUNT(contests) && !f; i++)
            if (contests[i].pid)
                f = contest_round(&contests[i], &options, who, round, &why);
    if (f) {
        fprintf(stderr, "save_path: %s\n", why.text);
        return 3;
    }
    print_table(contests, COUNT(contests), options.rounds);
    printf("\n  examhall / nginx, CPU: %.2f plain, %.2f TLS (aim: 1.5 or less)\n",
           ratio(&contests[0], &contests[1], options.rounds),
           ratio(&contests[2], &contests[3], options.rounds));
    printf("\nConnections at rest in the gateway, %u of each, private memory of the process:\n"
           "  plain %.0f bytes each (aim: 150), TLS %.0f bytes each (aim: 14,336)\n",
           options.idle, idle[0], idle[1]);
    if (options.json)
        write_json(options.json, contests, options.rounds, idle);
    return 0;
}
