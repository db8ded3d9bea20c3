/* route.h - which handler a request is for, and whether its body has the members it should. */
#pragma once

#include "app/service.h"

#define ROUTES_MAX 128

/* One row: a route, whose it is, and what was counted of it. */
struct routed {
    const struct route *route;
    unsigned service;
    str segments[8];
    unsigned segment_count;
    uint64_t replies[6]; /* by status class; [0] unused */
    uint64_t loop_us;    /* what it kept the loop busy */
};

struct routes {
    struct routed rows[ROUTES_MAX];
    unsigned count;
};

void routes_add(struct routes *routes, const struct route *route, unsigned service);
/* Finds the row and fills params; NULL with FAIL_MISSING or FAIL_METHOD. */
struct routed *routes_find(struct routes *routes, str method, str path, str params[3],
                           struct why *why, fail *f);

/* A member of `takes`: one of "name:type" or "name:type?". */
struct member {
    str name, type;
    bool optional;
};
bool takes_next(str *takes, struct member *member); /* false at the end */
fail takes_check(const char *takes, const struct json *body, struct why *why) MUST_USE;
