/* capacity_test.c - limits in, findings out. */
#include "cli/capacity.h"
#include "net/gateway.h"
#include "tests/test.h"

/* A machine that has enough of everything for the largest roster. */
static struct machine machine_ample(void)
{
    return (struct machine){ .cores = 2,
                             .open_files = 20000,
                             .file_max = 2466177,
                             .epoll_watches = 5491511,
                             .somaxconn = 65535,
                             .tcp_pages = 575802,
                             .conntrack_max = -1,
                             .memory_bytes = 24ll << 30 };
}

static struct capacity plan(struct machine machine, int64_t roster)
{
    return capacity_plan(&machine, &(struct capacity_need){ .roster = roster, .tls = true });
}

TEST(capacity, a_small_roster_gets_a_reactor_for_each_core)
{
    struct capacity capacity = plan(machine_ample(), 200);
    CHECK_EQ(capacity.reactors, 2);
    CHECK_EQ(capacity.connections, 20000);
    CHECK_EQ(capacity.finding_count, 0);
}

TEST(capacity, the_largest_roster_gets_as_many_tables_as_it_needs_and_some_spare)
{
    struct capacity capacity = plan(machine_ample(), 450000);
    CHECK_EQ(capacity.connections, 473500);
    CHECK_EQ(capacity.reactors, 24);
    CHECK(capacity.reactors * (20000ll - GATEWAY_DESCRIPTORS_SPARE) >= capacity.connections);
    CHECK_EQ(capacity.finding_count, 0);
}

TEST(capacity, with_rings_a_reactor_for_each_core_holds_the_largest_roster)
{
    struct machine machine = machine_ample();
    machine.rings = true;
    machine.cores = 8;
    CHECK_EQ(plan(machine, 450000).reactors, 8);
    CHECK_EQ(plan(machine, 450000).connections, 473500);
    machine.open_files = 4096; /* more than 64 tables would hold */
    CHECK_EQ(plan(machine, 450000).connections, 473500);
    CHECK_EQ(plan(machine, 450000).finding_count, 0);
    machine.open_files = 512; /* too few even for the rings themselves */
    CHECK_EQ(plan(machine, 450000).connections, 64 * (512 - GATEWAY_DESCRIPTORS_SPARE));
    CHECK_EQ(plan(machine, 450000).finding_count, 1);
}

TEST(capacity, beside_a_hall_the_gateway_has_half_of_the_cores)
{
    struct machine machine = machine_ample();
    struct capacity_need need = { .roster = 200, .beside_hall = true };
    machine.rings = true;
    CHECK_EQ(capacity_plan(&machine, &need).reactors, 1);
    machine.cores = 1;
    CHECK_EQ(capacity_plan(&machine, &need).reactors, 1);
    machine.cores = 9;
    CHECK_EQ(capacity_plan(&machine, &need).reactors, 4);
}

/* With each in turn too low: what is named, and what it should be. */
TEST(capacity, a_limit_that_is_too_low_is_named_with_what_it_should_be)
{
    static const struct {
        size_t at;
        int64_t low, needs;
        const char *limit, *command;
    } rows[] = {
        { offsetof(struct machine, open_files), 4096, 7463, "open files", "ulimit -Hn 7463" },
        { offsetof(struct machine, file_max), 400000, 481692, "fs.file-max",
          "sysctl -w fs.file-max=481692" },
        { offsetof(struct machine, epoll_watches), 1, 473500, "fs.epoll.max_user_watches",
          "sysctl -w fs.epoll.max_user_watches=473500" },
        { offsetof(struct machine, somaxconn), 4096, 7500, "net.core.somaxconn",
          "sysctl -w net.core.somaxconn=7500" },
        { offsetof(struct machine, tcp_pages), 47000, 473500, "tcp_mem", "473500" },
        { offsetof(struct machine, conntrack_max), 262144, 947000, "nf_conntrack_max",
          "sysctl -w net.netfilter.nf_conntrack_max=947000" },
        { offsetof(struct machine, memory_bytes), 2ll << 30, 473500ll * 17900, "memory",
          "8475650000" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct machine machine = machine_ample();
        *(int64_t *)((char *)&machine + rows[i].at) = rows[i].low;
        struct capacity capacity = plan(machine, 450000);
        CHECK_EQ(capacity.finding_count, 1);
        CHECK(!capacity.refused);
        CHECK_HAS(str_z(capacity.findings[0].limit), str_z(rows[i].limit));
        CHECK_EQ(capacity.findings[0].is, rows[i].low);
        CHECK_EQ(capacity.findings[0].needs, rows[i].needs);
        CHECK_HAS(str_z(capacity.findings[0].set), str_z(rows[i].command));
        *(int64_t *)((char *)&machine + rows[i].at) = rows[i].needs;
        CHECK_EQ(plan(machine, 450000).finding_count, 0);
    }
}

TEST(capacity, too_few_open_files_give_what_64_tables_hold)
{
    struct machine machine = machine_ample();
    machine.open_files = 4096;
    struct capacity capacity = plan(machine, 450000);
    CHECK_EQ(capacity.reactors, GATEWAY_REACTORS_MAX);
    CHECK_EQ(capacity.connections, 64 * (4096 - GATEWAY_DESCRIPTORS_SPARE));
}

TEST(capacity, what_is_unknown_is_no_finding)
{
    struct machine machine = { 2, 20000, -1, -1, -1, -1, -1, -1, false };
    CHECK_EQ(plan(machine, 450000).finding_count, 0);
}

TEST(capacity, only_a_machine_that_can_serve_nobody_is_refused)
{
    struct machine machine = machine_ample();
    machine.open_files = GATEWAY_DESCRIPTORS_SPARE + 63;
    CHECK(plan(machine, 10).refused);
    machine.open_files++;
    CHECK(!plan(machine, 10).refused);
}

TEST(capacity, reactors_asked_for_by_hand_are_kept_and_told_to_be_too_few)
{
    struct machine machine = machine_ample();
    struct capacity_need need = { .roster = 450000, .reactors = 3 };
    struct capacity capacity = capacity_plan(&machine, &need);
    CHECK_EQ(capacity.reactors, 3);
    CHECK_EQ(capacity.connections, 3 * (20000 - GATEWAY_DESCRIPTORS_SPARE));
    CHECK_EQ(capacity.finding_count, 1);
    CHECK_HAS(str_z(capacity.findings[0].set), STR("--reactors 24"));
}
