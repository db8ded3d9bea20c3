/* report_file.c - see report_file.h. */
#include "rehearsal/report_file.h"

#include <sodium.h>
#include <stdio.h>

#define PAGE_BYTES_MAX (64 * MIB)

/* a/b.html has its data in a/b.json; any other name gets .json behind it. */
static fail json_path(char path[static REPORT_PATH_MAX], const char *page, struct why *why)
{
    str stem = str_z(page);
    if (stem.n + sizeof(".json") > REPORT_PATH_MAX)
        return fail_set(why, FAIL_USAGE, "the path of --report is too long; use a shorter one");
    if (str_ends(stem, STR(".json")))
        return fail_set(why, FAIL_USAGE,
                        "--report takes the name of the page, such as report.html; its data goes "
                        "to report.json beside it");
    if (str_ends(stem, STR(".html")))
        stem.n -= strlen(".html");
    snprintf(path, REPORT_PATH_MAX, "%.*s.json", STR_ARG(stem));
    return FAIL_NONE;
}

static fail can_write(const char *path, struct why *why)
{
    FILE *file = fopen(path, "ae"); /* what is there stays until there is something better */
    if (!file)
        return fail_errno(why, FAIL_WORLD, "cannot write the report to %s", path);
    fclose(file);
    return FAIL_NONE;
}

fail report_file_check(const char *path, struct why *why)
{
    char json[REPORT_PATH_MAX];
    fail f = json_path(json, path, why);
    if (!f)
        f = can_write(path, why);
    return f ? f : can_write(json, why);
}

static fail put(const char *path, const struct out *out, struct why *why)
{
    if (out->failed)
        return fail_set(why, FAIL_LIMIT, "the report is over %zu bytes", out->bytes_max);
    FILE *file = fopen(path, "we");
    bool good = file && fwrite(out->p, 1, out->n, file) == out->n;
    if (file && fclose(file))
        good = false;
    return good ? FAIL_NONE : fail_errno(why, FAIL_WORLD, "cannot write the report to %s", path);
}

static void digest_of(const struct out *out, char hex[static 2 * crypto_hash_sha256_BYTES + 1])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)out->p, out->n);
    sodium_bin2hex(hex, 2 * sizeof(hash) + 1, hash, sizeof(hash));
}

fail report_file_write(const struct report *report, const char *path, struct why *why)
{
    char json_file[REPORT_PATH_MAX], digest[2 * crypto_hash_sha256_BYTES + 1];
    struct out json = out_make(PAGE_BYTES_MAX), page = out_make(PAGE_BYTES_MAX);
    fail f = json_path(json_file, path, why);
    if (!f) {
        report_json(&json, report);
        digest_of(&json, digest);
        const char *slash = strrchr(json_file, '/');
        report_html(&page, report, str_z(slash ? slash + 1 : json_file), str_z(digest));
        f = put(json_file, &json, why);
    }
    if (!f)
        f = put(path, &page, why);
    out_fini(&json);
    out_fini(&page);
    return f;
}
