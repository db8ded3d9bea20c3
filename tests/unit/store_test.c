/* store_test.c - checkpoints: one conformance suite for both backends, then what only a file can
 * suffer; and the content-addressed folder. */
#include "store/blobs.h"
#include "store/store.h"
#include "sys/files.h"
#include "tests/test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const backends[] = { "sqlite", "memory" };
#define EACH_BACKEND(b) for (const char *const *b = backends; b < backends + COUNT(backends); b++)

static const char *fresh_path(void)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/checkpoint", test_dir());
    return path;
}

static str body_of(uint64_t key, char bytes[200])
{
    size_t n = (size_t)(key % 200);
    memset(bytes, (int)key, n);
    return str_of(bytes, n);
}

static struct store *create(const char *backend, const char *path, uint64_t documents)
{
    struct why why;
    struct store *store;
    char bytes[200];
    CHECK_OK(store_create(&store, backend, path, &why));
    for (uint64_t i = 0; i < documents; i++) {
        uint64_t key = (i * 7919) % documents; /* not in order */
        CHECK_OK(store_put(store, STR("sheets"), key, body_of(key, bytes), &why));
    }
    CHECK_OK(store_put(store, STR("other"), UINT64_MAX, STR("last"), &why));
    CHECK_OK(store_put(store, STR("other"), 0, STR("first"), &why));
    return store;
}

static void make(const char *backend, const char *path, uint64_t documents, uint64_t offset)
{
    struct why why;
    struct store *store = create(backend, path, documents);
    CHECK_OK(store_commit(&store, offset, STR("v1"), &why));
    CHECK(!store);
}

static fail read_sheet(void *ctx, uint64_t key, str body, struct why *why)
{
    (void)why;
    char bytes[200];
    uint64_t *next = ctx;
    CHECK_EQ(key, *next);
    CHECK_STR(body, body_of(key, bytes));
    ++*next;
    return FAIL_NONE;
}

static fail read_other(void *ctx, uint64_t key, str body, struct why *why)
{
    int *seen = ctx;
    CHECK(key == (*seen ? UINT64_MAX : 0));
    CHECK_STR(body, *seen ? STR("last") : STR("first"));
    return ++*seen == 2 ? fail_set(why, FAIL_CONFLICT, "enough") : FAIL_NONE;
}

TEST(store, gives_back_documents_in_the_order_of_keys)
{
    EACH_BACKEND(b)
    {
        struct why why;
        struct store *store;
        const char *path = fresh_path();
        uint64_t offset, next = 0;
        int seen = 0;
        make(*b, path, 1000, 77);
        CHECK_OK(store_open(&store, *b, path, STR("v1"), &offset, &why));
        CHECK_EQ(offset, 77);
        CHECK_OK(store_each(store, STR("sheets"), read_sheet, &next, &why));
        CHECK_EQ(next, 1000);
        CHECK_EQ(store_each(store, STR("other"), read_other, &seen, &why), FAIL_CONFLICT);
        next = 0;
        CHECK_OK(store_each(store, STR("absent"), read_sheet, &next, &why));
        CHECK_EQ(next, 0);
        store_close(store);
    }
}

TEST(store, says_that_a_checkpoint_is_missing)
{
    EACH_BACKEND(b)
    {
        struct why why;
        struct store *store;
        uint64_t offset;
        CHECK_EQ(store_open(&store, *b, fresh_path(), STR("v1"), &offset, &why), FAIL_MISSING);
        CHECK(!store);
    }
}

TEST(store, refuses_a_checkpoint_of_another_version)
{
    EACH_BACKEND(b)
    {
        struct why why;
        struct store *store;
        uint64_t offset;
        const char *path = fresh_path();
        make(*b, path, 5, 1);
        CHECK_EQ(store_open(&store, *b, path, STR("v2"), &offset, &why), FAIL_CORRUPT);
        CHECK_HAS(str_z(why.text), STR("another version"));
    }
}

TEST(store, shows_nobody_what_is_not_committed)
{
    EACH_BACKEND(b)
    {
        struct why why;
        struct store *store, *old;
        uint64_t offset, next = 0;
        const char *path = fresh_path();
        make(*b, path, 10, 1);
        store = create(*b, path, 20);
        CHECK_OK(store_open(&old, *b, path, STR("v1"), &offset, &why));
        CHECK_EQ(offset, 1);
        store_close(store); /* dropped */
        CHECK_OK(store_each(old, STR("sheets"), read_sheet, &next, &why));
        CHECK_EQ(next, 10);
        store_close(old);
    }
}

TEST(store, replaces_the_old_checkpoint_while_it_is_read)
{
    EACH_BACKEND(b)
    {
        struct why why;
        struct store *old, *new;
        uint64_t offset, next = 0;
        const char *path = fresh_path();
        make(*b, path, 10, 1);
        CHECK_OK(store_open(&old, *b, path, STR("v1"), &offset, &why));
        make(*b, path, 20, 2);
        CHECK_OK(store_each(old, STR("sheets"), read_sheet, &next, &why));
        CHECK_EQ(next, 10);
        store_close(old);
        next = 0;
        CHECK_OK(store_open(&new, *b, path, STR("v1"), &offset, &why));
        CHECK_EQ(offset, 2);
        CHECK_OK(store_each(new, STR("sheets"), read_sheet, &next, &why));
        CHECK_EQ(next, 20);
        store_close(new);
    }
}

TEST(store, refuses_a_backend_that_does_not_exist)
{
    struct why why;
    struct store *store;
    CHECK_EQ(store_create(&store, "paper", "x", &why), FAIL_INPUT);
    CHECK_HAS(str_z(why.text), STR("sqlite or memory"));
}

/* --- files only ------------------------------------------------------------------------------ */

TEST(store, leaves_no_half_made_file_behind)
{
    char beside[PATH_MAX + 8];
    const char *path = fresh_path();
    snprintf(beside, sizeof(beside), "%s.tmp", path);
    struct store *store = create("sqlite", path, 5);
    CHECK_EQ(access(beside, F_OK), 0);
    store_close(store);
    CHECK_EQ(access(beside, F_OK), -1);
    CHECK_EQ(access(path, F_OK), -1);
}

static fail ignore_body(void *ctx, uint64_t key, str body, struct why *why)
{
    (void)why;
    char bytes[200];
    CHECK_STR(body, body_of(key, bytes)); /* whatever is served is what was put */
    ++*(uint64_t *)ctx;
    return FAIL_NONE;
}

#define ROTTING 3000 /* documents: some pages full of them */
#define FLIPS   300

static bool all_sheets_there(const char *path)
{
    struct why why;
    struct store *store;
    uint64_t offset, seen = 0;
    if (store_open(&store, "sqlite", path, STR("v1"), &offset, &why))
        return false;
    fail f = store_each(store, STR("sheets"), ignore_body, &seen, &why);
    store_close(store);
    return !f && seen == ROTTING && offset == 9;
}

TEST(store, never_serves_a_document_that_the_disk_changed)
{
    const char *path = fresh_path();
    make("sqlite", path, ROTTING, 9);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    off_t size = lseek(fd, 0, SEEK_END);
    CHECK(size > 20000);
    unsigned found = 0;
    for (off_t at = 0; at < size; at += size / FLIPS | 1) {
        unsigned char byte, flipped;
        CHECK_EQ(pread(fd, &byte, 1, at), 1);
        flipped = byte ^ (unsigned char)(1 << at % 8);
        CHECK_EQ(pwrite(fd, &flipped, 1, at), 1);
        found += !all_sheets_there(path); /* a byte nobody reads may go unseen; a lie may not */
        CHECK_EQ(pwrite(fd, &byte, 1, at), 1);
    }
    CHECK(found > FLIPS / 3);
    CHECK(all_sheets_there(path));
    close(fd);
}

TEST(store, finds_a_checkpoint_cut_short)
{
    const char *path = fresh_path();
    make("sqlite", path, 300, 9);
    struct stat st;
    CHECK_EQ(stat(path, &st), 0);
    for (off_t size = st.st_size - 1; size >= 0; size -= 4001) {
        CHECK_EQ(truncate(path, size), 0);
        CHECK(!all_sheets_there(path));
    }
}

/* --- blobs ----------------------------------------------------------------------------------- */

TEST(blobs, are_found_by_what_is_in_them)
{
    struct why why;
    struct blobs blobs;
    char name[BLOB_NAME_BYTES], again[BLOB_NAME_BYTES];
    str bytes;
    CHECK_OK(blobs_open(&blobs, files_real(), test_dir(), &why));
    CHECK_OK(blobs_put(&blobs, STR("abc"), name, &why));
    CHECK_STR(str_z(name), STR("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
    CHECK_OK(blobs_put(&blobs, STR("abc"), again, &why));
    CHECK_STR(str_z(again), str_z(name));
    CHECK_OK(blobs_map(&blobs, name, &bytes, &why));
    CHECK_STR(bytes, STR("abc"));
    blobs_unmap(&blobs, bytes);
    CHECK_OK(blobs_put(&blobs, STR(""), name, &why));
    CHECK_OK(blobs_map(&blobs, name, &bytes, &why));
    CHECK_EQ(bytes.n, 0);
    blobs_unmap(&blobs, bytes);
    blobs_close(&blobs);
}

TEST(blobs, are_never_served_when_damaged)
{
    struct why why;
    struct blobs blobs;
    char name[BLOB_NAME_BYTES], path[PATH_MAX];
    str bytes;
    const char *dir = test_dir();
    CHECK_OK(blobs_open(&blobs, files_real(), dir, &why));
    CHECK_OK(blobs_put(&blobs, STR("a picture of a triangle"), name, &why));
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    CHECK_EQ(truncate(path, 5), 0);
    CHECK_EQ(blobs_map(&blobs, name, &bytes, &why), FAIL_CORRUPT);
    CHECK_HAS(str_z(why.text), str_z(path));
    CHECK_OK(blobs_put(&blobs, STR("a picture of a triangle"), name, &why)); /* heals it */
    CHECK_OK(blobs_map(&blobs, name, &bytes, &why));
    CHECK_STR(bytes, STR("a picture of a triangle"));
    blobs_unmap(&blobs, bytes);
    blobs_close(&blobs);
}

TEST(blobs, have_names_of_64_digits_and_no_other)
{
    struct why why;
    struct blobs blobs;
    str bytes;
    static const char upper[] = "BA7816BF8F01CFEA414140DE5DAE2223"
                                "B00361A396177A9CB410FF61F20015AD";
    const char *const names[] = { "", "abc", "../../../../etc/passwd", upper };
    CHECK_OK(blobs_open(&blobs, files_real(), test_dir(), &why));
    for (size_t i = 0; i < COUNT(names); i++)
        CHECK_EQ(blobs_map(&blobs, names[i], &bytes, &why), FAIL_MISSING);
    CHECK_EQ(blobs_map(&blobs, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                       &bytes, &why),
             FAIL_MISSING);
    blobs_close(&blobs);
}
