/* supervisor.h - starts the hall and the gateway, keeps their sockets, starts them again when they
 * die. */
#pragma once

#include "base/fail.h"

struct supervisor_opts {
    const char *dir, *spec, *listen, *listen_plain, *services;
    int64_t reactors;
    int handover; /* a descriptor with what the program before handed over; -1: begin anew */
    bool quiet;   /* no words for people when ready */
};

/* Runs until SIGTERM or SIGINT, then stops the gateway, then the hall. */
fail supervisor_run(const struct supervisor_opts *opts, struct why *why) MUST_USE;
