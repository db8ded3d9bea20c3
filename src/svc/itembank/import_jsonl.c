/* import_jsonl.c - papers with a JSON object a line; the members are in import.h. */
#include "svc/itembank/importer.h"

static const char *const members[] = {
    "id",         "section", "kind",  "passage",  "question", "text",      "options",
    "label",      "answer",  "key",   "right",    "wrong",    "tolerance", "partial",
    "last_stays", "image",   "other", "solution", NULL,
};

static fail read_texts(struct item *item, const struct json *json, struct why *why)
{
    fail f = json_str(json, "id", false, &item->id, why);
    if (!f)
        f = json_str(json, "section", false, &item->section, why);
    if (!f)
        f = json_str(json, "passage", false, &item->passage, why);
    if (!f)
        f = json_str(json, "question", false, &item->text, why);
    if (!f)
        f = json_str(json, "text", false, &item->text, why);
    if (!f)
        f = json_bool(json, "last_stays", false, &item->last_stays, why);
    if (item->passage.n == 0)
        item->passage = STR_NONE;
    return f;
}

static bool is_labelled(str option, unsigned i)
{
    return option.n >= 3 && option.p[0] == '(' && option.p[1] == (char)('A' + i) &&
           option.p[2] == ')';
}

static fail read_options(struct item *item, const struct json *json, struct why *why)
{
    const struct json *options = json_get(json, STR("options"));
    if (!options || options->type == JSON_NULL)
        return FAIL_NONE;
    if (options->type != JSON_ARRAY || options->count > ITEM_OPTIONS_MAX)
        return fail_set(why, FAIL_INPUT, "\"options\" must be a list of at most %d texts.",
                        ITEM_OPTIONS_MAX);
    bool labelled = true;
    for (const struct json *option = options->first; option; option = option->next) {
        if (option->type != JSON_STRING)
            return fail_set(why, FAIL_INPUT, "Each of the \"options\" must be text.");
        labelled &= is_labelled(option->text, item->option_count);
        item->options[item->option_count++] = option->text;
    }
    for (unsigned i = 0; i < item->option_count && labelled; i++)
        item->options[i] = str_trim(str_from(item->options[i], 3));
    return FAIL_NONE;
}

/* "label" is a letter, or the list of all right letters: ["A","D"] means AD. */
static fail label_text(const struct json *label, char *letters, size_t cap, str *text,
                       struct why *why)
{
    size_t n = 0;
    if (label->type == JSON_STRING) {
        *text = label->text;
        return FAIL_NONE;
    }
    bool good = label->type == JSON_ARRAY && label->count <= cap;
    for (const struct json *one = label->first; one && good; one = one->next) {
        good = one->type == JSON_STRING && one->text.n == 1;
        if (good)
            letters[n++] = one->text.p[0];
    }
    *text = (str){ letters, n };
    return good ? FAIL_NONE
                : fail_set(why, FAIL_INPUT, "\"label\" must be a letter or a list of letters.");
}

static str number_or_text(const struct json *member)
{
    return member && (member->type == JSON_STRING || member->type == JSON_NUMBER) ? member->text
                                                                                  : STR_NONE;
}

/* The one member of key, label and answer that is there. */
static fail find_key(const struct json *json, const struct json **key, const char **name,
                     struct why *why)
{
    static const char *const names[] = { "key", "label", "answer" };
    *key = NULL;
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct json *member = json_get(json, str_z(names[i]));
        if (!member || member->type == JSON_NULL)
            continue;
        if (*key)
            return fail_set(why, FAIL_INPUT, "The item has both \"%s\" and \"%s\".", *name,
                            names[i]);
        *key = member;
        *name = names[i];
    }
    return *key ? FAIL_NONE : fail_set(why, FAIL_INPUT, "The item has no key.");
}

static fail read_key(struct importer *importer, struct item *item, bool kind_known,
                     const struct json *json, struct why *why)
{
    const struct json *key;
    const char *name = "";
    char letters[ITEM_OPTIONS_MAX];
    str text, tolerance = number_or_text(json_get(json, STR("tolerance")));
    fail f = find_key(json, &key, &name, why);
    if (f)
        return f;
    if (strcmp(name, "label") == 0) {
        bool list = key->type == JSON_ARRAY;
        f = label_text(key, letters, sizeof(letters), &text, why);
        if (!kind_known && list)
            item->kind = SCORE_SEVERAL;
        return f ? f : importer_key_text(importer, item, kind_known || list, text, tolerance, why);
    }
    if (key->type == JSON_ARRAY || key->type == JSON_OBJECT) {
        if (!kind_known)
            return fail_set(why, FAIL_INPUT, "An item with such a key must say its \"kind\".");
        f = score_key_from_json(&item->key, item->kind, key, &importer->arena, why);
        item->blanks = item->key.blanks;
        return f;
    }
    text = number_or_text(key);
    if (!text.p)
        return fail_set(why, FAIL_INPUT, "\"%s\" must be text.", name);
    return importer_key_text(importer, item, kind_known, text, tolerance, why);
}

static fail read_item(struct importer *importer, struct item *item, str line, struct why *why)
{
    struct json *json;
    str kind = STR_NONE;
    *item = item_make(SCORE_SINGLE);
    fail f = json_parse(&json, line, &importer->arena, why);
    if (!f)
        f = json_only(json, members, why);
    if (!f)
        f = json_str(json, "kind", false, &kind, why);
    if (!f && kind.p && !item_kind_of(kind, &item->kind))
        f = fail_set(why, FAIL_INPUT, "\"kind\" must be single, several, number or text.");
    if (!f)
        f = read_texts(item, json, why);
    if (!f)
        f = read_options(item, json, why);
    if (!f)
        f = item_marks_from_json(item, json, why);
    if (f)
        return f;
    const struct json *image = json_get(json, STR("image"));
    if (image && image->type != JSON_NULL)
        f = item_image_from_json(&item->image, image, &importer->arena, why);
    return f ? f : read_key(importer, item, kind.p != NULL, json, why);
}

/* The JSON reader sees one line, and calls it line 1; which line of the file it is we say. */
static const char *without_line(const char *reason)
{
    static const char line[] = "JSON line 1, ";
    return strncmp(reason, line, sizeof(line) - 1) == 0 ? reason + sizeof(line) - 1 : reason;
}

void import_jsonl(struct importer *importer, str bytes)
{
    struct why why;
    struct item item;
    unsigned number = 0;
    while (bytes.p && !importer->stopped) {
        str line = str_trim(str_cut(&bytes, '\n'));
        number++;
        if (line.n == 0)
            continue;
        if (read_item(importer, &item, line, &why))
            importer_refuse(importer, number, without_line(why.text));
        else
            importer_offer(importer, &item, number);
    }
}
