/* image_sbom.c - what is in an image, as CycloneDX 1.6: the program, Debian's packages, and the npm
 * packages that the portal is made of (as web/package-lock.json had them when this was built).
 *
 * Names of packages are written as purls: pkg:deb/debian/zlib1g@1.2.13?arch=amd64, which scanners
 * look up. */
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/json_out.h"
#include "platform/image.h"
#include "platform/image_purl.h"

#include <sodium.h>

/* The Makefile knows the dependency. */
__asm__(".pushsection .rodata\n"
        "portal_lock_begin:\n"
        ".incbin \"web/package-lock.json\"\n"
        "portal_lock_end:\n"
        ".byte 0\n"
        ".popsection\n");
extern const char portal_lock_begin[], portal_lock_end[];

/* Characters that a purl takes as they are; the others as %2B. */
static void out_purl(struct out *out, str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c && strchr(".-_~/:", c));
        out_fmt(out, plain ? "%c" : "%%%02X", c);
    }
}

void purl_debian(struct out *out, const struct package *package, str distribution)
{
    out_z(out, "pkg:deb/debian/");
    out_purl(out, package->name);
    out_char(out, '@');
    out_purl(out, package->version);
    out_fmt(out, "?arch=%.*s&distro=%.*s", STR_ARG(package->architecture), STR_ARG(distribution));
    if (!str_eq(package->source, package->name)) {
        out_z(out, "&upstream=");
        out_purl(out, package->source);
    }
}

static void write_hash(struct out *out, const char *algorithm, const char *hex)
{
    jo_open(out, "hashes", '[');
    jo_open(out, NULL, '{');
    jo_z(out, "alg", algorithm);
    jo_z(out, "content", hex);
    jo_close(out, '}');
    jo_close(out, ']');
}

static void open_component(struct out *out, const char *type, str ref, str name, str version)
{
    jo_open(out, NULL, '{');
    jo_z(out, "type", type);
    jo_str(out, "bom-ref", ref);
    jo_str(out, "name", name);
    jo_str(out, "version", version);
}

static void write_licences(struct out *out, const char *kind, const str *names, size_t count)
{
    jo_open(out, "licenses", '[');
    for (size_t i = 0; i < count; i++) {
        jo_open(out, NULL, '{');
        jo_open(out, "license", '{');
        jo_str(out, kind, names[i]);
        jo_close(out, '}');
        jo_close(out, '}');
    }
    jo_close(out, ']');
}

static void write_program(struct out *out, const struct image *image,
                          const struct image_facts *facts)
{
    static const str licence = { "Apache-2.0", 10 };
    open_component(out, "application", STR("examhall"), STR("examhall"), facts->version);
    write_hash(out, "SHA-256", digest_of(image->root.program.bytes).hex);
    write_licences(out, "id", &licence, 1);
    jo_close(out, '}');
}

static void write_package(struct out *out, const struct package *package, str distribution)
{
    struct out purl = out_make(4 * KIB);
    purl_debian(&purl, package, distribution);
    open_component(out, "library", out_view(&purl), package->name, package->version);
    if (package->licence_count)
        write_licences(out, "name", package->licences, package->licence_count);
    jo_str(out, "purl", out_view(&purl));
    if (package->homepage.n) {
        jo_open(out, "externalReferences", '[');
        jo_open(out, NULL, '{');
        jo_z(out, "type", "website");
        jo_str(out, "url", package->homepage);
        jo_close(out, '}');
        jo_close(out, ']');
    }
    jo_close(out, '}');
    out_fini(&purl);
}

/* --- npm ---------------------------------------------------------------------------------------
 */

/* "sha512-" and base64 become hexadecimal digits. */
static bool read_integrity(str integrity, char hex[2 * crypto_hash_sha512_BYTES + 1])
{
    unsigned char hash[BASE64_BYTES_MAX(88)];
    size_t n;
    if (!str_starts(integrity, STR("sha512-")) ||
        !base64_decode(BASE64_PADDED, str_from(integrity, 7), hash, sizeof(hash), &n) ||
        n != crypto_hash_sha512_BYTES)
        return false;
    sodium_bin2hex(hex, 2 * crypto_hash_sha512_BYTES + 1, hash, n);
    return true;
}

static fail write_npm(struct out *out, const struct json *entry, str name, struct why *why)
{
    str version = STR_NONE, licence = STR_NONE, integrity = STR_NONE;
    char hex[2 * crypto_hash_sha512_BYTES + 1];
    struct out purl = out_make(4 * KIB);
    fail f = json_str(entry, "version", true, &version, why);
    if (!f)
        f = json_str(entry, "license", false, &licence, why);
    if (!f)
        f = json_str(entry, "integrity", false, &integrity, why);
    if (f)
        return f;
    out_z(&purl, "pkg:npm/");
    out_purl(&purl, name);
    out_char(&purl, '@');
    out_purl(&purl, version);
    open_component(out, "library", out_view(&purl), name, version);
    if (read_integrity(integrity, hex))
        write_hash(out, "SHA-512", hex);
    if (licence.n)
        write_licences(out, "id", &licence, 1);
    jo_str(out, "purl", out_view(&purl));
    jo_close(out, '}');
    out_fini(&purl);
    return FAIL_NONE;
}

/* What is marked "dev" builds and tests the portal, but is not in it. */
static fail write_portal(struct out *out, struct arena *arena, struct why *why)
{
    static const char prefix[] = "node_modules/";
    struct json *root;
    str text = str_of(portal_lock_begin, (size_t)(portal_lock_end - portal_lock_begin));
    fail f = json_parse(&root, text, arena, why);
    const struct json *packages = f ? NULL : json_get(root, STR("packages"));
    for (const struct json *entry = packages ? packages->first : NULL; entry && !f;
         entry = entry->next) {
        bool dev = false;
        if (!str_starts(entry->name, str_z(prefix)))
            continue;
        f = json_bool(entry, "dev", false, &dev, why);
        if (!f && !dev)
            f = write_npm(out, entry, str_from(entry->name, sizeof(prefix) - 1), why);
    }
    return why_add(why, f, "the lock file of the portal");
}

/* --- the whole ---------------------------------------------------------------------------------
 */

/* Of the image's digest, so it is the same for the same image: a UUID of version 8 (RFC 9562). */
static void write_serial(struct out *out, const char *hex)
{
    jo_name(out, "serialNumber");
    out_fmt(out, "\"urn:uuid:%.8s-%.4s-8%.3s-a%.3s-%.12s\"", hex, hex + 8, hex + 13, hex + 17,
            hex + 20);
}

static void write_metadata(struct out *out, const struct image *image,
                           const struct image_facts *facts)
{
    jo_open(out, "metadata", '{');
    jo_name(out, "timestamp");
    out_char(out, '"');
    image_time(out, facts->created_s);
    out_char(out, '"');
    jo_name(out, "component");
    open_component(out, "container", STR("image"), facts->name, facts->tag);
    write_hash(out, "SHA-256", image->manifest.digest.hex);
    jo_close(out, '}');
    jo_close(out, '}');
}

fail image_sbom(struct out *out, const struct image *image, const struct image_facts *facts,
                struct arena *arena, struct why *why)
{
    jo_open(out, NULL, '{');
    jo_z(out, "$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json");
    jo_z(out, "bomFormat", "CycloneDX");
    jo_z(out, "specVersion", "1.6");
    write_serial(out, image->manifest.digest.hex);
    jo_i64(out, "version", 1);
    write_metadata(out, image, facts);
    jo_open(out, "components", '[');
    write_program(out, image, facts);
    for (size_t i = 0; i < image->root.package_count; i++)
        write_package(out, image->root.packages[i], image->root.distribution);
    fail f = write_portal(out, arena, why);
    jo_close(out, ']');
    jo_close(out, '}');
    return f;
}
