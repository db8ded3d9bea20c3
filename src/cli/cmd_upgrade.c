/* cmd_upgrade.c - `examhall upgrade`: tries the new program, then gives it to the running
 * supervisor (upgrade.c), and says what became of it. */
#include "cli/cmd.h"
#include "cli/supervisor_internal.h"
#include "codec/json.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY_S_MAX   5   /* for the new program to say who it is */
#define WAIT_S_MAX  180 /* for the hall to serve again: a log without checkpoint takes its time */
#define REPLY_BYTES 2048

/* --- the new program ---------------------------------------------------------------------------
 */

int cmd_handover(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("examhall %s hands over in form %d\n", version(), HANDOVER_LAYOUT);
    return EXIT_DONE;
}

/* Runs `examhall handover` of it; the kernel ends it when it takes too long. */
static ssize_t run_handover(int program, char *text, size_t n)
{
    char *const argv[] = { "examhall", "handover", NULL };
    int pipe_fds[2], status = -1;
    if (pipe2(pipe_fds, O_CLOEXEC))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        alarm(TRY_S_MAX);
        if (dup2(null, 0) >= 0 && dup2(pipe_fds[1], 1) >= 0 && dup2(null, 2) >= 0)
            execveat(program, "", argv, environ, AT_EMPTY_PATH);
        _exit(EXIT_WORLD);
    }
    close(pipe_fds[1]);
    size_t got = 0;
    for (ssize_t more = 1; more > 0 && got<n; got += more> 0 ? (size_t)more : 0)
        more = read(pipe_fds[0], text + got, n - got);
    close(pipe_fds[0]);
    bool done =
        pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return done ? (ssize_t)got : -1;
}

static fail program_open(const char *path, int *program, unsigned *layout, struct why *why)
{
    char text[256] = "", name[64];
    *program = open(path ? path : "/proc/self/exe", O_PATH | O_CLOEXEC);
    if (*program < 0)
        return fail_errno(why, FAIL_WORLD, "%s cannot be opened", path);
    if (run_handover(*program, text, sizeof(text) - 1) > 0 &&
        sscanf(text, "examhall %63s hands over in form %u", name, layout) == 2)
        return FAIL_NONE;
    return fail_set(why, FAIL_CONFLICT,
                    "%s does not run, or is not an examhall that can take over from another; "
                    "nothing has changed",
                    path ? path : "this program");
}

/* --- the running supervisor --------------------------------------------------------------------
 */

static fail supervisor_connect(const char *dir, int *fd, struct why *why)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval limit = { WAIT_S_MAX, 0 };
    int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/run/serve.sock", dir);
    if (n < 0 || (size_t)n >= sizeof(address.sun_path))
        return fail_set(why, FAIL_USAGE, "the path %s is too long for a socket; use a shorter one",
                        dir);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return fail_errno(why, FAIL_WORLD, "cannot make a socket");
    setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (connect(*fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return FAIL_NONE;
    if (errno == ENOENT || errno == ECONNREFUSED)
        return fail_set(why, FAIL_MISSING,
                        "no hall runs on %s, so there is nothing to upgrade; start it with: "
                        "examhall serve --data %s",
                        dir, dir);
    return fail_errno(why, FAIL_WORLD, "cannot speak with the supervisor at %s", address.sun_path);
}

static fail supervisor_ask(int fd, int program, uint32_t layout, struct why *why)
{
    char space[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec part = { &layout, sizeof(layout) };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof(space)
    };
    struct cmsghdr *control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(control), &program, sizeof(program));
    return sendmsg(fd, &message, MSG_NOSIGNAL) == sizeof(layout)
               ? FAIL_NONE
               : fail_errno(why, FAIL_WORLD, "cannot ask the supervisor");
}

static fail supervisor_answer(int fd, char reply[REPLY_BYTES], struct why *why)
{
    size_t n = 0;
    ssize_t got;
    while (n < REPLY_BYTES - 1 && (got = recv(fd, reply + n, REPLY_BYTES - 1 - n, 0)) > 0)
        n += (size_t)got;
    reply[n] = 0;
    if (n)
        return FAIL_NONE;
    if (got < 0 && errno == EAGAIN)
        return fail_set(
            why, FAIL_WORLD,
            "the hall does not serve again after %d s; what serve writes to stderr says "
            "why; see also: examhall status",
            WAIT_S_MAX);
    return fail_set(
        why, FAIL_WORLD,
        "the supervisor ended in the middle of it; what serve wrote to stderr says why");
}

/* --- what became of it -------------------------------------------------------------------------
 */

static fail report(const char *reply, struct why *why)
{
    struct arena arena = arena_make(64 * KIB);
    struct json *root;
    str error = STR_NONE, before = STR_NONE, after = STR_NONE;
    int64_t ms = 0, gateways = 0, connections = 0;
    fail f = json_parse(&root, str_z(reply), &arena, why);
    if (!f)
        f = json_str(root, "error", false, &error, why);
    if (!f && error.p)
        f = fail_set(why, FAIL_CONFLICT, "%.*s", STR_ARG(error));
    if (!f)
        f = json_str(root, "before", true, &before, why);
    if (!f)
        f = json_str(root, "after", true, &after, why);
    if (!f)
        f = json_i64(root, "ms", true, 0, INT64_MAX, &ms, why);
    if (!f)
        f = json_i64(root, "leaving_gateways", true, 0, INT64_MAX, &gateways, why);
    if (!f)
        f = json_i64(root, "leaving_connections", true, 0, INT64_MAX, &connections, why);
    if (!f && is_json_wanted())
        fputs(reply, stdout);
    else if (!f)
        printf(
            "%.*s serves now, after %.*s, in %lld ms. %lld connections move over with their next "
            "reply.\n",
            STR_ARG(after), STR_ARG(before), (long long)ms, (long long)connections);
    arena_fini(&arena);
    return f;
}

static fail upgrade(const char *dir, const char *binary, struct why *why)
{
    char reply[REPLY_BYTES];
    int program = -1, fd = -1;
    unsigned layout = 0;
    fail f = program_open(binary, &program, &layout, why);
    if (!f)
        f = supervisor_connect(dir, &fd, why);
    if (!f)
        f = supervisor_ask(fd, program, layout, why);
    if (!f)
        f = supervisor_answer(fd, reply, why);
    if (!f)
        f = report(reply, why);
    if (program >= 0)
        close(program);
    if (fd >= 0)
        close(fd);
    return f;
}

int cmd_upgrade(int argc, char **argv)
{
    const char *given = NULL, *dir, *binary = NULL, *words[1];
    size_t words_n;
    bool stop;
    struct why why;
    const struct option options[] = { { "--data", &given, NULL }, { "--binary", &binary, NULL } };
    int status = args_parse(argc, argv, options, COUNT(options), words, 0, &words_n, &stop);
    if (status || stop)
        return status;
    fail f = hall_dir(given, &dir, &why);
    if (!f)
        f = upgrade(dir, binary, &why);
    return f ? complain(f, &why) : EXIT_DONE;
}
