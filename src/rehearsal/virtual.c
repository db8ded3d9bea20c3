/* virtual.c - when a virtual candidate acts and what it then asks; see virtual.h. What it makes of
 * the answers is in virtual_reply.c. */
#include "rehearsal/virtual.h"
#include "base/table.h"
#include "rehearsal/virtual_inner.h"

#include <math.h>
#include <stdlib.h>

#define ANSWER_WAIT_US (30 * (int64_t)SECOND_US)

static struct chance dice(const struct virtual *v)
{
    struct chance chance;
    chance_sim_init(&chance, v->dice);
    return chance;
}

double virtual_unit(struct virtual *v)
{
    struct chance chance = dice(v);
    double unit = chance_unit(&chance);
    v->dice = chance_u64(&chance);
    return unit;
}

int64_t virtual_between(struct virtual *v, int64_t least, int64_t most)
{
    return least + (int64_t)(virtual_unit(v) * (double)MAX(most - least, 0));
}

int64_t virtual_exponential(struct virtual *v, double mean)
{
    return (int64_t)(-log(1 - virtual_unit(v)) * mean);
}

/* Log-normal, sigma 0.6: most answers come near the middle, some after a long look. */
static int64_t think(struct virtual *v, int64_t mean_us)
{
    const double sigma = 0.6;
    double u = 1 - virtual_unit(v), angle = 2 * M_PI * virtual_unit(v);
    double normal = sqrt(-2 * log(u)) * cos(angle);
    return (int64_t)((double)mean_us * exp(sigma * normal - sigma * sigma / 2));
}

void virtual_init(struct virtual *v, const struct plan *plan, uint32_t number,
                  struct sign_in_turn turn, str roll, str code)
{
    *v = (struct virtual){ .number = number, .roll = roll, .code = code };
    v->dice = plan->seed ^ (number + 1) * 0x9e3779b97f4a7c15u;
    v->ledger.who = plan->seed + number;
    double when = (turn.at + virtual_unit(v)) / MAX(turn.of, 1);
    v->due_us = plan->begin_us + (int64_t)((double)plan->ramp_us * when);
    v->ends_us = v->drop_us = NEVER_US;
}

void stand_fini(struct stand *stand)
{
    table_free(stand->entries, stand->count * (stand->paper->items + 1ul), sizeof(struct entry));
    stand->entries = NULL;
}

void virtual_begin(struct virtual *v, const struct plan *plan, int64_t now)
{
    int64_t allowed = plan->sitting_us == NEVER_US ? NEVER_US : now + plan->sitting_us;
    int64_t last = MAX(MIN(MIN(v->ends_us, plan->end_us), allowed), now), left = last - now;
    v->stage = STAGE_RUN;
    v->save_us = now + think(v, plan->save_every_us);
    v->heartbeat_us = now + virtual_heartbeat(v);
    if (v->started)
        return;
    v->started = true;
    /* One in fifty of those whose time ends near the end of all is still there then: the hall
     * submits, and the page asks every few seconds what came of it. */
    v->late = virtual_unit(v) < 0.02 && v->ends_us - last < 60 * (int64_t)SECOND_US;
    int64_t window = MAX(MIN(plan->submit_us, left / 2), 1),
            margin = MIN(3 * SECOND_US, window / 2);
    v->submit_us = v->late ? v->ends_us + virtual_between(v, 0, SECOND_US)
                           : last - virtual_between(v, margin, window);
    v->drop_us =
        plan->drops_per_us > 0 ? now + virtual_exponential(v, 1 / plan->drops_per_us) : NEVER_US;
}

int64_t virtual_heartbeat(struct virtual *v)
{
    return HEARTBEAT_US / 5 * 4 + virtual_between(v, 0, HEARTBEAT_US / 5 * 2);
}

static int64_t due(const struct virtual *v)
{
    if (v->stage == STAGE_RUN && !v->pending)
        return MIN(MIN(v->save_us, v->heartbeat_us), v->submit_us);
    return v->stage == STAGE_END ? NEVER_US : v->due_us;
}

int64_t virtual_wake(const struct virtual *v)
{
    int64_t wake = v->in_flight ? v->sent_us + ANSWER_WAIT_US : MAX(due(v), v->not_before_us);
    return v->stage == STAGE_RUN ? MIN(wake, v->drop_us) : wake;
}

/* As the portal does (web/src/core/retry.ts): half a second to ten, half of it left to chance, so
 * that a hall that comes back is not met by everyone at once. */
void virtual_back_off(struct virtual *v, int64_t now)
{
    v->tries = (uint8_t)MIN(v->tries + 1, 200);
    int64_t full = MIN(10 * (int64_t)SECOND_US, (SECOND_US / 2) << MIN(v->tries, 6));
    v->not_before_us = now + MAX(SECOND_US / 2, virtual_between(v, full / 2, full));
}

void virtual_overdue(struct virtual *v, struct stand *stand, int64_t now)
{
    if (v->overdue || now - v->due_us < ANSWER_WAIT_US)
        return;
    v->overdue = true; /* once an action; it is repeated all the same, as the portal does */
    stand->board->requests_failed++;
    board_example(stand->board, "%s by %.*s had no answer within 30 s", ask_names[v->asked],
                  STR_ARG(v->roll));
}

void virtual_lost(struct virtual *v, struct stand *stand, int64_t now)
{
    stand->board->reconnects += v->stage < STAGE_DONE;
    if (!v->in_flight)
        return;
    v->in_flight = false;
    v->sign_in_abandoned |= v->asked == ASK_SIGN_IN;
    virtual_back_off(v, now);
    virtual_overdue(v, stand, now);
}

/* The network is gone for a while, in mid-request or not. Four in ten pages just go on afterwards,
 * three are loaded again, three come back on another device: what the old one had not got through
 * is gone then, and the new sign-in ends it. */
static enum doing leave(struct virtual *v, struct stand *stand, int64_t now)
{
    int64_t away =
        virtual_between(v, SECOND_US, 2 * SECOND_US) + virtual_exponential(v, 3 * SECOND_US);
    int64_t back = now + MIN(away, 30 * (int64_t)SECOND_US);
    v->drop_us = back + virtual_exponential(v, 1 / stand->plan->drops_per_us);
    if (back > MIN(v->submit_us, v->ends_us - 5 * SECOND_US))
        return DO_NOTHING;
    stand->board->drops++;
    /* The time away is nobody's fault, the wait before it counts; but not as one that no fault
     * touched. */
    bool counts = v->pending && !stand->orders->killed_us;
    int64_t waited = counts ? MAX(now - v->due_us, 0) : 0;
    v->in_flight = false;
    v->tries = 0;
    v->not_before_us = v->due_us = back;
    v->save_us = MAX(v->save_us, back);
    v->heartbeat_us = MAX(v->heartbeat_us, back);
    double how = virtual_unit(v);
    v->stage = how < 0.3 ? STAGE_OUT : how < 0.6 ? STAGE_WAIT : STAGE_RUN;
    if (v->stage == STAGE_OUT) {
        stand->board->sign_ins_again++;
        v->pending = false;
        v->cookie[0] = 0;
    }
    if (v->stage == STAGE_RUN && v->pending)
        v->due_us -= waited;
    else
        v->overdue = false;
    return DO_LEAVE;
}

/* Mostly the next item, sometimes an earlier one again. */
static void choose_save(struct virtual *v)
{
    unsigned items = v->ledger.items;
    bool back = v->place >= items || (v->place && virtual_unit(v) < 0.25);
    unsigned i = back ? 1 + (unsigned)virtual_between(v, 0, MIN(v->place, items)) : v->place + 1u;
    i = MIN(i, items);
    v->place = (uint16_t)MAX(v->place, i);
    v->pending_item = (uint16_t)i;
    v->pending = true;
    v->seq++;
    v->ledger.entries[i].sent = ledger_key(v->turn, v->seq);
}

static enum ask choose(struct virtual *v, const struct plan *plan)
{
    static const uint8_t asks[] = {
        [STAGE_OUT] = ASK_SIGN_IN,   [STAGE_WAIT] = ASK_LOOK,       [STAGE_READY] = ASK_START,
        [STAGE_FORM] = ASK_FORM,     [STAGE_PAPER] = ASK_PAPER,     [STAGE_RESUME] = ASK_RESUME,
        [STAGE_SUBMIT] = ASK_SUBMIT, [STAGE_RECEIPT] = ASK_RECEIPT, [STAGE_DONE] = ASK_LOOK,
        [STAGE_RESULT] = ASK_RESULT
    };
    if (v->stage == STAGE_CHECK)
        return plan->scored ? ASK_SHEET : ASK_RESUME;
    if (v->stage != STAGE_RUN)
        return asks[v->stage];
    if (v->pending)
        return ASK_SAVE;
    v->due_us = due(v);
    if (v->due_us == v->submit_us) {
        v->stage = v->late ? STAGE_WAIT : STAGE_SUBMIT;
        return asks[v->stage];
    }
    if (v->due_us == v->heartbeat_us)
        return ASK_HEARTBEAT;
    v->save_us += think(v, plan->save_every_us);
    choose_save(v);
    return ASK_SAVE;
}

static void write_body(struct out *body, const struct virtual *v, const struct stand *stand)
{
    if (v->asked == ASK_SIGN_IN) {
        out_z(body, "{\"roll\":");
        out_json(body, v->roll);
        out_z(body, ",\"code\":");
        out_json(body, v->code);
        out_char(body, '}');
    } else if (v->asked == ASK_SAVE) {
        struct answer answer;
        unsigned i = v->pending_item;
        answer_make(&answer, &stand->paper->item[i], v->ledger.who, i, v->ledger.entries[i].sent);
        out_z(body, "{\"value\":");
        if (answer.none)
            out_z(body, "null");
        else
            out_json(body, str_of(answer.value, answer.bytes));
        out_z(body, answer.marked ? ",\"marked\":true,\"seq\":" : ",\"marked\":false,\"seq\":");
        out_u64(body, ledger_seq(v->ledger.entries[i].sent));
        out_char(body, '}');
    } else if (v->asked == ASK_HEARTBEAT) {
        out_fmt(body, "{\"place\":%u}", MAX(v->place, 1));
    } else {
        out_z(body, "{}");
    }
}

static void write_path(struct out *out, uint32_t attempt, const char *tail)
{
    out_z(out, "/v1/attempts/");
    out_u64(out, attempt);
    out_z(out, tail);
}

static void write_target(struct out *out, const struct virtual *v, const struct stand *stand)
{
    static const char *const tails[ASK_KINDS] = {
        [ASK_LOOK] = "",           [ASK_START] = "/start",     [ASK_FORM] = "/form",
        [ASK_RESUME] = "/answers", [ASK_SAVE] = "/answers/",   [ASK_HEARTBEAT] = "/heartbeat",
        [ASK_SUBMIT] = "/submit",  [ASK_RECEIPT] = "/receipt", [ASK_RESULT] = "/result",
        [ASK_SHEET] = "/responses"
    };
    if (v->asked == ASK_SIGN_IN)
        out_z(out, "/v1/sessions");
    else if (v->asked == ASK_PAPER)
        out_z(out, stand->paper->path);
    else
        write_path(out, v->attempt, tails[v->asked]);
    if (v->asked == ASK_SAVE)
        out_u64(out, v->pending_item);
}

static void write_field(struct out *out, const char *name, str value)
{
    out_z(out, "\r\n");
    out_z(out, name);
    out_str(out, value);
}

static void write_request(struct out *out, const struct virtual *v, struct stand *stand)
{
    static const char *const methods[ASK_KINDS] = { [ASK_SIGN_IN] = "POST",
                                                    [ASK_START] = "POST",
                                                    [ASK_SAVE] = "PUT",
                                                    [ASK_HEARTBEAT] = "POST",
                                                    [ASK_SUBMIT] = "POST" };
    const char *method = methods[v->asked];
    out_z(out, method ? method : "GET");
    out_char(out, ' ');
    write_target(out, v, stand);
    out_z(out, " HTTP/1.1");
    write_field(out, "Host: ", stand->plan->host);
    if (v->cookie[0])
        write_field(out, "Cookie: __Host-examhall=", str_z(v->cookie));
    out_z(out, "\r\n");
    if (!method) {
        out_z(out, v->asked == ASK_PAPER ? "Accept-Encoding: gzip\r\n\r\n" : "\r\n");
        return;
    }
    struct out body = out_make(2 * KIB);
    write_body(&body, v, stand);
    out_z(out, "Content-Type: application/json");
    write_field(out, "Origin: ", stand->plan->origin);
    out_z(out, "\r\nContent-Length: ");
    out_u64(out, body.n);
    out_z(out, "\r\n\r\n");
    must(!body.failed);
    out_str(out, out_view(&body));
    out_fini(&body);
}

enum doing virtual_act(struct virtual *v, struct stand *stand, int64_t now, struct out *out)
{
    if (v->stage == STAGE_RUN && now >= v->drop_us) {
        enum doing doing = leave(v, stand, now);
        if (doing == DO_LEAVE)
            return doing;
    }
    if (now < virtual_wake(v))
        return DO_NOTHING;
    if (v->in_flight) {
        v->in_flight = false;
        v->sign_in_abandoned |= v->asked == ASK_SIGN_IN;
        virtual_back_off(v, now);
        virtual_overdue(v, stand, now);
        return DO_RETRY;
    }
    v->asked = (uint8_t)choose(v, stand->plan);
    v->in_flight = true;
    v->sent_us = now;
    stand->board->requests++;
    if (v->asked == ASK_START &&
        (!stand->board->first_start_us || v->due_us < stand->board->first_start_us))
        stand->board->first_start_us = v->due_us;
    write_request(out, v, stand);
    return DO_SEND;
}

/* A candidate who has no attempt (it was counted as not submitted) has no result either. */
void virtual_results(struct virtual *v, struct stand *stand, int64_t now)
{
    v->in_flight = v->overdue = false;
    v->tries = 0;
    v->not_before_us = 0;
    v->results = (uint8_t)(v->attempt ? stand->plan->results : 0);
    v->stage = v->results ? STAGE_RESULT : STAGE_END;
    v->due_us = now + virtual_between(v, 0, stand->plan->result_us / 4);
}

void virtual_check(struct virtual *v, struct stand *stand, int64_t now)
{
    v->in_flight = v->overdue = false;
    v->tries = 0;
    v->not_before_us = 0;
    if (!v->attempt || !v->ledger.entries) {
        stand->board->unchecked++;
        board_example(stand->board, "%.*s never had a paper, so nothing could be compared",
                      STR_ARG(v->roll));
        v->stage = STAGE_END;
        return;
    }
    v->stage = STAGE_CHECK;
    v->due_us = now + virtual_between(v, 0, 2 * SECOND_US + 500 * stand->plan->candidates);
}
