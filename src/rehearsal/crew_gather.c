/* crew_gather.c - how the hosts of a crew are found: dialled, awaited, or just this machine. */
#include "rehearsal/remote_host.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define COME_US (300 * (int64_t)SECOND_US) /* so long hosts may take to join */

static void say(const struct crew_opts *opts, const char *format, ...) PRINTF(2, 3);
static void say(const struct crew_opts *opts, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    opts->say(opts->ctx, text);
}

static fail take(struct crew *crew, struct link *link, const struct crew_opts *opts,
                 struct why *why)
{
    fail f = remote_join(crew, link, opts->version, why);
    if (!f)
        say(opts, "Agent host %s is here.", link_peer(link));
    else
        link_close(link);
    return f;
}

static fail dial_all(struct crew *crew, const struct link_key *key, const struct crew_opts *opts,
                     struct why *why)
{
    str rest = str_z(opts->dial);
    fail f = FAIL_NONE;
    while (rest.p && !f) {
        char address[300];
        struct link *link;
        str one = str_trim(str_cut(&rest, ','));
        if (!one.n || one.n >= sizeof(address))
            return fail_set(why, FAIL_USAGE, "--agents is a list such as host1,host2:7443");
        snprintf(address, sizeof(address), "%.*s", STR_ARG(one));
        f = link_dial(&link, address, key, why);
        if (!f)
            f = take(crew, link, opts, why);
        f = why_add(why, f, "agent host %s", address);
    }
    return f;
}

/* Who fails to join is told and forgotten: it may be anybody. */
static fail await_all(struct crew *crew, const struct link_key *key, const struct crew_opts *opts,
                      struct why *why)
{
    int fd = -1;
    unsigned joined = 0;
    int64_t until = agent_clock_us() + COME_US;
    fail f = link_listen(&fd, opts->listen, why);
    if (!f)
        say(opts, "Waiting on %s for %u agent hosts.", opts->listen, opts->await);
    while (!f && joined < opts->await) {
        struct link *link;
        struct why theirs;
        fail one = link_accept(&link, fd, key, SECOND_US, &theirs);
        if (!one)
            one = take(crew, link, opts, &theirs);
        if (!one)
            joined++;
        else if (one != FAIL_BUSY)
            say(opts, "%s", theirs.text);
        if (agent_clock_us() > until)
            f = fail_set(why, FAIL_WORLD, "only %u of %u agent hosts came within %d s", joined,
                         opts->await, (int)(COME_US / SECOND_US));
    }
    if (fd >= 0)
        close(fd);
    return f;
}

fail crew_gather(struct crew *crew, const struct crew_opts *opts, struct why *why)
{
    struct link_key key;
    if (!opts->dial && !opts->listen) {
        must(crew_add(crew, &host_local, "this machine"));
        return FAIL_NONE;
    }
    fail f = link_key_read(&key, opts->token_file, why);
    if (!f && opts->dial)
        f = dial_all(crew, &key, opts, why);
    if (!f && opts->listen)
        f = await_all(crew, &key, opts, why);
    return f;
}
