/* csv.h - reads comma-separated rows (RFC 4180) from strangers' files, one at a time.
 *
 * Taken too: a byte order mark, rows ending in LF or CRLF, and semicolons or tabs as separators
 * when the first row has more of them than of commas (spreadsheets in half of the world write
 * those). A row that is broken is refused with its line, and reading goes on behind that line: one
 * stray quote costs one row, not the rest of the file. Empty lines are skipped. */
#pragma once

#include "base/arena.h"
#include "base/fail.h"

#define CSV_FIELDS_MAX 64

struct csv {
    str text, rest;
    char separator;
    unsigned line;     /* of the next row, from 1 */
    unsigned row_line; /* where the row just read began */
};

struct csv_row {
    str fields[CSV_FIELDS_MAX];
    unsigned count;
};

/* Borrows text as long as the reader and its rows live. */
void csv_init(struct csv *csv, str text);
/* Skips empty lines; false at the end of the text. */
bool csv_more(struct csv *csv);
/* Fields borrow from the text, or from the arena when they had doubled quotes. FAIL_INPUT: this row
 * is broken; call again for the next. */
fail csv_read(struct csv *csv, struct csv_row *row, struct arena *arena, struct why *why) MUST_USE;
