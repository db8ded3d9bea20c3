/* virtual_record.c - the hall's record of an attempt against the candidate's own ledger: when a
 * page is loaded again, and after the exam.
 *
 * A record that cannot be read compares nothing and is a failed request; it never passes. */
#include "rehearsal/marks.h"
#include "rehearsal/virtual_inner.h"

static void count_finding(struct reply *r, enum finding finding, struct entry entry, unsigned i,
                          str value)
{
    if (finding == FOUND_RIGHT)
        return;
    if (finding == FOUND_LOST)
        r->stand->board->saves_lost++;
    else
        r->stand->board->saves_foreign++;
    board_example(r->stand->board,
                  "%s: %.*s, item %u: recorded \"%.*s\", acknowledged save %u.%u, last sent %u.%u",
                  finding == FOUND_LOST ? "LOST" : "never sent", STR_ARG(r->v->roll), i,
                  (int)MIN(value.n, 40), value.p, entry.acked >> LEDGER_SEQ_BITS,
                  ledger_seq(entry.acked), entry.sent >> LEDGER_SEQ_BITS, ledger_seq(entry.sent));
}

struct recorded {
    str value;
    uint32_t seq;
    bool there, none;
};

/* One row of the answers or of the response sheet. */
static fail recorded_read(struct reply *r, struct recorded *all, const struct json *row, bool seqs)
{
    int64_t i = 0, seq = 0;
    fail f = json_i64(row, "item", true, 1, r->v->ledger.items, &i, &r->why);
    if (!f && seqs)
        f = json_i64(row, "seq", true, 1, UINT32_MAX, &seq, &r->why);
    if (!f)
        f = json_str(row, "value", false, &all[i].value, &r->why);
    if (f)
        return f;
    if (all[i].there)
        return fail_set(&r->why, FAIL_INPUT, "item %lld is there twice", (long long)i);
    all[i].there = true;
    all[i].none = !all[i].value.p;
    all[i].seq = (uint32_t)seq;
    return FAIL_NONE;
}

/* Compares the whole record with the ledger. */
static fail record_compare(struct reply *r, const char *member, bool seqs)
{
    struct ledger *ledger = &r->v->ledger;
    struct recorded all[PAPER_ITEMS_MAX + 1] = { 0 };
    const struct json *rows = json_get(r->json, str_z(member));
    if (!rows || rows->type != JSON_ARRAY)
        return fail_set(&r->why, FAIL_INPUT, "there is no list \"%s\"", member);
    for (const struct json *row = rows->first; row; row = row->next) {
        fail f = recorded_read(r, all, row, seqs);
        if (f)
            return f;
    }
    for (unsigned i = 1; i <= ledger->items; i++) {
        bool none = !all[i].there || all[i].none;
        struct entry entry = ledger->entries[i];
        enum finding finding =
            seqs ? ledger_learn(ledger, r->stand->paper, i, all[i].seq, none, all[i].value)
                 : ledger_check(ledger, r->stand->paper, i, none, all[i].value);
        count_finding(r, finding, entry, i, all[i].value);
    }
    return FAIL_NONE;
}

fail virtual_resume_done(struct reply *r)
{
    struct virtual *v = r->v;
    int64_t seq = 0;
    fail f = json_i64(r->json, "seq", true, 0, (1 << LEDGER_SEQ_BITS) - 1, &seq, &r->why);
    if (!f)
        f = record_compare(r, "answers", true);
    if (f)
        return f;
    if (v->stage == STAGE_CHECK) {
        r->stand->board->checked++;
        virtual_finish(r);
        return FAIL_NONE;
    }
    if (!v->pending) { /* another device knows only what the hall tells it */
        v->seq = (uint32_t)seq;
        ledger_forget_unacked(&v->ledger);
    }
    if (v->pending)
        v->due_us = r->now;
    virtual_begin(v, r->stand->plan, r->now);
    return FAIL_NONE;
}

static fail marks_check(struct reply *r)
{
    const struct json *rows = json_get(r->json, STR("items"));
    const uint32_t *keys = r->stand->plan->keys;
    for (const struct json *row = rows->first; row && keys; row = row->next) {
        int64_t i = 0, got = 0;
        str marks = STR_NONE, value = STR_NONE;
        fail f = json_i64(row, "item", true, 1, r->v->ledger.items, &i, &r->why);
        if (!f)
            f = json_str(row, "marks", true, &marks, &r->why);
        if (!f)
            f = json_str(row, "value", false, &value, &r->why);
        if (f)
            return f;
        int expected = marks_worth(keys[i], marks_bits(value));
        if (!keys[i] || (str_i64(marks, &got) && got == expected))
            continue;
        r->stand->board->marks_wrong++;
        board_example(r->stand->board, "%.*s, item %lld: \"%.*s\" got %.*s marks, not %d",
                      STR_ARG(r->v->roll), (long long)i, STR_ARG(str_first(value, 40)),
                      STR_ARG(str_first(marks, 20)), expected);
    }
    return FAIL_NONE;
}

fail virtual_sheet_done(struct reply *r)
{
    fail f = record_compare(r, "items", false);
    if (!f)
        f = marks_check(r);
    if (f)
        return f;
    r->stand->board->checked++;
    virtual_finish(r);
    return FAIL_NONE;
}
