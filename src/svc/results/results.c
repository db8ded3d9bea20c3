/* results.c - score cards and response sheets, read from the blob that scoring wrote.
 *
 * Nothing is computed at the moment of release: a row has its place in the blob, and a request is a
 * binary search and some text. Candidates see nothing before the exam is published. */
#include "app/service.h"
#include "codec/decimal.h"
#include "svc/scoring/scored_api.h"

struct results {
    struct host *host;
    struct {
        str name, bytes; /* the mapped blob */
    } open[EXAMS_MAX];
};

static const char *const outcome_names[] = { "blank", "wrong", "partly", "right" };

static fail results_open(void *state, struct host *host, struct why *why)
{
    struct results *results = state;
    (void)why;
    results->host = host;
    return FAIL_NONE;
}

static fail blob_of(struct req *req, uint32_t index, const struct scored_head **head)
{
    struct results *results = req->state;
    const struct exam *exam = &req->host->directory->exams[index];
    if (!exam->scored.n)
        return fail_as(req->why, FAIL_MISSING, "not-published", "there is no result yet");
    if (!str_eq(results->open[index].name, exam->scored)) {
        str bytes;
        fail f = blobs_map(req->host->blobs, exam->scored.p, &bytes, req->why);
        if (f)
            return f;
        const struct scored_head *mapped = (const void *)bytes.p;
        if (bytes.n < sizeof(*mapped) || mapped->magic != SCORED_MAGIC ||
            mapped->typed_at > bytes.n ||
            scored_rows_at(mapped) + mapped->rows * scored_row_bytes(mapped) != mapped->typed_at)
            return fail_set(req->why, FAIL_CORRUPT, "the result's blob is not one; score again");
        if (results->open[index].bytes.p)
            blobs_unmap(req->host->blobs, results->open[index].bytes);
        results->open[index].name = exam->scored;
        results->open[index].bytes = bytes;
    }
    *head = (const void *)results->open[index].bytes.p;
    return FAIL_NONE;
}

struct found {
    const struct candidate *candidate;
    const struct exam *exam;
    const struct scored_head *head;
    const int64_t *section_out_of;
    const struct scored_row *row;
    const struct scored_section *sections;
    const struct scored_item *items;
    const char *typed;
};

static fail find(struct req *req, struct found *found)
{
    uint32_t index;
    fail f = req_attempt(req, &index);
    if (f)
        return f;
    found->candidate = &req->host->directory->candidates[index];
    found->exam = &req->host->directory->exams[found->candidate->exam];
    if (req->who == WHO_CANDIDATE && found->exam->state != EXAM_PUBLISHED)
        return fail_as(req->why, FAIL_MISSING, "not-published",
                       "the result has not been published yet");
    f = blob_of(req, found->candidate->exam, &found->head);
    if (f)
        return f;
    const char *base = (const char *)found->head, *rows = base + scored_rows_at(found->head);
    size_t bytes = scored_row_bytes(found->head), low = 0, high = found->head->rows;
    while (low < high) {
        size_t middle = (low + high) / 2;
        found->row = (const void *)(rows + middle * bytes);
        if (found->row->candidate == index)
            break;
        if (found->row->candidate < index)
            low = middle + 1;
        else
            high = middle;
    }
    if (low >= high)
        return fail_as(req->why, FAIL_MISSING, "not-scored", "this candidate did not sit the exam");
    found->section_out_of = (const void *)(base + sizeof(*found->head));
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
    fail f = find(req, &found);
    if (f)
        return f;
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
        jo_i64(out, "right", section->right);
        jo_i64(out, "partly", section->partly);
        jo_i64(out, "wrong", section->wrong);
        jo_i64(out, "blank", section->blank);
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
    fail f = find(req, &found);
    if (f)
        return f;
    jo_open(out, NULL, '{');
    jo_open(out, "items", '[');
    for (unsigned i = 0; i < found.head->items; i++) {
        const struct scored_item *item = &found.items[i];
        char letters[16];
        size_t n = 0;
        for (unsigned k = 0; k < 16; k++)
            if (item->letters & 1u << k)
                letters[n++] = (char)('A' + k);
        str value = item->typed_bytes ? str_of(found.typed, item->typed_bytes)
                    : n               ? str_of(letters, n)
                                      : STR_NONE;
        found.typed += item->typed_bytes;
        jo_open(out, NULL, '{');
        jo_i64(out, "item", i + 1);
        jo_str(out, "value", value);
        jo_marks(out, "marks", item->milli);
        jo_z(out, "outcome", outcome_names[item->outcome & 3]);
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
