/* import.c - what all importers do with an item once it is read; see import.h. */
#include "svc/itembank/importer.h"

struct seen {
    uint8_t digest[ITEM_DIGEST_BYTES];
    unsigned line; /* 0: this slot is free */
};

bool import_format_of(str name, enum import_format *format)
{
    static const struct {
        const char *ending;
        enum import_format format;
    } endings[] = {
        { "jsonl", IMPORT_JSONL }, { "json", IMPORT_JSONL }, { "ndjson", IMPORT_JSONL },
        { "csv", IMPORT_CSV },     { "gift", IMPORT_GIFT },  { "txt", IMPORT_GIFT },
    };
    str ending = name;
    while (str_find(ending, '.') >= 0)
        str_cut(&ending, '.');
    for (size_t i = 0; i < COUNT(endings); i++) {
        if (str_eq_nocase(ending, str_z(endings[i].ending))) {
            *format = endings[i].format;
            return true;
        }
    }
    return false;
}

void importer_refuse(struct importer *importer, unsigned line, const char *reason)
{
    importer->count->read++;
    importer->count->refused++;
    importer->sink->refuse(importer->sink->ctx, line, reason);
    arena_reset(&importer->arena);
}

static struct seen *seen_slot(struct importer *importer, const uint8_t *digest)
{
    uint64_t at;
    memcpy(&at, digest, sizeof(at));
    for (;; at++) {
        struct seen *slot = &importer->seen[at & (importer->seen_cap - 1)];
        if (slot->line == 0 || memcmp(slot->digest, digest, ITEM_DIGEST_BYTES) == 0)
            return slot;
    }
}

/* Keeps the table at most half full. */
static bool seen_grow(struct importer *importer)
{
    if (importer->seen_count * 2 < importer->seen_cap)
        return true;
    size_t old_cap = importer->seen_cap, cap = MAX(old_cap * 2, 256);
    struct seen *old = importer->seen, *grown = arena_many(&importer->seen_arena, struct seen, cap);
    if (!grown)
        return false;
    importer->seen = grown;
    importer->seen_cap = cap;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].line)
            *seen_slot(importer, old[i].digest) = old[i];
    return true;
}

static fail check_new(struct importer *importer, const struct item *item, unsigned line,
                      struct why *why)
{
    uint8_t digest[ITEM_DIGEST_BYTES];
    if (!seen_grow(importer))
        return fail_set(why, FAIL_LIMIT, "The file has too many items.");
    item_digest(item, digest);
    struct seen *slot = seen_slot(importer, digest);
    if (slot->line)
        return fail_set(why, FAIL_INPUT, "The same item is on line %u already.", slot->line);
    memcpy(slot->digest, digest, sizeof(digest));
    slot->line = line;
    importer->seen_count++;
    return FAIL_NONE;
}

void importer_offer(struct importer *importer, struct item *item, unsigned line)
{
    struct why why;
    item->last_stays = item->last_stays || item_last_stays(item);
    fail f = item_check(item, &why);
    if (!f)
        f = check_new(importer, item, line, &why);
    if (f) {
        importer_refuse(importer, line, why.text);
        return;
    }
    importer->count->read++;
    importer->count->taken++;
    importer->stopped = !importer->sink->take(importer->sink->ctx, item, line);
    arena_reset(&importer->arena);
}

/* --- keys as text ------------------------------------------------------------------------------
 */

/* "$-63$" is the number -63. */
static bool plain_decimal(str text, struct decimal *d)
{
    text = str_trim(text);
    if (text.n > 2 && text.p[0] == '$' && text.p[text.n - 1] == '$')
        text = (str){ text.p + 1, text.n - 2 };
    return decimal_parse(text, d);
}

/* "AC", "A,C", "A C" and "a, c" are the letters AC. */
static fail add_letters(struct item *item, str way, struct why *why)
{
    char letters[64];
    size_t n = 0;
    for (size_t i = 0; i < way.n; i++) {
        char c = way.p[i];
        if (c == ',' || c == ' ' || c == ';')
            continue;
        if (n == sizeof(letters))
            break;
        letters[n++] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
    }
    return score_key_add_letters(&item->key, (str){ letters, n }, why);
}

static fail add_number(struct item *item, str way, str tolerance, struct why *why)
{
    struct decimal from, to, margin = { 0, 0 };
    ptrdiff_t dots = str_find_str(way, STR(".."));
    bool good = dots < 0 ? plain_decimal(way, &from)
                         : decimal_parse(str_first(way, (size_t)dots), &from) &&
                               decimal_parse(str_from(way, (size_t)dots + 2), &to);
    if (!good)
        return fail_set(why, FAIL_INPUT, "The key \"%.*s\" is no decimal number and no range.",
                        STR_ARG(str_first(way, 60)));
    if (tolerance.n && (!decimal_parse(tolerance, &margin) || margin.mantissa < 0))
        return fail_set(why, FAIL_INPUT,
                        "The tolerance \"%.*s\" must be a decimal number, 0 or more.",
                        STR_ARG(str_first(tolerance, 40)));
    if (dots >= 0 && tolerance.n)
        return fail_set(why, FAIL_INPUT, "A key with a range needs no tolerance.");
    if (dots < 0 && !decimal_around(from, margin, &from, &to))
        return fail_set(why, FAIL_INPUT, "The key and its tolerance have too many digits.");
    return score_key_add_range(&item->key, from, to, why);
}

static fail add_texts(struct importer *importer, struct item *item, str text, struct why *why)
{
    fail f = FAIL_NONE;
    unsigned blank = 0;
    while (text.p && !f)
        f = score_key_add_text(&item->key, blank++, str_cut(&text, ';'), &importer->arena, why);
    item->blanks = blank;
    return f;
}

static enum score_kind guess_kind(const struct item *item, str text)
{
    struct decimal d;
    unsigned letters = 0;
    str first = str_cut(&text, '|');
    for (size_t i = 0; i < first.n; i++)
        letters += !strchr(", ;", first.p[i]);
    if (item->option_count)
        return letters > 1 ? SCORE_SEVERAL : SCORE_SINGLE;
    return plain_decimal(first, &d) ? SCORE_NUMBER : SCORE_TEXT;
}

fail importer_key_text(struct importer *importer, struct item *item, bool kind_known, str text,
                       str tolerance, struct why *why)
{
    text = str_trim(text);
    if (text.n == 0)
        return fail_set(why, FAIL_INPUT, "The item has no key.");
    if (!kind_known)
        item->kind = guess_kind(item, text);
    if (tolerance.n && !kind_known && item->option_count == 0)
        item->kind = SCORE_NUMBER;
    if (tolerance.n && item->kind != SCORE_NUMBER)
        return fail_set(why, FAIL_INPUT, "Only an item of kind number has a tolerance.");
    item->key = item_make(item->kind).key;
    if (item->kind == SCORE_TEXT)
        return add_texts(importer, item, text, why);
    fail f = FAIL_NONE;
    while (text.p && !f) {
        str way = str_trim(str_cut(&text, '|'));
        f = item->kind == SCORE_NUMBER ? add_number(item, way, tolerance, why)
                                       : add_letters(item, way, why);
    }
    return f;
}

fail import_items(enum import_format format, str bytes, const struct import_sink *sink,
                  struct import_count *count, struct why *why)
{
    struct importer importer = {
        .sink = sink,
        .count = count,
        .arena = arena_make(IMPORT_ITEM_MEMORY_BYTES_MAX),
        .seen_arena = arena_make(64 * MIB),
    };
    fail f = FAIL_NONE;
    *count = (struct import_count){ 0 };
    if (str_starts(bytes, STR("\xff\xfe")) || str_starts(bytes, STR("\xfe\xff")))
        return fail_set(why, FAIL_INPUT, "The file is UTF-16; save it as UTF-8 and try again.");
    if (str_starts(bytes, STR("\xef\xbb\xbf")))
        bytes = str_from(bytes, 3);
    if (format == IMPORT_JSONL)
        import_jsonl(&importer, bytes);
    else if (format == IMPORT_CSV)
        f = import_csv(&importer, bytes, why);
    else
        import_gift(&importer, bytes);
    arena_fini(&importer.arena);
    arena_fini(&importer.seen_arena);
    return f;
}
