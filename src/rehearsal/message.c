/* message.c - see message.h. The big one, the report, is in report_message.c. */
#include "rehearsal/message.h"

#include <math.h>

enum {
    PROTOCOL = 2,
    VERSION_BYTES_MAX = 100,
    TEXT_BYTES_MAX = 100, /* of a roll number, of a code */
    ORIGIN_BYTES_MAX = 299,
    CANDIDATES_MAX = 10000000
};
#define CA_BYTES_MAX (512 * KIB)
#define INSTANT_MAX  ((int64_t)1 << 60) /* sums of two do not overflow */

static const char magic[8] = { 'e', 'x', 'a', 'm', 'h', 'a', 'l', 'l' };

static fail unless(bool good, const char *what, struct why *why)
{
    return good ? FAIL_NONE
                : fail_set(why, FAIL_INPUT, "the other side sent a bad message (%s)", what);
}

static bool is_whole(const struct wire_in *in)
{
    return !in->failed && !wire_more(in);
}

static bool is_instant(int64_t us)
{
    return us == NEVER_US || (us > -INSTANT_MAX && us < INSTANT_MAX);
}

bool message_is_shown(str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
            return false;
    return true;
}

void hello_write(struct wire_out *out, const struct hello *hello)
{
    wire_put(out, magic, sizeof(magic));
    wire_put_u16(out, PROTOCOL);
    wire_put_u8(out, hello->role);
    wire_put_str(out, hello->version);
}

fail hello_read(struct hello *hello, str body, struct why *why)
{
    struct wire_in in = wire_in_make(body);
    char theirs[sizeof(magic)];
    wire_get(&in, theirs, sizeof(theirs));
    bool good = memcmp(theirs, magic, sizeof(magic)) == 0;
    uint16_t protocol = wire_get_u16(&in);
    if (good && !in.failed && protocol != PROTOCOL)
        return fail_set(why, FAIL_CONFLICT,
                        "the other side speaks protocol %u and this one %u: run the same examhall "
                        "on both",
                        protocol, PROTOCOL);
    hello->role = wire_get_u8(&in);
    hello->version = wire_get_str(&in);
    return unless(good && is_whole(&in) && hello->role <= ROLE_AGENTS &&
                      hello->version.n <= VERSION_BYTES_MAX && message_is_shown(hello->version),
                  "hello", why);
}

void ping_write(struct wire_out *out, const struct ping *ping)
{
    wire_put_i64(out, ping->sent_us);
    wire_put_i64(out, ping->theirs_us);
}

fail ping_read(struct ping *ping, str body, struct why *why)
{
    struct wire_in in = wire_in_make(body);
    ping->sent_us = wire_get_i64(&in);
    ping->theirs_us = wire_get_i64(&in);
    return unless(is_whole(&in) && is_instant(ping->sent_us) && is_instant(ping->theirs_us), "ping",
                  why);
}

void target_write(struct wire_out *out, const struct target_message *target)
{
    wire_put_str(out, target->origin);
    wire_put_str(out, target->ca);
    wire_put_u8(out, target->ours);
    wire_put_u32(out, target->first);
    wire_put_u32(out, target->count);
}

fail target_read(struct target_message *target, str body, struct why *why)
{
    struct wire_in in = wire_in_make(body);
    target->origin = wire_get_str(&in);
    target->ca = wire_get_str(&in);
    uint8_t ours = wire_get_u8(&in);
    target->ours = ours;
    target->first = wire_get_u32(&in);
    target->count = wire_get_u32(&in);
    return unless(is_whole(&in) && target->origin.n <= ORIGIN_BYTES_MAX &&
                      !memchr(target->origin.p, 0, target->origin.n) &&
                      target->ca.n <= CA_BYTES_MAX && ours <= 1 && target->first < CANDIDATES_MAX &&
                      target->count < CANDIDATES_MAX,
                  "target", why);
}

uint32_t credentials_write(struct wire_out *out, const struct credential *credentials,
                           uint32_t count)
{
    uint32_t n = 0;
    struct wire_out whole = *out;
    for (; n < count && !out->failed; n++) {
        whole = *out;
        wire_put_str(out, credentials[n].roll);
        wire_put_str(out, credentials[n].code);
    }
    if (!out->failed)
        return n;
    *out = whole; /* the last did not fit */
    return n - 1;
}

fail credentials_take(struct credential *credentials, uint32_t *n, uint32_t count, str body,
                      struct arena *arena, struct why *why)
{
    struct wire_in in = wire_in_make(body);
    bool good = wire_more(&in);
    while (good && wire_more(&in)) {
        str roll = wire_get_str(&in), code = wire_get_str(&in);
        good = !in.failed && *n < count && roll.n <= TEXT_BYTES_MAX && code.n <= TEXT_BYTES_MAX;
        if (!good)
            break;
        struct credential copy = { arena_str(arena, roll), arena_str(arena, code) };
        if (!copy.roll.p || !copy.code.p)
            return fail_set(why, FAIL_LIMIT, "the codes do not fit into memory");
        credentials[(*n)++] = copy;
    }
    return unless(good, "codes", why);
}

void order_write(struct wire_out *out, const struct crew_orders *orders)
{
    wire_put_u8(out, (uint8_t)orders->phase);
    wire_put_i64(out, orders->killed_us);
    wire_put_i64(out, orders->calm_us);
}

fail order_read(struct crew_orders *orders, str body, struct why *why)
{
    struct wire_in in = wire_in_make(body);
    orders->phase = wire_get_u8(&in);
    orders->killed_us = wire_get_i64(&in);
    orders->calm_us = wire_get_i64(&in);
    return unless(is_whole(&in) && orders->phase <= PHASE_STOP && is_instant(orders->killed_us) &&
                      is_instant(orders->calm_us),
                  "order", why);
}

/* --- the plan -----------------------------------------------------------------------------------
 */

#define PLAN_INSTANTS(X)                                                                           \
    X(begin_us)                                                                                    \
    X(ramp_us)                                                                                     \
    X(save_every_us)                                                                               \
    X(start_spread_us)                                                                             \
    X(sitting_us)                                                                                  \
    X(end_us)                                                                                      \
    X(submit_us)                                                                                   \
    X(look_after_us)                                                                               \
    X(result_us)

void plan_write(struct wire_out *out, const struct plan *plan)
{
    uint16_t keys = plan->keys ? PAPER_ITEMS_MAX + 1 : 0;
    wire_put_u64(out, plan->seed);
    wire_put_u32(out, plan->candidates);
#define X(name) wire_put_i64(out, plan->name);
    PLAN_INSTANTS(X)
#undef X
    wire_put_u32(out, plan->results);
    wire_put(out, &plan->drops_per_us, sizeof(plan->drops_per_us));
    wire_put_u8(out, plan->scored);
    wire_put_u16(out, keys);
    for (uint16_t i = 0; i < keys; i++)
        wire_put_u32(out, plan->keys[i]);
}

fail plan_read(struct plan *plan, uint32_t *keys, str body, struct why *why)
{
    struct wire_in in = wire_in_make(body);
    bool good = true;
    *plan = (struct plan){ .seed = wire_get_u64(&in) };
    plan->candidates = wire_get_u32(&in);
#define X(name)                                                                                    \
    plan->name = wire_get_i64(&in);                                                                \
    good &= plan->name >= 0 && is_instant(plan->name);
    PLAN_INSTANTS(X)
#undef X
    plan->results = wire_get_u32(&in);
    wire_get(&in, &plan->drops_per_us, sizeof(plan->drops_per_us));
    uint8_t scored = wire_get_u8(&in);
    uint16_t count = wire_get_u16(&in);
    good &= plan->candidates && plan->candidates < CANDIDATES_MAX && plan->results <= UINT8_MAX &&
            isfinite(plan->drops_per_us) && plan->drops_per_us >= 0 && scored <= 1 &&
            (!count || count == PAPER_ITEMS_MAX + 1) && plan->save_every_us > 0 &&
            plan->ramp_us <= INSTANT_MAX / CANDIDATES_MAX;
    for (uint16_t i = 0; good && i < count; i++)
        keys[i] = wire_get_u32(&in);
    plan->scored = scored;
    plan->keys = count ? keys : NULL;
    return unless(good && is_whole(&in), "plan", why);
}
