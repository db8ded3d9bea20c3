/* readiness.h - what a rehearsal is for: a hall's spec and roster, and at the end a certificate.
 *
 * With --for the spec gives objectives and settings, the roster the number of candidates, and the
 * certificate is tied to both as they were before the run. Without it a certificate speaks of the
 * rehearsal's own hall, which --data must keep: one that nobody can check is worth nothing. */
#pragma once

#include "cli/certify.h"
#include "platform/spec.h"

struct readiness {
    const char *for_dir, *file, *sign_with; /* as given, or NULL */
    int64_t valid_days;
    struct spec spec;
    struct certified certified;
    struct minisign_key key;
    struct arena arena; /* of the spec */
};

/* Of the hall in for_dir, or defaults; sets the options that follow from it. */
fail readiness_load(struct readiness *readiness, struct rehearsal_opts *opts,
                    struct why *why) MUST_USE;
/* All that could fail at the end, and can be known now. FAIL_USAGE, FAIL_WORLD. */
fail readiness_check(struct readiness *readiness, const struct rehearsal_opts *opts,
                     struct why *why) MUST_USE;
/* Writes the certificate, when one was asked for, whatever the verdict is. */
fail readiness_certify(struct readiness *readiness, const struct rehearsal_opts *opts,
                       const struct outcome *outcome, const struct judgement *judgement,
                       struct why *why) MUST_USE;
void readiness_fini(struct readiness *readiness);
