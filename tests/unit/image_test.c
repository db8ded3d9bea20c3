/* image_test.c - an image of a machine of five files: what is in it, what stays out, and that the
 * same things give the same bytes. */
#include "codec/json.h"
#include "platform/image.h"
#include "platform/image_program.h"
#include "platform/image_push.h"
#include "platform/tar.h"
#include "sys/files_whole.h"
#include "tests/test.h"
#include "tests/unit/tiny_elf.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct why why;

static void put(const char *root, const char *path, str bytes)
{
    char full[300];
    snprintf(full, sizeof(full), "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(full, 0700);
        *slash = '/';
    }
    CHECK_OK(files_whole_write(files_real(), full, bytes, &why));
}

static void put_elf(const char *root, const char *path, const struct tiny_elf *tiny)
{
    struct out out = out_make(64 * KIB);
    tiny_elf_write(&out, tiny);
    put(root, path, out_view(&out));
    out_fini(&out);
}

/* A Debian of four packages. */
static void make_machine(const char *root)
{
    static const char status[] =
        "Package: libz\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib (1:1.2)\n"
        "Version: 1:1.2+deb12u1\nHomepage: https://zlib.example/\n\n"
        "Package: tzdata\nStatus: install ok installed\nArchitecture: all\nVersion: 2025b\n\n"
        "Package: ca-certificates\nStatus: install ok installed\nArchitecture: all\n"
        "Version: 20230311\n\n"
        "Package: base-files\nStatus: install ok installed\nArchitecture: amd64\nVersion: 12.4\n";
    put_elf(root, "/program",
            &(struct tiny_elf){ .interpreter = "/lib64/ld.so.2", .needed = { "libz.so.1" } });
    put_elf(root, "/lib64/ld.so.2", &(struct tiny_elf){ 0 });
    put_elf(root, "/usr/lib/x86_64-linux-gnu/libz.so.1",
            &(struct tiny_elf){ .needed = { "ld.so.2" } });
    put(root, "/usr/lib/os-release", STR("ID=debian\nVERSION_ID=\"12\"\n"));
    put(root, "/usr/share/zoneinfo/Asia/Kolkata", STR("TZif-kolkata"));
    put(root, "/usr/share/zoneinfo/UTC", STR("TZif-utc"));
    put(root, "/usr/share/zoneinfo/zone.tab", STR("# for people"));
    put(root, "/usr/share/ca-certificates/mozilla/One.crt", STR("-one-\n"));
    put(root, "/usr/local/share/ca-certificates/own.crt", STR("-own-\n"));
    put(root, "/usr/share/doc/libz/copyright", STR("Format: dep5\n\nFiles: *\nLicense: Zlib\n"));
    put(root, "/var/lib/dpkg/status", str_z(status));
    put(root, "/var/lib/dpkg/info/libz:amd64.list",
        STR("/.\n/lib64/ld.so.2\n/lib/x86_64-linux-gnu/libz.so.1\n"));
    put(root, "/var/lib/dpkg/info/tzdata.list",
        STR("/.\n/usr/share/zoneinfo\n/usr/share/zoneinfo/Asia\n/usr/share/zoneinfo/UTC\n"
            "/usr/share/zoneinfo/zone.tab\n/usr/share/zoneinfo/Asia/Kolkata\n"));
    put(root, "/var/lib/dpkg/info/ca-certificates.list",
        STR("/usr/sbin/update-ca-certificates\n/usr/share/ca-certificates/mozilla/One.crt\n"));
    put(root, "/var/lib/dpkg/info/base-files.list", STR("/usr/lib/os-release\n"));
}

static const struct image_facts facts = { .name = { "examhall", 8 },
                                          .tag = { "1.0", 3 },
                                          .version = { "1d6ab4f", 7 },
                                          .revision = { "unknown", 7 },
                                          .created_s = 1795508853,
                                          .builder = { "urn:test", 8 } };

static fail build(struct image *image, const char *root, struct arena *arena)
{
    char program[200];
    *arena = arena_make(64 * MIB);
    snprintf(program, sizeof(program), "%s/program", root);
    const struct image_source source = {
        .files = files_real(), .program = program, .root = str_z(root), .created_s = facts.created_s
    };
    return image_build(image, &source, &facts, arena, &why);
}

static const struct tar_entry *entry(const struct image *image, const char *path)
{
    for (size_t i = 0; i < image->root.system_count; i++)
        if (str_eq(image->root.system[i].path, str_z(path)))
            return &image->root.system[i];
    return NULL;
}

TEST(image, it_holds_what_the_program_needs_and_nothing_of_the_machine)
{
    struct image image;
    struct arena arena;
    const char *root = test_dir();
    make_machine(root);
    CHECK_OK(build(&image, root, &arena));
    CHECK(entry(&image, "lib64/ld.so.2") != NULL);
    CHECK(entry(&image, "lib/x86_64-linux-gnu/libz.so.1") != NULL);
    CHECK(entry(&image, "lib/x86_64-linux-gnu/ld.so.2") == NULL); /* it is there once */
    CHECK(entry(&image, "usr/share/zoneinfo/Asia/Kolkata") != NULL);
    CHECK(entry(&image, "usr/share/zoneinfo/zone.tab") == NULL);
    CHECK_STR(entry(&image, "etc/ssl/certs/ca-certificates.crt")->bytes, STR("-one-\n"));
    CHECK_HAS(entry(&image, "var/lib/dpkg/status.d/libz")->bytes, STR("Version: 1:1.2+deb12u1\n"));
    CHECK_EQ(entry(&image, "data/")->owner, 65532);
    CHECK_EQ(entry(&image, "etc/passwd")->owner, 0);
    CHECK_EQ(image.root.package_count, 4);
    for (size_t i = 1; i < image.root.system_count; i++) /* folders before what is in them */
        CHECK(memcmp(image.root.system[i - 1].path.p, image.root.system[i].path.p,
                     MIN(image.root.system[i - 1].path.n, image.root.system[i].path.n)) <= 0);
    arena_fini(&arena);
}

TEST(image, two_machines_with_the_same_packages_give_one_digest)
{
    struct image one, other;
    struct arena arena, arena_of_other;
    char root[200], place[240];
    snprintf(root, sizeof(root), "%s/here", test_dir());
    snprintf(place, sizeof(place), "%s-and-there", root);
    CHECK(mkdir(root, 0700) == 0 && mkdir(place, 0700) == 0);
    make_machine(root);
    make_machine(place);
    put(place, "/usr/local/share/ca-certificates/more.crt", STR("-more-\n"));
    CHECK_OK(build(&one, root, &arena));
    CHECK_OK(build(&other, place, &arena_of_other));
    CHECK_STR(one.index, other.index); /* it names the digests of all the rest */
    arena_fini(&arena);
    arena_fini(&arena_of_other);
}

TEST(image, another_program_changes_its_layer_only)
{
    struct image before, after;
    struct arena arena, arena_of_after;
    const char *root = test_dir();
    make_machine(root);
    CHECK_OK(build(&before, root, &arena));
    put_elf(root, "/program",
            &(struct tiny_elf){ .interpreter = "/lib64/ld.so.2",
                                .needed = { "libz.so.1", "ld.so.2" } });
    CHECK_OK(build(&after, root, &arena_of_after));
    CHECK_STR(str_z(before.layers[IMAGE_SYSTEM].digest.hex),
              str_z(after.layers[IMAGE_SYSTEM].digest.hex));
    CHECK(strcmp(before.layers[IMAGE_PROGRAM].digest.hex, after.layers[IMAGE_PROGRAM].digest.hex) !=
          0);
    arena_fini(&arena);
    arena_fini(&arena_of_after);
}

TEST(image, the_list_of_contents_names_packages_versions_and_licences)
{
    struct image image;
    struct arena arena;
    struct json *root;
    const char *dir = test_dir();
    make_machine(dir);
    CHECK_OK(build(&image, dir, &arena));
    str sbom = image.artifacts[IMAGE_SBOM].content.bytes;
    CHECK_OK(json_parse(&root, sbom, &arena, &why));
    CHECK_HAS(sbom, STR("\"pkg:deb/debian/libz@1:1.2%2Bdeb12u1?arch=amd64&distro=debian-12&"
                        "upstream=zlib\""));
    CHECK_HAS(sbom, STR("{\"license\":{\"name\":\"Zlib\"}}"));
    CHECK_HAS(sbom, STR("pkg:npm/preact@"));
    CHECK(str_find_str(sbom, STR("pkg:npm/vite@")) < 0); /* it builds, but is not there */
    arena_fini(&arena);
}

TEST(image, a_library_of_no_package_or_of_nowhere_is_refused_by_name)
{
    struct image image;
    struct arena arena;
    const char *root = test_dir();
    char path[400];
    make_machine(root);
    put(root, "/var/lib/dpkg/info/libz:amd64.list", STR("/lib64/ld.so.2\n"));
    CHECK_EQ(build(&image, root, &arena), FAIL_MISSING);
    CHECK_HAS(str_z(why.text), STR("/usr/lib/x86_64-linux-gnu/libz.so.1 belongs to no Debian"));
    arena_fini(&arena);
    snprintf(path, sizeof(path), "%s/usr/lib/x86_64-linux-gnu/libz.so.1", root);
    CHECK(unlink(path) == 0);
    CHECK_EQ(build(&image, root, &arena), FAIL_MISSING);
    CHECK_HAS(str_z(why.text), STR("libz.so.1 is in none of Debian's library folders"));
    arena_fini(&arena);
}

TEST(image, a_layout_reads_back_and_a_changed_byte_is_found)
{
    struct image image;
    struct arena arena;
    struct image_layout layout;
    char root[200], dir[240], path[400];
    str bytes;
    snprintf(root, sizeof(root), "%s/machine", test_dir());
    snprintf(dir, sizeof(dir), "%s-image", root);
    CHECK(mkdir(root, 0700) == 0);
    make_machine(root);
    CHECK_OK(build(&image, root, &arena));
    CHECK_OK(image_write_dir(&image, files_real(), dir, &why));
    CHECK_OK(image_layout_open(&layout, files_real(), dir, &arena, &why));
    CHECK_EQ(layout.manifest_count, 3);
    CHECK_OK(image_layout_blob(&layout, &layout.manifests[0], &arena, &bytes, &why));
    CHECK_STR(bytes, image.manifest.bytes);
    snprintf(path, sizeof(path), "%s/blobs/sha256/%s", dir, image.manifest.digest.hex);
    bytes = arena_str(&arena, bytes);
    ((char *)(uintptr_t)bytes.p)[7] ^= 1;
    CHECK_OK(files_whole_write(files_real(), path, bytes, &why));
    CHECK_EQ(image_layout_blob(&layout, &layout.manifests[0], &arena, &bytes, &why), FAIL_CORRUPT);
    arena_fini(&arena);
}

TEST(image, the_program_it_starts_is_found_in_its_layers_by_digest)
{
    struct image image;
    struct arena arena;
    struct image_program program;
    char root[200], dir[240], path[400];
    str bytes;
    snprintf(root, sizeof(root), "%s/machine", test_dir());
    snprintf(dir, sizeof(dir), "%s-image", root);
    CHECK(mkdir(root, 0700) == 0);
    make_machine(root);
    CHECK_OK(build(&image, root, &arena));
    CHECK_OK(image_write_dir(&image, files_real(), dir, &why));
    CHECK_OK(image_program_read(&program, files_real(), dir, &arena, &why));
    snprintf(path, sizeof(path), "%s/program", root);
    CHECK_OK(files_whole_read(files_real(), path, MIB, &arena, &bytes, &why));
    CHECK_STR(str_z(program.program.hex), str_z(digest_of(bytes).hex));
    CHECK_STR(str_z(program.image.hex), str_z(image.manifest.digest.hex));
    CHECK_STR(program.path, STR("examhall"));
    snprintf(path, sizeof(path), "%s/blobs/sha256/%s", dir, image.layers[IMAGE_PROGRAM].digest.hex);
    CHECK_OK(files_whole_write(files_real(), path, STR("another layer"), &why));
    CHECK_EQ(image_program_read(&program, files_real(), dir, &arena, &why), FAIL_CORRUPT);
    arena_fini(&arena);
}

/* A layout of one manifest with these layers, uncompressed, the first the lowest. */
static void put_layers(const char *dir, const struct tar_entry *files, size_t count)
{
    struct out layers = out_make(64 * KIB), text = out_make(64 * KIB);
    char path[100];
    str config = STR("{\"config\":{\"Entrypoint\":[\"/bin/hall\"]}}");
    snprintf(path, sizeof(path), "/blobs/sha256/%s", digest_of(config).hex);
    put(dir, path, config);
    for (size_t i = 0; i < count; i++) {
        struct out tar = out_make(64 * KIB);
        CHECK(tar_add(&tar, &files[i]));
        tar_end(&tar);
        struct digest digest = digest_of(out_view(&tar));
        snprintf(path, sizeof(path), "/blobs/sha256/%s", digest.hex);
        put(dir, path, out_view(&tar));
        out_fmt(&layers,
                "%s{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":"
                "\"sha256:%s\",\"size\":%zu}",
                i ? "," : "", digest.hex, tar.n);
        out_fini(&tar);
    }
    out_fmt(&text,
            "{\"config\":{\"mediaType\":\"c\",\"digest\":\"sha256:%s\",\"size\":%zu},"
            "\"layers\":[%.*s]}",
            digest_of(config).hex, config.n, (int)layers.n, layers.p);
    struct digest manifest = digest_of(out_view(&text));
    snprintf(path, sizeof(path), "/blobs/sha256/%s", manifest.hex);
    put(dir, path, out_view(&text));
    struct out index = out_make(KIB);
    out_fmt(&index, "{\"manifests\":[{\"mediaType\":\"m\",\"digest\":\"sha256:%s\",\"size\":%zu}]}",
            manifest.hex, text.n);
    put(dir, "/index.json", out_view(&index));
    out_fini(&index);
    out_fini(&layers);
    out_fini(&text);
}

#define ENTRY(at, what)                                                                            \
    {                                                                                              \
        .path = STR(at), .kind = TAR_FILE, .mode = 0755, .bytes = STR(what)                        \
    }

static fail read_layers(const struct tar_entry *files, size_t count, struct digest *digest)
{
    struct arena arena = arena_make(MIB);
    struct image_program program;
    const char *dir = test_dir();
    put_layers(dir, files, count);
    fail f = image_program_read(&program, files_real(), dir, &arena, &why);
    *digest = program.program;
    arena_fini(&arena);
    return f;
}

TEST(image, of_several_layers_the_last_one_that_has_the_program_counts)
{
    struct digest digest;
    static const struct tar_entry twice[] = { ENTRY("bin/hall", "old"), ENTRY("bin/hall", "new"),
                                              ENTRY("etc/x", "") };
    CHECK_OK(read_layers(twice, 3, &digest));
    CHECK_STR(str_z(digest.hex), str_z(digest_of(STR("new")).hex));
    static const struct tar_entry dotted[] = { ENTRY("bin/hall", "old"),
                                               ENTRY("./bin/hall", "new") };
    CHECK_OK(read_layers(dotted, 2, &digest));
    CHECK_STR(str_z(digest.hex), str_z(digest_of(STR("new")).hex));
}

TEST(image, a_program_that_a_later_layer_took_away_is_not_in_it)
{
    struct digest digest;
    static const char *const gone[] = { "bin/.wh.hall", ".wh.bin", "bin/.wh..wh..opq" };
    for (size_t i = 0; i < COUNT(gone); i++) {
        struct tar_entry files[] = { ENTRY("bin/hall", "old"), ENTRY("", "") };
        files[1].path = str_z(gone[i]);
        CHECK_EQ(read_layers(files, 2, &digest), FAIL_INPUT);
        CHECK_HAS(str_z(why.text), STR("there is no file /bin/hall"));
    }
    static const struct tar_entry others[] = { ENTRY("bin/hall", "old"), ENTRY("bin/.wh.hal", "") };
    CHECK_OK(read_layers(others, 2, &digest));
}

TEST(image, a_folder_with_something_else_in_it_is_left_alone)
{
    struct image image;
    struct arena arena;
    char root[200], dir[240];
    snprintf(root, sizeof(root), "%s/machine", test_dir());
    snprintf(dir, sizeof(dir), "%s-thesis", root);
    CHECK(mkdir(root, 0700) == 0 && mkdir(dir, 0700) == 0);
    make_machine(root);
    put(dir, "/thesis.txt", STR("years of work"));
    CHECK_OK(build(&image, root, &arena));
    CHECK_EQ(image_write_dir(&image, files_real(), dir, &why), FAIL_CONFLICT);
    arena_fini(&arena);
}
