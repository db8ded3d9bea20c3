/* address_test.c - HOST:PORT taken apart. */
#include "net/address.h"
#include "tests/test.h"

TEST(address, host_and_port_are_taken_apart_as_people_write_them)
{
    static const struct {
        const char *text, *host, *port;
    } rows[] = {
        { "hall:7443", "hall", "7443" },
        { "10.0.0.1:443", "10.0.0.1", "443" },
        { "[::1]:7443", "::1", "7443" },
        { ":7443", "", "7443" },
        { "hall", "hall", "" },
        { "hall:", "hall", "" },
        { "[]:1", "", "1" },
        { "[:1", "[", "1" },
        { "", "", "" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct address address;
        CHECK(address_cut(&address, rows[i].text));
        CHECK_STR(str_z(address.host), str_z(rows[i].host));
        CHECK_STR(str_z(address.port), str_z(rows[i].port));
    }
}

TEST(address, a_part_that_is_too_long_for_any_is_refused)
{
    struct address address;
    char text[300];
    memset(text, 'a', sizeof(text));
    text[256] = 0;
    CHECK(!address_cut(&address, text));
    text[255] = 0;
    CHECK(address_cut(&address, text));
    CHECK(!address_cut(&address, "hall:1234567890123456"));
}
