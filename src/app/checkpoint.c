/* checkpoint.c - makes opening a hall fast: what the log folds to, written now and then.
 *
 * A checkpoint holds two things. First the events of every topic but answers and sessions, as they
 * are: a roster, papers, starts and submissions are few, and replaying them is the same code as
 * ever. Second what the many answers and sessions folded to: the tables of the book and the epochs
 * of the directory. Opening replays the first, loads the second, and folds the log from where the
 * checkpoint ends.
 *
 * It is written by a forked child, from memory as it was at the fork, so the hall goes on
 * meanwhile; the child copies the old checkpoint's events and adds those of the log since. When
 * anything is wrong with a checkpoint it is not used: the log alone is enough (docs/adr/0002). */
#include "app/hall_internal.h"
#include "sys/note.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEPT_TOPICS      (TOPICS_ALL & ~(TOPIC_BIT(TOPIC_ANSWERS) | TOPIC_BIT(TOPIC_SESSIONS)))
#define CHECKPOINT_EVERY 2000000 /* records between two: folding these takes a quarter second */
#define CHILD_US_MAX     (600 * 1000000ll)
#define BLOCK_BYTES      MIB /* of events; one larger than that has a block of its own */
#define FORMAT           "3" /* raised when a table or an event changes its meaning */

static void path_of(const struct hall *hall, char path[4096])
{
    snprintf(path, 4096, "%s/checkpoint.db", hall->opts.dir);
}

/* --- loading -----------------------------------------------------------------------------------
 */

static fail look_at_block(void *ctx, uint64_t first, str body, struct why *why)
{
    (void)ctx, (void)first, (void)body, (void)why;
    return FAIL_NONE;
}

static bool take_event(struct wire_in *in, struct record *record)
{
    record->offset = wire_get_u64(in);
    record->topic = wire_get_u8(in);
    record->type = wire_get_u8(in);
    record->key = wire_get_u32(in);
    record->at = wire_get_i64(in);
    record->body = wire_get_str(in);
    return !in->failed && record->topic < TOPIC_COUNT;
}

static fail load_block(void *ctx, uint64_t first, str body, struct why *why)
{
    struct wire_in in = wire_in_make(body);
    struct record run[LOG_RUN];
    while (wire_more(&in)) {
        size_t n = 0;
        while (n < LOG_RUN && wire_more(&in))
            if (!take_event(&in, &run[n++]))
                return fail_set(why, FAIL_CORRUPT, "the checkpoint's block %llu is damaged",
                                (unsigned long long)first);
        hall_fold_run(ctx, run, n);
    }
    return FAIL_NONE;
}

/* A fold trusts its events, each and all of them: so they are looked at whole before the first. */
static fail load(struct hall *hall, struct store *store, struct why *why)
{
    fail f = store_each(store, STR("events"), look_at_block, NULL, why);
    hall->book_follows = true;
    if (!f)
        f = store_each(store, STR("events"), load_block, hall, why);
    hall->book_follows = false;
    if (!f)
        f = directory_load(&hall->directory, store, why);
    if (!f && hall->has_book)
        f = book_load(&hall->book, store, why);
    return f;
}

fail checkpoint_load(struct hall *hall, struct why *why)
{
    char path[4096];
    struct store *store = NULL;
    uint64_t offset = 0;
    if (!hall->opts.dir || hall->checkpoint_damaged ||
        (hall->opts.log_backend && strcmp(hall->opts.log_backend, "memory") == 0))
        return FAIL_NONE;
    path_of(hall, path);
    fail f = store_open(&store, "sqlite", path, STR(FORMAT), &offset, why);
    if (f && f != FAIL_MISSING)
        note_fail("checkpoint.unreadable", why);
    if (f)
        return FAIL_NONE; /* replay from 0 */
    f = load(hall, store, why);
    hall->checkpoint_damaged = f != FAIL_NONE;
    store_close(store);
    hall->checkpoint_at = offset;
    return why_add(why, f, "checkpoint %s (it may be removed: the log rebuilds all)", path);
}

/* A checkpoint of durable records cannot be ahead of its log: this is another hall's log, or the
 * log was cut by hand. */
fail checkpoint_check(struct hall *hall, struct why *why)
{
    char path[4096];
    path_of(hall, path);
    if (hall->checkpoint_at <= log_appended(hall->log))
        return FAIL_NONE;
    return fail_set(why, FAIL_CORRUPT,
                    "the checkpoint %s is ahead of the log; if the log was restored from a copy, "
                    "remove the checkpoint (the log rebuilds all)",
                    path);
}

/* --- saving ------------------------------------------------------------------------------------
 */

struct blocks {
    struct store *store;
    struct out bytes; /* of the block at hand */
    uint64_t first;   /* offset of its first event: its key */
};

static fail end_block(struct blocks *blocks, struct why *why)
{
    must(!blocks->bytes.failed);
    if (!blocks->bytes.n)
        return FAIL_NONE;
    fail f = store_put(blocks->store, STR("events"), blocks->first, out_view(&blocks->bytes), why);
    out_clear(&blocks->bytes);
    return f;
}

static fail save_event(void *ctx, const struct record *record, struct why *why)
{
    struct blocks *blocks = ctx;
    char bytes[32];
    struct wire_out out = wire_out_make(bytes, sizeof(bytes));
    fail f = FAIL_NONE;
    if (blocks->bytes.n + record->body.n > BLOCK_BYTES)
        f = end_block(blocks, why);
    if (!blocks->bytes.n)
        blocks->first = record->offset;
    wire_put_u64(&out, record->offset);
    wire_put_u8(&out, record->topic);
    wire_put_u8(&out, record->type);
    wire_put_u32(&out, record->key);
    wire_put_i64(&out, record->at);
    wire_put_u32(&out, (uint32_t)record->body.n); /* as wire_put_str */
    must(!out.failed);
    out_bytes(&blocks->bytes, out.p, out.n);
    out_str(&blocks->bytes, record->body);
    return f;
}

static fail copy_block(void *ctx, uint64_t first, str body, struct why *why)
{
    return store_put(ctx, STR("events"), first, body, why);
}

static fail save_events(struct hall *hall, struct store *store, const char *path, struct why *why)
{
    struct blocks blocks = { store, out_make(2 * BLOCK_BYTES), 0 };
    struct store *old = NULL;
    uint64_t from = 0;
    fail f = store_open(&old, "sqlite", path, STR(FORMAT), &from, why);
    if (!f)
        f = store_each(old, STR("events"), look_at_block, NULL, why);
    if (f) /* none, or of no use: the log has them all */
        from = 0;
    f = f ? FAIL_NONE : store_each(old, STR("events"), copy_block, store, why);
    store_close(old);
    if (!f)
        f = log_read(hall->log, from, KEPT_TOPICS, save_event, &blocks, why);
    if (!f)
        f = end_block(&blocks, why);
    out_fini(&blocks.bytes);
    return f;
}

/* All that is folded must be durable: else a checkpoint could hold what the log then loses. */
static fail save(struct hall *hall, uint64_t offset, struct why *why)
{
    char path[4096];
    struct store *store = NULL;
    must(log_durable(hall->log) >= offset);
    path_of(hall, path);
    fail f = store_create(&store, "sqlite", path, why);
    if (!f)
        f = save_events(hall, store, path, why);
    if (!f)
        f = directory_save(&hall->directory, store, why);
    if (!f && hall->has_book)
        f = book_save(&hall->book, store, why);
    if (f)
        store_close(store);
    return f ? f : store_commit(&store, offset, STR(FORMAT), why);
}

fail hall_checkpoint(struct hall *hall, struct why *why)
{
    if (!hall->opts.dir)
        return FAIL_NONE;
    log_flush(hall->log);
    log_sync(hall->log);
    uint64_t offset = log_appended(hall->log);
    if (offset == hall->checkpoint_at)
        return FAIL_NONE;
    fail f = save(hall, offset, why);
    if (!f)
        hall->checkpoint_at = offset;
    return f;
}

static void reap(struct hall *hall)
{
    int status = 0;
    if (!hall->checkpoint_pid)
        return;
    if (waitpid(hall->checkpoint_pid, &status, WNOHANG) != 0) {
        hall->checkpoint_pid = 0; /* a failed child left the old checkpoint as it was */
        if (WIFSIGNALED(status))
            note("error", "checkpoint.failed", "\"why\":\"its process ended by signal %d\"",
                 WTERMSIG(status));
        return;
    }
    if (clock_mono_us(hall->host.clock) - hall->checkpoint_us > CHILD_US_MAX)
        kill(hall->checkpoint_pid,
             SIGKILL); /* a lock of another thread may have been held at the fork */
}

/* The child holds our sockets and our lock on the log. It must not outlive us by a moment: the next
 * hall wants the lock, and the gateway wants to see its connections end. It has time: saves have
 * not. */
static void become_child(pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    fail_ignore(nice(19) < 0, "then it is only less polite");
    if (getppid() != parent)
        _exit(1);
}

void hall_checkpoint_maybe(struct hall *hall)
{
    reap(hall);
    uint64_t offset = log_appended(hall->log);
    uint64_t every = hall->opts.checkpoint_every ? hall->opts.checkpoint_every : CHECKPOINT_EVERY;
    if (hall->checkpoint_pid || !hall->opts.dir || offset - hall->checkpoint_at < every)
        return;
    log_sync(hall->log); /* in a busy hall something is always on its way to the disk */
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return; /* no memory for a child now: later */
    if (pid == 0) {
        struct why why;
        become_child(parent);
        /* Only this thread exists here; the log's threads do not, and log_read needs none. */
        fail f = save(hall, offset, &why);
        if (f)
            note_fail("checkpoint.failed", &why);
        _exit(f ? 1 : 0);
    }
    hall->checkpoint_pid = pid;
    hall->checkpoint_us = clock_mono_us(hall->host.clock);
    hall->checkpoint_at = offset; /* do not start another for this stretch even if this one fails */
}
