/* importing.c - see importing.h. */
#include "app/service.h"
#include "cli/importing.h"

#include <stdlib.h>

void posting_start(struct posting *posting, struct admin *admin, const char *target,
                   unsigned rows_max, size_t bytes_max, struct posting_report *report)
{
    must(rows_max <= COUNT(posting->lines));
    posting->admin = admin;
    posting->target = target;
    posting->rows = 0;
    posting->rows_max = rows_max;
    posting->bytes_max = bytes_max;
    posting->report = report;
    posting->body = out_make(32 * MIB);
    posting->f = FAIL_NONE;
    if (!report->arena.bytes_max)
        report->arena = arena_make(256 * MIB);
}

void posting_refuse(struct posting *posting, unsigned line, const char *reason)
{
    struct posting_report *report = posting->report;
    if (report->refused_n == report->refused_cap) {
        report->refused_cap = MAX(report->refused_cap * 2, 64);
        report->refused = realloc(report->refused, report->refused_cap * sizeof(*report->refused));
        must(report->refused);
    }
    str kept = arena_str(&report->arena, str_z(reason));
    report->refused[report->refused_n++] =
        (struct refusal){ line, kept.p ? kept.p : "and more than can be listed" };
}

/* The hall's own refusals name rows of the chunk; the report wants lines of the file. */
static fail read_reply(struct posting *posting, str reply, struct arena *arena, struct why *why)
{
    struct json *root;
    int64_t imported = 0, index = 0;
    fail f = json_parse(&root, reply, arena, why);
    if (!f)
        f = json_i64(root, "imported", true, 0, INT64_MAX, &imported, why);
    const struct json *refused = f ? NULL : json_get(root, STR("refused"));
    for (const struct json *row = refused ? refused->first : NULL; row && !f; row = row->next) {
        str reason = STR_NONE;
        f = json_i64(row, "index", true, 0, posting->rows - 1, &index, why);
        if (!f)
            f = json_str(row, "reason", true, &reason, why);
        if (!f)
            posting_refuse(posting, posting->lines[index], arena_str(arena, reason).p);
    }
    posting->report->imported += (uint64_t)imported;
    return f;
}

static void send(struct posting *posting)
{
    struct arena arena = arena_make(64 * MIB);
    str reply;
    if (posting->rows == 0)
        return;
    out_z(&posting->body, "]}");
    if (posting->body.failed)
        posting->f = fail_set(&posting->why, FAIL_LIMIT, "a chunk of the import is too large");
    if (!posting->f)
        posting->f = admin_call(posting->admin, "POST", posting->target, out_view(&posting->body),
                                &arena, &reply, &posting->why);
    if (!posting->f)
        posting->f = read_reply(posting, reply, &arena, &posting->why);
    arena_fini(&arena);
    out_clear(&posting->body);
    posting->rows = 0;
}

bool posting_add(struct posting *posting, unsigned line)
{
    posting->lines[posting->rows++] = line;
    if (posting->rows == posting->rows_max || posting->body.n > posting->bytes_max)
        send(posting);
    return posting->f == FAIL_NONE;
}

fail posting_end(struct posting *posting, struct why *why)
{
    if (why && !posting->f)
        send(posting);
    if (why && posting->f)
        *why = posting->why;
    out_fini(&posting->body);
    return posting->f;
}

static int by_line(const void *a, const void *b)
{
    const struct refusal *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

int posting_print(const struct posting_report *report, const char *what)
{
    if (report->refused_n)
        qsort(report->refused, report->refused_n, sizeof(*report->refused), by_line);
    if (is_json_wanted()) {
        struct out out = out_make(512 * MIB);
        jo_open(&out, NULL, '{');
        jo_i64(&out, "read", (int64_t)report->read);
        jo_i64(&out, "imported", (int64_t)report->imported);
        jo_open(&out, "refused", '[');
        for (size_t i = 0; i < report->refused_n; i++) {
            jo_open(&out, NULL, '{');
            jo_i64(&out, "line", report->refused[i].line);
            jo_z(&out, "reason", report->refused[i].reason);
            jo_close(&out, '}');
        }
        out_z(&out, "]}\n");
        fwrite(out.p, 1, out.n, stdout);
        out_fini(&out);
    } else {
        for (size_t i = 0; i < report->refused_n; i++)
            printf("line %u refused: %s\n", report->refused[i].line, report->refused[i].reason);
        printf("%llu %s read, %llu imported, %zu refused\n", (unsigned long long)report->read, what,
               (unsigned long long)report->imported, report->refused_n);
    }
    return report->refused_n && !report->imported ? EXIT_NO : EXIT_DONE;
}

void posting_report_fini(struct posting_report *report)
{
    free(report->refused);
    arena_fini(&report->arena);
}
