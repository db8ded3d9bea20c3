/* supervisor_internal.h - the inside of the supervisor, for supervisor.c, sockets.c. */
#pragma once

#include "cli/supervisor.h"
#include "net/gateway_stats.h"

#include <sys/types.h>

struct child {
    const char *name;
    pid_t pid;
    int ready; /* a byte "r" comes out of it once this process serves; -1: not started */
    bool is_ready;
    int64_t started_ms, restart_ms; /* restart_ms: when to start it again, while pid is 0 */
    unsigned quick_deaths;
};

struct supervisor {
    const struct supervisor_opts *opts;
    int tls, plain, gate, admin, stats, ticket;
    const struct gateway_stats *page; /* `stats`, mapped */
    char dir[4096], run[4200];        /* absolute */
    char spec[4300];                  /* as it was when serve began */
    struct child hall, gateway;
    unsigned reactors;   /* of the gateway, and */
    int64_t connections; /* how many it takes: 0 until the hall has told its roster */
    bool is_ready, stopping;
};

/* -- sockets.c -- */
fail listen_tcp(const char *address, int *fd, struct why *why) MUST_USE;
fail listen_unix(const char *run, const char *name, mode_t mode, int *fd, struct why *why) MUST_USE;
