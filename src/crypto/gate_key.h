/* gate_key.h - what the gateways and the hall of a cluster share: one secret in a file.
 *
 * The gateways must not have the hall's master key, so this is a secret of its own. It opens the
 * way between them (net/tunnel.h), and lets a candidate's TLS session go on at another gateway. */
#pragma once

#include "base/fail.h"

struct gate_key {
    unsigned char tunnel[32]; /* TLS_SHARED_KEY_BYTES */
    unsigned char ticket[80]; /* GATEWAY_TICKET_KEY_BYTES */
};

/* 32 to 4,096 bytes; white space at the end does not count. FAIL_FORBIDDEN: others may read it. */
fail gate_key_load(struct gate_key *key, const char *path, struct why *why) MUST_USE;
void gate_key_fini(struct gate_key *key);
