/* store_memory.c - checkpoints that live as long as the process, found again by their path: for
 * tests and simulations. One thread. */
#include "store/store_backend.h"

#include <stdlib.h>

struct document {
    str collection, body; /* one allocation, at collection.p */
    uint64_t key;
};

struct checkpoint {
    struct store store;
    struct checkpoint *next; /* in `kept` */
    char *path;
    uint64_t offset;
    str version;
    struct document *documents;
    size_t count, cap;
    unsigned readers; /* a replaced checkpoint goes with its last reader */
    bool replaced;
};

static struct checkpoint *kept; /* committed ones, the "disk" of this backend */

static void checkpoint_free(struct checkpoint *checkpoint)
{
    for (size_t i = 0; i < checkpoint->count; i++)
        free((char *)checkpoint->documents[i].collection.p);
    free(checkpoint->documents);
    free((char *)checkpoint->version.p);
    free(checkpoint->path);
    free(checkpoint);
}

static char *copy(str a, str b)
{
    char *p = malloc(a.n + b.n + 1);
    must(p);
    memcpy(p, a.p, a.n);
    if (b.n)
        memcpy(p + a.n, b.p, b.n);
    p[a.n + b.n] = 0;
    return p;
}

static fail memory_create(struct store **store, const char *path, struct why *why)
{
    (void)why;
    struct checkpoint *checkpoint = calloc(1, sizeof(*checkpoint));
    must(checkpoint);
    checkpoint->store = (struct store){ .backend = &store_memory, .writing = true };
    checkpoint->path = copy(str_z(path), STR_NONE);
    *store = &checkpoint->store;
    return FAIL_NONE;
}

static fail memory_put(struct store *store, str collection, uint64_t key, str body, struct why *why)
{
    (void)why;
    struct checkpoint *checkpoint = CONTAINER(store, struct checkpoint, store);
    if (checkpoint->count == checkpoint->cap) {
        checkpoint->cap = MAX(checkpoint->cap * 2, 64);
        checkpoint->documents =
            realloc(checkpoint->documents, checkpoint->cap * sizeof(struct document));
        must(checkpoint->documents);
    }
    char *p = copy(collection, body);
    checkpoint->documents[checkpoint->count++] = (struct document){
        .collection = str_of(p, collection.n),
        .body = str_of(p + collection.n, body.n),
        .key = key,
    };
    return FAIL_NONE;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const struct document *)a)->key, y = ((const struct document *)b)->key;
    return x < y ? -1 : x > y;
}

static struct checkpoint **find(const char *path)
{
    struct checkpoint **at = &kept;
    while (*at && strcmp((*at)->path, path) != 0)
        at = &(*at)->next;
    return at;
}

static fail memory_commit(struct store *store, uint64_t offset, str version, struct why *why)
{
    (void)why;
    struct checkpoint *checkpoint = CONTAINER(store, struct checkpoint, store);
    if (checkpoint->count)
        qsort(checkpoint->documents, checkpoint->count, sizeof(struct document), by_key);
    checkpoint->offset = offset;
    checkpoint->version = str_of(copy(version, STR_NONE), version.n);
    checkpoint->store.writing = false;
    struct checkpoint **at = find(checkpoint->path), *old = *at;
    checkpoint->next = old ? old->next : NULL;
    *at = checkpoint;
    checkpoint->readers = 1; /* the writer itself, until it closes */
    if (old && old->readers == 0)
        checkpoint_free(old);
    else if (old)
        old->replaced = true;
    return FAIL_NONE;
}

static fail memory_open(struct store **store, const char *path, str version, uint64_t *offset,
                        struct why *why)
{
    struct checkpoint *checkpoint = *find(path);
    if (!checkpoint)
        return fail_set(why, FAIL_MISSING, "there is no checkpoint %s", path);
    if (!str_eq(checkpoint->version, version))
        return fail_set(why, FAIL_CORRUPT, "checkpoint %s was written by another version", path);
    checkpoint->readers++;
    *offset = checkpoint->offset;
    *store = &checkpoint->store;
    return FAIL_NONE;
}

static fail memory_each(struct store *store, str collection, store_fn fn, void *ctx,
                        struct why *why)
{
    const struct checkpoint *checkpoint = CONTAINER(store, struct checkpoint, store);
    for (size_t i = 0; i < checkpoint->count; i++) {
        const struct document *document = &checkpoint->documents[i];
        fail f = str_eq(document->collection, collection)
                     ? fn(ctx, document->key, document->body, why)
                     : FAIL_NONE;
        if (f)
            return f;
    }
    return FAIL_NONE;
}

static void memory_close(struct store *store)
{
    struct checkpoint *checkpoint = CONTAINER(store, struct checkpoint, store);
    bool committed = !store->writing;
    if (committed)
        checkpoint->readers--;
    if (!committed || (checkpoint->replaced && checkpoint->readers == 0))
        checkpoint_free(checkpoint);
}

const struct store_backend store_memory = {
    .name = "memory",
    .create = memory_create,
    .put = memory_put,
    .commit = memory_commit,
    .open = memory_open,
    .each = memory_each,
    .close = memory_close,
};
