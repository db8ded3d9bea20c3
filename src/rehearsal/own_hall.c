/* own_hall.c - see own_hall.h. */
#include "rehearsal/own_hall.h"

#include "base/arena.h"
#include "codec/json.h"
#include "net/client.h"
#include "platform/sample.h"
#include "rehearsal/marks.h"
#include "sys/temporary.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_BYTES_MAX (64 * MIB)
enum { ARGS_MAX = 16, READY_S_MAX = 60, READY_MS = 1000, TRY_US = 50000, SECOND_US = 1000000 };
#define SHIFT "all"

/* --- our own program, as a person would call it -------------------------------------------------
 */

static pid_t program_start(char *const argv[], int out_fd, int err_fd)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* a hall of ours never outlives us */
    dup2(out_fd, 1);
    dup2(err_fd, 2);
    execv("/proc/self/exe", argv);
    _exit(127);
}

static bool drain(struct out *out, int fd)
{
    for (;;) {
        if (!out_reserve(out, 64 * KIB))
            return false;
        ssize_t n = read(fd, out->p + out->n, 64 * KIB);
        if (n <= 0)
            return n == 0;
        out->n += (size_t)n;
    }
}

static int log_open_append(const struct own_hall *hall)
{
    char path[500];
    snprintf(path, sizeof(path), "%s.log", hall->dir);
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* Runs `examhall ARGS...` and gives what it printed; anything but exit status 0 is a failure that
 * names the command. What it complained of goes to the log beside the folder. */
static fail program_run(const struct own_hall *hall, struct out *out, struct why *why, ...)
{
    char *argv[ARGS_MAX] = { "examhall" };
    int pipe_fds[2], n = 1, status = -1;
    va_list args;
    va_start(args, why);
    while (n < ARGS_MAX - 1 && (argv[n] = va_arg(args, char *)))
        n++;
    va_end(args);
    if (pipe2(pipe_fds, O_CLOEXEC))
        return fail_errno(why, FAIL_WORLD, "cannot make a pipe");
    int log_fd = log_open_append(hall);
    pid_t pid = program_start(argv, pipe_fds[1], log_fd >= 0 ? log_fd : 2);
    close(pipe_fds[1]);
    if (log_fd >= 0)
        close(log_fd);
    bool whole = drain(out, pipe_fds[0]);
    close(pipe_fds[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !whole)
        return fail_set(why, FAIL_WORLD, "cannot run examhall %s", argv[1]);
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return fail_set(why, FAIL_WORLD, "examhall %s %s ended with status %d; %s.log says why",
                        argv[1], argv[2], WIFEXITED(status) ? WEXITSTATUS(status) : -1, hall->dir);
    return FAIL_NONE;
}

/* --- making it ----------------------------------------------------------------------------------
 */

static fail folder_make(struct own_hall *hall, const char *dir, struct why *why)
{
    char parent[TEMPORARY_BYTES_MAX];
    if (dir) {
        snprintf(hall->dir, sizeof(hall->dir), "%s", dir);
        return FAIL_NONE;
    }
    fail f = temporary_folder(parent, "rehearsal", why);
    hall->temporary = !f;
    snprintf(hall->dir, sizeof(hall->dir), "%s/hall", parent);
    return f;
}

/* Where to listen, "ADDRESS:PORT": as wished, on a port nobody listens on, as of now. */
static fail listen_find(char *text, size_t bytes, const char *wish, struct why *why)
{
    str rest = str_z(wish ? wish : "127.0.0.1"), host = str_cut(&rest, ':');
    char numeric[INET_ADDRSTRLEN];
    uint64_t port = 0;
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t n = sizeof(address);
    snprintf(numeric, sizeof(numeric), "%.*s", STR_ARG(host));
    if ((rest.p && (!str_u64(rest, &port) || !port || port > 65535)) ||
        inet_pton(AF_INET, numeric, &address.sin_addr) != 1 || !address.sin_addr.s_addr)
        return fail_set(why, FAIL_USAGE,
                        "--hall-listen: \"%s\" is not an address that agent hosts can connect to; "
                        "write this machine's own, such as 10.0.0.1 or 10.0.0.1:8443",
                        wish);
    address.sin_port = htons((uint16_t)port);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) &&
                !bind(fd, (struct sockaddr *)&address, n) &&
                !getsockname(fd, (struct sockaddr *)&address, &n);
    if (fd >= 0)
        close(fd);
    snprintf(text, bytes, "%s:%u", numeric, ntohs(address.sin_port));
    return good ? FAIL_NONE : fail_errno(why, FAIL_WORLD, "the hall cannot listen on %s", text);
}

static fail text_write(const char *path, const char *mode, str text, struct why *why)
{
    FILE *file = fopen(path, mode);
    bool good = file && fwrite(text.p, 1, text.n, file) == text.n;
    if (file && fclose(file))
        good = false;
    return good ? FAIL_NONE : fail_errno(why, FAIL_WORLD, "cannot write %s", path);
}

/* One shift that begins in a while; all the world's machines agree on UTC. */
static void shift_write(struct out *out, struct own_hall *hall, unsigned starts_in_s)
{
    struct timespec mono, wall;
    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    struct tm tm;
    time_t at = wall.tv_sec + 1 + (time_t)starts_in_s; /* whole seconds */
    int64_t to_bell_us = (at - wall.tv_sec) * (int64_t)SECOND_US - wall.tv_nsec / 1000;
    hall->bell_us = mono.tv_sec * (int64_t)SECOND_US + mono.tv_nsec / 1000 + to_bell_us;
    char text[40];
    gmtime_r(&at, &tm);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    out_fmt(out, "    shifts:\n      - {name: " SHIFT ", starts: %s}\n", text);
}

static void settings_write(struct out *out, str lines)
{
    out_z(out, lines.n ? "settings:\n" : "");
    while (lines.n) {
        str value = str_cut(&lines, '\n'), name = str_cut(&value, '=');
        out_fmt(out, "  %.*s: ", STR_ARG(name));
        out_json(out, value); /* YAML takes JSON's strings */
        out_char(out, '\n');
    }
}

/* The exam's part of the spec; the minutes are the sitting's. */
static fail spec_add_exam(struct own_hall *hall, const struct own_hall_opts *opts, struct why *why)
{
    char path[500];
    struct out out = out_make(32 * KIB);
    snprintf(path, sizeof(path), "%s/hall.yaml", hall->dir);
    out_fmt(&out,
            "exams:\n  - name: %s\n    title: Rehearsal\n    minutes: %u\n"
            "    marks: " MARKS_SPEC "\n",
            hall->exam, opts->minutes);
    if (opts->starts_in_s)
        shift_write(&out, hall, opts->starts_in_s);
    settings_write(&out, opts->settings);
    fail f = text_write(path, "ae", out_view(&out), why);
    out_fini(&out);
    return f;
}

/* The sample's paper under a name of its own. */
static fail exam_make(struct own_hall *hall, const struct own_hall_opts *opts, struct why *why)
{
    char path[500];
    struct out out = out_make(OUTPUT_BYTES_MAX);
    snprintf(hall->exam, sizeof(hall->exam), "rehearsal");
    marks_keys_read(hall->keys, PAPER_ITEMS_MAX, sample_exam());
    fail f = spec_add_exam(hall, opts, why);
    snprintf(path, sizeof(path), "%s/rehearsal.jsonl", hall->dir);
    if (!f)
        f = text_write(path, "we", sample_exam(), why);
    if (!f)
        f = program_run(hall, &out, why, "exam", "import", hall->exam, path, "--data", hall->dir,
                        "--json", NULL);
    out_fini(&out);
    return f;
}

static fail roster_make(struct own_hall *hall, const struct own_hall_opts *opts, struct why *why)
{
    char path[500];
    struct out out = out_make(OUTPUT_BYTES_MAX), roster = out_make(OUTPUT_BYTES_MAX);
    out_z(&roster, opts->starts_in_s ? "roll,name,birth,centre,exam,shift\n"
                                     : "roll,name,birth,centre,exam\n");
    for (uint32_t i = 0; i < opts->candidates; i++)
        out_fmt(&roster, "V%07u,Virtual Candidate %u,2009-01-%02u,C%03u,%s%s\n", i + 1, i + 1,
                1 + i % 28, 1 + i % 250, hall->exam, opts->starts_in_s ? "," SHIFT : "");
    snprintf(path, sizeof(path), "%s/rehearsal-roster.csv", hall->dir);
    fail f = text_write(path, "we", out_view(&roster), why);
    out_fini(&roster);
    if (!f)
        f = program_run(hall, &out, why, "roster", "import", path, "--data", hall->dir, "--json",
                        NULL);
    hall->codes = out_make(OUTPUT_BYTES_MAX);
    if (!f)
        f = program_run(hall, &hall->codes, why, "roster", "export", "--codes", "--data", hall->dir,
                        NULL);
    out_fini(&out);
    return f;
}

static bool answers(const struct own_hall *hall)
{
    struct client_opts opts = { .url = hall->url, .insecure = true, .timeout_ms = READY_MS };
    struct arena arena = arena_make(64 * KIB);
    struct client *client = NULL;
    struct client_reply reply = { 0 };
    struct why why;
    bool good =
        !client_open(&client, &opts, &why) &&
        !client_request(client, "GET", "/-/ready", NULL, 0, STR_NONE, &arena, &reply, &why) &&
        reply.status == 200;
    client_close(client);
    arena_fini(&arena);
    return good;
}

static fail serve_start(struct own_hall *hall, const struct own_hall_opts *opts, struct why *why)
{
    char listen[40];
    fail f = listen_find(listen, sizeof(listen), opts->listen, why);
    if (f)
        return f;
    snprintf(hall->url, sizeof(hall->url), "%s://%s", opts->plain ? "http" : "https", listen);
    char *tls[] = { "examhall", "serve", "--data", hall->dir, "--quiet", "--listen", listen, NULL };
    char *plain[] = { "examhall", "serve", "--data",         hall->dir, "--quiet",
                      "--listen", "none",  "--listen-plain", listen,    NULL };
    int log_fd = log_open_append(hall);
    hall->serve = program_start(opts->plain ? plain : tls, log_fd >= 0 ? log_fd : 2,
                                log_fd >= 0 ? log_fd : 2);
    if (log_fd >= 0)
        close(log_fd);
    for (time_t until = time(NULL) + READY_S_MAX; time(NULL) < until;) {
        if (answers(hall))
            return FAIL_NONE;
        if (!own_hall_runs(hall))
            return fail_set(why, FAIL_WORLD, "the hall did not start; %s.log says why", hall->dir);
        usleep(TRY_US);
    }
    return fail_set(why, FAIL_WORLD, "the hall does not answer at %s; %s.log says why", hall->url,
                    hall->dir);
}

static fail exam_do(const struct own_hall *hall, const char *verb, struct why *why)
{
    struct out out = out_make(OUTPUT_BYTES_MAX);
    fail f =
        program_run(hall, &out, why, "exam", verb, hall->exam, "--data", hall->dir, "--json", NULL);
    out_fini(&out);
    return f;
}

fail own_hall_start(struct own_hall *hall, const struct own_hall_opts *opts, struct why *why)
{
    struct out out = out_make(OUTPUT_BYTES_MAX);
    fail f = folder_make(hall, opts->dir, why);
    if (!f)
        f = program_run(hall, &out, why, "init", hall->dir, "--empty", "--json", NULL);
    if (!f)
        f = exam_make(hall, opts, why);
    if (!f)
        f = roster_make(hall, opts, why);
    if (!f)
        f = serve_start(hall, opts, why);
    if (!f)
        f = exam_do(hall, "open", why);
    out_fini(&out);
    return f;
}

fail own_hall_publish(struct own_hall *hall, struct why *why)
{
    fail f = exam_do(hall, "close", why);
    if (!f)
        f = exam_do(hall, "score", why);
    return f ? f : exam_do(hall, "publish", why);
}

/* --- its processes ------------------------------------------------------------------------------
 */

bool own_hall_runs(struct own_hall *hall)
{
    if (hall->serve > 0 && waitpid(hall->serve, NULL, WNOHANG) == hall->serve)
        hall->serve = 0;
    return hall->serve > 0;
}

pid_t own_hall_upgrade(const struct own_hall *hall)
{
    char *argv[] = { "examhall", "upgrade", "--data", (char *)(uintptr_t)hall->dir, NULL };
    int log_fd = log_open_append(hall);
    pid_t pid = program_start(argv, log_fd >= 0 ? log_fd : 2, log_fd >= 0 ? log_fd : 2);
    if (log_fd >= 0)
        close(log_fd);
    return pid;
}

static pid_t pid_of(str status, bool gateway)
{
    struct arena arena = arena_make(4 * MIB);
    struct json *root;
    struct why why;
    int64_t pid = 0;
    if (!json_parse(&root, status, &arena, &why)) {
        const struct json *services = json_get(root, STR("services"));
        for (const struct json *one = services ? services->first : NULL; one; one = one->next) {
            str name = STR_NONE, state = STR_NONE;
            bool known = !json_str(one, "name", true, &name, &why) &&
                         !json_str(one, "state", true, &state, &why);
            if (known && str_eq(name, STR("gateway")) == gateway && !pid)
                fail_ignore(json_i64(one, "pid", false, 0, INT32_MAX, &pid, &why), "0 then");
        }
    }
    arena_fini(&arena);
    return (pid_t)pid;
}

pid_t own_hall_pid(const struct own_hall *hall, bool gateway)
{
    struct out out = out_make(OUTPUT_BYTES_MAX);
    struct why why;
    fail f = program_run(hall, &out, &why, "status", "--data", hall->dir, "--json", NULL);
    pid_t pid = f ? 0 : pid_of(out_view(&out), gateway);
    out_fini(&out);
    return pid;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

void own_hall_stop(struct own_hall *hall, bool keep)
{
    if (hall->serve > 0) {
        kill(hall->serve, SIGTERM);
        waitpid(hall->serve, NULL, 0);
        hall->serve = 0;
    }
    if (keep || !hall->temporary)
        return;
    char *slash = strrchr(hall->dir, '/'); /* the parent, which also holds the log */
    *slash = 0;
    nftw(hall->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    *slash = '/';
}
