/* verify.h - what `examhall verify` can check: a row in cmd_verify.c and a function each.
 *
 * A function prints what it found and gives the exit status: EXIT_DONE true, EXIT_NO not. */
#pragma once

#include "cli/cmd.h"

struct verify_opts { /* as given, or NULL */
    const char *file;
    const char *dir, *key;
    const char *spec, *roster, *binary, *image, *at; /* certificates only */
};

int verify_receipt(const struct verify_opts *opts);
int verify_certificate(const struct verify_opts *opts);
