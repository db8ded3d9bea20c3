/* paper.c - see paper.h. */
#include "rehearsal/paper.h"

#include "codec/base64.h"
#include "codec/gzip.h"
#include "sys/chance.h"

#include <stdio.h>

#define PAPER_BYTES_MAX (64 * MIB)

static fail decode(str *bytes, enum paper_coding coding, struct arena *arena, struct why *why)
{
    if (coding == PAPER_BASE64_GZIP) {
        size_t n = 0, cap = BASE64_BYTES_MAX(bytes->n);
        char *p = arena_bytes(arena, cap);
        if (!p || !base64_decode(BASE64_PADDED, *bytes, p, cap, &n))
            return fail_set(why, FAIL_INPUT, "the paper's base64 is not whole");
        *bytes = str_of(p, n);
    }
    if (coding != PAPER_PLAIN) {
        struct out out = out_make(PAPER_BYTES_MAX);
        bool whole = gzip_unpack(&out, *bytes);
        *bytes = whole ? arena_str(arena, out_view(&out)) : STR_NONE;
        out_fini(&out);
        if (!bytes->p)
            return fail_set(why, FAIL_INPUT, "the paper's gzip is not whole");
    }
    return FAIL_NONE;
}

static fail item_read(struct paper_item *item, const struct json *json, struct why *why)
{
    static const char *const kinds[] = { "single", "several", "number", "text" };
    str kind = STR_NONE;
    int64_t blanks = 1;
    fail f = json_str(json, "kind", true, &kind, why);
    if (!f)
        f = json_i64(json, "blanks", false, 1, 20, &blanks, why);
    if (f)
        return f;
    for (unsigned k = 0; k < COUNT(kinds); k++)
        if (str_eq(kind, str_z(kinds[k])))
            item->kind = (uint8_t)k;
    const struct json *options = json_get(json, STR("options"));
    item->options = options && options->type == JSON_ARRAY ? (uint8_t)MIN(options->count, 26) : 0;
    item->blanks = (uint8_t)blanks;
    if (item->kind <= PAPER_SEVERAL && !item->options)
        return fail_set(why, FAIL_INPUT, "a choice without options");
    return FAIL_NONE;
}

static fail read_paper(struct paper *paper, str plain, struct arena *arena, struct why *why)
{
    struct json *root = NULL;
    fail f = json_parse(&root, plain, arena, why);
    if (f)
        return f;
    const struct json *items = json_get(root, STR("items"));
    if (!items || items->type != JSON_ARRAY || !items->count || items->count > PAPER_ITEMS_MAX)
        return fail_set(why, FAIL_INPUT, "the paper has no items, or more than %d",
                        PAPER_ITEMS_MAX);
    for (const struct json *json = items->first; json; json = json->next) {
        int64_t i = 0;
        f = json_i64(json, "item", true, 1, (int64_t)items->count, &i, why);
        if (!f)
            f = item_read(&paper->item[i], json, why);
        if (f)
            return why_add(why, f, "item %lld of the paper", (long long)i);
    }
    paper->items = (unsigned)items->count;
    return FAIL_NONE;
}

fail paper_take(struct paper *paper, str bytes, enum paper_coding coding, struct arena *arena,
                struct why *why)
{
    uint64_t hash = str_hash(bytes), *plain_hash = &paper->hash[PAPER_PLAIN];
    str plain = bytes;
    fail f = FAIL_NONE;
    if (hash == paper->hash[coding])
        return f;
    f = decode(&plain, coding, arena, why);
    if (!f && !paper->items)
        f = read_paper(paper, plain, arena, why);
    else if (!f && str_hash(plain) != *plain_hash)
        f = fail_set(why, FAIL_INPUT, "other bytes of the paper than the first candidate's");
    if (f)
        return f;
    *plain_hash = str_hash(plain);
    paper->hash[coding] = hash;
    return FAIL_NONE;
}

static bool is_permutation(const struct json *array, unsigned from, unsigned n)
{
    bool seen[PAPER_ITEMS_MAX + 1] = { false };
    if (!array || array->type != JSON_ARRAY || array->count != n)
        return false;
    for (const struct json *one = array->first; one; one = one->next) {
        uint64_t i = 0;
        if (one->type != JSON_NUMBER || !str_u64(one->text, &i) || i < from || i >= from + n ||
            seen[i - from])
            return false;
        seen[i - from] = true;
    }
    return true;
}

fail form_check(const struct paper *paper, const struct json *form, str *path, struct why *why)
{
    fail f = json_str(form, "paper", true, path, why);
    if (f)
        return f;
    const struct json *items = json_get(form, STR("items"));
    if (!items || items->type != JSON_ARRAY)
        return fail_set(why, FAIL_INPUT, "the form has no items");
    if (!paper->items)
        return FAIL_NONE; /* the first form comes before the first paper */
    bool seen[PAPER_ITEMS_MAX + 1] = { false };
    for (const struct json *json = items->first; json; json = json->next) {
        int64_t i = 0;
        f = json_i64(json, "item", true, 1, (int64_t)paper->items, &i, why);
        if (f)
            return f;
        const struct json *options = json_get(json, STR("options"));
        if (seen[i] ||
            (paper->item[i].options && !is_permutation(options, 0, paper->item[i].options)))
            return fail_set(why, FAIL_INPUT, "the form is not a permutation at item %lld",
                            (long long)i);
        seen[i] = true;
    }
    if (items->count != paper->items)
        return fail_set(why, FAIL_INPUT, "the form has %zu of %u items", items->count,
                        paper->items);
    return FAIL_NONE;
}

static unsigned choose_several(struct chance *chance, char *value, unsigned options)
{
    unsigned n = 0, sure = (unsigned)chance_below(chance, options);
    for (unsigned i = 0; i < options; i++)
        if (i == sure || chance_below(chance, 4) == 0)
            value[n++] = (char)('A' + i);
    return n;
}

/* Typed text stretches the path of bytes: quotes, backslashes, other scripts. */
static unsigned type_blank(struct chance *chance, char *value, size_t room, bool number)
{
    static const char *const words[] = { "energy", "\"force\"", "a\\b", "हवा", "水", "x^2", "Zoë" };
    if (!number)
        return (unsigned)snprintf(value, room, "%s %u", words[chance_below(chance, COUNT(words))],
                                  (unsigned)chance_below(chance, 1000));
    int whole = (int)chance_below(chance, 2000) - 1000;
    unsigned part = (unsigned)chance_below(chance, 100);
    return (unsigned)snprintf(value, room, part < 50 ? "%d" : "%d.%u", whole, part);
}

void answer_make(struct answer *answer, const struct paper_item *item, uint64_t who, unsigned i,
                 uint32_t key)
{
    struct chance chance;
    chance_sim_init(&chance, (who + 1) * 0x9e3779b97f4a7c15u ^ (uint64_t)i << 44 ^ key);
    answer->none = chance_below(&chance, 100) < 6;
    answer->marked = chance_below(&chance, 100) < 15;
    answer->bytes = 0;
    if (answer->none)
        return;
    if (item->kind == PAPER_SINGLE) {
        answer->value[0] = (char)('A' + chance_below(&chance, item->options));
        answer->bytes = 1;
    } else if (item->kind == PAPER_SEVERAL) {
        answer->bytes = choose_several(&chance, answer->value, item->options);
    } else {
        for (unsigned b = 0; b < item->blanks && answer->bytes < VALUE_BYTES_MAX - 40; b++) {
            if (b)
                answer->value[answer->bytes++] = ';';
            answer->bytes +=
                type_blank(&chance, answer->value + answer->bytes, 32, item->kind == PAPER_NUMBER);
        }
    }
}

bool answer_is(const struct answer *answer, bool none, str value)
{
    return answer->none ? none : !none && str_eq(value, str_of(answer->value, answer->bytes));
}
