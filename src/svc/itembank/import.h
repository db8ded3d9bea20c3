/* import.h - reads papers written elsewhere: JSON lines, CSV and Moodle's GIFT.
 *
 * Pure: bytes in, items out by callback. Each item is whole and checked (item_check) when it is
 * given; a bad one is refused with its line and reason, nothing of it is given, and reading goes
 * on. An item whose question was already given from the same file is refused too.
 *
 * JSON lines, an object a line: "text" (or "question"), "passage", "options" (a leading "(A)" on
 * each goes), "key" as in scoring_api.h (or "label": a letter or the list of all right letters; or
 * "answer": what is to be typed), and, as far as wanted, "id", "section", "kind", "tolerance",
 * "right", "wrong", "partial", "last_stays", "image" {"alt", "svg" or "src"}. "other" and
 * "solution" are ignored. Without "kind": options and one right letter make a single choice, more
 * letters several; a typed decimal is a number, anything else text with a blank for each part
 * between semicolons.
 *
 * CSV: a first row of names among id, section, kind, passage, text, option_a ... option_h, key,
 * right, wrong, tolerance, partial. The key: letters ("AC"), a number, a range ("9.8..9.9"), or
 * text with a semicolon between blanks; ways that are right as well follow a '|' (not for text).
 *
 * GIFT: single and several choices, true/false, numbers with tolerance or range, short answers, a
 * gap in the text. $CATEGORY's last part is the section. Refused with a reason: essays,
 * descriptions, matching, answers worth a part of the marks, wildcards, HTML beyond paragraphs and
 * emphasis. */
#pragma once

#include "svc/itembank/item.h"

enum import_format { IMPORT_JSONL, IMPORT_CSV, IMPORT_GIFT };

/* By the ending of a file's name or a word: jsonl, json, ndjson, csv, gift, txt. */
bool import_format_of(str name, enum import_format *format) MUST_USE;

struct import_sink {
    /* The item is borrowed. False stops the import. */
    bool (*take)(void *ctx, const struct item *item, unsigned line);
    void (*refuse)(void *ctx, unsigned line, const char *reason);
    void *ctx;
};

struct import_count {
    unsigned read, taken, refused; /* read == taken + refused, unless stopped */
};

/* FAIL_INPUT only when the file as a whole is none of that format (no names in a CSV, UTF-16). */
fail import_items(enum import_format format, str bytes, const struct import_sink *sink,
                  struct import_count *count, struct why *why) MUST_USE;
