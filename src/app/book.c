/* book.c - see book.h. */
#include "app/book.h"
#include "base/table.h"
#include "codec/wire.h"

#define CELLS_MAX   (1u << 30) /* addresses until used, as all limits here */
#define UNITS_MAX   (1u << 29)
#define CHUNK_BYTES MIB /* of a checkpoint: large enough for SQLite to be a copy, no more */

void book_init(struct book *book, const struct directory *directory)
{
    *book = (struct book){ .directory = directory, .cell_count = 1, .unit_count = 1 };
    book->sheets = table_new_huge(CANDIDATES_MAX, sizeof(*book->sheets));
    book->cells = table_new_huge(CELLS_MAX, sizeof(*book->cells));
    book->texts = table_new_huge(UNITS_MAX, sizeof(*book->texts));
}

void book_fini(struct book *book)
{
    table_free(book->sheets, CANDIDATES_MAX, sizeof(*book->sheets));
    table_free(book->cells, CELLS_MAX, sizeof(*book->cells));
    table_free(book->texts, UNITS_MAX, sizeof(*book->texts));
    *book = (struct book){ 0 };
}

/* --- the fold ----------------------------------------------------------------------------------
 */

static struct sheet *sheet_of(struct book *book, uint32_t candidate)
{
    must(candidate < book->directory->candidate_count);
    struct sheet *sheet = &book->sheets[candidate];
    if (LIKELY(sheet->cells))
        return sheet;
    sheet->exam = book->directory->candidates[candidate].exam;
    sheet->item_count = (uint16_t)book->directory->exams[sheet->exam].item_count;
    must(sheet->item_count < CELLS_MAX - book->cell_count);
    sheet->cells = book->cell_count;
    book->cell_count += sheet->item_count;
    return sheet;
}

/* A text that outgrows its room moves to twice the room, at most 13 units. What it leaves is not
 * used again: at most as much as it then has. */
static void give_room(struct book *book, struct cell *cell, size_t bytes)
{
    unsigned units = MAX(cell->units, 1u);
    while (units * BOOK_UNIT_BYTES < bytes)
        units = MIN(units * 2, (ANSWER_BYTES_MAX + BOOK_UNIT_BYTES - 1) / BOOK_UNIT_BYTES);
    if (units == cell->units)
        return;
    must(units < UNITS_MAX - book->unit_count);
    cell->units = (uint8_t)(units & 127);
    cell->value = book->unit_count;
    book->unit_count += units;
}

static void set_value(struct book *book, struct cell *cell, const struct item_shape *shape,
                      const char *p, size_t n)
{
    if (shape->kind == ITEM_SINGLE || shape->kind == ITEM_SEVERAL) {
        cell->value = 0;
        for (size_t i = 0; i < n; i++)
            cell->value |= 1u << (p[i] - 'A');
        return;
    }
    if (n) {
        give_room(book, cell, n);
        memcpy(book->texts[cell->value].bytes, p, n);
    }
    cell->typed_bytes = (uint8_t)n;
}

static void apply_saved(struct book *book, const struct record *r)
{
    struct wire_in in = wire_in_make(r->body);
    unsigned item = wire_get_u16(&in);
    bool marked = wire_get_u8(&in) & 1;
    uint32_t epoch = wire_get_u32(&in), seq = wire_get_u32(&in);
    struct sheet *sheet = sheet_of(book, r->key);
    must(!in.failed && item >= 1 && item <= sheet->item_count && in.left <= ANSWER_BYTES_MAX);
    struct cell *cell = &book->cells[sheet->cells + item - 1];
    book->saves++;
    sheet->saves++;
    if (cell_order(cell, epoch, seq) != ORDER_NEWER)
        return; /* kept in the log as evidence; the newest wins */
    cell->seq = seq;
    cell->epoch = (uint16_t)epoch;
    cell->at_ms = (uint32_t)(r->at - sheet->started_at);
    cell->marked = marked;
    set_value(book, cell, &book->directory->exams[sheet->exam].items[item - 1], in.p, in.left);
    sheet->seq = MAX(sheet->seq, seq);
    sheet->last_item = (uint16_t)item;
}

void book_apply(struct book *book, const struct record *record)
{
    if (record->topic == TOPIC_ANSWERS && record->type == ANSWER_SAVED)
        apply_saved(book, record);
    else if (record->topic == TOPIC_ATTEMPTS && record->type == ATTEMPT_STARTED)
        sheet_of(book, record->key)->started_at = record->at;
}

/* Two rounds: the cell's place is in the sheet. Nothing here is trusted, only looked at. */
void book_expect(const struct book *book, const struct record *records, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (records[i].topic == TOPIC_ANSWERS && records[i].key < CANDIDATES_MAX)
            __builtin_prefetch(&book->sheets[records[i].key], 1);
    for (size_t i = 0; i < n; i++) {
        uint16_t item;
        if (records[i].topic != TOPIC_ANSWERS || records[i].key >= CANDIDATES_MAX ||
            records[i].body.n < sizeof(item))
            continue;
        memcpy(&item, records[i].body.p, sizeof(item));
        __builtin_prefetch(&book->cells[book->sheets[records[i].key].cells + item - 1], 1);
    }
}

/* --- reading -----------------------------------------------------------------------------------
 */

const struct cell *book_cell(const struct book *book, uint32_t candidate, unsigned item)
{
    static const struct cell none;
    const struct sheet *sheet = &book->sheets[candidate];
    return sheet->cells && item < sheet->item_count ? &book->cells[sheet->cells + item] : &none;
}

str book_value(const struct book *book, const struct cell *cell, const struct item_shape *shape,
               char letters[32])
{
    unsigned n = 0;
    if (shape->kind != ITEM_SINGLE && shape->kind != ITEM_SEVERAL)
        return cell->typed_bytes ? str_of(book->texts[cell->value].bytes, cell->typed_bytes)
                                 : STR("");
    for (uint32_t bits = cell->value; bits; bits &= bits - 1)
        letters[n++] = (char)('A' + __builtin_ctz(bits));
    return str_of(letters, n);
}

enum order cell_order(const struct cell *cell, uint32_t epoch, uint32_t seq)
{
    if (cell->seq == 0 || epoch > cell->epoch)
        return ORDER_NEWER;
    if (epoch < cell->epoch)
        return ORDER_OLDER;
    return seq > cell->seq ? ORDER_NEWER : seq == cell->seq ? ORDER_SAME : ORDER_OLDER;
}

/* --- checkpoints -------------------------------------------------------------------------------
 * The three tables as they are, in chunks; the store has a checksum for each. */

struct counts {
    uint64_t saves;
    uint32_t sheets, cells, units;
};

struct table {
    const char *name;
    void *bytes;
    size_t n;
};

static void tables_of(const struct book *book, const struct counts *counts, struct table tables[3])
{
    tables[0] = (struct table){ "sheets", book->sheets, counts->sheets * sizeof(*book->sheets) };
    tables[1] = (struct table){ "cells", book->cells, counts->cells * sizeof(*book->cells) };
    tables[2] = (struct table){ "texts", book->texts, counts->units * sizeof(*book->texts) };
}

fail book_save(const struct book *book, struct store *store, struct why *why)
{
    struct counts counts = { book->saves, book->directory->candidate_count, book->cell_count,
                             book->unit_count };
    struct table tables[3];
    char bytes[32];
    struct wire_out out = wire_out_make(bytes, sizeof(bytes));
    wire_put_u64(&out, counts.saves);
    wire_put_u32(&out, counts.sheets);
    wire_put_u32(&out, counts.cells);
    wire_put_u32(&out, counts.units);
    fail f = store_put(store, STR("book"), 0, str_of(bytes, out.n), why);
    tables_of(book, &counts, tables);
    for (struct table *t = tables; t < tables + COUNT(tables); t++)
        for (size_t at = 0; at < t->n && !f; at += CHUNK_BYTES)
            f = store_put(store, str_z(t->name), at,
                          str_of((char *)t->bytes + at, MIN(CHUNK_BYTES, t->n - at)), why);
    return f;
}

static fail load_counts(void *ctx, uint64_t key, str body, struct why *why)
{
    struct wire_in in = wire_in_make(body);
    struct counts *counts = ctx;
    counts->saves = wire_get_u64(&in);
    counts->sheets = wire_get_u32(&in);
    counts->cells = wire_get_u32(&in);
    counts->units = wire_get_u32(&in);
    bool good = !key && !in.failed && !in.left && counts->cells >= 1 && counts->cells < CELLS_MAX &&
                counts->units >= 1 && counts->units < UNITS_MAX;
    return good ? FAIL_NONE : fail_set(why, FAIL_CORRUPT, "the size of the answers is damaged");
}

struct loading {
    struct table table;
    size_t done;
};

static fail load_chunk(void *ctx, uint64_t key, str body, struct why *why)
{
    struct loading *loading = ctx;
    if (key != loading->done || body.n > loading->table.n - loading->done)
        return fail_set(why, FAIL_CORRUPT, "the table \"%s\" has a hole", loading->table.name);
    memcpy((char *)loading->table.bytes + loading->done, body.p, body.n);
    loading->done += body.n;
    return FAIL_NONE;
}

static bool sheet_fits(const struct book *book, const struct sheet *sheet)
{
    const struct directory *d = book->directory;
    return !sheet->cells ||
           (sheet->exam < d->exam_count && sheet->item_count == d->exams[sheet->exam].item_count &&
            (uint64_t)sheet->cells + sheet->item_count <= book->cell_count);
}

fail book_load(struct book *book, struct store *store, struct why *why)
{
    struct counts counts = { 0 };
    struct table tables[3];
    fail f = store_each(store, STR("book"), load_counts, &counts, why);
    if (!f && (!counts.cells || counts.sheets != book->directory->candidate_count))
        f = fail_set(why, FAIL_CORRUPT, "the answers do not fit the roster");
    if (f)
        return f;
    tables_of(book, &counts, tables);
    for (size_t i = 0; i < COUNT(tables) && !f; i++) {
        struct loading loading = { tables[i], 0 };
        f = store_each(store, str_z(tables[i].name), load_chunk, &loading, why);
        if (!f && loading.done != tables[i].n)
            f = fail_set(why, FAIL_CORRUPT, "the table \"%s\" is too short", tables[i].name);
    }
    book->saves = counts.saves;
    book->cell_count = counts.cells;
    book->unit_count = counts.units;
    for (uint32_t i = 0; i < counts.sheets && !f; i++)
        if (!sheet_fits(book, &book->sheets[i]))
            f = fail_set(why, FAIL_CORRUPT, "sheet %u does not fit its paper", i);
    return f;
}
