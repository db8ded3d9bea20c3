/* import_gift.c - papers in Moodle's GIFT format; what is taken and what is refused is in import.h.
 *
 * A question ends at an empty line, as in Moodle, so a brace that is never closed costs one
 * question. A refusal names the line its question begins on. Feedback is left out: it is not for
 * exams. */
#include "svc/itembank/importer.h"

#define ANSWERS_MAX 32

struct answer {
    char mark; /* '=' or '~' */
    bool has_weight;
    int64_t weight; /* in 1/100,000 of a percent */
    str text;       /* still escaped */
};
#define WEIGHT_FULL  10000000
#define WEIGHT_SLACK 10000 /* 3 x 33.33333 is not 100 */

struct question {
    struct importer *importer;
    struct item *item;
    struct why *why;
    bool html;
    struct answer answers[ANSWERS_MAX];
    unsigned answer_count;
};

static fail refuse(struct question *question, const char *what)
{
    return fail_set(question->why, FAIL_INPUT, "%s", what);
}

/* --- text --------------------------------------------------------------------------------------
 */

/* The first of `chars` that no backslash escapes; -1 when there is none. */
static ptrdiff_t find_plain(str s, const char *chars)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\')
            i++;
        else if (s.p[i] && strchr(chars, s.p[i]))
            return (ptrdiff_t)i;
    }
    return -1;
}

static str until_plain(str s, const char *chars)
{
    ptrdiff_t at = find_plain(s, chars);
    return at < 0 ? s : str_first(s, (size_t)at);
}

/* \( \) \[ \] and $$ are what Moodle writes where we write a dollar sign. */
static bool take_math(str s, size_t *n)
{
    *n = 2;
    return s.n >= 2 && ((s.p[0] == '\\' && strchr("()[]", s.p[1])) || str_starts(s, STR("$$")));
}

static size_t math_to_dollars(char *p, size_t n)
{
    size_t kept = 0, width;
    for (size_t i = 0; i < n; i++) {
        bool math = take_math((str){ p + i, n - i }, &width);
        p[kept++] = math ? '$' : p[i];
        i += math ? width - 1 : 0;
    }
    return kept;
}

/* <p>, <br> and <div> end lines, emphasis goes, any other element is refused by name. */
static fail take_tag(struct question *question, str *rest, char *c)
{
    static const char *const lines[] = { "p", "br", "div", "br/", NULL };
    static const char *const dropped[] = { "b", "i", "em", "strong", "u", "span", NULL };
    str tag = str_from(*rest, 1);
    ptrdiff_t end = str_find(tag, '>');
    if (end < 0)
        return refuse(question, "An HTML element in the text never ends.");
    *rest = str_from(tag, (size_t)end + 1);
    tag = str_first(tag, (size_t)end);
    if (str_starts(tag, STR("/")))
        tag = str_from(tag, 1);
    str name = str_cut(&tag, ' ');
    *c = 0;
    for (size_t i = 0; lines[i]; i++)
        if (str_eq_nocase(name, str_z(lines[i])))
            *c = '\n';
    for (size_t i = 0; dropped[i] && !*c; i++)
        if (str_eq_nocase(name, str_z(dropped[i])))
            return FAIL_NONE;
    return *c ? FAIL_NONE
              : fail_set(question->why, FAIL_INPUT,
                         "The HTML element <%.*s> has no place in a paper.",
                         STR_ARG(str_first(name, 20)));
}

static char take_entity(str *rest)
{
    static const struct {
        const char *name;
        char c;
    } entities[] = { { "&lt;", '<' },    { "&gt;", '>' },   { "&amp;", '&' }, { "&quot;", '"' },
                     { "&apos;", '\'' }, { "&#39;", '\'' }, { "&nbsp;", ' ' } };
    for (size_t i = 0; i < COUNT(entities); i++) {
        if (str_starts(*rest, str_z(entities[i].name))) {
            *rest = str_from(*rest, strlen(entities[i].name));
            return entities[i].c;
        }
    }
    *rest = str_from(*rest, 1);
    return '&';
}

static fail html_to_plain(struct question *question, char *p, size_t *n)
{
    str rest = { p, *n };
    size_t kept = 0;
    while (rest.n) {
        char c = rest.p[0];
        fail f = FAIL_NONE;
        if (c == '<')
            f = take_tag(question, &rest, &c);
        else if (c == '&')
            c = take_entity(&rest);
        else
            rest = str_from(rest, 1);
        if (f)
            return f;
        if (c)
            p[kept++] = c;
    }
    *n = kept;
    return FAIL_NONE;
}

/* Takes the escapes out, and what Moodle's text formats put in. */
static fail plain(struct question *question, str s, str *out)
{
    char *p = arena_bytes(&question->importer->arena, s.n);
    if (!p)
        return refuse(question, "The question is too large.");
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], next = i + 1 < s.n ? s.p[i + 1] : 0;
        bool escape = c == '\\' && next && strchr("~=#{}:\\n", next);
        if (escape)
            i++;
        p[n++] = !escape ? c : next == 'n' ? '\n' : next;
    }
    fail f = question->html ? html_to_plain(question, p, &n) : FAIL_NONE;
    n = math_to_dollars(p, n);
    *out = str_trim((str){ p, n });
    return f;
}

/* [html], [markdown], [moodle], [plain]: how a text is meant. */
static void take_format(struct question *question, str *rest)
{
    static const char *const formats[] = { "[html]", "[markdown]", "[moodle]", "[plain]" };
    *rest = str_trim(*rest);
    for (size_t i = 0; i < COUNT(formats); i++) {
        if (str_starts(*rest, str_z(formats[i]))) {
            question->html = i == 0;
            *rest = str_from(*rest, strlen(formats[i]));
        }
    }
}

/* --- answers -----------------------------------------------------------------------------------
 */

static fail take_weight(struct question *question, str *rest, struct answer *answer)
{
    *rest = str_trim(*rest);
    if (!str_starts(*rest, STR("%")))
        return FAIL_NONE;
    str after = str_from(*rest, 1), text = str_cut(&after, '%');
    struct decimal weight;
    if (!after.p || !decimal_parse(text, &weight) || weight.scale > 5 ||
        weight.mantissa > WEIGHT_FULL || weight.mantissa < -WEIGHT_FULL)
        return refuse(question, "A weight must be written as %50% or %33.33333%.");
    answer->weight = weight.mantissa;
    for (unsigned i = weight.scale; i < 5; i++)
        answer->weight *= 10;
    answer->has_weight = true;
    *rest = after;
    return answer->weight > WEIGHT_FULL ? refuse(question, "A weight is above 100%.") : FAIL_NONE;
}

/* Cuts "=a#feedback ~%50%b" into answers. */
static fail split(struct question *question, str s)
{
    if (str_trim(until_plain(s, "=~")).n)
        return refuse(question, "The answer part must begin with = or ~ (or #, T, F).");
    s = str_from(s, until_plain(s, "=~").n);
    while (s.n) {
        struct answer answer = { .mark = s.p[0] };
        str rest = str_from(s, 1);
        str one = until_plain(rest, "=~");
        s = str_from(rest, one.n);
        fail f = take_weight(question, &one, &answer);
        if (f)
            return f;
        take_format(question, &one);
        answer.text = str_trim(until_plain(one, "#"));
        if (question->answer_count == ANSWERS_MAX)
            return refuse(question, "The question has more than 32 answers.");
        question->answers[question->answer_count++] = answer;
    }
    return FAIL_NONE;
}

static bool is_part(const struct answer *answer)
{
    return answer->has_weight && answer->weight > 0 && answer->weight < WEIGHT_FULL;
}

static fail refuse_parts(struct question *question)
{
    for (unsigned i = 0; i < question->answer_count; i++)
        if (question->answers[i].mark == '='
                ? question->answers[i].has_weight && question->answers[i].weight != WEIGHT_FULL
                : is_part(&question->answers[i]))
            return refuse(question,
                          "An answer is worth a part of the marks, which this kind of item "
                          "cannot have.");
    return FAIL_NONE;
}

/* Without any '=': the right ones share 100% evenly, the others have 0 or less. */
static fail check_shares(struct question *question)
{
    int64_t first = 0, sum = 0;
    for (unsigned i = 0; i < question->answer_count; i++) {
        int64_t weight = question->answers[i].weight;
        if (weight <= 0)
            continue;
        first = first ? first : weight;
        sum += weight;
        if (weight - first > WEIGHT_SLACK || first - weight > WEIGHT_SLACK)
            return refuse(question, "The right options have different weights.");
    }
    if (sum == 0)
        return refuse(question, "No option is marked as right.");
    if (sum < WEIGHT_FULL - WEIGHT_SLACK || sum > WEIGHT_FULL + WEIGHT_SLACK)
        return refuse(question, "The weights of the right options do not add up to 100%.");
    return FAIL_NONE;
}

static fail read_choice(struct question *question)
{
    struct item *item = question->item;
    bool single = false;
    for (unsigned i = 0; i < question->answer_count; i++)
        single |= question->answers[i].mark == '=';
    *item = (struct item){ .id = item->id,
                           .section = item->section,
                           .text = item->text,
                           .kind = single ? SCORE_SINGLE : SCORE_SEVERAL,
                           .blanks = 1,
                           .partial = ITEM_PARTIAL_OF_EXAM };
    item->key = item_make(item->kind).key;
    fail f = single ? refuse_parts(question) : check_shares(question);
    if (!f && question->answer_count > ITEM_OPTIONS_MAX)
        f = refuse(question, "The question has more than 8 options.");
    char right[ITEM_OPTIONS_MAX];
    size_t rights = 0;
    for (unsigned i = 0; i < question->answer_count && !f; i++) {
        const struct answer *answer = &question->answers[i];
        f = plain(question, answer->text, &item->options[item->option_count++]);
        if (single ? answer->mark == '=' || answer->weight == WEIGHT_FULL : answer->weight > 0)
            right[rights++] = (char)('A' + i);
    }
    for (size_t i = 0; i < rights && single && !f; i++)
        f = score_key_add_letters(&item->key, (str){ right + i, 1 }, question->why);
    if (!f && !single)
        f = score_key_add_letters(&item->key, (str){ right, rights }, question->why);
    return f;
}

static fail read_short(struct question *question)
{
    fail f = FAIL_NONE;
    for (unsigned i = 0; i < question->answer_count && !f; i++) {
        str text;
        if (str_find_str(question->answers[i].text, STR("->")) >= 0)
            return refuse(question,
                          "Matching questions have no kind here; make each pair a choice.");
        if (find_plain(question->answers[i].text, "*") >= 0)
            return refuse(question,
                          "An answer has the wildcard *; list the accepted texts instead.");
        f = plain(question, question->answers[i].text, &text);
        if (!f)
            f = score_key_add_text(&question->item->key, 0, text, &question->importer->arena,
                                   question->why);
    }
    return f ? f : refuse_parts(question);
}

static fail add_number(struct question *question, str s)
{
    struct decimal from, to, tolerance = { 0, 0 };
    s = str_trim(s);
    ptrdiff_t dots = str_find_str(s, STR(".."));
    if (dots >= 0) {
        if (!decimal_parse(str_first(s, (size_t)dots), &from) ||
            !decimal_parse(str_from(s, (size_t)dots + 2), &to))
            return refuse(question, "A range of numbers must be written as 1.5..2.5.");
        return score_key_add_range(&question->item->key, from, to, question->why);
    }
    str rest = s, middle = str_cut(&rest, ':');
    if (!decimal_parse(middle, &from) || (rest.p && !decimal_parse(rest, &tolerance)))
        return refuse(question, "A number must be written as 9.81 or 9.81:0.05 (no exponent).");
    if (tolerance.mantissa < 0 || !decimal_around(from, tolerance, &from, &to))
        return refuse(question, "A tolerance is negative or too fine.");
    return score_key_add_range(&question->item->key, from, to, question->why);
}

static fail read_number(struct question *question, str s)
{
    question->item->kind = SCORE_NUMBER;
    question->item->key = item_make(SCORE_NUMBER).key;
    if (find_plain(s, "=~") < 0)
        return add_number(question, until_plain(s, "#"));
    fail f = split(question, s);
    if (!f)
        f = refuse_parts(question);
    for (unsigned i = 0; i < question->answer_count && !f; i++)
        f = question->answers[i].mark == '='
                ? add_number(question, question->answers[i].text)
                : refuse(question, "A number's answers must each begin with =.");
    return f;
}

static bool is_true_false(str s, bool *truth)
{
    str word = str_trim(until_plain(s, "#"));
    *truth = str_eq_nocase(word, STR("T")) || str_eq_nocase(word, STR("TRUE"));
    return *truth || str_eq_nocase(word, STR("F")) || str_eq_nocase(word, STR("FALSE"));
}

static fail read_true_false(struct question *question, bool truth)
{
    struct item *item = question->item;
    item->kind = SCORE_SINGLE;
    item->key = item_make(SCORE_SINGLE).key;
    item->options[0] = STR("True");
    item->options[1] = STR("False");
    item->option_count = 2;
    return score_key_add_letters(&item->key, truth ? STR("A") : STR("B"), question->why);
}

static fail read_answers(struct question *question, str s)
{
    bool truth;
    ptrdiff_t general = str_find_str(s, STR("####")); /* feedback on the whole question */
    if (general >= 0)
        s = str_first(s, (size_t)general);
    s = str_trim(s);
    if (s.n == 0)
        return refuse(question, "Essays have no kind here: a platform cannot mark them.");
    if (s.p[0] == '#')
        return read_number(question, str_from(s, 1));
    if (is_true_false(s, &truth))
        return read_true_false(question, truth);
    fail f = split(question, s);
    if (f)
        return f;
    return find_plain(s, "~") >= 0 ? read_choice(question) : read_short(question);
}

/* --- questions ---------------------------------------------------------------------------------
 */

static fail take_title(struct question *question, str *rest)
{
    if (!str_starts(*rest, STR("::")))
        return FAIL_NONE;
    *rest = str_from(*rest, 2);
    for (size_t at = 0; at + 1 < rest->n; at++) {
        if (rest->p[at] == '\\') {
            at++;
        } else if (rest->p[at] == ':' && rest->p[at + 1] == ':') {
            str title = str_first(*rest, at);
            *rest = str_trim(str_from(*rest, at + 2));
            return plain(question, title, &question->item->id);
        }
    }
    return refuse(question, "The title that :: begins never ends.");
}

/* Text before and after the answer part; a gap where the part was in the middle. */
static fail read_text(struct question *question, str before, str after)
{
    str head, tail;
    fail f = plain(question, before, &head);
    if (!f)
        f = plain(question, after, &tail);
    if (f)
        return f;
    question->item->text = tail.n ? arena_fmt(&question->importer->arena, "%.*s _____ %.*s",
                                              STR_ARG(head), STR_ARG(tail))
                                  : head;
    return question->item->text.p ? FAIL_NONE : refuse(question, "The question is too large.");
}

static fail read_question(struct question *question, str text)
{
    str rest = str_trim(text);
    fail f = take_title(question, &rest);
    if (f)
        return f;
    take_format(question, &rest);
    str before = until_plain(rest, "{}");
    rest = str_from(rest, before.n);
    if (rest.n == 0)
        return refuse(question, "The question has no answer part in braces.");
    if (rest.p[0] == '}')
        return refuse(question, "A '}' stands without its '{'; write it as \\}.");
    rest = str_from(rest, 1);
    str answers = until_plain(rest, "{}");
    rest = str_from(rest, answers.n);
    if (!str_starts(rest, STR("}")))
        return refuse(question, "The answer part is not closed with '}' before the empty line.");
    str after = str_from(rest, 1);
    if (find_plain(after, "{}") >= 0)
        return refuse(question, "The question has more than one answer part.");
    f = read_text(question, before, after);
    return f ? f : read_answers(question, answers);
}

/* "$course$/Paper 1/Physics" is the section Physics. */
static str category_section(str line)
{
    str path = str_trim(str_from(line, strlen("$CATEGORY:"))), last = path;
    while (path.p)
        last = str_trim(str_cut(&path, '/'));
    return str_eq_nocase(last, STR("top")) || str_starts(last, STR("$")) ? STR_NONE : last;
}

struct block {
    struct out text; /* the question's lines without comments */
    unsigned line;   /* where it begins; 0: nothing yet */
    str section;
};

static void end_block(struct importer *importer, struct block *block)
{
    struct why why;
    struct item item = item_make(SCORE_TEXT);
    struct question question = { .importer = importer, .item = &item, .why = &why };
    if (block->line == 0)
        return;
    item.section = block->section;
    fail f = block->text.failed ? fail_set(&why, FAIL_LIMIT, "The question is too large.")
                                : read_question(&question, out_view(&block->text));
    if (f)
        importer_refuse(importer, block->line, why.text);
    else
        importer_offer(importer, &item, block->line);
    block->line = 0;
    out_clear(&block->text);
}

void import_gift(struct importer *importer, str bytes)
{
    struct block block = { .text = out_make(512 * KIB) };
    unsigned number = 0;
    while (bytes.p && !importer->stopped) {
        str line = str_trim(str_cut(&bytes, '\n'));
        number++;
        if (str_starts(line, STR("//")))
            continue;
        if (line.n == 0 || str_starts(line, STR("$CATEGORY:"))) {
            end_block(importer, &block);
            if (line.n)
                block.section = category_section(line);
            continue;
        }
        if (block.line)
            out_char(&block.text, '\n');
        else
            block.line = number;
        out_str(&block.text, line);
    }
    if (!importer->stopped)
        end_block(importer, &block);
    out_fini(&block.text);
}
