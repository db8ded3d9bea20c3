/* book.c - see book.h. */
#include "app/book.h"
#include "base/table.h"
#include "codec/wire.h"

#define UNITS_MAX   (1u << 30) /* addresses until used, as all limits here */
#define ROOM_MAX    ((ANSWER_BYTES_MAX + sizeof(union unit) - 1) / sizeof(union unit))
#define CHUNK_BYTES MIB /* of a checkpoint: large enough for SQLite to be a copy, no more */

void book_init(struct book *book, const struct directory *directory)
{
    *book = (struct book){ .directory = directory, .unit_count = 1 };
    book->sheets = table_new_huge(CANDIDATES_MAX, sizeof(*book->sheets));
    book->units = table_new_huge(UNITS_MAX, sizeof(*book->units));
}

void book_fini(struct book *book)
{
    table_free(book->sheets, CANDIDATES_MAX, sizeof(*book->sheets));
    table_free(book->units, UNITS_MAX, sizeof(*book->units));
    *book = (struct book){ 0 };
}

/* --- the fold ----------------------------------------------------------------------------------
 */

static struct cell *cell_of(const struct book *book, const struct sheet *sheet, unsigned item)
{
    return &book->units[sheet->units + item].cell;
}

static uint32_t take_units(struct book *book, unsigned n)
{
    uint32_t first = book->unit_count;
    must(n < UNITS_MAX - first);
    book->unit_count += n;
    return first;
}

static struct sheet *sheet_of(struct book *book, uint32_t candidate)
{
    must(candidate < book->directory->candidate_count);
    struct sheet *sheet = &book->sheets[candidate];
    if (LIKELY(sheet->units))
        return sheet;
    sheet->exam = book->directory->candidates[candidate].exam;
    const struct exam *exam = &book->directory->exams[sheet->exam];
    sheet->item_count = (uint16_t)exam->item_count;
    uint32_t units = take_units(book, exam->item_count);
    __atomic_store_n(&sheet->units, units, __ATOMIC_RELEASE); /* scoring's worker looks, too */
    for (unsigned i = 0; i < exam->item_count; i++)
        if (item_is_typed(&exam->items[i]))
            *cell_of(book, sheet, i) = (struct cell){ .value = take_units(book, 1), .room = 1 };
    sheet->unit_count = (uint16_t)(book->unit_count - sheet->units);
    return sheet;
}

/* A text that outgrows its room moves to twice the room, at most 13 units. What it leaves is not
 * used again: at most as much as it then has. */
static void give_room(struct book *book, struct cell *cell, size_t bytes)
{
    unsigned room = cell->room;
    while (room * sizeof(union unit) < bytes)
        room = MIN(room * 2, (unsigned)ROOM_MAX);
    if (room == cell->room)
        return;
    cell->room = (uint8_t)(room & 127);
    cell->value = take_units(book, room);
}

static void set_value(struct book *book, struct cell *cell, const struct item_shape *shape,
                      const char *p, size_t n)
{
    if (item_is_typed(shape)) {
        give_room(book, cell, n);
        memcpy(&book->units[cell->value], p, n);
        cell->typed_bytes = (uint8_t)n;
        return;
    }
    cell->value = 0;
    for (size_t i = 0; i < n; i++)
        cell->value |= 1u << (p[i] - 'A');
}

static void apply_saved(struct book *book, const struct record *r)
{
    struct wire_in in = wire_in_make(r->body);
    unsigned item = wire_get_u16(&in);
    bool marked = wire_get_u8(&in) & 1;
    uint32_t epoch = wire_get_u32(&in), seq = wire_get_u32(&in);
    struct sheet *sheet = sheet_of(book, r->key);
    must(!in.failed && item >= 1 && item <= sheet->item_count && in.left <= ANSWER_BYTES_MAX);
    struct cell *cell = cell_of(book, sheet, item - 1);
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

void book_expect_sheet(const struct book *book, uint32_t candidate)
{
    line_expect(&book->sheets[candidate]);
}

void book_expect_cell(const struct book *book, uint32_t candidate, unsigned item)
{
    const struct sheet *sheet = &book->sheets[candidate];
    if (item < sheet->item_count)
        line_expect(&book->units[sheet->units + item]);
}

/* Nothing here is trusted, only looked at. */
void book_expect(const struct book *book, const struct record *records, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (records[i].topic == TOPIC_ANSWERS && records[i].key < CANDIDATES_MAX)
            book_expect_sheet(book, records[i].key);
    for (size_t i = 0; i < n; i++) {
        uint16_t item;
        if (records[i].topic != TOPIC_ANSWERS || records[i].key >= CANDIDATES_MAX ||
            records[i].body.n < sizeof(item))
            continue;
        memcpy(&item, records[i].body.p, sizeof(item));
        book_expect_cell(book, records[i].key, item - 1u);
    }
}

/* --- reading -----------------------------------------------------------------------------------
 */

const struct cell *book_cell(const struct book *book, uint32_t candidate, unsigned item)
{
    static const struct cell none;
    const struct sheet *sheet = &book->sheets[candidate];
    return sheet->units && item < sheet->item_count ? cell_of(book, sheet, item) : &none;
}

str book_value(const struct book *book, const struct cell *cell, const struct item_shape *shape,
               char letters[32])
{
    unsigned n = 0;
    if (item_is_typed(shape))
        return str_of((const char *)&book->units[cell->value], cell->typed_bytes);
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
 * Both tables as they are, in chunks; the store has a checksum for each. */

struct counts {
    uint64_t saves;
    uint32_t sheets, units;
};

struct table {
    const char *name;
    void *bytes;
    size_t n;
};

static void tables_of(const struct book *book, const struct counts *counts, struct table tables[2])
{
    tables[0] = (struct table){ "sheets", book->sheets, counts->sheets * sizeof(*book->sheets) };
    tables[1] = (struct table){ "units", book->units, counts->units * sizeof(*book->units) };
}

fail book_save(const struct book *book, struct store *store, struct why *why)
{
    struct counts counts = { book->saves, book->directory->candidate_count, book->unit_count };
    struct table tables[2];
    char bytes[32];
    struct wire_out out = wire_out_make(bytes, sizeof(bytes));
    wire_put_u64(&out, counts.saves);
    wire_put_u32(&out, counts.sheets);
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
    counts->units = wire_get_u32(&in);
    bool good = !key && !in.failed && !in.left && counts->units >= 1 && counts->units < UNITS_MAX;
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
    return !sheet->units ||
           (sheet->exam < d->exam_count && sheet->item_count == d->exams[sheet->exam].item_count &&
            sheet->item_count <= sheet->unit_count &&
            (uint64_t)sheet->units + sheet->unit_count <= book->unit_count);
}

fail book_load(struct book *book, struct store *store, struct why *why)
{
    struct counts counts = { 0 };
    struct table tables[2];
    fail f = store_each(store, STR("book"), load_counts, &counts, why);
    if (!f && (!counts.units || counts.sheets != book->directory->candidate_count))
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
    book->unit_count = counts.units;
    for (uint32_t i = 0; i < counts.sheets && !f; i++)
        if (!sheet_fits(book, &book->sheets[i]))
            f = fail_set(why, FAIL_CORRUPT, "sheet %u does not fit its paper", i);
    return f;
}
