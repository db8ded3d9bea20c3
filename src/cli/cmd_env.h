/* cmd_env.h - the words of `examhall env`, shared by its actions. */
#pragma once

#include "cli/cmd.h"
#include "platform/env.h"

struct env_words {
    const char *words[3]; /* the action, then what it takes */
    const char *spec, *like, *on, *account, *region, *domain, *size;
    bool explain;
};

void print_out(struct out *out);          /* and frees it */
const char *spec_path(const char *given); /* or ./hall.yaml, or hall/hall.yaml */
/* The spec's file with another text; whoever reads it meanwhile sees the old one or the new one. */
fail replace_file(const char *path, str text, struct why *why) MUST_USE;

int env_render_command(const struct env_words *words, struct arena *arena);
int env_diff_command(const struct env_words *words, struct arena *arena);
