/* admin.c - the operator's way into a hall, running or not; see cmd.h.
 *
 * The same requests go either over the admin socket or straight into the hall's code in this
 * process: a command never has two ways of doing a thing. */
#include "app/hall.h"
#include "cli/cmd.h"
#include "cli/define.h"
#include "codec/json.h"
#include "net/client.h"

#include <stdlib.h>
#include <unistd.h>

#define TRIES_MAX 120 /* of a reply that says: try again */

struct admin {
    struct client *client; /* a running hall; or */
    struct hall *hall;     /* our own, */
    bool looking;          /* which is to stay as it is */
    struct exchange exchange;
    struct chance chance;
};

static fail define_here(struct admin *admin, const char *dir, struct why *why)
{
    char path[4200];
    struct spec spec;
    struct arena arena = arena_make(8 * MIB);
    snprintf(path, sizeof(path), "%s/hall.yaml", dir);
    fail f = access(path, F_OK) == 0 ? spec_load(&spec, path, &arena, why) : FAIL_MISSING;
    if (!f)
        f = define_exams(admin->hall, &spec, why);
    arena_fini(&arena);
    return f == FAIL_MISSING ? FAIL_NONE : f; /* a hall may be served with --spec from elsewhere */
}

static fail open_here(struct admin *admin, const char *dir, struct why *why)
{
    chance_real_init(&admin->chance);
    struct hall_opts opts = {
        .dir = dir,
        .files = files_real(),
        .chance = &admin->chance,
        .reading = admin->looking,
        .version = version(),
    };
    fail f = hall_open(&admin->hall, &opts, why);
    if (f)
        return f;
    if (!admin->looking)
        f = define_here(admin, dir, why);
    if (f)
        hall_close(admin->hall);
    else
        exchange_init(&admin->exchange);
    return f;
}

static fail open_any(struct admin **out, const char *dir, bool looking, struct why *why)
{
    char path[4096], url[4200];
    struct arena arena = arena_make(64 * KIB);
    struct client_reply reply;
    struct admin *admin = calloc(1, sizeof(*admin));
    must(admin);
    admin->looking = looking;
    snprintf(path, sizeof(path), "%s/run/admin.sock", dir);
    snprintf(url, sizeof(url), "unix:%s", path);
    fail f = FAIL_MISSING;
    if (access(path, F_OK) == 0) {
        struct client_opts opts = { .url = url,
                                    .timeout_ms = 120000,
                                    .reply_bytes_max = 256 * MIB };
        f = client_open(&admin->client, &opts, why);
        if (!f)
            f = client_request(admin->client, "GET", "/-/ready", NULL, 0, STR_NONE, &arena, &reply,
                               why);
        if (f) {
            client_close(admin->client);
            admin->client = NULL;
        }
    }
    if (f == FAIL_MISSING)
        f = open_here(admin, dir, why);
    arena_fini(&arena);
    if (f)
        free(admin);
    else
        *out = admin;
    return f;
}

fail admin_open(struct admin **admin, const char *dir, struct why *why)
{
    return open_any(admin, dir, false, why);
}

fail admin_look(struct admin **admin, const char *dir, struct why *why)
{
    return open_any(admin, dir, true, why);
}

bool admin_is_live(const struct admin *admin)
{
    return admin->client != NULL;
}

static fail fail_of_status(unsigned status)
{
    return status == 404   ? FAIL_MISSING
           : status == 409 ? FAIL_CONFLICT
           : status == 403 ? FAIL_FORBIDDEN
           : status == 503 ? FAIL_BUSY
           : status < 500  ? FAIL_INPUT
                           : FAIL_WORLD;
}

static fail problem(unsigned status, str body, struct arena *arena, struct why *why)
{
    struct json *root;
    str detail = STR_NONE;
    if (!json_parse(&root, body, arena, why) && !json_str(root, "detail", true, &detail, why))
        return fail_set(why, fail_of_status(status), "%.*s", STR_ARG(str_first(detail, 450)));
    return fail_set(why, fail_of_status(status), "the hall answered %u", status);
}

static fail call_once(struct admin *admin, const char *method, const char *target, str body,
                      struct arena *arena, unsigned *status, str *reply, struct why *why)
{
    if (admin->client) {
        struct client_reply got;
        fail f = client_request(admin->client, method, target, NULL, 0, body, arena, &got, why);
        *status = f ? 0 : got.status;
        *reply = f ? STR_NONE : got.body;
        return f;
    }
    while (!admin->looking && hall_tick(admin->hall))
        continue;
    *status = hall_call(admin->hall, &admin->exchange, method, target, STR_NONE, body, true);
    *reply = arena_str(arena, out_view(&admin->exchange.body));
    return FAIL_NONE;
}

fail admin_call(struct admin *admin, const char *method, const char *target, str body,
                struct arena *arena, str *reply, struct why *why)
{
    unsigned status = 0;
    fail f = FAIL_NONE;
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        f = call_once(admin, method, target, body, arena, &status, reply, why);
        if (f || status != 503)
            break;
        usleep(admin->client ? 500000 : 1000);
    }
    if (f || (status >= 200 && status < 300))
        return f;
    return problem(status, *reply, arena, why);
}

void admin_close(struct admin *admin)
{
    struct why why;
    if (!admin)
        return;
    client_close(admin->client);
    if (admin->hall) {
        if (!admin->looking)
            fail_ignore(hall_checkpoint(admin->hall, &why),
                        "the log is complete; the next start replays it");
        hall_close(admin->hall);
        exchange_fini(&admin->exchange);
    }
    free(admin);
}
