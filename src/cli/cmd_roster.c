/* cmd_roster.c - `examhall roster`: candidates in from CSV, out to CSV. */
#include "app/service.h"
#include "cli/cmd.h"
#include "cli/importing.h"
#include "svc/itembank/roster_import.h"

#define ROSTER_FILE_BYTES_MAX (512 * MIB)
#define CHUNK_ROWS            2000

static bool take_row(void *ctx, const struct roster_row *row, unsigned line)
{
    struct posting *posting = ctx;
    struct out *body = &posting->body;
    if (posting->rows == 0)
        out_z(body, "{\"rows\":[");
    jo_open(body, NULL, '{');
    jo_str(body, "roll", row->roll);
    jo_str(body, "name", row->name);
    if (row->birth.n)
        jo_str(body, "birth", row->birth);
    if (row->centre.n)
        jo_str(body, "centre", row->centre);
    if (row->exam.n)
        jo_str(body, "exam", row->exam);
    if (row->shift.n)
        jo_str(body, "shift", row->shift);
    if (row->extra_minutes)
        jo_i64(body, "extra_minutes", row->extra_minutes);
    jo_close(body, '}');
    progress_show(&posting->progress, line);
    return posting_add(posting, line);
}

static void refuse_row(void *ctx, unsigned line, const char *reason)
{
    posting_refuse(ctx, line, reason);
}

fail import_roster(struct admin *admin, str bytes, struct posting_report *report, struct why *why)
{
    struct posting posting;
    struct roster_count count = { 0 };
    uint64_t lines = 0;
    for (size_t i = 0; i < bytes.n; i++)
        lines += bytes.p[i] == '\n';
    posting_start(&posting, admin, "/v1/roster", CHUNK_ROWS, 4 * MIB, report);
    progress_start(&posting.progress, "candidates", lines);
    struct roster_sink sink = { take_row, refuse_row, &posting };
    fail f = roster_import(bytes, &sink, &count, why);
    fail posted = posting_end(&posting, f ? NULL : why);
    report->read = count.read;
    return f ? f : posted;
}

static int cmd_import(const char *dir, const char *path)
{
    struct why why;
    struct arena arena = arena_make(ROSTER_FILE_BYTES_MAX + MIB);
    struct posting_report report = { 0 };
    struct admin *admin = NULL;
    str bytes;
    fail f = file_read(path, ROSTER_FILE_BYTES_MAX, &arena, &bytes, &why);
    if (!f)
        f = admin_open(&admin, dir, &why);
    if (!f)
        f = import_roster(admin, bytes, &report, &why);
    if (f)
        f = why_add(&why, f, "%s", path);
    int status = f ? complain(f, &why) : posting_print(&report, "candidates");
    admin_close(admin);
    posting_report_fini(&report);
    arena_fini(&arena);
    return status;
}

static void csv_field(struct out *out, str s, char end)
{
    bool quote = str_find(s, ',') >= 0 || str_find(s, '"') >= 0 || str_find(s, '\n') >= 0;
    if (quote)
        out_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            out_char(out, '"');
        out_char(out, s.p[i]);
    }
    if (quote)
        out_char(out, '"');
    out_char(out, end);
}

static void csv_row(struct out *out, const struct json *row, bool codes)
{
    static const char *const all[] = { "roll", "name",  "birth",        "centre",
                                       "exam", "shift", "extra_minutes" };
    static const char *const only[] = { "roll", "code" };
    const char *const *names = codes ? only : all;
    size_t n = codes ? COUNT(only) : COUNT(all);
    for (size_t i = 0; i < n; i++) {
        const struct json *member = json_get(row, str_z(names[i]));
        csv_field(out, member ? member->text : STR(""), i + 1 < n ? ',' : '\n');
    }
}

fail export_roster(struct admin *admin, bool codes, FILE *to, struct why *why)
{
    int64_t after = 0;
    fail f = FAIL_NONE;
    struct out out = out_make(64 * MIB);
    out_z(&out, codes ? "roll,code\n" : ROSTER_CSV_HEADER "\n");
    do {
        struct arena arena = arena_make(64 * MIB);
        struct json *root;
        char target[64];
        str reply;
        snprintf(target, sizeof(target), "/v1/roster?after=%lld", (long long)after);
        f = admin_call(admin, "GET", target, STR_NONE, &arena, &reply, why);
        if (!f)
            f = json_parse(&root, reply, &arena, why);
        const struct json *rows = f ? NULL : json_get(root, STR("rows"));
        for (const struct json *row = rows ? rows->first : NULL; row; row = row->next)
            csv_row(&out, row, codes);
        after = 0;
        if (!f)
            f = json_i64(root, "next", false, 0, INT64_MAX, &after, why);
        if (!f && fwrite(out.p, 1, out.n, to) != out.n)
            f = fail_errno(why, FAIL_WORLD, "cannot write the roster");
        out_clear(&out);
        arena_fini(&arena);
    } while (!f && after);
    out_fini(&out);
    return f;
}

static int cmd_export(const char *dir, bool codes)
{
    struct why why;
    struct admin *admin = NULL;
    fail f = admin_look(&admin, dir, &why);
    if (!f)
        f = export_roster(admin, codes, stdout, &why);
    if (!f && fflush(stdout) != 0)
        f = fail_errno(&why, FAIL_WORLD, "cannot write the roster");
    admin_close(admin);
    return f ? complain(f, &why) : EXIT_DONE;
}

int cmd_roster(int argc, char **argv)
{
    const char *given = NULL, *dir, *words[2];
    bool stop, codes = false;
    size_t n;
    struct why why;
    const struct option options[] = { { "--data", &given, NULL }, { "--codes", NULL, &codes } };
    int status = args_parse(argc, argv, options, COUNT(options), words, 2, &n, &stop);
    if (status || stop)
        return status;
    fail f = hall_dir(given, &dir, &why);
    if (f && n)
        return complain(f, &why);
    if (n == 2 && strcmp(words[0], "import") == 0)
        return cmd_import(dir, words[1]);
    if (n == 1 && strcmp(words[0], "export") == 0)
        return cmd_export(dir, codes);
    return help_for("roster", stderr);
}
