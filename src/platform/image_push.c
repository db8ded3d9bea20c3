/* image_push.c - see image_push.h.
 *
 * A registry of today (distribution 1.1) lists an artifact under its subject by itself, and says so
 * in its reply. For the others the list is kept under a tag made of the subject's digest, as the
 * specification's "referrers tag schema" has it. */
#include "platform/image_push.h"

#include "codec/json.h"
#include "codec/json_out.h"
#include "platform/image.h"

#include <stdio.h>

struct pusher {
    struct image_pushed *pushed;
    struct registry *registry;
    const struct image_push_opts *opts;
    struct image_layout layout;
    struct arena *arena;
    struct why *why;
};

static fail push_blob(struct pusher *p, const struct image_part *part)
{
    bool there;
    str bytes;
    struct arena arena = arena_make(p->arena->bytes_max);
    fail f = image_layout_blob(&p->layout, part, &arena, &bytes, p->why);
    if (!f)
        f = registry_has_blob(p->registry, &part->digest, &there, p->why);
    if (!f && there)
        p->pushed->there++;
    if (!f && !there) {
        f = registry_put_blob(p->registry, &part->digest, bytes, p->why);
        p->pushed->sent++;
        p->pushed->bytes_sent += bytes.n;
    }
    p->pushed->bytes_done += (uint64_t)part->bytes;
    arena_fini(&arena);
    return f;
}

/* How much there is, for those who watch. */
static fail weigh(struct pusher *p)
{
    struct image_part parts[IMAGE_PARTS_MAX];
    fail f = FAIL_NONE;
    for (size_t i = 0; i < p->layout.manifest_count && !f; i++) {
        str manifest;
        size_t count = 0;
        f = image_layout_blob(&p->layout, &p->layout.manifests[i], p->arena, &manifest, p->why);
        if (!f)
            f = image_manifest_parts(manifest, parts, &count, p->arena, p->why);
        for (size_t k = 0; k < count; k++)
            p->pushed->bytes_blobs += (uint64_t)parts[k].bytes;
    }
    return f;
}

static fail put(struct pusher *p, const struct image_part *part, const char *reference,
                str manifest, bool *knows_subject)
{
    str media_type = arena_str(p->arena, part->media_type);
    if (!media_type.p)
        return fail_set(p->why, FAIL_LIMIT, "the image is too large for memory");
    return registry_put_manifest(p->registry, reference, media_type.p, manifest, knows_subject,
                                 p->why);
}

/* What a manifest names must be there before it. */
static fail push_manifest(struct pusher *p, const struct image_part *part, str *manifest,
                          bool *knows_subject)
{
    char reference[80];
    struct image_part parts[IMAGE_PARTS_MAX];
    size_t count = 0;
    fail f = image_layout_blob(&p->layout, part, p->arena, manifest, p->why);
    if (!f)
        f = image_manifest_parts(*manifest, parts, &count, p->arena, p->why);
    for (size_t i = 0; i < count && !f; i++)
        f = push_blob(p, &parts[i]);
    snprintf(reference, sizeof(reference), "sha256:%s", part->digest.hex);
    return f ? f : put(p, part, reference, *manifest, knows_subject);
}

/* --- registries that do not list referrers by themselves ---------------------------------------
 */

static void write_entry(struct out *out, const struct image_part *part)
{
    jo_open(out, NULL, '{');
    jo_str(out, "mediaType", part->media_type);
    jo_name(out, "digest");
    out_fmt(out, "\"sha256:%s\"", part->digest.hex);
    jo_i64(out, "size", part->bytes);
    if (part->artifact_type.n)
        jo_str(out, "artifactType", part->artifact_type);
    jo_close(out, '}');
}

static bool is_listed(const struct image_part *parts, size_t count, str digest)
{
    struct digest other;
    for (size_t i = 0; i < count && digest_read(&other, digest); i++)
        if (strcmp(parts[i].digest.hex, other.hex) == 0)
            return true;
    return false;
}

/* Entries of others (a signature, a scan) stay; of ours each is there once. */
static fail write_others(struct pusher *p, struct out *out, const char *tag)
{
    str old;
    struct json *root;
    fail f = registry_get_manifest(p->registry, tag, p->arena, &old, p->why);
    if (f == FAIL_MISSING)
        return FAIL_NONE;
    if (!f)
        f = json_parse(&root, old, p->arena, p->why);
    const struct json *list = f ? NULL : json_get(root, STR("manifests"));
    for (const struct json *entry = list ? list->first : NULL; entry && !f; entry = entry->next) {
        struct image_part part = { .artifact_type = STR("") };
        str digest;
        f = json_str(entry, "mediaType", true, &part.media_type, p->why);
        if (!f)
            f = json_str(entry, "digest", true, &digest, p->why);
        if (!f)
            f = json_i64(entry, "size", true, 0, INT64_MAX, &part.bytes, p->why);
        if (!f)
            f = json_str(entry, "artifactType", false, &part.artifact_type, p->why);
        if (f || is_listed(p->layout.manifests + 1, p->layout.manifest_count - 1, digest) ||
            !digest_read(&part.digest, digest))
            continue;
        write_entry(out, &part);
    }
    return why_add(p->why, f, "the list of referrers %s", tag);
}

static fail push_referrers(struct pusher *p)
{
    char tag[80];
    bool ignored;
    struct out out = out_make(4 * MIB);
    snprintf(tag, sizeof(tag), "sha256-%s", p->pushed->digest.hex);
    jo_open(&out, NULL, '{');
    jo_i64(&out, "schemaVersion", 2);
    jo_z(&out, "mediaType", MEDIA_INDEX);
    jo_open(&out, "manifests", '[');
    fail f = write_others(p, &out, tag);
    for (size_t i = 1; i < p->layout.manifest_count; i++)
        write_entry(&out, &p->layout.manifests[i]);
    jo_close(&out, ']');
    jo_close(&out, '}');
    if (!f && out.failed)
        f = fail_set(p->why, FAIL_LIMIT, "the list of referrers is too long");
    if (!f)
        f = registry_put_manifest(p->registry, tag, MEDIA_INDEX, out_view(&out), &ignored, p->why);
    out_fini(&out);
    return f;
}

fail image_push(struct image_pushed *pushed, struct registry *registry,
                const struct image_push_opts *opts, struct arena *arena, struct why *why)
{
    struct pusher p = {
        .pushed = pushed, .registry = registry, .opts = opts, .arena = arena, .why = why
    };
    str image = STR_NONE, artifact;
    bool lists = true, ignored;
    *pushed = (struct image_pushed){ 0 };
    fail f = image_layout_open(&p.layout, opts->files, opts->dir, arena, why);
    if (!f)
        f = weigh(&p);
    if (!f)
        f = push_manifest(&p, &p.layout.manifests[0], &image, &ignored);
    pushed->digest = p.layout.manifests[0].digest;
    for (size_t i = 1; i < p.layout.manifest_count && !f; i++) {
        bool listed = false;
        f = push_manifest(&p, &p.layout.manifests[i], &artifact, &listed);
        lists &= listed;
        pushed->artifacts++;
    }
    if (!f && pushed->artifacts && !lists)
        f = push_referrers(&p);
    return f ? f : put(&p, &p.layout.manifests[0], opts->tag, image, &ignored);
}
