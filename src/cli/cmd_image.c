/* cmd_image.c - `examhall image`: this program as an OCI image, made here, pushed to a registry. */
#include "cli/certify.h"
#include "cli/cmd.h"
#include "codec/json_out.h"
#include "platform/registry_login.h"
#include "platform/image.h"
#include "platform/image_push.h"

#include <stdlib.h>
#include <sys/stat.h>

struct build {
    const char *out, *tag, *sign_with, *builder;
    struct minisign_key key;
    struct image_source source;
    struct image_facts facts;
};

/* https://reproducible-builds.org/specs/source-date-epoch/ */
static fail read_time(int64_t *created_s, struct why *why)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    *created_s = commit_time_s();
    if (epoch && (!str_i64(str_z(epoch), created_s) || *created_s < 0 || *created_s > UINT32_MAX))
        return fail_set(why, FAIL_USAGE,
                        "SOURCE_DATE_EPOCH is \"%s\", but must be seconds since 1970", epoch);
    return FAIL_NONE;
}

static bool is_among(str s, const char *more)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !(c && strchr(more, c)))
            return false;
    }
    return s.n > 0;
}

/* NAME:TAG, the tag being the last part without a '/': registry.example.org:5000/examhall:1.0 */
static fail read_tag(struct build *build, struct why *why)
{
    str all = str_z(build->tag);
    size_t colon = all.n;
    while (colon > 0 && all.p[colon - 1] != ':' && all.p[colon - 1] != '/')
        colon--;
    bool has_tag = colon > 0 && all.p[colon - 1] == ':';
    build->facts.name = has_tag ? str_first(all, colon - 1) : all;
    build->facts.tag = has_tag ? str_from(all, colon) : str_z(version());
    if (!is_among(build->facts.name, "._-/:") || build->facts.tag.n > 128 ||
        !is_among(build->facts.tag, "._-ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
        return fail_set(why, FAIL_USAGE,
                        "--tag is \"%s\", but must be NAME:TAG, such as examhall:1.0", build->tag);
    return FAIL_NONE;
}

static fail write_image(const struct build *build, const struct image *image, struct why *why)
{
    if (str_ends(str_z(build->out), STR(".tar")))
        return image_write_tar(image, build->source.created_s, build->source.files, build->out,
                               why);
    return image_write_dir(image, build->source.files, build->out, why);
}

static void print_built(const struct build *build, const struct image *image)
{
    struct out out = out_make(64 * KIB);
    if (is_json_wanted()) {
        jo_open(&out, NULL, '{');
        jo_z(&out, "image", build->out);
        jo_str(&out, "name", build->facts.name);
        jo_str(&out, "tag", build->facts.tag);
        jo_name(&out, "digest");
        out_fmt(&out, "\"sha256:%s\"", image->manifest.digest.hex);
        jo_i64(&out, "bytes", (int64_t)image->bytes);
        jo_i64(&out, "packages", (int64_t)image->root.package_count);
        jo_bool(&out, "signed", build->facts.key != NULL);
        out_z(&out, "}\n");
    } else {
        out_fmt(&out, "%s: %.*s:%.*s, %.1f MB compressed, of %zu Debian packages\nsha256:%s\n",
                build->out, STR_ARG(build->facts.name), STR_ARG(build->facts.tag),
                (double)image->bytes / 1e6, image->root.package_count, image->manifest.digest.hex);
    }
    fwrite(out.p, 1, out.n, stdout);
    out_fini(&out);
}

static fail build_image(struct build *build, struct arena *arena, struct why *why)
{
    struct image image;
    fail f = read_tag(build, why);
    if (!f)
        f = read_time(&build->facts.created_s, why);
    if (f)
        return f;
    build->source.created_s = build->facts.created_s;
    f = image_build(&image, &build->source, &build->facts, arena, why);
    if (!f)
        f = write_image(build, &image, why);
    if (!f)
        print_built(build, &image);
    return f;
}

static fail build_command(struct build *build, struct arena *arena, struct why *why)
{
    build->source = (struct image_source){ .files = files_real(),
                                           .program = "/proc/self/exe",
                                           .root = STR("") };
    build->facts = (struct image_facts){ .version = str_z(version()),
                                         .revision = str_z(revision()),
                                         .builder = str_z(build->builder) };
    fail f = FAIL_NONE;
    if (build->sign_with) {
        f = certify_key(&build->key, build->sign_with, NULL, why);
        build->facts.key = &build->key;
    }
    if (!f)
        f = build_image(build, arena, why);
    minisign_fini(&build->key);
    return f;
}

/* --- push --------------------------------------------------------------------------------------
 */

struct push {
    const char *ca, *credentials_path, *dir;
    bool plain;
    char host[256], repository[256], tag[130];
    struct image_pushed pushed;
    struct progress progress;
};

/* HOST[:PORT]/NAME:TAG */
static fail read_reference(struct push *push, const char *text, struct why *why)
{
    str rest = str_z(text), host = str_cut(&rest, '/'), name = str_cut(&rest, ':'), tag = rest;
    if (!is_among(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-:[]") || host.n >= sizeof(push->host) ||
        !is_among(name, "._-/") || name.n >= sizeof(push->repository) ||
        !is_among(tag, "._-ABCDEFGHIJKLMNOPQRSTUVWXYZ") || tag.n > 128)
        return fail_set(why, FAIL_USAGE,
                        "\"%s\" is not REGISTRY/NAME:TAG, such as "
                        "registry.example.org:5000/exams/examhall:1.0",
                        text);
    snprintf(push->host, sizeof(push->host), "%.*s", STR_ARG(host));
    snprintf(push->repository, sizeof(push->repository), "%.*s", STR_ARG(name));
    snprintf(push->tag, sizeof(push->tag), "%.*s", STR_ARG(tag));
    return FAIL_NONE;
}

/* Where docker and its kin keep them; NULL: nowhere. */
static const char *default_credentials(char path[4200])
{
    const char *docker = getenv("DOCKER_CONFIG"), *home = getenv("HOME");
    struct stat st;
    if (!docker && !home)
        return NULL;
    snprintf(path, 4200, "%s%s/config.json", docker ? docker : home, docker ? "" : "/.docker");
    return stat(path, &st) == 0 ? path : NULL;
}

static fail load_credentials(const struct push *push, struct registry_login *credentials,
                             struct arena *arena, struct why *why)
{
    char default_path[4200];
    str text;
    const char *path = push->credentials_path;
    *credentials = (struct registry_login){ STR(""), STR("") };
    if (!path && !(path = default_credentials(default_path)))
        return FAIL_NONE;
    fail f = file_read(path, MIB, arena, &text, why);
    return f ? f
             : why_add(why, registry_login_read(credentials, text, str_z(push->host), arena, why),
                       "the credentials in %s", path);
}

static void show_sent(void *ctx, uint64_t sent_bytes)
{
    struct push *push = ctx;
    push->progress.total = push->pushed.bytes_blobs;
    progress_show(&push->progress, push->pushed.bytes_done + sent_bytes);
}

static void print_pushed(const struct push *push)
{
    const struct image_pushed *pushed = &push->pushed;
    struct out out = out_make(64 * KIB);
    if (is_json_wanted()) {
        jo_open(&out, NULL, '{');
        jo_name(&out, "reference");
        out_fmt(&out, "\"%s/%s@sha256:%s\"", push->host, push->repository, pushed->digest.hex);
        jo_name(&out, "digest");
        out_fmt(&out, "\"sha256:%s\"", pushed->digest.hex);
        jo_z(&out, "tag", push->tag);
        jo_i64(&out, "blobs_sent", pushed->sent);
        jo_i64(&out, "blobs_there", pushed->there);
        jo_i64(&out, "bytes_sent", (int64_t)pushed->bytes_sent);
        jo_i64(&out, "artifacts", pushed->artifacts);
        out_z(&out, "}\n");
    } else {
        out_fmt(&out,
                "%s/%s:%s has it: %.1f MB sent, %u blobs were there, %u artifacts beside it\n"
                "%s/%s@sha256:%s\n",
                push->host, push->repository, push->tag, (double)pushed->bytes_sent / 1e6,
                pushed->there, pushed->artifacts, push->host, push->repository, pushed->digest.hex);
    }
    fwrite(out.p, 1, out.n, stdout);
    out_fini(&out);
}

static fail push_command(struct push *push, const char *dir, const char *reference,
                         struct arena *arena, struct why *why)
{
    struct registry_login credentials;
    struct registry *registry = NULL;
    fail f = read_reference(push, reference, why);
    if (!f)
        f = load_credentials(push, &credentials, arena, why);
    if (f)
        return f;
    progress_start(&push->progress, "bytes sent:", 0);
    const struct registry_opts opts = { .host = push->host,
                                        .repository = push->repository,
                                        .ca_path = push->ca,
                                        .plain = push->plain,
                                        .user = credentials.user,
                                        .password = credentials.password,
                                        .progress = show_sent,
                                        .ctx = push };
    f = registry_open(&registry, &opts, why);
    if (!f)
        f = image_push(&push->pushed, registry,
                       &(struct image_push_opts){ files_real(), dir, push->tag }, arena, why);
    registry_close(registry);
    if (f)
        return f;
    progress_end(&push->progress, push->pushed.bytes_done);
    print_pushed(push);
    return f;
}

int cmd_image(int argc, char **argv)
{
    struct build build = { .out = "image", .tag = "examhall", .builder = "urn:examhall:by-hand" };
    struct push push = { .ca = NULL };
    const struct option options[] = {
        { "--out", &build.out, NULL },
        { "--tag", &build.tag, NULL },
        { "--builder", &build.builder, NULL },
        { "--sign-with", &build.sign_with, NULL },
        { "--ca", &push.ca, NULL },
        { "--plain", NULL, &push.plain },
        { "--credentials", &push.credentials_path, NULL },
    };
    const char *words[3];
    size_t n;
    bool stop;
    struct why why;
    int status = args_parse(argc, argv, options, COUNT(options), words, 3, &n, &stop);
    if (status || stop)
        return status;
    struct arena arena = arena_make(IMAGE_BYTES_MAX);
    fail f;
    if (n == 1 && strcmp(words[0], "build") == 0)
        f = build_command(&build, &arena, &why);
    else if (n == 3 && strcmp(words[0], "push") == 0)
        f = push_command(&push, words[1], words[2], &arena, &why);
    else
        return help_for("image", stderr);
    arena_fini(&arena);
    return f ? complain(f, &why) : EXIT_DONE;
}
