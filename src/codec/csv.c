/* csv.c - see csv.h. */
#include "codec/csv.h"

static char guess_separator(str line)
{
    static const char separators[] = { ',', ';', '\t' };
    size_t counts[COUNT(separators)] = { 0 }, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < line.n; i++) {
        quoted ^= line.p[i] == '"';
        for (size_t k = 0; k < COUNT(separators) && !quoted; k++)
            counts[k] += line.p[i] == separators[k];
    }
    for (size_t k = 1; k < COUNT(separators); k++)
        if (counts[k] > counts[best])
            best = k;
    return separators[best];
}

void csv_init(struct csv *csv, str text)
{
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_from(text, 3);
    str rest = text;
    *csv = (struct csv){ .text = text, .rest = text, .line = 1 };
    csv->separator = guess_separator(str_cut(&rest, '\n'));
}

/* Moves to what is behind the line that `from` begins. */
static void next_line(struct csv *csv, str from)
{
    ptrdiff_t at = str_find(from, '\n');
    csv->rest = str_from(from, at < 0 ? from.n : (size_t)at + 1);
    csv->line++;
}

bool csv_more(struct csv *csv)
{
    for (;;) {
        str line = csv->rest;
        if (line.n == 0)
            return false;
        if (line.p[0] == '\n' || str_starts(line, STR("\r\n")))
            next_line(csv, line);
        else
            return true;
    }
}

static fail refuse(struct csv *csv, str row_start, struct why *why, const char *what)
{
    csv->line = csv->row_line;
    next_line(csv, row_start);
    return fail_set(why, FAIL_INPUT, "%s", what);
}

/* Copies the inside of a quoted field with each doubled quote made one. */
static fail unquote(str inside, str *field, struct arena *arena, struct why *why)
{
    char *p = arena_bytes(arena, inside.n);
    if (!p)
        return fail_set(why, FAIL_LIMIT, "The row is too long.");
    size_t n = 0;
    for (size_t i = 0; i < inside.n; i++) {
        p[n++] = inside.p[i];
        i += inside.p[i] == '"';
    }
    *field = (str){ p, n };
    return FAIL_NONE;
}

/* rest begins behind the opening quote; false when no quote closes the field. */
static bool quoted_end(str rest, size_t *end, bool *doubled)
{
    size_t i = 0;
    *doubled = false;
    for (;;) {
        const char *quote = i < rest.n ? memchr(rest.p + i, '"', rest.n - i) : NULL;
        if (!quote)
            return false;
        i = (size_t)(quote - rest.p);
        if (i + 1 >= rest.n || rest.p[i + 1] != '"')
            break;
        *doubled = true;
        i += 2;
    }
    *end = i;
    return true;
}

static unsigned count_lines(str s)
{
    unsigned n = 0;
    for (ptrdiff_t at; (at = str_find(s, '\n')) >= 0; n++)
        s = str_from(s, (size_t)at + 1);
    return n;
}

static fail read_quoted(struct csv *csv, str *field, struct arena *arena, struct why *why,
                        str row_start)
{
    str rest = str_from(csv->rest, 1);
    size_t end;
    bool doubled;
    if (!quoted_end(rest, &end, &doubled))
        return refuse(csv, row_start, why, "A quoted field never ends.");
    *field = str_first(rest, end);
    csv->rest = str_from(rest, end + 1);
    csv->line += count_lines(*field);
    return doubled ? unquote(*field, field, arena, why) : FAIL_NONE;
}

static bool ends_plain(const struct csv *csv, char c)
{
    return c == csv->separator || c == '\n' || c == '"';
}

static fail read_plain(struct csv *csv, str *field, struct why *why, str row_start)
{
    size_t n = 0;
    while (n < csv->rest.n && !ends_plain(csv, csv->rest.p[n]))
        n++;
    *field = str_first(csv->rest, n);
    csv->rest = str_from(csv->rest, n);
    if (csv->rest.n && csv->rest.p[0] == '"')
        return refuse(
            csv, row_start, why,
            "A field with a quote in it must itself be in quotes, with that quote doubled.");
    if (field->n && field->p[field->n - 1] == '\r' && (!csv->rest.n || csv->rest.p[0] == '\n'))
        field->n--;
    return FAIL_NONE;
}

/* Behind a field: is this the end of the row? */
static fail end_field(struct csv *csv, bool *last, struct why *why, str row_start)
{
    if (str_starts(csv->rest, STR("\r\n")))
        csv->rest = str_from(csv->rest, 1);
    *last = csv->rest.n == 0 || csv->rest.p[0] == '\n';
    if (!*last && csv->rest.p[0] != csv->separator)
        return refuse(csv, row_start, why, "Text follows the closing quote of a field.");
    csv->line += csv->rest.n && csv->rest.p[0] == '\n';
    csv->rest = str_from(csv->rest, 1);
    return FAIL_NONE;
}

fail csv_read(struct csv *csv, struct csv_row *row, struct arena *arena, struct why *why)
{
    str row_start = csv->rest;
    bool last = false;
    csv->row_line = csv->line;
    for (row->count = 0; !last; row->count++) {
        if (row->count == CSV_FIELDS_MAX)
            return refuse(csv, row_start, why, "The row has more than 64 fields.");
        str *field = &row->fields[row->count];
        bool quoted = csv->rest.n && csv->rest.p[0] == '"';
        fail f = quoted ? read_quoted(csv, field, arena, why, row_start)
                        : read_plain(csv, field, why, row_start);
        if (!f)
            f = end_field(csv, &last, why, row_start);
        if (f)
            return f;
    }
    return FAIL_NONE;
}
