/* scoring.c - keys, and what answers are worth: the only service that knows which option is right.
 *
 * Keys arrive as events of a topic that no other service follows, and nothing here ever replies
 * with one. A run is a pure function of the log, the keys and the rules: it reads the answers from
 * the log (not from another service's memory), keeps the newest of each item, marks, ranks, and
 * writes one immutable blob (scored_api.h). It runs on the worker thread; the event only names the
 * blob. */
#include "app/service.h"
#include "svc/scoring/scored_api.h"
#include "svc/scoring/scoring_core.h"

#include <stdlib.h>

struct paper_keys {
    struct score_key *keys; /* ITEMS_MAX of them, made at the first */
    unsigned count;
    uint8_t partial[ITEMS_MAX];
};

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

/* --- the run, on the worker thread -------------------------------------------------------------
 */

struct newest {
    uint32_t epoch, seq;
    uint16_t letters;
    uint8_t typed_bytes;
    char *typed;
};

struct run {
    struct job job;
    struct host *host;
    const struct paper_keys *paper;
    const struct exam *exam;
    uint32_t exam_index, rows;
    struct arena arena;
    struct newest **sheets; /* by candidate; NULL: not started, or nothing saved */
    uint32_t candidate_count;
    struct out blob, typed;
    char name[65];
    int64_t us;
    fail f;
    struct why why;
};

static bool is_lettered(const struct exam *exam, unsigned item)
{
    return exam->items[item].kind == ITEM_SINGLE || exam->items[item].kind == ITEM_SEVERAL;
}

static fail keep_newest(void *ctx, const struct record *record, struct why *why)
{
    struct run *run = ctx;
    struct wire_in in = wire_in_make(record->body);
    if (record->type != ANSWER_SAVED || record->key >= run->candidate_count ||
        run->host->directory->candidates[record->key].exam != run->exam_index)
        return FAIL_NONE;
    unsigned item = (unsigned)wire_get_u16(&in) - 1;
    wire_get_u8(&in);
    uint32_t epoch = wire_get_u32(&in), seq = wire_get_u32(&in);
    must(!in.failed && item < run->exam->item_count);
    struct newest **sheet = &run->sheets[record->key];
    if (!*sheet)
        *sheet = arena_many(&run->arena, struct newest, run->exam->item_count);
    if (!*sheet)
        return fail_set(why, FAIL_LIMIT, "no memory for the answers of this exam");
    struct newest *newest = &(*sheet)[item];
    if (newest->seq && (epoch < newest->epoch || (epoch == newest->epoch && seq <= newest->seq)))
        return FAIL_NONE;
    newest->epoch = epoch;
    newest->seq = seq;
    newest->letters = 0;
    newest->typed_bytes = 0;
    if (is_lettered(run->exam, item)) {
        for (size_t i = 0; i < in.left; i++)
            newest->letters |= (uint16_t)(1u << (in.p[i] - 'A'));
        return FAIL_NONE;
    }
    if (!newest->typed)
        newest->typed = arena_bytes(&run->arena, 256);
    if (!newest->typed)
        return fail_set(why, FAIL_LIMIT, "no memory for the answers of this exam");
    newest->typed_bytes = (uint8_t)in.left;
    memcpy(newest->typed, in.p, newest->typed_bytes);
    return FAIL_NONE;
}

static struct score mark_item(struct run *run, unsigned item, const struct newest *newest)
{
    const struct item_shape *shape = &run->exam->items[item];
    struct score_rule rule = { shape->right, shape->wrong, run->paper->partial[item] };
    char letters[16];
    str value = STR("");
    if (newest && newest->typed_bytes) {
        value = str_of(newest->typed, newest->typed_bytes);
    } else if (newest && newest->letters) {
        size_t n = 0;
        for (unsigned i = 0; i < 16; i++)
            if (newest->letters & 1u << i)
                letters[n++] = (char)('A' + i);
        value = str_of(letters, n);
    }
    return score_item(&run->paper->keys[item], &rule, value);
}

static void mark_row(struct run *run, uint32_t candidate)
{
    const struct exam *exam = run->exam;
    struct newest *sheet = run->sheets[candidate];
    struct scored_row row = { .candidate = candidate, .typed_at = run->typed.n };
    struct scored_section sections[SECTIONS_MAX] = { 0 };
    size_t row_at = run->blob.n;
    out_bytes(&run->blob, &row, sizeof(row));
    out_bytes(&run->blob, sections, exam->section_count * sizeof(*sections));
    for (unsigned i = 0; i < exam->item_count; i++) {
        const struct newest *newest = sheet ? &sheet[i] : NULL;
        struct score score = mark_item(run, i, newest);
        struct scored_section *section = &sections[exam->items[i].section];
        struct scored_item item = { .milli = score.milli, .outcome = (uint8_t)score.outcome };
        if (newest) {
            item.letters = newest->letters;
            item.typed_bytes = newest->typed_bytes;
            out_bytes(&run->typed, newest->typed, newest->typed_bytes);
        }
        out_bytes(&run->blob, &item, sizeof(item));
        row.total += score.milli;
        section->milli += score.milli;
        section->right += score.outcome == OUTCOME_RIGHT;
        section->partly += score.outcome == OUTCOME_PARTLY;
        section->wrong += score.outcome == OUTCOME_WRONG;
        section->blank += score.outcome == OUTCOME_BLANK;
    }
    if (run->blob.failed)
        return;
    memcpy(run->blob.p + row_at, &row, sizeof(row));
    memcpy(run->blob.p + row_at + sizeof(row), sections, exam->section_count * sizeof(*sections));
    run->rows++;
}

struct ranked {
    int64_t total;
    uint32_t row;
};

static int by_total(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return x->total != y->total ? (x->total < y->total ? 1 : -1)
                                : (x->row > y->row) - (x->row < y->row);
}

static void rank_rows(struct run *run, const struct scored_head *head)
{
    struct ranked *order = arena_many(&run->arena, struct ranked, head->rows + 1);
    char *rows = run->blob.p + scored_rows_at(head);
    size_t bytes = scored_row_bytes(head);
    must(order);
    for (uint32_t i = 0; i < head->rows; i++)
        order[i] = (struct ranked){ ((struct scored_row *)(rows + i * bytes))->total, i };
    qsort(order, head->rows, sizeof(*order), by_total);
    for (uint32_t i = 0, rank = 1; i < head->rows; i++) {
        rank = i && order[i].total == order[i - 1].total ? rank : i + 1;
        ((struct scored_row *)(rows + order[i].row * bytes))->rank = rank;
    }
}

static fail build(struct run *run)
{
    const struct exam *exam = run->exam;
    struct scored_head head = { .magic = SCORED_MAGIC,
                                .exam = run->exam_index,
                                .items = exam->item_count,
                                .sections = exam->section_count };
    int64_t out_of[SECTIONS_MAX] = { 0 };
    for (unsigned i = 0; i < exam->item_count; i++) {
        out_of[exam->items[i].section] += exam->items[i].right;
        head.out_of += exam->items[i].right;
    }
    out_bytes(&run->blob, &head, sizeof(head));
    out_bytes(&run->blob, out_of, exam->section_count * sizeof(*out_of));
    for (uint32_t i = 0; i < run->candidate_count; i++) {
        const struct candidate *candidate = &run->host->directory->candidates[i];
        if (candidate->exam == run->exam_index && candidate->attempt.started_at)
            mark_row(run, i);
    }
    head.rows = run->rows;
    head.typed_at = run->blob.n;
    out_str(&run->blob, out_view(&run->typed));
    if (run->blob.failed || run->typed.failed)
        return fail_set(&run->why, FAIL_LIMIT, "no memory for the result of this exam");
    memcpy(run->blob.p, &head, sizeof(head));
    rank_rows(run, &head);
    return blobs_put(run->host->worker_blobs, out_view(&run->blob), run->name, &run->why);
}

static void score_run(struct job *job)
{
    struct run *run = CONTAINER(job, struct run, job);
    int64_t start_us = clock_mono_us(run->host->clock);
    run->sheets = arena_many(&run->arena, struct newest *, run->candidate_count + 1);
    run->f = run->sheets ? log_read(run->host->log, 0, TOPIC_BIT(TOPIC_ANSWERS), keep_newest, run,
                                    &run->why)
                         : fail_set(&run->why, FAIL_LIMIT, "no memory to score");
    if (!run->f)
        run->f = build(run);
    arena_fini(&run->arena);
    out_fini(&run->blob);
    out_fini(&run->typed);
    run->us = clock_mono_us(run->host->clock) - start_us;
}

static fail score_done(struct req *req, struct job *job)
{
    struct run *run = CONTAINER(job, struct run, job);
    struct scoring *scoring = req->state;
    char body[128];
    scoring->running = false;
    if (run->f) {
        *req->why = run->why;
        return run->f;
    }
    struct wire_out out = wire_out_make(body, sizeof(body));
    wire_put_str(&out, str_z(run->name));
    wire_put_u32(&out, run->rows);
    fail f =
        emit(req->host, TOPIC_RESULTS, EXAM_SCORED, run->exam_index, str_of(body, out.n), req->why);
    if (f)
        return f;
    exam_write(req->out, run->exam);
    req->out->n--; /* more members */
    jo_i64(req->out, "scored", run->rows);
    jo_z(req->out, "digest", run->name);
    jo_name(req->out, "seconds");
    out_fmt(req->out, "%lld.%03lld}", (long long)(run->us / 1000000),
            (long long)(run->us / 1000 % 1000));
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
    /* A run reads the log, and the log gives only what is durable: the last saves must be. */
    log_sync(req->host->log);
    struct run *run = arena_new(req->arena, struct run);
    must(run);
    *run = (struct run){ .job = { score_run, score_done },
                         .host = req->host,
                         .paper = &scoring->papers[index],
                         .exam = exam,
                         .exam_index = index,
                         .candidate_count = req->host->directory->candidate_count,
                         .arena = arena_make(32 * GIB),
                         .blob = out_make(4 * GIB),
                         .typed = out_make(2 * GIB) };
    scoring->running = true;
    return req_later(req, &run->job);
}

static const struct route scoring_routes[] = {
    { "POST", "/v1/exams/:exam/score", exam_score, WHO_OFFICER,
      "Mark every attempt from the log; again gives the same digest", "", 0 },
};

const struct service svc_scoring = {
    .name = "scoring",
    .purpose = "keys, marking, ranking",
    .routes = TABLE(scoring_routes),
    .state_bytes = sizeof(struct scoring),
    .topics = TOPIC_BIT(TOPIC_KEYS),
    .open = scoring_open,
    .apply = scoring_apply,
};
