/* challenge.c - see challenge.h.
 *
 * A scheme is a word followed by a blank; a parameter is a word followed by '='. Commas separate
 * both, so the word alone does not tell which it is: what follows it does. */
#include "platform/challenge.h"

static bool is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip(str *rest, const char *blanks)
{
    while (rest->n && rest->p[0] && strchr(blanks, rest->p[0]))
        *rest = str_from(*rest, 1);
}

static str take_token(str *rest)
{
    size_t n = 0;
    while (n < rest->n && is_token(rest->p[n]))
        n++;
    str token = str_first(*rest, n);
    *rest = str_from(*rest, n);
    return token;
}

/* Quoted, or a token. A backslash in quotes is legal, but no registry's address has one: refused,
 * so that values need no copy. */
static bool take_value(str *rest, str *value)
{
    if (rest->n == 0 || rest->p[0] != '"') {
        *value = take_token(rest);
        return value->n > 0;
    }
    size_t n = 1;
    for (; n < rest->n && rest->p[n] != '"'; n++)
        if ((unsigned char)rest->p[n] < ' ' || (unsigned char)rest->p[n] >= 0x7f ||
            rest->p[n] == '\\')
            return false;
    if (n == rest->n)
        return false;
    *value = str_of(rest->p + 1, n - 1);
    *rest = str_from(*rest, n + 1);
    return true;
}

static void keep(struct challenge *challenge, str name, str value)
{
    if (str_eq_nocase(name, STR("realm")))
        challenge->realm = value;
    else if (str_eq_nocase(name, STR("service")))
        challenge->service = value;
    else if (str_eq_nocase(name, STR("scope")))
        challenge->scope = value;
}

bool challenge_read(struct challenge *challenge, str text)
{
    bool in_bearer = false;
    *challenge = (struct challenge){ .realm = STR(""), .service = STR(""), .scope = STR("") };
    for (str rest = text;;) {
        skip(&rest, " \t\n,");
        if (rest.n == 0)
            return challenge->basic || challenge->bearer;
        str word = take_token(&rest), value;
        if (word.n == 0)
            return false;
        skip(&rest, " \t");
        if (rest.n && rest.p[0] == '=') {
            rest = str_from(rest, 1);
            skip(&rest, " \t");
            if (!take_value(&rest, &value))
                return false;
            if (in_bearer)
                keep(challenge, word, value);
            continue;
        }
        in_bearer = str_eq_nocase(word, STR("Bearer")) && !challenge->bearer;
        challenge->bearer |= in_bearer;
        challenge->basic |= str_eq_nocase(word, STR("Basic"));
    }
}
