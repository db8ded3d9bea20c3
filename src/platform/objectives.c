/* objectives.c - see objectives.h. */
#include "platform/objectives.h"

#include "codec/json_out.h"

const struct objectives objectives_default = { .save = { .p99_us = 250000 },
                                               .sign_in = { .p99_us = 2000000 } };

static void limits_json(struct out *out, const char *name, const struct limits *limits)
{
    static const struct limits none;
    if (memcmp(limits, &none, sizeof(none)) == 0)
        return;
    jo_open(out, name, '{');
#define X(limit, per_mille)                                                                        \
    if (limits->limit##_us)                                                                        \
        jo_i64(out, #limit, limits->limit##_us / 1000);
    LIMITS(X)
#undef X
    jo_close(out, '}');
}

void objectives_json(struct out *out, const char *name, const struct objectives *objectives)
{
    jo_open(out, name, '{');
    jo_i64(out, "saves_lost", objectives->saves_lost);
    jo_i64(out, "requests_failed", objectives->requests_failed);
    jo_open(out, "latency_ms", '{');
#define X(kind) limits_json(out, #kind, &objectives->kind);
    LIMITED(X)
#undef X
    jo_close(out, '}');
    jo_close(out, '}');
}
