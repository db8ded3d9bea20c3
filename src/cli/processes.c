/* processes.c - the processes that `serve` starts: the hall, the gateway, the tunnel between them
 * in a cluster. Not for people.
 *
 * Their descriptors are inherited under fixed numbers (children.c): hall: 10 gate, 11 admin, 12
 * counters, 13 ready, 15 probes; gateway: 10 TLS, 11 plain, 12 counters, 13 ready, 14 ticket key,
 * 15 probes; tunnel: 10 where connections come in, 13 ready. */
#include "app/server.h"
#include "cli/cmd.h"
#include "cli/define.h"
#include "crypto/gate_key.h"
#include "net/gateway.h"
#include "net/portal_files.h"
#include "net/tunnel.h"
#include "platform/spec.h"
#include "sys/note.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LOCK_TRIES_MAX 50 /* a tenth of a second apart */

static struct gateway_stats *map_stats(int fd)
{
    void *p = mmap(NULL, sizeof(struct gateway_stats), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

static int stop_fd(void)
{
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGUSR1);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    return signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Told to make room for its successor at once (SIGUSR1): requests wait for that one. */
static bool is_hurried(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof(info)) == sizeof(info) && info.ssi_signo == SIGUSR1;
}

/* What children.c wrote. */
static int64_t number_of(const char *text)
{
    int64_t number;
    must(str_i64(str_z(text), &number));
    return number;
}

/* --- the hall ----------------------------------------------------------------------------------
 */

static fail serve_hall(const char *dir, const char *spec_path, const char *only, int probe_fd,
                       struct why *why)
{
    struct arena arena = arena_make(8 * MIB);
    struct spec spec;
    struct hall *hall = NULL;
    struct chance chance;
    fail f = spec_load(&spec, spec_path, &arena, why);
    if (f)
        return f;
    chance_real_init(&chance);
    struct hall_opts opts = { .dir = dir,
                              .name = spec.hall.p,
                              .files = files_real(),
                              .chance = &chance,
                              .gateway = map_stats(12),
                              .threads = true,
                              .only = only,
                              .settings = spec.settings.p,
                              .version = version() };
    struct server_opts server = {
        .gate_fd = 10, .admin_fd = 11, .probe_fd = probe_fd, .stop_fd = stop_fd()
    };
    /* A command that looked into the resting hall a moment ago may still hold its log. */
    for (int tries = 0; tries < LOCK_TRIES_MAX; tries++) {
        f = hall_open(&hall, &opts, why);
        if (f != FAIL_CONFLICT)
            break;
        usleep(100000);
    }
    if (!f)
        f = define_exams(hall, &spec, why);
    if (!f) {
        hall_tick(hall); /* tells its roster */
        note("info", "hall.opened", "\"records\":%llu",
             (unsigned long long)log_appended(hall_host(hall)->log));
        fail_ignore(write(13, "r", 1) != 1, "the supervisor knows already");
        f = server_run(hall, &server, why);
    }
    if (!f && !is_hurried(server.stop_fd))
        f = hall_checkpoint(hall, why);
    hall_close(hall);
    arena_fini(&arena);
    return f;
}

int cmd_hall(int argc, char **argv)
{
    const char *dir = NULL, *spec = NULL, *only = NULL, *probes = "-1", *words[1];
    size_t words_n;
    bool stop;
    struct why why;
    const struct option options[] = { { "--data", &dir, NULL },
                                      { "--spec", &spec, NULL },
                                      { "--services", &only, NULL },
                                      { "--probes", &probes, NULL } };
    int status = args_parse(argc, argv, options, COUNT(options), words, 1, &words_n, &stop);
    if (status || stop)
        return status;
    signal(SIGPIPE, SIG_IGN);
    fail f = serve_hall(dir, spec, only, (int)number_of(probes), &why);
    if (f)
        note_fail("hall.failed", &why);
    return f ? complain(f, &why) : EXIT_DONE;
}

/* --- the gateway -------------------------------------------------------------------------------
 */

int cmd_gateway(int argc, char **argv)
{
    const char *run = NULL, *cert = NULL, *key = NULL, *reactors = "0", *connections = "0",
               *row = "0", *tls = "-1", *plain = "-1", *probes = "-1", *words[1];
    size_t words_n;
    bool stop;
    struct why why;
    unsigned char ticket[GATEWAY_TICKET_KEY_BYTES];
    const struct option options[] = {
        { "--run", &run, NULL },
        { "--cert", &cert, NULL },
        { "--key", &key, NULL },
        { "--reactors", &reactors, NULL },
        { "--connections", &connections, NULL },
        { "--row", &row, NULL },
        { "--tls", &tls, NULL },
        { "--plain", &plain, NULL },
        { "--probes", &probes, NULL },
    };
    int status = args_parse(argc, argv, options, COUNT(options), words, 1, &words_n, &stop);
    if (status || stop)
        return status;
    struct gateway_file *files = calloc(portal_file_count + 1, sizeof(*files));
    must(files);
    for (size_t i = 0; i < portal_file_count; i++)
        files[i] = (struct gateway_file){
            .path = portal_files[i].path,
            .type = portal_files[i].type,
            .plain = str_of(portal_files[i].bytes, portal_files[i].bytes_n),
            .gzip = str_of(portal_files[i].gzip, portal_files[i].gzip_n),
            .etag = portal_files[i].etag,
        };
    struct gateway_opts opts = {
        .tls_fd = (int)number_of(tls),
        .plain_fd = (int)number_of(plain),
        .probe_fd = (int)number_of(probes),
        .stop_fd = -1,
        .leave_fd = -1,
        .ready_fd = 13,
        .log_fd = STDERR_FILENO,
        .gate_path = "gate.sock",
        .cert_path = cert,
        .key_path = key,
        .ticket_key =
            pread(14, ticket, sizeof(ticket), 0) == (ssize_t)sizeof(ticket) ? ticket : NULL,
        .reactors = (unsigned)number_of(reactors),
        .connections_max = (unsigned)number_of(connections),
        .stats = map_stats(12),
        .first_row = (unsigned)number_of(row),
        .files = files,
        .file_count = portal_file_count,
    };
    /* From inside its folder the socket is found by a user who may not walk the way to it. */
    fail f = chdir(run) == 0 ? gateway_run(&opts, &why)
                             : fail_errno(&why, FAIL_WORLD, "cannot enter %s", run);
    if (f)
        note_fail("gateway.failed", &why);
    return f ? complain(f, &why) : EXIT_DONE;
}

/* --- the tunnel --------------------------------------------------------------------------------
 */

int cmd_tunnel(int argc, char **argv)
{
    const char *run = NULL, *key_path = NULL, *hall = NULL, *words[1];
    size_t words_n;
    bool stop;
    struct why why;
    struct gate_key key;
    const struct option options[] = { { "--run", &run, NULL },
                                      { "--key", &key_path, NULL },
                                      { "--hall", &hall, NULL } };
    int status = args_parse(argc, argv, options, COUNT(options), words, 1, &words_n, &stop);
    if (status || stop)
        return status;
    signal(SIGPIPE, SIG_IGN);
    fail f = gate_key_load(&key, key_path, &why);
    struct tunnel_opts opts = { .listener = 10,
                                .hall = hall,
                                .gate_path = "gate.sock", /* as for the gateway */
                                .key = key.tunnel,
                                .ready_fd = 13 };
    if (!f && chdir(run))
        f = fail_errno(&why, FAIL_WORLD, "cannot enter %s", run);
    if (!f)
        f = tunnel_run(&opts, &why);
    gate_key_fini(&key);
    note_fail("tunnel.failed", &why);
    return complain(f, &why);
}
