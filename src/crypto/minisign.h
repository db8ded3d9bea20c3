/* minisign.h - signed files, in the format of the program minisign (Debian's package of that name).
 *
 * So that whoever doubts us can check with a tool that is not ours: `minisign -V -p KEY.pub -m
 * FILE` takes what is written here, and a key made by `minisign -G -W` signs here. Format, as at
 * https://jedisct1.github.io/minisign/ (all base64 is the padded one, a line each):
 *
 *     public key   "Ed" id[8] key[32]
 *     secret key   "Ed" no-KDF[2] "B2" zero[48] id[8] secret[64] BLAKE2b-256 of "Ed" id secret
 *     signature    "ED" id[8] Ed25519 of BLAKE2b-512 of the file
 *                  Ed25519 of the signature before and the trusted comment
 *
 * Only "ED" signatures are taken: of the hash, not of the file itself. Texts are strangers'. */
#pragma once

#include "base/fail.h"
#include "base/out.h"
#include "sys/chance.h"

struct minisign_public {
    uint8_t id[8]; /* any bytes; tells keys apart, proves nothing */
    uint8_t key[32];
};

struct minisign_key {
    uint8_t id[8], secret[64];
};

void minisign_make(struct minisign_key *key, struct chance *chance);
void minisign_fini(struct minisign_key *key); /* wipes it */
struct minisign_public minisign_public_of(const struct minisign_key *key);
uint64_t minisign_id(const uint8_t id[8]); /* the number minisign shows in hexadecimal */

/* Files' texts. A secret key with a password is FAIL_INPUT, with what to do: nobody is there to
 * type it. */
void minisign_key_write(struct out *out, const struct minisign_key *key);
fail minisign_key_read(struct minisign_key *key, str text, struct why *why) MUST_USE;
void minisign_public_write(struct out *out, const struct minisign_public *key);
fail minisign_public_read(struct minisign_public *key, str text, struct why *why) MUST_USE;

/* The text of FILE.minisig for a file of these bytes. `comment` is signed too: one line, at most
 * MINISIGN_COMMENT_BYTES_MAX. */
enum { MINISIGN_COMMENT_BYTES_MAX = 1000 };
void minisign_sign(struct out *out, const struct minisign_key *key, str file, str comment);
/* FAIL_INPUT: no signature at all; FAIL_CONFLICT: of other bytes, or by another key. On success
 * *comment, if wanted, is the one that was signed, within `signature`. */
fail minisign_verify(str signature, str file, const struct minisign_public *key, str *comment,
                     struct why *why) MUST_USE;
