/* psk.c - see psk.h. */
#include "net/psk.h"

#include "base/str.h"

static const struct psk *psk_of(SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* OpenSSL takes an external key as a session that was never held. */
static SSL_SESSION *session_of(SSL *ssl)
{
    static const unsigned char suite[] = { 0x13, 0x01 }; /* TLS_AES_128_GCM_SHA256 */
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, suite);
    SSL_SESSION *session = SSL_SESSION_new();
    must(session && cipher);
    must(SSL_SESSION_set1_master_key(session, psk_of(ssl)->key, PSK_KEY_BYTES) == 1);
    must(SSL_SESSION_set_cipher(session, cipher) == 1);
    must(SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1);
    return session;
}

static int offer_key(SSL *ssl, const EVP_MD *md, const unsigned char **id, size_t *id_bytes,
                     SSL_SESSION **session)
{
    *session = NULL;
    if (md && !EVP_MD_is_a(md, "SHA256"))
        return 1; /* not with our key; the handshake then fails for want of a certificate */
    *id = (const unsigned char *)psk_of(ssl)->identity;
    *id_bytes = strlen(psk_of(ssl)->identity);
    *session = session_of(ssl);
    return 1;
}

static int find_key(SSL *ssl, const unsigned char *id, size_t id_bytes, SSL_SESSION **session)
{
    bool ours = str_eq(str_of(id, id_bytes), str_z(psk_of(ssl)->identity));
    *session = ours ? session_of(ssl) : NULL;
    return 1;
}

SSL_CTX *psk_ctx_new(struct psk *psk, bool dials)
{
    SSL_CTX *ctx = SSL_CTX_new(dials ? TLS_client_method() : TLS_server_method());
    if (!ctx)
        return NULL;
    SSL_CTX_set_app_data(ctx, psk);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                              SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (dials) { /* nobody's certificate is trusted: without the key there is no handshake */
        SSL_CTX_set_psk_use_session_callback(ctx, offer_key);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    } else {
        SSL_CTX_set_psk_find_session_callback(ctx, find_key);
    }
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) &&
        SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256"))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}
