/* link.h - one connection between a coordinator and an agent host: only who has the token is there.
 *
 * TLS with a key made of the token (net/psk.h): a peer without it fails the handshake, on both
 * sides. Who dials and who listens says nothing about who coordinates. Frames (frame.h) go whole,
 * in order, once. Not for threads. */
#pragma once

#include "base/fail.h"
#include "rehearsal/frame.h"

enum { LINK_KEY_BYTES = 32, LINK_TOKEN_BYTES_MIN = 32, LINK_TOKEN_BYTES_MAX = 4096 };

struct link_key {
    uint8_t bytes[LINK_KEY_BYTES];
};

struct link;

/* FAIL_USAGE: too short to be a secret (spaces at the ends do not count). */
fail link_key_make(struct link_key *key, str token, struct why *why) MUST_USE;
/* The token in a file, which nobody but its owner may read. */
fail link_key_read(struct link_key *key, const char *path, struct why *why) MUST_USE;

/* "host", "host:port" or ":port"; the default port is 7443. */
fail link_listen(int *fd, const char *address, struct why *why) MUST_USE;
/* Both wait for the handshake, at most 10 s; link_accept before that for somebody to come, at most
 * `wait_us` (FAIL_BUSY: nobody did). FAIL_MISSING: nobody listens there. FAIL_FORBIDDEN: the peer
 * has another token, or is something else. */
fail link_dial(struct link **link, const char *address, const struct link_key *key,
               struct why *why) MUST_USE;
fail link_accept(struct link **link, int listen_fd, const struct link_key *key, int64_t wait_us,
                 struct why *why) MUST_USE;
/* Takes a connected socket, closes it on failure too; for the two above, and for tests. */
fail link_over(struct link **link, int fd, bool accepts, const struct link_key *key,
               struct why *why) MUST_USE;
void link_close(struct link *link); /* NULL is fine */

/* Queues the frame and sends what can be sent. A broken connection shows in the next call that
 * returns something. */
void link_send(struct link *link, uint8_t kind, str body);
fail link_flush(struct link *link, int64_t wait_us,
                struct why *why) MUST_USE; /* until all is out */
/* The next frame, waiting for it at most `wait_us`; kind 0: none came. The body is good until the
 * next call on this link. FAIL_WORLD: the other side is gone. FAIL_INPUT: it sent no frame. */
fail link_next(struct link *link, struct frame *frame, int64_t wait_us, struct why *why) MUST_USE;

const char *link_peer(const struct link *link); /* "10.77.0.2:41932" */
int link_fd(const struct link *link);
