/* keys.h - the hall's secrets: one master key in a file of mode 0600, all others derived from it.
 *
 * Derived by libsodium's crypto_kdf (BLAKE2b) with a context for each use, so that a leaked token
 * key tells nothing about receipts. keys/receipt.pub is public: whoever has it can check a receipt.
 * Nothing here is ever logged, and keys_fini wipes. */
#pragma once

#include "base/fail.h"
#include "sys/chance.h"

struct keys {
    uint8_t token[32];       /* signs sessions */
    uint8_t code[32];        /* makes admit-card codes */
    uint8_t receipt[32];     /* MAC of a save's receipt */
    uint8_t form[32];        /* orders items and options */
    uint8_t staff[32];       /* seals officers' TOTP secrets */
    uint8_t ticket[80];      /* TLS session tickets */
    uint8_t sign_secret[64]; /* Ed25519: receipts of submission */
    uint8_t sign_public[32];
};

/* Reads DIR/keys/master; FAIL_MISSING when absent, FAIL_FORBIDDEN when others may read it. */
fail keys_load(struct keys *keys, const char *dir, struct why *why) MUST_USE;
/* Makes DIR/keys with a fresh master key and receipt.pub; FAIL_CONFLICT when one is there. */
fail keys_create(struct keys *keys, const char *dir, struct chance *chance,
                 struct why *why) MUST_USE;
struct stat;
bool secret_is_open(
    const struct stat *st); /* others than its owner, and who it is lent to, read it */
void keys_from_master(struct keys *keys, const uint8_t master[32]);
#define SIGNATURE_DIGITS 128 /* hexadecimal */
/* Ed25519 with the hall's secret. The same message gives the same signature. */
void keys_sign(const struct keys *keys, str message, char hex[SIGNATURE_DIGITS + 1]);
void keys_fini(struct keys *keys);
