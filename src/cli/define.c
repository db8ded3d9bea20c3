/* define.c - see define.h. */
#include "cli/define.h"

#include <stdio.h>

static void write_exam(struct out *out, const struct spec_exam *exam)
{
    jo_open(out, NULL, '{');
    if (exam->title.n)
        jo_str(out, "title", exam->title);
    jo_i64(out, "minutes", exam->minutes ? exam->minutes : 60);
    if (exam->right.n)
        jo_str(out, "right", exam->right);
    if (exam->wrong.n)
        jo_str(out, "wrong", exam->wrong);
    if (exam->partial.n)
        jo_str(out, "partial", exam->partial);
    if (exam->instructions.n)
        jo_str(out, "instructions", exam->instructions);
    jo_open(out, "shifts", '[');
    for (unsigned i = 0; i < exam->shift_count; i++) {
        jo_open(out, NULL, '{');
        jo_str(out, "name", exam->shifts[i].name);
        jo_at(out, "opens_at", exam->shifts[i].opens);
        jo_at(out, "starts_at", exam->shifts[i].starts);
        jo_close(out, '}');
    }
    jo_close(out, ']');
    jo_close(out, '}');
}

fail define_exams(struct hall *hall, const struct spec *spec, struct why *why)
{
    struct exchange exchange;
    struct out body = out_make(64 * KIB);
    fail f = FAIL_NONE;
    exchange_init(&exchange);
    for (unsigned i = 0; i < spec->exam_count && !f; i++) {
        char target[128];
        out_clear(&body);
        write_exam(&body, &spec->exams[i]);
        snprintf(target, sizeof(target), "/v1/exams/%.*s", STR_ARG(spec->exams[i].name));
        if (hall_call(hall, &exchange, "PUT", target, STR_NONE, out_view(&body), true) >= 300)
            f = fail_set(why, FAIL_USAGE, "the spec's exam %.*s: %s", STR_ARG(spec->exams[i].name),
                         exchange.why.text);
    }
    out_fini(&body);
    exchange_fini(&exchange);
    return f;
}
