/* usage_test.c - /proc as text that a kernel wrote, and as text it never would. */
#include "rehearsal/usage.h"
#include "tests/test.h"

#include <unistd.h>

TEST(usage, a_process_is_read_whatever_it_is_called)
{
    struct proc_stat stat;
    CHECK(usage_read_stat(STR("14239 (a) b (c d) S 14238 14239 14239 0 -1 4194560 4319 68594 0 2 "
                              "150 25 79 16 20 0 28 0 2045874 5124096 974 18446744073709551615 1 "
                              "2\n"),
                          &stat));
    CHECK_EQ(stat.ticks, 175);
    CHECK_EQ(stat.threads, 28);
    CHECK_EQ(stat.started, 2045874);
    CHECK_EQ(stat.resident_pages, 974);
}

TEST(usage, text_that_is_cut_off_or_not_a_number_is_not_read)
{
    struct proc_stat stat;
    uint64_t n, idle, steal;
    static const char whole[] = "1 (x) S 1 1 1 0 -1 4 4 6 0 2 150 25 7 1 20 0 28 0 204 512 974";
    CHECK(usage_read_stat(str_of(whole, sizeof(whole) - 1), &stat));
    for (size_t bytes = 0; bytes + 4 < sizeof(whole); bytes++) /* shorter: a field is missing */
        CHECK(!usage_read_stat(str_of(whole, bytes), &stat));
    CHECK(!usage_read_stat(STR("1 (x) S 1 1 1 0 -1 4 4 6 0 2 many 25 7 1 20 0 28 0 204 512 974"),
                           &stat));
    CHECK(!usage_read_field(STR("RssAnon: lots kB\n"), "RssAnon", &n));
    CHECK(!usage_read_field(STR("RssAnon"), "RssAnon", &n));
    CHECK(!usage_read_field(STR("XRssAnon: 5 kB\n"), "RssAnon", &n));
    CHECK(!usage_read_cpu(STR("cpu  1 2 3"), &n, &idle, &steal));
    CHECK(!usage_read_cpu(STR("intr 1 2 3 4 5 6 7 8 9"), &n, &idle, &steal));
    CHECK(!usage_read_sockstat(STR("TCP: inuse 1 mem"), &n));
    CHECK(!usage_read_sockstat(STR("UDP: inuse 0 mem 4"), &n));
    CHECK(!usage_read_sockstat(STR(""), &n));
}

TEST(usage, fields_of_memory_sockets_and_cores_are_found)
{
    uint64_t n = 0, all, idle, steal;
    str status = STR("Name:\thall\nVmRSS:\t    4036 kB\nRssAnon:\t     972 kB\n"
                     "voluntary_ctxt_switches:\t109\nnonvoluntary_ctxt_switches:\t18\n");
    CHECK(usage_read_field(status, "RssAnon", &n));
    CHECK_EQ(n, 972);
    CHECK(usage_read_field(status, "voluntary_ctxt_switches", &n));
    CHECK_EQ(n, 109);
    CHECK(usage_read_field(status, "nonvoluntary_ctxt_switches", &n));
    CHECK_EQ(n, 18);
    CHECK(usage_read_cpu(STR("cpu  100 10 50 800 20 1 4 7 90 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"), &all,
                         &idle, &steal));
    CHECK_EQ(all, 992);
    CHECK_EQ(idle, 820);
    CHECK_EQ(steal, 7);
    CHECK(usage_read_sockstat(STR("sockets: used 14\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 196\n"
                                  "UDP: inuse 0 mem 3\n"),
                              &n));
    CHECK_EQ(n, 196);
}

TEST(usage, the_own_process_is_seen_and_a_hall_elsewhere_is_not)
{
    static struct usage usage;
    struct usage_sample sample;
    pid_t self = getpid();
    usage_begin(&usage, NULL, 0, &self, 1);
    usage_take(&usage, &sample);
    CHECK_EQ(sample.part[USAGE_HALL].count, 0);
    CHECK_EQ(sample.part[USAGE_GATEWAY].count, 0);
    CHECK_EQ(sample.part[USAGE_AGENTS].count, 1);
    CHECK(sample.part[USAGE_AGENTS].threads >= 1);
    CHECK(sample.part[USAGE_AGENTS].resident_bytes > 100 * KIB);
    CHECK(sample.available_bytes > 0);
    CHECK(sample.part[USAGE_AGENTS].cpu_us < 60 * 1000000LL); /* the interval's, not its life's */
}
