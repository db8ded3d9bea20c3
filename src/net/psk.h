/* psk.h - TLS 1.3 between two of our own that share a key and need no certificates.
 *
 * The key is used with fresh secrets besides (PSK with ECDHE), so one found later opens no old
 * recording. A handshake with somebody who has another key, or any certificate, fails on both
 * sides. Who uses it: a gateway and its hall (tls.h), a rehearsal and its agents
 * (rehearsal/link.h). */
#pragma once

#include "base/base.h"

#include <openssl/ssl.h>

#define PSK_KEY_BYTES 32

struct psk {
    unsigned char key[PSK_KEY_BYTES];
    const char *identity; /* what the key is for: both sides must mean the same */
};

/* `dials`: for who speaks first. Keeps psk. NULL: OpenSSL does not take it. */
SSL_CTX *psk_ctx_new(struct psk *psk, bool dials);
