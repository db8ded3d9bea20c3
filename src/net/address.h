/* address.h - HOST:PORT as people write it: "hall:7443", "10.0.0.1:443", "[::1]:7443", ":7443". */
#pragma once

#include "base/str.h"

struct address {
    char host[256], port[16]; /* either may be empty; the host without brackets */
};

/* Without a colon all of it is the host. False: a part is too long for any. */
bool address_cut(struct address *address, const char *text) MUST_USE;
