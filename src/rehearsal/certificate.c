/* certificate.c - see certificate.h. */
#include "rehearsal/certificate.h"

#include "codec/json.h"
#include "codec/json_out.h"
#include "rehearsal/rehearsal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define KIND        STR("examhall-readiness-1")
#define INSTANT_MAX 253402300799999 /* the end of the year 9999: beyond it a time has no text */

/* --- the roster's digest -----------------------------------------------------------------------
 */

static int by_bytes(const void *a, const void *b)
{
    const str *x = a, *y = b;
    int order = memcmp(x->p, y->p, MIN(x->n, y->n));
    return order ? order : (x->n > y->n) - (x->n < y->n);
}

static size_t lines_count(str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

fail certified_roster(struct certified *certified, str csv, struct why *why)
{
    str rest = csv, header = str_cut(&rest, '\n');
    if (!str_eq(header, STR(ROSTER_CSV_HEADER)) || (rest.n && rest.p[rest.n - 1] != '\n'))
        return fail_set(why, FAIL_INPUT,
                        "this is not a roster as examhall roster export writes it: a first line "
                        "%s and whole lines below",
                        ROSTER_CSV_HEADER);
    size_t count = lines_count(rest), n = 0;
    struct arena arena = arena_make(GIB);
    struct out sorted = out_make(GIB);
    str *lines = arena_many(&arena, str, count + 1);
    must(lines); /* a line has bytes: the array is at most 16 times the file, which is capped */
    while (n < count)
        lines[n++] = str_cut(&rest, '\n');
    qsort(lines, count, sizeof(*lines), by_bytes);
    for (size_t i = 0; i < count; i++) {
        out_str(&sorted, lines[i]);
        out_char(&sorted, '\n');
    }
    must(!sorted.failed);
    certified->candidates = (int64_t)count;
    sha256_hex(certified->roster, out_view(&sorted));
    out_fini(&sorted);
    arena_fini(&arena);
    return FAIL_NONE;
}

/* --- writing it --------------------------------------------------------------------------------
 */

static void json_certified(struct out *out, const struct certificate_facts *facts)
{
    jo_open(out, "binary", '{');
    jo_z(out, "version", facts->version);
    jo_z(out, "sha256", facts->certified->binary);
    jo_close(out, '}');
    jo_open(out, "spec", '{');
    jo_z(out, "sha256", facts->certified->spec);
    jo_close(out, '}');
    jo_open(out, "roster", '{');
    jo_i64(out, "candidates", facts->certified->candidates);
    jo_z(out, "sha256", facts->certified->roster);
    jo_close(out, '}');
}

static void json_machine(struct out *out, const struct this_machine *machine)
{
    jo_open(out, "machine", '{');
    jo_z(out, "cpu", machine->cpu);
    jo_i64(out, "cores", machine->cores);
    jo_i64(out, "memory_bytes", (int64_t)machine->memory_bytes);
    jo_z(out, "kernel", machine->kernel);
    jo_close(out, '}');
}

/* An option that the program chose by itself is null. */
static void json_chosen(struct out *out, const char *name, bool given, int64_t v)
{
    if (given)
        jo_i64(out, name, v);
    else
        jo_str(out, name, STR_NONE);
}

static void json_run(struct out *out, const struct rehearsal_opts *opts)
{
    jo_open(out, "run", '{');
    jo_z(out, "profile", opts->profile->name);
    jo_i64(out, "candidates", opts->candidates);
    jo_i64(out, "minutes", opts->minutes);
    json_chosen(out, "ramp_s", opts->ramp_s, opts->ramp_s);
    jo_i64(out, "save_every_s", opts->save_every_s);
    json_chosen(out, "drops_per_minute", opts->drops_given, opts->drops_per_minute);
    jo_i64(out, "kill_hall", opts->kill_hall);
    jo_i64(out, "kill_gateway", opts->kill_gateway);
    jo_i64(out, "upgrade", opts->upgrade);
    jo_bool(out, "tls", !opts->plain);
    jo_i64(out, "seed", (int64_t)opts->seed);
    jo_close(out, '}');
}

void certificate_write(struct out *out, const struct certificate_facts *facts)
{
    jo_open(out, NULL, '{');
    jo_str(out, "kind", KIND);
    jo_str(out, "hall", facts->hall);
    jo_i64(out, "made_at", facts->made_at);
    jo_i64(out, "expires_at", facts->expires_at);
    json_certified(out, facts);
    json_machine(out, facts->machine);
    json_run(out, facts->opts);
    objectives_json(out, "objectives", facts->objectives);
    jo_name(out, "result");
    verdict_json_promised(out, facts->outcome, facts->judgement);
    jo_close(out, '}');
    out_char(out, '\n');
}

void certificate_comment(struct out *out, const struct certificate_facts *facts)
{
    out_fmt(out, "examhall readiness of %.*s, %lld candidates: %s, until ", STR_ARG(facts->hall),
            (long long)facts->certified->candidates, verdict_names[facts->judgement->verdict]);
    out_time(out, facts->expires_at);
}

/* --- reading it --------------------------------------------------------------------------------
 */

/* A member that is itself an object; absent, the lookups in it say what is missing. */
static const struct json *part(const struct json *root, const char *name)
{
    static const struct json empty = { .type = JSON_OBJECT };
    const struct json *member = json_get(root, str_z(name));
    return member && member->type == JSON_OBJECT ? member : &empty;
}

static fail root_check(const struct json *root, struct why *why)
{
    static const char *const members[] = { "kind",   "hall",       "made_at", "expires_at",
                                           "binary", "spec",       "roster",  "machine",
                                           "run",    "objectives", "result",  NULL };
    str kind = STR_NONE;
    fail f = json_str(root, "kind", true, &kind, why);
    if (!f && !str_eq(kind, KIND))
        f = fail_set(why, FAIL_INPUT, "its kind is \"%.*s\", not %.*s",
                     STR_ARG(str_first(kind, 60)), STR_ARG(KIND));
    return f ? f : json_only(root, members, why);
}

/* Texts are shown to people: nothing in them may speak to their terminal. */
static bool is_shown(str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
            return false;
    return text.n > 0 && text.n <= 200;
}

static bool is_digest(str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!(text.p[i] >= '0' && text.p[i] <= '9') && !(text.p[i] >= 'a' && text.p[i] <= 'f'))
            return false;
    return text.n == SHA256_HEX - 1;
}

static bool is_verdict(str text)
{
    return str_eq(text, str_z(verdict_names[VERDICT_PASS])) ||
           str_eq(text, str_z(verdict_names[VERDICT_FAIL])) ||
           str_eq(text, str_z(verdict_names[VERDICT_VOID]));
}

fail certificate_parse(struct certificate *c, str text, struct arena *arena, struct why *why)
{
    struct json *root;
    fail f = json_parse(&root, text, arena, why);
    if (!f)
        f = root_check(root, why);
    if (f)
        return f;
    int64_t kill_gateway = 0;
    const struct json *binary = part(root, "binary"), *roster = part(root, "roster"),
                      *run = part(root, "run");
    const struct {
        const struct json *in;
        const char *name;
        str *to;
        bool (*right)(str text);
    } texts[] = {
        { root, "hall", &c->hall, is_shown },
        { binary, "version", &c->version, is_shown },
        { run, "profile", &c->profile, is_shown },
        { part(root, "result"), "verdict", &c->verdict, is_verdict },
        { binary, "sha256", &c->binary, is_digest },
        { part(root, "spec"), "sha256", &c->spec, is_digest },
        { roster, "sha256", &c->roster, is_digest },
    };
    const struct {
        const struct json *in;
        const char *name;
        int64_t *to;
    } numbers[] = {
        { root, "made_at", &c->made_at },
        { root, "expires_at", &c->expires_at },
        { roster, "candidates", &c->roster_candidates },
        { run, "candidates", &c->candidates },
        { run, "minutes", &c->minutes },
        { run, "save_every_s", &c->save_every_s },
        { run, "kill_hall", &c->kills },
        { run, "kill_gateway", &kill_gateway },
        { run, "upgrade", &c->upgrades },
    };
    for (size_t i = 0; i < COUNT(texts) && !f; i++) {
        f = json_str(texts[i].in, texts[i].name, true, texts[i].to, why);
        if (!f && !texts[i].right(*texts[i].to))
            f = fail_set(why, FAIL_INPUT, "its %s is not what it must be", texts[i].name);
    }
    for (size_t i = 0; i < COUNT(numbers) && !f; i++)
        f = json_i64(numbers[i].in, numbers[i].name, true, 0, INSTANT_MAX, numbers[i].to, why);
    if (!f)
        f = json_bool(run, "tls", true, &c->tls, why);
    c->kills += kill_gateway;
    return f;
}

/* --- judging it --------------------------------------------------------------------------------
 */

struct doubts {
    struct doubt *list;
    unsigned count;
};

static void doubt(struct doubts *doubts, const char *slug, const char *format, ...) PRINTF(3, 4);
static void doubt(struct doubts *doubts, const char *slug, const char *format, ...)
{
    must(doubts->count < DOUBTS_MAX);
    struct doubt *one = &doubts->list[doubts->count++];
    va_list args;
    va_start(args, format);
    one->slug = slug;
    vsnprintf(one->text, sizeof(one->text), format, args);
    va_end(args);
}

static void doubt_time(struct doubts *doubts, const char *slug, const char *what, instant at)
{
    struct out time = out_make(64);
    out_time(&time, at);
    doubt(doubts, slug, "%s %.*s", what, STR_ARG(out_view(&time)));
    out_fini(&time);
}

static void doubt_changed(struct doubts *doubts, const char *slug, const char *what, str was,
                          const char *is)
{
    if (!str_eq(was, str_z(is)))
        doubt(doubts, slug, "the %s changed: rehearsed was %.*s, here is %s", what, STR_ARG(was),
              is);
}

unsigned certificate_doubts(struct doubt list[DOUBTS_MAX], const struct certificate *c,
                            const struct certified *now, instant at)
{
    struct doubts doubts = { list, 0 };
    if (!str_eq(c->verdict, STR("pass")))
        doubt(&doubts, "verdict", "the rehearsal's verdict was %.*s, not pass",
              STR_ARG(c->verdict));
    if (c->candidates < c->roster_candidates)
        doubt(&doubts, "too-few", "only %lld candidates were rehearsed, the roster has %lld",
              (long long)c->candidates, (long long)c->roster_candidates);
    if (at >= c->expires_at)
        doubt_time(&doubts, "expired", "it expired at", c->expires_at);
    if (at < c->made_at)
        doubt_time(&doubts, "not-yet", "this machine's clock is before it was made, at",
                   c->made_at);
    doubt_changed(&doubts, "binary-changed", "program", c->binary, now->binary);
    doubt_changed(&doubts, "spec-changed", "spec", c->spec, now->spec);
    if (c->roster_candidates != now->candidates)
        doubt(&doubts, "roster-changed",
              "the roster changed: it had %lld candidates, now it has %lld",
              (long long)c->roster_candidates, (long long)now->candidates);
    else
        doubt_changed(&doubts, "roster-changed", "roster", c->roster, now->roster);
    return doubts.count;
}
