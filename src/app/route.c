/* route.c - see route.h. Some forty rows: a linear look is shorter than a tree and fast enough. */
#include "app/route.h"

static unsigned split(str path, str segments[8])
{
    unsigned n = 0;
    str rest = str_from(path, 1);
    while (rest.p && n < 8)
        segments[n++] = str_cut(&rest, '/');
    return rest.p ? 9 : n; /* 9: too many, matches nothing */
}

void routes_add(struct routes *routes, const struct route *route, unsigned service)
{
    must(routes->count < ROUTES_MAX);
    struct routed *row = &routes->rows[routes->count++];
    row->route = route;
    row->service = service;
    row->segment_count = split(str_z(route->path), row->segments);
    must(row->segment_count <= 8);
}

static bool matches(const struct routed *row, const str *segments, unsigned n, str params[3])
{
    unsigned param = 0;
    if (row->segment_count != n)
        return false;
    for (unsigned i = 0; i < n; i++) {
        if (row->segments[i].n && row->segments[i].p[0] == ':' && segments[i].n)
            params[param++] = segments[i];
        else if (!str_eq(row->segments[i], segments[i]))
            return false;
    }
    return true;
}

struct routed *routes_find(struct routes *routes, str method, str path, str params[3],
                           struct why *why, fail *f)
{
    str segments[8];
    unsigned n = split(path, segments);
    bool path_known = false;
    for (unsigned i = 0; i < routes->count; i++) {
        struct routed *row = &routes->rows[i];
        if (!matches(row, segments, n, params))
            continue;
        if (str_eq(str_z(row->route->method), method))
            return row;
        path_known = true;
    }
    *f = path_known ? fail_set(why, FAIL_METHOD, "%.*s is not possible on %.*s", STR_ARG(method),
                               STR_ARG(str_first(path, 200)))
                    : fail_set(why, FAIL_MISSING, "there is nothing at %.*s; see /openapi.json",
                               STR_ARG(str_first(path, 200)));
    return NULL;
}

bool takes_next(str *takes, struct member *member)
{
    if (!takes->p || !takes->n)
        return false;
    str word = str_cut(takes, ' ');
    member->optional = str_ends(word, STR("?"));
    if (member->optional)
        word.n--;
    member->name = str_cut(&word, ':');
    member->type = word;
    return true;
}

static bool is_type(const struct json *json, str type)
{
    int64_t v;
    switch (json->type) {
    case JSON_STRING:
        return str_eq(type, STR("string"));
    case JSON_NUMBER:
        return str_eq(type, STR("integer")) && str_i64(json->text, &v);
    case JSON_TRUE:
    case JSON_FALSE:
        return str_eq(type, STR("boolean"));
    case JSON_ARRAY:
        return str_eq(type, STR("array"));
    case JSON_OBJECT:
        return str_eq(type, STR("object"));
    case JSON_NULL:
        return false;
    }
    never("a JSON type without a row");
}

fail takes_check(const char *takes, const struct json *body, struct why *why)
{
    if (!body || body->type != JSON_OBJECT)
        return fail_set(why, FAIL_INPUT, "the body must be a JSON object");
    size_t known = 0;
    struct member member;
    for (str rest = str_z(takes); takes_next(&rest, &member);) {
        const struct json *json = json_get(body, member.name);
        known += json != NULL;
        bool absent = !json || json->type == JSON_NULL;
        if (absent && !member.optional)
            return fail_set(why, FAIL_INPUT, "the member \"%.*s\" is missing",
                            STR_ARG(member.name));
        if (!absent && !is_type(json, member.type))
            return fail_set(why, FAIL_INPUT, "the member \"%.*s\" must be of type %.*s",
                            STR_ARG(member.name), STR_ARG(member.type));
    }
    if (known == body->count)
        return FAIL_NONE;
    for (const struct json *json = body->first; json; json = json->next) {
        bool found = false;
        for (str rest = str_z(takes); takes_next(&rest, &member);)
            found |= str_eq(json->name, member.name);
        if (!found)
            return fail_set(why, FAIL_INPUT, "the member \"%.*s\" is unknown here; known: %s",
                            STR_ARG(str_first(json->name, 64)), takes);
    }
    return FAIL_NONE;
}
