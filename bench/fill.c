/* fill.c - fills a hall's folder with a full exam, through the hall's own code.
 *
 *   build/examhall init --empty DIR && build/bench/fill [options] DIR
 *     --candidates N   450,000        --items N     50
 *     --saves N        50 for each    --typed N     percent of items that are typed, 16
 *     --minutes N      600            --submit      hand in what was saved
 *     --batch N        records a batch of the log, as a hall at work writes them: 16 at 10,000
 *                      saves a second; without it, as many as gather (a tenth of the disk)
 *     --rested         a roster and an open exam, nobody signed in
 *
 * Everybody is put on the roster, signs in and starts; then answers come in over three hours as
 * they would: each candidate goes through the paper in an order of their own, the candidates of one
 * round come in an order that has nothing to do with their numbers, and one save in ten changes an
 * earlier answer. Every event goes through emit, the fold and the log, as in a hall that serves;
 * only HTTP is left out. After each stage it says how long it took and what the process holds in
 * memory.
 */
#include "app/hall.h"
#include "codec/json_out.h"
#include "sys/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EXAM        "full"
#define EXAM_MS     (3 * 3600 * 1000ll)
#define ROSTER_ROWS 2000
#define FLUSH_EVERY 2000

struct options {
    const char *dir;
    uint32_t candidates, items, saves, typed, minutes, batch;
    bool submit, rested;
};

struct fill {
    struct options options;
    struct hall *hall;
    struct host *host;
    struct files files;
    struct clock_sim clock;
    struct chance chance;
    struct exchange exchange;
    struct why why;
};

static NORETURN void die(const char *doing, const struct why *why)
{
    fprintf(stderr, "fill: %s: %s\n", doing, why->text);
    exit(3);
}

static void need(struct fill *fill, fail f, const char *doing)
{
    if (f)
        die(doing, &fill->why);
}

/* --- what a stage took -------------------------------------------------------------------------
 */

static double now_s(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
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

static void stage(struct fill *fill, const char *name)
{
    static double wall, cpu, before_mb;
    double mb = smaps_mb("Anonymous:"), n = fill->options.candidates;
    double took = now_s(CLOCK_MONOTONIC) - wall, used = now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    if (name)
        printf("%-22s %7.2f s %7.2f s CPU   memory %7.1f MB, %+7.1f B a candidate\n", name, took,
               used, mb, (mb - before_mb) * 1048576 / n);
    fflush(stdout);
    wall = now_s(CLOCK_MONOTONIC);
    cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    before_mb = mb;
}

/* --- the exam ----------------------------------------------------------------------------------
 */

enum kind { SINGLE, SEVERAL, NUMBER, TEXT };

/* Like real papers: most items choose one, some choose several, some are typed. */
static enum kind kind_of(const struct options *options, uint32_t item)
{
    uint32_t per_cent = item * 37 % 50 * 2;
    if (per_cent < options->typed)
        return per_cent < options->typed * 7 / 8 ? NUMBER : TEXT;
    return per_cent >= 84 ? SEVERAL : SINGLE;
}

static void admin(struct fill *fill, const char *method, const char *target, str body)
{
    unsigned status = hall_call(fill->hall, &fill->exchange, method, target, STR_NONE, body, true);
    if (status >= 300) {
        fprintf(stderr, "fill: %s %s: %u %.*s\n", method, target, status,
                STR_ARG(out_view(&fill->exchange.body)));
        exit(3);
    }
}

static void write_item(struct out *out, const struct options *options, uint32_t item)
{
    static const char *const kinds[] = { "single", "several", "number", "text" };
    static const char *const sections[] = { "Physics", "Chemistry", "Mathematics" };
    enum kind kind = kind_of(options, item);
    out_fmt(out, "%s{\"section\":\"%s\",\"kind\":\"%s\",", item ? "," : "",
            sections[item * 3 / options->items], kinds[kind]);
    out_fmt(out,
            "\"text\":\"Question %u. A body of mass $m_{%u}$ moves on a circle of radius $r$ with "
            "the speed $v$; what is the work done by the force towards the centre in one turn?\"",
            item + 1, item);
    if (kind <= SEVERAL)
        out_fmt(out, ",\"options\":[\"$%u \\\\pi m v^2$\",\"zero\",\"$m v^2 / r$\",\"$2 m g r$\"]",
                item + 2);
    out_z(out, kind == SINGLE    ? ",\"key\":\"B\"}"
               : kind == SEVERAL ? ",\"key\":\"AC\"}"
               : kind == NUMBER  ? ",\"key\":{\"value\":\"9.81\",\"tolerance\":\"0.01\"}}"
                                 : ",\"key\":[[\"Newton\",\"newtons\"]]}");
}

static void make_exam(struct fill *fill)
{
    struct out body = out_make(4 * MIB);
    out_fmt(
        &body,
        "{\"title\":\"A full paper\",\"minutes\":%u,\"right\":\"4\",\"wrong\":\"-1\","
        "\"partial\":\"subset\",\"instructions\":\"Read each question with care.\\nEvery choice "
        "is saved by itself.\",\"shifts\":[{\"name\":\"day\"}]}",
        fill->options.minutes);
    admin(fill, "PUT", "/v1/exams/" EXAM, out_view(&body));
    for (uint32_t at = 0; at < fill->options.items; at++) {
        out_clear(&body);
        out_z(&body, "{\"items\":[");
        size_t head = body.n;
        write_item(&body, &fill->options, at);
        if (body.p[head] == ',')
            body.p[head] = ' ';
        out_z(&body, "]}");
        admin(fill, "POST", "/v1/exams/" EXAM "/items", out_view(&body));
        if (str_find_str(out_view(&fill->exchange.body), STR("\"imported\":1")) < 0) {
            fprintf(stderr, "fill: %.*s\n", STR_ARG(out_view(&fill->exchange.body)));
            exit(3);
        }
    }
    out_fini(&body);
}

static void make_roster(struct fill *fill)
{
    struct out body = out_make(4 * MIB);
    for (uint32_t at = 0; at < fill->options.candidates; at += ROSTER_ROWS) {
        uint32_t end = MIN(at + ROSTER_ROWS, fill->options.candidates);
        out_clear(&body);
        out_z(&body, "{\"rows\":[");
        for (uint32_t i = at; i < end; i++)
            out_fmt(&body,
                    "%s{\"roll\":\"2027%06u\",\"name\":\"Candidate Number %u\","
                    "\"birth\":\"2009-%02u-%02u\",\"centre\":\"Centre %u, City %u\"}",
                    i > at ? "," : "", i, i, i % 12 + 1, i % 28 + 1, i / 500, i / 5000);
        out_z(&body, "]}");
        admin(fill, "POST", "/v1/roster", out_view(&body));
    }
    out_fini(&body);
    admin(fill, "POST", "/v1/exams/" EXAM "/open", STR("{}"));
}

/* --- the day -----------------------------------------------------------------------------------
 */

static uint32_t gcd(uint32_t a, uint32_t b)
{
    return b ? gcd(b, a % b) : a;
}

/* Calls fn for every candidate once, in an order of the round's own. */
static void each_candidate(struct fill *fill, uint32_t round,
                           void (*fn)(struct fill *, uint32_t candidate, uint32_t round))
{
    uint32_t n = fill->options.candidates;
    uint64_t step = (uint64_t)((double)n * 0.618) + 1 + 2 * round, at = round * 7919u % n;
    while (n > 1 && gcd((uint32_t)(step % n), n) != 1)
        step++;
    uint32_t flush_every = fill->options.batch ? fill->options.batch : FLUSH_EVERY;
    for (uint32_t i = 0; i < n; i++) {
        fn(fill, (uint32_t)at, round);
        at = (at + step) % n;
        if (i % flush_every == 0)
            log_flush(fill->host->log);
    }
    log_sync(fill->host->log);
}

static void event(struct fill *fill, enum topic topic, enum event_type type, uint32_t candidate,
                  const struct wire_out *body)
{
    must(!body->failed);
    need(fill, emit_bulk(fill->host, topic, type, candidate, str_of(body->p, body->n), &fill->why),
         "an event");
}

static void sign_in(struct fill *fill, uint32_t candidate, uint32_t round)
{
    char bytes[8];
    struct wire_out body = wire_out_make(bytes, sizeof(bytes));
    (void)round;
    wire_put_u32(&body, 1);
    event(fill, TOPIC_SESSIONS, CANDIDATE_SIGNED_IN, candidate, &body);
}

static void start(struct fill *fill, uint32_t candidate, uint32_t round)
{
    char bytes[16];
    struct wire_out body = wire_out_make(bytes, sizeof(bytes));
    (void)round;
    wire_put_i64(&body, clock_now(fill->host->clock) + fill->options.minutes * 60000ll);
    wire_put_u32(&body, 1);
    event(fill, TOPIC_ATTEMPTS, ATTEMPT_STARTED, candidate, &body);
}

static str value_of(struct fill *fill, enum kind kind, char text[64])
{
    uint64_t luck = chance_u64(&fill->chance);
    bool knows = luck % 10 < 5;
    unsigned other = (unsigned)(luck >> 8);
    static const char *const sets[] = { "A", "C", "AB", "BD", "ACD", "CD" };
    int n = 0;
    if (kind == SINGLE)
        n = snprintf(text, 64, "%c", knows ? 'B' : 'A' + other % 4);
    else if (kind == SEVERAL)
        n = snprintf(text, 64, "%s", knows ? "AC" : sets[other % COUNT(sets)]);
    else if (kind == NUMBER)
        n = knows ? snprintf(text, 64, "9.8%u", other % 3)
                  : snprintf(text, 64, "%u.%02u", other % 100, other / 100 % 100);
    else
        n = knows ? snprintf(text, 64, "Newton") : snprintf(text, 64, "word %u", other % 5000);
    return str_of(text, (size_t)n);
}

static void save(struct fill *fill, uint32_t candidate, uint32_t round)
{
    char bytes[128], text[64];
    struct wire_out body = wire_out_make(bytes, sizeof(bytes));
    uint32_t turn = round, items = fill->options.items;
    if (turn && chance_below(&fill->chance, 10) == 0)
        turn = (uint32_t)chance_below(&fill->chance, turn); /* changes an earlier answer */
    uint32_t item = (turn + candidate * 7) % items;
    str value = value_of(fill, kind_of(&fill->options, item), text);
    wire_put_u16(&body, (uint16_t)(item + 1));
    wire_put_u8(&body, 0);
    wire_put_u32(&body, 1);
    wire_put_u32(&body, round + 1);
    wire_put(&body, value.p, value.n);
    event(fill, TOPIC_ANSWERS, ANSWER_SAVED, candidate, &body);
    if (candidate % 64 == 0)
        clock_sim_advance(&fill->clock, 1);
}

static void submit_all(struct fill *fill)
{
    char text[32];
    admin(fill, "POST", "/v1/exams/" EXAM "/close", STR("{}"));
    do {
        clock_sim_advance(&fill->clock, 1100);
        while (hall_tick(fill->hall))
            log_sync(fill->host->log);
        log_sync(fill->host->log);
        snprintf(text, sizeof(text), "\"submitted\":%u,", fill->options.candidates);
        admin(fill, "GET", "/v1/staff/overview", STR_NONE);
    } while (str_find_str(out_view(&fill->exchange.body), str_z(text)) < 0);
}

static void hold_exam(struct fill *fill)
{
    each_candidate(fill, 0, sign_in);
    stage(fill, "signed in");
    clock_sim_advance(&fill->clock, 1000);
    each_candidate(fill, 1, start);
    stage(fill, "started");
    for (uint32_t round = 0; round < fill->options.saves; round++)
        each_candidate(fill, round, save);
    stage(fill, "answers saved");
    if (fill->options.submit) {
        submit_all(fill);
        stage(fill, "submitted");
    }
}

static fail no_sync(struct files *files, int handle, struct why *why)
{
    (void)files, (void)handle, (void)why;
    return FAIL_NONE;
}

/* A million small batches, each synced, would take ten minutes: these wait for no disk. */
static void choose_files(struct fill *fill)
{
    fill->files = *files_real();
    if (fill->options.batch)
        fill->files.sync = no_sync;
}

static void open_hall(struct fill *fill)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    clock_sim_init(&fill->clock, wall.tv_sec * 1000 - EXAM_MS);
    chance_sim_init(&fill->chance, 1);
    choose_files(fill);
    struct hall_opts opts = { .dir = fill->options.dir,
                              .name = "full",
                              .files = &fill->files,
                              .clock = &fill->clock.clock,
                              .chance = &fill->chance,
                              .threads = !fill->options.batch,
                              .version = "bench" };
    need(fill, hall_open(&fill->hall, &opts, &fill->why), "opening the hall");
    fill->host = hall_host(fill->hall);
    exchange_init(&fill->exchange);
}

static struct options parse(int argc, char **argv)
{
    struct options o = {
        .candidates = 450000, .items = 50, .saves = 50, .typed = 16, .minutes = 600
    };
    const struct {
        const char *name;
        uint32_t *number;
    } known[] = { { "--candidates", &o.candidates }, { "--items", &o.items },
                  { "--saves", &o.saves },           { "--typed", &o.typed },
                  { "--minutes", &o.minutes },       { "--batch", &o.batch } };
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-')
            o.dir = argv[i];
        o.submit |= strcmp(argv[i], "--submit") == 0;
        o.rested |= strcmp(argv[i], "--rested") == 0;
        for (size_t k = 0; k < COUNT(known) && i + 1 < argc; k++)
            if (strcmp(argv[i], known[k].name) == 0) {
                *known[k].number = (uint32_t)strtoul(argv[++i], NULL, 10);
                break;
            }
    }
    return o;
}

int main(int argc, char **argv)
{
    struct fill fill = { .options = parse(argc, argv) };
    if (!fill.options.dir || !fill.options.candidates || !fill.options.items) {
        fprintf(stderr, "usage: fill [--candidates N] [--items N] [--saves N] [--typed PERCENT] "
                        "[--minutes N] [--batch N] [--submit] [--rested] DIR\n");
        return 2;
    }
    open_hall(&fill);
    stage(&fill, NULL);
    make_exam(&fill);
    make_roster(&fill);
    stage(&fill, "roster imported");
    if (!fill.options.rested)
        hold_exam(&fill);
    printf("%llu records in the log\n", (unsigned long long)log_appended(fill.host->log));
    exchange_fini(&fill.exchange);
    log_sync(fill.host->log);
    fflush(stdout);
    _Exit(0); /* as kill -9 would leave it: no checkpoint, no orderly end */
}
