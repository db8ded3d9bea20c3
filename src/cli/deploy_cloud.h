/* deploy_cloud.h - the inside of `examhall deploy ENV`: deploy_cloud.c has what comes before the
 * cluster, and the order of all; deploy_cluster.c what is done in it. */
#pragma once

#include "cli/deploy.h"
#include "cli/steps.h"
#include "platform/env.h"
#include "platform/image_program.h"
#include "sys/temporary.h"

struct cloud {
    const struct deploy_opts *opts;
    struct arena arena;
    struct spec spec;
    struct env env;
    struct image_program program;
    struct steps steps;
    const char *spec_path;
    /* of our own; "" until there is one */
    char folder[TEMPORARY_BYTES_MAX], kubeconfig[TEMPORARY_BYTES_MAX + 16];
    int64_t revision, before; /* that serves as we come, and before it; 0: none */
    str target_group;         /* of the load balancer; empty: there is none */
    bool first;               /* the namespace is not there yet */
    bool rolled_back;
    char reason[1000]; /* why it was not deployed; "": it was */
};

/* False, and a reason: the command failed. With `out`, what it prints is there, too. */
bool cloud_run(struct cloud *c, const char *name, const char *const argv[]);
bool cloud_read(struct cloud *c, const char *name, const char *const argv[], struct out *out);
/* A path below the repository, which is "." unless told otherwise; in the arena. */
const char *cloud_below(struct cloud *c, const char *path);

/* -- deploy_cluster.c -- */
bool cluster_access(struct cloud *c);                 /* to this environment's cluster, no other */
void cluster_look(struct cloud *c);                   /* what serves there now */
bool cluster_install(struct cloud *c);                /* watched to its end */
void cluster_show_trouble(struct cloud *c);           /* for whoever has to repair it */
bool cluster_back(struct cloud *c, int64_t revision); /* watched, too */
bool cluster_undo(struct cloud *c);                   /* back to what served before */
void cluster_leave(struct cloud *c);                  /* removes what cluster_access made */
