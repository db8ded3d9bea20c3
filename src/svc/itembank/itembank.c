/* itembank.c - exams and their items: what is defined, what is imported, what is refused.
 *
 * An item arrives whole and leaves as two events that never meet again: its public part for
 * everybody, its key on a topic that only scoring follows. Nothing is kept of a refused item. Once
 * an exam has been opened its paper cannot change. */
#include "app/service.h"
#include "svc/itembank/item.h"

#include <sodium.h>

#define ITEMS_AT_ONCE_MAX     100
#define ITEM_MEMORY_BYTES_MAX (4 * MIB) /* of the item at hand: its picture, its key's texts */

struct itembank {
    char *body; /* LOG_BODY_BYTES_MAX of room for the event at hand */
};

static fail itembank_open(void *state, struct host *host, struct why *why)
{
    struct itembank *itembank = state;
    (void)why;
    itembank->body = arena_bytes(host->memory, LOG_BODY_BYTES_MAX);
    must(itembank->body);
    return FAIL_NONE;
}

static fail exams_list(struct req *req)
{
    const struct directory *d = req->host->directory;
    jo_open(req->out, NULL, '{');
    jo_open(req->out, "exams", '[');
    for (unsigned i = 0; i < d->exam_count; i++)
        exam_write(req->out, &d->exams[i]);
    jo_close(req->out, ']');
    jo_close(req->out, '}');
    return FAIL_NONE;
}

/* --- definitions -------------------------------------------------------------------------------
 */

static bool is_name(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i)))
            return false;
    }
    return s.n >= 1 && s.n <= 40;
}

static fail encode_shifts(struct wire_out *out, const struct json *shifts, struct why *why)
{
    wire_put_u8(out, shifts ? (uint8_t)shifts->count : 0);
    for (const struct json *json = shifts ? shifts->first : NULL; json; json = json->next) {
        str name = STR_NONE;
        int64_t opens = 0, starts = 0;
        fail f = json_str(json, "name", true, &name, why);
        if (!f)
            f = json_i64(json, "opens_at", false, 0, INT64_MAX / 2, &opens, why);
        if (!f)
            f = json_i64(json, "starts_at", false, 0, INT64_MAX / 2, &starts, why);
        if (f)
            return why_add(why, f, "shifts");
        if (name.n < 1 || name.n > 40)
            return fail_set(why, FAIL_INPUT, "a shift's name has 1 to 40 characters");
        wire_put_str(out, name);
        wire_put_i64(out, opens);
        wire_put_i64(out, starts);
    }
    return FAIL_NONE;
}

static fail read_marks(const struct req *req, const char *name, int32_t otherwise, int32_t *milli)
{
    str text = req_str(req, name);
    *milli = otherwise;
    if (text.p && !milli_parse(text, milli))
        return fail_set(req->why, FAIL_INPUT, "%s must be marks such as \"4\" or \"-0.25\"", name);
    return FAIL_NONE;
}

static bool is_same(const struct exam *a, const struct exam *b)
{
    bool same = str_eq(a->title, b->title) && a->minutes == b->minutes && a->right == b->right &&
                a->wrong == b->wrong && a->partial == b->partial &&
                str_eq(a->instructions, b->instructions) && a->shift_count == b->shift_count;
    for (unsigned i = 0; same && i < b->shift_count; i++)
        same = str_eq(a->shifts[i].name, b->shifts[i].name) &&
               a->shifts[i].opens == b->shifts[i].opens &&
               a->shifts[i].starts == b->shifts[i].starts;
    return same;
}

/* The title is a part of the frozen paper, and candidates know their shift by its place. */
static fail may_become(const struct exam *exam, const struct exam *stated, struct why *why)
{
    if (exam->state != EXAM_DRAFT && !str_eq(stated->title, exam->title))
        return fail_as(why, FAIL_CONFLICT, "frozen",
                       "the exam has been opened; its title is in the paper and stays \"%.*s\"",
                       STR_ARG(exam->title));
    for (unsigned i = 0; exam->candidates && i < exam->shift_count; i++)
        if (i >= stated->shift_count || !str_eq(stated->shifts[i].name, exam->shifts[i].name))
            return fail_as(why, FAIL_CONFLICT, "frozen",
                           "candidates are on the roster for this exam: shift %u must stay "
                           "\"%.*s\"; its times may change, and new shifts go behind",
                           i + 1, STR_ARG(exam->shifts[i].name));
    return FAIL_NONE;
}

/* The same definition again is no event, so `serve` can state the spec's exams at each start. */
static fail redefine(struct req *req, const struct exam *exam, uint32_t index, str body)
{
    struct directory other;
    struct record record = { .topic = TOPIC_EXAMS, .type = EXAM_DEFINED, .body = body };
    directory_init(&other);
    directory_apply(&other, &record);
    bool same = is_same(other.exams, exam);
    fail f = may_become(exam, other.exams, req->why);
    directory_fini(&other);
    return f || same ? f : emit(req->host, TOPIC_EXAMS, EXAM_DEFINED, index, body, req->why);
}

static fail exam_define(struct req *req)
{
    const struct directory *d = req->host->directory;
    struct exam *exam = directory_exam(d, req->params[0]);
    const struct json *shifts = json_get(req->body, STR("shifts"));
    int64_t minutes = req_i64(req, "minutes", 60);
    int32_t right, wrong;
    uint8_t partial = PARTIAL_NONE;
    str title = req_str(req, "title"), instructions = req_str(req, "instructions");
    if (!is_name(req->params[0]))
        return fail_set(req->why, FAIL_INPUT,
                        "an exam's name has 1 to 40 of a-z, 0-9 and '-', such as paper-1");
    if (minutes < 1 || minutes > 1440 || title.n > 200 || instructions.n > 20000 ||
        (shifts && shifts->count > SHIFTS_MAX))
        return fail_set(req->why, FAIL_INPUT,
                        "minutes must be 1 to 1440, the title at most 200 bytes, shifts at most %d",
                        SHIFTS_MAX);
    if (req_str(req, "partial").p && !item_partial_of(req_str(req, "partial"), &partial))
        return fail_set(req->why, FAIL_INPUT, "partial must be \"none\" or \"subset\"");
    fail f = read_marks(req, "right", 4000, &right);
    if (!f)
        f = read_marks(req, "wrong", -1000, &wrong);
    if (f)
        return f;
    if (!exam && d->exam_count == EXAMS_MAX)
        return fail_set(req->why, FAIL_LIMIT, "a hall has at most %d exams", EXAMS_MAX);
    char *body = arena_bytes(req->arena, 64 * KIB);
    must(body);
    struct wire_out out = wire_out_make(body, 64 * KIB);
    wire_put_str(&out, req->params[0]);
    wire_put_str(&out, title.n ? title : req->params[0]);
    wire_put_u32(&out, (uint32_t)minutes);
    wire_put_i32(&out, right);
    wire_put_i32(&out, wrong);
    wire_put_u8(&out, partial);
    wire_put_str(&out, instructions);
    f = encode_shifts(&out, shifts, req->why);
    if (f)
        return f;
    must(!out.failed);
    uint32_t index = exam ? (uint32_t)(exam - d->exams) : d->exam_count;
    str definition = str_of(body, out.n);
    f = exam ? redefine(req, exam, index, definition)
             : emit(req->host, TOPIC_EXAMS, EXAM_DEFINED, index, definition, req->why);
    if (!f)
        exam_write(req->out, &d->exams[index]);
    return f;
}

/* --- items -------------------------------------------------------------------------------------
 */

static fail emit_public(struct req *req, uint32_t index, const struct item *item, unsigned number)
{
    const struct exam *exam = &req->host->directory->exams[index];
    struct out json = out_make(LOG_BODY_BYTES_MAX);
    struct wire_out out = wire_out_make(((struct itembank *)req->state)->body, LOG_BODY_BYTES_MAX);
    unsigned section = 0;
    while (section < exam->section_count && !str_eq(exam->sections[section], item->section))
        section++;
    item_write_public(&json, item, number, section);
    uint8_t digest[ITEM_DIGEST_BYTES];
    item_digest(item, digest);
    wire_put_u16(&out, (uint16_t)number);
    wire_put_u8(&out, (uint8_t)item->kind);
    wire_put_u8(&out, (uint8_t)item->option_count);
    wire_put_u8(&out, (uint8_t)item->blanks);
    wire_put_u8(&out, item->last_stays);
    wire_put_i32(&out, item->right);
    wire_put_i32(&out, item->wrong);
    wire_put_str(&out, item->section);
    wire_put(&out, digest, sizeof(digest));
    wire_put_str(&out, out_view(&json));
    bool fits = !out.failed && !json.failed;
    out_fini(&json);
    if (!fits)
        return fail_set(req->why, FAIL_LIMIT, "the item is larger than %zu KiB with its picture",
                        LOG_BODY_BYTES_MAX / KIB);
    return emit_bulk(req->host, TOPIC_EXAMS, ITEM_ADDED, index, str_of(out.p, out.n), req->why);
}

static fail emit_key(struct req *req, uint32_t index, const struct item *item, unsigned number)
{
    char key[SCORE_KEY_BYTES_MAX];
    struct wire_out key_out = wire_out_make(key, sizeof(key));
    struct wire_out out = wire_out_make(((struct itembank *)req->state)->body, LOG_BODY_BYTES_MAX);
    score_key_encode(&key_out, &item->key);
    must(!key_out.failed);
    wire_put_u16(&out, (uint16_t)number);
    wire_put_u8(&out, item->partial);
    wire_put_str(&out, str_of(key, key_out.n));
    must(!out.failed);
    return emit_bulk(req->host, TOPIC_KEYS, KEY_SET, index, str_of(out.p, out.n), req->why);
}

static fail add_item(struct req *req, uint32_t index, const struct json *json, struct arena *arena)
{
    const struct exam *exam = &req->host->directory->exams[index];
    struct item item;
    fail f = item_from_json(&item, json, arena, req->why);
    if (!f)
        f = item_check(&item, req->why);
    if (f)
        return f;
    if (exam->item_count == ITEMS_MAX)
        return fail_set(req->why, FAIL_LIMIT, "a paper has at most %d items", ITEMS_MAX);
    bool known = false;
    for (unsigned i = 0; i < exam->section_count; i++)
        known |= str_eq(exam->sections[i], item.section);
    if (!known && exam->section_count == SECTIONS_MAX)
        return fail_set(req->why, FAIL_LIMIT, "a paper has at most %d sections", SECTIONS_MAX);
    if (!item.has_right)
        item.right = exam->right;
    if (!item.has_wrong)
        item.wrong = exam->wrong;
    if (item.partial == ITEM_PARTIAL_OF_EXAM)
        item.partial = exam->partial;
    unsigned number = exam->item_count + 1;
    /* The key first: a key without an item is harmless, an item without a key could not be scored.
     */
    f = emit_key(req, index, &item, number);
    return f ? f : emit_public(req, index, &item, number);
}

static fail empty_exam(struct req *req, uint32_t index)
{
    uint32_t zero = 0;
    str body = str_of(&zero, sizeof(zero));
    fail f = emit(req->host, TOPIC_KEYS, KEYS_EMPTIED, index, body, req->why);
    return f ? f : emit(req->host, TOPIC_EXAMS, EXAM_EMPTIED, index, body, req->why);
}

static fail items_add(struct req *req)
{
    struct exam *exam;
    uint32_t index;
    size_t at = 0, imported = 0;
    fail f = req_exam(req, &exam, &index);
    if (f)
        return f;
    if (exam->state != EXAM_DRAFT)
        return fail_as(req->why, FAIL_CONFLICT, "frozen",
                       "the exam \"%.*s\" has been opened; its paper cannot change any more",
                       STR_ARG(exam->name));
    const struct json *items = json_get(req->body, STR("items"));
    if (items->count > ITEMS_AT_ONCE_MAX)
        return fail_set(req->why, FAIL_LIMIT, "at most %d items at once", ITEMS_AT_ONCE_MAX);
    if (req_bool(req, "replace") && exam->item_count)
        f = empty_exam(req, index);
    if (f)
        return f;
    struct out refused = out_make(MIB);
    struct arena arena = arena_make(ITEM_MEMORY_BYTES_MAX); /* not the request's: it has many */
    for (const struct json *json = items->first; json; json = json->next, at++) {
        arena_reset(&arena);
        if (!add_item(req, index, json, &arena)) {
            imported++;
            continue;
        }
        jo_open(&refused, NULL, '{');
        jo_i64(&refused, "index", (int64_t)at);
        jo_z(&refused, "reason", req->why->text);
        jo_close(&refused, '}');
    }
    jo_open(req->out, NULL, '{');
    jo_i64(req->out, "imported", (int64_t)imported);
    jo_name(req->out, "refused");
    out_char(req->out, '[');
    out_str(req->out, out_view(&refused));
    out_z(req->out, "]}");
    out_fini(&refused);
    arena_fini(&arena);
    return FAIL_NONE;
}

static const struct route itembank_routes[] = {
    { "GET", "/v1/exams", exams_list, WHO_OFFICER, "All exams", NULL, 0 },
    { "PUT", "/v1/exams/:exam", exam_define, WHO_OPERATOR,
      "Define an exam; shifts with name, opens_at, starts_at",
      "title:string? minutes:integer? right:string? wrong:string? partial:string? "
      "instructions:string? "
      "shifts:array?",
      64 * KIB },
    { "POST", "/v1/exams/:exam/items", items_add, WHO_OPERATOR, "Add items with their keys",
      "replace:boolean? items:array", 32 * MIB },
};

const struct service svc_itembank = {
    .name = "itembank",
    .purpose = "exams, items and their import",
    .routes = TABLE(itembank_routes),
    .state_bytes = sizeof(struct itembank),
    .open = itembank_open,
};
