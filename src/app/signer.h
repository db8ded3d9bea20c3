/* signer.h - one thread that signs what replies promise: Ed25519, 28 us each, while the reply waits
 * for the log anyway.
 *
 * Signatures are asked for and given back in one order, so "all up to ticket n are done" is one
 * number. The loop learns of finished ones through a descriptor. */
#pragma once

#include "crypto/keys.h"

struct signer;

struct signed_line {
    void *owner; /* whoever asked, and */
    uint64_t at; /* where in their bytes the digits belong */
    char hex[SIGNATURE_DIGITS + 1];
};

struct signer *signer_new(const struct keys *keys); /* keeps keys */
int signer_fd(const struct signer *signer);         /* readable when signer_take has something */
/* Copies line. False when too many wait, or the line is too long for that: sign it yourself. */
bool signer_give(struct signer *signer, str line, void *owner, uint64_t at);
bool signer_take(struct signer *signer, struct signed_line *line); /* false: none is finished */
void signer_free(struct signer *signer);                           /* finishes none of the rest */
