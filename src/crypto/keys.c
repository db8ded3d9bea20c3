/* keys.c - see keys.h. */
#include "crypto/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

void keys_from_master(struct keys *keys, const uint8_t master[32])
{
    must(sodium_init() >= 0);
    struct {
        uint64_t id;
        uint8_t *to;
        size_t n;
    } uses[] = {
        { 1, keys->token, 32 },       { 2, keys->code, 32 },  { 3, keys->receipt, 32 },
        { 4, keys->form, 32 },        { 5, keys->staff, 32 }, { 6, keys->ticket, 32 },
        { 7, keys->ticket + 32, 48 },
    };
    for (size_t i = 0; i < COUNT(uses); i++)
        must(crypto_kdf_derive_from_key(uses[i].to, uses[i].n, uses[i].id, "examhall", master) ==
             0);
    uint8_t seed[32];
    must(crypto_kdf_derive_from_key(seed, sizeof(seed), 8, "examhall", master) == 0);
    must(crypto_sign_seed_keypair(keys->sign_public, keys->sign_secret, seed) == 0);
    sodium_memzero(seed, sizeof(seed));
}

/* A secret that is ours has no mode for others. One that is somebody else's is lent to our group
 * for reading: so Kubernetes mounts them. */
bool secret_is_open(const struct stat *st)
{
    return st->st_mode & (st->st_uid == geteuid() ? 077 : 037);
}

fail keys_load(struct keys *keys, const char *dir, struct why *why)
{
    char path[4096];
    uint8_t master[32];
    snprintf(path, sizeof(path), "%s/keys/master", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(why, errno == ENOENT ? FAIL_MISSING : FAIL_WORLD,
                          "the hall's master key %s cannot be read", path);
    struct stat st;
    fail f = FAIL_NONE;
    if (fstat(fd, &st) < 0 || secret_is_open(&st))
        f = fail_set(why, FAIL_FORBIDDEN, "%s may be read by others; run: chmod 600 %s", path,
                     path);
    else if (read(fd, master, sizeof(master)) != sizeof(master) || st.st_size != sizeof(master))
        f = fail_set(why, FAIL_CORRUPT, "%s is not a master key of 32 bytes; restore it", path);
    else
        keys_from_master(keys, master);
    close(fd);
    sodium_memzero(master, sizeof(master));
    return f;
}

static fail write_file(const char *path, int mode, const void *bytes, size_t n, struct why *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return fail_errno(why, errno == EEXIST ? FAIL_CONFLICT : FAIL_WORLD, "cannot make %s",
                          path);
    bool ok = write(fd, bytes, n) == (ssize_t)n && fsync(fd) == 0;
    close(fd);
    return ok ? FAIL_NONE : fail_errno(why, FAIL_WORLD, "cannot write %s", path);
}

fail keys_create(struct keys *keys, const char *dir, struct chance *chance, struct why *why)
{
    char path[4096], public_hex[66];
    uint8_t master[32];
    snprintf(path, sizeof(path), "%s/keys", dir);
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return fail_errno(why, FAIL_WORLD, "cannot make the folder %s", path);
    must(sodium_init() >= 0);
    chance_fill(chance, master, sizeof(master));
    snprintf(path, sizeof(path), "%s/keys/master", dir);
    fail f = write_file(path, 0600, master, sizeof(master), why);
    if (!f) {
        keys_from_master(keys, master);
        sodium_bin2hex(public_hex, sizeof(public_hex), keys->sign_public, 32);
        public_hex[64] = '\n';
        snprintf(path, sizeof(path), "%s/keys/receipt.pub", dir);
        f = write_file(path, 0644, public_hex, 65, why);
    }
    sodium_memzero(master, sizeof(master));
    return f;
}

void keys_sign(const struct keys *keys, str message, char hex[SIGNATURE_DIGITS + 1])
{
    uint8_t signature[crypto_sign_BYTES];
    crypto_sign_detached(signature, NULL, (const uint8_t *)message.p, message.n, keys->sign_secret);
    sodium_bin2hex(hex, SIGNATURE_DIGITS + 1, signature, sizeof(signature));
}

void keys_fini(struct keys *keys)
{
    sodium_memzero(keys, sizeof(*keys));
}
