/* fail.h - how a function says that the world, or its user, failed.
 *
 * A function that can fail returns `fail` (FAIL_NONE is success) and writes one finished sentence
 * for people into `why`: what, where, and what to do. `why` is untouched on success. `slug` names
 * the exact problem for programs ("time-over"); it becomes the `type` of an HTTP problem reply. One
 * table in app/reply.c turns each code into a status. Our own mistakes are not failures: must(). */
#pragma once

#include "base/str.h"

enum fail {
    FAIL_NONE = 0,
    FAIL_INPUT,     /* bytes are not what they should be */
    FAIL_USAGE,     /* the command line is wrong */
    FAIL_UNSIGNED,  /* nobody is signed in, or the token is not ours or has expired */
    FAIL_FORBIDDEN, /* signed in, but not allowed */
    FAIL_MISSING,   /* there is no such thing */
    FAIL_METHOD,    /* the thing exists, the method does not */
    FAIL_CONFLICT,  /* true and well-formed, but not now: state forbids it */
    FAIL_LIMIT,     /* larger than a stated limit */
    FAIL_RATE,      /* too often; try later */
    FAIL_BUSY,      /* we cannot take this now; try again */
    FAIL_FULL,      /* no room on the disk */
    FAIL_STARVED,   /* no descriptor or memory is free now; try again */
    FAIL_WORLD,     /* a system call or a peer failed */
    FAIL_CORRUPT,   /* stored bytes are damaged */
};
typedef enum fail fail;

struct why {
    const char *slug; /* static text, or NULL: then the code's own */
    uint32_t retry_after_s;
    char text[508];
};

/* Each returns `code`, so that `return fail_set(...)` is the usual line. `why` may be NULL. */
fail fail_set(struct why *why, fail code, const char *format, ...) PRINTF(3, 4);
fail fail_as(struct why *why, fail code, const char *slug, const char *format, ...) PRINTF(4, 5);
/* Adds ": strerror(errno)"; errno survives. */
fail fail_errno(struct why *why, fail code, const char *format, ...) PRINTF(3, 4);
/* Passes f through; when set, puts "context: " before the text. */
fail why_add(struct why *why, fail f, const char *format, ...) PRINTF(3, 4);
/* Drops a failure on purpose, and says why that is right. */
void fail_ignore(fail f, const char *reason);
