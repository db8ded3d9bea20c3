/* import_csv.c - papers as a table; the columns are in import.h. */
#include "svc/itembank/importer.h"
#include "codec/csv.h"

enum column {
    COLUMN_ID,
    COLUMN_SECTION,
    COLUMN_KIND,
    COLUMN_PASSAGE,
    COLUMN_TEXT,
    COLUMN_KEY,
    COLUMN_RIGHT,
    COLUMN_WRONG,
    COLUMN_TOLERANCE,
    COLUMN_PARTIAL,
    COLUMN_OPTION_A,
    COLUMNS = COLUMN_OPTION_A + ITEM_OPTIONS_MAX
};

static const char *const columns[COLUMNS + 1] = {
    "id",       "section",   "kind",     "passage",  "text",     "key",      "right",
    "wrong",    "tolerance", "partial",  "option_a", "option_b", "option_c", "option_d",
    "option_e", "option_f",  "option_g", "option_h", NULL,
};

struct table {
    int place[COLUMNS]; /* of each column in a row, or -1 */
    unsigned count;     /* fields in the first row */
};

static int column_of(str name)
{
    for (int i = 0; i < COLUMNS; i++)
        if (str_eq_nocase(str_trim(name), str_z(columns[i])))
            return i;
    return -1;
}

static fail read_names(struct table *table, struct csv *csv, struct arena *arena, struct why *why)
{
    struct csv_row row;
    for (int i = 0; i < COLUMNS; i++)
        table->place[i] = -1;
    if (!csv_more(csv))
        return fail_set(why, FAIL_INPUT, "The file is empty.");
    fail f = csv_read(csv, &row, arena, why);
    if (f)
        return f;
    for (unsigned i = 0; i < row.count; i++) {
        int column = column_of(row.fields[i]);
        const char *near = column < 0 ? str_nearest(str_trim(row.fields[i]), columns) : NULL;
        if (column < 0)
            return fail_set(why, FAIL_INPUT,
                            "Line %u must name the columns, and \"%.*s\" is no column%s%s%s",
                            csv->row_line, STR_ARG(str_first(row.fields[i], 40)),
                            near ? "; did you mean \"" : ": text and key are needed, see --help.",
                            near ? near : "", near ? "\"?" : "");
        if (table->place[column] >= 0)
            return fail_set(why, FAIL_INPUT, "The column %s is there twice.", columns[column]);
        table->place[column] = (int)i;
    }
    table->count = row.count;
    if (table->place[COLUMN_TEXT] < 0 || table->place[COLUMN_KEY] < 0)
        return fail_set(why, FAIL_INPUT, "Line %u must name the columns, text and key among them.",
                        csv->row_line);
    return FAIL_NONE;
}

static str field(const struct table *table, const struct csv_row *row, int column)
{
    int place = table->place[column];
    return place < 0 ? STR_NONE : str_trim(row->fields[place]);
}

/* Line ends within a field are paragraphs, whichever system wrote them. */
static str unix_lines(str s, struct arena *arena)
{
    if (str_find(s, '\r') < 0)
        return s;
    char *p = arena_bytes(arena, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n && p; i++)
        if (s.p[i] != '\r' || i + 1 == s.n || s.p[i + 1] != '\n')
            p[n++] = s.p[i];
    return (str){ p, n };
}

static fail read_marks(struct item *item, const struct table *table, const struct csv_row *row,
                       struct why *why)
{
    str right = field(table, row, COLUMN_RIGHT), wrong = field(table, row, COLUMN_WRONG);
    str partial = field(table, row, COLUMN_PARTIAL);
    item->has_right = right.n > 0;
    item->has_wrong = wrong.n > 0;
    if ((right.n && !milli_parse(right, &item->right)) ||
        (wrong.n && !milli_parse(wrong, &item->wrong)))
        return fail_set(why, FAIL_INPUT,
                        "The marks must be decimal numbers with at most three digits after the "
                        "point.");
    if (partial.n && !item_partial_of(partial, &item->partial))
        return fail_set(why, FAIL_INPUT, "The column partial must be none or subset.");
    return FAIL_NONE;
}

static fail read_options(struct item *item, const struct table *table, const struct csv_row *row,
                         struct arena *arena, struct why *why)
{
    for (int i = 0; i < ITEM_OPTIONS_MAX; i++) {
        str option = field(table, row, COLUMN_OPTION_A + i);
        if (option.n == 0)
            continue;
        if (item->option_count != (unsigned)i)
            return fail_set(why, FAIL_INPUT, "Option %c is empty, but %c is not.",
                            'A' + (int)item->option_count, 'A' + i);
        item->options[item->option_count++] = unix_lines(option, arena);
    }
    return FAIL_NONE;
}

static fail read_item(struct importer *importer, struct item *item, const struct table *table,
                      const struct csv_row *row, struct why *why)
{
    *item = item_make(SCORE_SINGLE);
    if (row->count != table->count)
        return fail_set(why, FAIL_INPUT, "The row has %u fields, the first row has %u.", row->count,
                        table->count);
    str kind = field(table, row, COLUMN_KIND);
    if (kind.n && !item_kind_of(kind, &item->kind))
        return fail_set(why, FAIL_INPUT, "The kind must be single, several, number or text.");
    item->id = field(table, row, COLUMN_ID);
    item->section = field(table, row, COLUMN_SECTION);
    item->text = unix_lines(field(table, row, COLUMN_TEXT), &importer->arena);
    item->passage = unix_lines(field(table, row, COLUMN_PASSAGE), &importer->arena);
    if (item->passage.n == 0)
        item->passage = STR_NONE;
    fail f = read_options(item, table, row, &importer->arena, why);
    if (!f)
        f = read_marks(item, table, row, why);
    if (!f)
        f = importer_key_text(importer, item, kind.n > 0, field(table, row, COLUMN_KEY),
                              field(table, row, COLUMN_TOLERANCE), why);
    return f;
}

fail import_csv(struct importer *importer, str bytes, struct why *why)
{
    struct csv csv;
    struct csv_row row;
    struct table table = { 0 };
    struct item item;
    csv_init(&csv, bytes);
    fail f = read_names(&table, &csv, &importer->arena, why);
    if (f)
        return f;
    while (csv_more(&csv) && !importer->stopped) {
        struct why reason;
        f = csv_read(&csv, &row, &importer->arena, &reason);
        if (!f)
            f = read_item(importer, &item, &table, &row, &reason);
        if (f)
            importer_refuse(importer, csv.row_line, reason.text);
        else
            importer_offer(importer, &item, csv.row_line);
    }
    return FAIL_NONE;
}
