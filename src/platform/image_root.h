/* image_root.h - the files that an image holds: the program, what it cannot run without, no more.
 *
 *     /examhall                       the program, the portal within it
 *     /lib64/ld-linux-x86-64.so.2     its loader, and in /lib/x86_64-linux-gnu its libraries
 *     /etc/ssl/certs/...              the certificate authorities of Debian's package
 *     /usr/share/zoneinfo/            the time zones that a hall.yaml may name
 *     /etc/passwd, group, os-release  who 65532 is; for scanners, what this is
 *     /var/lib/dpkg/status.d/         for scanners: the packages all of this came from
 *     /data, /tmp                     where a hall lives, and a scratch folder
 *
 * Only what belongs to a Debian package is taken, so two machines with the same packages give the
 * same bytes: a machine's own certificate authorities and time zone stay out. */
#pragma once

#include "platform/packages.h"
#include "platform/tar.h"

#define IMAGE_USER         65532
#define IMAGE_PACKAGES_MAX 80
#define IMAGE_CA_PATH      "/etc/ssl/certs/ca-certificates.crt"

struct image_source {
    struct files *files;
    const char *program; /* its path; not below root */
    str root;            /* before every other path; empty for this machine */
    int64_t created_s;   /* the time of every file */
};

struct image_root {
    struct tar_entry program;
    struct tar_entry *system; /* all else, folders before what is in them */
    size_t system_count, system_cap;
    str architecture;                             /* amd64, arm64 */
    str distribution;                             /* debian-12 */
    struct package *packages[IMAGE_PACKAGES_MAX]; /* each once, by name */
    size_t package_count;
};

/* All of it lies in the arena: about 25 MB. */
fail image_root_read(struct image_root *root, const struct image_source *source,
                     struct arena *arena, struct why *why) MUST_USE;
