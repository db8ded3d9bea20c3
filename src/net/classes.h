/* classes.h - which request goes where, how urgent it is, and how large it may be.
 *
 * The one table of it is in classes.c. When the gateway runs full, the last class is turned away
 * first: a class is taken while all that waits is below its share. P0 has all of it. Shares grow
 * with the connections a reactor may have: one must not turn away whom twenty would have held. */
#pragma once

#include "net/gateway_stats.h"

enum destination {
    TO_HALL,
    TO_FILES,
    TO_SELF,
    TO_READY, /* to the hall until it has once answered, then to us: health.c */
};

struct class_rule {
    const char *method; /* "*" for any */
    const char *path;   /* "*" as a part stands for any one part; a last "**" for any rest */
    enum destination to;
    enum gateway_class class;
    uint32_t body_bytes_max;
};

/* In one reactor, all classes together, for every CLASS_SHARE_CONNECTIONS it may have, or part. */
#define CLASS_SHARE_CONNECTIONS 20000
struct class_share {
    uint32_t requests_max;
    size_t bytes_max;
};

const struct class_rule *class_find(str method,
                                    str path); /* never NULL: the last rule is for all */
const struct class_share *class_share(enum gateway_class class);
