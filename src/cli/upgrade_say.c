/* upgrade_say.c - what the supervisor tells the command that asked for another program. It may have
 * gone away: nothing here waits for it, or fails. */
#include "cli/cmd.h"
#include "cli/supervisor_internal.h"
#include "codec/json_out.h"

#include <sys/socket.h>
#include <unistd.h>

static void say(int asker, struct out *out)
{
    out_z(out, "}\n");
    if (asker >= 0)
        fail_ignore(send(asker, out->p, out->n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0, "it went away");
    out_fini(out);
}

void upgrade_refuse(int asker, const char *reason)
{
    struct out out = out_make(2 * KIB);
    jo_open(&out, NULL, '{');
    jo_z(&out, "error", reason);
    say(asker, &out);
    close(asker);
}

static void say_watched(struct out *out, const struct upgrade *u)
{
    if (!u->ask.watch_s || !u->watch.before.ms)
        return;
    jo_open(out, "watched", '{');
    watch_json(out, "before", &u->watch.before);
    if (u->watch.after.ms)
        watch_json(out, "after", &u->watch.after);
    jo_close(out, '}');
}

void upgrade_say_step(const struct supervisor *s, const char *step)
{
    const struct upgrade *u = &s->upgrade;
    struct out out = out_make(4 * KIB);
    jo_open(&out, NULL, '{');
    jo_z(&out, "step", step);
    jo_i64(&out, "ms", supervisor_now_ms() - u->began_ms);
    if (u->failed[0])
        jo_z(&out, "reason", u->failed);
    say_watched(&out, u);
    say(u->asker, &out);
}

void upgrade_say_end(const struct supervisor *s)
{
    const struct upgrade *u = &s->upgrade;
    struct out out = out_make(4 * KIB);
    jo_open(&out, NULL, '{');
    jo_bool(&out, "deployed", !u->failed[0]);
    jo_bool(&out, "rolled_back", u->failed[0] && u->gateway_was_new);
    jo_str(&out, "reason", u->failed[0] ? str_z(u->failed) : STR_NONE);
    jo_z(&out, "before", u->failed[0] ? version() : s->previous.version);
    jo_z(&out, "after", version());
    jo_i64(&out, "ms", supervisor_now_ms() - u->began_ms);
    jo_i64(&out, "back_ms", u->failed[0] ? supervisor_now_ms() - u->step_ms : 0);
    jo_i64(&out, "leaving_gateways", s->leaving_count);
    jo_i64(&out, "leaving_connections", leaving_connections(s));
    say_watched(&out, u);
    say(u->asker, &out);
    if (u->asker >= 0)
        close(u->asker);
}
