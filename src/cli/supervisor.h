/* supervisor.h - starts the hall and the gateway, keeps their sockets, starts them again when they
 * die. In a cluster it starts only one of the two, and a tunnel to where the other runs. */
#pragma once

#include "base/fail.h"

struct supervisor_opts {
    const char *dir, *spec, *listen, *listen_plain, *services;
    int64_t reactors;
    const char *hall;               /* HOST:PORT where the hall is: only a gateway here; or NULL */
    const char *listen_gate;        /* where gateways find this hall: only a hall here; or NULL */
    const char *gate_key;           /* file with what both know; needed with either */
    const char *listen_probes;      /* with either; or NULL */
    const char *tls_cert, *tls_key; /* NULL: DIR/keys/tls.crt and .key */
    int64_t candidates;             /* a gateway alone is as large as so many need */
    int64_t drain_delay_s, drain_s; /* a gateway alone: drain.c */
    int handover; /* a descriptor with what the program before handed over; -1: begin anew */
    bool quiet;   /* no words for people when ready */
};

/* Runs until SIGTERM or SIGINT, then stops the gateway, then the hall. */
fail supervisor_run(const struct supervisor_opts *opts, struct why *why) MUST_USE;
