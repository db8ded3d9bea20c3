/* measured.c - see measured.h. */
#include "platform/measured.h"

#include "codec/json.h"
#include "codec/json_out.h"

#define KIND      "examhall-capacity-1"
#define SECOND_NS 1000000000LL
#define LATE_MS   (10 * 60 * 1000) /* clocks of two machines may differ by so much */

const char *const asked_names[ASKED_KINDS] = {
#define X(name, service) #name,
    ASKED(X)
#undef X
};
const char *const asked_services[ASKED_KINDS] = {
#define X(name, service) service,
    ASKED(X)
#undef X
};

/* The numbers of an object below the root: written and read from the same rows. */
static const struct number {
    const char *object, *name;
    size_t at;
    int64_t min, max;
} numbers[] = {
    { "machine", "cores", offsetof(struct measured, cores), 1, 4096 },
    { "machine", "memory_bytes", offsetof(struct measured, memory_bytes), 1, INT64_MAX },
    { "run", "candidates", offsetof(struct measured, candidates), 1, 10000000 },
    { "held", "requests_per_s", offsetof(struct measured, requests_per_s), 1, 1000000000 },
    { "held", "saves_per_s", offsetof(struct measured, saves_per_s), 1, 1000000000 },
    { "memory_bytes", "gateway", offsetof(struct measured, gateway_bytes), 0, 1 << 30 },
    { "memory_bytes", "socket", offsetof(struct measured, socket_bytes), 0, 1 << 30 },
    { "memory_bytes", "hall", offsetof(struct measured, hall_bytes), 0, 1 << 30 },
};

static int64_t *number_at(const struct measured *measured, const struct number *number)
{
    return (int64_t *)((char *)(uintptr_t)measured + number->at);
}

/* --- writing ------------------------------------------------------------------------------------
 */

static void write_numbers(struct out *out, const struct measured *measured, const char *object)
{
    for (size_t i = 0; i < COUNT(numbers); i++)
        if (strcmp(numbers[i].object, object) == 0)
            jo_i64(out, numbers[i].name, *number_at(measured, &numbers[i]));
    jo_close(out, '}');
}

static void write_costs(struct out *out, const struct measured *measured)
{
    jo_open(out, "cpu_ns", '{');
    for (int i = 0; i < ASKED_KINDS; i++) {
        jo_open(out, asked_names[i], '{');
        jo_i64(out, "gateway", measured->cost[i].gateway);
        jo_i64(out, "hall", measured->cost[i].hall);
        jo_close(out, '}');
    }
    jo_close(out, '}');
}

void measured_write(struct out *out, const struct measured *measured)
{
    jo_open(out, NULL, '{');
    jo_z(out, "kind", KIND);
    jo_i64(out, "made_at", measured->made_at);
    jo_open(out, "binary", '{');
    jo_str(out, "version", measured->version);
    jo_str(out, "sha256", measured->sha256);
    jo_close(out, '}');
    jo_open(out, "machine", '{');
    jo_str(out, "cpu", measured->cpu);
    write_numbers(out, measured, "machine");
    jo_open(out, "run", '{');
    jo_bool(out, "tls", measured->tls);
    write_numbers(out, measured, "run");
    jo_open(out, "held", '{');
    write_numbers(out, measured, "held");
    write_costs(out, measured);
    jo_open(out, "memory_bytes", '{');
    write_numbers(out, measured, "memory_bytes");
    out_z(out, "}\n");
}

/* --- reading ------------------------------------------------------------------------------------
 */

struct reader {
    const struct json *root;
    struct measured *to;
    struct why *why;
};

/* A member of the root that is an object with these names and no others. */
static fail object_of(const struct reader *reader, const struct json *in, const char *name,
                      const char *const *names, const struct json **object)
{
    *object = json_get(in, str_z(name));
    if (!*object)
        return fail_set(reader->why, FAIL_INPUT, "The member \"%s\" is missing.", name);
    if ((*object)->type != JSON_OBJECT)
        return fail_set(reader->why, FAIL_INPUT, "The member \"%s\" must be an object.", name);
    return why_add(reader->why, json_only(*object, names, reader->why), "%s", name);
}

static fail read_numbers(const struct reader *reader, const struct json *object, const char *name)
{
    fail f = FAIL_NONE;
    for (size_t i = 0; i < COUNT(numbers) && !f; i++)
        if (strcmp(numbers[i].object, name) == 0)
            f = json_i64(object, numbers[i].name, true, numbers[i].min, numbers[i].max,
                         number_at(reader->to, &numbers[i]), reader->why);
    return why_add(reader->why, f, "%s", name);
}

static fail read_binary(const struct reader *reader)
{
    static const char *const names[] = { "version", "sha256", NULL };
    const struct json *object;
    fail f = object_of(reader, reader->root, "binary", names, &object);
    if (!f)
        f = json_str(object, "version", true, &reader->to->version, reader->why);
    if (!f)
        f = json_str(object, "sha256", true, &reader->to->sha256, reader->why);
    if (f)
        return f;
    for (size_t i = 0; i < reader->to->sha256.n; i++)
        if (!strchr("0123456789abcdef", reader->to->sha256.p[i]))
            f = FAIL_INPUT;
    return f || reader->to->sha256.n != 64
               ? fail_set(reader->why, FAIL_INPUT,
                          "The member \"sha256\" must be 64 hexadecimal digits.")
               : FAIL_NONE;
}

static fail read_machine(const struct reader *reader)
{
    static const char *const names[] = { "cpu", "cores", "memory_bytes", NULL };
    const struct json *object;
    fail f = object_of(reader, reader->root, "machine", names, &object);
    if (!f)
        f = json_str(object, "cpu", true, &reader->to->cpu, reader->why);
    return f ? f : read_numbers(reader, object, "machine");
}

static fail read_run(const struct reader *reader)
{
    static const char *const names[] = { "candidates", "tls", NULL };
    const struct json *object;
    fail f = object_of(reader, reader->root, "run", names, &object);
    if (!f)
        f = why_add(reader->why, json_bool(object, "tls", true, &reader->to->tls, reader->why),
                    "run");
    return f ? f : read_numbers(reader, object, "run");
}

static fail read_costs(const struct reader *reader)
{
    static const char *const sides[] = { "gateway", "hall", NULL };
    const char *names[ASKED_KINDS + 1] = { 0 };
    const struct json *all, *one;
    for (int i = 0; i < ASKED_KINDS; i++)
        names[i] = asked_names[i];
    fail f = object_of(reader, reader->root, "cpu_ns", names, &all);
    for (int i = 0; i < ASKED_KINDS && !f; i++) {
        struct measured_cost *cost = &reader->to->cost[i];
        f = object_of(reader, all, asked_names[i], sides, &one);
        if (!f)
            f = json_i64(one, "gateway", true, 0, SECOND_NS, &cost->gateway, reader->why);
        if (!f)
            f = json_i64(one, "hall", true, 0, SECOND_NS, &cost->hall, reader->why);
        if (!f && cost->gateway + cost->hall == 0)
            f = fail_set(reader->why, FAIL_INPUT, "A request cannot cost nothing.");
        f = why_add(reader->why, f, "cpu_ns.%s", asked_names[i]);
    }
    return f;
}

static fail read_rest(const struct reader *reader)
{
    static const char *const held[] = { "requests_per_s", "saves_per_s", NULL };
    static const char *const memory[] = { "gateway", "socket", "hall", NULL };
    const struct json *object;
    fail f = object_of(reader, reader->root, "held", held, &object);
    if (!f)
        f = read_numbers(reader, object, "held");
    if (!f)
        f = object_of(reader, reader->root, "memory_bytes", memory, &object);
    return f ? f : read_numbers(reader, object, "memory_bytes");
}

fail measured_parse(struct measured *measured, str text, instant now, struct arena *arena,
                    struct why *why)
{
    static const char *const names[] = { "kind", "made_at", "binary",       "machine", "run",
                                         "held", "cpu_ns",  "memory_bytes", NULL };
    struct json *root;
    struct reader reader = { .to = measured, .why = why };
    str kind = STR_NONE;
    fail f = json_parse(&root, text, arena, why);
    if (!f)
        f = json_str(root, "kind", true, &kind, why);
    if (!f && !str_eq(kind, STR(KIND)))
        f = fail_set(why, FAIL_INPUT, "Its kind is \"%.*s\", and not " KIND ".",
                     STR_ARG(str_first(kind, 60)));
    if (!f)
        f = json_only(root, names, why);
    if (!f)
        f = json_i64(root, "made_at", true, 1, INT64_MAX / 2, &measured->made_at, why);
    if (!f && measured->made_at > now + LATE_MS)
        f = fail_set(why, FAIL_INPUT,
                     "It says it was made in the future (made_at): set this machine's clock, or "
                     "rehearse again.");
    reader.root = f ? NULL : root;
    fail (*const parts[])(const struct reader *) = { read_binary, read_machine, read_run,
                                                     read_costs, read_rest };
    for (size_t i = 0; i < COUNT(parts) && !f; i++)
        f = parts[i](&reader);
    return f;
}
