/* server.h - sockets around a hall: pipelined HTTP/1.1 in, replies out in order, when durable. */
#pragma once

#include "app/hall.h"

#include <stdint.h>

struct server_opts {
    int gate_fd;      /* listening socket for the gateway, or -1 */
    int admin_fd;     /* listening socket for the operator, or -1 */
    int probe_fd;     /* listening socket for probes and /metrics, and nothing else, or -1 */
    int stop_fd;      /* readable: stop (a signalfd or a pipe) */
    uint32_t beat_us; /* how long requests may be gathered, see server.c; 0 for 2000 */
};

/* Runs until stop_fd is readable. Nothing that was acknowledged depends on how it ends. */
fail server_run(struct hall *hall, const struct server_opts *opts, struct why *why) MUST_USE;
