/* sys_test.c - clock, chance, the real disk, and the lock of one process. */
#include "sys/chance.h"
#include "sys/clock.h"
#include "sys/files.h"
#include "sys/lock.h"
#include "sys/temporary.h"
#include "tests/test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *path_in(const char *dir, const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file);
    fputs(text, file);
    fclose(file);
}

static void read_text(const char *path, char *text, size_t n)
{
    FILE *file = fopen(path, "r");
    CHECK(file);
    text[fread(text, 1, n - 1, file)] = 0;
    fclose(file);
}

TEST(sys, real_clock_starts_at_the_wall)
{
    struct why why;
    struct clock_real real;
    CHECK_OK(clock_real_init(&real, NULL, 0, &why));
    CHECK(llabs((long long)clock_now(&real.clock) - (long long)time(NULL) * 1000) < 5000);
    int64_t before_us = clock_mono_us(&real.clock);
    CHECK(clock_mono_us(&real.clock) >= before_us);
}

TEST(sys, exam_time_survives_a_restart_whatever_the_wall_says)
{
    struct why why;
    struct clock_real first, again;
    const char *path = path_in(test_dir(), "anchor");
    CHECK_OK(clock_real_init(&first, path, 0, &why));
    char text[128], id[64];
    read_text(path, text, sizeof(text));
    CHECK_EQ(sscanf(text, "%63s", id), 1);
    /* As if the wall had been an hour ahead when this boot's first hall started. */
    snprintf(text, sizeof(text), "%s %lld\n", id, (long long)first.anchor_ms + 3600000);
    write_text(path, text);
    CHECK_OK(clock_real_init(&again, path, 0, &why));
    CHECK_EQ(again.anchor_ms, first.anchor_ms + 3600000);
}

TEST(sys, an_anchor_of_another_boot_is_taken_anew)
{
    struct why why;
    struct clock_real real;
    const char *path = path_in(test_dir(), "anchor");
    static const char *const texts[] = { "00000000-0000-0000-0000-000000000000 5\n", "", "nonsense",
                                         "\n\n\n" };
    for (size_t i = 0; i < COUNT(texts); i++) {
        write_text(path, texts[i]);
        CHECK_OK(clock_real_init(&real, path, 0, &why));
        CHECK(llabs((long long)clock_now(&real.clock) - (long long)time(NULL) * 1000) < 5000);
    }
}

TEST(sys, exam_time_never_starts_before_the_newest_record)
{
    struct why why;
    struct clock_real real, again;
    const char *path = path_in(test_dir(), "anchor");
    instant later = (instant)time(NULL) * 1000 + 86400000;
    CHECK_OK(clock_real_init(&real, path, later, &why));
    CHECK(clock_now(&real.clock) >= later);
    CHECK_OK(clock_real_init(&again, path, 0, &why)); /* and that was kept */
    CHECK_EQ(again.anchor_ms, real.anchor_ms);
}

TEST(sys, a_clock_that_cannot_keep_its_anchor_says_so)
{
    struct why why;
    struct clock_real real;
    CHECK_EQ(clock_real_init(&real, path_in(test_dir(), "absent/anchor"), 0, &why), FAIL_MISSING);
    CHECK_HAS(str_z(why.text), STR("anchor"));
}

TEST(sys, simulated_clock_moves_only_when_told)
{
    struct clock_sim sim;
    clock_sim_init(&sim, 1800000000000);
    CHECK_EQ(clock_now(&sim.clock), 1800000000000);
    int64_t before_us = clock_mono_us(&sim.clock);
    clock_sim_advance(&sim, 250);
    CHECK_EQ(clock_now(&sim.clock), 1800000000250);
    CHECK_EQ(clock_mono_us(&sim.clock) - before_us, 250000);
}

TEST(sys, chance_of_one_seed_is_always_the_same)
{
    struct chance a, b;
    chance_sim_init(&a, 0);
    CHECK(chance_u64(&a) == 0xe220a8397b1dcdaf); /* SplitMix64's published first value for 0 */
    CHECK(chance_u64(&a) == 0x6e789e6aa1b965f4);
    chance_sim_init(&a, 42);
    chance_sim_init(&b, 42);
    for (int i = 0; i < 100; i++)
        CHECK(chance_u64(&a) == chance_u64(&b));
}

TEST(sys, chance_below_is_in_range_and_fair)
{
    struct chance chance;
    chance_sim_init(&chance, test_seed());
    unsigned counts[6] = { 0 };
    for (int i = 0; i < 60000; i++)
        counts[chance_below(&chance, 6)]++;
    for (int i = 0; i < 6; i++)
        CHECK(counts[i] > 9500 && counts[i] < 10500); /* five standard deviations and more */
    CHECK_EQ(chance_below(&chance, 1), 0);
    for (int i = 0; i < 1000; i++) {
        double unit = chance_unit(&chance);
        CHECK(unit >= 0 && unit < 1);
    }
}

TEST(sys, real_chance_does_not_repeat)
{
    struct chance chance;
    chance_real_init(&chance);
    uint64_t a = chance_u64(&chance), b = chance_u64(&chance);
    CHECK(a != b);
    char bytes[1000] = { 0 }, zeros[1000] = { 0 };
    chance_fill(&chance, bytes, sizeof(bytes));
    CHECK(memcmp(bytes, zeros, sizeof(bytes)) != 0);
}

static void note_name(void *ctx, str name)
{
    CHECK_STR(name, STR("new"));
    *(int *)ctx += 1;
}

TEST(sys, real_files_write_read_rename_and_list)
{
    struct files *files = files_real();
    struct why why;
    const char *dir = test_dir();
    char old[PATH_MAX], new[PATH_MAX], bytes[16];
    snprintf(old, sizeof(old), "%s/old", dir);
    snprintf(new, sizeof(new), "%s/new", dir);
    int handle, count = 0;
    size_t got;
    uint64_t size;
    CHECK_EQ(files->open(files, old, FILE_WRITE, &handle, &why), FAIL_MISSING);
    CHECK_OK(files->open(files, old, FILE_WRITE | FILE_CREATE, &handle, &why));
    CHECK_OK(files->write(files, handle, 5, "world", 5, &why));
    CHECK_OK(files->write(files, handle, 0, "hello", 5, &why));
    CHECK_OK(files->sync(files, handle, &why));
    CHECK_OK(files->size(files, handle, &size, &why));
    CHECK_EQ(size, 10);
    CHECK_OK(files->read(files, handle, 3, bytes, sizeof(bytes), &got, &why));
    CHECK_STR(str_of(bytes, got), STR("loworld"));
    CHECK_OK(files->truncate(files, handle, 4, &why));
    files->close(files, handle);
    CHECK_OK(files->rename(files, old, new, &why));
    CHECK_OK(files->make_dir(files, dir, &why)); /* existing: fine */
    CHECK_OK(files->sync_dir(files, dir, &why));
    CHECK_OK(files->list(files, dir, note_name, &count, &why));
    CHECK_EQ(count, 1);
    CHECK_OK(files->unlink(files, new, &why));
    CHECK_EQ(files->unlink(files, new, &why), FAIL_MISSING);
    CHECK_HAS(str_z(why.text), STR("/new"));
}

TEST(sys, a_full_disk_is_told_apart_from_a_broken_one)
{
    struct files *files = files_real();
    struct why why;
    int handle;
    CHECK_OK(files->open(files, "/dev/full", FILE_WRITE, &handle, &why));
    CHECK_EQ(files->write(files, handle, 0, "x", 1, &why), FAIL_FULL);
    CHECK_HAS(str_z(why.text), STR("/dev/full"));
    files->close(files, handle);
}

static int take_in_child(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        struct why why;
        int fd;
        _exit((int)lock_take(path, &fd, &why));
    }
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

TEST(sys, a_lock_keeps_others_out_until_it_is_dropped)
{
    struct why why;
    const char *path = path_in(test_dir(), "lock");
    int fd;
    CHECK_OK(lock_take(path, &fd, &why));
    CHECK_EQ(take_in_child(path), FAIL_CONFLICT);
    lock_drop(fd);
    CHECK_EQ(take_in_child(path), FAIL_NONE);
}

TEST(sys, a_forked_child_does_not_hold_the_lock_of_its_parent)
{
    const char *path = path_in(test_dir(), "lock");
    int to_child[2], to_us[2];
    char byte;
    CHECK_EQ(pipe(to_child) | pipe(to_us), 0);
    pid_t holder = fork();
    if (holder == 0) { /* takes the lock, leaves a child behind that lives on, and dies */
        struct why why;
        int fd;
        if (lock_take(path, &fd, &why) || fork())
            _exit(0);
        close(to_child[1]);
        _exit(write(to_us[1], "x", 1) == 1 && read(to_child[0], &byte, 1) == 0 ? 0 : 1);
    }
    CHECK_EQ(waitpid(holder, NULL, 0), holder);
    CHECK_EQ(read(to_us[0], &byte, 1), 1); /* the grandchild is there, with the descriptor */
    CHECK_EQ(take_in_child(path), FAIL_NONE);
    close(to_child[0]), close(to_child[1]), close(to_us[0]), close(to_us[1]);
}

TEST(sys, a_temporary_folder_lies_where_tmpdir_says_and_is_ours_alone)
{
    struct why why;
    struct stat st;
    char path[TEMPORARY_BYTES_MAX], again[TEMPORARY_BYTES_MAX];
    const char *dir = test_dir(), *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    setenv("TMPDIR", dir, 1);
    CHECK_OK(temporary_folder(path, "try", &why));
    CHECK(str_starts(str_z(path), str_z(path_in(dir, "examhall-try-"))));
    CHECK_EQ(stat(path, &st), 0);
    CHECK_EQ(st.st_mode & 0777, 0700);
    CHECK_OK(temporary_folder(again, "try", &why));
    CHECK(strcmp(path, again) != 0);
    setenv("TMPDIR", path_in(dir, "absent"), 1);
    CHECK_EQ(temporary_folder(path, "try", &why), FAIL_WORLD);
    CHECK_HAS(str_z(why.text), STR("/absent/examhall-try-"));
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
}
