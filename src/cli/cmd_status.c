/* cmd_status.c - `examhall status`: once for programs, live on a terminal. */
#include "app/service.h"
#include "cli/cmd.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct status {
    str overview; /* JSON of the hall, or empty when it does not run */
    int64_t hall_pid, gateway_pid;
    bool apart; /* a hall whose gateways run elsewhere: they count there, not here */
};

static int64_t read_pid(const char *dir, const char *name)
{
    char path[4096], text[32] = { 0 };
    int64_t pid = 0;
    snprintf(path, sizeof(path), "%s/run/%s.pid", dir, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (!fgets(text, sizeof(text), file) || !str_i64(str_trim(str_z(text)), &pid))
        pid = 0;
    fclose(file);
    return pid > 0 && kill((pid_t)pid, 0) == 0 ? pid : 0;
}

static int64_t member(const struct json *root, const char *name)
{
    struct why why;
    int64_t v = 0;
    fail_ignore(json_i64(root, name, false, INT64_MIN, INT64_MAX, &v, &why),
                "0 when it is not there");
    return v;
}

static void write_service(struct out *out, const char *name, int64_t pid, bool apart)
{
    jo_open(out, NULL, '{');
    jo_z(out, "name", name);
    jo_z(out, "state", pid ? "running" : apart ? "apart" : "down");
    jo_i64(out, "pid", pid);
    jo_close(out, '}');
}

/* What a gateway here counts. */
static void write_counts(struct out *out, const struct status *status, const struct json *root)
{
    const struct json *latency = json_get(root, STR("latency_ms"));
    if (status->apart)
        jo_raw(out, "connections", STR("null"));
    else
        jo_i64(out, "connections", member(root, "connections"));
    jo_open(out, "latency_ms", '{');
    for (const struct json *q = latency ? latency->first : NULL; q; q = q->next) {
        jo_name(out, NULL);
        out_json(out, q->name);
        out_char(out, ':');
        out_str(out, status->apart ? STR("null") : q->text);
    }
    jo_close(out, '}');
}

static void write_json(struct out *out, const struct status *status, const struct json *root)
{
    jo_open(out, NULL, '{');
    jo_z(out, "version", version());
    jo_open(out, "services", '[');
    write_service(out, "gateway", status->gateway_pid, status->apart);
    for (size_t i = 0; services[i]; i++)
        write_service(out, services[i]->name, status->hall_pid, false);
    write_service(out, "portal", status->gateway_pid, status->apart);
    jo_close(out, ']');
    jo_open(out, "candidates", '{');
    jo_i64(out, "roster", member(root, "candidates"));
    jo_i64(out, "signed_in", member(root, "signed_in"));
    jo_i64(out, "started", member(root, "started"));
    jo_i64(out, "submitted", member(root, "submitted"));
    jo_close(out, '}');
    jo_i64(out, "saves", member(root, "saves"));
    jo_i64(out, "saves_per_s", member(root, "saves_per_s"));
    write_counts(out, status, root);
    jo_close(out, '}');
    out_char(out, '\n');
}

static void write_processes(struct out *out, const struct status *status, const struct json *root)
{
    out_fmt(out, "hall      %s (pid %lld)\n", status->hall_pid ? "running" : "down",
            (long long)status->hall_pid);
    if (status->apart)
        out_z(out, "gateway   apart: each knows its own connections and latencies\n\n");
    else
        out_fmt(out, "gateway   %s (pid %lld), %lld connections\n\n",
                status->gateway_pid ? "running" : "down", (long long)status->gateway_pid,
                (long long)member(root, "connections"));
}

static void write_text(struct out *out, const struct status *status, const struct json *root)
{
    const struct json *latency = json_get(root, STR("latency_ms"));
    const struct json *p50 = json_get(latency, STR("p50")), *p99 = json_get(latency, STR("p99"));
    write_processes(out, status, root);
    out_fmt(
        out,
        "candidates  %8lld on the roster\n            %8lld signed in\n            %8lld started\n"
        "            %8lld submitted\n",
        (long long)member(root, "candidates"), (long long)member(root, "signed_in"),
        (long long)member(root, "started"), (long long)member(root, "submitted"));
    out_fmt(out, "saves       %8lld recorded, %lld a second", (long long)member(root, "saves"),
            (long long)member(root, "saves_per_s"));
    if (p50 && p99 && !status->apart)
        out_fmt(out, "; latency p50 %.*s ms, p99 %.*s ms", STR_ARG(p50->text), STR_ARG(p99->text));
    out_z(out, "\n\n");
    const struct json *exams = json_get(root, STR("exams"));
    for (const struct json *exam = exams ? exams->first : NULL; exam; exam = exam->next) {
        str name = STR(""), state = STR("");
        struct why why;
        fail_ignore(json_str(exam, "exam", false, &name, &why), "shown empty");
        fail_ignore(json_str(exam, "state", false, &state, &why), "shown empty");
        out_fmt(out, "exam        %-20.*s %-10.*s %lld items, %lld minutes, %lld candidates\n",
                STR_ARG(name), STR_ARG(state), (long long)member(exam, "items"),
                (long long)member(exam, "minutes"), (long long)member(exam, "candidates"));
    }
}

static fail look(const char *dir, struct out *out, struct why *why)
{
    struct arena arena = arena_make(64 * MIB);
    struct status status = { .hall_pid = read_pid(dir, "hall"),
                             .gateway_pid = read_pid(dir, "gateway") };
    struct admin *admin = NULL;
    struct json *root = NULL;
    status.apart = status.hall_pid && read_pid(dir, "tunnel"); /* that is only where one is apart */
    if (status.apart)
        status.gateway_pid = 0;
    fail f = admin_look(&admin, dir, why);
    if (!f)
        f = admin_call(admin, "GET", "/v1/staff/overview", STR_NONE, &arena, &status.overview, why);
    if (!f)
        f = json_parse(&root, status.overview, &arena, why);
    out_clear(out);
    if (!f && is_json_wanted())
        write_json(out, &status, root);
    else if (!f)
        write_text(out, &status, root);
    admin_close(admin);
    arena_fini(&arena);
    return f;
}

int cmd_status(int argc, char **argv)
{
    const char *given = NULL, *dir, *words[1];
    size_t words_n;
    bool stop, once = false;
    struct why why;
    struct out out = out_make(MIB);
    const struct option options[] = { { "--data", &given, NULL }, { "--once", NULL, &once } };
    int status = args_parse(argc, argv, options, COUNT(options), words, 0, &words_n, &stop);
    if (status || stop)
        return status;
    fail f = hall_dir(given, &dir, &why);
    bool live = is_terminal(1) && !is_json_wanted() && !once;
    do {
        if (!f)
            f = look(dir, &out, &why);
        if (!f && live)
            fputs("\033[H\033[J", stdout);
        if (!f)
            fwrite(out.p, 1, out.n, stdout);
        fflush(stdout);
        if (live && !f)
            sleep(1);
    } while (live && !f);
    out_fini(&out);
    return f ? complain(f, &why) : EXIT_DONE;
}
