/* measured.h - what a rehearsal measured of this program on one machine: the file that `rehearse
 * --capacity` writes and from which `plan` and `simulate` reckon. One line of JSON:
 *
 *     {"kind":"examhall-capacity-1","made_at":MS,"binary":{"version","sha256"},
 *      "machine":{"cpu","cores","memory_bytes"},"run":{"candidates","tls"},
 *      "held":{"requests_per_s","saves_per_s"},
 *      "cpu_ns":{"sign_in":{"gateway","hall"},"start":{...},"save":{...},"submit":{...},
 *                "result":{...}},
 *      "memory_bytes":{"gateway","socket","hall"}}
 *
 * cpu_ns is what one request of a kind costs, in nanoseconds of one core of that machine. What it
 * counts as one: a sign-in with its TLS handshake; a start with form and paper; a save or a
 * heartbeat; a submit with its receipt; a result or a response sheet. memory_bytes is of a
 * connection in the gateway, of its socket in the kernel, of a candidate in the hall. `held` is
 * what was shown to stay within the objectives, not the most there could be. */
#pragma once

#include "base/arena.h"
#include "base/fail.h"
#include "base/out.h"

/* What candidates ask for: name, and the service that answers it beside the gateway. */
#define ASKED(X)                                                                                   \
    X(sign_in, "identity")                                                                         \
    X(start, "delivery")                                                                           \
    X(save, "answers")                                                                             \
    X(submit, "answers")                                                                           \
    X(result, "results")

enum asked {
#define X(name, service) ASKED_##name,
    ASKED(X)
#undef X
        ASKED_KINDS
};
extern const char *const asked_names[ASKED_KINDS];
extern const char *const asked_services[ASKED_KINDS];

struct measured_cost {
    int64_t gateway, hall; /* nanoseconds of a core */
};

struct measured {
    instant made_at;
    str version, sha256, cpu;
    int64_t cores, memory_bytes;
    bool tls;
    int64_t candidates;
    int64_t requests_per_s, saves_per_s;
    struct measured_cost cost[ASKED_KINDS];
    int64_t gateway_bytes, socket_bytes, hall_bytes;
};

#define MEASURED_BYTES_MAX (64 * KIB)

void measured_write(struct out *out, const struct measured *measured);
/* Strict: every member must be there, in its range, and no other. Texts lie in `text` or the arena.
 * FAIL_INPUT: it is no such file, or says it was made after `now`. */
fail measured_parse(struct measured *measured, str text, instant now, struct arena *arena,
                    struct why *why) MUST_USE;
