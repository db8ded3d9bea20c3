/* delivery.c - attempts: who may start, until when, who gets more time, where each one is.
 *
 * A candidate's clock starts when they start, and ends_at is written into the log then: nothing
 * that happens later (a crash, a changed timetable) takes a second from it; officers can only add.
 * What is right of an item is not in this process's topics: delivery follows none of TOPIC_KEYS.
 * The rules without I/O are in delivery_core.c, the state is in the directory. */
#include "app/paper.h"
#include "svc/assembly/assembly_api.h"
#include "svc/delivery/delivery_api.h"

#include "net/gateway_window.h"

#define KEY_BYTES_MAX 128  /* of an Idempotency-Key */
#define LOOKED_AT_MAX 5000 /* candidates in one request: a millisecond, which saves wait for */

struct delivery {
    struct host *host;
    uint16_t *place;  /* by candidate: the item on their screen, as of the last heartbeat */
    uint32_t *seen_s; /* by candidate: seconds of exam time since `since` at the last request */
    instant since;    /* a second before the first */
    uint64_t saves_before, saves_per_s;
    instant rate_at;
    struct gateway_window last_minute; /* of saves and whatever else is P0 */
};

static fail delivery_open(void *state, struct host *host, struct why *why)
{
    struct delivery *delivery = state;
    (void)why;
    delivery->host = host;
    delivery->place = host_table(CANDIDATES_MAX, sizeof(*delivery->place));
    delivery->seen_s = host_table(CANDIDATES_MAX, sizeof(*delivery->seen_s));
    return FAIL_NONE;
}

static bool delivery_tick(void *state, struct host *host, instant now)
{
    struct delivery *delivery = state;
    uint64_t saves = host->book->saves;
    if (now - delivery->rate_at < 1000)
        return false;
    int64_t ms = now - delivery->rate_at;
    delivery->saves_per_s = (saves - delivery->saves_before) * 1000 / (uint64_t)ms;
    delivery->saves_before = saves;
    delivery->rate_at = now;
    if (host->gateway)
        gateway_window_tick(&delivery->last_minute, host->gateway, P0, now);
    return false;
}

static void seen(const struct req *req, uint32_t candidate)
{
    struct delivery *delivery = req->state;
    if (!delivery->since)
        delivery->since = req->now - 1000;
    if (req->who == WHO_CANDIDATE)
        delivery->seen_s[candidate] = (uint32_t)((req->now - delivery->since) / 1000);
}

static fail write_attempt(struct req *req, uint32_t candidate)
{
    struct delivery *delivery = req->state;
    seen(req, candidate);
    attempt_write(req->out, req->host->directory, candidate, delivery->place[candidate], req->now);
    return FAIL_NONE;
}

/* --- candidates --------------------------------------------------------------------------------
 */

static fail attempt_get(struct req *req)
{
    uint32_t candidate;
    fail f = req_attempt(req, &candidate);
    return f ? f : write_attempt(req, candidate);
}

static fail may_start(const struct req *req, uint32_t candidate)
{
    const struct directory *d = req->host->directory;
    const struct exam *exam = &d->exams[d->candidates[candidate].exam];
    if (attempt_state(d, candidate, req->now) == ATTEMPT_READY)
        return FAIL_NONE;
    if (exam->state > EXAM_OPEN)
        return fail_as(req->why, FAIL_CONFLICT, "time-over", "this exam is over");
    return fail_as(req->why, FAIL_CONFLICT, "not-open",
                   exam->state == EXAM_DRAFT
                       ? "the exam has not been opened yet; stay here, it starts soon"
                       : "your shift has not begun yet; stay here");
}

/* Who starts needs form and paper next, and has nothing recorded: with all said here a start is one
 * request, not four, in the minute in which everybody starts. A page that comes back later asks. */
static fail write_started(struct req *req, uint32_t candidate)
{
    uint32_t exam = req->host->directory->candidates[candidate].exam;
    const struct frozen_paper *paper = paper_frozen(req->host, exam);
    seen(req, candidate);
    attempt_open(req->out, req->host->directory, candidate, 0, req->now);
    jo_i64(req->out, "epoch", req->epoch);
    assembly_form_open(req, "form", candidate);
    jo_close(req->out, '}');
    if (paper->packed.n)
        jo_raw(req->out, "packed_paper", paper->packed);
    jo_close(req->out, '}');
    return FAIL_NONE;
}

static fail attempt_start(struct req *req)
{
    uint32_t index;
    fail f = req_attempt(req, &index);
    if (f)
        return f;
    const struct candidate *candidate = &req->host->directory->candidates[index];
    if (candidate->attempt.started_at)
        return write_attempt(req, index); /* a repeat changes nothing */
    f = may_start(req, index);
    if (f)
        return f;
    const struct exam *exam = &req->host->directory->exams[candidate->exam];
    instant minutes = exam->minutes + candidate->extra_minutes;
    char body[16];
    struct wire_out out = wire_out_make(body, sizeof(body));
    wire_put_i64(&out, req->now + minutes * 60000 + candidate->attempt.extra_s * (instant)1000);
    wire_put_u32(&out, req->epoch);
    f = emit(req->host, TOPIC_ATTEMPTS, ATTEMPT_STARTED, index, str_of(body, out.n), req->why);
    return f ? f : write_started(req, index);
}

static fail heartbeat(struct req *req)
{
    struct delivery *delivery = req->state;
    uint32_t candidate;
    fail f = req_attempt(req, &candidate);
    if (f)
        return f;
    int64_t place = req_i64(req, "place", 0);
    const struct directory *d = req->host->directory;
    if (place < 0 || place > d->exams[d->candidates[candidate].exam].item_count)
        return fail_set(req->why, FAIL_INPUT, "there is no item %lld", (long long)place);
    if (place)
        delivery->place[candidate] = (uint16_t)place;
    return write_attempt(req, candidate);
}

/* --- officers ----------------------------------------------------------------------------------
 */

/* When a candidate was last heard of: pages that save need no heartbeat meanwhile. 0: never. */
static instant last_seen(const struct req *req, uint32_t index)
{
    const struct delivery *delivery = req->state;
    const struct book *book = req->host->book;
    const struct attempt *attempt = &req->host->directory->candidates[index].attempt;
    uint32_t seen_s = delivery->seen_s[index], place = book->sheets[index].last_item;
    instant asked = seen_s ? delivery->since + seen_s * (instant)1000 : 0;
    instant saved = place ? attempt->started_at + book_cell(book, index, place - 1)->at_ms : 0;
    return MAX(asked, saved);
}

static void write_row(struct req *req, uint32_t index)
{
    const struct directory *d = req->host->directory;
    const struct candidate *candidate = &d->candidates[index];
    const struct exam *exam = &d->exams[candidate->exam];
    const struct attempt *attempt = &candidate->attempt;
    struct out *out = req->out;
    jo_open(out, NULL, '{');
    jo_i64(out, "attempt", index + 1);
    jo_str(out, "roll", candidate->roll);
    jo_str(out, "name", candidate->name);
    jo_str(out, "centre", candidate->centre);
    jo_str(out, "exam", exam->name);
    jo_str(out, "shift",
           candidate->shift < exam->shift_count ? exam->shifts[candidate->shift].name : STR_NONE);
    jo_z(out, "state", attempt_state_names[attempt_state(d, index, req->now)]);
    jo_bool(out, "signed_in", candidate->epoch != 0);
    jo_i64(out, "answered", attempt->answered);
    jo_at(out, "started_at", attempt->started_at);
    jo_at(out, "ends_at", attempt->ends_at);
    jo_at(out, "submitted_at", attempt->submitted_at);
    jo_at(out, "seen_at", last_seen(req, index));
    jo_i64(out, "extra_minutes", candidate->extra_minutes + attempt->extra_s / 60);
    jo_close(out, '}');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static bool contains_nocase(str s, str part)
{
    for (size_t at = 0; part.n && at + part.n <= s.n; at++) {
        size_t i = 0;
        while (i < part.n && lower(s.p[at + i]) == lower(part.p[i]))
            i++;
        if (i == part.n)
            return true;
    }
    return part.n == 0;
}

static bool row_wanted(const struct req *req, uint32_t index, str q, str state)
{
    const struct directory *d = req->host->directory;
    const struct candidate *candidate = &d->candidates[index];
    const char *name = attempt_state_names[attempt_state(d, index, req->now)];
    if (state.n && !str_eq(state, str_z(name)))
        return false;
    return contains_nocase(candidate->roll, q) || contains_nocase(candidate->name, q) ||
           contains_nocase(candidate->centre, q);
}

/* Whoever asks for all that match follows `next` to its end: a reply may have few rows, or none. */
static fail candidates_list(struct req *req)
{
    const struct directory *d = req->host->directory;
    uint64_t after = 0, limit = 50;
    str text = req_query(req, "after");
    if (text.n && !str_u64(text, &after))
        return fail_set(req->why, FAIL_INPUT, "after must be the `next` of an earlier reply");
    text = req_query(req, "limit");
    if (text.n && (!str_u64(text, &limit) || limit < 1 || limit > 500))
        return fail_set(req->why, FAIL_INPUT, "limit must be a number from 1 to 500");
    str q = str_trim(req_query(req, "q")), state = req_query(req, "state");
    uint64_t index = after, found = 0;
    uint64_t end = d->candidate_count - MIN(after, d->candidate_count) > LOOKED_AT_MAX
                       ? after + LOOKED_AT_MAX
                       : d->candidate_count;
    jo_open(req->out, NULL, '{');
    jo_open(req->out, "candidates", '[');
    for (; index < end && found < limit; index++) {
        if (!row_wanted(req, (uint32_t)index, q, state))
            continue;
        write_row(req, (uint32_t)index);
        found++;
    }
    jo_close(req->out, ']');
    jo_at(req->out, "next", index < d->candidate_count ? (instant)index : 0);
    jo_i64(req->out, "now", req->now);
    jo_close(req->out, '}');
    return FAIL_NONE;
}

static fail time_add(struct req *req)
{
    uint32_t index;
    fail f = req_attempt(req, &index);
    if (f)
        return f;
    const struct attempt *attempt = &req->host->directory->candidates[index].attempt;
    int64_t minutes = req_i64(req, "minutes", 0);
    str reason = str_trim(req_str(req, "reason"));
    if (minutes < 1 || minutes > 600)
        return fail_set(req->why, FAIL_INPUT, "minutes must be from 1 to 600");
    if (reason.n < 3 || reason.n > 500)
        return fail_set(req->why, FAIL_INPUT,
                        "give a reason of 3 to 500 characters; it is kept for ever");
    if (req->idempotency_key.n > KEY_BYTES_MAX)
        return fail_set(req->why, FAIL_INPUT, "an Idempotency-Key has at most %d characters",
                        KEY_BYTES_MAX);
    if (directory_time_added(req->host->directory, index, req->idempotency_key)) {
        write_row(req, index); /* sent again: it was added already */
        return FAIL_NONE;
    }
    if (attempt->submitted_at)
        return fail_as(req->why, FAIL_CONFLICT, "submitted",
                       "this attempt has been submitted already");
    char body[1024];
    struct wire_out out = wire_out_make(body, sizeof(body));
    wire_put_i32(&out, (int32_t)(minutes * 60));
    wire_put_str(&out, reason);
    wire_put_str(&out, req_actor(req));
    wire_put_str(&out, req->idempotency_key);
    must(!out.failed);
    f = emit(req->host, TOPIC_ATTEMPTS, TIME_ADDED, index, str_of(body, out.n), req->why);
    if (!f)
        write_row(req, index);
    return f;
}

static fail exam_close(struct req *req)
{
    struct exam *exam;
    uint32_t index;
    fail f = req_exam(req, &exam, &index);
    if (f)
        return f;
    if (exam->state == EXAM_DRAFT)
        return fail_as(req->why, FAIL_CONFLICT, "not-open", "the exam \"%.*s\" is not open",
                       STR_ARG(exam->name));
    if (exam->state == EXAM_OPEN) {
        char body[256];
        struct wire_out out = wire_out_make(body, sizeof(body));
        wire_put_str(&out, str_first(req_actor(req), 200));
        f = emit(req->host, TOPIC_EXAMS, EXAM_CLOSED, index, str_of(body, out.n), req->why);
    }
    if (!f)
        exam_write(req->out, exam);
    return f;
}

static fail overview(struct req *req)
{
    const struct delivery *delivery = req->state;
    const struct directory *d = req->host->directory;
    struct gateway_stats *gateway = req->host->gateway;
    struct out *out = req->out;
    jo_open(out, NULL, '{');
    jo_i64(out, "candidates", d->candidate_count);
    jo_i64(out, "signed_in", d->signed_in_count);
    jo_i64(out, "started", d->started_count);
    jo_i64(out, "submitted", d->submitted_count);
    jo_i64(out, "saves", (int64_t)req->host->book->saves);
    jo_i64(out, "saves_per_s", (int64_t)delivery->saves_per_s);
    jo_open(out, "latency_ms", '{');
    const struct {
        const char *name;
        unsigned per_mille;
    } quantiles[] = { { "p50", 500 }, { "p99", 990 } };
    for (size_t i = 0; i < COUNT(quantiles); i++) {
        int64_t us = gateway ? gateway_window_quantile_us(&delivery->last_minute, gateway, P0,
                                                          quantiles[i].per_mille)
                             : 0;
        jo_name(out, quantiles[i].name);
        out_fmt(out, "%lld.%03lld", (long long)(us / 1000), (long long)(us % 1000));
    }
    jo_close(out, '}');
    jo_i64(out, "connections", gateway ? (int64_t)gateway_stats_connections(gateway) : 0);
    jo_open(out, "exams", '[');
    for (unsigned i = 0; i < d->exam_count; i++)
        exam_write(out, &d->exams[i]);
    jo_close(out, ']');
    jo_i64(out, "now", req->now);
    jo_close(out, '}');
    return FAIL_NONE;
}

static const struct route delivery_routes[] = {
    { "POST", "/v1/attempts/:attempt/heartbeat", heartbeat, WHO_CANDIDATE,
      "I am here, on this item; where does my time stand?", "place:integer?", 0 },
    { "GET", "/v1/attempts/:attempt", attempt_get, WHO_CANDIDATE | WHO_OFFICER, "The attempt", NULL,
      0 },
    { "POST", "/v1/attempts/:attempt/start", attempt_start, WHO_CANDIDATE,
      "Start; the candidate's clock runs from here", "", 0 },
    { "GET", "/v1/staff/overview", overview, WHO_OFFICER, "The hall in numbers", NULL, 0 },
    { "GET", "/v1/staff/candidates", candidates_list, WHO_OFFICER,
      "Candidates with their state; q, state, after, limit", NULL, 0 },
    { "POST", "/v1/staff/attempts/:attempt/time", time_add, WHO_OFFICER,
      "Add time to one candidate; send an Idempotency-Key", "minutes:integer reason:string", 0 },
    { "POST", "/v1/exams/:exam/close", exam_close, WHO_OFFICER,
      "Close an exam: no more starts, running attempts are submitted", "", 0 },
};

const struct service svc_delivery = {
    .name = "delivery",
    .purpose = "attempts, start, clock, resume",
    .routes = TABLE(delivery_routes),
    .state_bytes = sizeof(struct delivery),
    .reads_book = true,
    .open = delivery_open,
    .tick = delivery_tick,
};
