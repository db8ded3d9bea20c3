/* confine_test.c - what is left to a gateway that a stranger took over. Each try is a child. */
#include "net/confine.h"

#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each returns 0 when it was able to; or is killed in the attempt. */
static int try_nothing(void)
{
    return 0;
}
static int try_unix_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0;
}
static int try_internet_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0;
}
static int try_program(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return 1;
}
static int try_fork(void)
{
    return fork() < 0;
}
static int try_trace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0;
}
static int try_file(void)
{
    return open("/etc/passwd", O_RDONLY) < 0;
}

/* For one who has rings. */
static int try_ring(void)
{
    return syscall(SYS_io_uring_setup, 1, NULL) < 0;
}
static int try_ring_call(void)
{
    return syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0) != -1 || errno != EBADF;
}

static int child_status(bool rings, int (*attempt)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        _exit(confine_thread(rings, NULL) ? 100 : attempt());
    }
    int status = 0;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(confine, a_confined_thread_can_move_bytes_and_nothing_else)
{
    static const struct {
        const char *what;
        int (*attempt)(void);
        int status;
        bool rings;
    } cases[] = {
        { "nothing", try_nothing, 0, false },
        { "a Unix socket", try_unix_socket, 0, false },
        { "an internet socket", try_internet_socket, 1000 + SIGSYS, false },
        { "a program", try_program, 1000 + SIGSYS, false },
        { "a process", try_fork, 1000 + SIGSYS, false },
        { "a debugger", try_trace, 1000 + SIGSYS, false },
        { "a file", try_file, 1, false },
        { "a ring's call, without rings", try_ring_call, 1000 + SIGSYS, false },
        { "a ring's call", try_ring_call, 0, true },
        { "one more ring", try_ring, 1000 + SIGSYS, true },
    };
    for (size_t i = 0; i < COUNT(cases) && confine_is_built(); i++) {
        int status = child_status(cases[i].rings, cases[i].attempt);
        if (status != cases[i].status)
            test_failed(__FILE__, __LINE__, "%s: %d, not %d", cases[i].what, status,
                        cases[i].status);
    }
}

TEST(confine, a_confined_process_is_nobody_and_stays_it)
{
    pid_t pid = fork();
    if (pid == 0) {
        bool was_root = geteuid() == 0;
        bool fine = confine_process(NULL) == FAIL_NONE;
        fine = fine && (!was_root || (geteuid() == 65534 && getegid() == 65534));
        fine = fine && getgroups(0, NULL) == 0 && setuid(0) != 0;
        _exit(fine ? 0 : 1);
    }
    int status = 0;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status));
    if (geteuid() == 0)
        CHECK_EQ(WEXITSTATUS(status), 0);
}
