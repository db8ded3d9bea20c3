/* item.c - see item.h. */
#include "svc/itembank/item.h"
#include "codec/base64.h"
#include "codec/json_out.h"
#include "svc/itembank/svg.h"

#include <sodium.h>

static const struct {
    const char *type, *src; /* src: the start of its data: address */
} image_types[] = {
    { "image/svg+xml", "data:image/svg+xml;base64," },
    { "image/png", "data:image/png;base64," },
    { "image/jpeg", "data:image/jpeg;base64," },
};

struct item item_make(enum score_kind kind)
{
    return (struct item){
        .kind = kind,
        .blanks = 1,
        .partial = ITEM_PARTIAL_OF_EXAM,
        .key = { .kind = (uint8_t)kind, .blanks = kind != SCORE_TEXT },
    };
}

static bool name_index(const char *const *names, str name, unsigned *index)
{
    for (*index = 0; names[*index]; ++*index)
        if (str_eq_nocase(name, str_z(names[*index])))
            return true;
    return false;
}

bool item_kind_of(str name, enum score_kind *kind)
{
    unsigned index;
    if (!name_index(score_kind_names, name, &index))
        return false;
    *kind = (enum score_kind)index;
    return true;
}

bool item_partial_of(str name, uint8_t *partial)
{
    unsigned index;
    if (!name_index(score_partial_names, name, &index))
        return false;
    *partial = (uint8_t)index;
    return true;
}

/* --- checks ------------------------------------------------------------------------------------
 */

/* Line ends and tabs are text; other control characters (C0, DEL, C1) are damage. */
static bool has_control(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
            return true;
        if (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0)
            return true;
    }
    return false;
}

static fail check_text(str s, const char *what, size_t bytes_max, struct why *why)
{
    if (s.n > bytes_max)
        return fail_set(why, FAIL_LIMIT, "The %s has %zu bytes; at most %zu are allowed.", what,
                        s.n, bytes_max);
    if (!str_is_utf8(s))
        return fail_set(why, FAIL_INPUT, "The %s is not valid UTF-8.", what);
    if (has_control(s))
        return fail_set(why, FAIL_INPUT, "The %s has a control character.", what);
    return FAIL_NONE;
}

static fail check_options(const struct item *item, struct why *why)
{
    bool choice = item->kind <= SCORE_SEVERAL;
    if (!choice)
        return item->option_count == 0
                   ? FAIL_NONE
                   : fail_set(why, FAIL_INPUT, "An item of kind %s has no options.",
                              score_kind_names[item->kind]);
    if (item->option_count < ITEM_OPTIONS_MIN || item->option_count > ITEM_OPTIONS_MAX)
        return fail_set(why, FAIL_INPUT, "A choice has from %d to %d options, not %u.",
                        ITEM_OPTIONS_MIN, ITEM_OPTIONS_MAX, item->option_count);
    for (unsigned i = 0; i < item->option_count; i++) {
        char what[] = "text of option A";
        what[sizeof(what) - 2] = (char)('A' + i);
        fail f = check_text(item->options[i], what, ITEM_OPTION_BYTES_MAX, why);
        if (f)
            return f;
        if (str_trim(item->options[i]).n == 0)
            return fail_set(why, FAIL_INPUT, "Option %c is empty.", 'A' + (int)i);
    }
    return FAIL_NONE;
}

static fail check_image(const struct item_image *image, struct why *why)
{
    if (!image->bytes.p)
        return FAIL_NONE;
    if (image->bytes.n > ITEM_IMAGE_BYTES_MAX)
        return fail_set(why, FAIL_LIMIT, "The picture has %zu bytes; at most %zu are allowed.",
                        image->bytes.n, ITEM_IMAGE_BYTES_MAX);
    fail f = check_text(image->alt, "picture's description", ITEM_ALT_BYTES_MAX, why);
    if (f)
        return f;
    if (str_trim(image->alt).n == 0)
        return fail_set(why, FAIL_INPUT,
                        "The picture has no description (alt) for those who cannot "
                        "see it.");
    if (str_eq(image->type, STR("image/svg+xml")))
        return svg_check(image->bytes, why);
    bool png = str_eq(image->type, STR("image/png"));
    if (str_starts(image->bytes, png ? STR("\x89PNG\r\n\x1a\n") : STR("\xff\xd8\xff")))
        return FAIL_NONE;
    return fail_set(why, FAIL_INPUT, "The picture is not the %s that it says it is.",
                    png ? "PNG" : "JPEG");
}

static size_t text_bytes(const struct item *item)
{
    size_t n = item->passage.n + item->text.n;
    for (unsigned i = 0; i < MIN(item->option_count, (unsigned)ITEM_OPTIONS_MAX); i++)
        n += item->options[i].n;
    return n;
}

static fail check_marks(const struct item *item, struct why *why)
{
    if (item->has_right && item->right < 0)
        return fail_set(why, FAIL_INPUT, "The marks for a right answer are negative.");
    if (item->has_wrong && item->wrong > 0)
        return fail_set(why, FAIL_INPUT,
                        "The marks for a wrong answer are positive; write a penalty as -1, or 0.");
    if (item->partial == PARTIAL_SUBSET && item->kind != SCORE_SEVERAL)
        return fail_set(why, FAIL_INPUT, "Partial marks are for items of kind several.");
    return FAIL_NONE;
}

fail item_check(const struct item *item, struct why *why)
{
    fail f = check_text(item->text, "text", ITEM_TEXT_BYTES_MAX, why);
    if (!f && str_trim(item->text).n == 0)
        f = fail_set(why, FAIL_INPUT, "The item has no text.");
    if (!f)
        f = check_text(item->passage, "passage", ITEM_TEXT_BYTES_MAX, why);
    if (!f)
        f = check_text(item->section, "section's name", ITEM_NAME_BYTES_MAX, why);
    if (!f)
        f = check_text(item->id, "id", ITEM_NAME_BYTES_MAX, why);
    if (!f && text_bytes(item) > ITEM_TEXT_BYTES_MAX)
        f = fail_set(why, FAIL_LIMIT, "The item has %zu bytes of text; at most %zu are allowed.",
                     text_bytes(item), ITEM_TEXT_BYTES_MAX);
    if (!f)
        f = check_options(item, why);
    if (!f)
        f = check_image(&item->image, why);
    if (!f)
        f = check_marks(item, why);
    if (!f)
        f = score_key_check(&item->key, item->option_count, why);
    if (!f && item->kind == SCORE_TEXT && item->blanks != item->key.blanks)
        f = fail_set(why, FAIL_INPUT, "The item has %u blanks, its key %u.", item->blanks,
                     item->key.blanks);
    return f;
}

/* Longer ones are sentences of the question's own: "None of the doctors who ..." */
#define LAST_BYTES_MAX_ENGLISH 40
#define LAST_BYTES_MAX_OTHER   120

bool item_last_stays(const struct item *item)
{
    static const char *const english[] = { "none of",     "all of the", "all of these",
                                           "both of the", "neither of", "cannot be determined" };
    static const char *const other[] = { "以上", "इनमें से", "उपरोक्त", "उपर्युक्त" };
    if (item->option_count < 2)
        return false;
    str last = str_trim(item->options[item->option_count - 1]);
    for (size_t i = 0; i < COUNT(english); i++)
        if (str_eq_nocase(str_first(last, strlen(english[i])), str_z(english[i])))
            return last.n <= LAST_BYTES_MAX_ENGLISH;
    for (size_t i = 0; i < COUNT(other); i++)
        if (str_starts(last, str_z(other[i])))
            return last.n <= LAST_BYTES_MAX_OTHER;
    return str_eq_nocase(last, STR("none")) || str_eq_nocase(last, STR("none."));
}

static void digest_str(crypto_generichash_state *state, str s)
{
    uint64_t n = s.n;
    crypto_generichash_update(state, (const unsigned char *)&n, sizeof(n));
    crypto_generichash_update(state, (const unsigned char *)s.p, s.n);
}

void item_digest(const struct item *item, uint8_t digest[ITEM_DIGEST_BYTES])
{
    crypto_generichash_state state;
    uint8_t counts[] = { (uint8_t)item->kind, (uint8_t)item->option_count, (uint8_t)item->blanks };
    crypto_generichash_init(&state, NULL, 0, ITEM_DIGEST_BYTES);
    crypto_generichash_update(&state, counts, sizeof(counts));
    digest_str(&state, item->passage);
    digest_str(&state, item->text);
    for (unsigned i = 0; i < item->option_count; i++)
        digest_str(&state, item->options[i]);
    digest_str(&state, item->image.alt);
    digest_str(&state, item->image.bytes);
    crypto_generichash_final(&state, digest, ITEM_DIGEST_BYTES);
}

/* --- writing -----------------------------------------------------------------------------------
 */

static void write_image(struct out *out, const struct item_image *image)
{
    const char *src = NULL;
    for (size_t i = 0; i < COUNT(image_types); i++)
        if (str_eq(image->type, str_z(image_types[i].type)))
            src = image_types[i].src;
    must(src);
    jo_open(out, "image", '{');
    jo_str(out, "alt", image->alt);
    jo_raw(out, "src", STR("\""));
    out_z(out, src);
    if (out_reserve(out, BASE64_PADDED_CHARS(image->bytes.n)))
        out->n += base64_encode(BASE64_PADDED, out->p + out->n, image->bytes.p, image->bytes.n);
    out_char(out, '"');
    jo_close(out, '}');
}

static void write_options(struct out *out, const struct item *item)
{
    jo_open(out, "options", '[');
    for (unsigned i = 0; i < item->option_count; i++)
        jo_str(out, NULL, item->options[i]);
    jo_close(out, ']');
}

static void write_marks(struct out *out, const char *name, int32_t milli)
{
    jo_raw(out, name, STR("\""));
    milli_write(out, milli);
    out_char(out, '"');
}

void item_write_public(struct out *out, const struct item *item, unsigned number, unsigned section)
{
    out_char(out, '{');
    jo_i64(out, "item", number);
    jo_i64(out, "section", section);
    jo_z(out, "kind", score_kind_names[item->kind]);
    jo_i64(out, "blanks", item->blanks);
    jo_str(out, "passage", item->passage);
    jo_str(out, "text", item->text);
    write_options(out, item);
    if (item->image.bytes.p)
        write_image(out, &item->image);
    else
        jo_raw(out, "image", STR("null"));
    write_marks(out, "right", item->right);
    write_marks(out, "wrong", item->wrong);
    jo_close(out, '}');
}

void item_write_json(struct out *out, const struct item *item)
{
    out_char(out, '{');
    if (item->id.n)
        jo_str(out, "id", item->id);
    if (item->section.n)
        jo_str(out, "section", item->section);
    jo_z(out, "kind", score_kind_names[item->kind]);
    jo_i64(out, "blanks", item->blanks);
    if (item->passage.p)
        jo_str(out, "passage", item->passage);
    jo_str(out, "text", item->text);
    if (item->option_count)
        write_options(out, item);
    if (item->last_stays)
        jo_bool(out, "last_stays", true);
    if (item->image.bytes.p)
        write_image(out, &item->image);
    if (item->has_right)
        write_marks(out, "right", item->right);
    if (item->has_wrong)
        write_marks(out, "wrong", item->wrong);
    if (item->partial != ITEM_PARTIAL_OF_EXAM)
        jo_z(out, "partial", score_partial_names[item->partial]);
    jo_name(out, "key");
    score_key_write_json(out, &item->key);
    jo_close(out, '}');
}

/* --- reading -----------------------------------------------------------------------------------
 */

static fail image_from_src(struct item_image *image, str src, struct arena *arena, struct why *why)
{
    for (size_t i = 0; i < COUNT(image_types); i++) {
        if (!str_starts(src, str_z(image_types[i].src)))
            continue;
        str text = str_from(src, strlen(image_types[i].src));
        size_t cap = BASE64_BYTES_MAX(text.n), n;
        char *bytes = arena_bytes(arena, cap);
        if (!bytes)
            return fail_set(why, FAIL_LIMIT, "The picture is too large.");
        if (!base64_decode(BASE64_PADDED, text, bytes, cap, &n))
            return fail_set(why, FAIL_INPUT, "The picture's base64 text is damaged.");
        image->type = str_z(image_types[i].type);
        image->bytes = (str){ bytes, n };
        return FAIL_NONE;
    }
    return fail_set(why, FAIL_INPUT,
                    "The picture must be a data: address of an SVG, PNG or JPEG in "
                    "base64; other pictures have no place in a paper.");
}

fail item_image_from_json(struct item_image *image, const struct json *json, struct arena *arena,
                          struct why *why)
{
    static const char *const names[] = { "alt", "src", "svg", NULL };
    str src = STR_NONE, svg = STR_NONE;
    *image = (struct item_image){ .alt = STR("") };
    fail f = json_only(json, names, why);
    if (!f)
        f = json_str(json, "alt", false, &image->alt, why);
    if (!f)
        f = json_str(json, "src", false, &src, why);
    if (!f)
        f = json_str(json, "svg", false, &svg, why);
    if (!f && !src.p == !svg.p)
        f = fail_set(why, FAIL_INPUT, "A picture has either \"src\" or \"svg\".");
    if (f || src.p)
        return f ? f : image_from_src(image, src, arena, why);
    image->type = STR("image/svg+xml");
    image->bytes = svg;
    return FAIL_NONE;
}

/* Marks may be text or, as people write them by hand, a number. */
static fail marks_member(const struct json *json, const char *name, bool *has, int32_t *milli,
                         struct why *why)
{
    const struct json *member = json_get(json, str_z(name));
    if (!member || member->type == JSON_NULL)
        return FAIL_NONE;
    *has = (member->type == JSON_STRING || member->type == JSON_NUMBER) &&
           milli_parse(member->text, milli);
    return *has ? FAIL_NONE
                : fail_set(why, FAIL_INPUT,
                           "The marks in \"%s\" must be a decimal number with at most three digits "
                           "after the point.",
                           name);
}

fail item_marks_from_json(struct item *item, const struct json *json, struct why *why)
{
    str partial = STR_NONE;
    fail f = marks_member(json, "right", &item->has_right, &item->right, why);
    if (!f)
        f = marks_member(json, "wrong", &item->has_wrong, &item->wrong, why);
    if (!f)
        f = json_str(json, "partial", false, &partial, why);
    if (!f && partial.p && !item_partial_of(partial, &item->partial))
        f = fail_set(why, FAIL_INPUT, "\"partial\" must be none or subset.");
    return f;
}

static fail options_from_json(struct item *item, const struct json *json, struct why *why)
{
    const struct json *options = json_get(json, STR("options"));
    if (!options || options->type == JSON_NULL)
        return FAIL_NONE;
    if (options->type != JSON_ARRAY || options->count > ITEM_OPTIONS_MAX)
        return fail_set(why, FAIL_INPUT, "\"options\" must be a list of at most %d texts.",
                        ITEM_OPTIONS_MAX);
    for (const struct json *option = options->first; option; option = option->next) {
        if (option->type != JSON_STRING)
            return fail_set(why, FAIL_INPUT, "Each of the \"options\" must be text.");
        item->options[item->option_count++] = option->text;
    }
    return FAIL_NONE;
}

static fail key_from_json(struct item *item, const struct json *json, struct arena *arena,
                          struct why *why)
{
    const struct json *key = json_get(json, STR("key"));
    if (!key || key->type == JSON_NULL)
        return fail_set(why, FAIL_INPUT, "The item has no key.");
    return score_key_from_json(&item->key, item->kind, key, arena, why);
}

fail item_from_json(struct item *item, const struct json *json, struct arena *arena,
                    struct why *why)
{
    static const char *const names[] = { "id",    "section", "kind",       "blanks", "passage",
                                         "text",  "options", "last_stays", "image",  "right",
                                         "wrong", "partial", "key",        NULL };
    str kind = STR_NONE;
    int64_t blanks = 1;
    *item = item_make(SCORE_SINGLE);
    fail f = json_only(json, names, why);
    if (!f)
        f = json_str(json, "kind", true, &kind, why);
    if (!f && !item_kind_of(kind, &item->kind))
        f = fail_set(why, FAIL_INPUT, "\"kind\" must be single, several, number or text.");
    if (!f)
        f = json_str(json, "id", false, &item->id, why);
    if (!f)
        f = json_str(json, "section", false, &item->section, why);
    if (!f)
        f = json_str(json, "passage", false, &item->passage, why);
    if (!f)
        f = json_str(json, "text", true, &item->text, why);
    if (!f)
        f = json_i64(json, "blanks", false, 1, SCORE_BLANKS_MAX, &blanks, why);
    if (!f)
        f = json_bool(json, "last_stays", false, &item->last_stays, why);
    if (!f)
        f = options_from_json(item, json, why);
    if (!f)
        f = item_marks_from_json(item, json, why);
    item->blanks = (unsigned)blanks;
    const struct json *image = json_get(json, STR("image"));
    if (!f && image && image->type != JSON_NULL)
        f = item_image_from_json(&item->image, image, arena, why);
    return f ? f : key_from_json(item, json, arena, why);
}
