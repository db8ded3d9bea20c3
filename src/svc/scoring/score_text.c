/* score_text.c - see score_text.h. First every character is folded to its plain one, then one pass
 * with a little recursion (fractions, roots, powers, brackets) writes the result. */
#include "svc/scoring/score_text.h"
#include "codec/decimal.h"

#define FOLDED_BYTES_MAX 1024
#define NESTED_MAX       16

struct pair {
    const char *from, *to;
};

/* What people type or paste, and its plain form. "" is nothing. None is longer than its source. */
static const struct pair plain_characters[] = {
    { "−", "-" },
    { "–", "-" },
    { "—", "-" },
    { "‐", "-" },
    { "‑", "-" },
    { "﹣", "-" },
    { "×", "*" },
    { "·", "*" },
    { "⋅", "*" },
    { "∙", "*" },
    { "÷", "/" },
    { "∕", "/" },
    { "⁄", "/" },
    { "≤", "<=" },
    { "≥", ">=" },
    { "⩽", "<=" },
    { "⩾", ">=" },
    { "²", "^2" },
    { "³", "^3" },
    { "¹", "^1" },
    { "⁰", "^0" },
    { "⁴", "^4" },
    { "⁵", "^5" },
    { "⁶", "^6" },
    { "⁷", "^7" },
    { "⁸", "^8" },
    { "⁹", "^9" },
    { "º", "°" },
    { "′", "'" },
    { "’", "'" },
    { "‘", "'" },
    { "“", "\"" },
    { "”", "\"" },
    { "、", "," },
    { "。", "." },
    { "【", "[" },
    { "】", "]" },
    { "⋃", "∪" },
    { "⋂", "∩" },
    { "\xc2\xa0", " " },     /* no-break space */
    { "\xe3\x80\x80", " " }, /* ideographic space */
    { "\xe2\x80\x89", " " }, /* thin space */
    { "\xe2\x80\xaf", " " }, /* narrow no-break space */
    { "\xe2\x80\x8b", "" },  /* zero width: space, joiners, byte order mark */
    { "\xe2\x80\x8c", "" },
    { "\xe2\x80\x8d", "" },
    { "\xef\xbb\xbf", "" },
};

/* TeX commands. NULL is not here: unknown ones stand for their name (\sin is sin). */
static const struct pair commands[] = {
    { "left", "" },        { "right", "" },     { "quad", "" },         { "qquad", "" },
    { "mathrm", "" },      { "text", "" },      { "mathbf", "" },       { "mathit", "" },
    { "textbf", "" },      { "rm", "" },        { "bf", "" },           { "operatorname", "" },
    { "boldsymbol", "" },  { "limits", "" },    { "bigl", "" },         { "bigr", "" },
    { "big", "" },         { "Big", "" },       { "displaystyle", "" }, { "mathbb", "" },
    { "pi", "π" },         { "alpha", "α" },    { "beta", "β" },        { "gamma", "γ" },
    { "delta", "δ" },      { "Delta", "Δ" },    { "theta", "θ" },       { "lambda", "λ" },
    { "mu", "μ" },         { "rho", "ρ" },      { "sigma", "σ" },       { "varphi", "φ" },
    { "phi", "φ" },        { "omega", "ω" },    { "Omega", "Ω" },       { "epsilon", "ε" },
    { "varepsilon", "ε" }, { "infty", "∞" },    { "cup", "∪" },         { "cap", "∩" },
    { "pm", "±" },         { "mp", "∓" },       { "times", "*" },       { "cdot", "*" },
    { "div", "/" },        { "leq", "<=" },     { "le", "<=" },         { "leqslant", "<=" },
    { "geq", ">=" },       { "ge", ">=" },      { "geqslant", ">=" },   { "neq", "≠" },
    { "ne", "≠" },         { "in", "∈" },       { "notin", "∉" },       { "circ", "°" },
    { "degree", "°" },     { "emptyset", "∅" }, { "varnothing", "∅" },  { "angle", "∠" },
    { "triangle", "△" },   { "perp", "⊥" },     { "parallel", "∥" },    { "to", "→" },
    { "rightarrow", "→" }, { "mid", "|" },      { "vert", "|" },        { "prime", "'" },
    { "ldots", "…" },      { "cdots", "…" },    { "dots", "…" },        { "lbrace", "{" },
    { "rbrace", "}" },     { "lt", "<" },       { "gt", ">" },
};

struct writer {
    char *p;
    size_t n, cap;
    unsigned nested;
    bool failed;
};

static void write_text(struct writer *writer, str rest);

static void put(struct writer *writer, str s)
{
    if (s.n > writer->cap - writer->n) {
        writer->failed = true;
        return;
    }
    if (s.n)
        memcpy(writer->p + writer->n, s.p, s.n);
    writer->n += s.n;
}

static const struct pair *pair_of(const struct pair *pairs, size_t count, str name)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(str_z(pairs[i].from), name))
            return &pairs[i];
    return NULL;
}

/* --- step one: characters ----------------------------------------------------------------------
 */

static size_t character_bytes(str s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    return MIN(n, s.n);
}

/* U+FF01 to U+FF5E are ASCII moved up; 0 for any other character. */
static char full_width(str c)
{
    if (c.n != 3 || c.p[0] != '\xef')
        return 0;
    unsigned point =
        0xf000u | ((unsigned char)c.p[1] & 0x3fu) << 6 | ((unsigned char)c.p[2] & 0x3fu);
    return point >= 0xff01 && point <= 0xff5e ? (char)(point - 0xff01 + '!') : 0;
}

static void fold_character(struct writer *folded, str c)
{
    char ascii = c.n == 1 ? c.p[0] : full_width(c);
    if (ascii) {
        bool blank = (unsigned char)ascii <= ' ' || ascii == '~';
        put(folded, blank ? STR(" ") : ascii == '$' ? STR_NONE : str_of(&ascii, 1));
        return;
    }
    const struct pair *pair = pair_of(plain_characters, COUNT(plain_characters), c);
    put(folded, pair ? str_z(pair->to) : c);
}

static void fold(struct writer *folded, str text)
{
    bool power = false; /* the last character was a superscript digit: ¹⁰ is ^10 */
    while (text.n) {
        str c = str_first(text, character_bytes(text));
        size_t before = folded->n;
        text = str_from(text, c.n);
        fold_character(folded, c);
        bool raised = c.n > 1 && folded->n == before + 2 && folded->p[before] == '^';
        if (raised && power) {
            folded->p[before] = folded->p[before + 1];
            folded->n--;
        }
        power = raised;
    }
}

/* --- step two: structure -----------------------------------------------------------------------
 */

static void skip_blanks(str *rest)
{
    while (rest->n && rest->p[0] == ' ')
        *rest = str_from(*rest, 1);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return (c >= '0' && c <= '9') || c == '.';
}

static str take_letters(str *rest)
{
    size_t n = 0;
    while (n < rest->n && is_letter(rest->p[n]))
        n++;
    str run = str_first(*rest, n);
    *rest = str_from(*rest, n);
    return run;
}

/* The length of the bracketed text that starts s, brackets included; 0 when it never closes. */
static size_t bracketed(str s, char open, char close)
{
    unsigned depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        depth += s.p[i] == open;
        depth -= s.p[i] == close && depth > 0;
        if (depth == 0)
            return i + 1;
    }
    return 0;
}

static bool starts_with(str s, char c)
{
    return s.n && s.p[0] == c;
}

/* Takes "{...}" or "(...)" and gives what is inside. */
static bool take_group(str *rest, char open, char close, str *inside)
{
    size_t n = starts_with(*rest, open) ? bracketed(*rest, open, close) : 0;
    if (n == 0)
        return false;
    *inside = str_first(str_from(*rest, 1), n - 2);
    *rest = str_from(*rest, n);
    return true;
}

/* What a TeX command or a power applies to: a group, a command, or one character. */
static str take_argument(str *rest)
{
    str argument = STR_NONE;
    skip_blanks(rest);
    if (take_group(rest, '{', '}', &argument) || rest->n == 0)
        return argument;
    str start = *rest;
    if (starts_with(*rest, '\\')) {
        *rest = str_from(*rest, 1);
        if (take_letters(rest).n == 0)
            *rest = str_from(*rest, 1);
    } else {
        *rest = str_from(*rest, character_bytes(*rest));
    }
    return str_first(start, start.n - rest->n);
}

/* The length of a number, of one letter, or of "(...)" at the start of a plain form. */
static size_t atom_bytes(str s)
{
    size_t n = 0;
    while (n < s.n && is_digit(s.p[n]))
        n++;
    if (n || s.n == 0)
        return n;
    if (s.p[0] == '(')
        return bracketed(s, '(', ')');
    return is_letter(s.p[0]) || (unsigned char)s.p[0] >= 0x80 ? character_bytes(s) : 0;
}

static bool is_atom(str s)
{
    return s.n && atom_bytes(s) == s.n;
}

/* An atom, its root, or either with a power: may stand below a fraction's line without brackets. */
static bool is_factor(str s)
{
    if (str_starts(s, STR("√")))
        s = str_from(s, STR("√").n);
    size_t n = atom_bytes(s);
    if (n && n < s.n && s.p[n] == '^')
        return is_atom(str_from(s, n + 1));
    return n && n == s.n;
}

/* Nothing at the top level that binds weaker than a fraction's line: may stand above it. */
static bool is_product(str s)
{
    unsigned depth = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        depth += c == '(' || c == '[' || c == '{';
        depth -= depth > 0 && (c == ')' || c == ']' || c == '}');
        if (depth == 0 && (c == '/' || c == ',' || c == '=' || c == '<' || c == '>' ||
                           (i > 0 && (c == '+' || c == '-'))))
            return false;
    }
    return s.n > 0;
}

/* Writes the plain form of `inside`, in brackets unless `bare` says that it needs none. */
static void write_group(struct writer *writer, str inside, bool (*bare)(str))
{
    size_t start = writer->n;
    put(writer, STR("("));
    if (++writer->nested > NESTED_MAX)
        writer->failed = true;
    else
        write_text(writer, inside);
    writer->nested--;
    if (writer->failed)
        return;
    str written = { writer->p + start + 1, writer->n - start - 1 };
    if (bare(written)) {
        memmove(writer->p + start, written.p, written.n);
        writer->n--;
    } else {
        put(writer, STR(")"));
    }
}

static void write_fraction(struct writer *writer, str above, str below)
{
    write_group(writer, above, is_product);
    put(writer, STR("/"));
    write_group(writer, below, is_factor);
}

static void write_root(struct writer *writer, str *rest)
{
    str inside, index;
    skip_blanks(rest);
    if (take_group(rest, '[', ']', &index)) { /* \sqrt[3]{x} */
        put(writer, STR("["));
        put(writer, index);
        put(writer, STR("]"));
    }
    put(writer, STR("√"));
    skip_blanks(rest);
    if (take_group(rest, '{', '}', &inside) || take_group(rest, '(', ')', &inside))
        write_group(writer, inside, is_atom);
}

static void write_power(struct writer *writer, char sign, str *rest)
{
    str inside;
    size_t start = writer->n;
    put(writer, str_of(&sign, 1));
    skip_blanks(rest);
    if (!take_group(rest, '(', ')', &inside))
        inside = take_argument(rest);
    write_group(writer, inside, is_atom);
    str written = { writer->p + start, writer->n - start };
    if (str_eq(written, STR("^°"))) {
        writer->n = start;
        put(writer, STR("°"));
    }
}

static void write_circled(struct writer *writer, str inside)
{
    uint64_t number;
    char circled[] = "\xe2\x91\xa0"; /* U+2460, and nineteen more behind it */
    if (str_u64(str_trim(inside), &number) && number >= 1 && number <= 20) {
        circled[2] = (char)(0xa0 + number - 1);
        put(writer, str_z(circled));
    } else {
        write_text(writer, inside);
    }
}

static void write_command(struct writer *writer, str *rest)
{
    str name = take_letters(rest);
    if (name.n == 0) { /* \, \; \! and \ are blanks; \{ \} \% are themselves */
        str c = str_first(*rest, 1);
        *rest = str_from(*rest, 1);
        if (c.n && !strchr(",;:! ", c.p[0]))
            put(writer, c);
        return;
    }
    if (str_eq(name, STR("frac")) || str_eq(name, STR("dfrac")) || str_eq(name, STR("tfrac"))) {
        str above = take_argument(rest), below = take_argument(rest);
        write_fraction(writer, above, below);
    } else if (str_eq(name, STR("sqrt"))) {
        write_root(writer, rest);
    } else if (str_eq(name, STR("textcircled"))) {
        write_circled(writer, take_argument(rest));
    } else {
        const struct pair *pair = pair_of(commands, COUNT(commands), name);
        put(writer, pair ? str_z(pair->to) : name);
    }
}

static void write_word(struct writer *writer, str *rest)
{
    str word = take_letters(rest);
    if (str_eq_nocase(word, STR("pi"))) {
        put(writer, STR("π"));
        return;
    }
    if (str_eq_nocase(str_first(word, 4), STR("sqrt"))) {
        *rest = (str){ word.p + 4, rest->n + word.n - 4 };
        write_root(writer, rest);
        return;
    }
    for (size_t i = 0; i < word.n; i++) {
        char c = word.p[i] <= 'Z' ? (char)(word.p[i] + 32) : word.p[i];
        put(writer, str_of(&c, 1));
    }
}

/* "(2√5)/5": brackets above the line, when nothing before them binds to them. */
static bool write_bracketed_fraction(struct writer *writer, str *rest)
{
    str inside, after = *rest;
    char before = writer->n ? writer->p[writer->n - 1] : '(';
    if (!strchr("(=+-,<>", before) || !take_group(&after, '(', ')', &inside))
        return false;
    skip_blanks(&after);
    if (!starts_with(after, '/'))
        return false;
    write_group(writer, inside, is_product);
    *rest = after;
    return true;
}

static void write_slash(struct writer *writer, str *rest)
{
    str inside;
    *rest = str_from(*rest, 1);
    put(writer, STR("/"));
    skip_blanks(rest);
    if (take_group(rest, '(', ')', &inside))
        write_group(writer, inside, is_factor);
}

static void write_text(struct writer *writer, str rest)
{
    while (rest.n && !writer->failed) {
        char c = rest.p[0];
        if (is_letter(c)) {
            write_word(writer, &rest);
            continue;
        }
        if (c == '/') {
            write_slash(writer, &rest);
            continue;
        }
        if (c == '(' && write_bracketed_fraction(writer, &rest))
            continue;
        str one = str_first(rest, character_bytes(rest));
        rest = str_from(rest, one.n);
        if (c == '\\')
            write_command(writer, &rest);
        else if (c == '^' || c == '_')
            write_power(writer, c, &rest);
        else if (str_eq(one, STR("√")))
            write_root(writer, &rest);
        else if (c != ' ' && c != '{' && c != '}')
            put(writer, one);
    }
}

bool score_text_normal(str text, char *out, size_t cap, size_t *n)
{
    char plain[FOLDED_BYTES_MAX];
    struct writer folded = { .p = plain, .cap = sizeof(plain) };
    struct writer writer = { .p = out, .cap = cap };
    fold(&folded, text);
    if (folded.failed)
        return false;
    write_text(&writer, (str){ plain, folded.n });
    *n = writer.n;
    return !writer.failed;
}

bool score_text_same(str a, str b)
{
    struct decimal x, y;
    if (str_eq(a, b))
        return true;
    return decimal_parse(a, &x) && decimal_parse(b, &y) && decimal_compare(x, y) == 0;
}
