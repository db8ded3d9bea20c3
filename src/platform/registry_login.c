/* registry_login.c - see registry_login.h. Failures never show what the file holds. */
#include "platform/registry_login.h"

#include "codec/base64.h"
#include "codec/json.h"

static fail split(struct registry_login *login, str both, struct why *why)
{
    login->user = str_cut(&both, ':');
    login->password = both;
    if (!both.p || !login->user.n || str_find(both, '\n') >= 0 || str_find(both, '\r') >= 0)
        return fail_set(why, FAIL_INPUT,
                        "they must be one line, name:password, or docker's config.json");
    return FAIL_NONE;
}

/* docker writes "registry.example.org:5000", older ones "https://registry.example.org:5000/v2/". */
static bool is_for(str key, str host)
{
    if (str_starts(key, STR("https://")))
        key = str_from(key, 8);
    return str_eq(str_cut(&key, '/'), host);
}

static fail read_config(struct registry_login *login, const struct json *root, str host,
                        struct arena *arena, struct why *why)
{
    const struct json *auths = json_get(root, STR("auths"));
    for (const struct json *entry = auths ? auths->first : NULL; entry; entry = entry->next) {
        str text = STR("");
        size_t n;
        if (!is_for(entry->name, host))
            continue;
        fail f = json_str(entry, "auth", false, &text, why);
        if (f)
            return f;
        if (!text.n)
            return fail_set(why, FAIL_INPUT,
                            "the password for %.*s is in a credential helper, which is not asked "
                            "here; write name:password into a file",
                            STR_ARG(host));
        char *bytes = arena_bytes(arena, BASE64_BYTES_MAX(text.n));
        if (!bytes || !base64_decode(BASE64_PADDED, text, bytes, BASE64_BYTES_MAX(text.n), &n))
            return fail_set(why, FAIL_INPUT, "the entry of %.*s is not base64", STR_ARG(host));
        return split(login, str_of(bytes, n), why);
    }
    return FAIL_NONE;
}

fail registry_login_read(struct registry_login *login, str text, str host, struct arena *arena,
                         struct why *why)
{
    struct json *root;
    *login = (struct registry_login){ STR(""), STR("") };
    text = str_trim(text);
    if (!str_starts(text, STR("{")))
        return split(login, text, why);
    if (json_parse(&root, text, arena, why)) /* its failure might quote the text */
        return fail_set(why, FAIL_INPUT, "they are not well-formed JSON");
    return read_config(login, root, host, arena, why);
}
