/* scoring_core.c - see scoring_core.h. A hall marks 450,000 sheets at once: choices take a few
 * nanoseconds and touch only the first bytes of their key. */
#include "svc/scoring/scoring_core.h"
#include "svc/scoring/score_text.h"

#define MILLI_PER_MARK 1000
#define NOT_LETTERS    (-1)

const char *const score_outcome_names[SCORE_OUTCOMES] = { "blank", "wrong", "partly", "right" };

static struct score as_rule(const struct score_rule *rule, bool right)
{
    return right ? (struct score){ rule->right, OUTCOME_RIGHT }
                 : (struct score){ rule->wrong, OUTCOME_WRONG };
}

/* "ACD" as bits; NOT_LETTERS unless ascending letters of possible options. */
static int letters_of(str value)
{
    int set = 0;
    for (size_t i = 0; i < value.n; i++) {
        int bit = 1 << (value.p[i] >= 'A' && value.p[i] <= 'H' ? value.p[i] - 'A' : 8);
        if (bit == 1 << 8 || bit <= set)
            return NOT_LETTERS;
        set |= bit;
    }
    return set;
}

static struct score score_single(const struct score_key *key, const struct score_rule *rule,
                                 str value)
{
    int set = value.n == 1 ? letters_of(value) : NOT_LETTERS;
    return as_rule(rule, set != NOT_LETTERS && (set & key->sets[0]));
}

static int32_t subset_milli(const struct score_rule *rule, int chosen)
{
    return MIN((int32_t)__builtin_popcount((unsigned)chosen) * MILLI_PER_MARK, rule->right);
}

static struct score score_several(const struct score_key *key, const struct score_rule *rule,
                                  str value)
{
    int set = letters_of(value);
    bool partly = false;
    if (set == NOT_LETTERS)
        return as_rule(rule, false);
    for (unsigned i = 0; i < key->set_count; i++) {
        if (set == key->sets[i])
            return as_rule(rule, true);
        partly |= rule->partial == PARTIAL_SUBSET && (set & ~key->sets[i]) == 0;
    }
    return partly ? (struct score){ subset_milli(rule, set), OUTCOME_PARTLY }
                  : as_rule(rule, false);
}

static struct score score_number(const struct score_key *key, const struct score_rule *rule,
                                 str value)
{
    struct decimal d;
    bool right = false;
    if (decimal_parse_cut(value, &d))
        for (unsigned i = 0; i < key->range_count; i++)
            right |= decimal_within(d, key->ranges[i].from, key->ranges[i].to);
    return as_rule(rule, right);
}

static bool blank_is_right(const struct score_key *key, unsigned blank, str typed)
{
    char plain[2 * SCORE_TEXT_BYTES_MAX];
    size_t n;
    if (!score_text_normal(typed, plain, sizeof(plain), &n))
        return false;
    for (unsigned i = 0; i < key->text_count; i++)
        if (key->texts[i].blank == blank &&
            score_text_same(key->texts[i].normal, (str){ plain, n }))
            return true;
    return false;
}

static struct score score_texts(const struct score_key *key, const struct score_rule *rule,
                                str value)
{
    for (unsigned blank = 0; blank < key->blanks; blank++) {
        str typed = value.p ? str_cut(&value, ';') : STR_NONE;
        if (!blank_is_right(key, blank, typed))
            return as_rule(rule, false);
    }
    return as_rule(rule, value.p == NULL); /* nothing may follow the last blank */
}

/* Typed answers: nothing but blanks and separators is no answer. */
static bool is_blank(const struct score_key *key, str value)
{
    if (key->kind <= SCORE_SEVERAL)
        return value.n == 0;
    for (size_t i = 0; i < value.n; i++)
        if (!strchr(" \t\r\n", value.p[i]) && !(value.p[i] == ';' && key->kind == SCORE_TEXT))
            return false;
    return true;
}

struct score score_item(const struct score_key *key, const struct score_rule *rule, str value)
{
    if (key->dropped)
        return as_rule(rule, true);
    if (is_blank(key, value))
        return (struct score){ 0, OUTCOME_BLANK };
    switch ((enum score_kind)key->kind) {
    case SCORE_SINGLE:
        return score_single(key, rule, value);
    case SCORE_SEVERAL:
        return score_several(key, rule, value);
    case SCORE_NUMBER:
        return score_number(key, rule, value);
    case SCORE_TEXT:
        return score_texts(key, rule, value);
    }
    never("a key of no kind");
}
