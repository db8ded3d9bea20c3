/* tls.h - TLS as a transformation of bytes: what came in goes in, what must go out comes out.
 *
 * It never touches a socket, so the gateway's loop reads and writes TLS connections exactly as
 * plain ones, and a session at rest holds no buffer. All sessions of a `tls` share one BIO that
 * looks at the bytes of the call in progress; a `tls` belongs to one thread. TLS 1.3, or 1.2 with
 * ECDHE and an AEAD; X25519 or P-256; tickets, no early data, no renegotiation, no compression. */
#pragma once

#include "base/fail.h"
#include "base/out.h"

struct tls;
struct tls_session;

/* `ticket_key`: 80 bytes that all reactors, restarts and machines share. */
fail tls_new(struct tls **tls, const char *cert_path, const char *key_path,
             const unsigned char *ticket_key, struct why *why) MUST_USE;
#define TLS_SHARED_KEY_BYTES 32
/* For two of our own processes, which share a key and need no certificates: psk.h. `dials`: its
 * sessions come from tls_dial, else tls_accept. */
fail tls_new_shared(struct tls **tls, const unsigned char *key, bool dials,
                    struct why *why) MUST_USE;
void tls_free(struct tls *tls); /* after all its sessions; NULL is fine */

struct tls_session *tls_accept(struct tls *tls);     /* NULL: out of memory */
struct tls_session *tls_dial(struct tls *tls);       /* speaks first: tls_decrypt nothing once */
void tls_drop(struct tls_session *session);          /* NULL is fine */
bool tls_is_open(const struct tls_session *session); /* the handshake is done */

enum tls_state { TLS_FINE, TLS_ENDED, TLS_BROKEN };

#define TLS_RECORD_BYTES_MAX (16 * KIB)

/* Takes all of `cipher` and writes what it says to `plain`, which must have room for as many bytes
 * and a record more: the beginning of one may have come earlier. In every state tls_out may hold
 * bytes that must be sent: a handshake's, or an alert. */
enum tls_state tls_decrypt(struct tls *tls, struct tls_session *session, str cipher, char *plain,
                           size_t *plain_bytes);
bool tls_encrypt(struct tls *tls, struct tls_session *session, str plain); /* into tls_out */
void tls_end(struct tls *tls, struct tls_session *session); /* close notify, into tls_out */

struct out *tls_out(struct tls *tls); /* clear it after sending */
