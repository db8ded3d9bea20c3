/* crash_test.c - the log on a disk that lies as much as a disk may.
 *
 * A workload runs on the simulated disk. At every call it makes, and within every write, the disk
 * is copied as a killed process and as power cuts of many shapes would leave it, and each copy is
 * recovered and judged: whatever was acknowledged is there, in order, byte for byte; nothing is
 * there that was not appended; and the log goes on. Then: every call fails once and for ever, bits
 * flip, sectors vanish, files vanish, the disk is full, no descriptor is free. */
#include "store/log.h"
#include "store/log_batch.h"
#include "sys/files_sim.h"
#include "tests/test.h"
#include "tests/unit/records.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEGMENT_BYTES  (32 * KIB)
#define BODY_BYTES_MAX 3000

/* Record i: everything follows from i. `zeros`: bodies of zeros, the hardest to tell from a tear.
 */
static bool zeros;

static struct record hard_record(uint64_t i, char body[BODY_BYTES_MAX])
{
    uint64_t mixed = i * 0x9e3779b97f4a7c15u;
    size_t n = (size_t)(mixed >> 32) % (mixed >> 63 ? BODY_BYTES_MAX : 80);
    for (size_t k = 0; k < n; k++)
        body[k] = zeros ? 0 : (char)(1 + (i + k) % 255);
    return (struct record){ .offset = i,
                            .at = 1800000000000 + (instant)i,
                            .key = (uint32_t)i,
                            .topic = (uint8_t)(i % TOPIC_COUNT),
                            .type = (uint8_t)i,
                            .body = str_of(body, n) };
}

static fail open_log(struct log **log, struct files_sim *sim, struct why *why)
{
    struct chance chance;
    chance_sim_init(&chance, test_seed());
    return log_open(log,
                    &(struct log_opts){ .backend = "embedded",
                                        .dir = "hall/log",
                                        .files = files_sim_files(sim),
                                        .chance = &chance,
                                        .segment_bytes = SEGMENT_BYTES },
                    why);
}

static fail append_one(struct log *log, struct why *why)
{
    char body[BODY_BYTES_MAX];
    struct record record = hard_record(log_appended(log), body);
    return log_append(log, &record, NULL, why);
}

static fail check_one(void *ctx, const struct record *record, struct why *why)
{
    (void)why;
    char body[BODY_BYTES_MAX];
    uint64_t *next = ctx;
    struct record want = hard_record(*next, body);
    check_record(record, &want);
    ++*next;
    return FAIL_NONE;
}

/* Every record of the log is the one that was appended. Returns how many. */
static uint64_t check_records(struct log *log)
{
    struct why why;
    uint64_t next = 0;
    CHECK_OK(log_read(log, 0, TOPICS_ALL, check_one, &next, &why));
    CHECK_EQ(next, log_durable(log));
    CHECK_EQ(log_last_at(log), next ? 1800000000000 + (instant)next - 1 : 0);
    return next;
}

static struct files_sim *new_disk(uint64_t seed)
{
    struct why why;
    struct files_sim *sim = files_sim_new(SEGMENT_BYTES, seed);
    CHECK_OK(files_sim_files(sim)->make_dir(files_sim_files(sim), "hall", &why));
    CHECK_OK(files_sim_files(sim)->sync_dir(files_sim_files(sim), ".", &why));
    return sim;
}

/* --- every crash point, many legal states ---------------------------------------------------- */

struct world {
    struct chance chance;
    struct log *log;          /* NULL while it is being opened */
    uint64_t acked, appended; /* what the outside was told; what it asked for */
    uint64_t states, points;
    unsigned states_each;
};

/* Opens what is left, judges it, and lets it go on. Returns the records it found. */
static uint64_t judge(const struct world *world, struct files_sim *sim)
{
    struct why why;
    struct log *log;
    CHECK_OK(open_log(&log, sim, &why));
    uint64_t found = check_records(log);
    if (found < world->acked || found > world->appended)
        test_failed(__FILE__, __LINE__, "%llu records found, %llu acknowledged, %llu appended",
                    (unsigned long long)found, (unsigned long long)world->acked,
                    (unsigned long long)world->appended);
    CHECK_OK(append_one(log, &why));
    log_flush(log);
    CHECK_EQ(log_durable(log), found + 1);
    CHECK_EQ(check_records(log), found + 1);
    log_close(log);
    return found;
}

/* Recovery dies too, at any call, and power goes with it; three deep. What the process before saw
 * as there may only become more certain, never less. */
static void crash_in_recovery(struct world *world, struct files_sim *sim)
{
    for (unsigned depth = 0; depth < 3; depth++) {
        struct why why;
        struct log *log;
        uint64_t call = files_sim_calls(sim) + 1 + chance_below(&world->chance, 14);
        files_sim_fail_at(sim, call, FAIL_WORLD, true);
        fail f = open_log(&log, sim, &why);
        files_sim_fail_at(sim, 0, FAIL_NONE, false);
        if (!f) {
            world->acked = MAX(world->acked, log_durable(log));
            log_close(log);
        }
        CHECK(!f || f == FAIL_WORLD);
        files_sim_kill(sim);
        if (chance_below(&world->chance, 2))
            files_sim_cut_power(sim, &world->chance);
    }
}

static void look_at_one_state(const struct world *world, struct files_sim *now, unsigned i)
{
    struct files_sim *sim = files_sim_copy(now);
    struct world here = *world; /* what this state's own recoveries promise binds only it */
    chance_sim_init(&here.chance, world->states + test_seed());
    if (i > 0)
        files_sim_cut_power(sim, &here.chance);
    if (i % 4 == 3)
        crash_in_recovery(&here, sim);
    uint64_t found = judge(&here, sim);
    here.acked = here.appended = found + 1; /* and after one more power cut all is there still */
    files_sim_cut_power(sim, &here.chance);
    judge(&here, sim);
    files_sim_free(sim);
}

static void look_at_all_states(void *ctx, struct files_sim *now)
{
    struct world *world = ctx;
    world->points++;
    if (world->log) {
        world->acked = log_durable(world->log);
        world->appended = log_appended(world->log);
    }
    for (unsigned i = 0; i < world->states_each; i++, world->states++)
        look_at_one_state(world, now, i);
}

static void run_workload(struct world *world, struct files_sim *sim, unsigned rounds)
{
    struct why why;
    for (unsigned round = 0; round < rounds; round++) {
        struct log *log;
        CHECK_OK(open_log(&log, sim, &why));
        world->log = log;
        for (unsigned batch = 0; batch < 3; batch++) {
            for (uint64_t i = chance_below(&world->chance, 12); i != UINT64_MAX; i--)
                CHECK_OK(append_one(log, &why));
            log_flush(log);
        }
        world->acked = world->appended = log_durable(log);
        log_close(log);
        world->log = NULL;
    }
}

static uint64_t crash_everywhere(uint64_t seeds, unsigned states_each)
{
    struct world world = { .states_each = states_each };
    for (uint64_t seed = 0; seed < seeds; seed++) {
        struct files_sim *sim = new_disk(seed);
        chance_sim_init(&world.chance, seed + test_seed());
        world.acked = world.appended = 0;
        files_sim_on_call(sim, look_at_all_states, &world);
        run_workload(&world, sim, 2);
        files_sim_free(sim);
    }
    CHECK(world.points > seeds * 40);
    return world.states;
}

TEST(crash, acknowledged_records_survive_a_cut_at_any_call)
{
    CHECK(crash_everywhere(6, 12) > 5000);
}

TEST(crash, bodies_of_zeros_survive_too)
{
    zeros = true;
    uint64_t states = crash_everywhere(2, 12);
    zeros = false;
    CHECK(states > 1000);
}

/* --- every call fails ------------------------------------------------------------------------ */

struct told { /* shared with the child: what it acknowledged before it died */
    uint64_t acked, appended;
    bool finished;
};

/* The child's whole life; ends by itself, or by the log's own abort. */
static void live(struct files_sim *sim, struct told *told)
{
    struct why why;
    struct log *log;
    if (open_log(&log, sim, &why))
        _exit(2);
    for (unsigned batch = 0; batch < 10; batch++) {
        for (unsigned i = 0; i < 3; i++) {
            told->appended = log_appended(log) + 1;
            if (append_one(log, &why))
                _exit(3);
        }
        log_flush(log);
        told->acked = log_durable(log);
    }
    log_close(log);
    told->finished = true;
    _exit(0);
}

static int live_in_child(struct files_sim *sim, struct told *told)
{
    *told = (struct told){ 0 };
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDERR_FILENO);
        live(sim, told);
    }
    int status = 0;
    CHECK_EQ(waitpid(child, &status, 0), child);
    return status;
}

static struct told *new_told(void)
{
    struct told *told =
        mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(told != MAP_FAILED);
    return told;
}

static void judge_after_death(const struct told *told, struct files_sim *sim)
{
    struct why why;
    struct world world = { .acked = told->acked, .appended = told->appended };
    files_sim_fail_at(sim, 0, FAIL_NONE, false);
    files_sim_kill(sim);
    for (unsigned i = 0; i < 4; i++) {
        struct files_sim *copy = files_sim_copy(sim);
        struct log *log;
        chance_sim_init(&world.chance, files_sim_calls(sim) + i);
        if (i == 3)
            files_sim_cut_power(copy, &world.chance);
        /* What a process serves is on the disk, also when a sync failed before its time: the page
         * cache it read must not be believed. */
        CHECK_OK(open_log(&log, copy, &why));
        uint64_t served = check_records(log);
        CHECK(served >= told->acked && served <= told->appended);
        struct files_sim *after = files_sim_copy(copy);
        files_sim_cut_power(after, &world.chance);
        struct world strict = { .acked = served, .appended = served };
        judge(&strict, after);
        files_sim_free(after);
        log_close(log);
        files_sim_free(copy);
    }
}

/* Fails call 1, 2, 3 ... of the child's life until a life has no such call. */
static unsigned sweep(fail code, bool for_ever)
{
    struct told *told = new_told();
    unsigned aborted = 0;
    bool reached = true;
    for (uint64_t call = 1; reached; call++) {
        struct files_sim *sim = new_disk(call);
        files_sim_fail_at(sim, call, code, for_ever);
        int status = live_in_child(sim, told);
        bool abort_seen = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
        CHECK(abort_seen || WIFEXITED(status));
        aborted += abort_seen;
        reached = files_sim_calls(sim) >= call;
        CHECK(!reached || call < 1000);
        judge_after_death(told, sim);
        files_sim_free(sim);
    }
    CHECK(told->finished);
    munmap(told, sizeof(*told));
    return aborted;
}

TEST(crash, any_call_may_fail_once)
{
    CHECK(sweep(FAIL_WORLD, false) > 20);
}

TEST(crash, any_call_may_fail_and_all_after_it)
{
    CHECK(sweep(FAIL_WORLD, true) > 20);
}

TEST(crash, any_call_may_find_the_disk_full)
{
    CHECK(sweep(FAIL_FULL, false) > 10);
}

TEST(crash, any_call_may_find_no_descriptor_free)
{
    CHECK(sweep(FAIL_STARVED, false) > 5);
}

TEST(crash, a_failed_sync_ends_the_process_with_a_report)
{
    int out[2];
    CHECK_EQ(pipe(out), 0);
    struct files_sim *sim = new_disk(1);
    pid_t child = fork();
    if (child == 0) {
        struct why why;
        struct log *log;
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        dup2(out[1], STDERR_FILENO);
        if (open_log(&log, sim, &why) || append_one(log, &why))
            _exit(2);
        files_sim_fail_at(sim, files_sim_calls(sim) + 2, FAIL_WORLD, false); /* write, sync */
        log_flush(log);
        _exit(3);
    }
    close(out[1]);
    char text[1000] = "";
    size_t n = 0;
    for (ssize_t got; (got = read(out[0], text + n, sizeof(text) - 1 - n)) > 0;)
        n += (size_t)got;
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK_HAS(str_z(text), STR("\"event\":\"crash\",\"kind\":\"disk\""));
    close(out[0]);
    files_sim_free(sim);
}

/* --- damage ---------------------------------------------------------------------------------- */

/* A log of some segments on a disk, as a kill (no closing) or a clean end leaves it. */
static struct files_sim *damaged_disk(uint64_t records, bool closed)
{
    struct why why;
    struct log *log;
    struct files_sim *sim = new_disk(records);
    CHECK_OK(open_log(&log, sim, &why));
    for (uint64_t i = 0; i < records; i++) {
        CHECK_OK(append_one(log, &why));
        if (i % 5 == 4 || i == records - 1)
            log_flush(log);
    }
    struct files_sim *copy = closed ? NULL : files_sim_copy(sim);
    log_close(log);
    if (closed)
        return sim;
    files_sim_free(sim);
    return copy;
}

enum verdict { WHOLE, REFUSED, SHORTER };

static enum verdict read_damaged(const struct files_sim *disk, uint64_t records, struct why *why)
{
    struct files_sim *sim = files_sim_copy(disk);
    struct log *log;
    fail f = open_log(&log, sim, why);
    uint64_t found = 0;
    CHECK(!f || f == FAIL_CORRUPT);
    if (!f) {
        found = check_records(log); /* nothing wrong is ever served */
        log_close(log);
    }
    files_sim_free(sim);
    return f ? REFUSED : found == records ? WHOLE : SHORTER;
}

static void list_segment(void *ctx, str name)
{
    char(*paths)[64] = ctx;
    while ((*paths)[0])
        paths++;
    if (str_ends(name, STR(".seg")))
        snprintf(*paths, sizeof(*paths), "hall/log/%.*s", STR_ARG(name));
}

static unsigned list_segments(struct files_sim *sim, char paths[16][64])
{
    struct why why;
    memset(paths, 0, 16 * 64);
    CHECK_OK(
        files_sim_files(sim)->list(files_sim_files(sim), "hall/log", list_segment, paths, &why));
    unsigned count = 0;
    while (paths[count][0])
        count++;
    return count;
}

TEST(crash, a_flipped_bit_is_found_or_harmless_and_never_costs_a_record)
{
    for (int closed = 0; closed < 2; closed++) {
        struct files_sim *sim = damaged_disk(120, closed);
        struct why why;
        char paths[16][64];
        unsigned files = list_segments(sim, paths), refused = 0, bits = 0;
        CHECK(files >= 3);
        CHECK_EQ(read_damaged(sim, 120, &why), WHOLE);
        for (unsigned file = 0; file < files; file++)
            for (uint64_t at = file; at < SEGMENT_BYTES; at += at % 4096 < 64 ? 1 : 61) {
                unsigned char flip = (unsigned char)(1 << (at + file) % 8);
                CHECK(files_sim_damage(sim, paths[file], at, flip));
                enum verdict verdict = read_damaged(sim, 120, &why);
                if (verdict == SHORTER)
                    test_failed(__FILE__, __LINE__, "byte %llu of %s", (unsigned long long)at,
                                paths[file]);
                refused += verdict == REFUSED;
                bits++;
                files_sim_damage(sim, paths[file], at, flip);
            }
        CHECK(refused > bits / 3); /* the rest lies in padding and in zeros not used yet */
        files_sim_free(sim);
    }
}

TEST(crash, the_report_of_damage_names_file_and_place)
{
    struct why why;
    struct files_sim *sim = damaged_disk(120, true);
    CHECK(files_sim_damage(sim, "hall/log/00000000000000000000.seg", 4096 + 70, 1));
    CHECK_EQ(read_damaged(sim, 120, &why), REFUSED);
    CHECK_HAS(str_z(why.text), STR("byte 4096 of hall/log/00000000000000000000.seg"));
    CHECK_HAS(str_z(why.text), STR("Nothing was changed"));
    CHECK_HAS(str_z(why.text), STR("backup"));
    files_sim_free(sim);
}

/* One sector becomes zeros: what a tear looks like too. Only in the last batch of a log that was
 * not closed may that be taken for one. */
TEST(crash, a_lost_sector_is_found_unless_it_could_be_a_torn_end)
{
    for (int closed = 0; closed < 2; closed++) {
        struct files_sim *whole = damaged_disk(120, closed);
        struct why why;
        char paths[16][64];
        unsigned files = list_segments(whole, paths), shorter = 0, refused = 0;
        for (unsigned file = 0; file < files; file++)
            for (uint64_t at = 0; at < SEGMENT_BYTES; at += 512) {
                struct files_sim *sim = files_sim_copy(whole);
                struct files *disk = files_sim_files(sim);
                char sector[512] = { 0 };
                int handle;
                CHECK_OK(disk->open(disk, paths[file], FILE_WRITE, &handle, &why));
                CHECK_OK(disk->write(disk, handle, at, sector, sizeof(sector), &why));
                CHECK_OK(disk->sync(disk, handle, &why));
                enum verdict verdict = read_damaged(sim, 120, &why);
                CHECK(verdict != SHORTER || (!closed && file == files - 1));
                shorter += verdict == SHORTER;
                refused += verdict == REFUSED;
                files_sim_free(sim);
            }
        CHECK(refused > 60);
        CHECK(closed ? shorter == 0 : shorter > 0 && shorter < 40);
        files_sim_free(whole);
    }
}

TEST(crash, a_missing_or_foreign_file_is_found)
{
    struct files_sim *whole = damaged_disk(200, true);
    struct why why;
    char paths[16][64];
    unsigned files = list_segments(whole, paths);
    CHECK(files >= 4);
    for (unsigned file = 0; file + 1 < files; file++) {
        struct files_sim *sim = files_sim_copy(whole);
        struct files *disk = files_sim_files(sim);
        CHECK_OK(disk->unlink(disk, paths[file], &why));
        CHECK_EQ(read_damaged(sim, 200, &why), REFUSED);
        CHECK_OK(disk->rename(disk, paths[file + 1], paths[file], &why)); /* the wrong one there */
        CHECK_EQ(read_damaged(sim, 200, &why), REFUSED);
        files_sim_free(sim);
    }
    struct files *disk = files_sim_files(whole);
    int handle;
    CHECK_OK(disk->open(disk, "hall/log/17.seg", FILE_WRITE | FILE_CREATE, &handle, &why));
    CHECK_EQ(read_damaged(whole, 200, &why), REFUSED);
    CHECK_HAS(str_z(why.text), STR("move that file away"));
    files_sim_free(whole);
}

/* Two logs with the same id, and batches of the same lengths at the same places, but not the same
 * records: only the chain can tell. */
TEST(crash, a_file_of_another_history_is_found)
{
    struct files_sim *sim = damaged_disk(120, true);
    zeros = true;
    struct files_sim *other = damaged_disk(120, true);
    zeros = false;
    struct files *disk = files_sim_files(sim), *from = files_sim_files(other);
    struct why why;
    char paths[16][64], bytes[SEGMENT_BYTES];
    unsigned files = list_segments(sim, paths);
    CHECK(files >= 3);
    int handle;
    size_t got;
    CHECK_OK(from->open(from, paths[1], FILE_READ, &handle, &why));
    CHECK_OK(from->read(from, handle, 0, bytes, sizeof(bytes), &got, &why));
    CHECK_OK(disk->open(disk, paths[1], FILE_WRITE, &handle, &why));
    CHECK_OK(disk->write(disk, handle, 0, bytes, got, &why));
    CHECK_EQ(read_damaged(sim, 120, &why), REFUSED);
    files_sim_free(sim);
    files_sim_free(other);
}

TEST(crash, a_file_cut_short_is_found)
{
    struct files_sim *whole = damaged_disk(120, false);
    struct why why;
    char paths[16][64];
    unsigned files = list_segments(whole, paths);
    for (unsigned file = 0; file < files; file++)
        for (uint64_t bytes = 0; bytes < SEGMENT_BYTES; bytes += 1111) {
            struct files_sim *sim = files_sim_copy(whole);
            struct files *disk = files_sim_files(sim);
            int handle;
            CHECK_OK(disk->open(disk, paths[file], FILE_WRITE, &handle, &why));
            CHECK_OK(disk->truncate(disk, handle, bytes, &why));
            CHECK_OK(disk->sync(disk, handle, &why));
            CHECK_EQ(read_damaged(sim, 120, &why), REFUSED);
            files_sim_free(sim);
        }
    files_sim_free(whole);
}

/* --- a full disk, no descriptor -------------------------------------------------------------- */

/* What was lacking is there again: more is taken, and all is read. */
static void check_goes_on(struct log *log, uint64_t taken)
{
    struct why why;
    struct log_stats stats;
    for (int i = 0; i < 50; i++) {
        CHECK_OK(append_one(log, &why));
        log_flush(log);
    }
    log_stats(log, &stats);
    CHECK(stats.has_room);
    CHECK_EQ(check_records(log), taken + 50);
}

TEST(crash, a_full_disk_refuses_appends_keeps_what_it_took_and_goes_on_with_space)
{
    struct why why;
    struct log *log;
    struct log_stats stats;
    struct files_sim *sim = new_disk(1);
    files_sim_set_room(sim, 2 * SEGMENT_BYTES + 5000);
    CHECK_OK(open_log(&log, sim, &why));
    fail f;
    while (!(f = append_one(log, &why)))
        log_flush(log);
    CHECK_EQ(f, FAIL_FULL);
    CHECK_HAS(str_z(why.text), STR("free some space"));
    CHECK_STR(str_z(why.slug), STR("disk-full"));
    uint64_t taken = log_appended(log);
    CHECK(taken > 10);
    CHECK_EQ(log_durable(log), taken);
    CHECK_EQ(check_records(log), taken);
    log_stats(log, &stats);
    CHECK(!stats.has_room);
    CHECK_EQ(stats.segments, 2);
    CHECK_EQ(append_one(log, &why), FAIL_FULL);
    CHECK_EQ(log_appended(log), taken);

    files_sim_set_room(sim, UINT64_MAX);
    check_goes_on(log, taken);
    log_close(log);
    files_sim_free(sim);
}

TEST(crash, want_of_descriptors_refuses_appends_keeps_what_was_taken_and_passes)
{
    struct why why;
    struct log *log;
    struct log_stats stats;
    struct files_sim *sim = new_disk(1);
    CHECK_OK(open_log(&log, sim, &why));
    files_sim_starve(sim, true);
    fail f;
    while (!(f = append_one(log, &why)))
        log_flush(log);
    CHECK_EQ(f, FAIL_STARVED);
    CHECK_HAS(str_z(why.text), STR("ulimit -n"));
    uint64_t taken = log_appended(log);
    CHECK(taken > 5);
    CHECK_EQ(log_durable(log), taken);
    log_stats(log, &stats);
    CHECK(!stats.has_room);
    CHECK_EQ(append_one(log, &why), FAIL_STARVED);
    CHECK_EQ(log_appended(log), taken);

    files_sim_starve(sim, false);
    CHECK_EQ(check_records(log), taken);
    check_goes_on(log, taken);
    log_close(log);
    files_sim_free(sim);
}

TEST(crash, a_disk_too_small_for_a_log_is_a_clear_refusal)
{
    struct why why;
    struct log *log;
    struct files_sim *sim = new_disk(1);
    files_sim_set_room(sim, SEGMENT_BYTES - 1);
    CHECK_EQ(open_log(&log, sim, &why), FAIL_FULL);
    files_sim_set_room(sim, SEGMENT_BYTES);
    CHECK_OK(open_log(&log, sim, &why));
    log_close(log);
    files_sim_free(sim);
}

/* --- the simulated disk --------------------------------------------------------------------- */

static uint64_t cut_and_size(struct files_sim *sim, uint64_t seed, const char *path)
{
    struct files_sim *copy = files_sim_copy(sim);
    struct files *disk = files_sim_files(copy);
    struct chance chance;
    struct why why;
    uint64_t bytes = UINT64_MAX;
    int handle;
    chance_sim_init(&chance, seed);
    files_sim_cut_power(copy, &chance);
    if (disk->open(disk, path, FILE_READ, &handle, &why) == FAIL_NONE)
        CHECK_OK(disk->size(disk, handle, &bytes, &why));
    files_sim_free(copy);
    return bytes;
}

TEST(files_sim, keeps_only_what_was_synced_for_certain)
{
    struct why why;
    struct files_sim *sim = new_disk(3);
    struct files *disk = files_sim_files(sim);
    char bytes[1000];
    int handle;
    unsigned absent = 0, empty = 0, there = 0;
    memset(bytes, 'x', sizeof(bytes));
    CHECK_OK(disk->open(disk, "file", FILE_WRITE | FILE_CREATE, &handle, &why));
    CHECK_OK(disk->write(disk, handle, 0, bytes, sizeof(bytes), &why));
    for (uint64_t seed = 0; seed < 100; seed++) {
        uint64_t size = cut_and_size(sim, seed, "file");
        absent += size == UINT64_MAX;
        empty += size == 0;
        there += size == sizeof(bytes);
    }
    CHECK(absent && empty && there && absent + empty + there == 100);
    CHECK_OK(disk->sync(disk, handle, &why)); /* the bytes, not yet the name */
    absent = 0;
    for (uint64_t seed = 0; seed < 100; seed++)
        absent += cut_and_size(sim, seed, "file") == UINT64_MAX;
    CHECK(absent > 10 && absent < 90);
    CHECK_OK(disk->sync_dir(disk, ".", &why));
    for (uint64_t seed = 0; seed < 100; seed++)
        CHECK_EQ(cut_and_size(sim, seed, "file"), sizeof(bytes));
    files_sim_free(sim);
}

TEST(files_sim, forgets_dirty_pages_after_a_failed_sync_and_shows_them_still)
{
    struct why why;
    struct files_sim *sim = new_disk(2);
    struct files *disk = files_sim_files(sim);
    struct chance chance;
    char bytes[2048], got_bytes[2048];
    int handle;
    size_t got;
    memset(bytes, 'x', sizeof(bytes));
    CHECK_OK(disk->open(disk, "file", FILE_WRITE | FILE_CREATE, &handle, &why));
    CHECK_OK(disk->truncate(disk, handle, sizeof(bytes), &why));
    CHECK_OK(disk->sync(disk, handle, &why));
    CHECK_OK(disk->sync_dir(disk, ".", &why));
    CHECK_OK(disk->write(disk, handle, 0, bytes, sizeof(bytes), &why));
    files_sim_fail_at(sim, files_sim_calls(sim) + 1, FAIL_WORLD, false);
    CHECK_EQ(disk->sync(disk, handle, &why), FAIL_WORLD);
    CHECK_OK(disk->sync(disk, handle, &why)); /* the lie */
    CHECK_OK(disk->read(disk, handle, 0, got_bytes, sizeof(bytes), &got, &why));
    CHECK(memcmp(bytes, got_bytes, sizeof(bytes)) == 0);
    chance_sim_init(&chance, 1);
    files_sim_cut_power(sim, &chance);
    CHECK_OK(disk->open(disk, "file", FILE_READ, &handle, &why));
    CHECK_OK(disk->read(disk, handle, 0, got_bytes, sizeof(bytes), &got, &why));
    CHECK_EQ(got, sizeof(bytes));
    CHECK(memcmp(bytes, got_bytes, sizeof(bytes)) != 0);
    files_sim_free(sim);
}
