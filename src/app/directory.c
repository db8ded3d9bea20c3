/* directory.c - see directory.h. */
#include "app/directory.h"
#include "base/table.h"
#include "codec/json_out.h"
#include "codec/wire.h"

#include <stdlib.h>

const char *const exam_state_names[] = { "draft", "open", "closed", "scored", "published" };

void directory_init(struct directory *d)
{
    *d = (struct directory){ .texts = arena_make(4 * GIB) };
    d->exams = table_new(EXAMS_MAX, sizeof(*d->exams));
    d->candidates = table_new_huge(CANDIDATES_MAX, sizeof(*d->candidates));
    d->officers = table_new(OFFICERS_MAX, sizeof(*d->officers));
    d->by_roll_mask = 1023;
    d->by_roll = calloc(d->by_roll_mask + 1, sizeof(*d->by_roll));
    must(d->by_roll);
}

void directory_fini(struct directory *d)
{
    table_free(d->exams, EXAMS_MAX, sizeof(*d->exams));
    table_free(d->candidates, CANDIDATES_MAX, sizeof(*d->candidates));
    table_free(d->officers, OFFICERS_MAX, sizeof(*d->officers));
    free(d->by_roll);
    arena_fini(&d->texts);
}

/* --- look-ups ----------------------------------------------------------------------------------
 */

struct exam *directory_exam(const struct directory *d, str name)
{
    for (unsigned i = 0; i < d->exam_count; i++)
        if (str_eq(d->exams[i].name, name))
            return &d->exams[i];
    return NULL;
}

struct officer *directory_officer(const struct directory *d, str name)
{
    for (unsigned i = 0; i < d->officer_count; i++)
        if (str_eq(d->officers[i].name, name))
            return &d->officers[i];
    return NULL;
}

struct candidate *directory_roll(const struct directory *d, str roll)
{
    for (uint32_t at = (uint32_t)str_hash(roll) & d->by_roll_mask; d->by_roll[at];
         at = (at + 1) & d->by_roll_mask)
        if (str_eq(d->candidates[d->by_roll[at] - 1].roll, roll))
            return &d->candidates[d->by_roll[at] - 1];
    return NULL;
}

static void insert_roll(struct directory *d, uint32_t candidate)
{
    uint32_t at = (uint32_t)str_hash(d->candidates[candidate].roll) & d->by_roll_mask;
    while (d->by_roll[at])
        at = (at + 1) & d->by_roll_mask;
    d->by_roll[at] = candidate + 1;
}

static void index_roll(struct directory *d, uint32_t candidate)
{
    if (d->candidate_count * 2 > d->by_roll_mask) {
        free(d->by_roll);
        d->by_roll_mask = d->by_roll_mask * 4 + 3;
        d->by_roll = calloc((size_t)d->by_roll_mask + 1, sizeof(*d->by_roll));
        must(d->by_roll);
        for (uint32_t i = 0; i < candidate; i++)
            insert_roll(d, i);
    }
    insert_roll(d, candidate);
}

static uint64_t time_key(uint32_t candidate, str key)
{
    return str_hash(key) + candidate * UINT64_C(0x9e3779b97f4a7c15);
}

bool directory_time_added(const struct directory *d, uint32_t candidate, str key)
{
    uint64_t wanted = time_key(candidate, key);
    for (size_t i = 0; i < MIN(d->time_key_count, TIME_KEYS); i++)
        if (d->time_keys[i] == wanted)
            return true;
    return false;
}

void exam_write(struct out *out, const struct exam *exam)
{
    jo_open(out, NULL, '{');
    jo_str(out, "exam", exam->name);
    jo_str(out, "title", exam->title);
    jo_z(out, "state", exam_state_names[exam->state]);
    jo_i64(out, "items", exam->item_count);
    jo_i64(out, "minutes", exam->minutes);
    jo_i64(out, "candidates", exam->candidates);
    jo_close(out, '}');
}

/* --- the fold ----------------------------------------------------------------------------------
 */

static str keep(struct directory *d, str s)
{
    str copy = arena_str(&d->texts, s);
    must(copy.p);
    return copy;
}

/* Names of sections, centres and shifts repeat: the newest equal neighbour's text is shared. */
static str keep_like(struct directory *d, str s, str neighbour)
{
    return neighbour.p && str_eq(s, neighbour) ? neighbour : keep(d, s);
}

static void exam_defined(struct directory *d, uint32_t index, struct wire_in *in)
{
    must(index <= d->exam_count && index < EXAMS_MAX);
    struct exam *exam = &d->exams[index];
    exam->name = keep(d, wire_get_str(in));
    exam->title = keep(d, wire_get_str(in));
    exam->minutes = wire_get_u32(in);
    exam->right = wire_get_i32(in);
    exam->wrong = wire_get_i32(in);
    exam->partial = wire_get_u8(in);
    exam->instructions = keep(d, wire_get_str(in));
    exam->shift_count = wire_get_u8(in);
    exam->shifts = arena_many(&d->texts, struct shift, exam->shift_count + 1);
    must(exam->shifts);
    for (unsigned i = 0; i < exam->shift_count; i++) {
        exam->shifts[i].name = keep(d, wire_get_str(in));
        exam->shifts[i].opens = wire_get_i64(in);
        exam->shifts[i].starts = wire_get_i64(in);
    }
    if (index < d->exam_count)
        return;
    d->exam_count++;
    exam->items = arena_many(&d->texts, struct item_shape, ITEMS_MAX);
    exam->item_json = arena_many(&d->texts, str, ITEMS_MAX);
    must(exam->items && exam->item_json);
}

static uint8_t section_index(struct directory *d, struct exam *exam, str name)
{
    for (unsigned i = 0; i < exam->section_count; i++)
        if (str_eq(exam->sections[i], name))
            return (uint8_t)i;
    must(exam->section_count < SECTIONS_MAX); /* itembank refuses more */
    exam->sections[exam->section_count] = keep(d, name);
    return (uint8_t)exam->section_count++;
}

static void item_added(struct directory *d, struct exam *exam, struct wire_in *in)
{
    unsigned item = wire_get_u16(in);
    must(item == exam->item_count + 1 && item <= ITEMS_MAX);
    struct item_shape *shape = &exam->items[item - 1];
    shape->kind = wire_get_u8(in);
    shape->options = wire_get_u8(in);
    shape->blanks = wire_get_u8(in);
    shape->last_stays = wire_get_u8(in) & 1;
    shape->right = wire_get_i32(in);
    shape->wrong = wire_get_i32(in);
    shape->section = section_index(d, exam, wire_get_str(in));
    char digest[32];
    wire_get(in, digest, sizeof(digest));
    exam->item_json[item - 1] = keep(d, wire_get_str(in));
    exam->item_count = item;
}

static void apply_exam(struct directory *d, const struct record *r, struct wire_in *in)
{
    if (r->type == EXAM_DEFINED) {
        exam_defined(d, r->key, in);
        return;
    }
    must(r->key < d->exam_count);
    struct exam *exam = &d->exams[r->key];
    if (r->type == EXAM_EMPTIED) {
        exam->item_count = 0;
        exam->section_count = 0;
    } else if (r->type == ITEM_ADDED) {
        item_added(d, exam, in);
    } else if (r->type == EXAM_OPENED) {
        str digest = wire_get_str(in);
        exam->state = EXAM_OPEN;
        must(digest.n < sizeof(exam->paper));
        memcpy(exam->paper, digest.p, digest.n);
        exam->paper[digest.n] = 0;
    } else if (r->type == EXAM_CLOSED) {
        exam->state = EXAM_CLOSED_STATE;
    }
}

static void apply_roster(struct directory *d, const struct record *r, struct wire_in *in)
{
    if (r->type != CANDIDATE_ADDED)
        return;
    must(r->key == d->candidate_count && r->key < CANDIDATES_MAX);
    struct candidate *c = &d->candidates[r->key];
    const struct candidate *before = r->key ? c - 1 : c;
    c->roll = keep(d, wire_get_str(in));
    c->name = keep(d, wire_get_str(in));
    c->birth = keep(d, wire_get_str(in));
    c->centre = keep_like(d, wire_get_str(in), before->centre);
    c->exam = wire_get_u16(in);
    c->shift = wire_get_u8(in);
    c->extra_minutes = wire_get_u16(in);
    must(c->exam < d->exam_count);
    d->exams[c->exam].candidates++;
    index_roll(d, d->candidate_count++);
}

static void apply_staff(struct directory *d, const struct record *r, struct wire_in *in)
{
    if (r->type != OFFICER_ADDED)
        return;
    must(r->key == d->officer_count && r->key < OFFICERS_MAX);
    struct officer *officer = &d->officers[d->officer_count++];
    officer->name = keep(d, wire_get_str(in));
    officer->role = wire_get_u8(in);
    officer->password_hash = keep(d, wire_get_str(in));
    officer->totp_sealed = keep(d, wire_get_str(in));
}

static void apply_session(struct directory *d, const struct record *r, struct wire_in *in)
{
    uint32_t epoch = wire_get_u32(in);
    if (r->type == CANDIDATE_SIGNED_IN) {
        must(r->key < d->candidate_count);
        d->signed_in_count += d->candidates[r->key].epoch == 0;
        d->candidates[r->key].epoch = epoch;
    } else if (r->type == OFFICER_SIGNED_IN) {
        must(r->key < d->officer_count);
        d->officers[r->key].epoch = epoch;
        d->officers[r->key].totp_step = wire_get_u64(in);
    }
}

static void apply_attempt(struct directory *d, const struct record *r, struct wire_in *in)
{
    must(r->key < d->candidate_count);
    struct attempt *attempt = &d->candidates[r->key].attempt;
    if (r->type == ATTEMPT_STARTED) {
        d->started_count += attempt->started_at == 0;
        attempt->started_at = r->at;
        attempt->ends_at = wire_get_i64(in);
    } else if (r->type == TIME_ADDED) {
        int32_t seconds = wire_get_i32(in);
        wire_get_str(in); /* reason */
        wire_get_str(in); /* officer */
        str key = wire_get_str(in);
        attempt->extra_s += seconds;
        attempt->ends_at += attempt->ends_at ? seconds * (instant)1000 : 0;
        if (key.n)
            d->time_keys[d->time_key_count++ % TIME_KEYS] = time_key(r->key, key);
    } else if (r->type == ATTEMPT_SUBMITTED) {
        d->submitted_count += attempt->submitted_at == 0;
        attempt->submitted_at = r->at;
        attempt->submitted_by = wire_get_u8(in);
        attempt->answered = wire_get_u16(in);
        attempt->saves = wire_get_u32(in);
        wire_get(in, attempt->digest, sizeof(attempt->digest));
    }
}

static void apply_results(struct directory *d, const struct record *r, struct wire_in *in)
{
    must(r->key < d->exam_count);
    struct exam *exam = &d->exams[r->key];
    if (r->type == EXAM_SCORED) {
        exam->scored = keep(d, wire_get_str(in));
        if (exam->state < EXAM_SCORED_STATE)
            exam->state = EXAM_SCORED_STATE;
    } else if (r->type == RESULTS_PUBLISHED) {
        exam->state = EXAM_PUBLISHED;
    }
}

/* Two lines of the cache: what a start, a save or a sign-in looks at lies in both. */
void directory_expect_one(const struct directory *d, uint32_t candidate)
{
    const struct candidate *c = &d->candidates[candidate];
    line_expect(&c->epoch);
    line_expect(&c->attempt.digest);
}

void directory_expect(const struct directory *d, const struct record *records, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool about = records[i].topic == TOPIC_SESSIONS || records[i].topic == TOPIC_ATTEMPTS;
        if (about && records[i].key < CANDIDATES_MAX)
            directory_expect_one(d, records[i].key);
    }
}

void directory_apply(struct directory *d, const struct record *r)
{
    if (r->topic == TOPIC_ANSWERS)
        return; /* most of a log */
    struct wire_in in = wire_in_make(r->body);
    if (r->topic == TOPIC_EXAMS)
        apply_exam(d, r, &in);
    else if (r->topic == TOPIC_ROSTER)
        apply_roster(d, r, &in);
    else if (r->topic == TOPIC_STAFF)
        apply_staff(d, r, &in);
    else if (r->topic == TOPIC_SESSIONS)
        apply_session(d, r, &in);
    else if (r->topic == TOPIC_ATTEMPTS)
        apply_attempt(d, r, &in);
    else if (r->topic == TOPIC_RESULTS)
        apply_results(d, r, &in);
    must(!in.failed); /* we wrote it: a short body is our mistake */
}

/* --- checkpoints -------------------------------------------------------------------------------
 */

fail directory_save(const struct directory *d, struct store *store, struct why *why)
{
    struct out out = out_make(CANDIDATES_MAX * 4 + OFFICERS_MAX * 12 + 64);
    for (uint32_t i = 0; i < d->candidate_count; i++)
        out_bytes(&out, &d->candidates[i].epoch, 4);
    for (unsigned i = 0; i < d->officer_count; i++) {
        out_bytes(&out, &d->officers[i].epoch, 4);
        out_bytes(&out, &d->officers[i].totp_step, 8);
    }
    fail f = out.failed ? fail_set(why, FAIL_LIMIT, "too many sessions for a checkpoint")
                        : store_put(store, STR("sessions"), 0, out_view(&out), why);
    out_fini(&out);
    return f;
}

static fail load_sessions(void *ctx, uint64_t key, str body, struct why *why)
{
    struct directory *d = ctx;
    struct wire_in in = wire_in_make(body);
    (void)key;
    for (uint32_t i = 0; i < d->candidate_count; i++) {
        d->candidates[i].epoch = wire_get_u32(&in);
        d->signed_in_count += d->candidates[i].epoch != 0;
    }
    for (unsigned i = 0; i < d->officer_count; i++) {
        d->officers[i].epoch = wire_get_u32(&in);
        d->officers[i].totp_step = wire_get_u64(&in);
    }
    if (in.failed || wire_more(&in))
        return fail_set(why, FAIL_CORRUPT, "the checkpoint's sessions do not fit its roster");
    return FAIL_NONE;
}

fail directory_load(struct directory *d, struct store *store, struct why *why)
{
    return store_each(store, STR("sessions"), load_sessions, d, why);
}
