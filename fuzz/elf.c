/* elf.c - any bytes as a program: reading ends, and every name lies within the bytes. */
#include "platform/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_within(str name, str bytes)
{
    must(name.n == 0 || (name.p >= bytes.p && name.p + name.n < bytes.p + bytes.n));
    must(name.n == 0 || !memchr(name.p, 0, name.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf elf;
    struct why why;
    str bytes = str_of(data, size);
    if (elf_read(&elf, bytes, &why))
        return 0;
    must(elf.needed_count <= ELF_NEEDED_MAX);
    for (size_t i = 0; i < elf.needed_count; i++)
        check_within(elf.needed[i], bytes);
    check_within(elf.interpreter, bytes);
    check_within(elf.soname, bytes);
    check_within(elf.run_path, bytes);
    return 0;
}
