/* virtual_reply.c - what a virtual candidate makes of an answer.
 *
 * A reply is taken at its word only after it was compared with what was asked: the same item and
 * sequence number, a receipt, the same paper as everybody's. Anything the contract does not allow
 * counts as a failed request, with its words kept as an example. */
#include "rehearsal/virtual.h"
#include "base/table.h"
#include "rehearsal/virtual_inner.h"

#include <stdlib.h>

enum { TRIES_MAX = 8 };

void virtual_finish(struct reply *r)
{
    struct virtual *v = r->v;
    bool sitting = v->stage != STAGE_CHECK && v->stage != STAGE_RESULT;
    v->stage = sitting ? STAGE_DONE : STAGE_END;
    if (sitting)
        r->stand->board->finished++;
    virtual_look_later(v, r->stand->plan, r->now);
}

/* Whose exam is over keeps the page open and looks now and then what comes of it. */
void virtual_look_later(struct virtual *v, const struct plan *plan, int64_t now)
{
    int64_t after = plan->look_after_us;
    v->due_us = after ? now + virtual_between(v, after / 5 * 4, after / 5 * 6) : NEVER_US;
}

static void failed(struct reply *r, const char *what)
{
    r->stand->board->requests_failed++;
    board_example(r->stand->board, "%s by %.*s: %u %s: %.*s", ask_names[r->v->asked],
                  STR_ARG(r->v->roll), r->head->status, what, (int)MIN(r->body.n, 120), r->body.p);
}

/* When the server's instant `at` is on our own clock. */
static int64_t our_time(const struct reply *r, int64_t at, int64_t server_now)
{
    return at ? r->now + (at - server_now) * 1000 : NEVER_US;
}

/* Until it presses Start the page looks at the attempt as often as it would send a heartbeat. When
 * it means to press is decided once, and again if the bell is put off: who waits for an answer
 * while that moment passes presses as soon as it is there. */
static void attempt_waits(struct reply *r, str state, int64_t starts_at, int64_t server_now)
{
    struct virtual *v = r->v;
    bool ready = str_eq(state, STR("ready")), known = ready || starts_at > server_now;
    int64_t start_us = ready ? r->now : our_time(r, starts_at, server_now),
            look_us = r->now + virtual_heartbeat(v);
    if (known && (!v->press_us || (!ready && v->press_us < start_us)))
        v->press_us = start_us + virtual_between(v, 0, r->stand->plan->start_spread_us);
    if (known && v->press_us <= look_us)
        virtual_next(v, STAGE_READY, v->press_us);
    else
        virtual_next(v, STAGE_WAIT, look_us);
}

static fail attempt_times(struct reply *r, int64_t *starts_at, int64_t *server_now)
{
    int64_t ends_at = 0, attempt = 0;
    fail f = json_i64(r->json, "attempt", true, 1, UINT32_MAX, &attempt, &r->why);
    if (!f)
        f = json_i64(r->json, "now", true, 1, INT64_MAX / 2000, server_now, &r->why);
    if (!f)
        f = json_i64(r->json, "starts_at", false, 0, INT64_MAX / 2000, starts_at, &r->why);
    if (!f)
        f = json_i64(r->json, "ends_at", false, 0, INT64_MAX / 2000, &ends_at, &r->why);
    if (f)
        return f;
    r->v->attempt = (uint32_t)attempt;
    r->v->ends_us = our_time(r, ends_at, *server_now);
    return FAIL_NONE;
}

/* The attempt object, in answer to a sign-in, a look, a start or a heartbeat. */
static fail attempt_seen(struct reply *r)
{
    struct virtual *v = r->v;
    int64_t starts_at = 0, server_now = 0;
    str state = STR_NONE;
    fail f = json_str(r->json, "state", true, &state, &r->why);
    if (!f)
        f = attempt_times(r, &starts_at, &server_now);
    if (f)
        return f;
    if (v->stage == STAGE_DONE) {
        virtual_look_later(v, r->stand->plan, r->now);
    } else if (str_eq(state, STR("submitted"))) {
        if (v->stage != STAGE_RECEIPT)
            r->stand->board->submitted++;
        virtual_next(v, STAGE_RECEIPT, r->now);
    } else if (str_eq(state, STR("running"))) {
        if (v->stage == STAGE_WAIT && r->now >= v->ends_us)
            virtual_next(v, STAGE_WAIT, r->now + virtual_between(v, 3 * SECOND_US, 5 * SECOND_US));
        else if (v->stage != STAGE_RUN)
            virtual_next(v, v->ledger.entries && v->stage == STAGE_WAIT ? STAGE_RESUME : STAGE_FORM,
                         r->now);
    } else if (str_eq(state, STR("closed")) || str_eq(state, STR("published"))) {
        failed(r, "the exam is over before this candidate has sat it");
        virtual_finish(r);
    } else {
        attempt_waits(r, state, starts_at, server_now);
    }
    return FAIL_NONE;
}

static fail sign_in_done(struct reply *r)
{
    str name = STR("__Host-examhall="), set = http_field(r->head, "Set-Cookie");
    if (!str_starts(set, name))
        return fail_set(&r->why, FAIL_INPUT, "no session cookie");
    set = str_from(set, name.n);
    str value = str_cut(&set, ';');
    if (!value.n || value.n >= COOKIE_BYTES_MAX)
        return fail_set(&r->why, FAIL_INPUT, "a session cookie of %zu bytes", value.n);
    memcpy(r->v->cookie, value.p, value.n);
    r->v->cookie[value.n] = 0;
    if (!r->v->turn)
        r->stand->board->signed_in++;
    r->v->turn++;
    r->v->sign_in_abandoned = false;
    return attempt_seen(r);
}

static fail form_seen(struct reply *r, const struct json *form)
{
    struct paper *paper = r->stand->paper;
    str path = STR_NONE;
    fail f = form_check(paper, form, &path, &r->why);
    if (f)
        return f;
    if (!paper->path[0] && path.n < sizeof(paper->path))
        memcpy(paper->path, path.p, path.n);
    if (!str_eq(path, str_z(paper->path)))
        return fail_set(&r->why, FAIL_INPUT, "another paper than the candidates before");
    virtual_next(r->v, STAGE_PAPER, r->now);
    return FAIL_NONE;
}

static fail form_done(struct reply *r)
{
    return form_seen(r, r->json);
}

static void paper_held(struct reply *r)
{
    struct virtual *v = r->v;
    if (!v->ledger.entries) {
        size_t each = r->stand->paper->items + 1ul;
        if (!r->stand->entries)
            r->stand->entries = table_new_huge(r->stand->count * each, sizeof(struct entry));
        v->ledger.items = r->stand->paper->items;
        v->ledger.entries = r->stand->entries + (v->number - r->stand->first) * each;
        r->stand->board->started++;
        r->stand->board->last_started_us = r->now;
    }
    if (v->fresh)
        virtual_begin(v, r->stand->plan, r->now);
    else
        virtual_next(v, STAGE_RESUME, r->now);
    v->fresh = false;
}

static fail paper_done(struct reply *r)
{
    bool gzip = str_eq(http_field(r->head, "Content-Encoding"), STR("gzip"));
    fail f = paper_take(r->stand->paper, r->body, gzip ? PAPER_GZIP : PAPER_PLAIN, r->stand->arena,
                        &r->why);
    if (!f)
        paper_held(r);
    return f;
}

/* Who has just started is given the form, mostly the paper, and has nothing recorded. */
static fail start_done(struct reply *r)
{
    int64_t epoch = 0;
    str packed = STR_NONE;
    fail f = attempt_seen(r);
    const struct json *form = json_get(r->json, STR("form"));
    if (f || !form || r->v->stage != STAGE_FORM)
        return f;
    f = json_i64(r->json, "epoch", true, 1, UINT32_MAX, &epoch, &r->why);
    if (!f)
        f = json_str(r->json, "packed_paper", false, &packed, &r->why);
    if (!f)
        f = form_seen(r, form);
    if (!f && packed.p)
        f = paper_take(r->stand->paper, packed, PAPER_BASE64_GZIP, r->stand->arena, &r->why);
    r->v->fresh = f == FAIL_NONE;
    if (!f && packed.p)
        paper_held(r);
    return f;
}

static void note_recovery(struct reply *r)
{
    int64_t killed = r->stand->orders->killed_us;
    if (killed && r->v->sent_us > killed && r->stand->board->recovered_us < killed)
        r->stand->board->recovered_us = r->now;
}

/* No fault was at work between the moment this was due and now. */
static bool is_calm(const struct reply *r)
{
    int64_t killed = r->stand->orders->killed_us;
    return !killed || r->now < killed || r->v->due_us >= r->stand->orders->calm_us;
}

static fail save_done(struct reply *r)
{
    struct virtual *v = r->v;
    struct entry *entry = &v->ledger.entries[v->pending_item];
    int64_t item = 0, seq = 0;
    bool superseded = false;
    str receipt = STR_NONE;
    fail f = json_i64(r->json, "item", true, 1, PAPER_ITEMS_MAX, &item, &r->why);
    if (!f)
        f = json_i64(r->json, "seq", true, 1, UINT32_MAX, &seq, &r->why);
    if (!f)
        f = json_bool(r->json, "superseded", false, &superseded, &r->why);
    if (!f)
        f = json_str(r->json, "receipt", true, &receipt, &r->why);
    if (f)
        return f;
    if (item != v->pending_item || seq != ledger_seq(entry->sent) || superseded || !receipt.n)
        return fail_set(&r->why, FAIL_INPUT, "not the receipt of this save");
    entry->acked = entry->sent;
    v->pending = false;
    v->heartbeat_us = r->now + virtual_heartbeat(v);
    r->stand->board->saves_acknowledged++;
    note_recovery(r);
    return FAIL_NONE;
}

static fail heartbeat_done(struct reply *r)
{
    r->v->heartbeat_us = r->now + virtual_heartbeat(r->v);
    return attempt_seen(r);
}

static fail receipt_done(struct reply *r)
{
    struct board *board = r->stand->board;
    unsigned least, most;
    int64_t answered = -1;
    str signature = STR_NONE;
    fail f = json_str(r->json, "signature", true, &signature, &r->why);
    if (!f)
        f = json_i64(r->json, "answered", true, 0, PAPER_ITEMS_MAX, &answered, &r->why);
    if (f)
        return f;
    ledger_answered(&r->v->ledger, r->stand->paper, &least, &most);
    if (!signature.n || answered < least || answered > most) {
        board->receipts_wrong++;
        board_example(board, "receipt of %.*s: %lld answered, expected %u to %u",
                      STR_ARG(r->v->roll), (long long)answered, least, most);
    }
    virtual_finish(r);
    return FAIL_NONE;
}

/* The reply is the receipt: only who was handed in by the hall has to ask for it. */
static fail submit_done(struct reply *r)
{
    fail f = receipt_done(r);
    r->stand->board->submitted += f == FAIL_NONE;
    return f;
}

/* The next one comes after a pause, so that the last is within the window. */
static fail result_done(struct reply *r)
{
    const struct plan *plan = r->stand->plan;
    str total = STR_NONE;
    fail f = json_str(r->json, "total", true, &total, &r->why);
    if (f)
        return f;
    r->stand->board->results_seen++;
    if (--r->v->results == 0)
        virtual_finish(r);
    else
        r->v->due_us += virtual_between(r->v, 0, plan->result_us / 2 / (int64_t)plan->results);
    return FAIL_NONE;
}

typedef fail (*done_fn)(struct reply *r);
static const done_fn done[ASK_KINDS] = {
    [ASK_SIGN_IN] = sign_in_done, [ASK_LOOK] = attempt_seen,
    [ASK_START] = start_done,     [ASK_FORM] = form_done,
    [ASK_PAPER] = paper_done,     [ASK_RESUME] = virtual_resume_done,
    [ASK_SAVE] = save_done,       [ASK_HEARTBEAT] = heartbeat_done,
    [ASK_SUBMIT] = submit_done,   [ASK_RECEIPT] = receipt_done,
    [ASK_RESULT] = result_done,   [ASK_SHEET] = virtual_sheet_done,
};

static fail body_parse(struct reply *r)
{
    struct json *json = NULL;
    if (r->v->asked == ASK_PAPER)
        return FAIL_NONE;
    fail f = json_parse(&json, r->body, r->stand->arena, &r->why);
    r->json = json;
    return f;
}

/* 429 and 503 say: ask again. The latency goes on counting from the intended time. */
static void wait_as_told(struct reply *r)
{
    uint64_t after_s = 1;
    str field = http_field(r->head, "Retry-After");
    if (!str_u64(field, &after_s) || after_s > 60)
        after_s = 1;
    r->stand->board->requests_delayed++;
    virtual_overdue(r->v, r->stand, r->now);
    r->v->not_before_us =
        r->now + (int64_t)after_s * SECOND_US + virtual_between(r->v, 0, SECOND_US);
}

static bool problem_is(const struct reply *r, const char *slug)
{
    struct json *json = NULL;
    str type = STR_NONE;
    struct why why;
    if (json_parse(&json, r->body, r->stand->arena, &why) ||
        json_str(json, "type", true, &type, &why))
        return false;
    return str_ends(type, str_z(slug)) && type.n > strlen(slug) &&
           type.p[type.n - strlen(slug) - 1] == '/';
}

/* True when the contract lets the hall say no here; then what follows from it is done. */
static bool refusal_expected(struct reply *r)
{
    struct virtual *v = r->v;
    if (r->head->status == 401 && v->sign_in_abandoned && problem_is(r, "signed-in-elsewhere")) {
        v->pending = false;
        r->stand->board->sign_ins_again++;
        virtual_next(v, STAGE_OUT, r->now);
        return true;
    }
    if (r->head->status == 404 && v->asked == ASK_RECEIPT && problem_is(r, "not-submitted") &&
        r->now < v->ends_us + 30 * (int64_t)SECOND_US) { /* the hall grants some grace first */
        virtual_next(v, STAGE_RECEIPT, r->now + 2 * SECOND_US);
        return true;
    }
    if (r->head->status != 409)
        return false;
    if (v->asked == ASK_START && (problem_is(r, "not-open") || problem_is(r, "not-started"))) {
        virtual_next(v, STAGE_WAIT, r->now + virtual_between(v, SECOND_US, 2 * SECOND_US));
        return true;
    }
    if (v->asked == ASK_SAVE && r->now >= v->ends_us - SECOND_US &&
        (problem_is(r, "time-over") || problem_is(r, "submitted"))) {
        v->pending = false;
        virtual_next(v, STAGE_SUBMIT, r->now);
        return true;
    }
    return false;
}

/* After a refusal the contract does not know: go on where that makes sense, else ask again a few
 * times, else give up; a candidate that gave up shows in the counts. */
static void after_failure(struct reply *r)
{
    struct virtual *v = r->v;
    if (v->asked == ASK_SAVE) {
        v->pending = false;
    } else if (v->asked == ASK_HEARTBEAT) {
        v->heartbeat_us = r->now + virtual_heartbeat(v);
    } else if (v->tries < TRIES_MAX) {
        virtual_back_off(v, r->now);
    } else {
        if (v->stage == STAGE_CHECK)
            r->stand->board->unchecked++;
        virtual_finish(r);
    }
}

static void refused(struct reply *r)
{
    if (r->head->status == 429 || r->head->status == 503) {
        wait_as_told(r);
        return;
    }
    if (refusal_expected(r))
        return;
    failed(r, http_reason(r->head->status));
    after_failure(r);
}

void virtual_reply(struct virtual *v, struct stand *stand, int64_t now,
                   const struct http_head *head, str body)
{
    must(v->in_flight);
    struct reply r = { .v = v, .stand = stand, .now = now, .head = head, .body = body };
    uint8_t tries = v->tries;
    v->in_flight = false;
    bool good = head->status >= 200 && head->status < 300;
    if (head->status != 429 && head->status != 503) {
        hist_record(&stand->board->latency[v->asked], now - v->due_us);
        if (is_calm(&r))
            hist_record(&stand->board->calm[v->asked], now - v->due_us);
        v->overdue = false;
        v->tries = 0;
    }
    if (!good) {
        v->tries = tries;
        refused(&r);
    } else {
        fail f = body_parse(&r);
        if (!f)
            f = done[v->asked](&r);
        if (f) {
            failed(&r, r.why.text);
            v->tries = tries;
            after_failure(&r);
        }
    }
    arena_reset(stand->arena);
}
