/* csv.c - any bytes as a table, as a paper and as a roster. Reading ends, rows move forward, fields
 * lie in the text or in the arena, and what comes out is whole. */
#include "codec/csv.h"
#include "fuzz/items.h"
#include "svc/itembank/roster_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_rows(str bytes)
{
    struct arena arena = arena_make(4 * MIB);
    struct csv csv;
    struct csv_row row;
    struct why why;
    csv_init(&csv, bytes);
    while (csv_more(&csv)) {
        size_t left = csv.rest.n;
        unsigned line = csv.line;
        fail f = csv_read(&csv, &row, &arena, &why);
        must(csv.rest.n < left && csv.row_line == line && csv.line >= line);
        for (unsigned i = 0; i < row.count && !f; i++)
            must(row.fields[i].n <= bytes.n);
        must(f || (row.count >= 1 && row.count <= CSV_FIELDS_MAX));
        arena_reset(&arena);
    }
    arena_fini(&arena);
}

static bool check_candidate(void *ctx, const struct roster_row *row, unsigned line)
{
    struct why why;
    (void)ctx;
    must(line > 1 && roster_check(row, &why) == FAIL_NONE);
    must(str_is_utf8(row->name) && str_is_utf8(row->centre));
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct roster_sink sink = { check_candidate, check_refusal, NULL };
    struct roster_count count;
    struct why why;
    str bytes = str_of(data, size);
    check_rows(bytes);
    check_import(IMPORT_CSV, bytes);
    if (roster_import(bytes, &sink, &count, &why) == FAIL_NONE)
        must(count.read == count.taken + count.refused);
    return 0;
}
