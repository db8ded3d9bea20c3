/* spec.c - see spec.h. Each mapping has a table of keys; one walker checks keys and types. */
#include "platform/spec.h"

#include "base/out.h"

#include <errno.h>
#include <fcntl.h>
#include <libfyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct reader {
    const char *name; /* of the file, for messages */
    struct arena *arena;
    struct why *why;
    const char *zone;
};

enum kind { TEXT, NUMBER, DURATION, MARKS, LINES, LIST, MAP, LATER_MAP };

struct key {
    const char *name;
    enum kind kind;
    size_t offset;      /* into the struct that is filled */
    int64_t min, max;   /* NUMBER, bytes of TEXT, milliseconds of DURATION */
    const char *wanted; /* what would be right, for people */
};

static int line_of(struct fy_node *node)
{
    struct fy_token *token = node ? fy_node_get_scalar_token(node) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    return mark ? mark->line + 1 : 0;
}

static str text_of(struct reader *r, struct fy_node *node)
{
    size_t n = 0;
    const char *p = node && !fy_node_is_alias(node) ? fy_node_get_scalar(node, &n) : NULL;
    return p ? arena_str(r->arena, str_of(p, n)) : STR_NONE;
}

static fail refuse(struct reader *r, int line, const char *format, ...) PRINTF(3, 4);
static fail refuse(struct reader *r, int line, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return fail_set(r->why, FAIL_INPUT, "%s, line %d: %s", r->name, line, text);
}

static fail read_lines(struct reader *r, struct fy_node *node, int line, str *to)
{
    struct out out = out_make(20 * KIB);
    void *at = NULL;
    struct fy_node *member;
    if (!fy_node_is_sequence(node))
        return refuse(r, line, "must be a list of lines");
    bool lines = true;
    while ((member = fy_node_sequence_iterate(node, &at))) {
        str text = text_of(r, member);
        lines &= text.p != NULL;
        out_str(&out, text);
        out_char(&out, '\n');
    }
    fail f = !lines       ? refuse(r, line, "must be a list of lines")
             : out.failed ? refuse(r, line, "is longer than 20 KiB")
                          : FAIL_NONE;
    *to = f ? STR_NONE : arena_str(r->arena, str_first(out_view(&out), out.n ? out.n - 1 : 0));
    out_fini(&out);
    return f;
}

static bool is_marks(str s)
{
    size_t i = s.n && s.p[0] == '-', digits = 0, points = 0;
    for (; i < s.n; i++) {
        digits += s.p[i] >= '0' && s.p[i] <= '9';
        points += s.p[i] == '.';
    }
    return digits && points <= 1 && digits + points + (s.p[0] == '-') == s.n;
}

/* "250ms" or "2s": a whole number and its unit. */
static bool read_ms(str text, int64_t *ms)
{
    bool short_unit = str_ends(text, STR("ms"));
    if (!short_unit && !str_ends(text, STR("s")))
        return false;
    int64_t unit_ms = short_unit ? 1 : 1000;
    bool whole = str_i64(str_first(text, text.n - (short_unit ? 2 : 1)), ms);
    return whole && !__builtin_mul_overflow(*ms, unit_ms, ms);
}

static fail read_value(struct reader *r, const struct key *key, struct fy_node *node, int line,
                       void *to)
{
    str text = text_of(r, node);
    void *field = (char *)to + key->offset;
    if (key->kind == LINES)
        return read_lines(r, node, line, field);
    if (key->kind == LIST || key->kind == MAP || key->kind == LATER_MAP) {
        bool right = key->kind == LIST ? fy_node_is_sequence(node) : fy_node_is_mapping(node);
        return right ? FAIL_NONE : refuse(r, line, "%s must be %s", key->name, key->wanted);
    }
    if (!fy_node_is_scalar(node) || !text.p)
        return refuse(r, line, "%s must be %s", key->name, key->wanted);
    if (key->kind == NUMBER || key->kind == DURATION) {
        int64_t v;
        bool number = key->kind == NUMBER ? str_i64(text, &v) : read_ms(text, &v);
        if (!number || v < key->min || v > key->max)
            return refuse(r, line, "%s is \"%.*s\", but must be %s", key->name,
                          STR_ARG(str_first(text, 60)), key->wanted);
        *(int64_t *)field = key->kind == NUMBER ? v : v * 1000; /* microseconds */
        return FAIL_NONE;
    }
    bool right = key->kind == MARKS ? is_marks(text)
                                    : (int64_t)text.n >= key->min && (int64_t)text.n <= key->max;
    if (!right)
        return refuse(r, line, "%s is \"%.*s\", but must be %s", key->name,
                      STR_ARG(str_first(text, 60)), key->wanted);
    *(str *)field = text;
    return FAIL_NONE;
}

/* Reads a mapping into `to`: unknown and repeated keys are refused, with the nearest known one. */
static fail read_map(struct reader *r, struct fy_node *map, const char *what,
                     const struct key *keys, size_t count, void *to)
{
    void *at = NULL;
    struct fy_node_pair *pair;
    uint64_t seen = 0;
    if (!fy_node_is_mapping(map))
        return refuse(r, 1, "%s must be a mapping of keys to values", what);
    while ((pair = fy_node_mapping_iterate(map, &at))) {
        struct fy_node *key_node = fy_node_pair_key(pair);
        str name = text_of(r, key_node);
        const char *names[32] = { 0 };
        size_t i;
        for (i = 0; i < count; i++)
            names[i] = keys[i].name;
        for (i = 0; i < count && !str_eq(name, str_z(keys[i].name)); i++)
            ;
        if (i == count) {
            const char *near = str_nearest(name, names);
            return refuse(r, line_of(key_node), "%s has no key \"%.*s\"; %s %s", what,
                          STR_ARG(str_first(name, 60)),
                          near ? "did you mean" : "the first it has is",
                          near ? near : keys[0].name);
        }
        if (seen & 1ull << i)
            return refuse(r, line_of(key_node), "the key %s is there twice; keep one",
                          keys[i].name);
        seen |= 1ull << i;
        fail f = read_value(r, &keys[i], fy_node_pair_value(pair), line_of(key_node), to);
        if (f)
            return f;
    }
    return FAIL_NONE;
}

static struct fy_node *member(struct fy_node *map, const char *name)
{
    return fy_node_mapping_lookup_by_string(map, name, (size_t)-1);
}

static int member_line(struct fy_node *map, const char *name)
{
    void *at = NULL;
    struct fy_node_pair *pair;
    while ((pair = fy_node_mapping_iterate(map, &at))) {
        size_t n = 0;
        const char *p = fy_node_get_scalar(fy_node_pair_key(pair), &n);
        if (p && str_eq(str_of(p, n), str_z(name)))
            return line_of(fy_node_pair_key(pair));
    }
    return 0;
}

static int first_line(struct fy_node *map)
{
    void *at = NULL;
    struct fy_node_pair *pair = fy_node_is_mapping(map) ? fy_node_mapping_iterate(map, &at) : NULL;
    return pair ? line_of(fy_node_pair_key(pair)) : 1;
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

static bool zone_exists(str zone)
{
    char path[256];
    if (str_eq(zone, STR("UTC")))
        return true;
    if (str_find_str(zone, STR("..")) >= 0 || zone.p[0] == '/')
        return false;
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", STR_ARG(zone));
    return access(path, R_OK) == 0;
}

/* --- exams -------------------------------------------------------------------------------------
 */

struct shift_text {
    str name, opens, starts;
    int64_t minutes, candidates;
};

static const struct key shift_keys[] = {
    { "name", TEXT, offsetof(struct shift_text, name), 1, 40, "1 to 40 characters" },
    { "opens", TEXT, offsetof(struct shift_text, opens), 5, 19, "a time such as 2027-01-22 08:30" },
    { "starts", TEXT, offsetof(struct shift_text, starts), 5, 19,
      "a time such as 2027-01-22 09:00, or 09:00 on the day of `opens`" },
    { "minutes", NUMBER, offsetof(struct shift_text, minutes), 1, 1440, "a number from 1 to 1440" },
    { "candidates", NUMBER, offsetof(struct shift_text, candidates), 0, 10000000,
      "a number from 0 to 10000000" },
};

static fail read_shift(struct reader *r, struct fy_node *node, struct spec_exam *exam,
                       struct spec_shift *shift)
{
    struct shift_text text = { 0 };
    fail f = read_map(r, node, "a shift", shift_keys, COUNT(shift_keys), &text);
    if (f)
        return f;
    int line = first_line(node);
    if (!text.name.n)
        return refuse(r, line, "a shift needs a name, such as {name: morning}");
    shift->name = text.name;
    shift->candidates = text.candidates;
    if (text.opens.n && !read_time(r, text.opens, 0, &shift->opens))
        return refuse(r, line, "opens is \"%.*s\", but must be a time such as 2027-01-22 08:30",
                      STR_ARG(text.opens));
    if (text.starts.n && !read_time(r, text.starts, shift->opens, &shift->starts))
        return refuse(r, line, "starts is \"%.*s\", but must be a time such as 2027-01-22 09:00%s",
                      STR_ARG(text.starts), shift->opens ? ", or 09:00" : "");
    if (shift->starts && shift->opens > shift->starts)
        return refuse(r, line, "the shift starts before it opens; swap the two times");
    if (text.minutes && exam->minutes && text.minutes != exam->minutes)
        return refuse(r, line, "all shifts of an exam last equally long: %lld minutes, not %lld",
                      (long long)exam->minutes, (long long)text.minutes);
    if (text.minutes)
        exam->minutes = text.minutes;
    return FAIL_NONE;
}

static const struct key marks_keys[] = {
    { "right", MARKS, offsetof(struct spec_exam, right), 0, 0, "marks such as 4" },
    { "wrong", MARKS, offsetof(struct spec_exam, wrong), 0, 0, "marks such as -1 or -0.25" },
    { "partial", TEXT, offsetof(struct spec_exam, partial), 4, 6, "none or subset" },
};

static const struct key exam_keys[] = {
    { "name", TEXT, offsetof(struct spec_exam, name), 1, 40, "1 to 40 of a-z, 0-9 and -" },
    { "title", TEXT, offsetof(struct spec_exam, title), 1, 200, "1 to 200 characters" },
    { "minutes", NUMBER, offsetof(struct spec_exam, minutes), 1, 1440, "a number from 1 to 1440" },
    { "marks", MAP, 0, 0, 0, "a mapping such as {right: 4, wrong: -1}" },
    { "instructions", LINES, offsetof(struct spec_exam, instructions), 0, 0, "a list of lines" },
    { "shifts", LIST, 0, 0, 0, "a list of shifts" },
    { "languages", LIST, 0, 0, 0, "a list such as [en, hi]" },
};

static bool is_exam_name(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') &&
            !(s.p[i] == '-' && i))
            return false;
    return true;
}

static fail read_exam(struct reader *r, struct fy_node *node, struct spec_exam *exam)
{
    fail f = read_map(r, node, "an exam", exam_keys, COUNT(exam_keys), exam);
    if (f)
        return f;
    if (!exam->name.n)
        return refuse(r, first_line(node), "an exam needs a name, such as name: paper-1");
    if (!is_exam_name(exam->name))
        return refuse(r, member_line(node, "name"),
                      "name is \"%.*s\", but must be 1 to 40 of a-z, 0-9 and -, such as paper-1",
                      STR_ARG(exam->name));
    struct fy_node *marks = member(node, "marks"), *shifts = member(node, "shifts");
    if (marks)
        f = read_map(r, marks, "marks", marks_keys, COUNT(marks_keys), exam);
    if (f)
        return f;
    if (exam->partial.n && !str_eq(exam->partial, STR("none")) &&
        !str_eq(exam->partial, STR("subset")))
        return refuse(r, member_line(node, "marks"),
                      "partial is \"%.*s\", but must be none or subset", STR_ARG(exam->partial));
    if (!shifts)
        return FAIL_NONE;
    int count = fy_node_sequence_item_count(shifts);
    if (count > SPEC_SHIFTS_MAX)
        return refuse(r, member_line(node, "shifts"), "an exam has at most %d shifts",
                      SPEC_SHIFTS_MAX);
    exam->shifts = arena_many(r->arena, struct spec_shift, (size_t)count + 1);
    must(exam->shifts);
    for (int i = 0; i < count && !f; i++) {
        f = read_shift(r, fy_node_sequence_get_by_index(shifts, i), exam, &exam->shifts[i]);
        for (int k = 0; k < i && !f; k++)
            if (str_eq(exam->shifts[k].name, exam->shifts[i].name))
                f = refuse(r, first_line(fy_node_sequence_get_by_index(shifts, i)),
                           "the shift \"%.*s\" is there twice; give it another name",
                           STR_ARG(exam->shifts[i].name));
        exam->shift_count++;
    }
    return f;
}

static fail read_exams(struct reader *r, struct fy_node *root, struct spec *spec)
{
    struct fy_node *list = member(root, "exams");
    int count = list ? fy_node_sequence_item_count(list) : 0;
    fail f = FAIL_NONE;
    if (count > SPEC_EXAMS_MAX)
        return refuse(r, member_line(root, "exams"), "a hall has at most %d exams", SPEC_EXAMS_MAX);
    spec->exams = arena_many(r->arena, struct spec_exam, (size_t)count + 1);
    must(spec->exams);
    for (int i = 0; i < count && !f; i++) {
        struct fy_node *node = fy_node_sequence_get_by_index(list, i);
        f = read_exam(r, node, &spec->exams[i]);
        for (int k = 0; k < i && !f; k++)
            if (str_eq(spec->exams[k].name, spec->exams[i].name))
                f = refuse(r, first_line(node),
                           "the exam \"%.*s\" is there twice; give it another name",
                           STR_ARG(spec->exams[i].name));
        spec->exam_count++;
    }
    return f;
}

/* --- objectives --------------------------------------------------------------------------------
 */

#define LIMIT_KEY(name, place)                                                                     \
    { #name, DURATION, place, 1, 3600000, "a duration from 1ms to 3600s, such as 250ms or 2s" },

static const struct key limit_keys[] = {
#define X(name, per_mille) LIMIT_KEY(name, offsetof(struct limits, name##_us))
    LIMITS(X)
#undef X
};

static const struct key save_keys[] = {
#define X(name, per_mille) LIMIT_KEY(name, offsetof(struct objectives, save.name##_us))
    LIMITS(X)
#undef X
        { "lost", NUMBER, offsetof(struct objectives, saves_lost), 0, 0,
          "0: an acknowledged answer is never lost" },
};

static const struct key objective_keys[] = {
#define X(kind)                                                                                    \
    { #kind, MAP, offsetof(struct objectives, kind), 0, 0, "a mapping such as {p99: 2s}" },
    LIMITED(X)
#undef X
        { "failed", NUMBER, offsetof(struct objectives, requests_failed), 0, 1000000,
          "a number of requests from 0 to 1000000" },
};

static fail read_objectives(struct reader *r, struct fy_node *root, struct objectives *objectives)
{
    struct fy_node *map = member(root, "objectives");
    *objectives = objectives_default;
    fail f = map ? read_map(r, map, "objectives", objective_keys, COUNT(objective_keys), objectives)
                 : FAIL_NONE;
    for (size_t i = 0; map && i < COUNT(objective_keys) && !f; i++) {
        const struct key *key = &objective_keys[i];
        struct fy_node *limits = key->kind == MAP ? member(map, key->name) : NULL;
        if (limits && key->offset == offsetof(struct objectives, save))
            f = read_map(r, limits, key->name, save_keys, COUNT(save_keys), objectives);
        else if (limits)
            f = read_map(r, limits, key->name, limit_keys, COUNT(limit_keys),
                         (char *)objectives + key->offset);
    }
    return f;
}

/* --- the file ----------------------------------------------------------------------------------
 */

static const struct key root_keys[] = {
    { "hall", TEXT, offsetof(struct spec, hall), 1, 40, "a name of 1 to 40 characters" },
    { "title", TEXT, offsetof(struct spec, title), 1, 200, "1 to 200 characters" },
    { "domain", TEXT, offsetof(struct spec, domain), 1, 253, "a domain such as exam.example.org" },
    { "time_zone", TEXT, offsetof(struct spec, time_zone), 1, 60,
      "a time zone such as Asia/Kolkata" },
    { "listen", TEXT, offsetof(struct spec, listen), 1, 100, "an address such as 0.0.0.0:8443" },
    { "exams", LIST, 0, 0, 0, "a list of exams" },
    { "settings", MAP, 0, 0, 0, "a mapping such as {answers.grace_s: 5}" },
    { "objectives", MAP, 0, 0, 0, "a mapping such as {save: {p99: 250ms}}" },
    { "environments", LATER_MAP, 0, 0, 0, "a mapping" },
    { "services", LATER_MAP, 0, 0, 0, "a mapping" },
};

static fail read_settings(struct reader *r, struct fy_node *root, struct spec *spec)
{
    struct fy_node *map = member(root, "settings");
    struct fy_node_pair *pair;
    struct out out = out_make(16 * KIB);
    void *at = NULL;
    while (map && (pair = fy_node_mapping_iterate(map, &at))) {
        out_str(&out, text_of(r, fy_node_pair_key(pair)));
        out_char(&out, '=');
        out_str(&out, text_of(r, fy_node_pair_value(pair)));
        out_char(&out, '\n');
    }
    fail f = out.failed ? refuse(r, member_line(root, "settings"), "too many settings") : FAIL_NONE;
    spec->settings = out.n ? arena_str(r->arena, out_view(&out)) : STR_NONE;
    out_fini(&out);
    return f;
}

static fail read_root(struct reader *r, struct fy_node *root, struct spec *spec)
{
    if (!root || !fy_node_is_mapping(root))
        return refuse(r, 1, "a spec begins with a line such as `hall: my-hall`");
    fail f = read_map(r, root, "a spec", root_keys, COUNT(root_keys), spec);
    if (f)
        return f;
    if (!spec->hall.n)
        return refuse(r, 1, "the key hall is missing; begin with a line such as `hall: my-hall`");
    for (size_t i = 0; i < spec->hall.n; i++)
        if ((unsigned char)spec->hall.p[i] <= ' ' || spec->hall.p[i] == '|' ||
            spec->hall.p[i] == '/')
            return refuse(r, member_line(root, "hall"),
                          "hall is \"%.*s\", but must have no blanks, '|' or '/', such as nee-2027",
                          STR_ARG(spec->hall));
    if (!spec->time_zone.n)
        spec->time_zone = STR("UTC");
    if (!zone_exists(spec->time_zone))
        return refuse(
            r, member_line(root, "time_zone"),
            "there is no time zone \"%.*s\" on this machine; write one such as Asia/Kolkata",
            STR_ARG(spec->time_zone));
    r->zone = spec->time_zone.p;
    f = read_exams(r, root, spec);
    if (!f)
        f = read_objectives(r, root, &spec->objectives);
    return f ? f : read_settings(r, root, spec);
}

static fail syntax_error(struct reader *r, struct fy_diag *diag)
{
    void *at = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &at);
    if (!error) /* nothing at all, or only comments */
        return refuse(r, 1, "a spec begins with a line such as `hall: my-hall`");
    return refuse(r, error->line, "this is not YAML: %s", error->msg ? error->msg : "unreadable");
}

/* YAML knows no tabs before a key, and its own complaint names another line. 0: there is none. */
static int line_of_tab(str text)
{
    int line = 1;
    for (str rest = text; rest.p; line++) {
        str row = str_cut(&rest, '\n');
        size_t blanks = 0;
        while (blanks < row.n && (row.p[blanks] == ' ' || row.p[blanks] == '\t'))
            blanks++;
        if (blanks < row.n && row.p[blanks] != '#' && str_find(str_first(row, blanks), '\t') >= 0)
            return line;
    }
    return 0;
}

fail spec_parse(struct spec *spec, const char *name, str text, struct arena *arena, struct why *why)
{
    struct reader r = { .name = name, .arena = arena, .why = why, .zone = "UTC" };
    struct fy_diag_cfg diag_cfg;
    fy_diag_cfg_default(&diag_cfg);
    diag_cfg.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&diag_cfg);
    must(diag);
    fy_diag_set_collect_errors(diag, true);
    /* Repeated keys are found by read_map, which says which. Aliases are not resolved: a page of
     * them can stand for more than all memory. */
    struct fy_parse_cfg cfg = { .flags = FYPCF_QUIET | FYPCF_ALLOW_DUPLICATE_KEYS, .diag = diag };
    *spec = (struct spec){ 0 };
    if (!str_is_utf8(text)) {
        fy_diag_destroy(diag);
        return refuse(&r, 1, "the file is not UTF-8; save it as UTF-8");
    }
    int tab = line_of_tab(text);
    if (tab) {
        fy_diag_destroy(diag);
        return refuse(&r, tab, "this is not YAML: a tab; indent with spaces");
    }
    struct fy_document *document = fy_document_build_from_string(&cfg, text.p, text.n);
    fail f = document ? read_root(&r, fy_document_root(document), spec) : syntax_error(&r, diag);
    fy_document_destroy(document);
    fy_diag_destroy(diag);
    return f;
}

fail spec_load(struct spec *spec, const char *path, struct arena *arena, struct why *why)
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
    return spec_parse(spec, path, str_of(bytes, (size_t)n), arena, why);
}
