/* cmd_upgrade.c - `examhall upgrade`: another program for the running hall, at once and without
 * watching; and what became of it. `examhall deploy local` does the same and watches. */
#include "cli/cmd.h"
#include "cli/upgrade_ask.h"
#include "codec/json.h"

static fail report(const char *reply, struct why *why)
{
    struct arena arena = arena_make(64 * KIB);
    struct json *root;
    str error = STR_NONE, before = STR_NONE, after = STR_NONE;
    int64_t ms = 0, connections = 0;
    fail f = json_parse(&root, str_z(reply), &arena, why);
    if (!f)
        f = json_str(root, "error", false, &error, why);
    if (!f && !error.p)
        f = json_str(root, "reason", false, &error, why);
    if (!f && error.p)
        f = fail_set(why, FAIL_CONFLICT, "%.*s", STR_ARG(error));
    if (!f)
        f = json_str(root, "before", true, &before, why);
    if (!f)
        f = json_str(root, "after", true, &after, why);
    if (!f)
        f = json_i64(root, "ms", true, 0, INT64_MAX, &ms, why);
    if (!f)
        f = json_i64(root, "leaving_connections", true, 0, INT64_MAX, &connections, why);
    if (!f && is_json_wanted())
        fputs(reply, stdout);
    else if (!f)
        printf(
            "%.*s serves now, after %.*s, in %lld ms. %lld connections move over with their next "
            "reply.\n",
            STR_ARG(after), STR_ARG(before), (long long)ms, (long long)connections);
    arena_fini(&arena);
    return f;
}

int cmd_upgrade(int argc, char **argv)
{
    const char *given = NULL, *words[1];
    char line[UPGRADE_LINE_BYTES];
    size_t words_n;
    bool stop;
    struct why why;
    struct upgrade_order order = { 0 };
    const struct option options[] = { { "--data", &given, NULL },
                                      { "--binary", &order.binary, NULL } };
    int status = args_parse(argc, argv, options, COUNT(options), words, 0, &words_n, &stop);
    if (status || stop)
        return status;
    fail f = hall_dir(given, &order.dir, &why);
    if (!f)
        f = upgrade_order(&order, line, &why);
    if (!f)
        f = report(line, &why);
    return f ? complain(f, &why) : EXIT_DONE;
}
