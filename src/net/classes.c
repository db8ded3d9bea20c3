/* classes.c - see classes.h. The first rule that fits decides. */
#include "net/classes.h"

#define BODY (16 * KIB)

static const struct class_rule rules[] = {
    { "PUT", "/v1/attempts/*/answers/*", TO_HALL, P0, 4 * KIB },
    { "POST", "/v1/attempts/*/heartbeat", TO_HALL, P0, 4 * KIB },
    { "POST", "/v1/attempts/*/submit", TO_HALL, P0, 4 * KIB },
    { "POST", "/v1/attempts/*/start", TO_HALL, P1, 4 * KIB },
    { "*", "/v1/attempts/*/result", TO_HALL, P4, BODY },
    { "*", "/v1/attempts/*/responses", TO_HALL, P4, BODY },
    { "*", "/v1/attempts/**", TO_HALL, P1, BODY },
    { "*", "/v1/papers/*", TO_HALL, P1, BODY },
    { "*", "/v1/time", TO_HALL, P1, BODY },
    { "*", "/v1/sessions", TO_HALL, P2, 4 * KIB },
    { "*", "/v1/staff/**", TO_HALL, P3, BODY },
    { "*", "/v1/exams/**", TO_HALL, P3, BODY },
    { "*", "/v1/exams", TO_HALL, P3, BODY },
    { "*", "/v1/**", TO_HALL, P5, BODY },
    { "*", "/-/live", TO_SELF, P5, 0 },
    { "*", "/-/started", TO_SELF, P5, 0 },
    { "*", "/-/ready", TO_READY, P5, 0 },
    { "*", "/-/**", TO_HALL, P5, BODY },
    { "*", "/openapi.json", TO_HALL, P5, BODY },
    { "*", "/**", TO_FILES, P5, BODY },
};

/* Full for P0; each class below gives up its place to those above. */
static const struct class_share shares[GATEWAY_CLASSES] = {
    [P0] = { 65536, 128 * MIB }, [P1] = { 49152, 96 * MIB }, [P2] = { 32768, 64 * MIB },
    [P3] = { 16384, 32 * MIB },  [P4] = { 8192, 16 * MIB },  [P5] = { 4096, 8 * MIB },
};

static bool path_fits(str path, str pattern)
{
    while (pattern.p) {
        str part = str_cut(&pattern, '/');
        if (str_eq(part, STR("**")))
            return path.p != NULL;
        if (!path.p)
            return false;
        str here = str_cut(&path, '/');
        if (!str_eq(part, here) && !(str_eq(part, STR("*")) && here.n))
            return false;
    }
    return !path.p;
}

const struct class_rule *class_find(str method, str path)
{
    for (size_t i = 0; i < COUNT(rules); i++) {
        str wanted = str_z(rules[i].method);
        if ((str_eq(wanted, STR("*")) || str_eq(wanted, method)) &&
            path_fits(path, str_z(rules[i].path)))
            return &rules[i];
    }
    never("a path that does not start with '/'");
}

const struct class_share *class_share(enum gateway_class class)
{
    return &shares[class];
}
