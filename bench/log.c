/* log.c - what the log costs beside the bare system calls it cannot do without.
 *
 *   build/bench/log [--json] [--seconds S] [--records N] [--dir DIR]
 *
 * In one run, for batches of 1, 100 and 1,000 records of 100 bytes: `raw` is one pwrite and one
 * fdatasync of exactly the bytes the log writes for such a batch, into a file filled with zeros;
 * `log` appends the records and flushes, with everything that belongs to it: encoding, checksums,
 * chain, filling the next segment ahead. `free` lets records gather while the disk is at work. Then
 * N records of 45 bytes (22,500,000: 450,000 candidates, 50 answers each) are written, opened again
 * (each byte checked) and read, as at the start of a hall.
 *
 * CPU is user and system time of all threads. Other load on the machine shows in every row alike.
 */
#include "base/out.h"
#include "store/log.h"
#include "store/log_batch.h"
#include "sys/clock.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_BYTES  100
#define ANSWER_BYTES  45
#define FILE_BYTES    (64 * MIB)
#define DURABLE_LIMIT 20000 /* records that may wait for the disk in `free` */

static const unsigned batches[] = { 1, 100, 1000 };

struct options {
    const char *dir;
    double seconds;
    uint64_t records;
    bool json;
};

struct result {
    const char *engine;
    unsigned batch;
    uint64_t records, commits, bytes;
    double seconds, cpu_seconds;
};

static struct clock_real timer;

static double now_s(void)
{
    return (double)clock_mono_us(&timer.clock) / 1e6;
}

static double cpu_s(void)
{
    struct rusage use;
    must(getrusage(RUSAGE_SELF, &use) == 0);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void need(fail f, const struct why *why)
{
    if (f) {
        fprintf(stderr, "bench/log: %s\n", why->text);
        exit(3);
    }
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void clear(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void begin(struct result *result)
{
    result->seconds = -now_s();
    result->cpu_seconds = -cpu_s();
}

static void end(struct result *result)
{
    result->seconds += now_s();
    result->cpu_seconds += cpu_s();
}

/* --- engines --------------------------------------------------------------------------------- */

static int filled_file(const struct options *options)
{
    char path[4096], *bytes = calloc(1, FILE_BYTES);
    struct why why;
    int handle;
    must(bytes);
    snprintf(path, sizeof(path), "%s/raw", options->dir);
    need(files_real()->open(files_real(), path, FILE_WRITE | FILE_CREATE, &handle, &why), &why);
    need(files_real()->write(files_real(), handle, 0, bytes, FILE_BYTES, &why), &why);
    need(files_real()->sync(files_real(), handle, &why), &why);
    free(bytes);
    return handle;
}

static struct result run_raw(const struct options *options, unsigned batch, size_t batch_bytes)
{
    struct result result = { .engine = "raw", .batch = batch };
    int fd = filled_file(options);
    char *bytes = aligned_alloc(4096, batch_bytes);
    must(bytes);
    memset(bytes, 'x', batch_bytes);
    uint64_t at = 0;
    begin(&result);
    for (double until = now_s() + options->seconds; now_s() < until; result.commits++) {
        if (at + batch_bytes > FILE_BYTES)
            at = 0;
        must(pwrite(fd, bytes, batch_bytes, (off_t)at) == (ssize_t)batch_bytes);
        must(fdatasync(fd) == 0);
        at += batch_bytes;
        result.records += batch;
        result.bytes += batch_bytes;
    }
    end(&result);
    free(bytes);
    close(fd);
    return result;
}

static struct log *open_log(const struct options *options, bool threads)
{
    struct log *log;
    struct why why;
    char dir[4096];
    snprintf(dir, sizeof(dir), "%s/log", options->dir);
    struct log_opts opts = {
        .backend = "embedded", .dir = dir, .files = files_real(), .threads = threads
    };
    need(log_open(&log, &opts, &why), &why);
    return log;
}

static void append(struct log *log, uint64_t i, size_t body_bytes)
{
    static char body[RECORD_BYTES + 8];
    struct why why;
    memcpy(body, &i, sizeof(i));
    struct record record = { .at = 1800000000000 + (instant)(i / 64),
                             .key = (uint32_t)(i % 450000),
                             .topic = TOPIC_ANSWERS,
                             .type = 1,
                             .body = str_of(body, body_bytes) };
    fail f;
    while ((f = log_append(log, &record, NULL, &why)) == FAIL_BUSY)
        log_sync(log);
    need(f, &why);
}

static void take_stats(struct result *result, struct log *log)
{
    struct log_stats stats;
    log_stats(log, &stats);
    result->records = stats.records;
    result->commits = stats.batches;
    result->bytes = stats.bytes_written;
}

static struct result run_log(const struct options *options, unsigned batch)
{
    struct result result = { .engine = "log", .batch = batch };
    struct log *log = open_log(options, false);
    uint64_t i = 0;
    begin(&result);
    for (double until = now_s() + options->seconds; now_s() < until;) {
        for (unsigned k = 0; k < batch; k++)
            append(log, i++, RECORD_BYTES);
        log_flush(log);
    }
    end(&result);
    take_stats(&result, log);
    log_close(log);
    clear(options->dir);
    mkdir(options->dir, 0700);
    return result;
}

static struct result run_free(const struct options *options)
{
    struct result result = { .engine = "free" };
    struct log *log = open_log(options, true);
    uint64_t i = 0;
    begin(&result);
    for (double until = now_s() + options->seconds; now_s() < until;) {
        for (unsigned k = 0; k < 100; k++)
            append(log, i++, RECORD_BYTES);
        log_flush(log);
        if (log_appended(log) - log_durable(log) > DURABLE_LIMIT)
            log_sync(log);
    }
    log_sync(log);
    end(&result);
    take_stats(&result, log);
    result.batch = (unsigned)(result.records / MAX(result.commits, 1));
    log_close(log);
    clear(options->dir);
    mkdir(options->dir, 0700);
    return result;
}

/* --- replay ---------------------------------------------------------------------------------- */

struct fold {
    uint64_t records, sum;
};

static fail fold_one(void *ctx, const struct record *record, struct why *why)
{
    (void)why;
    struct fold *fold = ctx;
    uint64_t i;
    memcpy(&i, record->body.p, sizeof(i));
    fold->sum += i ^ record->key;
    fold->records++;
    return FAIL_NONE;
}

static void run_replay(const struct options *options, struct result *opened, struct result *read)
{
    struct log *log = open_log(options, true);
    for (uint64_t i = 0; i < options->records; i++) {
        append(log, i, ANSWER_BYTES);
        if (i % 1000 == 999)
            log_flush(log);
    }
    log_close(log);
    *opened = (struct result){ .engine = "open", .records = options->records };
    begin(opened);
    log = open_log(options, false);
    end(opened);
    *read = (struct result){ .engine = "replay", .records = options->records };
    struct fold fold = { 0 };
    struct why why;
    begin(read);
    need(log_read(log, 0, TOPICS_ALL, fold_one, &fold, &why), &why);
    end(read);
    must(fold.records == options->records);
    log_close(log);
}

/* --- output ---------------------------------------------------------------------------------- */

static double rate(const struct result *result)
{
    return (double)result->records / result->seconds;
}

static double cpu_us(const struct result *result)
{
    return result->cpu_seconds * 1e6 / (double)MAX(result->records, 1);
}

static void print_table(const struct result *results, size_t count)
{
    printf("%-8s %8s %14s %14s %12s\n", "", "batch", "records/s", "CPU us/record", "bytes/record");
    for (size_t i = 0; i < count; i++) {
        const struct result *result = &results[i];
        printf("%-8s ", result->engine);
        if (result->batch)
            printf("%8u %14.0f %14.3f %12.0f\n", result->batch, rate(result), cpu_us(result),
                   (double)result->bytes / (double)MAX(result->records, 1));
        else
            printf("%8s %14.0f %14.3f   (%llu records, %.2f s)\n", "", rate(result), cpu_us(result),
                   (unsigned long long)result->records, result->seconds);
    }
}

static void print_json(const struct result *results, size_t count)
{
    printf("{\"log\":[");
    for (size_t i = 0; i < count; i++)
        printf("%s{\"engine\":\"%s\",\"batch\":%u,\"records\":%llu,\"seconds\":%.3f,"
               "\"records_per_s\":%.0f,\"cpu_us_per_record\":%.4f}",
               i ? "," : "", results[i].engine, results[i].batch,
               (unsigned long long)results[i].records, results[i].seconds, rate(&results[i]),
               cpu_us(&results[i]));
    printf("]}\n");
}

static struct options parse(int argc, char **argv)
{
    struct options options = { .dir = "build/bench/log.data", .seconds = 1, .records = 2000000 };
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        uint64_t n;
        if (strcmp(argv[i], "--json") == 0)
            options.json = true;
        else if (more && strcmp(argv[i], "--dir") == 0)
            options.dir = argv[++i];
        else if (more && strcmp(argv[i], "--seconds") == 0)
            options.seconds = strtod(argv[++i], NULL);
        else if (more && strcmp(argv[i], "--records") == 0 && str_u64(str_z(argv[i + 1]), &n) && n)
            options.records = n, i++;
        else {
            fprintf(stderr, "usage: %s [--json] [--seconds S] [--records N] [--dir DIR]\n",
                    argv[0]);
            exit(2);
        }
    }
    return options;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct result results[2 * COUNT(batches) + 3];
    size_t count = 0;
    struct why why;
    need(clock_real_init(&timer, NULL, 0, &why), &why);
    clear(options.dir);
    need(files_real()->make_dir(files_real(), options.dir, &why), &why);
    for (size_t i = 0; i < COUNT(batches); i++) {
        struct result log = run_log(&options, batches[i]);
        results[count++] = run_raw(&options, batches[i], (size_t)(log.bytes / MAX(log.commits, 1)));
        results[count++] = log;
    }
    results[count++] = run_free(&options);
    run_replay(&options, &results[count], &results[count + 1]);
    count += 2;
    clear(options.dir);
    (options.json ? print_json : print_table)(results, count);
    return 0;
}
