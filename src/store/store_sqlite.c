/* store_sqlite.c - a checkpoint as one SQLite file, written beside the old one and renamed over it.
 *
 * Nobody ever sees half of it: it is built without a journal, synced whole, then renamed. What can
 * still happen is that the disk changes bytes later. SQLite finds damage to its own structure; each
 * document carries its own checksum, and the number of documents of each collection is kept, so
 * whatever is not exactly what was put ends in FAIL_CORRUPT and the hall replays the log. */
#include "store/crc32c.h"
#include "store/store_backend.h"
#include "sys/files.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define FORMAT           "2"
#define MAPPED_BYTES_MAX "0x7fff0000" /* SQLite's own limit; what lies behind is read */

struct sqlite_store {
    struct store store;
    sqlite3 *db;
    sqlite3_stmt *put;
    char path[PATH_MAX], beside[PATH_MAX];
};

static struct sqlite_store *ours(struct store *store)
{
    return CONTAINER(store, struct sqlite_store, store);
}

static fail failed(struct sqlite_store *sqlite, const char *doing, struct why *why)
{
    int code = sqlite->db ? sqlite3_errcode(sqlite->db) : SQLITE_NOMEM;
    bool bad = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    return fail_set(why,
                    code == SQLITE_FULL ? FAIL_FULL
                    : bad               ? FAIL_CORRUPT
                                        : FAIL_WORLD,
                    "cannot %s checkpoint %s: %s", doing, sqlite->path,
                    sqlite->db ? sqlite3_errmsg(sqlite->db) : "no memory");
}

static fail new_store(struct sqlite_store **sqlite, const char *path, bool writing, struct why *why)
{
    if (strlen(path) >= PATH_MAX - 4)
        return fail_set(why, FAIL_INPUT, "the path %s is too long; use a shorter folder", path);
    *sqlite = calloc(1, sizeof(**sqlite));
    must(*sqlite);
    (*sqlite)->store = (struct store){ .backend = &store_sqlite, .writing = writing };
    snprintf((*sqlite)->path, PATH_MAX, "%s", path);
    snprintf((*sqlite)->beside, PATH_MAX, "%.*s.tmp", PATH_MAX - 5, path);
    return FAIL_NONE;
}

static void sqlite_close(struct store *store)
{
    struct sqlite_store *sqlite = ours(store);
    sqlite3_finalize(sqlite->put);
    sqlite3_close(sqlite->db);
    if (store->writing)
        remove(sqlite->beside);
    free(sqlite);
}

static bool run(struct sqlite_store *sqlite, const char *sql)
{
    return sqlite3_exec(sqlite->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* No journal and no syncs while building: a half-built file is thrown away, never read. The largest
 * pages there are: a body of a megabyte is then 16 reads and not 256. */
static const char begin_sql[] =
    "PRAGMA page_size=65536; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA "
    "locking_mode=EXCLUSIVE;"
    "CREATE TABLE documents(collection TEXT, key INTEGER, sum INTEGER, body BLOB,"
    "  PRIMARY KEY(collection, key)) WITHOUT ROWID;"
    "CREATE TABLE about(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "BEGIN;";
static const char end_sql[] = "INSERT INTO about SELECT 'count of '||collection, count(*)"
                              "  FROM documents GROUP BY collection; COMMIT;";

static fail sqlite_create(struct store **store, const char *path, struct why *why)
{
    struct sqlite_store *sqlite;
    fail f = new_store(&sqlite, path, true, why);
    if (f)
        return f;
    remove(sqlite->beside);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(sqlite->beside, &sqlite->db, flags, NULL) != SQLITE_OK ||
        !run(sqlite, begin_sql) ||
        sqlite3_prepare_v2(sqlite->db, "INSERT INTO documents VALUES(?,?,?,?)", -1, &sqlite->put,
                           NULL) != SQLITE_OK) {
        f = failed(sqlite, "create", why);
        sqlite_close(&sqlite->store);
        return f;
    }
    *store = &sqlite->store;
    return FAIL_NONE;
}

/* SQLite's integers are signed; turning the top bit keeps the order of unsigned keys. */
static int64_t key_in(uint64_t key)
{
    return (int64_t)(key ^ (uint64_t)1 << 63);
}

static uint32_t sum_of(str collection, uint64_t key, str body)
{
    uint32_t sum = crc32c(0, collection.p, collection.n);
    return crc32c(crc32c(sum, &key, sizeof(key)), body.p, body.n);
}

static fail sqlite_put(struct store *store, str collection, uint64_t key, str body, struct why *why)
{
    struct sqlite_store *sqlite = ours(store);
    sqlite3_stmt *put = sqlite->put;
    sqlite3_bind_text(put, 1, collection.p, (int)collection.n, SQLITE_STATIC);
    sqlite3_bind_int64(put, 2, key_in(key));
    sqlite3_bind_int64(put, 3, sum_of(collection, key, body));
    sqlite3_bind_blob64(put, 4, body.n ? body.p : "", body.n, SQLITE_STATIC);
    bool done = sqlite3_step(put) == SQLITE_DONE;
    fail f = done ? FAIL_NONE : failed(sqlite, "write", why);
    sqlite3_reset(put);
    return f;
}

static bool put_about(struct sqlite_store *sqlite, uint64_t offset, str version)
{
    sqlite3_stmt *about;
    static const char sql[] = "INSERT INTO about VALUES('format'," FORMAT "),('offset',?1),"
                              "('version',?2),('sum',?3)";
    if (sqlite3_prepare_v2(sqlite->db, sql, -1, &about, NULL) != SQLITE_OK)
        return false;
    sqlite3_bind_int64(about, 1, (int64_t)offset);
    sqlite3_bind_text(about, 2, version.p, (int)version.n, SQLITE_STATIC);
    sqlite3_bind_int64(about, 3, sum_of(STR("about"), offset, version));
    bool done = sqlite3_step(about) == SQLITE_DONE;
    return sqlite3_finalize(about) == SQLITE_OK && done;
}

static fail make_durable(const struct sqlite_store *sqlite, struct why *why)
{
    struct files *files = files_real();
    char folder[PATH_MAX];
    const char *slash = strrchr(sqlite->path, '/');
    snprintf(folder, sizeof(folder), "%.*s", slash ? MAX((int)(slash - sqlite->path), 1) : 1,
             slash ? sqlite->path : ".");
    int handle;
    fail f = files->open(files, sqlite->beside, FILE_WRITE, &handle, why);
    if (f)
        return f;
    f = files->sync(files, handle, why);
    files->close(files, handle);
    if (!f)
        f = files->rename(files, sqlite->beside, sqlite->path, why);
    return f ? f : files->sync_dir(files, folder, why);
}

static fail sqlite_commit(struct store *store, uint64_t offset, str version, struct why *why)
{
    struct sqlite_store *sqlite = ours(store);
    sqlite3_finalize(sqlite->put);
    sqlite->put = NULL;
    if (!put_about(sqlite, offset, version) || !run(sqlite, end_sql))
        return failed(sqlite, "finish", why);
    if (sqlite3_close(sqlite->db) != SQLITE_OK)
        return failed(sqlite, "close", why);
    sqlite->db = NULL;
    fail f = make_durable(sqlite, why);
    store->writing = f != FAIL_NONE; /* what was not renamed is removed on closing */
    return f;
}

/* The one value a statement yields; body is what it is compared with, or NULL for a number. */
static bool about_text(struct sqlite_store *sqlite, const char *name, str want)
{
    sqlite3_stmt *get;
    bool same = false;
    if (sqlite3_prepare_v2(sqlite->db, "SELECT value FROM about WHERE name=?", -1, &get, NULL))
        return false;
    sqlite3_bind_text(get, 1, name, -1, SQLITE_STATIC);
    if (sqlite3_step(get) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(get, 0);
        same = str_eq(str_of(text, (size_t)sqlite3_column_bytes(get, 0)), want);
    }
    sqlite3_finalize(get);
    return same;
}

static bool about_number(struct sqlite_store *sqlite, const char *before, str name, uint64_t *value)
{
    sqlite3_stmt *get;
    bool found = false;
    if (sqlite3_prepare_v2(sqlite->db, "SELECT value FROM about WHERE name=?1||?2", -1, &get, NULL))
        return false;
    sqlite3_bind_text(get, 1, before, -1, SQLITE_STATIC);
    sqlite3_bind_text(get, 2, name.p, (int)name.n, SQLITE_STATIC);
    if (sqlite3_step(get) == SQLITE_ROW && sqlite3_column_type(get, 0) == SQLITE_INTEGER) {
        *value = (uint64_t)sqlite3_column_int64(get, 0);
        found = true;
    }
    sqlite3_finalize(get);
    return found;
}

static fail check_about(struct sqlite_store *sqlite, str version, uint64_t *offset, struct why *why)
{
    if (!about_text(sqlite, "format", STR(FORMAT)) || !about_text(sqlite, "version", version))
        return fail_set(why, FAIL_CORRUPT,
                        "checkpoint %s is damaged or was written by another version", sqlite->path);
    uint64_t sum;
    if (!about_number(sqlite, "offset", STR(""), offset) ||
        !about_number(sqlite, "sum", STR(""), &sum) ||
        sum != sum_of(STR("about"), *offset, version))
        return fail_set(why, FAIL_CORRUPT, "checkpoint %s does not say up to where it is folded",
                        sqlite->path);
    return FAIL_NONE;
}

static fail sqlite_open(struct store **store, const char *path, str version, uint64_t *offset,
                        struct why *why)
{
    int handle; /* SQLite has one error for absent and unreadable: ask the seam */
    fail f = files_real()->open(files_real(), path, FILE_READ, &handle, why);
    if (f)
        return f;
    files_real()->close(files_real(), handle);
    struct sqlite_store *sqlite;
    f = new_store(&sqlite, path, false, why);
    if (f)
        return f;
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    /* Mapped, a page is read where the kernel has it: the file never changes, so nobody cuts it. */
    if (sqlite3_open_v2(path, &sqlite->db, flags, NULL) != SQLITE_OK ||
        !run(sqlite, "PRAGMA mmap_size=" MAPPED_BYTES_MAX))
        f = failed(sqlite, "open", why);
    else
        f = check_about(sqlite, version, offset, why);
    if (f)
        sqlite_close(&sqlite->store);
    else
        *store = &sqlite->store;
    return f;
}

static fail damaged(const struct sqlite_store *sqlite, str collection, struct why *why)
{
    return fail_set(why, FAIL_CORRUPT, "checkpoint %s is damaged in \"%.*s\"; it will be made anew",
                    sqlite->path, STR_ARG(collection));
}

static fail each_row(struct sqlite_store *sqlite, sqlite3_stmt *rows, str collection, store_fn fn,
                     void *ctx, struct why *why)
{
    uint64_t expected = 0, seen = 0;
    int step;
    about_number(sqlite, "count of ", collection, &expected);
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        uint64_t key = (uint64_t)key_in((uint64_t)sqlite3_column_int64(rows, 0));
        const void *bytes = sqlite3_column_blob(rows, 2);
        str body = str_of(bytes, (size_t)sqlite3_column_bytes(rows, 2));
        if (sqlite3_column_int64(rows, 1) != sum_of(collection, key, body))
            return damaged(sqlite, collection, why);
        fail f = fn(ctx, key, body, why);
        if (f)
            return f;
        seen++;
    }
    if (step != SQLITE_DONE)
        return failed(sqlite, "read", why);
    return seen == expected ? FAIL_NONE : damaged(sqlite, collection, why);
}

static fail sqlite_each(struct store *store, str collection, store_fn fn, void *ctx,
                        struct why *why)
{
    struct sqlite_store *sqlite = ours(store);
    sqlite3_stmt *rows;
    static const char sql[] = "SELECT key, sum, body FROM documents WHERE collection=? "
                              "ORDER BY key";
    if (sqlite3_prepare_v2(sqlite->db, sql, -1, &rows, NULL) != SQLITE_OK)
        return failed(sqlite, "read", why);
    sqlite3_bind_text(rows, 1, collection.p, (int)collection.n, SQLITE_STATIC);
    fail f = each_row(sqlite, rows, collection, fn, ctx, why);
    sqlite3_finalize(rows);
    return f;
}

const struct store_backend store_sqlite = {
    .name = "sqlite",
    .create = sqlite_create,
    .put = sqlite_put,
    .commit = sqlite_commit,
    .open = sqlite_open,
    .each = sqlite_each,
    .close = sqlite_close,
};
