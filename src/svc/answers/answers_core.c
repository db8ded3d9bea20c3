/* answers_core.c - the rules of answers, without I/O; see answers_api.h. */
#include "svc/answers/answers_api.h"

#include <sodium.h>

const char *const submitted_by_names[] = { "nobody", "candidate", "time", "officer" };

static fail check_letters(const struct item_shape *shape, str value, struct why *why)
{
    if (shape->kind == ITEM_SINGLE && value.n > 1)
        return fail_set(why, FAIL_INPUT, "this item takes one letter, not \"%.*s\"",
                        STR_ARG(str_first(value, 40)));
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] < 'A' || value.p[i] >= 'A' + shape->options)
            return fail_set(why, FAIL_INPUT, "this item has the options A to %c",
                            'A' + shape->options - 1);
        if (i && value.p[i] <= value.p[i - 1])
            return fail_set(why, FAIL_INPUT, "the letters must be ascending, each once");
    }
    return FAIL_NONE;
}

fail answer_check(const struct item_shape *shape, str value, struct why *why)
{
    if (value.n > ANSWER_BYTES_MAX)
        return fail_set(why, FAIL_LIMIT, "an answer has at most %d bytes", ANSWER_BYTES_MAX);
    if (shape->kind == ITEM_SINGLE || shape->kind == ITEM_SEVERAL)
        return check_letters(shape, value, why);
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
            return fail_set(why, FAIL_INPUT, "an answer must not contain control characters");
    return FAIL_NONE; /* it came as JSON: it is UTF-8 */
}

/* --- receipts ----------------------------------------------------------------------------------
 */

void receipt_line(struct out *out, const struct receipt *r)
{
    out_fmt(out, "examhall-receipt-1|%.*s|%.*s|%.*s|%lld|%lld|%lld|%lld|%.*s|%.*s",
            STR_ARG(r->hall), STR_ARG(r->exam), STR_ARG(r->roll), (long long)r->attempt,
            (long long)r->answered, (long long)r->saves, (long long)r->submitted_at, STR_ARG(r->by),
            STR_ARG(r->digest));
}

fail receipt_parse(struct receipt *r, str text, struct arena *arena, struct why *why)
{
    struct json *root;
    fail f = json_parse(&root, text, arena, why);
    if (f)
        return f;
    struct {
        const char *name;
        str *to;
    } texts[] = { { "hall", &r->hall },
                  { "exam", &r->exam },
                  { "roll", &r->roll },
                  { "by", &r->by },
                  { "key", &r->key },
                  { "digest", &r->digest },
                  { "signature", &r->signature } };
    struct {
        const char *name;
        int64_t *to;
    } numbers[] = { { "attempt", &r->attempt },
                    { "answered", &r->answered },
                    { "saves", &r->saves },
                    { "submitted_at", &r->submitted_at } };
    for (size_t i = 0; i < COUNT(texts) && !f; i++)
        f = json_str(root, texts[i].name, true, texts[i].to, why);
    for (size_t i = 0; i < COUNT(numbers) && !f; i++)
        f = json_i64(root, numbers[i].name, true, 0, INT64_MAX, numbers[i].to, why);
    return f;
}

static bool hex_bytes(str hex, uint8_t *out, size_t n)
{
    size_t got;
    return hex.n == n * 2 && sodium_hex2bin(out, n, hex.p, hex.n, NULL, &got, NULL) == 0 &&
           got == n;
}

fail receipt_verify(const struct receipt *r, const uint8_t public_key[32], struct why *why)
{
    uint8_t signature[64], key[32];
    struct out line = out_make(4 * KIB);
    if (!hex_bytes(r->signature, signature, 64) || !hex_bytes(r->key, key, 32))
        return fail_set(why, FAIL_INPUT,
                        "its key or signature is not hexadecimal of the right length");
    if (memcmp(key, public_key, 32) != 0)
        return fail_set(why, FAIL_CONFLICT, "it was signed with another hall's key");
    receipt_line(&line, r);
    bool good = !line.failed &&
                crypto_sign_verify_detached(signature, (uint8_t *)line.p, line.n, public_key) == 0;
    out_fini(&line);
    return good ? FAIL_NONE
                : fail_set(why, FAIL_CONFLICT,
                           "it is not what the hall signed: a member was changed");
}

void receipt_write(struct req *req, const struct receipt *r)
{
    struct out line = out_make(4 * KIB), *out = req->out;
    char hex[65];
    receipt_line(&line, r);
    must(!line.failed);
    jo_open(out, NULL, '{');
    jo_str(out, "hall", r->hall);
    jo_str(out, "exam", r->exam);
    jo_str(out, "roll", r->roll);
    jo_i64(out, "attempt", r->attempt);
    jo_i64(out, "answered", r->answered);
    jo_i64(out, "saves", r->saves);
    jo_i64(out, "submitted_at", r->submitted_at);
    jo_str(out, "by", r->by);
    jo_str(out, "digest", r->digest);
    jo_z(out, "key", sodium_bin2hex(hex, sizeof(hex), req->host->keys->sign_public, 32));
    jo_name(out, "signature");
    req_sign(req, arena_str(req->arena, out_view(&line)));
    jo_i64(out, "now", req->now);
    jo_close(out, '}');
    out_fini(&line);
}
