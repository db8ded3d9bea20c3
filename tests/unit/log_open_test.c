/* log_open_test.c - a log with records in it is opened again: what is replayed, what is checked
 * when, and who refuses damage. */
#include "store/log.h"
#include "tests/test.h"
#include "tests/unit/records.h"

#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT_BYTES (512 * KIB)
#define MANY          ((uint64_t)10000) /* some six segments */
#define LATE          (MANY - 100)

static void append_some(struct log *log, uint64_t from, uint64_t to)
{
    struct why why;
    char body[RECORDS_BODY_BYTES_MAX];
    for (uint64_t i = from; i < to; i++) {
        struct record record = record_of(i, body);
        CHECK_OK(log_append(log, &record, NULL, &why));
        if (i % 100 == 99)
            log_sync(log);
    }
}

struct seen {
    uint64_t next, fails_at; /* fails_at 0: never */
    size_t longest;
};

static fail see(void *ctx, const struct record *records, size_t n, struct why *why)
{
    struct seen *seen = ctx;
    char body[RECORDS_BODY_BYTES_MAX];
    CHECK(n >= 1 && n <= LOG_RUN);
    seen->longest = MAX(seen->longest, n);
    for (size_t i = 0; i < n; i++) {
        struct record want = record_of(seen->next++, body);
        check_record(&records[i], &want);
    }
    return seen->fails_at && seen->next > seen->fails_at
               ? fail_set(why, FAIL_CONFLICT, "enough was seen")
               : FAIL_NONE;
}

static const char *dir; /* of the test at hand */

static fail open_at(struct log **log, struct seen *seen, bool threads, struct why *why)
{
    return log_open(log,
                    &(struct log_opts){ .backend = "embedded",
                                        .dir = dir,
                                        .files = files_real(),
                                        .segment_bytes = SEGMENT_BYTES,
                                        .replay = see,
                                        .replay_ctx = seen,
                                        .replay_from = seen->next,
                                        .threads = threads },
                    why);
}

static void make_log(void)
{
    struct why why;
    struct log *log;
    struct seen nothing = { 0 };
    dir = test_dir();
    CHECK_OK(open_at(&log, &nothing, false, &why));
    append_some(log, 0, MANY);
    log_close(log);
    CHECK_EQ(nothing.next, 0);
}

TEST(log, gives_what_is_there_while_it_is_opened_and_misses_nothing)
{
    static const uint64_t froms[] = { 0, 1, 4999, 5000, 6217, MANY - 1, MANY, MANY + 2000 };
    make_log();
    for (size_t i = 0; i < COUNT(froms); i++) {
        struct seen seen = { .next = froms[i] };
        struct why why;
        struct log *log;
        CHECK_OK(open_at(&log, &seen, i % 2, &why));
        CHECK_EQ(log_appended(log), MANY);
        CHECK_EQ(seen.next, MAX(froms[i], MANY));
        if (froms[i] < LATE)
            CHECK_EQ(seen.longest, LOG_RUN);
        log_close(log);
    }
}

TEST(log, is_not_opened_when_what_is_there_is_refused)
{
    struct seen refusing = { .fails_at = 2000 }, seen = { 0 };
    struct why why;
    struct log *log;
    make_log();
    CHECK_EQ(open_at(&log, &refusing, true, &why), FAIL_CONFLICT);
    CHECK_HAS(str_z(why.text), STR("enough was seen"));
    CHECK_OK(open_at(&log, &seen, true, &why)); /* nothing was changed, nobody holds it */
    CHECK_EQ(seen.next, MANY);
    log_close(log);
}

/* --- what lies before the replay ---------------------------------------------------------------
 */

static fail all_again(void *ctx, const struct record *record, struct why *why)
{
    return see(ctx, record, 1, why);
}

static bool is_damaged_behind(struct log *log)
{
    struct log_stats stats;
    do {
        sched_yield();
        log_stats(log, &stats);
    } while (stats.unchecked && !stats.damaged);
    return stats.damaged;
}

TEST(log, is_open_before_what_lies_before_the_replay_is_checked)
{
    make_log();
    for (int threads = 0; threads < 2; threads++) {
        struct seen late = { .next = LATE }, all = { 0 };
        struct why why;
        struct log *log;
        CHECK_OK(open_at(&log, &late, threads, &why));
        CHECK_OK(log_read(log, 0, TOPICS_ALL, all_again, &all, &why));
        CHECK_EQ(all.next, MANY);
        CHECK(!is_damaged_behind(log));
        log_close(log);
    }
}

static fail refuse_write(struct files *files, int handle, uint64_t at, const void *bytes, size_t n,
                         struct why *why)
{
    (void)files, (void)bytes;
    return fail_set(why, FAIL_FORBIDDEN, "%zu bytes at %llu of %d", n, (unsigned long long)at,
                    handle);
}

TEST(log, that_is_only_looked_at_stays_as_it_is)
{
    struct files reads = *files_real();
    struct seen all = { 0 }, again = { 0 };
    struct why why;
    struct log *log;
    char spare[300], empty[300];
    make_log();
    snprintf(spare, sizeof(spare), "%s/spare.tmp", dir); /* of a process that was killed */
    FILE *file = fopen(spare, "w");
    CHECK(file && fclose(file) == 0);
    reads.write = refuse_write;
    struct log_opts opts = { .backend = "embedded",
                             .dir = dir,
                             .files = &reads,
                             .replay = see,
                             .replay_ctx = &all,
                             .reading = true };
    CHECK_OK(log_open(&log, &opts, &why));
    CHECK_EQ(all.next, MANY);
    CHECK_OK(log_read(log, 0, TOPICS_ALL, all_again, &again, &why));
    CHECK_EQ(again.next, MANY);
    log_close(log);
    CHECK_EQ(access(spare, F_OK), 0);
    all.next = 0;
    opts.reading = false;
    CHECK_EQ(log_open(&log, &opts, &why), FAIL_FORBIDDEN); /* else it is written to */
    snprintf(empty, sizeof(empty), "%s/empty", dir);
    CHECK_EQ(mkdir(empty, 0700), 0);
    opts.reading = true;
    opts.dir = empty;
    CHECK_EQ(log_open(&log, &opts, &why), FAIL_MISSING);
}

static void find_second(void *ctx, str name)
{
    uint64_t first, *second = ctx;
    if (str_ends(name, STR(".seg")) && str_u64(str_first(name, 20), &first) && first)
        *second = MIN(*second, first);
}

static void path_of_second(char path[300])
{
    struct why why;
    uint64_t second = UINT64_MAX;
    CHECK_OK(files_real()->list(files_real(), dir, find_second, &second, &why));
    CHECK(second < LATE);
    snprintf(path, 300, "%s/%020llu.seg", dir, (unsigned long long)second);
}

/* Of a log that is damaged in its second segment: who has threads and needs only the end opens it
 * and says so, whoever else refuses. */
static void check_refused_by_who_needs_it(const char *where)
{
    struct seen late = { .next = LATE }, all = { 0 }, behind = { .next = LATE };
    struct why why;
    struct log *log;
    CHECK_OK(open_at(&log, &late, true, &why));
    CHECK_EQ(late.next, MANY);
    CHECK(is_damaged_behind(log));
    log_close(log);
    CHECK_EQ(open_at(&log, &all, true, &why), FAIL_CORRUPT);
    CHECK_EQ(open_at(&log, &behind, false, &why), FAIL_CORRUPT);
    CHECK_HAS(str_z(why.text), str_z(where));
}

TEST(log, damage_before_the_replay_is_said_and_refused_by_who_needs_it)
{
    char path[300];
    make_log();
    path_of_second(path);
    test_turn_over(path, 20000);
    check_refused_by_who_needs_it(path);
}

TEST(log, a_file_missing_before_the_replay_is_said_and_refused_by_who_needs_it)
{
    char path[300];
    make_log();
    path_of_second(path);
    CHECK_EQ(unlink(path), 0);
    check_refused_by_who_needs_it("/00000000000000000000.seg"); /* what should go on there */
}
