/* yaml_out.c - see yaml_out.h. */
#include "codec/yaml_out.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Safe without quotes everywhere: begins with a letter, and is no word that YAML 1.1 or 1.2 reads
 * as something else than text. */
static bool is_plain(str text)
{
    static const char *const words[] = { "true", "false", "null", "yes", "no", "on",  "off",
                                         "y",    "n",     "inf",  "nan", "e",  "null" };
    if (!text.n || !is_letter(text.p[0]))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (!is_letter(text.p[i]) && !(text.p[i] >= '0' && text.p[i] <= '9') &&
            !memchr("-_./", text.p[i], 4))
            return false;
    for (size_t i = 0; i < COUNT(words); i++)
        if (str_eq_nocase(text, str_z(words[i])))
            return false;
    return true;
}

void yaml_scalar(struct out *out, str text)
{
    if (is_plain(text))
        out_str(out, text);
    else
        out_json(out, text.p ? text : STR("")); /* a JSON string is a YAML string */
}

static void begin(struct yaml_out *y, const char *key)
{
    int blanks = 2 * y->depth - (y->dash ? 2 : 0);
    out_fmt(y->out, "%*s%s", blanks, "", y->dash ? "- " : "");
    y->dash = false;
    if (!key)
        return;
    yaml_scalar(y->out, str_z(key));
    out_char(y->out, ':');
}

void yo_open(struct yaml_out *y, const char *key)
{
    begin(y, key);
    out_char(y->out, '\n');
    y->depth++;
}

void yo_close(struct yaml_out *y)
{
    y->depth--;
}

void yo_item(struct yaml_out *y)
{
    y->depth++;
    y->dash = true;
}

void yo_item_end(struct yaml_out *y)
{
    y->depth--;
    y->dash = false;
}

void yo_str(struct yaml_out *y, const char *key, str text)
{
    begin(y, key);
    out_char(y->out, ' ');
    yaml_scalar(y->out, text);
    out_char(y->out, '\n');
}

void yo_z(struct yaml_out *y, const char *key, const char *text)
{
    yo_str(y, key, str_z(text));
}

void yo_i64(struct yaml_out *y, const char *key, int64_t v)
{
    begin(y, key);
    out_fmt(y->out, " %lld\n", (long long)v);
}

void yo_bool(struct yaml_out *y, const char *key, bool v)
{
    begin(y, key);
    out_z(y->out, v ? " true\n" : " false\n");
}

void yo_empty(struct yaml_out *y, const char *key, const char *brackets)
{
    begin(y, key);
    out_fmt(y->out, " %s\n", brackets);
}

void yo_comment(struct yaml_out *y, const char *text)
{
    out_fmt(y->out, "\n%*s# %s\n", 2 * y->depth, "", text);
}

static void write_members(struct yaml_out *y, const struct yaml *node)
{
    for (const struct yaml *member = node->first; member; member = member->next) {
        if (node->kind == YAML_MAP) {
            yo_tree(y, member->key.p, member);
        } else if (member->kind == YAML_SCALAR) {
            out_fmt(y->out, "%*s- ", 2 * y->depth, "");
            yaml_scalar(y->out, member->text);
            out_char(y->out, '\n');
        } else {
            yo_item(y);
            write_members(y, member);
            yo_item_end(y);
        }
    }
}

void yo_tree(struct yaml_out *y, const char *key, const struct yaml *node)
{
    if (node->kind == YAML_SCALAR) {
        yo_str(y, key, node->text);
    } else if (!node->first) {
        yo_empty(y, key, node->kind == YAML_MAP ? "{}" : "[]");
    } else {
        yo_open(y, key);
        write_members(y, node);
        yo_close(y);
    }
}
