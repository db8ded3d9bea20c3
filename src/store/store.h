/* store.h - documents folded from the log: always disposable, always rebuildable.
 *
 * A checkpoint writes documents (collection, key, body) together with the log offset they are
 * folded up to: events that are still needed, sessions, the book (app/checkpoint.c). Opening a hall
 * loads the newest checkpoint and replays the log from there. Backends: "sqlite" (one file, written
 * beside and renamed over the old one) and "memory". A damaged or absent checkpoint is not an error
 * for the hall: it replays from 0. */
#pragma once

#include "base/fail.h"

struct store;

/* A writer makes a new checkpoint; nobody sees it before store_commit returns FAIL_NONE. */
fail store_create(struct store **store, const char *backend, const char *path,
                  struct why *why) MUST_USE;
fail store_put(struct store *store, str collection, uint64_t key, str body,
               struct why *why) MUST_USE;
/* Makes it durable as folded up to `offset` by the program `version`, replaces the old, closes. */
fail store_commit(struct store **store, uint64_t offset, str version, struct why *why) MUST_USE;

/* A reader. FAIL_MISSING when there is none, FAIL_CORRUPT when it is not whole, or was written by
 * another version. */
fail store_open(struct store **store, const char *backend, const char *path, str version,
                uint64_t *offset, struct why *why) MUST_USE;
/* Each document of a collection in the order of keys; body is borrowed for the call. */
typedef fail (*store_fn)(void *ctx, uint64_t key, str body, struct why *why);
fail store_each(struct store *store, str collection, store_fn fn, void *ctx,
                struct why *why) MUST_USE;
void store_close(struct store *store); /* drops an uncommitted checkpoint; NULL is fine */
