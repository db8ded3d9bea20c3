/* packages.h - which Debian package a file belongs to, and what else is in that package.
 *
 * Reads dpkg's own database (deb-control(5), dpkg's `status` and `info/NAME.list`): the same files
 * that distroless images and scanners read, so no program need be run. */
#pragma once

#include "base/arena.h"
#include "sys/files.h"

#define PACKAGE_LICENCES_MAX 24

struct package {
    str name, version, architecture;
    str source;   /* the source package; the name when it is the same */
    str homepage; /* may be empty */
    str control;  /* the paragraph of `status`, as scanners want it: without what dpkg adds */
    str licences[PACKAGE_LICENCES_MAX]; /* short names from its copyright file, each once */
    size_t licence_count;
};

struct packages {
    struct files *files;
    str root; /* before /var/lib/dpkg and /usr/share/doc; empty for this machine */
    struct arena *arena;
    str status;
    str *lists; /* names in info/ that end with .list */
    size_t list_count, list_cap;
};

/* Keeps files and arena. FAIL_MISSING: this is no Debian. */
fail packages_open(struct packages *packages, struct files *files, str root, struct arena *arena,
                   struct why *why) MUST_USE;

/* For each path the package that holds it: owners[i] of paths[i], the same pointer for the same
 * package. With or without /usr in front, since Debian 12 has both for one file. */
fail packages_own(struct packages *packages, const str *paths, size_t count,
                  struct package **owners, struct why *why) MUST_USE;

/* The files and folders of a package for all architectures (tzdata, ca-certificates): one path a
 * line. */
fail packages_files(struct packages *packages, const struct package *package, str *lines,
                    struct why *why) MUST_USE;
