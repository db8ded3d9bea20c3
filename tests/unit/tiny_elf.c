/* tiny_elf.c - see tiny_elf.h: head, three program headers, dynamic section, names. */
#include "tests/unit/tiny_elf.h"

#include <elf.h>

static uint64_t add_name(struct out *names, const char *name)
{
    uint64_t at = names->n;
    out_bytes(names, name, strlen(name) + 1);
    return at;
}

void tiny_elf_write(struct out *out, const struct tiny_elf *tiny)
{
    Elf64_Dyn dynamic[16] = { 0 };
    struct out names = out_make(4 * KIB);
    size_t n = 0;
    out_char(&names, 0);
    uint64_t interpreter = tiny->interpreter ? add_name(&names, tiny->interpreter) : 0;
    for (size_t i = 0; i < 8 && tiny->needed[i]; i++)
        dynamic[n++] = (Elf64_Dyn){ DT_NEEDED, { add_name(&names, tiny->needed[i]) } };
    if (tiny->run_path)
        dynamic[n++] = (Elf64_Dyn){ DT_RUNPATH, { add_name(&names, tiny->run_path) } };
    dynamic[n++] = (Elf64_Dyn){ DT_STRTAB, { TINY_NAMES } };
    dynamic[n++] = (Elf64_Dyn){ DT_STRSZ, { names.n } };
    const Elf64_Ehdr head = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
                                           ELFDATA2LSB, EV_CURRENT },
                              .e_type = ET_DYN,
                              .e_machine = EM_X86_64,
                              .e_phoff = TINY_PHDR,
                              .e_phentsize = sizeof(Elf64_Phdr),
                              .e_phnum = 3 };
    const Elf64_Phdr segments[3] = {
        { .p_type = PT_LOAD, .p_filesz = TINY_NAMES + names.n },
        { .p_type = PT_DYNAMIC, .p_offset = TINY_DYNAMIC, .p_filesz = sizeof(dynamic) },
        { .p_type = tiny->interpreter ? PT_INTERP : PT_NULL,
          .p_offset = TINY_NAMES + interpreter,
          .p_filesz = tiny->interpreter ? strlen(tiny->interpreter) + 1 : 0 },
    };
    out_bytes(out, &head, sizeof(head));
    out_bytes(out, segments, sizeof(segments));
    out_bytes(out, dynamic, sizeof(dynamic));
    out_str(out, out_view(&names));
    out_fini(&names);
}
