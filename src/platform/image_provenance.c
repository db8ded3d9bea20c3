/* image_provenance.c - how an image came to be: SLSA provenance 1.0 in an in-toto statement.
 *
 * With a key (a file of minisign) it is signed, in a DSSE envelope: Ed25519 over "DSSEv1", the
 * payload's type and the payload, each with its length in front. Specifications:
 * slsa.dev/spec/v1.0/provenance, in-toto attestation v1, secure-systems-lab/dsse v1. */
#include "codec/base64.h"
#include "codec/json_out.h"
#include "platform/image.h"
#include "platform/image_purl.h"

#include <sodium.h>

#define PAYLOAD_TYPE "application/vnd.in-toto+json"

static void write_digest(struct out *out, const char *algorithm, str hex)
{
    jo_open(out, "digest", '{');
    jo_str(out, algorithm, hex);
    jo_close(out, '}');
}

static void write_inputs(struct out *out, const struct image *image,
                         const struct image_facts *facts)
{
    jo_open(out, "resolvedDependencies", '[');
    if (facts->revision.n == 40) {
        jo_open(out, NULL, '{');
        jo_z(out, "name", "source");
        write_digest(out, "gitCommit", facts->revision);
        jo_close(out, '}');
    }
    jo_open(out, NULL, '{');
    jo_z(out, "name", "program");
    write_digest(out, "sha256", str_z(digest_of(image->root.program.bytes).hex));
    jo_close(out, '}');
    for (size_t i = 0; i < image->root.package_count; i++) {
        struct out purl = out_make(4 * KIB);
        purl_debian(&purl, image->root.packages[i], image->root.distribution);
        jo_open(out, NULL, '{');
        jo_str(out, "uri", out_view(&purl));
        jo_close(out, '}');
        out_fini(&purl);
    }
    jo_close(out, ']');
}

static void write_run(struct out *out, const struct image *image, const struct image_facts *facts)
{
    const struct image_artifact *sbom = &image->artifacts[IMAGE_SBOM];
    jo_open(out, "runDetails", '{');
    jo_open(out, "builder", '{');
    jo_str(out, "id", facts->builder);
    jo_open(out, "version", '{');
    jo_str(out, "examhall", facts->version);
    jo_close(out, '}');
    jo_close(out, '}');
    jo_open(out, "byproducts", '[');
    jo_open(out, NULL, '{');
    jo_z(out, "name", sbom->file);
    jo_z(out, "mediaType", sbom->content.media_type);
    write_digest(out, "sha256", str_z(sbom->content.digest.hex));
    jo_close(out, '}');
    jo_close(out, ']');
    jo_close(out, '}');
}

static void write_statement(struct out *out, const struct image *image,
                            const struct image_facts *facts)
{
    jo_open(out, NULL, '{');
    jo_z(out, "_type", "https://in-toto.io/Statement/v1");
    jo_open(out, "subject", '[');
    jo_open(out, NULL, '{');
    jo_str(out, "name", facts->name);
    write_digest(out, "sha256", str_z(image->manifest.digest.hex));
    jo_close(out, '}');
    jo_close(out, ']');
    jo_z(out, "predicateType", "https://slsa.dev/provenance/v1");
    jo_open(out, "predicate", '{');
    jo_open(out, "buildDefinition", '{');
    jo_z(out, "buildType", "urn:examhall:image:1"); /* docs/adr/0015 says what it stands for */
    jo_open(out, "externalParameters", '{');
    jo_str(out, "name", facts->name);
    jo_str(out, "tag", facts->tag);
    jo_i64(out, "SOURCE_DATE_EPOCH", facts->created_s);
    jo_close(out, '}');
    write_inputs(out, image, facts);
    jo_close(out, '}');
    write_run(out, image, facts);
    jo_close(out, '}');
    jo_close(out, '}');
}

static void out_base64(struct out *out, str bytes)
{
    size_t chars = BASE64_PADDED_CHARS(bytes.n);
    if (out_reserve(out, chars))
        out->n += base64_encode(BASE64_PADDED, out->p + out->n, bytes.p, bytes.n);
}

static void write_envelope(struct out *out, str statement, const struct image_facts *facts)
{
    uint8_t signature[crypto_sign_BYTES];
    struct out signed_text = out_make(statement.n + KIB);
    out_fmt(&signed_text, "DSSEv1 %zu %s %zu ", strlen(PAYLOAD_TYPE), PAYLOAD_TYPE, statement.n);
    out_str(&signed_text, statement);
    must(!signed_text.failed);
    must(crypto_sign_detached(signature, NULL, (const uint8_t *)signed_text.p, signed_text.n,
                              facts->key->secret) == 0);
    out_fini(&signed_text);
    jo_open(out, NULL, '{');
    jo_name(out, "payload");
    out_char(out, '"');
    out_base64(out, statement);
    out_char(out, '"');
    jo_z(out, "payloadType", PAYLOAD_TYPE);
    jo_open(out, "signatures", '[');
    jo_open(out, NULL, '{');
    jo_name(out, "keyid"); /* as minisign shows it */
    out_fmt(out, "\"%016llX\"", (unsigned long long)minisign_id(facts->key->id));
    jo_name(out, "sig");
    out_char(out, '"');
    out_base64(out, str_of(signature, sizeof(signature)));
    out_char(out, '"');
    jo_close(out, '}');
    jo_close(out, ']');
    jo_close(out, '}');
}

void image_provenance(struct out *out, const struct image *image, const struct image_facts *facts)
{
    struct out statement = out_make(out->bytes_max / 2);
    write_statement(&statement, image, facts);
    if (statement.failed)
        out->failed = true;
    else if (facts->key)
        write_envelope(out, out_view(&statement), facts);
    else
        out_str(out, out_view(&statement));
    out_fini(&statement);
}
