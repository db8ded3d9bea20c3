/* health.c - what a gateway says of itself to whoever asks by probes: a load balancer, Kubernetes.
 *
 * Live and started: it answers. Ready: the hall has answered once, and the supervisor has not been
 * told to end. Not more: a gateway holds what is asked while the hall is replaced, and if it were
 * called not ready then, all gateways would be, and candidates would be turned away by the balancer
 * instead of being held. Until the hall has answered once a probe of readiness is sent to it as any
 * request, so a gateway that cannot reach the hall (a wrong address or key) never becomes ready,
 * and a rollout of such ones stops at the first. */
#include "net/reactor.h"

bool health_knows_ready(const struct reactor *reactor)
{
    const struct gateway_stats *stats = reactor->opts->stats;
    return atomic_load_explicit(&stats->draining, memory_order_relaxed) ||
           atomic_load_explicit(&stats->hall_seen, memory_order_relaxed);
}

void health_hall_seen(const struct reactor *reactor)
{
    struct gateway_stats *stats = reactor->opts->stats;
    if (!atomic_load_explicit(&stats->hall_seen, memory_order_relaxed))
        atomic_store_explicit(&stats->hall_seen, 1, memory_order_relaxed);
}

static void reply(struct reactor *reactor, uint32_t number, const char *type, str body)
{
    struct out head = out_make(KIB);
    out_fmt(&head,
            "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n",
            type, body.n);
    must(!head.failed);
    bool bodiless = conn_at(reactor, number)->flags & CONN_HEAD;
    conn_reply(reactor, number, 200, out_view(&head), bodiless ? STR_NONE : body, false);
    out_fini(&head);
}

static void metrics_reply(struct reactor *reactor, uint32_t number)
{
    struct out body = out_make(MIB);
    gateway_stats_write(reactor->opts->stats, &body);
    if (body.failed)
        problem_reply(reactor, number, 503, "There is no memory for the metrics now.");
    else
        reply(reactor, number, "text/plain; version=0.0.4", out_view(&body));
    out_fini(&body);
}

static bool is_read(const struct http_head *head)
{
    return str_eq(head->method, STR("GET")) || str_eq(head->method, STR("HEAD"));
}

void health_reply(struct reactor *reactor, uint32_t number, const struct http_head *head)
{
    if (!is_read(head))
        problem_reply(reactor, number, 405, "This can only be read: use GET.");
    else if (str_eq(head->path, STR("/-/live")))
        reply(reactor, number, "application/json", STR("{\"live\":true}"));
    else if (str_eq(head->path, STR("/-/started")))
        reply(reactor, number, "application/json", STR("{\"started\":true}"));
    else if (atomic_load_explicit(&reactor->opts->stats->draining, memory_order_relaxed))
        problem_reply(reactor, number, 503, "This gateway is about to end; ask another one.");
    else
        reply(reactor, number, "application/json", STR("{\"status\":\"ok\"}"));
}

bool probe_reply(struct reactor *reactor, uint32_t number, const struct http_head *head)
{
    str path = head->path;
    if (str_eq(path, STR("/-/ready")) && is_read(head) && !health_knows_ready(reactor))
        return false;
    if (str_eq(path, STR("/metrics")) && is_read(head))
        metrics_reply(reactor, number);
    else if (str_eq(path, STR("/-/live")) || str_eq(path, STR("/-/started")) ||
             str_eq(path, STR("/-/ready")))
        health_reply(reactor, number, head);
    else
        problem_reply(reactor, number, 404, "Only probes and /metrics are answered here.");
    return true;
}
