/* score_key.c - builds, reads and writes keys; see scoring_api.h. */
#include "svc/scoring/scoring_api.h"
#include "svc/scoring/score_text.h"

const char *const score_kind_names[] = { "single", "several", "number", "text", NULL };
const char *const score_partial_names[] = { "none", "subset", NULL };

#define FLAG_DROPPED 1

/* --- building ----------------------------------------------------------------------------------
 */

fail score_key_add_letters(struct score_key *key, str letters, struct why *why)
{
    unsigned set = 0;
    for (size_t i = 0; i < letters.n; i++) {
        char c = letters.p[i];
        if (c < 'A' || c > 'H' || (set >> (c - 'A') & 1))
            return fail_set(why, FAIL_INPUT,
                            "The key \"%.*s\" must be letters from A to H, each once.",
                            STR_ARG(str_first(letters, 40)));
        set |= 1u << (c - 'A');
    }
    if (set == 0)
        return fail_set(why, FAIL_INPUT, "The key names no option.");
    if (key->kind == SCORE_SINGLE) {
        if (letters.n > 1)
            return fail_set(why, FAIL_INPUT, "The key of a single choice must be one letter.");
        key->sets[0] |= (uint8_t)set;
        key->set_count = 1;
        return FAIL_NONE;
    }
    if (key->set_count == SCORE_SETS_MAX)
        return fail_set(why, FAIL_LIMIT, "The key accepts more than %d sets of options.",
                        SCORE_SETS_MAX);
    key->sets[key->set_count++] = (uint8_t)set;
    return FAIL_NONE;
}

fail score_key_add_range(struct score_key *key, struct decimal from, struct decimal to,
                         struct why *why)
{
    if (decimal_compare(from, to) > 0)
        return fail_set(why, FAIL_INPUT, "The key's range ends before it begins.");
    if (key->range_count == SCORE_RANGES_MAX)
        return fail_set(why, FAIL_LIMIT, "The key accepts more than %d numbers or ranges.",
                        SCORE_RANGES_MAX);
    key->ranges[key->range_count++] = (struct score_range){ from, to };
    return FAIL_NONE;
}

static bool normalise(struct score_text *text, struct arena *arena)
{
    char plain[2 * SCORE_TEXT_BYTES_MAX];
    size_t n;
    if (!score_text_normal(text->text, plain, sizeof(plain), &n))
        return false;
    text->normal = arena_str(arena, (str){ plain, n });
    return text->normal.p && n > 0;
}

static bool has_control(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

fail score_key_add_text(struct score_key *key, unsigned blank, str text, struct arena *arena,
                        struct why *why)
{
    text = str_trim(text);
    if (blank >= SCORE_BLANKS_MAX)
        return fail_set(why, FAIL_LIMIT, "The key has more than %d blanks.", SCORE_BLANKS_MAX);
    if (key->text_count == SCORE_TEXTS_MAX)
        return fail_set(why, FAIL_LIMIT, "The key accepts more than %d texts.", SCORE_TEXTS_MAX);
    if (text.n > SCORE_TEXT_BYTES_MAX)
        return fail_set(why, FAIL_LIMIT, "An accepted text is longer than %d bytes.",
                        SCORE_TEXT_BYTES_MAX);
    if (!str_is_utf8(text) || str_find(text, ';') >= 0 || has_control(text))
        return fail_set(why, FAIL_INPUT,
                        "An accepted text must be UTF-8, without control characters, and without a "
                        "semicolon, which separates blanks.");
    struct score_text *added = &key->texts[key->text_count];
    *added = (struct score_text){ .blank = (uint8_t)blank, .text = arena_str(arena, text) };
    if (!added->text.p || !normalise(added, arena))
        return fail_set(why, FAIL_INPUT,
                        "The key's text for blank %u is empty or nests too deeply.", blank + 1);
    key->text_count++;
    key->blanks = MAX(key->blanks, (uint8_t)(blank + 1));
    return FAIL_NONE;
}

static fail check_sets(const struct score_key *key, unsigned options, struct why *why)
{
    if (key->set_count == 0)
        return fail_set(why, FAIL_INPUT, "The item has no key.");
    for (unsigned i = 0; i < key->set_count; i++)
        if (key->sets[i] >> options)
            return fail_set(why, FAIL_INPUT, "The key names option %c, but the last option is %c.",
                            'A' + 31 - __builtin_clz(key->sets[i]), (int)('A' + options - 1));
    return FAIL_NONE;
}

fail score_key_check(const struct score_key *key, unsigned options, struct why *why)
{
    if (key->kind <= SCORE_SEVERAL)
        return check_sets(key, options, why);
    if (key->kind == SCORE_NUMBER)
        return key->range_count ? FAIL_NONE : fail_set(why, FAIL_INPUT, "The item has no key.");
    unsigned seen = 0;
    for (unsigned i = 0; i < key->text_count; i++)
        seen |= 1u << key->texts[i].blank;
    if (seen == 0)
        return fail_set(why, FAIL_INPUT, "The item has no key.");
    return seen == (1u << key->blanks) - 1
               ? FAIL_NONE
               : fail_set(why, FAIL_INPUT, "The key has no text for one of the %u blanks.",
                          key->blanks);
}

/* --- JSON --------------------------------------------------------------------------------------
 */

static fail number_text(const struct json *object, const char *name, struct decimal *d,
                        struct why *why)
{
    str text;
    fail f = json_str(object, name, true, &text, why);
    if (!f && !decimal_parse(text, d))
        f = fail_set(why, FAIL_INPUT, "The key's \"%s\" must be a decimal number, not \"%.*s\".",
                     name, STR_ARG(str_first(text, 40)));
    return f;
}

static fail add_number(struct score_key *key, const struct json *json, struct why *why)
{
    static const char *const names[] = { "value", "tolerance", "from", "to", NULL };
    struct decimal from, to, middle, tolerance = { 0, 0 };
    if (json->type == JSON_STRING || json->type == JSON_NUMBER) {
        if (!decimal_parse(json->text, &from))
            return fail_set(why, FAIL_INPUT, "The key \"%.*s\" is not a decimal number.",
                            STR_ARG(str_first(json->text, 40)));
        return score_key_add_range(key, from, from, why);
    }
    fail f = json_only(json, names, why);
    if (!f && json_get(json, STR("from"))) {
        f = number_text(json, "from", &from, why);
        if (!f)
            f = number_text(json, "to", &to, why);
        return f ? f : score_key_add_range(key, from, to, why);
    }
    if (!f)
        f = number_text(json, "value", &middle, why);
    if (!f && json_get(json, STR("tolerance")))
        f = number_text(json, "tolerance", &tolerance, why);
    if (f)
        return f;
    if (tolerance.mantissa < 0 || !decimal_around(middle, tolerance, &from, &to))
        return fail_set(why, FAIL_INPUT, "The key's tolerance is negative or too fine.");
    return score_key_add_range(key, from, to, why);
}

static fail add_choice(struct score_key *key, const struct json *json, struct why *why)
{
    if (json->type != JSON_STRING)
        return fail_set(why, FAIL_INPUT, "The key must be text such as \"B\", or a list of those.");
    return score_key_add_letters(key, json->text, why);
}

static fail add_each(struct score_key *key, const struct json *json,
                     fail (*add)(struct score_key *, const struct json *, struct why *),
                     struct why *why)
{
    if (json->type != JSON_ARRAY)
        return add(key, json, why);
    fail f = FAIL_NONE;
    for (const struct json *one = json->first; one && !f; one = one->next)
        f = add(key, one, why);
    return f;
}

static fail add_blank(struct score_key *key, unsigned blank, const struct json *texts,
                      struct arena *arena, struct why *why)
{
    if (texts->type != JSON_ARRAY)
        return fail_set(why, FAIL_INPUT, "Each blank of the key must be a list of texts.");
    fail f = FAIL_NONE;
    for (const struct json *one = texts->first; one && !f; one = one->next)
        f = one->type == JSON_STRING
                ? score_key_add_text(key, blank, one->text, arena, why)
                : fail_set(why, FAIL_INPUT, "An accepted text of the key must be in quotes.");
    return f;
}

static fail add_texts(struct score_key *key, const struct json *json, struct arena *arena,
                      struct why *why)
{
    fail f = FAIL_NONE;
    unsigned blank = 0;
    if (json->type == JSON_STRING) {
        for (str rest = json->text; rest.p && !f;)
            f = score_key_add_text(key, blank++, str_cut(&rest, ';'), arena, why);
        return f;
    }
    if (json->type != JSON_ARRAY)
        return fail_set(why, FAIL_INPUT,
                        "The key must be text, or a list of texts for each blank.");
    if (json->count > SCORE_BLANKS_MAX)
        return fail_set(why, FAIL_LIMIT, "The key has more than %d blanks.", SCORE_BLANKS_MAX);
    for (const struct json *texts = json->first; texts && !f; texts = texts->next)
        f = add_blank(key, blank++, texts, arena, why);
    key->blanks = (uint8_t)blank;
    return f;
}

fail score_key_from_json(struct score_key *key, enum score_kind kind, const struct json *json,
                         struct arena *arena, struct why *why)
{
    *key = (struct score_key){ .kind = (uint8_t)kind, .blanks = kind != SCORE_TEXT };
    if (kind == SCORE_TEXT)
        return add_texts(key, json, arena, why);
    return add_each(key, json, kind == SCORE_NUMBER ? add_number : add_choice, why);
}

static void write_letters(struct out *out, unsigned set)
{
    out_char(out, '"');
    for (int i = 0; i < SCORE_OPTIONS_MAX; i++)
        if (set >> i & 1)
            out_char(out, (char)('A' + i));
    out_char(out, '"');
}

static void write_range(struct out *out, const struct score_range *range)
{
    bool exact = decimal_compare(range->from, range->to) == 0;
    out_z(out, exact ? "\"" : "{\"from\":\"");
    decimal_write(out, range->from);
    if (!exact) {
        out_z(out, "\",\"to\":\"");
        decimal_write(out, range->to);
    }
    out_z(out, exact ? "\"" : "\"}");
}

static void write_blank(struct out *out, const struct score_key *key, unsigned blank)
{
    bool first = true;
    out_char(out, '[');
    for (unsigned i = 0; i < key->text_count; i++) {
        if (key->texts[i].blank != blank)
            continue;
        out_z(out, first ? "" : ",");
        out_json(out, key->texts[i].text);
        first = false;
    }
    out_char(out, ']');
}

void score_key_write_json(struct out *out, const struct score_key *key)
{
    bool first = true;
    out_char(out, '[');
    for (unsigned i = 0; i < SCORE_OPTIONS_MAX && key->kind == SCORE_SINGLE; i++) {
        if (!(key->sets[0] >> i & 1))
            continue;
        out_z(out, first ? "" : ",");
        write_letters(out, 1u << i);
        first = false;
    }
    for (unsigned i = 0; i < key->set_count && key->kind == SCORE_SEVERAL; i++) {
        out_z(out, i ? "," : "");
        write_letters(out, key->sets[i]);
    }
    for (unsigned i = 0; i < key->range_count && key->kind == SCORE_NUMBER; i++) {
        out_z(out, i ? "," : "");
        write_range(out, &key->ranges[i]);
    }
    for (unsigned i = 0; i < key->blanks && key->kind == SCORE_TEXT; i++) {
        out_z(out, i ? "," : "");
        write_blank(out, key, i);
    }
    out_char(out, ']');
}

/* --- bytes -------------------------------------------------------------------------------------
 */

static void put_decimal(struct wire_out *out, struct decimal d)
{
    wire_put_i64(out, d.mantissa);
    wire_put_u8(out, d.scale);
}

static struct decimal get_decimal(struct wire_in *in)
{
    int64_t mantissa = wire_get_i64(in);
    return (struct decimal){ mantissa, wire_get_u8(in) };
}

void score_key_encode(struct wire_out *out, const struct score_key *key)
{
    wire_put_u8(out, key->kind);
    wire_put_u8(out, key->dropped ? FLAG_DROPPED : 0);
    wire_put_u8(out, key->blanks);
    wire_put_u8(out, key->set_count);
    wire_put(out, key->sets, key->set_count);
    wire_put_u8(out, key->range_count);
    for (unsigned i = 0; i < key->range_count; i++) {
        put_decimal(out, key->ranges[i].from);
        put_decimal(out, key->ranges[i].to);
    }
    wire_put_u8(out, key->text_count);
    for (unsigned i = 0; i < key->text_count; i++) {
        wire_put_u8(out, key->texts[i].blank);
        wire_put_str(out, key->texts[i].text);
    }
}

static bool get_ranges(struct score_key *key, struct wire_in *in)
{
    key->range_count = wire_get_u8(in);
    if (key->range_count > SCORE_RANGES_MAX)
        return false;
    for (unsigned i = 0; i < key->range_count; i++) {
        key->ranges[i].from = get_decimal(in);
        key->ranges[i].to = get_decimal(in);
        if (!decimal_is_valid(key->ranges[i].from) || !decimal_is_valid(key->ranges[i].to))
            return false;
    }
    return true;
}

static bool get_texts(struct score_key *key, struct wire_in *in, struct arena *arena)
{
    key->text_count = wire_get_u8(in);
    if (key->text_count > SCORE_TEXTS_MAX)
        return false;
    for (unsigned i = 0; i < key->text_count; i++) {
        key->texts[i].blank = wire_get_u8(in);
        key->texts[i].text = wire_get_str(in);
        if (key->texts[i].blank >= SCORE_BLANKS_MAX || !normalise(&key->texts[i], arena))
            return false;
    }
    return true;
}

bool score_key_decode(struct score_key *key, struct wire_in *in, struct arena *arena)
{
    *key = (struct score_key){ .kind = wire_get_u8(in) };
    key->dropped = wire_get_u8(in) & FLAG_DROPPED;
    key->blanks = wire_get_u8(in);
    key->set_count = wire_get_u8(in);
    if (key->kind >= SCORE_KINDS || key->blanks > SCORE_BLANKS_MAX ||
        key->set_count > SCORE_SETS_MAX)
        return false;
    wire_get(in, key->sets, key->set_count);
    if (!get_ranges(key, in) || !get_texts(key, in, arena) || in->failed)
        return false;
    struct why why;
    return key->dropped || score_key_check(key, SCORE_OPTIONS_MAX, &why) == FAIL_NONE;
}
