/* log_test.c - one conformance suite for every backend of the log, then what only the embedded one
 * promises: what is in it after closing, where its files are, and that its writer thread keeps up.
 */
#include "store/log.h"
#include "store/log_batch.h"
#include "store/log_check.h"
#include "store/crc32c.h"
#include "tests/test.h"
#include "tests/unit/records.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct backend_case {
    const char *name, *backend;
    bool threads;
    size_t segment_bytes;
};
static const struct backend_case cases[] = {
    { "memory", "memory", false, 0 },
    { "memory with threads", "memory", true, 0 },
    { "embedded", "embedded", false, 8 * MIB },
    { "embedded, small segments", "embedded", false, 512 * KIB },
    { "embedded with threads", "embedded", true, 8 * MIB },
    { "embedded with threads, small segments", "embedded", true, 512 * KIB },
};

static struct log *open_case(const struct backend_case *c, const char *dir)
{
    struct why why;
    struct log *log;
    CHECK_OK(log_open(&log,
                      &(struct log_opts){ .backend = c->backend,
                                          .dir = dir,
                                          .files = files_real(),
                                          .segment_bytes = c->segment_bytes,
                                          .threads = c->threads },
                      &why));
    return log;
}

static void append_some(struct log *log, uint64_t from, uint64_t to)
{
    struct why why;
    char body[RECORDS_BODY_BYTES_MAX];
    for (uint64_t i = from; i < to; i++) {
        struct record record = record_of(i, body);
        uint64_t offset;
        fail f;
        while ((f = log_append(log, &record, &offset, &why)) == FAIL_BUSY)
            log_sync(log);
        CHECK_OK(f);
        CHECK_EQ(offset, i);
    }
}

struct reading {
    uint64_t next, step, seen, stop_at;
};

static fail read_one(void *ctx, const struct record *record, struct why *why)
{
    struct reading *reading = ctx;
    char body[RECORDS_BODY_BYTES_MAX];
    struct record want = record_of(reading->next, body);
    if (reading->stop_at && record->offset == reading->stop_at)
        return fail_set(why, FAIL_CONFLICT, "enough");
    check_record(record, &want);
    reading->next += reading->step;
    reading->seen++;
    return FAIL_NONE;
}

static uint64_t read_from(struct log *log, uint64_t from)
{
    struct why why;
    struct reading reading = { .next = from, .step = 1 };
    CHECK_OK(log_read(log, from, TOPICS_ALL, read_one, &reading, &why));
    return reading.seen;
}

#define EACH_CASE(c) for (const struct backend_case *c = cases; c < cases + COUNT(cases); c++)

TEST(log, gives_offsets_and_gives_back_what_was_appended)
{
    EACH_CASE(c)
    {
        struct log *log = open_case(c, test_dir());
        CHECK_EQ(log_appended(log), 0);
        CHECK_EQ(log_last_at(log), 0);
        CHECK_EQ(read_from(log, 0), 0);
        append_some(log, 0, 20000);
        log_sync(log);
        CHECK_EQ(log_appended(log), 20000);
        CHECK_EQ(log_durable(log), 20000);
        CHECK_EQ(log_last_at(log), 1800000000000 + 19999 / 3);
        for (uint64_t from = 0; from <= 20000; from += 1667)
            CHECK_EQ(read_from(log, from), 20000 - from);
        CHECK_EQ(read_from(log, 20001), 0);
        log_close(log);
    }
}

TEST(log, is_durable_only_after_a_flush)
{
    EACH_CASE(c)
    {
        struct log *log = open_case(c, test_dir());
        append_some(log, 0, 10);
        CHECK_EQ(log_durable(log), 0);
        CHECK_EQ(read_from(log, 0), 0);
        log_flush(log);
        log_sync(log);
        CHECK_EQ(log_durable(log), 10);
        append_some(log, 10, 20);
        CHECK_EQ(log_durable(log), 10);
        CHECK_EQ(read_from(log, 0), 10);
        log_close(log);
    }
}

TEST(log, reads_only_the_topics_asked_for)
{
    EACH_CASE(c)
    {
        struct why why;
        struct log *log = open_case(c, test_dir());
        append_some(log, 0, 5000);
        log_sync(log);
        struct reading reading = { .next = TOPIC_ANSWERS, .step = TOPIC_COUNT };
        CHECK_OK(log_read(log, 0, TOPIC_BIT(TOPIC_ANSWERS), read_one, &reading, &why));
        CHECK_EQ(reading.seen, 5000 / TOPIC_COUNT);
        reading = (struct reading){ 0 };
        CHECK_OK(log_read(log, 0, 0, read_one, &reading, &why));
        CHECK_EQ(reading.seen, 0);
        log_close(log);
    }
}

TEST(log, passes_on_the_failure_of_a_reader)
{
    EACH_CASE(c)
    {
        struct why why;
        struct log *log = open_case(c, test_dir());
        append_some(log, 0, 100);
        log_sync(log);
        struct reading reading = { .step = 1, .stop_at = 42 };
        CHECK_EQ(log_read(log, 0, TOPICS_ALL, read_one, &reading, &why), FAIL_CONFLICT);
        CHECK_EQ(reading.seen, 42);
        CHECK_STR(str_z(why.text), STR("enough"));
        log_close(log);
    }
}

TEST(log, takes_bodies_up_to_the_limit_and_not_beyond)
{
    char *body = calloc(1, LOG_BODY_BYTES_MAX + 1);
    EACH_CASE(c)
    {
        struct why why;
        struct log *log = open_case(c, test_dir());
        struct record record = { .at = 1, .body = str_of(body, LOG_BODY_BYTES_MAX + 1) };
        CHECK_EQ(log_append(log, &record, NULL, &why), FAIL_LIMIT);
        CHECK_EQ(log_appended(log), 0);
        record.body.n = LOG_BODY_BYTES_MAX;
        CHECK_OK(log_append(log, &record, NULL, &why));
        log_sync(log);
        CHECK_EQ(log_durable(log), 1);
        log_close(log);
    }
    free(body);
}

TEST(log, is_busy_when_the_batch_is_full_and_goes_on_after_a_flush)
{
    char *body = calloc(1, LOG_BODY_BYTES_MAX);
    struct why why;
    struct log *log = open_case(&cases[2], test_dir());
    struct record record = { .at = 1, .body = str_of(body, LOG_BODY_BYTES_MAX) };
    unsigned taken = 0;
    while (log_append(log, &record, NULL, &why) == FAIL_NONE)
        taken++;
    CHECK_EQ(taken, BATCH_BYTES_MAX / LOG_BODY_BYTES_MAX - 1);
    CHECK_EQ(log_append(log, &record, NULL, &why), FAIL_BUSY);
    CHECK_EQ(log_appended(log), taken);
    log_flush(log);
    CHECK_EQ(log_durable(log), taken);
    CHECK_OK(log_append(log, &record, NULL, &why));
    log_close(log);
    free(body);
}

TEST(log, wakes_its_owner_when_something_became_durable)
{
    EACH_CASE(c)
    {
        struct log *log = open_case(c, test_dir());
        int fd = log_wake_fd(log);
        CHECK_EQ(fd >= 0, c->threads);
        append_some(log, 0, 1);
        log_flush(log);
        if (fd >= 0) {
            struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
            CHECK_EQ(poll(&poll_fd, 1, 10000), 1);
            CHECK_EQ(log_durable(log), 1);
        }
        log_close(log);
    }
}

TEST(log, counts_what_it_did)
{
    EACH_CASE(c)
    {
        struct log *log = open_case(c, test_dir());
        append_some(log, 0, 100);
        log_sync(log);
        struct log_stats stats;
        log_stats(log, &stats);
        CHECK_EQ(stats.records, 100);
        CHECK_EQ(stats.batches, 1);
        CHECK_EQ(stats.segments, 1);
        CHECK(stats.has_room);
        log_close(log);
    }
}

TEST(log, refuses_a_backend_that_does_not_exist)
{
    struct why why;
    struct log *log;
    CHECK_EQ(log_open(&log, &(struct log_opts){ .backend = "paper" }, &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("embedded or memory"));
}

/* --- embedded only --------------------------------------------------------------------------- */

TEST(log, holds_everything_after_closing_and_opening)
{
    for (const struct backend_case *c = cases + 2; c < cases + COUNT(cases); c++) {
        const char *dir = test_dir();
        uint64_t total = 0;
        for (unsigned round = 0; round < 6; round++) {
            struct log *log = open_case(c, dir);
            CHECK_EQ(log_appended(log), total);
            CHECK_EQ(log_durable(log), total);
            CHECK_EQ(read_from(log, 0), total);
            append_some(log, total, total + round * 1500);
            total += round * 1500;
            log_close(log);
        }
    }
}

static void count_segment(void *ctx, str name)
{
    *(unsigned *)ctx += str_ends(name, STR(".seg"));
}

TEST(log, goes_on_in_a_new_segment_when_one_is_full)
{
    struct why why;
    const char *dir = test_dir();
    struct log *log = open_case(&cases[3], dir);
    append_some(log, 0, 20000);
    log_sync(log);
    unsigned files = 0;
    CHECK_OK(files_real()->list(files_real(), dir, count_segment, &files, &why));
    struct log_stats stats;
    log_stats(log, &stats);
    CHECK(stats.segments > 5);
    CHECK_EQ(files, stats.segments);
    log_close(log);
}

TEST(log, is_held_by_one_process)
{
    const char *dir = test_dir();
    struct log *log = open_case(&cases[3], dir);
    char pid[32];
    snprintf(pid, sizeof(pid), "process %d;", (int)getpid());
    pid_t child = fork();
    if (child == 0) {
        struct why why;
        struct log *second;
        fail f = log_open(
            &second, &(struct log_opts){ .backend = "embedded", .dir = dir, .files = files_real() },
            &why);
        _exit(f == FAIL_CONFLICT && strstr(why.text, pid) ? 0 : 1);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    log_close(log);
}

/* Appends until the log refuses for more than a full batch. Gives the next offset. */
static uint64_t append_until_refused(struct log *log, uint64_t from, fail *refusal, struct why *why)
{
    char body[RECORDS_BODY_BYTES_MAX];
    for (;; from++) {
        struct record record = record_of(from, body);
        while ((*refusal = log_append(log, &record, NULL, why)) == FAIL_BUSY)
            usleep(1000); /* log_sync would wait until what is lacking is there */
        if (*refusal)
            return from;
        log_flush(log);
    }
}

/* The writer tries again within a second. */
static void append_when_taken(struct log *log, uint64_t i)
{
    char body[RECORDS_BODY_BYTES_MAX];
    struct why why;
    struct record record = record_of(i, body);
    fail f = FAIL_STARVED;
    for (int tries = 0; f && tries < 1000; tries++) {
        f = log_append(log, &record, NULL, &why);
        if (f)
            usleep(10000);
    }
    CHECK_OK(f);
}

static bool has_spare(const char *dir)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/spare.tmp", dir);
    return access(path, F_OK) == 0;
}

TEST(log, want_of_a_descriptor_for_the_next_segment_refuses_appends_and_passes)
{
    struct why why;
    fail f;
    struct log_stats stats;
    struct log *log = open_case(&cases[5], test_dir());
    test_listen();
    uint64_t before = test_limit_files(3);
    uint64_t taken = append_until_refused(log, 0, &f, &why);
    log_sync(log);
    uint64_t durable = log_durable(log);
    log_stats(log, &stats);
    test_limit_files(before);
    append_when_taken(log, taken);
    log_sync(log);
    str said = test_heard();
    CHECK_EQ(f, FAIL_STARVED);
    CHECK_HAS(str_z(why.text), STR("ulimit -n"));
    CHECK(!stats.has_room);
    CHECK_EQ(durable, taken);
    CHECK_HAS(said, STR("\"event\":\"log.no_descriptors\""));
    CHECK_EQ(str_find(said, '\n'), said.n - 1); /* once */
    CHECK_EQ(read_from(log, 0), taken + 1);
    log_close(log);
}

/* The new segment has its name, and a batch that was taken waits for the folder to be synced. */
TEST(log, want_of_a_descriptor_for_the_folder_delays_what_was_taken_and_loses_none)
{
    struct why why;
    fail f;
    const char *dir = test_dir();
    struct log *log = open_case(&cases[5], dir);
    uint64_t next = 0;
    for (; next < 10000 && !has_spare(dir); next += 10) {
        append_some(log, next, next + 10);
        log_sync(log);
    }
    test_listen();
    uint64_t before = test_limit_files(3);
    uint64_t taken = append_until_refused(log, next, &f, &why);
    uint64_t durable = log_durable(log);
    test_limit_files(before);
    append_when_taken(log, taken);
    log_sync(log);
    str said = test_heard();
    CHECK_EQ(f, FAIL_STARVED);
    CHECK(durable >= next && durable < taken);
    CHECK_HAS(said, STR("\"event\":\"log.no_descriptors\""));
    CHECK_EQ(read_from(log, 0), taken + 1);
    log_close(log);
    log = open_case(&cases[5], dir);
    CHECK_EQ(read_from(log, 0), taken + 1);
    log_close(log);
}

static uint64_t log_id_of(const char *dir)
{
    char path[PATH_MAX];
    struct batch_head head;
    snprintf(path, sizeof(path), "%s/%020d.seg", dir, 0);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK_EQ(pread(fd, &head, sizeof(head), 0), (ssize_t)sizeof(head));
    close(fd);
    return head.log_id;
}

static _Atomic int opens_left;

static fail open_some(struct files *files, const char *path, int mode, int *handle, struct why *why)
{
    *handle = -1;
    return opens_left-- > 0 ? files_real()->open(files, path, mode, handle, why)
                            : fail_set(why, FAIL_STARVED, "no descriptor is free");
}

/* A log of several segments, and its check by a thread that may open the first of them. */
static void check_the_first(struct segments *segments, struct files *files, struct log_check *check)
{
    struct why why;
    const char *dir = test_dir();
    struct log *log = open_case(&cases[3], dir);
    append_some(log, 0, 20000);
    log_close(log);
    *files = *files_real();
    files->open = open_some;
    opens_left = 1;
    CHECK_OK(segments_init(segments, files, dir, &why));
    segments->log_id = log_id_of(dir);
    size_t last = segments_count(segments) - 1;
    CHECK(last > 1);
    struct place end = { .segment = last, .first = segments_first(segments, last) };
    log_check_start(check, segments, end);
    for (int tries = 0; opens_left >= 0 && tries < 10000; tries++)
        usleep(1000);
}

TEST(log, who_checks_behind_waits_for_a_descriptor)
{
    struct segments segments;
    struct files files;
    struct log_check check = { 0 };
    check_the_first(&segments, &files, &check);
    uint64_t left = check.left;
    bool damaged = check.damaged;
    opens_left = 1000;
    for (int tries = 0; check.left && tries < 1000; tries++)
        usleep(10000);
    log_check_stop(&check);
    CHECK(left > 0 && !damaged);
    CHECK(check.left == 0 && !check.damaged);
    segments_fini(&segments);
}

TEST(log, who_checks_behind_and_is_stopped_for_want_of_a_descriptor_finds_no_damage)
{
    struct segments segments;
    struct files files;
    struct log_check check = { 0 };
    check_the_first(&segments, &files, &check);
    log_check_stop(&check);
    CHECK(check.left > 0 && !check.damaged);
    segments_fini(&segments);
}

struct reader {
    struct log *log;
    pthread_t thread;
    uint64_t seen;
    fail f;
    struct why why;
};

static fail read_in_order(void *ctx, const struct record *record, struct why *why)
{
    struct reader *reader = ctx;
    char body[RECORDS_BODY_BYTES_MAX];
    struct record want = record_of(record->offset, body);
    if (record->offset != reader->seen || !str_eq(record->body, want.body))
        return fail_set(why, FAIL_CORRUPT, "record %llu is wrong",
                        (unsigned long long)reader->seen);
    reader->seen++;
    return FAIL_NONE;
}

static void *read_until_done(void *arg)
{
    struct reader *reader = arg;
    while (!reader->f && reader->seen < 60000)
        reader->f =
            log_read(reader->log, reader->seen, TOPICS_ALL, read_in_order, reader, &reader->why);
    return NULL;
}

TEST(log, can_be_read_by_other_threads_while_it_is_written)
{
    struct log *log = open_case(&cases[5], test_dir());
    struct reader readers[2] = { { .log = log }, { .log = log } };
    for (int i = 0; i < 2; i++)
        CHECK_EQ(pthread_create(&readers[i].thread, NULL, read_until_done, &readers[i]), 0);
    for (uint64_t i = 0; i < 60000; i += 100) {
        append_some(log, i, i + 100);
        log_flush(log);
    }
    log_sync(log);
    for (int i = 0; i < 2; i++) {
        struct why why = { 0 };
        CHECK_EQ(pthread_join(readers[i].thread, NULL), 0);
        why = readers[i].why;
        CHECK_OK(readers[i].f);
        CHECK_EQ(readers[i].seen, 60000);
    }
    log_close(log);
}

static int read_in_child(struct log *log)
{
    pid_t child = fork();
    if (child == 0) {
        struct reader reader = { .log = log };
        alarm(20); /* a lock held by a thread that is not here would hang it */
        fail f = log_read(log, 0, TOPICS_ALL, read_in_order, &reader, &reader.why);
        _exit(f || reader.seen != log_durable(log));
    }
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    return status;
}

TEST(log, can_be_read_by_a_forked_child_while_it_is_written)
{
    EACH_CASE(c)
    {
        struct log *log = open_case(c, test_dir());
        for (uint64_t i = 0; i < 4000; i += 100) {
            append_some(log, i, i + 100);
            log_flush(log);
            if (i % 500 == 0)
                CHECK_EQ(read_in_child(log), 0);
        }
        log_close(log);
    }
}

/* --- bytes ----------------------------------------------------------------------------------- */

TEST(log, sums_the_same_with_and_without_the_instruction)
{
    char bytes[10000];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 31 + i / 256);
    CHECK_EQ(crc32c_table(0, "123456789", 9), 0xe3069283); /* RFC 3720's check value */
    for (size_t n = 0; n < sizeof(bytes) - 8; n += 1 + n / 50)
        CHECK_EQ(crc32c(7, bytes + n % 8, n), crc32c_table(7, bytes + n % 8, n));
    CHECK_EQ(crc32c(crc32c(0, bytes, 5000), bytes + 5000, 5000), crc32c(0, bytes, 10000));
}

TEST(log, spends_at_most_sixteen_bytes_beside_a_body)
{
    char bytes[128];
    struct record record = { .at = 1800000000000,
                             .key = 449999,
                             .topic = TOPIC_ANSWERS,
                             .type = 1,
                             .body = STR("0123456789012345678901234567890123456789") };
    CHECK(record_encode(bytes, &record, record.at - 30) - record.body.n <= 8);
    record.key = UINT32_MAX;
    CHECK(record_encode(bytes, &record, record.at - 3600000) - record.body.n <= 16);
}

TEST(log, decodes_no_record_that_is_cut_short)
{
    char bytes[128];
    struct record record = { .at = 90, .key = 1000, .topic = 3, .type = 9, .body = STR("hello") };
    size_t n = record_encode(bytes, &record, 0);
    for (size_t cut = 0; cut < n; cut++) {
        str rest = str_of(bytes, cut);
        instant at = 0;
        CHECK(!record_decode(&rest, &at, &record));
    }
    str rest = str_of(bytes, n);
    instant at = 0;
    CHECK(record_decode(&rest, &at, &record));
    CHECK_EQ(rest.n, 0);
    CHECK_EQ(at, 90);
}
