/* registry_login.h - name and password for a registry, out of a file: never from a command line.
 *
 * Either one line "name:password", or docker's config.json, in which each registry has
 * `"auths": {"HOST": {"auth": base64 of "name:password"}}`. */
#pragma once

#include "base/arena.h"
#include "base/fail.h"

struct registry_login {
    str user, password; /* empty: the file has none for this host */
};

/* In the arena. FAIL_INPUT: the text is neither. */
fail registry_login_read(struct registry_login *login, str text, str host, struct arena *arena,
                         struct why *why) MUST_USE;
