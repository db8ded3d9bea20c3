/* effort_test.c - whether agents had the CPU they asked for, and connections the ports. */
#include "rehearsal/effort.h"
#include "rehearsal/sources.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <time.h>
#include <unistd.h>

TEST(effort, time_on_a_core_and_time_in_its_queue_are_what_was_asked_for)
{
    uint64_t asked = 0;
    CHECK(effort_read_schedstat(STR("771739896 8862935839 234\n"), &asked));
    CHECK_EQ(asked, 771739896 + 8862935839);
    CHECK(!effort_read_schedstat(STR("771739896 8862935839\n"), &asked));
    CHECK(!effort_read_schedstat(STR("771739896 much 234\n"), &asked));
    CHECK(!effort_read_schedstat(STR(""), &asked));
}

TEST(effort, a_process_that_never_rests_is_starved_and_one_that_sleeps_is_not)
{
    struct effort busy = { 0 };
    struct effort_meter meter = { 0 };
    _Atomic pid_t self = gettid();
    while (clock() < 6 * CLOCKS_PER_SEC / 10) /* this process has used 0.6 s of CPU */
        continue;
    effort_look(&busy, &meter, getpid(), &self, 1, 1000000);
    CHECK_EQ(busy.seconds, 0); /* the first look only remembers */
    CHECK(effort_due(&meter, 2000000));
    CHECK(!effort_due(&meter, 1999999));
    meter.agents[0].asked_ns = 0; /* as if all that had been within the next 0.6 s */
    effort_look(&busy, &meter, getpid(), &self, 1, 1600000);
    CHECK_EQ(busy.seconds, 1);
    CHECK_EQ(busy.starved, 1);
    CHECK(busy.resident_bytes > 0);
    effort_look(&busy, &meter, getpid(), &self, 1,
                2600000); /* moments of CPU in what is said to be 1 s */
    CHECK_EQ(busy.seconds, 2);
    CHECK_EQ(busy.starved, 1);
    effort_look(&busy, &meter, getpid(), &self, 1, 30000000); /* not a second: not counted */
    CHECK_EQ(busy.seconds, 2);
}

static struct io_target target_at(const char *url)
{
    struct io_target target;
    struct why why;
    CHECK_OK(io_target_parse(&target, str_z(url), &why));
    return target;
}

TEST(effort, candidates_that_do_not_fit_on_the_source_addresses_are_refused_before_the_run)
{
    struct why why;
    struct io_target hall = target_at("http://127.0.0.1:80");
    CHECK_OK(sources_choose(&hall, NULL, 1000000, &why)); /* loopback has addresses enough */
    CHECK_EQ(hall.source_count, 0);
    unsigned each = sources_ports();
    CHECK(each > 100);
    CHECK_OK(sources_choose(&hall, "127.0.0.8,127.0.0.9", 2 * each, &why));
    CHECK_EQ(hall.source_count, 2);
    CHECK_EQ(ntohl(hall.sources[1].s_addr), 0x7f000009);
    CHECK_EQ(sources_choose(&hall, "127.0.0.8,127.0.0.9", 2 * each + 1, &why), FAIL_LIMIT);
    CHECK_HAS(str_z(why.text), STR("out of ports"));
}

TEST(effort, a_source_address_must_be_this_machines)
{
    struct why why;
    struct io_target hall = target_at("http://127.0.0.1:80");
    CHECK_EQ(sources_choose(&hall, "192.0.2.7", 1, &why), FAIL_USAGE);
    CHECK_HAS(str_z(why.text), STR("192.0.2.7"));
    CHECK_EQ(sources_choose(&hall, "127.0.0.1,", 1, &why), FAIL_USAGE);
    CHECK_EQ(sources_choose(&hall, "localhost", 1, &why), FAIL_USAGE);
}
