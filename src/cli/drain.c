/* drain.c - how a gateway that stands alone ends, so that no request fails and no candidate
 * notices.
 *
 * Told to end, it is not ready any more, but still takes connections: a load balancer takes a while
 * to look elsewhere (`--drain-delay`). Then it leaves, as in an upgrade: it takes nothing new, and
 * closes each connection right after a reply that says so. Who has not asked until the time is over
 * (`--drain`, from the first moment on) is closed while idle. docs/adr/0018. */
#include "cli/supervisor_internal.h"
#include "sys/note.h"

#include <signal.h>
#include <unistd.h>

/* What then is still in flight gets its replies in this time: the gateway's drain_ms, and a bit. */
#define STOP_MS 10000

static void wait_until(struct supervisor *s, int64_t until_ms)
{
    struct why why;
    while (s->gateway.pid && supervisor_now_ms() < until_ms) {
        fail_ignore(children_reap(s, &why), "we are ending anyhow");
        usleep(20000);
    }
}

void drain(struct supervisor *s)
{
    int64_t began_ms = supervisor_now_ms(), delay_ms = s->opts->drain_delay_s * 1000;
    if (has_hall(s) || !s->gateway.pid || !s->opts->drain_s)
        return;
    atomic_store(&s->page->draining, 1);
    note("info", "gateway.drains", "\"delay_s\":%lld,\"at_most_s\":%lld",
         (long long)s->opts->drain_delay_s, (long long)s->opts->drain_s);
    wait_until(s, began_ms + delay_ms);
    s->gateway.told_to_end = true;
    if (s->gateway.pid)
        kill(s->gateway.pid, SIGUSR1);
    wait_until(s, began_ms + MAX(s->opts->drain_s * 1000 - STOP_MS, delay_ms));
    note("info", "gateway.drained", "\"ms\":%lld,\"connections\":%llu",
         (long long)(supervisor_now_ms() - began_ms),
         (unsigned long long)gateway_stats_connections(s->page));
}
