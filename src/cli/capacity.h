/* capacity.h - how large a gateway a roster needs, and whether this machine's limits let it be so.
 *
 * Pure rules: limits in, findings out. machine.c reads the limits, supervisor.c says the findings.
 * A finding names the limit, what it is, what it should be and the command that sets it. */
#pragma once

#include "base/base.h"

/* -1: not known, or no such limit here. */
struct machine {
    int64_t cores;
    int64_t open_files;    /* hard limit, for each descriptor table */
    int64_t file_max;      /* of the whole machine */
    int64_t epoll_watches; /* of one user */
    int64_t somaxconn;     /* the longest queue of connections not taken yet */
    int64_t tcp_pages;     /* net.ipv4.tcp_mem, third value */
    int64_t conntrack_max; /* -1 also while nothing is tracked */
    int64_t memory_bytes;  /* available now */
    bool rings;            /* net_ring.h: a reactor may have more clients than open files */
};
void machine_read(struct machine *machine);

#define CAPACITY_FINDINGS_MAX 8

struct finding {
    const char *limit; /* "fs.file-max" */
    int64_t is, needs;
    char set[160]; /* the command, or what to do */
};

struct capacity {
    unsigned reactors;
    int64_t wanted; /* connections: the roster, and those that come back before they are gone */
    int64_t connections; /* what the open-file limit gives of it */
    unsigned finding_count;
    struct finding findings[CAPACITY_FINDINGS_MAX];
    bool refused; /* by the first finding: nothing can be served */
};

struct capacity_need {
    int64_t roster;
    unsigned reactors; /* asked for by hand; 0: as many as it takes */
    bool beside_hall;  /* which has half of the cores */
    bool tls;
};
struct capacity capacity_plan(const struct machine *machine, const struct capacity_need *need);
