/* cert.c - see cert.h. OpenSSL's X.509 behind one function. */
#include "crypto/cert.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>

static bool extend(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return ok;
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *domain)
{
    char names[400];
    unsigned char serial[8];
    snprintf(names, sizeof(names), "DNS:localhost,DNS:%s,IP:127.0.0.1,IP:::1", domain);
    if (RAND_bytes(serial, sizeof(serial)) != 1)
        return false;
    serial[0] &= 0x7f;
    BIGNUM *number = BN_bin2bn(serial, sizeof(serial), NULL);
    X509_NAME *name = X509_get_subject_name(cert);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) &&
              X509_set_version(cert, 2) && X509_gmtime_adj(X509_getm_notBefore(cert), -3600) &&
              X509_gmtime_adj(X509_getm_notAfter(cert), 365L * 86400) &&
              X509_set_pubkey(cert, key) &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)domain,
                                         -1, -1, 0) &&
              X509_set_issuer_name(cert, name) && extend(cert, NID_subject_alt_name, names) &&
              extend(cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
              extend(cert, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
              extend(cert, NID_ext_key_usage, "serverAuth") && X509_sign(cert, key, EVP_sha256());
    BN_free(number);
    return ok;
}

static bool write_pem(const char *dir, const char *name, mode_t mode, X509 *cert, EVP_PKEY *key)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/keys/%s", dir, name);
    mode_t old = umask(0777 & ~mode);
    FILE *file = fopen(path, "wxe");
    umask(old);
    if (!file)
        return false;
    bool ok = cert ? PEM_write_X509(file, cert)
                   : PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    return (fclose(file) == 0) && ok;
}

fail cert_create(const char *dir, const char *domain, struct why *why)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    bool ok = key && cert && fill(cert, key, domain) &&
              write_pem(dir, "tls.key", 0600, NULL, key) &&
              write_pem(dir, "tls.crt", 0644, cert, NULL);
    X509_free(cert);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok ? FAIL_NONE
              : fail_errno(why, FAIL_WORLD, "cannot make the certificate in %s/keys", dir);
}
