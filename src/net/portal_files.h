/* portal_files.h - the portal's files as they are built into the program.
 *
 * `tools/portal_pack.mjs` turns web/dist into this table, so the gateway serves the portal from
 * memory and a hall is one file. The table is sorted by path (bytewise), so a lookup may bisect.
 * The pages are at "/" and "/staff". */
#pragma once

#include <stddef.h>

struct portal_file {
    const char *path;           /* as requested, e.g. "/assets/candidate-B7x1.js" */
    const char *type;           /* Content-Type, charset included where it has one */
    const char *etag;           /* with its quotes; first 16 hex digits of the SHA-256 of bytes */
    const unsigned char *bytes; /* as it is */
    const unsigned char *gzip;  /* gzip of bytes, level 9; NULL where that is not smaller */
    size_t bytes_n;
    size_t gzip_n;
};

/* A name under "/assets/" holds the hash of its bytes: such a file never changes and may be cached
 * for ever. */
extern const struct portal_file portal_files[];
extern const size_t portal_file_count;
