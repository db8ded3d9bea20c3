/* tar_test.c - archives of which every byte is decided. */
#include "platform/tar.h"
#include "tests/test.h"

#include <stdlib.h>

static struct tar_entry entry(const char *path, str bytes)
{
    return (struct tar_entry){ .path = str_z(path),
                               .kind = TAR_FILE,
                               .mode = 0755,
                               .owner = 65532,
                               .modified_s = 1795508853,
                               .bytes = bytes };
}

TEST(tar, a_header_says_mode_owner_size_time_and_their_sum)
{
    struct out out = out_make(64 * KIB);
    struct tar_entry file = entry("etc/passwd", STR("root\n"));
    CHECK(tar_add(&out, &file));
    tar_end(&out);
    CHECK_EQ(out.n, 4 * 512);
    CHECK_STR(str_of(out.p, 11), STR("etc/passwd\0"));
    CHECK_STR(str_of(out.p + 100, 8), STR("0000755\0"));
    CHECK_STR(str_of(out.p + 108, 8), STR("0177774\0"));
    CHECK_STR(str_of(out.p + 124, 12), STR("00000000005\0"));
    CHECK_STR(str_of(out.p + 136, 12), STR("15301245165\0"));
    CHECK_STR(str_of(out.p + 257, 8), STR("ustar\0"
                                          "00"));
    CHECK_STR(str_of(out.p + 512, 6), STR("root\n\0"));
    unsigned sum = 0;
    for (size_t i = 0; i < 512; i++)
        sum += i >= 148 && i < 156 ? ' ' : (unsigned char)out.p[i];
    CHECK_EQ(strtoul(out.p + 148, NULL, 8), sum);
    out_fini(&out);
}

TEST(tar, a_long_path_is_cut_at_a_folder_or_refused)
{
    char path[300];
    struct out out = out_make(64 * KIB);
    memset(path, 'a', sizeof(path));
    path[150] = '/';
    path[200] = 0;
    struct tar_entry file = entry(path, STR(""));
    CHECK(tar_add(&out, &file));
    CHECK_EQ(strlen(out.p), 49);              /* after the '/' */
    CHECK_EQ(strnlen(out.p + 345, 155), 150); /* before it */
    path[150] = 'a';
    file = entry(path, STR(""));
    CHECK(!tar_add(&out, &file));
    file = entry("/etc/passwd", STR(""));
    CHECK(!tar_add(&out, &file));
    out_fini(&out);
}
