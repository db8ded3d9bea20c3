/* tar.h - writes tar archives of which every byte is decided by the entries given.
 *
 * POSIX ustar: no names of users, one time for all, entries in the order given. Names are UTF-8, at
 * most 255 bytes, and do not begin with '/'. */
#pragma once

#include "base/out.h"

enum tar_kind { TAR_FILE = '0', TAR_DIR = '5' };

struct tar_entry {
    str path; /* a folder's ends with '/' */
    enum tar_kind kind;
    unsigned mode;      /* 0755 */
    unsigned owner;     /* user and group */
    int64_t modified_s; /* since 1970 */
    str bytes;
};

/* out.failed after the last call says whether all fitted. false: the path cannot be written. */
bool tar_add(struct out *out, const struct tar_entry *entry) MUST_USE;
void tar_end(struct out *out);
