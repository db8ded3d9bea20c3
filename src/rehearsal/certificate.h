/* certificate.h - the readiness certificate: a rehearsal's verdict, tied to what was rehearsed.
 *
 * A pass says something about one program, one spec and one roster. So a certificate names the
 * three by their SHA-256, and is void as soon as one of them is another, or when it has expired.
 * It is one line of JSON; who signed it is said beside it, in FILE.minisig (crypto/minisign.h),
 * over the bytes of the file: nobody has to agree on how JSON is normalised. The same facts give
 * the same bytes. docs/adr/0013 says why each digest is over what it is over. */
#pragma once

#include "base/arena.h"
#include "crypto/digest.h"
#include "platform/objectives.h"
#include "rehearsal/this_machine.h"
#include "svc/itembank/roster_import.h"

/* What was rehearsed, or what is there now. */
struct certified {
    char binary[SHA256_HEX]; /* the program's file */
    char spec[SHA256_HEX];   /* the bytes of hall.yaml */
    char roster[SHA256_HEX]; /* see certified_roster */
    int64_t candidates;      /* rows of the roster */
};

/* Number and digest of the lines that `examhall roster export` writes below its header, sorted by
 * their bytes: `tail -n +2 | LC_ALL=C sort | sha256sum`. So they are the same in whatever order
 * candidates were imported. FAIL_INPUT: not such a file. */
fail certified_roster(struct certified *certified, str csv, struct why *why) MUST_USE;

/* --- writing it --------------------------------------------------------------------------------
 */

struct rehearsal_opts; /* rehearsal.h */
struct outcome;        /* verdict.h */
struct judgement;

struct certificate_facts { /* borrows all of it */
    str hall;              /* its name, of the spec */
    const char *version;   /* of the program */
    const struct certified *certified;
    const struct this_machine *machine;
    const struct rehearsal_opts *opts;
    const struct outcome *outcome;
    const struct judgement *judgement;
    const struct objectives *objectives;
    instant made_at, expires_at;
};
void certificate_write(struct out *out, const struct certificate_facts *facts);
/* The line that is signed beside the file, and that `minisign -V` shows. */
void certificate_comment(struct out *out, const struct certificate_facts *facts);

/* --- reading it --------------------------------------------------------------------------------
 */

struct certificate {
    str hall, version, profile, verdict;
    str binary, spec, roster; /* hex */
    int64_t roster_candidates, candidates;
    int64_t minutes, save_every_s, kills, upgrades; /* how hard it was made for the hall */
    bool tls;
    instant made_at, expires_at;
};
/* Borrows text; strings lie in it or in the arena. FAIL_INPUT: this is no certificate. */
fail certificate_parse(struct certificate *certificate, str text, struct arena *arena,
                       struct why *why) MUST_USE;

/* Why a certificate says nothing (any more): a word for programs, a sentence for people. */
struct doubt {
    const char *slug;
    char text[280];
};
enum { DOUBTS_MAX = 8 };

/* Gives how many doubts there are; 0: it holds for `now`, at the instant `at`. It expires at
 * expires_at itself: from then on it is void. */
unsigned certificate_doubts(struct doubt doubts[DOUBTS_MAX], const struct certificate *certificate,
                            const struct certified *now, instant at);
