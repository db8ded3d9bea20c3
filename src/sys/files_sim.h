/* files_sim.h - a disk in memory that does the worst a disk may do.
 *
 * It keeps apart what a process sees (the page cache) and what a power cut leaves (the disk): a
 * write reaches the disk with its sync, a name with the sync of its folder. Between the two, a cut
 * keeps any subset: sectors of 512 bytes or blocks of 4 KiB of each write, a file's new length or
 * its old one, any of the names made, moved or removed.
 *
 * A failed sync behaves as Linux does: some of the dirty sectors reached the disk, none is dirty
 * any more, the cache goes on showing them, and the next sync succeeds.
 *
 * Lives in shared memory, so a forked child can die on it and its parent look at what is left. One
 * thread. Paths are names: the folder of "a/b" is "a", and must exist. */
#pragma once

#include "sys/chance.h"
#include "sys/files.h"

struct files_sim;

/* `file_bytes_max`: the longest a file can be; memory is taken only as files grow. */
struct files_sim *files_sim_new(uint64_t file_bytes_max, uint64_t seed);
struct files_sim *files_sim_copy(const struct files_sim *sim); /* without handles and faults */
void files_sim_free(struct files_sim *sim);
struct files *files_sim_files(struct files_sim *sim);

/* Called at every call, before it does anything, and again in the middle of each write: the moments
 * at which a process can die. The hook may copy the disk and play with the copy. NULL for none. */
typedef void (*files_sim_fn)(void *ctx, struct files_sim *sim);
void files_sim_on_call(struct files_sim *sim, files_sim_fn fn, void *ctx);
uint64_t files_sim_calls(const struct files_sim *sim);

/* The call of that number (the next one is files_sim_calls + 1) fails so; or it and all later. A
 * failed write is done in part. 0 for none. */
void files_sim_fail_at(struct files_sim *sim, uint64_t call, fail code, bool for_ever);
/* `starved`: no descriptor is free for any open or sync_dir, which are FAIL_STARVED. */
void files_sim_starve(struct files_sim *sim, bool starved);
void files_sim_set_room(struct files_sim *sim, uint64_t bytes); /* of all files together */

void files_sim_kill(struct files_sim *sim); /* the process is gone: handles closed, cache intact */
/* The power is gone: what is left is the disk with a legal subset of the rest, by chance. */
void files_sim_cut_power(struct files_sim *sim, struct chance *chance);
/* Damage: every bit set in `flip` is turned over, on the disk and in the cache. False beyond the
 * end of the file, or without such a file. */
bool files_sim_damage(struct files_sim *sim, const char *path, uint64_t at, unsigned char flip);
