/* elf.h - what a program or library asks the loader for: interpreter and libraries, by name.
 *
 * Reads 64-bit little-endian ELF (amd64, arm64). The bytes are a stranger's: every offset is
 * checked, and nothing outside of them is read. Format: System V ABI, chapters 4 and 5. */
#pragma once

#include "base/fail.h"

#define ELF_NEEDED_MAX 64

struct elf {
    str architecture; /* as OCI writes it: amd64, arm64 */
    str interpreter;  /* the loader's path; empty for a library and for a static program */
    str soname;
    str run_path; /* DT_RUNPATH or DT_RPATH; empty for what Debian builds */
    str needed[ELF_NEEDED_MAX];
    size_t needed_count;
};

/* The slices point into bytes. */
fail elf_read(struct elf *elf, str bytes, struct why *why) MUST_USE;
