/* scoring_run.c - see scoring_run.h. Read in this order: marks_of, mark_row, rank_rows.
 *
 * Most items are choices, and a choice of 8 options is one of 256 sets: what each is worth is asked
 * of scoring_core once, before the first row. A row has a fixed length, so the blob is made whole
 * and filled in place. */
#include "svc/scoring/scoring_run.h"
#include "base/table.h"
#include "svc/scoring/scored_api.h"

#include <stdlib.h>

#define SETS       (1u << SCORE_OPTIONS_MAX)
#define FAR_AHEAD  4 /* sheets; each lies where its start fell, so the CPU cannot guess */
#define LINE_BYTES 64

/* Typed answers repeat: most of an item's are a few thousand texts. One remembered for each slot,
 * and 128 KiB of slots, what a core has for itself: marking again costs less than far memory. */
#define MEMO_SLOTS 4096
#define MEMO_BYTES 20
struct memo {
    uint16_t item; /* from 1; 0: nothing is remembered here */
    uint8_t bytes;
    char text[MEMO_BYTES];
    struct score score;
};

struct marking {
    struct scoring_run *run;
    const struct exam *exam;
    const struct book *book;
    struct score (*by_set)[SETS]; /* by item; choices only */
    struct memo *memo;
    char *blob;
    size_t blob_bytes, row_bytes;
    struct scored_head head;
    struct out typed;
    struct arena arena;
};

/* --- marking -----------------------------------------------------------------------------------
 */

static struct score mark(const struct marking *marking, unsigned item, str value)
{
    const struct item_shape *shape = &marking->exam->items[item];
    const struct paper_keys *paper = marking->run->paper;
    struct score_rule rule = { shape->right, shape->wrong, paper->partial[item] };
    return score_item(&paper->keys[item], &rule, value);
}

/* What each set of letters is worth, for each choice of the paper. */
static fail marks_of(struct marking *marking, struct why *why)
{
    const struct exam *exam = marking->exam;
    marking->by_set = arena_alloc(&marking->arena, exam->item_count * sizeof(*marking->by_set));
    marking->memo = arena_many(&marking->arena, struct memo, MEMO_SLOTS);
    if (!marking->by_set || !marking->memo)
        return fail_set(why, FAIL_LIMIT, "no memory to score");
    for (unsigned i = 0; i < exam->item_count; i++)
        for (uint32_t set = 0; set < SETS && !item_is_typed(&exam->items[i]); set++) {
            struct cell cell = { .value = set };
            char letters[32];
            str value = book_value(marking->book, &cell, &exam->items[i], letters);
            marking->by_set[i][set] = mark(marking, i, value);
        }
    return FAIL_NONE;
}

static struct score mark_typed(struct marking *marking, unsigned item, str value)
{
    uint64_t slot = (str_hash(value) + item * UINT64_C(0x9e3779b97f4a7c15)) % MEMO_SLOTS;
    struct memo *memo = &marking->memo[slot];
    if (value.n > MEMO_BYTES)
        return mark(marking, item, value);
    if (memo->item == item + 1 && str_eq(str_of(memo->text, memo->bytes), value))
        return memo->score;
    memo->score = mark(marking, item, value);
    memo->item = (uint16_t)(item + 1);
    memo->bytes = (uint8_t)value.n;
    memcpy(memo->text, value.p, value.n);
    return memo->score;
}

static struct scored_item mark_cell(struct marking *marking, unsigned item, const struct cell *cell)
{
    if (!item_is_typed(&marking->exam->items[item])) {
        must(cell->value < SETS);
        struct score score = marking->by_set[item][cell->value];
        return (struct scored_item){ .milli = score.milli,
                                     .outcome = (uint8_t)score.outcome,
                                     .letters = (uint16_t)cell->value };
    }
    str value = book_value(marking->book, cell, &marking->exam->items[item], NULL);
    struct score score = mark_typed(marking, item, value);
    out_str(&marking->typed, value);
    return (struct scored_item){ .milli = score.milli,
                                 .outcome = (uint8_t)score.outcome,
                                 .typed_bytes = cell->typed_bytes };
}

static void mark_row(struct marking *marking, uint32_t candidate, char *p)
{
    const struct exam *exam = marking->exam;
    const struct sheet *sheet = &marking->book->sheets[candidate];
    const union unit *units = &marking->book->units[sheet->units];
    struct scored_row *row = (void *)p;
    struct scored_section *sections = (void *)(row + 1);
    struct scored_item *items = (void *)(sections + exam->section_count);
    row->candidate = candidate;
    row->typed_at = marking->typed.n;
    for (unsigned i = 0; i < exam->item_count; i++) {
        struct scored_section *section = &sections[exam->items[i].section];
        items[i] = mark_cell(marking, i, &units[i].cell);
        row->total += items[i].milli;
        section->milli += items[i].milli;
        section->right += items[i].outcome == OUTCOME_RIGHT;
        section->partly += items[i].outcome == OUTCOME_PARTLY;
        section->wrong += items[i].outcome == OUTCOME_WRONG;
        section->blank += items[i].outcome == OUTCOME_BLANK;
    }
}

static void expect_sheet(const struct marking *marking, uint32_t candidate)
{
    const struct sheet *sheet = &marking->book->sheets[candidate];
    const char *units = (const char *)&marking->book->units[sheet->units];
    for (size_t at = 0; at < sheet->unit_count * sizeof(union unit); at += LINE_BYTES)
        __builtin_prefetch(units + at);
}

static bool sat(const struct marking *marking, uint32_t candidate)
{
    const struct sheet *sheet = &marking->book->sheets[candidate];
    return sheet->units && sheet->exam == marking->run->exam;
}

static void mark_rows(struct marking *marking)
{
    char *p = marking->blob + scored_rows_at(&marking->head);
    for (uint32_t i = 0; i < marking->run->candidate_count; i++) {
        if (i + FAR_AHEAD < marking->run->candidate_count)
            expect_sheet(marking, i + FAR_AHEAD);
        if (!sat(marking, i))
            continue;
        mark_row(marking, i, p);
        p += marking->row_bytes;
    }
}

/* --- ranking -----------------------------------------------------------------------------------
 */

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

static fail rank_rows(struct marking *marking, struct why *why)
{
    uint32_t n = marking->head.rows;
    struct ranked *order = arena_many(&marking->arena, struct ranked, n + 1);
    char *rows = marking->blob + scored_rows_at(&marking->head);
    if (!order)
        return fail_set(why, FAIL_LIMIT, "no memory to rank");
    for (uint32_t i = 0; i < n; i++) {
        const struct scored_row *row = (void *)(rows + i * marking->row_bytes);
        order[i] = (struct ranked){ row->total, i };
    }
    qsort(order, n, sizeof(*order), by_total);
    for (uint32_t i = 0, rank = 1; i < n; i++) {
        rank = i && order[i].total == order[i - 1].total ? rank : i + 1;
        ((struct scored_row *)(rows + order[i].row * marking->row_bytes))->rank = rank;
    }
    return FAIL_NONE;
}

/* --- the blob ----------------------------------------------------------------------------------
 */

static void make_head(struct marking *marking)
{
    const struct exam *exam = marking->exam;
    struct scored_head *head = &marking->head;
    *head = (struct scored_head){ .magic = SCORED_MAGIC,
                                  .exam = marking->run->exam,
                                  .items = exam->item_count,
                                  .sections = exam->section_count };
    for (uint32_t i = 0; i < marking->run->candidate_count; i++)
        head->rows += sat(marking, i);
    marking->row_bytes = scored_row_bytes(head);
    head->typed_at = scored_rows_at(head) + head->rows * marking->row_bytes;
    for (unsigned i = 0; i < exam->item_count; i++)
        head->out_of += exam->items[i].right;
    /* Typed texts are never longer than their room in the book. */
    marking->blob_bytes = head->typed_at + marking->book->unit_count * sizeof(union unit);
    marking->blob = table_new_huge(marking->blob_bytes, 1);
    memcpy(marking->blob, head, sizeof(*head));
    int64_t *out_of = (void *)(marking->blob + sizeof(*head));
    for (unsigned i = 0; i < exam->item_count; i++)
        out_of[exam->items[i].section] += exam->items[i].right;
    marking->typed = (struct out){ .p = marking->blob + head->typed_at,
                                   .cap = marking->blob_bytes - head->typed_at };
}

static fail write_blob(struct marking *marking, struct why *why)
{
    struct scoring_run *run = marking->run;
    if (marking->typed.failed)
        return fail_set(why, FAIL_LIMIT, "no memory for the result of this exam");
    run->rows = marking->head.rows;
    str blob = str_of(marking->blob, marking->head.typed_at + marking->typed.n);
    return blobs_put(run->blobs, blob, run->name, why);
}

fail scoring_run(struct scoring_run *run, struct why *why)
{
    struct marking marking = { .run = run,
                               .exam = &run->directory->exams[run->exam],
                               .book = run->book,
                               .arena = arena_make(GIB) };
    fail f = marks_of(&marking, why);
    if (!f) {
        make_head(&marking);
        mark_rows(&marking);
        f = rank_rows(&marking, why);
    }
    if (!f)
        f = write_blob(&marking, why);
    table_free(marking.blob, marking.blob_bytes, 1);
    arena_fini(&marking.arena);
    return f;
}
