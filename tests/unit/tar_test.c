/* tar_test.c - archives of which every byte is decided. */
#include "platform/tar.h"
#include "platform/tar_read.h"
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

TEST(tar, what_was_written_is_read_again)
{
    struct out out = out_make(64 * KIB);
    struct why why;
    struct tar_file file;
    char path[200] = "";
    while (strlen(path) < 140)
        strncat(path, "folder/", sizeof(path) - strlen(path) - 1);
    strncat(path, "file", sizeof(path) - strlen(path) - 1);
    struct tar_entry first = entry("etc/passwd", STR("root\n")), second = entry(path, STR(""));
    CHECK(tar_add(&out, &first) && tar_add(&out, &second));
    tar_end(&out);
    str rest = out_view(&out);
    CHECK_OK(tar_next(&file, &rest, &why));
    CHECK_STR(str_z(file.path), STR("etc/passwd"));
    CHECK_STR(file.bytes, STR("root\n"));
    CHECK_OK(tar_next(&file, &rest, &why));
    CHECK_STR(str_z(file.path), str_z(path));
    CHECK(file.is_file && file.bytes.n == 0);
    CHECK_EQ(tar_next(&file, &rest, &why), FAIL_MISSING);
    out_fini(&out);
}

TEST(tar, a_damaged_header_a_missing_end_and_other_names_behind_the_back_are_refused)
{
    struct out out = out_make(64 * KIB);
    struct why why;
    struct tar_file file;
    struct tar_entry one = entry("examhall", STR("program"));
    CHECK(tar_add(&out, &one));
    tar_end(&out);
    str rest = str_first(out_view(&out), 514);
    CHECK_EQ(tar_next(&file, &rest, &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("cut off"));
    rest = out_view(&out);
    out.p[0] = 'E';
    CHECK_EQ(tar_next(&file, &rest, &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("damaged"));
    out.p[0] = 'e';
    out.p[156] = 'x'; /* and the sum that goes with it */
    out.p[153] = (char)(out.p[153] + ('x' - '0') % 8);
    out.p[152] = (char)(out.p[152] + ('x' - '0') / 8 % 8);
    out.p[151] = (char)(out.p[151] + ('x' - '0') / 64);
    rest = out_view(&out);
    CHECK_EQ(tar_next(&file, &rest, &why), FAIL_INPUT);
    out_fini(&out);
}
