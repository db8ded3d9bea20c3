/* packages.c - see packages.h. */
#include "platform/packages.h"

#include "base/out.h"
#include "sys/files_whole.h"

#include <stdio.h>

#define STATUS_BYTES_MAX (64 * MIB)
#define LIST_BYTES_MAX   (16 * MIB)
#define DPKG             "/var/lib/dpkg"

static fail read_below_root(struct packages *packages, const char *path, size_t bytes_max,
                            struct arena *arena, str *bytes, struct why *why)
{
    char full[4200];
    snprintf(full, sizeof(full), "%.*s%s", STR_ARG(packages->root), path);
    return files_whole_read(packages->files, full, bytes_max, arena, bytes, why);
}

static void keep_list(void *ctx, str name)
{
    struct packages *packages = ctx;
    if (!str_ends(name, STR(".list")))
        return;
    if (packages->list_count == packages->list_cap) {
        size_t cap = MAX(packages->list_cap * 2, 1024);
        str *lists = arena_many(packages->arena, str, cap);
        if (!lists)
            return;
        if (packages->list_count)
            memcpy(lists, packages->lists, packages->list_count * sizeof(str));
        packages->lists = lists;
        packages->list_cap = cap;
    }
    packages->lists[packages->list_count++] = arena_str(packages->arena, name);
}

fail packages_open(struct packages *packages, struct files *files, str root, struct arena *arena,
                   struct why *why)
{
    char info[4200];
    *packages = (struct packages){ .files = files, .root = root, .arena = arena };
    fail f =
        read_below_root(packages, DPKG "/status", STATUS_BYTES_MAX, arena, &packages->status, why);
    if (f)
        return why_add(why, f,
                       "an image is made of Debian's packages, so make it on Debian 12, or in a "
                       "container of it");
    snprintf(info, sizeof(info), "%.*s" DPKG "/info", STR_ARG(root));
    return files->list(files, info, keep_list, packages, why);
}

/* --- one package -------------------------------------------------------------------------------
 */

/* The value of "Name: value" in a paragraph; empty when absent. */
static str field(str paragraph, str name)
{
    for (str rest = paragraph; rest.p;) {
        str line = str_cut(&rest, '\n');
        if (str_starts(line, name) && line.n > name.n && line.p[name.n] == ':')
            return str_trim(str_from(line, name.n + 1));
    }
    return str_of("", 0);
}

/* The paragraph of an installed package. `list` is "libc6:amd64.list" or "tzdata.list". */
static str paragraph_of(str status, str list)
{
    str rest = str_first(list, list.n - 5), name = str_cut(&rest, ':'), architecture = rest;
    for (rest = status; rest.p && rest.n;) {
        ptrdiff_t end = str_find_str(rest, STR("\n\n"));
        str paragraph = end < 0 ? rest : str_first(rest, (size_t)end);
        rest = str_from(rest, paragraph.n + 2);
        if (str_eq(field(str_first(paragraph, name.n + 16), STR("Package")), name) &&
            (!architecture.p || str_eq(field(paragraph, STR("Architecture")), architecture)))
            return paragraph;
    }
    return STR_NONE;
}

/* What scanners read to tell a package and its version; the lines that dpkg keeps for itself (and
 * that differ from machine to machine, such as Status of a package on hold) stay out. */
static str control_of(str paragraph, struct arena *arena)
{
    static const char *const fields[] = { "Package",      "Source",  "Version",
                                          "Architecture", "Section", "Maintainer" };
    struct out out = out_make(16 * KIB);
    for (size_t i = 0; i < COUNT(fields); i++) {
        str value = field(paragraph, str_z(fields[i]));
        if (value.n)
            out_fmt(&out, "%s: %.*s\n", fields[i], STR_ARG(value));
    }
    out_z(&out, "Status: install ok installed\n");
    str control = out.failed ? STR_NONE : arena_str(arena, out_view(&out));
    out_fini(&out);
    return control;
}

static bool has_licence(const struct package *package, str name)
{
    for (size_t i = 0; i < package->licence_count; i++)
        if (str_eq(package->licences[i], name))
            return true;
    return false;
}

/* Debian's machine-readable copyright files have lines "License: GPL-2+". Others, older, say it in
 * prose: then no licence is named. */
static void read_licences(struct packages *packages, struct package *package)
{
    char path[400];
    str text;
    struct why why;
    snprintf(path, sizeof(path), "/usr/share/doc/%.*s/copyright", STR_ARG(package->name));
    if (read_below_root(packages, path, 4 * MIB, packages->arena, &text, &why))
        return;
    if (!str_starts(text, STR("Format")))
        return;
    for (str rest = text; rest.p && package->licence_count < PACKAGE_LICENCES_MAX;) {
        str line = str_cut(&rest, '\n');
        if (!str_starts(line, STR("License:")))
            continue;
        str name = str_trim(str_from(line, 8));
        if (name.n && !has_licence(package, name))
            package->licences[package->licence_count++] = name;
    }
}

static fail read_package(struct packages *packages, str list, struct package **out, struct why *why)
{
    str paragraph = paragraph_of(packages->status, list);
    struct package *package = arena_new(packages->arena, struct package);
    if (!paragraph.p || !package)
        return fail_set(why, FAIL_CORRUPT,
                        "dpkg's database has %.*s, but no such package in its status; run: "
                        "dpkg --audit",
                        STR_ARG(list));
    *package = (struct package){
        .name = field(paragraph, STR("Package")),
        .version = field(paragraph, STR("Version")),
        .architecture = field(paragraph, STR("Architecture")),
        .source = field(paragraph, STR("Source")),
        .homepage = field(paragraph, STR("Homepage")),
        .control = control_of(paragraph, packages->arena),
    };
    str source = package->source;
    package->source = source.n ? str_cut(&source, ' ') : package->name; /* "glibc (2.36-9)" */
    if (!package->control.p)
        return fail_set(why, FAIL_LIMIT, "the package %.*s says too much about itself",
                        STR_ARG(package->name));
    read_licences(packages, package);
    *out = package;
    return FAIL_NONE;
}

/* --- files and their packages ------------------------------------------------------------------
 */

/* Debian 12 has /lib as a link to /usr/lib, and packages that name their files either way. */
static str without_usr(str path)
{
    return str_starts(path, STR("/usr/")) ? str_from(path, 4) : path;
}

static fail own(struct packages *packages, str list, str lines, const str *paths, size_t count,
                struct package **owners, struct why *why)
{
    struct package *package = NULL;
    fail f = FAIL_NONE;
    for (str rest = lines; rest.p && !f;) {
        str line = without_usr(str_cut(&rest, '\n'));
        for (size_t i = 0; i < count && !f; i++) {
            if (owners[i] || !str_eq(line, without_usr(paths[i])))
                continue;
            if (!package)
                f = read_package(packages, list, &package, why);
            owners[i] = package;
        }
    }
    return f;
}

fail packages_own(struct packages *packages, const str *paths, size_t count,
                  struct package **owners, struct why *why)
{
    fail f = FAIL_NONE;
    struct arena arena = arena_make(LIST_BYTES_MAX + MIB);
    memset(owners, 0, count * sizeof(*owners));
    for (size_t i = 0; i < packages->list_count && !f; i++) {
        char path[400];
        str lines;
        snprintf(path, sizeof(path), DPKG "/info/%.*s", STR_ARG(packages->lists[i]));
        f = read_below_root(packages, path, LIST_BYTES_MAX, &arena, &lines, why);
        if (!f)
            f = own(packages, packages->lists[i], lines, paths, count, owners, why);
        arena_reset(&arena);
    }
    arena_fini(&arena);
    for (size_t i = 0; i < count && !f; i++)
        if (!owners[i])
            f = fail_set(why, FAIL_MISSING,
                         "%.*s belongs to no Debian package, so nobody could say what it is; "
                         "install it from a package, or remove it",
                         STR_ARG(paths[i]));
    return f;
}

fail packages_files(struct packages *packages, const struct package *package, str *lines,
                    struct why *why)
{
    char path[400];
    snprintf(path, sizeof(path), DPKG "/info/%.*s.list", STR_ARG(package->name));
    return read_below_root(packages, path, LIST_BYTES_MAX, packages->arena, lines, why);
}
