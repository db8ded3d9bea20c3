/* store.c - the front of the checkpoint backends; see store.h. */
#include "store/store_backend.h"

static const struct store_backend *const backends[] = { &store_sqlite, &store_memory };

static const struct store_backend *find(const char *name, struct why *why)
{
    for (size_t i = 0; i < COUNT(backends); i++)
        if (strcmp(name, backends[i]->name) == 0)
            return backends[i];
    fail_set(why, FAIL_INPUT, "there is no store backend \"%s\"; use sqlite or memory", name);
    return NULL;
}

fail store_create(struct store **store, const char *backend, const char *path, struct why *why)
{
    *store = NULL;
    const struct store_backend *found = find(backend, why);
    return found ? found->create(store, path, why) : FAIL_INPUT;
}

fail store_put(struct store *store, str collection, uint64_t key, str body, struct why *why)
{
    must(store->writing && collection.n > 0);
    return store->backend->put(store, collection, key, body, why);
}

fail store_commit(struct store **store, uint64_t offset, str version, struct why *why)
{
    must((*store)->writing);
    fail f = (*store)->backend->commit(*store, offset, version, why);
    store_close(*store);
    *store = NULL;
    return f;
}

fail store_open(struct store **store, const char *backend, const char *path, str version,
                uint64_t *offset, struct why *why)
{
    *store = NULL;
    const struct store_backend *found = find(backend, why);
    return found ? found->open(store, path, version, offset, why) : FAIL_INPUT;
}

fail store_each(struct store *store, str collection, store_fn fn, void *ctx, struct why *why)
{
    must(!store->writing);
    return store->backend->each(store, collection, fn, ctx, why);
}

void store_close(struct store *store)
{
    if (store)
        store->backend->close(store);
}
