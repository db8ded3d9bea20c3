/* files_sim.c - see files_sim.h. Everything is in a few fixed tables of one shared mapping; names
 * refer to inodes by number, so a copy is a copy of the tables and of the bytes in use. */
#include "sys/files_sim.h"

#include <stdio.h>
#include <sys/mman.h>

#define SECTOR_BYTES 512
#define BLOCK_BYTES  4096
#define PATH_BYTES   128
#define INODES       64
#define NAMES        64
#define CHANGES      64
#define HANDLES      32
#define FOLDER       (-2) /* instead of an inode's number */
#define NOTHING      (-1)

struct inode {
    bool used;
    uint64_t size, disk_size;
};

struct name {
    char path[PATH_BYTES]; /* empty: a free place */
    int inode;
};

struct change { /* of a name, not yet synced: path is now inode, and `gone` is not */
    char path[PATH_BYTES], gone[PATH_BYTES];
    int inode;
};

struct files_sim {
    struct files files;
    struct chance chance;
    uint64_t mapped_bytes, file_bytes_max, room;
    uint64_t calls, fail_call;
    fail fail_code;
    bool fail_for_ever, starved;
    files_sim_fn on_call;
    void *on_call_ctx;
    struct inode inodes[INODES];
    struct name names[NAMES], disk_names[NAMES];
    struct change changes[CHANGES];
    size_t change_count;
    int handles[HANDLES]; /* inode, or NOTHING */
    char bytes[];         /* of each inode: cache, disk, a byte for each dirty sector */
};

static struct files_sim *ours(struct files *files)
{
    return CONTAINER(files, struct files_sim, files);
}

static uint64_t stride(const struct files_sim *sim)
{
    return 2 * sim->file_bytes_max + sim->file_bytes_max / SECTOR_BYTES;
}

static uint64_t sectors_of(uint64_t bytes)
{
    return (bytes + SECTOR_BYTES - 1) / SECTOR_BYTES;
}

static char *cache_of(const struct files_sim *sim, int inode)
{
    return (char *)sim->bytes + stride(sim) * (uint64_t)inode;
}

static char *disk_of(const struct files_sim *sim, int inode)
{
    return cache_of(sim, inode) + sim->file_bytes_max;
}

static char *dirty_of(const struct files_sim *sim, int inode)
{
    return disk_of(sim, inode) + sim->file_bytes_max;
}

/* --- names ----------------------------------------------------------------------------------- */

static struct name *find(struct name *names, const char *path)
{
    for (size_t i = 0; i < NAMES; i++)
        if (strcmp(names[i].path, path) == 0)
            return &names[i];
    return NULL;
}

static void set_name(struct name *names, const char *path, int inode)
{
    struct name *name = find(names, path);
    if (!name)
        name = find(names, "");
    must(name && strlen(path) < PATH_BYTES);
    snprintf(name->path, PATH_BYTES, "%s", inode == NOTHING ? "" : path);
    name->inode = inode;
}

static str folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? str_of(path, (size_t)(slash - path)) : STR(".");
}

static void apply(struct name *names, const struct change *change)
{
    const struct name *gone = find(names, change->gone);
    if (change->gone[0] && gone && (change->inode == NOTHING || gone->inode == change->inode))
        set_name(names, change->gone, NOTHING);
    if (change->path[0])
        set_name(names, change->path, change->inode);
}

static void change_name(struct files_sim *sim, const char *path, const char *gone, int inode)
{
    must(sim->change_count < CHANGES);
    struct change *change = &sim->changes[sim->change_count++];
    snprintf(change->path, PATH_BYTES, "%s", path);
    snprintf(change->gone, PATH_BYTES, "%s", gone);
    change->inode = inode;
    apply(sim->names, change);
}

static bool is_needed(const struct files_sim *sim, int inode)
{
    bool needed = false;
    for (size_t i = 0; i < NAMES; i++) {
        needed |= sim->names[i].path[0] && sim->names[i].inode == inode;
        needed |= sim->disk_names[i].path[0] && sim->disk_names[i].inode == inode;
    }
    for (size_t i = 0; i < HANDLES; i++)
        needed |= sim->handles[i] == inode;
    for (size_t i = 0; i < sim->change_count; i++)
        needed |= sim->changes[i].inode == inode;
    return needed;
}

static void wipe(struct files_sim *sim, int inode)
{
    uint64_t bytes = MAX(sim->inodes[inode].size, sim->inodes[inode].disk_size);
    memset(cache_of(sim, inode), 0, bytes);
    memset(disk_of(sim, inode), 0, bytes);
    memset(dirty_of(sim, inode), 0, sectors_of(bytes));
    sim->inodes[inode] = (struct inode){ 0 };
}

static void forget_lost(struct files_sim *sim)
{
    for (int i = 0; i < INODES; i++)
        if (sim->inodes[i].used && !is_needed(sim, i))
            wipe(sim, i);
}

static int new_inode(struct files_sim *sim)
{
    forget_lost(sim);
    for (int i = 0; i < INODES; i++)
        if (!sim->inodes[i].used) {
            sim->inodes[i].used = true;
            return i;
        }
    never("the simulated disk has too many files");
}

/* --- faults ---------------------------------------------------------------------------------- */

/* A moment at which the process can die. */
static void moment(struct files_sim *sim)
{
    if (sim->on_call)
        sim->on_call(sim->on_call_ctx, sim);
}

static fail enter(struct files_sim *sim, struct why *why)
{
    moment(sim);
    sim->calls++;
    bool fails = sim->fail_call && (sim->calls == sim->fail_call ||
                                    (sim->fail_for_ever && sim->calls > sim->fail_call));
    return fails ? fail_set(why, sim->fail_code, "the simulated disk failed call %llu as told",
                            (unsigned long long)sim->calls)
                 : FAIL_NONE;
}

/* As enter, of a call that needs a descriptor. */
static fail enter_opening(struct files_sim *sim, struct why *why)
{
    fail f = enter(sim, why);
    if (f || !sim->starved)
        return f;
    return fail_set(why, FAIL_STARVED, "no descriptor is free for the simulated disk");
}

static fail absent(const char *path, struct why *why)
{
    return fail_set(why, FAIL_MISSING, "there is no %s on the simulated disk", path);
}

/* --- calls ----------------------------------------------------------------------------------- */

static fail sim_open(struct files *files, const char *path, int mode, int *handle, struct why *why)
{
    struct files_sim *sim = ours(files);
    *handle = -1;
    fail f = enter_opening(sim, why);
    if (f)
        return f;
    char folder[PATH_BYTES];
    snprintf(folder, sizeof(folder), "%.*s", STR_ARG(folder_of(path)));
    const struct name *name = find(sim->names, path);
    if ((!name && !(mode & FILE_CREATE)) || !find(sim->names, folder))
        return absent(path, why);
    if (!name)
        change_name(sim, path, "", new_inode(sim));
    for (int i = 0; i < HANDLES; i++)
        if (sim->handles[i] == NOTHING) {
            sim->handles[i] = find(sim->names, path)->inode;
            *handle = i;
            return FAIL_NONE;
        }
    never("too many files are open on the simulated disk");
}

static void sim_close(struct files *files, int handle)
{
    if (handle >= 0)
        ours(files)->handles[handle] = NOTHING;
}

static fail sim_read(struct files *files, int handle, uint64_t at, void *bytes, size_t n,
                     size_t *got, struct why *why)
{
    struct files_sim *sim = ours(files);
    *got = 0;
    fail f = enter(sim, why);
    if (f)
        return f;
    int inode = sim->handles[handle];
    uint64_t size = sim->inodes[inode].size;
    *got = at < size ? (size_t)MIN(n, size - at) : 0;
    memcpy(bytes, cache_of(sim, inode) + at, *got);
    return FAIL_NONE;
}

static uint64_t used(const struct files_sim *sim)
{
    uint64_t sum = 0;
    for (int i = 0; i < INODES; i++)
        sum += sim->inodes[i].size;
    return sum;
}

static void put(struct files_sim *sim, int inode, uint64_t at, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    memcpy(cache_of(sim, inode) + at, bytes, n);
    memset(dirty_of(sim, inode) + at / SECTOR_BYTES, 1,
           (at + n - 1) / SECTOR_BYTES - at / SECTOR_BYTES + 1);
    sim->inodes[inode].size = MAX(sim->inodes[inode].size, at + n);
}

static fail sim_write(struct files *files, int handle, uint64_t at, const void *bytes, size_t n,
                      struct why *why)
{
    struct files_sim *sim = ours(files);
    fail f = enter(sim, why);
    int inode = sim->handles[handle];
    uint64_t size = sim->inodes[inode].size;
    must(at + n <= sim->file_bytes_max);
    forget_lost(sim);
    uint64_t more = at + n > size ? at + n - size : 0;
    if (!f && more && (used(sim) > sim->room || more > sim->room - used(sim)))
        f = fail_set(why, FAIL_FULL, "the simulated disk is full");
    /* A process dies between two pages, not within one. */
    size_t part = (size_t)chance_below(&sim->chance, n / BLOCK_BYTES + 1) * BLOCK_BYTES;
    if (f != FAIL_FULL || !more) {
        put(sim, inode, at, bytes, part);
        moment(sim);
    }
    if (!f)
        put(sim, inode, at, bytes, n);
    return f;
}

static void settle(struct files_sim *sim, int inode, uint64_t sector)
{
    size_t at = (size_t)sector * SECTOR_BYTES;
    memcpy(disk_of(sim, inode) + at, cache_of(sim, inode) + at, SECTOR_BYTES);
}

static fail sim_sync(struct files *files, int handle, struct why *why)
{
    struct files_sim *sim = ours(files);
    fail f = enter(sim, why);
    int inode = sim->handles[handle];
    char *dirty = dirty_of(sim, inode);
    uint64_t sectors = sectors_of(sim->inodes[inode].size);
    bool all = !f, none = chance_below(&sim->chance, 2); /* after a failure: none, or some */
    for (uint64_t i = 0; i < sectors; i++) {
        if (dirty[i] && (all || (!none && chance_below(&sim->chance, 2))))
            settle(sim, inode, i);
        dirty[i] = 0;
    }
    if (all)
        sim->inodes[inode].disk_size = sim->inodes[inode].size;
    return f;
}

static fail sim_size(struct files *files, int handle, uint64_t *bytes, struct why *why)
{
    struct files_sim *sim = ours(files);
    fail f = enter(sim, why);
    *bytes = f ? 0 : sim->inodes[sim->handles[handle]].size;
    return f;
}

static fail sim_truncate(struct files *files, int handle, uint64_t bytes, struct why *why)
{
    struct files_sim *sim = ours(files);
    fail f = enter(sim, why);
    if (f)
        return f;
    struct inode *inode = &sim->inodes[sim->handles[handle]];
    must(bytes <= sim->file_bytes_max);
    for (uint64_t at = bytes; at < inode->size; at++) { /* grown again, it must read as zeros */
        cache_of(sim, sim->handles[handle])[at] = 0;
        dirty_of(sim, sim->handles[handle])[at / SECTOR_BYTES] = 1;
    }
    inode->size = bytes;
    return FAIL_NONE;
}

static fail sim_rename(struct files *files, const char *from, const char *to, struct why *why)
{
    struct files_sim *sim = ours(files);
    fail f = enter(sim, why);
    if (f)
        return f;
    const struct name *name = find(sim->names, from);
    if (!name)
        return absent(from, why);
    must(str_eq(folder_of(from), folder_of(to)));
    change_name(sim, to, from, name->inode);
    return FAIL_NONE;
}

static fail sim_unlink(struct files *files, const char *path, struct why *why)
{
    struct files_sim *sim = ours(files);
    fail f = enter(sim, why);
    if (f)
        return f;
    if (!find(sim->names, path))
        return absent(path, why);
    change_name(sim, "", path, NOTHING);
    return FAIL_NONE;
}

static fail sim_make_dir(struct files *files, const char *path, struct why *why)
{
    struct files_sim *sim = ours(files);
    fail f = enter(sim, why);
    if (f)
        return f;
    char folder[PATH_BYTES];
    snprintf(folder, sizeof(folder), "%.*s", STR_ARG(folder_of(path)));
    if (!find(sim->names, folder))
        return absent(folder, why);
    if (!find(sim->names, path))
        change_name(sim, path, "", FOLDER);
    return FAIL_NONE;
}

static bool is_in(const struct change *change, str folder)
{
    return str_eq(folder_of(change->path[0] ? change->path : change->gone), folder);
}

static fail sim_sync_dir(struct files *files, const char *path, struct why *why)
{
    struct files_sim *sim = ours(files);
    fail f = enter_opening(sim, why);
    if (f)
        return f;
    if (!find(sim->names, path))
        return absent(path, why);
    size_t kept = 0;
    for (size_t i = 0; i < sim->change_count; i++)
        if (is_in(&sim->changes[i], str_z(path)))
            apply(sim->disk_names, &sim->changes[i]);
        else
            sim->changes[kept++] = sim->changes[i];
    sim->change_count = kept;
    return FAIL_NONE;
}

static fail sim_list(struct files *files, const char *path, files_list_fn fn, void *ctx,
                     struct why *why)
{
    struct files_sim *sim = ours(files);
    fail f = enter(sim, why);
    if (f)
        return f;
    if (!find(sim->names, path))
        return absent(path, why);
    for (size_t i = 0; i < NAMES; i++) {
        const char *name = sim->names[i].path;
        if (name[0] && strcmp(name, ".") != 0 && str_eq(folder_of(name), str_z(path)))
            fn(ctx, str_z(strrchr(name, '/') ? strrchr(name, '/') + 1 : name));
    }
    return FAIL_NONE;
}

/* --- what a test does ------------------------------------------------------------------------ */

static const struct files calls = {
    .open = sim_open,
    .close = sim_close,
    .read = sim_read,
    .write = sim_write,
    .sync = sim_sync,
    .size = sim_size,
    .truncate = sim_truncate,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .make_dir = sim_make_dir,
    .sync_dir = sim_sync_dir,
    .list = sim_list,
};

struct files_sim *files_sim_new(uint64_t file_bytes_max, uint64_t seed)
{
    must(file_bytes_max % BLOCK_BYTES == 0);
    uint64_t each = 2 * file_bytes_max + file_bytes_max / SECTOR_BYTES;
    uint64_t bytes = sizeof(struct files_sim) + INODES * each;
    int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE;
    struct files_sim *sim = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    must(sim != MAP_FAILED);
    sim->files = calls;
    sim->mapped_bytes = bytes;
    sim->file_bytes_max = file_bytes_max;
    sim->room = UINT64_MAX;
    chance_sim_init(&sim->chance, seed);
    files_sim_kill(sim);
    set_name(sim->names, ".", FOLDER);
    set_name(sim->disk_names, ".", FOLDER);
    return sim;
}

struct files_sim *files_sim_copy(const struct files_sim *sim)
{
    struct files_sim *copy = files_sim_new(sim->file_bytes_max, 0);
    uint64_t mapped_bytes = copy->mapped_bytes;
    memcpy(copy, sim, sizeof(*sim));
    copy->mapped_bytes = mapped_bytes;
    copy->on_call = NULL;
    for (int i = 0; i < INODES; i++) {
        uint64_t bytes = MAX(sim->inodes[i].size, sim->inodes[i].disk_size);
        if (bytes == 0)
            continue;
        memcpy(cache_of(copy, i), cache_of(sim, i), bytes);
        memcpy(disk_of(copy, i), disk_of(sim, i), bytes);
        memcpy(dirty_of(copy, i), dirty_of(sim, i), sectors_of(bytes));
    }
    files_sim_fail_at(copy, 0, FAIL_NONE, false);
    copy->starved = false;
    files_sim_kill(copy);
    return copy;
}

void files_sim_free(struct files_sim *sim)
{
    must(munmap(sim, sim->mapped_bytes) == 0);
}

struct files *files_sim_files(struct files_sim *sim)
{
    return &sim->files;
}

void files_sim_on_call(struct files_sim *sim, files_sim_fn fn, void *ctx)
{
    sim->on_call = fn;
    sim->on_call_ctx = ctx;
}

uint64_t files_sim_calls(const struct files_sim *sim)
{
    return sim->calls;
}

void files_sim_fail_at(struct files_sim *sim, uint64_t call, fail code, bool for_ever)
{
    sim->fail_call = call;
    sim->fail_code = code;
    sim->fail_for_ever = for_ever;
}

void files_sim_starve(struct files_sim *sim, bool starved)
{
    sim->starved = starved;
}

void files_sim_set_room(struct files_sim *sim, uint64_t bytes)
{
    sim->room = bytes;
}

void files_sim_kill(struct files_sim *sim)
{
    for (size_t i = 0; i < HANDLES; i++)
        sim->handles[i] = NOTHING;
}

/* Which of a file's dirty pieces a cut keeps. Extremes are likelier than in a fair toss: nothing,
 * everything, a prefix, all but one, one alone; of sectors, or of blocks. */
static void keep_some(struct files_sim *sim, int inode, struct chance *chance)
{
    uint64_t size = sim->inodes[inode].size;
    uint64_t piece = chance_below(chance, 2) ? SECTOR_BYTES : BLOCK_BYTES;
    uint64_t pieces = (size + piece - 1) / piece, way = chance_below(chance, 6), dirty_count = 0;
    const char *dirty = dirty_of(sim, inode);
    for (uint64_t i = 0; i < sectors_of(size); i++)
        dirty_count += dirty[i] != 0;
    uint64_t pick = dirty_count ? chance_below(chance, dirty_count * SECTOR_BYTES / piece + 1) : 0;
    uint64_t seen = 0; /* dirty pieces so far */
    for (uint64_t i = 0; i < pieces; i++) {
        uint64_t from = i * piece / SECTOR_BYTES, to = from + piece / SECTOR_BYTES;
        bool is_dirty = memchr(dirty + from, 1, to - from) != NULL;
        bool keep = way == 0   ? false
                    : way == 1 ? true
                    : way == 2 ? seen < pick
                    : way == 3 ? seen != pick
                    : way == 4 ? seen == pick
                               : chance_below(chance, 2);
        seen += is_dirty;
        for (uint64_t sector = from; is_dirty && keep && sector < to; sector++)
            if (dirty[sector])
                settle(sim, inode, sector);
    }
}

static void cut_file(struct files_sim *sim, int i, struct chance *chance)
{
    struct inode *inode = &sim->inodes[i];
    uint64_t most = MAX(inode->size, inode->disk_size);
    keep_some(sim, i, chance);
    if (chance_below(chance, 2))
        inode->disk_size = inode->size;
    memset(disk_of(sim, i) + inode->disk_size, 0, most - inode->disk_size);
    memcpy(cache_of(sim, i), disk_of(sim, i), most);
    memset(dirty_of(sim, i), 0, sectors_of(most));
    inode->size = inode->disk_size;
}

static void cut_names(struct files_sim *sim, struct chance *chance)
{
    uint64_t way = chance_below(chance, 4); /* none, all, each by a toss (twice as likely) */
    for (size_t i = 0; i < sim->change_count; i++)
        if (way == 1 || (way > 1 && chance_below(chance, 2)))
            apply(sim->disk_names, &sim->changes[i]);
    sim->change_count = 0;
    for (size_t i = 0; i < NAMES; i++) { /* what is in a folder that was lost is lost */
        char folder[PATH_BYTES];
        snprintf(folder, sizeof(folder), "%.*s", STR_ARG(folder_of(sim->disk_names[i].path)));
        if (sim->disk_names[i].path[0] && !find(sim->disk_names, folder))
            sim->disk_names[i] = (struct name){ 0 };
    }
    memcpy(sim->names, sim->disk_names, sizeof(sim->names));
}

void files_sim_cut_power(struct files_sim *sim, struct chance *chance)
{
    files_sim_kill(sim);
    for (int i = 0; i < INODES; i++)
        if (sim->inodes[i].used)
            cut_file(sim, i, chance);
    cut_names(sim, chance);
    forget_lost(sim);
}

bool files_sim_damage(struct files_sim *sim, const char *path, uint64_t at, unsigned char flip)
{
    const struct name *name = find(sim->names, path);
    if (!name || at >= sim->inodes[name->inode].size)
        return false;
    cache_of(sim, name->inode)[at] ^= (char)flip;
    disk_of(sim, name->inode)[at] ^= (char)flip;
    return true;
}
