/* gate_key.c - see gate_key.h. */
#include "crypto/gate_key.h"

#include "crypto/keys.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES_MIN 32
#define SECRET_BYTES_MAX 4096

static void derive(struct gate_key *key, str secret)
{
    unsigned char master[crypto_kdf_KEYBYTES];
    must(sodium_init() >= 0);
    must(crypto_generichash(master, sizeof(master), (const unsigned char *)secret.p, secret.n, NULL,
                            0) == 0);
    struct {
        unsigned char *to;
        size_t n;
    } uses[] = { { key->tunnel, 32 }, { key->ticket, 32 }, { key->ticket + 32, 48 } };
    for (size_t i = 0; i < COUNT(uses); i++)
        must(crypto_kdf_derive_from_key(uses[i].to, uses[i].n, i + 1, "examgate", master) == 0);
    sodium_memzero(master, sizeof(master));
}

fail gate_key_load(struct gate_key *key, const char *path, struct why *why)
{
    char text[SECRET_BYTES_MAX + 1];
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 || fstat(fd, &st) ? -1 : read(fd, text, sizeof(text));
    str secret = str_trim(str_of(text, (size_t)MAX(n, 0)));
    fail f = FAIL_NONE;
    if (n < 0)
        f = fail_errno(why, FAIL_WORLD, "the gate's key %s cannot be read", path);
    else if (secret_is_open(&st))
        f = fail_set(why, FAIL_FORBIDDEN, "%s may be read by others; run: chmod 600 %s", path,
                     path);
    else if (secret.n < SECRET_BYTES_MIN || n > SECRET_BYTES_MAX)
        f = fail_set(why, FAIL_INPUT,
                     "%s has %zu bytes; a gate's key has %d to %d: make one with openssl rand "
                     "-hex 32",
                     path, secret.n, SECRET_BYTES_MIN, SECRET_BYTES_MAX);
    else
        derive(key, secret);
    if (fd >= 0)
        close(fd);
    sodium_memzero(text, sizeof(text));
    return f;
}

void gate_key_fini(struct gate_key *key)
{
    sodium_memzero(key, sizeof(*key));
}
