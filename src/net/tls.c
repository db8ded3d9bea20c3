/* tls.c - see tls.h. struct tls_session is OpenSSL's SSL under another name. */
#include "net/tls.h"

#include "net/psk.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#define OUT_BYTES_MAX (4 * MIB)
_Static_assert(TLS_SHARED_KEY_BYTES == PSK_KEY_BYTES, "it is the same key");

struct tls {
    SSL_CTX *ctx;
    struct psk psk; /* of tls_new_shared */
    BIO *bio;
    BIO_METHOD *method;
    str in;         /* what of the current call's bytes is not read yet */
    struct out out; /* what the current call wants sent */
};

static SSL *ssl_of(const struct tls_session *session)
{
    return (SSL *)session;
}

/* -- the BIO ------------------------------------------------------------------------------- */

static int bio_write(BIO *bio, const char *p, int n)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    out_bytes(&tls->out, p, (size_t)n);
    return tls->out.failed ? -1 : n;
}

static int bio_read(BIO *bio, char *p, int n)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t bytes = MIN((size_t)n, tls->in.n);
    if (bytes == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(p, tls->in.p, bytes);
    tls->in = str_from(tls->in, bytes);
    return (int)bytes;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static bool bio_init(struct tls *tls)
{
    tls->method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gateway");
    if (!tls->method)
        return false;
    BIO_meth_set_write(tls->method, bio_write);
    BIO_meth_set_read(tls->method, bio_read);
    BIO_meth_set_ctrl(tls->method, bio_ctrl);
    tls->bio = BIO_new(tls->method);
    if (!tls->bio)
        return false;
    BIO_set_data(tls->bio, tls);
    BIO_set_init(tls->bio, 1);
    return true;
}

/* -- the context --------------------------------------------------------------------------- */

/* Of what a client offers we speak http/1.1; to others we say nothing. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                           const unsigned char *in, unsigned in_bytes, void *arg)
{
    (void)ssl, (void)arg;
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_bytes, ours, sizeof(ours) - 1, in, in_bytes) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool ctx_set(SSL_CTX *ctx, const unsigned char *ticket_key)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"examhall", 8);
    SSL_CTX_set_num_tickets(ctx, 1);
    SSL_CTX_set_max_early_data(ctx, 0);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    unsigned char keys[80];
    memcpy(keys, ticket_key, sizeof(keys));
    bool ok = SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
              SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") &&
              SSL_CTX_set1_groups_list(ctx, "X25519:P-256") &&
              SSL_CTX_set_tlsext_ticket_keys(ctx, keys, sizeof(keys));
    OPENSSL_cleanse(keys, sizeof(keys));
    return ok;
}

static fail ctx_load(SSL_CTX *ctx, const char *cert_path, const char *key_path, struct why *why)
{
    if (SSL_CTX_use_certificate_chain_file(ctx, cert_path) != 1)
        return fail_set(why, FAIL_INPUT, "%s holds no PEM certificate that can be read.",
                        cert_path);
    if (SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) != 1)
        return fail_set(why, FAIL_INPUT, "%s holds no PEM private key that can be read.", key_path);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return fail_set(why, FAIL_INPUT, "The key %s does not belong to the certificate %s.",
                        key_path, cert_path);
    return FAIL_NONE;
}

fail tls_new(struct tls **out, const char *cert_path, const char *key_path,
             const unsigned char *ticket_key, struct why *why)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    must(tls);
    tls->out = out_make(OUT_BYTES_MAX);
    tls->ctx = SSL_CTX_new(TLS_server_method());
    fail f = FAIL_NONE;
    if (!tls->ctx || !ctx_set(tls->ctx, ticket_key) || !bio_init(tls))
        f = fail_set(why, FAIL_WORLD, "OpenSSL did not take the gateway's settings.");
    else
        f = ctx_load(tls->ctx, cert_path, key_path, why);
    ERR_clear_error();
    if (f) {
        tls_free(tls);
        tls = NULL;
    }
    *out = tls;
    return f;
}

/* -- a key instead of a certificate -------------------------------------------------------- */

fail tls_new_shared(struct tls **out, const unsigned char *key, bool dials, struct why *why)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    must(tls);
    tls->psk.identity = "examhall gate";
    memcpy(tls->psk.key, key, sizeof(tls->psk.key));
    tls->out = out_make(OUT_BYTES_MAX);
    tls->ctx = psk_ctx_new(&tls->psk, dials);
    bool made = tls->ctx && bio_init(tls);
    ERR_clear_error();
    if (!made) {
        tls_free(tls);
        tls = NULL;
    }
    *out = tls;
    return made ? FAIL_NONE : fail_set(why, FAIL_WORLD, "OpenSSL did not take the gate's key.");
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    OPENSSL_cleanse(&tls->psk, sizeof(tls->psk));
    BIO_free(tls->bio);
    BIO_meth_free(tls->method);
    SSL_CTX_free(tls->ctx);
    out_fini(&tls->out);
    free(tls);
}

/* -- sessions ------------------------------------------------------------------------------ */

static SSL *session_new(struct tls *tls)
{
    SSL *ssl = SSL_new(tls->ctx);
    if (!ssl)
        return NULL;
    BIO_up_ref(tls->bio); /* one for reading, one for writing */
    BIO_up_ref(tls->bio);
    SSL_set0_rbio(ssl, tls->bio);
    SSL_set0_wbio(ssl, tls->bio);
    return ssl;
}

struct tls_session *tls_accept(struct tls *tls)
{
    SSL *ssl = session_new(tls);
    if (ssl)
        SSL_set_accept_state(ssl);
    return (struct tls_session *)ssl;
}

struct tls_session *tls_dial(struct tls *tls)
{
    SSL *ssl = session_new(tls);
    if (ssl)
        SSL_set_connect_state(ssl);
    return (struct tls_session *)ssl;
}

void tls_drop(struct tls_session *session)
{
    SSL_free(ssl_of(session));
}

bool tls_is_open(const struct tls_session *session)
{
    return SSL_is_init_finished(ssl_of(session));
}

enum tls_state tls_decrypt(struct tls *tls, struct tls_session *session, str cipher, char *plain,
                           size_t *plain_bytes)
{
    SSL *ssl = ssl_of(session);
    size_t room = cipher.n + TLS_RECORD_BYTES_MAX;
    tls->in = cipher;
    *plain_bytes = 0;
    for (;;) {
        ERR_clear_error();
        if (*plain_bytes == room)
            return TLS_BROKEN; /* no honest record decrypts to more than it was */
        int n = SSL_read(ssl, plain + *plain_bytes, (int)(room - *plain_bytes));
        if (n > 0) {
            *plain_bytes += (size_t)n;
            continue;
        }
        int error = SSL_get_error(ssl, n);
        if (error == SSL_ERROR_WANT_READ)
            return TLS_FINE;
        ERR_clear_error();
        return error == SSL_ERROR_ZERO_RETURN ? TLS_ENDED : TLS_BROKEN;
    }
}

bool tls_encrypt(struct tls *tls, struct tls_session *session, str plain)
{
    tls->in = STR_NONE;
    while (plain.n) {
        ERR_clear_error();
        int n = SSL_write(ssl_of(session), plain.p, (int)MIN(plain.n, MIB));
        if (n <= 0)
            return false;
        plain = str_from(plain, (size_t)n);
    }
    return true;
}

void tls_end(struct tls *tls, struct tls_session *session)
{
    tls->in = STR_NONE;
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_of(session)))
        SSL_shutdown(ssl_of(session));
    ERR_clear_error();
}

struct out *tls_out(struct tls *tls)
{
    return &tls->out;
}
