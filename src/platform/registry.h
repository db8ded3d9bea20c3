/* registry.h - the OCI distribution protocol, the half that pushes.
 *
 * Asks without credentials first and does what the registry's challenge says: Basic, or a token
 * from the realm it names. The name and password go only there and to the registry itself, and over
 * TLS unless both are on this machine. Failures that may pass (429, 5xx, a broken connection) are
 * tried again, five times in all. Specification: OCI distribution 1.1. */
#pragma once

#include "platform/digest.h"
#include "platform/web.h"

struct registry;

struct registry_opts {
    const char *host;                      /* registry.example.org:5000 */
    const char *repository;                /* exams/examhall */
    const char *ca_path;                   /* or NULL */
    bool plain;                            /* HTTP without TLS */
    str user, password;                    /* empty: none; borrowed while the registry is open */
    void (*pause)(void *ctx, unsigned ms); /* between tries; NULL: sleeps */
    web_progress_fn progress;
    void *ctx;
};

fail registry_open(struct registry **registry, const struct registry_opts *opts,
                   struct why *why) MUST_USE;
void registry_close(struct registry *registry); /* NULL is fine */

/* Failures of all: FAIL_FORBIDDEN (401, 403), FAIL_MISSING (404), FAIL_LIMIT (413), FAIL_CONFLICT
 * (the tag may not be moved), FAIL_BUSY, FAIL_WORLD; `why` says what to do. */

fail registry_has_blob(struct registry *registry, const struct digest *digest, bool *has,
                       struct why *why) MUST_USE;
fail registry_put_blob(struct registry *registry, const struct digest *digest, str bytes,
                       struct why *why) MUST_USE;

/* `reference`: a tag or "sha256:...". *knows_subject: the registry itself lists this manifest among
 * the referrers of its subject. */
fail registry_put_manifest(struct registry *registry, const char *reference, const char *media_type,
                           str bytes, bool *knows_subject, struct why *why) MUST_USE;
/* FAIL_MISSING when there is none. The bytes lie in the arena. */
fail registry_get_manifest(struct registry *registry, const char *reference, struct arena *arena,
                           str *bytes, struct why *why) MUST_USE;
