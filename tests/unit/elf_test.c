/* elf_test.c - what a program asks the loader for, and files that only look like programs. */
#include "platform/elf.h"
#include "tests/test.h"
#include "tests/unit/tiny_elf.h"

#include <elf.h>
#include <stdlib.h>

static struct why why;

static struct out tiny(void)
{
    struct out out = out_make(64 * KIB);
    tiny_elf_write(&out, &(struct tiny_elf){ .interpreter = "/lib64/loader.so.2",
                                             .needed = { "liba.so.1", "libb.so.2" } });
    return out;
}

TEST(elf, interpreter_and_libraries_are_read_in_their_order)
{
    struct elf elf;
    struct out out = tiny();
    CHECK_OK(elf_read(&elf, out_view(&out), &why));
    CHECK_STR(elf.architecture, STR("amd64"));
    CHECK_STR(elf.interpreter, STR("/lib64/loader.so.2"));
    CHECK_EQ(elf.needed_count, 2);
    CHECK_STR(elf.needed[0], STR("liba.so.1"));
    CHECK_STR(elf.needed[1], STR("libb.so.2"));
    CHECK_EQ(elf.run_path.n, 0);
    out_fini(&out);
}

TEST(elf, no_cut_of_a_program_is_taken_for_it)
{
    struct elf elf;
    struct out out = tiny();
    for (size_t n = 0; n < out.n; n++) {
        char *exact = malloc(n + 1); /* so that the sanitizer sees a read beyond */
        memcpy(exact, out.p, n);
        fail f = elf_read(&elf, str_of(exact, n), &why);
        free(exact);
        CHECK_EQ(f, FAIL_INPUT);
    }
    out_fini(&out);
}

static void overwrite(size_t at, const void *bytes, size_t n, const char *reason)
{
    struct elf elf;
    struct out out = tiny();
    memcpy(out.p + at, bytes, n);
    fail f = elf_read(&elf, out_view(&out), &why);
    out_fini(&out);
    CHECK_EQ(f, FAIL_INPUT);
    CHECK_HAS(str_z(why.text), str_z(reason));
}

TEST(elf, offsets_that_lead_out_of_the_file_are_refused)
{
    const uint64_t huge = UINT64_MAX - 8;
    const uint16_t many = 65535;
    size_t name = TINY_DYNAMIC + 8, table = TINY_DYNAMIC + 2 * 16 + 8, table_bytes = table + 16;
    overwrite(offsetof(Elf64_Ehdr, e_phoff), &huge, 8, "headers lie outside");
    overwrite(offsetof(Elf64_Ehdr, e_phnum), &many, 2, "too many");
    overwrite(TINY_PHDR + 56 + offsetof(Elf64_Phdr, p_offset), &huge, 8, "dynamic section");
    overwrite(TINY_PHDR + 112 + offsetof(Elf64_Phdr, p_offset), &huge, 8, "interpreter");
    overwrite(TINY_PHDR + 112 + offsetof(Elf64_Phdr, p_filesz), &huge, 8, "interpreter");
    overwrite(name, &huge, 8, "name lies outside");
    overwrite(table, &huge, 8, "table of names");
    overwrite(table_bytes, &huge, 8, "table of names");
}

TEST(elf, other_machines_and_other_files_are_named_as_such)
{
    const uint16_t sparc = EM_SPARC;
    overwrite(0, "#!/b", 4, "does not begin as one");
    overwrite(EI_CLASS, &(uint8_t){ ELFCLASS32 }, 1, "64-bit");
    overwrite(offsetof(Elf64_Ehdr, e_machine), &sparc, 2, "neither amd64 nor arm64");
}
