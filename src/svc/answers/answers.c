/* answers.c - takes candidates' answers and never loses one it has acknowledged.
 *
 * A save is an event; the page shows "recorded" only after the reply, and the reply leaves only
 * when the event is durable (app/server.c sees to that). Pages and gateways send again on any
 * doubt, so each save carries the page's own sequence number: the same one again gets the same
 * receipt, an older one changes nothing. Submission is an event of the same log: what comes after
 * it is refused by its place in the log, so there is no race at the end. Read answers_api.h first;
 * the rules without I/O are in answers_core.c. */
#include "svc/answers/answers_api.h"
#include "codec/base64.h"
#include "crypto/mac.h"
#include "svc/delivery/delivery_api.h"

#include <sodium.h>

static const struct setting answers_settings[] = {
    { "answers.grace_s", 0, 60, 5,
      "seconds after the end in which a save on its way still counts" },
};

/* A sweep hands in for those whose time is over. It goes through all candidates in steps, each
 * short enough that a save which comes meanwhile does not notice. */
#define SWEEP_SUBMITS  50    /* in a step: about half a millisecond */
#define SWEEP_VISITS   10000 /* the same */
#define SWEEP_EVERY_MS 1000  /* in the minutes in which somebody's time ends at every moment */

struct answers {
    struct host *host;
    instant sweep_at; /* nobody's time is over before this, but for whom a sweep is under way */
    instant swept_at; /* when the last sweep began */
    bool sweeping, sweep_found; /* one is under way; it has handed in for somebody: */
    uint32_t sweep_next;        /* the next candidate, */
    instant sweep_ends;         /* and the earliest end of those who may go on */
    uint64_t superseded, refused;
};

static fail answers_open(void *state, struct host *host, struct why *why)
{
    struct answers *answers = state;
    (void)why;
    answers->host = host;
    return FAIL_NONE;
}

/* --- the fold ----------------------------------------------------------------------------------
 */

static const struct exam *exam_of(const struct answers *answers, uint32_t candidate)
{
    const struct directory *d = answers->host->directory;
    return &d->exams[d->candidates[candidate].exam];
}

static instant grace_ms(const struct answers *answers)
{
    return setting(answers->host, "answers.grace_s") * 1000;
}

static void answers_apply(void *state, const struct record *record)
{
    struct answers *answers = state;
    const struct directory *d = answers->host->directory;
    if (record->topic == TOPIC_ATTEMPTS && record->type == ATTEMPT_STARTED)
        answers->sweep_at =
            MIN(answers->sweep_at, d->candidates[record->key].attempt.ends_at + grace_ms(answers));
    else if (record->topic == TOPIC_EXAMS && record->type == EXAM_CLOSED)
        answers->sweep_at = 0; /* at once */
}

/* 22 characters that say nothing of the value to who has no key, and that only this hall can make
 * for exactly this save. */
static void save_receipt(const struct answers *answers, uint32_t candidate, unsigned item,
                         const struct cell *cell, str value, char out[24])
{
    const struct attempt *attempt = &answers->host->directory->candidates[candidate].attempt;
    char bytes[64 + ANSWER_BYTES_MAX];
    uint8_t mac[MAC_BYTES];
    struct wire_out wire = wire_out_make(bytes, sizeof(bytes));
    wire_put_u32(&wire, candidate);
    wire_put_u16(&wire, (uint16_t)item);
    wire_put_u32(&wire, cell->epoch);
    wire_put_u32(&wire, cell->seq);
    wire_put_i64(&wire, attempt->started_at + cell->at_ms);
    wire_put_u8(&wire, cell->marked);
    wire_put(&wire, value.p, value.n);
    mac_write(mac, bytes, wire.n, answers->host->keys->receipt);
    out[base64_encode(BASE64_URL, out, mac, sizeof(mac))] = 0;
}

/* --- saving: the hot path ----------------------------------------------------------------------
 */

struct save {
    uint32_t candidate, seq;
    unsigned item;
    bool marked;
    str value;
    const struct item_shape *shape;
};

static fail save_parse(struct req *req, struct save *save)
{
    uint64_t item;
    fail f = req_attempt(req, &save->candidate);
    if (f)
        return f;
    const struct answers *answers = req->state;
    const struct exam *exam = exam_of(answers, save->candidate);
    if (!str_u64(req->params[1], &item) || item < 1 || item > exam->item_count)
        return fail_as(req->why, FAIL_MISSING, "unknown-item",
                       "the paper has items 1 to %u, not \"%.*s\"", exam->item_count,
                       STR_ARG(str_first(req->params[1], 20)));
    int64_t seq = req_i64(req, "seq", 0);
    if (seq < 1 || seq > UINT32_MAX)
        return fail_set(req->why, FAIL_INPUT, "seq must be from 1 to 4294967295");
    save->item = (unsigned)item;
    save->seq = (uint32_t)seq;
    save->marked = req_bool(req, "marked");
    save->value = req_str(req, "value");
    save->shape = &exam->items[item - 1];
    return answer_check(save->shape, save->value, req->why);
}

/* The newest time at which a save still counts is ends_at plus the grace for its way here. */
static fail may_save(struct req *req, uint32_t candidate)
{
    const struct answers *answers = req->state;
    const struct attempt *attempt = &req->host->directory->candidates[candidate].attempt;
    if (!attempt->started_at)
        return fail_as(req->why, FAIL_CONFLICT, "not-started", "this attempt has not been started");
    if (attempt->submitted_at)
        return fail_as(req->why, FAIL_CONFLICT, "submitted",
                       "this attempt has been submitted; its answers are as they were then");
    if (exam_of(answers, candidate)->state != EXAM_OPEN ||
        req->now > attempt->ends_at + grace_ms(answers))
        return fail_as(req->why, FAIL_CONFLICT, "time-over", "the time of this attempt is over");
    return FAIL_NONE;
}

static void save_reply(struct req *req, const struct save *save, const struct cell *cell,
                       bool superseded)
{
    struct answers *answers = req->state;
    const struct attempt *attempt = &req->host->directory->candidates[save->candidate].attempt;
    char letters[32], receipt[24];
    str value = book_value(answers->host->book, cell, save->shape, letters);
    save_receipt(answers, save->candidate, save->item, cell, value, receipt);
    struct out *out = req->out;
    out_z(out, "{\"item\":");
    out_u64(out, save->item);
    out_z(out, ",\"seq\":");
    out_u64(out, cell->seq);
    out_z(out, ",\"recorded_at\":");
    out_i64(out, attempt->started_at + cell->at_ms);
    out_z(out, ",\"receipt\":\"");
    out_z(out, receipt);
    out_z(out, superseded ? "\",\"superseded\":true,\"ends_at\":" : "\",\"ends_at\":");
    out_i64(out, attempt->ends_at); /* so that a page which saves needs no heartbeat */
    out_z(out, ",\"now\":");
    out_i64(out, req->now);
    out_char(out, '}');
}

static fail save_emit(struct req *req, const struct save *save)
{
    char body[16 + ANSWER_BYTES_MAX];
    struct wire_out out = wire_out_make(body, sizeof(body));
    wire_put_u16(&out, (uint16_t)save->item);
    wire_put_u8(&out, save->marked);
    wire_put_u32(&out, req->epoch);
    wire_put_u32(&out, save->seq);
    wire_put(&out, save->value.p, save->value.n);
    must(!out.failed);
    return emit(req->host, TOPIC_ANSWERS, ANSWER_SAVED, save->candidate, str_of(body, out.n),
                req->why);
}

static fail answer_put(struct req *req)
{
    struct answers *answers = req->state;
    struct save save;
    fail f = save_parse(req, &save);
    if (f)
        return f;
    const struct cell *cell = book_cell(req->host->book, save.candidate, save.item - 1);
    char letters[32];
    switch (cell_order(cell, req->epoch, save.seq)) {
    case ORDER_OLDER:
        answers->superseded++;
        save_reply(req, &save, cell, true);
        return FAIL_NONE;
    case ORDER_SAME: /* sent again; also after the end, when the first reply was lost */
        if (cell->marked != save.marked ||
            !str_eq(book_value(answers->host->book, cell, save.shape, letters), save.value))
            return fail_as(req->why, FAIL_CONFLICT, "seq-reused",
                           "seq %u is recorded with another value; use a higher one", save.seq);
        save_reply(req, &save, cell, false);
        return FAIL_NONE;
    case ORDER_NEWER:
        break;
    }
    f = may_save(req, save.candidate);
    if (!f)
        f = save_emit(req, &save);
    answers->refused += f != FAIL_NONE;
    if (!f)
        save_reply(req, &save, book_cell(req->host->book, save.candidate, save.item - 1), false);
    return f;
}

/* --- resuming ----------------------------------------------------------------------------------
 */

static fail answers_list(struct req *req)
{
    struct answers *answers = req->state;
    uint32_t candidate;
    fail f = req_attempt(req, &candidate);
    if (f)
        return f;
    const struct exam *exam = exam_of(answers, candidate);
    const struct sheet *sheet = &answers->host->book->sheets[candidate];
    const struct attempt *attempt = &req->host->directory->candidates[candidate].attempt;
    struct out *out = req->out;
    jo_open(out, NULL, '{');
    jo_i64(out, "epoch", req->host->directory->candidates[candidate].epoch);
    jo_i64(out, "seq", sheet->seq);
    jo_at(out, "place", sheet->last_item);
    jo_open(out, "answers", '[');
    for (unsigned i = 0; i < sheet->item_count; i++) {
        const struct cell *cell = book_cell(answers->host->book, candidate, i);
        char letters[32];
        if (!cell->seq)
            continue;
        str value = book_value(answers->host->book, cell, &exam->items[i], letters);
        jo_open(out, NULL, '{');
        jo_i64(out, "item", i + 1);
        jo_str(out, "value", value.n ? value : STR_NONE);
        jo_bool(out, "marked", cell->marked);
        jo_i64(out, "seq", cell->seq);
        jo_i64(out, "epoch", cell->epoch);
        jo_i64(out, "recorded_at", attempt->started_at + cell->at_ms);
        jo_close(out, '}');
    }
    jo_close(out, ']');
    jo_i64(out, "now", req->now);
    jo_close(out, '}');
    return FAIL_NONE;
}

/* --- submission --------------------------------------------------------------------------------
 */

/* BLAKE2b over every recorded item, in order: the receipt names exactly these answers. */
static unsigned sheet_digest(const struct answers *answers, uint32_t candidate, uint8_t digest[32])
{
    const struct exam *exam = exam_of(answers, candidate);
    const struct sheet *sheet = &answers->host->book->sheets[candidate];
    crypto_generichash_state state;
    unsigned answered = 0;
    must(crypto_generichash_init(&state, NULL, 0, 32) == 0);
    for (unsigned i = 0; i < sheet->item_count; i++) {
        const struct cell *cell = book_cell(answers->host->book, candidate, i);
        char letters[32], bytes[24 + ANSWER_BYTES_MAX];
        if (!cell->seq)
            continue;
        str value = book_value(answers->host->book, cell, &exam->items[i], letters);
        struct wire_out wire = wire_out_make(bytes, sizeof(bytes));
        wire_put_u16(&wire, (uint16_t)(i + 1));
        wire_put_u16(&wire, cell->epoch);
        wire_put_u32(&wire, cell->seq);
        wire_put_u8(&wire, cell->marked);
        wire_put_str(&wire, value);
        crypto_generichash_update(&state, (uint8_t *)bytes, wire.n);
        answered += value.n != 0;
    }
    crypto_generichash_final(&state, digest, 32);
    return answered;
}

static fail submit(struct answers *answers, uint32_t candidate, enum submitted_by by,
                   struct why *why)
{
    uint8_t digest[32];
    char body[64];
    unsigned answered = sheet_digest(answers, candidate, digest);
    struct wire_out out = wire_out_make(body, sizeof(body));
    wire_put_u8(&out, (uint8_t)by);
    wire_put_u16(&out, (uint16_t)answered);
    wire_put_u32(&out, answers->host->book->sheets[candidate].saves);
    wire_put(&out, digest, sizeof(digest));
    return emit(answers->host, TOPIC_ATTEMPTS, ATTEMPT_SUBMITTED, candidate, str_of(body, out.n),
                why);
}

static void write_receipt(struct req *req, uint32_t index)
{
    const struct directory *d = req->host->directory;
    const struct candidate *candidate = &d->candidates[index];
    const struct attempt *attempt = &candidate->attempt;
    char digest[65];
    struct receipt receipt = {
        .hall = str_z(req->host->hall_name),
        .exam = d->exams[candidate->exam].name,
        .roll = candidate->roll,
        .attempt = index + 1,
        .answered = attempt->answered,
        .saves = attempt->saves,
        .submitted_at = attempt->submitted_at,
        .by = str_z(submitted_by_names[attempt->submitted_by]),
        .digest = str_z(sodium_bin2hex(digest, sizeof(digest), attempt->digest, 32)),
    };
    receipt_write(req, &receipt);
}

static fail attempt_submit(struct req *req)
{
    uint32_t candidate;
    fail f = req_attempt(req, &candidate);
    if (f)
        return f;
    const struct attempt *attempt = &req->host->directory->candidates[candidate].attempt;
    if (!attempt->started_at)
        return fail_as(req->why, FAIL_CONFLICT, "not-started", "this attempt has not been started");
    if (!attempt->submitted_at)
        f = submit(req->state, candidate, BY_CANDIDATE, req->why);
    if (!f)
        write_receipt(req, candidate);
    return f;
}

static fail receipt_get(struct req *req)
{
    uint32_t candidate;
    fail f = req_attempt(req, &candidate);
    if (f)
        return f;
    if (!req->host->directory->candidates[candidate].attempt.submitted_at)
        return fail_as(req->why, FAIL_MISSING, "not-submitted",
                       "this attempt has not been submitted yet");
    write_receipt(req, candidate);
    return FAIL_NONE;
}

static bool sweep_begins(struct answers *answers, instant now)
{
    if (now <= answers->sweep_at)
        return false;
    answers->sweeping = true;
    answers->sweep_found = false;
    answers->sweep_next = 0;
    answers->sweep_ends = answers->sweep_at = INT64_MAX; /* starts from now on make it less */
    answers->swept_at = now;
    return true;
}

/* Attempts whose time is over, or whose exam was closed, are submitted for the candidate. */
static bool answers_tick(void *state, struct host *host, instant now)
{
    struct answers *answers = state;
    const struct directory *d = host->directory;
    instant grace = grace_ms(answers);
    struct why why;
    if (!answers->sweeping && !sweep_begins(answers, now))
        return false;
    for (unsigned visits = 0, submits = 0; answers->sweep_next < d->candidate_count;
         answers->sweep_next++) {
        const struct candidate *candidate = &d->candidates[answers->sweep_next];
        const struct attempt *attempt = &candidate->attempt;
        if (submits == SWEEP_SUBMITS || visits++ == SWEEP_VISITS)
            return true;
        if (!attempt->started_at || attempt->submitted_at)
            continue;
        bool closed = d->exams[candidate->exam].state > EXAM_OPEN;
        bool over = now > attempt->ends_at + grace;
        if (!over && !closed) {
            answers->sweep_ends = MIN(answers->sweep_ends, attempt->ends_at + grace);
            continue;
        }
        if (submit(answers, answers->sweep_next, over ? BY_TIME : BY_OFFICER, &why))
            return false; /* no room now: the next tick tries this one again */
        answers->sweep_found = true;
        submits++;
    }
    answers->sweeping = false;
    if (answers->sweep_found && answers->sweep_ends < INT64_MAX)
        answers->sweep_ends = MAX(answers->sweep_ends, answers->swept_at + SWEEP_EVERY_MS);
    answers->sweep_at = MIN(answers->sweep_at, answers->sweep_ends);
    return false;
}

/* --- metrics -----------------------------------------------------------------------------------
 */

static void answers_metrics(void *state, struct out *out)
{
    const struct answers *answers = state;
    out_fmt(
        out,
        "# HELP examhall_answers_saved_total Answers recorded.\n"
        "# TYPE examhall_answers_saved_total counter\nexamhall_answers_saved_total %llu\n"
        "# HELP examhall_answers_superseded_total Saves older than what was recorded.\n"
        "# TYPE examhall_answers_superseded_total counter\nexamhall_answers_superseded_total %llu\n"
        "# HELP examhall_answers_refused_total Saves refused: late, submitted, or no room.\n"
        "# TYPE examhall_answers_refused_total counter\nexamhall_answers_refused_total %llu\n",
        (unsigned long long)answers->host->book->saves, (unsigned long long)answers->superseded,
        (unsigned long long)answers->refused);
}

static const struct route answers_routes[] = {
    { "PUT", "/v1/attempts/:attempt/answers/:item", answer_put, WHO_CANDIDATE,
      "Save one answer; the reply means it is durable", "value:string? marked:boolean? seq:integer",
      4 * KIB },
    { "GET", "/v1/attempts/:attempt/answers", answers_list, WHO_CANDIDATE | WHO_OFFICER,
      "All that is recorded", NULL, 0 },
    { "POST", "/v1/attempts/:attempt/submit", attempt_submit, WHO_CANDIDATE,
      "Hand in; a repeat gets the same receipt", "", 0 },
    { "GET", "/v1/attempts/:attempt/receipt", receipt_get, WHO_CANDIDATE | WHO_OFFICER,
      "The signed receipt of the submission", NULL, 0 },
};

const struct service svc_answers = {
    .name = "answers",
    .purpose = "the hot path: append, order, acknowledge, receipt, submit",
    .settings = TABLE(answers_settings),
    .routes = TABLE(answers_routes),
    .state_bytes = sizeof(struct answers),
    .topics = TOPIC_BIT(TOPIC_ATTEMPTS) | TOPIC_BIT(TOPIC_EXAMS),
    .reads_book = true,
    .open = answers_open,
    .apply = answers_apply,
    .tick = answers_tick,
    .metrics = answers_metrics,
};
