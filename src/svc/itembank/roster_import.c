/* roster_import.c - see roster_import.h. */
#include "svc/itembank/roster_import.h"
#include "base/arena.h"
#include "codec/csv.h"

enum column {
    COLUMN_ROLL,
    COLUMN_NAME,
    COLUMN_BIRTH,
    COLUMN_CENTRE,
    COLUMN_EXAM,
    COLUMN_SHIFT,
    COLUMN_EXTRA,
    COLUMNS
};

static const struct {
    const char *name;
    enum column column;
} names[] = {
    { "roll", COLUMN_ROLL },     { "roll_number", COLUMN_ROLL },    { "name", COLUMN_NAME },
    { "birth", COLUMN_BIRTH },   { "date_of_birth", COLUMN_BIRTH }, { "dob", COLUMN_BIRTH },
    { "centre", COLUMN_CENTRE }, { "center", COLUMN_CENTRE },       { "exam", COLUMN_EXAM },
    { "shift", COLUMN_SHIFT },   { "extra_minutes", COLUMN_EXTRA }, { "extra_time", COLUMN_EXTRA },
};

struct seen {
    const char *roll; /* within the file; NULL: this slot is free */
    uint32_t bytes, line;
};

struct roster {
    int place[COLUMNS];
    unsigned columns;
    struct seen *seen; /* open addressing, at most half full */
    size_t seen_mask;
};

/* --- one row -----------------------------------------------------------------------------------
 */

static bool is_roll(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              c == '-'))
            return false;
    }
    return s.n >= 1 && s.n <= ROSTER_ROLL_BYTES_MAX;
}

/* UTF-8 without control characters, at most so many characters. */
static bool is_words(str s, size_t chars_max)
{
    size_t chars = 0;
    bool ascii = true;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x20 || c == 0x7f || (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0))
            return false;
        ascii &= c < 0x80;
        chars += (c & 0xc0) != 0x80;
    }
    return chars <= chars_max && (ascii || str_is_utf8(s));
}

static bool digits(str s, unsigned *v)
{
    *v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        *v = *v * 10 + (unsigned)(s.p[i] - '0');
    }
    return s.n > 0 && s.n <= 4;
}

static bool is_date(unsigned year, unsigned month, unsigned day)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return year >= 1900 && year < 2100 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (unsigned)(leap && month == 2);
}

static bool is_iso_date(str s)
{
    unsigned year, month, day;
    return s.n == 10 && s.p[4] == '-' && s.p[7] == '-' && digits(str_first(s, 4), &year) &&
           digits((str){ s.p + 5, 2 }, &month) && digits((str){ s.p + 8, 2 }, &day) &&
           is_date(year, month, day);
}

/* DD/MM/YYYY into ten bytes at `iso`. */
static bool turn_date(str s, char *iso)
{
    if (s.n != 10 || s.p[2] != '/' || s.p[5] != '/')
        return false;
    memcpy(iso, s.p + 6, 4);
    memcpy(iso + 5, s.p + 3, 2);
    memcpy(iso + 8, s.p, 2);
    iso[4] = iso[7] = '-';
    return is_iso_date((str){ iso, 10 });
}

fail roster_check(const struct roster_row *row, struct why *why)
{
    if (!is_roll(row->roll))
        return fail_set(why, FAIL_INPUT,
                        "The roll number \"%.*s\" must be 1 to %d letters, digits or hyphens.",
                        STR_ARG(str_first(row->roll, 40)), ROSTER_ROLL_BYTES_MAX);
    if (row->name.n == 0 || !is_words(row->name, ROSTER_NAME_CHARS_MAX))
        return fail_set(why, FAIL_INPUT, "The name must be 1 to %d characters of UTF-8.",
                        ROSTER_NAME_CHARS_MAX);
    if (row->birth.n && !is_iso_date(row->birth))
        return fail_set(why, FAIL_INPUT,
                        "The date of birth \"%.*s\" is no date such as 2009-07-31.",
                        STR_ARG(str_first(row->birth, 40)));
    if (!is_words(row->centre, ROSTER_WORD_CHARS_MAX) ||
        !is_words(row->exam, ROSTER_WORD_CHARS_MAX) || !is_words(row->shift, ROSTER_WORD_CHARS_MAX))
        return fail_set(why, FAIL_INPUT,
                        "Centre, exam and shift must each be at most %d characters of UTF-8.",
                        ROSTER_WORD_CHARS_MAX);
    if (row->extra_minutes > ROSTER_EXTRA_MINUTES_MAX)
        return fail_set(why, FAIL_INPUT, "The extra time must be 0 to %d minutes.",
                        ROSTER_EXTRA_MINUTES_MAX);
    return FAIL_NONE;
}

/* --- the file ----------------------------------------------------------------------------------
 */

static int column_of(str name)
{
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_eq_nocase(str_trim(name), str_z(names[i].name)))
            return (int)names[i].column;
    return -1;
}

static fail read_names(struct roster *roster, struct csv *csv, struct arena *arena, struct why *why)
{
    struct csv_row row;
    for (int i = 0; i < COLUMNS; i++)
        roster->place[i] = -1;
    if (!csv_more(csv))
        return fail_set(why, FAIL_INPUT, "The file is empty.");
    fail f = csv_read(csv, &row, arena, why);
    if (f)
        return f;
    for (unsigned i = 0; i < row.count; i++) {
        int column = column_of(row.fields[i]);
        if (column < 0 || roster->place[column] >= 0)
            return fail_set(why, FAIL_INPUT,
                            "Line %u must name the columns, and \"%.*s\" is %s: roll, name, birth, "
                            "centre, exam, shift, extra_minutes.",
                            csv->row_line, STR_ARG(str_first(row.fields[i], 40)),
                            column < 0 ? "none of these" : "there twice");
        roster->place[column] = (int)i;
    }
    roster->columns = row.count;
    if (roster->place[COLUMN_ROLL] < 0 || roster->place[COLUMN_NAME] < 0)
        return fail_set(why, FAIL_INPUT, "Line %u must name the columns, roll and name among them.",
                        csv->row_line);
    return FAIL_NONE;
}

static str field(const struct roster *roster, const struct csv_row *row, enum column column)
{
    int place = roster->place[column];
    return place < 0 ? STR("") : str_trim(row->fields[place]);
}

static fail read_row(const struct roster *roster, const struct csv_row *fields,
                     struct roster_row *row, char *iso, struct why *why)
{
    if (fields->count != roster->columns)
        return fail_set(why, FAIL_INPUT, "The row has %u fields, the first row has %u.",
                        fields->count, roster->columns);
    *row = (struct roster_row){
        .roll = field(roster, fields, COLUMN_ROLL),
        .name = field(roster, fields, COLUMN_NAME),
        .birth = field(roster, fields, COLUMN_BIRTH),
        .centre = field(roster, fields, COLUMN_CENTRE),
        .exam = field(roster, fields, COLUMN_EXAM),
        .shift = field(roster, fields, COLUMN_SHIFT),
    };
    str extra = field(roster, fields, COLUMN_EXTRA);
    if (extra.n && !digits(extra, &row->extra_minutes))
        return fail_set(why, FAIL_INPUT, "The extra time \"%.*s\" must be 0 to %d minutes.",
                        STR_ARG(str_first(extra, 40)), ROSTER_EXTRA_MINUTES_MAX);
    if (roster->place[COLUMN_BIRTH] >= 0 && row->birth.n == 0)
        return fail_set(why, FAIL_INPUT, "The date of birth is missing.");
    if (turn_date(row->birth, iso))
        row->birth = (str){ iso, 10 };
    return roster_check(row, why);
}

/* Remembers the roll number, which lies in the file itself: no row with an escaped one gets here.
 */
static fail check_new(struct roster *roster, str roll, unsigned line, struct why *why)
{
    for (size_t at = str_hash(roll);; at++) {
        struct seen *slot = &roster->seen[at & roster->seen_mask];
        if (!slot->roll) {
            *slot = (struct seen){ roll.p, (uint32_t)roll.n, line };
            return FAIL_NONE;
        }
        if (str_eq(roll, (str){ slot->roll, slot->bytes }))
            return fail_set(why, FAIL_INPUT, "The roll number %.*s is on line %u already.",
                            STR_ARG(roll), slot->line);
    }
}

static fail make_seen(struct roster *roster, str bytes, struct arena *arena, struct why *why)
{
    size_t rows = 1, slots = 16;
    for (ptrdiff_t at; (at = str_find(bytes, '\n')) >= 0; rows++)
        bytes = str_from(bytes, (size_t)at + 1);
    if (rows > ROSTER_ROWS_MAX)
        return fail_set(why, FAIL_LIMIT, "The file has %zu lines; at most %d are allowed.", rows,
                        ROSTER_ROWS_MAX);
    while (slots < rows * 2)
        slots *= 2;
    roster->seen = arena_many(arena, struct seen, slots);
    roster->seen_mask = slots - 1;
    return roster->seen ? FAIL_NONE : fail_set(why, FAIL_LIMIT, "The file is too large.");
}

static void read_rows(struct roster *roster, struct csv *csv, struct arena *arena,
                      const struct roster_sink *sink, struct roster_count *count)
{
    bool more = true;
    while (more && csv_more(csv)) {
        struct csv_row fields;
        struct roster_row row;
        struct why why;
        char iso[10];
        fail f = csv_read(csv, &fields, arena, &why);
        if (!f)
            f = read_row(roster, &fields, &row, iso, &why);
        if (!f)
            f = check_new(roster, row.roll, csv->row_line, &why);
        count->read++;
        if (f) {
            count->refused++;
            sink->refuse(sink->ctx, csv->row_line, why.text);
        } else {
            count->taken++;
            more = sink->take(sink->ctx, &row, csv->row_line);
        }
        arena_reset(arena);
    }
}

fail roster_import(str bytes, const struct roster_sink *sink, struct roster_count *count,
                   struct why *why)
{
    struct arena table = arena_make(128 * MIB), arena = arena_make(MIB);
    struct roster roster = { 0 };
    struct csv csv;
    *count = (struct roster_count){ 0 };
    if (str_starts(bytes, STR("\xff\xfe")) || str_starts(bytes, STR("\xfe\xff")))
        return fail_set(why, FAIL_INPUT, "The file is UTF-16; save it as UTF-8 and try again.");
    csv_init(&csv, bytes);
    fail f = read_names(&roster, &csv, &arena, why);
    if (!f)
        f = make_seen(&roster, csv.rest, &table, why);
    if (!f)
        read_rows(&roster, &csv, &arena, sink, count);
    arena_fini(&arena);
    arena_fini(&table);
    return f;
}
