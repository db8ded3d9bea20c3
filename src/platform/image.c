/* image.c - layers, config, manifests, index; see image.h.
 *
 * JSON is written in one fixed order, so what is equal has equal digests. */
#include "platform/image.h"

#include "codec/gzip.h"
#include "codec/json_out.h"

#define JSON_BYTES_MAX (4 * MIB)
#define MEDIA_LAYER    "application/vnd.oci.image.layer.v1.tar+gzip"
#define MEDIA_CONFIG   "application/vnd.oci.image.config.v1+json"
#define MEDIA_EMPTY    "application/vnd.oci.empty.v1+json"

struct maker {
    struct image *image;
    const struct image_facts *facts;
    struct arena *arena;
    struct why *why;
};

static fail too_large(struct maker *m)
{
    return fail_set(m->why, FAIL_LIMIT, "the image needs more than %zu MB of memory",
                    m->arena->bytes_max / MIB);
}

static fail keep(struct maker *m, struct image_blob *blob, const char *media_type, str bytes)
{
    if (!bytes.p)
        return too_large(m);
    *blob = (struct image_blob){ media_type, digest_of(bytes), bytes };
    return FAIL_NONE;
}

static fail keep_out(struct maker *m, struct image_blob *blob, const char *media_type,
                     struct out *out)
{
    fail f =
        out->failed ? too_large(m) : keep(m, blob, media_type, arena_str(m->arena, out_view(out)));
    out_fini(out);
    return f;
}

/* --- layers ------------------------------------------------------------------------------------
 */

static fail add_layer(struct maker *m, unsigned layer, const struct tar_entry *entries,
                      size_t count, struct digest *unpacked)
{
    struct out tar = out_make(m->arena->bytes_max);
    fail f = FAIL_NONE;
    for (size_t i = 0; i < count && !f; i++)
        if (!tar_add(&tar, &entries[i]))
            f = fail_set(m->why, FAIL_LIMIT, "the path %.*s is too long for an image",
                         STR_ARG(entries[i].path));
    tar_end(&tar);
    if (!f && tar.failed)
        f = too_large(m);
    if (!f) {
        *unpacked = digest_of(out_view(&tar));
        m->image->layer_bytes[layer] = tar.n;
        f = keep(m, &m->image->layers[layer], MEDIA_LAYER, gzip_pack(out_view(&tar), m->arena));
    }
    out_fini(&tar);
    return f;
}

/* --- config ------------------------------------------------------------------------------------
 */

void image_time(struct out *out, int64_t at_s)
{
    out_time(out, at_s * 1000);
    if (!out->failed)
        out->n -= sizeof(".000Z") - 1;
    out_char(out, 'Z');
}

static void write_time(struct out *out, const char *name, int64_t at_s)
{
    jo_name(out, name);
    out_char(out, '"');
    image_time(out, at_s);
    out_char(out, '"');
}

static void write_list(struct out *out, const char *name, const char *const *words)
{
    jo_open(out, name, '[');
    for (; *words; words++)
        jo_z(out, NULL, *words);
    jo_close(out, ']');
}

static void write_key(struct out *out, const char *name, const char *key) /* {"key":{}} */
{
    jo_open(out, name, '{');
    jo_raw(out, key, STR("{}"));
    jo_close(out, '}');
}

static void write_labels(struct out *out, const char *name, const struct image_facts *facts)
{
    jo_open(out, name, '{');
    write_time(out, "org.opencontainers.image.created", facts->created_s);
    jo_z(out, "org.opencontainers.image.description",
         "The platform on which a nation holds its examinations");
    jo_z(out, "org.opencontainers.image.licenses", "Apache-2.0");
    jo_str(out, "org.opencontainers.image.revision", facts->revision);
    jo_z(out, "org.opencontainers.image.title", "examhall");
    jo_str(out, "org.opencontainers.image.version", facts->version);
    jo_close(out, '}');
}

static void write_history(struct out *out, const struct image_facts *facts)
{
    static const char *const steps[] = { "Debian's libraries, authorities and time zones",
                                         "the program examhall" };
    jo_open(out, "history", '[');
    for (size_t i = 0; i < COUNT(steps); i++) {
        jo_open(out, NULL, '{');
        write_time(out, "created", facts->created_s);
        jo_z(out, "created_by", steps[i]);
        jo_close(out, '}');
    }
    jo_close(out, ']');
}

static fail make_config(struct maker *m, const struct digest unpacked[IMAGE_LAYERS])
{
    static const char *const env[] = { "PATH=/", "SSL_CERT_FILE=" IMAGE_CA_PATH, NULL };
    static const char *const entry[] = { "/examhall", NULL }, *const command[] = { "serve", NULL };
    struct out out = out_make(JSON_BYTES_MAX);
    jo_open(&out, NULL, '{');
    write_time(&out, "created", m->facts->created_s);
    jo_str(&out, "architecture", m->image->root.architecture);
    jo_z(&out, "os", "linux");
    jo_open(&out, "config", '{');
    jo_z(&out, "User", "65532:65532");
    write_key(&out, "ExposedPorts", "8443/tcp");
    write_list(&out, "Env", env);
    write_list(&out, "Entrypoint", entry);
    write_list(&out, "Cmd", command);
    write_key(&out, "Volumes", "/data");
    jo_z(&out, "WorkingDir", "/data");
    write_labels(&out, "Labels", m->facts);
    jo_close(&out, '}');
    jo_open(&out, "rootfs", '{');
    jo_z(&out, "type", "layers");
    jo_open(&out, "diff_ids", '[');
    for (size_t i = 0; i < IMAGE_LAYERS; i++) {
        jo_name(&out, NULL);
        out_fmt(&out, "\"sha256:%s\"", unpacked[i].hex);
    }
    jo_close(&out, ']');
    jo_close(&out, '}');
    write_history(&out, m->facts);
    jo_close(&out, '}');
    return keep_out(m, &m->image->config, MEDIA_CONFIG, &out);
}

/* --- manifests ---------------------------------------------------------------------------------
 */

/* A descriptor, left open for more members. */
static void open_descriptor(struct out *out, const char *name, const struct image_blob *blob)
{
    jo_open(out, name, '{');
    jo_z(out, "mediaType", blob->media_type);
    jo_name(out, "digest");
    out_fmt(out, "\"sha256:%s\"", blob->digest.hex);
    jo_i64(out, "size", (int64_t)blob->bytes.n);
}

static void write_descriptor(struct out *out, const char *name, const struct image_blob *blob)
{
    open_descriptor(out, name, blob);
    jo_close(out, '}');
}

static void open_manifest(struct out *out, const char *artifact_type)
{
    jo_open(out, NULL, '{');
    jo_i64(out, "schemaVersion", 2);
    jo_z(out, "mediaType", MEDIA_MANIFEST);
    if (artifact_type)
        jo_z(out, "artifactType", artifact_type);
}

static fail make_manifest(struct maker *m)
{
    struct out out = out_make(JSON_BYTES_MAX);
    open_manifest(&out, NULL);
    write_descriptor(&out, "config", &m->image->config);
    jo_open(&out, "layers", '[');
    for (size_t i = 0; i < IMAGE_LAYERS; i++)
        write_descriptor(&out, NULL, &m->image->layers[i]);
    jo_close(&out, ']');
    write_labels(&out, "annotations", m->facts);
    jo_close(&out, '}');
    return keep_out(m, &m->image->manifest, MEDIA_MANIFEST, &out);
}

/* Takes content. */
static fail make_artifact(struct maker *m, struct image_artifact *artifact, const char *file,
                          const char *media_type, struct out *content)
{
    struct out out = out_make(JSON_BYTES_MAX);
    artifact->file = file;
    fail f = keep_out(m, &artifact->content, media_type, content);
    if (f)
        return f;
    open_manifest(&out, media_type);
    open_descriptor(&out, "config", &m->image->nothing);
    jo_z(&out, "data", "e30="); /* base64 of {} */
    jo_close(&out, '}');
    jo_open(&out, "layers", '[');
    open_descriptor(&out, NULL, &artifact->content);
    jo_open(&out, "annotations", '{');
    jo_z(&out, "org.opencontainers.image.title", file);
    jo_close(&out, '}');
    jo_close(&out, '}');
    jo_close(&out, ']');
    write_descriptor(&out, "subject", &m->image->manifest);
    jo_open(&out, "annotations", '{');
    write_time(&out, "org.opencontainers.image.created", m->facts->created_s);
    jo_close(&out, '}');
    jo_close(&out, '}');
    return keep_out(m, &artifact->manifest, MEDIA_MANIFEST, &out);
}

static fail make_artifacts(struct maker *m)
{
    struct out sbom = out_make(JSON_BYTES_MAX), provenance = out_make(JSON_BYTES_MAX);
    fail f = keep(m, &m->image->nothing, MEDIA_EMPTY, STR("{}"));
    if (!f)
        f = image_sbom(&sbom, m->image, m->facts, m->arena, m->why);
    if (f) {
        out_fini(&sbom);
        return f;
    }
    f = make_artifact(m, &m->image->artifacts[IMAGE_SBOM], "sbom.cdx.json",
                      "application/vnd.cyclonedx+json", &sbom);
    if (f)
        return f;
    image_provenance(&provenance, m->image, m->facts);
    return make_artifact(m, &m->image->artifacts[IMAGE_PROVENANCE],
                         m->facts->key ? "provenance.dsse.json" : "provenance.intoto.json",
                         m->facts->key ? "application/vnd.dsse.envelope.v1+json"
                                       : "application/vnd.in-toto+json",
                         &provenance);
}

/* --- index -------------------------------------------------------------------------------------
 */

static fail make_index(struct maker *m)
{
    const struct image_facts *facts = m->facts;
    struct image_blob index;
    struct out out = out_make(JSON_BYTES_MAX);
    jo_open(&out, NULL, '{');
    jo_i64(&out, "schemaVersion", 2);
    jo_z(&out, "mediaType", MEDIA_INDEX);
    jo_open(&out, "manifests", '[');
    open_descriptor(&out, NULL, &m->image->manifest);
    jo_open(&out, "platform", '{');
    jo_str(&out, "architecture", m->image->root.architecture);
    jo_z(&out, "os", "linux");
    jo_close(&out, '}');
    jo_open(&out, "annotations", '{');
    jo_name(&out, "io.containerd.image.name"); /* by this one `ctr image import` names it */
    out_fmt(&out, "\"%.*s:%.*s\"", STR_ARG(facts->name), STR_ARG(facts->tag));
    jo_str(&out, "org.opencontainers.image.ref.name", facts->tag);
    jo_close(&out, '}');
    jo_close(&out, '}');
    for (size_t i = 0; i < IMAGE_ARTIFACTS; i++) {
        const struct image_artifact *artifact = &m->image->artifacts[i];
        open_descriptor(&out, NULL, &artifact->manifest);
        jo_z(&out, "artifactType", artifact->content.media_type);
        jo_close(&out, '}');
    }
    jo_close(&out, ']');
    jo_close(&out, '}');
    fail f = keep_out(m, &index, MEDIA_INDEX, &out);
    m->image->index = index.bytes;
    return f;
}

fail image_build(struct image *image, const struct image_source *source,
                 const struct image_facts *facts, struct arena *arena, struct why *why)
{
    struct maker m = { image, facts, arena, why };
    struct digest unpacked[IMAGE_LAYERS];
    *image = (struct image){ 0 };
    fail f = image_root_read(&image->root, source, arena, why);
    if (!f)
        f = add_layer(&m, IMAGE_SYSTEM, image->root.system, image->root.system_count,
                      &unpacked[IMAGE_SYSTEM]);
    if (!f)
        f = add_layer(&m, IMAGE_PROGRAM, &image->root.program, 1, &unpacked[IMAGE_PROGRAM]);
    if (!f)
        f = make_config(&m, unpacked);
    if (!f)
        f = make_manifest(&m);
    if (!f)
        f = make_artifacts(&m);
    if (!f)
        f = make_index(&m);
    image->bytes = image->config.bytes.n + image->manifest.bytes.n;
    for (size_t i = 0; i < IMAGE_LAYERS; i++)
        image->bytes += image->layers[i].bytes.n;
    return f;
}
