/* credentials.c - see credentials.h. */
#include "rehearsal/credentials.h"

#include "codec/csv.h"

static bool column_find(const struct csv_row *row, const char *name, unsigned *column)
{
    for (*column = 0; *column < row->count; ++*column)
        if (str_eq(str_trim(row->fields[*column]), str_z(name)))
            return true;
    return false;
}

fail credentials_read(struct credential **to, uint32_t count, str text, struct arena *arena,
                      struct why *why)
{
    struct csv csv;
    struct csv_row row = { 0 };
    unsigned roll, code;
    uint32_t n = 0;
    csv_init(&csv, text);
    fail f = csv_more(&csv) ? csv_read(&csv, &row, arena, why) : FAIL_NONE;
    if (f || !column_find(&row, "roll", &roll) || !column_find(&row, "code", &code))
        return fail_set(why, FAIL_INPUT,
                        "the file of codes needs a first line with the columns roll and code, as "
                        "roster export --codes writes it");
    *to = arena_many(arena, struct credential, count);
    if (!*to)
        return fail_set(why, FAIL_LIMIT, "%u codes do not fit into memory", count);
    while (n < count && csv_more(&csv)) {
        f = csv_read(&csv, &row, arena, why);
        if (f)
            return why_add(why, f, "line %u of the codes", csv.row_line);
        if (row.count > roll && row.count > code)
            (*to)[n++] = (struct credential){ row.fields[roll], row.fields[code] };
    }
    if (n < count)
        return fail_set(why, FAIL_USAGE,
                        "%u virtual candidates were asked for, but there are codes for %u only",
                        count, n);
    return FAIL_NONE;
}
