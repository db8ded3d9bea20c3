/* test.h - the whole test framework: a test is a sentence about behaviour, a check is a line.
 *
 * TEST(area, sentence) registers itself; the runner (tests/main.c) runs those whose name contains
 * any argument, all without one, and ends with "N passed, N failed". A failed check prints where
 * and what and ends the test; the others still run. No sleeps, real ports or wall clocks in unit
 * tests. */
#pragma once

#include "base/fail.h"
#include "base/str.h"

struct test {
    const char *name, *file;
    void (*run)(void);
    struct test *next;
};
void test_register(struct test *test);
NORETURN void test_failed(const char *file, int line, const char *format, ...) PRINTF(3, 4);
uint64_t test_seed(void);   /* EXAMHALL_SEED, or the same number each run */
const char *test_dir(void); /* one more empty folder for this test; removed afterwards */
void test_turn_over(const char *path, long at); /* damages one byte of a file */
uint64_t test_limit_files(uint64_t files); /* sets the limit of descriptors, gives what it was */
/* Keeps what goes to standard error from now on, and shows it to nobody; test_heard ends that and
 * gives it (at most 1 MiB, until the next test_listen). */
void test_listen(void);
str test_heard(void);

#define TEST(area, sentence)                                                                       \
    static void test_##area##_##sentence(void);                                                    \
    __attribute__((constructor)) static void register_##area##_##sentence(void)                    \
    {                                                                                              \
        static struct test test = { #area ": " #sentence, __FILE__, test_##area##_##sentence, 0 }; \
        test_register(&test);                                                                      \
    }                                                                                              \
    static void test_##area##_##sentence(void)

#define CHECK(x) ((x) ? (void)0 : test_failed(__FILE__, __LINE__, "not true: %s", #x))
#define CHECK_EQ(a, b)                                                                             \
    do {                                                                                           \
        long long check_a = (long long)(a), check_b = (long long)(b);                              \
        if (check_a != check_b)                                                                    \
            test_failed(__FILE__, __LINE__, "%s is %lld, not %s (%lld)", #a, check_a, #b,          \
                        check_b);                                                                  \
    } while (0)
#define CHECK_STR(a, b)                                                                            \
    do {                                                                                           \
        str check_a = (a), check_b = (b);                                                          \
        if (!str_eq(check_a, check_b))                                                             \
            test_failed(__FILE__, __LINE__, "%s is \"%.*s\", not \"%.*s\"", #a, STR_ARG(check_a),  \
                        STR_ARG(check_b));                                                         \
    } while (0)
#define CHECK_HAS(s, part)                                                                         \
    do {                                                                                           \
        str check_s = (s), check_part = (part);                                                    \
        if (str_find_str(check_s, check_part) < 0)                                                 \
            test_failed(__FILE__, __LINE__, "\"%.*s\" has no \"%.*s\"", STR_ARG(check_s),          \
                        STR_ARG(check_part));                                                      \
    } while (0)
#define CHECK_OK(f)                                                                                \
    do {                                                                                           \
        if (f)                                                                                     \
            test_failed(__FILE__, __LINE__, "%s failed: %s", #f, why.text);                        \
    } while (0) /* wants a `struct why why` in sight */
