/* this_machine.h - which machine this is, in words that somebody else can compare with theirs. */
#pragma once

#include "base/base.h"

struct this_machine {
    char cpu[96], kernel[96]; /* "unknown" when the machine does not say */
    unsigned cores;
    uint64_t memory_bytes;
};

void this_machine_read(struct this_machine *machine);
