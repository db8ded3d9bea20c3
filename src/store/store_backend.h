/* store_backend.h - what a backend of the store provides; callers include store.h only. */
#pragma once

#include "store/store.h"

struct store {
    const struct store_backend *backend;
    bool writing;
};

struct store_backend {
    const char *name;
    fail (*create)(struct store **store, const char *path, struct why *why);
    fail (*put)(struct store *store, str collection, uint64_t key, str body, struct why *why);
    /* After FAIL_NONE the new checkpoint has replaced the old one, for good. Does not free. */
    fail (*commit)(struct store *store, uint64_t offset, str version, struct why *why);
    fail (*open)(struct store **store, const char *path, str version, uint64_t *offset,
                 struct why *why);
    /* Ascending keys. FAIL_CORRUPT as soon as a document, or their number, is not what was put. */
    fail (*each)(struct store *store, str collection, store_fn fn, void *ctx, struct why *why);
    void (*close)(struct store *store); /* frees, and drops what was not committed */
};

extern const struct store_backend store_sqlite;
extern const struct store_backend store_memory;
