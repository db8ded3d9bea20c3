/* deploy_local.c - `examhall deploy local`: another program for the hall that runs on this machine,
 * process after process, watched after each; says how it went, in figures.
 *
 * The supervisor does and judges all of it (upgrade.c, watch.h): should this command die, the
 * deployment goes on, or back, without it. */
#include "cli/deploy.h"
#include "cli/upgrade_ask.h"
#include "codec/json.h"
#include "platform/spec.h"

#include <unistd.h>

/* --- what it is judged by ----------------------------------------------------------------------
 */

/* Of the spec that the hall began with, which is what it serves by. */
static fail limits_read(struct watch_limits *limits, const char *dir, struct why *why)
{
    char path[4200];
    struct spec spec;
    struct arena arena = arena_make(8 * MIB);
    snprintf(path, sizeof(path), "%s/run/spec.yaml", dir);
    if (access(path, F_OK) != 0)
        return FAIL_NONE; /* then no hall runs here, which upgrade_order says better */
    fail f = spec_load(&spec, path, &arena, why);
    if (!f) {
        const struct objectives *o = &spec.objectives;
        limits->p99_us[WATCH_save] = o->save.p99_us;
        limits->p99_us[WATCH_start] = MAX(o->start.p99_us, o->form.p99_us);
        limits->p99_us[WATCH_sign_in] = o->sign_in.p99_us;
        limits->p99_us[WATCH_result] = o->result.p99_us;
    }
    arena_fini(&arena);
    return f;
}

/* --- a line of the supervisor ------------------------------------------------------------------
 */

static int64_t number(const struct json *object, const char *name)
{
    struct why why;
    int64_t value = 0;
    if (object)
        fail_ignore(json_i64(object, name, false, INT64_MIN, INT64_MAX, &value, &why), "0 then");
    return value;
}

static str text(const struct json *object, const char *name)
{
    struct why why;
    str value = STR_NONE;
    fail_ignore(json_str(object, name, false, &value, &why), "none then");
    return value;
}

static bool is_true(const struct json *object, const char *name)
{
    const struct json *member = json_get(object, str_z(name));
    return member && member->type == JSON_TRUE;
}

static const struct json *inside(const struct json *object, const char *name)
{
    return object ? json_get(object, str_z(name)) : NULL;
}

static const struct json *watched(const struct json *line, const char *when)
{
    return inside(inside(line, "watched"), when);
}

/* Too few replies have none. */
static str p99(const struct json *figures, const char *kind)
{
    const struct json *ms = inside(inside(inside(figures, "latency_ms"), kind), "p99");
    return ms ? ms->text : STR("-");
}

static void write_figures(struct out *out, const struct json *figures)
{
    out_fmt(out, "%lld replies/s, %lld errors, save p99 %.*s ms",
            (long long)number(figures, "replies_per_s"), (long long)number(figures, "errors"),
            STR_ARG(p99(figures, "save")));
}

/* --- while it runs -----------------------------------------------------------------------------
 */

struct show {
    int64_t watch_s;
    bool is_open; /* the last line is to be drawn again */
};

static void write_step(struct out *out, const struct json *line, const struct show *show)
{
    str step = text(line, "step");
    if (str_eq(step, STR("before")))
        out_z(out, "looking how it is before anything changes");
    else if (str_eq(step, STR("gateway")))
        out_z(out, "starting a new gateway beside the old one; before: "),
            write_figures(out, watched(line, "before"));
    else if (str_eq(step, STR("hall")))
        out_z(out, "starting the hall anew; the gateways hold what is asked");
    else if (str_eq(step, STR("watch")))
        out_fmt(out,
                "watching, %2lld of %lld s: ", (long long)number(watched(line, "after"), "seconds"),
                (long long)show->watch_s),
            write_figures(out, watched(line, "after"));
    else if (str_eq(step, STR("back")))
        out_fmt(out, "going back: %.*s", STR_ARG(text(line, "reason")));
}

/* On a terminal the seconds of a watch share a line. */
static void show_step(void *ctx, const char *line)
{
    struct show *show = ctx;
    struct arena arena = arena_make(64 * KIB);
    struct out out = out_make(4 * KIB);
    struct json *root;
    struct why why;
    if (!is_json_wanted() && !json_parse(&root, str_z(line), &arena, &why)) {
        bool watch = is_terminal(2) && str_eq(text(root, "step"), STR("watch"));
        if (show->is_open)
            out_z(&out, watch ? "\r\033[K" : "\n");
        out_fmt(&out, "%6.1f s  ", (double)number(root, "ms") / 1000);
        write_step(&out, root, show);
        out_z(&out, watch ? "" : "\n");
        show->is_open = watch;
        fwrite(out.p, 1, out.n, stderr);
    }
    out_fini(&out);
    arena_fini(&arena);
}

/* --- at the end --------------------------------------------------------------------------------
 */

static void write_row(struct out *out, const char *name, str before, str after)
{
    out_fmt(out, "  %-14s %12.*s %12.*s\n", name, STR_ARG(before), STR_ARG(after));
}

static void write_table(struct out *out, const struct json *root, struct arena *arena)
{
    const struct json *before = watched(root, "before"), *after = watched(root, "after");
    char name[40];
    if (!before || !after)
        return;
    out_fmt(out, "  %-14s %12s %12s\n", "", "before", "after");
    write_row(out, "replies/s", json_get(before, STR("replies_per_s"))->text,
              json_get(after, STR("replies_per_s"))->text);
    write_row(out, "errors (5xx)", json_get(before, STR("errors"))->text,
              json_get(after, STR("errors"))->text);
    for (unsigned i = 0; i < WATCH_KIND_COUNT; i++) {
        str was = p99(before, watch_kinds[i]), is = p99(after, watch_kinds[i]);
        snprintf(name, sizeof(name), "%s p99", watch_kinds[i]);
        if (!str_eq(was, STR("-")) || !str_eq(is, STR("-")))
            write_row(out, name, arena_fmt(arena, "%.*s ms", STR_ARG(was)),
                      arena_fmt(arena, "%.*s ms", STR_ARG(is)));
    }
}

static void write_text(struct out *out, const struct json *root, const struct deploy_opts *opts,
                       struct arena *arena)
{
    str reason = text(root, "reason");
    bool back = is_true(root, "rolled_back");
    if (is_true(root, "deployed"))
        out_fmt(out,
                "Deployed. %.*s serves now, after %.*s, in %.1f s, watched for %lld s after "
                "each process.\n",
                STR_ARG(text(root, "after")), STR_ARG(text(root, "before")),
                (double)number(root, "ms") / 1000, (long long)opts->watch_s);
    else if (back)
        out_fmt(out, "Rolled back, in %.1f s: %.*s.\n", (double)number(root, "back_ms") / 1000,
                STR_ARG(reason));
    else
        out_fmt(out, "Not deployed, nothing has changed: %.*s.\n", STR_ARG(reason));
    write_table(out, root, arena);
    if (is_true(root, "deployed"))
        out_z(out, "Back to the one before: examhall deploy local --undo\n");
    else if (back)
        out_z(out, "What was acknowledged is in the log, whichever program wrote it. What the new "
                   "one said is in the output\nof serve; repair it and deploy again. How the hall "
                   "is now: examhall status\n");
}

/* The supervisor's line is what --json prints. */
static fail report(const char *line, const struct deploy_opts *opts, bool *deployed,
                   struct why *why)
{
    struct arena arena = arena_make(64 * KIB);
    struct out out = out_make(64 * KIB);
    struct json *root;
    fail f = json_parse(&root, str_z(line), &arena, why);
    str error = f ? STR_NONE : text(root, "error");
    if (!f && error.p)
        f = fail_set(why, FAIL_CONFLICT, "%.*s; nothing has changed", STR_ARG(error));
    *deployed = !f && is_true(root, "deployed");
    if (!f && is_json_wanted())
        out_z(&out, line);
    else if (!f)
        write_text(&out, root, opts, &arena);
    if (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout))
        f = f ? f : fail_errno(why, FAIL_WORLD, "cannot write the result");
    out_fini(&out);
    arena_fini(&arena);
    return f;
}

int deploy_local(const struct deploy_opts *opts)
{
    char line[UPGRADE_LINE_BYTES];
    bool deployed = false;
    struct why why;
    struct show show = { .watch_s = opts->watch_s };
    struct upgrade_order order = { .binary = opts->binary,
                                   .undo = opts->undo,
                                   .watch_s = (unsigned)opts->watch_s,
                                   .step = show_step,
                                   .ctx = &show };
    if (opts->undo && opts->binary)
        return complain(fail_set(&why, FAIL_USAGE, "either --undo or --binary FILE"), &why);
    fail f = hall_dir(opts->data, &order.dir, &why);
    if (!f)
        f = limits_read(&order.limits, order.dir, &why);
    if (!f)
        f = upgrade_order(&order, line, &why);
    if (show.is_open)
        fputc('\n', stderr);
    if (!f)
        f = report(line, opts, &deployed, &why);
    return f ? complain(f, &why) : deployed ? EXIT_DONE : EXIT_NO;
}
