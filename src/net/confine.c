/* confine.c - see confine.h. The table is what the gateway was seen to need, and no more. */
#include "net/confine.h"

#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOBODY 65534

fail confine_process(struct why *why)
{
    if (geteuid() == 0 && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
                           setresuid(NOBODY, NOBODY, NOBODY)))
        return fail_errno(why, FAIL_WORLD, "Cannot become user %d", NOBODY);
    /* Becoming another user forgot this; without it the gateway outlives a killed supervisor, and
     * keeps its port. */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0))
        return fail_errno(why, FAIL_WORLD, "Cannot bind the gateway's life to its parent's");
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return fail_errno(why, FAIL_WORLD, "Cannot give up rights");
    return FAIL_NONE;
}

static const int allowed[] = {
    /* connections */
    SCMP_SYS(accept4),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(close),
    SCMP_SYS(connect),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(poll),
    SCMP_SYS(write), /* the log */
    /* memory and threads */
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    /* time and chance */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    /* the end */
    SCMP_SYS(restart_syscall),
    SCMP_SYS(tgkill),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* What these rings may do, they keep to themselves: net_ring.c. None can be made any more. */
static const int allowed_with_rings[] = {
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
};

static int allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int error = 0;
    for (size_t i = 0; i < count && !error; i++)
        error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return error;
}

static int add_rules(scmp_filter_ctx filter, bool rings)
{
    int error = allow(filter, allowed, COUNT(allowed));
    if (!error && rings)
        error = allow(filter, allowed_with_rings, COUNT(allowed_with_rings));
    if (error)
        return error;
    /* malloc looks into /proc when it gives memory back; it takes a refusal well. */
    error = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat), 0);
    if (error)
        return error;
    /* New sockets only to the hall. */
    const struct scmp_arg_cmp is_unix = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_UNIX };
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &is_unix);
}

bool confine_is_built(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return false;
#else
    return true;
#endif
#else
    return true;
#endif
}

fail confine_thread(bool rings, struct why *why)
{
    if (!confine_is_built())
        return FAIL_NONE;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int error = filter ? add_rules(filter, rings) : -ENOMEM;
    if (!error)
        error = seccomp_load(filter);
    seccomp_release(filter);
    errno = -error;
    return error ? fail_errno(why, FAIL_WORLD, "The kernel does not take the system call filter")
                 : FAIL_NONE;
}
