/* request.c - what handlers ask of a request: members, parameters, whose attempt it is. */
#include "app/service.h"

str req_str(const struct req *req, const char *name)
{
    const struct json *member = json_get(req->body, str_z(name));
    return member && member->type == JSON_STRING ? member->text : STR_NONE;
}

int64_t req_i64(const struct req *req, const char *name, int64_t otherwise)
{
    const struct json *member = json_get(req->body, str_z(name));
    int64_t v = otherwise;
    if (member && member->type == JSON_NUMBER && !str_i64(member->text, &v))
        v = otherwise;
    return v;
}

bool req_bool(const struct req *req, const char *name)
{
    const struct json *member = json_get(req->body, str_z(name));
    return member && member->type == JSON_TRUE;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static str decode(str s, struct arena *arena)
{
    char *p = arena_bytes(arena, s.n + 1);
    size_t n = 0;
    if (!p)
        return STR_NONE;
    for (size_t i = 0; i < s.n; i++) {
        bool escaped = s.p[i] == '%' && s.n - i > 2 && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0;
        if (escaped) {
            p[n++] = (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2]));
            i += 2;
        } else {
            p[n++] = s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return (str){ p, n };
}

str req_query(const struct req *req, const char *name)
{
    str rest = req->query;
    while (rest.p && rest.n) {
        str value = str_cut(&rest, '&');
        str key = str_cut(&value, '=');
        if (str_eq(key, str_z(name)))
            return decode(value.p ? value : STR(""), req->arena);
    }
    return STR_NONE;
}

fail req_attempt(const struct req *req, uint32_t *candidate)
{
    uint64_t attempt;
    if (!str_u64(req->params[0], &attempt) || attempt == 0)
        return fail_set(req->why, FAIL_MISSING, "\"%.*s\" is not the number of an attempt",
                        STR_ARG(str_first(req->params[0], 40)));
    if (req->who == WHO_CANDIDATE && attempt != (uint64_t)req->subject + 1)
        return fail_as(req->why, FAIL_FORBIDDEN, "not-yours",
                       "this attempt is another candidate's");
    if (attempt > req->host->directory->candidate_count)
        return fail_set(req->why, FAIL_MISSING, "there is no attempt %llu",
                        (unsigned long long)attempt);
    *candidate = (uint32_t)attempt - 1;
    return FAIL_NONE;
}

fail req_exam(const struct req *req, struct exam **exam, uint32_t *index)
{
    *exam = directory_exam(req->host->directory, req->params[0]);
    if (!*exam)
        return fail_set(req->why, FAIL_MISSING, "there is no exam \"%.*s\"",
                        STR_ARG(str_first(req->params[0], 64)));
    *index = (uint32_t)(*exam - req->host->directory->exams);
    return FAIL_NONE;
}

str req_actor(const struct req *req)
{
    return req->who == WHO_OFFICER ? req->host->directory->officers[req->subject].name
                                   : STR("operator");
}

void req_sign(struct req *req, str line)
{
    must(line.n && !req->sign_line.n);
    out_char(req->out, '"');
    req->sign_line = line;
    req->sign_at = req->out->n;
    for (int i = 0; i < SIGNATURE_DIGITS; i++)
        out_char(req->out, '0');
    out_char(req->out, '"');
}

fail req_later(struct req *req, struct job *job)
{
    req->job = job;
    return FAIL_NONE;
}
