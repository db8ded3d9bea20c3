/* certify.h - the world around a readiness certificate: what it is tied to, its key, its files.
 *
 * The key belongs to the hall that is rehearsed for, not to the rehearsal's own, which is thrown
 * away: DIR/keys/certificate.key, made when first needed, mode 0600, with certificate.pub beside
 * it. Both are files of minisign. The secret is read from its file and goes nowhere else. */
#pragma once

#include "crypto/minisign.h"
#include "rehearsal/certificate.h"

/* Where to look; NULL: this very program, DIR/hall.yaml, the roster of the hall in DIR. `image`:
 * the program that an image starts, "LAYOUT" or, when it must be that very one,
 * "LAYOUT@sha256:...". */
struct certified_from {
    const char *dir, *binary, *image, *spec, *roster;
};
fail certified_read(struct certified *certified, const struct certified_from *from,
                    struct why *why) MUST_USE;

/* The key in the file `given`, which must be there; NULL: DIR's own. */
fail certify_key(struct minisign_key *key, const char *given, const char *dir,
                 struct why *why) MUST_USE;
fail certify_public(struct minisign_public *key, const char *given, const char *dir,
                    struct why *why) MUST_USE;

/* FAIL_WORLD when no file can be made at `path`: before hours of rehearsal, not after. */
fail certify_check(const char *path, struct why *why) MUST_USE;
/* Writes `path` and `path`.minisig. */
fail certify_write(const char *path, const struct certificate_facts *facts,
                   const struct minisign_key *key, struct why *why) MUST_USE;
