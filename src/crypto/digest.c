/* digest.c - see digest.h. */
#include "crypto/digest.h"

#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>

static void hex_of(char hex[SHA256_HEX], const uint8_t hash[crypto_hash_sha256_BYTES])
{
    sodium_bin2hex(hex, SHA256_HEX, hash, crypto_hash_sha256_BYTES);
}

void sha256_hex(char hex[SHA256_HEX], str bytes)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    /* OpenSSL's uses the CPU's own instructions: a full exam's result has 230 MB. */
    must(EVP_Digest(bytes.n ? bytes.p : "", bytes.n, hash, NULL, EVP_sha256(), NULL) == 1);
    hex_of(hex, hash);
}

fail sha256_file(char hex[SHA256_HEX], const char *path, struct why *why)
{
    uint8_t chunk[16 * KIB];
    uint8_t hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    size_t n;
    FILE *file = fopen(path, "re");
    if (!file)
        return fail_errno(why, FAIL_WORLD, "%s cannot be read", path);
    crypto_hash_sha256_init(&state);
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0)
        crypto_hash_sha256_update(&state, chunk, n);
    bool bad = ferror(file);
    fclose(file);
    crypto_hash_sha256_final(&state, hash);
    hex_of(hex, hash);
    return bad ? fail_errno(why, FAIL_WORLD, "%s cannot be read", path) : FAIL_NONE;
}
