/* tunnel.h - carries a gateway's pipes to a hall on another machine: the process between.
 *
 *     gateway -- run/gate.sock -- near end ==== TLS over TCP ==== far end -- run/gate.sock -- hall
 *
 * So the gateway and the hall are the same in a cluster as on one machine, and neither gets a right
 * to open network connections. Both ends hold the gate's key; who does not is dropped in the
 * handshake, before a byte reaches the hall.
 *
 * The near end takes the gateway's connection only once it has one to the hall: until then what the
 * gateway writes waits in the socket, uncounted, as it does while a hall on the same machine is
 * away. When either side of a connection ends, so does the other, and the gateway sends again what
 * is unanswered (docs/adr/0003). */
#pragma once

#include "base/fail.h"

struct tunnel_opts {
    int listener;             /* near end: the gateway's gate.sock; far end: TCP */
    const char *hall;         /* near end: HOST:PORT of the far end; NULL: this is the far end */
    const char *gate_path;    /* far end: the hall's Unix socket */
    const unsigned char *key; /* TLS_SHARED_KEY_BYTES */
    int ready_fd;             /* gets a byte "r" when it takes connections; or -1 */
    bool keep_rights;         /* true: no change of user, no system call filter */
};

/* Runs until the process is killed. Returns only when it cannot start. */
fail tunnel_run(const struct tunnel_opts *opts, struct why *why) MUST_USE;
