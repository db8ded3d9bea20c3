/* sockets.c - opens the listening sockets that the supervisor owns; see supervisor_internal.h. */
#include "cli/supervisor_internal.h"
#include "net/address.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* The kernel takes net.core.somaxconn when that is less; capacity.c says when it is too little. */
#define BACKLOG 65535

fail listen_tcp(const char *address, int *fd, struct why *why)
{
    struct address at;
    struct addrinfo hints = { .ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE };
    struct addrinfo *found = NULL;
    bool good = address_cut(&at, address);
    bool alone = good && !at.port[0]; /* a port without a host: on all addresses */
    if (!good || getaddrinfo(alone || !at.host[0] ? NULL : at.host, alone ? at.host : at.port,
                             &hints, &found) != 0)
        return fail_set(why, FAIL_USAGE,
                        "\"%s\" is not an address to listen on; write one such as 0.0.0.0:8443",
                        address);
    int one = 1;
    *fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    fail f = FAIL_NONE;
    if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(*fd, found->ai_addr, found->ai_addrlen) < 0 || listen(*fd, BACKLOG) < 0)
        f = errno == EADDRINUSE
                ? fail_set(
                      why, FAIL_WORLD,
                      "%s is in use: another program listens there (see: ss -ltnp); stop it, or "
                      "choose another with --listen",
                      address)
                : fail_errno(why, FAIL_WORLD, "cannot listen on %s", address);
    freeaddrinfo(found);
    return f;
}

fail listen_unix(const char *run, const char *name, mode_t mode, int *fd, struct why *why)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", run, name);
    if (n < 0 || (size_t)n >= sizeof(address.sun_path))
        return fail_set(why, FAIL_USAGE,
                        "the path %s/%s is too long for a socket; use a shorter --data", run, name);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return fail_errno(why, FAIL_WORLD, "cannot make a socket");
    if (connect(*fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fail_set(why, FAIL_CONFLICT,
                        "a hall runs on this folder already (%s answers); stop it first",
                        address.sun_path);
    close(*fd);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(address.sun_path);
    if (*fd < 0 || bind(*fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        chmod(address.sun_path, mode) < 0 || listen(*fd, BACKLOG) < 0)
        return fail_errno(why, FAIL_WORLD, "cannot listen on %s", address.sun_path);
    return FAIL_NONE;
}
