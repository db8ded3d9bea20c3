/* results.c - score cards and response sheets, read from the blob that scoring wrote.
 *
 * Nothing is computed at the moment of release: a row has its place in the blob, and a request is a
 * look at it and some text. Candidates see nothing before the exam is published. */
#include "app/service.h"
#include "codec/decimal.h"
#include "svc/scoring/scored_api.h"

struct results {
    struct host *host;
    struct {
        str name, bytes; /* the mapped blob */
    } open[EXAMS_MAX];
};

static fail results_open(void *state, struct host *host, struct why *why)
{
    struct results *results = state;
    (void)why;
    results->host = host;
    return FAIL_NONE;
}

/* --- the blob ----------------------------------------------------------------------------------
 * A full exam's has 140 MB, and all of them are hashed before the first is shown: the worker does
 * that, at the first question after a scoring or a start, and only who asked waits. */

struct opening {
    struct job job;
    struct blobs *blobs;
    uint32_t exam;
    str name, bytes;
    handler_fn handle; /* runs again when the blob is open */
    fail f;
    struct why why;
};

static void open_run(struct job *job)
{
    struct opening *opening = CONTAINER(job, struct opening, job);
    opening->f = blobs_map(opening->blobs, opening->name.p, &opening->bytes, &opening->why);
}

static bool is_result(str bytes)
{
    const struct scored_head *head = (const void *)bytes.p;
    return bytes.n >= sizeof(*head) && head->magic == SCORED_MAGIC && head->typed_at <= bytes.n &&
           scored_rows_at(head) + head->rows * scored_row_bytes(head) == head->typed_at;
}

static fail open_done(struct req *req, struct job *job)
{
    struct opening *opening = CONTAINER(job, struct opening, job);
    struct results *results = req->state;
    if (opening->f) {
        *req->why = opening->why;
        return opening->f;
    }
    if (!is_result(opening->bytes)) {
        blobs_unmap(opening->blobs, opening->bytes);
        return fail_set(req->why, FAIL_CORRUPT,
                        "the result's blob is not one of this version; score again");
    }
    blobs_unmap(opening->blobs, results->open[opening->exam].bytes);
    results->open[opening->exam].name = opening->name;
    results->open[opening->exam].bytes = opening->bytes;
    return opening->handle(req);
}

static fail open_later(struct req *req, uint32_t index, handler_fn handle)
{
    struct opening *opening = arena_new(req->arena, struct opening);
    must(opening);
    *opening = (struct opening){ .job = { open_run, open_done },
                                 .blobs = req->host->worker_blobs,
                                 .exam = index,
                                 .name = req->host->directory->exams[index].scored,
                                 .handle = handle };
    return req_later(req, &opening->job);
}

/* --- a row -------------------------------------------------------------------------------------
 */

struct found {
    const struct candidate *candidate;
    const struct exam *exam;
    const struct scored_head *head;
    const int64_t *section_out_of, *marks;
    const struct scored_row *row;
    const struct scored_section *sections;
    const struct scored_item *items;
    const char *typed;
};

static const struct scored_row *row_at(const struct scored_head *head, size_t i)
{
    const char *rows = (const char *)head + scored_rows_at(head);
    return (const void *)(rows + i * scored_row_bytes(head));
}

/* Rows ascend by candidate, so at most `candidate - first` lie before this one's, and at most `last
 * - candidate` behind it: when everybody sat the exam that leaves one place. */
static const struct scored_row *row_of(const struct scored_head *head, uint32_t candidate)
{
    if (!head->rows)
        return NULL;
    uint32_t first = row_at(head, 0)->candidate, last = row_at(head, head->rows - 1)->candidate;
    if (candidate < first || candidate > last)
        return NULL;
    size_t behind = MIN(last - candidate, head->rows - 1);
    size_t low = head->rows - 1 - behind, high = MIN(candidate - first, head->rows - 1);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (row_at(head, middle)->candidate < candidate)
            low = middle + 1;
        else
            high = middle;
    }
    const struct scored_row *row = row_at(head, low);
    return row->candidate == candidate ? row : NULL;
}

/* *later: the blob must be opened first. */
static fail find(struct req *req, struct found *found, uint32_t *exam, bool *later)
{
    const struct results *results = req->state;
    uint32_t index;
    *later = false;
    fail f = req_attempt(req, &index);
    if (f)
        return f;
    found->candidate = &req->host->directory->candidates[index];
    *exam = found->candidate->exam;
    found->exam = &req->host->directory->exams[*exam];
    if (req->who == WHO_CANDIDATE && found->exam->state != EXAM_PUBLISHED)
        return fail_as(req->why, FAIL_MISSING, "not-published",
                       "the result has not been published yet");
    if (!found->exam->scored.n)
        return fail_as(req->why, FAIL_MISSING, "not-published", "there is no result yet");
    *later = !str_eq(results->open[*exam].name, found->exam->scored);
    if (*later)
        return FAIL_NONE;
    found->head = (const void *)results->open[*exam].bytes.p;
    found->row = row_of(found->head, index);
    if (!found->row)
        return fail_as(req->why, FAIL_MISSING, "not-scored", "this candidate did not sit the exam");
    const char *base = (const char *)found->head;
    found->section_out_of = (const void *)(base + sizeof(*found->head));
    found->marks = found->section_out_of + found->head->sections;
    found->sections = (const void *)(found->row + 1);
    found->items = (const void *)(found->sections + found->head->sections);
    found->typed = base + found->head->typed_at + found->row->typed_at;
    return FAIL_NONE;
}

static void jo_marks(struct out *out, const char *name, int64_t milli)
{
    jo_name(out, name);
    out_char(out, '"');
    milli_write(out, milli);
    out_char(out, '"');
}

static fail result_get(struct req *req)
{
    struct found found = { 0 };
    struct out *out = req->out;
    uint32_t exam;
    bool later;
    fail f = find(req, &found, &exam, &later);
    if (f || later)
        return f ? f : open_later(req, exam, result_get);
    jo_open(out, NULL, '{');
    jo_str(out, "roll", found.candidate->roll);
    jo_str(out, "name", found.candidate->name);
    jo_str(out, "exam", found.exam->name);
    jo_str(out, "title", found.exam->title);
    jo_marks(out, "total", found.row->total);
    jo_marks(out, "out_of", found.head->out_of);
    jo_i64(out, "rank", found.row->rank);
    jo_i64(out, "of", found.head->rows);
    jo_open(out, "sections", '[');
    for (unsigned i = 0; i < found.head->sections; i++) {
        const struct scored_section *section = &found.sections[i];
        jo_open(out, NULL, '{');
        jo_str(out, "name", found.exam->sections[i]);
        jo_marks(out, "marks", section->milli);
        jo_marks(out, "out_of", found.section_out_of[i]);
        jo_i64(out, "right", section->counts[OUTCOME_RIGHT]);
        jo_i64(out, "partly", section->counts[OUTCOME_PARTLY]);
        jo_i64(out, "wrong", section->counts[OUTCOME_WRONG]);
        jo_i64(out, "blank", section->counts[OUTCOME_BLANK]);
        jo_close(out, '}');
    }
    jo_close(out, ']');
    jo_i64(out, "now", req->now);
    jo_close(out, '}');
    return FAIL_NONE;
}

static fail responses_get(struct req *req)
{
    struct found found = { 0 };
    struct out *out = req->out;
    uint32_t exam;
    bool later;
    fail f = find(req, &found, &exam, &later);
    if (f || later)
        return f ? f : open_later(req, exam, responses_get);
    jo_open(out, NULL, '{');
    jo_open(out, "items", '[');
    for (unsigned i = 0; i < found.head->items; i++) {
        const struct scored_item *item = &found.items[i];
        char letters[8];
        size_t n = 0;
        for (unsigned k = 0; k < sizeof(letters) && !item->typed; k++)
            if (item->value & 1u << k)
                letters[n++] = (char)('A' + k);
        str value = item->typed ? str_of(found.typed, item->value) : str_of(letters, n);
        found.typed += item->typed ? item->value : 0;
        jo_open(out, NULL, '{');
        jo_i64(out, "item", i + 1);
        jo_str(out, "value", value.n ? value : STR_NONE);
        jo_marks(out, "marks", found.marks[item->marks]);
        jo_z(out, "outcome", score_outcome_names[item->outcome]);
        jo_close(out, '}');
    }
    jo_close(out, ']');
    jo_i64(out, "now", req->now);
    jo_close(out, '}');
    return FAIL_NONE;
}

static fail exam_publish(struct req *req)
{
    struct exam *exam;
    uint32_t index;
    fail f = req_exam(req, &exam, &index);
    if (f)
        return f;
    if (exam->state < EXAM_SCORED_STATE)
        return fail_as(req->why, FAIL_CONFLICT, "not-scored", "score the exam \"%.*s\" first",
                       STR_ARG(exam->name));
    if (exam->state == EXAM_SCORED_STATE) {
        char body[256];
        struct wire_out out = wire_out_make(body, sizeof(body));
        wire_put_str(&out, str_first(req_actor(req), 200));
        f = emit(req->host, TOPIC_RESULTS, RESULTS_PUBLISHED, index, str_of(body, out.n), req->why);
    }
    if (!f)
        exam_write(req->out, exam);
    return f;
}

static const struct route results_routes[] = {
    { "GET", "/v1/attempts/:attempt/result", result_get, WHO_CANDIDATE | WHO_OFFICER,
      "The score card", NULL, 0 },
    { "GET", "/v1/attempts/:attempt/responses", responses_get, WHO_CANDIDATE | WHO_OFFICER,
      "The response sheet: what was scored, item by item", NULL, 0 },
    { "POST", "/v1/exams/:exam/publish", exam_publish, WHO_OFFICER,
      "Let candidates see their results", "", 0 },
};

const struct service svc_results = {
    .name = "results",
    .purpose = "totals, ranks, score cards, response sheets",
    .routes = TABLE(results_routes),
    .state_bytes = sizeof(struct results),
    .open = results_open,
};
