/* scoring.c - keys, and what answers are worth: the only service that knows which option is right.
 *
 * Keys arrive as events of a topic that no other service follows, and nothing here ever replies
 * with one. A run (scoring_run.h) is a pure function of the log and the keys: it marks and ranks
 * what the log's answers fold to, and writes one immutable blob (scored_api.h). It runs on the
 * worker thread; the event only names the blob. */
#include "app/service.h"
#include "svc/scoring/scoring_run.h"

struct scoring {
    struct host *host;
    struct paper_keys papers[EXAMS_MAX];
    bool running;
};

static fail scoring_open(void *state, struct host *host, struct why *why)
{
    struct scoring *scoring = state;
    (void)why;
    scoring->host = host;
    return FAIL_NONE;
}

static void scoring_apply(void *state, const struct record *record)
{
    struct scoring *scoring = state;
    struct paper_keys *paper = &scoring->papers[record->key];
    struct wire_in in = wire_in_make(record->body);
    must(record->key < EXAMS_MAX);
    if (record->type == KEYS_EMPTIED)
        paper->count = 0;
    if (record->type != KEY_SET)
        return;
    if (!paper->keys)
        paper->keys = arena_many(scoring->host->memory, struct score_key, ITEMS_MAX);
    unsigned item = wire_get_u16(&in);
    uint8_t partial = wire_get_u8(&in);
    str key = wire_get_str(&in);
    must(!in.failed && paper->keys && item >= 1 && item <= ITEMS_MAX);
    str kept = arena_str(scoring->host->memory, key); /* the key's texts borrow it */
    struct wire_in key_in = wire_in_make(kept);
    must(score_key_decode(&paper->keys[item - 1], &key_in, scoring->host->memory));
    paper->partial[item - 1] = partial;
    paper->count = MAX(paper->count, item);
}

/* --- a run, on the worker thread ---------------------------------------------------------------
 */

struct score_job {
    struct job job;
    struct clock *clock;
    struct scoring_run run;
    int64_t us;
    fail f;
    struct why why;
};

static void score_run(struct job *job)
{
    struct score_job *score = CONTAINER(job, struct score_job, job);
    int64_t start_us = clock_mono_us(score->clock);
    score->f = scoring_run(&score->run, &score->why);
    score->us = clock_mono_us(score->clock) - start_us;
}

static fail score_done(struct req *req, struct job *job)
{
    struct score_job *score = CONTAINER(job, struct score_job, job);
    const struct scoring_run *run = &score->run;
    struct scoring *scoring = req->state;
    char body[128];
    scoring->running = false;
    if (score->f) {
        *req->why = score->why;
        return score->f;
    }
    struct wire_out out = wire_out_make(body, sizeof(body));
    wire_put_str(&out, str_z(run->name));
    wire_put_u32(&out, run->rows);
    fail f = emit(req->host, TOPIC_RESULTS, EXAM_SCORED, run->exam, str_of(body, out.n), req->why);
    if (f)
        return f;
    exam_write(req->out, &run->directory->exams[run->exam]);
    req->out->n--; /* more members */
    jo_i64(req->out, "scored", run->rows);
    jo_z(req->out, "digest", run->name);
    jo_name(req->out, "seconds");
    out_fmt(req->out, "%lld.%03lld}", (long long)(score->us / 1000000),
            (long long)(score->us / 1000 % 1000));
    return FAIL_NONE;
}

static fail may_score(struct req *req, const struct exam *exam, uint32_t index)
{
    struct scoring *scoring = req->state;
    const struct directory *d = req->host->directory;
    uint32_t open = 0;
    if (exam->state < EXAM_CLOSED_STATE)
        return fail_as(req->why, FAIL_CONFLICT, "not-closed",
                       "close the exam \"%.*s\" before scoring it", STR_ARG(exam->name));
    if (scoring->papers[index].count < exam->item_count)
        return fail_set(req->why, FAIL_CONFLICT, "the exam has %u items and %u keys",
                        exam->item_count, scoring->papers[index].count);
    for (uint32_t i = 0; i < d->candidate_count; i++)
        open += d->candidates[i].exam == index && d->candidates[i].attempt.started_at &&
                !d->candidates[i].attempt.submitted_at;
    if (open || scoring->running) {
        req->why->retry_after_s = 1;
        return fail_as(req->why, FAIL_BUSY, "closing",
                       scoring->running
                           ? "a scoring run is under way; ask again"
                           : "%u attempts are still being submitted; ask again in a second",
                       open);
    }
    return FAIL_NONE;
}

static fail exam_score(struct req *req)
{
    struct scoring *scoring = req->state;
    struct exam *exam;
    uint32_t index;
    fail f = req_exam(req, &exam, &index);
    if (!f)
        f = may_score(req, exam, index);
    if (f)
        return f;
    struct score_job *score = arena_new(req->arena, struct score_job);
    must(score);
    *score = (struct score_job){
        .job = { score_run, score_done },
        .clock = req->host->clock,
        .run = { .directory = req->host->directory,
                 .book = req->host->book,
                 .paper = &scoring->papers[index],
                 .blobs = req->host->worker_blobs,
                 .exam = index,
                 .candidate_count = req->host->directory->candidate_count },
    };
    scoring->running = true;
    return req_later(req, &score->job);
}

static const struct route scoring_routes[] = {
    { "POST", "/v1/exams/:exam/score", exam_score, WHO_OFFICER,
      "Mark every attempt; again gives the same digest", "", 0 },
};

const struct service svc_scoring = {
    .name = "scoring",
    .purpose = "keys, marking, ranking",
    .routes = TABLE(scoring_routes),
    .state_bytes = sizeof(struct scoring),
    .topics = TOPIC_BIT(TOPIC_KEYS),
    .reads_book = true,
    .open = scoring_open,
    .apply = scoring_apply,
};
