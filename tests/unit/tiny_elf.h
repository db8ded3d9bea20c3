/* tiny_elf.h - the smallest ELF file that asks for libraries, for tests. */
#pragma once

#include "base/out.h"

struct tiny_elf {
    const char *interpreter; /* NULL: a library */
    const char *run_path;    /* or NULL */
    const char *needed[8];   /* NULL-ended */
};

/* Where its parts are, so that a test can break them. */
enum {
    TINY_PHDR = 64,
    TINY_DYNAMIC = TINY_PHDR + 3 * 56,
    TINY_NAMES = TINY_DYNAMIC + 16 * 16,
};

void tiny_elf_write(struct out *out, const struct tiny_elf *tiny);
