/* certify.c - see certify.h. */
#include "cli/certify.h"
#include "cli/cmd.h"
#include "cli/importing.h"
#include "crypto/keys.h"
#include "platform/image_program.h"
#include "platform/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BYTES_MAX    (4 * KIB)
#define ROSTER_BYTES_MAX (512 * MIB)

/* --- what it is tied to ------------------------------------------------------------------------
 */

static fail roster_of_hall(struct certified *certified, const char *dir, struct why *why)
{
    char *bytes = NULL;
    size_t n = 0;
    struct admin *admin = NULL;
    FILE *csv = open_memstream(&bytes, &n);
    must(csv);
    fail f = hall_dir(dir, &dir, why);
    if (!f)
        f = admin_look(&admin, dir, why);
    if (!f)
        f = export_roster(admin, false, csv, why);
    admin_close(admin);
    if (fclose(csv) && !f)
        f = fail_errno(why, FAIL_WORLD, "cannot keep the roster in memory");
    if (!f)
        f = certified_roster(certified, str_of(bytes, n), why);
    free(bytes);
    return f;
}

static fail roster_of_file(struct certified *certified, const char *path, struct why *why)
{
    str csv;
    struct arena arena = arena_make(ROSTER_BYTES_MAX + MIB);
    fail f = file_read(path, ROSTER_BYTES_MAX, &arena, &csv, why);
    if (!f)
        f = why_add(why, certified_roster(certified, csv, why), "%s", path);
    arena_fini(&arena);
    return f;
}

static fail spec_digest(char hex[SHA256_HEX], const struct certified_from *from, struct why *why)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/hall.yaml", from->dir ? from->dir : "hall");
    return sha256_file(hex, from->spec ? from->spec : path, why);
}

static fail image_digest(char hex[SHA256_HEX], const char *given, struct why *why)
{
    struct arena arena = arena_make(16 * MIB);
    struct image_program program;
    struct digest wanted;
    const char *at = strstr(given, "@sha256:");
    str dir = arena_str(&arena, at ? str_of(given, (size_t)(at - given)) : str_z(given));
    fail f = FAIL_NONE;
    if (at && !digest_read(&wanted, str_z(at + 1)))
        f = fail_set(why, FAIL_USAGE, "%s does not end in a digest: sha256: and 64 digits", given);
    if (!f)
        f = image_program_read(&program, files_real(), dir.p, &arena, why);
    if (!f && at && strcmp(program.image.hex, wanted.hex) != 0)
        f = fail_set(why, FAIL_CONFLICT, "%s holds the image sha256:%s, not sha256:%s", dir.p,
                     program.image.hex, wanted.hex);
    if (!f)
        memcpy(hex, program.program.hex, SHA256_HEX);
    arena_fini(&arena);
    return f;
}

fail certified_read(struct certified *certified, const struct certified_from *from, struct why *why)
{
    fail f = from->image ? image_digest(certified->binary, from->image, why)
                         : sha256_file(certified->binary,
                                       from->binary ? from->binary : "/proc/self/exe", why);
    if (!f)
        f = spec_digest(certified->spec, from, why);
    if (f)
        return f;
    return from->roster ? roster_of_file(certified, from->roster, why)
                        : roster_of_hall(certified, from->dir, why);
}

/* --- its key -----------------------------------------------------------------------------------
 */

static fail text_make(const char *path, int flags, str text, struct why *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    if (fd < 0)
        return fail_errno(why, FAIL_WORLD, "cannot make %s", path);
    bool good = write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;
    good = close(fd) == 0 && good;
    return good ? FAIL_NONE : fail_errno(why, FAIL_WORLD, "cannot write %s", path);
}

static fail key_make(struct minisign_key *key, const char *path, struct why *why)
{
    struct chance chance;
    struct out out = out_make(KEY_BYTES_MAX);
    chance_real_init(&chance);
    minisign_make(key, &chance);
    minisign_key_write(&out, key);
    fail f = text_make(path, O_EXCL, out_view(&out), why);
    explicit_bzero(out.p, out.n);
    out_fini(&out);
    return f;
}

static fail key_load(struct minisign_key *key, const char *path, struct why *why)
{
    struct stat st;
    str text;
    struct arena arena = arena_make(2 * KEY_BYTES_MAX);
    if (stat(path, &st) == 0 && secret_is_open(&st))
        return fail_set(why, FAIL_WORLD, "%s may be read by others; run: chmod 600 %s", path, path);
    fail f = file_read(path, KEY_BYTES_MAX, &arena, &text, why);
    if (!f) {
        f = why_add(why, minisign_key_read(key, text, why), "%s", path);
        explicit_bzero((char *)(uintptr_t)text.p, text.n);
    }
    arena_fini(&arena);
    return f;
}

static fail public_make(const struct minisign_key *key, const char *path, struct why *why)
{
    struct minisign_public public_key = minisign_public_of(key);
    struct out out = out_make(KEY_BYTES_MAX);
    minisign_public_write(&out, &public_key);
    fail f = text_make(path, O_TRUNC, out_view(&out), why);
    out_fini(&out);
    return f;
}

fail certify_key(struct minisign_key *key, const char *given, const char *dir, struct why *why)
{
    char path[4200], public_path[4200];
    if (given)
        return key_load(key, given, why);
    fail f = hall_dir(dir, &dir, why);
    snprintf(path, sizeof(path), "%s/keys/certificate.key", dir);
    snprintf(public_path, sizeof(public_path), "%s/keys/certificate.pub", dir);
    if (!f)
        f = access(path, F_OK) == 0 ? key_load(key, path, why) : key_make(key, path, why);
    if (!f && access(public_path, F_OK) != 0)
        f = public_make(key, public_path, why);
    return f;
}

fail certify_public(struct minisign_public *key, const char *given, const char *dir,
                    struct why *why)
{
    char path[4200];
    str text;
    struct arena arena = arena_make(2 * KEY_BYTES_MAX);
    snprintf(path, sizeof(path), "%s/keys/certificate.pub", dir ? dir : "hall");
    fail f = file_read(given ? given : path, KEY_BYTES_MAX, &arena, &text, why);
    if (!f)
        f = why_add(why, minisign_public_read(key, text, why), "%s", given ? given : path);
    arena_fini(&arena);
    return f;
}

/* --- its files ---------------------------------------------------------------------------------
 */

fail certify_check(const char *path, struct why *why)
{
    FILE *file = fopen(path, "ae"); /* what is there stays until there is something better */
    if (!file)
        return fail_errno(why, FAIL_WORLD, "cannot write the certificate to %s", path);
    fclose(file);
    return FAIL_NONE;
}

fail certify_write(const char *path, const struct certificate_facts *facts,
                   const struct minisign_key *key, struct why *why)
{
    char signature_path[4200];
    struct out file = out_make(MIB), comment = out_make(KIB), signature = out_make(4 * KIB);
    certificate_write(&file, facts);
    certificate_comment(&comment, facts);
    minisign_sign(&signature, key, out_view(&file), out_view(&comment));
    snprintf(signature_path, sizeof(signature_path), "%s.minisig", path);
    fail f = FAIL_NONE;
    if (file.failed || signature.failed)
        f = fail_set(why, FAIL_LIMIT, "the certificate is over %zu bytes", file.bytes_max);
    if (!f)
        f = text_make(path, O_TRUNC, out_view(&file), why);
    if (!f)
        f = text_make(signature_path, O_TRUNC, out_view(&signature), why);
    out_fini(&file);
    out_fini(&comment);
    out_fini(&signature);
    return f;
}
