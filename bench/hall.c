/* hall.c - what a hall with a full exam costs, measured within one process, without sockets.
 *
 *   build/bench/hall open DIR      opens the folder (bench/fill made it): seconds, CPU, memory
 *   build/bench/hall checkpoint DIR   opens it, and writes a checkpoint for the next opening
 *   build/bench/hall fork DIR      how long the fork for a checkpoint takes, and what saves cost
 *                                  before it, beside the child, and after it
 *   build/bench/hall costs DIR     us of CPU a request of each kind, over all its candidates
 *   build/bench/hall score DIR     closes the exam, scores it twice, compares the digests, and
 *                                  asks for everybody's result
 *
 * `costs` wants a folder filled with --rested: it signs everybody in itself. Requests go
 * through the HTTP parser, the hall, the log and the reply's writer, in an order that has nothing
 * to do with the candidates' numbers; the kernel's part (sockets) and the gateway's are not in it.
 * CPU is that of all threads, the log's writer too. All but `open` write into DIR: use a copy, or
 * fill it again. */
#include "app/hall.h"
#include "crypto/code.h"
#include "crypto/token.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FLUSH_EVERY 64 /* requests in one round of the loop */

struct bench {
    const char *dir;
    struct hall *hall;
    struct host *host;
    struct clock_sim clock;
    struct chance chance;
    struct keys keys;
    struct exchange exchange;
    struct out text, reply;
    struct why why;
    uint32_t seq; /* of the newest save of everybody */
};

static double now_s(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void need(struct bench *bench, fail f, const char *doing)
{
    if (!f)
        return;
    fprintf(stderr, "bench/hall: %s: %s\n", doing, bench->why.text);
    exit(3);
}

static double smaps_mb(const char *name)
{
    char line[256];
    double kb = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, name, strlen(name)) == 0)
            kb = strtod(line + strlen(name), NULL);
    if (file)
        fclose(file);
    return kb / 1024;
}

static void open_hall(struct bench *bench)
{
    double wall = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    clock_sim_init(&bench->clock, now.tv_sec * 1000);
    chance_sim_init(&bench->chance, 1);
    need(bench, keys_load(&bench->keys, bench->dir, &bench->why), "keys");
    struct hall_opts opts = { .dir = bench->dir,
                              .name = "full",
                              .files = files_real(),
                              .clock = &bench->clock.clock,
                              .chance = &bench->chance,
                              .threads = true,
                              .version = "bench" };
    need(bench, hall_open(&bench->hall, &opts, &bench->why), "opening the hall");
    bench->host = hall_host(bench->hall);
    exchange_init(&bench->exchange);
    bench->text = out_make(MIB);
    bench->reply = out_make(16 * MIB);
    printf("opened %llu records: %.3f s, %.3f s CPU, memory %.1f MB\n",
           (unsigned long long)log_appended(bench->host->log), now_s(CLOCK_MONOTONIC) - wall,
           now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu, smaps_mb("Anonymous:"));
}

/* What a log has before its checkpoint is checked behind the opening: it shall not be in the way of
 * what is measured. */
static void settle(struct bench *bench)
{
    struct log_stats stats;
    double begin = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    do {
        usleep(1000);
        log_stats(bench->host->log, &stats);
    } while (stats.unchecked && !stats.damaged);
    printf("the log before the checkpoint is %s: %.3f s, %.3f s CPU\n",
           stats.damaged ? "DAMAGED" : "whole", now_s(CLOCK_MONOTONIC) - begin,
           now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

/* --- requests ----------------------------------------------------------------------------------
 */

static unsigned handle(struct bench *bench)
{
    struct http_head head;
    struct exchange *exchange = &bench->exchange;
    exchange_reset(exchange);
    int status = http_parse_request(&head, out_view(&bench->text), 64 * KIB, &exchange->why);
    must(status == HTTP_DONE);
    str body = str_from(out_view(&bench->text), head.head_bytes);
    hall_handle(bench->hall, exchange, &head, body, false);
    while (!exchange->done) {
        hall_job_run(exchange);
        hall_job_done(bench->hall, exchange);
    }
    out_clear(&bench->reply);
    exchange_write(exchange, &bench->reply);
    return exchange->req.status;
}

/* As the gateway sends it. */
static void request(struct bench *bench, const char *method, const char *target, uint32_t candidate,
                    const char *body)
{
    char cookie[TOKEN_CHARS + 1];
    struct token token = { .kind = TOKEN_CANDIDATE,
                           .subject = candidate,
                           .epoch = bench->host->directory->candidates[candidate].epoch,
                           .expires = clock_now(bench->host->clock) + 3600000 };
    struct out *text = &bench->text;
    token_write(&token, bench->keys.token, cookie);
    out_clear(text);
    out_fmt(text, "%s %s HTTP/1.1\r\nHost: localhost:8443\r\n", method, target);
    out_fmt(text, "Cookie: __Host-examhall=%s\r\nAccept-Encoding: gzip\r\n", cookie);
    if (body)
        out_fmt(text, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    out_z(text, "X-Forwarded-For: 10.1.2.3\r\n\r\n");
    out_z(text, body ? body : "");
}

static void write_sign_in(struct bench *bench, uint32_t candidate)
{
    char code[CODE_CHARS + 1], body[128];
    str roll = bench->host->directory->candidates[candidate].roll;
    code_make(code, bench->keys.code, roll, 0);
    snprintf(body, sizeof(body), "{\"roll\":\"%.*s\",\"code\":\"%s\"}", STR_ARG(roll), code);
    request(bench, "POST", "/v1/sessions", candidate, body);
}

static void write_of(struct bench *bench, const char *method, uint32_t candidate, const char *path,
                     const char *body)
{
    char target[96];
    snprintf(target, sizeof(target), "/v1/attempts/%u%s", candidate + 1, path);
    request(bench, method, target, candidate, body);
}

static void write_start(struct bench *bench, uint32_t candidate)
{
    write_of(bench, "POST", candidate, "/start", "{}");
}
static void write_attempt(struct bench *bench, uint32_t candidate)
{
    write_of(bench, "GET", candidate, "", NULL);
}
static void write_form(struct bench *bench, uint32_t candidate)
{
    write_of(bench, "GET", candidate, "/form", NULL);
}
static void write_resume(struct bench *bench, uint32_t candidate)
{
    write_of(bench, "GET", candidate, "/answers", NULL);
}
static void write_heartbeat(struct bench *bench, uint32_t candidate)
{
    write_of(bench, "POST", candidate, "/heartbeat", "{\"place\":7}");
}
static void write_submit(struct bench *bench, uint32_t candidate)
{
    write_of(bench, "POST", candidate, "/submit", "{}");
}
static void write_receipt(struct bench *bench, uint32_t candidate)
{
    write_of(bench, "GET", candidate, "/receipt", NULL);
}

static void write_result(struct bench *bench, uint32_t candidate)
{
    write_of(bench, "GET", candidate, "/result", NULL);
}
static void write_responses(struct bench *bench, uint32_t candidate)
{
    write_of(bench, "GET", candidate, "/responses", NULL);
}

static void write_paper(struct bench *bench, uint32_t candidate)
{
    const struct directory *d = bench->host->directory;
    char target[128];
    snprintf(target, sizeof(target), "/v1/papers/%s",
             d->exams[d->candidates[candidate].exam].paper);
    request(bench, "GET", target, candidate, NULL);
}

static void write_save(struct bench *bench, uint32_t candidate)
{
    const struct directory *d = bench->host->directory;
    const struct exam *exam = &d->exams[d->candidates[candidate].exam];
    char path[32], body[96];
    unsigned item = (bench->seq + candidate * 7) % exam->item_count;
    static const char *const values[] = { "B", "AC", "9.81", "Newton" };
    snprintf(path, sizeof(path), "/answers/%u", item + 1);
    snprintf(body, sizeof(body), "{\"value\":\"%s\",\"marked\":false,\"seq\":%u}",
             values[exam->items[item].kind], bench->seq + 1);
    write_of(bench, "PUT", candidate, path, body);
}

static void each(struct bench *bench, const char *name, uint32_t count, uint32_t round,
                 void (*write)(struct bench *, uint32_t))
{
    uint32_t n = bench->host->directory->candidate_count;
    uint64_t step = (uint64_t)((double)n * 0.618) | 1, at = round * 7919u % n;
    double cpu = 0, bytes = 0, worst = 0;
    for (uint32_t i = 0; i < count; i++) {
        write(bench, (uint32_t)at);
        double begin = now_s(CLOCK_PROCESS_CPUTIME_ID);
        unsigned status = handle(bench);
        if (i % FLUSH_EVERY == FLUSH_EVERY - 1)
            log_flush(bench->host->log);
        double end = now_s(CLOCK_PROCESS_CPUTIME_ID);
        if (status != 200) {
            fprintf(stderr, "bench/hall: %s: %u %.*s\n", name, status,
                    STR_ARG(out_view(&bench->reply)));
            exit(3);
        }
        cpu += end - begin;
        worst = MAX(worst, end - begin);
        bytes += (double)bench->reply.n;
        at = (at + step) % n;
        if (i % 1000 == 999)
            log_sync(bench->host->log);
    }
    log_sync(bench->host->log);
    printf("  %-12s %8u requests  %7.2f us CPU each, %6.0f the worst  %7.0f bytes of reply\n", name,
           count, cpu / count * 1e6, worst * 1e6, bytes / count);
    fflush(stdout);
}

/* In a hall that serves, the signer's thread makes them. */
static void signatures(struct bench *bench)
{
    char hex[SIGNATURE_DIGITS + 1];
    double cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < 10000; i++)
        keys_sign(&bench->keys,
                  STR("a line as long as that of a receipt, more or less, as here: "
                      "a digest of 64 digits and what else there is in one"),
                  hex);
    printf("  %-12s %8u             %7.2f us CPU each, on a thread of its own\n", "signature",
           10000, (now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 10000 * 1e6);
}

static void costs(struct bench *bench)
{
    uint32_t n = bench->host->directory->candidate_count;
    /* The clock itself costs this much; it is in every row. */
    double begin = now_s(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < 100000; i++)
        now_s(CLOCK_PROCESS_CPUTIME_ID);
    printf("  (of which the measuring itself: %.2f us)\n",
           (now_s(CLOCK_PROCESS_CPUTIME_ID) - begin) / 100000 * 1e6);
    each(bench, "sign in", n, 1, write_sign_in);
    each(bench, "start", n, 2, write_start);
    each(bench, "attempt", n, 3, write_attempt);
    each(bench, "form", n, 4, write_form);
    each(bench, "paper", n / 10, 5, write_paper);
    for (bench->seq = 0; bench->seq < 4; bench->seq++)
        each(bench, "save", n, 6 + bench->seq, write_save);
    each(bench, "resume", n, 10, write_resume);
    each(bench, "heartbeat", n, 11, write_heartbeat);
    hall_signs_later(bench->hall, true);
    each(bench, "submit", n, 12, write_submit);
    signatures(bench);
    hall_signs_later(bench->hall, false);
    each(bench, "receipt", n, 13, write_receipt);
    printf("  memory %.1f MB\n", smaps_mb("Anonymous:"));
}

/* --- scoring -----------------------------------------------------------------------------------
 */

static void admin(struct bench *bench, const char *target)
{
    double wall = now_s(CLOCK_MONOTONIC);
    unsigned status =
        hall_call(bench->hall, &bench->exchange, "POST", target, STR_NONE, STR("{}"), true);
    printf("POST %s: %u, %.3f s  %.*s\n", target, status, now_s(CLOCK_MONOTONIC) - wall,
           STR_ARG(str_first(out_view(&bench->exchange.body), 300)));
}

static void score(struct bench *bench)
{
    const struct directory *d = bench->host->directory;
    double worst = 0, cpu_worst = 0, begin = now_s(CLOCK_MONOTONIC);
    char digests[2][64];
    unsigned ticks = 0;
    admin(bench, "/v1/exams/full/close");
    while (d->submitted_count < d->started_count) {
        double from = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_THREAD_CPUTIME_ID);
        clock_sim_advance(&bench->clock, 100);
        hall_tick(bench->hall);
        worst = MAX(worst, now_s(CLOCK_MONOTONIC) - from);
        cpu_worst = MAX(cpu_worst, now_s(CLOCK_THREAD_CPUTIME_ID) - cpu);
        ticks++;
        log_sync(bench->host->log);
    }
    printf("handed in: %.3f s, %u ticks, the longest %.1f ms (%.1f ms CPU)\n",
           now_s(CLOCK_MONOTONIC) - begin, ticks, worst * 1e3, cpu_worst * 1e3);
    for (int i = 0; i < 2; i++) {
        double cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
        admin(bench, "/v1/exams/full/score");
        str digest = str_of(strstr(bench->exchange.body.p, "\"digest\":\"") + 10, 64);
        memcpy(digests[i], digest.p, 64);
        printf("scored: %.3f s CPU, one thread\n", now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu);
    }
    printf("the digests are %s\n", memcmp(digests[0], digests[1], 64) ? "DIFFERENT" : "equal");
    admin(bench, "/v1/exams/full/publish");
    each(bench, "result", d->candidate_count, 1, write_result);
    each(bench, "responses", d->candidate_count / 10, 2, write_responses);
    printf("memory %.1f MB\n", smaps_mb("Anonymous:"));
}

/* --- the fork ----------------------------------------------------------------------------------
 * Each page that a save changes while the child lives is copied. */

static void saves(struct bench *bench, const char *name)
{
    static uint32_t round;
    each(bench, name, 30000, ++round, write_save); /* three seconds of a full exam */
    bench->seq++;
}

static void forks(struct bench *bench)
{
    bench->seq = 1000; /* newer than what is there */
    saves(bench, "save, before");
    for (int i = 0; i < 3; i++) {
        double begin = now_s(CLOCK_MONOTONIC);
        pid_t child = fork();
        if (child == 0) {
            pause();
            _Exit(0);
        }
        printf("  fork: %.2f ms\n", (now_s(CLOCK_MONOTONIC) - begin) * 1e3);
        saves(bench, "beside it");
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        saves(bench, "after it");
    }
    printf("  memory %.1f MB, of it in huge pages %.1f MB\n", smaps_mb("Anonymous:"),
           smaps_mb("AnonHugePages:"));
}

/* --- checkpoints -------------------------------------------------------------------------------
 */

static void checkpoint(struct bench *bench)
{
    char path[4096];
    struct stat st = { 0 };
    double wall = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    need(bench, hall_checkpoint(bench->hall, &bench->why), "the checkpoint");
    snprintf(path, sizeof(path), "%s/checkpoint.db", bench->dir);
    stat(path, &st);
    printf("checkpoint of %.1f MB: %.3f s, %.3f s CPU\n", (double)st.st_size / 1048576,
           now_s(CLOCK_MONOTONIC) - wall, now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu);
}

int main(int argc, char **argv)
{
    struct bench bench = { .dir = argc == 3 ? argv[2] : NULL };
    if (argc != 3) {
        fprintf(stderr, "usage: hall open|checkpoint|fork|costs|score DIR\n");
        return 2;
    }
    open_hall(&bench);
    settle(&bench);
    if (strcmp(argv[1], "costs") == 0)
        costs(&bench);
    else if (strcmp(argv[1], "fork") == 0)
        forks(&bench);
    else if (strcmp(argv[1], "checkpoint") == 0)
        checkpoint(&bench);
    else if (strcmp(argv[1], "score") == 0)
        score(&bench);
    fflush(stdout);
    _Exit(0); /* as kill -9 would leave it */
}
