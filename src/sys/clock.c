/* clock.c - exam time that no step of the wall clock can move.
 *
 * Exam time is the kernel's boot clock (it counts on through suspend and is never set) plus an
 * anchor. The anchor is taken from the wall once after each boot and kept in a file, so that a hall
 * restarted in mid-exam goes on with the same time even when the wall was stepped meanwhile. The
 * file names the boot it belongs to. A file that cannot be read as such is as good as none. */
#include "sys/clock.h"

#include "sys/files_whole.h"

#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID_PATH  "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_BYTES 36

static int64_t read_us(clockid_t id)
{
    struct timespec ts;
    must(clock_gettime(id, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static instant real_now(struct clock *clock)
{
    const struct clock_real *real = CONTAINER(clock, struct clock_real, clock);
    return read_us(CLOCK_BOOTTIME) / 1000 + real->anchor_ms;
}

static int64_t real_mono_us(struct clock *clock)
{
    (void)clock;
    return read_us(CLOCK_MONOTONIC);
}

static size_t read_small(const char *path, char *bytes, size_t n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t got = read(fd, bytes, n);
    close(fd);
    return got > 0 ? (size_t)got : 0;
}

/* The anchor kept by an earlier process of this boot. */
static bool kept_anchor(const char *path, str boot_id, int64_t *anchor_ms)
{
    char bytes[128];
    str text = str_trim(str_of(bytes, read_small(path, bytes, sizeof(bytes))));
    str id = str_cut(&text, ' ');
    return str_eq(id, boot_id) && str_i64(text, anchor_ms);
}

static fail keep_anchor(const char *path, str boot_id, int64_t anchor_ms, struct why *why)
{
    struct files *files = files_real();
    char folder[4096], text[128];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    int n = snprintf(text, sizeof(text), "%.*s %lld\n", STR_ARG(boot_id), (long long)anchor_ms);
    fail f = files_whole_write(files, path, str_of(text, (size_t)n), why);
    return f ? f : files->sync_dir(files, folder, why);
}

fail clock_real_init(struct clock_real *real, const char *anchor_path, instant not_before,
                     struct why *why)
{
    char id[BOOT_ID_BYTES];
    str boot_id = str_of(id, read_small(BOOT_ID_PATH, id, sizeof(id)));
    if (anchor_path && boot_id.n != sizeof(id))
        return fail_set(why, FAIL_WORLD, "cannot read %s: is /proc mounted?", BOOT_ID_PATH);

    real->clock = (struct clock){ .now = real_now, .mono_us = real_mono_us };
    bool kept = anchor_path && kept_anchor(anchor_path, boot_id, &real->anchor_ms);
    if (!kept)
        real->anchor_ms = read_us(CLOCK_REALTIME) / 1000 - read_us(CLOCK_BOOTTIME) / 1000;
    int64_t behind_ms = not_before - real_now(&real->clock);
    if (behind_ms > 0)
        real->anchor_ms += behind_ms;
    if (!anchor_path || (kept && behind_ms <= 0))
        return FAIL_NONE;
    fail f = keep_anchor(anchor_path, boot_id, real->anchor_ms, why);
    return why_add(why, f, "cannot keep the clock's anchor");
}

static instant sim_now(struct clock *clock)
{
    return CONTAINER(clock, struct clock_sim, clock)->now_us / 1000;
}

static int64_t sim_mono_us(struct clock *clock)
{
    return CONTAINER(clock, struct clock_sim, clock)->now_us;
}

void clock_sim_init(struct clock_sim *sim, instant start)
{
    sim->clock = (struct clock){ .now = sim_now, .mono_us = sim_mono_us };
    sim->now_us = start * 1000;
}

void clock_sim_advance(struct clock_sim *sim, int64_t ms)
{
    must(ms >= 0);
    sim->now_us += ms * 1000;
}
