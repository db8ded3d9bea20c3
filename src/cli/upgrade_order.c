/* upgrade_order.c - tries a program and gives it to the running supervisor; see upgrade_ask.h. */
#include "app/events.h"
#include "cli/cmd.h"
#include "cli/upgrade_ask.h"
#include "platform/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY_S_MAX  5   /* for the new program to say who it is */
#define WAIT_S_MAX 180 /* between two lines: a log without checkpoint takes its time */
#if defined(__aarch64__)
#define ARCHITECTURE "arm64"
#else
#define ARCHITECTURE "amd64"
#endif

/* --- the new program ---------------------------------------------------------------------------
 */

int cmd_handover(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("examhall %s hands over in form %d", version(), HANDOVER_LAYOUT);
    printf(", counts in form %llx, keeps history in form %d\n",
           (unsigned long long)UPGRADE_PAGE_FORM, EVENTS_FORM);
    return EXIT_DONE;
}

/* What the file itself says, before it is run. */
static fail program_check(int program, const char *path, struct why *why)
{
    struct stat st;
    struct elf elf = { .architecture = STR("") };
    if (fstat(program, &st) < 0)
        return fail_errno(why, FAIL_WORLD, "%s cannot be read", path);
    void *p = st.st_size > 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, program, 0)
                             : MAP_FAILED;
    fail f = elf_read(&elf, p == MAP_FAILED ? STR("") : str_of(p, (size_t)st.st_size), why);
    if (!f && !str_eq(elf.architecture, STR(ARCHITECTURE)))
        f = fail_set(why, FAIL_INPUT, "it is for %.*s, and this machine is " ARCHITECTURE ".",
                     STR_ARG(elf.architecture));
    if (p != MAP_FAILED)
        munmap(p, (size_t)st.st_size);
    char text[300];
    snprintf(text, sizeof(text), "%.299s", f ? why->text : "");
    return f ? fail_set(why, FAIL_CONFLICT, "%.150s does not run here: %s Nothing has changed.",
                        path, text)
             : FAIL_NONE;
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
    ssize_t more = 1;
    while (more > 0 && got < n) {
        more = read(pipe_fds[0], text + got, n - got);
        got += (size_t)MAX(more, 0);
    }
    close(pipe_fds[0]);
    bool done =
        pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return done ? (ssize_t)got : -1;
}

/* A program of an older layout says less; the supervisor refuses it by its number. */
static fail program_open(const char *path, int *program, struct upgrade_ask *ask, struct why *why)
{
    char text[256] = "";
    unsigned long long page = 0;
    const char *name = path ? path : "this program";
    *program = open(path ? path : "/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (*program < 0)
        return fail_errno(why, FAIL_WORLD, "%s cannot be opened", name);
    fail f = program_check(*program, name, why);
    if (f)
        return f;
    _Static_assert(UPGRADE_VERSION_BYTES == 64, "%63s below");
    if (run_handover(*program, text, sizeof(text) - 1) > 0 &&
        sscanf(text,
               "examhall %63s hands over in form %u, counts in form %llx, keeps history in "
               "form %u",
               ask->version, &ask->layout, &page, &ask->history) >= 2) {
        ask->page = page;
        return FAIL_NONE;
    }
    return fail_set(why, FAIL_CONFLICT,
                    "%s does not run, or is not an examhall that can take over from another; "
                    "nothing has changed",
                    name);
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
                        "no hall runs on %s, so there is nothing to replace; start it with: "
                        "examhall serve --data %s",
                        dir, dir);
    return fail_errno(why, FAIL_WORLD, "cannot speak with the supervisor at %s", address.sun_path);
}

/* program -1: none goes along. */
static fail supervisor_ask(int fd, int program, struct upgrade_ask *ask, struct why *why)
{
    char space[CMSG_SPACE(sizeof(int))] = { 0 };
    struct iovec part = { ask, sizeof(*ask) };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    if (program >= 0) {
        message.msg_control = space;
        message.msg_controllen = sizeof(space);
        struct cmsghdr *control = CMSG_FIRSTHDR(&message);
        control->cmsg_level = SOL_SOCKET;
        control->cmsg_type = SCM_RIGHTS;
        control->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(control), &program, sizeof(program));
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL) == sizeof(*ask)
               ? FAIL_NONE
               : fail_errno(why, FAIL_WORLD, "cannot ask the supervisor");
}

static fail silence(bool too_long, struct why *why)
{
    if (too_long)
        return fail_set(
            why, FAIL_WORLD,
            "the hall does not serve again after %d s; what serve writes to stderr says "
            "why; see also: examhall status",
            WAIT_S_MAX);
    return fail_set(
        why, FAIL_WORLD,
        "the supervisor ended in the middle of it; what serve wrote to stderr says why");
}

/* Lines with a step go to whoever watches; the first without is the answer. */
static fail supervisor_answer(int fd, const struct upgrade_order *order,
                              char line[static UPGRADE_LINE_BYTES], struct why *why)
{
    FILE *lines = fdopen(fd, "re");
    if (!lines)
        return fail_errno(why, FAIL_WORLD, "cannot hear the supervisor");
    fail f = FAIL_NONE;
    for (;;) {
        errno = 0;
        if (!fgets(line, UPGRADE_LINE_BYTES, lines)) {
            f = silence(errno == EAGAIN, why);
            break;
        }
        if (strncmp(line, "{\"step\":", 8) != 0)
            break;
        if (order->step)
            order->step(order->ctx, line);
    }
    fclose(lines);
    return f;
}

fail upgrade_order(const struct upgrade_order *order, char line[static UPGRADE_LINE_BYTES],
                   struct why *why)
{
    int program = -1, fd = -1;
    struct upgrade_ask ask = { .layout = HANDOVER_LAYOUT,
                               .undo = order->undo,
                               .watch_s = order->watch_s,
                               .limits = order->limits };
    fail f = order->undo ? FAIL_NONE : program_open(order->binary, &program, &ask, why);
    if (!f)
        f = supervisor_connect(order->dir, &fd, why);
    if (!f)
        f = supervisor_ask(fd, program, &ask, why);
    if (!f) {
        f = supervisor_answer(fd, order, line, why); /* and closes it */
        fd = -1;
    }
    if (program >= 0)
        close(program);
    if (fd >= 0)
        close(fd);
    return f;
}
