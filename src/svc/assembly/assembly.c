/* assembly.c - the frozen paper, each candidate's form of it, and who a photo is of.
 *
 * Opening an exam freezes its paper (app/paper.h), the same bytes for everybody. What differs
 * between candidates is a short list of numbers, the form, computed from a key (assembly_api.h).
 * Neither is given before the candidate has started, and no browser may keep them
 * (docs/adr/0021). */
#include "svc/assembly/assembly_api.h"

#include "app/paper.h"
#include "codec/decimal.h"

#define SIGHTS_MAX 32
#define FOUND_MAX  20

static fail exam_open(struct req *req)
{
    struct exam *exam;
    uint32_t index;
    fail f = req_exam(req, &exam, &index);
    if (f)
        return f;
    if (exam->state > EXAM_OPEN)
        return fail_as(req->why, FAIL_CONFLICT, "time-over",
                       "the exam \"%.*s\" is over; it cannot open again", STR_ARG(exam->name));
    if (exam->item_count == 0)
        return fail_as(req->why, FAIL_CONFLICT, "empty-paper",
                       "the exam \"%.*s\" has no items; import some first", STR_ARG(exam->name));
    if (exam->state == EXAM_DRAFT) {
        struct frozen_paper *paper = &req->host->papers[index];
        char body[512];
        f = paper_freeze(exam, paper, req->host->memory, req->why);
        if (f)
            return f;
        struct wire_out out = wire_out_make(body, sizeof(body));
        wire_put_str(&out, str_z(paper->digest));
        wire_put_str(&out, str_first(req_actor(req), 200));
        f = emit(req->host, TOPIC_EXAMS, EXAM_OPENED, index, str_of(body, out.n), req->why);
    }
    if (!f)
        exam_write(req->out, exam);
    return f;
}

/* --- what a candidate gets ---------------------------------------------------------------------
 */

static fail has_started(const struct req *req, uint32_t candidate)
{
    if (req->host->directory->candidates[candidate].attempt.started_at)
        return FAIL_NONE;
    return fail_as(req->why, FAIL_CONFLICT, "not-started",
                   "the paper is shown once the attempt has started");
}

static struct assembly_form form_of(const struct host *host, const struct exam *exam)
{
    return (struct assembly_form){ .key = host->keys->form,
                                   .exam = exam->name,
                                   .paper = str_z(exam->paper),
                                   .items = exam->items,
                                   .count = exam->item_count };
}

void assembly_form_open(struct req *req, const char *name, uint32_t index)
{
    const struct candidate *candidate = &req->host->directory->candidates[index];
    const struct exam *exam = &req->host->directory->exams[candidate->exam];
    struct assembly_form form = form_of(req->host, exam);
    struct assembly_order *order = arena_new(req->arena, struct assembly_order);
    must(order);
    assembly_order(&form, candidate->roll, order);
    struct out *out = req->out;
    jo_open(out, name, '{');
    jo_str(out, "exam", exam->name);
    jo_name(out, "paper");
    out_fmt(out, "\"/v1/papers/%s\"", exam->paper);
    jo_open(out, "items", '[');
    for (unsigned i = 0; i < order->count; i++) {
        unsigned item = order->items[i];
        jo_open(out, NULL, '{');
        jo_i64(out, "item", item + 1);
        jo_open(out, "options", '[');
        for (unsigned k = 0; k < exam->items[item].options; k++)
            jo_i64(out, NULL, order->options[item][k]);
        jo_close(out, ']');
        jo_close(out, '}');
    }
    jo_close(out, ']');
}

static fail form_get(struct req *req)
{
    uint32_t index;
    fail f = req_attempt(req, &index);
    if (!f)
        f = has_started(req, index);
    if (f)
        return f;
    assembly_form_open(req, NULL, index);
    jo_i64(req->out, "now", req->now);
    jo_close(req->out, '}');
    return FAIL_NONE;
}

static fail paper_get(struct req *req)
{
    const struct directory *d = req->host->directory;
    uint32_t index = 0;
    if (req->who == WHO_CANDIDATE) {
        fail f = has_started(req, req->subject);
        if (f)
            return f;
        index = d->candidates[req->subject].exam;
    } else {
        while (index < d->exam_count && !str_eq(str_z(d->exams[index].paper), req->params[0]))
            index++;
    }
    if (index >= d->exam_count || !str_eq(str_z(d->exams[index].paper), req->params[0]))
        return fail_set(req->why, FAIL_MISSING, "there is no such paper for you");
    const struct frozen_paper *paper = paper_frozen(req->host, index);
    out_str(req->out, req->gzip_ok ? paper->gzip : paper->plain);
    /* No Cache-Control of its own, so "no-store": the next at a shared computer finds no paper. */
    out_z(req->headers, "Vary: Accept-Encoding\r\n");
    if (req->gzip_ok)
        out_z(req->headers, "Content-Encoding: gzip\r\n");
    return FAIL_NONE;
}

/* --- whose screen is on the photo? -------------------------------------------------------------
 */

struct trace {
    struct job job;
    struct host *host;
    const struct exam *exam;
    uint32_t exam_index, at, candidates;
    struct assembly_sight sights[SIGHTS_MAX];
    unsigned sight_count, found;
    str rolls[FOUND_MAX];
};

static bool next_roll(void *ctx, str *roll)
{
    struct trace *trace = ctx;
    const struct directory *d = trace->host->directory;
    while (trace->at < trace->candidates && d->candidates[trace->at].exam != trace->exam_index)
        trace->at++;
    if (trace->at == trace->candidates)
        return false;
    *roll = d->candidates[trace->at++].roll;
    return true;
}

static void found_roll(void *ctx, str roll)
{
    struct trace *trace = ctx;
    if (trace->found < FOUND_MAX)
        trace->rolls[trace->found] = roll;
    trace->found++;
}

static void trace_run(struct job *job)
{
    struct trace *trace = CONTAINER(job, struct trace, job);
    struct assembly_form form = form_of(trace->host, trace->exam);
    assembly_trace(&form, trace->sights, trace->sight_count, next_roll, found_roll, trace);
}

static fail trace_done(struct req *req, struct job *job)
{
    const struct trace *trace = CONTAINER(job, struct trace, job);
    jo_open(req->out, NULL, '{');
    jo_i64(req->out, "found", trace->found);
    jo_open(req->out, "rolls", '[');
    for (unsigned i = 0; i < MIN(trace->found, FOUND_MAX); i++)
        jo_str(req->out, NULL, trace->rolls[i]);
    jo_close(req->out, ']');
    jo_close(req->out, '}');
    return FAIL_NONE;
}

static fail read_sight(const struct req *req, const struct exam *exam, const struct json *json,
                       struct assembly_sight *sight)
{
    int64_t item = 0, place = 0;
    str options = STR_NONE;
    fail f = json_i64(json, "item", true, 1, exam->item_count, &item, req->why);
    if (!f)
        f = json_i64(json, "place", false, 1, exam->item_count, &place, req->why);
    if (!f)
        f = json_str(json, "options", false, &options, req->why);
    if (f)
        return f;
    sight->item = (uint16_t)(item - 1);
    sight->place = (uint16_t)place;
    sight->option_count = (uint8_t)MIN(options.n, ASSEMBLY_OPTIONS_MAX + 1u);
    if (options.n && options.n != exam->items[item - 1].options)
        return fail_set(req->why, FAIL_INPUT,
                        "item %lld has %u options; give the paper's letters as shown, such as CADB",
                        (long long)item, exam->items[item - 1].options);
    for (size_t i = 0; i < options.n; i++)
        sight->options[i] = (uint8_t)(options.p[i] - 'A');
    return FAIL_NONE;
}

static fail exam_trace(struct req *req)
{
    struct exam *exam;
    uint32_t index;
    fail f = req_exam(req, &exam, &index);
    if (f)
        return f;
    const struct json *sights = json_get(req->body, STR("sights"));
    if (sights->count < 1 || sights->count > SIGHTS_MAX)
        return fail_set(req->why, FAIL_INPUT, "give 1 to %d items that the photo shows",
                        SIGHTS_MAX);
    struct trace *trace = arena_new(req->arena, struct trace);
    must(trace);
    for (const struct json *json = sights->first; json && !f; json = json->next)
        f = read_sight(req, exam, json, &trace->sights[trace->sight_count++]);
    if (f)
        return f;
    trace->job = (struct job){ trace_run, trace_done };
    trace->host = req->host;
    trace->exam = exam;
    trace->exam_index = index;
    trace->candidates = req->host->directory->candidate_count;
    return req_later(req, &trace->job);
}

static const struct route assembly_routes[] = {
    { "GET", "/v1/attempts/:attempt/form", form_get, WHO_CANDIDATE | WHO_OFFICER,
      "The candidate's order of items and options", NULL, 0 },
    { "GET", "/v1/papers/:digest", paper_get, WHO_CANDIDATE | WHO_OFFICER,
      "The paper, without keys", NULL, 0 },
    { "POST", "/v1/exams/:exam/open", exam_open, WHO_OFFICER, "Freeze the paper and open the exam",
      "", 0 },
    { "POST", "/v1/exams/:exam/trace", exam_trace, WHO_OFFICER,
      "Whose screen is on the photo? sights: item, place, options as shown", "sights:array", 0 },
};

const struct service svc_assembly = {
    .name = "assembly",
    .purpose = "the frozen paper, forms by a keyed function, tracing a photo",
    .routes = TABLE(assembly_routes),
};
