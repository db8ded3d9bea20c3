/* officer.h - a new officer, whose secrets are made here and are in the hall only as a hash. */
#pragma once

#include "cli/cmd.h"
#include "sys/chance.h"

struct new_officer {
    char password[32], totp_secret[40]; /* to be shown once; wipe it */
};

/* FAIL_CONFLICT: there is one of that name. */
fail officer_add(struct new_officer *officer, const char *name, struct admin *admin,
                 struct chance *chance, struct why *why) MUST_USE;
