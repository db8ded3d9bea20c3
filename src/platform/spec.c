/* spec.c - see spec.h: reads the file, has it checked, and fills in what a hall is served from. */
#include "platform/spec.h"

#include "base/out.h"
#include "platform/spec_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct reader {
    struct arena *arena;
    struct spec_mistakes *mistakes;
    const char *zone;
};

static void *rows_for(struct reader *r, size_t count, size_t bytes)
{
    void *rows = arena_alloc(r->arena, (count + 1) * bytes);
    if (!rows)
        spec_mistake(r->mistakes, 1, "there is too much in it");
    return rows;
}

static int64_t number_of(const struct yaml *map, const char *key)
{
    int64_t number;
    return str_i64(yaml_text(map, key), &number) ? number : 0; /* the check has said why */
}

/* --- times -------------------------------------------------------------------------------------
 */

/* "2027-01-22 08:30" (seconds may follow), or "09:00" on the day of `day`. Sets TZ: only while a
 * command starts. */
static bool read_time(const struct reader *r, str text, instant day, instant *out)
{
    struct tm tm = { .tm_isdst = -1 };
    char z[32], *end;
    if (text.n >= sizeof(z))
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = 0;
    setenv("TZ", r->zone, 1);
    tzset();
    end = strptime(z, "%Y-%m-%d %H:%M", &tm);
    if (end && *end == ':')
        end = strptime(end, ":%S", &tm);
    if ((!end || *end) && day) {
        time_t seconds = (time_t)(day / 1000);
        localtime_r(&seconds, &tm);
        tm.tm_isdst = -1;
        tm.tm_sec = 0;
        end = strptime(z, "%H:%M", &tm);
    }
    if (!end || *end)
        return false;
    int day_of_month = tm.tm_mday;
    time_t at = mktime(&tm);
    *out = (instant)at * 1000;
    return at > 0 && tm.tm_mday == day_of_month; /* not February 30 */
}

static void read_zone(struct reader *r, const struct yaml *root, struct spec *spec)
{
    char path[256];
    str zone = yaml_text(root, "time_zone");
    spec->time_zone = STR("UTC");
    if (!zone.n || zone.n > 60)
        return; /* absent, or the check has said why */
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", STR_ARG(zone));
    bool name = spec_is(spec_row("time_zone"), SPEC_ZONE, zone);
    if (str_eq(zone, STR("UTC")) || (name && access(path, R_OK) == 0))
        spec->time_zone = zone;
    else
        spec_mistake(r->mistakes, yaml_member(root, "time_zone")->line,
                     "there is no time zone \"%.*s\" on this machine; write one such as "
                     "Asia/Kolkata",
                     STR_ARG(str_first(zone, 60)));
    r->zone = spec->time_zone.p;
}

/* --- exams -------------------------------------------------------------------------------------
 */

static instant time_of(struct reader *r, const struct yaml *map, const char *key, instant day)
{
    instant at = 0;
    str text = yaml_text(map, key);
    if (!text.p || !spec_is(spec_row("exams[].shifts[].opens"), SPEC_WHEN, text) ||
        read_time(r, text, day, &at))
        return at;
    spec_mistake(r->mistakes, yaml_member(map, key)->line,
                 "%s is \"%.*s\", but must be a time such as 2027-01-22 08:30%s", key,
                 STR_ARG(str_first(text, 60)), day ? ", or 09:00" : "");
    return 0;
}

static void read_shift(struct reader *r, const struct yaml *node, struct spec_exam *exam,
                       struct spec_shift *shift)
{
    int64_t minutes = number_of(node, "minutes");
    shift->name = yaml_text(node, "name");
    shift->candidates = number_of(node, "candidates");
    shift->opens = time_of(r, node, "opens", 0);
    shift->starts = time_of(r, node, "starts", shift->opens);
    if (!shift->name.n)
        spec_mistake(r->mistakes, node->line, "a shift needs a name, such as {name: morning}");
    if (shift->starts && shift->opens > shift->starts)
        spec_mistake(r->mistakes, node->line,
                     "the shift starts before it opens; swap the two times");
    if (minutes && exam->minutes && minutes != exam->minutes)
        spec_mistake(r->mistakes, node->line,
                     "all shifts of an exam last equally long: %lld minutes, not %lld",
                     (long long)exam->minutes, (long long)minutes);
    else if (minutes)
        exam->minutes = minutes;
}

static void read_shifts(struct reader *r, const struct yaml *list, struct spec_exam *exam)
{
    if (!list || list->kind != YAML_LIST || list->count > SPEC_SHIFTS_MAX)
        return;
    exam->shifts = rows_for(r, list->count, sizeof(struct spec_shift));
    for (const struct yaml *node = exam->shifts ? list->first : NULL; node; node = node->next) {
        if (node->kind != YAML_MAP)
            continue;
        struct spec_shift *shift = &exam->shifts[exam->shift_count++];
        read_shift(r, node, exam, shift);
        for (struct spec_shift *other = exam->shifts; other < shift && shift->name.n; other++)
            if (str_eq(other->name, shift->name))
                spec_mistake(r->mistakes, node->line,
                             "the shift \"%.*s\" is there twice; give it another name",
                             STR_ARG(shift->name));
    }
}

static str lines_of(struct reader *r, const struct yaml *list)
{
    struct out out = out_make(24 * KIB);
    for (const struct yaml *line = list ? list->first : NULL; line; line = line->next) {
        out_str(&out, line->text);
        out_z(&out, line->next ? "\n" : "");
    }
    str text = out.n && !out.failed ? arena_str(r->arena, out_view(&out)) : STR_NONE;
    out_fini(&out);
    return text;
}

static void read_exam(struct reader *r, const struct yaml *node, struct spec_exam *exam)
{
    const struct yaml *marks = yaml_member(node, "marks");
    exam->name = yaml_text(node, "name");
    exam->title = yaml_text(node, "title");
    exam->minutes = number_of(node, "minutes");
    exam->right = yaml_text(marks, "right");
    exam->wrong = yaml_text(marks, "wrong");
    exam->partial = yaml_text(marks, "partial");
    exam->instructions = lines_of(r, yaml_member(node, "instructions"));
    exam->results = time_of(r, node, "results", 0);
    if (!exam->name.n && !yaml_member(node, "name"))
        spec_mistake(r->mistakes, node->line, "an exam needs a name, such as name: paper-1");
    read_shifts(r, yaml_member(node, "shifts"), exam);
}

static void read_exams(struct reader *r, const struct yaml *list, struct spec *spec)
{
    bool readable = list && list->kind == YAML_LIST && list->count <= SPEC_EXAMS_MAX;
    spec->exams = rows_for(r, readable ? list->count : 0, sizeof(struct spec_exam));
    for (const struct yaml *node = readable && spec->exams ? list->first : NULL; node;
         node = node->next) {
        if (node->kind != YAML_MAP)
            continue;
        struct spec_exam *exam = &spec->exams[spec->exam_count++];
        read_exam(r, node, exam);
        for (struct spec_exam *other = spec->exams; other < exam && exam->name.n; other++)
            if (str_eq(other->name, exam->name))
                spec_mistake(r->mistakes, node->line,
                             "the exam \"%.*s\" is there twice; give it another name",
                             STR_ARG(str_first(exam->name, 60)));
    }
}

/* --- objectives and settings -------------------------------------------------------------------
 */

static void read_limit(const struct yaml *limits, const char *name, int64_t *us)
{
    int64_t ms;
    if (spec_ms(yaml_text(limits, name), &ms) && ms < 3600000 * 2)
        *us = ms * 1000;
}

static void read_objectives(const struct yaml *map, struct objectives *objectives)
{
    const struct yaml *limits;
    *objectives = objectives_default;
    objectives->requests_failed = number_of(map, "failed");
#define X(limit, per_mille) read_limit(limits, #limit, &to->limit##_us);
#define Y(kind)                                                                                    \
    {                                                                                              \
        struct limits *to = &objectives->kind;                                                     \
        limits = yaml_member(map, #kind);                                                          \
        LIMITS(X)                                                                                  \
    }
    LIMITED(Y)
#undef Y
#undef X
}

/* `settings` of the hall, and those below its services: "name=value" lines. */
static void read_settings(struct reader *r, const struct yaml *root, struct spec *spec)
{
    const struct yaml *full = yaml_member(root, "settings"), *map = yaml_member(root, "services");
    struct out out = out_make(64 * KIB);
    for (const struct yaml *one = full ? full->first : NULL; one; one = one->next)
        out_fmt(&out, "%.*s=%.*s\n", STR_ARG(one->key), STR_ARG(one->text));
    for (const struct yaml *service = map ? map->first : NULL; service; service = service->next) {
        const struct yaml *own = yaml_member(service, "settings");
        for (const struct yaml *one = own ? own->first : NULL; one; one = one->next)
            out_fmt(&out, "%.*s.%.*s=%.*s\n", STR_ARG(service->key), STR_ARG(one->key),
                    STR_ARG(one->text));
    }
    if (out.failed)
        spec_mistake(r->mistakes, full ? full->line : 1, "there are too many settings");
    spec->settings = out.n ? arena_str(r->arena, out_view(&out)) : STR_NONE;
    out_fini(&out);
}

/* --- the file ----------------------------------------------------------------------------------
 */

static void read_root(struct reader *r, const struct yaml *root, struct spec *spec)
{
    spec->hall = yaml_text(root, "hall");
    spec->title = yaml_text(root, "title");
    spec->domain = yaml_text(root, "domain");
    spec->listen = yaml_text(root, "listen");
    if (!yaml_member(root, "hall"))
        spec_mistake(r->mistakes, 1,
                     "the key hall is missing; begin with a line such as `hall: my-hall`");
    read_zone(r, root, spec);
    read_exams(r, yaml_member(root, "exams"), spec);
    read_objectives(yaml_member(root, "objectives"), &spec->objectives);
    read_settings(r, root, spec);
    spec_check_services(root, r->mistakes);
    spec_check_environments(spec, r->mistakes);
}

static int by_line(const void *a, const void *b)
{
    const struct spec_mistake *left = a, *right = b;
    return left->line - right->line;
}

void spec_read(struct spec *spec, str text, struct arena *arena, struct spec_mistakes *mistakes)
{
    struct reader r = { arena, mistakes, "UTC" };
    struct yaml *root;
    struct why why;
    int line;
    *spec = (struct spec){ .text = text };
    mistakes->count = 0;
    if (yaml_parse(&root, text, arena, &line, &why)) {
        spec_mistake(mistakes, line, "%s", why.text);
        return;
    }
    spec->tree = root;
    spec_check_tree(root, mistakes);
    if (root && root->kind == YAML_MAP)
        read_root(&r, root, spec);
    qsort(mistakes->rows, MIN(mistakes->count, SPEC_MISTAKES_MAX), sizeof(mistakes->rows[0]),
          by_line);
}

fail spec_parse(struct spec *spec, const char *name, str text, struct arena *arena, struct why *why)
{
    struct spec_mistakes mistakes;
    char more[100] = "";
    spec_read(spec, text, arena, &mistakes);
    if (!mistakes.count)
        return FAIL_NONE;
    if (mistakes.count > 1)
        snprintf(more, sizeof(more), " (and %u more: examhall env check --spec FILE says all)",
                 mistakes.count - 1);
    return fail_set(why, FAIL_INPUT, "%s, line %d: %s%s", name, mistakes.rows[0].line,
                    mistakes.rows[0].text, more);
}

fail spec_file(const char *path, struct arena *arena, str *text, struct why *why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(why, errno == ENOENT ? FAIL_MISSING : FAIL_WORLD,
                          "the spec %s cannot be read", path);
    if (fstat(fd, &st) < 0 || st.st_size > (off_t)SPEC_BYTES_MAX) {
        close(fd);
        return fail_set(why, FAIL_LIMIT, "the spec %s is larger than 1 MiB", path);
    }
    char *bytes = arena_bytes(arena, (size_t)st.st_size + 1);
    must(bytes);
    ssize_t n = read(fd, bytes, (size_t)st.st_size);
    close(fd);
    if (n != st.st_size)
        return fail_errno(why, FAIL_WORLD, "the spec %s cannot be read", path);
    bytes[n] = 0;
    *text = str_of(bytes, (size_t)n);
    return FAIL_NONE;
}

fail spec_load(struct spec *spec, const char *path, struct arena *arena, struct why *why)
{
    str text;
    fail f = spec_file(path, arena, &text, why);
    return f ? f : spec_parse(spec, path, text, arena, why);
}
