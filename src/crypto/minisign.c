/* minisign.c - see minisign.h. */
#include "crypto/minisign.h"

#include "codec/base64.h"
#include <sodium.h>

#define UNTRUSTED STR("untrusted comment: ")
#define TRUSTED   STR("trusted comment: ")

/* What the base64 lines hold. Bytes only, so there is no padding between them. */
struct public_bytes {
    uint8_t algorithm[2], id[8], key[32];
};
struct secret_bytes {
    uint8_t algorithm[2], kdf[2], checksum_algorithm[2], salt[32], limits[16];
    uint8_t id[8], secret[64], checksum[32];
};
struct signature_bytes {
    uint8_t algorithm[2], id[8], signature[64];
};

enum { BASE64_LINE_MAX = BASE64_PADDED_CHARS(sizeof(struct secret_bytes)) };

static void line_write(struct out *out, const void *bytes, size_t n)
{
    char text[BASE64_LINE_MAX];
    must(BASE64_PADDED_CHARS(n) <= sizeof(text));
    out_bytes(out, text, base64_encode(BASE64_PADDED, text, bytes, n));
    out_char(out, '\n');
    sodium_memzero(text, sizeof(text));
}

/* Cuts a line that must hold exactly n bytes. */
static bool line_read(str *rest, void *bytes, size_t n)
{
    size_t got;
    str line = str_trim(str_cut(rest, '\n'));
    return base64_decode(BASE64_PADDED, line, bytes, n, &got) && got == n;
}

static bool comment_read(str *rest, str prefix, str *comment)
{
    str line = str_cut(rest, '\n');
    if (!str_starts(line, prefix))
        return false;
    *comment = str_from(line, prefix.n);
    if (str_ends(*comment, STR("\r")))
        comment->n--;
    return comment->n <= MINISIGN_COMMENT_BYTES_MAX;
}

/* --- keys --------------------------------------------------------------------------------------
 */

void minisign_make(struct minisign_key *key, struct chance *chance)
{
    uint8_t seed[crypto_sign_SEEDBYTES], public_key[32];
    must(sodium_init() >= 0);
    chance_fill(chance, key->id, sizeof(key->id));
    chance_fill(chance, seed, sizeof(seed));
    must(crypto_sign_seed_keypair(public_key, key->secret, seed) == 0);
    sodium_memzero(seed, sizeof(seed));
}

void minisign_fini(struct minisign_key *key)
{
    sodium_memzero(key, sizeof(*key));
}

struct minisign_public minisign_public_of(const struct minisign_key *key)
{
    struct minisign_public public_key;
    memcpy(public_key.id, key->id, sizeof(public_key.id));
    must(crypto_sign_ed25519_sk_to_pk(public_key.key, key->secret) == 0);
    return public_key;
}

uint64_t minisign_id(const uint8_t id[8])
{
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--)
        number = number << 8 | id[i];
    return number;
}

static void checksum_of(uint8_t checksum[32], const struct secret_bytes *bytes)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, 32);
    crypto_generichash_update(&state, bytes->algorithm, sizeof(bytes->algorithm));
    crypto_generichash_update(&state, bytes->id, sizeof(bytes->id));
    crypto_generichash_update(&state, bytes->secret, sizeof(bytes->secret));
    crypto_generichash_final(&state, checksum, 32);
    sodium_memzero(&state, sizeof(state));
}

void minisign_key_write(struct out *out, const struct minisign_key *key)
{
    struct secret_bytes bytes = { .algorithm = "Ed", .checksum_algorithm = "B2" };
    memcpy(bytes.id, key->id, sizeof(bytes.id));
    memcpy(bytes.secret, key->secret, sizeof(bytes.secret));
    checksum_of(bytes.checksum, &bytes);
    out_fmt(out, "untrusted comment: secret key %llX of a hall's certificates: keep it secret\n",
            (unsigned long long)minisign_id(key->id));
    line_write(out, &bytes, sizeof(bytes));
    sodium_memzero(&bytes, sizeof(bytes));
}

/* The first half makes the second: a slip of the disk would make signatures that nobody can check.
 */
static bool halves_agree(const uint8_t secret[64])
{
    uint8_t public_key[32], again[64];
    must(crypto_sign_seed_keypair(public_key, again, secret) == 0);
    bool agree = sodium_memcmp(again, secret, 64) == 0;
    sodium_memzero(again, sizeof(again));
    return agree;
}

static fail secret_check(const struct secret_bytes *bytes, struct why *why)
{
    uint8_t checksum[32];
    if (memcmp(bytes->algorithm, "Ed", 2) != 0 || memcmp(bytes->checksum_algorithm, "B2", 2) != 0)
        return fail_set(why, FAIL_INPUT, "this is not a secret key of minisign");
    if (bytes->kdf[0] || bytes->kdf[1])
        return fail_set(why, FAIL_INPUT,
                        "the key is locked with a password, and nobody is there to type it; "
                        "make one without: minisign -G -W");
    checksum_of(checksum, bytes); /* minisign -W writes zeros instead */
    bool whole = sodium_is_zero(bytes->checksum, 32) || !memcmp(checksum, bytes->checksum, 32);
    if (!whole || !halves_agree(bytes->secret))
        return fail_set(why, FAIL_INPUT, "the secret key is damaged; restore the file");
    return FAIL_NONE;
}

fail minisign_key_read(struct minisign_key *key, str text, struct why *why)
{
    struct secret_bytes bytes;
    str comment;
    must(sodium_init() >= 0);
    bool read = comment_read(&text, UNTRUSTED, &comment) && line_read(&text, &bytes, sizeof(bytes));
    fail f = read ? secret_check(&bytes, why)
                  : fail_set(why, FAIL_INPUT, "this is not a secret key of minisign");
    if (!f) {
        memcpy(key->id, bytes.id, sizeof(key->id));
        memcpy(key->secret, bytes.secret, sizeof(key->secret));
    }
    sodium_memzero(&bytes, sizeof(bytes));
    return f;
}

void minisign_public_write(struct out *out, const struct minisign_public *key)
{
    struct public_bytes bytes = { .algorithm = "Ed" };
    memcpy(bytes.id, key->id, sizeof(bytes.id));
    memcpy(bytes.key, key->key, sizeof(bytes.key));
    out_fmt(out, "untrusted comment: minisign public key %llX\n",
            (unsigned long long)minisign_id(key->id));
    line_write(out, &bytes, sizeof(bytes));
}

fail minisign_public_read(struct minisign_public *key, str text, struct why *why)
{
    struct public_bytes bytes;
    str comment;
    if (!comment_read(&text, UNTRUSTED, &comment) || !line_read(&text, &bytes, sizeof(bytes)) ||
        memcmp(bytes.algorithm, "Ed", 2) != 0)
        return fail_set(why, FAIL_INPUT, "this is not a public key of minisign");
    memcpy(key->id, bytes.id, sizeof(key->id));
    memcpy(key->key, bytes.key, sizeof(key->key));
    return FAIL_NONE;
}

/* --- signatures --------------------------------------------------------------------------------
 */

struct file_hash {
    uint8_t bytes[64];
};

static struct file_hash hash_of(str file)
{
    struct file_hash hash;
    must(crypto_generichash(hash.bytes, sizeof(hash.bytes), (const uint8_t *)file.p, file.n, NULL,
                            0) == 0);
    return hash;
}

/* What the second signature is of; gives its length. */
static size_t whole_of(uint8_t whole[64 + MINISIGN_COMMENT_BYTES_MAX], const uint8_t signature[64],
                       str comment)
{
    must(comment.n <= MINISIGN_COMMENT_BYTES_MAX);
    memcpy(whole, signature, 64);
    if (comment.n)
        memcpy(whole + 64, comment.p, comment.n);
    return 64 + comment.n;
}

void minisign_sign(struct out *out, const struct minisign_key *key, str file, str comment)
{
    struct signature_bytes bytes = { .algorithm = "ED" };
    uint8_t whole[64 + MINISIGN_COMMENT_BYTES_MAX], whole_signature[64];
    struct file_hash hash = hash_of(file);
    must(str_find(comment, '\n') < 0 && str_find(comment, '\r') < 0);
    memcpy(bytes.id, key->id, sizeof(bytes.id));
    crypto_sign_detached(bytes.signature, NULL, hash.bytes, sizeof(hash.bytes), key->secret);
    size_t n = whole_of(whole, bytes.signature, comment);
    crypto_sign_detached(whole_signature, NULL, whole, n, key->secret);
    out_fmt(out, "untrusted comment: signature of the key %llX\n",
            (unsigned long long)minisign_id(key->id));
    line_write(out, &bytes, sizeof(bytes));
    out_str(out, TRUSTED);
    out_str(out, comment);
    out_char(out, '\n');
    line_write(out, whole_signature, sizeof(whole_signature));
}

fail minisign_verify(str signature, str file, const struct minisign_public *key, str *comment,
                     struct why *why)
{
    struct signature_bytes bytes;
    uint8_t whole[64 + MINISIGN_COMMENT_BYTES_MAX], whole_signature[64];
    str rest = signature, untrusted, trusted;
    if (!comment_read(&rest, UNTRUSTED, &untrusted) || !line_read(&rest, &bytes, sizeof(bytes)) ||
        !comment_read(&rest, TRUSTED, &trusted) ||
        !line_read(&rest, whole_signature, sizeof(whole_signature)) ||
        memcmp(bytes.algorithm, "ED", 2) != 0)
        return fail_set(why, FAIL_INPUT, "this is not a signature of minisign");
    if (memcmp(bytes.id, key->id, sizeof(bytes.id)) != 0)
        return fail_set(why, FAIL_CONFLICT, "it was signed by the key %llX, not by %llX",
                        (unsigned long long)minisign_id(bytes.id),
                        (unsigned long long)minisign_id(key->id));
    struct file_hash hash = hash_of(file);
    if (crypto_sign_verify_detached(bytes.signature, hash.bytes, sizeof(hash.bytes), key->key) != 0)
        return fail_set(why, FAIL_CONFLICT, "it is not what was signed: the file was changed");
    size_t n = whole_of(whole, bytes.signature, trusted);
    if (crypto_sign_verify_detached(whole_signature, whole, n, key->key) != 0)
        return fail_set(why, FAIL_CONFLICT,
                        "it is not what was signed: the signature's comment was changed");
    if (comment)
        *comment = trusted;
    return FAIL_NONE;
}
