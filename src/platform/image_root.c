/* image_root.c - see image_root.h. */
#include "platform/image_root.h"

#include "platform/elf.h"
#include "sys/files_whole.h"

#include <stdio.h>
#include <stdlib.h>

#define FILE_BYTES_MAX (256 * MIB)
#define LIBRARIES_MAX  64

struct library {
    str name;  /* as it is asked for: libz.so.1 */
    str found; /* where */
};

struct reader {
    const struct image_source *source;
    struct image_root *root;
    struct arena *arena;
    struct why *why;
    struct library libraries[LIBRARIES_MAX]; /* the loader is the first */
    size_t library_count;
};

static fail too_large(struct reader *r)
{
    return fail_set(r->why, FAIL_LIMIT, "the image's files need more than %zu MB of memory",
                    r->arena->bytes_max / MIB);
}

static fail read_file(struct reader *r, str path, str *bytes)
{
    str full = arena_fmt(r->arena, "%.*s%.*s", STR_ARG(r->source->root), STR_ARG(path));
    if (!full.p)
        return too_large(r);
    return files_whole_read(r->source->files, full.p, FILE_BYTES_MAX, r->arena, bytes, r->why);
}

/* --- entries -----------------------------------------------------------------------------------
 */

static fail add(struct reader *r, str path, enum tar_kind kind, unsigned mode, unsigned owner,
                str bytes)
{
    struct image_root *root = r->root;
    for (size_t i = root->system_count; i > 0; i--)
        if (str_eq(root->system[i - 1].path, path))
            return FAIL_NONE;
    if (root->system_count == root->system_cap) {
        size_t cap = MAX(root->system_cap * 2, 256);
        struct tar_entry *entries = arena_many(r->arena, struct tar_entry, cap);
        if (!entries)
            return too_large(r);
        if (root->system_count)
            memcpy(entries, root->system, root->system_count * sizeof(*entries));
        root->system = entries;
        root->system_cap = cap;
    }
    root->system[root->system_count++] =
        (struct tar_entry){ path, kind, mode, owner, r->source->created_s, bytes };
    return FAIL_NONE;
}

/* The path is absolute; the folders above it come with it. */
static fail add_file(struct reader *r, str path, unsigned mode, str bytes)
{
    fail f = FAIL_NONE;
    path = arena_str(r->arena, str_from(path, 1));
    if (!path.p)
        return too_large(r);
    for (size_t i = 0; i < path.n && !f; i++)
        if (path.p[i] == '/')
            f = add(r, str_first(path, i + 1), TAR_DIR, 0755, 0, STR(""));
    return f ? f : add(r, path, TAR_FILE, mode, 0, bytes);
}

static int by_path(const void *a, const void *b)
{
    str left = ((const struct tar_entry *)a)->path, right = ((const struct tar_entry *)b)->path;
    int order = memcmp(left.p, right.p, MIN(left.n, right.n));
    return order ? order : (left.n > right.n) - (left.n < right.n);
}

/* --- the program and its libraries -------------------------------------------------------------
 */

static const char *triplet(str architecture)
{
    return str_eq(architecture, STR("arm64")) ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
}

/* Where Debian's loader looks without ld.so.cache, which the image does not have. */
static fail find_library(struct reader *r, struct library *library, str *bytes)
{
    const char *of_machine = triplet(r->root->architecture);
    str folders[] = { arena_fmt(r->arena, "/lib/%s", of_machine),
                      arena_fmt(r->arena, "/usr/lib/%s", of_machine), STR("/lib"),
                      STR("/usr/lib") };
    for (size_t i = 0; i < COUNT(folders); i++) {
        library->found =
            arena_fmt(r->arena, "%.*s/%.*s", STR_ARG(folders[i]), STR_ARG(library->name));
        if (!folders[i].p || !library->found.p)
            return too_large(r);
        fail f = read_file(r, library->found, bytes);
        if (f != FAIL_MISSING)
            return f;
    }
    return fail_set(r->why, FAIL_MISSING,
                    "the library %.*s is in none of Debian's library folders (%s and above); "
                    "install the package that holds it",
                    STR_ARG(library->name), folders[0].p);
}

static fail want(struct reader *r, const struct elf *elf)
{
    if (elf->run_path.n)
        return fail_set(r->why, FAIL_INPUT,
                        "it looks for libraries in %.*s, which an image does not have; link it "
                        "without -rpath",
                        STR_ARG(elf->run_path));
    for (size_t i = 0; i < elf->needed_count; i++) {
        size_t k = 0;
        while (k < r->library_count && !str_eq(r->libraries[k].name, elf->needed[i]))
            k++;
        if (k < r->library_count)
            continue;
        if (k == LIBRARIES_MAX)
            return fail_set(r->why, FAIL_LIMIT, "it needs more than %d libraries", LIBRARIES_MAX);
        if (str_find(elf->needed[i], '/') >= 0)
            return fail_set(r->why, FAIL_INPUT, "it needs a library by its path, %.*s",
                            STR_ARG(elf->needed[i]));
        r->libraries[r->library_count++] = (struct library){ .name = elf->needed[i] };
    }
    return FAIL_NONE;
}

static fail add_library(struct reader *r, struct library *library)
{
    struct elf elf;
    str bytes;
    fail f = find_library(r, library, &bytes);
    if (!f)
        f = elf_read(&elf, bytes, r->why);
    if (!f && !str_eq(elf.architecture, r->root->architecture))
        f = fail_set(r->why, FAIL_INPUT, "it is for another machine");
    if (!f)
        f = want(r, &elf);
    str path =
        arena_fmt(r->arena, "/lib/%s/%.*s", triplet(r->root->architecture), STR_ARG(library->name));
    if (!f)
        f = path.p ? add_file(r, path, 0755, bytes) : too_large(r);
    return why_add(r->why, f, "%.*s", STR_ARG(library->found));
}

static fail add_program(struct reader *r)
{
    struct elf elf;
    str bytes, loader;
    fail f = files_whole_read(r->source->files, r->source->program, FILE_BYTES_MAX, r->arena,
                              &bytes, r->why);
    if (!f)
        f = elf_read(&elf, bytes, r->why);
    if (f)
        return why_add(r->why, f, "%s", r->source->program);
    r->root->architecture = elf.architecture;
    r->root->program =
        (struct tar_entry){ STR("examhall"), TAR_FILE, 0755, 0, r->source->created_s, bytes };
    if (elf.interpreter.n) { /* libc names the loader as a library, too: it is there already */
        str name = elf.interpreter;
        while (str_find(name, '/') >= 0)
            str_cut(&name, '/');
        r->libraries[r->library_count++] = (struct library){ name, elf.interpreter };
        f = read_file(r, elf.interpreter, &loader);
        if (!f)
            f = add_file(r, elf.interpreter, 0755, loader);
    }
    if (!f)
        f = why_add(r->why, want(r, &elf), "%s", r->source->program);
    for (size_t i = 1; i < r->library_count && !f; i++)
        f = add_library(r, &r->libraries[i]);
    return f;
}

/* --- what packages give beside libraries -------------------------------------------------------
 */

/* Of the package only, not of /usr/local/share/ca-certificates: what this machine trusts beside is
 * nobody else's business. */
static fail add_authorities(struct reader *r, str lines)
{
    struct out all = out_make(4 * MIB);
    fail f = FAIL_NONE;
    for (str rest = lines; rest.p && !f;) {
        str line = str_cut(&rest, '\n'), bytes;
        if (!str_starts(line, STR("/usr/share/ca-certificates/mozilla/")) ||
            !str_ends(line, STR(".crt")))
            continue;
        f = read_file(r, line, &bytes);
        if (!f)
            out_str(&all, bytes);
    }
    str bytes = arena_str(r->arena, out_view(&all));
    if (!f && (all.failed || !bytes.p))
        f = too_large(r);
    out_fini(&all);
    return f ? f : add_file(r, STR(IMAGE_CA_PATH), 0644, bytes);
}

/* right/ counts leap seconds, which no hall does; localtime is this machine's. */
static bool is_zone(str line)
{
    static const char folder[] = "/usr/share/zoneinfo/";
    str name = str_from(line, sizeof(folder) - 1);
    return str_starts(line, str_z(folder)) && !str_starts(name, STR("right/")) &&
           !str_starts(name, STR("posix/")) && !str_eq(name, STR("localtime"));
}

/* A list does not say what is a folder, but what is in it. */
static bool is_folder(str line, str lines, struct arena *arena)
{
    str inside = arena_fmt(arena, "\n%.*s/", STR_ARG(line));
    return inside.p && str_find_str(lines, inside) >= 0;
}

static fail add_zones(struct reader *r, str lines)
{
    fail f = FAIL_NONE;
    for (str rest = lines; rest.p && !f;) {
        str line = str_cut(&rest, '\n'), bytes;
        if (!is_zone(line) || is_folder(line, lines, r->arena))
            continue;
        f = read_file(r, line, &bytes);
        if (!f && str_starts(bytes, STR("TZif"))) /* the others are tables for people */
            f = add_file(r, line, 0644, bytes);
    }
    return f;
}

/* ID=debian and VERSION_ID="12" make debian-12. */
static fail add_os_release(struct reader *r, str path)
{
    str bytes, id = STR(""), number = STR("");
    fail f = read_file(r, path, &bytes);
    for (str rest = f ? STR_NONE : bytes; rest.p;) {
        str value = str_cut(&rest, '\n'), name = str_cut(&value, '=');
        if (value.n >= 2 && value.p[0] == '"')
            value = str_first(str_from(value, 1), value.n - 2);
        if (str_eq(name, STR("ID")))
            id = value;
        if (str_eq(name, STR("VERSION_ID")))
            number = value;
    }
    if (f)
        return f;
    r->root->distribution = arena_fmt(r->arena, "%.*s-%.*s", STR_ARG(id), STR_ARG(number));
    return r->root->distribution.p ? add_file(r, STR("/etc/os-release"), 0644, bytes)
                                   : too_large(r);
}

static int by_name(const void *a, const void *b)
{
    str left = (*(struct package *const *)a)->name, right = (*(struct package *const *)b)->name;
    int order = memcmp(left.p, right.p, MIN(left.n, right.n));
    return order ? order : (left.n > right.n) - (left.n < right.n);
}

static fail keep_packages(struct reader *r, struct package *const *owners, size_t count)
{
    struct image_root *root = r->root;
    fail f = FAIL_NONE;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < root->package_count && root->packages[k] != owners[i])
            k++;
        if (k == root->package_count)
            root->packages[root->package_count++] = owners[i];
    }
    qsort(root->packages, root->package_count, sizeof(root->packages[0]), by_name);
    for (size_t i = 0; i < root->package_count && !f; i++) {
        const struct package *package = root->packages[i];
        str path = arena_fmt(r->arena, "/var/lib/dpkg/status.d/%.*s", STR_ARG(package->name));
        f = path.p ? add_file(r, path, 0644, package->control) : too_large(r);
    }
    return f;
}

static fail add_packages(struct reader *r)
{
    static const struct {
        str path; /* a file by which the package is known */
        fail (*from_path)(struct reader *r, str path);
        fail (*from_files)(struct reader *r, str lines);
    } wanted[] = {
        { STR("/usr/lib/os-release"), add_os_release, NULL },
        { STR("/usr/share/zoneinfo/UTC"), NULL, add_zones },
        { STR("/usr/sbin/update-ca-certificates"), NULL, add_authorities },
    };
    struct packages packages;
    str paths[LIBRARIES_MAX + COUNT(wanted)];
    struct package *owners[LIBRARIES_MAX + COUNT(wanted)];
    _Static_assert(COUNT(owners) <= IMAGE_PACKAGES_MAX, "each may be of another package");
    size_t n = 0;
    for (size_t i = 0; i < r->library_count; i++)
        paths[n++] = r->libraries[i].found;
    for (size_t i = 0; i < COUNT(wanted); i++)
        paths[n++] = wanted[i].path;
    fail f = packages_open(&packages, r->source->files, r->source->root, r->arena, r->why);
    if (!f)
        f = packages_own(&packages, paths, n, owners, r->why);
    for (size_t i = 0; i < COUNT(wanted) && !f; i++) {
        str lines;
        if (wanted[i].from_path)
            f = wanted[i].from_path(r, wanted[i].path);
        if (f || !wanted[i].from_files)
            continue;
        f = packages_files(&packages, owners[r->library_count + i], &lines, r->why);
        if (!f)
            f = wanted[i].from_files(r, lines);
    }
    return f ? f : keep_packages(r, owners, n);
}

static fail add_own(struct reader *r)
{
    static const struct {
        const char *path, *text;
    } own[] = {
        { "/etc/passwd", "root:x:0:0:root:/:/sbin/nologin\n"
                         "examhall:x:65532:65532:examhall:/data:/sbin/nologin\n" },
        { "/etc/group", "root:x:0:\nexamhall:x:65532:\n" },
        { "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n" },
    };
    fail f = FAIL_NONE;
    for (size_t i = 0; i < COUNT(own) && !f; i++)
        f = add_file(r, str_z(own[i].path), 0644, str_z(own[i].text));
    if (!f)
        f = add(r, STR("data/"), TAR_DIR, 0750, IMAGE_USER, STR(""));
    if (!f)
        f = add(r, STR("tmp/"), TAR_DIR, 01777, 0, STR(""));
    return f;
}

fail image_root_read(struct image_root *root, const struct image_source *source,
                     struct arena *arena, struct why *why)
{
    struct reader r = { .source = source, .root = root, .arena = arena, .why = why };
    *root = (struct image_root){ 0 };
    fail f = add_program(&r);
    if (!f)
        f = add_packages(&r);
    if (!f)
        f = add_own(&r);
    if (!f)
        qsort(root->system, root->system_count, sizeof(root->system[0]), by_path);
    return f;
}
