/* main.c - runs the registered tests; see test.h. */
#include "tests/test.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct test *tests, **tail = &tests;
static jmp_buf out_of_test;
static char root[64]; /* of the running test; its folders lie in it */
static unsigned folders;
static FILE *heard; /* while a test listens */
static int shown;   /* where standard error went before */

void test_register(struct test *test)
{
    *tail = test;
    tail = &test->next;
}

NORETURN void test_failed(const char *file, int line, const char *format, ...)
{
    va_list args;
    test_heard();
    va_start(args, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    longjmp(out_of_test, 1);
}

uint64_t test_seed(void)
{
    const char *seed = getenv("EXAMHALL_SEED");
    return seed ? strtoull(seed, NULL, 0) : 20270122;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

const char *test_dir(void)
{
    static char dir[80];
    if (!root[0]) {
        snprintf(root, sizeof(root), "/tmp/examhall-test-XXXXXX");
        CHECK(mkdtemp(root));
    }
    snprintf(dir, sizeof(dir), "%s/%u", root, ++folders);
    CHECK_EQ(mkdir(dir, 0700), 0);
    return dir;
}

void test_turn_over(const char *path, long at)
{
    FILE *file = fopen(path, "r+b");
    CHECK(file && fseek(file, at, SEEK_SET) == 0);
    int c = fgetc(file);
    CHECK(c >= 0 && fseek(file, at, SEEK_SET) == 0 && fputc(c ^ 0x5a, file) >= 0);
    CHECK_EQ(fclose(file), 0);
}

uint64_t test_limit_files(uint64_t files)
{
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    uint64_t before = limit.rlim_cur;
    limit.rlim_cur = files;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

void test_listen(void)
{
    FILE *file = tmpfile();
    CHECK(file && !heard);
    shown = dup(STDERR_FILENO);
    CHECK(shown >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    heard = file;
}

str test_heard(void)
{
    static char bytes[MIB];
    if (!heard)
        return STR_NONE;
    dup2(shown, STDERR_FILENO);
    close(shown);
    ssize_t n = pread(fileno(heard), bytes, sizeof(bytes), 0);
    fclose(heard);
    heard = NULL;
    return str_of(bytes, (size_t)MAX(n, 0));
}

/* On its own, so that longjmp finds no local variable of main to clobber. */
static bool passes(const struct test *test)
{
    if (setjmp(out_of_test))
        return false;
    test->run();
    return true;
}

int main(int argc, char **argv)
{
    unsigned passed = 0, failed = 0;
    for (struct test *test = tests; test; test = test->next) {
        bool wanted = argc < 2;
        for (int i = 1; i < argc; i++)
            wanted |= strstr(test->name, argv[i]) != NULL;
        if (!wanted)
            continue;
        root[0] = 0;
        if (passes(test)) {
            passed++;
        } else {
            fprintf(stderr, "FAILED %s\n", test->name);
            failed++;
        }
        if (root[0])
            nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed ? 1 : 0;
}
