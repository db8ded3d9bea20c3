/* cmd_exam.c - `examhall exam`: papers in, and an exam's way from draft to published. */
#include "app/service.h"
#include "cli/cmd.h"
#include "cli/importing.h"
#include "svc/itembank/import.h"

#include <stdlib.h>

#define PAPER_BYTES_MAX (64 * MIB)
#define CHUNK_ITEMS     50
#define CHUNK_BYTES     (4 * MIB)

struct import {
    struct posting posting;
    bool replace;
};

static bool take_item(void *ctx, const struct item *item, unsigned line)
{
    struct import *import = ctx;
    struct out *body = &import->posting.body;
    if (import->posting.rows == 0) {
        out_fmt(body, "{\"replace\":%s,\"items\":[", import->replace ? "true" : "false");
        import->replace = false;
    } else {
        out_char(body, ',');
    }
    item_write_json(body, item);
    return posting_add(&import->posting, line);
}

static void refuse_item(void *ctx, unsigned line, const char *reason)
{
    struct import *import = ctx;
    posting_refuse(&import->posting, line, reason);
}

/* An exam that nobody has described yet gets the defaults, so that a paper can just be tried. */
static fail make_exam(struct admin *admin, const char *exam, struct arena *arena, struct why *why)
{
    str reply, name;
    struct json *root;
    fail f = admin_call(admin, "GET", "/v1/exams", STR_NONE, arena, &reply, why);
    if (!f)
        f = json_parse(&root, reply, arena, why);
    if (f)
        return f;
    const struct json *exams = json_get(root, STR("exams"));
    for (const struct json *row = exams ? exams->first : NULL; row; row = row->next)
        if (!json_str(row, "exam", true, &name, why) && str_eq(name, str_z(exam)))
            return FAIL_NONE;
    char target[128];
    snprintf(target, sizeof(target), "/v1/exams/%.64s", exam);
    return admin_call(admin, "PUT", target, STR("{}"), arena, &reply, why);
}

fail import_paper(struct admin *admin, const char *exam, str bytes, enum import_format format,
                  bool replace, struct posting_report *report, struct why *why)
{
    char target[128];
    struct arena arena = arena_make(64 * MIB);
    struct import_count count;
    fail f = make_exam(admin, exam, &arena, why);
    arena_fini(&arena);
    if (f)
        return f;
    snprintf(target, sizeof(target), "/v1/exams/%.64s/items", exam);
    struct import import = { .replace = replace };
    posting_start(&import.posting, admin, target, CHUNK_ITEMS, CHUNK_BYTES, report);
    struct import_sink sink = { take_item, refuse_item, &import };
    f = import_items(format, bytes, &sink, &count, why);
    if (!f && replace && import.replace) /* no good item came: still empty the paper */
        f = fail_set(why, FAIL_INPUT, "no item could be read; the paper is as it was");
    fail posted = posting_end(&import.posting, f ? NULL : why);
    report->read = count.read;
    return f ? f : posted;
}

static int cmd_import(const char *dir, const char *exam, const char *path, const char *format_name,
                      bool replace)
{
    struct why why;
    struct arena arena = arena_make(PAPER_BYTES_MAX + MIB);
    struct posting_report report = { 0 };
    struct admin *admin = NULL;
    enum import_format format;
    str bytes;
    if (!import_format_of(str_z(format_name ? format_name : path), &format)) {
        fprintf(stderr,
                "examhall exam import: the format of %s is not known by its name; say "
                "--format jsonl, csv or gift\n",
                path);
        return EXIT_USAGE;
    }
    fail f = file_read(path, PAPER_BYTES_MAX, &arena, &bytes, &why);
    if (!f)
        f = admin_open(&admin, dir, &why);
    if (!f)
        f = import_paper(admin, exam, bytes, format, replace, &report, &why);
    if (f)
        f = why_add(&why, f, "%s", path);
    int status = f ? complain(f, &why) : posting_print(&report, "items");
    admin_close(admin);
    posting_report_fini(&report);
    arena_fini(&arena);
    return status;
}

static int cmd_list(const char *dir)
{
    struct why why;
    struct arena arena = arena_make(16 * MIB);
    struct admin *admin = NULL;
    struct json *root = NULL;
    str reply = STR_NONE;
    fail f = admin_look(&admin, dir, &why);
    if (!f)
        f = admin_call(admin, "GET", "/v1/exams", STR_NONE, &arena, &reply, &why);
    if (!f && is_json_wanted())
        printf("%.*s\n", STR_ARG(reply));
    else if (!f)
        f = json_parse(&root, reply, &arena, &why);
    const struct json *exams = root ? json_get(root, STR("exams")) : NULL;
    for (const struct json *row = exams ? exams->first : NULL; row; row = row->next) {
        str name = STR(""), state = STR(""), title = STR("");
        int64_t items = 0, candidates = 0;
        f = json_str(row, "exam", true, &name, &why);
        f = f ? f : json_str(row, "state", true, &state, &why);
        f = f ? f : json_str(row, "title", true, &title, &why);
        f = f ? f : json_i64(row, "items", true, 0, INT64_MAX, &items, &why);
        f = f ? f : json_i64(row, "candidates", true, 0, INT64_MAX, &candidates, &why);
        if (f)
            break;
        printf("%-20.*s %-10.*s %5lld items %8lld candidates  %.*s\n", STR_ARG(name),
               STR_ARG(state), (long long)items, (long long)candidates, STR_ARG(title));
    }
    int status = f ? complain(f, &why) : EXIT_DONE;
    admin_close(admin);
    arena_fini(&arena);
    return status;
}

static int cmd_act(const char *dir, const char *exam, const char *act)
{
    char target[128];
    struct why why;
    struct arena arena = arena_make(16 * MIB);
    struct admin *admin = NULL;
    struct json *root = NULL;
    str reply = STR_NONE, state = STR(""), digest = STR_NONE;
    int64_t scored = 0;
    snprintf(target, sizeof(target), "/v1/exams/%.64s/%s", exam, act);
    fail f = admin_open(&admin, dir, &why);
    if (!f)
        f = admin_call(admin, "POST", target, STR("{}"), &arena, &reply, &why);
    if (!f)
        f = json_parse(&root, reply, &arena, &why);
    if (!f)
        f = json_str(root, "state", true, &state, &why);
    if (!f)
        f = json_str(root, "digest", false, &digest, &why);
    if (!f)
        f = json_i64(root, "scored", false, 0, INT64_MAX, &scored, &why);
    if (!f && is_json_wanted()) {
        printf("%.*s\n", STR_ARG(reply));
    } else if (!f) {
        printf("%s is %.*s", exam, STR_ARG(state));
        if (digest.n)
            printf(": %lld attempts scored, result %.*s", (long long)scored, STR_ARG(digest));
        printf("\n");
    }
    int status = f ? complain(f, &why) : EXIT_DONE;
    admin_close(admin);
    arena_fini(&arena);
    return status;
}

/* Names become a part of a path: what could be anything else there is refused here. */
static bool is_exam_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (n && n <= 40 && !name[n] && *name != '-')
        return true;
    fprintf(stderr, "examhall exam: \"%.40s\" is not an exam's name: 1 to 40 of a-z, 0-9 and -\n",
            name);
    return false;
}

int cmd_exam(int argc, char **argv)
{
    const char *given = NULL, *format = NULL, *dir, *words[3];
    bool stop, replace = false;
    size_t n;
    struct why why;
    const struct option options[] = { { "--data", &given, NULL },
                                      { "--format", &format, NULL },
                                      { "--replace", NULL, &replace } };
    int status = args_parse(argc, argv, options, COUNT(options), words, 3, &n, &stop);
    if (status || stop)
        return status;
    fail f = hall_dir(given, &dir, &why);
    if (f && n)
        return complain(f, &why);
    if (n > 1 && !is_exam_name(words[1]))
        return EXIT_USAGE;
    if (n == 3 && strcmp(words[0], "import") == 0)
        return cmd_import(dir, words[1], words[2], format, replace);
    if (n == 1 && strcmp(words[0], "list") == 0)
        return cmd_list(dir);
    const char *acts[] = { "open", "close", "score", "publish" };
    for (size_t i = 0; i < COUNT(acts) && n == 2; i++)
        if (strcmp(words[0], acts[i]) == 0)
            return cmd_act(dir, words[1], words[0]);
    return help_for("exam", stderr);
}
