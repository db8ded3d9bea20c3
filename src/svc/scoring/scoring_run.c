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
#define MARKS_MAX  (2 * ITEMS_MAX + SCORE_OPTIONS_MAX + 1) /* right, wrong, some of a set, none */
#define FAR_AHEAD  4 /* sheets; each lies where its start fell, so the CPU cannot guess */
#define LINE_BYTES 64

/* What one answer is worth: its marks, and how the blob says it. */
struct worth {
    int32_t milli;
    struct scored_item item;
};

/* Typed answers repeat: half of an item's are a few texts, the right ones. One remembered for each
 * slot, and so few slots that they stay in the core's own cache while rows stream through it. */
#define MEMO_SLOTS 1024
struct memo {
    uint64_t text[2]; /* zeros behind its end */
    uint16_t item;    /* from 1; 0: nothing is remembered here */
    uint8_t bytes;
    struct worth worth;
};

struct marking {
    struct scoring_run *run;
    const struct exam *exam;
    const struct book *book;
    struct worth (*by_set)[SETS]; /* by item; choices only */
    struct memo *memo;
    int64_t *marks; /* head.marks of them: the different ones */
    char *blob;
    size_t blob_bytes, row_bytes;
    struct scored_head head;
    char *typed;    /* where the next typed value goes */
    uint64_t *keys; /* of each row: see rank_key */
    struct arena arena;
};

/* --- marking -----------------------------------------------------------------------------------
 */

static uint16_t number_of_marks(struct marking *marking, int64_t milli)
{
    uint32_t i = 0;
    while (i < marking->head.marks && marking->marks[i] != milli)
        i++;
    must(i < MARKS_MAX);
    if (i == marking->head.marks)
        marking->marks[marking->head.marks++] = milli;
    return (uint16_t)i;
}

static struct worth mark(struct marking *marking, unsigned item, str value)
{
    const struct item_shape *shape = &marking->exam->items[item];
    const struct paper_keys *paper = marking->run->paper;
    struct score_rule rule = { shape->right, shape->wrong, paper->partial[item] };
    struct score score = score_item(&paper->keys[item], &rule, value);
    return (struct worth){ score.milli,
                           { .marks = number_of_marks(marking, score.milli),
                             .outcome = score.outcome & 3 } };
}

/* What each set of letters is worth, for each choice of the paper. */
static void mark_sets(struct marking *marking, unsigned item)
{
    for (uint32_t set = 0; set < SETS; set++) {
        struct cell cell = { .value = set };
        char letters[32];
        str value = book_value(marking->book, &cell, &marking->exam->items[item], letters);
        marking->by_set[item][set] = mark(marking, item, value);
        marking->by_set[item][set].item.value = (uint8_t)set;
    }
}

/* All that answers can be worth, so that the blob's head is known before its rows. */
static fail marks_of(struct marking *marking, struct why *why)
{
    const struct exam *exam = marking->exam;
    marking->by_set = arena_alloc(&marking->arena, exam->item_count * sizeof(*marking->by_set));
    marking->memo = arena_many(&marking->arena, struct memo, MEMO_SLOTS);
    marking->marks = arena_many(&marking->arena, int64_t, MARKS_MAX);
    if (!marking->by_set || !marking->memo || !marking->marks)
        return fail_set(why, FAIL_LIMIT, "no memory to score");
    number_of_marks(marking, 0);
    for (unsigned i = 0; i < exam->item_count; i++) {
        number_of_marks(marking, exam->items[i].right);
        number_of_marks(marking, exam->items[i].wrong);
        if (!item_is_typed(&exam->items[i]))
            mark_sets(marking, i);
    }
    return FAIL_NONE;
}

/* n of 8 bytes, zeros behind them. */
static uint64_t word(const char *p, size_t n)
{
    uint64_t w;
    memcpy(&w, p, sizeof(w));
    return n >= sizeof(w) ? w : w & ((UINT64_C(1) << 8 * n) - 1);
}

/* Of a text that fits one unit of the book. */
static struct worth worth_of_short(struct marking *marking, unsigned item, str value)
{
    uint64_t a = word(value.p, value.n), b = value.n > 8 ? word(value.p + 8, value.n - 8) : 0;
    uint64_t mix = (a ^ (b + item) * UINT64_C(0xff51afd7ed558ccd)) * UINT64_C(0x9e3779b97f4a7c15);
    struct memo *memo = &marking->memo[(mix >> 32) % MEMO_SLOTS];
    if (memo->item != item + 1 || memo->bytes != value.n || memo->text[0] != a ||
        memo->text[1] != b)
        *memo = (struct memo){ .text = { a, b },
                               .item = (uint16_t)(item + 1),
                               .bytes = (uint8_t)value.n,
                               .worth = mark(marking, item, value) };
    return memo->worth;
}

/* Every text has at least its own room in the book, and the blob has as much. */
static struct worth worth_of_text(struct marking *marking, unsigned item, const struct cell *cell)
{
    str value = book_value(marking->book, cell, &marking->exam->items[item], NULL);
    bool is_short = value.n <= sizeof(union unit);
    memcpy(marking->typed, value.p, is_short ? sizeof(union unit) : value.n);
    marking->typed += value.n;
    struct worth worth =
        is_short ? worth_of_short(marking, item, value) : mark(marking, item, value);
    worth.item.typed = true;
    worth.item.value = cell->typed_bytes;
    return worth;
}

static struct worth worth_of(struct marking *marking, unsigned item, const struct cell *cell)
{
    if (item_is_typed(&marking->exam->items[item]))
        return worth_of_text(marking, item, cell);
    must(cell->value < SETS);
    return marking->by_set[item][cell->value];
}

static struct scored_row *row_at(const struct marking *marking, size_t row)
{
    return (void *)(marking->blob + scored_rows_at(&marking->head) + row * marking->row_bytes);
}

static void mark_row(struct marking *marking, uint32_t candidate, struct scored_row *row)
{
    const struct exam *exam = marking->exam;
    const struct sheet *sheet = &marking->book->sheets[candidate];
    const union unit *units = &marking->book->units[sheet->units];
    struct scored_section *sections = (void *)(row + 1);
    struct scored_item *items = (void *)(sections + exam->section_count);
    int64_t total = 0;
    row->candidate = candidate;
    row->typed_at = (uint64_t)(marking->typed - marking->blob) - marking->head.typed_at;
    for (unsigned i = 0; i < exam->item_count; i++) {
        struct worth worth = worth_of(marking, i, &units[i].cell);
        struct scored_section *section = &sections[exam->items[i].section];
        items[i] = worth.item;
        section->milli += worth.milli;
        section->counts[worth.item.outcome]++;
        total += worth.milli;
    }
    row->total = total;
}

static void expect_sheet(const struct marking *marking, uint32_t candidate)
{
    const struct sheet *sheet = &marking->book->sheets[candidate];
    const char *units = (const char *)&marking->book->units[sheet->units];
    for (size_t at = 0; at < sheet->unit_count * sizeof(union unit); at += LINE_BYTES)
        line_expect(units + at);
}

/* A sheet of another exam may be made meanwhile: its exam is there before its units are. */
static bool sat(const struct marking *marking, uint32_t candidate)
{
    const struct sheet *sheet = &marking->book->sheets[candidate];
    return __atomic_load_n(&sheet->units, __ATOMIC_ACQUIRE) && sheet->exam == marking->run->exam;
}

/* --- ranking -----------------------------------------------------------------------------------
 * A key is how far a total is from the highest possible, and below that the row: the smallest is
 * best, and equal totals stay in the order of rows. Sorted digit by digit, the least one first. */

#define ROW_BITS   21
#define ROW_MASK   ((1u << ROW_BITS) - 1)
#define TOTAL_MAX  (INT64_C(1) << 41) /* 1,000 items of a million marks have 10^12 thousandths */
#define KEY_BITS   (ROW_BITS + 42)
#define DIGIT_BITS 11
#define DIGITS     (1u << DIGIT_BITS)
_Static_assert(CANDIDATES_MAX <= ROW_MASK, "a row's number fits its bits");

static uint64_t rank_key(int64_t total, uint32_t row)
{
    must(total < TOTAL_MAX && total > -TOTAL_MAX);
    return (uint64_t)(TOTAL_MAX - total) << ROW_BITS | row;
}

static void sort_by_digit(const uint64_t *from, uint64_t *to, size_t n, unsigned shift)
{
    uint32_t at[DIGITS + 1] = { 0 };
    for (size_t i = 0; i < n; i++)
        at[(from[i] >> shift) % DIGITS + 1]++;
    for (unsigned digit = 1; digit < DIGITS; digit++)
        at[digit] += at[digit - 1];
    for (size_t i = 0; i < n; i++)
        to[at[(from[i] >> shift) % DIGITS]++] = from[i];
}

static fail rank_rows(struct marking *marking, struct why *why)
{
    uint32_t n = marking->head.rows;
    uint64_t *keys = marking->keys, *other = arena_many(&marking->arena, uint64_t, n + 1);
    if (!other)
        return fail_set(why, FAIL_LIMIT, "no memory to rank");
    for (unsigned shift = ROW_BITS; shift < KEY_BITS; shift += DIGIT_BITS) {
        sort_by_digit(keys, other, n, shift);
        uint64_t *sorted = other;
        other = keys, keys = sorted;
    }
    for (uint32_t i = 0, rank = 1; i < n; i++) {
        rank = i && keys[i] >> ROW_BITS == keys[i - 1] >> ROW_BITS ? rank : i + 1;
        row_at(marking, keys[i] & ROW_MASK)->rank = rank;
    }
    return FAIL_NONE;
}

/* --- rows --------------------------------------------------------------------------------------
 */

static fail mark_rows(struct marking *marking, struct why *why)
{
    marking->keys = arena_many(&marking->arena, uint64_t, marking->head.rows + 1);
    if (!marking->keys)
        return fail_set(why, FAIL_LIMIT, "no memory to rank");
    for (uint32_t i = 0, row = 0; i < marking->run->candidate_count; i++) {
        if (i + FAR_AHEAD < marking->run->candidate_count)
            expect_sheet(marking, i + FAR_AHEAD);
        if (!sat(marking, i))
            continue;
        mark_row(marking, i, row_at(marking, row));
        marking->keys[row] = rank_key(row_at(marking, row)->total, row);
        row++;
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
                                  .sections = exam->section_count,
                                  .marks = head->marks };
    for (uint32_t i = 0; i < marking->run->candidate_count; i++)
        head->rows += sat(marking, i);
    marking->row_bytes = scored_row_bytes(head);
    head->typed_at = scored_rows_at(head) + head->rows * marking->row_bytes;
    for (unsigned i = 0; i < exam->item_count; i++)
        head->out_of += exam->items[i].right;
    /* Typed texts are never longer than their room in the book. */
    marking->blob_bytes = head->typed_at + marking->book->unit_count * sizeof(union unit);
    marking->blob = table_new_huge(marking->blob_bytes, 1);
    marking->typed = marking->blob + head->typed_at;
    memcpy(marking->blob, head, sizeof(*head));
    int64_t *out_of = (void *)(marking->blob + sizeof(*head));
    for (unsigned i = 0; i < exam->item_count; i++)
        out_of[exam->items[i].section] += exam->items[i].right;
    memcpy(out_of + head->sections, marking->marks, head->marks * sizeof(*marking->marks));
}

static fail write_blob(struct marking *marking, struct why *why)
{
    struct scoring_run *run = marking->run;
    run->rows = marking->head.rows;
    str blob = str_of(marking->blob, (size_t)(marking->typed - marking->blob));
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
        f = mark_rows(&marking, why);
    }
    if (!f)
        f = rank_rows(&marking, why);
    if (!f)
        f = write_blob(&marking, why);
    table_free(marking.blob, marking.blob_bytes, 1);
    arena_fini(&marking.arena);
    return f;
}
